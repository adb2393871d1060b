"""Rows as scalars and histograms of TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

from ...checks import shown
from ...errors import InputError, MissingExtraError, OutputError
from .values import numbers, vectors


class TensorBoardSink:
    """Scalars "regions/..." for the numbers of a row, and histograms for its arrays (such as log areas), each flushed.

    Args:
        target: a `SummaryWriter` (anything with `add_scalar` and `add_histogram`), which stays yours to close; or the
            name of a log folder, for which a writer is made at the first row.

    Raises:
        InputError: the target is neither.
        MissingExtraError: a folder was given and tensorboard is not installed.

    Example:
        >>> class Writer:
        ...     def add_scalar(self, tag, value, step): print(tag, value, step)
        ...     def add_histogram(self, tag, values, step): print(tag, len(values), step)
        >>> TensorBoardSink(Writer()).write(10, {"n_regions": 812, "log_areas": [-1.0, -2.5], "status": "complete"})
        regions/n_regions 812.0 10
        regions/log_areas 2 10
    """

    def __init__(self, target: Any):
        self._made = isinstance(target, str | PathLike)
        if self._made:
            _summary_writer()  # a missing package is said now, not in the middle of training
        elif not (hasattr(target, "add_scalar") and hasattr(target, "add_histogram")):
            raise InputError(f"target: expected a SummaryWriter or the name of a log folder, got {shown(target)}")
        self.target = target
        self._writer: Any = None if self._made else target

    def __repr__(self) -> str:
        return f"TensorBoardSink({self.target!r})"

    def write(self, step: int, row: Mapping[str, Any]) -> None:
        """Add the numbers and arrays of a row.

        Raises:
            OutputError: the log folder cannot be written.
        """
        try:
            if self._writer is None:
                self._writer = _summary_writer()(log_dir=str(self.target))
            for tag, value in numbers(row).items():
                self._writer.add_scalar(tag, value, step)
            for tag, values in vectors(row).items():
                self._writer.add_histogram(tag, values, step)
            if hasattr(self._writer, "flush"):
                self._writer.flush()
        except OSError as error:
            raise OutputError(
                f"tensorboard: {self.target} cannot be written ({error.strerror or error}); give another log folder"
            ) from error

    def close(self) -> None:
        """Close the writer that this sink made."""
        if self._made and self._writer is not None:
            self._writer.close()
            self._writer = None  # a later row makes another, which adds to the folder


def _summary_writer() -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingExtraError(
            "tensorboard: torch or tensorboard is missing; install both: pip install 'linregions[training]' tensorboard"
        ) from error
    return SummaryWriter
