"""What a tracker measured, over the steps of training."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..checks import shown
from ..errors import InputError
from . import canvas

Rows = list[Mapping[str, Any]]
LAYER = re.compile(r"boundary_length_layer_(\d+)$")
# Panels that are drawn where nothing is asked for and the rows have them; the names without "regions/".
PANELS = (("n_regions",), ("area_median", "area_weighted"), ("boundary_length",), ("ecc_moment",), ("dist_boundary",))
WORDS = {
    "n_regions": "regions",
    "n_regions_merged": "regions, merged by function",
    "area_median": "median area",
    "area_weighted": "area-weighted mean area",
    "area_mean": "mean area",
    "boundary_length": "boundary length",
    "ecc_moment": "eccentricity (moments)",
    "ecc_splinecam": "eccentricity (vertex distances)",
    "dist_boundary": "distance to the boundary",
    "edges_mean": "mean number of edges",
    "seconds": "seconds to measure",
}


def history(
    runs: Any,
    *,
    columns: Sequence[Any] | None = None,
    slices: bool = False,
    labels: Sequence[str] | None = None,
    title: str | None = None,
    axes: Any = None,
) -> Any:
    """Draw columns of a history over the steps of training, from step 0 on.

    Steps stand on a logarithmic axis that begins at 0, where they span more than a factor of 30.  Rows whose count is
    incomplete are hollow: their number of regions is a lower bound.  Where several runs have one name, the line is
    their mean and the band from the least to the largest of them, which is no confidence interval.

    Args:
        runs: a `History`, a tracker, or rows; or a mapping from a name to one of those, or to a list of several runs.
        columns: one entry for each panel: the name of a column, or several names for one panel; "regions/" before it
            can be left out.  None takes what is known of: regions, areas, boundary lengths by layer, eccentricity.
        slices: a band from the least to the largest slice of a single run, where its `History` has rows of slices.
        labels: names of the runs, in their order.
        title: a title above all panels.
        axes: matplotlib axes, one for each panel; None makes a figure.

    Returns:
        The matplotlib `Figure`.

    Raises:
        InputError: there are no rows, or none has a column that was asked for.
        MissingExtraError: matplotlib is not installed.

    Example:
        >>> from linregions import plot
        >>> rows = [{"step": s, "regions/n_regions": n} for s, n in [(0, 900), (1, 880), (10, 460), (100, 740)]]
        >>> figure = plot.history(rows)
        >>> figure.axes[0].get_ylabel(), figure.axes[0].get_xscale()
        ('regions', 'symlog')
    """
    groups = _groups(runs, labels)
    panels = _panels(groups, columns)
    figure, grid = _axes(axes, len(panels))
    for ax, names in zip(grid, panels, strict=True):
        _panel(ax, groups, names, slices)
    _legend(figure, grid, groups)
    if title:
        figure.suptitle(title)
    return figure


def rows_of(run: Any) -> Rows:
    """The rows of a tracker, of a history, or the rows that were given, in the order of their steps."""
    run = getattr(run, "history", run)
    rows = getattr(run, "rows", run)
    if isinstance(rows, str | Mapping) or not isinstance(rows, Iterable):
        raise InputError(f"runs: expected a History, rows, or a mapping from names to them, got {shown(run)}")
    rows = list(rows)
    if not rows or not all(isinstance(r, Mapping) and "step" in r for r in rows):
        raise InputError(f"runs: expected rows that have a step, got {shown(run)}")
    return sorted(rows, key=lambda r: r["step"])


def _groups(runs: Any, labels: Sequence[str] | None) -> list[tuple[str, list[tuple[Rows, Any]]]]:
    """Names and their runs: the rows, and what they come from."""
    named = dict(runs) if isinstance(runs, Mapping) and "step" not in runs else {"": runs}
    out = []
    for name, given in named.items():
        several = isinstance(given, list | tuple) and given and not isinstance(given[0], Mapping)
        out.append((str(name), [(rows_of(one), one) for one in (given if several else [given])]))
    if not out:
        raise InputError("runs: there is no run to draw")
    if labels is not None:
        if isinstance(labels, str) or len(labels) != len(out):
            raise InputError(f"labels: expected {len(out)}, got {shown(labels)}")
        out = [(str(label), members) for label, (_, members) in zip(labels, out, strict=True)]
    return out


def _panels(groups: Any, columns: Sequence[Any] | None) -> list[list[str]]:
    """The columns of every panel, by their full names."""
    known = list(dict.fromkeys(key for _, members in groups for rows, _ in members for row in rows for key in row))
    if columns is not None:
        wanted = [columns] if isinstance(columns, str) else list(columns)
        return [[_full(n, known) for n in ([entry] if isinstance(entry, str) else entry)] for entry in wanted]
    panels = []
    for names in PANELS:
        found = [f"regions/{n}" for n in names if f"regions/{n}" in known]
        if names == ("boundary_length",):
            by_layer = [k for k in known if LAYER.search(k)]
            found = sorted(by_layer, key=_layer) or found
        if found:
            panels.append(found)
    if not panels:
        raise InputError(f"columns: the rows have none that is drawn by itself; name some of {', '.join(known)}")
    return panels


def _full(name: str, known: list[str]) -> str:
    for candidate in (name, f"regions/{name}"):
        if candidate in known:
            return candidate
    raise InputError(f"columns: no row has {shown(name)}; there are {', '.join(known)}")


def _layer(name: str) -> int:
    found = LAYER.search(name)
    return int(found[1]) if found else -1


def _axes(axes: Any, count: int) -> tuple[Any, list[Any]]:
    """Panels in rows of at most three."""
    if axes is not None:
        return canvas.panels(axes, count, size=(4.2, 3.2))
    canvas.matplotlib()
    from matplotlib.figure import Figure

    width = min(count, 3 if count != 4 else 2)
    height = math.ceil(count / width)
    figure = Figure(figsize=(4.2 * width if count > 1 else 6.4, 3.3 * height + 0.4), dpi=120, layout="constrained")
    grid = list(figure.subplots(height, width, squeeze=False).ravel())
    for ax in grid[count:]:
        ax.set_axis_off()
    return figure, grid[:count]


def _panel(ax: Any, groups: Any, names: list[str], slices: bool) -> None:
    """One panel: a colour for each run, or for each column where there is one run."""
    single = len(groups) == 1
    shades = canvas.depth_colours(len(names)) if single else [canvas.colour(g) for g in range(len(groups))]
    lows, highs = [], []
    for g, (_, members) in enumerate(groups):
        for c, name in enumerate(names):
            label = words(name, short=True) if single and len(names) > 1 else None
            style = {"color": shades[c if single else g], "linestyle": "-" if single else _dash(g, c, len(names))}
            low, high = _line(ax, members, name, style, label, slices and single)
            lows.append(low)
            highs.append(high)
    _decorate(ax, groups, names, min(lows, default=math.nan), max(highs, default=math.nan))
    if single and len(names) > 1:
        ax.legend(frameon=False, fontsize=8)
    elif len(names) > 1:
        _styles(ax, names)


LINES: tuple[Any, ...] = ("-", "--", ":", "-.")


def _dash(group: int, column: int, columns: int) -> Any:
    """The kind of line: of the column where there are several, else of the run, as colours come again after seven."""
    return LINES[(column if columns > 1 else group // len(canvas.COLOURS)) % len(LINES)]


def _line(ax: Any, members: Any, name: str, style: dict[str, Any], label: Any, slices: bool) -> tuple[float, float]:
    """The mean of the runs and their band; the least and the largest value that is not 0."""
    tables = [{row["step"]: _number(row.get(name)) for row in rows} for rows, _ in members]
    steps = sorted({s for table in tables for s in table})
    values = np.array([[table.get(s, math.nan) for s in steps] for table in tables])
    seen = ~np.isnan(values).all(axis=0)
    steps, values = np.array(steps)[seen], values[:, seen]
    if not len(steps):
        return math.nan, math.nan
    mean = np.nanmean(values, axis=0)
    low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    if slices and len(members) == 1:
        low, high = _over_slices(members[0][1], name, steps, low, high)
    if (high > low).any():
        ax.fill_between(steps, low, high, color=style["color"], alpha=0.18, linewidth=0)
    ax.plot(steps, mean, linewidth=1.8, label=label, **style)
    partial = {row["step"] for rows, _ in members for row in rows if not _complete(row)}
    for whole in (True, False):
        chosen = np.array([(s not in partial) == whole for s in steps])
        face = style["color"] if whole else "white"
        if chosen.any() and (len(steps) <= 60 or not whole):
            ax.plot(
                steps[chosen],
                mean[chosen],
                "o",
                markersize=3.5,
                color=style["color"],
                markerfacecolor=face,
                clip_on=False,
            )
    positive = values[values > 0]
    return (float(positive.min()), float(positive.max())) if (values[~np.isnan(values)] > 0).all() else (0.0, 1.0)


def _over_slices(run: Any, name: str, steps: np.ndarray, low: np.ndarray, high: np.ndarray) -> Any:
    """The least and the largest value of a slice at every step."""
    rows = getattr(getattr(run, "history", run), "slices", None) or []
    at: dict[Any, list[float]] = {}
    for row in rows:
        value = _number(row.get(name, row.get(name.removeprefix("regions/"))))
        if not math.isnan(value):
            at.setdefault(row.get("step"), []).append(value)
    lows = [min(at.get(s, [v])) for s, v in zip(steps.tolist(), low, strict=True)]
    return np.array(lows), np.array([max(at.get(s, [v])) for s, v in zip(steps.tolist(), high, strict=True)])


def _number(value: Any) -> float:
    return float(value) if isinstance(value, bool | int | float | np.number) else math.nan


def _complete(row: Mapping[str, Any]) -> bool:
    status = row.get("status", "complete")
    return str(getattr(status, "value", status)).lower() == "complete"


def _decorate(ax: Any, groups: Any, names: list[str], low: float, high: float) -> None:
    """Names and scales of the axes."""
    steps = sorted({row["step"] for _, members in groups for rows, _ in members for row in rows})
    positive = [s for s in steps if s > 0]
    ax.set_xlabel("step")
    if positive and positive[-1] > 30 * positive[0]:
        _log_steps(ax, steps)
    if low > 0 and high > 10 * low:
        ax.set_yscale("log")
    elif not math.isnan(low) and low >= 0:
        ax.set_ylim(bottom=0)
    ax.set_ylabel(_together(names))
    ax.grid(color="#e3e5e8", linewidth=0.8)
    ax.set_axisbelow(True)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def _log_steps(ax: Any, steps: list[int]) -> None:
    """A logarithmic axis, linear from 0 to the first step, with a tick at 0 and at powers of ten."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    first = min(s for s in steps if s > 0)
    ax.set_xscale("symlog", linthresh=first, linscale=0.4)
    powers = [10**k for k in range(math.ceil(math.log10(first)), math.floor(math.log10(steps[-1])) + 1)]
    ticks = ([0] if steps[0] <= 0 else []) + [p for p in powers if p >= first]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{round(v):,}"))
    ax.set_xlim(left=steps[0], right=1.15 * steps[-1])


