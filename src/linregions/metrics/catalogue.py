"""What every metric is: formula, whether it is exact, cost, units, source, and what it repeats of another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..checks import shown
from ..errors import InputError
from .catalogue_rows import ROWS

WHERE = ("slices", "points", "paths", "features", "theory")


@dataclass(frozen=True)
class Metric:
    """One metric by name.

    Attributes:
        name: as in `summary`, or the function's.
        where: what it is measured on: slices, points, paths, features, or theory.
        formula: in short.
        status: "exact" (decided in rational arithmetic or a whole number), "exact up to rounding" (a formula of exact
            combinatorics in float64), or "estimated".
        cost: with F regions, N units, n points, d inputs.
        units: of the value; "x" is the unit of the network's inputs, "f" that of its outputs.
        source: where the definition is from.
        repeats: what it says that another metric says as well, "" if nothing.
        function: `linregions.metrics` has it under this name; "" for what only `summary` has.
    """

    name: str
    where: str
    formula: str
    status: str
    cost: str
    units: str
    source: str
    repeats: str = ""
    function: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, repr=False)
class Catalogue:
    """The metrics as a table that prints itself."""

    metrics: tuple[Metric, ...]

    def __len__(self) -> int:
        return len(self.metrics)

    def __iter__(self) -> Iterator[Metric]:
        return iter(self.metrics)

    def __getitem__(self, name: str) -> Metric:
        for metric in self.metrics:
            if metric.name == name:
                return metric
        raise InputError(f"metric: {shown(name)} is not known; catalogue() lists all names")

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the order of the table."""
        return tuple(metric.name for metric in self.metrics)

    def where(self, where: str) -> Catalogue:
        """The metrics of one kind: "slices", "points", "paths", "features" or "theory".

        Raises:
            InputError: there is no such kind.
        """
        if where not in WHERE:
            raise InputError(f"where: {shown(where)} is no kind of metric; use one of {', '.join(map(repr, WHERE))}")
        return Catalogue(tuple(m for m in self.metrics if m.where == where))

    def as_rows(self) -> list[dict[str, Any]]:
        """One dict per metric."""
        return [metric.as_dict() for metric in self.metrics]

    def __str__(self) -> str:
        heads = ("name", "where", "formula", "status", "cost", "units", "source", "repeats")
        rows = [heads, *[tuple(getattr(m, head) for head in heads) for m in self.metrics]]
        widths = [max(len(row[k]) for row in rows) for k in range(len(heads))]
        lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])

    __repr__ = __str__


def catalogue() -> Catalogue:
    """All metrics: name, formula, exact or estimated, cost, units, source, and what is redundant.

    Example:
        >>> found = catalogue()
        >>> found["area_mean"].repeats
        'n_regions: area of the slice / F'
        >>> print(found.where("theory"))  # doctest: +ELLIPSIS
        name ...
        hanin_rolnick_bound ...
        maxout_bound ...
        degree_bound ...
    """
    return Catalogue(tuple(Metric(*row) for row in ROWS))
