"""The region of a point as a polytope: half-spaces, facets, largest ball, and exactly where its dimension is small."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..activations import MaxGroups
from ..checks import seed_number, shown, whole_number
from ..domain import Box, Domain, Space
from ..engines import cells
from ..errors import InputError
from ..network import Network
from ..partition import Count, Kind, Partition, Region, Status
from ..partition.measures import ball_inside
from ..partition.packing import pack
from ..stage import exact_float64
from .distances import Hinges
from .tracing import Trace, as_network, checked_points

GAP = 1e-9  # a first hit counts where the second one is farther by more than this share


def region_at(model: Any, t: Any, *, domain: Domain | None = None) -> Region:
    """The activation region that holds a point, without listing the others: exact facets, vertices and volume.

    Args:
        model: a Network or what a reader takes.
        t: (dim,) a point in the domain's coordinates.
        domain: in dimension 1 to 8, a slice for networks of many inputs; None is the whole space.

    Returns:
        A `Region`; its `partition` holds this one region only, so it knows no neighbours.

    Raises:
        InputError: the point is outside, or on a boundary that leaves it no full-dimensional region.

    Example:
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> region_at(net, [0.5, 0.25], domain=Box.cube(-1, 1, 2))
        Region 0: 4 facets, 4 vertices, volume 1
    """
    network = as_network(model)
    place = Space(network.input_dim) if domain is None else domain
    if not isinstance(place, Domain):
        raise InputError(f"domain: expected a Box, Polytope, Segment, Plane or Space, got {shown(domain)}")
    point = exact_float64(t, "t")
    if point.shape != (place.dim,):
        raise InputError(f"t: expected one number for each of the domain's {place.dim} coordinates, got {point.shape}")
    engine = cells.open_engine(network, place)
    cells.prepare(engine, place)
    pattern = network.exact_pattern(_exact_inputs(place, point))
    packed = pack(pattern[None, :], network.pieces)
    count = Count(
        1, Kind.LOWER, Status.BUDGET, "activation", cells.NAME, 0, 0, 0.0, repr(network), repr(place), "one region"
    )
    found = Partition(network, place, count, engine, packed, point[None, :].copy(), np.ones(1, dtype=bool))
    region = found[0]
    try:
        inside = region.contains(point, strict=True)
    except InputError:
        inside = False
    if not inside:
        raise InputError(f"t: {shown(point.tolist())} lies outside the domain or on a boundary; move it a little")
    return region


def halfspaces_at(model: Any, point: Any, *, box: Box | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Half-spaces `A x <= b` of one point's activation region, float64, rows of length 1, redundant ones included.

    Args:
        model: a Network or what a reader takes.
        point: (inputs,).
        box: its sides come last.

    Returns:
        A (rows, inputs) and b (rows,); units that are constant on the region have none.

    Example:
        >>> net = Network.from_arrays([([[2.0, 0.0], [0.0, 1.0]], [2.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> a, b = halfspaces_at(net, [1.0, 3.0])
        >>> (a + 0.0).tolist(), (b + 0.0).tolist()
        ([[-1.0, 0.0], [0.0, -1.0]], [1.0, 0.0])
    """
    network = as_network(model)
    x = checked_points(network, point, "point")
    if len(x) != 1:
        raise InputError(f"point: expected one point, got {len(x)}")
    a, slack = _rows(network, Trace.of(network, x))
    b = a @ x[0] + slack
    if box is not None:
        eye = np.eye(network.input_dim)
        a = np.concatenate([a, -eye, eye])
        b = np.concatenate([b, -np.asarray(box.lower), np.asarray(box.upper)])
    return a, b


def chebyshev_radius(model: Any, x: Any, *, box: Box | None = None) -> np.ndarray:
    """Radius of a largest ball inside the region of each point, by a linear program in float64; (points,).

    `max r` with `a_i.x + r <= b_i` for rows of length 1.  It is infinite where balls of every size fit, as in most
    networks with more inputs than units; then give a box.  Never below `boundary_distance` but for rounding.

    Args:
        model: a Network or what a reader takes.
        x: (points, inputs); one program for each.
        box: the region is cut with it.

    Raises:
        InputError: an argument does not fit.

    Example:
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> chebyshev_radius(net, [[0.75, 0.25]], box=Box.cube(-1, 1, 2)).round(9).tolist()
        [0.5]
    """
    network = as_network(model)
    x = checked_points(network, x)
    if box is not None and (not isinstance(box, Box) or box.dim != network.input_dim):
        raise InputError(f"box: expected a Box of the network's {network.input_dim} inputs, got {shown(box)}")
    out = np.empty(len(x))
    for i, point in enumerate(x):
        a, b = halfspaces_at(network, point, box=box)
        # Around the point, so that its own distance is kept where the program's centre is worse.
        centre = ball_inside(a, b - a @ point)
        own = np.min(b - a @ point, initial=np.inf)
        out[i] = np.inf if centre is None else max(own, float(np.min(b - a @ (point + centre), initial=np.inf)))
    return out


