"""Coefficients near the ends of float64: no verdict may come from an overflow, an underflow, or a NaN."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions import Box, Network
from linregions.errors import InputError
from linregions.lyapunov import Outcome, verify
from linregions.lyapunov.candidates import one_norm
from linregions.lyapunov.proving.classify import Leaf
from linregions.lyapunov.proving.prove import prove
from linregions.lyapunov.proving.simplices import rounded, simplices_of, weights_of

ONE = one_norm(2)
SQUARE = Box.cube(-1, 1, 2)
SIZES = ["1e150", "1e200", "1e307", "1.7e308", "1e309", "1e400", "1e-150", "1e-200", "1e-308", "1e-320", "1e-400", "1"]
numbers = st.builds(lambda sign, size: Fraction(size) * sign, st.sampled_from([-1, -1, 1, 0]), st.sampled_from(SIZES))
# x1, x2, x1^2, x1 x2, x1^3 in each component
rows = st.tuples(st.builds(lambda v: -abs(v), numbers), numbers, numbers, numbers, numbers)
GRID = [(Fraction(a, 2), Fraction(b, 2)) for a, b in product(range(-2, 3), repeat=2) if a or b]


def text(row, own, other):
    terms = (own, other, "x1^2", "x1*x2", "x1^3")
    return " + ".join(f"({c})*{t}" for c, t in zip(row, terms, strict=True))


def field(table, x):
    a, b = x
    return [
        sum(c * t for c, t in zip(table[0], (a, b, a * a, a * b, a**3), strict=True)),
        sum(c * t for c, t in zip(table[1], (b, a, a * a, a * b, a**3), strict=True)),
    ]


def worst(table, x, time):
    """The largest change of |x1| + |x2| at a point, in exact arithmetic."""
    f = field(table, x)
    if time == "discrete":
        return sum(map(abs, f)) - sum(map(abs, x))
    return sum(v * (1 if c > 0 else -1) if c else abs(v) for v, c in zip(f, x, strict=True))


@pytest.mark.parametrize("time", ["continuous", "discrete"])
@given(table=st.tuples(rows, rows))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_verdicts_agree_with_exact_values(time, table):
    system = [text(table[0], "x1", "x2"), text(table[1], "x2", "x1")]
    verdict = verify(ONE, system, SQUARE, time=time, max_depth=5, levels=False, time_limit=2)
    if verdict.status is Outcome.PROVED_STRICT:
        assert all(worst(table, x, time) < 0 for x in GRID)
    elif verdict.status is Outcome.REFUTED:
        assert worst(table, verdict.witness, time) >= (0 if time == "continuous" else verdict.value)


@given(a=st.sampled_from(SIZES), b=st.sampled_from(SIZES), w=st.sampled_from(SIZES), sign=st.sampled_from([-1, 1]))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_signs_of_forms_on_a_segment(a, b, w, sign):
    """w (-a x + sign b x^2) on [0, 1]: negative where sign b < a."""
    a, b, w = Fraction(a), Fraction(b) * sign, Fraction(w)
    forms = SimpleNamespace(polynomials=[{(1,): -a, (2,): b}])
    status = prove(simplices_of([[(Fraction(0),), (Fraction(1),)]]), weights_of([[w]]), forms).status[0]
    assert status == (Leaf.PROVED if b < a else Leaf.ZERO if b == a else Leaf.VIOLATED)


def test_a_tiny_positive_coefficient_is_not_zero():
    # The product 1e-400 of weight and coefficient underflows; on the middle of the edge from 0 to 1 the form is > 0.
    forms = SimpleNamespace(
        polynomials=[{(0,): Fraction(-1, 10**500), (1,): Fraction("1e-200"), (2,): Fraction("-1e-200")}]
    )
    proof = prove(simplices_of([[(Fraction(0),), (Fraction(1),)]]), weights_of([[Fraction("1e-200")]]), forms)
    assert proof.status[0] == Leaf.VIOLATED


def test_rounded_bounds_what_does_not_fit():
    table = [[Fraction("1e400"), Fraction("-1e400"), Fraction("1e-400"), Fraction(1, 3)]]
    floats, errors = rounded(table)
    assert np.isfinite(floats).all()
    assert np.isinf(errors[0, :2]).all()
    for f, e, c in zip(floats[0, 2:], errors[0, 2:], table[0][2:], strict=True):
        assert abs(Fraction(float(f)) - c) <= Fraction(float(e))


@pytest.mark.parametrize("time", ["continuous", "discrete"])
@pytest.mark.parametrize("V", [ONE, "x1^2 + x2^2"])
def test_a_pole_on_the_boundary_is_refused_at_once(time, V):
    with pytest.raises(InputError, match=r"a divisor is 0 or cannot be told from it at \(1, -?[01]\); f must be"):
        verify(V, ["-0.5*x1/(1-x1)", "-0.5*x2"], SQUARE, time=time, time_limit=20)


@pytest.mark.parametrize("time", ["continuous", "discrete"])
def test_a_pole_inside_is_refused_at_once(time):
    with pytest.raises(InputError, match=r"the divisor .* is 0 between \(.*\) and \(.*\); f must be defined"):
        verify(ONE, ["-0.5*x1/(0.7-x1)", "-0.5*x2"], SQUARE, time=time, time_limit=20)


def test_a_pole_in_the_excluded_set_or_outside_does_no_harm():
    assert verify(ONE, ["-x1/(2-x1)", "-x2"], SQUARE, time_limit=20).status is Outcome.PROVED_STRICT
    around = ["-x1/(100*(x1^2+x2^2)-1)", "-x2/(100*(x1^2+x2^2)-1)"]  # the pole is the circle of radius 1/10
    far = verify(ONE, around, SQUARE, exclude=Fraction(1, 2), levels=False, time_limit=2)
    assert far.status in (Outcome.PROVED_OUTSIDE, Outcome.UNKNOWN)


@pytest.mark.parametrize(
    ("system", "side"),
    [
        (["0.5*x1+1e308*x1^2", "0.5*x2"], 1),
        (["0.5*x1+1.7e308*x1^2", "0.5*x2"], 1),
        (["-x1+x1^3*1e308", "-x2"], 1),
        (["1e308*x1^2-x1", "-x2"], 1),
        (["0.5*x1+x2^2", "0.5*x2"], 1e200),
    ],
)
def test_an_image_beyond_float64_is_refuted_exactly(system, side):
    verdict = verify(ONE, system, Box.cube(-side, side, 2), time="discrete", time_limit=10)
    assert verdict.status is Outcome.REFUTED
    assert verdict.value > 0


def test_a_large_function_is_bisected_where_it_has_no_bound():
    verdict = verify(ONE, ["0.5*x1*exp(709*x1)", "0.5*x2"], SQUARE, time="discrete", time_limit=1)
    assert verdict.status is Outcome.REFUTED


@pytest.mark.parametrize("system", [["-x1+1e400*x1", "-x2"], ["-1e308*(x1-x1^2*2)", "-1e308*x2"]])
def test_a_field_beyond_float64_is_refuted_exactly(system):
    verdict = verify(ONE, system, SQUARE)
    assert verdict.status is Outcome.REFUTED
    assert verdict.value > 0


def test_the_clock_is_looked_at_while_cells_are_pulled_back():
    rng = np.random.default_rng(0)
    W = rng.normal(size=(10, 3))
    V = Network.from_arrays([(np.vstack([W, -W]), np.zeros(20)), (np.ones((1, 20)), [0])])
    system = ["0.5*x1+0.1*sin(x2)*x3", "0.5*x2-0.1*x1*x3", "0.5*x3+0.2*x1^2"]
    verdict = verify(V, system, Box.cube(-1.2, 1.2, 3), time="discrete", time_limit=0.5)
    assert verdict.status is Outcome.UNKNOWN
    assert verdict.stopped == "time"
