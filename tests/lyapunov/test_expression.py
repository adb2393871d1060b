"""Expressions: exact numbers, arithmetic that keeps the value, trees that come back."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from expressions import SMALL, exact, polynomials, smooth
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions.errors import InputError
from linregions.lyapunov.dynamics.expression import PI, Expression, apply, power, rational
from linregions.lyapunov.dynamics.parsing import parse
from linregions.lyapunov.dynamics.taylor import Taylor

x1, x2 = Expression.x(0), Expression.x(1)


@given(smooth(2, 1))
def test_a_tree_comes_back_through_json(e):
    again = Expression.from_tree(json.loads(json.dumps(e.tree())))
    assert again == e
    assert hash(again) == hash(e)
    assert (again.size, again.depth, again.degree) == (e.size, e.depth, e.degree)


@settings(max_examples=50, deadline=None)
@given(polynomials(2), polynomials(2), st.tuples(SMALL, SMALL))
def test_arithmetic_keeps_the_value(a, b, point):
    left, right = exact(a, point), exact(b, point)
    assert exact(a + b, point) == left + right
    assert exact(a - b, point) == left - right
    assert exact(a * b, point) == left * right
    assert exact(-a, point) == -left
    assert exact(a**3 if a.degree < 20 else a, point) == (left**3 if a.degree < 20 else left)
    assert exact(a / (b * b + 1), point) == left / (right**2 + 1)


@given(smooth(2))
def test_walk_gives_every_part_once_and_after_its_own(e):
    seen = set()
    for part in e.walk():
        assert part not in seen
        assert all(a in seen for a in part.args if isinstance(a, Expression))
        seen.add(part)
    assert part == e


def test_substitute():
    swapped = (x1 * x2 + apply("sin", x1)).substitute(lambda v: Expression.x(1 - v.args[0]))
    assert swapped == x2 * x1 + apply("sin", x2)
    assert (x1**2 / x2 + 1).substitute(lambda v: Expression.number(2)) == Expression.number(3)


@pytest.mark.parametrize(
    "value", [3, Fraction(1, 3), 0.1, Decimal("0.1"), np.float32(0.1), np.int64(-7), np.float64(2.5), -(2**70)]
)
def test_numbers_are_exact(value):
    assert rational(value, "v") == Fraction(value if not isinstance(value, np.generic) else value.item())
    assert type(rational(value, "v").numerator) is int


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "1", None, True, 1j, Decimal("NaN"), np.bool_(True), []])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(InputError, match="expected a finite number"):
        rational(value, "v")


@pytest.mark.parametrize(
    "tree",
    [
        "", "x", "1/0", "1/2/3", "nan", "1e5", "--1", "9" * 10_000, 3, 0.5, None, [], [[]], {"op": "x"},
        ["exec", "1"],
        ["x"], ["x", -1], ["x", True], ["x", "0"], ["y", 0], ["number", "1"], ["^", ["x", 0], "-1"],
        ["^", ["x", 0], "1/2"], ["^", ["x", 0], "65"], ["sin"], ["sin", ["x", 0], ["x", 0]], ["/", "1"], ["+"],
    ],
)  # fmt: skip
def test_bad_trees_are_refused(tree):
    with pytest.raises(InputError):
        Expression.from_tree(tree)


def repeated(step, e, times):
    for _ in range(times):
        e = step(e)
    return e


def test_sizes_are_bounded():
    deep = "1"
    for _ in range(2000):
        deep = ["sin", deep]
    with pytest.raises(InputError, match="nested"):
        Expression.from_tree(deep)
    e = x1
    with pytest.raises(InputError, match="deep"):
        repeated(lambda e: apply("sin", e), e, 100)
    with pytest.raises(InputError, match=r"many|most|degree|parts"):
        repeated(lambda e: apply("cos", e + e * e), e, 40)
    with pytest.raises(InputError, match="degree"):
        power(power(x1, 60), 60)
    with pytest.raises(InputError, match="bits"):
        power(power(power(Expression.number(3), 60), 60), 60)


def test_division_by_zero_and_exponents():
    with pytest.raises(InputError, match="divided by zero"):
        x1 / 0
    for exponent in (0.5, "2", None, True, 65, -65):
        with pytest.raises(InputError, match="exponent"):
            power(x1, exponent)
    assert power(x1, -2) == 1 / x1**2
    assert power(x1, 0) == Expression.number(1)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("sin(pi)", "0"),
        ("cos(3*pi/2)", "0"),
        ("cos(-7*pi)", "-1"),
        ("sin(5*pi/6) + cos(2*pi/3)", "0"),
        ("sin(x1 + pi)", "-sin(x1)"),
        ("sin(pi/2 - x1)", "cos(-x1)"),
        ("cos(x1 + 1 + 7*pi/2)", "sin(x1 + 1)"),
        ("cos(pi + pi/2 + x1)", "sin(x1)"),
        ("sin(x1 + pi/3)", "sin(x1 + 1/3*pi)"),
        ("exp(0*x1) + tanh(x1 - x1)", "1 + tanh(x1 - x1)"),
    ],
)
def test_half_turns_leave_sine_and_cosine(text, wanted):
    assert parse(text, dim=1) == parse(wanted, dim=1)
    for x in (-1.0, 0.3, 2.0):
        shown, other = (Taylor([parse(t, dim=1)], 1).sampled(np.array([x]))[0] for t in (text, wanted))
        assert shown == pytest.approx(other, abs=1e-12)


def test_text():
    assert str(-x1 + 1 - x2 / 3) == "-x1 - 1/3*x2 + 1"
    assert str((x1 + x2) ** 2 / (2 * PI)) == "(x1 + x2)^2/(2*pi)"
    assert repr(apply("sin", x1)) == "Expression(sin(x1))"
    assert len(repr(sum((x1**k for k in range(2, 60)), x1))) < 80
