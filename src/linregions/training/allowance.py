"""How much time measuring may take beside training."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ..checks import real_number, shown
from ..errors import InputError


class Allowance:
    """A share of the wall time since training started, and a total in seconds; either may be None, which is no limit.

    Time is counted from the first call of `start`, over all parts of a run that was resumed.

    Example:
        >>> now = iter([0.0, 100.0, 100.0])
        >>> allowed = Allowance(0.05, None, clock=lambda: next(now))
        >>> allowed.start(); allowed.spend(4.0)
        >>> allowed.affords(1.0), allowed.affords(1.1)
        (True, False)
    """

    def __init__(
        self, share: float | None, budget_seconds: float | None, *, clock: Callable[[], float] = time.perf_counter
    ):
        self.share = None if share is None else real_number(share, "share")
        if self.share is not None and not 0 < self.share <= 1:
            raise InputError(f"share must be above 0 and at most 1, got {shown(share)}; None is no limit")
        self.budget_seconds = None if budget_seconds is None else real_number(budget_seconds, "budget_seconds")
        if self.budget_seconds is not None and not self.budget_seconds > 0:
            raise InputError(f"budget_seconds must be positive, got {shown(budget_seconds)}; None is no limit")
        self.clock = clock
        self.spent = 0.0
        self._before = 0.0
        self._start: float | None = None

    def start(self) -> None:
        """Start counting, if it has not started yet."""
        if self._start is None:
            self._start = self.clock()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._before + (0.0 if self._start is None else self.clock() - self._start)

    @property
    def left(self) -> float | None:
        """Seconds left of the total; None where there is no limit."""
        return None if self.budget_seconds is None else self.budget_seconds - self.spent

    def spend(self, seconds: float) -> None:
        """Count a measurement."""
        self.spent += seconds

    def affords(self, seconds: float) -> bool:
        """Whether a measurement of so many seconds stays within both limits, its own time being wall time too."""
        left = self.left
        if left is not None and left <= 0:
            return False
        return self.share is None or self.spent + seconds <= self.share * (self.elapsed + seconds)

    def state(self) -> dict[str, Any]:
        """What a resumed run needs."""
        return {"spent": self.spent, "elapsed": self.elapsed}

    def restore(self, state: Any) -> None:
        """Go on from `state`."""
        self.spent, self._before, self._start = float(state["spent"]), float(state["elapsed"]), None
