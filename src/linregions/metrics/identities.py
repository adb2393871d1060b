"""What must be true of the regions of every slice: Euler's relation, and what follows from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..planar import exact_area
from .regions import BORDER, UNLISTED
from .rings import Rings

if TYPE_CHECKING:
    from ..partition.polygons import Polygons

_U = 2.0**-53


@dataclass(frozen=True)
class Identities:
    """The identities of one slice: what was found, and what it must be.

    In a generic slice two curves cross at a vertex inside, and one curve ends at a vertex on the border.  With F
    regions, V_i vertices inside, V_b ends on the border and a border of c corners:

        F = 1 + V_i + V_b / 2,   mean edges = 4 - (4 - c) / F,   mean neighbours = 4 - (4 + V_b) / F

    In every slice V - E + F = 1, and the areas sum to the slice's.  So mean area and mean number of edges say nothing
    that F does not: they are tests of the list, not metrics.

    Attributes:
        complete: whether all regions are listed; nothing is asked of an incomplete list.
        generic: whether the degrees of all vertices are those of a generic slice: 4 inside, 3 where a curve ends, 2 at
            the border's corners.  They are read from the vertices' numbers, not from coordinates.
        regions, vertices, edges: F, V and E, those on the border included.
        vertices_inside, border_ends: V_i and V_b (vertices on the border at which an edge from inside ends).
        corners: c, of the domain itself, in rational arithmetic.
        unmatched: edges inside the slice that are not an edge of exactly two regions that name each other.
        corner_sum, neighbour_sum: summed over the regions.
        area, expected_area, area_bound: sum of areas, area of the domain, and a bound on their difference made from
            the errors of the corners.  In units of the input space, squared.

    Source: training spec section 2 (derived there from Euler's formula); the first three need a generic slice.
    """

    complete: bool
    generic: bool
    regions: int
    vertices: int
    edges: int
    vertices_inside: int
    border_ends: int
    corners: int
    unmatched: int
    corner_sum: int
    neighbour_sum: int
    area: float
    expected_area: float
    area_bound: float

    @property
    def euler(self) -> int:
        """V - E + F, which is 1."""
        return self.vertices - self.edges + self.regions

    @property
    def mean_edges(self) -> float:
        """Mean number of edges of a region."""
        return self.corner_sum / max(1, self.regions)

    @property
    def expected_mean_edges(self) -> float:
        """4 - (4 - c) / F, that of a generic slice."""
        return 4.0 - (4 - self.corners) / max(1, self.regions)

    @property
    def mean_neighbours(self) -> float:
        """Mean number of neighbours of a region inside the slice."""
        return self.neighbour_sum / max(1, self.regions)

    @property
    def expected_mean_neighbours(self) -> float:
        """4 - (4 + V_b) / F, that of a generic slice."""
        return 4.0 - (4 + self.border_ends) / max(1, self.regions)

    @cached_property
    def failures(self) -> tuple[str, ...]:
        """One sentence for every identity that fails, with both of its sides; whole numbers are compared as such."""
        if not self.complete:
            return ()
        f, v_i, v_b, c = self.regions, self.vertices_inside, self.border_ends, self.corners
        out = []
        if self.unmatched:
            out.append(f"{self.unmatched} edges inside the slice belong to other than two regions")
        if self.euler != 1:
            out.append(f"V - E + F = {self.vertices} - {self.edges} + {f} = {self.euler}, not 1")
        if self.generic and 2 * f != 2 + 2 * v_i + v_b:
            out.append(f"F = {f}, but 1 + V_i + V_b / 2 = {1 + v_i + v_b / 2:g}")
        if self.generic and self.corner_sum != 4 * f - 4 + c:
            out.append(f"{self.corner_sum} corners in all, but 4 F - 4 + c = {4 * f - 4 + c}")
        if self.generic and self.neighbour_sum != 4 * f - 4 - v_b:
            out.append(f"{self.neighbour_sum} neighbours in all, but 4 F - 4 - V_b = {4 * f - 4 - v_b}")
        gap = abs(self.area - self.expected_area)
        if not gap <= self.area_bound:
            out.append(
                f"areas sum to {self.area!r}, not {self.expected_area!r}: off by {gap:.3g} > {self.area_bound:.3g}"
            )
        return tuple(out)

    @property
    def holds(self) -> bool | None:
        """Whether all identities that apply hold; None for an incomplete list, of which nothing can be asked."""
        return not self.failures if self.complete else None

    def __str__(self) -> str:
        kind = "generic" if self.generic else "degenerate"
        head = f"Identities of {self.regions:,} regions, {kind} slice"
        if not self.complete:
            return f"{head}: nothing can be asked of an incomplete list"
        if self.failures:
            return "\n  ".join([f"{head}: FAIL", *self.failures])
        numbers = f"V_i = {self.vertices_inside:,}, V_b = {self.border_ends:,}, mean edges {self.mean_edges:.6g}"
        return f"{head}: hold ({numbers}, areas to {abs(self.area - self.expected_area):.1e})"

    def as_dict(self) -> dict[str, Any]:
        """All numbers as plain JSON types."""
        out = {name: getattr(self, name) for name in self.__dataclass_fields__}
        names = ("euler", "mean_edges", "expected_mean_edges", "mean_neighbours", "expected_mean_neighbours", "holds")
        return {**out, **{name: getattr(self, name) for name in names}, "failures": list(self.failures)}


def identities(p: Polygons) -> Identities:
    """Check the identities that the regions of a 2-D slice must satisfy.

    Args:
        p: polygons of a slice; `p.vertices` and `p.neighbours` decide what meets where.

    Raises:
        InputError: the domain is not of dimension 2.

    Example:
        >>> from linregions import Box, Network, enumerate_regions
        >>> net = Network.from_arrays([([[1.0, 0.5], [0.5, 1.0]], [0.0, 0.25]), ([[1.0, 1.0]], [0.0])])
        >>> found = identities(enumerate_regions(net, Box.cube(-1, 1, 2)).polygons)
        >>> found.holds, found.regions, found.vertices_inside, found.border_ends, found.mean_edges
        (True, 4, 1, 4, 4.0)
    """
    r = Rings(np.asarray(p.points), np.asarray(p.indptr))
    across = np.asarray(p.neighbours)
    corners = p.domain.corners
    ends, unmatched = _edges(r, across, np.asarray(p.vertices))
    count = int(np.asarray(p.vertices).max(initial=-1)) + 1
    degrees = np.bincount(ends.ravel(), minlength=count)
    at_border = np.zeros(count, dtype=bool)
    at_border[np.asarray(p.vertices)[across == BORDER]] = True
    at_border[np.asarray(p.vertices)[r.following[across == BORDER]]] = True
    outer = degrees[at_border]
    bad_inside = (degrees[~at_border] != 4) & (degrees[~at_border] > 0)
    generic = not bad_inside.any() and set(outer.tolist()) <= {2, 3} and int((outer == 2).sum()) == len(corners)
    scale = float(np.linalg.det(p.domain.orthonormal[2]))
    expected = float(exact_area(corners))
    area, bound = _area(r, np.asarray(p.radii))
    return Identities(
        complete=p.count.status.value == "complete" and not bool((across == UNLISTED).any()),
        generic=generic,
        regions=len(r),
        vertices=int((degrees > 0).sum()),
        edges=len(ends),
        vertices_inside=int((degrees[~at_border] > 0).sum()),
        border_ends=int((outer > 2).sum()),
        corners=len(corners),
        unmatched=unmatched,
        corner_sum=len(r.xy),
        neighbour_sum=int((across != BORDER).sum()),
        area=area * scale,
        expected_area=expected * scale,
        # The last three roundings: of the exact area, and of both products.
        area_bound=(bound + 4 * _U * (abs(area) + expected)) * scale,
    )


def _edges(r: Rings, across: np.ndarray, vertices: np.ndarray) -> tuple[np.ndarray, int]:
    """The edges as pairs of vertices, each once, and how many inside lack a twin in the region that they name."""
    ends = np.sort(np.stack([vertices, vertices[r.following]], axis=1), axis=1)
    keys = ends[:, 0] * (int(ends.max(initial=0)) + 1) + ends[:, 1]
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    fresh = np.concatenate([[True], ordered[1:] != ordered[:-1]]) if len(keys) else np.zeros(0, dtype=bool)
    starts = np.flatnonzero(fresh)
    sizes = np.diff(np.concatenate([starts, [len(keys)]]))
    inside = across[order[starts]] != BORDER
    first, second = order[starts], order[np.minimum(starts + 1, len(keys) - 1)] if len(keys) else order
    twins = (sizes == 2) & (across[first] == r.owner[second]) & (across[second] == r.owner[first])
    return ends[order[starts]], int((inside & ~twins).sum() + (~inside & (sizes != 1)).sum())


def _area(r: Rings, radii: np.ndarray) -> tuple[float, float]:
    """Sum of the areas, and a bound on its error if every coordinate is within `radii` of the true one.

    A polygon whose corners move by e_i changes its area by 1/2 sum e_i x (p_{i+1} - p_{i-1}) + 1/2 sum e_i x e_{i+1}.
    """
    x, y = r.local
    nxt = r.following
    before = np.empty_like(nxt)
    before[nxt] = np.arange(len(nxt))
    moved = radii + 2 * _U * (np.abs(x) + np.abs(y))  # the shift to the polygon's mean is rounded
    reach = np.abs(x[nxt] - x[before]) + np.abs(y[nxt] - y[before])
    products = np.abs(x * y[nxt]) + np.abs(x[nxt] * y)
    rounding = (r.sizes[r.owner] + 4) * _U * products
    bound = math.fsum((moved * reach / 2 + moved * moved[nxt] + rounding).tolist())
    return math.fsum((r.sums(x * y[nxt] - x[nxt] * y) / 2.0).tolist()), 1.01 * bound