def n_facets(model: Any, x: Any, *, rays: int | None = 1000, seed: int = 0) -> np.ndarray:
    """Number of facets of the region of each point, (points,).

    With rays a lower bound: how many different boundaries are the first that a random ray from the point meets, a ray
    that meets two at once not counted.  With `rays=None` exact, by the engine, up to dimension 8.

    Args:
        model: a Network or what a reader takes.
        x: (points, inputs).
        rays: directions for each point, uniform on the sphere; None counts exactly.
        seed: of the directions.

    Example:
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> n_facets(net, [[1.0, 1.0]]).tolist(), n_facets(net, [[1.0, 1.0]], rays=None).tolist()
        ([2], [2])
    """
    network = as_network(model)
    x = checked_points(network, x)
    if rays is None:
        return np.array([len(region_at(network, point).facets) for point in x], dtype=np.int64)
    count, rng = whole_number(rays, "rays"), np.random.default_rng(seed_number(seed))
    found = []
    for point in x:
        a, b = halfspaces_at(network, point)
        directions = rng.normal(size=(count, network.input_dim))
        found.append(len(_first_hits(a, b - a @ point, directions)))
    return np.array(found, dtype=np.int64)


def n_facets_lp(model: Any, point: Any, *, box: Box | None = None) -> int:
    """Facets of one point's region by a linear program for each half-space, in float64; any dimension, and slow.

    A row is a facet where `max a_i.x`, subject to the others and to `a_i.x <= b_i + 1`, exceeds b_i.  Rows
    that agree to twelve digits are taken for one.  Not certified: `n_facets` is.

    Example:
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> n_facets_lp(net, [0.5, 0.5], box=Box.cube(-1, 1, 2))
        4
    """
    from scipy.optimize import linprog

    a, b = halfspaces_at(model, point, box=box)
    x = np.asarray(point, dtype=np.float64).ravel()
    slack = b - a @ x
    _, first = np.unique(np.round(np.column_stack([a, slack]), 12), axis=0, return_index=True)
    a, slack = a[first], slack[first]
    count = 0
    for i in range(len(a)):
        room = slack.copy()
        room[i] += 1.0
        done = linprog(-a[i], A_ub=a, b_ub=room, bounds=[(None, None)] * a.shape[1])
        count += done.status == 3 or (done.x is not None and -done.fun > slack[i] + 1e-9)
    return int(count)


def _rows(network: Network, trace: Trace) -> tuple[np.ndarray, np.ndarray]:
    """Unit outward normals (rows, inputs) of the half-spaces of one point's region, and its distances from them."""
    hinges = Hinges(network)
    levels = hinges.levels(trace)
    columns = np.flatnonzero(_adjacent(hinges, trace))
    zero = np.zeros(len(columns), dtype=np.int64)
    distance = hinges.distances(trace, levels, zero, columns)
    columns, distance = columns[np.isfinite(distance)], distance[np.isfinite(distance)]
    out = np.zeros((len(columns), network.input_dim))
    for k in np.unique(hinges.stages[columns]):
        mine = np.flatnonzero(hinges.stages[columns] == k)
        gradient = hinges.gradients(trace, np.zeros(len(mine), dtype=np.int64), columns[mine], int(k), full=True)
        if not isinstance(network.stages[k].activation, MaxGroups):
            # Inside, the level is above a breakpoint that the piece begins with, and below one that it ends with.
            above = trace.levels[k][0, hinges.rows[columns[mine]]] > hinges.at[columns[mine]]
            gradient = np.where(above[:, None], gradient, -gradient)
        out[mine] = -gradient / np.linalg.norm(gradient, axis=1, keepdims=True)
    return out, distance


def _adjacent(hinges: Hinges, trace: Trace) -> np.ndarray:
    """Columns that bound the point's pieces: the breakpoints next to them, and rows that lose in their group."""
    out = np.zeros(hinges.count, dtype=bool)
    for c in range(hinges.count):
        k, unit = int(hinges.stages[c]), int(hinges.units[c])
        act, piece = hinges.network.stages[k].activation, int(trace.pieces[k][0, unit])
        if isinstance(act, MaxGroups):
            out[c] = hinges.rows[c] != act.offsets[unit] + piece
        else:
            out[c] = hinges.at[c] in act.functions[act.index[unit]].breakpoints[max(0, piece - 1) : piece + 1]
    return out


def _first_hits(a: np.ndarray, slack: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Which rows are the first that some ray from the point meets, and not together with another."""
    if not len(a):
        return np.zeros(0, dtype=np.int64)
    speed = directions @ a.T
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.where(speed > 0, slack / speed, np.inf)
    first = np.argmin(reach, axis=1)
    near = reach[np.arange(len(reach)), first]
    reach[np.arange(len(reach)), first] = np.inf
    alone = np.isfinite(near) & (reach.min(axis=1) > near * (1 + GAP))
    return np.unique(first[alone])


def _exact_inputs(domain: Domain, point: np.ndarray) -> list[Any]:
    from ..exact import dot, fractions

    t, rows = fractions(point), domain.embedding
    return list(t) if rows is None else [dot(r[:-1], t) + r[-1] for r in rows]
