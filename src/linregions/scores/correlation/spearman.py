"""Spearman's rank correlation, and the difference of two, with bootstrap intervals."""

from __future__ import annotations

from typing import Any

import numpy as np

from .record import Correlation
from .resampling import Ranking, bootstrapped, sample, settings


def spearman(score: Any, truth: Any, *, resamples: int = 1000, level: float = 0.95, seed: int = 0) -> Correlation:
    """Spearman's rho: Pearson's correlation of the midranks.

    rho = sum (r_i - m)(s_i - m) / sqrt(sum (r_i - m)^2 sum (s_i - m)^2), m = (n + 1) / 2

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

    Source: Spearman, American Journal of Psychology 15, 1904; percentile interval: Efron and Tibshirani, An
    Introduction to the Bootstrap, chapter 13.

    Example:
        >>> print(spearman([1, 2, 3, 4], [10, 20, 40, 30]).value)
        0.8
    """
    truth = sample(truth, "truth")
    score = sample(score, "score", like=len(truth))
    options = settings(resamples, level, seed)
    pair = Ranking(score), Ranking(truth)
    return bootstrapped(lambda w: rank_correlation(*pair, w), len(truth), "Spearman", constant(score), options)


def difference_of(
    score: Any, other: Any, truth: Any, *, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> Correlation:
    """Spearman's rho of `score` less that of `other`, both with `truth`; the interval is of paired resamples.

    Where the interval includes zero (`decided` is false), these objects do not tell which of the two ranks better.

    Args:
        score: one number for each object, shape (n,).
        other: the rival's numbers for the same objects, shape (n,).
        truth: what they should rank, shape (n,).
        resamples: bootstrap resamples; both correlations are computed on the same ones.
        level: of the interval.
        seed: of the resamples.

    Returns:
        A `Correlation` that holds the difference; it has no interval for fewer than ten objects.

    Raises:
        InputError: the lengths differ, a number is NaN, or an option cannot be used.

    Source: the paired bootstrap of Efron and Tibshirani, An Introduction to the Bootstrap.

    Example:
        >>> difference_of([1, 2, 3, 4, 5], [2, 3, 4, 5, 6], [1, 2, 3, 5, 4]).decided
        False
    """
    truth = sample(truth, "truth")
    score, other = sample(score, "score", like=len(truth)), sample(other, "other", like=len(truth))
    options = settings(resamples, level, seed)
    first, second, target = Ranking(score), Ranking(other), Ranking(truth)

    def statistic(w: np.ndarray) -> np.ndarray:
        return rank_correlation(first, target, w) - rank_correlation(second, target, w)

    why = constant(score) if len(first.starts) < 2 or len(target.starts) < 2 else "the other score is constant"
    return bootstrapped(statistic, len(truth), "difference of Spearman", why, options)


def rank_correlation(a: Ranking, b: Ranking, w: np.ndarray) -> np.ndarray:
    """Rho of every resample, NaN where one of the two is constant in it."""
    x, y = a.centred(w), b.centred(w)
    wx = w * x
    both, xx, yy = (np.einsum("ij,ij->i", *pair) for pair in ((wx, y), (wx, x), (w * y, y)))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where((xx > 0) & (yy > 0), np.clip(both / np.sqrt(xx * yy), -1.0, 1.0), np.nan)


def constant(score: np.ndarray) -> str:
    """Why a correlation of a score is undefined: it is constant, or else the truth is."""
    return "the score is constant" if len(score) and np.all(score == score[0]) else "the truth is constant"
