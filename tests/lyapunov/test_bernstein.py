"""Forms on simplices: integers against evaluation at points, floats against integers."""

from fractions import Fraction
from math import factorial, prod

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions.lyapunov.proving.bernstein import (
    bounded_form,
    corners,
    form_of,
    integer_form,
    monomials,
    plan_of,
    raised,
    supports,
)

INTEGERS = st.integers(-9, 9)


@st.composite
def cases(draw, numbers=INTEGERS, top=3):
    """Polynomial terms, homogeneous vertices and their weights."""
    n, q = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    exponents = draw(st.lists(st.tuples(*[st.integers(0, top)] * q), min_size=1, max_size=5, unique=True))
    coefficients = draw(st.lists(numbers, min_size=len(exponents), max_size=len(exponents)))
    vertices = draw(st.lists(st.tuples(*[numbers] * q), min_size=n + 1, max_size=n + 1))
    units = draw(st.lists(st.integers(1, 7), min_size=n + 1, max_size=n + 1))
    return exponents, coefficients, vertices, units


def value(exponents, coefficients, point):
    return sum(
        (
            c * prod((y**e for y, e in zip(point, a, strict=True)), start=Fraction(1))
            for a, c in zip(exponents, coefficients, strict=True)
        ),
        Fraction(0),
    )


def evaluated(form, variables, degree, mu):
    return sum(
        int(c) * prod(m**e for m, e in zip(mu, a, strict=True))
        for a, c in zip(monomials(variables, degree), form, strict=True)
    )


@settings(max_examples=40, deadline=None)
@given(cases(), st.data())
def test_integer_form_is_the_polynomial(case, data):
    exponents, coefficients, vertices, units = case
    plan = plan_of(exponents)
    points = np.array(vertices, dtype=object)[:, :, None]
    one = np.array(units, dtype=object)[:, None]
    given_ = np.array(coefficients, dtype=object)[None, :, None]
    slow = form_of(plan, points, given_, one)[0, :, 0]
    fast = integer_form(plan, points, one, given_)[0, :, 0]
    assert [int(c) for c in slow] == [int(c) for c in fast]
    v = len(vertices)
    mu = data.draw(st.lists(st.integers(0, 5), min_size=v, max_size=v).filter(any))
    total = sum(m * w for m, w in zip(mu, units, strict=True))
    point = [
        Fraction(sum(m * y[i] for m, y in zip(mu, vertices, strict=True)), total) for i in range(len(exponents[0]))
    ]
    assert evaluated(slow, v, plan.degree, mu) == value(exponents, coefficients, point) * total**plan.degree


@settings(max_examples=60, deadline=None)
@given(cases())
def test_corners_and_mixed_coefficients_are_bernstein(case):
    """The coefficient of mu^a over its multinomial is the blossom at the vertices: here by polarisation of the form."""
    exponents, coefficients, vertices, units = case
    plan = plan_of(exponents)
    d, v = plan.degree, len(vertices)
    form = form_of(
        plan,
        np.array(vertices, dtype=object)[:, :, None],
        np.array(coefficients, dtype=object)[None, :, None],
        np.array(units, dtype=object)[:, None],
    )[0, :, 0]
    for j in range(v):
        point = [Fraction(y, units[j]) for y in vertices[j]]
        assert int(form[corners(v, d)[j]]) == value(exponents, coefficients, point) * units[j] ** d
    total = sum(Fraction(int(c), 1) for c in form)
    assert total == evaluated(form, v, d, [1] * v)
    assert sum(factorial(d) // prod(map(factorial, a)) for a in monomials(v, d)) == v**d


FLOATS = st.one_of(
    INTEGERS.map(float), st.floats(-1e3, 1e3), st.sampled_from([1e-200, -1e-310, 5e-324, 1e-12, 1.0 + 2**-52, 1 / 3])
)


@settings(max_examples=40, deadline=None)
@given(cases(numbers=FLOATS), st.data())
def test_float_form_encloses_the_exact_one(case, data):
    exponents, coefficients, vertices, _ = case
    plan = plan_of(exponents)
    n, q, t = len(vertices), len(exponents[0]), len(exponents)
    moves = st.integers(-4, 4)
    spread = np.array(data.draw(st.lists(st.sampled_from([0.0, 1e-17, 1e-9]), min_size=n * q, max_size=n * q))).reshape(
        n, q, 1
    )
    slack = np.array(data.draw(st.lists(st.sampled_from([0.0, 1e-14]), min_size=t, max_size=t)))[:, None]
    radii = np.array(data.draw(st.lists(st.sampled_from([0.0, 0.25]), min_size=t, max_size=t)))[:, None]
    points, values = np.array(vertices)[:, :, None], np.array(coefficients)[:, None]
    form = bounded_form(
        plan,
        points,
        spread if spread.any() else None,
        values,
        slack if slack.any() else None,
        radii if radii.any() else None,
    )
    true = np.array(
        [
            [Fraction(y) + Fraction(float(e)) * data.draw(moves) / 4 for y, e in zip(row, wide, strict=True)]
            for row, wide in zip(vertices, spread[:, :, 0], strict=True)
        ],
        dtype=object,
    )
    exact = np.array(
        [
            Fraction(c) + Fraction(float(e)) * data.draw(moves) / 4
            for c, e in zip(coefficients, slack[:, 0], strict=True)
        ],
        dtype=object,
    )
    rest = np.array([Fraction(float(r)) for r in radii[:, 0]], dtype=object)
    one = np.array([Fraction(1)] * n, dtype=object)[:, None]
    middle = form_of(plan, true[:, :, None], exact[None, :, None], one)[0, :, 0]
    more = form_of(plan, abs(true)[:, :, None], rest[None, :, None], one)[0, :, 0]
    for c, r, upper, error in zip(middle, more, form.upper[:, 0], form.error[:, 0], strict=True):
        assert c + r <= Fraction(float(upper)) + Fraction(float(error))
        if not radii.any():
            assert abs(c - Fraction(float(upper))) <= Fraction(float(error))
    for j, row in enumerate(corners(n, plan.degree)):
        assert Fraction(float(form.low[j, 0])) <= middle[row] - more[row]


def test_tables():
    assert monomials(2, 2) == ((2, 0), (1, 1), (0, 2))
    assert [r.tolist() for r in raised(2, 1)] == [[0, 1], [1, 2]]
    assert supports(2, 2).tolist() == [[True, False], [True, True], [False, True]]
    assert plan_of([(0, 0)]).degree == 1
