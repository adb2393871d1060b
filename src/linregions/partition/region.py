"""One region in full: half-spaces, vertices, rays, facets, neighbours, sizes and distances.

All of it is in the domain's coordinates, which for a `Box`, `Polytope` or `Space` are the network's inputs.  What is
called exact is rational; everything else is float64, made from exact numbers at the end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import plural, shown
from ..errors import InputError
from ..exact import dot, nearest_float, null_space, rank
from .complex import Column
from .crossing import pattern_beyond
from .measures import ball_inside, distance_to, inverse_norm
from .packing import pack
from .rows import region_rows

if TYPE_CHECKING:
    from .partition import Partition


# Above this dimension a volume, a sum over many simplices, takes longer than a repr may.
SHOWN_DIM = 4


@dataclass(frozen=True, eq=False)
class Facet:
    """One facet of a region.

    Attributes:
        row: coprime integers `(a_1, ..., a_d, c)`; the region lies in `a.t + c >= 0`, the facet where it is 0.
        units: whose breakpoints lie there, (stage, unit) pairs, counted from the region's own side: of units that
            are constant on the region none is named.  Empty on a side of the domain.
        columns: the same in full, the domain's sides included.
        vertices: which of the region's `exact_vertices` lie on it; the finite ones.
    """

    row: tuple[int, ...]
    units: tuple[tuple[int, int], ...]
    columns: tuple[Column, ...]
    vertices: tuple[int, ...]

    def __repr__(self) -> str:
        if not self.units:
            return "Facet on a side of the domain"
        return "Facet of " + ", ".join(f"unit {u} of stage {s}" for s, u in self.units)

    def level(self, t: Sequence[Fraction]) -> Fraction:
        """The exact value `a.t + c`, positive on the region's side."""
        return dot([Fraction(a) for a in self.row[:-1]], t) + self.row[-1]

    def distance(self, t: Any) -> float:
        """Distance of the point `t` from the facet's hyperplane, positive on the region's side; float64."""
        level = self.level(exact_point(t, len(self.row) - 1))
        return nearest_float(level * inverse_norm(self.row[:-1]))


