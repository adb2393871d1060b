"""Polynomials: expansion agrees with direct evaluation, derivatives and substitution with sympy and each other."""

from __future__ import annotations

from fractions import Fraction

import pytest
from expressions import SMALL, exact, in_sympy, polynomials
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions.errors import InputError
from linregions.lyapunov.dynamics.expression import Expression
from linregions.lyapunov.dynamics.parsing import parse
from linregions.lyapunov.dynamics.polynomial import Polynomial, polynomial_of

POINTS = st.tuples(SMALL, SMALL)


def of(text: str, dim: int = 2) -> Polynomial | None:
    return polynomial_of(parse(text, dim=dim), dim)


@given(polynomials(2), POINTS)
def test_expansion_keeps_the_value(e, point):
    p = polynomial_of(e, 2)
    assert p is not None
    assert p.evaluate(point) == exact(e, point)
    assert all(p.terms.values())


@settings(max_examples=20, deadline=None)
@given(polynomials(2))
def test_derivatives_are_those_of_sympy(e):
    sympy = pytest.importorskip("sympy")
    symbols = sympy.symbols("x1 x2")
    p = polynomial_of(e, 2)
    wanted = sympy.Poly(sympy.diff(in_sympy(e, symbols), symbols[0]), *symbols)
    assert p.derivative(0).terms == {m: Fraction(int(c.p), int(c.q)) for m, c in wanted.terms() if c}


@settings(max_examples=40, deadline=None)
@given(polynomials(2), polynomials(2), POINTS)
def test_the_ring(a, b, point):
    p, q = polynomial_of(a, 2), polynomial_of(b, 2)
    v, w = p.evaluate(point), q.evaluate(point)
    assert (p + q).evaluate(point) == v + w
    assert (p - q).evaluate(point) == v - w
    assert (3 - p).evaluate(point) == 3 - v
    assert (p * q).evaluate(point) == v * w
    assert (p * Fraction(1, 3)).evaluate(point) == v / 3
    assert p - p == Polynomial({}, 2)
    assert not p - p
    assert (p * q).derivative(1) == p.derivative(1) * q + p * q.derivative(1)
    assert (
        p.substitute([q, p]).evaluate(point) == p.evaluate([w, v]) if p.degree * max(p.degree, q.degree) < 30 else True
    )
    assert p.lifted([3, 1], 4).evaluate([7, point[1], 7, point[0]]) == v


def test_what_is_no_polynomial():
    assert of("sin(x1)") is None
    assert of("x1/x2") is None
    assert of("pi*x1") is None
    assert of("x1/(x2 - x2 + 2)") == Polynomial({(1, 0): Fraction(1, 2)}, 2)
    assert of("x1/(x2 - x2)") is None


def test_inputs_come_after_the_state():
    e = parse("x2*u1 + u2", dim=2, inputs=2)
    assert polynomial_of(e, 4, dim=2) == Polynomial({(0, 1, 1, 0): Fraction(1), (0, 0, 0, 1): Fraction(1)}, 4)


def test_size_is_bounded():
    big = Expression("^", (sum((Expression.x(k) for k in range(1, 8)), Expression.x(0)), 30))
    with pytest.raises(InputError, match="more than"):
        polynomial_of(big, 8)


def test_text():
    assert repr(of("x1 - x1")) == "Polynomial(0)"
    assert repr(of("1 - x1*x2/2 + x2^2")) == "Polynomial(1 - 1/2*y1*y2 + y2^2)"
    assert of("x1*x2").degree == 2
    assert hash(of("x1 + x2")) == hash(of("x2 + x1"))
