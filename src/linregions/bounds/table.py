"""All bounds of an architecture beside each other, and the tightest pair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .bound import LOWER, UPPER, Bound, short


@dataclass(frozen=True)
class Table:
    """The bounds that hold for an architecture, and why the others do not apply.

    `bounds` stand in the order of the catalogue; `skipped` holds (name, reason); `of_network` says that they were asked
    of one network and not of all with some widths.
    """

    architecture: str
    bounds: tuple[Bound, ...]
    skipped: tuple[tuple[str, str], ...]
    of_network: bool = False

    def __len__(self) -> int:
        return len(self.bounds)

    def __iter__(self) -> Iterator[Bound]:
        return iter(self.bounds)

    def __getitem__(self, name: str) -> Bound:
        for b in self.bounds:
            if b.name == name:
                return b
        raise KeyError(dict(self.skipped).get(name, f"no bound is called {name!r}"))

    @property
    def best(self) -> Pair:
        """The tightest proven pair."""
        # Of equal bounds the later one is shown: it knows more of the architecture.
        proven = [b for b in reversed(self.bounds) if b.proven]
        upper = min((b for b in proven if b.direction == UPPER), key=lambda b: b.value)
        lower = [b for b in proven if b.direction == LOWER or b.attained]
        return Pair(max(lower, key=lambda b: b.value, default=None), upper, self.of_network)

    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """(name, direction, value, definition, status) for print."""
        marks = {UPPER: "at most", LOWER: "some net has", "expected": "expected"}
        return [
            (
                b.name,
                "maximum" if b.attained and b.direction == UPPER else marks[b.direction],
                short(b.value),
                b.definition,
                b.status,
            )
            for b in self.bounds
        ]

    def __str__(self) -> str:
        head = ("bound", "says", "regions", "definition", "status")
        rows = [head, *self.rows()]
        widths = [max(len(r[i]) for r in rows) for i in range(5)]
        lines = [
            f"{r[0]:<{widths[0]}}  {r[1]:<{widths[1]}}  {r[2]:>{widths[2]}}  {r[3]:<{widths[3]}}  {r[4]}".rstrip()
            for r in rows
        ]
        return "\n".join([f"architecture {self.architecture}", *lines])

    def as_dict(self) -> dict[str, Any]:
        """The table as plain JSON types."""
        pair = self.best
        return {
            "architecture": self.architecture,
            "bounds": [b.as_dict() for b in self.bounds],
            "of_network": self.of_network,
            "best": {"lower": pair.lower.name if pair.lower else None, "upper": pair.upper.name},
            "not_applicable": [{"name": n, "reason": r} for n, r in self.skipped],
        }


@dataclass(frozen=True)
class Pair:
    """The largest proven lower and the smallest proven upper bound; `lower` is None where no theorem gives one.

    The lower bound is about the widths: some network with them has so many regions.  With `of_network` the upper bound
    is about one network, of which the lower bound says nothing.
    """

    lower: Bound | None
    upper: Bound
    of_network: bool = False

    @property
    def exact(self) -> bool:
        """Whether the two meet, so that the maximum over the architecture is known."""
        return not self.of_network and self.lower is not None and self.lower.value == self.upper.value

    def __str__(self) -> str:
        if self.of_network:
            other = f"; some network with its widths has at least {short(self.lower.value)}" if self.lower else ""
            return f"this network has at most {short(self.upper.value)} ({self.upper.name}){other}"
        below = f"{short(self.lower.value)} ({self.lower.name})" if self.lower else "1"
        return f"{below} <= maximum <= {short(self.upper.value)} ({self.upper.name})"
