"""Detectors of collapse: rules on what was recorded along a run, each with the first step at which it fires.

The cheap ones read features, the geometric ones need regions or Jacobians. All look back only: whether a detector has
fired by a step does not depend on what came later. The thresholds are this library's, chosen before looking at results
where the literature gives none; which of them is worth anything is what the study asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...checks import real_number, shown
from ...errors import InputError

RULES = ("below", "above", "below start", "above start", "falling below start")


@dataclass(frozen=True)
class Detector:
    """A rule on one series.

    With v_t the value at checkpoint t and v_0 the first value that is there, it fires at the first t from `warmup` on
    at which, by `rule`,

        below                 v_t < threshold
        above                 v_t > threshold
        below start           v_t < threshold * v_0
        above start           v_t > threshold * v_0
        falling below start   v_t < threshold * v_0, and v_t < v of the checkpoint before

    A series that starts at 0 never fires by the rules of its start.

    Attributes:
        name: of the detector.
        series: the name of what it reads.
        rule: one of `RULES`.
        threshold: of the rule.
        warmup: share of the run's last step before which it does not fire.
        cost: "cheap" (features alone) or "geometric".

    Example:
        >>> Detector("regions", "n_regions", "falling below start", 0.5).first([0, 10, 20], [900, 500, 300])
        20
    """

    name: str
    series: str
    rule: str
    threshold: float
    warmup: float = 0.0
    cost: str = "cheap"

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise InputError(f"rule: must be one of {', '.join(RULES)}, got {shown(self.rule)}")
        real_number(self.threshold, "threshold")
        if not 0 <= real_number(self.warmup, "warmup") < 1:
            raise InputError(f"warmup must lie from 0 to below 1, a share of the run, got {shown(self.warmup)}")

    def first(self, steps: Sequence[int], values: Sequence[float | None]) -> int | None:
        """The first step at which it fires, None where it does not.

        Args:
            steps: of the checkpoints, increasing.
            values: of the series there; None or NaN where nothing was measured, which never fires.

        Raises:
            InputError: the lengths differ, or the steps do not increase.
        """
        s, v = series(steps, values)
        alarm = self._alarm(v) & (s >= self.warmup * s[-1]) if len(s) else np.zeros(0, dtype=bool)
        return int(s[np.argmax(alarm)]) if alarm.any() else None

    def severity(self, values: Sequence[float | None]) -> np.ndarray:
        """How far each value is on the collapsed side: larger is worse, whatever the rule; for ROC curves.

        The value itself (divided by the start's for the rules of the start), with the sign turned where the rule is
        "below". NaN where there is no value.
        """
        v = _floats(values)
        if "start" in self.rule:
            start = _start(v)
            v = v / start if start else np.full_like(v, np.nan)
        return v if self.rule.startswith("above") else -v

    def _alarm(self, v: np.ndarray) -> np.ndarray:
        if self.rule == "below":
            return v < self.threshold
        if self.rule == "above":
            return v > self.threshold
        start = _start(v)
        if not start:
            return np.zeros(len(v), dtype=bool)
        if self.rule == "above start":
            return v > self.threshold * start
        low = v < self.threshold * start
        if self.rule == "below start":
            return low
        # The checkpoint before is the last one at which there was a value.
        there = np.flatnonzero(~np.isnan(v))
        falling = np.zeros(len(v), dtype=bool)
        falling[there[1:]] = v[there[1:]] < v[there[:-1]]
        return low & falling


DETECTORS: tuple[Detector, ...] = (
    Detector("std", "std", "below", 0.1, 0.01),
    Detector("effective rank", "effective_rank", "below start", 0.5, 0.01),
    Detector("dead units", "dead", "above", 0.5, 0.01),
    Detector("mean cosine", "mean_cosine", "above", 0.99, 0.01),
    Detector("alignment", "alignment", "below", 0.01, 0.01),
    Detector("uniformity", "uniformity", "above", -0.05, 0.01),
    Detector("region count", "n_regions", "falling below start", 0.5, 0.05, "geometric"),
    Detector("merged count", "n_regions_merged", "below", 1.5, 0.01, "geometric"),
    Detector("boundary distance", "dist_boundary", "above start", 2.0, 0.05, "geometric"),
    Detector("Jacobian norm", "jac_norm", "below start", 0.1, 0.01, "geometric"),
    Detector("local rank", "local_rank", "falling below start", 0.5, 0.05, "geometric"),
)
"""The detectors of the study; each reads one series of a run by its name."""


def detect(
    steps: Sequence[int], history: Mapping[str, Sequence[float | None]], *, detectors: Sequence[Detector] = DETECTORS
) -> dict[str, int | None]:
    """The first step at which each detector fires on a run.

    Args:
        steps: of the checkpoints, increasing.
        history: the series by name; detectors whose series is not there are left out.
        detectors: which ones.

    Returns:
        By the detectors' names: a step, or None for "never".

    Raises:
        InputError: a series has another length than the steps.

    Example:
        >>> detect([0, 10, 100], {"std": [0.3, 0.2, 0.02], "effective_rank": [20.0, 19.0, 18.0]})
        {'std': 100, 'effective rank': None}
    """
    return {d.name: d.first(steps, history[d.series]) for d in detectors if d.series in history}


def quality_drop(steps: Sequence[int], values: Sequence[float | None], *, margin: float = 0.05) -> int | None:
    """The first step at which an accuracy is more than `margin` below the best one so far.

    What an early detector has to be earlier than.

    Args:
        steps: of the checkpoints, increasing.
        values: accuracies from 0 to 1, None where there is none.
        margin: in the same unit.

    Returns:
        The step, or None.

    Raises:
        InputError: the lengths differ.

    Example:
        >>> quality_drop([0, 10, 100], [0.90, 0.93, 0.80])
        100
    """
    s, v = series(steps, values)
    best = np.fmax.accumulate(v) if len(v) else v
    dropped = v < best - real_number(margin, "margin")
    return int(s[np.argmax(dropped)]) if dropped.any() else None


def series(steps: Sequence[int], values: Sequence[float | None]) -> tuple[np.ndarray, np.ndarray]:
    """Steps and values as arrays of one length, NaN where there is no value."""
    s, v = np.asarray(steps, dtype=np.int64).ravel(), _floats(values)
    if len(s) != len(v):
        raise InputError(f"values: there must be one for each of the {len(s)} steps, got {len(v)}; use None for gaps")
    if (np.diff(s) <= 0).any():
        raise InputError(f"steps must increase, got {shown(s.tolist())}")
    return s, v


def _floats(values: Sequence[Any]) -> np.ndarray:
    return np.array([np.nan if v is None else float(v) for v in values], dtype=np.float64)


def _start(v: np.ndarray) -> float:
    """The first value that is there; 0 where there is none."""
    there = v[~np.isnan(v)]
    return float(there[0]) if len(there) else 0.0
