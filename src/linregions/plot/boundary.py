"""Decision boundaries: curves over the regions of a plane, surfaces in space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import plural
from ..domain import Domain
from ..errors import InputError
from . import canvas
from .regions import as_network, coordinate_names, listed, outline, polygons

if TYPE_CHECKING:
    from ..partition import Partition
    from ..partition.boundary import Boundary, Mesh

# The sides of a piece, in words, and its colour.
SHADES = {
    "crossing": ("changes sign", canvas.COLOURS[1]),
    "touching": ("touches zero", canvas.COLOURS[3]),
    "rim": ("ends being zero", canvas.COLOURS[2]),
    "wall": ("zero in the wall", canvas.COLOURS[5]),
}


def boundary(model: Any, domain: Domain, *, i: int = 0, j: int | None = None, axes: Any = None) -> Any:
    """Draw where outputs `i` and `j` agree, or output `i` is zero, on a bounded domain of dimension 2 or 3.

    In dimension 2: curves over the outlines of the activation regions, coloured by what they separate; regions on which
    the difference vanishes are filled.  In dimension 3: the surface, shaded.

    Args:
        model: a `Network`, a `Construction`, or whatever `linregions.read` takes.
        domain: a bounded `Box` or `Polytope` in two or three inputs, or a `Plane`.
        i: an output, from 0.
        j: the output that it is compared with; None compares it with zero.
        axes: matplotlib axes to draw on, with a 3-D projection where the domain has dimension 3; None makes a figure.

    Returns:
        The matplotlib `Figure`.

    Raises:
        InputError: the domain does not have dimension 2 or 3 or is not bounded; an output does not exist.
        MissingExtraError: matplotlib is not installed.

    Example:
        >>> from linregions import Box, Network, plot
        >>> diamond = [([[1, 0], [-1, 0], [0, 1], [0, -1]], [0, 0, 0, 0]), ([[-1, -1, -1, -1]], [1])]
        >>> figure = plot.boundary(Network.from_arrays(diamond), Box.cube(-2, 2, 2))
        >>> figure.axes[0].get_title()
        'f_0 = 0: 4 pieces, Betti numbers 1, 1'
    """
    network = as_network(model)
    if isinstance(domain, Domain) and domain.dim == 3:
        return _surface(listed(network, domain).decision_boundary(i, j), axes)
    corners = outline(network, domain)
    regions = listed(network, domain)
    found = regions.decision_boundary(i, j)
    figure, (ax,) = canvas.panels(axes, 1, size=(6.0, 6.0))
    _curves(ax, regions, found)
    canvas.frame(ax, corners, coordinate_names(domain))
    ax.set_title(_title(found))
    return figure


def _title(found: Boundary) -> str:
    betti = ", ".join(map(str, found.betti[: found.dim]))
    return f"{found.function} = 0: {plural(len(found), 'piece')}, Betti numbers {betti}"


def _curves(ax: Any, regions: Partition, found: Boundary) -> None:
    from matplotlib.collections import LineCollection, PolyCollection

    cells = polygons(regions)
    width = max(0.15, min(0.6, 6 / len(cells) ** 0.5))
    ax.add_collection(PolyCollection(cells, facecolors="none", edgecolors=canvas.GREY, linewidths=width, zorder=1))
    if len(found.fat):
        fat = [cells[r] for r in found.fat]
        ax.add_collection(PolyCollection(fat, facecolors=canvas.COLOURS[6], alpha=0.5, linewidths=0, zorder=2))
    for kind in sorted({k.value for k in found.kinds}):
        label, colour = SHADES[kind]
        lines = [np.concatenate([c.points, c.points[: int(c.closed)]]) for c in found.curves([kind])]
        ax.add_collection(LineCollection(lines, colors=[colour], linewidths=1.8, label=label, zorder=3))
    if len(set(found.kinds)) > 1:
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.09), ncols=4, frameon=False)


def _surface(found: Boundary, axes: Any) -> Any:
    mesh = found.mesh()
    canvas.matplotlib()
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    if axes is None:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6.0, 6.0), dpi=120, layout="constrained")
        axes = figure.add_subplot(projection="3d")
    elif not hasattr(axes, "add_collection3d"):
        raise InputError("axes: a surface needs matplotlib axes with projection='3d'; give such, or None")
    if len(mesh.triangles):
        # Whole pieces, so that no edge shows where there is none.
        pieces = [found.vertices(p) for p in range(len(found))]
        faces = Poly3DCollection(pieces, facecolors=_shades(mesh), edgecolors=canvas.COLOURS[0], linewidths=0.2)
        axes.add_collection3d(faces)
        low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
        middle, reach = (low + high) / 2, max(float((high - low).max()) / 2, 1e-300)
        axes.set(**{f"{x}lim": (m - reach, m + reach) for x, m in zip("xyz", middle, strict=True)})
    axes.set(xlabel="$x_1$", ylabel="$x_2$", zlabel="$x_3$", title=_title(found))
    axes.set_box_aspect((1, 1, 1))
    return axes.figure


def _shades(mesh: Mesh) -> np.ndarray:
    """A colour for every piece, lit from above and from both sides: a surface has no inside that lies in the dark."""
    from matplotlib.colors import to_rgb

    _, first = np.unique(mesh.pieces, return_index=True)
    normals = mesh.normals[first]
    lengths = np.sqrt((normals**2).sum(axis=1))
    slant = np.abs(normals @ np.array([0.4, -0.25, 0.88])) / np.where(lengths > 0, lengths, 1.0)
    return np.clip(0.35 + 0.65 * slant, 0, 1)[:, None] * np.array(to_rgb(canvas.COLOURS[6]))
