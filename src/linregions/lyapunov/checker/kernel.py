r"""The kernel: why a certificate proves V > 0 and V' < 0 everywhere in a polytope D but at 0 (or outside a set).

V is a piecewise linear network with V(0) = 0 (after a shift), x' = f(x) with polynomials f and f(0) = 0.  Nothing but
integers and fractions is used; a point is a row of integers [X_1, .., X_n, w], w > 0, that stands for X / w.

* **The simplices fill D** (`Mesh.cover`).  Let U be their union; all lie in the convex D.  Were int D \ U not empty,
  take a segment in int D from inside a simplex to a point outside U that meets no face of dimension n - 2 and runs in
  no facet.  Where it leaves U for the first time it is inside a facet F of a simplex S.  F lies on no side of D, so a
  simplex on the other side of F shares F: the segment stays in U, a contradiction.  U is closed, so U = D.  How many
  simplices cover a point is constant off the facets (crossing F leaves one and enters one); it is 1 at a centroid, so
  interiors are disjoint and the mesh is face to face.
* **V is affine on each** (`one_piece`).  If at the corners of a simplex the input of a unit lies in one closed piece of
  its activation, it does so on all of it, and the unit is affine there; layer by layer, so is the network.
* **The sign of p on a simplex** (`Functions`).  V > 0 is p = -V < 0; V' < 0 is p = sum g_k f_k < 0 with the slope g of
  V, for every simplex that holds the point: whichever way f points, V falls.  x = sum mu_j X_j with mu >= 0 and
  1 = sum mu_j w_j make p a form in mu.  Are its coefficients <= 0, then p <= 0; and if p = 0 at a point inside the
  face of some corners, all coefficients on this face are 0, so mu_j^d's for each of its corners.  So p < 0 outside the
  hull of the corners with coefficient 0: if the only one is the origin, p < 0 but at 0.
* **Bisection** (`leaves`).  A tree splits a simplex in two at the midpoint of an edge, and so on; the parts fill it.

`Case` is the claim, `Mesh` the simplices, `proved` the proof; other cases and claims extend these in the other files.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property, reduce
from typing import Any

from .arithmetic import (
    Form,
    Marks,
    Poly,
    Row,
    add,
    dot,
    eliminate,
    excluded,
    expanded,
    forward,
    fractions,
    integers,
    need,
    network_hash,
    normal,
    number,
    one_piece,
    scaled,
    table,
    whole,
)  # fmt: skip

PARTIAL = ("sublevel", "ultimate", "composite")  # claims for which some parts of the domain may stay open
Job = tuple[list[Row], list[Fraction], "Functions"]  # corners, w and F: sum_k w_k F_k < 0 on their hull, but at 0


@dataclass(frozen=True)
class Functions:
    """F_1, .., F_K as polynomials of a corner's coordinates, of which the first `states` are x."""

    polynomials: list[Poly]
    states: int

    @cached_property
    def whole(self) -> list[Poly]:
        """The polynomials times a common denominator."""
        scale = math.lcm(1, *(c.denominator for p in self.polynomials for c in p.values()))
        return [{m: int(c * scale) for m, c in p.items()} for p in self.polynomials]

    def bounds(self, rows: list[Row], weights: list[Fraction]) -> tuple[list[Row], int, dict[tuple, tuple]]:
        """Corners, degree, and {monomial: (low, high)} of sum_k w_k F_k up to a positive factor."""
        total: Poly = {}
        for w, p in zip(integers(weights), self.whole, strict=False):
            total = add(total, p, w)
        return rows, max(map(len, total), default=0), {m: (c, c) for m, c in total.items()}

    def form(self, rows: list[Row], weights: list[Fraction]) -> tuple[Form, int]:
        """Upper bounds (exact for polynomials) of the coefficients of sum_k w_k F_k in mu, and the degree."""
        rows, degree, bounds = self.bounds(rows, weights)
        return expanded(bounds, rows, degree), degree

    def zeros(self, rows: list[Row], weights: list[Fraction]) -> list[Row] | None:
        """The corners whose hull holds every zero but 0, on a simplex on which sum_k w_k F_k is <= 0; None if open."""
        form, degree = self.form(rows, weights)
        if any(c > 0 for c in form.values()):
            return None
        found = [r for j, r in enumerate(rows) if form.get(degree << 8 * j, 0) == 0]
        return found if any(any(r[: self.states]) for r in found) else []


