"""The polyhedral complex of a small partition, by reading: rationals, sets, and no cleverness.

A vertex is a pair of tuples (p, q), the point p + q M for all large M (q is zero for a finite one).
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from linregions.activations import MaxGroups
from linregions.exact import rank
from linregions.partition import Partition

LARGE = Fraction(2) ** 400  # stands for M where only ranks and convex hulls of small numbers are asked for

Vertex = tuple[tuple[Fraction, ...], tuple[Fraction, ...]]
Pair = tuple[Fraction, Fraction]  # q, p: the number p + q M, compared like a tuple


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


def counts(partition: Partition) -> dict[str, int]:
    """R1, R2, R4, R5 and R6 by their definitions."""
    cells = SlowComplex(partition)
    maps = [restricted(partition, i) for i in range(len(partition))]
    walls = [r for r in cells.all_faces[cells.dim - 1].values() if len(r) == 2]
    equal = [r for r in walls if len({maps[i] for i in r}) == 1]
    return {
        "patterns": len(attained(cells)),
        "activation": len(partition),
        "linear": parts(range(len(maps)), equal),
        "closed": sum(closed(cells, maps, g) for g in set(maps)),
        "affine": len(set(maps)),
    }


def attained(cells: SlowComplex) -> set[tuple[int, ...]]:
    """The pattern at a point in the relative interior of every face."""
    found = set()
    rows = cells.partition.domain.embedding
    for face in (f for level in cells.all_faces for f in level):
        points = [[a + b * LARGE for a, b in zip(*cells.vertices[v], strict=True)] for v in face]
        mean = [sum(c) / len(points) for c in zip(*points, strict=True)]
        x = mean if rows is None else [sum(a * b for a, b in zip(r, [*mean, 1], strict=True)) for r in rows]
        found.add(tuple(cells.partition.network.exact_pattern(x).tolist()))
    return found


def restricted(partition: Partition, i: int) -> tuple[tuple[Fraction, ...], ...]:
    """The affine map of a region in the domain's coordinates."""
    slope, offset = partition.exact_affine_map(i)
    rows = partition.domain.embedding
    if rows is None:
        return tuple((*s, o) for s, o in zip(slope, offset, strict=True))
    last = range(len(rows[0]))
    return tuple(
        tuple(sum(a * r[k] for a, r in zip(s, rows, strict=True)) + (o if k == last[-1] else 0) for k in last)
        for s, o in zip(slope, offset, strict=True)
    )


def closed(cells: SlowComplex, maps: list, g: tuple) -> int:
    """Components of {f = g} with interior: regions are joined where their pieces of that set have a common point."""
    gaps = [[[a - b for a, b in zip(h, k, strict=True)] for h, k in zip(m, g, strict=True)] for m in maps]

    def meets(i: int, vertices: frozenset[int]) -> bool:
        points = [[a + b * LARGE for a, b in zip(*cells.vertices[v], strict=True)] for v in vertices]
        return holds_origin([[sum(a * b for a, b in zip(r, [*x, 1], strict=True)) for r in gaps[i]] for x in points])

    alive = [i for i, own in enumerate(cells.regions) if meets(i, own)]
    pairs = itertools.combinations(alive, 2)
    joined = [(i, j) for i, j in pairs if meets(i, cells.regions[i] & cells.regions[j])]
    whole = {i for i, m in enumerate(maps) if m == g}
    return sum(bool(part & whole) for part in components(alive, joined))


def holds_origin(points: list[list[Fraction]]) -> bool:
    """Whether the origin of the line or plane lies in the hull of points."""
    if not points or len(points[0]) == 1:
        return bool(points) and min(p[0] for p in points) <= 0 <= max(p[0] for p in points)
    if any(not any(p) for p in points):
        return True
    # Outside, seen from the origin, the points lie within a half-turn, and one of them comes first.
    for x, y in points:
        turns = [(x * b - y * a, x * a + y * b) for a, b in points]
        if all(cross > 0 or (cross == 0 and along > 0) for cross, along in turns):
            return False
    return True


def components(nodes: Any, edges: Any) -> list[set[int]]:
    found = {i: {i} for i in nodes}
    for i, j in edges:
        if found[i] is not found[j]:
            found[i] |= found[j]
            for k in found[j]:
                found[k] = found[i]
    return list({id(s): s for s in found.values()}.values())


def parts(nodes: Any, edges: Any) -> int:
    return len(components(nodes, edges))
