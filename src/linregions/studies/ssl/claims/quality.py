"""T4: do numbers of the partition go with the quality of the representation?"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ....checks import plural
from ....scores.correlation.resampling import Ranking, weights
from ....scores.correlation.spearman import rank_correlation
from .finding import Finding, percent
from .intervals import FAILS, FEWEST_SEEDS, HOLDS, UNDECIDED, Estimate, Verdict, crossed, missing, needed, too_few
from .series import CONTROL, Run, Runs, has_collapsed, nearest

WITHIN, ACROSS = "within runs", "across runs"
WEAK = 0.3  # a rank correlation between -0.3 and 0.3 is called none
FEWEST = 5  # methods, each of which is one witness
ORDERS = 5040  # of the methods, all of up to seven; of more a random choice
# What the abstract names, and the one metric that stands for it, chosen beforehand. The mean area says no more than N.
NAMED = {"number": "n_regions", "area": "area_median", "eccentricity": "ecc_moment", "boundaries": "boundary_length"}
LABELS = {
    "n_regions": "number of regions N",
    "n_relative": "N / N at step 0",
    "area_median": "median area",
    "area_weighted": "area-weighted mean area",
    "area_cv": "variation of areas",
    "area_entropy": "entropy of areas",
    "ecc_moment": "eccentricity (moments)",
    "ecc_splinecam": "eccentricity (SplineCam)",
    "isoperimetric": "isoperimetric quotient",
    "roundness": "roundness",
    "boundary_length": "boundary length",
    "gradient_variation": "gradient variation",
    "jump_relative": "relative Jacobian jump",
    "n_regions_merged": "merged count",
    "dist_boundary": "distance to the boundary",
    "local_complexity": "local complexity",
    "jac_norm": "Jacobian norm",
    "std": "std of features",
    "effective_rank": "effective rank",
}
LINEAR = ("area_entropy", "ecc_moment", "jump_relative", "isoperimetric", "roundness")  # taken without a logarithm


def quality(
    runs: Runs, *, at: float = 1.0, resamples: int | None = None, level: float = 0.95, seed: int = 0
) -> tuple[Finding, ...]:
    """T4: Spearman's rho of every metric with kNN accuracy, within runs and across them.

    Within runs: metric and kNN both rise or fall with time, so that their raw correlation says little. Correlated are
    therefore the changes from one checkpoint to the next, divided by the change of log(step + 1); the number is the
    mean of rho over seeds and methods. Across runs: rho of all runs at one step. Controls and collapsed runs are in
    neither: they would make every metric look good.

    Intervals are at the level 1 - (1 - level) / number of metrics, because many are tried and one would stand out by
    chance: within runs those of `crossed`, with methods as witnesses for Student's; across runs percentiles of
    resamples of methods and seeds, crossed. Verdict of a metric:

        holds          the interval excludes 0, and every seed alone has its sign; across runs, too, at most the share
                       1 - level (corrected) of the orders in which methods can be dealt to their accuracies gives a rho
                       as large (a permutation test, exact for up to seven methods)
        does not hold  the interval includes 0 and lies within (-0.3, 0.3)
        undecided      anything else, and always with fewer than five methods, fewer than three seeds, or resamples
                       that are too few for the level

    Five methods have 120 orders, too few across runs at a level that is corrected for more than six metrics.

    Args:
        runs: of the study.
        at: share of the steps at which runs are compared.
        resamples: bootstrap resamples; None takes as many as the corrected level needs.
        level: of all intervals of one reading together.
        seed: of the resamples.

    Returns:
        Findings of every metric that was measured, the strongest first, in both readings.
    """
    table = Table.of(runs, seed)
    names = [name for name in LABELS if _measured(table.flat, name)]
    each = 1.0 - (1.0 - level) / max(1, len(names))
    resamples = needed(each) if resamples is None else resamples
    found = []
    for reading, estimated in ((WITHIN, _within), (ACROSS, _across)):
        part = []
        for name in names:
            estimate, chance = estimated(table, name, at, resamples, each)
            part.append(_finding(name, reading, estimate, chance))
        found += sorted(part, key=lambda finding: -abs(finding.estimate.value or 0.0))
    return tuple(found)


@dataclass(frozen=True)
class Table:
    """The runs that are correlated: methods by seeds, without controls and without methods that collapsed."""

    runs: tuple[tuple[Run, ...], ...]  # seeds of each method
    seeds: int
    seed: int  # of the resamples

    @classmethod
    def of(cls, runs: Runs, seed: int) -> Table:
        """The methods of which no run collapsed, with the seeds that all of them have."""
        healthy = [m for m in runs.methods if runs.family(m) != CONTROL and not any(map(has_collapsed, runs.of(m)))]
        seeds = runs.seeds(healthy)
        table = tuple(tuple(run for s in seeds if (run := runs.get(m, s))) for m in healthy)
        return cls(table if seeds else (), len(seeds), seed)

    @property
    def flat(self) -> list[Run]:
        """All runs, method after method."""
        return [run for group in self.runs for run in group]

    def numbers(self, of: Callable[[Run], float]) -> np.ndarray:
        """A number of each run, (seeds, methods)."""
        return np.array([[of(run) for run in group] for group in self.runs], dtype=np.float64).T

    @cached_property
    def orders(self) -> np.ndarray:
        """Orders of the methods, (orders, methods): the one they have first, then all others or some at random."""
        n = len(self.runs)
        if math.factorial(n) <= ORDERS:
            return np.array(list(itertools.permutations(range(n))))
        rng = np.random.default_rng([self.seed, 2])
        return np.concatenate([np.arange(n)[None], rng.permuted(np.tile(np.arange(n), (ORDERS - 1, 1)), axis=1)])


def series(run: Run, name: str) -> np.ndarray:
    """A metric of each checkpoint, averaged over slices (logarithms of counts and lengths), (checkpoints,)."""
    if name == "n_relative":
        log = run.averaged("n_regions", log=True)
        return log - log[0]
    if any(name in point["slices"] for point in run.row["checkpoints"]):
        return run.averaged(name, log=name not in LINEAR)
    return run.column(name)


def changes_correlate(run: Run, name: str) -> float:
    """Spearman of the rates of change of a metric and of kNN between checkpoints; NaN where it is undefined."""
    clock = np.diff(np.log1p(run.steps))
    x, y = np.diff(series(run, name)) / clock, np.diff(run.column("knn")) / clock
    there = np.isfinite(x) & np.isfinite(y)
    if there.sum() < 4:
        return np.nan
    return float(rank_correlation(Ranking(x[there]), Ranking(y[there]), np.ones((1, int(there.sum()))))[0])


def _within(table: Table, name: str, at: float, resamples: int, level: float) -> tuple[Estimate, float]:
    """The mean of rho over runs; no permutation is asked for, so that its chance is 0."""
    rho = table.numbers(lambda run: changes_correlate(run, name))
    defined = np.isfinite(rho).all(axis=0)
    if not defined.any():
        return missing("it does not change, or there are fewer than four changes", level), 0.0
    found = crossed(rho[:, defined, None], resamples=resamples, level=level, seed=table.seed, witnesses=1)
    if found.low is not None and found.high is not None:
        found = replace(found, low=max(-1.0, found.low), high=min(1.0, found.high))
    return replace(found, columns=0), 0.0


def _across(table: Table, name: str, at: float, resamples: int, level: float) -> tuple[Estimate, float]:
    """Rho of all runs at one step, and the share of the orders of methods that give one as large."""
    x = table.numbers(lambda run: series(run, name)[nearest(run, at)])
    y = table.numbers(lambda run: run.column("knn")[nearest(run, at)])
    if not np.isfinite(x).all():
        return missing("a run lacks it", level), 1.0
    pair = Ranking(x.T.ravel()), Ranking(y.T.ravel())
    value = float(rank_correlation(*pair, np.ones((1, x.size)))[0])
    if np.isnan(value):
        return missing("it is the same in every run", level), 1.0
    one = np.ones((1, x.shape[1]))
    alone = [float(rank_correlation(Ranking(a), Ranking(b), one)[0]) for a, b in zip(x, y, strict=True)]
    methods = tuple(float(v) for v in x.mean(axis=0))  # only their number is used
    found = Estimate(value, None, None, level, tuple(v for v in alone if np.isfinite(v)), 0, "", methods)
    if resamples < needed(level):
        return replace(found, reason=too_few(resamples, level)), 1.0
    first, second = (np.concatenate(list(weights(n, resamples, [table.seed, k]))) for k, n in enumerate(x.T.shape))
    drawn = rank_correlation(*pair, (first[:, :, None] * second[:, None, :]).reshape(resamples, -1))
    drawn = np.where(np.isfinite(drawn), drawn, 0.0)  # of one method alone, or all equal: no correlation
    low, high = np.quantile(drawn, [0.5 - 0.5 * level, 0.5 + 0.5 * level])
    return replace(found, low=float(low), high=float(high)), dealt(x, y, table.orders)


def dealt(x: np.ndarray, y: np.ndarray, orders: np.ndarray) -> float:
    """The share of orders of methods in which abs(rho) is at least that of the first order.

    Args:
        x: a metric, (seeds, methods).
        y: kNN accuracies, (seeds, methods); whole methods are dealt out again, because seeds of one are alike.
        orders: of the methods, (orders, methods), the true one first.
    """
    a, b = (midranks(v.ravel()).reshape(v.shape) for v in (x, y))
    # Sums of the centred ranks: the same factor in every order makes them correlations. Whole numbers and halves but
    # for the mean, so that ties are exact when doubled.
    products = np.rint(4.0 * (a.T @ b)).astype(np.int64)  # (methods, methods): of one method's x with another's y
    sums = products[np.arange(x.shape[1]), orders].sum(axis=1)
    centre = int(np.rint(4.0 * a.sum() * b.sum() / a.size))
    return float(np.mean(np.abs(sums - centre) >= abs(sums[0] - centre)))


def midranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1 on, the mean of theirs for equal values.

    Example:
        >>> midranks(np.array([3.0, 1.0, 3.0]))
        array([2.5, 1. , 2.5])
    """
    ranking = Ranking(values)
    return ranking.centred(np.ones((1, len(values))))[0] + 0.5 * (len(values) + 1)


