"""Counts with their kind and status."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class Kind(str, Enum):
    """How a number relates to the true one."""

    EXACT = "exact"
    LOWER = "lower"
    UPPER = "upper"
    ESTIMATE = "estimate"


class Status(str, Enum):
    """How a run ended."""

    COMPLETE = "complete"
    BUDGET = "budget"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Count:
    """A number of regions and how it was found.

    `value` is the number itself; `kind` says whether it is exact or a bound; `status` how the run ended; `reason` why
    it ended early ("" when complete); `exact_decisions` how many signs floating point could not settle and rational
    arithmetic did; `doubtful` how many were left to floating point (only with `exact=False`); `seconds` wall time.
    """

    value: int
    kind: Kind
    status: Status
    definition: str
    engine: str
    exact_decisions: int
    doubtful: int
    seconds: float
    network: str
    domain: str
    reason: str = ""

    def __int__(self) -> int:
        return self.value

    def __index__(self) -> int:
        return self.value

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types; the number stands under `count`."""
        return {
            "count": self.value,
            "kind": self.kind.value,
            "status": self.status.value,
            "definition": self.definition,
            "engine": self.engine,
            "exact_decisions": self.exact_decisions,
            "doubtful": self.doubtful,
            "seconds": self.seconds,
            "network": self.network,
            "domain": self.domain,
        }

    def __str__(self) -> str:
        bound = {Kind.EXACT: "", Kind.LOWER: "at least ", Kind.UPPER: "at most ", Kind.ESTIMATE: "about "}[self.kind]
        what = "activation pattern" if self.definition == "patterns" else f"{self.definition} region"
        tail = "" if self.status is Status.COMPLETE else f" ({self.reason or self.status.value})"
        return f"{bound}{self.value:,} {what}{'' if self.value == 1 else 's'} on {self.domain}{tail}"
