"""Counts under several definitions, and the one that is only known between two ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .count import Count, Kind, Status

RANKS = {"patterns": "R1", "activation": "R2", "convex": "R3", "linear": "R4", "closed": "R5", "affine": "R6"}


@dataclass(frozen=True)
class Interval:
    """A number known to lie between two counts: `lower`, and `upper`, None where no upper bound is known.

    Example:
        >>> done = Status.COMPLETE, "convex", "cells", 0, 0, 0.1, "2-4-1", "box [-1, 1]^2"
        >>> between = Interval(Count(3, Kind.LOWER, *done), Count(5, Kind.UPPER, *done))
        >>> print(between)
        between 3 and 5 convex regions on box [-1, 1]^2
        >>> between.value is None, between.as_dict()["kind"]
        (True, 'interval')
    """

    lower: Count
    upper: Count | None

    @property
    def value(self) -> int | None:
        """The number itself where both ends agree, otherwise None."""
        return self.lower.value if self.upper is not None and self.upper.value == self.lower.value else None

    @property
    def definition(self) -> str:
        """What is counted."""
        return self.lower.definition

    @property
    def status(self) -> Status:
        """How the run ended."""
        return self.lower.status

    @property
    def seconds(self) -> float:
        """Wall time."""
        return self.lower.seconds

    @property
    def exact_decisions(self) -> int:
        """How many signs floating point could not settle."""
        return self.lower.exact_decisions

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types: the ends under `lower` and `upper`; `count` is null where they differ."""
        ends = {"lower": self.lower.value, "upper": None if self.upper is None else self.upper.value}
        kind = "interval" if self.value is None else Kind.EXACT.value
        return self.lower.as_dict() | {"count": self.value, "kind": kind} | ends

    def short(self) -> str:
        """The number or its ends, without words on what is counted."""
        if self.value is not None:
            return f"{self.value:,}"
        if self.upper is None:
            return f"at least {self.lower.value:,}"
        return f"between {self.lower.value:,} and {self.upper.value:,}"

    def __str__(self) -> str:
        tail = "" if self.status is Status.COMPLETE else f" ({self.lower.reason or self.status.value})"
        noun = "region" if self.value == 1 else "regions"
        return f"{self.short()} {self.definition} {noun} on {self.lower.domain}{tail}"


@dataclass(frozen=True)
class Counts(Mapping[str, Count | Interval]):
    """The counts under all six definitions, by name, in the order R1 to R6; `print` shows a table."""

    counts: dict[str, Count | Interval]

    def __getitem__(self, name: str) -> Count | Interval:
        return self.counts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.counts)

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def activation(self) -> Count:
        """The count of activation regions, which the others were made from."""
        found = self.counts["activation"]
        assert isinstance(found, Count)
        return found

    @property
    def status(self) -> Status:
        """How the run ended: the worst of the counts' statuses."""
        order = [Status.COMPLETE, Status.BUDGET, Status.INTERRUPTED]
        return max((c.status for c in self.counts.values()), key=order.index)

    @property
    def seconds(self) -> float:
        """Wall time of all of them together."""
        return max(c.seconds for c in self.counts.values())

    @property
    def exact_decisions(self) -> int:
        """How many signs floating point could not settle while the regions were listed."""
        return self.activation.exact_decisions

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types: each count under its definition in `counts`."""
        whole = self.activation.as_dict()
        shared = {k: whole[k] for k in ("engine", "network", "domain")}
        counts = {}
        for name, c in self.counts.items():
            counts[name] = {k: v for k, v in c.as_dict().items() if k not in shared and k != "definition"}
        return {"definition": "all", "status": self.status.value, "counts": counts, "seconds": self.seconds, **shared}

    def __str__(self) -> str:
        rows = [(RANKS[name], name, _short(c)) for name, c in self.counts.items()]
        widths = [max(len(row[k]) for row in rows) for k in range(3)]
        lines = [f"regions on {self.activation.domain}, by definition"]
        lines += [f"  {a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}" for a, b, c in rows]
        if self.status is not Status.COMPLETE:
            lines.append(f"  ({self.activation.reason or self.status.value})")
        return "\n".join(lines)


def _short(count: Count | Interval) -> str:
    if isinstance(count, Interval):
        return count.short()
    words = {Kind.EXACT: "", Kind.LOWER: "at least ", Kind.UPPER: "at most ", Kind.ESTIMATE: "about "}
    return f"{words[count.kind]}{count.value:,}"
