"""A mesh of cells on each of which a network is affine: maps, values at vertices, and simplices with values on top.

Everything is there twice: in float64 with rigorous bounds on the errors, for all cells at once; and in integers, for
one cell or vertex at a time or for all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from operator import mul
from typing import TYPE_CHECKING

import numpy as np

from ...checks import whole_number
from ...network import Network
from ...partition import Partition
from ...partition.slopes import affine_maps
from .exactmaps import ExactMap, ExactMaps
from .vertices import Point, coprime

if TYPE_CHECKING:
    from ..proving.simplices import Simplices, Weights

_U = 2.0**-53
_TINY = 1e-300
_BLOCK = 256


class MappedMesh:
    """What `Cells` and `Fan` have in common; they say what the vertices are and which cell has which.

    Vertices, cells and simplices are told by number; a cell is a region of `partition`.

    Attributes:
        partition: the regions, all of them.
        points: (vertices, n) float64, every coordinate within `radii` of the exact one.
        radii: (vertices,).
        origin: the number of the vertex 0, or -1.
    """

    partition: Partition
    points: np.ndarray
    radii: np.ndarray
    origin: int

    @property
    def simplices(self) -> np.ndarray:
        """The mesh: vertices (simplices, n + 1) of simplices that no cell boundary crosses, the origin first."""
        raise NotImplementedError

    @property
    def owner(self) -> np.ndarray:
        """The cell of every simplex, (simplices,), ascending."""
        raise NotImplementedError

    @property
    def cell_of(self) -> np.ndarray:
        """One cell that has each vertex, (vertices,)."""
        raise NotImplementedError

    def exact_vertex(self, v: int) -> Point:
        """Vertex `v` as coprime integers `(X_1, ..., X_n, w)`, w > 0: the point X / w."""
        raise NotImplementedError

    def exact_vertices_all(self) -> list[Point]:
        """All vertices so, in the order of their numbers."""
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self.partition)

    @property
    def network(self) -> Network:
        """The network whose cells they are."""
        return self.partition.network

    @property
    def dim(self) -> int:
        """Number of coordinates."""
        return self.points.shape[1]

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

    def exact_map(self, cell: int) -> ExactMap:
        """The affine map on a cell: one integer row `(a_1, ..., a_n, c)` per output, and the scale they are over."""
        if cell not in self._maps:
            # Where many cost hardly more than one, its neighbours in the list are made too: they will be asked for.
            first = cell - cell % _BLOCK if self._exact.bulk else cell
            cells = range(first, min(first + _BLOCK, len(self))) if self._exact.bulk else [cell]
            maps = self._exact.maps(self.partition.patterns[cells])
            self._maps.update(zip(cells, maps, strict=True))
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
            cell, point = int(self.cell_of[v]), self.exact_vertex(v)
            if cell not in self._maps and not self._exact.bulk:  # a deep network has values sooner than maps
                x = [Fraction(c, point[-1]) for c in point[:-1]]
                self._exact_values[v] = list(self.network.exact_values(x))
            else:
                rows, scale = self.exact_map(cell)
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

    def lifted(self, outputs: Sequence[int] = (), *, which: np.ndarray | None = None) -> Simplices:
        """The simplices with some outputs as further coordinates, `y = (x_1, ..., x_n, z_1, ..., z_r)`.

        On a simplex every output is affine, so the lifted simplex is one: the hull of its lifted vertices.

        Args:
            outputs: which outputs of the network, in the order wanted.
            which: numbers of the simplices, in the order wanted; all by default.

        Raises:
            InputError: there is no such output.
        """
        from ..proving.simplices import Simplices

        chosen = [whole_number(k, "outputs", least=0, most=self.network.output_dim - 1) for k in outputs]
        points, errors = self.points, np.repeat(self.radii[:, None], self.dim, axis=1)
        if chosen:
            points = np.concatenate([points, self.values[:, chosen]], axis=1)
            errors = np.concatenate([errors, self.value_errors[:, chosen]], axis=1)
        mesh = self.simplices if which is None else self.simplices[which]
        kept: dict[int, list[int]] = {}

        def exact(simplex: int) -> list[list[int]]:
            out = []
            for v in mesh[simplex].tolist():
                if v not in kept:
                    kept[v] = list(self.lifted_vertex(v, chosen))
                out.append(kept[v])
            return out

        # Where 0 is a vertex it was pulled first.
        origin = np.where((mesh[:, 0] == self.origin) & (self.origin >= 0), 0, -1)
        return Simplices(points=points[mesh], errors=errors[mesh], exact=exact, origin=origin)

    def slope_weights(self, output: int = 0, *, which: np.ndarray | None = None) -> Weights:
        """The slope of an output on every simplex, or on those of `which`, as constants of it, (simplices, n).

        Raises:
            InputError: there is no such output.
        """
        from ..proving.simplices import Weights

        k = whole_number(output, "output", least=0, most=self.network.output_dim - 1)
        owner = self.owner if which is None else self.owner[which]
        values, errors = self.slopes[owner, k], self.slope_errors[owner, k]
        return Weights(values=values, errors=errors, exact=lambda i: self.exact_slope(int(owner[i]), k))

    def lifted_vertex(self, v: int, outputs: Sequence[int]) -> Point:
        """Vertex `v` and outputs there as integers `(X_1, ..., X_n, Z_1, ..., Z_r, w)`, w > 0."""
        point = self.exact_vertex(v)
        if not outputs:
            return point
        rows, scale = self.exact_map(int(self.cell_of[v]))
        values = (sum(map(mul, rows[k], point)) for k in outputs)
        return coprime([*(a * scale for a in point[:-1]), *values, point[-1] * scale])


def _rounded(value: Fraction) -> tuple[float, float]:
    """A rational as a float64 and a bound on the error."""
    try:
        near = float(value)
    except OverflowError:
        return 0.0, math.inf
    return near, 0.0 if Fraction(near) == value else abs(near) * 2 * _U + _TINY
