"""The partition of a plane: regions as polygons, and boundaries by the layer in which they arise."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..checks import plural, shown
from ..counting import enumerate_regions
from ..domain import Domain, Plane
from ..errors import InputError
from ..network import Network
from ..partition import Partition, Status
from . import canvas

# More than any picture shows.
MOST_REGIONS = 200_000


def partition(model: Any, domain: Domain, *, colour: str = "depth", axes: Any = None) -> Any:
    """Draw the activation regions of a network on a two-dimensional domain.

    With "depth", a boundary has the colour of the layer whose unit changes its piece there: the partition by the first
    k layers is drawn for k = L, ..., 1, each over the one before, so that what arises early covers what lies on it.
    With "value", a region has the colour of the network's first output at its middle.

    Args:
        model: a `Network`, a `Construction`, or whatever `linregions.read` takes.
        domain: a bounded `Box` or `Polytope` in two inputs, or a `Plane`.
        colour: "depth" or "value".
        axes: matplotlib axes to draw on; None makes a figure.

    Returns:
        The matplotlib `Figure`.

    Raises:
        InputError: the domain is not two-dimensional and bounded; `colour` is not known.
        MissingExtraError: matplotlib is not installed.

    Example:
        >>> from linregions import Box, constructions, plot
        >>> figure = plot.partition(constructions.zigzag_product(2, [4, 4]), Box.cube(0, 2, 2))
        >>> figure.axes[0].get_title()
        '44 activation regions'
    """
    if colour not in ("depth", "value"):
        raise InputError(f"colour: expected 'depth' or 'value', got {shown(colour)}")
    network = as_network(model)
    corners = outline(network, domain)
    figure, (ax,) = canvas.panels(axes, 1, size=(6.0, 6.0))
    if colour == "depth":
        stages = splitting(network) or [len(network.stages)]
        found = by_depth(network, domain, stages)
        whole = found[stages[-1]]
        draw_boundaries(ax, found, dict(zip(stages, canvas.depth_colours(len(stages)), strict=True)))
        if len(stages) > 1:
            _legend(ax, stages)
    else:
        whole = listed(network, domain)
        _fill(ax, whole)
    canvas.frame(ax, corners, coordinate_names(domain))
    ax.set_title(f"{len(whole):,} activation region{'s' if len(whole) > 1 else ''}")
    return figure


def as_network(model: Any) -> Network:
    """The network of a `Construction`, or that `linregions.read` gives."""
    model = getattr(model, "network", model)
    if isinstance(model, Network):
        return model
    from ..readers import read

    return read(model)


def outline(network: Network, domain: Any) -> np.ndarray:
    """Corners (corners, 2) of a bounded two-dimensional domain that fits the network."""
    if not isinstance(domain, Domain) or domain.dim != 2:
        raise InputError(f"domain: a picture needs a Box, Polytope or Plane of dimension 2, got {shown(domain)}")
    if domain.input_dim != network.input_dim:
        raise InputError(
            f"domain: has {plural(domain.input_dim, 'input')} and the network {network.input_dim}; give equal ones"
        )
    # A network that splits nothing has one region, the domain itself.
    eye = np.eye(domain.input_dim)
    plain = enumerate_regions(Network.from_arrays([(eye, np.zeros(len(eye)))]), domain)
    if math.isinf(plain.volumes[0]):
        raise InputError(f"domain: a picture needs a bounded one, got {domain!r}; use a Box")
    return plain.vertices(0)


def splitting(network: Network) -> list[int]:
    """Numbers, from 1, of the stages that have units with more than one piece."""
    return [k for k, s in enumerate(network.stages, start=1) if np.any(s.activation.pieces > 1)]


def listed(network: Network, domain: Domain) -> Partition:
    """The complete partition, if a picture can show it."""
    found = enumerate_regions(network, domain, max_regions=MOST_REGIONS)
    if found.count.status is not Status.COMPLETE:
        raise InputError(f"domain: more than {MOST_REGIONS:,} regions are too many for a picture; take a smaller one")
    return found


def truncated(network: Network, stages: int) -> Network:
    """The first `stages` stages."""
    return Network(network.stages[:stages], network.source)


def by_depth(network: Network, domain: Domain, stages: Iterable[int]) -> dict[int, Partition]:
    """The partition by the first k stages, for every k."""
    return {k: listed(truncated(network, k), domain) for k in stages}


def draw_boundaries(ax: Any, found: Mapping[int, Partition], colours: Mapping[int, Any]) -> None:
    """Boundaries of the partition by the first k stages in the colour for k, an earlier one over every later one."""
    from matplotlib.collections import LineCollection

    # Many regions need thin lines.
    scale = max(0.3, min(1.0, (1000 / len(found[max(colours)])) ** 0.25))
    for place, k in enumerate(sorted(colours)):
        closed = [np.vstack([c, c[:1]]) for c in polygons(found[k])]
        # An earlier boundary is a little wider, so that nothing of a later colour shows beside it.
        width = scale * min(2.0, 0.9 * 1.3 ** (len(colours) - 1 - place))
        ax.add_collection(LineCollection(closed, colors=[colours[k]], linewidths=width, zorder=3 - place / 1000))


def _legend(ax: Any, stages: list[int]) -> None:
    from matplotlib.lines import Line2D

    colours = canvas.depth_colours(len(stages))
    ax.legend(
        handles=[
            Line2D([], [], color=c, linewidth=2, label=f"layer {k}") for k, c in zip(stages, colours, strict=True)
        ],
        title="boundary arises in",
        loc="upper center",
        bbox_to_anchor=(0.5, -0.09),
        ncols=min(len(stages), 6),
        frameon=False,
    )


def polygons(found: Partition) -> list[np.ndarray]:
    """The vertices of every region, in order."""
    polygons = found.polygons
    return np.split(polygons.points, polygons.indptr[1:-1])


def coordinate_names(domain: Domain) -> tuple[str, str]:
    """What the axes of a picture are called."""
    return ("$s$", "$t$") if isinstance(domain, Plane) else ("$x_1$", "$x_2$")


def _fill(ax: Any, whole: Partition) -> None:
    from matplotlib.collections import PolyCollection

    cells = polygons(whole)
    middles = np.array([c.mean(axis=0) for c in cells])
    values = whole.network(whole.domain.inputs(middles))[:, 0]
    fill = PolyCollection(cells, array=values, cmap="cividis", edgecolors="white", linewidths=0.5)
    ax.add_collection(fill)
    ax.figure.colorbar(fill, ax=ax, label="first output at the middle of a region", shrink=0.75)
