"""The regions of a two-dimensional partition as polygons, with what lies behind every edge."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import region_index
from ..domain import Domain
from ..errors import InputError
from ..exact import nearest_float
from ..machine import cores, memory
from ..planar import exact_area
from .building import wait_for
from .count import Count, Status
from .pairing import Cuts, Edges, joint_vertices, next_corners, twins

if TYPE_CHECKING:
    from .partition import Partition


@dataclass(frozen=True, eq=False)
class Polygons:
    """The regions of a bounded domain of dimension 2 as polygons, corner after corner.

    The corners of region `i` are `indptr[i]` to `indptr[i + 1] - 1`, counter-clockwise in the domain's coordinates;
    edge `k` goes from corner `k` to the next one of the same region.  What is adjacent to what is known from patterns
    and from the search, not from coordinates.

    Attributes:
        domain: the domain, a `Plane`, `Box` or `Polytope`.
        count: how complete the list of regions is.
        indptr: (regions + 1,) int64.
        points: (corners, 2) float64, in the coordinates of the domain.
        radii: (corners,) how far a coordinate of `points` can be from the exact one.
        neighbours: (corners,) int64, the region behind the edge; -1 on the border of the domain, -2 where it is not
            listed, which happens in incomplete partitions and after runs that are not exact.
        units: (corners,) int64, the column of `Partition.patterns` on whose boundary the edge lies, the one of the
            earliest stage where there are several; -1 on the border.
        layers: (corners,) int32, the number of that unit's stage in `Network.stages`, from 0; -1 on the border.  A
            stage that is only affine has a number too, so the numbers of the layers of units can have gaps; polygons
            of `linregions.slicing.enumerate_slice` have numbers of layers of units instead, without gaps.
        vertices: (corners,) int64, the number of the vertex at the corner, the same in all regions that share it (as
            far as they are joined through listed neighbours).
        partition: what the polygons are of, for areas that float64 cannot give; None where they come from elsewhere.

    Example:
        >>> from linregions import Box, Network, enumerate_regions
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> polygons = enumerate_regions(net, Box.cube(-1, 1, 2)).polygons
        >>> polygons
        Polygons: 4 regions, 16 corners, 9 vertices
        >>> polygons.polygon(0).tolist(), polygons.areas.tolist()
        ([[-1.0, -1.0], [0.0, -1.0], [0.0, 0.0], [-1.0, 0.0]], [1.0, 1.0, 1.0, 1.0])
    """

    domain: Domain
    count: Count
    indptr: np.ndarray
    points: np.ndarray
    radii: np.ndarray
    neighbours: np.ndarray
    units: np.ndarray
    layers: np.ndarray
    vertices: np.ndarray
    partition: Any = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def __repr__(self) -> str:
        vertices = int(self.vertices.max()) + 1 if len(self.vertices) else 0
        regions = f"{len(self):,} region{'s' if len(self) != 1 else ''}"
        return f"Polygons: {regions}, {len(self.points):,} corners, {vertices:,} vertices"

    def polygon(self, i: int) -> np.ndarray:
        """Corners of region `i` (corners, 2) in the coordinates of the domain, counter-clockwise."""
        i = region_index(i, len(self))
        return self.points[self.indptr[i] : self.indptr[i + 1]]

    @cached_property
    def regions(self) -> np.ndarray:
        """(corners,) the region of every corner."""
        return np.repeat(np.arange(len(self)), np.diff(self.indptr))

    @cached_property
    def following(self) -> np.ndarray:
        """(corners,) the next corner of the same region: where edge `k` ends."""
        return next_corners(self.indptr)

    @cached_property
    def frame(self) -> np.ndarray:
        """The matrix (2, 2) that takes coordinates of the domain to orthonormal ones: `xy = points @ frame`.

        Its first axis is that of the first coordinate; its determinant is what areas grow by.
        """
        return self.domain.orthonormal[2].T

    @cached_property
    def xy(self) -> np.ndarray:
        """(corners, 2): the corners in orthonormal coordinates, in which lengths and areas are those of the inputs."""
        return self.points @ self.frame

    @cached_property
    def domain_areas(self) -> np.ndarray:
        """(regions,) areas in the coordinates of the domain, as `Partition.volumes`."""
        if self.partition is None:
            return shoelace(self)
        found = self.partition._corners
        areas, errors = np.maximum(found["areas"], 0.0), found["area_errors"]
        if self.count.doubtful == 0:
            corners = np.array([[float(c) for c in p] for p in self.domain.corners])
            box = np.prod(np.ptp(corners, axis=0))
            for i in np.flatnonzero(~(errors <= np.maximum(1e-6 * areas, 1e-11 * box))):
                areas[i] = nearest_float(self.partition.exact_volume(int(i)))
        areas.flags.writeable = False
        return areas

    @cached_property
    def areas(self) -> np.ndarray:
        """(regions,) areas in squares of the inputs' unit.

        Off by at most 1e-6 of itself or 1e-11 of the domain's bounding box, whichever is larger.
        """
        return self.domain_areas * float(np.linalg.det(self.frame))

    @cached_property
    def lengths(self) -> np.ndarray:
        """(corners,) length of every edge in the inputs' unit."""
        return np.hypot(*(self.xy[self.following] - self.xy).T)

    @cached_property
    def perimeters(self) -> np.ndarray:
        """(regions,) in the inputs' unit."""
        return np.bincount(self.regions, weights=self.lengths, minlength=len(self))

    @cached_property
    def border(self) -> np.ndarray:
        """(regions,) bool: whether the region has an edge on the border of the domain."""
        return np.bincount(self.regions, weights=self.neighbours == -1, minlength=len(self)) > 0

    @cached_property
    def area_domain(self) -> float:
        """Area of the domain in squares of the inputs' unit, from its description alone."""
        return float(exact_area(self.domain.corners)) * float(np.linalg.det(self.frame))


