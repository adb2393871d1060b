"""A comparison as a table, plain or for rich."""

from __future__ import annotations

import textwrap
from itertools import groupby
from typing import Any

from ..bounds.bound import short
from ..checks import plural
from .record import Built, Comparison, Row, Sample
from .verdict import MARKS, average, sentences, times

WIDTH = 100


def title(c: Comparison) -> str:
    """What is compared, in one line."""
    units = {row.units for row in c.rows}
    if "parameters" in c.budget:
        what = f"at most {short(c.budget['parameters'])} weights and biases"
    else:
        what = plural(c.rows[0].units, "unit") if len(units) == 1 else "the given hidden layers"
    return f"ReLU networks with {what} on {plural(c.inputs, 'input')}: numbers of linear regions"


def columns(c: Comparison) -> list[tuple[str, list[str]]]:
    """Heads and cells; a column that would say nothing is left out."""
    rows = c.rows
    out = [("depth", [str(r.depth) for r in rows]), ("hidden layers", [hidden(r.widths) for r in rows])]
    if "parameters" in c.budget or len({r.units for r in rows}) > 1:
        out.append(("units", [str(r.units) for r in rows]))
    if "parameters" in c.budget:
        out.append(("parameters", [f"{r.parameters:,}" for r in rows]))
    if len({r.shallow for r in rows}) > 1:
        out.append(("one layer: max", [short(r.shallow) for r in rows]))
    out += [
        ("proven possible", [short(r.proven) for r in rows]),
        ("vs one layer", [_gain(r) for r in rows]),
        ("proven limit", [short(int(r.upper)) for r in rows]),
        ("counted", [counted(r.built) for r in rows]),
    ]
    for name in ("random", "trained"):
        found = [getattr(r, name) for r in rows]
        if any(found):
            out.append((f"{name}: mean ± sd", [_spread(s) for s in found]))
            out.append(("min-max", [_range(s) for s in found]))
    return out


def hidden(widths: tuple[int, ...]) -> str:
    """Hidden widths in one cell.

    Example:
        >>> hidden((8, 8, 8)), hidden((5, 5, 5, 5, 4)), hidden((3, 3, 3, 3, 3, 3, 3, 2))
        ('8-8-8', '5-5-5-5-4', '7 of 3, 1 of 2')
    """
    if len(widths) <= 5:
        return "-".join(map(str, widths))
    return ", ".join(f"{len(list(run))} of {width}" for width, run in groupby(widths))


def counted(built: Built) -> str:
    """The engine's count of the construction in one cell."""
    if built.count is None:
        return "not counted"
    number = f"{MARKS[built.count.kind]}{short(built.count.value)}"
    return {True: f"{number} ok", False: f"{number} WRONG", None: number}[built.confirmed]


def _gain(row: Row) -> str:
    if row.verdict == "more":
        return times(row.gain).replace(" times", "x")
    return {"shallow": "=", "equal": "=", "fewer": "fewer", "open": "open"}[row.verdict]


def _spread(sample: Sample) -> str:
    if not sample:
        return "-"
    mark = ">= " if MARKS[sample.kind] else ""
    return f"{mark}{average(sample)}" + (f" ± {sample.deviation:,.1f}" if sample.deviation is not None else "")


def _range(sample: Sample) -> str:
    return f"{short(min(sample.values))}-{short(max(sample.values))}" if sample else "-"


def legend(c: Comparison) -> list[str]:
    """What the columns mean, and the notes."""
    out = [
        "proven possible: some network of this shape has at least so many regions.  proven limit: none has more.",
        "counted: the exact count of a network built to have that many (ok: it has).",
    ]
    if any(row.verdict == "open" for row in c.rows):
        out.append("open: the proven bounds do not decide whether this shape can beat one layer.")
    out += list(c.notes)
    for why, depths in _reasons(c).items():
        out.append(f"depth {', '.join(map(str, depths))}: {why}.")
    return out


def _reasons(c: Comparison) -> dict[str, list[int]]:
    out: dict[str, list[int]] = {}
    for row in c.rows:
        for what, reason in (
            ("construction", row.built.reason),
            ("random networks", row.random.reason),
            ("trained networks", row.trained.reason),
        ):
            if reason:
                out.setdefault(f"{what} {reason}", []).append(row.depth)
    return out


def plain(c: Comparison) -> str:
    """The table, its legend and the verdict as text."""
    table = columns(c)
    widths = [max(len(head), *map(len, cells)) for head, cells in table]
    left = {"hidden layers", "counted"}

    def line(cells: list[str]) -> str:
        parts = [
            f"{cell:<{w}}" if head in left else f"{cell:>{w}}"
            for cell, w, (head, _) in zip(cells, widths, table, strict=True)
        ]
        return "  ".join(parts).rstrip()

    lines = [title(c), "", line([head for head, _ in table])]
    lines += [line([cells[k] for _, cells in table]) for k in range(len(c.rows))]
    lines += ["", *(part for text in legend(c) for part in textwrap.wrap(text, WIDTH, break_on_hyphens=False))]
    return "\n".join([*lines, "", *textwrap.wrap(" ".join(sentences(c)), WIDTH, break_on_hyphens=False)])


def rich(c: Comparison) -> Any:
    """The same for a terminal."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title(c), title_justify="left", header_style="bold")
    best = max(c.rows, key=lambda row: row.proven)
    for head, _ in columns(c):
        table.add_column(head, justify="left" if head in ("hidden layers", "counted") else "right", overflow="fold")
    for k, row in enumerate(c.rows):
        style = "bold" if row is best and row.verdict == "more" else ""
        table.add_row(*(Text(cells[k]) for _, cells in columns(c)), style=style)
    notes = Text("\n".join(legend(c)), style="dim")
    return Group(table, notes, Text(""), Text(" ".join(sentences(c))))
