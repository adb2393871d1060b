"""Intervals of means over seeds, methods and slices, and the rule that turns one into a verdict."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from ....checks import plural
from ....scores.correlation.resampling import weights

Verdict = Literal["holds", "does not hold", "undecided"]
HOLDS: Verdict = "holds"
FAILS: Verdict = "does not hold"
UNDECIDED: Verdict = "undecided"
FEWEST_SEEDS = 3
FEWEST_METHODS = 2  # of a family, whose verdict one method alone does not make
BEYOND = 10  # resamples that have to lie beyond each end of an interval


@dataclass(frozen=True)
class Estimate:
    """A number with its interval and with what each seed and each method says alone.

    Example:
        >>> print(Estimate(value=0.5, low=0.4, high=0.6, level=0.95, seeds=(0.45, 0.5, 0.55), columns=16))
        0.5 (95 % 0.4 to 0.6)
    """

    value: float | None  # None: it cannot be measured, `reason` says why
    low: float | None
    high: float | None
    level: float
    seeds: tuple[float, ...] = ()  # the same number from each seed alone
    columns: int = 0  # how many slices it is a mean of
    reason: str = ""
    methods: tuple[float, ...] = ()  # the same number from each method alone, where it is of several

    def exp(self) -> Estimate:
        """The estimate of exp of the number: a ratio, from a difference of logarithms."""
        if self.value is None:
            return self
        ends = (None if x is None else math.exp(x) for x in (self.value, self.low, self.high))
        alone = {"seeds": tuple(map(math.exp, self.seeds)), "methods": tuple(map(math.exp, self.methods))}
        return replace(self, **dict(zip(("value", "low", "high"), ends, strict=True)), **alone)

    @property
    def counted(self) -> str:
        """What it is a mean of, in words: 3 seeds, 2 methods, 6 slices."""
        found = ((len(self.seeds), "seed"), (len(self.methods), "method"), (self.columns, "slice"))
        return ", ".join(plural(n, word) for n, word in found if n)

    def as_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self) | {"seeds": list(self.seeds), "methods": list(self.methods)}

    def __str__(self) -> str:
        if self.value is None:
            return f"not measured ({self.reason})"
        if self.low is None or self.high is None:
            return f"{self.value:.3g} (no interval: {self.reason})"
        return f"{self.value:.3g} ({100 * self.level:.4g} % {self.low:.3g} to {self.high:.3g})"


def crossed(
    table: np.ndarray, *, resamples: int = 1000, level: float = 0.95, seed: int = 0, witnesses: int = 0
) -> Estimate:
    """The mean of a table with an interval that is wide enough for few seeds: the union of two.

    One is the percentile interval of a crossed bootstrap: seeds, methods and slices are drawn again, each on its own,
    because they are the same in every row, so that a resample is the sum of x_smc w_s w_m w_c / (seeds methods slices).
    Three seeds have ten different resamples, so that this interval ends at the smallest and the largest of them: alone
    it would call noise a finding once in four times.  The other one is therefore Student's of the means of the seeds
    (or methods), mean +- t s / sqrt(n) with n - 1 degrees of freedom.  A slice with a missing number is left out.

    Args:
        table: numbers (seeds, slices), or (seeds, methods, slices); NaN is missing.
        resamples: bootstrap resamples; `needed` says how many there have to be.
        level: of the interval.
        seed: of the resamples.
        witnesses: the axis of Student's interval: 0 for seeds, 1 for methods.

    Returns:
        An `Estimate`; without an interval where there is one number only or too few resamples, without a value where
        there is none.

    Source: the crossed ("pigeonhole") bootstrap of Owen, Annals of Applied Statistics 1, 2007; the union with
    Student's interval is this library's, and wide on purpose.

    Example:
        >>> crossed(np.full((3, 4), 2.0)).high
        2.0
    """
    x = np.atleast_2d(np.asarray(table, dtype=np.float64))
    several = x.ndim == 3
    x = x if several else x[:, None, :]
    x = x[..., np.isfinite(x).all(axis=(0, 1))]
    if not x.size:
        return missing("it was not measured for every seed", level)
    value, each = float(x.mean()), tuple(map(float, x.mean(axis=(1, 2))))
    methods = tuple(map(float, x.mean(axis=(0, 2)))) if several else ()
    found = Estimate(value, None, None, level, each, x.shape[2], "", methods)
    if x.size == 1:
        return replace(found, reason="one seed and one slice")
    if resamples < needed(level):
        return replace(found, reason=too_few(resamples, level))
    drawn = [np.concatenate(list(weights(n, resamples, [seed, k]))) / n for k, n in enumerate(x.shape)]
    means = np.einsum("rs,rm,rc,smc->r", *drawn, x, optimize=True)
    low, high = np.quantile(means, [0.5 - 0.5 * level, 0.5 + 0.5 * level])
    half = student(each if witnesses == 0 else methods, level)
    return replace(found, low=min(float(low), value - half), high=max(float(high), value + half))


def student(values: tuple[float, ...], level: float) -> float:
    """Half of Student's interval of the mean of some numbers; 0 for fewer than two, which have none.

    Example:
        >>> round(student((1.0, 2.0, 3.0), 0.95), 2)
        2.48
    """
    if len(values) < 2:
        return 0.0
    from scipy.special import stdtrit

    return float(stdtrit(len(values) - 1, 0.5 + 0.5 * level) * np.std(values, ddof=1) / math.sqrt(len(values)))


def needed(level: float) -> int:
    """How many resamples an interval at a level needs, so that ten lie beyond each of its ends.

    Example:
        >>> needed(0.95), needed(0.998)
        (400, 10000)
    """
    return math.ceil(round(2 * BEYOND / (1.0 - level), 6))


def too_few(resamples: int, level: float) -> str:
    """The sentence for too few resamples."""
    return f"{resamples:,} resamples are too few for {100 * level:.4g} %, which needs {needed(level):,}"


def missing(reason: str, level: float = 0.95) -> Estimate:
    """An estimate of what could not be measured."""
    return Estimate(None, None, None, level, (), 0, reason)


def decide(estimate: Estimate, *, above: float | None = None, below: float | None = None, methods: int = 0) -> Verdict:
    """What an estimate says of the claim that the number lies above (or below) a bound.

    holds: the whole interval lies on the claim's side of the bound, and so does every seed alone;
    does not hold: the whole interval lies on the other side, and so does every seed alone;
    undecided: anything else, and always with fewer than three seeds, or fewer methods than `methods`.

    Example:
        >>> decide(Estimate(0.5, 0.4, 0.6, 0.95, (0.45, 0.5, 0.55), 16), above=0.0)
        'holds'
        >>> decide(Estimate(0.5, 0.4, 0.6, 0.95, (0.45, 0.55), 16), above=0.0)
        'undecided'
    """
    bound = above if above is not None else below
    if bound is None or estimate.low is None or estimate.high is None:
        return UNDECIDED
    if len(estimate.seeds) < FEWEST_SEEDS or len(estimate.methods) < methods:
        return UNDECIDED
    over = estimate.low > bound and min(estimate.seeds) > bound
    under = estimate.high < bound and max(estimate.seeds) < bound
    if above is None:
        over, under = under, over
    return HOLDS if over else FAILS if under else UNDECIDED
