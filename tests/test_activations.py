"""Scalar piecewise-linear functions and the activations of a stage."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linregions import InputError, PiecewiseLinear
from linregions.activations import ABS, BY_NAME, IDENTITY, RELU, MaxGroups, UnitActivations, clip, leaky_relu

# Multiples of 1/8: sums and products stay exact in float64, so float and rational results can be equal.
eighths = st.integers(-800, 800).map(lambda n: n / 8)
numbers = st.floats(-1e6, 1e6, allow_nan=False, allow_subnormal=False)


@st.composite
def functions(draw, values=eighths):
    ts = sorted(draw(st.sets(values, max_size=4)))
    slopes = draw(st.lists(values, min_size=len(ts) + 1, max_size=len(ts) + 1, unique=True))
    return PiecewiseLinear(tuple(ts), tuple(slopes), draw(values))


@st.composite
def raw_functions(draw):
    ts = sorted(draw(st.sets(eighths, max_size=4)))
    slopes = draw(st.lists(st.sampled_from([0.0, 1.0, -0.5]), min_size=len(ts) + 1, max_size=len(ts) + 1))
    return tuple(ts), tuple(slopes), draw(eighths)


def by_definition(ts, slopes, value, z):
    """The function in rationals, by walking from the first breakpoint to z."""
    ts, slopes, value = [Fraction(t) for t in ts], [Fraction(s) for s in slopes], Fraction(value)
    if not ts:
        return value + slopes[0] * z
    if z <= ts[0]:
        return value + slopes[0] * (z - ts[0])
    for left, right, slope in zip(ts, [*ts[1:], None], slopes[1:], strict=True):
        if right is None or z <= right:
            return value + slope * (z - left)
        value += slope * (right - left)
    raise AssertionError


@given(raw_functions(), eighths)
def test_merging_keeps_the_function(raw, z):
    f = PiecewiseLinear(*raw)
    assert f.exact(Fraction(z))[1] == by_definition(*raw, Fraction(z))
    assert all(a != b for a, b in zip(f.slopes, f.slopes[1:], strict=False))


@given(functions(), eighths)
def test_float_equals_rational_where_nothing_rounds(f, z):
    piece, value = f.exact(Fraction(z))
    assert float(f(np.array(z))) == value
    assert int(f.piece(np.array(z))) == piece


@given(functions(numbers), numbers)
def test_float_is_close_to_rational(f, z):
    piece, value = f.exact(Fraction(z))
    assert int(f.piece(np.array(z))) == piece
    size = abs(f.slopes[piece] * z) + abs(float(f.intercepts[piece])) + abs(float(value))
    assert abs(float(f(np.array(z))) - float(value)) <= 1e-15 * 8 * size + 1e-300


@given(functions())
def test_continuity_and_the_piece_of_a_breakpoint(f):
    assert f.pieces == len(f.slopes) == len(f.intercepts)
    for j, t in enumerate(f.breakpoints):
        t = Fraction(t)
        left = Fraction(f.slopes[j]) * t + f.intercepts[j]
        right = Fraction(f.slopes[j + 1]) * t + f.intercepts[j + 1]
        assert left == right
        # A breakpoint belongs to the piece on its left; a moment later the next one begins.
        assert f.exact(t)[0] == f.piece(np.array(float(t))) == j
        assert f.exact(t + Fraction(1, 10**30))[0] == j + 1
        assert f.piece(np.array(math.nextafter(float(t), math.inf))) == j + 1
    if f.breakpoints:
        assert f.exact(Fraction(f.breakpoints[0]))[1] == Fraction(f.value)
    else:
        assert f.exact(Fraction(0))[1] == Fraction(f.value)


@given(functions())
def test_equality_and_hash_ignore_the_name(f):
    other = PiecewiseLinear(f.breakpoints, f.slopes, f.value, "other")
    assert f == other
    assert hash(f) == hash(other)


@given(st.lists(numbers, min_size=1, max_size=20))
def test_the_known_functions(zs):
    z = np.array(zs)
    np.testing.assert_array_equal(RELU(z), np.maximum(z, 0.0))
    np.testing.assert_array_equal(ABS(z), np.abs(z))
    np.testing.assert_array_equal(IDENTITY(z), z)
    np.testing.assert_array_equal(leaky_relu(0.25)(z), np.where(z > 0, z, 0.25 * z))
    np.testing.assert_array_equal(BY_NAME["relu6"](z), np.clip(z, 0.0, 6.0))
    np.testing.assert_array_equal(BY_NAME["hardtanh"](z), np.clip(z, -1.0, 1.0))


@given(eighths, eighths, eighths)
def test_clip(a, b, z):
    lower, upper = sorted((a, b))
    assert float(clip(lower, upper)(np.array(z))) == min(max(z, lower), upper)
    assert float(clip(-math.inf, upper)(np.array(z))) == min(z, upper)
    assert float(clip(lower, math.inf)(np.array(z))) == max(z, lower)


def test_clip_without_ends_is_the_identity():
    assert clip(-math.inf, math.inf) is IDENTITY
    assert clip(2.0, 2.0).pieces == 1
    assert clip(0.0, math.inf) == RELU


@pytest.mark.parametrize(("lower", "upper"), [(1.0, 0.0), (math.nan, 0.0), (0.0, math.nan)])
def test_clip_refuses(lower, upper):
    with pytest.raises(InputError, match=r"^clip: lower must not exceed upper, got "):
        clip(lower, upper)


def test_leaky_relu_of_slope_one_is_the_identity():
    assert leaky_relu(1.0).is_identity
    assert leaky_relu(1.0).pieces == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ((0.0,), (0.0, math.nan)),
            "activation piecewise linear: all numbers must be finite, got (0.0, 0.0, nan, 0.0)",
        ),
        (
            ((math.inf,), (0.0, 1.0), 0.0, "mine"),
            "activation mine: all numbers must be finite, got (inf, 0.0, 1.0, 0.0)",
        ),
        ((0, 1), "activation: breakpoints must be a sequence of numbers, got 0"),
        (("a", (1.0,)), "activation: breakpoints must be a sequence of numbers, got 'a'"),
        (((), ("a",)), "activation: slopes must be a number, got 'a'"),
        (((), (1.0,), None), "activation: value must be a number, got None"),
        (((0.0,), (0.0,)), "activation: 1 breakpoint needs 2 slopes, got 1"),
        (((1.0, 1.0), (0.0, 1.0, 2.0)), "activation: breakpoints must increase strictly, got (1.0, 1.0)"),
        (
            ((0.0, 1e-30), (1e30 + 1e15, 1e30 + 1e15, 0.0), 1e30),
            "activation: merging pieces of equal slope gives a value that is no float64; leave out the breakpoints at "
            "which the slope does not change",
        ),
    ],
)
def test_refused_functions(arguments, sentence):
    with pytest.raises(InputError) as caught:
        PiecewiseLinear(*arguments)
    assert str(caught.value) == sentence


@given(st.lists(functions(), min_size=1, max_size=6))
def test_unit_activations_share_equal_functions(fs):
    units = UnitActivations.of(fs + fs)
    assert units.units == 2 * len(fs)
    assert len(units.functions) == len(set(fs))
    assert [units.functions[k] for k in units.index] == fs + fs
    np.testing.assert_array_equal(units.pieces, [f.pieces for f in fs + fs])
    assert units.is_identity == all(f.is_identity for f in fs)


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (
            lambda: UnitActivations.uniform("relu", 2),  # type: ignore[arg-type]
            "activation: every function must be a PiecewiseLinear, got 'relu'",
        ),
        (
            lambda: UnitActivations((RELU,), np.array([0, 1])),
            "activation: index must name one of 1 function for each unit",
        ),
        (
            lambda: MaxGroups(np.array([0.0, 1.0])),
            "max groups: offsets must be a vector of integers, got array([0., 1.])",
        ),
        (lambda: clip("a", 1.0), "clip: lower must be a number, got 'a'"),  # type: ignore[arg-type]
    ],
)
def test_refused_activations(build, sentence):
    with pytest.raises(InputError) as caught:
        build()
    assert str(caught.value) == sentence


def test_max_groups():
    groups = MaxGroups(np.array([0, 3, 4, 6]))
    assert groups.units == 3
    assert groups.pieces.tolist() == [3, 1, 2]
    assert not groups.is_identity
    assert MaxGroups(np.array([0, 1, 2])).is_identity
