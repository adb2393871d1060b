"""The fan of a network without biases: cones from the origin, in any dimension.

Such a network is positively homogeneous, f(t x) = t f(x) for t >= 0, and its regions are cones.  Where each of them has
exactly n facets it is spanned by n rays, and what holds on the rays decides what holds everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from ...activations import UnitActivations
from ...checks import plural, shown
from ...counting import enumerate_regions
from ...domain import Box
from ...errors import InputError
from ...exact import scaled_integers
from ...network import Network
from ...partition import Partition, Status
from ...partition.slopes import stage_pieces
from .cells import UnfinishedError
from .mapped import MappedMesh
from .vertices import Point, coprime

_INSTEAD = "use cells_of on a Box, up to dimension 8"


@dataclass(frozen=True, eq=False, repr=False)
class Fan(MappedMesh):
    """The cones of a positively homogeneous network, all of them simplicial, and the rays that span them.

    As a mesh its vertices are 0, the origin, and the ends of the rays; a cone is the simplex of the origin and its rays
    and stands for all of its positive multiples.

    Attributes:
        partition: the regions on the box [-1, 1]^n, one for each cone.
        rays: coprime integers, one vector for each ray.
        cones: (cones, n) numbers of rays, ascending.
        neighbours: (cones, n) the cone on the other side of the facet that lacks that ray.
        points: (rays + 1, n) float64: 0, and the rays as they are.

    Example:
        >>> size = Network.from_arrays([([[1, 0], [-1, 0], [0, 1], [0, -1]], [0] * 4), ([[1, 1, 1, 1]], [0])])
        >>> fan = fan_of(size)
        >>> fan, sorted(fan.rays), fan.exact_slope(0, 0)
        (Fan: 4 cones, 4 rays in dimension 2, [(-1, 0), (0, -1), (0, 1), (1, 0)], [Fraction(-1, 1), Fraction(-1, 1)])
    """

    partition: Partition
    rays: tuple[tuple[int, ...], ...]
    cones: np.ndarray
    neighbours: np.ndarray
    points: np.ndarray
    radii: np.ndarray
    origin: int = 0

    def __repr__(self) -> str:
        return f"Fan: {len(self):,} cones, {len(self.rays):,} rays in dimension {self.dim}"

    @cached_property
    def simplices(self) -> np.ndarray:  # type: ignore[override]
        """The mesh: the origin and the ends of a cone's rays, (cones, n + 1)."""
        return np.concatenate([np.zeros((len(self.cones), 1), dtype=np.int64), self.cones + 1], axis=1)

    @property
    def owner(self) -> np.ndarray:
        """The cell of every simplex: a cone is one."""
        return np.arange(len(self.cones))

    @cached_property
    def cell_of(self) -> np.ndarray:  # type: ignore[override]
        """One cone that has each vertex, (vertices,)."""
        out = np.zeros(len(self.points), dtype=np.int64)
        out[self.cones[::-1].ravel() + 1] = np.repeat(np.arange(len(self.cones))[::-1], self.cones.shape[1])
        return out

    def exact_vertex(self, v: int) -> Point:
        """Vertex `v` as integers `(X_1, ..., X_n, 1)`: the origin, or the end of ray `v - 1`."""
        return (*(self.rays[v - 1] if v else (0,) * self.dim), 1)

    def exact_vertices_all(self) -> list[Point]:
        """All vertices so, in the order of their numbers."""
        return [self.exact_vertex(v) for v in range(len(self.points))]


