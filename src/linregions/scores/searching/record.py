"""What a search did and found."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ...checks import plural
from ...partition import Status

REASONS = {
    "evaluations": "all evaluations were used",
    "exhausted": "no further architecture was found",
    "time": "the time limit was reached",
    "interrupted": "Ctrl-C ended it",
}
FIELDS: tuple[str, ...] = ("evaluation", "architecture", "score", "best", "origin", "seconds")


@dataclass(frozen=True)
class Step:
    """One architecture, scored for the first time.

    Attributes:
        evaluation: its number, from 1.
        architecture: what was scored.
        text: its text form.
        score: what is maximised, larger is better.
        best: the largest score so far.
        origin: "random", "mutation" or "crossover".
        seconds: since the start; not compared.
    """

    evaluation: int
    architecture: Any
    text: str
    score: float
    best: float
    origin: str
    seconds: float = field(default=0.0, compare=False)

    def as_dict(self) -> dict[str, Any]:
        """The step as plain JSON types, without the architecture's own type."""
        row = (self.evaluation, self.text, finite(self.score), finite(self.best), self.origin, self.seconds)
        return dict(zip(FIELDS, row, strict=True))


@dataclass(frozen=True)
class SearchResult:
    """The best architecture of a search, and how it was found.

    Attributes:
        space: name of the search space.
        method: "evolution" or "random".
        objective: name of what was maximised.
        architecture: the best one; of several with the same score, the one that was found first.
        text: its text form.
        score: its score.
        parameters: of its full network.
        proxy_parameters: of the network that is scored.
        history: every architecture that was scored, once each, in order.
        requests: how many scores were asked for, those that were known included.
        seed: of the random choices.
        settings: population and the like, and the size target.
        status: complete, budget (the time limit), or interrupted.
        stopped_by: evaluations, exhausted, time, or interrupted.
        seconds: wall time; not compared.
    """

    space: str
    method: str
    objective: str
    architecture: Any
    text: str
    score: float
    parameters: int
    proxy_parameters: int
    history: tuple[Step, ...]
    requests: int
    seed: int
    settings: dict[str, Any]
    status: Status
    stopped_by: str
    seconds: float = field(compare=False)

    @property
    def evaluations(self) -> int:
        """How many scores were computed, which is how many different architectures were scored."""
        return len(self.history)

    @property
    def tied(self) -> tuple[Any, ...]:
        """Every scored architecture with the best score, in the order they were found."""
        return tuple(step.architecture for step in self.history if step.score == self.score)

    def curve(self) -> tuple[list[int], list[float]]:
        """The best score after each evaluation, for a plot."""
        return [step.evaluation for step in self.history], [step.best for step in self.history]

    def as_dict(self) -> dict[str, Any]:
        """The result as plain JSON types; the history is in `to_csv`."""
        return {
            "space": self.space,
            "method": self.method,
            "objective": self.objective,
            "architecture": self.text,
            "score": finite(self.score),
            "tied": len(self.tied),
            "parameters": self.parameters,
            "proxy_parameters": self.proxy_parameters,
            "evaluations": self.evaluations,
            "requests": self.requests,
            "seed": self.seed,
            "settings": self.settings,
            "status": self.status.value,
            "stopped_by": self.stopped_by,
            "seconds": self.seconds,
        }

    def to_csv(self) -> str:
        """The history as text: a header and one line for each evaluation."""
        out = io.StringIO()
        writer = csv.DictWriter(out, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(step.as_dict() for step in self.history)
        return out.getvalue()

    def __str__(self) -> str:
        each = self.seconds / self.evaluations
        size = f"{self.parameters:,} parameters"
        if self.proxy_parameters != self.parameters:
            size += f" ({self.proxy_parameters:,} in the network that is scored)"
        target = self.settings.get("size_target")
        score = f"{shown_score(self.score)}, {self.objective}"
        if target:
            wish = f"the distance from {target['target']:,.0f} parameters"
            score = f"{shown_score(self.score)}, log {self.objective} less {wish}"
        tied = len(self.tied)
        lines = [
            ("found", self.text),
            ("score", score + (f"; {tied} architectures tie, this one came first" if tied > 1 else "")),
            ("size", size),
            (
                "cost",
                f"{plural(self.evaluations, 'architecture')} scored in {self.seconds:.1f} s, "
                f"{1000 * each:.0f} ms each ({self.method} on {self.space}, seed {self.seed})",
            ),
            ("status", f"{self.status.value}: {REASONS[self.stopped_by]}"),
        ]
        return "\n".join(f"{name:<7} {text}" for name, text in lines)


def shown_score(value: float) -> str:
    """A score with the digits that a reader can use."""
    if math.isfinite(value) and value == int(value):
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4g}"


def finite(value: float) -> float | None:
    """The number, None where it is infinite, which JSON cannot say."""
    return value if math.isfinite(value) else None


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation of a sample (n - 1 in the denominator; not a number for one value)."""
    mean = math.fsum(values) / len(values)
    if len(values) < 2:
        return mean, math.nan
    return mean, math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))
