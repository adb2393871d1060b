"""What every script prints: one line about the machine, then markdown tables whose rows appear as they are ready.

Standard library only: `memory.py` needs a small parent process.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


class Table:
    """A markdown table; the heading is printed at once, each row when it is given."""

    def __init__(self, title: str, columns: Sequence[str]) -> None:
        self._columns = len(columns)
        print(f"\n**{title}**\n")
        self._line(columns)
        # The first column holds names, the others numbers.
        self._line(["---", *["---:"] * (self._columns - 1)])

    def row(self, *cells: object) -> None:
        if len(cells) != self._columns:
            raise ValueError(f"{self._columns} cells expected, got {len(cells)}")
        self._line([_spelled(cell) for cell in cells])

    def _line(self, cells: Sequence[str]) -> None:
        print("| " + " | ".join(cells) + " |", flush=True)


def _spelled(cell: object) -> str:
    """Integers with commas, floats with three significant digits, the rest as it is."""
    if isinstance(cell, int) and not isinstance(cell, bool):
        return f"{cell:,}"
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 1000 else f"{cell:.3g}"
    return str(cell)


def print_machine() -> None:
    """Processor, cores of this process, system, load, Python and package: what a figure means nothing without."""
    load = f", load {os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else ""
    print(
        f"{_processor()}, {cores()} cores, {platform.system()} {platform.machine()}{load}; "
        f"Python {platform.python_version()}, linregions {_version()}",
        flush=True,
    )


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "processor unknown"


def _version() -> str:
    try:
        return version("linregions")
    except PackageNotFoundError:
        return "not installed, found on the path"
