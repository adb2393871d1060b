"""At which training steps to measure."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..checks import shown, whole_number
from ..errors import InputError

# Periods of the schedule of Humayun et al. 2024 (published in their code): up to this step, every so many steps.
_GROK = ((30, 1), (150, 10), (1000, 100), (10_000, 1000))


@dataclass(frozen=True, repr=False)
class Schedule:
    """Steps at which to measure; step 0, the untrained network, is one of them unless the steps are given one by one.

    Example:
        >>> [step for step in range(40) if Schedule.log().due(step)]
        [0, 1, 2, 3, 4, 6, 8, 11, 16, 23, 32]
        >>> Schedule.every(50).due(120), Schedule.every(50).due(120, since=80)
        (False, True)
        >>> Schedule.grok(), Schedule.of([0, 5, 7]).after(5)
        (Schedule.grok(), 7)
    """

    kind: str
    number: int | None = None
    steps: tuple[int, ...] = ()

    @classmethod
    def log(cls, per_octave: int = 2) -> Schedule:
        """Step 0, and the whole numbers nearest to 2^(k / per_octave)."""
        return cls("log", whole_number(per_octave, "schedule: per_octave", most=64))

    @classmethod
    def every(cls, period: int) -> Schedule:
        """Step 0 and every `period` steps."""
        return cls("every", whole_number(period, "schedule: period"))

    @classmethod
    def at(cls, steps: Iterable[int]) -> Schedule:
        """These steps."""
        if isinstance(steps, str | bytes) or not isinstance(steps, Iterable):
            raise InputError(f"schedule: expected steps, got {shown(steps)}")
        found = tuple(sorted({whole_number(s, "schedule: a step", least=0) for s in steps}))
        if not found:
            raise InputError("schedule: got no steps; give at least one, or 'log'")
        return cls("at", None, found)

    @classmethod
    def grok(cls, total: int | None = None) -> Schedule:
        """Every step below 30, every 10 below 150, every 100 below 1,000, every 1,000 below 10,000; then total / 150.

        Without `total`, the number of steps of the training, it goes on with every 1,000.
        """
        return cls("grok", None if total is None else whole_number(total, "schedule: total"))

    @classmethod
    def of(cls, what: Any) -> Schedule:
        """The schedule that is meant by a Schedule, "log", "grok", a period, or steps.

        Raises:
            InputError: none is.
        """
        if isinstance(what, Schedule):
            return what
        if isinstance(what, str):
            if what not in ("log", "grok"):
                raise InputError(f"schedule: {shown(what)} is not 'log', 'grok', a period, steps or a Schedule")
            return cls.log() if what == "log" else cls.grok()
        if isinstance(what, Iterable):
            return cls.at(what)
        return cls.every(whole_number(what, "schedule: period"))

    def after(self, step: int) -> int | None:
        """The first step of the schedule that comes after `step`; None where there is none."""
        if self.kind == "at":
            k = bisect_right(self.steps, step)
            return self.steps[k] if k < len(self.steps) else None
        if step < 0:
            return 0
        if self.kind == "every":
            assert self.number is not None
            return (step // self.number + 1) * self.number
        return self._log(step) if self.kind == "log" else self._grok(step)

    def due(self, step: int, since: int | None = None) -> bool:
        """Whether `step` is in the schedule; with `since`, whether any step after that one and up to `step` is."""
        following = self.after(step - 1 if since is None else since)
        return following is not None and following <= step

    def as_dict(self) -> dict[str, Any]:
        """The schedule as plain JSON types."""
        return {"kind": self.kind, "number": self.number, "steps": list(self.steps)}

    @classmethod
    def from_dict(cls, record: Any) -> Schedule:
        """The schedule that `as_dict` described."""
        try:
            kind, number, steps = record["kind"], record["number"], record["steps"]
            known = {"log": cls.log, "every": cls.every, "grok": cls.grok}
            return cls.at(steps) if kind == "at" else known[kind](number)
        except (KeyError, TypeError) as error:
            raise InputError(f"schedule: expected what Schedule.as_dict gives, got {shown(record)}") from error

    def _log(self, step: int) -> int:
        per = self.number or 1
        k = max(0, math.floor(per * math.log2(max(1, step))) - 1)
        while round(2.0 ** (k / per)) <= step:
            k += 1
        return round(2.0 ** (k / per))

    def _grok(self, step: int) -> int:
        for end, period in _GROK:
            following = (step // period + 1) * period
            if following < end:
                return following
            step = max(step, end - 1)  # the next period starts here
        period = 1000 if self.number is None else max(1, self.number // 150)
        return (step // period + 1) * period

    def __repr__(self) -> str:
        if self.kind == "at":
            return f"Schedule.at({list(self.steps)})"
        return f"Schedule.{self.kind}({'' if self.number is None else self.number})"