def fan_of(
    network: Network,
    dim: int | None = None,
    *,
    threads: int = 1,
    time_limit: float | None = None,
    progress: Callable[[float, int], None] | None = None,
) -> Fan:
    """The fan of a network of one layer without biases, in any dimension.

    Regions are listed on a box round the origin.  A hyperplane bounds a region if and only if the region on its other
    side, all other signs kept, is one of the list; that finds the facets, and what lies beyond each of them.  The rays
    of a cone of n facets with the rows a_1, ..., a_n are the columns of the exact inverse of their matrix.

    Args:
        network: n inputs; one layer of units that break at 0, no biases, then affine stages without biases.
        dim: its number of inputs, checked where given.
        threads: worker threads.
        time_limit: seconds for the list of regions; None is no limit.
        progress: called now and then with (fraction done, regions so far).

    Raises:
        InputError: the network is another one, or has a cone with more or fewer than n facets.
        UnfinishedError: the time limit came first.

    Example:
        >>> rows = np.concatenate([np.eye(9), -np.eye(9)])
        >>> fan_of(Network.from_arrays([(rows, np.zeros(18)), (np.ones((1, 18)), [0.0])]))
        Fan: 512 cones, 18 rays in dimension 9
    """
    check_homogeneous(network, dim)
    n = network.input_dim
    box = Box.cube(-1, 1, n)
    engine = "lp" if n > 6 else "auto"  # patterns are enough, and the vertices of a box are many
    partition = enumerate_regions(
        network, box, engine=engine, threads=threads, time_limit=time_limit, progress=progress
    )
    if partition.count.status is Status.INTERRUPTED:
        raise KeyboardInterrupt
    if partition.count.status is not Status.COMPLETE:
        raise UnfinishedError(partition.count)
    rows, positive = _sides(partition)
    facets, beyond = _facets(positive, n)
    rays: dict[tuple[int, ...], int] = {}
    spanned = _rays(rows, facets, np.take_along_axis(positive, facets, 1))
    cones = np.array([[rays.setdefault(ray, len(rays)) for ray in cone] for cone in spanned], dtype=np.int64)
    # Column j of the inverse is the ray that lies on all facets but the j-th.
    order = np.argsort(cones, axis=1)
    cones, neighbours = np.take_along_axis(cones, order, 1), np.take_along_axis(beyond, order, 1)
    points = np.zeros((len(rays) + 1, n))
    points[1:] = [[float(v) for v in ray] for ray in rays]
    exact = np.array([True, *(all(int(float(v)) == v for v in ray) for ray in rays)])
    radii = np.where(exact, 0.0, np.abs(points).max(axis=1) * 2.0**-52)
    out = Fan(partition, tuple(rays), cones, neighbours, points, radii)
    _check_pairs(out)
    return out


def check_homogeneous(network: Any, dim: int | None = None) -> None:
    """Refuse a network that is not one layer of units that break at 0, without biases anywhere.

    Raises:
        InputError: it is so; the message says what it has.
    """
    if not isinstance(network, Network):
        raise InputError(f"network: expected a Network, got {shown(network)}; linregions.readers.read makes one")
    if dim is not None and dim != network.input_dim:
        raise InputError(f"dim: the network takes {network.input_dim} inputs, got {shown(dim)}; leave it out")
    for k, stage in enumerate(network.stages):
        act = stage.activation
        if not isinstance(act, UnitActivations) or (k and np.any(act.pieces > 1)):
            raise InputError(f"network: layer {k + 1} of {network!r} has pieces, and a fan takes one layer; {_INSTEAD}")
        if np.any(stage.bias):
            raise InputError(
                f"network: layer {k + 1} of {network!r} has biases, so its regions are no cones; {_INSTEAD}"
            )
        for f in act.functions:
            if any(f.breakpoints) or any(f.intercepts):
                raise InputError(f"network: an activation of {network!r} does not break at 0 only; {_INSTEAD}")


def _sides(partition: Partition) -> tuple[list[tuple[int, ...]], np.ndarray]:
    """The distinct hyperplanes of the first layer, and on which side of each every region lies, (regions, planes)."""
    stage = partition.network.stages[0]
    pieces = stage_pieces(partition.network, partition.patterns)[0]
    found: dict[Point, int] = {}
    sides = []
    for i in np.flatnonzero(stage.activation.pieces > 1).tolist():
        columns, values = stage.row(i)
        row = [Fraction(0)] * stage.inputs
        for j, w in zip(columns.tolist(), values.tolist(), strict=True):
            row[j] = Fraction(w)
        if not any(row):
            continue
        (integers,), _ = scaled_integers([row])
        up = next(v for v in integers if v) > 0
        plane = coprime(integers if up else [-v for v in integers])
        if plane not in found:
            found[plane] = len(found)
            sides.append((pieces[:, i] > 0) == up)
    return list(found), np.stack(sides, axis=1) if sides else np.zeros((len(pieces), 0), dtype=bool)


