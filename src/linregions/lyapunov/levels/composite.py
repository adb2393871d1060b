"""A piecewise linear function outside and a quadratic one inside: together they reach the origin."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np

from ...exact import nearest_float
from ..verdict import rounded_text
from .levels import Basin, Ultimate, level_text
from .quadratic import Matrix, Quadratic, form

ZERO = Fraction(0)


@dataclass(frozen=True, eq=False, repr=False)
class Composite:
    """Every trajectory that starts in the component of {V < c2} enters {x'Px < rho} and tends to the origin.

    V decreases strictly on {c1 < V < c2}, {V <= c1} in that component lies in {x'Px < rho}, and x'Px decreases
    strictly on 0 < x'Px < rho.

    Attributes:
        P, rho: the quadratic part; `rho` is None where it is certified everywhere.
        c1, c2: the levels of the piecewise linear part.
        reach: the largest x'Px on {V <= c1}, exactly; it is below `rho`.
    """

    P: Matrix
    rho: Fraction | None
    c1: Fraction
    c2: Fraction
    reach: Fraction
    basin: Basin = field(repr=False)

    @property
    def volume(self) -> Fraction:
        """Exact volume of the component of {V < c2}."""
        return self.basin.volume(self.c2)

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types; numbers as fractions."""
        return {
            "P": [[str(v) for v in row] for row in self.P],
            "rho": None if self.rho is None else str(self.rho),
            "c1": str(self.c1),
            "c2": str(self.c2),
            "reach": str(self.reach),
            "volume": str(self.volume),
            "volume_float": nearest_float(self.volume),
        }

    def __repr__(self) -> str:
        return f"Composite: {self}"

    def __str__(self) -> str:
        inner = "everywhere" if self.rho is None else f"on x'Px < {rounded_text(self.rho)}"
        return (
            f"every trajectory that starts in {{V < {level_text(self.c2)}}} tends to the origin: V decreases down to "
            f"{level_text(self.c1)}, where x'Px is at most {rounded_text(self.reach)}, and x'Px decreases {inner}"
        )


def composite(ultimate: Ultimate, quadratic: Quadratic) -> Composite | None:
    """Join an ultimate bound and a quadratic certificate.

    Of all annuli whose inner set lies in the ellipsoid, the one that begins highest up is taken.

    Returns:
        A `Composite`; None where no inner set lies strictly inside the ellipsoid.

    Source:
        Derived: the inner set is compact and inside the open ellipsoid, so that one slightly larger is as well, and V
        enters it in finite time.
    """
    for c1, c2 in reversed(ultimate.annuli):
        reach = largest_on(ultimate.basin, quadratic.P, c1, within=c2)
        if quadratic.rho is None or reach < quadratic.rho:
            return Composite(quadratic.P, quadratic.rho, c1, c2, reach, ultimate.basin)
    return None


def largest_on(basin: Basin, P: Matrix, level: Fraction, *, within: Fraction) -> Fraction:
    """The exact maximum of x'Px on {V <= level} in the component of {V < within}.

    Each simplex meets the set in a polytope, and a convex function is largest at a vertex of it: a vertex of the
    simplex, or the point of an edge at which V is `level`.
    """
    simplices, heights = basin.flood.simplices[basin.pieces(within)], basin.flood.heights
    rank = heights.below(level)
    low = heights.ranks <= rank
    best = ZERO
    for v in np.unique(simplices[low[simplices]]):
        x = _place(basin, int(v))
        best = max(best, form(P, x, x))
    for a, b in _crossing(simplices, low):
        # V rises from a to b through the level.
        share = (level - heights.at(a)) / (heights.at(b) - heights.at(a))
        x = [p + share * (q - p) for p, q in zip(_place(basin, a), _place(basin, b), strict=True)]
        best = max(best, form(P, x, x))
    return best


def _place(basin: Basin, v: int) -> list[Fraction]:
    *x, w = basin.cells.exact_vertex(v)
    return [Fraction(int(k), int(w)) for k in x]


def _crossing(simplices: np.ndarray, low: np.ndarray) -> list[tuple[int, int]]:
    """The edges from a vertex that is `low` to one that is not, each once."""
    found = []
    for i, j in combinations(range(simplices.shape[1]), 2):
        pairs = simplices[:, [i, j]]
        pairs = pairs[low[pairs[:, 0]] != low[pairs[:, 1]]]
        found.append(np.where(low[pairs[:, :1]], pairs, pairs[:, ::-1]))
    return [(int(a), int(b)) for a, b in np.unique(np.concatenate(found), axis=0)]
