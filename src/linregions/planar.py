"""Domains of dimension 2: their exact corners, and orthonormal coordinates of the plane that they lie in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from .checks import shown
from .errors import InputError
from .exact import dot

if TYPE_CHECKING:
    from .domain import Domain

Point = tuple[Fraction, Fraction]


def exact_corners(domain: Domain) -> tuple[Point, ...]:
    """The corners of a bounded domain of dimension 2, in domain coordinates, counter-clockwise.

    They are the points where two of its lines meet and no half-space is left, as rational numbers; `Domain.corners`
    keeps them.

    Raises:
        InputError: the domain has another dimension.

    Example:
        >>> from linregions import Polytope
        >>> [tuple(map(int, c)) for c in exact_corners(Polytope([[1, 1], [-1, 0], [0, -1], [1, 0]], [1, 0, 0, 5]))]
        [(0, 0), (1, 0), (0, 1)]
    """
    if domain.dim != 2:
        raise InputError(f"domain: expected one of dimension 2, got {shown(domain)}; a Plane slices any network")
    rows = domain.halfspaces
    found: set[Point] = set()
    for a, b in combinations(rows, 2):
        bottom = a[0] * b[1] - a[1] * b[0]
        if bottom:
            point = ((a[1] * b[2] - b[1] * a[2]) / bottom, (b[0] * a[2] - a[0] * b[2]) / bottom)
            if all(dot(row[:-1], point) + row[-1] >= 0 for row in rows):
                found.add(point)
    return tuple(_around(sorted(found)))


def exact_area(corners: Sequence[Point]) -> Fraction:
    """Area of a polygon with rational corners, counter-clockwise."""
    pairs = zip(corners, (*corners[1:], *corners[:1]), strict=True)
    return sum((x * v - u * y for (x, y), (u, v) in pairs), Fraction(0)) / 2


def orthonormal(domain: Domain) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Orthonormal coordinates s of the plane of a domain of dimension 2: `x = basis @ s + origin` and `s = turn @ t`.

    For a `Plane` through p, q, r the first axis points from p to q and p is the origin; for a domain that is all of
    the input space they are the inputs themselves.  `Domain.orthonormal` keeps them.

    Returns:
        basis (inputs, 2) with orthonormal columns, origin (inputs,), turn (2, 2).

    Example:
        >>> from linregions import Plane
        >>> basis, origin, turn = orthonormal(Plane.through([0, 0, 5], [2, 0, 5], [1, 3, 5]))
        >>> basis.T.tolist(), origin.tolist(), turn.tolist()
        ([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [0.0, 0.0, 5.0], [[2.0, 1.0], [0.0, 3.0]])
    """
    rows = domain.embedding
    if rows is None:
        return np.eye(2), np.zeros(2), np.eye(2)
    matrix = np.array([[float(v) for v in row] for row in rows])
    first, second = matrix[:, 0], matrix[:, 1]
    u = first / np.linalg.norm(first)
    # Twice: what rounding leaves of the first direction in the second goes with the second pass.
    rest = second - float(u @ second) * u
    rest -= float(u @ rest) * u
    exact = [row[0] for row in rows], [row[1] for row in rows]
    (uu, uv), vv = (dot(exact[0], v) for v in exact), dot(exact[1], exact[1])
    # From the exact Gram matrix, so that a plane through nearly collinear points loses nothing.
    turn = np.array([[math.sqrt(uu), float(uv) / math.sqrt(uu)], [0.0, math.sqrt((uu * vv - uv * uv) / uu)]])
    return np.stack([u, rest / np.linalg.norm(rest)], axis=1), matrix[:, 2], turn


def _around(points: list[Point]) -> list[Point]:
    """The corners of the convex hull of sorted points, counter-clockwise (Andrew's monotone chain)."""

    def half(ordered: list[Point]) -> list[Point]:
        chain: list[Point] = []
        for p in ordered:
            while len(chain) > 1 and _turn(chain[-2], chain[-1], p) <= 0:
                chain.pop()
            chain.append(p)
        return chain[:-1]

    return half(points) + half(points[::-1])


def _turn(a: Point, b: Point, c: Point) -> Fraction:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
