"""How many times p units fold an axis, and how a layer's units are dealt to axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .combinatorics import zaslavsky


def fold_pieces(units: int) -> int:
    """How often `units` ReLU units fold one axis onto a common interval: 1, 2, 4, 5, 6, ...

    Two units make an absolute value; p >= 3 units the zig-zag with p + 1 pieces (Serra et al. 2018, Theorem 5).
    """
    return units if units < 3 else units + 1


def dealt(units: int, axes: int) -> list[int]:
    """Units per axis, as even as they go.

    Example:
        >>> dealt(7, 3)
        [3, 2, 2]
    """
    each, more = divmod(units, axes)
    return [each + 1] * more + [each] * (axes - more)


def pieces_of(units: int, axes: int) -> list[int]:
    """Folds of every axis when `units` are dealt to `axes`; each at least once."""
    return [fold_pieces(p) for p in dealt(units, axes)]


def best_axes(inputs: int, widths: Sequence[int]) -> list[int]:
    """d_1 >= ... >= d_L: how many axes each layer works on, so that the folds times the last arrangement are most.

    Chosen by logarithms: of nearly equal products either may be taken, and each is right.
    """
    # score[d], choice[l][d]: the best that layers l, l+1, ... can do when they may use up to d axes.
    top = min(inputs, widths[-1])
    score = _running([math.log(zaslavsky(widths[-1], d)) for d in range(1, top + 1)])
    best = [score]
    for n in reversed(widths[:-1]):
        top = min(inputs, n)
        after = best[-1]
        own = [_log_folds(n, d) + after[min(d, len(after)) - 1][0] for d in range(1, top + 1)]
        best.append(_running(own))
    best.reverse()
    out, most = [], inputs
    for table in best:
        most = table[min(most, len(table)) - 1][1]
        out.append(most)
    return out


def _log_folds(units: int, axes: int) -> float:
    each, more = divmod(units, axes)
    high = more * math.log(fold_pieces(each + 1)) if more else 0.0
    return high + (axes - more) * math.log(fold_pieces(each))


def _running(scores: list[float]) -> list[tuple[float, int]]:
    """For d = 1, 2, ...: the best score among the first d, and where it stands."""
    out: list[tuple[float, int]] = []
    for d, score in enumerate(scores, start=1):
        out.append((score, d) if not out or score > out[-1][0] + 1e-12 else out[-1])
    return out
