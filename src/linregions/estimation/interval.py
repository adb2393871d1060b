"""A confidence interval for the mean of a finite, skew population from a simple random sample."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

# On networks whose number of regions is known, 95 % intervals from fewer numbers held in 85 to 94 % of the cases.
# A large skewness in the sample is no warning sign: where the sample shows none, it has missed the large pieces.
SMALL = 100


@dataclass(frozen=True)
class MeanInterval:
    """A mean, the ends of its interval, and what speaks against trusting it."""

    mean: float
    low: float
    high: float
    doubts: tuple[str, ...]


def mean_interval(values: np.ndarray, population: int, level: float) -> MeanInterval:
    """The interval for the mean of `population` numbers of which `values` are a random sample without replacement.

        t = (mean - mu) / (s sqrt((1 - k/N) / k)),     T = ((1 + a t / 3)^3 - 1) / a + a / 6,     a = skewness / sqrt(k)

    Hall's monotone transformation T of Student's t takes its skewness out; its quantiles are those of Student's
    distribution up to an error of order 1/k.  With a = 0 it is Student's interval.

    Args:
        values: the sample, at least two numbers.
        population: how many numbers there are.
        level: confidence.

    Returns:
        A `MeanInterval`; an asymptotic statement, whose `doubts` say where it should not be relied on.

    Reference:
        Hall 1992, On the removal of skewness by transformation; Cochran 1977, Sampling techniques, 2.8 and 2.15.

    Example:
        >>> found = mean_interval(np.array([1.0, 2.0, 3.0, 2.0]), 4, 0.95)
        >>> found.low, found.mean, found.high  # the whole population: nothing is uncertain
        (2.0, 2.0, 2.0)
    """
    from scipy.special import stdtrit

    k = len(values)
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    error = deviation * math.sqrt(max(0.0, 1.0 - k / population) / k)
    skewness = float(np.mean(((values - mean) / deviation) ** 3)) if deviation > 0 else 0.0
    a, q = skewness / math.sqrt(k), float(stdtrit(k - 1, 0.5 + level / 2))
    doubts = []
    if k < SMALL:
        doubts.append(f"only {k} pieces")
    if deviation == 0:
        doubts.append("all counted pieces are alike")
    return MeanInterval(mean, mean - error * _inverse(a, q), mean - error * _inverse(a, -q), tuple(doubts))


def _inverse(a: float, value: float) -> float:
    """The t that Hall's transformation takes to `value`."""
    return value if abs(a) < 1e-9 else 3.0 / a * (float(np.cbrt(1.0 + a * (value - a / 6.0))) - 1.0)
