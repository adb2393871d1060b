"""Partitions side by side: methods by checkpoints, or one run through its checkpoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..checks import plural, shown
from ..errors import InputError
from . import canvas, slices


def strip(
    table: Any,
    *,
    rows: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    colour: str = "layer",
    values: Any = None,
    label: str | None = None,
    anchors: Any = None,
    axes: Any = None,
) -> Any:
    r"""Draw partitions in rows and columns, all in one scale of colours; above each stands its number of regions.

    Args:
        table: one row (polygons, or a mapping such as step -> polygons), or rows of them (a list, or a mapping such as
            method -> row).  None leaves a place empty.
        rows: what stands beside the rows; None takes the keys of a mapping.
        columns: what stands above the columns; None takes the keys of a row that is a mapping.
        colour: "layer", "area" or "value", as in `slice_regions`.
        values: for "value", numbers in the same arrangement as the polygons; None takes the networks' first output.
        label: what the colour bar says.
        anchors: points in the input space, or a `Slice`: marked in every picture.
        axes: matplotlib axes, one for each place, row after row; None makes a figure.

    Returns:
        The matplotlib `Figure`.

    Raises:
        InputError: there is nothing to draw; names do not fit.
        MissingExtraError: matplotlib is not installed.

    Example:
        >>> from linregions import Box, constructions, enumerate_regions, plot
        >>> nets = [constructions.zigzag_product(2, [k, k]).network for k in (2, 4)]
        >>> cells = [enumerate_regions(net, Box.cube(0, 2, 2)).polygons for net in nets]
        >>> figure = plot.strip(dict(zip([0, 100], cells)))
        >>> [ax.get_title() for ax in figure.axes]
        ['step 0\n6 regions', 'step 100\n44 regions']
    """
    grid, row_names, column_names = arranged(table)
    row_names = _names(rows, row_names, len(grid), "rows")
    column_names = _names(columns, column_names, len(grid[0]), "columns")
    every = [p for row in grid for p in row if p is not None]
    for polygons in every:
        slices.check(polygons, colour)
    given = _arranged(values, grid)
    numbers = [
        [None if p is None else slices.numbers_of(p, colour, v) for p, v in zip(row, line, strict=True)]
        for row, line in zip(grid, given, strict=True)
    ]
    paint = slices.scale(every, colour, [n for row in numbers for n in row if n is not None], label=label)
    figure, panels = _panels(axes, len(grid), len(grid[0]), bar=colour != "layer")
    for i, row in enumerate(grid):
        for j, polygons in enumerate(row):
            ax = panels[i * len(row) + j]
            _place(ax, polygons, paint, numbers[i][j], anchors)
            _name(ax, polygons, row_names[i] if j == 0 else "", column_names[j] if i == 0 else "")
    if colour == "layer":
        slices.legend(figure, paint)
    else:
        figure.colorbar(paint.mappable(), ax=panels, label=paint.label, shrink=0.8, aspect=30, pad=0.02)
    return figure


def arranged(table: Any) -> tuple[list[list[Any]], list[str], list[str]]:
    """Rows of equal length, and the names that the table itself has."""
    if slices.is_polygons(table):
        table = [table]
    entries, names = _entries(table)
    inner = [_entries(e) for e in entries if not slices.is_polygons(e) and e is not None]
    if not inner:  # one row
        return _filled([entries]), [""], _steps(names)
    if len(inner) < len(entries):
        raise InputError("table: expected either polygons or rows of them, got both; put each in a row")
    heads = [head for _, head in inner if any(head)]
    columns: list[Any] = []
    for head in heads:
        columns += [name for name in head if name not in columns]
    if heads and len(heads) == len(inner):  # rows with keys: a key that a row lacks is an empty place
        grid = [[dict(zip(head, cells, strict=True)).get(c) for c in columns] for cells, head in inner]
    else:
        columns = [""] * max(len(cells) for cells, _ in inner)
        grid = [cells for cells, _ in inner]
    return _filled(grid), [str(n) for n in names], _steps(columns)


def _entries(table: Any) -> tuple[list[Any], list[Any]]:
    if isinstance(table, Mapping):
        return list(table.values()), list(table)
    if isinstance(table, str) or not isinstance(table, Iterable):
        raise InputError(f"table: expected polygons, a list of them, or step -> polygons, got {shown(table)}")
    entries = list(table)
    return entries, [""] * len(entries)


def _filled(grid: list[list[Any]]) -> list[list[Any]]:
    width = max((len(row) for row in grid), default=0)
    if not any(p is not None for row in grid for p in row):
        raise InputError("table: there is nothing to draw; keep polygons with RegionTracker(keep=True)")
    return [row + [None] * (width - len(row)) for row in grid]


def _steps(names: Sequence[Any]) -> list[str]:
    """A whole number is a step."""
    return [f"step {n:,}" if isinstance(n, int | np.integer) else str(n) for n in names]


def _names(given: Sequence[str] | None, known: list[str], count: int, what: str) -> list[str]:
    if given is None:
        return known
    names = [str(n) for n in given] if not isinstance(given, str) else []
    if len(names) != count:
        raise InputError(f"{what}: expected {plural(count, 'name')}, got {shown(given)}")
    return names


def _arranged(values: Any, grid: list[list[Any]]) -> list[list[Any]]:
    """Values in the places of their polygons."""
    if values is None:
        return [[None] * len(row) for row in grid]
    given = list(values.values()) if isinstance(values, Mapping) else list(values)
    nested = given if len(grid) > 1 else [given]
    out = [list(v.values()) if isinstance(v, Mapping) else list(v) for v in nested]
    if [len(v) for v in out] != [len(row) for row in grid]:
        raise InputError(f"values: expected them in the same arrangement as the polygons, got {shown(values)}")
    return out


def _panels(axes: Any, height: int, width: int, *, bar: bool) -> tuple[Any, list[Any]]:
    if axes is not None:
        return canvas.panels(axes, height * width, size=(1, 1))
    canvas.matplotlib()
    from matplotlib.figure import Figure

    side = 2.6 if width > 2 else 3.4
    size = (side * width + (1.3 if bar else 0.4), (side + 0.3) * height + (0.3 if bar else 0.95))
    figure = Figure(figsize=size, dpi=120, layout="constrained")
    return figure, list(figure.subplots(height, width, squeeze=False).ravel())


def _place(ax: Any, polygons: Any, paint: slices.Paint, numbers: Any, anchors: Any) -> None:
    if polygons is None:
        ax.set_axis_off()
        return
    slices.draw(ax, polygons, paint, numbers)
    slices.mark(ax, polygons, anchors, small=True)
    ax.set(xticks=[], yticks=[], xlabel="", ylabel="")


def _name(ax: Any, polygons: Any, row: str, column: str) -> None:
    if row:
        ax.text(-0.06, 0.5, row, transform=ax.transAxes, rotation=90, ha="right", va="center", fontsize=11)
    lines = [column] if column else []
    if polygons is not None:
        lines.append(slices.headline(polygons))
    ax.set_title("\n".join(lines), fontsize=10)
