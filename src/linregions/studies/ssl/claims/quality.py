"""T4: do numbers of the partition go with the quality of the representation?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....scores.correlation.resampling import Ranking, weights
from ....scores.correlation.spearman import rank_correlation, spearman
from .finding import Finding
from .intervals import FAILS, HOLDS, UNDECIDED, Estimate, Verdict, crossed, missing
from .series import Run, Runs, nearest

WITHIN, ACROSS = "within runs", "across runs"
WEAK = 0.3  # a rank correlation between -0.3 and 0.3 is called none
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
RESAMPLES = 4000  # the corrected level lies far out in the tails


def quality(
    runs: Runs, *, at: float = 1.0, resamples: int = RESAMPLES, level: float = 0.95, seed: int = 0
) -> tuple[Finding, ...]:
    """T4: Spearman's rho of every metric with kNN accuracy, within runs and across them.

    Within runs: metric and kNN both rise or fall with time, so that their raw correlation says little. Correlated are
    therefore the changes from one checkpoint to the next, divided by the change of log(step + 1); the number is the
    mean of rho over runs, and seeds and methods are resampled, crossed. Across runs: one number for each run at one
    step; methods and seeds are resampled, crossed, because runs of one method are no independent witnesses. Controls
    are in neither: they would make every metric look good.

    Verdict of a metric, with intervals at the level 1 - (1 - level) / number of metrics (many are tried, and one would
    stand out by chance): holds where the interval excludes 0; does not hold where it lies within (-0.3, 0.3) and
    includes 0; else undecided.

    Args:
        runs: of the study.
        at: share of the steps at which runs are compared.
        resamples: bootstrap resamples.
        level: of all intervals of one reading together.
        seed: of the resamples.

    Returns:
        Findings of every metric that was measured, the strongest first, in both readings.
    """
    healthy = [run for run in runs.all if run.healthy]
    methods = list(dict.fromkeys(run.method for run in healthy))
    seeds = runs.seeds(methods)
    names = [name for name in LABELS if _measured(healthy, name)]
    each = 1.0 - (1.0 - level) / max(1, len(names))
    found = []
    for reading in (WITHIN, ACROSS):
        part = []
        for name in names:
            if reading == WITHIN:
                estimate = _within(runs, name, methods, seeds, resamples, each, seed)
            else:
                estimate = _across(runs, name, methods, seeds, at, resamples, each, seed)
            part.append(_finding(name, reading, estimate))
        found += sorted(part, key=lambda finding: -abs(finding.estimate.value or 0.0))
    return tuple(found)


def series(run: Run, name: str) -> np.ndarray:
    """A metric of each checkpoint, averaged over slices (logarithms of counts and lengths), (checkpoints,)."""
    if name == "n_relative":
        log = run.averaged("n_regions", log=True)
        return log - log[0]
    if any(name in point["slices"] for point in run.row["checkpoints"]):
        return run.averaged(name, log=name not in ("area_entropy", "ecc_moment", "jump_relative"))
    return run.column(name)


def changes_correlate(run: Run, name: str) -> float:
    """Spearman of the rates of change of a metric and of kNN between checkpoints; NaN where it is undefined."""
    clock = np.diff(np.log1p(run.steps))
    x, y = np.diff(series(run, name)) / clock, np.diff(run.column("knn")) / clock
    there = np.isfinite(x) & np.isfinite(y)
    if there.sum() < 4:
        return np.nan
    value = spearman(x[there], y[there], resamples=1).value
    return np.nan if value is None else value


def _within(
    runs: Runs, name: str, methods: list[str], seeds: Sequence[int], resamples: int, level: float, seed: int
) -> Estimate:
    table = [[_of(runs, m, s, name) for m in methods] for s in seeds]
    if not table:
        return missing("no seed was run with all methods", level)
    return crossed(np.array(table), resamples=resamples, level=level, seed=seed)


def _of(runs: Runs, method: str, seed: int, name: str) -> float:
    run = runs.get(method, seed)
    return changes_correlate(run, name) if run else np.nan


def _across(
    runs: Runs, name: str, methods: list[str], seeds: Sequence[int], at: float, resamples: int, level: float, seed: int
) -> Estimate:
    chosen = [run for m in methods for s in seeds if (run := runs.get(m, s))]
    x = np.array([series(run, name)[nearest(run, at)] for run in chosen])
    y = np.array([run.column("knn")[nearest(run, at)] for run in chosen])
    if len(methods) < 4 or not np.isfinite(x).all():
        return missing("fewer than four methods, or a run without it", level)
    pair = Ranking(x), Ranking(y)
    value = float(rank_correlation(*pair, np.ones((1, len(x))))[0])
    if np.isnan(value):
        return missing("it is the same in every run", level)
    first = np.concatenate(list(weights(len(methods), resamples, [seed, 0])))
    second = np.concatenate(list(weights(len(seeds), resamples, [seed, 1])))
    drawn = rank_correlation(*pair, (first[:, :, None] * second[:, None, :]).reshape(resamples, -1))
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.quantile(drawn, [0.5 - 0.5 * level, 0.5 + 0.5 * level]) if len(drawn) else (-1.0, 1.0)
    return Estimate(value, float(low), float(high), level, (), len(methods))


def related(estimate: Estimate) -> Verdict:
    """Holds where the interval excludes 0, does not hold where it includes 0 within (-0.3, 0.3), else undecided."""
    if estimate.low is None or estimate.high is None:
        return UNDECIDED
    if estimate.low > 0.0 or estimate.high < 0.0:
        return HOLDS
    return FAILS if estimate.low > -WEAK and estimate.high < WEAK else UNDECIDED


def _finding(name: str, reading: str, estimate: Estimate) -> Finding:
    label = LABELS[name]
    if estimate.value is None:
        text = f"The {label} has no correlation with kNN accuracy {reading}: {estimate.reason}."
    else:
        what = "changes of the" if reading == WITHIN else "the"
        text = f"Spearman of {what} {label} with kNN accuracy {reading} is {estimate}."
    return Finding("T4", reading, name, estimate, 0.0, related(estimate), text)


def _measured(runs: list[Run], name: str) -> bool:
    return bool(runs) and all(np.isfinite(series(run, name)).any() for run in runs)