@dataclass(frozen=True, eq=False, repr=False)
class Region:
    """One region of a partition: a closed convex polyhedron on which the network is one affine map.

    Example:
        >>> from linregions import Box, Network, enumerate_regions
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> region = enumerate_regions(net, Box.cube(-1, 1, 2))[3]
        >>> region
        Region 3: 4 facets, 4 vertices, volume 1
        >>> region.contains([0.5, 1.0]), region.distance([0.5, 0.75]), region.chebyshev[1]
        (True, 0.25, 0.5)
    """

    partition: Partition
    index: int

    @property
    def number(self) -> int:
        """Its number where it was taken from: the index, unless `partition` is a part of a saved one."""
        return self.partition._first + self.index

    @property
    def dim(self) -> int:
        """Dimension of the domain, so of the region."""
        return self.partition.domain.dim

    @property
    def pattern(self) -> np.ndarray:
        """Piece index of every unit that has more than one piece."""
        return self.partition.patterns[self.index]

    @property
    def witness(self) -> np.ndarray:
        """A float64 point strictly inside; see `Partition.certified`."""
        return self.partition.witnesses[self.index]

    @cached_property
    def _map(self) -> tuple[np.ndarray, np.ndarray]:
        return self.partition.affine_map(self.index)

    @property
    def slope(self) -> np.ndarray:
        """Slope of the network's affine map, (outputs, inputs), float64."""
        return self._map[0]

    @property
    def offset(self) -> np.ndarray:
        """Offset of the network's affine map, (outputs,), float64."""
        return self._map[1]

    @cached_property
    def _shape(self) -> dict[str, Any]:
        self.partition._need_vertices()
        shape, d = self.partition._shape(self.index, exact=True), self.dim
        rows = shape["rows"] = [[int(v, 16) for v in row] for row in shape["exact"]]
        shape["p"] = [[Fraction(v, row[d]) for v in row[:d]] for row in rows]
        shape["q"] = [[Fraction(v, row[d]) for v in row[d + 1 :]] or [Fraction(0)] * d for row in rows]
        return shape

    @cached_property
    def facets(self) -> tuple[Facet, ...]:
        """The facets, none redundant; on one facet several units may switch at once."""
        p, q, d = self._shape["p"], self._shape["q"], self.dim
        tight: dict[frozenset[int], list[tuple[Column, tuple[int, ...]]]] = {}
        for column, fractions in region_rows(self.partition, self.index)[0]:
            if any(fractions[:-1]):
                row = primitive(fractions)
                ends = (
                    (v, dot_integers(row, x[: d + 1]), dot_integers(row, x[d + 1 :]))
                    for v, x in enumerate(self._shape["rows"])
                )
                tight.setdefault(frozenset(v for v, here, ahead in ends if here == 0 == ahead), []).append(
                    (column, row)
                )
        # Facets are the largest of the faces that one row, or a side of the infinite box, cuts out.
        sides = [frozenset(v for v in range(len(p)) if q[v][k] == s and not p[v][k]) for k in range(d) for s in (1, -1)]
        largest = [face for face in tight if face and not any(face < other for other in [*tight, *sides])]
        return tuple(self._facet(face, tight[face]) for face in largest if face not in sides)

    def _facet(self, face: frozenset[int], rows: list[tuple[Column, tuple[int, ...]]]) -> Facet:
        columns = tuple(column for column, _ in rows)
        units = dict.fromkeys((c.stage, c.unit) for c in columns if c.kind == "unit")
        finite = [v for v in range(len(self._shape["far"])) if not self._shape["far"][v]]
        return Facet(rows[0][1], tuple(units), columns, tuple(k for k, v in enumerate(finite) if v in face))

    @property
    def exact_halfspaces(self) -> tuple[tuple[int, ...], ...]:
        """The half-spaces `a.t + c >= 0` whose intersection the region is, none redundant, as coprime integers."""
        return tuple(f.row for f in self.facets)

    @cached_property
    def halfspaces(self) -> tuple[np.ndarray, np.ndarray]:
        """The same as `A t <= b` in float64: A (facets, dim) with rows of length 1, b (facets,)."""
        scale = [inverse_norm(r[:-1]) for r in self.exact_halfspaces]
        rows = [[nearest_float(v * s) for v in r] for r, s in zip(self.exact_halfspaces, scale, strict=True)]
        table = np.array(rows).reshape(-1, self.dim + 1)
        return -table[:, :-1], table[:, -1]

    @cached_property
    def exact_vertices(self) -> list[list[Fraction]]:
        """The finite vertices as rational numbers."""
        return [p for p, far in zip(self._shape["p"], self._shape["far"], strict=True) if not far]

    @cached_property
    def vertices(self) -> np.ndarray:
        """The finite vertices (vertices, dim), float64; counter-clockwise in dimension 2."""
        return self.partition.vertices(self.index)

    @property
    def bounded(self) -> bool:
        """Whether the region is bounded."""
        return not any(self._shape["far"])

    @cached_property
    def exact_rays(self) -> list[tuple[int, ...]]:
        """Directions that, with the vertices, span an unbounded region: coprime integers; none for a bounded one.

        The extreme rays; and where the region holds whole lines, both directions of a basis of those too.
        """
        if self.bounded:
            return []
        rows = [[Fraction(a) for a in r[:-1]] for r in self.exact_halfspaces]
        lines = null_space(rows, self.dim)
        out = [primitive([s * v for v in line]) for line in lines for s in (1, -1)]
        seen, full = set(), self.dim - len(lines)
        for q in self._shape["q"]:
            levels = [dot(r, q) for r in rows]
            if any(levels) and rank([r for r, v in zip(rows, levels, strict=True) if v == 0]) == full - 1:
                key = primitive(levels)  # tells directions apart up to the lines
                if key not in seen:
                    seen.add(key)
                    out.append(primitive(q))
        return out

    @cached_property
    def rays(self) -> np.ndarray:
        """The same (rays, dim), float64, of length 1."""
        unit = [[nearest_float(v * inverse_norm(r)) for v in r] for r in self.exact_rays]
        return np.array(unit).reshape(-1, self.dim)

    @cached_property
    def exact_volume(self) -> Fraction:
        """Volume as a rational number; an error for an unbounded region."""
        return self.partition.exact_volume(self.index)

    @cached_property
    def volume(self) -> float:
        """Volume, float64; infinite for an unbounded region."""
        return nearest_float(self.exact_volume) if self.bounded else math.inf

    def behind(self, facet: Facet) -> int:
        """The region on the other side of a facet; -1 beyond the domain, or where an incomplete list lacks it.

        The pattern just beyond an inner point of the facet, in rationals; the complex is not needed.

        Raises:
            InputError: it is no facet of this region.
        """
        if not isinstance(facet, Facet) or facet.row not in self.exact_halfspaces:
            raise InputError(f"facet: {shown(facet)} is no facet of region {self.number}; take one of its `facets`")
        if any(c.kind == "domain" for c in facet.columns):
            return -1
        partition, out = self.partition, [-Fraction(a) for a in facet.row[:-1]]
        beyond = pattern_beyond(partition.network, partition.domain, self._point_on(facet), out)
        return int(partition._find(pack(beyond[None, :], partition.network.pieces))[0])

    def _point_on(self, facet: Facet) -> list[Fraction]:
        """A point in the relative interior of a facet."""
        p, q = self._shape["p"], self._shape["q"]
        a = facet.row[:-1]
        on = [v for v in range(len(p)) if facet.level(p[v]) == 0 == sum(x * y for x, y in zip(a, q[v], strict=True))]
        reach = Fraction(1)
        while True:
            point = [sum((p[v][k] + reach * q[v][k] for v in on), Fraction(0)) / len(on) for k in range(self.dim)]
            if all(f.row == facet.row or f.level(point) > 0 for f in self.facets):
                return point
            reach *= 64  # far vertices are where they are for large reaches only

    @cached_property
    def neighbours(self) -> np.ndarray:
        """The regions that share a facet with this one, ascending; of an incomplete list only those that it has."""
        found = {self.behind(f) for f in self.facets} - {-1}
        return np.array(sorted(found), dtype=np.int64)

    @cached_property
    def chebyshev(self) -> tuple[np.ndarray, float]:
        """Centre and radius of a largest ball inside, float64; the radius of a region without one is infinite.

        From a linear program in floating point.  The centre is checked in rationals to be strictly inside, and the
        radius is its distance from the nearest facet; a larger ball may exist by rounding only.  Where the program's
        point is not inside, as in slivers of width 1e-12 and regions longer than 1e20, the witness stands in.
        """
        if self._widens:
            return self.witness, math.inf
        centre = ball_inside(*self.halfspaces)
        if centre is None or not self.contains(centre, strict=True):
            centre = self.witness
        return centre, self.distance(centre)

    @property
    def _widens(self) -> bool:
        """Whether balls of every size fit: some direction leads away from all facets at once."""
        # The sum of the rays lies inside the cone of directions that stay in the region, if anything does.
        ahead = [sum(ray[k] for ray in self.exact_rays) for k in range(self.dim)]
        return not self.bounded and all(dot_integers(row[:-1], ahead) > 0 for row in self.exact_halfspaces)

    def contains(self, t: Any, *, strict: bool = False) -> bool:
        """Whether the point `t`, floats or rationals, lies in the closed region, with `strict` inside it; exact."""
        levels = self._levels(exact_point(t, self.dim))
        return all(v > 0 if strict else v >= 0 for v in levels)

    def distance(self, t: Any) -> float:
        """Euclidean distance of the point `t` from the region's boundary, the domain's sides included; float64.

        From inside it is the distance of the nearest facet's hyperplane, from outside that of the nearest point of the
        region; infinite where the region has no boundary.
        """
        point = exact_point(t, self.dim)
        if not self.facets:
            return math.inf
        if min(self._levels(point)) >= 0:
            return min(f.distance(point) for f in self.facets)
        normals = self.halfspaces[0]
        return distance_to(normals, np.array([-f.distance(point) for f in self.facets]))

    def _levels(self, point: list[Fraction]) -> list[Fraction]:
        return [f.level(point) for f in self.facets]

    def __repr__(self) -> str:
        if not self.partition.has_vertices:
            return f"Region {self.number}: dimension {self.dim}, without vertices and facets"
        size = "bounded" if self.bounded else "unbounded"
        if self.bounded and self.dim <= SHOWN_DIM:
            size = f"volume {self.volume:.4g}"
        vertices = plural(len(self.exact_vertices), "vertex", "vertices")
        return f"Region {self.number}: {plural(len(self.facets), 'facet')}, {vertices}, {size}"

    def __str__(self) -> str:
        lines = [
            repr(self),
            f"  pattern   {''.join(map(str, self.pattern))}",
            f"  witness   {shown_vector(self.witness)}",
        ]
        for k, (s, o) in enumerate(zip(self.slope, self.offset, strict=True)):
            lines.append(f"  output {k}  {shown_vector(s)} . x {signed(o)}")
        for f in self.facets if self.partition.has_vertices else ():
            *a, c = (nearest_float(v * inverse_norm(f.row[:-1])) for v in f.row)
            lines.append(f"  facet     {shown_vector(a)} . t {signed(c)} >= 0, {repr(f).removeprefix('Facet ')}")
        return "\n".join(lines)


