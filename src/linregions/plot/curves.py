"""Growth of numbers of regions, of any size, with proven bounds as bands."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..bounds.bound import Value, log10
from ..checks import shown
from ..errors import InputError
from . import canvas


def growth(
    x: Sequence[float],
    *,
    lines: Mapping[str, Sequence[Value | None]] | None = None,
    bands: Mapping[str, tuple[Sequence[Value], Sequence[Value]]] | None = None,
    points: Mapping[str, Sequence[Value | None]] | None = None,
    x_label: str = "hidden layers",
    y_label: str = "regions",
    axes: Any = None,
) -> Any:
    """Draw how numbers of regions grow, on a logarithmic scale; integers may have any size.

    Args:
        x: where the numbers stand.
        lines: name -> one number for each x (None leaves a gap), joined by a line.
        bands: name -> (lower, upper), each one number for each x: the area between them.
        points: name -> one number for each x (None leaves it out), drawn as markers.
        x_label: what x is.
        y_label: what the numbers are.
        axes: matplotlib axes to draw on; None makes a figure.

    Returns:
        The matplotlib `Figure`.

    Raises:
        InputError: there is nothing to draw; a row has another length than x; a number is not positive.
        MissingExtraError: matplotlib is not installed.

    Example:
        >>> from linregions import bounds, plot
        >>> pairs = [bounds.best((2, [4] * k)) for k in range(1, 6)]
        >>> band = [p.lower.value for p in pairs], [p.upper.value for p in pairs]
        >>> figure = plot.growth(range(1, 6), bands={"k layers of 4 units": band})
    """
    x = [float(v) for v in x]
    lines, bands, points = dict(lines or {}), dict(bands or {}), dict(points or {})
    logs_of_bands = {n: [_logs(v, n, x) for v in pair] for n, pair in bands.items()}
    logs_of_lines = {n: _logs(v, n, x) for n, v in lines.items()}
    logs_of_points = {n: _logs(v, n, x) for n, v in points.items()}
    if not (bands or lines or points):
        raise InputError("lines: nothing to draw; give lines, bands or points")
    figure, (ax,) = canvas.panels(axes, 1, size=(7.0, 4.6))
    number = 0
    for name, (low, high) in logs_of_bands.items():
        ax.fill_between(x, low, high, color=canvas.colour(number), alpha=0.22, linewidth=0, label=name)
        for edge in (low, high):
            ax.plot(x, edge, color=canvas.colour(number), linewidth=0.8, alpha=0.8)
        number += 1
    for name, row in logs_of_lines.items():
        ax.plot(x, row, color=canvas.colour(number), linewidth=2.0, label=name, marker="o" if len(x) < 12 else None)
        number += 1
    for name, row in logs_of_points.items():
        ax.plot(x, row, color=canvas.colour(number), linestyle="none", marker="D", markersize=6, label=name)
        number += 1
    ax.set(xlabel=x_label, ylabel=y_label)
    decades(ax)
    ax.legend(frameon=False)
    return figure


def _logs(row: Sequence[Value | None], name: str, x: Sequence[float]) -> list[float]:
    """Decimal logarithms; NaN, which matplotlib leaves out, for None."""
    values = list(row)
    if len(values) != len(x):
        raise InputError(f"{name}: needs one number for each of the {len(x)} x, got {len(values)}")
    for v in values:
        if v is not None and not v > 0:
            raise InputError(f"{name}: a logarithmic scale needs positive numbers, got {shown(v)}; leave it out")
    return [math.nan if v is None else log10(v) for v in values]


def decades(ax: Any) -> None:
    """Label an axis that holds decimal logarithms with the numbers themselves."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

    low, high = ax.get_ylim()
    if high - low < 3:
        ticks = [k + math.log10(m) for k in range(math.floor(low), math.ceil(high) + 1) for m in (1, 2, 5)]
        ax.yaxis.set_major_locator(FixedLocator([t for t in ticks if low <= t <= high]))
    else:
        ax.yaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    ax.set_ylim(low, high)
    ax.yaxis.set_major_formatter(FuncFormatter(_number if high < 6.5 else _power))
    ax.grid(axis="y", color="#e3e5e8", linewidth=0.8)
    ax.set_axisbelow(True)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def _number(log: float, _place: int) -> str:
    return f"{round(10**log):,}" if log > -0.5 else f"{10**log:.2g}"


def _power(log: float, _place: int) -> str:
    return f"$10^{{{round(log)}}}$"
