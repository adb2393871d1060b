"""The levels of a quadratic V = x'Px, and a piecewise linear V joined with one: each proves what the other cannot."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from .arithmetic import Row, dot, eliminate, fractions, integers, need
from .kernel import Proofs
from .levels import Levels


def quadratic(case: Any) -> list[list[Fraction]]:
    """P of V = x'Px."""
    need(all(len(m) == 2 for m in case.form), "the levels of a polynomial V are known for x'Px only")
    n = range(case.n)
    return [[case.form.get((min(i, j), max(i, j)), Fraction(0)) / (1 if i == j else 2) for j in n] for i in n]


def product_of(P: list[list[Fraction]], x: list[Fraction], y: list[Fraction]) -> Fraction:
    """The bilinear form of P at x and y."""
    return dot(x, [dot(row, y) for row in P])


def least(case: Any, rows: list[Row]) -> Fraction:
    """A lower bound of x'Px on a simplex: the least v'Pw over its corners v, w."""
    P, points = quadratic(case), [fractions(r)[: case.n] for r in rows]
    return min(product_of(P, x, y) for x in points for y in points)


def quadratic_level(case: Any, proofs: Proofs) -> Fraction:
    """The level rho of V = x'Px below which {V <= c} is in the domain and everything is proved on it.

    A side a.x + d >= 0 of the domain is met at the level d^2 / a'inv(P)a.
    """
    P = quadratic(case)
    scale = math.lcm(*(v.denominator for row in P for v in row))
    whole_P = [[int(v * scale) for v in row] for row in P]
    minors = [eliminate([row[: k + 1] for row in whole_P[: k + 1]])[0] for k in range(case.n)]
    need(all(minor > 0 for minor in minors), "P is not positive definite")
    lows = []
    for row in case.domain:
        *a, d = integers(row)[:-1]
        det, solved = eliminate([[*r, v] for r, v in zip(whole_P, a, strict=True)])
        across = sum(v * c[0] for v, c in zip(a, solved, strict=True))
        lows += [Fraction(d * d * det, across * scale)] if across else []
    return min([*lows, *(least(case, rows) for _, rows in proofs.open)])


def reach(levels: Levels, inner: Any, c1: Fraction, c2: Fraction) -> Fraction:
    """The largest x'Px on {V <= c1} in the component of {V < c2}: at corners, and where V = c1 on edges."""
    P, best, mesh = quadratic(inner), Fraction(0), levels.mesh
    for s in mesh.simplices:
        if min(levels.joins[v] for v in s) < c2:
            points = [(fractions(mesh.points[v]), levels.V[v]) for v in s]
            low = [(x, a) for x, a in points if a <= c1]
            ends = [x for x, _ in low]
            for x, a in low:
                for y, b in points:
                    if b > c1:
                        t = (c1 - a) / (b - a)
                        ends.append([p + t * (q - p) for p, q in zip(x, y, strict=True)])
            best = max([best, *(product_of(P, x, x) for x in ends)])
    return best