def leaves(tree: Any, rows: list[Row]) -> Iterator[tuple[list[Row], bool]]:
    """The parts (corners, claimed) of a simplex: 0 is one, 1 one about which nothing is claimed, [i, j, left, right] a
    cut at the midpoint of corners i and j, which replaces j on the left and i on the right.
    """  # noqa: D205
    if not isinstance(tree, list):
        need(type(tree) is int and tree in (0, 1), f"{tree!r:.40} is no leaf of a tree")
        yield rows, tree == 0
        return
    need(len(tree) == 4, f"a node of a tree has {len(tree)} entries, not 4")
    i, j = (whole(v, len(rows), "a tree's corner") for v in tree[:2])
    need(i != j, "a tree cuts an edge from a corner to itself")
    middle = integers((a + b) / 2 for a, b in zip(fractions(rows[i]), fractions(rows[j]), strict=True))
    for k, sub in ((j, tree[2]), (i, tree[3])):
        yield from leaves(sub, [middle if r == k else row for r, row in enumerate(rows)])


class Mesh:
    """Corners and simplices."""

    def __init__(self, data: dict[str, Any], n: int, domain: list[list[Fraction]]):
        self.n, self.domain = n, domain
        rows = table(data["vertices"], n + 1, "the vertices")
        self.points = [[int(c) for c in row] for row in rows]
        need(self.points == rows and all(p[-1] > 0 for p in self.points), "a vertex is no row of integers with w > 0")
        zeros = [v for v, p in enumerate(self.points) if not any(p[:-1])]
        need(len(zeros) < 2, "the origin is there twice")
        self.origin = zeros[0] if zeros else -1
        self.simplices, self.signs = [], []
        need(isinstance(data["simplices"], list) and data["simplices"], "there is no simplex")
        for s in data["simplices"]:
            need(isinstance(s, list) and len(s) == n + 1, f"a simplex needs {n + 1} corners")
            self.simplices.append([whole(v, len(self.points), "a corner") for v in s])
            self.signs.append(eliminate([self.points[v] for v in sorted(s)])[0])
            need(self.signs[-1], f"the simplex {s} is flat")
        self.sides = [sum(1 << k for k, row in enumerate(domain) if dot(row, p) == 0) for p in self.points]

    def corners(self, s: int) -> list[Row]:
        """The corners of simplex s."""
        return [self.points[v] for v in self.simplices[s]]

    def begin(self) -> None:
        """What the corners must satisfy."""
        need(all(dot(row, p) >= 0 for p in self.points for row in self.domain), "a vertex lies outside the domain")

    def crossed(self, facet: tuple[int, ...]) -> bool:
        """Whether something lies beyond a facet: it is on no side of the domain."""
        return not reduce(int.__and__, (self.sides[v] for v in facet))

    def cover(self) -> None:
        """The simplices fill the domain, once."""
        self.begin()
        met: dict[tuple[int, ...], list[bool]] = {}
        for s, sign in zip(self.simplices, self.signs, strict=True):
            order = tuple(sorted(s))
            for k in range(self.n + 1):
                if self.crossed(facet := order[:k] + order[k + 1 :]):
                    met.setdefault(facet, []).append((sign > 0) == (k % 2 == 0))
        for facet, found in met.items():
            need(sorted(found) == [0, 1], f"the facet {list(facet)} is not shared by two simplices on its two sides")
        centre = integers(sum(c) / (self.n + 1) for c in zip(*map(fractions, self.corners(0)), strict=True))
        need(sum(self.holds(s, centre) for s in range(len(self.simplices))) == 1, "the simplices overlap")

    def holds(self, s: int, point: Row) -> bool:
        """Whether simplex s contains a point, its boundary included."""
        rows = self.corners(s)
        for k in range(self.n):  # outside the simplex's box, as most are
            if all(r[k] * point[-1] < point[k] * r[-1] for r in rows) or all(
                r[k] * point[-1] > point[k] * r[-1] for r in rows
            ):
                return False
        return all(share >= 0 for share in self.shares(s, point))

    def shares(self, s: int, point: Row) -> list[Fraction]:
        """The mu with X = sum mu_j X_j over the corners of simplex s, up to a positive factor."""
        det, shares = eliminate([[*column] for column in zip(*self.corners(s), point, strict=True)])
        return [Fraction(c[0], det) for c in shares]


