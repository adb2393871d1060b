"""T5: is collapse seen early in the regions, and earlier than cheap numbers show it?"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....scores.correlation.resampling import weights
from .expansion import WARM_UP
from .finding import Finding
from .intervals import FAILS, HOLDS, UNDECIDED, Estimate, Verdict, decide, missing
from .series import Run, Runs, after_warm_up, nearest

MARGIN = 0.05  # of kNN accuracy, below that of the untrained encoder: what counts as collapsed
EARLY = 0.05  # of the steps: where "early" is looked at
SEEN, BESIDE = "seen early", "beside std"


@dataclass(frozen=True)
class Detector:
    """A number that should tell collapse: how it is read, and when it fires.

    Attributes:
        name: short.
        text: when it fires, in words.
        geometric: whether it reads regions; the others are the cheap ones.
        score: of each checkpoint, (checkpoints,): the larger, the more collapsed.
        fires: at each checkpoint, (checkpoints,) bool.
    """

    name: str
    text: str
    geometric: bool
    score: Callable[[Run], np.ndarray]
    fires: Callable[[Run], np.ndarray]


@dataclass(frozen=True)
class Record:
    """How a detector did: AUC early, and its firings beside the drop of kNN accuracy."""

    name: str
    text: str
    geometric: bool
    auc: Estimate
    hits: int  # collapsed runs in which it fires
    early: int  # those in which it fires before the checkpoint of the drop
    collapsed: int
    alarms: int  # healthy runs in which it fires at any time
    healthy: int
    step: float | None  # the median step of its first firing in collapsed runs
    drop: float | None  # the median step of the drop in collapsed runs
    roc: tuple[tuple[float, float], ...]  # false and true positive rates

    def as_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return vars(self) | {"auc": self.auc.as_dict(), "roc": [list(point) for point in self.roc]}


def detectors() -> tuple[Detector, ...]:
    """The detectors and their thresholds, which were fixed before any run of this study was seen."""
    counts = lambda run: run.averaged("n_regions", log=True)  # noqa: E731
    merged = lambda run: run.averaged("n_regions_merged", log=True)  # noqa: E731
    return (
        Detector("regions", "N < N0 / 2 and still falling after the warm-up", True, _fall(counts), _halved(counts)),
        Detector(
            "merged regions", "the merged count below half its start", True, _fall(merged), _halved(merged, False)
        ),
        _doubled("distance", "dist_boundary", "the median distance to the boundary above twice its start"),
        _half_column("Jacobian norm", "jac_norm", "below half its start", geometric=True),
        Detector(
            "std",
            "sqrt(d) times std of normalised features below 0.1",
            False,
            lambda run: -run.column("std"),
            lambda run: run.column("std") < 0.1,
        ),
        _half_column("effective rank", "effective_rank", "below half its start", geometric=False),
        Detector(
            "mean cosine",
            "mean pairwise cosine above 0.95",
            False,
            lambda run: run.column("mean_cosine"),
            lambda run: run.column("mean_cosine") > 0.95,
        ),
        Detector(
            "dead units",
            "more than half of the features dead",
            False,
            lambda run: run.column("dead"),
            lambda run: run.column("dead") > 0.5,
        ),
    )


def collapse(
    runs: Runs,
    *,
    early: float = EARLY,
    margin: float = MARGIN,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[tuple[Finding, ...], tuple[Record, ...]]:
    """T5: the area under the ROC curve of each detector at an early checkpoint, and first firings beside the drop.

    A run has collapsed if its last kNN accuracy lies more than `margin` below that of its own untrained encoder,
    whatever it was meant to do; so the truth is of no detector's making.  AUC is the share of pairs of a collapsed and
    a healthy run that the score tells apart at the first checkpoint from `early` of the steps on, ties half.  Intervals
    resample methods within the collapsed and within the healthy runs: seeds of one method are no independent witnesses.

    Verdicts: "seen early" holds where the AUC of the region count lies above 1/2, and does not hold where it lies
    below, by the rule of `decide`: the whole interval, and every seed alone. "beside std" holds where AUC(regions) -
    AUC(std) on the same resamples lies above 0, does not hold where it lies below 0 or is exactly 0 throughout, else
    undecided. Both are undecided with fewer than two collapsed or two healthy methods.

    Args:
        runs: of the study.
        early: share of the steps at which AUC is taken.
        margin: of kNN accuracy.
        resamples: bootstrap resamples.
        level: of the intervals.
        seed: of the resamples.

    Returns:
        The two findings, and a `Record` of each detector that was measured.
    """
    sick = [run for run in runs.all if has_collapsed(run, margin)]
    well = [run for run in runs.all if not has_collapsed(run, margin)]
    found, drawn = [], {}
    for detector in detectors():
        scores = [np.array([detector.score(run)[nearest(run, early)] for run in group]) for group in (sick, well)]
        if not all(np.isfinite(values).all() for values in scores) or not len(runs):
            continue
        estimate, each = _auc((scores[0], scores[1]), (sick, well), resamples, level, seed)
        drawn[detector.name] = (estimate.value, each)
        found.append(_record(detector, sick, well, scores, estimate, margin))
    return _findings(found, drawn, level), tuple(found)


def has_collapsed(run: Run, margin: float = MARGIN) -> bool:
    """Whether the last kNN accuracy lies more than `margin` below the first."""
    knn = run.column("knn")
    return bool(knn[-1] < knn[0] - margin)


def drop_step(run: Run, margin: float = MARGIN) -> float:
    """The first step whose kNN accuracy lies more than `margin` below the first; infinity where none does."""
    low = np.flatnonzero(run.column("knn") < run.column("knn")[0] - margin)
    return float(run.steps[low[0]]) if len(low) else np.inf


def firing_step(run: Run, detector: Detector) -> float:
    """The first step after the start at which a detector fires; infinity where it never does."""
    fires = np.flatnonzero(detector.fires(run) & (run.steps > 0))
    return float(run.steps[fires[0]]) if len(fires) else np.inf


def _fall(log: Callable[[Run], np.ndarray]) -> Callable[[Run], np.ndarray]:
    return lambda run: log(run)[0] - log(run)


def _halved(log: Callable[[Run], np.ndarray], falling: bool = True) -> Callable[[Run], np.ndarray]:
    def fires(run: Run) -> np.ndarray:
        y = log(run)
        low = (y - y[0] < -np.log(2.0)) & after_warm_up(run, WARM_UP)
        return low & (np.diff(y, prepend=y[0]) < 0.0) if falling else low

    return fires


def _doubled(name: str, column: str, text: str) -> Detector:
    def score(run: Run) -> np.ndarray:
        y = run.metric(column)
        return y / y[0] if y[0] > 0 else y

    return Detector(name, text, True, score, lambda run: score(run) > 2.0)


def _half_column(name: str, column: str, text: str, *, geometric: bool) -> Detector:
    def score(run: Run) -> np.ndarray:
        y = run.metric(column)
        return -y / y[0] if y[0] > 0 else -y

    return Detector(name, f"{name} {text}", geometric, score, lambda run: score(run) > -0.5)


def _auc(
    scores: tuple[np.ndarray, np.ndarray],
    groups: tuple[list[Run], list[Run]],
    resamples: int,
    level: float,
    seed: int,
) -> tuple[Estimate, np.ndarray]:
    """AUC with its interval, and its resamples; equal seeds make equal resamples, so that detectors can be paired."""
    (bad, good), (sick, well) = scores, groups
    few = [name for name, group in (("collapsed", sick), ("healthy", well)) if len({run.method for run in group}) < 2]
    if not len(bad) or not len(good):
        return missing(f"no run is {' or '.join(few)}", level), np.empty(0)
    wins = (bad[:, None] > good).astype(float) + 0.5 * (bad[:, None] == good)
    if few:
        text = f"fewer than two methods are {' and '.join(few)}"
        return Estimate(float(wins.mean()), None, None, level, (), len(bad), text), np.empty(0)
    first, second = (_by_method(group, resamples, [seed, k]) for k, group in enumerate(groups))
    drawn = np.einsum("rb,bg,rg->r", first, wins, second) / (first.sum(axis=1) * second.sum(axis=1))
    low, high = np.quantile(drawn, [0.5 - 0.5 * level, 0.5 + 0.5 * level])
    seeds = _by_seed(wins, sick, well)
    return Estimate(float(wins.mean()), float(low), float(high), level, seeds, len(bad)), drawn


def _by_seed(wins: np.ndarray, sick: list[Run], well: list[Run]) -> tuple[float, ...]:
    """AUC from the runs of one seed alone, of every seed that has runs of both kinds."""
    bad, good = (np.array([run.seed for run in group]) for group in (sick, well))
    both = sorted(set(bad.tolist()) & set(good.tolist()))
    return tuple(float(wins[np.ix_(bad == number, good == number)].mean()) for number in both)


def _by_method(group: list[Run], resamples: int, seed: list[int]) -> np.ndarray:
    """Weights (resamples, runs) that draw methods with all their runs."""
    methods = list(dict.fromkeys(run.method for run in group))
    drawn = np.concatenate(list(weights(len(methods), resamples, seed)))
    return drawn[:, [methods.index(run.method) for run in group]]


def _record(
    detector: Detector, sick: list[Run], well: list[Run], scores: list[np.ndarray], auc: Estimate, margin: float
) -> Record:
    fired, dropped = [firing_step(run, detector) for run in sick], [drop_step(run, margin) for run in sick]
    return Record(
        name=detector.name,
        text=detector.text,
        geometric=detector.geometric,
        auc=auc,
        hits=sum(map(math.isfinite, fired)),
        early=sum(a < b for a, b in zip(fired, dropped, strict=True)),
        collapsed=len(sick),
        alarms=sum(math.isfinite(firing_step(run, detector)) for run in well),
        healthy=len(well),
        step=_median(fired),
        drop=_median(dropped),
        roc=_curve(scores[0], scores[1]),
    )


def _median(steps: list[float]) -> float | None:
    """The median of all steps, where infinity is one; None where it is that, or there are no steps."""
    value = float(np.quantile(steps, 0.5, method="lower")) if steps else np.inf
    return value if np.isfinite(value) else None


def _curve(bad: np.ndarray, good: np.ndarray) -> tuple[tuple[float, float], ...]:
    if not len(bad) or not len(good):
        return ()
    cuts = [np.inf, *sorted({*bad.tolist(), *good.tolist()}, reverse=True)]
    return tuple((float((good >= cut).mean()), float((bad >= cut).mean())) for cut in cuts)


def _findings(records: list[Record], drawn: dict[str, Any], level: float) -> tuple[Finding, ...]:
    by = {record.name: record for record in records}
    if "regions" not in by:
        return ()
    auc, n = by["regions"].auc, by["regions"]
    verdict = decide(auc, above=0.5)
    text = f"Early in training the region count tells {n.collapsed} collapsed runs from {n.healthy} healthy ones"
    text += f" with AUC {auc}."
    if auc.value is None:
        text = f"Nothing can be said of early collapse: {auc.reason}."
    found = [Finding("T5", SEEN, "regions", auc, 0.5, verdict, text)]
    if "std" in drawn and auc.low is not None:
        found.append(_beside(drawn, level))
    return tuple(found)


def _beside(drawn: dict[str, Any], level: float) -> Finding:
    (a, first), (b, second) = drawn["regions"], drawn["std"]
    low, high = np.quantile(first - second, [0.5 - 0.5 * level, 0.5 + 0.5 * level])
    estimate = Estimate(a - b, float(low), float(high), level, (), 0)
    verdict: Verdict = HOLDS if low > 0 else FAILS if high < 0 or low == high == 0 else UNDECIDED
    text = f"The AUC of the region count less that of std is {estimate}."
    return Finding("T5", BESIDE, "regions", estimate, 0.0, verdict, text)
