"""Polynomials on simplices as forms in barycentric coordinates: many at once, floats with bounds or integers.

On the simplex with vertices `Y_0, ..., Y_n` a point is `y = sum_j mu_j Y_j` with `mu_j >= 0` and `sum_j mu_j = 1`.
Substituted in a polynomial of degree d, and filled up with powers of `1 = sum_j mu_j`, it becomes a form of degree d in
mu. Its coefficients are the Bernstein coefficients times positive multinomials, so they have the same signs: all of
them <= 0 proves p <= 0 on the simplex, and the coefficient of `mu_j^d` is the value at the vertex j. Vertices in
homogeneous integers `(Y_j, w_j)` with `1 = sum_j mu_j w_j` give the same signs in integers. Standard convex-hull
property of the Bernstein form.

Arrays keep the simplices on the last axis: points `(n+1, q, m)`, forms `(C(n+d, d), m)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
UNIT = 2.0**-53
TINY = 2.0**-1074


@cache
def monomials(variables: int, degree: int) -> tuple[tuple[int, ...], ...]:
    """Exponents of the monomials of one degree, in the order of the rows of a form."""
    out = []
    for chosen in combinations_with_replacement(range(variables), degree):
        exponent = [0] * variables
        for j in chosen:
            exponent[j] += 1
        out.append(tuple(exponent))
    return tuple(out)


@cache
def raised(variables: int, degree: int) -> tuple[Array, ...]:
    """For each variable j the rows, in degree + 1, of the monomials of `degree` times variable j."""
    row = {a: i for i, a in enumerate(monomials(variables, degree + 1))}
    return tuple(
        np.array([row[(*a[:j], a[j] + 1, *a[j + 1 :])] for a in monomials(variables, degree)], dtype=np.intp)
        for j in range(variables)
    )


@cache
def corners(variables: int, degree: int) -> Array:
    """Rows of the pure powers `mu_j^degree`: the values at the vertices."""
    row = {a: i for i, a in enumerate(monomials(variables, degree))}
    return np.array([row[tuple(degree * (i == j) for i in range(variables))] for j in range(variables)], dtype=np.intp)


@cache
def supports(variables: int, degree: int) -> Array:
    """Which variables each monomial holds, (rows, variables) bool."""
    return np.array(monomials(variables, degree), dtype=np.int64).reshape(-1, variables) > 0


@dataclass(frozen=True)
class Plan:
    """The order in which the monomials `y^a` are built, each from one that is a factor of it.

    `steps[i] = (parent, coordinate, degree, term)`: monomial i is the earlier monomial `parent` (-1: the constant 1)
    times one coordinate; `term` is its row among the coefficients, -1 where it only serves others; `constant` is the
    row of the constant.
    """

    steps: tuple[tuple[int, int, int, int], ...]
    constant: int
    degree: int
    terms: int

    def __repr__(self) -> str:
        return f"Plan(terms={self.terms}, degree={self.degree}, products={len(self.steps)})"


def plan_of(exponents: Sequence[Sequence[int]], degree: int = 1) -> Plan:
    """The plan for these monomials, shared prefixes built once.

    Args:
        exponents: one row of exponents per term, (T, q).
        degree: the least degree of the forms.

    Returns:
        A `Plan`; its degree is the largest total degree, `degree` at least.

    >>> plan_of([(1, 0), (3, 0), (1, 1)])
    Plan(terms=3, degree=3, products=4)
    """
    place: dict[tuple[int, ...], int] = {}
    steps: list[tuple[int, int, int, int]] = []

    def build(word: tuple[int, ...], term: int) -> int:
        if word in place:
            at = place[word]
            if term >= 0:
                steps[at] = (*steps[at][:3], term)
            return at
        parent = -1 if len(word) == 1 else build(word[:-1], -1)
        place[word] = len(steps)
        steps.append((parent, word[len(word) - 1], len(word), term))
        return place[word]

    constant = -1
    for term, exponent in enumerate(exponents):
        word = tuple(i for i, power in enumerate(exponent) for _ in range(int(power)))
        if word:
            build(word, term)
        else:
            constant = term
    top = max([degree, *(step[2] for step in steps)])
    return Plan(tuple(steps), constant, top, len(exponents))


def times(form: Array, linear: Array | None, variables: int, degree: int) -> Array:
    """A form of `degree` times a linear form `(variables, m)`; None stands for `sum_j mu_j`."""
    out = np.zeros((len(monomials(variables, degree + 1)), form.shape[1]), dtype=form.dtype)
    for j, rows in enumerate(raised(variables, degree)):
        out[rows] += form if linear is None else form * linear[j]
    return out


def form_of(plan: Plan, points: Array, coefficients: Array, one: Array | None = None) -> Array:
    """The forms of several polynomials with the same monomials.

    Args:
        plan: the monomials.
        points: (n+1, q, m).
        coefficients: (c, T, m), c polynomials per simplex.
        one: (n+1, m), the weights `w_j` of homogeneous vertices; None means 1.

    Returns:
        (c, C(n+d, d), m), of the arrays' dtype: float64 or Python integers.
    """
    variables, _, m = points.shape
    dtype, count = points.dtype, len(coefficients)
    totals = [np.zeros((count, len(monomials(variables, e)), m), dtype=dtype) for e in range(plan.degree + 1)]
    if plan.constant >= 0:
        totals[0][:, 0] += coefficients[:, plan.constant]
    last = {
        parent: i for i, (parent, *_) in enumerate(plan.steps)
    }  # who needs a product last: after that it is dropped
    built: dict[int, Array] = {}
    for i, (parent, coordinate, degree, term) in enumerate(plan.steps):
        linear = points[:, coordinate]
        form = linear if parent < 0 else times(built[parent], linear, variables, degree - 1)
        if i in last:
            built[i] = form
        if parent >= 0 and last[parent] == i:
            del built[parent]
        if term >= 0:
            for c in range(count):
                totals[degree][c] += form * coefficients[c, term]
    out = totals[0]
    for e in range(plan.degree):
        out = np.stack([times(row, one, variables, e) for row in out]) + totals[e + 1]
    return out


@dataclass(frozen=True)
class Bounded:
    """Coefficients of upper forms with error bounds, and lower bounds of the values at the vertices.

    `upper - error <= coefficient of the upper form <= upper + error`; for a polynomial without remainder the upper form
    is the polynomial itself. `lower - error` is below the coefficient of the lower form, `low (n+1, m)` below the value
    at the vertex.
    """

    upper: Array
    error: Array
    low: Array
    lower: Array


def bounded_form(
    plan: Plan,
    points: Array,
    errors: Array | None,
    coefficients: Array,
    slack: Array | None,
    radii: Array | None = None,
) -> Bounded:
    """The upper forms of `sum_a (c_a +- r_a) y^a` in float64, each coefficient with a rigorous error bound.

    Every coefficient is a sum of products, each made of at most k rounded operations, so its rounding error is at most
    gamma_k = k u / (1 - k u) times the same sum of absolute values; vertices and coefficients that are known up to an
    error move it by at most the difference of that sum with and without the errors added; underflow is excluded or
    bounded.

    Args:
        plan: the monomials.
        points: float64 (n+1, q, m).
        errors: bounds of the points' errors, same shape; None for none.
        coefficients: float64 (T, m).
        slack: bounds of the coefficients' errors, (T, m); None for none.
        radii: upper bounds of r_a >= 0, (T, m); None for none.
    """
    variables = len(points)
    with np.errstate(all="ignore"):
        value = form_of(plan, points, coefficients[None])[0]
        size = np.abs(points)
        weight = np.abs(coefficients)
        wide = size if errors is None else size + errors
        heavy = weight if slack is None else weight + slack
        stack = heavy[None] if radii is None else np.stack([heavy, radii])
        large = form_of(plan, wide, stack)
        gamma = ((variables + 2) * (plan.degree + 1) + plan.terms + 8) * UNIT
        gamma /= 1 - gamma
        error = 6 * gamma * large[0]
        if errors is not None or slack is not None:
            error += (large[0] - form_of(plan, size, weight[None])[0]) * (1 + 4 * UNIT)
        error += _underflow(plan, wide, size, heavy, weight, radii)
        if radii is None:
            upper = lower = value
        else:
            more = large[1] * (1 + 6 * gamma)
            upper, lower = value + more, value - more
            error += 2 * UNIT * more
        # What overflows anywhere says nothing: -inf <= -inf is no proof.
        known = np.isfinite(error) & np.isfinite(upper) & np.isfinite(lower)
        error, upper, lower = np.where(known, error, np.inf), np.where(known, upper, 0.0), np.where(known, lower, 0.0)
        rows = corners(variables, plan.degree)
        return Bounded(upper, error, lower[rows] - error[rows], lower)


def _smallest(values: Array) -> float:
    """The least absolute value that is not 0; infinity where there is none."""
    return float(np.min(values, where=values > 0, initial=np.inf))


def _underflow(plan: Plan, wide: Array, size: Array, heavy: Array, weight: Array, radii: Array | None) -> Array | float:
    """What underflow can add to any coefficient: 0 where none of the products can be that small."""
    least = (
        min(1.0, _smallest(size), _smallest(wide)) * 2.0**-54
    )  # a sum may cancel, but stays a multiple of its terms' last bits
    light = min(1.0, _smallest(weight), _smallest(heavy), 1.0 if radii is None else _smallest(radii)) * 2.0**-54
    if np.log2(least) * plan.degree + np.log2(light) > -1000:
        return 0.0
    variables = len(size)
    longest = np.maximum(1.0, wide.max(axis=(0, 1)))
    total = 1.0 + heavy.sum(axis=0) + (0.0 if radii is None else radii.sum(axis=0))
    count = 64.0 * (plan.degree + 2) * (plan.terms + 1) * float(variables) ** (2 * plan.degree)
    return (TINY * count) * longest**plan.degree * total


def integer_form(plan: Plan, points: Array, one: Array, coefficients: Array) -> Array:
    """The forms in integers: exact up to positive factors.

    float64 arithmetic is used where a bound says that no intermediate integer exceeds 2^53, Python integers otherwise.

    Args:
        plan: the monomials.
        points: (n+1, q, m) Python integers, homogeneous vertex coordinates.
        one: (n+1, m) Python integers > 0, their weights.
        coefficients: (c, T, m) Python integers.

    Returns:
        (c, C(n+d, d), m) integers, of dtype object or float64.
    """
    if _fits(plan, points, one, coefficients):
        return form_of(plan, points.astype(float), coefficients.astype(float), one.astype(float))
    return form_of(plan, points, coefficients, one)


def _fits(plan: Plan, points: Array, one: Array, coefficients: Array) -> bool:
    """Whether the sum of absolute values at mu = (1, ..., 1), which bounds all integers on the way, is below 2^52."""
    with np.errstate(all="ignore"):
        try:
            heavy = np.abs(coefficients).astype(float).sum(axis=0)
            side = np.abs(points).astype(float).sum(axis=0)
            whole = np.maximum(1.0, one.astype(float).sum(axis=0))
        except OverflowError:
            return False
        product: list[Array] = []
        total = np.zeros(points.shape[2])
        if plan.constant >= 0:
            total += heavy[plan.constant] * whole**plan.degree
        for parent, coordinate, degree, term in plan.steps:
            factor = np.maximum(1.0, side[coordinate])
            product.append(factor if parent < 0 else product[parent] * factor)
            total += np.maximum(1.0, heavy[term] if term >= 0 else 0.0) * product[-1] * whole ** (plan.degree - degree)
        return bool((total < 2.0**52).all())