class Case:
    """What a certificate speaks of: D, V and f."""

    discrete = False
    modal = False

    def __init__(self, data: dict[str, Any], nets: dict[str, Any]):
        self.data, self.nets, self.claim, rows = data, nets, data["claim"], data["domain"]
        need(isinstance(rows, list) and rows and isinstance(rows[0], list) and len(rows[0]) > 1, "there is no domain")
        self.n = n = len(rows[0]) - 1
        self.domain = table(rows, n + 1, "the domain")
        need(all(r[-1] > 0 for r in self.domain), "the origin is not strictly inside the domain")
        self.shift, self.exclude = number(data["shift"]), excluded(data["exclude"], n)
        self.V = self.read_network("network", data["network"])
        need(self.V is None or len(forward(self.V, [0] * n + [1])[0]) == 2, "V must have one output")
        self.known: dict[int, tuple[Row, Marks]] = {}
        self.slopes: dict[int, list[Fraction]] = {}
        self.read()
        need(self.value([0] * n + [1])[0] == 0, "V(0) is not the shift")

    def read_network(self, key: str, hashed: Any) -> Any:
        """One of the networks, which must be the one with this hash."""
        net = self.nets[key]
        need((hashed is None) == (net is None), f"the certificate has {'no' if hashed is None else 'a'} {key}")
        need(net is None or hashed == network_hash(net), f"the {key} is another one: its hash differs")
        need(net is None or net[0]["inputs"] == self.n, f"the {key} does not take {self.n} inputs")
        return None if net is None else scaled(net)

    def read(self) -> None:
        """The polynomials f_k, each without a constant: f(0) = 0."""
        given, n = self.data["dynamics"], self.n
        trees = given["expressions"]
        need(isinstance(trees, list) and len(trees) == given["dim"] == n, f"the dynamics need {n} components")
        self.polynomials = [normal(t, lambda op, k: {(whole(k, n, "a variable"),): Fraction(1)}) for t in trees]
        need(not any(() in p for p in self.polynomials), "f(0) = 0 does not follow from the expressions")
        self.functions = Functions(self.polynomials, n)

    def value(self, p: Row) -> tuple[Fraction, Marks]:
        """V - shift at a point, and the pieces of V there."""
        value, marks = forward(self.V, p)
        return Fraction(value[0], value[1]) - self.shift, marks

    def raised(self, mesh: Mesh, s: int) -> list[Row]:
        """The corners [X.., (V - shift) w, w] of a simplex on which V is affine."""
        for v in mesh.simplices[s]:
            if v not in self.known:
                value, marks = self.value(mesh.points[v])
                self.known[v] = lifted(mesh.points[v], [value]), marks
        found = [self.known[v] for v in mesh.simplices[s]]
        need(one_piece([marks for _, marks in found]), f"simplex {s} is cut by a unit: a network is not affine on it")
        return [row for row, _ in found]

    def slope(self, mesh: Mesh, s: int) -> list[Fraction]:
        """The g and c of V - shift = g.x + c on a simplex."""
        if s not in self.slopes:
            det, solved = eliminate([[*r[: self.n], r[-1], r[-2]] for r in self.raised(mesh, s)])
            self.slopes[s] = [Fraction(c[0], det) for c in solved]
        return self.slopes[s]

    def positive(self, mesh: Mesh, s: int) -> Job:
        """-V < 0 on a simplex, where V is one more coordinate of the corners."""
        return self.raised(mesh, s), [Fraction(-1)], coordinate(self.n)

    def decrease(self, mesh: Mesh, s: int) -> dict[int, Job]:
        """V' < 0 on a simplex, for every mode of f."""
        return {0: (mesh.corners(s), self.slope(mesh, s)[: self.n], self.functions)}

    def seams(self, mesh: Mesh, given: Any) -> None:
        """Where modes of f meet."""
        need(given is None, "there are no seams to slide on")