def _together(names: list[str]) -> str:
    """What a panel shows."""
    if len(names) == 1:
        return words(names[0])
    if all(LAYER.search(n) for n in names):
        return "boundary length"
    if all("area" in n for n in names):
        return "area of a region"
    return ""


def words(name: str, *, short: bool = False) -> str:
    """A column's name in words."""
    bare = name.removeprefix("regions/")
    if found := LAYER.search(bare):
        return f"layer {int(found[1]) + 1}" if short else f"boundary length, layer {int(found[1]) + 1}"
    return WORDS.get(bare, bare)


def _styles(ax: Any, names: list[str]) -> None:
    """Which kind of line is which column, where colours are runs."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=canvas.GREY, linestyle=LINES[c % len(LINES)], label=words(n, short=True))
        for c, n in enumerate(names)
    ]
    ax.legend(handles=handles, frameon=False, fontsize=8)


def _legend(figure: Any, grid: list[Any], groups: Any) -> None:
    """The runs, below all panels."""
    from matplotlib.lines import Line2D

    if len(groups) == 1:
        return
    several = {len(members) for _, members in groups} - {1}
    title = f"mean and range of {several.pop()} runs" if len(several) == 1 else "mean and range" if several else None
    handles = []
    for g, (name, members) in enumerate(groups):
        text = name if len(members) > 1 or not title else f"{name} (one run)"
        line = _dash(g, 0, 1)
        handles.append(Line2D([], [], color=canvas.colour(g), linestyle=line, linewidth=2, label=text))
    options: dict[str, Any] = {"handles": handles, "frameon": False, "title": title, "fontsize": 8, "title_fontsize": 8}
    if figure.get_layout_engine() is not None:
        longest = max(len(handle.get_label()) for handle in handles)
        # In inches; a letter takes 0.065 of one at this size, the line before it 0.6.
        room = figure.bbox.width / figure.dpi
        columns = min(len(handles), 4, max(1, int(room / (0.6 + 0.065 * longest))))
        figure.legend(loc="outside lower center", ncols=columns, **options)
    else:
        grid[0].legend(**options)
