"""Level sets of a piecewise linear V that solutions cannot leave, and between which V falls.

V is affine on each simplex, so a component of {V <= c} is known by its corners: they are joined where they share a
simplex.  A hull on which nothing is proved is met from the least level of its corners on.
"""

from __future__ import annotations

import heapq
from fractions import Fraction
from typing import Any

from .arithmetic import Row, dot, integers, need, number
from .fan import Fan
from .kernel import Mesh, Proofs
from .wording import spoken


class Levels:
    """At which level of V everything joins the component of {V <= c} that holds the origin."""

    def __init__(self, case: Any, mesh: Mesh):
        self.case, self.mesh, n = case, mesh, case.n
        need(case.V, "levels need V to be a network")
        around: dict[int, set[int]] = {}
        self.V: dict[int, Fraction] = {}
        for s, corners in enumerate(mesh.simplices):
            self.V.update(zip(corners, (Fraction(*r[-2:]) for r in case.raised(mesh, s)), strict=True))
            for v in corners:
                around.setdefault(v, set()).update(corners)
        # A jump may leave a component, but not the level set: then everything counts from its own level.
        at = [s for s in range(len(mesh.simplices)) if mesh.holds(s, [0] * n + [1])]
        start = self.V if case.discrete and case.modal else {v for s in at for v in mesh.simplices[s]}
        self.joins: dict[int, Fraction] = {}
        waiting = [(max(self.V[v], Fraction(0)), v) for v in start]
        heapq.heapify(waiting)
        while waiting:
            level, v = heapq.heappop(waiting)
            if v not in self.joins:
                self.joins[v] = level
                for other in around[v] - self.joins.keys():
                    heapq.heappush(waiting, (max(level, self.V[other]), other))
        rim = [level for v, level in self.joins.items() if mesh.sides[v]]
        ends = mesh.ends(self.V) if isinstance(mesh, Fan) else rim
        need(ends, "the level sets do not end")
        self.boundary = min(ends)

    def span(self, s: int, rows: list[Row]) -> tuple[Fraction, Fraction]:
        """The level at which a part of simplex s is met, and the greatest value of V on it."""
        slope, n = self.case.slope(self.mesh, s), self.case.n
        values = [dot(slope, [*r[:n], r[-1]]) / r[-1] for r in rows]
        return max(min(self.joins[v] for v in self.mesh.simplices[s]), min(values)), max(values)

    def sublevel(self, proofs: Proofs) -> Fraction:
        """The c below which the component is inside the domain and everything is proved on it."""
        zeros = [level for v, level in self.joins.items() if self.V[v] <= 0 and v != self.mesh.origin]
        return min([self.boundary, *(self.span(*part)[0] for part in proofs.open), *zeros])

    def annulus(self, proofs: Proofs, c2: Fraction) -> tuple[Fraction, Fraction]:
        """c1, and c2 made as large as it can be: between them, in the component, everything is proved."""
        spans = [self.span(*part) for part in proofs.open]
        c1 = max([Fraction(0), *(high for low, high in spans if low < c2)])
        return c1, min([self.boundary, *(low for low, _ in spans if low >= c2)])

    def check(self, proofs: Proofs, stated: Any) -> str:
        """Compare with what the certificate states; the sentence that it proves."""
        need(isinstance(stated, dict), "the levels are no record")
        given = {k: number(v) for k, v in stated.items()}
        need(given.get("boundary") == self.boundary, "the level of the domain's boundary is another one")
        if set(given) == {"c1", "c2", "boundary"}:
            c1, c2 = given["c1"], given["c2"]
            need(not self.case.discrete, "an ultimate bound is claimed for continuous time only")
            need((c1, c2) == self.annulus(proofs, c2) and c1 < c2, "the levels c1 and c2 are others")
            return (
                f"for all c1' > {spoken(c1)} and c2' < {spoken(c2)}, every solution from the component of {{V <= c2'}} "
                "at the origin stays in it, reaches {V <= c1'} in finite time and stays there"
            )
        need(set(given) == {"c", "boundary"} and self.mesh.origin >= 0, "the levels must be c, or c1 and c2")
        need(given["c"] == self.sublevel(proofs) and given["c"] > 0, "the level c is another one")
        if self.case.discrete:
            self.stay(given["c"])
        return (
            f"for every c' < {spoken(given['c'])} the component of {{V <= c'}} at the origin is a region of attraction"
        )

    def stay(self, c: Fraction) -> None:
        """In discrete time the image of the component must be in the domain; f is affine on each part of it."""
        for s, corners in enumerate(self.mesh.simplices):
            if min(self.joins[v] for v in corners) < c:
                images = [image for found in self.case.steps(self.mesh, s).values() for _, image, _ in found]
                inside = all(dot(row, integers(image)) >= 0 for image in images for row in self.case.domain)
                need(inside, f"the image of simplex {s} is not proved to stay in the domain")
