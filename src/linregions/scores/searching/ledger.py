"""The account of a search: every architecture is scored once, and the budget is kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from ...checks import real_number, shown
from ...errors import InputError
from ..spaces.space import Space
from .record import Step


class Stop(Exception):
    """The budget is used up; `reason` is a key of `record.REASONS`."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class Ledger:
    """Scores architectures, each at most once, until the evaluations or the time are used up."""

    def __init__(
        self,
        space: Space[Any],
        objective: Callable[[Any], float],
        evaluations: int,
        time_limit: float | None,
        progress: Callable[[float, int], None] | None,
    ):
        self.space, self.objective, self.evaluations, self.progress = space, objective, evaluations, progress
        self.started = time.monotonic()
        self.deadline = math.inf if time_limit is None else self.started + time_limit
        self.scores: dict[Any, float] = {}
        self.history: list[Step] = []
        self.requests = 0

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self.started

    @property
    def best(self) -> Step:
        """The first step with the best score."""
        return max(self.history, key=lambda step: step.score)

    def score(self, architecture: Any, origin: str) -> float:
        """The score of an architecture, computed if it is not known.

        Raises:
            Stop: it is not known, and the budget is used up.
            InputError: the score is no number.
        """
        self.requests += 1
        if architecture in self.scores:
            return self.scores[architecture]
        if len(self.history) >= self.evaluations:
            raise Stop("evaluations")
        if self.history and time.monotonic() >= self.deadline:
            raise Stop("time")
        value = real_number(self.objective(architecture), "score")
        text = self.space.text(architecture)
        if math.isnan(value):
            raise InputError(
                f"score: it is not a number for the architecture {shown(text)}; give a score that ranks it"
            )
        best = max(value, self.history[-1].best) if self.history else value
        # The two belong together: Ctrl-C between them would leave an architecture known and not told.
        self.history.append(Step(len(self.history) + 1, architecture, text, value, best, origin, self.seconds))
        self.scores[architecture] = value
        if self.progress is not None:
            self.progress(len(self.history) / self.evaluations, len(self.history))
        return value
