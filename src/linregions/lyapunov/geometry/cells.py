"""The cells of a network on a bounded domain round the origin, and the mesh of simplices that they are cut into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ...checks import plural, shown
from ...counting import enumerate_regions
from ...domain import Box, Domain, Polytope
from ...errors import InputError, LinregionsError
from ...network import Network
from ...partition import Count, Partition, Status
from ...partition.building import build
from ...partition.complex import Complex
from .mapped import MappedMesh
from .mesh import simplex_count, triangulated
from .vertices import ExactVertices, Point

MAX_DIM = 8


class UnfinishedError(LinregionsError):
    """The list of cells ran out of time; `count` says how far it got."""

    def __init__(self, count: Count):
        self.count = count
        super().__init__(f"cells: the list is not complete ({count.reason}) after {count.value:,} regions")


@dataclass(frozen=True, eq=False, repr=False)
class Cells(MappedMesh):
    """The cells of a network on a domain that has the origin inside, and a mesh of them.

    Vertices, cells and simplices are told by number; a cell is a region of `partition`.

    Attributes:
        partition: the regions, all of them.
        complex: their vertices, facets and exact signs.
        points: (vertices, n) float64, every coordinate within `radii` of the exact one.
        radii: (vertices,).
        origin: the number of the vertex 0, or -1.

    Example:
        >>> size = Network.from_arrays([([[1, 0], [-1, 0], [0, 1], [0, -1]], [0] * 4), ([[1, 1, 1, 1]], [0])])
        >>> cells = cells_of(size, Box.cube(-2, 2, 2))
        >>> cells, cells.simplices.shape, cells.exact_vertex(cells.origin), cells.exact_slope(0, 0)
        (Cells: 4 in dimension 2, 9 vertices, (8, 3), (0, 0, 1), [Fraction(-1, 1), Fraction(-1, 1)])
    """

    partition: Partition
    complex: Complex
    points: np.ndarray
    radii: np.ndarray
    origin: int
    _vertices: ExactVertices = field(repr=False)

    def __repr__(self) -> str:
        return f"Cells: {len(self):,} in dimension {self.dim}, {len(self.points):,} vertices"

    @property
    def domain(self) -> Domain:
        """What the cells cover."""
        return self.partition.domain

    @cached_property
    def _mesh(self) -> tuple[np.ndarray, np.ndarray]:
        return triangulated(self.complex, self.origin)

    @cached_property
    def simplex_count(self) -> int:
        """How many simplices the mesh has, known before it is made: a cube of n dimensions takes n! of them."""
        return simplex_count(self.complex, self.origin)

    @property
    def simplices(self) -> np.ndarray:
        """The mesh: vertices (simplices, n + 1) of simplices that no cell boundary crosses, the origin first."""
        return self._mesh[0]

    @property
    def owner(self) -> np.ndarray:
        """The cell of every simplex, (simplices,), ascending."""
        return self._mesh[1]

    @cached_property
    def boundary(self) -> np.ndarray:
        """Which vertices lie on the boundary of the domain, (vertices,) bool."""
        sides = [k for k, column in enumerate(self.complex.columns) if column.kind == "domain"]
        out = np.zeros(len(self.points), dtype=bool)
        for side in self.complex.bits[sides].tolist():
            word, bit = divmod(side, 64)
            out |= (
                (self.complex.planes[0, :, word] | self.complex.planes[1, :, word]) >> np.uint64(bit) & np.uint64(1)
            ) == 0
        return out

    @property
    def cell_of(self) -> np.ndarray:
        """One cell that has each vertex, (vertices,)."""
        return self._vertices.region_of

    def exact_vertex(self, v: int) -> Point:
        """Vertex `v` as coprime integers `(X_1, ..., X_n, w)`, w > 0: the point X / w."""
        return self._vertices[v]

    def exact_vertices_all(self) -> list[Point]:
        """All vertices so, in the order of their numbers."""
        return self._vertices.all()


def cells_of(
    network: Network,
    domain: Domain,
    *,
    threads: int = 1,
    time_limit: float | None = None,
    progress: Callable[[float, int], None] | None = None,
) -> Cells:
    """Enumerate the cells of a network on a domain that has the origin inside, and cut them into simplices.

    Args:
        network: any number of outputs.
        domain: a Box or a bounded Polytope of dimension 1 to 8, the origin strictly inside.
        threads: worker threads.
        time_limit: seconds for the list of cells; None is no limit.
        progress: called now and then with (fraction done, regions so far).

    Raises:
        InputError: the domain does not fit.
        UnfinishedError: the time limit came first.

    Example:
        >>> net = Network.from_arrays([([[1.0, 2.0]], [1.0]), ([[1.0]], [0.0])])
        >>> cells_of(net, Box.cube(-1, 1, 2))
        Cells: 2 in dimension 2, 5 vertices
    """
    check_domain(network, domain)
    partition = enumerate_regions(network, domain, threads=threads, time_limit=time_limit, progress=progress)
    if partition.count.status is Status.INTERRUPTED:
        raise KeyboardInterrupt
    if partition.count.status is not Status.COMPLETE:
        raise UnfinishedError(partition.count)
    complex = build(partition, threads=threads)
    if complex.far.any():
        raise InputError(f"domain: {domain!r} is unbounded; add half-spaces that bound it, or use a Box")
    vertices = ExactVertices(complex)
    points, radii = complex.points.copy(), complex.radii.copy()
    bad = ~(np.isfinite(points).all(axis=1) & np.isfinite(radii))
    points[bad], radii[bad] = 0.0, np.inf
    origin = -1
    for v in np.flatnonzero(~np.any(np.abs(points) > radii[:, None], axis=1)).tolist():
        if not any(vertices[v][:-1]):
            origin, points[v], radii[v] = v, 0.0, 0.0
    return Cells(partition, complex, points, radii, origin, vertices)


def check_domain(network: Network, domain: Any) -> None:
    """Refuse a domain that is no Box or Polytope with the origin strictly inside, or of too many dimensions.

    Raises:
        InputError: it is so; the message says what to give instead.
    """
    if not isinstance(network, Network):
        raise InputError(f"network: expected a Network, got {shown(network)}; linregions.readers.read makes one")
    if not isinstance(domain, Box | Polytope):
        raise InputError(f"domain: expected a Box or a bounded Polytope, got {shown(domain)}")
    if domain.dim != network.input_dim:
        raise InputError(
            f"domain: {domain!r} has dimension {domain.dim}, but the network takes "
            f"{plural(network.input_dim, 'input')}; make them agree"
        )
    if domain.dim > MAX_DIM:
        raise InputError(
            f"domain: dimension {domain.dim} is above the {MAX_DIM} in which cells have vertices; a network of one "
            "layer without biases has a fan in any dimension (fan_of)"
        )
    for row in domain.halfspaces:
        if row[-1] <= 0:
            raise InputError(
                f"domain: {domain!r} does not have the origin strictly inside; move it, or shift the coordinates"
            )
