"""A verdict on a Lyapunov function of two states: where V falls, where it does not, and what is attracted."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import shown
from ..errors import InputError
from ..exact import nearest_float
from ..network import Network
from . import canvas

if TYPE_CHECKING:
    from ..lyapunov import Verdict

# More triangles than any picture shows.
MOST_SIMPLICES = 200_000
FINE = 20_000  # fewer triangles are divided for the colours
STEPS = 6  # a triangle is looked at on a grid of so many steps
CROSSES = 300  # witnesses that are drawn, or up to twice as many


def lyapunov(verdict: Verdict, *, axes: Any = None) -> Any:
    """Draw a verdict: cells by how fast V falls there, level sets, the region of attraction, witnesses.

    The colour is the largest rate V' / |x| (in discrete time V(f(x)) - V(x) over |x|) on a grid in the triangle, in
    floating point: blue where V falls, red where it rises.  It is a picture; the proof is the verdict.

    Args:
        verdict: what `linregions.lyapunov.verify` returns, for two states.
        axes: matplotlib axes to draw on; None makes a figure.

    Returns:
        The matplotlib `Figure`.

    Raises:
        InputError: the verdict is no verdict on a system of two states, or has more than 200,000 triangles.
        MissingExtraError: matplotlib is not installed.

    Example:
        >>> from linregions import Box, plot
        >>> from linregions.lyapunov import candidates, verify
        >>> verdict = verify(candidates.one_norm(2), ["-x1 + x1^3", "-x2 + x2^3"], Box.cube(-0.5, 0.5, 2))
        >>> plot.lyapunov(verdict).axes[0].get_title()
        'PROVED_STRICT, 4 cells'
    """
    cells = _mesh(verdict)
    figure, (ax,) = canvas.panels(axes, 1, size=(6.6, 6.0))
    corners, owners = _divided(cells.points[cells.simplices], cells.owner)
    _rates(ax, corners, _largest(verdict, cells, corners, owners))
    values = cells.values[:, 0] if isinstance(verdict.problem.candidate, Network) else None
    if values is not None:
        _levels(ax, cells, values - nearest_float(verdict.problem.shift), verdict)
    _witnesses(ax, verdict)
    canvas.frame(ax, _outline(cells), ("$x_1$", "$x_2$"))
    ax.set_title(f"{verdict.status.value}, {len(cells):,} cell{'s' if len(cells) > 1 else ''}")
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.09), ncols=3, frameon=False)
    return figure


def _mesh(verdict: Any) -> Any:
    problem = getattr(verdict, "problem", None)
    if problem is None:
        raise InputError(f"verdict: expected what linregions.lyapunov.verify returns, got {shown(verdict)}")
    if problem.dim != 2:
        raise InputError(f"verdict: a picture shows two states, and this system has {problem.dim}")
    cells = verdict.mesh
    if cells is None or not hasattr(cells, "simplices"):
        raise InputError(f"verdict: {verdict.status.value} before there were cells to draw; give it more time")
    if len(cells.simplices) > MOST_SIMPLICES:
        count = len(cells.simplices)
        raise InputError(f"verdict: {count:,} triangles are more than a picture shows; take a smaller domain")
    return cells


def _divided(corners: np.ndarray, owners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Triangles cut into four, again and again, while a picture can show more; and the cell of each."""
    while 4 * len(corners) <= FINE:
        a, b, c = corners.transpose(1, 0, 2)
        ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
        parts = ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))
        corners = np.concatenate([np.stack(part, axis=1) for part in parts])
        owners = np.tile(owners, 4)
    return corners, owners


