"""Kendall's tau-b with a bootstrap interval, in O(n log n) for every resample."""

from __future__ import annotations

from typing import Any

import numpy as np

from .record import Correlation
from .resampling import Ranking, bootstrapped, sample, settings
from .spearman import constant


def kendall(score: Any, truth: Any, *, resamples: int = 1000, level: float = 0.95, seed: int = 0) -> Correlation:
    """Kendall's tau-b: concordant less discordant pairs, over the pairs that are not tied.

    tau = (C - D) / sqrt((P - T)(P - U)), P = n (n - 1) / 2 pairs, T of them tied in the score, U in the truth

    The discordant pairs of all resamples are counted by one merge sort: a resample only changes how often an object is
    counted, not the order, so at every level of the sort one running sum over the weights serves all resamples.

    Args:
        score: one number for each object, shape (n,); infinities are allowed.
        truth: what it should rank, shape (n,).
        resamples: bootstrap resamples of the objects for the interval.
        level: of the interval.
        seed: of the resamples.

    Returns:
        A `Correlation`; its value is None where the score or the truth is constant, and it has no interval for fewer
        than ten objects.

    Raises:
        InputError: the lengths differ, a number is NaN, or an option cannot be used.

    Source: Kendall, Biometrika 33, 1945 (tau-b); counting by merging: Knight, JASA 61, 1966.

    Example:
        >>> print(round(kendall([1, 2, 3, 4], [10, 20, 40, 30]).value, 6))
        0.666667
    """
    truth = sample(truth, "truth")
    score = sample(score, "score", like=len(truth))
    options = settings(resamples, level, seed)
    pairs = _Pairs(score, truth)
    return bootstrapped(pairs.tau, len(truth), "Kendall", constant(score), options)


class _Pairs:
    """Two rankings of the same objects, and the plan of the merge sort that counts their discordant pairs."""

    def __init__(self, score: np.ndarray, truth: np.ndarray):
        self.first, self.second = Ranking(score), Ranking(truth)
        x, y = self.first.group, self.second.group
        # One number for each pair of values: pairs tied in both are ties of this.
        self.both = Ranking((x * (len(self.second.starts) + 1) + y).astype(np.float64))
        # By score, and by truth among equals, so that no pair tied in the score counts as discordant.
        self.start = np.lexsort((y, x))
        self.plan = _merges(y[self.start])

    def tau(self, w: np.ndarray) -> np.ndarray:
        n = w.shape[1]
        pairs = 0.5 * n * (n - 1)
        tied, also, twice = (_tied(r.sizes(w)) for r in (self.first, self.second, self.both))
        excess = pairs - tied - also + twice - 2.0 * self._discordant(w)
        scale = (pairs - tied) * (pairs - also)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(scale > 0, np.clip(excess / np.sqrt(scale), -1.0, 1.0), np.nan)

    def _discordant(self, w: np.ndarray) -> np.ndarray:
        # Objects along the first axis: gathering whole rows is several times faster than gathering columns.
        w = np.ascontiguousarray(w[:, self.start].T)
        found = np.zeros(w.shape[1])
        sums = np.zeros((len(w) + 1, w.shape[1]))
        for order, right, below, end in self.plan:
            np.cumsum(w[order], axis=0, out=sums[1:])
            larger = sums[end]
            larger -= sums[below]
            found += np.einsum("ij,ij->j", w[right], larger)
        return found


def _tied(sizes: np.ndarray) -> np.ndarray:
    return 0.5 * np.einsum("ij,ij->i", sizes, sizes - 1.0)


def _merges(y: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    # For every level of a merge sort of `y`: the order before it, and for each element of a right half, where
    # the larger elements of its left half begin and end in that order.
    n, width, levels = len(y), 1, []
    place = np.arange(n)
    while width < n:
        order = np.lexsort((y, place // width))  # sorted within blocks of `width`
        block = place // width
        right = place[block % 2 == 1]
        left = (block[right] - 1) * width
        # Ranks of (block, value) pairs in one ascending array, so that one search serves all blocks.
        keys = block[order] * (n + 1) + y[order]
        below = np.searchsorted(keys, (block[right] - 1) * (n + 1) + y[right], side="right")
        levels.append((order, right, below, left + width))
        width *= 2
    return levels
