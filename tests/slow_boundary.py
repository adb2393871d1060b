"""Decision boundaries, slowly: every region's exact shape, its faces as sets of vertices, all in rationals.

Also far vertices: a point `x + y M` with M beyond every number.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from linregions import enumerate_regions
from linregions.exact import nearest_float, rank
from linregions.partition import Partition
from linregions.partition.boundary import Boundary
from linregions.partition.boundary.build import ZeroFaces, assemble, difference
from linregions.partition.boundary.cells import Lists

Point = tuple[tuple[Fraction, ...], tuple[Fraction, ...]]  # x, y
Face = frozenset[int]


@dataclass
class SlowComplex:
    """Vertices, the faces of every dimension as sets of vertices, and for each face the regions that have it."""

    dim: int
    points: list[Point]
    regions: list[Face] = field(default_factory=list)
    faces: list[dict[Face, list[int]]] = field(default_factory=list)
    signs: list[int] = field(default_factory=list)

    def at_infinity(self, face: Face) -> bool:
        return all(any(self.points[v][1]) for v in face)


def value(row: list[Fraction], point: Point) -> tuple[Fraction, Fraction]:
    """An affine function at a point: the part that grows with M, and the rest; tuples compare as the values do."""
    x, y = point
    fixed = sum((a * b for a, b in zip(row[:-1], x, strict=True)), row[-1])
    return sum((a * b for a, b in zip(row[:-1], y, strict=True)), Fraction(0)), fixed


def sign(row: list[Fraction], point: Point) -> int:
    growth, fixed = value(row, point)
    decisive = growth or fixed
    return (decisive > 0) - (decisive < 0)


def dimension(points: list[Point]) -> int:
    """Dimension of the affine hull, for M beyond every number: the rank over the rational functions of M."""
    if len(points) <= 2:
        return len(points) - 1
    (x0, y0), *rest = points
    # A number with more digits than any minor has roots near; a second one in case it is a root after all.
    sizes = (10**400 + 7, 10**500 + 9) if any(any(y) for _, y in points) else (0,)
    return max(
        rank([[a - b + m * (c - d) for a, b, c, d in zip(x, x0, y, y0, strict=True)] for x, y in rest]) for m in sizes
    )


def slow_complex(partition: Partition) -> SlowComplex:
    """All faces of all regions."""
    dim = partition.domain.dim
    numbers: dict[Point, int] = {}
    dims: dict[Face, int] = {}
    out = SlowComplex(dim, [], [], [{} for _ in range(dim + 1)])
    for i in range(len(partition)):
        shape = partition._shape(i, exact=True)
        ids = []
        for row in shape["exact"]:
            v = [int(text, 16) for text in row]
            w = v[dim]
            growth = v[dim + 1 :] or [0] * dim
            point = tuple(Fraction(a, w) for a in v[:dim]), tuple(Fraction(a, w) for a in growth)
            ids.append(numbers.setdefault(point, len(numbers)))
        on: dict[int, set[int]] = {}
        for v, facets in zip(ids, shape["facets"], strict=True):
            for f in facets:
                on.setdefault(f, set()).add(v)
        out.regions.append(frozenset(ids))
        out.points = list(numbers)
        for face in polytope_faces(frozenset(ids), [frozenset(s) for s in on.values()]):
            if face not in dims:
                dims[face] = dimension([out.points[v] for v in face])
            out.faces[dims[face]].setdefault(face, []).append(i)
    return out


def polytope_faces(whole: Face, facets: list[Face]) -> set[Face]:
    """The non-empty faces of a polytope: it and all intersections of its facets."""
    found, new = {whole}, {whole}
    while new:
        new = {a & b for a, b in itertools.product(new, facets)} - found - {frozenset()}
        found |= new
    return found


def zero_faces(complex_: SlowComplex, partition: Partition) -> tuple[list[set[Face]], list[int]]:
    """The faces on which the last unit's pre-activation vanishes, by dimension, and the sign of it on every region.

    The partition is of a network whose last stage is one ReLU; its input is read off the network without that stage.
    """
    from linregions import Network

    net, domain = partition.network, partition.domain
    plain = Network((*net.stages[:-1], _linear(net.stages[-1])))
    signs: dict[int, int] = {}
    region_sign = []
    for i, region in enumerate(complex_.regions):
        slope, offset = plain.exact_affine_map(partition.patterns[i][:-1])
        row = [*slope[0], offset[0]]
        if domain.embedding is not None:
            into = domain.embedding
            row = [
                sum((a * e[k] for a, e in zip(row[:-1], into, strict=True)), Fraction(0)) for k in range(domain.dim + 1)
            ]
            row[-1] += offset[0]
        for v in region:
            mine = sign(row, complex_.points[v])
            assert signs.setdefault(v, mine) == mine, "a continuous function has one value at a vertex"
        seen = {signs[v] for v in region} - {0}
        assert len(seen) <= 1
        region_sign.append(seen.pop() if seen else 0)
    complex_.signs = [signs[v] for v in range(len(complex_.points))]
    zero = [{f for f in faces if all(signs[v] == 0 for v in f)} for faces in complex_.faces]
    return zero, region_sign


def _linear(stage):
    from linregions import Stage
    from linregions.activations import IDENTITY, UnitActivations

    return Stage(stage.weight, stage.bias, UnitActivations.uniform(IDENTITY, stage.rows))


def slow_boundary(partition: Partition, i: int = 0, j: int | None = None) -> Boundary:
    """The decision boundary without the compiled complex."""
    network, name = difference(partition.network, i, j)
    refined = enumerate_regions(network, partition.domain)
    whole = slow_complex(refined)
    zero, _ = zero_faces(whole, refined)
    signs = np.array(whole.signs, dtype=np.int8)
    faces = [Lists.of(sorted(sorted(f) for f in dim_faces)) for dim_faces in zero]
    ridges = whole.faces[whole.dim - 1]
    sides = [[*ridges[frozenset(faces[-2][f].tolist())], -1][:2] for f in range(len(faces[-2]))]
    walls = [sorted(f) for f, sides in ridges.items() if len(sides) == 1 and not whole.at_infinity(f)]
    points = np.array([[nearest_float(v) for v in x] for x, _ in whole.points]).reshape(-1, whole.dim)
    return assemble(
        ZeroFaces(
            faces=faces,
            sides=np.array(sides, dtype=np.int64).reshape(-1, 2),
            regions=Lists.of([sorted(r) for r in whole.regions]),
            signs=signs,
            walls=Lists.of(walls),
            points=points,
            radii=np.abs(points).max(axis=1) * 2.0**-53 + 1e-300,
            directions=np.array([[nearest_float(v) for v in y] for _, y in whole.points]).reshape(-1, whole.dim),
            exact=lambda v: whole.points[v],
        ),
        refined,
        partition,
        name,
    )
