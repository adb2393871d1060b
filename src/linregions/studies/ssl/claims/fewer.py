"""T1: have self-supervised encoders fewer regions than supervised ones of comparable quality?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .expansion import fewest_of, noted
from .finding import Finding, agreement, name_of
from .intervals import UNDECIDED, Estimate, crossed, decide, missing
from .series import SSL, SUPERVISED, Run, Runs, groups, logs, stacked

MATCHED, END = "at matched kNN accuracy", "at the end"
GAIN = 0.01  # of kNN accuracy over the untrained encoder: what two runs must both reach to be matched
MANY = 5  # methods without which nothing is said of all self-supervised methods together


def fewer(runs: Runs, *, resamples: int = 1000, level: float = 0.95, seed: int = 0) -> tuple[Finding, ...]:
    """T1: the ratio N_ssl / N_sup of region counts on the same slices, from the same first weights.

    The number is exp of the mean over slices, seeds and methods of log N_ssl - log N_sup (a geometric mean of ratios),
    once where both runs first reach the highest kNN accuracy that both of them reach, and once at the end.  The claim
    is a ratio below 1; `decide` states the rule of the verdict.  Of a family two methods have to be there, of all
    together five.  Methods of which a run collapsed, or never matches, are left out of groups, and the sentence says
    so.

    Args:
        runs: of the study; without a supervised one nothing is compared.
        resamples: bootstrap resamples of seeds, methods and slices.
        level: of the intervals.
        seed: of the resamples.

    Returns:
        Findings of every self-supervised method, of each family, and of all together ("ssl"), in both readings.
    """
    subjects = groups(runs, supervised=False)
    methods = [method for family in SSL for method in runs.families.get(family, ())]
    subjects |= {"ssl": methods} if methods else {}
    options = {"resamples": resamples, "level": level, "seed": seed}
    found = []
    for reading, ratio in ((MATCHED, matched_ratio), (END, end_ratio)):
        for subject, members in subjects.items():
            estimate, note = _estimate(runs, members, ratio, options)
            found.append(_finding(subject, reading, estimate, note))
    return tuple(found)


def matched_ratio(run: Run, reference: Run) -> np.ndarray:
    """Log N_run - log N_reference, (slices,), where both first reach the best kNN accuracy that both reach.

    kNN and log N are read on lines between checkpoints, over log(step + 1).  NaN where one of the two never becomes
    better than it was untrained by 0.01: then every step is as good a match as the start, whose ratio is 1 by
    construction.
    """
    both = run.column("knn"), reference.column("knn")
    level = min(float(np.max(knn)) for knn in both)
    if level < max(knn[0] for knn in both) + GAIN:
        return np.full(run.sliced("n_regions").shape[1], np.nan)
    return _reached(run, level) - _reached(reference, level)


def end_ratio(run: Run, reference: Run) -> np.ndarray:
    """Log N_run - log N_reference at the last checkpoint, (slices,)."""
    return logs(run.sliced("n_regions")[-1]) - logs(reference.sliced("n_regions")[-1])


def _reached(run: Run, level: float) -> np.ndarray:
    """Log N, (slices,), where the run's kNN accuracy first reaches `level`, which lies above its first value."""
    knn, counts = run.column("knn"), logs(run.sliced("n_regions"))
    k = int(np.flatnonzero(knn >= level)[0])
    share = (level - knn[k - 1]) / (knn[k] - knn[k - 1])
    # Both are lines over the same clock between two checkpoints, so the share of one is that of the other.
    return (1.0 - share) * counts[k - 1] + share * counts[k]


def _estimate(
    runs: Runs, members: Sequence[str], ratio: Callable[[Run, Run], np.ndarray], options: dict[str, Any]
) -> tuple[Estimate, str]:
    if SUPERVISED not in runs.methods:
        return missing("there is no supervised run"), ""

    def number(run: Run) -> np.ndarray:
        reference = runs.get(SUPERVISED, run.seed)
        assert reference is not None  # only seeds that supervised runs have are asked for
        return ratio(run, reference)

    table, note = stacked(runs, members, number, beside=[SUPERVISED])
    if table is None:
        return missing("with one seed at least no two runs match, or there is no seed that all of them have"), note
    return crossed(table, **options).exp(), note


def _finding(subject: str, reading: str, estimate: Estimate, note: str) -> Finding:
    least = MANY if subject == "ssl" else fewest_of(subject)
    verdict = decide(estimate, below=1.0, methods=least)
    left = noted(note)
    name = name_of(subject)
    if estimate.value is None:
        text = f"{name[0].upper()}{name[1:]} cannot be compared {reading}: {estimate.reason}.{left}"
        return Finding("T1", reading, subject, estimate, 1.0, UNDECIDED, text)
    text = f"{reading[0].upper()}{reading[1:]} {name} {_have(subject)} {estimate} times the regions of supervised"
    return Finding("T1", reading, subject, estimate, 1.0, verdict, f"{text}; {agreement(estimate, 1.0)}.{left}")


def _have(subject: str) -> str:
    return "have" if subject in (*SSL, "ssl") else "has"
