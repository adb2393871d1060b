"""What the rows of a study say: how well every score, control and baseline ranks, and what that means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from ..errors import InputError
from ..scores.correlation import (
    Correlation,
    TopK,
    difference_of,
    kendall,
    partial_spearman,
    spearman,
    top_k_regret,
)

Row = dict[str, Any]
FEWEST = 5  # rows: with fewer, a report has nothing to say
SCORE, UNITS, TRUTH = "swap", "units", "accuracy"


@dataclass(frozen=True)
class Column:
    """One way to rank, and how well it does.

    `role` is "score", "control", "baseline" or "ablation".  `given_units`, `given_sizes` (units and parameters) and
    `given_controls` (all of them) are partial correlations, None for a control.  `top_half` is Spearman among the
    better half, `behind` the score's Spearman less this one's on the same resamples, `seconds` the median cost of one
    network.
    """

    name: str
    label: str
    role: str
    spearman: Correlation
    kendall: Correlation
    given_units: Correlation | None
    given_sizes: Correlation | None
    given_controls: Correlation | None
    top_half: Correlation
    top: TopK | None
    behind: Correlation | None
    seconds: float | None

    def as_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Findings:
    """What a study found.

    `of_units` and `of_limit` are smallest, median and largest of Psi / V and of Psi / min(V, 2^S); `with_units` is the
    rank correlation of the score with the number of units; `ceiling` is the seed-to-seed Spearman of trained
    accuracies, where networks were trained from several seeds; `failed` counts networks that could not be scored.
    """

    columns: tuple[Column, ...]
    n: int
    failed: int
    with_units: Correlation
    of_units: tuple[float, float, float]
    of_limit: tuple[float, float, float]
    standard_error: float | None
    ceiling: Correlation | None

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise InputError(f"column: {name!r} is not in the study; it has {', '.join(c.name for c in self.columns)}")

    def __contains__(self, name: str) -> bool:
        return any(column.name == name for column in self.columns)

    def as_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self)


def findings(
    rows: Sequence[Row],
    roles: dict[str, str],
    *,
    labels: dict[str, str] | None = None,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    progress: Callable[[float, int], None] | None = None,
) -> Findings:
    """Rank correlations of every column of a study with the truth.

    Args:
        rows: what was measured; rows with an `error` are counted and left out.
        roles: "score", "control", "baseline" or "ablation" of every column that ranks.
        labels: how the columns are called in a report.
        resamples: bootstrap resamples of every interval.
        level: of the intervals.
        seed: of the resamples.
        progress: called with (fraction, columns done).

    Raises:
        InputError: there are fewer than five rows.
    """
    good = [row for row in rows if "error" not in row and row.get(TRUTH) is not None]
    if len(good) < FEWEST:
        raise InputError(f"study: {len(good)} networks are measured, and a report needs {FEWEST}; measure more")
    table = _Table(good, roles, labels or {}, {"resamples": resamples, "level": level, "seed": seed})
    columns = []
    for done, name in enumerate(table.names, start=1):
        columns.append(table.column(name))
        if progress is not None:
            progress(done / len(table.names), done)
    swap, units = table.values[SCORE], table.values[UNITS]
    limit = np.array([row["limit"] for row in good], dtype=np.float64)
    return Findings(
        columns=tuple(columns),
        n=len(good),
        failed=sum("error" in row for row in rows),
        with_units=spearman(swap, units, **table.options),
        of_units=_spread(swap / units),
        of_limit=_spread(swap / limit),
        standard_error=_standard_error(good),
        ceiling=_ceiling(good, table.options),
    )


class _Table:
    """The columns of the rows as arrays."""

    def __init__(self, rows: list[Row], roles: dict[str, str], labels: dict[str, str], options: dict[str, Any]):
        self.rows, self.roles, self.labels, self.options = rows, roles, labels, options
        self.truth = np.array([row[TRUTH] for row in rows], dtype=np.float64)
        self.values = {name: _column(rows, name) for name in roles}
        self.names = [name for name, values in self.values.items() if not np.all(np.isnan(values))]
        whole = [name for name in self.names if not np.isnan(self.values[name]).any()]
        self.controls = [name for name in whole if roles[name] == "control"]  # those that can be partialled out

    def column(self, name: str) -> Column:
        values = self.values[name]
        known = ~np.isnan(values)
        score, truth = values[known], self.truth[known]
        role = self.roles[name]
        own = role != "control"
        top_half = truth >= np.median(truth)
        k = max(1, min(50, len(truth) // 10))
        return Column(
            name=name,
            label=self.labels.get(name, name.replace("_", " ")),
            role=role,
            spearman=spearman(score, truth, **self.options),
            kendall=kendall(score, truth, **self.options),
            given_units=self._given(score, truth, known, [UNITS]) if own else None,
            given_sizes=self._given(score, truth, known, [UNITS, "parameters"]) if own else None,
            given_controls=self._given(score, truth, known, self.controls) if own else None,
            top_half=spearman(score[top_half], truth[top_half], **self.options),
            top=top_k_regret(score, truth, k, **self.options) if len(truth) else None,
            behind=self._behind(name, score, truth, known),
            seconds=_seconds(self.rows, name),
        )

    def _given(self, score: np.ndarray, truth: np.ndarray, known: np.ndarray, names: list[str]) -> Correlation:
        controls = {name: self.values[name][known] for name in names if name in self.controls}
        return partial_spearman(score, truth, controls, **self.options)

    def _behind(self, name: str, score: np.ndarray, truth: np.ndarray, known: np.ndarray) -> Correlation | None:
        if name == SCORE:
            return None
        return difference_of(self.values[SCORE][known], score, truth, **self.options)


def _column(rows: list[Row], name: str) -> np.ndarray:
    return np.array([np.nan if row.get(name) is None else row[name] for row in rows], dtype=np.float64)


def _spread(values: np.ndarray) -> tuple[float, float, float]:
    return float(np.min(values)), float(np.median(values)), float(np.max(values))


def _standard_error(rows: list[Row]) -> float | None:
    """The mean standard error of the score over its repeats, as a share of the score."""
    repeats = [np.array(row["per_repeat"], dtype=np.float64) for row in rows if len(row.get("per_repeat", ())) > 1]
    if not repeats:
        return None
    return float(np.mean([np.std(r, ddof=1) / np.sqrt(len(r)) / np.mean(r) for r in repeats]))


def _seconds(rows: list[Row], name: str) -> float | None:
    """The median cost of one network, of as many passes as the column takes."""
    if name in (SCORE, "swap_noise", "nwot", "standard"):
        costs = [row["seconds_pass"] * len(row["per_repeat"]) for row in rows]
    else:
        field = {"swap_1": "seconds_pass", "flops": "seconds_sizes", "depth": "seconds_sizes"}.get(
            name, f"seconds_{name}"
        )
        costs = [row[field] for row in rows if field in row]
    return float(np.median(costs)) if costs else None  # not the mean: the first network waits for imports


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None


def _ceiling(rows: list[Row], options: dict[str, Any]) -> Correlation | None:
    """Spearman of one seed's accuracies with another's, the mean over pairs of seeds; None without several seeds."""
    runs = [row.get("accuracies") for row in rows]
    if not all(runs) or min(map(len, runs)) < 2:  # type: ignore[arg-type]
        return None
    seeds = np.array([run[: min(map(len, runs))] for run in runs], dtype=np.float64)  # type: ignore[index, arg-type]
    pairs = [spearman(seeds[:, i], seeds[:, j], **options) for i, j in combinations(range(seeds.shape[1]), 2)]
    if not all(pair.defined for pair in pairs):
        return pairs[0]
    value, low, high = (_mean([getattr(pair, name) for pair in pairs]) for name in ("value", "low", "high"))
    first = pairs[0]
    return Correlation(
        value, low, high, first.level, len(rows), "Spearman, seed to seed", first.resamples, first.reason
    )
