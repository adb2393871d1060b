"""A rule that sees collapse in the number of regions of one run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from ..checks import real_number, shown, whole_number
from ..errors import InputError


@dataclass(frozen=True)
class Collapse:
    """What the rule says of a history up to its last row.

    Args:
        collapsed: whether the rule fires at the last row.
        step: the first step at which it fired; None where it never did.
        start: the number of regions that the run began with; None before there is one.
        ratio: the last number over the first; None before there are two, and where the first is 0.
        column: which number.
    """

    collapsed: bool
    step: int | None
    start: float | None
    ratio: float | None
    column: str

    def __bool__(self) -> bool:
        return self.collapsed

    def __str__(self) -> str:
        if self.start == 0:
            return f"no collapse seen: {self.column} was 0 at the start, so that it cannot fall"
        if self.ratio is None:
            return f"no collapse seen: {self.column} has not been measured twice"
        share = f"{self.column} is {100 * self.ratio:.3g} % of what it was at the start"
        if self.collapsed:
            return f"collapse: {share} and falls, first seen at step {self.step}"
        return f"no collapse: {share}" + ("" if self.step is None else f", though the rule fired at step {self.step}")

    def as_dict(self) -> dict[str, Any]:
        """The fields."""
        return asdict(self)


@dataclass(frozen=True)
class CollapseRule:
    """Fires when N_t / N_0 < share in one run and N still falls, after a warm-up.

    "Still falls" means that the last `falling` measured numbers are strictly decreasing.  N_0 is the first number of
    the run.  A row whose status is not "complete" counts only as N_0: a lower bound of N_t says nothing of a fall.

    The rule is this library's; no paper states its numbers.  In pilot runs on digits it fired in collapsing runs, but
    healthy ones also lose regions in their first epochs, and the spread of the embeddings separated the two earlier:
    watch that as well.

    Args:
        column: the column that holds N.
        share: the ratio to fall below, in (0, 1).
        warm_up: rows at steps up to this one never fire.
        falling: how many numbers must decrease in a row, at least 2.

    Raises:
        InputError: a value is not what it should be.

    Example:
        >>> rows = [{"step": s, "regions/n_regions": n} for s, n in [(0, 900), (50, 600), (100, 400), (150, 250)]]
        >>> print(CollapseRule(warm_up=60)(rows))
        collapse: regions/n_regions is 27.8 % of what it was at the start and falls, first seen at step 100
    """

    column: str = "regions/n_regions"
    share: float = 0.5
    warm_up: int = 100
    falling: int = 3

    def __post_init__(self) -> None:
        if not isinstance(self.column, str):
            raise InputError(f"column: expected the name of a column, got {shown(self.column)}")
        if not 0.0 < real_number(self.share, "share") < 1.0:
            raise InputError(f"share: expected a number between 0 and 1, got {shown(self.share)}")
        whole_number(self.warm_up, "warm_up", least=0)
        whole_number(self.falling, "falling", least=2)

    def __call__(self, history: Any) -> Collapse:
        """Judge a `History`, or rows in the order of their steps.

        Raises:
            InputError: no row has the column, though there are complete ones.
        """
        start: float | None = None
        numbers: list[float] = []
        first: int | None = None
        fires = False
        for step, number, complete in self._numbers(rows_of(history)):
            if start is None:
                start = number
                numbers = [number] if complete else []
                continue
            if not complete:
                continue
            numbers.append(number)
            fires = self._fires(step, numbers, start)
            if fires and first is None:
                first = step
        ratio = numbers[-1] / start if start and len(numbers) > 1 else None
        return Collapse(fires, first, start, ratio, self.column)

    def _numbers(self, rows: Sequence[Mapping[str, Any]]) -> list[tuple[int, float, bool]]:
        """Step, number and whether it is complete, for the rows that have one."""
        out, missing = [], False
        for row in rows:
            value = row.get(self.column)
            complete = _complete(row)
            if value is None or not math.isfinite(value):
                missing |= complete and self.column not in row
                continue
            out.append((int(row["step"]), float(value), complete))
        if missing and not out:
            raise InputError(f"column: no row has {self.column!r}; take one of {', '.join(map(str, rows[-1]))}")
        return out

    def _fires(self, step: int, numbers: list[float], start: float) -> bool:
        last = numbers[-self.falling :]
        falls = len(last) == self.falling and all(a > b for a, b in pairwise(last))
        return step > self.warm_up and falls and last[-1] < self.share * start


def collapsed(
    history: Any,
    *,
    column: str = "regions/n_regions",
    share: float = 0.5,
    warm_up: int = 100,
    falling: int = 3,
) -> Collapse:
    """Whether the number of regions has fallen below `share` of its start and still falls; see `CollapseRule`.

    Args:
        history: a `History`, or rows in the order of their steps.
        column: the column that holds the number of regions.
        share: the ratio to fall below, in (0, 1).
        warm_up: rows at steps up to this one never fire.
        falling: how many numbers must decrease in a row, at least 2.

    Returns:
        The `Collapse`, which is true where the rule fires at the last row.

    Raises:
        InputError: a value is not what it should be, or no row has the column.

    Example:
        >>> rows = [{"step": s, "regions/n_regions": n} for s, n in [(0, 900), (200, 430), (400, 300), (600, 700)]]
        >>> bool(collapsed(rows[:3])), bool(collapsed(rows))
        (True, False)
    """
    return CollapseRule(column, share, warm_up, falling)(history)


def rows_of(history: Any) -> Sequence[Mapping[str, Any]]:
    """The rows of a `History`, of what has one, or the rows that were given.

    Raises:
        InputError: these are no rows.
    """
    history = getattr(history, "history", history)
    rows: Any = getattr(history, "rows", history)
    rows = [rows] if isinstance(rows, Mapping | str) or not hasattr(rows, "__iter__") else list(rows)
    if not all(isinstance(row, Mapping) and "step" in row for row in rows):
        raise InputError(f"history: expected a History, or rows that have a step, got {shown(history)}")
    return rows


class RuleWatch:
    """A rule on a history that grows; it is asked anew only where there is a new row.

    Args:
        history: a `RegionTracker`, a `History`, or a list of rows.
        rule: the rule; None takes the default one.
    """

    def __init__(self, history: Any, rule: CollapseRule | None = None):
        self.history, self.rule = history, rule or CollapseRule()
        self.verdict = self.rule([])
        self._rows = 0

    def fires(self) -> bool:
        """Whether the rule fires at the last row."""
        rows = rows_of(self.history)
        if len(rows) != self._rows:
            self.verdict, self._rows = self.rule(rows), len(rows)
        return bool(self.verdict)


def _complete(row: Mapping[str, Any]) -> bool:
    status = row.get("status", "complete")
    return row.get("error") in (None, "") and str(getattr(status, "value", status)).lower() == "complete"
