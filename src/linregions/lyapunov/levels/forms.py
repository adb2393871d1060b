"""What must be negative for x'Px to decrease: the derivative 2x'Pf(x), or the difference f(x)'Pf(x) - x'Px."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ..dynamics.polynomial import Polynomial

Exponent = tuple[int, ...]
# Coefficients in intervals: exponent -> (middle, radius).
Terms = dict[Exponent, tuple[Fraction, Fraction]]
Matrix = tuple[tuple[Fraction, ...], ...]
ZERO = Fraction(0)


@dataclass(frozen=True)
class Forms:
    """Exact polynomials, as `prove` takes them."""

    polynomials: tuple[Polynomial, ...]


def lie_form(P: Matrix, field: Sequence[Polynomial]) -> Forms:
    """x'Pf(x) for a polynomial field, half the derivative of x'Px along x' = f(x)."""
    return Forms((Polynomial(_exact(_lie(P, [_of(p) for p in field])), len(P)),))


def difference_form(P: Matrix, field: Sequence[Polynomial]) -> Forms:
    """f(x)'Pf(x) - x'Px for a polynomial map."""
    return Forms((Polynomial(_exact(_difference(P, [_of(p) for p in field])), len(P)),))


@dataclass(frozen=True)
class Enclosure:
    """Interval coefficients of polynomials in y - centre: exponents (N, n), middles and radii [K][N]."""

    centre: tuple[Fraction, ...]
    exponents: np.ndarray
    mid: list[list[Fraction]]
    rad: list[list[Fraction]]


@dataclass(frozen=True)
class QuadraticForms:
    """The same for a smooth field, enclosed box by box."""

    P: Matrix
    system: Any
    time: str

    @property
    def polynomials(self) -> None:
        """They are none."""
        return None

    def at(self, point: Sequence[Fraction]) -> list[tuple[Fraction, Fraction]]:
        """The value at a rational point, in an interval."""
        fields: list[Terms] = [{(0,) * len(point): ((a + b) / 2, (b - a) / 2)} for a, b in self.system.at(point)]
        make = _lie if self.time == "continuous" else _difference
        made = make(self.P, fields, point).get((0,) * len(point), (ZERO, ZERO))
        return [(made[0] - made[1], made[0] + made[1])]

    def enclosure(self, box: Any, centre: Sequence[Fraction], degree: int) -> Enclosure:
        """Interval coefficients on a box: a Taylor polynomial of the field, multiplied out.

        For every point of the box each coefficient takes some value in its interval, so products and sums of intervals
        enclose those of the fields.
        """
        # Products have degree `degree` + 1 at most, as a Taylor polynomial of that degree with its remainder has.
        inner = degree - 1 if self.time == "continuous" else (degree + 1) // 2 - 1
        given = self.system.enclosure(box, centre, max(inner, 0))
        places = [tuple(int(v) for v in row) for row in given.exponents]
        fields: list[Terms] = []
        for middles, radii in zip(given.mid, given.rad, strict=True):
            rows = zip(places, middles, radii, strict=True)
            fields.append({a: (Fraction(m), Fraction(r)) for a, m, r in rows if m or r})
        at = tuple(Fraction(v) for v in centre)
        made = _lie(self.P, fields, at) if self.time == "continuous" else _difference(self.P, fields, at)
        exponents = sorted({*made, (0,) * len(at)})
        table = np.array(exponents, dtype=np.int64)
        found = [made.get(a, (ZERO, ZERO)) for a in exponents]
        return Enclosure(at, table, [[m for m, _ in found]], [[r for _, r in found]])


def _of(polynomial: Polynomial) -> Terms:
    return {tuple(a): (Fraction(c), ZERO) for a, c in polynomial.terms.items()}


def _exact(terms: Mapping[Exponent, tuple[Fraction, Fraction]]) -> dict[Exponent, Fraction]:
    return {a: m for a, (m, _) in terms.items() if m}


def _lie(P: Matrix, fields: Sequence[Terms], centre: Sequence[Fraction] | None = None) -> Terms:
    """sum_k (Px)_k f_k."""
    total: Terms = {}
    for row, field in zip(P, fields, strict=True):
        _add(total, _product(_linear(row, centre), field), Fraction(1))
    return total


def _difference(P: Matrix, fields: Sequence[Terms], centre: Sequence[Fraction] | None = None) -> Terms:
    """sum_ij P_ij (f_i f_j - x_i x_j)."""
    n, total = len(P), Terms()
    state = [_linear([Fraction(int(i == k)) for i in range(n)], centre) for k in range(n)]
    for i in range(n):
        for j in range(i + 1):
            factor = P[i][j] * (1 if i == j else 2)
            if factor:
                _add(total, _product(fields[i], fields[j]), factor)
                _add(total, _product(state[i], state[j]), -factor)
    return total


def _linear(row: Sequence[Fraction], centre: Sequence[Fraction] | None) -> Terms:
    """row.x in powers of x - centre."""
    n = len(row)
    terms: Terms = {tuple(int(i == k) for i in range(n)): (c, ZERO) for k, c in enumerate(row) if c}
    constant = ZERO if centre is None else sum((c * v for c, v in zip(row, centre, strict=True)), ZERO)
    if constant:
        terms[(0,) * n] = (constant, ZERO)
    return terms


def _product(first: Terms, second: Terms) -> Terms:
    out: Terms = {}
    for a, (m, r) in first.items():
        for b, (n, s) in second.items():
            _add(
                out,
                {tuple(i + j for i, j in zip(a, b, strict=True)): (m * n, abs(m) * s + r * abs(n) + r * s)},
                Fraction(1),
            )
    return out


def _add(total: Terms, terms: Terms, factor: Fraction) -> None:
    for a, (m, r) in terms.items():
        middle, radius = total.get(a, (ZERO, ZERO))
        total[a] = (middle + factor * m, radius + abs(factor) * r)
