"""Smooth f: Taylor polynomials whose coefficients are intervals, and what follows from the form of an expression.

On a box that holds a point c and a simplex, F(x) is the sum of F_a(c) (x - c)^a over |a| <= d, plus terms
t_a (x - c)^a with |a| = d + 1 where t_a lies in the range of the Taylor coefficient F_a over the box (the integral form
of the remainder is a mean of F_a).  At a simplex that touches 0, c = 0 and the constant of f is known to be 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce
from typing import Any

from .arithmetic import Poly, Row, add, fractions, integers, need, normal, number, parts_of, times
from .intervals import NONE, ONE, PI, Interval, coefficients
from .kernel import Functions

Series = dict[tuple[int, ...], Any]


class Atoms:
    """What is no polynomial, as variables -1, -2, .. of a normal form: equal expressions are the same variable."""

    def __init__(self) -> None:
        self.known: dict[Any, int] = {}

    def __call__(self, op: str, forms: list[Poly]) -> Poly:
        """The normal form of an operation on normal forms."""
        if op == "/":
            need(forms[1], "an expression divides by zero")
            inverse = {(): 1 / forms[1][()]} if set(forms[1]) == {()} else self.atom(op, forms[1])
            return times(forms[0], inverse)
        if op != "pi" and not forms[0]:
            return {} if op in ("sin", "tanh") else {(): Fraction(1)}
        return self.atom(op, forms[0] if forms else {})

    def atom(self, op: str, form: Poly) -> Poly:
        """The variable that stands for one function of one normal form."""
        return {(-1 - self.known.setdefault((op, frozenset(form.items())), len(self.known)),): Fraction(1)}


def functions_of(trees: list[Any], states: int, variable: Callable, degree: int, rest: Sequence[Any] = ()) -> Functions:
    """Expressions as polynomials if they are written as such, else by Taylor polynomials."""
    atoms = Atoms()
    forms = [normal(tree, variable, atoms) for tree in trees]
    return Taylor([], states, trees, degree, rest) if atoms.known else Functions(forms, states)


def series(tree: Any, at: list[Interval], n: int, order: int, rest: Sequence[Any] = ()) -> Series:
    """The Taylor coefficients up to `order` of an expression at every point of a box, {(i, j, ..): interval}.

    The expressions of `rest` are known to be 0 at the (single) point.
    """
    if any(tree is known for known in rest):
        return {m: c for m, c in series(tree, at, n, order).items() if m}
    if not isinstance(tree, list):
        value = number(tree)
        return {(): Interval.of(value, value)} if value else {}
    op, args, power = parts_of(tree)
    if op in ("x", "u"):
        k = args[0] + (n if op == "u" else 0)
        return {(): at[k], (k,): ONE} if order else {(): at[k]}
    if op == "pi":
        return {(): PI}
    forms = [series(a, at, n, order, rest) for a in args]
    if op == "+":
        return reduce(lambda a, b: add(a, b, ONE), forms, {})
    if op in ("*", "^"):
        return reduce(lambda a, b: times(a, b, order), forms * power, {(): ONE})
    inner = dict(forms[-1])
    total: Series = {}
    for c in reversed(coefficients(op, inner.pop((), NONE), order)):  # Horner in the part without constant term
        total = add(times(total, inner, order), {(): c}, ONE)
    return times(forms[0], total, order) if op == "/" else total


@dataclass(frozen=True)
class Taylor(Functions):
    """F_1, .., F_K as expressions, of which those in `rest` are known to be 0 at the origin."""

    trees: list[Any]
    degree: int
    rest: Sequence[Any] = ()
    known: dict[Any, list[Series]] = field(default_factory=dict, compare=False)

    def bounds(self, rows: list[Row], weights: list[Fraction]) -> tuple[list[Row], int, dict[tuple, tuple]]:
        """Corners relative to the point c, degree, and the bounds of the coefficients there."""
        points = [fractions(r) for r in rows]
        touched = next((p for p in points if not any(p[: self.states])), None)
        base = touched or [sum(c, Fraction(0)) / len(rows) for c in zip(*points, strict=True)]
        order = self.degree + 1
        box = [Interval.of(min(c), max(c)) for c in zip(*points, strict=True)]
        if (near := self.known.get(tuple(base))) is None:
            here = [Interval.of(c, c) for c in base]
            near = [series(t, here, self.states, self.degree, self.rest if touched else ()) for t in self.trees]
            if touched:  # the same for many simplices
                self.known[tuple(base)] = near
        total: Series = {}
        for w, tree, terms in zip(weights, self.trees, near, strict=True):
            far = {m: c for m, c in series(tree, box, self.states, order).items() if len(m) == order}
            total = add(total, {**terms, **far}, Interval.of(w, w))
        b = integers(base)
        moved = [[*(x * b[-1] - r[-1] * y for x, y in zip(r[:-1], b, strict=False)), r[-1] * b[-1]] for r in rows]
        return moved, order, {m: (c.lo, c.hi) for m, c in total.items()}
