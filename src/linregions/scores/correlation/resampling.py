"""Checked samples, their ranks, and bootstrap resamples as whole-number weights.

A resample of n objects is a row of weights: how often each object was drawn.  Every statistic here is a function of
the weights, so all resamples are computed at once by array operations, and the sample itself is the row of ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...checks import plural, real_number, seed_number, shown, whole_number
from ...errors import InputError
from .record import Correlation

ENTRIES = 4_000_000  # of one block of weights: 32 MB
FEWEST = 10  # objects: resamples of fewer repeat each other, and their percentiles look far too certain


def sample(values: Any, what: str, *, like: int | None = None) -> np.ndarray:
    """`values` as a vector of floats without NaN, of length `like` where that is given.

    Raises:
        InputError: it is no vector of numbers, has a NaN, or another length.
    """
    try:
        vector = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what} must be a sequence of numbers, got {shown(values)}") from error
    if vector.ndim != 1:
        raise InputError(f"{what} must be one number for each object, got an array of shape {vector.shape}")
    if like is not None and len(vector) != like:
        raise InputError(f"{what} must have {plural(like, 'number')}, one for each object, got {len(vector)}")
    missing = np.flatnonzero(np.isnan(vector))
    if len(missing):
        raise InputError(f"{what} must have a rank for every object, but entry {missing[0]} is NaN; leave that one out")
    return vector


def settings(resamples: Any, level: Any, seed: Any) -> tuple[int, float, int]:
    """The checked number of resamples, confidence level and seed."""
    p = real_number(level, "level")
    if not 0.0 < p < 1.0:
        raise InputError(f"level must lie between 0 and 1, got {shown(level)}; 0.95 is usual")
    return whole_number(resamples, "resamples"), p, seed_number(seed)


def weights(n: int, resamples: int, seed: Any) -> Iterator[np.ndarray]:
    """Blocks of resamples: float64 arrays (resamples of the block, n) of whole numbers with row sum n."""
    rng = np.random.default_rng(seed)
    block = max(1, ENTRIES // max(1, n))
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        drawn = rng.integers(0, n, size=(rows, n))
        drawn += n * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)


class Ranking:
    """The order of one sample, from which the midranks of any resample follow."""

    def __init__(self, values: np.ndarray):
        self.order = np.argsort(values, kind="stable")
        ordered = values[self.order]
        # Not by differences: minus infinity less minus infinity is NaN.
        new = np.concatenate(([True], ordered[1:] != ordered[:-1]))
        self.starts = np.flatnonzero(new)
        self.group = np.empty(len(values), dtype=np.intp)  # of every object: which value it has, in ascending order
        self.group[self.order] = np.cumsum(new) - 1

    def sizes(self, w: np.ndarray) -> np.ndarray:
        """How often every distinct value was drawn: (resamples, distinct values)."""
        return np.add.reduceat(w[:, self.order], self.starts, axis=1)

    def centred(self, w: np.ndarray) -> np.ndarray:
        """Midranks less their mean, of every object in every resample: (resamples, n).

        A value that is drawn c times after b smaller ones has the midrank b + (c + 1) / 2, and the mean is (n + 1) / 2.
        """
        sizes = self.sizes(w)
        ranks = np.cumsum(sizes, axis=1) - 0.5 * sizes
        return (ranks - 0.5 * w.shape[1])[:, self.group]


def too_few(n: int, controls: int = 0) -> str:
    """Why n objects have no interval that means anything; empty where they have one."""
    if n < FEWEST:
        return f"{plural(n, 'object')} are too few"
    return f"{n} objects are too few for {plural(controls, 'control')}" if n < 5 * (controls + 1) else ""


def bootstrapped(
    statistic: Callable[[np.ndarray], np.ndarray],
    n: int,
    method: str,
    why: str,
    options: tuple[int, float, int],
    *,
    controls: int = 0,
) -> Correlation:
    """The statistic of the sample and its percentile interval over resamples.

    Args:
        statistic: weights (resamples, n) to values (resamples,), NaN where undefined.
        n: how many objects there are.
        method: the name of the statistic.
        why: the reason to give where the statistic of the sample is undefined.
        options: resamples, level, seed.
        controls: how many there are; an interval needs 5 (controls + 1) objects, and never fewer than `FEWEST`.
    """
    resamples, level, seed = options
    value = float(statistic(np.ones((1, n)))[0]) if n >= 2 else np.nan
    if np.isnan(value):
        reason = why if n >= 2 else f"{plural(n, 'object')} cannot be ranked"
        return Correlation(None, None, None, level, n, method, 0, reason)
    few = too_few(n, controls)
    if few:
        return Correlation(value, None, None, level, n, method, 0, few)
    found = np.concatenate([statistic(w) for w in weights(n, resamples, seed)])
    found = found[~np.isnan(found)]
    if 2 * len(found) <= resamples:
        return Correlation(value, None, None, level, n, method, len(found), "most resamples have no defined value")
    low, high = np.quantile(found, [0.5 - 0.5 * level, 0.5 + 0.5 * level])
    return Correlation(value, float(low), float(high), level, n, method, len(found))
