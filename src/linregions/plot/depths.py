"""The figure of a comparison: depths side by side, each with what is proven, built and found by chance."""

from __future__ import annotations

import os
from typing import Any

from ..bounds.bound import log10
from ..comparison import Comparison, Row, Sample
from ..errors import InputError
from ..partition import Kind
from . import canvas
from .curves import decades

SHALLOW, BUILT, BAND = canvas.COLOURS[1], canvas.COLOURS[0], canvas.COLOURS[6]
RANDOM, TRAINED = canvas.COLOURS[4], canvas.COLOURS[5]


def comparison(result: Comparison, path: Any = None, *, axes: Any = None) -> Any:
    """Draw a comparison: the regions of every depth on a logarithmic scale.

    Bar: from the proven lower to the proven upper bound on the maximum, which lies in it.  Diamond: the construction,
    filled where the engine has counted it.  Line: the maximum of one hidden layer.  Dots: the mean of random (and
    trained) networks, with a line from the smallest count to the largest; hollow where a budget cut a count short.

    Args:
        result: what `linregions.compare` returns.
        path: a file to write, in the format of its ending; None writes none.
        axes: matplotlib axes to draw on; None makes a figure.

    Returns:
        The matplotlib `Figure`.

    Raises:
        InputError: the file cannot be written.
        MissingExtraError: matplotlib is not installed.

    Example:
        >>> from linregions import compare, plot
        >>> plot.comparison(compare(2, 8, samples=0)).axes[0].get_title()
        '8 units, 2 inputs'
    """
    rows = result.rows
    figure, (ax,) = canvas.panels(axes, 1, size=(max(6.5, 1.1 + 0.85 * len(rows)), 5.0))
    _shallow(ax, rows)
    _bands(ax, rows)
    _built(ax, rows)
    _samples(ax, [row.random for row in rows], f"random nets on {result.domain}", RANDOM, -0.16)
    _samples(ax, [row.trained for row in rows], f"trained nets on {result.domain}", TRAINED, 0.16)
    ax.set_xticks(range(len(rows)), [_label(row) for row in rows])
    ax.set(xlim=(-0.6, len(rows) - 0.4), xlabel="hidden layers and their widths", ylabel="activation regions")
    decades(ax)
    ax.set_title(f"{_budget(result)}, {result.inputs} input{'s' if result.inputs > 1 else ''}")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, frameon=False)
    if path is not None:
        _save(figure, path)
    return figure


def _shallow(ax: Any, rows: tuple[Row, ...]) -> None:
    """One line in steps, because rows of one comparison may have different rivals."""
    x = [end for k in range(len(rows)) for end in (k - 0.5, k + 0.5)]
    y = [log10(row.shallow) for row in rows for _ in range(2)]
    ax.use_sticky_edges = False
    ax.plot(x, y, color=SHALLOW, linewidth=2.0, label="one layer: maximum")


def _bands(ax: Any, rows: tuple[Row, ...]) -> None:
    for k, row in enumerate(rows):
        low, high = log10(row.proven), log10(row.upper.value)
        label = "proven: the maximum lies here" if k == 0 else None
        # The edge shows a bar of no height, where the bounds meet.
        ax.bar(k, high - low, 0.62, low, color=BAND, alpha=0.45, edgecolor=BAND, linewidth=1.5, label=label)


def _built(ax: Any, rows: tuple[Row, ...]) -> None:
    for checked, label in ((True, "construction, counted"), (False, "construction, not counted")):
        places = [k for k, row in enumerate(rows) if bool(row.built.confirmed) is checked]
        if places:
            values = [log10(rows[k].built.regions) for k in places]
            inside = BUILT if checked else "white"
            style = {"marker": "D", "markersize": 6, "markeredgecolor": BUILT, "markerfacecolor": inside}
            ax.plot(places, values, linestyle="none", zorder=4, label=label, **style)


def _samples(ax: Any, samples: list[Sample], label: str, colour: Any, shift: float) -> None:
    first = True
    for k, sample in enumerate(samples):
        if not sample:
            continue
        x = k + shift
        ends = [log10(max(1, v)) for v in (min(sample.values), max(sample.values))]
        ax.plot([x, x], ends, color=colour, linewidth=1.6, zorder=3)
        inside = colour if sample.kind is Kind.EXACT else "white"
        style = {"marker": "o", "markersize": 5.5, "markeredgecolor": colour, "markerfacecolor": inside}
        mean = log10(max(1.0, sample.mean or 1.0))
        ax.plot([x], [mean], linestyle="none", zorder=4, label=label if first else None, **style)
        first = False


def _label(row: Row) -> str:
    """Depth, and the widths where they are short enough to be read."""
    if len(set(row.widths)) == 1:
        return f"{row.depth}\n({row.widths[0]})"
    widths = ", ".join(map(str, row.widths))
    return f"{row.depth}\n({widths})" if len(widths) < 12 else f"{row.depth}\n({min(row.widths)} to {max(row.widths)})"


def _budget(result: Comparison) -> str:
    if "units" in result.budget:
        return f"{result.budget['units']:,} units"
    if "parameters" in result.budget:
        return f"at most {result.budget['parameters']:,} weights and biases"
    return "given widths"


def _save(figure: Any, path: Any) -> None:
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:  # matplotlib raises ValueError for an ending that it does not know
        name = os.fspath(path) if isinstance(path, str | os.PathLike) else path
        text = " ".join(str(error).split())
        raise InputError(f"path: {name!r} cannot be written ({text}); name a .png, .svg or .pdf file") from error
