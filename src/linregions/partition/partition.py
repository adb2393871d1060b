"""Partitions: the regions of a network on a domain, as columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import region_index, shown
from ..domain import Domain
from ..errors import InputError
from ..exact import dot, nearest_float
from ..network import Network
from .adjacency import Adjacency, adjacency
from .affine import affine_classes
from .complex import Complex
from .count import Count, Status
from .definitions import MERGED, merged
from .geometry import determinant, homogeneous, interior_point
from .packing import field_widths, pack
from .polygons import Polygons, polygons_of
from .region import Region

if TYPE_CHECKING:
    from .boundary import Boundary


class Partition:
    """The activation regions of a network on a domain, as columns.

    `patterns` (regions, units) holds piece indices in the order of `Network.pattern`; `witnesses` (regions, dim) a
    point strictly inside each region, in domain coordinates; `count` how complete the list is.  Affine maps, vertices
    and volumes are made when asked for.

    A region can be too thin to hold any float64 point.  Then its row of `witnesses` is the nearest float64 point to an
    exact one, `certified` is False for it, and `exact_witness(i)` gives the exact point.
    """

    _first = 0  # the number of the first region, where this is a part of a larger partition

    def __init__(
        self,
        network: Network,
        domain: Domain,
        count: Count,
        engine: Any,
        packed: np.ndarray,
        witnesses: np.ndarray,
        certified: np.ndarray,
    ):
        self.network, self.domain, self.count = network, domain, count
        self.packed = packed
        self.witnesses = witnesses
        self.certified = certified.astype(bool)
        self._engine = engine
        # Before anything else asks the engine: what it noted of polygons is lost with its next run.
        self._corners: dict[str, np.ndarray] | None = _noted(engine, len(packed))
        self._relist: Callable[[Network], Partition] | None = None
        for i in np.flatnonzero(~self.certified):
            try:
                point = self.exact_witness(int(i))
            except InputError:
                if not count.doubtful:
                    raise
                continue  # signs that were left to floating point may describe a cell that does not exist
            self.witnesses[i] = [nearest_float(v) for v in point]
        for array in (self.packed, self.witnesses, self.certified):
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.packed)

    def __repr__(self) -> str:
        return f"Partition: {self.count}, {self.network!r}"

    def __getitem__(self, i: int) -> Region:
        return Region(self, self._index(i))

    def __iter__(self) -> Iterator[Region]:
        return (self[i] for i in range(len(self)))

    @cached_property
    def patterns(self) -> np.ndarray:
        """Piece index of every unit in every region, (regions, units)."""
        pieces = self.network.pieces
        widths = field_widths(pieces)
        bits = np.unpackbits(self.packed, axis=1, bitorder="little")
        if np.all(widths == 1):  # one bit each: what was unpacked is the pattern
            out = np.ascontiguousarray(bits[:, : len(pieces)])
            out.flags.writeable = False
            return out
        dtype = np.uint8 if not len(pieces) or pieces.max() <= 256 else np.int32
        out = np.zeros((len(self.packed), len(pieces)), dtype=dtype)
        at = np.concatenate([[0], np.cumsum(widths)]).astype(np.int64)
        for k in range(int(widths.max()) if len(widths) else 0):
            has = widths > k
            out[:, has] |= bits[:, at[:-1][has] + k].astype(dtype) << k
        out.flags.writeable = False
        return out

    @cached_property
    def volumes(self) -> np.ndarray:
        """Volume of every region in domain coordinates, float64; infinite for an unbounded one.

        Off by at most 1e-6 of itself or 1e-11 of the volume of the domain's bounding box, whichever is larger;
        `exact_volume` has no error.
        """
        self._need_vertices()
        if not len(self) or not self.network.unit_count:
            return np.array([self._volume(i) for i in range(len(self))])
        if self._plane():
            return self.polygons.domain_areas
        out = self._engine.volumes(np.ascontiguousarray(self._pieces(slice(None)), dtype=np.int32))
        for i in np.flatnonzero(np.isnan(out)):  # float64 could not keep that promise
            out[i] = nearest_float(self.exact_volume(int(i)))
        return out

    def exact_volume(self, i: int) -> Fraction:
        """Volume of region `i` as a rational number.

        Raises:
            InputError: the region is unbounded.
        """
        self._need_vertices()
        shape = self._shape(i, exact=True)
        points = self._bounded(shape, i)
        total = Fraction(0)
        for simplex in shape["simplices"]:
            origin = points[simplex[0]]
            total += abs(determinant([[a - b for a, b in zip(points[v], origin, strict=True)] for v in simplex[1:]]))
        return total / math.factorial(self.domain.dim)

    @cached_property
    def complex(self) -> Complex:
        """The polyhedral complex of the regions: vertices, facets, adjacency, faces of every dimension.

        It takes one more run of the engine, in all cores of the process, and always an exact one.

        Raises:
            InputError: the partition is not complete, or the complex does not fit into memory.

        Example:
            >>> from linregions import Box, Network, enumerate_regions
            >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
            >>> enumerate_regions(net, Box.cube(-1, 1, 2)).complex.f_vector
            (9, 12, 4)
        """
        from .building import build

        return build(self)

    @cached_property
    def polygons(self) -> Polygons:
        """The regions of a bounded domain of dimension 2 as polygons: corners, neighbours and joint vertices.

        The listing notes them on its way; where it did not (saved or distributed runs), it takes one more.  An
        incomplete partition has them too.

        Raises:
            InputError: the domain is not bounded and of dimension 2, or the polygons do not fit into memory.

        Example:
            >>> from linregions import Box, Network, enumerate_regions
            >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
            >>> polygons = enumerate_regions(net, Box.cube(-1, 1, 2)).polygons
            >>> polygons.neighbours[:4].tolist(), polygons.units[:4].tolist()
            ([-1, 2, 1, -1], [-1, 0, 1, -1])
        """
        return polygons_of(self)

    def vertices(self, i: int) -> np.ndarray:
        """Vertices of region `i` (vertices, dim) in domain coordinates; counter-clockwise in dimension 2.

        An unbounded region gives its finite vertices only, so there may be none.
        """
        self._need_vertices()
        if self._plane():
            return self.polygons.polygon(self._index(i)).copy()
        shape = self._shape(i)
        points = np.array(shape["vertices"]).reshape(-1, self.domain.dim)[~np.array(shape["far"])]
        if self.domain.dim == 2 and len(points) > 2:
            centre = points.mean(axis=0)
            points = points[np.argsort(np.arctan2(*(points - centre).T[::-1]))]
        return points

    def exact_vertices(self, i: int) -> list[list[Fraction]]:
        """Vertices of a bounded region `i` as rational numbers, in no particular order."""
        self._need_vertices()
        return self._bounded(self._shape(i, exact=True), i)

    def exact_witness(self, i: int) -> list[Fraction]:
        """A rational point strictly inside region `i`, in domain coordinates."""
        i = self._index(i)
        if self.certified[i]:
            return [Fraction(float(v)) for v in self.witnesses[i]]
        shape = self._shape(i, exact=True)
        return interior_point(shape, self.domain.dim, self._inside(i))

    def affine_map(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Slope (outputs, inputs) and offset (outputs,) of the network on region `i`, in its inputs, float64."""
        return self.network.affine_map(self.patterns[self._index(i)])

    def exact_affine_map(self, i: int) -> tuple[list[list[Fraction]], list[Fraction]]:
        """The same as rational numbers."""
        return self.network.exact_affine_map(self.patterns[self._index(i)])

    @cached_property
    def adjacency(self) -> Adjacency:
        """Which regions share a facet, and through which units one crosses it."""
        return adjacency(self)

    def merged(self, definition: str) -> np.ndarray:
        """Which region of another definition each region belongs to, one number per region, from 0.

        Args:
            definition: "linear" (equal affine maps, joined through facets), "closed" (the same, joined by any closed
                set) or "affine" (equal affine maps, connected or not); docs/structure.md says what they are.

        Raises:
            InputError: the definition is another one, or the partition is incomplete.
        """
        if definition not in MERGED:
            known = ", ".join(repr(d) for d in MERGED)
            raise InputError(f"definition: {shown(definition)} does not merge regions; use one of {known}")
        if definition != "affine" and self.count.status is not Status.COMPLETE:
            raise InputError(
                f"definition: {definition!r} needs all regions; list them without a limit, or use 'affine'"
            )
        return merged(self, definition)

    @cached_property
    def _map_classes(self) -> np.ndarray:
        """One number per region, equal where the affine maps on the domain are."""
        return affine_classes(self.network, self.domain, self.patterns)

    def locate(self, x: Any) -> np.ndarray:
        """Index of the region that holds each point `x` (..., inputs); -1 where none of the listed ones does.

        A point on a boundary belongs to the region whose pattern it has; where no full-dimensional region has it, the
        result is -1.  Points outside the domain give the region of their pattern if it reaches into the domain.
        """
        patterns = self.network.pattern(x)
        keys = pack(patterns.reshape(math.prod(patterns.shape[:-1]), patterns.shape[-1]), self.network.pieces)
        return self._find(keys).reshape(patterns.shape[:-1])

    def _find(self, keys: np.ndarray) -> np.ndarray:
        """The regions of packed patterns; -1 where none is listed."""
        return np.array([self._by_key.get(key.tobytes(), -1) for key in keys], dtype=np.int64)

    def decision_boundary(self, i: int = 0, j: int | None = None) -> Boundary:
        """The set where outputs `i` and `j` agree, or where output `i` is zero: `{x in domain : g(x) = 0}`.

        `g = f_i - f_j`, or `g = f_i` for `j=None`; outputs are counted from 0.  The regions of the network with one
        more unit, a ReLU of g, are listed on the same domain, and the faces of their complex on which g vanishes taken
        out, with every sign decided exactly.

        Returns:
            A `Boundary`: pieces, curves or a mesh, Betti numbers; its kind is exact.

        Raises:
            InputError: an output does not exist; the partition is not complete and exact.

        Example:
            >>> from linregions import Box, Network, enumerate_regions
            >>> diamond = [([[1, 0], [-1, 0], [0, 1], [0, -1]], [0, 0, 0, 0]), ([[-1, -1, -1, -1]], [1])]
            >>> partition = enumerate_regions(Network.from_arrays(diamond), Box.cube(-2, 2, 2))
            >>> boundary = partition.decision_boundary()
            >>> boundary, boundary.betti
            (Boundary: f_0 = 0 on box [-2, 2]^2, 4 pieces, (1, 1, 0))
        """
        from .boundary.extract import decision_boundary

        return decision_boundary(self, i, j)

    @cached_property
    def _by_key(self) -> dict[bytes, int]:
        return {row.tobytes(): i for i, row in enumerate(self.packed)}

    def _index(self, i: int) -> int:
        return region_index(i, len(self))

    def _pieces(self, which: Any) -> np.ndarray:
        """Pieces of all units of the stages up to the last that splits, single-piece units included."""
        columns, last = [], 0
        patterns, at = np.atleast_2d(self.patterns[which]), 0
        for stage in self.network.stages:
            counts = stage.activation.pieces
            keep = counts > 1
            block = np.zeros((len(patterns), stage.units), dtype=np.int32)
            block[:, keep] = patterns[:, at : at + int(keep.sum())]
            at += int(keep.sum())
            columns.append(block)
            if keep.any():
                last = len(columns)
        return np.concatenate(columns[:last], axis=1) if last else np.zeros((len(patterns), 0), dtype=np.int32)

    def _shape(self, i: int, *, exact: bool = False) -> dict[str, Any]:
        shape = self._engine.replay(self._pieces(self._index(i))[0].tolist(), exact)
        if shape is None:
            raise InputError(f"region {i}: its cell was not found again after an inexact run; list it with exact=True")
        return shape

    def _need_vertices(self) -> None:
        if not self.has_vertices:
            instead = (
                "engine='cells'" if self.domain.dim <= 8 else "patterns, witnesses and affine maps, or a Plane slice"
            )
            raise InputError(
                f"partition: the engine 'lp' finds no vertices, facets or volumes, dimension {self.domain.dim}; "
                f"use {instead}"
            )

    @property
    def has_vertices(self) -> bool:
        """Whether vertices, facets and volumes can be made; linear programs, above 8 dimensions, find none."""
        return hasattr(self._engine, "volumes")

    def _plane(self) -> bool:
        """Whether polygons are at hand: the engine noted them, in a run that decided every sign."""
        return self._corners is not None and self.count.doubtful == 0

    def _bounded(self, shape: dict[str, Any], i: int) -> list[list[Fraction]]:
        if any(shape["far"]):
            raise InputError(f"region {i}: is unbounded; use a bounded domain such as a Box")
        return homogeneous(shape["exact"], self.domain.dim)

    def _volume(self, i: int) -> float:
        shape = self._shape(i)
        return math.inf if any(shape["far"]) else float(self.exact_volume(i))

    def _inside(self, i: int) -> Any:
        """A test whether a rational point lies in region `i`, by its pattern."""
        wanted = self.patterns[i]
        rows, halfspaces = self.domain.embedding, self.domain.halfspaces

        def inside(t: list[Fraction]) -> bool:
            if any(dot(h[:-1], t) + h[-1] <= 0 for h in halfspaces):
                return False
            x = t if rows is None else [dot(r[:-1], t) + r[-1] for r in rows]
            return bool(np.array_equal(self.network.exact_pattern(x), wanted))

        return inside


def _noted(engine: Any, regions: int) -> dict[str, np.ndarray] | None:
    """The polygons that the engine noted while it listed these regions, if it did."""
    found = engine.polygons() if hasattr(engine, "polygons") else None
    return found if found is not None and len(found["sizes"]) == regions else None
