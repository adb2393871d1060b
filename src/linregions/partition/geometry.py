"""Points and determinants in rational arithmetic."""

from __future__ import annotations

from fractions import Fraction
from typing import Any


def homogeneous(rows: list[list[str]], dim: int) -> list[list[Fraction]]:
    """Finite points from integer rows `[X..., w]` in hexadecimal."""
    values = [[int(v, 16) for v in row] for row in rows]
    return [[Fraction(v, row[dim]) for v in row[:dim]] for row in values]


def interior_point(shape: dict[str, Any], dim: int, inside: Any) -> list[Fraction]:
    """The mean of a region's exact vertices, those at infinity taken far enough out to lie inside."""
    points = [[int(v, 16) for v in row] for row in shape["exact"]]
    reach = Fraction(1)
    while True:
        total = [Fraction(0)] * dim
        for p in points:
            growth = p[dim + 1 :] or [0] * dim
            for k in range(dim):
                total[k] += (p[k] + growth[k] * reach) / Fraction(p[dim])
        mean = [t / len(points) for t in total]
        if not any(shape["far"]) or inside(mean):
            return mean
        reach *= 64


def determinant(rows: list[list[Fraction]]) -> Fraction:
    """Exact determinant (fraction-free, by FLINT)."""
    from flint import fmpq, fmpq_mat

    matrix = fmpq_mat([[fmpq(v.numerator, v.denominator) for v in row] for row in rows])
    value = matrix.det()
    return Fraction(int(value.p), int(value.q))
