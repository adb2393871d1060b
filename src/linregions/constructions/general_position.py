"""Hyperplanes in general position with few-digit coefficients, for the whole space or with all vertices in a cube."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from ..errors import InputError


def moment_hyperplanes(hyperplanes: int, dim: int) -> list[list[Fraction]]:
    """Rows `[t^0, ..., t^(d-1), t^d]` (normal, offset) for different t in [-1, 1]: general position by Vandermonde.

    Any d of the normals are independent and no d + 1 of the hyperplanes share a point.  A point on all of d hyperplanes
    holds the coefficients of the polynomial with the roots t, so `|x_k| <= C(d, k)`: every vertex lies in the cube
    (-2^d, 2^d)^d.  The parameters have as few binary digits as there can be, so that t^d is a float64.
    """
    return [[t**k for k in range(dim + 1)] for t in itertools.islice(_parameters(), hyperplanes)]


def modular_hyperplanes(hyperplanes: int, dim: int) -> list[list[Fraction]]:
    """Rows `[t^0, ..., t^d]` (normal, offset) modulo a prime p >= their number, for t = 0, 1, ...: small integers.

    Any d + 1 rows are a Vandermonde matrix modulo p, so their determinant is no multiple of p and the rows are
    independent; so are any d normals.  Vertices may lie anywhere: for the whole space alone.
    """
    p = _prime(hyperplanes)
    rows = [[pow(t, k, p) for k in range(dim + 1)] for t in range(hyperplanes)]
    return [[Fraction(v if 2 * v <= p else v - p) for v in row] for row in rows]


def in_cube(hyperplanes: int, dim: int, side: int | Fraction) -> list[list[Fraction]]:
    """Rows (normal, offset) in general position whose vertices lie in the cube (0, side)^d, so all cells meet it.

    The moment hyperplanes, after x = 2^d (2 v / side - 1).
    """
    scale = Fraction(2**dim)
    out = []
    for row in moment_hyperplanes(hyperplanes, dim):
        normal = [a * scale for a in row[:-1]]
        out.append([*(2 * a / Fraction(side) for a in normal), row[-1] - sum(normal)])
    return out


def _prime(least: int) -> int:
    """The smallest prime that is at least so much."""
    return next(p for p in itertools.count(max(least, 2)) if all(p % q for q in range(2, math.isqrt(p) + 1)))


def _parameters() -> Iterator[Fraction]:
    """1, -1, 1/2, -1/2, ..., shortest first: odd / 2^b for b = 0, 1, ..."""
    yield Fraction(1)
    yield Fraction(-1)
    for b in itertools.count(1):
        for odd in range(1, 2**b, 2):
            yield Fraction(odd, 2**b)
            yield Fraction(-odd, 2**b)


def exact_array(rows: list[list[Fraction]] | list[Fraction], what: str) -> np.ndarray:
    """The rationals as float64, each exactly; refuses what no float64 is."""
    flat = [v for row in rows for v in (row if isinstance(row, list) else [row])]
    for v in flat:
        if abs(v) > 2**1000 or Fraction(float(v)) != v:
            raise InputError(
                f"{what}: these sizes need more binary digits than a float64 has; take fewer units, inputs or layers"
            )
    if rows and isinstance(rows[0], list):
        return np.array([[float(v) for v in row] for row in rows if isinstance(row, list)])
    return np.array([float(v) for v in flat])
