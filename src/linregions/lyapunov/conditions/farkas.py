"""Strict linear inequalities in few unknowns: a solution, or the multipliers that show that there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

MOST_ROWS = 4000  # elimination stops here and says that it found nothing


@dataclass(frozen=True)
class Separation:
    """What `separation` found.

    Attributes:
        found: whether there is a t with `a_i . t > b_i` for all i.
        point: such a t, None where there is none.
        multipliers: where there is none, `l >= 0` with sum 1 and `sum_i l_i a_i = 0`; () where there were too
            many rows.
        value: then `sum_i l_i b_i >= 0`.
    """

    found: bool
    point: tuple[Fraction, ...] | None = None
    multipliers: tuple[Fraction, ...] = ()
    value: Fraction = Fraction(0)


@dataclass(frozen=True)
class _Row:
    """`a . t > b`, which is the sum of the given rows times `shares`."""

    a: tuple[Fraction, ...]
    b: Fraction
    shares: tuple[Fraction, ...]


def separation(a: Sequence[Sequence[Fraction]], b: Sequence[Fraction]) -> Separation:
    """Decide whether some t has `a_i . t > b_i` for all i, by Fourier's elimination in rationals.

    Example:
        >>> one = Fraction(1)
        >>> separation([[one], [-one]], [one, -3 * one]).point
        (Fraction(2, 1),)
        >>> separation([[one], [-one]], [one, one]).multipliers
        (Fraction(1, 2), Fraction(1, 2))
    """
    count, unknowns = len(b), len(a[0]) if a else 0
    rows = [
        _Row(tuple(row), value, tuple(Fraction(int(i == k)) for k in range(count)))
        for i, (row, value) in enumerate(zip(a, b, strict=True))
    ]
    history: list[list[_Row]] = []
    for k in range(unknowns):
        history.append(rows)
        rows = _eliminated(rows, k)
        if len(rows) > MOST_ROWS:
            return Separation(False)
    worst = max(rows, key=lambda row: row.b / sum(row.shares), default=None)
    if worst is not None and worst.b >= 0:
        total = sum(worst.shares)
        return Separation(False, None, tuple(v / total for v in worst.shares), worst.b / total)
    return Separation(True, _back(history, unknowns))


def _eliminated(rows: list[_Row], k: int) -> list[_Row]:
    """The rows without unknown k: those that had none of it, and every sum in which it cancels."""
    out = [row for row in rows if not row.a[k]]
    for low in (row for row in rows if row.a[k] > 0):
        for high in (row for row in rows if row.a[k] < 0):
            p, q = -high.a[k], low.a[k]
            out.append(
                _Row(
                    tuple(p * x + q * y for x, y in zip(low.a, high.a, strict=True)),
                    p * low.b + q * high.b,
                    tuple(p * x + q * y for x, y in zip(low.shares, high.shares, strict=True)),
                )
            )
    return out


def _back(history: list[list[_Row]], unknowns: int) -> tuple[Fraction, ...]:
    """A solution, the last unknown first: each in the middle of what the earlier rows leave it."""
    t = [Fraction(0)] * unknowns
    for k in reversed(range(unknowns)):
        lows, highs = [], []
        for row in history[k]:
            rest = row.b - sum(x * y for x, y in zip(row.a[k + 1 :], t[k + 1 :], strict=True))
            if row.a[k]:
                (lows if row.a[k] > 0 else highs).append(rest / row.a[k])
        low, high = max(lows, default=None), min(highs, default=None)
        if low is not None:
            t[k] = low + 1 if high is None else (low + high) / 2
        elif high is not None:
            t[k] = high - 1
    return tuple(t)
