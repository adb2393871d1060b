"""Rows given to a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...checks import shown
from ...errors import InputError


class FunctionSink:
    """Calls `function(step, row)` for each step; the row is its own dict.

    Args:
        function: takes the step and the row.

    Raises:
        InputError: it cannot be called.

    Example:
        >>> rows = []
        >>> sink = FunctionSink(lambda step, row: rows.append((step, row["regions/n_regions"])))
        >>> sink.write(0, {"regions/n_regions": 812})
        >>> rows
        [(0, 812)]
    """

    def __init__(self, function: Callable[[int, dict[str, Any]], Any]):
        if not callable(function):
            raise InputError(f"function: expected something to call with a step and a row, got {shown(function)}")
        self.function = function

    def __repr__(self) -> str:
        return f"FunctionSink({getattr(self.function, '__name__', type(self.function).__name__)})"

    def write(self, step: int, row: Mapping[str, Any]) -> None:
        """Call the function."""
        self.function(step, dict(row))

    def close(self) -> None:
        """Nothing to close."""