def _largest(verdict: Any, cells: Any, corners: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """The largest rate over |x| on a grid in every triangle, (triangles,)."""
    grid = np.array([(i, j, STEPS - i - j) for i, j in product(range(STEPS + 1), repeat=2) if i + j <= STEPS]) / STEPS
    # A little inside, where the slope of the triangle's own cell is that of V.
    grid = 0.999 * grid + 0.001 / 3
    points = grid @ corners
    size = np.linalg.norm(points, axis=-1)
    with np.errstate(all="ignore"):
        return np.nanmax(np.where(size > 0, _rate(verdict, cells, owners, points) / size, np.nan), axis=1)


def _rate(verdict: Any, cells: Any, owners: np.ndarray, points: np.ndarray) -> np.ndarray:
    problem = verdict.problem
    inputs = [] if problem.controller is None else [problem.controller(points)]
    ahead = problem.dynamics(np.concatenate([points, *inputs], axis=-1))
    V = problem.candidate
    if problem.time == "discrete":
        return _value(V, ahead) - _value(V, points)
    if isinstance(V, Network):
        slopes = cells.slopes[owners, 0][:, None, :]
        return np.sum(slopes * ahead, axis=-1)
    return _value(V.derivative(0), points) * ahead[..., 0] + _value(V.derivative(1), points) * ahead[..., 1]


def _value(V: Any, points: np.ndarray) -> np.ndarray:
    if isinstance(V, Network):
        return V(points)[..., 0]
    out = np.zeros(points.shape[:-1])
    for exponents, c in V.terms.items():
        out += nearest_float(c) * np.prod(points ** np.array(exponents), axis=-1)
    return out


def _rates(ax: Any, corners: np.ndarray, rates: np.ndarray) -> None:
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import SymLogNorm

    largest = float(np.nanmax(np.abs(rates))) or 1.0
    norm = SymLogNorm(linthresh=largest / 100, vmin=-largest, vmax=largest)
    fill = PolyCollection(list(corners), array=rates, cmap="RdBu_r", norm=norm, linewidths=0, antialiaseds=False)
    ax.add_collection(fill)
    ax.figure.colorbar(fill, ax=ax, label="largest rate of V over |x|", shrink=0.75)


def _levels(ax: Any, cells: Any, values: np.ndarray, verdict: Any) -> None:
    """Level sets of V, which are exact in a mesh of its cells, and those that the verdict names."""
    x, y = cells.points.T
    usual = np.quantile(values[cells.boundary], [0.1, 0.4, 0.7, 1.0])
    above = np.unique(usual[usual > 0])
    if len(above):
        ax.tricontour(x, y, cells.simplices, values, levels=above, colors=canvas.GREY, linewidths=0.6, zorder=2)
    named = []
    if verdict.sublevel is not None:
        named.append((verdict.sublevel.c, canvas.COLOURS[0], "region of attraction", verdict.sublevel.basin))
    elif verdict.ultimate is not None:
        basin = verdict.ultimate.basin
        named.append((verdict.ultimate.c2, canvas.COLOURS[0], "trajectories that stay", basin))
        named.append((verdict.ultimate.c1, canvas.COLOURS[3], "what they end up in", basin))
    for level, colour, name, basin in named:
        _component(ax, cells, values, level, colour, name, basin)


def _component(ax: Any, cells: Any, values: np.ndarray, level: Fraction, colour: Any, name: str, basin: Any) -> None:
    """The boundary of the component of {V < level} that holds the origin."""
    pieces = cells.simplices[basin.pieces(level)]
    if not len(pieces) or level <= 0:
        return
    # At the level itself a vertex may stand; just below it the curve is the same to the eye.
    height = nearest_float(level) * (1 - 1e-9)
    ax.tricontour(*cells.points.T, pieces, values, levels=[height], colors=[colour], linewidths=2.0, zorder=5)
    ax.plot([], [], color=colour, linewidth=2.0, label=name)


def _witnesses(ax: Any, verdict: Any) -> None:
    every = max(1, len(verdict.counterexamples) // CROSSES)
    chosen = [verdict.counterexamples[k] for k in range(0, len(verdict.counterexamples), every)]
    for condition, mark, name in (("positive", "v", "V ≤ 0"), ("decrease", "x", "V does not fall")):
        found = [c.witness for c in chosen if c.condition == condition]
        if found:
            points = np.array([[nearest_float(v) for v in point] for point in found])
            ax.scatter(*points.T, marker=mark, s=18, color=canvas.COLOURS[1], linewidths=1.0, zorder=8, label=name)
    if verdict.face is not None:
        points = np.array([[nearest_float(v) for v in point] for point in verdict.face.vertices])
        ax.plot(*points.T, marker="o", color=canvas.COLOURS[3], linewidth=2.0, zorder=8, label="equality")


def _outline(cells: Any) -> np.ndarray:
    """The corners of the domain, around the origin."""
    points = cells.points[cells.boundary]
    from scipy.spatial import ConvexHull

    return points[ConvexHull(points).vertices]
