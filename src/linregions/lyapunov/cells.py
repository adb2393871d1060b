"""The cells of a network on a bounded domain round the origin: a conforming mesh, affine maps and values at vertices.

Everything is there twice: in float64 with rigorous bounds on the errors, for all cells at once; and in integers, for
one cell or vertex at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from operator import mul
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import plural, shown, whole_number
from ..counting import enumerate_regions
from ..domain import Box, Domain, Polytope
from ..errors import InputError, LinregionsError
from ..network import Network
from ..partition import Count, Partition, Status
from ..partition.building import build
from ..partition.complex import Complex
from .exactmaps import ExactMap, ExactMaps
from .mesh import triangulated
from .slopes import affine_maps
from .vertices import ExactVertices, Point

if TYPE_CHECKING:
    from .simplices import Simplices

MAX_DIM = 8
_U = 2.0**-53
_TINY = 1e-300


class UnfinishedError(LinregionsError):
    """The list of cells ran out of time; `count` says how far it got."""

    def __init__(self, count: Count):
        self.count = count
        super().__init__(f"cells: the list is not complete ({count.reason}) after {count.value:,} regions")


@dataclass(frozen=True, eq=False, repr=False)
class Cells:
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

    def __len__(self) -> int:
        return len(self.partition)

    def __repr__(self) -> str:
        return f"Cells: {len(self):,} in dimension {self.dim}, {len(self.points):,} vertices"

    @property
    def network(self) -> Network:
        """The network whose cells they are."""
        return self.partition.network

    @property
    def domain(self) -> Domain:
        """What the cells cover."""
        return self.partition.domain

    @property
    def dim(self) -> int:
        """Dimension of the domain."""
        return self.points.shape[1]

    @cached_property
    def _mesh(self) -> tuple[np.ndarray, np.ndarray]:
        return triangulated(self.complex, self.origin)

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

    @cached_property
    def maps(self) -> tuple[np.ndarray, np.ndarray]:
        """Affine maps (cells, outputs, n + 1), offsets last, and rigorous bounds on their errors."""
        return affine_maps(self.network, self.partition.patterns)

    @property
    def slopes(self) -> np.ndarray:
        """Slope of every output on every cell, (cells, outputs, n)."""
        return self.maps[0][:, :, :-1]

    @property
    def slope_errors(self) -> np.ndarray:
        """Bounds on the errors of `slopes`, of the same shape."""
        return self.maps[1][:, :, :-1]

    @property
    def cell_of(self) -> np.ndarray:
        """One cell that has each vertex, (vertices,)."""
        return self._vertices.region_of

    @cached_property
    def _values(self) -> tuple[np.ndarray, np.ndarray]:
        maps, errors = (part[self.cell_of] for part in self.maps)
        x, reach = np.abs(self.points)[:, None, :], self.radii[:, None]
        gamma = (self.dim + 8) * _U
        with np.errstate(all="ignore"):
            slope, off = np.abs(maps[:, :, :-1]), errors[:, :, :-1]
            values = np.einsum("voj,vj->vo", maps[:, :, :-1], self.points) + maps[:, :, -1]
            bound = ((off + gamma * slope) * x).sum(axis=2) + ((slope + off).sum(axis=2)) * reach
            bound = 1.02 * (bound + errors[:, :, -1] + gamma * np.abs(maps[:, :, -1])) + _TINY
        bad = ~np.isfinite(values) | ~np.isfinite(bound)
        values, bound = np.where(bad, 0.0, values), np.where(bad, np.inf, bound)
        if self.origin >= 0:  # here everything hangs on the last digit
            exact = self.exact_values(self.origin)
            values[self.origin], bound[self.origin] = zip(*(_rounded(v) for v in exact), strict=True)
        return values, bound

    @property
    def values(self) -> np.ndarray:
        """Every output at every vertex, (vertices, outputs)."""
        return self._values[0]

    @property
    def value_errors(self) -> np.ndarray:
        """Bounds on the errors of `values`, of the same shape."""
        return self._values[1]

    def exact_vertex(self, v: int) -> Point:
        """Vertex `v` as coprime integers `(X_1, ..., X_n, w)`, w > 0: the point X / w."""
        return self._vertices[v]

    def exact_vertices_all(self) -> list[Point]:
        """All vertices so, in the order of their numbers."""
        return self._vertices.all()

    def exact_map(self, cell: int) -> ExactMap:
        """The affine map on a cell: one integer row `(a_1, ..., a_n, c)` per output, and the scale they are over."""
        if cell not in self._maps:
            self._maps[cell] = self._exact.map(self.partition.patterns[cell])
        return self._maps[cell]

    def exact_maps_all(self) -> list[ExactMap]:
        """The affine maps on all cells so, in the order of their numbers."""
        missing = [cell for cell in range(len(self)) if cell not in self._maps]
        self._maps.update(zip(missing, self._exact.maps(self.partition.patterns[missing]), strict=True))
        return [self._maps[cell] for cell in range(len(self))]

    def exact_slope(self, cell: int, output: int) -> list[Fraction]:
        """Slope of an output on a cell."""
        rows, scale = self.exact_map(cell)
        return [Fraction(a, scale) for a in rows[output][:-1]]

    def exact_offset(self, cell: int, output: int) -> Fraction:
        """Value at 0 of the affine map that an output is on a cell."""
        rows, scale = self.exact_map(cell)
        return Fraction(rows[output][-1], scale)

    def exact_values(self, v: int) -> list[Fraction]:
        """Every output at vertex `v`."""
        if v not in self._exact_values:
            rows, scale = self.exact_map(int(self.cell_of[v]))
            point = self.exact_vertex(v)
            bottom = scale * point[-1]
            self._exact_values[v] = [Fraction(sum(map(mul, row, point)), bottom) for row in rows]
        return self._exact_values[v]

    @cached_property
    def _exact(self) -> ExactMaps:
        return ExactMaps(self.network)

    @cached_property
    def _maps(self) -> dict[int, ExactMap]:
        return {}

    @cached_property
    def _exact_values(self) -> dict[int, list[Fraction]]:
        return {}

    def lifted(self, outputs: Sequence[int] = ()) -> Simplices:
        """The simplices with some outputs as further coordinates, `y = (x_1, ..., x_n, z_1, ..., z_r)`.

        On a simplex every output is affine, so the lifted simplex is one: the hull of its lifted vertices.

        Args:
            outputs: which outputs of the network, in the order wanted.

        Raises:
            InputError: there is no such output.
        """
        chosen = [whole_number(k, "outputs", least=0, most=self.network.output_dim - 1) for k in outputs]
        points, errors = self.points, np.repeat(self.radii[:, None], self.dim, axis=1)
        if chosen:
            points = np.concatenate([points, self.values[:, chosen]], axis=1)
            errors = np.concatenate([errors, self.value_errors[:, chosen]], axis=1)
        return _lifted(self, points, errors, lambda v: self.lifted_vertex(v, chosen))

    def lifted_vertex(self, v: int, outputs: Sequence[int]) -> Point:
        """Vertex `v` and outputs there as integers `(X_1, ..., X_n, Z_1, ..., Z_r, w)`, w > 0."""
        *x, w = self.exact_vertex(v)
        values = [self.exact_values(v)[k] for k in outputs] if outputs else []
        scale = math.lcm(1, *(z.denominator for z in values))
        bottom = math.lcm(w, scale)
        return (*(a * (bottom // w) for a in x), *(z.numerator * (bottom // z.denominator) for z in values), bottom)


def _lifted(mesh: Any, points: np.ndarray, errors: np.ndarray, exact: Callable[[int], Point]) -> Simplices:
    from .simplices import Simplices

    kept: dict[int, list[int]] = {}

    def rows(simplex: int) -> list[list[int]]:
        out = []
        for v in mesh.simplices[simplex].tolist():
            if v not in kept:
                kept[v] = list(exact(v))
            out.append(kept[v])
        return out

    touching = mesh.simplices[:, 0] == mesh.origin
    origin = np.where(touching & (mesh.origin >= 0), 0, -1)
    return Simplices(points=points[mesh.simplices], errors=errors[mesh.simplices], exact=rows, origin=origin)


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
    origin = -1
    for v in np.flatnonzero(np.all(np.abs(points) <= radii[:, None], axis=1)).tolist():
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


def _rounded(value: Fraction) -> tuple[float, float]:
    """A rational as a float64 and a bound on the error."""
    try:
        near = float(value)
    except OverflowError:
        return 0.0, math.inf
    return near, 0.0 if Fraction(near) == value else abs(near) * 2 * _U + _TINY
