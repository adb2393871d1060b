"""What a comparison found: rows, each number with its kind, and their forms for people and programs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TextIO

from ..bounds import Bound
from ..partition import Count, Kind, Status


@dataclass(frozen=True)
class Built:
    """A construction with a known number of regions, and the engine's count of it.

    `kind` says whether `regions` is exact or a lower bound; `count` is None where nothing was counted, and `reason`
    says why.
    """

    name: str
    regions: int
    kind: Kind
    definition: str
    reference: str
    domain: str | None = None
    count: Count | None = None
    reason: str = ""

    @property
    def confirmed(self) -> bool | None:
        """Whether the engine counted the same; None where its count is not complete."""
        if self.count is None or self.count.kind is not Kind.EXACT:
            return None
        same = self.count.value == self.regions
        return same if self.kind is Kind.EXACT else self.count.value >= self.regions

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        return {
            "name": self.name,
            "regions": self.regions,
            "kind": self.kind.value,
            "definition": self.definition,
            "reference": self.reference,
            "domain": self.domain,
            "confirmed": self.confirmed,
            "count": self.count.as_dict() if self.count else None,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Sample:
    """Counts of networks that differ in their seed alone; `reason` says why there are fewer than were asked for."""

    counts: tuple[Count, ...] = ()
    seeds: tuple[int, ...] = ()
    reason: str = ""

    def __bool__(self) -> bool:
        return bool(self.counts)

    @property
    def values(self) -> tuple[int, ...]:
        """The numbers of regions."""
        return tuple(c.value for c in self.counts)

    @property
    def kind(self) -> Kind:
        """Exact when every count is; else each number is a lower bound, and so is their mean."""
        return Kind.EXACT if all(c.kind is Kind.EXACT for c in self.counts) else Kind.LOWER

    @property
    def mean(self) -> float | None:
        """Mean of the counts; None without any."""
        return sum(self.values) / len(self.counts) if self.counts else None

    @property
    def deviation(self) -> float | None:
        """Standard deviation of the sample (n - 1 in the denominator); None below two counts."""
        if len(self.counts) < 2:
            return None
        n, values = len(self.counts), self.values
        # In integers: sum (x - mean)^2 = (n sum x^2 - (sum x)^2) / n.
        return math.sqrt(Fraction(n * sum(v * v for v in values) - sum(values) ** 2, n * (n - 1)))

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types; `counts` are in the order of `seeds`."""
        return {
            "kind": self.kind.value if self.counts else None,
            "counts": list(self.values),
            "kinds": [c.kind.value for c in self.counts],
            "seeds": list(self.seeds),
            "mean": self.mean,
            "standard_deviation": self.deviation,
            "min": min(self.values, default=None),
            "max": max(self.values, default=None),
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Row:
    """One network shape: hidden `widths` with everything that is known of its number of regions.

    `shallow` is the exact maximum `Z(shallow_units, inputs)` of one hidden layer of the same budget; `lower` and
    `upper` are the best proven bounds on the maximum over all weights of this shape.
    """

    widths: tuple[int, ...]
    parameters: int
    shallow_units: int
    shallow: int
    lower: Bound | None
    upper: Bound
    built: Built
    random: Sample = Sample()
    trained: Sample = Sample()

    @property
    def depth(self) -> int:
        """Number of hidden layers."""
        return len(self.widths)

    @property
    def units(self) -> int:
        """Number of hidden units."""
        return sum(self.widths)

    @property
    def proven(self) -> int:
        """How many regions some network of this shape has at least."""
        return int(self.lower) if self.lower is not None else 1

    @property
    def gain(self) -> Fraction:
        """The proven number over the shallow maximum."""
        return Fraction(self.proven, self.shallow)

    @property
    def verdict(self) -> str:
        """Against one hidden layer: "shallow" (is one), "more", "fewer" or "equal" (all proven), or "open"."""
        if self.depth == 1:
            return "shallow"
        if self.proven > self.shallow:
            return "more"
        if int(self.upper) < self.shallow:
            return "fewer"
        return "equal" if self.proven == int(self.upper) == self.shallow else "open"

    def as_dict(self) -> dict[str, Any]:
        """The row as plain JSON types."""
        return {
            "depth": self.depth,
            "widths": list(self.widths),
            "units": self.units,
            "parameters": self.parameters,
            "shallow": {"units": self.shallow_units, "maximum": self.shallow, "kind": Kind.EXACT.value},
            "lower": self.lower.as_dict() if self.lower is not None else None,
            "upper": self.upper.as_dict(),
            "against_shallow": self.verdict,
            "construction": self.built.as_dict(),
            "random": self.random.as_dict(),
            "trained": self.trained.as_dict(),
        }


@dataclass(frozen=True)
class Comparison:
    """Depths of one budget side by side; `print` shows the table, `verdict` says in words who wins and by how much."""

    inputs: int
    outputs: int
    budget: dict[str, Any]
    rows: tuple[Row, ...]
    domain: str
    init: str
    bias: float | str | None
    seed: int
    samples: int
    trained: int
    status: Status
    seconds: float
    notes: tuple[str, ...] = ()
    definition: str = "activation"

    def verdict(self) -> str:
        """Who wins and by how much, in a few plain sentences.

        Example:
            >>> from linregions import compare
            >>> print(compare(1, 4, samples=0).verdict().split(",")[1])
             a network with one hidden layer has at most 5 linear regions
        """
        from .verdict import sentences

        return " ".join(sentences(self))

    def __str__(self) -> str:
        from .show import plain

        return plain(self)

    def __rich__(self) -> Any:
        from .show import rich

        return rich(self)

    def as_dict(self) -> dict[str, Any]:
        """The comparison as plain JSON types; counts are integers of any size."""
        return {
            "inputs": self.inputs,
            "outputs": self.outputs,
            "budget": self.budget,
            "definition": self.definition,
            "domain": self.domain,
            "init": self.init,
            "bias": self.bias,
            "seed": self.seed,
            "samples": self.samples,
            "trained": self.trained,
            "status": self.status.value,
            "seconds": self.seconds,
            "rows": [row.as_dict() for row in self.rows],
            "notes": list(self.notes),
            "verdict": self.verdict(),
        }

    def to_json(self, path: str | Path) -> None:
        """Write `as_dict()` to a file, which appears whole or not at all.

        Raises:
            InputError: the file cannot be written.
        """
        from .files import json_text, write_text

        write_text(path, json_text(self.as_dict()))

    def to_csv(self, file: str | Path | TextIO) -> None:
        """Write one line per row to a path (by rename) or an open text file; numbers stand beside their kinds.

        Raises:
            InputError: the file cannot be written.
        """
        from .files import csv_text, write_text

        text = csv_text(self)
        if isinstance(file, str | Path):
            write_text(file, text)
        else:
            file.write(text)
