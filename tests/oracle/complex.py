"""A slow polyhedral complex in pure rational arithmetic: vertices from every choice of constraints, faces from every
intersection, dimensions from affine ranks.  Unbounded domains are clipped by a box that is only very large.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import fmpq, fmpq_mat

from linregions.domain import Domain
from linregions.network import Network

from .describe import Scalar, Step, read_network
from .regions import patterns
from .rows import ONE, ZERO, Row, combine, is_constant, minus, primitive, shifted, value

Point = tuple[fmpq, ...]
LOSE = None  # two rows of a max group of which neither is the largest
Signs = tuple[int | None, ...]
LARGE = fmpq(2**3000)


@dataclass(frozen=True)
class Complex:
    """Regions and faces as sets of vertices; a vertex is its row of signs (0 where two rows lose)."""

    points: dict[tuple[int, ...], Point]
    regions: dict[tuple[int, ...], frozenset]  # by pattern
    faces: list[dict[frozenset, tuple[int, ...]]]  # by dimension: the face's vertices, and its own signs
    columns: dict[frozenset, set[int]]  # of facets: columns that vanish on it and not on all of its regions


class Cutter:
    """A network on a domain, as affine functions of the domain's coordinates."""

    def __init__(self, net: Network, domain: Domain, unbounded: bool):
        self.net, self.domain, self.dim = net, domain, domain.dim
        self.steps = read_network(net)
        self.sides = [[_rational(v) for v in row] for row in domain.halfspaces]
        unit = [[ONE if j == k else ZERO for j in range(self.dim)] for k in range(self.dim)]
        embedding = domain.embedding
        if embedding is None:
            self.inputs = [[*u, ZERO] for u in unit]
        else:
            self.inputs = [[_rational(v) for v in row] for row in embedding]
        self.far: list[Row] = []
        if unbounded:
            for u in unit:
                self.far += [[*u, LARGE], [*(-v for v in u), LARGE]]

    def constraints(self, pattern: Sequence[int]) -> list[Row]:
        """Rows that are >= 0 on the region."""
        rows, state, left = [*self.sides, *self.far], self.inputs, list(pattern)
        for step in self.steps:
            z = [combine(w, state, b, self.dim + 1) for w, b in zip(step.weights, step.biases, strict=True)]
            state = []
            for unit in step.units:
                if isinstance(unit, Scalar):
                    piece = left.pop(0) if len(unit.pieces) > 1 else 0
                    if piece > 0:
                        rows.append(shifted(z[unit.row], -unit.breakpoints[piece - 1]))
                    if piece < len(unit.breakpoints):
                        rows.append([-v for v in shifted(z[unit.row], -unit.breakpoints[piece])])
                    slope, intercept = unit.pieces[piece]
                    state.append(combine([slope], [z[unit.row]], intercept, self.dim + 1))
                else:
                    best = unit.rows[left.pop(0) if len(unit.rows) > 1 else 0]
                    rows += [minus(z[best], z[other]) for other in unit.rows if other != best]
                    state.append(z[best])
        return rows

    def signs(self, point: Sequence[fmpq]) -> Signs:
        """Signs of all columns at a point, in the library's order."""
        out: list[int | None] = []
        state = [value(row, point) for row in self.inputs]
        for step in self.steps:
            state = self._step_signs(step, state, out)
        out += [_sign(value(row, point)) for row in [*self.sides, *self.far]]
        return tuple(out)

    @staticmethod
    def _step_signs(step: Step, state: list[fmpq], out: list[int | None]) -> list[fmpq]:
        z = [
            sum((a * x for a, x in zip(w, state, strict=True)), b)
            for w, b in zip(step.weights, step.biases, strict=True)
        ]
        after = []
        for unit in step.units:
            if isinstance(unit, Scalar):
                out += [_sign(z[unit.row] - t) for t in unit.breakpoints]
                piece = sum(1 for t in unit.breakpoints if z[unit.row] > t)
                slope, intercept = unit.pieces[piece]
                after.append(slope * z[unit.row] + intercept)
            else:
                best = max(z[i] for i in unit.rows)
                for a, b in itertools.combinations(unit.rows, 2):
                    out.append(_sign(z[a] - z[b]) if best in (z[a], z[b]) else LOSE)
                after.append(best)
        return after


def complex_of(net: Network, domain: Domain, *, unbounded: bool) -> Complex:
    """The complex of all regions that the oracle finds."""
    cutter = Cutter(net, domain, unbounded)
    points: dict[tuple[int, ...], Point] = {}
    regions, zero_sets = {}, {}
    full: dict[Point, Signs] = {}
    for pattern in patterns(net, domain):
        rows = _distinct(cutter.constraints(pattern))
        corners = set(vertices(rows, cutter.dim))
        for p in corners:
            full[p] = cutter.signs(p)
            assert points.setdefault(_shown(full[p]), p) == p, "two vertices with the same signs"
        regions[pattern] = frozenset(_shown(full[p]) for p in corners)
        zero_sets[pattern] = {frozenset(_shown(full[p]) for p in corners if value(row, p) == 0) for row in rows}
    faces: list[dict] = [{} for _ in range(cutter.dim + 1)]
    sides = len(cutter.far)
    for pattern, corners in regions.items():
        for face in _intersections(corners, zero_sets[pattern]):
            if sides and any(all(v[-sides + k] == 0 for v in face) for k in range(sides)):
                continue
            at = [points[v] for v in face]
            middle = [sum(c, ZERO) / len(at) for c in zip(*at, strict=True)]
            faces[_affine_rank(at)][face] = _shown(cutter.signs(middle))
    by_signs = {_shown(s): s for s in full.values()}
    columns = {}
    for facet in faces[cutter.dim - 1]:
        holders = [corners for corners in regions.values() if facet <= corners]
        assert len(holders) in (1, 2)
        vanish = [
            {k for k, c in enumerate(zip(*(by_signs[v] for v in f), strict=True)) if set(c) == {0}} for f in holders
        ]
        own = {k for k, c in enumerate(zip(*(by_signs[v] for v in facet), strict=True)) if set(c) == {0}}
        columns[facet] = own - set.intersection(*vanish)
    return Complex(points, regions, faces, columns)


def vertices(rows: Sequence[Row], dim: int) -> Iterator[Point]:
    """The points on `dim` independent rows at which no row is negative."""
    for chosen in itertools.combinations(rows, dim):
        matrix = fmpq_mat([row[:-1] for row in chosen])
        if matrix.det() == 0:
            continue
        solution = matrix.solve(fmpq_mat([[-row[-1]] for row in chosen]))
        point = tuple(solution[k, 0] for k in range(dim))
        if all(value(row, point) >= 0 for row in rows):
            yield point


def _intersections(whole: frozenset, sets: set[frozenset]) -> set[frozenset]:
    found, new = {whole}, {whole}
    while new:
        new = {a & b for a in new for b in sets} - found - {frozenset()}
        found |= new
    return found


def _affine_rank(points: list[Point]) -> int:
    if len(points) == 1:
        return 0
    return int(fmpq_mat([[a - b for a, b in zip(p, points[0], strict=True)] for p in points[1:]]).rank())


def _distinct(rows: list[Row]) -> list[Row]:
    kept = {tuple((v.p, v.q) for v in r): r for r in (primitive(row) for row in rows if not is_constant(row))}
    return list(kept.values())


def _shown(signs: Signs) -> tuple[int, ...]:
    return tuple(0 if s is LOSE else s for s in signs)


def _sign(v: fmpq) -> int:
    return (v > 0) - (v < 0)


def _rational(v: Fraction) -> fmpq:
    return fmpq(v.numerator, v.denominator)