@cache
def coordinate(n: int) -> Functions:
    """The coordinate after the n states."""
    return Functions([{(n,): Fraction(1)}], n)


def lifted(point: Row, more: list[Fraction]) -> Row:
    """[X.., w] with further coordinates."""
    return integers(fractions(point) + more) if more else point


class Proofs:
    """The conditions of a certificate on its mesh, checked part by part."""

    def __init__(self, case: Case, mesh: Mesh, trees: Any):
        self.case, self.mesh, self.trees, self.leaves = case, mesh, trees, 0
        self.open: list[tuple[int, list[Row]]] = []  # hulls in simplices where the condition may fail
        named = isinstance(trees, dict) and set(trees) == {"positive", "decrease", "seams"}
        need(named, "the proofs are incomplete")

    def settle(self, s: int, job: Job, tree: Any, what: str) -> None:
        """One condition on one simplex."""
        (rows, weights, functions), case = job, self.case
        for part, claimed in leaves(tree, rows):
            self.leaves += 1
            need(claimed or case.claim in PARTIAL, f"simplex {s} has a part about which nothing is claimed")
            bad = functions.zeros(part, weights) if claimed else part
            bad = part if bad is None and all(map(case.exclude, part)) else bad
            need(bad is not None, f"{what} is not proved on a part of simplex {s}")
            equal = case.claim in (*PARTIAL, "marginal") or all(map(case.exclude, bad or ()))
            need(equal, f"{what} is not strict on a part of simplex {s}")
            self.open += [(s, bad)] if bad else []

    def positive(self) -> None:
        """V > 0 but at 0 (V >= 0 for a marginal claim); levels of V see to it themselves."""
        trees = self.trees["positive"]
        if self.case.claim in PARTIAL:
            need(trees is None, "the claim needs no proof of positivity on the domain")
            return
        need(
            isinstance(trees, list) and len(trees) == len(self.mesh.simplices), "positivity needs one tree per simplex"
        )
        for s, tree in enumerate(trees):
            self.settle(s, self.case.positive(self.mesh, s), tree, "V > 0")
        self.open = []

    def decrease(self) -> None:
        """V decreases but at 0 (V does not grow for a marginal claim)."""
        case, trees = self.case, self.trees["decrease"]
        need(
            isinstance(trees, list) and len(trees) == len(self.mesh.simplices),
            "the decrease needs one tree per simplex",
        )
        for s, tree in enumerate(trees):
            jobs = case.decrease(self.mesh, s)
            given = tree if case.modal else {"0": tree}
            named = isinstance(given, dict) and set(given) == set(map(str, jobs))
            need(named, f"simplex {s} needs one tree for each of its modes")
            for j, job in jobs.items():
                self.settle(s, job, given[str(j)], f"the decrease in mode {j}" if case.modal else "the decrease")
        case.seams(self.mesh, self.trees["seams"])


def proved(case: Case, mesh: Mesh, trees: Any) -> Proofs:
    """The whole proof; for the claims "strict" and "outside" nothing else is needed."""
    mesh.cover()
    proofs = Proofs(case, mesh, trees)
    proofs.positive()
    need(case.claim != "strict" or mesh.origin >= 0, "the origin is no vertex")
    proofs.decrease()
    return proofs
