"""Cones from 0 that fill the whole space, for V and f that scale with x: what holds near 0 holds everywhere."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from .arithmetic import Row, dot, fractions, need
from .kernel import Case, Mesh


class Fan(Mesh):
    """Simplices that stand for the cones from 0 over them; the mesh argument of the kernel with facets through 0."""

    def begin(self) -> None:
        """Every cone starts at 0."""
        need(self.origin >= 0 and all(self.origin in s for s in self.simplices), "a cone does not start at 0")

    def crossed(self, facet: tuple[int, ...]) -> bool:
        """Whether a facet is one of its cone."""
        return self.origin in facet

    def holds(self, s: int, point: Row) -> bool:
        """Whether the cone over simplex s contains a point."""
        found = zip(self.simplices[s], self.shares(s, point), strict=True)
        return all(share >= 0 for v, share in found if v != self.origin)

    def ends(self, V: dict[int, Fraction]) -> list[Fraction]:
        """Where {V <= c}, spanned by the points c v / V(v), meets a side a.x + d = 0: first at one of them."""
        out = []
        for v, value in V.items():
            for *a, d in self.domain:
                across = dot(a, fractions(self.points[v]))
                out += [-d * value / across] if across < 0 else []
        return out


def homogeneous(case: Any) -> bool:
    """Whether V(t x) = t V(x) and f(t x) = t f(x) for t > 0: no bias, breakpoints at 0, f linear."""
    f, plain = case.polynomials, case.data["exclude"] is None
    linear = f is not None and all(len(m) == 1 for form in f for m in form)
    flat = all(v[-1] == 0 for s in case.V or [] for _, v in s["rows"])
    kinks = all(p == 0 for s in case.V or [] for at, _ in s["units"] for p, _ in at)
    through = all(c == 0 for s in case.V or [] for _, pieces in s["units"] for _, c in pieces)
    return bool(case.V and plain and linear and flat and kinks and through)


def mesh_of(data: Any, case: Case) -> Mesh:
    """The mesh of a certificate."""
    need(data["mesh"] in ("domain", "fan"), f"the mesh {data['mesh']!r:.60} is neither 'domain' nor 'fan'")
    return (Fan if data["mesh"] == "fan" else Mesh)(data, case.n, case.domain)
