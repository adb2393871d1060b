"""T1: have self-supervised encoders fewer regions than supervised ones of comparable quality?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .finding import Finding, agreement, name_of
from .intervals import UNDECIDED, Estimate, crossed, decide, missing
from .series import SSL, SUPERVISED, Run, Runs, logs

MATCHED, END = "at matched kNN accuracy", "at the end"


def fewer(runs: Runs, *, resamples: int = 1000, level: float = 0.95, seed: int = 0) -> tuple[Finding, ...]:
    """T1: the ratio N_ssl / N_sup of region counts on the same slices, from the same first weights.

    The number is exp of the mean over slices and seeds of log N_ssl - log N_sup (a geometric mean of ratios), once
    where both runs first reach the highest kNN accuracy that both of them reach, and once at the end.  The claim is a
    ratio below 1; `decide` states the rule of the verdict.

    Args:
        runs: of the study; without a supervised one nothing is compared.
        resamples: bootstrap resamples of seeds and slices.
        level: of the intervals.
        seed: of the resamples.

    Returns:
        Findings of every self-supervised method, of each family, and of all together ("ssl"), in both readings.
    """
    methods = [method for family in SSL for method in runs.families.get(family, ())]
    groups = {method: [method] for method in methods}
    groups |= {family: list(runs.families[family]) for family in SSL if family in runs.families}
    groups |= {"ssl": methods} if methods else {}
    options = {"resamples": resamples, "level": level, "seed": seed}
    found = []
    for reading, ratio in ((MATCHED, matched_ratio), (END, end_ratio)):
        for subject, members in groups.items():
            estimate = _estimate(runs, members, ratio, options)
            found.append(_finding(subject, reading, estimate))
    return tuple(found)


def matched_ratio(run: Run, reference: Run) -> np.ndarray:
    """Log N_run - log N_reference, (slices,), where both first reach the best kNN accuracy that both reach.

    kNN and log N are read on lines between checkpoints, over log(step + 1).  NaN where one of the two never becomes
    better than it was untrained: then every step is as good a match as the start, whose ratio is 1 by construction.
    """
    both = run.column("knn"), reference.column("knn")
    level = min(float(np.max(knn)) for knn in both)
    if level <= max(knn[0] for knn in both):
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
    runs: Runs, members: Sequence[str], ratio: Callable[[Run, Run], np.ndarray], options: dict[str, float]
) -> Estimate:
    if SUPERVISED not in runs.methods:
        return missing("there is no supervised run")
    rows = []
    for seed in runs.seeds([SUPERVISED, *members]):
        reference = runs.get(SUPERVISED, seed)
        each = [ratio(run, reference) for m in members if (run := runs.get(m, seed)) and reference]
        usable = [values for values in each if np.isfinite(values).all()]
        if usable:
            rows.append(np.mean(usable, axis=0))
    if not rows:
        return missing("no two runs ever match: one of them never becomes better than its untrained encoder")
    return crossed(np.stack(rows), **options).exp()  # type: ignore[arg-type]


def _finding(subject: str, reading: str, estimate: Estimate) -> Finding:
    verdict = decide(estimate, below=1.0)
    if estimate.value is None:
        text = f"{name_of(subject).capitalize()} cannot be compared {reading}: {estimate.reason}."
        return Finding("T1", reading, subject, estimate, 1.0, UNDECIDED, text)
    text = f"{reading[0].upper()}{reading[1:]} {name_of(subject)} {_have(subject)} {estimate} times the regions of "
    text += "supervised"
    return Finding("T1", reading, subject, estimate, 1.0, verdict, f"{text}; {agreement(estimate, 1.0)}.")


def _have(subject: str) -> str:
    return "have" if subject in (*SSL, "ssl") else "has"
