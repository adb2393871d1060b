"""Exact volume of a sub-level set: a sum over simplices, each cut by one level of an affine function."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise

Rows = Sequence[Sequence[int]]


def simplex_volume(rows: Rows) -> Fraction:
    """Volume of a simplex whose n + 1 vertices are homogeneous integers `[X_1, ..., X_n, w]`, w > 0.

    |det| / (n! w_0 ... w_n).

    Example:
        >>> simplex_volume([[0, 0, 1], [1, 0, 2], [0, 1, 1]])
        Fraction(1, 4)
    """
    from flint import fmpz_mat

    size = abs(int(fmpz_mat([list(map(int, row)) for row in rows]).det()))
    return Fraction(size, math.factorial(len(rows) - 1) * math.prod(int(row[-1]) for row in rows))


def share_below(values: Sequence[Fraction], level: Fraction) -> Fraction:
    """Share of a simplex's volume on which an affine function with these vertex values is at most `level`.

    The value of the function at a uniform point has the density of a B-spline whose knots are the vertex values, so
    the share is (-1)^n times the divided difference of t -> max(level - t, 0)^n over the n + 1 values, where equal
    values take derivatives.

    Args:
        values: the n + 1 vertex values, in any order, repeated or not.
        level: the level.

    Returns:
        A rational number from 0 to 1.

    Source:
        Curry, Schoenberg 1966 (a B-spline is the shadow of a simplex).

    Example:
        >>> share_below([Fraction(0), Fraction(1), Fraction(1)], Fraction(1, 2))
        Fraction(1, 4)
    """
    nodes = sorted(values)
    n = len(nodes) - 1
    if nodes[-1] <= level:
        return Fraction(1)
    if nodes[0] >= level:
        return Fraction(0)
    # Column k of the table holds the differences over k + 1 neighbours; only the last one can span unequal ends alone,
    # so no derivative of order n is ever taken: it would not be continuous.
    column = [max(level - t, Fraction(0)) ** n for t in nodes]
    for k in range(1, n + 1):
        following = []
        for i, (a, b) in enumerate(pairwise(column)):
            gap = nodes[i + k] - nodes[i]
            following.append((b - a) / gap if gap else _derivative(level - nodes[i], n, k))
        column = following
    return column[0] if n % 2 == 0 else -column[0]


def _derivative(above: Fraction, n: int, k: int) -> Fraction:
    """The k-th derivative of t -> max(level - t, 0)^n over k!, k < n, where level - t is `above`."""
    return (-1) ** k * math.comb(n, k) * max(above, Fraction(0)) ** (n - k)


def volume_below(pieces: Iterable[tuple[Rows, Sequence[Fraction] | None]], level: Fraction) -> Fraction:
    """Volume of {V <= level} over simplices: pairs of homogeneous vertex rows and exact values of V there.

    No values stand for a simplex that counts as a whole.

    Example:
        >>> square = [([[0, 0, 1], [1, 0, 1], [1, 1, 1]], [0, 1, 2]), ([[0, 0, 1], [0, 1, 1], [1, 1, 1]], [0, 1, 2])]
        >>> volume_below(square, Fraction(1))
        Fraction(1, 2)
    """
    from flint import fmpq

    total = fmpq(0)  # its sums take a tenth of the time of those of Fraction
    for rows, values in pieces:
        share = Fraction(1) if values is None else share_below([Fraction(v) for v in values], level)
        if share:
            size = share * simplex_volume(rows)
            total += fmpq(size.numerator, size.denominator)
    return Fraction(int(total.p), int(total.q))
