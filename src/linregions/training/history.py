"""What a tracker has measured, as tables."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..checks import plural, shown
from ..errors import InputError, MissingExtraError
from ..store.files import write_file

Row = dict[str, Any]
FORMAT = "linregions history 1"
_SHOWN = ("step", "regions/n_regions", "regions/area_weighted", "regions/boundary_length", "seconds", "status")
# JSON has no such numbers.
_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class History:
    """Rows in the order of training: `rows`, one a measurement, and `slices`, one a measurement and slice.

    `kept` holds the polygons of the slices by step and slice name, where the tracker keeps them.

    Example:
        >>> history = History()
        >>> history.add({"step": 0, "status": "complete", "regions/n_regions": 12.0, "seconds": 0.5})
        >>> history.add({"step": 9, "status": "complete", "regions/n_regions": 31.0, "seconds": 0.25})
        >>> print(history)
        step  regions/n_regions  seconds  status
           0                 12      0.5  complete
           9                 31     0.25  complete
        >>> history.column("regions/n_regions"), history.seconds
        (array([12., 31.]), 0.75)
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.slices: list[Row] = []
        self.kept: dict[int, dict[str, Any]] = {}

    def add(self, row: Row, slices: Iterable[Row] = (), kept: Mapping[str, Any] | None = None) -> None:
        """Append a measurement."""
        self.rows.append(row)
        self.slices.extend(slices)
        if kept:
            self.kept[row["step"]] = dict(kept)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    @property
    def columns(self) -> list[str]:
        """The names that occur in the rows, in the order in which they first do."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    @property
    def steps(self) -> np.ndarray:
        """The steps (rows,)."""
        return np.array([row["step"] for row in self.rows], dtype=np.int64)

    @property
    def seconds(self) -> float:
        """What all measurements took."""
        return float(sum(row.get("seconds") or 0.0 for row in self.rows))

    @property
    def share(self) -> float:
        """The share of the wall time from the tracker's first step to its last measurement that measuring took."""
        elapsed = max((row.get("elapsed") or 0.0 for row in self.rows), default=0.0)
        return self.seconds / elapsed if elapsed else 0.0

    def column(self, name: str, *, slice: str | None = None) -> np.ndarray:
        """The values of a column, (rows,): float64 with NaN where there is none, or objects where it is no number.

        In `rows` a missing value is None, and NaN is a number that the caller gave, such as a diverged loss.
        With `slice`, the name of one, its own values.

        Raises:
            InputError: no row has the column.
        """
        rows = self.rows if slice is None else [row for row in self.slices if row["slice"] == slice]
        if not any(name in row for row in rows):
            known = ", ".join(list(dict.fromkeys(key for row in rows for key in row))[:40]) or "none"
            raise InputError(f"name: there is no column {shown(name)}; there are {known}")
        values = [row.get(name) for row in rows]
        if all(v is None or isinstance(v, bool | int | float) for v in values):
            return np.array([math.nan if v is None else float(v) for v in values])
        return np.array(values, dtype=object)

    def as_dict(self) -> dict[str, Any]:
        """The tables as plain JSON types; kept polygons are no part of it."""
        return {"format": FORMAT, "rows": [dict(r) for r in self.rows], "slices": [dict(r) for r in self.slices]}

    @classmethod
    def from_dict(cls, record: Any) -> History:
        """The tables that `as_dict` described.

        Raises:
            InputError: it is something else.
        """
        if not isinstance(record, Mapping) or record.get("format") != FORMAT:
            raise InputError(f"history: expected what History.as_dict gives ({FORMAT!r}), got {shown(record)}")
        made = cls()
        made.rows = [dict(row) for row in record["rows"]]
        made.slices = [dict(row) for row in record["slices"]]
        return made

    def to_json(self, path: str | Path | None = None) -> str:
        """The tables as JSON, also written to `path`; NaN and infinities become "NaN", "Infinity" and "-Infinity"."""
        text = json.dumps(_strict(self.as_dict()), indent=1, allow_nan=False)
        if path is not None:
            write_file(Path(path), (text + "\n").encode())
        return text

    @classmethod
    def from_json(cls, path: str | Path) -> History:
        """The tables in a file that `to_json` wrote.

        Raises:
            InputError: there is no such file, or it is something else.
        """
        try:
            record = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: cannot be read as the JSON of a history ({error})") from error
        return cls.from_dict(_loose(record))

    def to_csv(self, path: str | Path | None = None, *, slices: bool = False) -> str:
        """The rows as CSV with a header, also written to `path`; with `slices`, the rows of the slices.

        A missing value is an empty cell, NaN is nan.
        """
        rows = self.slices if slices else self.rows
        out = io.StringIO()
        writer = csv.DictWriter(out, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        if path is not None:
            write_file(Path(path), out.getvalue().encode())
        return out.getvalue()

    def to_frame(self, *, slices: bool = False) -> Any:
        """The rows as a pandas DataFrame; with `slices`, the rows of the slices.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise MissingExtraError("history: pandas is not installed; install it with: pip install pandas") from error
        return pandas.DataFrame(self.slices if slices else self.rows)

    def plot(self, *args: Any, **options: Any) -> Any:
        """Draw the columns over the steps; see `linregions.plot.history`."""
        from ..plot.history import history

        return history(self, *args, **options)

    def __repr__(self) -> str:
        if not self.rows:
            return "History: no rows"
        steps = f"steps {self.rows[0]['step']} to {self.rows[-1]['step']}"
        return f"History: {plural(len(self.rows), 'row')}, {steps}, {self.seconds:.3g} s of measuring"

    def __str__(self) -> str:
        names = [name for name in _SHOWN if any(name in row for row in self.rows)]
        if not names:
            return repr(self)
        table = [names, *([_cell(row.get(name)) for name in names] for row in self.rows)]
        widths = [max(len(line[k]) for line in table) for k in range(len(names))]
        lines = []
        for line in table:
            cells = [
                cell.ljust(width) if name == "status" else cell.rjust(width)
                for name, cell, width in zip(names, line, widths, strict=True)
            ]
            lines.append("  ".join(cells).rstrip())
        return "\n".join(lines)


def plain(value: Any) -> Any:
    """A measured value for a row: a Python number, word or None; NaN is None, and anything else is shown as a word."""
    if hasattr(value, "item") and getattr(value, "size", None) is not None:
        try:
            value = value.item()  # a scalar of NumPy or torch
        except (ValueError, RuntimeError):
            return shown(value)
    if isinstance(value, float):
        return None if math.isnan(value) else float(value)
    return value if value is None or isinstance(value, bool | int | str) else shown(value)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else str(value)


def _strict(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _strict(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_strict(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return value


def _loose(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _loose(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_loose(v) for v in value]
    return _SPECIAL.get(value, value) if isinstance(value, str) else value
