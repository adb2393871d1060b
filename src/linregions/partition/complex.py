"""The polyhedral complex of a partition: vertices, facets and faces of every dimension, known by exact signs."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import InputError
from ..machine import memory
from . import lattice

if TYPE_CHECKING:
    from .partition import Partition


@dataclass(frozen=True)
class Column:
    """What one column of signs is the sign of.

    `kind` "unit": of `row - breakpoint`, for breakpoint number `breakpoint` of unit `unit` in stage `stage`, or, in a
    max group, of `row a - row b` with `rows = (a, b)` counted within the group (0 as well where both rows lose).
    `kind` "domain": of half-space number `index` of the domain, which is never negative.  `kind` "infinity": of side
    `index` of the infinite box (2k: `x_k + M`, 2k + 1: `M - x_k`), on unbounded domains only; it is 0 at infinity.
    `pattern` is the unit's column in `Partition.patterns`, -1 where there is none.
    """

    kind: Literal["unit", "domain", "infinity"]
    stage: int = -1
    unit: int = -1
    breakpoint: int = -1
    rows: tuple[int, int] | None = None
    index: int = -1
    pattern: int = -1


@dataclass(frozen=True, eq=False)
class Faces:
    """The faces of one dimension: face `i` is the hull of `vertices[indptr[i]:indptr[i + 1]]` (ascending).

    `bounded` (faces,) says which have no vertex at infinity; `region` (faces,) is one region that contains the face.
    """

    dim: int
    indptr: np.ndarray
    vertices: np.ndarray
    bounded: np.ndarray
    region: np.ndarray
    complex: Complex

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def __repr__(self) -> str:
        return f"Faces: {len(self):,} of dimension {self.dim}, {int(self.bounded.sum()):,} bounded"

    @cached_property
    def signs(self) -> np.ndarray:
        """Sign of every column in the relative interior of each face, (faces, columns) int8."""
        return self.complex._unpack(lattice.join_planes(self.complex.planes, self.indptr, self.vertices))


@dataclass(frozen=True, eq=False)
class Complex:
    """The polyhedral complex that the regions of a network cut a domain into, the domain's own faces included.

    A face is a set of points at which every column (`columns`) has one sign, so a vertex is told apart by its row of
    `signs`; no coordinates take part.  On an unbounded domain the complex is clipped by a box of infinite half-side M:
    a vertex is `points + directions * M`, `far` where the direction is not zero.  Faces on the sides of that box are
    none of the complex; `facet_*` and `faces` leave them out.

    Attributes:
        columns: what each sign column is.
        planes: (2, vertices, words) uint64, positive and negative bits of the signs; `signs` unpacks them.
        points: (vertices, dim) float64, in domain coordinates, every one within `radii` of the exact one.
        directions: (vertices, dim) float64, zero for finite vertices.
        radii: (vertices,) largest error of a coordinate of `points` and `directions`.
        far: (vertices,) bool.
        region_indptr, region_vertices: CSR, the vertices of every region, ascending.
        facet_indptr, facet_vertices: CSR, the vertices of every facet, each facet once.
        facet_regions: (facets, 2), the regions on both sides; the second is -1 on the boundary of the domain.
        facet_columns_indptr, facet_columns: CSR, the columns that vanish on a facet but not on all of its regions.
        bits: (columns,) where each column lies in `planes`.
        domain_f_vector: number of faces of the domain itself of dimension 0, 1, ..., dim.

    Example:
        >>> from linregions import Box, Network, enumerate_regions
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> complex = enumerate_regions(net, Box.cube(-1, 1, 2)).complex
        >>> complex.f_vector, complex.euler
        ((9, 12, 4), 1)
    """

    columns: tuple[Column, ...]
    planes: np.ndarray
    points: np.ndarray
    directions: np.ndarray
    radii: np.ndarray
    far: np.ndarray
    region_indptr: np.ndarray
    region_vertices: np.ndarray
    facet_indptr: np.ndarray
    facet_vertices: np.ndarray
    facet_regions: np.ndarray
    facet_columns_indptr: np.ndarray
    facet_columns: np.ndarray
    bits: np.ndarray
    domain_f_vector: tuple[int, ...]
    partition: Partition
    _levels: dict[int, Any] = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        facets, regions = len(self.facet_indptr) - 1, len(self.region_indptr) - 1
        return f"Complex: {regions:,} regions, {facets:,} facets, {len(self.points):,} vertices"

    @property
    def dim(self) -> int:
        """Dimension of the domain."""
        return self.points.shape[1]

    @cached_property
    def signs(self) -> np.ndarray:
        """Sign of every column at every vertex, (vertices, columns) int8 in {-1, 0, 1}, exact."""
        return self._unpack(self.planes)

    @cached_property
    def region_facets(self) -> tuple[np.ndarray, np.ndarray]:
        """CSR (indptr, facets): the facets of every region, ascending."""
        return lattice.facets_of_regions(self.facet_regions, len(self.region_indptr) - 1)

    def faces(self, k: int) -> Faces:
        """The faces of dimension `k`, 0 to `dim`.

        Raises:
            InputError: `k` is no such dimension, or the faces do not fit into memory.
        """
        return lattice.faces(self, k)

    def boundary(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """CSR (indptr, faces): the faces of dimension `k - 1` on every face of dimension `k`, 1 to `dim`."""
        return lattice.boundary(self, k)

    def face_regions(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """CSR (indptr, regions): the regions whose closure contains each face of dimension `k`, ascending."""
        return lattice.face_regions(self, k)

    @cached_property
    def f_vector(self) -> tuple[int, ...]:
        """Number of faces of dimension 0, 1, ..., dim; checked against Euler's relation."""
        return lattice.f_vector(self)

    @cached_property
    def bounded_f_vector(self) -> tuple[int, ...]:
        """Number of bounded faces of dimension 0, 1, ..., dim."""
        return tuple(int(self.faces(k).bounded.sum()) for k in range(self.dim + 1))

    @property
    def euler(self) -> int:
        """Alternating sum `f_0 - f_1 + f_2 - ...`: 1 on a bounded domain, (-1)^dim on the whole space."""
        return lattice.alternating(self.f_vector)

    def exact_point(self, v: int) -> list[Fraction]:
        """Coordinates of a finite vertex as rational numbers, in domain coordinates.

        Raises:
            InputError: there is no such vertex, or it lies at infinity.
        """
        return lattice.exact_point(self, v)

    def _vanishing(self, vertices: np.ndarray) -> np.ndarray:
        """Which columns are zero at these vertices, rows that both lose aside, (vertices, columns) bool."""
        return unpack(np.bitwise_or(*self.planes[:, vertices]))[:, self.bits] == 0

    @cached_property
    def _first_columns(self) -> dict[int, int]:
        return lattice.first_columns(self)

    def _unpack(self, planes: np.ndarray) -> np.ndarray:
        """int8 signs (n, columns) from bit planes (2, n, words); both bits: a pair of rows that both lose, 0."""
        rows, columns = planes.shape[1], len(self.bits)
        if 4 * rows * columns > memory():
            raise InputError(
                f"signs: {rows:,} rows of {columns:,} columns do not fit into memory; `planes` and `bits` hold the same"
            )
        pos, neg = (unpack(plane)[:, self.bits] for plane in planes)
        return pos - neg


def unpack(plane: np.ndarray) -> np.ndarray:
    """The bits of rows of uint64 as int8, lowest first."""
    octets = np.ascontiguousarray(plane, dtype="<u8").view(np.uint8)
    return np.unpackbits(octets, axis=1, bitorder="little").view(np.int8)
