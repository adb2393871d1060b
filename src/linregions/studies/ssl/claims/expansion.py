"""T2: do regions expand over time?  Two readings of the word: there are more of them, or they are larger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .finding import Finding, agreement, name_of
from .intervals import FEWEST_METHODS, Estimate, crossed, decide, missing
from .series import SSL, Run, Runs, after_warm_up, groups, logs, stacked

MORE, LARGER, GROWN = "more regions", "larger regions", "end / start"
WARM_UP = 0.05  # of the steps: counts dip at the very start of training, whatever the method
COLUMNS = {MORE: "n_regions", LARGER: "area_weighted"}
WORDS = {MORE: "the region count", LARGER: "the area-weighted mean area"}


def expansion(
    runs: Runs, *, warm_up: float = WARM_UP, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> tuple[Finding, ...]:
    """T2: the slope of log N, and of the log of the area-weighted mean area, against log step after the warm-up.

    The slope is that of least squares over the checkpoints from `warm_up` of the steps on, of every slice and seed; the
    number is its mean.  N ~ step^slope.  "Expand" may mean more regions or larger ones: a slope above 0 in the first
    or the second reading.  As the areas of a slice have a fixed sum, one mostly rises when the other falls, so that a
    claim of either would nearly always hold; each has a verdict of its own (`decide` states the rule).  A third reading
    is N at the end over N of the untrained encoder: a rise after a deep fall may end below the start.

    Args:
        runs: of the study.
        warm_up: share of the steps that is left out.
        resamples: bootstrap resamples of seeds, methods and slices.
        level: of the intervals.
        seed: of the resamples.

    Returns:
        Findings of every method that is no control, and of each self-supervised family (of which two methods have to
        be there), in the three readings.
    """
    options = {"resamples": resamples, "level": level, "seed": seed}
    subjects = groups(runs, supervised=True)
    found = []
    for reading, column in COLUMNS.items():
        for subject, members in subjects.items():
            estimate, note = trend(runs, members, column, warm_up, **options)  # type: ignore[arg-type]
            found.append(_finding(subject, reading, estimate, note))
    for subject, members in subjects.items():
        estimate, note = averaged(runs, members, growth, **options)  # type: ignore[arg-type]
        found.append(_grown(subject, estimate.exp(), note))
    return tuple(found)


def averaged(
    runs: Runs, members: Sequence[str], number: Callable[[Run], np.ndarray], **options: Any
) -> tuple[Estimate, str]:
    """The mean of a number of slices over seeds, methods and slices, and the note on what was left out of it."""
    table, note = stacked(runs, members, number)
    if table is None:
        return missing(note or "no seed was run with all of these methods", options["level"]), note
    return crossed(table, **options), note


def trend(runs: Runs, members: Sequence[str], column: str, warm_up: float, **options: Any) -> tuple[Estimate, str]:
    """The mean slope of the logarithm of a column of slices against log step, and the note on what was left out."""
    return averaged(runs, members, lambda run: slopes(run, column, warm_up), **options)


def growth(run: Run) -> np.ndarray:
    """Log N at the end less log N at the start, (slices,)."""
    return logs(run.sliced("n_regions")[-1]) - logs(run.sliced("n_regions")[0])


def fewest_of(subject: str) -> int:
    """How many methods a verdict of this subject needs: two of a family."""
    return FEWEST_METHODS if subject in SSL else 0


def slopes(run: Run, column: str, warm_up: float = WARM_UP) -> np.ndarray:
    """Least-squares slopes of log column against log step after the warm-up, (slices,); NaN with fewer than 3 steps."""
    late = after_warm_up(run, warm_up)
    y = logs(run.sliced(column)[late])
    if late.sum() < 3:
        return np.full(y.shape[1], np.nan)
    x = np.log(run.steps[late])
    x = x - x.mean()
    return x @ y / (x @ x)


def _finding(subject: str, reading: str, estimate: Estimate, note: str) -> Finding:
    verdict = decide(estimate, above=0.0, methods=fewest_of(subject))
    what = WORDS[reading]
    if estimate.value is None:
        text = f"Of {name_of(subject)} no slope of {what} is known: {estimate.reason}."
    else:
        text = f"After the warm-up {what} of {name_of(subject)} goes like step to the power {estimate}"
        text += f"; {agreement(estimate, 0.0)}.{noted(note)}"
    return Finding("T2", reading, subject, estimate, 0.0, verdict, text)


def _grown(subject: str, estimate: Estimate, note: str) -> Finding:
    verdict = decide(estimate, above=1.0, methods=fewest_of(subject))
    if estimate.value is None:
        text = f"Of {name_of(subject)} no growth is known: {estimate.reason}."
    else:
        text = f"At the end N of {name_of(subject)} is {estimate} times that of the untrained encoder"
        text += f"; {agreement(estimate, 1.0)}.{noted(note)}"
    return Finding("T2", GROWN, subject, estimate, 1.0, verdict, text)


def noted(note: str) -> str:
    """The note on what was left out, as a sentence; empty where there is none."""
    return f" Note: {note}." if note else ""