def _facets(positive: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The n hyperplanes that bound each region, and the region beyond each, both (regions, n).

    Raises:
        InputError: a region has another number of facets.
    """
    keys = [int.from_bytes(row, "little") for row in np.packbits(positive, axis=1, bitorder="little")]
    number = {key: i for i, key in enumerate(keys)}
    facets, beyond = [], []
    for i, key in enumerate(keys):
        found = [(h, number[other]) for h in range(positive.shape[1]) if (other := key ^ 1 << h) in number]
        if len(found) != n:
            raise InputError(
                f"network: its cone {i} has {plural(len(found), 'facet')} in dimension {n}, so {n} rays do not span it "
                f"and there is no simplicial fan; {_INSTEAD}"
            )
        facets.append([h for h, _ in found])
        beyond.append([other for _, other in found])
    return np.array(facets, dtype=np.int64), np.array(beyond, dtype=np.int64)


def _rays(rows: list[tuple[int, ...]], facets: np.ndarray, positive: np.ndarray) -> list[list[tuple[int, ...]]]:
    """The rays of every cone: each is positive on one of its walls and zero on the others, in the walls' order.

    They are the columns of the inverse, made integral.  A float64 inverse times the determinant, rounded, is proposed;
    where the product with the rows, in integers that cannot overflow, is not what it must be, FLINT gives the inverse.
    """
    table, n = np.array(rows, dtype=object), facets.shape[1]
    walls = table[facets] * np.where(positive, 1, -1)[:, :, None]
    found: list[list[tuple[int, ...]] | None] = [None] * len(facets)
    most = max(abs(v) for row in rows for v in row)
    if most < 2**31:
        small = walls.astype(np.int64)
        with np.errstate(all="ignore"):
            scale = np.round(np.linalg.det(small.astype(np.float64)))
            columns = np.round(_inverses(small) * scale[:, None, None])
            fits = np.all(n * most * np.abs(columns) < 2.0**62, axis=(1, 2)) & (np.abs(scale) < 2.0**62) & (scale != 0)
        columns, scale = (
            np.where(fits[:, None, None], columns, 0).astype(np.int64),
            np.where(fits, scale, 0).astype(np.int64),
        )
        unit = np.eye(n, dtype=np.int64)
        right = fits & np.all(small @ columns == scale[:, None, None] * unit, axis=(1, 2))
        ends = np.swapaxes(columns * np.sign(scale)[:, None, None], 1, 2)
        ends = ends // np.maximum(np.gcd.reduce(ends, axis=2, keepdims=True), 1)
        for i in np.flatnonzero(right).tolist():
            found[i] = list(map(tuple, ends[i].tolist()))
    return [_exact_rays(walls[i].tolist()) if known is None else known for i, known in enumerate(found)]


def _inverses(matrices: np.ndarray) -> np.ndarray:
    """Inverses in float64; 0 for all if one of them is singular there."""
    try:
        return np.linalg.inv(matrices.astype(np.float64))
    except np.linalg.LinAlgError:
        return np.zeros(matrices.shape)


def _exact_rays(inward: list[list[int]]) -> list[tuple[int, ...]]:
    from flint import fmpz_mat

    n = len(inward)
    reduced, scale, _ = fmpz_mat([[*row, *(int(i == j) for j in range(n))] for i, row in enumerate(inward)]).rref()
    columns = zip(*(row[n:] for row in reduced.tolist()), strict=True)
    sign = 1 if scale > 0 else -1
    return [coprime([sign * int(v) for v in column]) for column in columns]


def _check_pairs(fan: Fan) -> None:
    """Every facet of a cone is, as a set of rays, one of the cone beyond it, whose own facet leads back."""
    cones, beyond = fan.cones, fan.neighbours
    here = np.arange(len(cones))
    for j in range(cones.shape[1]):
        other = beyond[:, j]
        place = np.argmax(beyond[other] == here[:, None], axis=1)
        back = beyond[other, place] == here
        mine = np.delete(cones, j, axis=1)
        keep = np.arange(cones.shape[1])[None, :] != place[:, None]
        theirs = cones[other][keep].reshape(mine.shape)
        if not (back.all() and np.array_equal(mine, theirs)):
            raise AssertionError("internal error in the fan: two cones do not share a facet; please report the network")