def polygons_of(partition: Partition) -> Polygons:
    """The polygons of a partition; `Partition.polygons` keeps them.

    Raises:
        InputError: the domain is not bounded and of dimension 2; the list is a part of a larger one, or does not fit.
    """
    found = recorded(partition)
    domain, network = partition.domain, partition.network
    cuts = Cuts.of(network)
    indptr = np.concatenate([[0], np.cumsum(found["sizes"], dtype=np.int64)])
    facets, split, points, radii = found["facets"], found["splits"], found["points"], found["radii"]
    edges = Edges(partition, indptr, points, radii, facets, cuts.numbers(facets), split, cuts)
    twin = twins(edges)
    inside = edges.cut >= 0
    behind = np.where(inside, -2, -1)
    behind[twin >= 0] = edges.region[twin[twin >= 0]]
    place = np.maximum(edges.cut, 0)
    units = np.where(inside, cuts.column[place], -1) if len(cuts.column) else np.full(len(facets), -1)
    layers = np.where(inside, cuts.stage[place], -1) if len(cuts.column) else np.full(len(facets), -1)
    columns = {
        "indptr": indptr,
        "points": points,
        "radii": radii,
        "neighbours": behind.astype(np.int64),
        "units": units.astype(np.int64),
        "layers": layers.astype(np.int32),
        "vertices": joint_vertices(twin, edges.following),
    }
    for array in columns.values():
        array.flags.writeable = False
    return Polygons(domain, partition.count, **columns, partition=partition)


def recorded(partition: Partition) -> dict[str, np.ndarray]:
    """What the engine noted in the listing; where it did not, from one more run."""
    check(partition)
    engine = partition._engine
    if partition._corners is not None:
        return partition._corners
    count = partition.count
    if count.status is not Status.COMPLETE or len(partition) != count.value:
        raise InputError(
            f"polygons: this partition holds a part of the regions ({count.reason or 'a saved one'}) and was listed "
            "without them; list it in memory with enumerate_regions"
        )
    engine.start(True, True, cores(), 0, polygons=memory() // 4)
    wait_for(engine, "polygons")
    packed, _, _ = engine.collect()
    found = engine.polygons()
    if found is None:
        raise InputError(
            f"polygons: those of {count.value:,} regions do not fit into memory; use a smaller domain or max_regions"
        )
    if not np.array_equal(packed, partition.packed):
        raise InputError("polygons: an exact run finds other regions, or in another order; list them with exact=True")
    partition._corners = found
    return found


def check(partition: Partition) -> None:
    """Refuse what has no polygons."""
    domain, engine = partition.domain, partition._engine
    if domain.dim != 2:
        raise InputError(
            f"polygons: need a domain of dimension 2, and {domain!r} has dimension {domain.dim}; use a Plane, or "
            "Partition.complex"
        )
    partition._need_vertices()
    if engine.unbounded():
        raise InputError(f"polygons: {domain!r} is unbounded; use a Box, a Plane or a bounded Polytope")


def shoelace(polygons: Polygons) -> np.ndarray:
    """Areas (regions,) in the coordinates of the domain: half the sum of a x b, a and b the ends of an edge.

    The ends are seen from the first corner, so that nothing cancels far from the origin.
    """
    regions = polygons.regions
    a = polygons.points - polygons.points[polygons.indptr[:-1][regions]]
    b = a[polygons.following]
    return np.bincount(regions, weights=a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0], minlength=len(polygons)) / 2
