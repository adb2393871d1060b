"""Taylor models hold the function everywhere in the box; coefficients are those of sympy; constants are exact."""

from __future__ import annotations

import itertools
import threading
from fractions import Fraction
from math import factorial

import numpy as np
import pytest
from expressions import SMALL, exact, in_mpmath, in_sympy, polynomials, smooth
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions.lyapunov.dynamics.constants import exact_value
from linregions.lyapunov.dynamics.parsing import parse
from linregions.lyapunov.dynamics.taylor import EnclosureError, Taylor

UNIT = st.fractions(min_value=0, max_value=1, max_denominator=1000)
SIDES = st.tuples(SMALL, st.fractions(min_value=0, max_value=2, max_denominator=64))
SLACK = Fraction(1, 10**40)  # the other program computes with 60 digits and proves nothing


def box_and_points(sides, shares):
    box = [(low, low + width) for low, width in sides]
    return box, [[low + s * (high - low) for s, (low, high) in zip(share, box, strict=True)] for share in shares]


def value_of(e, point) -> Fraction:
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(60):
        sign, mantissa, exponent, _ = in_mpmath(e, point)._mpf_
        return (-1) ** sign * Fraction(int(mantissa)) * Fraction(2) ** exponent


def size_of(e, point) -> Fraction:
    return max(Fraction(1), abs(value_of(e, point)))


CASES = st.tuples(st.tuples(SIDES, SIDES), st.lists(st.tuples(UNIT, UNIT), min_size=2, max_size=4), st.integers(0, 4))


@settings(max_examples=60, deadline=None)
@given(smooth(2), CASES)
def test_an_enclosure_holds_the_function(e, case):
    box, (centre, *points) = box_and_points(*case[:2])
    try:
        found = Taylor([e], 2).enclosure(box, centre, case[2])
    except EnclosureError:
        return
    assert not found.exponents[0].any()
    assert found.exponents.sum(axis=1).max() <= case[2] + 1
    assert min(itertools.chain(*found.rad)) >= 0
    for point in [centre, *points, [low for low, _ in box], [high for _, high in box]]:
        ((low, high),) = found.bounds(point)
        slack = SLACK * size_of(e, point)
        assert low - slack <= value_of(e, point) <= high + slack


@settings(max_examples=40, deadline=None)
@given(polynomials(2), CASES)
def test_a_polynomial_is_enclosed_exactly_where_it_lies(e, case):
    box, (centre, *points) = box_and_points(*case[:2])
    found = Taylor([e], 2).enclosure(box, centre, case[2])
    for point in [centre, *points]:
        ((low, high),) = found.bounds(point)
        assert low <= exact(e, point) <= high
    whole = Taylor([e], 2).enclosure(box, centre, min(e.degree, 60))
    assert not any(whole.rad[0])
    assert whole.bounds(points[0])[0] == (exact(e, points[0]),) * 2


@settings(max_examples=15, deadline=None)
@given(smooth(2), st.tuples(SMALL, SMALL), st.integers(0, 3))
def test_coefficients_are_those_of_sympy(e, centre, degree):
    sympy = pytest.importorskip("sympy")
    symbols = sympy.symbols("x1 x2")
    f = in_sympy(e, symbols)
    at = {s: sympy.Rational(c.numerator, c.denominator) for s, c in zip(symbols, centre, strict=True)}
    found = Taylor([e], 2).enclosure([(c, c) for c in centre], centre, degree)
    known = dict(zip(map(tuple, found.exponents.tolist()), zip(found.mid[0], found.rad[0], strict=True), strict=True))
    for a in itertools.product(range(degree + 1), repeat=2):
        if sum(a) <= degree:
            wanted = sympy.diff(f, symbols[0], a[0], symbols[1], a[1]).subs(at) / (factorial(a[0]) * factorial(a[1]))
            mid, rad = known.get(a, (Fraction(0), Fraction(0)))
            number = sympy.N(wanted, 50, maxn=200)
            assert abs(Fraction(str(number)) - mid) <= rad + Fraction(1, 10**30) * max(1, abs(mid))


@settings(max_examples=40, deadline=None)
@given(smooth(2), st.tuples(SMALL, SMALL))
def test_values(e, point):
    taylor = Taylor([e], 2)
    ((low, high),) = taylor.at(point)
    slack = SLACK * size_of(e, point)
    assert low - slack <= value_of(e, point) <= high + slack
    assert high - low <= Fraction(1, 10**25) * size_of(e, point) + Fraction(1, 10**25)
    rough = taylor.sampled(np.array([[float(v) for v in point]]))[0, 0]
    assert float(low) == pytest.approx(rough, rel=1e-6, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(smooth(1), st.tuples(SMALL))
def test_the_normal_form_tells_the_truth(e, point):
    known = exact_value(e, point, dim=1)
    if known is not None:
        assert abs(known - value_of(e, point)) <= SLACK * size_of(e, point)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("sin(x1 + pi/3) - sin(pi/3)", 0),
        ("sin(1)^2 + cos(-1)^2 - 1", 0),
        ("exp(1)*exp(-1)", 1),
        ("exp(2) - exp(1)^2", 0),
        ("exp(1)/exp(1/2) - exp(1/2)", 0),
        ("cos(pi/3)", Fraction(1, 2)),
        ("sin(7*pi/6)", Fraction(-1, 2)),
        ("cos(pi/4)^2", Fraction(1, 2)),
        ("cos(pi/6)^2 + sin(100*pi)", Fraction(3, 4)),
        ("sin(1 + pi) + sin(1)", 0),
        ("cos(1 - pi/2) - sin(1)", 0),
        ("tanh(-2) + tanh(2)", 0),
        ("(1 + pi)^2 - 1 - 2*pi - pi^2", 0),
        ("pi/(2*pi)", Fraction(1, 2)),
        ("1/(1 + sin(1)) - 2/(2 + 2*sin(1))", 0),
        ("exp(x1) + 1e-30 - 1", Fraction(1, 10**30)),
    ],
)
def test_constants_that_are_known(text, wanted):
    e = parse(text, dim=1)
    assert exact_value(e, [Fraction(0)], dim=1) == wanted
    assert Taylor([e], 1).at([Fraction(0)]) == [(wanted, wanted)]


