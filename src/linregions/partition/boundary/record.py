"""Decision boundaries: the zero set of a difference of outputs as a complex of polytopes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ...checks import plural, shown
from ...domain import Domain
from ...errors import InputError
from ..count import Kind
from .cells import CellComplex, Lists
from .homology import betti_numbers, components, euler_characteristic
from .triangulation import FarPoint, orientations, simplex_volumes, triangulate

if TYPE_CHECKING:
    from .curves import Curve
    from .mesh import Mesh


class Side(str, Enum):
    """What a piece of a zero set separates.

    `CROSSING` g > 0 from g < 0; `TOUCHING` two parts on which g has the same sign; `RIM` a part on which g vanishes
    from one on which it does not; `WALL` a part on which g does not vanish from the outside of the domain.
    """

    CROSSING = "crossing"
    TOUCHING = "touching"
    RIM = "rim"
    WALL = "wall"


@dataclass(frozen=True, eq=False)
class Beside:
    """For every piece a vertex of its first region, off the piece's plane.

    Its position, its radius (infinite where it lies at infinity), and a function of the piece that gives it exactly.
    """

    points: np.ndarray
    radii: np.ndarray
    exact: Callable[[int], FarPoint]


@dataclass(frozen=True, eq=False, repr=False)
class Boundary:
    """The zero set `{x in domain : g(x) = 0}` of a difference of outputs `g`, cell by cell; the domain is closed.

    The zero set is a complex of polytopes: with every cell it holds its faces.  Its cells of dimension `dim - 1` next
    to which g is not zero, on one side at least, are the *pieces*: each is the section of a region, or a face that
    one or two regions share.  Where g vanishes on whole regions (`fat`), these are cells of dimension `dim`; where it
    touches zero in less than a piece, there are cells that belong to no piece (`stray`).

    `cells` holds all of it; `points` (vertices, dim) its vertices in domain coordinates, each known up to `radii`, and
    `directions`, zero for a finite vertex: a vertex at infinity is `points + directions * M`, with M beyond every
    number.  `pieces` are numbers of cells of dimension `dim - 1`; `regions` (pieces, 2) the region on either side, by
    its number in the partition, -1 for outside; `signs` (pieces, 2) the sign of g there, the larger first (0 outside).
    A piece through the interior of a region has that region on both sides.  All combinatorics is exact.
    """

    domain: Domain
    function: str
    cells: CellComplex
    points: np.ndarray
    radii: np.ndarray
    directions: np.ndarray
    pieces: np.ndarray
    regions: np.ndarray
    signs: np.ndarray
    fat: np.ndarray
    on_wall: tuple[np.ndarray, ...]
    beside: Beside
    exact_vertex: Callable[[int], FarPoint]
    kind: Kind = Kind.EXACT

    def __len__(self) -> int:
        return len(self.pieces)

    def __repr__(self) -> str:
        fat = f", {plural(len(self.fat), 'region')} on which it vanishes" if len(self.fat) else ""
        return f"Boundary: {self.function} = 0 on {self.domain!r}, {plural(len(self), 'piece')}{fat}"

    @property
    def dim(self) -> int:
        """Dimension of the domain."""
        return self.domain.dim

    @cached_property
    def far(self) -> np.ndarray:
        """Per vertex: whether it lies at infinity."""
        return np.any(self.directions != 0, axis=1)

    @cached_property
    def bounded(self) -> np.ndarray:
        """Per piece: whether it is bounded."""
        return self._lists.all_of(~self.far)

    @cached_property
    def kinds(self) -> list[Side]:
        """Per piece: what it separates."""
        outside = self.regions[:, 1] < 0
        names = {(1, -1): Side.CROSSING, (1, 1): Side.TOUCHING, (-1, -1): Side.TOUCHING}
        pairs = zip(self.signs.tolist(), outside.tolist(), strict=True)
        return [Side.WALL if wall else names.get((s[0], s[1]), Side.RIM) for s, wall in pairs]

    def vertices(self, piece: int) -> np.ndarray:
        """Finite vertices (vertices, dim) of a piece, in domain coordinates.

        In dimension 3 in order around it, counter-clockwise seen from its first side.
        """
        ids = self._cycle(piece) if self.dim == 3 else self._lists[self._index(piece)]
        return self.points[ids[~self.far[ids]]]

    def exact_vertices(self, piece: int) -> list[list[Fraction]]:
        """Vertices of a bounded piece as rational numbers, in the order of `vertices`.

        Raises:
            InputError: the piece is unbounded.
        """
        if not self.bounded[self._index(piece)]:
            raise InputError(f"piece {piece}: is unbounded; use a bounded domain such as a Box")
        ids = self._cycle(piece) if self.dim == 3 else self._lists[self._index(piece)]
        return [self.exact_point(int(v)) for v in ids]

    def exact_point(self, vertex: int) -> list[Fraction]:
        """A finite vertex as rational numbers.

        Raises:
            InputError: the vertex lies at infinity.
        """
        fixed, growth = self.exact_vertex(vertex)
        if any(growth):
            raise InputError(f"vertex {vertex}: lies at infinity; use a bounded domain such as a Box")
        return list(fixed)

    @cached_property
    def measures(self) -> np.ndarray:
        """(dim - 1)-dimensional volume of every piece (length, area, ...; 1 for a point), infinite where unbounded.

        In domain coordinates and float64: vertices are off by their `radii` and every operation rounds.
        """
        simplices, owner, _ = self._simplices
        with np.errstate(all="ignore"):
            volumes = np.bincount(
                owner, weights=simplex_volumes(self.points, simplices), minlength=self.cells.sizes[self.dim - 1]
            )[self.pieces]
        return np.where(self.bounded, volumes, math.inf)

    @property
    def measure(self) -> float:
        """Sum of `measures`: the number of points, the length, the area, ... of all pieces."""
        return math.fsum(self.measures)

    @cached_property
    def neighbours(self) -> Lists:
        """Per piece: the pieces that share a (dim - 2)-dimensional face with it."""
        from scipy.sparse import csr_array

        if self.dim == 1:
            return Lists.of([[] for _ in self.pieces])
        facets = self.cells.facets[self.dim - 1].take(self.pieces)
        shape = (len(facets), self.cells.sizes[self.dim - 2])
        matrix = csr_array((np.ones(len(facets.items), dtype=np.int32), facets.items, facets.indptr), shape=shape)
        shared = (matrix @ matrix.T).tolil()
        return Lists.of([[j for j in row if j != i] for i, row in enumerate(shared.rows)])

    @cached_property
    def betti(self) -> tuple[int, ...]:
        """Betti numbers `b_0, ..., b_dim` of the zero set over the rationals, by exact ranks; all 0 where it is empty.

        An unbounded zero set has those of its part in any box that is large enough.
        """
        return betti_numbers(self.cells)

    @property
    def euler_characteristic(self) -> int:
        """Alternating sum of the numbers of cells; also that of the Betti numbers."""
        return euler_characteristic(self.cells)

    @cached_property
    def components(self) -> np.ndarray:
        """Per vertex: the connected component of the zero set, numbered from 0."""
        return components(self.cells)

    @cached_property
    def stray(self) -> tuple[int, ...]:
        """Per dimension below `dim - 1`: how many cells are a face of no other cell (g only touches zero there)."""
        out = []
        for k in range(self.dim - 1):
            covered = np.zeros(self.cells.sizes[k], dtype=bool)
            covered[self.cells.facets[k + 1].items] = True
            out.append(int((~covered).sum()))
        return tuple(out)

    def of_kind(self, kinds: Iterable[Side | str] | None = None) -> np.ndarray:
        """Numbers of the pieces of these kinds; of all pieces for None."""
        if kinds is None:
            return np.arange(len(self))
        try:
            wanted = {Side(kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)}
        except (TypeError, ValueError):
            names = ", ".join(repr(s.value) for s in Side)
            raise InputError(f"kinds: expected some of {names}, or None for all, got {shown(kinds)}") from None
        return np.array([p for p, kind in enumerate(self.kinds) if kind in wanted], dtype=np.int64)

    def curves(self, kinds: Iterable[Side | str] | None = None) -> list[Curve]:
        """In dimension 2: the pieces of these `kinds` joined into curves, closed ones and open ones.

        Raises:
            InputError: the domain is not two-dimensional, or a kind is not known.
        """
        from .curves import trace

        return trace(self, self.of_kind(kinds))

    def mesh(self, kinds: Iterable[Side | str] | None = None) -> Mesh:
        """In dimension 3: the pieces of these `kinds` as one mesh of triangles.

        Raises:
            InputError: the domain is not three-dimensional, a piece is unbounded, or a kind is not known.
        """
        from .mesh import triangles

        return triangles(self, self.of_kind(kinds))

    @cached_property
    def simplices(self) -> tuple[np.ndarray, np.ndarray]:
        """The pieces as oriented simplices (simplices, dim) of vertices, and the piece of each.

        Their normal points to the first side: det(v1 - v0, ..., p - v0) > 0 for a point p of the first region.  In
        dimension 2 the first side is on the left; in dimension 3 the vertices run counter-clockwise seen from it.
        """
        simplices, owner, sign = self._simplices
        number = np.full(self.cells.sizes[self.dim - 1], -1)
        number[self.pieces] = np.arange(len(self))
        of_piece = number[owner] >= 0
        simplices, owner, sign = simplices[of_piece], number[owner[of_piece]], sign[of_piece]
        flip = sign * self._orientation[owner] < 0
        out = simplices.copy()
        if self.dim > 1:
            out[flip, -2:] = simplices[flip][:, [-1, -2]]
        return out, owner

    @cached_property
    def _simplices(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return triangulate(self.cells, self.dim - 1)

    @cached_property
    def _orientation(self) -> np.ndarray:
        """Per piece: 1 where its cell's orientation is that of `simplices`, -1 where it is the other one."""
        simplices, owner, sign = self._simplices
        first = np.searchsorted(owner, self.pieces)
        chosen, n = simplices[first], len(self.points)
        points = np.concatenate([self.points, self.beside.points])
        # In float64 a vertex at infinity has no place.
        radii = np.concatenate([np.where(self.far, math.inf, self.radii), self.beside.radii])
        whole = np.concatenate([chosen, n + np.arange(len(self))[:, None]], axis=1)
        signs = orientations(
            points, radii, whole, lambda v: self.exact_vertex(v) if v < n else self.beside.exact(v - n)
        )
        if np.any(signs == 0):
            raise AssertionError("a point beside a piece lies in its plane")
        return signs * sign[first]

    @cached_property
    def _lists(self) -> Lists:
        return self.cells.cells[self.dim - 1].take(self.pieces)

    def _index(self, piece: int) -> int:
        if not isinstance(piece, int | np.integer) or not 0 <= piece < len(self):
            raise InputError(f"piece: expected a number from 0 to {len(self) - 1}, got {shown(piece)}")
        return int(piece)

    def _cycle(self, piece: int) -> np.ndarray:
        """Vertices of a polygon in order, counter-clockwise seen from its first side."""
        edges = self.cells.facets[1]
        after: dict[int, list[int]] = {}
        for edge in self.cells.facets[2][int(self.pieces[self._index(piece)])]:
            a, b = edges[int(edge)].tolist()
            after.setdefault(a, []).append(b)
            after.setdefault(b, []).append(a)
        at = min(after)
        order, last = [at], -1
        while True:
            step = next(v for v in after[at] if v != last)
            if step == order[0]:
                break
            order.append(step)
            last, at = at, step
        # The simplices are fans from the lowest vertex.
        simplices, owner = self.simplices
        _, b, c = simplices[np.searchsorted(owner, piece)].tolist()
        return np.array(order if order.index(b) < order.index(c) else order[:1] + order[:0:-1])
