"""How many times p units fold an axis, and how a layer's units are dealt to axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from .combinatorics import partial_sums


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
    most = min(inputs, widths[-1])
    best = [_running([math.log(z) for z in partial_sums(widths[-1], most)[1:]])]
    for n in reversed(widths[:-1]):
        own = _log_folds(n, min(inputs, n))
        after = best[-1][0]
        if len(own) > len(after):
            after = after + [after[-1]] * (len(own) - len(after))
        # zip stops at the shorter one, which is `own`.
        best.append(_running([a + b for a, b in zip(own, after, strict=False)]))
    best.reverse()
    out, most = [], inputs
    for _, choice in best:
        most = choice[min(most, len(choice)) - 1]
        out.append(most)
    return out


@lru_cache(maxsize=256)
def _log_folds(units: int, most: int) -> list[float]:
    """Logarithms of the folds of d = 1, ..., `most` axes."""
    out = []
    for axes in range(1, most + 1):
        each, more = divmod(units, axes)
        low = _log_pieces(each)
        out.append(axes * low + more * (_log_pieces(each + 1) - low))
    return out


@lru_cache(maxsize=4096)
def _log_pieces(units: int) -> float:
    return math.log(fold_pieces(units))


def _running(scores: list[float]) -> tuple[list[float], list[int]]:
    """For d = 1, 2, ...: the best score among the first d, and where it stands."""
    score, place, best, at = [], [], -math.inf, 0
    for d, s in enumerate(scores, start=1):
        if s > best + 1e-12:
            best, at = s, d
        score.append(best)
        place.append(at)
    return score, place
