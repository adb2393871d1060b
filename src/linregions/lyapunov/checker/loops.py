"""Every other V, f and time: polynomial V, smooth f, a controller, f a network, modes, discrete time.

All are fields f_j(x, u) given by expressions, each where its walls say, with inputs u = N(x) of one network N:
a controller, or f itself if that is a network (then f = u).  Where N has one piece on a simplex, u is affine there and
so further coordinates of its corners; the change of V is then a function F of (x, u) as in the kernel:

* V a network: sum g_k f_k.  In discrete time V(f(x)) - V(x), affine if f is and V has one piece after it: one more
  coordinate.
* V a polynomial: grad V . f, or V(f) - V.

Modes {x : H x <= h} hold on faces of the simplices only, since no wall may cut a simplex.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .arithmetic import (
    Marks,
    Poly,
    Row,
    dot,
    forward,
    fractions,
    integers,
    need,
    normal,
    one_piece,
    table,
    value_of,
    whole,
)
from .kernel import Case, Functions, Job, Mesh, coordinate, lifted
from .seams import check_seams
from .taylor import Atoms, Taylor, functions_of


@dataclass(frozen=True)
class Field:
    """One f_j, and the rows (a, c) with a.x + c <= 0 where it holds."""

    trees: list[Any]
    walls: list[list[Fraction]]
    polynomials: list[Poly] | None
    functions: Functions  # the change of V along it


class Loop(Case):
    """What a certificate speaks of: D, V, f, u and the time."""

    def read(self) -> None:
        """V if it is a polynomial, the inputs, and the fields."""
        data, n = self.data, self.n
        need(data["time"] in ("continuous", "discrete"), f"the time {data['time']!r:.60} is not known")
        need((self.V is None) != (data["candidate"] is None), "V must be a network or a polynomial, not both")
        self.discrete, self.degree = data["time"] == "discrete", data["degree"]
        need(type(self.degree) is int and 1 <= self.degree <= 12, "the Taylor degree must be from 1 to 12")
        given = data["dynamics"]
        need(isinstance(given, dict) and given.get("dim") == n, f"the dynamics need dimension {n}")
        kind, entries = given.get("kind"), set(given) - {"kind", "dim"}
        self.u = self.read_network("controller", data["controller"])
        f = self.read_network("dynamics", given.get("network"))
        need(self.u is None or kind == "smooth", "a controller goes with smooth dynamics")
        self.u, self.modal = self.u or f, kind == "piecewise"
        self.rest = [] if self.u is None else fractions(forward(self.u, [0] * n + [1])[0])
        self.inputs, self.cache = len(self.rest), {}
        if not self.V:
            self.form = normal(["+", data["candidate"], str(-self.shift)], self.variable, atoms := Atoms())
            need(not atoms.known and all(k < n for m in self.form for k in m), "V is no polynomial in x")
        if kind == "smooth":
            need(entries - {"rest"} == {"inputs", "expressions"}, "the dynamics have unknown entries")
            need(given["inputs"] == self.inputs, "the dynamics and the controller have different inputs")
            (held,) = table([given.get("rest", ["0"] * self.inputs)], self.inputs, "the inputs at rest")
            need(held == self.rest, "the controller has other inputs at 0")
            self.fields = [self.field(given["expressions"])]
        elif kind == "network":
            need(entries == {"network"}, "the dynamics have unknown entries")
            self.fields = [self.field([["u", k] for k in range(self.inputs)])]
        else:
            need(self.modal and entries == {"modes"}, f"the dynamics {kind!r:.60} are not known")
            self.fields = [self.mode(mode) for mode in given["modes"]]
        plain = kind == "smooth" and not self.inputs
        self.polynomials = self.fields[0].polynomials if plain else None

    def mode(self, given: Any) -> Field:
        """A x + b where H x <= h."""
        need(isinstance(given, dict) and set(given) == {"A", "b", "H", "h"}, "a mode needs A, b, H, h")
        A, H = table(given["A"], self.n, "A"), table(given["H"], self.n, "H")
        (b,), (h,) = table([given["b"]], self.n, "b"), table([given["h"]], len(H), "h")
        trees = [["+", *(["*", str(a), ["x", k]] for k, a in enumerate(row))] for row in A]
        trees = [[*tree, str(c)] for tree, c in zip(trees, b, strict=True)]
        return self.field(trees, [[*row, -c] for row, c in zip(H, h, strict=True)])

    def field(self, trees: Any, walls: list[list[Fraction]] | None = None) -> Field:
        """A field, and the change of V along it; 0 at 0 if it holds there."""
        n, walls = self.n, walls or []
        need(isinstance(trees, list) and len(trees) == n, f"the dynamics need {n} components")
        if all(wall[-1] <= 0 for wall in walls):
            zero = [normal(tree, self.at_rest, Atoms()) for tree in trees]
            need(not any(zero), "f(0) = 0 does not follow from the expressions")
        own = functions_of(trees, n, self.variable, self.degree, trees)
        if self.V:
            functions = coordinate(n) if self.discrete else own
        else:
            functions = functions_of([self.change(trees)], n, self.variable, self.degree, trees)
        return Field(trees, walls, None if isinstance(own, Taylor) else own.polynomials, functions)

    def change(self, f: list[Any]) -> Any:
        """For a polynomial V, grad V . f or in discrete time V(f) - V."""
        x, terms = [["x", k] for k in range(self.n)], []
        for m, c in self.form.items():
            if self.discrete:
                terms += [["*", str(c), *(f[k] for k in m)], ["*", str(-c), *(x[k] for k in m)]]
            else:
                terms += [["*", str(c), f[m[i]], *(x[k] for k in m[:i] + m[i + 1 :])] for i in range(len(m))]
        return ["+", *terms]

    def variable(self, op: str, k: Any) -> Poly:
        """["x", k] and ["u", k]; the inputs come after the states."""
        k = whole(k, self.n if op == "x" else self.inputs, f"the variable {op}")
        return {(k if op == "x" else self.n + k,): Fraction(1)}

    def at_rest(self, op: str, k: Any) -> Poly:
        """["x", k] and ["u", k] at the origin."""
        self.variable(op, k)
        value = Fraction(0) if op == "x" else self.rest[k]
        return {(): value} if value else {}

    def value(self, p: Row) -> tuple[Fraction, Marks]:
        """V - shift at a point, and the pieces of V there."""
        if self.V:
            return super().value(p)
        return value_of(self.form, fractions(p)), []

    def positive(self, mesh: Mesh, s: int) -> Job:
        """-V < 0 on a simplex."""
        return (
            super().positive(mesh, s) if self.V else (mesh.corners(s), [Fraction(-1)], Functions([self.form], self.n))
        )

    def held(self, j: int, mesh: Mesh, s: int) -> list[Row]:
        """The corners where mode j holds: they span what the mode has of the simplex, as no wall cuts it."""
        corners, walls = mesh.corners(s), self.fields[j].walls
        signs = [[dot(wall, p) for p in corners] for wall in walls]
        need(all(max(v) <= 0 or min(v) >= 0 for v in signs), f"simplex {s} is cut by the boundary of mode {j}")
        return [p for i, p in enumerate(corners) if all(v[i] <= 0 for v in signs)]

    def step(self, field: Field, p: Row) -> tuple[Row, list[Fraction], list[Marks]]:
        """At a point: it with the further coordinates, f where V needs it, and the pieces of all networks."""
        y, image, marks = fractions(p), [], []
        if self.u:
            value, pieces = forward(self.u, p)
            y, marks = y + fractions(value), [pieces]
        if self.V and self.discrete:
            affine = field.polynomials is not None and all(len(m) <= 1 for form in field.polynomials for m in form)
            need(affine, "V is piecewise linear and f is not affine on the simplices: this needs another certificate")
            image = [value_of(form, y) for form in field.polynomials or []]
            after, pieces = self.value(integers(image))
            y, marks = [*y[: self.n], after - self.value(p)[0]], [*marks, pieces]
        return lifted(p, y[self.n :]), image, marks

    def steps(self, mesh: Mesh, s: int) -> dict[int, list[tuple[Row, list[Fraction], list[Marks]]]]:
        """`step` at the corners where each mode holds."""
        out = {}
        for j, field in enumerate(self.fields):
            known = self.cache.setdefault(j, {})
            for p in (here := self.held(j, mesh, s)):
                if tuple(p) not in known:
                    known[tuple(p)] = self.step(field, p)
            out[j] = [known[tuple(p)] for p in here]
            for pieces in zip(*(marks for _, _, marks in out[j]), strict=True):
                need(one_piece(list(pieces)), f"simplex {s} is cut by a unit: a network is not affine on it")
        need(any(len(found) > self.n for found in out.values()), f"simplex {s} lies in no mode")
        return out

    def decrease(self, mesh: Mesh, s: int) -> dict[int, Job]:
        """The change of V < 0 for every mode that holds on the simplex or a face of it; seams see to the rest."""
        slides = self.V and not self.discrete
        weights = self.slope(mesh, s)[: self.n] if slides else [Fraction(1)]
        if self.V:
            self.raised(mesh, s)
        least = self.n + 1 if slides else 1
        return {
            j: ([row for row, _, _ in found], weights, self.fields[j].functions)
            for j, found in self.steps(mesh, s).items()
            if len(found) >= least
        }

    def seams(self, mesh: Mesh, given: Any) -> None:
        """Where modes meet, solutions may slide."""
        if self.modal and self.V and not self.discrete:
            check_seams(self, mesh, given)
        else:
            super().seams(mesh, given)
