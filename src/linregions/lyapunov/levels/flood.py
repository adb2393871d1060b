"""Flooding a mesh from the origin: at which level of V each simplex joins the component of {V <= c} that holds 0.

V is affine on every simplex, so a simplex meets {V <= c} in a convex piece that holds a vertex of the simplex, and two
simplices' pieces meet exactly where a common face has a vertex with V <= c.  Everything is decided at vertices, whose
values are put into their exact order once; from then on only ranks are compared.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

import numpy as np

FAR = np.iinfo(np.int64).max  # the rank of what the flood has not reached


@dataclass(frozen=True, eq=False)
class Heights:
    """Exact values at numbered vertices, known in float64 up to an error.

    Attributes:
        values: (vertices,) float64.
        errors: (vertices,) rigorous bounds of their errors.
        exact: the exact value at a vertex.
    """

    values: np.ndarray
    errors: np.ndarray
    exact: Callable[[int], Fraction]
    _cache: dict[int, Fraction] = field(default_factory=dict, repr=False)

    def at(self, v: int) -> Fraction:
        """The exact value at vertex `v`, computed once."""
        if v not in self._cache:
            self._cache[v] = Fraction(self.exact(v))
        return self._cache[v]

    @cached_property
    def ranks(self) -> np.ndarray:
        """(vertices,) int64: how many distinct values lie below each vertex's, exactly."""
        with np.errstate(all="ignore"):
            low = np.nextafter(self.values - self.errors, -np.inf)
            high = np.nextafter(self.values + self.errors, np.inf)
        unknown = ~(np.isfinite(low) & np.isfinite(high))
        low[unknown], high[unknown] = -np.inf, np.inf
        order = np.argsort(low, kind="stable")
        reach = np.maximum.accumulate(high[order])
        # A new group starts above everything that came before; values of one group may be equal or in any order.
        starts = np.flatnonzero(np.concatenate([[True], low[order][1:] > reach[:-1]]))
        ranks = np.empty(len(order), dtype=np.int64)
        after = 0
        for start, stop in zip(starts, [*starts[1:], len(order)], strict=True):
            members = order[start:stop]
            if len(members) == 1:
                ranks[members[0]] = after
                after += 1
                continue
            exact = [self.at(int(v)) for v in members]
            numbers = {value: after + k for k, value in enumerate(sorted(set(exact)))}
            ranks[members] = [numbers[value] for value in exact]
            after += len(numbers)
        return ranks

    @cached_property
    def sample(self) -> np.ndarray:
        """One vertex of every rank."""
        return np.unique(self.ranks, return_index=True)[1]

    def value(self, rank: int) -> Fraction:
        """The exact value that has this rank."""
        return self.at(int(self.sample[rank]))

    def below(self, level: Fraction, *, strictly: bool = False) -> int:
        """The largest rank whose value is at most `level`, or `strictly` below it; -1 where there is none."""
        low, high = 0, len(self.sample)
        while low < high:
            middle = (low + high) // 2
            value = self.value(middle)
            if value < level or (value == level and not strictly):
                low = middle + 1
            else:
                high = middle
        return low - 1


