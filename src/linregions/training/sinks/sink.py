"""What a sink is, and how a file name, a writer or a function becomes one."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ...checks import shown
from ...errors import InputError
from .csv import CSVSink
from .function import FunctionSink
from .jsonl import JSONLinesSink
from .tensorboard import TensorBoardSink
from .wandb import WandbSink

FILES = {".csv": CSVSink, ".jsonl": JSONLinesSink, ".ndjson": JSONLinesSink}


@runtime_checkable
class Sink(Protocol):
    """Takes the rows of a tracker, one at a time, in the order of their steps."""

    def write(self, step: int, row: Mapping[str, Any]) -> None:
        """Take the row of a step."""
        ...

    def close(self) -> None:
        """Let go of files."""
        ...


def as_sink(thing: Any) -> Sink:
    """The sink for a `.csv` or `.jsonl` file name, a `SummaryWriter`, a run of wandb, a function; a sink is itself.

    Args:
        thing: what rows should go to.

    Returns:
        The sink.

    Raises:
        InputError: nothing known takes rows in this way.

    Example:
        >>> as_sink(print)
        FunctionSink(print)
    """
    if isinstance(thing, str | PathLike):
        kind = FILES.get(Path(thing).suffix.lower())
        if kind is None:
            raise InputError(f"sinks: a file must end in .csv or .jsonl, got {shown(str(thing))}; or give a sink")
        return kind(thing)
    if isinstance(thing, type):
        raise InputError(f"sinks: expected an object, got the class {thing.__name__}; call it first")
    if hasattr(thing, "write") and hasattr(thing, "close") and not hasattr(thing, "read"):
        return thing
    if hasattr(thing, "add_scalar") and hasattr(thing, "add_histogram"):
        return TensorBoardSink(thing)
    if callable(getattr(thing, "log", None)):
        return WandbSink(thing)
    if callable(thing):
        return FunctionSink(thing)
    raise InputError(f"sinks: expected a sink, a .csv or .jsonl file name, a writer or a function, got {shown(thing)}")
