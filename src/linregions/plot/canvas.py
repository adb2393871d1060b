"""Figures, axes and colours that all pictures share; matplotlib is imported here, when a picture is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..checks import plural, shown
from ..errors import InputError, MissingExtraError

# Okabe and Ito's colours, which the colour-blind can tell apart, after a dark one.
COLOURS = ("#1b2440", "#d55e00", "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9")
GREY = "#8a8f98"


def colour(k: int) -> Any:
    """The k-th colour, from 0; the row is repeated when it is used up."""
    return COLOURS[k % len(COLOURS)]


def depth_colours(depth: int) -> list[Any]:
    """One colour for each layer; beyond the row of colours, from dark to light in one scale."""
    if depth <= len(COLOURS):
        return list(COLOURS[:depth])
    cividis = matplotlib().colormaps["cividis"]
    return [cividis(v) for v in np.linspace(0.0, 0.95, depth)]


def matplotlib() -> Any:
    """The module matplotlib.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise MissingExtraError(
            "plot: matplotlib is not installed; install it with: pip install 'linregions[plot]'"
        ) from error
    return matplotlib


def panels(axes: Any, count: int, *, size: tuple[float, float]) -> tuple[Any, list[Any]]:
    """`count` axes in a row and their figure: those given, or new ones of `size` inches each."""
    matplotlib()
    if axes is None:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(size[0] * count, size[1]), dpi=120, layout="constrained")
        return figure, list(figure.subplots(1, count, squeeze=False)[0])
    given = list(np.ravel(np.array(axes, dtype=object)))
    if len(given) != count or not all(hasattr(a, "plot") for a in given):
        raise InputError(f"axes: expected {plural(count, 'matplotlib axes', 'matplotlib axes')}, got {shown(axes)}")
    return given[0].figure, given


def frame(axes: Any, corners: np.ndarray, names: Sequence[str]) -> None:
    """The domain's outline, equal scales, and limits that leave a little room."""
    from matplotlib.patches import Polygon

    axes.add_patch(Polygon(corners, closed=True, fill=False, edgecolor="black", linewidth=1.2, zorder=9))
    low, high = corners.min(axis=0), corners.max(axis=0)
    room = 0.02 * (high - low)
    axes.set(xlim=(low[0] - room[0], high[0] + room[0]), ylim=(low[1] - room[1], high[1] + room[1]))
    axes.set_aspect("equal", adjustable="box")
    axes.set_xlabel(names[0])
    axes.set_ylabel(names[1], rotation=0, labelpad=8)
    axes.locator_params(nbins=4)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