@dataclass(frozen=True, eq=False)
class Flood:
    """When everything joined the component of {V <= c} that holds the origin, by rank of the level c.

    Attributes:
        heights: V at the vertices.
        simplices: (m, n + 1) vertices of every simplex.
        enters: (m,) rank of the least level at which the simplex meets the component; `FAR` above the boundary level.
        boundary: rank of the least level whose component meets the boundary of the domain; `FAR` if none does.
    """

    heights: Heights
    simplices: np.ndarray
    enters: np.ndarray
    boundary: int

    @cached_property
    def vertex_enters(self) -> np.ndarray:
        """(vertices,) rank of the least level whose component holds the vertex, `FAR` above the boundary level."""
        first = np.full(len(self.heights.values), FAR)
        for column in self.simplices.T:
            np.minimum.at(first, column, self.enters)
        return np.maximum(first, self.heights.ranks)

    def level(self, simplex: int) -> Fraction | None:
        """The least level at which a simplex meets the component; None where that lies above the boundary level."""
        rank = self.enters[simplex]
        return None if rank == FAR else max(Fraction(0), self.heights.value(int(rank)))

    def float_levels(self, values: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`level` of all simplices in float64, infinite where it is None, from V at the vertices with its errors."""
        near = self.enters != FAR
        at = self.heights.sample[np.where(near, self.enters, 0)]
        return np.where(near, np.maximum(0.0, values[at]), np.inf), np.where(near, errors[at], 0.0)

    @cached_property
    def boundary_level(self) -> Fraction | None:
        """The least level whose component meets the boundary of the domain; None if none does."""
        return None if self.boundary == FAR else max(Fraction(0), self.heights.value(self.boundary))

    def component(self, level: Fraction, *, strictly: bool = False) -> np.ndarray:
        """Numbers of the simplices that meet the component of {V <= level}, or of {V < level}, ascending."""
        if level < 0 or (strictly and level == 0):
            return np.empty(0, dtype=np.int64)
        return np.flatnonzero(self.enters <= max(self.heights.below(level, strictly=strictly), self._zero))

    @cached_property
    def _zero(self) -> int:
        return max(0, self.heights.below(Fraction(0)))

    def alone(self, level: Fraction) -> bool:
        """Whether {V < level} has no component but that of the origin."""
        rank = self.heights.below(level, strictly=True)
        return bool(np.all((self.heights.ranks > rank) | (self.vertex_enters <= max(rank, self._zero))))


def flood(heights: Heights, simplices: np.ndarray, *, boundary: np.ndarray, start: np.ndarray) -> Flood:
    """Flood a conforming mesh from the simplices around the origin, up to the boundary of the domain.

    The level c rises from V(0) = 0; the simplex that is reached next is the one with the lowest vertex at the shore.
    The boundary level is exact: a point of the boundary lies in the relative interior of a face of a simplex that lies
    in the boundary as a whole, and V is least on that face at a vertex.

    Args:
        heights: exact V at the vertices.
        simplices: (m, n + 1) vertex numbers.
        boundary: (vertices,) bool, the vertices on the boundary of the domain.
        start: numbers of the simplices that contain the origin.

    Example:
        >>> line = Heights(np.array([0.0, 2.0, 1.0, 3.0]), np.zeros(4), lambda v: Fraction([0, 2, 1, 3][v]))
        >>> ends = np.array([False, False, False, True])
        >>> done = flood(line, np.array([[0, 1], [1, 2], [2, 3]]), boundary=ends, start=np.array([0]))
        >>> done.boundary_level, [done.level(i) for i in range(3)]
        (Fraction(3, 1), [Fraction(0, 1), Fraction(2, 1), Fraction(2, 1)])
    """
    ranks = heights.ranks
    indptr, around = _around(simplices, len(ranks))
    enters = np.full(len(simplices), FAR)
    level = max(0, heights.below(Fraction(0)))
    heap = []
    seen = np.zeros(len(ranks), dtype=bool)

    def reach(s: int) -> None:
        enters[s] = level
        for v in simplices[s]:
            if not seen[v]:
                seen[v] = True
                heapq.heappush(heap, (int(ranks[v]), int(v)))

    for s in start:
        reach(int(s))
    reached = FAR
    while heap:
        rank, v = heapq.heappop(heap)
        level = max(level, rank)
        if boundary[v] or level > reached:
            reached = min(reached, level)
            if level > reached:
                break
        for s in around[indptr[v] : indptr[v + 1]]:
            if enters[s] == FAR:
                reach(int(s))
    return Flood(heights, simplices, enters, int(reached))


def whole(heights: Heights, simplices: np.ndarray, *, boundary: np.ndarray) -> Flood:
    """The same record for all of {V <= c} instead of one component: each simplex enters at its lowest vertex.

    What jumps need: a discontinuous map in discrete time may leave a component of {V <= c}, but never {V <= c} itself.

    Example:
        >>> line = Heights(np.array([0.0, 2.0, 1.0]), np.zeros(3), lambda v: Fraction([0, 2, 1][v]))
        >>> done = whole(line, np.array([[0, 1], [1, 2]]), boundary=np.array([False, False, True]))
        >>> done.boundary_level, done.level(1)
        (Fraction(1, 1), Fraction(1, 1))
    """
    ranks = heights.ranks
    zero = max(0, heights.below(Fraction(0)))
    enters = np.maximum(ranks[simplices].min(axis=1), zero)
    outside = ranks[boundary]
    return Flood(heights, simplices, enters, max(int(outside.min()), zero) if len(outside) else int(FAR))


def _around(simplices: np.ndarray, vertices: int) -> tuple[np.ndarray, np.ndarray]:
    """CSR (indptr, simplices): the simplices around every vertex."""
    flat = simplices.ravel()
    order = np.argsort(flat, kind="stable")
    indptr = np.concatenate([[0], np.cumsum(np.bincount(flat, minlength=vertices))])
    return indptr, order // simplices.shape[1]


def around_origin(
    simplices: np.ndarray, points: np.ndarray, radii: np.ndarray, exact: Callable[[int], tuple[int, ...]]
) -> np.ndarray:
    """Numbers of the simplices that contain the origin, decided exactly.

    Args:
        simplices: (m, n + 1) vertex numbers.
        points: (vertices, n) float64 coordinates.
        radii: (vertices,) largest error of a coordinate.
        exact: homogeneous integers `(X_1, ..., X_n, w)`, w > 0, of a vertex.

    Example:
        >>> corners = [(-1, -1, 1), (2, -1, 1), (-1, 2, 1), (2, 2, 1)]
        >>> points = np.array(corners, dtype=float)[:, :2]
        >>> around_origin(np.array([[0, 1, 2], [1, 2, 3]]), points, np.zeros(4), lambda v: corners[v])
        array([0])
    """
    with np.errstate(all="ignore"):
        low = (points - radii[:, None])[simplices].min(axis=1)
        high = (points + radii[:, None])[simplices].max(axis=1)
    far = np.any((low > 0) | (high < 0), axis=1)  # never where a coordinate is NaN
    near = np.flatnonzero(~far)
    found = [int(s) for s in near if _holds_origin([exact(int(v)) for v in simplices[s]])]
    return np.array(found, dtype=np.int64)


def _holds_origin(rows: list[tuple[int, ...]]) -> bool:
    """Whether a simplex of positive volume contains the origin: none of its barycentric coordinates is negative."""
    from flint import fmpz_mat

    whole_sign = int(fmpz_mat([list(map(int, row)) for row in rows]).det())
    origin = [0] * (len(rows) - 1) + [1]
    for i in range(len(rows)):
        part = [list(map(int, row)) for row in rows]
        part[i] = origin
        if int(fmpz_mat(part).det()) * whole_sign < 0:
            return False
    return True