@pytest.mark.parametrize("text", ["sin(1)", "pi", "exp(1)*exp(1)", "sin(pi/5)", "tanh(1)^2", "1/(1 + pi)"])
def test_constants_that_are_not_rational(text):
    assert exact_value(parse(text, dim=1), [Fraction(0)], dim=1) is None
    ((low, high),) = Taylor([parse(text, dim=1)], 1).at([Fraction(0)])
    assert low < high < low + Fraction(1, 10**30)


def test_pendulum():
    pendulum = Taylor([parse("x2", dim=2), parse("-9.81*sin(x1) - x2/2", dim=2)], 2)
    found = pendulum.enclosure([(-1, 1), (-3, 3)], [0, 0], 2)
    assert found.exponents.tolist() == [[0, 0], [1, 0], [0, 1], [3, 0]]
    assert found.mid[0] == [0, 0, 1, 0]
    assert found.mid[1][:3] == [0, Fraction(-981, 100), Fraction(-1, 2)]
    assert not any(found.rad[1][:3])
    low, high = found.mid[1][3] - found.rad[1][3], found.mid[1][3] + found.rad[1][3]
    assert (
        low <= Fraction(981, 600) * Fraction(5404, 10000) < Fraction(981, 600) <= high < 1.7
    )  # 9.81/6 cos over [-1, 1]
    assert pendulum.jacobian([Fraction(0)] * 2)[1] == [(Fraction(-981, 100),) * 2, (Fraction(-1, 2),) * 2]


def test_a_divisor_that_may_vanish():
    f = Taylor([parse("x1/(1 + x1)", dim=1)], 1)
    with pytest.raises(EnclosureError):
        f.enclosure([(-2, 2)], [0], 2)
    assert f.enclosure([(-0.5, 2)], [0], 2).exponents.ravel().tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="a divisor is 0"):
        f.at([Fraction(-1)])
    assert Taylor([parse("1/(2 + x1^2)", dim=1)], 1).enclosure([(-9, 9)], [0], 1).mid[0][0] == Fraction(1, 2)


@pytest.mark.parametrize(
    "text", ["exp(exp(exp(x1)))", "exp(1000000000000*x1)", "exp(-1000000000000*x1)", "sin(exp(99*x1))"]
)
def test_values_beyond_every_bound_end_in_words(text):
    f = Taylor([parse(text, dim=1)], 1)
    for action in (lambda: f.enclosure([(0, 9)], [9], 2), lambda: f.at([Fraction(9)])):
        try:
            action()
        except (EnclosureError, ValueError) as error:
            assert str(error)  # noqa: PT017  some do not raise


def test_refused_calls():
    f = Taylor([parse("sin(x1)", dim=1)], 1)
    for box, centre, degree, says in [
        ([(0, 1)], [2], 2, "centre must lie"),
        ([(0, 1), (0, 1)], [0], 2, "1 coordinates"),
        ([(0, 1)], [0], -1, "degree"),
        ([(0, 1)], [0], 64, "degree"),
    ]:
        with pytest.raises(ValueError, match=says):
            f.enclosure(box, centre, degree)
    with pytest.raises(ValueError, match="points"):
        f.sampled(np.zeros((3, 2)))


def test_the_setting_of_flint_stays():
    flint = pytest.importorskip("flint")
    flint.ctx.prec = 77
    f = Taylor([parse("sin(x1)/x1", dim=1)], 1)
    try:
        f.enclosure([(1, 2)], [1], 3)
        with pytest.raises(EnclosureError):
            f.enclosure([(-1, 1)], [1], 3)
        assert flint.ctx.prec == 77
        boxes = [[(Fraction(k, 100), Fraction(k + 1, 100))] for k in range(1, 60)]
        wanted = [f.enclosure(b, [b[0][0]], 3).mid for b in boxes]
        found: list = []
        fresh = Taylor(f.expressions, 1)

        def work():
            found.append([fresh.enclosure(b, [b[0][0]], 3).mid for b in boxes])

        threads = [threading.Thread(target=work) for _ in range(3)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert found == [wanted] * 3
        assert flint.ctx.prec == 77
    finally:
        flint.ctx.prec = 53
