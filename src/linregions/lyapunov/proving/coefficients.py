"""Coefficients of `p = sum_k w_k F_k` on many simplices, for polynomials F_k."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np

from .bernstein import TINY, UNIT, Plan, plan_of
from .simplices import rounded

Array = np.ndarray[Any, Any]
SMALL = 2.0**-900  # products of float64 numbers above it lose nothing but their relative rounding error


@dataclass(frozen=True)
class Batch:
    """Coefficients of m simplices, (T, m): values, bounds of their errors, and remainders (None for none).

    The powers are those of y - centre: `centres` (m, q), with bounds `lost` of their errors. `settled[i]` is False
    where F_k could not be enclosed, `last[i]` says that there is no smaller box to try.
    """

    plan: Plan
    values: Array
    slack: Array | None
    radii: Array | None = None
    centres: Array | None = None
    lost: Array | None = None
    settled: Array | None = None
    last: Array | None = None


@dataclass(frozen=True)
class ExactBatch:
    """The same in Python integers up to positive factors: values, radii (T, m), homogeneous centres (m, q+1)."""

    plan: Plan
    values: Array
    radii: Array | None = None
    centres: Array | None = None


class PolynomialTerms:
    """Exact polynomials `F_k = sum_a c_{k,a} y^a` with their monomials in common."""

    rounds = 1
    taylor = None

    def __init__(self, polynomials: Sequence[Mapping[tuple[int, ...], Fraction]], coordinates: int):
        exponents = sorted({tuple(a) for p in polynomials for a, c in p.items() if c}, key=lambda a: (sum(a), a))
        self.exponents = exponents or [(0,) * coordinates]
        self.plan = plan_of(self.exponents)
        self.degree = self.plan.degree
        self.table = [[Fraction(p.get(a, 0)) for a in self.exponents] for p in polynomials]
        scale = lcm(1, *(c.denominator for row in self.table for c in row))
        self.integers = [[int(c * scale) for c in row] for row in self.table]
        self.numbers, self.lost = (t.tolist() for t in rounded(self.table))

    def floats(self, values: Array, errors: Array, **_: Any) -> Batch:
        """Coefficients `sum_k w_k c_{k,a}` for weights (m, K) with errors."""
        m = len(values)
        out, slack = np.zeros((len(self.exponents), m)), np.zeros((len(self.exponents), m))
        for t in range(len(self.exponents)):
            used = [k for k, row in enumerate(self.table) if row[t]]
            share = (len(used) + 3) * UNIT
            if len(used) == 1 and _power_of_two(self.table[used[0]][t]):
                share = 0.0
            for k in used:
                number, lost = self.numbers[k][t], self.lost[k][t]
                with np.errstate(all="ignore"):  # what overflows has an infinite bound, or none
                    term = number * values[:, k]
                    out[t] += term
                    slack[t] += (abs(number) + lost) * errors[:, k] * (1 + 4 * UNIT)
                    slack[t] += (share * abs(number) + lost) * np.abs(values[:, k]) * 2
                slack[t] += underflow(term, values[:, k]) + underflow(0.0, errors[:, k])
        return Batch(self.plan, out, slack if slack.any() else None)

    def exact(self, weights: Sequence[Sequence[Fraction]], **_: Any) -> ExactBatch:
        """The coefficients of the simplices with these weights, as integers."""
        scaled = np.array([integers(row) for row in weights], dtype=object).reshape(len(weights), -1)
        out = np.zeros((len(self.exponents), len(weights)), dtype=object)
        for k, row in enumerate(self.integers):
            for t, c in enumerate(row):
                if c:
                    out[t] += c * scaled[:, k]
        return ExactBatch(self.plan, out)

    def value(self, weights: Sequence[Fraction], vertex: Sequence[int]) -> tuple[Fraction, Fraction]:
        """`p` at a homogeneous integer point, as an interval of one number."""
        point = [Fraction(c, vertex[-1]) for c in vertex[:-1]]
        total = Fraction(0)
        for t, exponent in enumerate(self.exponents):
            factor = sum((w * row[t] for w, row in zip(weights, self.table, strict=True)), Fraction(0))
            for c, power in zip(point, exponent, strict=True):
                factor *= c**power
            total += factor
        return total, total


def underflow(product: Any, factor: Array) -> Array:
    """What underflow can take from a product and the bound of its error: nothing where it is large or a factor is 0.

    The other factor is known not to be 0.
    """
    return np.where((factor != 0) & (np.abs(product) < SMALL), 16 * TINY, 0.0)


def _power_of_two(value: Fraction) -> bool:
    """Whether multiplying a float64 by this number never rounds (overflow and underflow aside)."""
    n, d = abs(value.numerator), value.denominator
    return n & (n - 1) == 0 and d & (d - 1) == 0 and n < 2**60 and d < 2**60


def integers(row: Sequence[Fraction]) -> list[int]:
    """The row times the least positive integer that makes it integral."""
    scale = lcm(1, *(w.denominator for w in row))
    return [w.numerator * (scale // w.denominator) for w in row]