def related(estimate: Estimate, chance: float) -> Verdict:
    """The verdict on one metric, by the rule of `quality`."""
    if estimate.low is None or estimate.high is None:
        return UNDECIDED
    if len(estimate.methods) < FEWEST or len(estimate.seeds) < FEWEST_SEEDS:
        return UNDECIDED
    if estimate.low > 0.0 or estimate.high < 0.0:
        rare = chance <= 1.0 - estimate.level + 1e-12
        return HOLDS if alike(estimate) == len(estimate.seeds) and rare else UNDECIDED
    return FAILS if estimate.low > -WEAK and estimate.high < WEAK else UNDECIDED


def _finding(name: str, reading: str, estimate: Estimate, chance: float) -> Finding:
    label = LABELS[name]
    if estimate.value is None:
        text = f"The {label} has no correlation with kNN accuracy {reading}: {estimate.reason}."
    else:
        what = "changes of the" if reading == WITHIN else "the"
        text = f"Spearman of {what} {label} with kNN accuracy {reading} is {estimate}"
        text += (
            f" (n = {estimate.counted}; {alike(estimate)} of {plural(len(estimate.seeds), 'seed')} alone with its sign"
        )
        text += f"; {percent(chance)} of the orders of methods give as much)." if reading == ACROSS else ")."
    return Finding("T4", reading, name, estimate, 0.0, related(estimate, chance), text)


def alike(estimate: Estimate) -> int:
    """How many seeds alone have the sign of the whole."""
    return sum(value * (estimate.value or 0.0) > 0.0 for value in estimate.seeds)


def _measured(runs: list[Run], name: str) -> bool:
    return bool(runs) and all(np.isfinite(series(run, name)).any() for run in runs)
