"""Tables of accuracies: which architecture reached what, read from files and looked up."""

from __future__ import annotations

import csv
import io
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ...checks import plural, shown
from ...errors import InputError
from .space import find_space


@dataclass(frozen=True, eq=False)
class Table:
    """Accuracies of architectures of one space.

    Attributes:
        space: the name of the space.
        architectures: n architectures, in the order of the file; one may stand there more than once.
        accuracy: (n,) float64, in percent unless the source says otherwise; larger is better.
        columns: further numbers of each architecture, (n,) each.
        source: where they come from, a file name as a rule.
    """

    space: str
    architectures: tuple[Any, ...]
    accuracy: np.ndarray
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)
    source: str = ""

    def __post_init__(self) -> None:
        if not self.architectures:
            raise InputError(f"{self.source or 'table'}: holds no architecture; it must have at least one row")
        numbers = {"accuracy": self.accuracy, **self.columns}
        for name, values in numbers.items():
            if np.shape(values) != (len(self),):
                raise InputError(
                    f"{self.source or 'table'}: column {name} has shape {np.shape(values)}, "
                    f"but there are {plural(len(self), 'architecture')}"
                )
        fixed = {name: _frozen(values) for name, values in numbers.items()}
        object.__setattr__(self, "accuracy", fixed.pop("accuracy"))
        object.__setattr__(self, "columns", fixed)

    def __len__(self) -> int:
        return len(self.architectures)

    def __str__(self) -> str:
        low, mid, high = self.accuracy.min(), np.median(self.accuracy), self.accuracy.max()
        again = len(self) - len(self._rows)
        return (
            f"{plural(len(self), 'architecture')} of {self.space}, accuracy {low:.2f} to {high:.2f}, median {mid:.2f}"
            + (f", {again} of them again" if again else "")
            + (f" ({self.source})" if self.source else "")
        )

    def as_dict(self) -> dict[str, Any]:
        """The table in numbers: how many, how good."""
        return {
            "space": self.space,
            "source": self.source,
            "architectures": len(self),
            "distinct": len(self._rows),
            "accuracy_min": float(self.accuracy.min()),
            "accuracy_median": float(np.median(self.accuracy)),
            "accuracy_max": float(self.accuracy.max()),
            "columns": list(self.columns),
        }

    def __contains__(self, architecture: Hashable) -> bool:
        return architecture in self._rows

    def row(self, architecture: Hashable) -> int:
        """The row of an architecture, the first where it stands in several.

        Raises:
            InputError: the table does not hold it.
        """
        if architecture not in self._rows:
            raise InputError(
                f"architecture: {shown(architecture)} is not in {self.source or 'the table'}, "
                f"which holds {plural(len(self), 'architecture')} of {self.space}"
            )
        return self._rows[architecture]

    def rank(self, architecture: Hashable) -> int:
        """1 + the number of rows with a larger accuracy: 1 is the best, and ties share a rank.

        Raises:
            InputError: the table does not hold the architecture.
        """
        return 1 + int((self.accuracy > self.accuracy[self.row(architecture)]).sum())

    def take(self, rows: Any) -> Table:
        """The table of some rows, in their order (indices or a boolean mask)."""
        rows = np.arange(len(self))[rows]
        return Table(
            self.space,
            tuple(self.architectures[i] for i in rows),
            self.accuracy[rows],
            {name: values[rows] for name, values in self.columns.items()},
            self.source,
        )

    def draw(self, count: int, rng: np.random.Generator) -> Table:
        """The table of `count` different rows drawn at random, in their old order; all rows where there are fewer."""
        if count >= len(self):
            return self
        return self.take(np.sort(rng.choice(len(self), size=count, replace=False)))

    @cached_property
    def _rows(self) -> dict[Any, int]:
        # Backwards, so that the first of several stays.
        return {architecture: i for i, architecture in reversed(list(enumerate(self.architectures)))}


def _frozen(values: Any) -> np.ndarray:
    values = np.array(values)
    values.flags.writeable = False
    return values


def read_table(space: str, path: str | Path) -> Table:
    """Read the accuracies of a space's architectures from a file in the space's published layout.

    Texts in the file are parsed, never evaluated.

    Args:
        space: the name of a space.
        path: the file.

    Returns:
        The table, rows in the order of the file.

    Raises:
        InputError: no space has this name, or the file cannot be read; the sentence names the file and the line.

    Example:
        >>> read_table("darts", "darts1000_cifar10.csv")  # doctest: +SKIP
        1000 architectures of darts, accuracy 10.22 to 86.61, median 80.26 (darts1000_cifar10.csv)
    """
    return find_space(space).read_table(path)


def read_lines(path: str | Path) -> Iterator[tuple[str, list[str]]]:
    """The rows of a file of comma-separated values that are not blank: (`FILE: line N`, fields).

    Raises:
        InputError: the file cannot be read, or is no such file.
    """
    reader = csv.reader(io.StringIO(_read_text(path), newline=""), strict=True)
    try:
        for fields in reader:
            if fields:
                yield f"{path}: line {reader.line_num}", fields
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: not comma-separated values ({error})") from error


def _read_text(path: str | Path) -> str:
    if not isinstance(path, str | Path):
        raise InputError(f"path must name a file, got {shown(path)}")
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise InputError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}: line {line}: not UTF-8 text; a table is comma-separated values") from error


def read_percent(text: str, where: str) -> float:
    """A field of a table as an accuracy in percent.

    Raises:
        InputError: it is no number from 0 to 100.
    """
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not 0 <= number <= 100:
        raise InputError(f"{where}: accuracy must be a number from 0 to 100, got {shown(text)}")
    return number
