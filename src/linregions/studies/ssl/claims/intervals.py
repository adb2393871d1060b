"""Intervals of means over seeds and slices, by a crossed bootstrap, and the rule that turns one into a verdict."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from ....scores.correlation.resampling import weights

Verdict = Literal["holds", "does not hold", "undecided"]
HOLDS: Verdict = "holds"
FAILS: Verdict = "does not hold"
UNDECIDED: Verdict = "undecided"
FEWEST_SEEDS = 2


@dataclass(frozen=True)
class Estimate:
    """A number with its bootstrap interval and with what each seed says alone.

    Example:
        >>> print(Estimate(value=0.5, low=0.4, high=0.6, level=0.95, seeds=(0.45, 0.55), columns=16))
        0.5 (95 % 0.4 to 0.6)
    """

    value: float | None  # None: it cannot be measured, `reason` says why
    low: float | None
    high: float | None
    level: float
    seeds: tuple[float, ...] = ()  # the same number from each seed alone
    columns: int = 0  # how many slices (or methods) were resampled beside the seeds
    reason: str = ""

    def exp(self) -> Estimate:
        """The estimate of exp of the number: a ratio, from a difference of logarithms."""
        if self.value is None or self.low is None or self.high is None:
            return self
        ends = (math.exp(x) for x in (self.value, self.low, self.high))
        return replace(
            self, **dict(zip(("value", "low", "high"), ends, strict=True)), seeds=tuple(map(math.exp, self.seeds))
        )

    def as_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self) | {"seeds": list(self.seeds)}

    def __str__(self) -> str:
        if self.value is None:
            return f"not measured ({self.reason})"
        if self.low is None or self.high is None:
            return f"{self.value:.3g} (no interval: {self.reason})"
        return f"{self.value:.3g} ({100 * self.level:g} % {self.low:.3g} to {self.high:.3g})"


def crossed(table: np.ndarray, *, resamples: int = 1000, level: float = 0.95, seed: int = 0) -> Estimate:
    """The mean of a table (seeds, columns) with a percentile interval: seeds and columns are both drawn again.

    The seeds are the same trainings on all slices and the slices are the same planes for all trainings, so rows and
    columns are resampled separately and crossed: mean of w_s X w_c / (seeds columns).  A column with a missing number
    is left out.  A percentile interval of few seeds is too narrow (three seeds have ten different resamples), which is
    why `decide` asks every seed as well.

    Args:
        table: one number for each seed and slice (or method), (seeds, columns); NaN is missing.
        resamples: bootstrap resamples.
        level: of the interval.
        seed: of the resamples.

    Returns:
        An `Estimate`; without an interval where there is one number only, without a value where there is none.

    Source: the crossed ("pigeonhole") bootstrap of Owen, Annals of Applied Statistics 1, 2007, which says that its
    intervals are, if anything, wide where rows and columns both matter.

    Example:
        >>> crossed(np.full((3, 4), 2.0)).high
        2.0
    """
    x = np.atleast_2d(np.asarray(table, dtype=np.float64))
    x = x[:, np.isfinite(x).all(axis=0)]
    if not x.size:
        return missing("it was not measured for every seed", level)
    value, each = float(x.mean()), tuple(map(float, x.mean(axis=1)))
    rows, columns = x.shape
    if rows * columns == 1:
        return Estimate(value, None, None, level, each, columns, "one seed and one slice")
    first = np.concatenate(list(weights(rows, resamples, [seed, 0])))
    second = np.concatenate(list(weights(columns, resamples, [seed, 1])))
    drawn = np.einsum("rs,sc,rc->r", first, x, second) / (rows * columns)
    low, high = np.quantile(drawn, [0.5 - 0.5 * level, 0.5 + 0.5 * level])
    return Estimate(value, float(low), float(high), level, each, columns)


def missing(reason: str, level: float = 0.95) -> Estimate:
    """An estimate of what could not be measured."""
    return Estimate(None, None, None, level, (), 0, reason)


def decide(estimate: Estimate, *, above: float | None = None, below: float | None = None) -> Verdict:
    """What an estimate says of the claim that the number lies above (or below) a bound.

    holds: the whole interval lies on the claim's side of the bound, and so does every seed alone;
    does not hold: the whole interval lies on the other side, and so does every seed alone;
    undecided: anything else, and always with fewer than two seeds.

    Example:
        >>> decide(Estimate(0.5, 0.4, 0.6, 0.95, (0.45, 0.55), 16), above=0.0)
        'holds'
        >>> decide(Estimate(0.5, -0.4, 0.6, 0.95, (0.45, 0.55), 16), above=0.0)
        'undecided'
    """
    bound = above if above is not None else below
    if bound is None or estimate.low is None or estimate.high is None or len(estimate.seeds) < FEWEST_SEEDS:
        return UNDECIDED
    over = estimate.low > bound and min(estimate.seeds) > bound
    under = estimate.high < bound and max(estimate.seeds) < bound
    if above is None:
        over, under = under, over
    return HOLDS if over else FAILS if under else UNDECIDED
