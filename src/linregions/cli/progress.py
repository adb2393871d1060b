"""A progress bar on standard error, on a terminal only."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any


class Progress:
    """Shows how far a long piece of work is, from `callback(fraction, found)`.

    The bar appears after half a second: a short run needs none, and need not pay for the import of rich.

    Args:
        noun: what `found` counts.
    """

    DELAY = 0.5

    def __init__(self, noun: str = "regions") -> None:
        self._noun = noun
        self._start = time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    @property
    def callback(self) -> Callable[[float, int], None] | None:
        """What the work calls; None where standard error is no terminal."""
        return self._update if sys.stderr is not None and sys.stderr.isatty() else None

    def _update(self, fraction: float, found: int) -> None:
        if self._bar is None and time.monotonic() - self._start < self.DELAY:
            return
        bar = self._bar or self._open()
        bar.update(self._task, completed=fraction, found=f"{found:,} {self._noun}")

    def _open(self) -> Any:
        from rich.console import Console
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[found]}"), TimeElapsedColumn())
        self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("work", total=1.0, found=f"0 {self._noun}")
        self._bar.start()
        return self._bar