def shown_vector(values: Any) -> str:
    """A vector with six digits, shortened in the middle."""
    entries = [f"{v:.6g}" for v in values]
    return "(" + ", ".join(entries if len(entries) <= 8 else [*entries[:4], "...", *entries[-2:]]) + ")"


def signed(value: float) -> str:
    """A summand with its sign."""
    return f"{'-' if value < 0 else '+'} {abs(value):.6g}"


def dot_integers(row: Sequence[int], point: Sequence[int]) -> int:
    """Inner product, as long as the shorter of the two."""
    return sum(a * b for a, b in zip(row, point, strict=False))


def exact_point(t: Any, dim: int) -> list[Fraction]:
    """The coordinates of a point, floats or rationals, as rationals."""
    try:
        point = [Fraction(v.item() if isinstance(v, np.generic) else v) for v in t]
    except (TypeError, ValueError, ArithmeticError):
        raise InputError(f"t: expected {plural(dim, 'finite number')}, got {shown(t)}") from None
    if len(point) != dim:
        raise InputError(f"t: expected one number for each of {plural(dim, 'coordinate')}, got {len(point)}")
    return point


def primitive(row: Sequence[Fraction]) -> tuple[int, ...]:
    """The same direction in coprime integers."""
    scale = math.lcm(*(v.denominator for v in row))
    whole = [int(v * scale) for v in row]
    return tuple(v // math.gcd(*whole) for v in whole)
