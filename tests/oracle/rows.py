"""Affine functions as rows `[a_1, ..., a_d, c]` of rationals: the function t -> a.t + c."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from flint import fmpq, fmpz

Row = list[fmpq]
ZERO, ONE = fmpq(0), fmpq(1)


def rational(value: float) -> fmpq:
    """The number that a float is, exactly."""
    return fmpq(*float(value).as_integer_ratio())


def fraction(value: fmpq) -> Fraction:
    """The same number for the standard library."""
    return Fraction(int(value.p), int(value.q))


def value(row: Row, point: Sequence[fmpq]) -> fmpq:
    """The function at a point."""
    return sum((a * t for a, t in zip(row, point, strict=False)), row[-1])


def combine(coefficients: Sequence[fmpq], rows: Sequence[Row], constant: fmpq, width: int) -> Row:
    """The row of `sum coefficients[i] * rows[i] + constant`, for functions of `width - 1` variables."""
    out = [ZERO] * (width - 1) + [constant]
    for w, row in zip(coefficients, rows, strict=True):
        if w != 0:
            out = [a + w * b for a, b in zip(out, row, strict=True)]
    return out


def minus(row: Row, other: Row) -> Row:
    """The difference of two functions."""
    return [a - b for a, b in zip(row, other, strict=True)]


def shifted(row: Row, constant: fmpq) -> Row:
    """The function plus a constant."""
    return [*row[:-1], row[-1] + constant]


def is_constant(row: Row) -> bool:
    """Whether the function does not depend on the point."""
    return all(a == 0 for a in row[:-1])


def primitive(row: Row) -> Row:
    """The same half-space with coprime integers, which keeps the numbers short."""
    denominator = fmpz(1)
    for v in row:
        denominator = denominator.lcm(v.q)
    whole = [v.p * (denominator // v.q) for v in row]
    divisor = fmpz(0)
    for w in whole:
        divisor = divisor.gcd(w)
    return [fmpq(w, divisor) for w in whole]
