"""The regions of one slice, as polygons that are already known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import plural, shown
from ..domain import Plane
from ..errors import InputError
from . import canvas

if TYPE_CHECKING:
    from ..partition.polygons import Polygons

COLOURS = ("layer", "area", "value")
FEW = 3_000  # so many cells and fewer have a thin white line between them
CAPTIONS = {"area": "area of a region", "value": "first output at the middle of a region"}


def slice_regions(
    polygons: Polygons,
    *,
    colour: str = "layer",
    values: Any = None,
    label: str | None = None,
    anchors: Any = None,
    title: str | None = None,
    axes: Any = None,
) -> Any:
    """Draw the regions of a slice: lengths and areas in the picture are those of the input space.

    With "layer" an edge has the colour of the layer whose unit changes its piece there (the earliest, where there are
    several); with "area" a region has the colour of its area, on a logarithmic scale whose lower end
    stands for all smaller ones too (they cover a thousandth of the slice); with "value" that of a number.

    Args:
        polygons: `Partition.polygons`, or a `Polygons` made elsewhere.
        colour: "layer", "area" or "value".
        values: (regions,) the numbers for "value"; None takes the network's first output in the middle of each region,
            where the polygons know their partition.
        label: what the colour bar says; None says what is known.
        anchors: points to mark, (points, inputs) in the input space, or a `Slice`, whose anchors have their labels.
        title: the title; None says how many regions there are.
        axes: matplotlib axes to draw on; None makes a figure.

    Returns:
        The matplotlib `Figure`.

    Raises:
        InputError: these are no polygons; `colour` is not known; `values` or `anchors` do not fit.
        MissingExtraError: matplotlib is not installed.

    Example:
        >>> from linregions import Box, constructions, enumerate_regions, plot
        >>> partition = enumerate_regions(constructions.zigzag_product(2, [4, 4]).network, Box.cube(0, 2, 2))
        >>> plot.slice_regions(partition.polygons).axes[0].get_title()
        '44 regions'
    """
    check(polygons, colour)
    numbers = numbers_of(polygons, colour, values)
    paint = scale([polygons], colour, [numbers], label=label)
    figure, (ax,) = canvas.panels(axes, 1, size=(6.0, 6.0))
    draw(ax, polygons, paint, numbers)
    mark(ax, polygons, anchors)
    ax.set_title(headline(polygons) if title is None else title)
    if colour == "layer":
        legend(figure, paint, at=None if axes is None else ax)
    else:
        figure.colorbar(paint.mappable(), ax=ax, label=paint.label, shrink=0.75)
    return figure


@dataclass(frozen=True)
class Paint:
    """Colours that several pictures can share.

    `layers` holds the numbers of the stages that have edges anywhere; `norm` the limits of the numbers of regions.
    """

    colour: str
    layers: tuple[int, ...]
    norm: Any
    label: str

    def mappable(self) -> Any:
        """What a colour bar is made from."""
        from matplotlib.cm import ScalarMappable

        return ScalarMappable(self.norm, "cividis")


def check(polygons: Any, colour: str) -> None:
    """Refuse what cannot be drawn."""
    if colour not in COLOURS:
        raise InputError(f"colour: expected 'layer', 'area' or 'value', got {shown(colour)}")
    if not is_polygons(polygons):
        raise InputError(f"polygons: expected Partition.polygons, got {shown(polygons)}")
    if not len(polygons):
        raise InputError("polygons: there are no regions to draw; give more time or a larger max_regions")


def is_polygons(thing: Any) -> bool:
    """Whether these are polygons, of a partition or made elsewhere."""
    return all(hasattr(thing, name) for name in ("indptr", "xy", "neighbours", "layers"))


def scale(many: list[Polygons], colour: str, numbers: list[Any], *, label: str | None = None) -> Paint:
    """One scale for all of several pictures, from what `numbers_of` gives for each."""
    canvas.matplotlib()
    from matplotlib.colors import LogNorm, Normalize

    layers = np.unique(np.concatenate([p.layers[p.layers >= 0] for p in many]))
    norm = None
    if colour != "layer":
        every = np.concatenate(numbers)
        low, high = float(every.min()), float(every.max())
        if colour == "area":
            low = _smallest_seen(every)
            norm = LogNorm(low, high if high > low else 2 * low, clip=True)
        else:
            norm = Normalize(low, high if high > low else low + 1.0)
    return Paint(colour, tuple(int(k) for k in layers), norm, label or CAPTIONS.get(colour, ""))


def numbers_of(polygons: Polygons, colour: str, values: Any) -> np.ndarray | None:
    """One number for each region; None where colours are layers."""
    if colour == "layer":
        return None
    if colour == "area":
        return polygons.areas
    if values is None:
        if polygons.partition is None:
            raise InputError("values: these polygons do not know their network; give one number for each region")
        domain, network = polygons.domain, polygons.partition.network
        return network(domain.inputs(middles(polygons)))[:, 0]
    out = np.asarray(values, dtype=np.float64)
    if out.shape != (len(polygons),) or not np.isfinite(out).all():
        wanted = f"{plural(len(polygons), 'finite number')}, one for each region"
        raise InputError(f"values: expected {wanted}, got {shown(values)}")
    return out


def _smallest_seen(areas: np.ndarray) -> float:
    """The area below which regions together cover a thousandth: colours are for what can be seen, not for slivers."""
    areas = np.sort(areas[areas > 0])
    if not len(areas):
        return 1.0
    covered = np.cumsum(areas)
    return float(areas[np.searchsorted(covered, 1e-3 * covered[-1])])


def middles(polygons: Polygons) -> np.ndarray:
    """The mean of the corners of every region (regions, 2), in the coordinates of the domain."""
    counts = np.diff(polygons.indptr)
    sums = [np.bincount(polygons.regions, weights=c, minlength=len(polygons)) for c in polygons.points.T]
    return np.stack(sums, axis=1) / counts[:, None]


def draw(ax: Any, polygons: Polygons, paint: Paint, numbers: np.ndarray | None) -> None:
    """Regions, edges and outline on axes, without title and legend."""
    if numbers is None:
        _edges(ax, polygons, paint)
    else:
        _cells(ax, polygons, paint, numbers)
    names = ("$u_1$", "$u_2$") if isinstance(polygons.domain, Plane) else ("$x_1$", "$x_2$")
    canvas.frame(ax, outline(polygons), names)


def outline(polygons: Polygons) -> np.ndarray:
    """The corners of the domain, in the coordinates of the picture."""
    return np.array([[float(c) for c in p] for p in polygons.domain.corners]) @ polygons.frame


def _edges(ax: Any, polygons: Polygons, paint: Paint) -> None:
    """Every edge once, as one path for each layer: many small ones take seconds."""
    from matplotlib.collections import PathCollection
    from matplotlib.path import Path

    xy, ends = polygons.xy, polygons.xy[polygons.following]
    # The other side of an edge draws it too, unless it is not listed.
    once = (polygons.neighbours < 0) | (polygons.regions < polygons.neighbours)
    thin = max(0.25, min(1.0, (1000 / len(polygons)) ** 0.25))
    for place, (layer, shade) in enumerate(colours(paint)):
        chosen = once & (polygons.layers == layer)
        if not chosen.any():
            continue
        corners = np.stack([xy[chosen], ends[chosen]], axis=1).reshape(-1, 2)
        codes = np.tile([Path.MOVETO, Path.LINETO], int(chosen.sum()))
        width = thin * min(1.8, 0.9 * 1.2 ** (len(paint.layers) - 1 - place))
        ax.add_collection(
            PathCollection(
                [Path(corners, codes)],
                facecolors="none",
                edgecolors=[shade],
                linewidths=width,
                capstyle="round",
                zorder=3 - place / 1000,  # what arises early lies on top
                label=f"layer {layer + 1}",
            )
        )


def colours(paint: Paint) -> list[tuple[int, Any]]:
    """Every layer and its colour."""
    return list(zip(paint.layers, canvas.depth_colours(len(paint.layers)), strict=True))


def _cells(ax: Any, polygons: Polygons, paint: Paint, numbers: np.ndarray) -> None:
    from matplotlib.collections import PolyCollection

    few = len(polygons) <= FEW
    fill = PolyCollection(
        np.split(polygons.xy, polygons.indptr[1:-1]),
        array=numbers,
        cmap="cividis",
        norm=paint.norm,
        edgecolors="white" if few else "none",
        linewidths=0.4 * min(1.0, (300 / len(polygons)) ** 0.5) if few else 0.0,
        antialiaseds=few,
    )
    ax.add_collection(fill)


def mark(ax: Any, polygons: Polygons, anchors: Any, *, small: bool = False) -> None:
    """Anchors as points, each with its label where it has one."""
    if anchors is None:
        return
    labels = getattr(anchors, "labels", None)
    points = np.asarray(getattr(anchors, "anchors", anchors), dtype=np.float64)
    inputs = polygons.domain.input_dim
    if points.ndim != 2 or points.shape[1] != inputs:
        raise InputError(f"anchors: expected points with {plural(inputs, 'input')} each, got shape {points.shape}")
    where = coordinates(polygons, points)
    ax.scatter(
        *where.T, s=18 if small else 42, color="white", edgecolors="black", linewidths=1.2, zorder=10, clip_on=False
    )
    for place, text in zip(where, labels if labels is not None else (), strict=False):
        if text is None:
            continue
        ax.annotate(
            str(text),
            place,
            xytext=(4, 4) if small else (6, 6),
            textcoords="offset points",
            fontweight="bold",
            fontsize=7 if small else 10,
            zorder=11,
            bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.75},
        )


def coordinates(polygons: Polygons, points: np.ndarray) -> np.ndarray:
    """Input points (points, inputs) in the coordinates of the picture, projected onto the plane."""
    domain = polygons.domain
    if not isinstance(domain, Plane):
        return points @ polygons.frame
    directions = np.stack([domain.q - domain.p, domain.r - domain.p], axis=1)
    return np.linalg.lstsq(directions, (points - domain.p).T, rcond=None)[0].T @ polygons.frame


def legend(figure: Any, paint: Paint, *, at: Any = None, size: float | None = None) -> None:
    """What the colours of edges mean, below axes or below the figure."""
    from matplotlib.lines import Line2D

    if len(paint.layers) < 2:
        return
    handles = [Line2D([], [], color=c, linewidth=2, label=f"layer {k + 1}") for k, c in colours(paint)]
    options = {"title": "boundary arises in", "ncols": min(len(handles), 6), "frameon": False, "fontsize": size}
    if at is None:
        figure.legend(handles=handles, loc="outside lower center", **options)
    else:
        at.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.09), **options)


def headline(polygons: Polygons) -> str:
    """How many regions there are; at least so many, where the list is not complete."""
    count = len(polygons)
    least = "" if str(getattr(polygons.count.status, "value", "")) == "complete" else "at least "
    return f"{least}{count:,} region{'s' if count != 1 else ''}"
