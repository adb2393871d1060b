"""T5: is collapse seen early in the regions, and earlier than cheap numbers show it?"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....checks import plural
from ....scores.correlation.resampling import weights
from .expansion import WARM_UP
from .finding import Finding, agreement, percent
from .intervals import FAILS, FEWEST_SEEDS, Estimate, decide, missing, needed, too_few
from .series import MARGIN, Run, Runs, after_warm_up, has_collapsed, nearest

EARLY = 0.05  # of the steps: where "early" is looked at
SEEN = "seen early"
KNN = "kNN accuracy"
BESIDE = {"std": "beside std", KNN: "beside kNN"}


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
    """The detectors and their thresholds, set after a pilot: digits, two seeds, one method made to collapse.

    "N < N0 / 2 and falling" was written down after that pilot had shown such falls, so that its firings are no test of
    a rule that nobody had seen data for; the AUC, which needs no threshold, decides the verdict.  kNN accuracy, which
    defines the truth, is among them to show how much of a collapse accuracy itself says at the same checkpoint.
    """
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
        Detector(
            KNN,
            f"kNN accuracy more than {MARGIN:g} below its start",
            False,
            lambda run: run.column("knn")[0] - run.column("knn"),
            lambda run: run.column("knn") < run.column("knn")[0] - MARGIN,
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
    below, by the rule of `decide`: the whole interval, and every seed alone, of three at least.  "beside std" holds
    where AUC(regions) - AUC(std) on the same resamples lies above 0 as a whole and with every seed, does not hold where
    it lies below 0 so, or is exactly 0 throughout, else undecided; "beside kNN" likewise.  Methods are the witnesses,
    and a perfect order of a collapsed and b healthy ones has by chance the probability 1 / C(a + b, a): where that
    exceeds (1 - level) / 2, or one of the two is a single method, no interval is given and all are undecided.

    Args:
        runs: of the study.
        early: share of the steps at which AUC is taken.
        margin: of kNN accuracy.
        resamples: bootstrap resamples.
        level: of the intervals.
        seed: of the resamples.

    Returns:
        The three findings, and a `Record` of each detector that was measured.
    """
    sick = [run for run in runs.all if has_collapsed(run, margin)]
    well = [run for run in runs.all if not has_collapsed(run, margin)]
    found, drawn = [], {}
    for detector in detectors():
        scores = [np.array([detector.score(run)[nearest(run, early)] for run in group]) for group in (sick, well)]
        if not all(np.isfinite(values).all() for values in scores) or not len(runs):
            continue
        estimate, each = _auc((scores[0], scores[1]), (sick, well), resamples, level, seed)
        drawn[detector.name] = (estimate, each)
        found.append(_record(detector, sick, well, scores, estimate, margin))
    return _findings(found, drawn, level), tuple(found)


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
    if not len(bad) or not len(good):
        return missing(f"no run {'has collapsed' if not len(bad) else 'is healthy'}", level), np.empty(0)
    wins = (bad[:, None] > good).astype(float) + 0.5 * (bad[:, None] == good)
    found = Estimate(float(wins.mean()), None, None, level, _by_seed(wins, sick, well))
    few = _too_few(len({run.method for run in sick}), len({run.method for run in well}), level)
    if few or resamples < needed(level):
        return replace(found, reason=few or too_few(resamples, level)), np.empty(0)
    first, second = (_by_method(group, resamples, [seed, k]) for k, group in enumerate(groups))
    drawn = np.einsum("rb,bg,rg->r", first, wins, second, optimize=True)
    drawn /= first.sum(axis=1) * second.sum(axis=1)
    low, high = np.quantile(drawn, [0.5 - 0.5 * level, 0.5 + 0.5 * level])
    return replace(found, low=float(low), high=float(high)), drawn


def _too_few(sick: int, well: int, level: float) -> str:
    """Why so many methods carry no interval of this level; empty where they do."""
    chance = 1.0 / math.comb(sick + well, sick)
    if min(sick, well) >= 2 and chance <= 0.5 - 0.5 * level:
        return ""
    order = f"{plural(sick, 'collapsed method')} and {plural(well, 'healthy one')} are in perfect order by chance"
    if min(sick, well) >= 2:
        return f"{order} in {percent(chance)} of cases"
    return f"{plural(sick, 'method')} collapsed and {plural(well, 'method')} healthy, and one says nothing of others"


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
    n, auc = by["regions"], by["regions"].auc
    text = f"Nothing can be said of early collapse: {auc.reason}."
    if auc.value is not None:
        text = f"Early in training the region count tells {n.collapsed} collapsed runs from {n.healthy} healthy ones"
        text += f" with AUC {auc}; {agreement(auc, 0.5)}. {_firings(n)}"
        if KNN in by:
            text += f" At the same checkpoint kNN accuracy itself has AUC {by[KNN].auc}."
    found = [Finding("T5", SEEN, "regions", auc, 0.5, decide(auc, above=0.5), text)]
    if auc.low is not None:
        found += [_beside(drawn, other, level) for other in BESIDE if other in drawn]
    return tuple(found)


def _firings(n: Record) -> str:
    text = f"The rule {n.text} fires in {n.hits} of the {n.collapsed} collapsed runs, in {n.early} of them before kNN"
    return f"{text} accuracy has dropped, and in {n.alarms} of the {n.healthy} healthy runs."


def _beside(drawn: dict[str, Any], other: str, level: float) -> Finding:
    (a, first), (b, second) = drawn["regions"], drawn[other]
    low, high = np.quantile(first - second, [0.5 - 0.5 * level, 0.5 + 0.5 * level])
    seeds = tuple(x - y for x, y in zip(a.seeds, b.seeds, strict=True))
    estimate = Estimate(a.value - b.value, float(low), float(high), level, seeds)
    verdict = decide(estimate, above=0.0)
    if low == high == 0.0 and not any(seeds) and len(seeds) >= FEWEST_SEEDS:
        verdict = FAILS
    text = f"The AUC of the region count less that of {other} is {estimate}; {agreement(estimate, 0.0)}."
    return Finding("T5", BESIDE[other], "regions", estimate, 0.0, verdict, text)
