"""Rows as a CSV file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from ...errors import InputError
from .lines import LineFile
from .values import finite, plain


class CSVSink:
    """A CSV file with one line for each step, written and flushed at once.

    The first column is the step, the others stand in the order in which they first appeared.  A row with a column that
    the file lacks makes the file anew, with the column at the end and nothing in it for the steps before: it is
    renamed into place, so that it is always whole.  A missing value is an empty cell, an array a JSON list in its
    cell; line breaks in a text become spaces, so that a row is a line.

    Args:
        path: the file.
        existing: what to do with a file that is there: "refuse" it, "append" to it (steps that it holds are not
            written again, a line that a killed process left half is cut off), or "replace" it.

    Raises:
        InputError: `existing` is not known; the file is there and is to be refused, or is no file of this sink.
        OutputError: the folder cannot be written.

    Example:
        >>> import tempfile, pathlib
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "run.csv"
        >>> sink = CSVSink(file)
        >>> sink.write(0, {"regions/n_regions": 812})
        >>> sink.write(1, {"regions/n_regions": 790, "loss": 2.25})
        >>> sink.close()
        >>> print(file.read_text())
        step,regions/n_regions,loss
        0,812,
        1,790,2.25
        <BLANKLINE>
    """

    def __init__(self, path: Any, *, existing: str = "refuse"):
        self.file = LineFile(path, existing, "csv")
        self._lines: list[dict[str, str]] = []
        self._columns: list[str] = []
        self._kept: frozenset[str] = frozenset()
        if self.file.existing == "append" and self.file.path.exists():
            self._take(self.file.start())

    def __repr__(self) -> str:
        return f"CSVSink({str(self.file.path)!r})"

    def _take(self, lines: list[str]) -> None:
        """Continue a table."""
        if not lines:
            return
        table = list(csv.reader(lines))
        head = table[0]
        if head[:1] != ["step"] or len(set(head)) < len(head) or any(len(r) != len(head) for r in table):
            raise InputError(f"csv: {self.file.path} is no table that begins with a step; give another name")
        self._columns = head
        self._lines = [dict(zip(head, r, strict=True)) for r in table[1:]]
        self._kept = frozenset(line["step"] for line in self._lines)

    def write(self, step: int, row: Mapping[str, Any]) -> None:
        """Add the row of a step.

        Raises:
            OutputError: the disk is full or the file cannot be written; the rows before are kept.
        """
        line = {"step": _cell(step)} | {name: _cell(v) for name, v in row.items() if name != "step"}
        if line["step"] in self._kept:
            return
        new = [name for name in line if name not in self._columns]
        columns = self._columns + new
        if new:
            self.file.rewrite([_line(columns), *(_text(columns, one) for one in [*self._lines, line])])
            self.file.existing = "append"
        else:
            self.file.add(_text(columns, line))
        self._columns = columns
        self._lines.append(line)

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def _cell(value: Any) -> str:
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, list | dict):
        return json.dumps(finite(value))
    return " ".join(value.split()) if isinstance(value, str) else str(value)


def _text(columns: list[str], line: Mapping[str, str]) -> str:
    return _line([line.get(name, "") for name in columns])


def _line(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()
