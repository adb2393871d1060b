"""The rows of a study as arrays: one run of one method with one seed, its checkpoints and its slices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ....errors import InputError
from .finding import name_of

SUPERVISED, CONTROL = "supervised", "control"
MARGIN = 0.05  # of kNN accuracy, below that of the untrained encoder: what counts as collapsed
NOISE = "noise"  # the kind of the slices that lie away from the data
SSL = ("contrastive", "self-distillation", "cca")  # the families whose methods are meant to learn without labels


@dataclass(frozen=True)
class Run:
    """One training: its method and seed, and what was measured at its checkpoints.

    Example:
        >>> row = {"method": "simclr", "family": "contrastive", "seed": 0, "kinds": ["classes"],
        ...        "checkpoints": [{"step": 0, "knn": 0.5, "slices": {"n_regions": [7]}}]}
        >>> Run(row).sliced("n_regions")
        array([[7.]])
    """

    row: Mapping[str, Any]

    @property
    def method(self) -> str:
        """The name of the method."""
        return self.row["method"]

    @property
    def family(self) -> str:
        """Supervised, contrastive, self-distillation, cca or control."""
        return self.row["family"]

    @property
    def seed(self) -> int:
        """The seed that the encoder's first weights and the batches follow from."""
        return self.row["seed"]

    @property
    def healthy(self) -> bool:
        """Whether the method is meant to learn: no control that collapses on purpose."""
        return self.family != CONTROL

    @cached_property
    def steps(self) -> np.ndarray:
        """Steps of the checkpoints, (checkpoints,)."""
        return np.array([point["step"] for point in self.row["checkpoints"]], dtype=np.float64)

    def column(self, name: str) -> np.ndarray:
        """A number of each checkpoint, (checkpoints,); NaN where it is missing."""
        return np.array([_number(point.get(name)) for point in self.row["checkpoints"]])

    def sliced(self, name: str, *, noise: bool = False) -> np.ndarray:
        """A number of each checkpoint and slice near the data (or of each noise slice), (checkpoints, slices).

        NaN where it was not measured.
        """
        chosen = [k for k, kind in enumerate(self.row["kinds"]) if (kind == NOISE) == noise]
        table = []
        for point in self.row["checkpoints"]:
            values = point["slices"].get(name, [])
            table.append([_number(values[k]) if k < len(values) else np.nan for k in chosen])
        return np.array(table, dtype=np.float64).reshape(len(table), len(chosen))

    def averaged(self, name: str, *, log: bool = False) -> np.ndarray:
        """The mean of a number over the slices near the data where it was measured, (checkpoints,)."""
        values = self.sliced(name)
        return means(logs(values) if log else values)

    def metric(self, name: str) -> np.ndarray:
        """A number of each checkpoint, (checkpoints,): of slices near the data, their mean."""
        if any(name in point["slices"] for point in self.row["checkpoints"]):
            return self.averaged(name)
        return self.column(name)


class Runs:
    """All runs of a study, by method and seed.

    Args:
        rows: the rows of its folder; those with an error are left out.
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]]):
        runs = [Run(row) for row in rows if "error" not in row]
        self.all = tuple(runs)
        self._by = {(run.method, run.seed): run for run in runs}

    def __len__(self) -> int:
        return len(self.all)

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the methods, in the order in which they stand."""
        return tuple(dict.fromkeys(run.method for run in self.all))

    @property
    def families(self) -> dict[str, tuple[str, ...]]:
        """The methods of each family."""
        found: dict[str, tuple[str, ...]] = {}
        for run in self.all:
            if run.method not in found.get(run.family, ()):
                found[run.family] = (*found.get(run.family, ()), run.method)
        return found

    def family(self, method: str) -> str:
        """The family of a method."""
        return next(run.family for run in self.all if run.method == method)

    def of(self, method: str) -> tuple[Run, ...]:
        """The runs of a method, by seed."""
        return tuple(sorted((run for run in self.all if run.method == method), key=lambda run: run.seed))

    def get(self, method: str, seed: int) -> Run | None:
        """One run; None where it is not there."""
        return self._by.get((method, seed))

    def seeds(self, methods: Iterable[str]) -> tuple[int, ...]:
        """The seeds with which all of these methods were run."""
        each = [{run.seed for run in self.of(method)} for method in methods]
        return tuple(sorted(set.intersection(*each))) if each else ()


def has_collapsed(run: Run, margin: float = MARGIN) -> bool:
    """Whether the last kNN accuracy lies more than `margin` below the first."""
    knn = run.column("knn")
    return bool(knn[-1] < knn[0] - margin)


def groups(runs: Runs, *, supervised: bool) -> dict[str, list[str]]:
    """What a test speaks of: every method that is no control alone, then each family; with or without supervised."""
    alone = [m for m in runs.methods if runs.family(m) != CONTROL and (supervised or m != SUPERVISED)]
    families = {name: list(runs.families[name]) for name in SSL if name in runs.families}
    return {m: [m] for m in alone} | families


def stacked(
    runs: Runs, members: Sequence[str], number: Callable[[Run], np.ndarray], *, beside: Sequence[str] = ()
) -> tuple[np.ndarray | None, str]:
    """A number of every slice, (seeds, methods, slices), of the seeds that all have, and why methods are left out.

    Left out of a group is a method that collapsed with one of the seeds, which would speak for all others, or that has
    no number with one of them.  A method alone is left out for the second reason only; its table is (seeds, slices).

    Args:
        runs: of the study.
        members: the methods.
        number: of a run, (slices,); NaN is missing.
        beside: further methods that every seed must have.

    Returns:
        The table, None where no method or seed is left; and a sentence, empty where nothing was left out.
    """
    seeds = runs.seeds([*members, *beside])
    tables, notes = [], []
    for method in members:
        group = [run for s in seeds if (run := runs.get(method, s))]
        each = [number(run) for run in group]
        sick = sum(map(has_collapsed, group))
        if not each or any(not np.isfinite(values).any() for values in each):
            notes.append(f"{name_of(method)} has no such number")
        elif sick and len(members) > 1:
            notes.append(f"{name_of(method)} collapsed with {sick} of {len(group)} seeds")
        else:
            if sick:
                notes.append(f"{name_of(method)} collapsed with {sick} of {len(group)} seeds")
            tables.append(np.stack(each))
    if not tables:
        return None, "; ".join(notes)
    return (np.stack(tables, axis=1) if len(members) > 1 else tables[0]), "; ".join(notes)


def after_warm_up(run: Run, share: float) -> np.ndarray:
    """Which checkpoints lie at or after `share` of the run's steps, (checkpoints,) bool; step 0 never does."""
    return (run.steps > 0) & (run.steps >= share * run.steps[-1])


def nearest(run: Run, share: float) -> int:
    """The first checkpoint at or after `share` of the run's steps."""
    return int(np.flatnonzero(after_warm_up(run, share))[0]) if run.steps[-1] > 0 else 0


def logs(values: np.ndarray) -> np.ndarray:
    """Natural logarithms; NaN where a value is not positive."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(values > 0, np.log(values), np.nan)


def means(values: np.ndarray) -> np.ndarray:
    """Means over the last axis of what is there; NaN where nothing is."""
    there = np.isfinite(values)
    count = there.sum(axis=-1)
    total = np.where(there, values, 0.0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _number(value: Any) -> float:
    if value is None:
        return np.nan
    if isinstance(value, bool | int | float):
        return float(value)
    raise InputError(f"rows: {value!r} is no number; measure that run again")
