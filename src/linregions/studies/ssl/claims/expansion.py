"""T2: do regions expand over time?  Two readings: there are more of them, or they are larger."""

from __future__ import annotations

import numpy as np

from .finding import Finding, agreement, name_of
from .intervals import Estimate, crossed, decide, missing
from .series import Run, Runs, after_warm_up, logs

MORE, LARGER = "more regions", "larger regions"
WARM_UP = 0.05  # of the steps: counts dip at the very start of training, whatever the method
COLUMNS = {MORE: "n_regions", LARGER: "area_weighted"}


def expansion(
    runs: Runs, *, warm_up: float = WARM_UP, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> tuple[Finding, ...]:
    """T2: the slope of log N, and of the log of the area-weighted mean area, against log step after the warm-up.

    The slope is that of least squares over the checkpoints from `warm_up` of the steps on, of every slice and seed; the
    number is its mean.  N ~ step^slope.  The claim ("expand") is a slope above 0, in either reading; `decide` states
    the rule of the verdict.

    Args:
        runs: of the study.
        warm_up: share of the steps that is left out.
        resamples: bootstrap resamples of seeds and slices.
        level: of the intervals.
        seed: of the resamples.

    Returns:
        Findings of every method that is no control, and of each family, in both readings.
    """
    groups = {m: [m] for m in runs.methods if runs.family(m) != "control"}
    groups |= {name: list(m) for name, m in runs.families.items() if name not in ("control", "supervised")}
    found = []
    for reading, column in COLUMNS.items():
        for subject, members in groups.items():
            estimate = trend(runs, members, column, warm_up, resamples=resamples, level=level, seed=seed)
            found.append(_finding(subject, reading, estimate))
    return tuple(found)


def trend(
    runs: Runs, members: list[str], column: str, warm_up: float, *, resamples: int, level: float, seed: int
) -> Estimate:
    """The mean slope of the logarithm of a column of slices against log step, over the members, with its interval."""
    rows = []
    for number in runs.seeds(members):
        each = [slopes(run, column, warm_up) for m in members if (run := runs.get(m, number))]
        rows.append(np.mean(each, axis=0))
    if not rows:
        return missing("no seed was run with all of these methods", level)
    return crossed(np.stack(rows), resamples=resamples, level=level, seed=seed)


def slopes(run: Run, column: str, warm_up: float = WARM_UP) -> np.ndarray:
    """Least-squares slopes of log column against log step after the warm-up, (slices,); NaN with fewer than 3 steps."""
    late = after_warm_up(run, warm_up)
    y = logs(run.sliced(column)[late])
    if late.sum() < 3:
        return np.full(y.shape[1], np.nan)
    x = np.log(run.steps[late])
    x = x - x.mean()
    return x @ y / (x @ x)


def _finding(subject: str, reading: str, estimate: Estimate) -> Finding:
    verdict = decide(estimate, above=0.0)
    what = "the region count" if reading == MORE else "the area-weighted mean area"
    if estimate.value is None:
        text = f"Of {name_of(subject)} no slope of {what} is known: {estimate.reason}."
    else:
        text = f"After the warm-up {what} of {name_of(subject)} goes like step to the power {estimate}"
        text += f"; {agreement(estimate, 0.0)}."
    return Finding("T2", reading, subject, estimate, 0.0, verdict, text)
