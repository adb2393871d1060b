"""Vertices of a complex as integers: the one point where the rows that vanish there meet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import cached_property

import numpy as np

from ...activations import MaxGroups
from ...exact import scaled_integers
from ...partition.complex import Complex
from ...partition.lattice import exact_corners
from ...stage import Stage

Point = tuple[int, ...]  # X_1, ..., X_n, w with w > 0 and no common factor: the point X / w
_BLOCK = 256
Row = list[int]  # a_1, ..., a_n, c: zero where a.x + c = 0


class ExactVertices:
    """The vertices of a bounded complex in its domain's coordinates, each made once.

    What the first stage and the domain say vanishes at a vertex is a system of linear equations that needs no pattern;
    where it leaves more than one point, the engine finds the vertex again in one of its regions.

    Example:
        >>> from linregions import Box, Network, enumerate_regions
        >>> net = Network.from_arrays([([[3.0, 1.0]], [1.0]), ([[1.0]], [0.0])])
        >>> vertices = ExactVertices(enumerate_regions(net, Box.cube(-1, 1, 2)).complex)
        >>> sorted(vertices.all())
        [(-2, 3, 3), (-1, -1, 1), (-1, 1, 1), (0, -1, 1), (1, -1, 1), (1, 1, 1)]
    """

    def __init__(self, complex: Complex):
        self.complex = complex
        self._found: dict[int, Point] = {}

    def __getitem__(self, v: int) -> Point:
        if v not in self._found:
            # Looking up signs costs more than solving, so the neighbours in the list are solved too.
            self._solve(range(v - v % _BLOCK, min(v - v % _BLOCK + _BLOCK, len(self.complex.points))))
            self._find(v)
        return self._found[v]

    def all(self) -> list[Point]:
        """Every vertex, in the order of their numbers."""
        everything = range(len(self.complex.points))
        self._solve(everything)
        for v in everything:
            self._find(v)
        return [self._found[v] for v in everything]

    def _solve(self, vertices: Sequence[int]) -> None:
        """Find those of the vertices that the first stage and the domain determine."""
        missing = [v for v in vertices if v not in self._found]
        for v, tight in zip(missing, self._tight(missing), strict=True):
            rows = [row for k in tight if (row := self._rows[k]) is not None]
            point = _crossing(rows) if self.complex.dim == 2 else _meeting(rows)
            if point is not None:
                self._found[v] = point

    def _find(self, v: int) -> None:
        """Find all vertices of a region that has this one, unless it is found."""
        if v not in self._found:
            for u, row in exact_corners(self.complex, int(self.region_of[v])).items():
                self._found.setdefault(u, primitive(int(text, 16) for text in row[: self.complex.dim + 1]))

    @cached_property
    def region_of(self) -> np.ndarray:
        """One region that has each vertex, (vertices,)."""
        out = np.full(len(self.complex.points), -1, dtype=np.int64)
        owner = np.repeat(np.arange(len(self.complex.region_indptr) - 1), np.diff(self.complex.region_indptr))
        out[self.complex.region_vertices[::-1]] = owner[::-1]
        return out

    def _tight(self, vertices: Sequence[int]) -> list[list[int]]:
        """For each vertex, which of the columns that have rows vanish there."""
        if not len(vertices):
            return []
        planes = np.ascontiguousarray(self.complex.planes[:, vertices])
        signs = self.complex._unpack(planes)
        lost = self._lost(planes)
        zero = (signs[:, self._known] == 0) & ~lost[:, self._known]
        at, column = np.nonzero(zero)
        return [
            part.tolist() for part in np.split(self._known[column], np.searchsorted(at, np.arange(1, len(vertices))))
        ]

    def _lost(self, planes: np.ndarray) -> np.ndarray:
        """Pairs of rows of a max group that both lose: their sign reads 0 and says nothing."""
        if not any(isinstance(stage.activation, MaxGroups) for stage in self._stages[:1]):
            return np.zeros((planes.shape[1], len(self.complex.bits)), dtype=bool)
        both = planes[0] & planes[1]
        empty = np.zeros_like(both)
        return self.complex._unpack(np.stack([both, empty])) != 0

    @property
    def _stages(self) -> tuple[Stage, ...]:
        return self.complex.partition.network.stages

    @cached_property
    def _known(self) -> np.ndarray:
        return np.array([k for k, row in enumerate(self._rows) if row is not None], dtype=np.int64)

    @cached_property
    def _rows(self) -> list[Row | None]:
        """The row of every column of the first stage and of the domain; None of later stages, and where it is zero."""
        domain = self.complex.partition.domain.halfspaces
        first = _FirstStage(self._stages[0])
        rows: list[Row | None] = []
        for column in self.complex.columns:
            row = None
            if column.kind == "domain":
                row = list(domain[column.index])
            elif column.kind == "unit" and column.stage == 0:
                row = first.row(column.unit, column.breakpoint, column.rows)
            rows.append(None if row is None or not any(row[:-1]) else scaled_integers([row])[0][0])
        return rows


class _FirstStage:
    """What the signs of the first stage's units are the signs of, as rows of the network's inputs."""

    def __init__(self, stage: Stage):
        self.stage = stage

    def row(self, unit: int, breakpoint: int, pair: tuple[int, int] | None) -> list[Fraction]:
        act = self.stage.activation
        if isinstance(act, MaxGroups):
            assert pair is not None
            start = int(act.offsets[unit])
            first, second = (self._affine(start + k) for k in pair)
            return [a - b for a, b in zip(first, second, strict=True)]
        row = self._affine(unit)
        row[-1] -= Fraction(act.functions[act.index[unit]].breakpoints[breakpoint])
        return row

    def _affine(self, i: int) -> list[Fraction]:
        columns, values = self.stage.row(i)
        row = [Fraction(0)] * self.stage.inputs + [Fraction(float(self.stage.bias[i]))]
        for j, w in zip(columns, values, strict=True):
            row[j] = Fraction(float(w))
        return row if self.stage.divisor is None else [v / Fraction(float(self.stage.divisor[i])) for v in row]


def primitive(values: Iterable[int]) -> Point:
    """Homogeneous coordinates `X_1, ..., X_n, w` without common factor, w > 0."""
    row = tuple(values)
    return coprime(row if row[-1] > 0 else [-v for v in row])


def coprime(values: Sequence[int]) -> Point:
    """Integers over their greatest common divisor, the signs kept."""
    common = math.gcd(*values)
    return tuple(values) if common == 1 else tuple(v // common for v in values)


def _crossing(rows: list[Row]) -> Point | None:
    """Where lines of the plane meet: the first and the first other that is not parallel to it."""
    if len(rows) < 2:
        return None
    a, b, c = rows[0]
    for d, e, f in rows[1:]:
        w = a * e - b * d
        if w:
            return primitive((b * f - c * e, c * d - a * f, w))
    return None


def _meeting(rows: list[Row]) -> Point | None:
    """Where hyperplanes meet, if in one point only."""
    from flint import fmpz_mat

    if not rows or len(rows) < len(rows[0]) - 1:
        return None
    reduced, scale, rank = fmpz_mat(rows).rref()
    n = len(rows[0]) - 1
    if rank < n:
        return None
    return primitive([*(-int(reduced[i, n]) for i in range(n)), int(scale)])
