"""A result as text: a table drawn by rich on a terminal, plain lines where the output goes elsewhere."""

from __future__ import annotations

import sys
from typing import Any


def shown(result: Any) -> str:
    """`result` as it is to be printed on standard output."""
    if not hasattr(result, "__rich__") or not on_terminal():
        return str(result)
    import io

    from rich.console import Console

    out = io.StringIO()
    screen = Console()  # knows the terminal's width and colours
    Console(file=out, force_terminal=True, width=screen.width, color_system=screen.color_system).print(result)  # type: ignore[arg-type]
    return out.getvalue().rstrip("\n")


def on_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()
