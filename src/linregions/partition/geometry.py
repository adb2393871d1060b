"""Points and determinants in rational arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any


def homogeneous(rows: list[list[str]], dim: int) -> list[list[Fraction]]:
    """Finite points from integer rows `[X..., w]` in hexadecimal."""
    values = [[int(v, 16) for v in row] for row in rows]
    return [[Fraction(v, row[dim]) for v in row[:dim]] for row in values]


def interior_point(shape: dict[str, Any], dim: int, inside: Any) -> list[Fraction]:
    """The mean of dim + 1 vertices in general position, those at infinity taken far enough out to lie inside.

    All vertices would do as well, but the sum of hundreds of fractions has a denominator as long as all of theirs.  An
    engine without vertices gives one point, which is inside already.
    """
    points = [[int(v, 16) for v in row] for row in shape["exact"]]
    wanted = 1 if len(points) == 1 else dim + 1
    reach = Fraction(1)
    while True:
        corners = _independent(_placed(points, dim, reach), dim)
        if len(corners) == wanted:
            mean = [sum(c, Fraction(0)) / wanted for c in zip(*corners, strict=True)]
            if not any(shape["far"]) or inside(mean):
                return mean
        reach *= 64 * reach


def _placed(points: list[list[int]], dim: int, reach: Fraction) -> Iterator[list[Fraction]]:
    for p in points:
        growth = p[dim + 1 :] or [0] * dim
        yield [(p[k] + growth[k] * reach) / Fraction(p[dim]) for k in range(dim)]


def _independent(points: Iterator[list[Fraction]], dim: int) -> list[list[Fraction]]:
    """The first points that are affinely independent, at most dim + 1."""
    chosen = [next(points)]
    reduced: list[tuple[int, list[Fraction]]] = []  # pivot column, row
    for point in points:
        row = [a - b for a, b in zip(point, chosen[0], strict=True)]
        for pivot, other in reduced:
            factor = row[pivot] / other[pivot]
            if factor:
                row = [a - factor * b for a, b in zip(row, other, strict=True)]
        pivot = next((k for k, v in enumerate(row) if v), None)
        if pivot is not None:
            reduced.append((pivot, row))
            chosen.append(point)
        if len(chosen) == dim + 1:
            break
    return chosen


def determinant(rows: list[list[Fraction]]) -> Fraction:
    """Exact determinant (fraction-free, by FLINT)."""
    from flint import fmpq, fmpq_mat

    matrix = fmpq_mat([[fmpq(v.numerator, v.denominator) for v in row] for row in rows])
    value = matrix.det()
    return Fraction(int(value.p), int(value.q))
