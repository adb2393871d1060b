"""The picture of a ranking: a score against what it should rank, with the networks' size as colour."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..checks import plural, shown
from ..errors import InputError
from . import canvas


def scatter(
    score: Any,
    truth: Any,
    path: Any = None,
    *,
    size: Any = None,
    ranks: bool = False,
    labels: Sequence[str] = ("score", "truth", "size"),
    title: str = "",
    axes: Any = None,
) -> Any:
    """Draw a score against the truth, one point for each network.

    Points of infinite score have no place on a scale and are left out, except with `ranks`.

    Args:
        score: one number for each network, (n,).
        truth: the accuracies, (n,).
        path: a file to write, in the format of its ending; None writes none.
        size: numbers that become colours, (n,); from dark to light, on a logarithmic scale where they span a lot.
        ranks: draw midranks, from 1 for the smallest, in place of values.
        labels: of the score's axis, of the truth's axis, and of the colours (empty: without their scale).
        title: over the picture.
        axes: matplotlib axes to draw on; None makes a figure.

    Returns:
        The matplotlib `Figure`.

    Raises:
        InputError: the lengths differ, a number is NaN, or the file cannot be written.
        MissingExtraError: matplotlib is not installed.

    Example:
        >>> from linregions import plot
        >>> plot.scatter([1, 2, 3], [60, 80, 90], title="three").axes[0].get_title()
        'three'
    """
    x, y = _numbers(score, "score"), _numbers(truth, "truth")
    colours = None if size is None else _numbers(size, "size")
    for name, values in (("truth", y), ("size", colours)):
        if values is not None and len(values) != len(x):
            raise InputError(f"{name} must have {plural(len(x), 'number')}, one for each score, got {len(values)}")
    if ranks:
        x, y = _midranks(x), _midranks(y)
    shown_points = np.isfinite(x) & np.isfinite(y) & (True if colours is None else np.isfinite(colours))
    x, y = x[shown_points], y[shown_points]
    figure, (ax,) = canvas.panels(axes, 1, size=(6.4, 4.8))
    style: dict[str, Any] = {"s": 14, "alpha": 0.75, "linewidths": 0, "rasterized": len(x) > 5000}
    if colours is None or not len(x):
        ax.scatter(x, y, color=canvas.COLOURS[2], **style)
    else:
        colours = colours[shown_points]
        # cividis was made for colour-blind eyes, and its order survives a grey print.
        points = ax.scatter(x, y, c=colours, cmap="cividis", norm=_scale(colours), **style)
        if labels[2]:
            figure.colorbar(points, ax=ax, label=labels[2])
    if ranks:
        _whole_ticks(ax)
    prefix = "rank of " if ranks else ""
    ax.set(xlabel=prefix + labels[0], ylabel=prefix + labels[1], title=title)
    ax.spines[["top", "right"]].set_visible(False)
    if path is not None:
        _save(figure, path)
    return figure


def _whole_ticks(ax: Any) -> None:
    """Ranks are counted: with few points the usual ticks would stand between them."""
    from matplotlib.ticker import MaxNLocator

    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))


def _scale(values: np.ndarray) -> Any:
    from matplotlib.colors import LogNorm, Normalize

    low, high = float(np.min(values)), float(np.max(values))
    return LogNorm(low, high) if low > 0 and high > 10 * low else Normalize(low, high)


def _numbers(values: Any, what: str) -> np.ndarray:
    try:
        vector = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what} must be a sequence of numbers, got {shown(values)}") from error
    if vector.ndim != 1:
        raise InputError(f"{what} must be one number for each network, got an array of shape {vector.shape}")
    if np.isnan(vector).any():
        raise InputError(f"{what} has NaN at entry {np.flatnonzero(np.isnan(vector))[0]}; leave that network out")
    return vector


def _midranks(values: np.ndarray) -> np.ndarray:
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - 0.5 * (counts - 1))[group]


def _save(figure: Any, path: Any) -> None:
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:  # matplotlib raises ValueError for an ending that it does not know
        name = os.fspath(path) if isinstance(path, str | os.PathLike) else path
        text = " ".join(str(error).split())
        raise InputError(f"path: {name!r} cannot be written ({text}); name a .png, .svg or .pdf file") from error
