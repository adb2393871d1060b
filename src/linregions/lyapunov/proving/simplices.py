"""What `prove` is given: simplices, the constants of their cells, and sets where nothing is claimed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ...exact import nearest_float

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Simplices:
    """m simplices with n+1 vertices each, in q coordinates, the first n of which are x.

    Args:
        points: (m, n+1, q) float64.
        errors: (m, n+1, q) bounds of their errors; 0 where a float is the coordinate itself.
        exact: gives the n+1 vertices of one simplex as integers `[Y_1, ..., Y_q, w]`, w > 0.
        origin: (m,) position of the vertex 0 in each simplex, -1 where it has none or p(0) = 0 is not known.
    """

    points: Array
    errors: Array
    exact: Callable[[int], Sequence[Sequence[int]]]
    origin: Array

    @property
    def count(self) -> int:
        """How many simplices."""
        return len(self.points)

    def __repr__(self) -> str:
        m, v, q = self.points.shape
        return f"Simplices(count={m}, vertices={v}, coordinates={q})"


@dataclass(frozen=True)
class Weights:
    """The constants `w_1, ..., w_K` of each simplex: values and error bounds (m, K), exact rationals of one."""

    values: Array
    errors: Array
    exact: Callable[[int], Sequence[Fraction]]

    def __repr__(self) -> str:
        return f"Weights(count={len(self.values)}, forms={self.values.shape[1]})"


def simplices_of(vertices: Sequence[Sequence[Sequence[Fraction]]]) -> Simplices:
    """Simplices from exact vertices.

    Args:
        vertices: m simplices of n+1 points of q rational coordinates.

    >>> simplices_of([[(0, 0), (1, 0), (0, Fraction(1, 3))]])
    Simplices(count=1, vertices=3, coordinates=2)
    """
    exact = [[[Fraction(c) for c in vertex] for vertex in simplex] for simplex in vertices]
    flat = rounded([vertex for simplex in exact for vertex in simplex])
    points, errors = (table.reshape(len(exact), len(exact[0]), -1) for table in flat)
    n = points.shape[1] - 1
    origin = [next((i for i, v in enumerate(s) if not any(v[:n])), -1) for s in exact]

    def rows(i: int) -> list[list[int]]:
        return [homogeneous(vertex) for vertex in exact[i]]

    return Simplices(points, errors, rows, np.array(origin, dtype=np.int64))


def homogeneous(point: Sequence[Fraction]) -> list[int]:
    """Integers `[Y_1, ..., Y_q, w]` with `point = Y / w`, w > 0."""
    from math import lcm

    w = lcm(1, *(c.denominator for c in point))
    return [c.numerator * (w // c.denominator) for c in point] + [w]


def weights_of(rows: Sequence[Sequence[Fraction]]) -> Weights:
    """Weights from exact rationals, (m, K)."""
    exact = [[Fraction(w) for w in row] for row in rows]
    return Weights(*rounded(exact), exact.__getitem__)


def rounded(table: Sequence[Sequence[Fraction]]) -> tuple[Array, Array]:
    """Nearest floats, and bounds of their errors: 0 with the bound infinity for what float64 cannot hold.

    >>> [column.tolist() for column in rounded([[Fraction(1, 2), Fraction(10) ** 400]])]
    [[[0.5, 0.0]], [[0.0, inf]]]
    """
    floats = np.array([[nearest_float(c) for c in row] for row in table], dtype=float)
    fits = np.isfinite(floats)
    floats[~fits] = 0.0
    same = [[Fraction(f) == c for f, c in zip(*pair, strict=True)] for pair in zip(floats.tolist(), table, strict=True)]
    errors = np.where(np.array(same, dtype=bool), 0.0, np.spacing(np.abs(floats)))
    return floats, np.where(fits, errors, np.inf)


@dataclass(frozen=True)
class Ball:
    """The closed ball `|x| <= radius`."""

    radius: Fraction

    def holds(self, vertex: Sequence[int], dim: int) -> bool:
        """Whether the homogeneous integer point lies in the ball."""
        r = Fraction(self.radius)
        squares = sum(c * c for c in vertex[:dim])
        return squares * r.denominator**2 <= (r.numerator * vertex[-1]) ** 2

    def margin(self, points: Array, errors: Array) -> tuple[Array, Array]:
        """`|x|^2 - r^2` of points (..., n), and a bound of its error."""
        r = nearest_float(Fraction(self.radius))
        wide = (np.abs(points) + errors) ** 2
        value = (points**2).sum(axis=-1) - r * r
        spread = (wide - points**2).sum(axis=-1)
        return value, spread + (wide.sum(axis=-1) + r * r) * ((points.shape[-1] + 16) * 2.0**-53) + 2.0**-1000


@dataclass(frozen=True)
class Rows:
    """The closed polytope `H x <= h`: each row is `(H_1, ..., H_n, h)`, rationals."""

    rows: Sequence[Sequence[Fraction]]

    def holds(self, vertex: Sequence[int], dim: int) -> bool:
        """Whether the homogeneous integer point lies in the polytope."""
        return all(
            sum(Fraction(a) * c for a, c in zip(row[:dim], vertex[:dim], strict=True))
            <= Fraction(row[dim]) * vertex[-1]
            for row in self.rows
        )

    def margin(self, points: Array, errors: Array) -> tuple[Array, Array]:
        """`max_i H_i x - h_i` of points (..., n), and a bound of its error."""
        table = np.array([[nearest_float(Fraction(a)) for a in row] for row in self.rows], dtype=float)
        normals, limits = table[:, :-1], table[:, -1]
        value = (points @ normals.T - limits).max(axis=-1)
        wide = ((np.abs(points) + errors) @ np.abs(normals).T + np.abs(limits)).max(axis=-1)
        spread = (errors @ np.abs(normals).T).max(axis=-1)
        return value, spread * (1 + 2.0**-40) + wide * ((points.shape[-1] + 16) * 2.0**-52) + 2.0**-1000


def inside_vertices(region: Ball | Rows, points: Array, errors: Array, exact: Callable[[int], Any]) -> Array:
    """Which vertices of simplices (m, n+1, q) lie in the set, (m, n+1) bool: floats decide where their bound lets them.

    `exact(i)` gives the integer vertices of simplex i.
    """
    dim = points.shape[1] - 1
    with np.errstate(all="ignore"):
        value, doubt = region.margin(points[..., :dim], errors[..., :dim])
        held = value < -doubt
        unsure = ~held & ~(value > doubt)
    for i in np.flatnonzero(unsure.any(axis=1)):
        rows = exact(int(i))
        for j in np.flatnonzero(unsure[i]):
            held[i, j] = region.holds(rows[j], dim)
    return held
