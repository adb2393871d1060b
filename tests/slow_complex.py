"""The polyhedral complex of a small partition, by reading: rationals, sets, and no cleverness.

A vertex is a pair of tuples (p, q), the point p + q M for all large M (q is zero for a finite one).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from linregions.activations import MaxGroups
from linregions.exact import rank
from linregions.partition import Partition
from linregions.partition.complex import Column

LARGE = Fraction(2) ** 200  # stands for M where only ranks and convex hulls of small numbers are asked for

Vertex = tuple[tuple[Fraction, ...], tuple[Fraction, ...]]
Pair = tuple[Fraction, Fraction]  # q, p: the number p + q M, compared like a tuple


@dataclass
class Faces:
    """Faces of one dimension."""

    indptr: np.ndarray
    vertices: np.ndarray
    signs: np.ndarray
    bounded: np.ndarray

    def __len__(self) -> int:
        return len(self.indptr) - 1


class SlowComplex:
    """Vertices, regions, facets and faces of every dimension of a complete partition."""

    def __init__(self, partition: Partition):
        self.partition, self.dim = partition, partition.domain.dim
        found: dict[Vertex, int] = {}
        self.regions: list[frozenset[int]] = []
        for i in range(len(partition)):
            rows = [[int(v, 16) for v in row] for row in partition._shape(i, exact=True)["exact"]]
            own = [found.setdefault(vertex(row, self.dim), len(found)) for row in rows]
            self.regions.append(frozenset(own))
        self.vertices = list(found)
        self.columns, _ = evaluate(partition, self.vertices[0])
        self.signs = np.array([[sign(v) for v in evaluate(partition, x)[1]] for x in self.vertices], dtype=np.int8)
        self.far = np.array([any(q) for _, q in self.vertices])

    @cached_property
    def all_faces(self) -> list[dict[frozenset[int], set[int]]]:
        """By dimension: the vertex set of every face, and the regions that it belongs to."""
        out: list[dict[frozenset[int], set[int]]] = [{} for _ in range(self.dim + 1)]
        for i, own in enumerate(self.regions):
            # A facet's vertices are those where one column vanishes, so faces are intersections of such sets.
            walls = {frozenset(v for v in own if self.signs[v, c] == 0) for c in range(self.signs.shape[1])}
            walls |= {frozenset(v for v in own if s(self.vertices[v])) for s in at_infinity(self.dim)}
            closed = {own}
            for wall in walls:
                closed |= {face & wall for face in closed}
            for face in closed - {frozenset()}:
                if self.real(face):
                    out[self.dimension(face)].setdefault(face, set()).add(i)
        return out

    def real(self, face: frozenset[int]) -> bool:
        """Whether a set is no face of the cube at infinity."""
        return not any(all(s(self.vertices[v]) for v in face) for s in at_infinity(self.dim))

    def dimension(self, face: frozenset[int]) -> int:
        points = [[a + b * LARGE for a, b in zip(*self.vertices[v], strict=True)] for v in sorted(face)]
        return rank([[a - b for a, b in zip(x, points[0], strict=True)] for x in points[1:]])

    def faces(self, k: int) -> Faces:
        sets = [sorted(f) for f in self.all_faces[k]]
        indptr = np.concatenate([[0], np.cumsum([len(f) for f in sets])]).astype(np.int64)
        signs = np.zeros((len(sets), self.signs.shape[1]), dtype=np.int8)
        for i, f in enumerate(sets):
            assert not (np.any(self.signs[f] > 0, axis=0) & np.any(self.signs[f] < 0, axis=0) & self.cuts).any()
            signs[i] = np.where(
                np.any(self.signs[f] > 0, axis=0), 1, np.where(np.any(self.signs[f] < 0, axis=0), -1, 0)
            )
        flat = np.array([v for f in sets for v in f], dtype=np.int64)
        return Faces(indptr, flat, signs, np.array([not self.far[f].any() for f in sets]))

    @cached_property
    def cuts(self) -> np.ndarray:
        """Columns that no face crosses: all but the rows of a max group that both lose."""
        return np.array([c[0] == "domain" or c[2] < 0 for c in self.columns])


def at_infinity(dim: int) -> list[Any]:
    return [lambda x, k=k, s=s: x[1][k] == s and x[0][k] == 0 for k in range(dim) for s in (-1, 1)]


def vertex(row: list[int], dim: int) -> Vertex:
    p = tuple(Fraction(v, row[dim]) for v in row[:dim])
    q = tuple(Fraction(v, row[dim]) for v in row[dim + 1 :]) or (Fraction(0),) * dim
    return p, q


def sign(value: Pair) -> int:
    return (value > (0, 0)) - (value < (0, 0))


def evaluate(partition: Partition, x: Vertex) -> tuple[list[tuple], list[Pair]]:
    """Names and values of all columns at a vertex: domain rows, breakpoints, and pairs of rows of max groups."""
    p, q = x
    t = list(zip(q, p, strict=True))
    columns: list[tuple] = []
    values: list[Pair] = []
    for k, row in enumerate(partition.domain.halfspaces):
        columns.append(("domain", k))
        values.append(affine(row, t))
    rows = partition.domain.embedding
    state = t if rows is None else [affine(r, t) for r in rows]
    for s, stage in enumerate(partition.network.stages):
        z = []
        for i in range(stage.rows):
            index, weights = stage.row(i)
            row = [Fraction(float(w)) for w in weights] + [Fraction(float(stage.bias[i]))]
            d = Fraction(1) if stage.divisor is None else Fraction(float(stage.divisor[i]))
            z.append(affine([v / d for v in row], [state[j] for j in index]))
        act, state = stage.activation, []
        if isinstance(act, MaxGroups):
            for a, b in itertools.pairwise(act.offsets.tolist()):
                for i, j in itertools.combinations(range(a, b), 2):
                    columns.append((s, i, j))
                    values.append((z[i][0] - z[j][0], z[i][1] - z[j][1]))
                state.append(max(z[a:b]))
            continue
        for u, k in enumerate(act.index):
            f, piece = act.functions[k], 0
            for level, b in enumerate(f.breakpoints):
                columns.append((s, u, -1, level))
                values.append((z[u][0], z[u][1] - Fraction(b)))
                piece += sign(values[-1]) > 0
            g = Fraction(f.slopes[piece])
            state.append((g * z[u][0], g * z[u][1] + f.intercepts[piece]))
    return columns, values


def affine(row: list[Fraction], t: list[Pair]) -> Pair:
    q = sum((a * v[0] for a, v in zip(row, t, strict=False)), Fraction(0))
    p = sum((a * v[1] for a, v in zip(row, t, strict=False)), row[-1])
    return q, p


class Arrays:
    """The same complex as arrays, as `Partition.complex` gives it."""

    def __init__(self, partition: Partition):
        slow = self.slow = SlowComplex(partition)
        sides = [[s(x) for s in at_infinity(slow.dim)] for x in slow.vertices]
        self.columns = [named(c, partition.network) for c in slow.columns]
        self.columns += [Column("infinity", index=k) for k in range(2 * slow.dim)]
        self.signs, self.far = np.hstack([slow.signs, 1 - np.array(sides, dtype=np.int8)]), slow.far
        self.points = np.array([[float(v) for v in p] for p, _ in slow.vertices])
        self.directions = np.array([[float(v) for v in q] for _, q in slow.vertices])
        self.radii = np.array([2.0**-52 * (1e-290 + abs(x).max()) for x in self.points])
        own = [sorted(r) for r in slow.regions]
        self.region_indptr = np.concatenate([[0], np.cumsum([len(r) for r in own])]).astype(np.int64)
        self.region_vertices = np.array([v for r in own for v in r], dtype=np.int64)
        walls = slow.all_faces[slow.dim - 1]
        self.facet_regions = np.array([(sorted(r) + [-1])[:2] for r in walls.values()], dtype=np.int64).reshape(-1, 2)
        self._faces: dict[int, Faces] = {}

    def faces(self, k: int) -> Faces:
        return self._faces[k] if k in self._faces else self._faces.setdefault(k, self.slow.faces(k))

    def face_regions(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        own = [sorted(r) for r in self.slow.all_faces[k].values()]
        indptr = np.concatenate([[0], np.cumsum([len(r) for r in own])]).astype(np.int64)
        return indptr, np.array([i for r in own for i in r], dtype=np.int64)

    def exact_point(self, v: int) -> list[Fraction]:
        return list(self.slow.vertices[v][0])


def named(column: tuple, network: Any) -> Column:
    if column[0] == "domain":
        return Column("domain", index=column[1])
    s, stage = column[0], network.stages[column[0]]
    before = sum(int(np.sum(t.activation.pieces > 1)) for t in network.stages[:s])
    many = stage.activation.pieces > 1
    if column[2] < 0:
        unit = column[1]
        pattern = before + int(many[:unit].sum())
        return Column("unit", stage=s, unit=unit, breakpoint=column[3], pattern=pattern)
    unit = int(np.searchsorted(stage.activation.offsets, column[1], side="right")) - 1
    first = int(stage.activation.offsets[unit])
    pattern = before + int(many[:unit].sum())
    return Column("unit", stage=s, unit=unit, rows=(column[1] - first, column[2] - first), pattern=pattern)
