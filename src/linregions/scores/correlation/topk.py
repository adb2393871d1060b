"""What choosing by a score costs: the truth of the k best scored, beside the best and a blind choice."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...checks import whole_number
from ...errors import InputError
from .record import TopK
from .resampling import sample, settings, too_few


def top_k_regret(score: Any, truth: Any, k: int, *, resamples: int = 1000, level: float = 0.95, seed: int = 0) -> TopK:
    """The truth of the k objects of highest score: its mean, its best, and the regret of that best.

    regret = max over all of truth - max over the k best scored of truth

    Where several objects share the score at the border, as many of them as are needed are drawn without looking: mean
    and best are expected values over that draw.  So a constant score is exactly a blind choice.

    Args:
        score: one number for each object, shape (n,); higher is chosen first.
        truth: what a choice is worth, shape (n,), finite.
        k: how many are chosen, 1 to n.
        resamples: bootstrap resamples of the objects for the intervals of regret and mean.
        level: of the intervals.
        seed: of the resamples.

    Returns:
        A `TopK`; it has no intervals for fewer than ten objects.

    Raises:
        InputError: the lengths differ, a number is NaN, a truth is infinite, or k does not fit.

    Source: this is how proxies are used in practice; for instance the top-10 and top-50 tables of NAS benchmarks.

    Example:
        >>> top = top_k_regret([5, 4, 3, 2, 1], [70.0, 90.0, 95.0, 60.0, 50.0], 2)
        >>> top.regret, top.mean, top.oracle, top.random
        (5.0, 80.0, 92.5, 73.0)
    """
    truth = sample(truth, "truth")
    score = sample(score, "score", like=len(truth))
    if not np.all(np.isfinite(truth)):
        raise InputError(f"truth must be finite, got {truth[~np.isfinite(truth)][0]}; leave that object out")
    if not len(truth):
        raise InputError("score and truth are empty; give at least one object")
    k = whole_number(k, "k", most=len(truth))
    times, p, seed = settings(resamples, level, seed)
    few = too_few(len(truth))
    (mean_low, mean_high), (regret_low, regret_high) = (
        _intervals(score, truth, k, times, p, seed) if not few else ((None, None), (None, None))
    )
    mean, best, regret = _chosen(score, truth, k)
    oracle = float(np.mean(np.sort(truth)[-k:]))
    return TopK(
        k=k,
        n=len(truth),
        regret=regret,
        regret_low=regret_low,
        regret_high=regret_high,
        best=best,
        mean=mean,
        mean_low=mean_low,
        mean_high=mean_high,
        oracle=oracle,
        random=float(np.mean(truth)),
        level=p,
        resamples=0 if few else times,
        reason=few,
    )


def _intervals(score: np.ndarray, truth: np.ndarray, k: int, times: int, level: float, seed: int) -> list[list[float]]:
    """The ends of the intervals of mean and regret."""
    rng = np.random.default_rng(seed)
    n = len(truth)
    draws = (rng.integers(0, n, size=n) for _ in range(times))
    found = np.array([_chosen(score[drawn], truth[drawn], k) for drawn in draws])
    return np.quantile(found[:, [0, 2]], [0.5 - 0.5 * level, 0.5 + 0.5 * level], axis=0).T.tolist()


def _chosen(score: np.ndarray, truth: np.ndarray, k: int) -> tuple[float, float, float]:
    """Mean and best truth of the k best scored, expected over ties at the border, and the regret of the best."""
    border = np.partition(score, len(score) - k)[len(score) - k]
    sure, tied = truth[score > border], truth[score == border]
    places = k - len(sure)
    mean = (float(np.sum(sure)) + places * float(np.mean(tied))) / k
    best = _expected_best(float(np.max(sure)) if len(sure) else -np.inf, tied, places)
    # An expected best is a sum, whose rounding may exceed the best there is.
    return mean, best, max(0.0, float(np.max(truth)) - best)


def _expected_best(sure: float, tied: np.ndarray, places: int) -> float:
    """The expected maximum of `sure` and of `places` of the tied values, drawn without replacement."""
    if places == len(tied):
        return max(sure, float(np.max(tied)))
    descending = np.sort(tied)[::-1]
    # The value at place j is drawn with probability places/(t - j) where no larger one was.
    left = len(tied) - np.arange(len(tied) - places + 1)
    hit = places / left
    none_before = np.concatenate(([1.0], np.cumprod(1.0 - hit)[:-1]))
    return float(np.sum(hit * none_before * np.maximum(descending[: len(hit)], sure)))
