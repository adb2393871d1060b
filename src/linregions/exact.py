"""Rational arithmetic for the decisions that floating point may not take."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction

Row = list[Fraction]


def fractions(values: Iterable[float]) -> Row:
    """The numbers that the floats are, exactly."""
    return [Fraction(float(v)) for v in values]


def dot(coefficients: Sequence[Fraction], point: Sequence[Fraction]) -> Fraction:
    """Exact inner product."""
    return sum((a * b for a, b in zip(coefficients, point, strict=True)), Fraction(0))


def scaled_integers(rows: Sequence[Sequence[Fraction]]) -> tuple[list[list[int]], int]:
    """Integers `n` and one positive `scale` with `rows[i][j] == n[i][j] / scale`."""
    scale = math.lcm(1, *(v.denominator for row in rows for v in row))
    return [[v.numerator * (scale // v.denominator) for v in row] for row in rows], scale


def rank(rows: Sequence[Sequence[Fraction]]) -> int:
    """Exact rank of a rational matrix (fraction-free elimination by FLINT)."""
    from flint import fmpz_mat

    if not rows or not rows[0]:
        return 0
    integers, _ = scaled_integers(rows)
    return int(fmpz_mat(integers).rank())


def pivot_columns(rows: Sequence[Sequence[int]]) -> list[int]:
    """Indices of columns that form a basis of an integer matrix's column space (exact elimination by FLINT)."""
    from flint import fmpz_mat

    reduced, _, size = fmpz_mat([list(map(int, row)) for row in rows]).rref()
    table = reduced.table()
    return [next(k for k, v in enumerate(table[i]) if v != 0) for i in range(size)]


def null_space(rows: Sequence[Sequence[Fraction]], dim: int) -> list[list[Fraction]]:
    """A basis of the directions that all rows map to 0."""
    from flint import fmpq, fmpq_mat

    if not rows:
        return [[Fraction(int(i == j)) for j in range(dim)] for i in range(dim)]
    reduced, size = fmpq_mat([[fmpq(v.numerator, v.denominator) for v in row] for row in rows]).rref()
    table = [[Fraction(int(reduced[i, j].p), int(reduced[i, j].q)) for j in range(dim)] for i in range(size)]
    pivots = [next(j for j, v in enumerate(row) if v) for row in table]
    out = []
    for free in (j for j in range(dim) if j not in pivots):
        line = [Fraction(int(j == free)) for j in range(dim)]
        for row, j in zip(table, pivots, strict=True):
            line[j] = -row[free]
        out.append(line)
    return out


def inverse(rows: Sequence[Sequence[Fraction]]) -> tuple[tuple[Fraction, ...], ...]:
    """Exact inverse of a square rational matrix.

    Raises:
        ZeroDivisionError: it has none.
    """
    from flint import fmpq, fmpq_mat

    table = fmpq_mat([[fmpq(v.numerator, v.denominator) for v in row] for row in rows]).inv().table()
    return tuple(tuple(Fraction(int(v.p), int(v.q)) for v in row) for row in table)


def nearest_float(value: Fraction) -> float:
    """Nearest float64; infinite beyond the largest one."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
