"""Rows as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...errors import InputError
from .lines import LineFile
from .values import finite


class JSONLinesSink:
    """A file with one JSON object for each step, written and flushed at once.

    NaN and infinities become the strings "NaN", "Infinity" and "-Infinity", since strict JSON lacks them; a missing
    value is null.

    Args:
        path: the file.
        existing: what to do with a file that is there: "refuse" it, "append" to it (steps that it holds are not
            written again, a line that a killed process left half is cut off), or "replace" it.

    Raises:
        InputError: `existing` is not known; the file is there and is to be refused, or is no file of this sink.
        OutputError: the folder cannot be written.

    Example:
        >>> import tempfile, pathlib
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "run.jsonl"
        >>> sink = JSONLinesSink(file)
        >>> sink.write(0, {"regions/n_regions": 812})
        >>> sink.close()
        >>> print(file.read_text().strip())
        {"step": 0, "regions/n_regions": 812}
    """

    def __init__(self, path: Any, *, existing: str = "refuse"):
        self.file = LineFile(path, existing, "jsonl")
        self._kept: frozenset[Any] = frozenset()
        if self.file.existing == "append" and self.file.path.exists():
            self._kept = frozenset(self._step(line) for line in self.file.start())

    def __repr__(self) -> str:
        return f"JSONLinesSink({str(self.file.path)!r})"

    def _step(self, line: str) -> Any:
        try:
            step = json.loads(line)["step"]
            hash(step)
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(f"jsonl: {self.file.path} has a line without a step; give another name") from error
        return step

    def write(self, step: int, row: Mapping[str, Any]) -> None:
        """Add the row of a step.

        Raises:
            OutputError: the disk is full or the file cannot be written; the rows before are kept.
        """
        line = finite({"step": step} | {name: v for name, v in row.items() if name != "step"})
        if line["step"] not in self._kept:
            self.file.add(json.dumps(line, allow_nan=False))

    def close(self) -> None:
        """Close the file."""
        self.file.close()
