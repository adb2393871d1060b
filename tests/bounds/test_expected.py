"""Bounds on expected numbers and the closed form of one layer: worked values, limits, and an independent integral."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import integrate, stats

from linregions import Box, InputError, Plane, Segment, Space
from linregions.bounds import ConditionError
from linregions.bounds.expected import (
    gaussian_density,
    hanin_rolnick,
    hanin_rolnick_density,
    heuristic_density,
    one_layer,
    one_layer_line,
    one_layer_vertices,
)
from linregions.combinatorics import zaslavsky

SCALES = {"weight_std": 1.3, "bias_std": 0.6}
numbers = st.floats(-5, 5, allow_nan=False).map(lambda v: round(v, 3))
stds = st.floats(0.1, 3).map(lambda v: round(v, 3))


def test_worked_values():
    assert one_layer_line(50, 2.0, weight_std=1.0, bias_std=0.7).value == pytest.approx(40.283, abs=5e-4)
    assert hanin_rolnick_density(20, 2, c_grad=1, c_bias=1).value == 204_800
    assert heuristic_density(20, 2).value == 200
    assert heuristic_density(60, 3).value == 36_000
    assert hanin_rolnick_density(3, 4, c_grad=1, c_bias=1).value == 8
    assert hanin_rolnick(20, 2, volume=3, c_grad=0.5, c_bias=2, c_manifold=1.5).value == 190 * 9 * 3


@given(st.integers(1, 50), stds, stds, st.floats(0.1, 10))
def test_the_line_is_the_probability_that_a_cauchy_breakpoint_falls_inside(n, s_w, s_b, t):
    breakpoints = stats.cauchy(scale=s_b / s_w)
    expected = 1 + n * (breakpoints.cdf(t) - breakpoints.cdf(-t))
    assert one_layer_line(n, t, weight_std=s_w, bias_std=s_b).value == pytest.approx(expected, rel=1e-9)
    segment = one_layer(n, Segment([-t], [t]), weight_std=s_w, bias_std=s_b)
    assert segment.value == pytest.approx(expected, rel=1e-9)
    assert one_layer(n, Box.cube(-t, t, 1), weight_std=s_w, bias_std=s_b).value == segment.value


@given(st.lists(st.tuples(numbers, numbers), min_size=2, max_size=2), st.floats(0.1, 0.9))
def test_a_segment_is_the_sum_of_its_parts(ends, s):
    p, q = map(np.array, ends)
    assume(np.linalg.norm(p - q) > 0.1)
    middle = p + s * (q - p)
    whole = one_layer(7, Segment(p, q), **SCALES).value
    parts = [one_layer(7, Segment(a, b), **SCALES).value for a, b in ((p, middle), (middle, q))]
    assert whole - 1 == pytest.approx(sum(parts) - 2, rel=1e-9)


@given(numbers, numbers, st.floats(0.1, 5), st.floats(0.1, 5))
def test_the_crossings_in_a_box_are_the_integral_of_their_density(x, y, width, height):
    """The crossing of two lines, a uniform direction (s_w x, s_b), has the density of a two-dimensional Cauchy law."""
    r = SCALES["bias_std"] / SCALES["weight_std"]

    def density(v, u):
        return r / (2 * math.pi) / (r * r + u * u + v * v) ** 1.5

    expected, _ = integrate.dblquad(density, x, x + width, y, y + height, epsabs=1e-9)
    box = Box([x, y], [x + width, y + height])
    assert one_layer_vertices(9, box, **SCALES).value == pytest.approx(36 * expected, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("n", [1, 2, 5, 20])
def test_the_whole_plane_is_zaslavsky(n):
    assert one_layer(n, Box.cube(-1e7, 1e7, 2), **SCALES).value == pytest.approx(zaslavsky(n, 2), rel=1e-5)


def test_a_plane_slice_is_the_box_that_it_is():
    box = Box([-1.0, -1.0], [2.0, 1.0])
    plane = Plane([0, 0], [1, 0], [0, 1], [[-1, -1], [2, -1], [2, 1], [-1, 1]])
    assert one_layer(9, plane, **SCALES).value == pytest.approx(one_layer(9, box, **SCALES).value, rel=1e-12)
    # In three inputs: the plane x_3 = 0 sees the same arrangement.
    higher = Plane([0, 0, 0], [1, 0, 0], [0, 1, 0], [[-1, -1], [2, -1], [2, 1], [-1, 1]])
    assert one_layer(9, higher, **SCALES).value == pytest.approx(one_layer(9, box, **SCALES).value, rel=1e-12)


@given(st.integers(2, 30), st.floats(0.1, 3), stds, stds)
def test_the_volume_bound_is_above_the_closed_form_of_one_layer(n, t, s_w, s_b):
    box = Box.cube(-t, t, 2)
    # E|grad z|^2 = 2 s_w^2 for a row of two Gaussian weights.
    constants = {"c_grad": math.sqrt(2) * s_w, "c_bias": gaussian_density(s_b)}
    exact = one_layer_vertices(n, box, weight_std=s_w, bias_std=s_b)
    assert exact.value <= hanin_rolnick(n, 2, volume=4 * t * t, **constants).value
    line = one_layer(n, Segment([-t], [t]), weight_std=s_w, bias_std=s_b)
    bound = hanin_rolnick(n, 1, volume=2 * t, c_grad=s_w, c_bias=gaussian_density(s_b))
    assert line.value - 1 <= bound.value


def test_a_value_beyond_floats_is_the_integer_above():
    huge = heuristic_density(10**4, 200)
    assert isinstance(huge.value, int)
    assert huge.value == -(-(10**800) // math.factorial(200))
    assert huge.log10 == pytest.approx(800 - math.lgamma(201) / math.log(10))
    assert "e425" in str(huge)


def test_what_is_not_verified_proves_nothing():
    for record in (heuristic_density(4, 2), hanin_rolnick_density(4, 2, c_grad=1, c_bias=1)):
        assert record.status == "conjectured"
        assert "proves nothing" in str(record)
    for record in (heuristic_density(4, 2), one_layer_line(4, 1, weight_std=1, bias_std=1)):
        assert not record.proven
        assert record.direction == "expected"
        said = json.loads(json.dumps(record.as_dict()))
        assert said["proven"] is False
        assert said["assumptions"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: heuristic_density(0, 2), "units must be"),
        (lambda: heuristic_density(2, 2.5), "inputs must be"),
        (lambda: hanin_rolnick(5, 0, volume=1, c_grad=1, c_bias=1), "codimension must be"),
        (lambda: hanin_rolnick(5, 1, volume=-1, c_grad=1, c_bias=1), "volume must be positive"),
        (lambda: one_layer_line(5, 1, weight_std=0, bias_std=1), "weight_std must be positive"),
        (lambda: one_layer_line(5, math.inf, weight_std=1, bias_std=1), "half_length must be positive"),
    ],
)
def test_bad_numbers(call, words):
    with pytest.raises(InputError, match=words):
        call()


@pytest.mark.parametrize("domain", [Space(2), Box.cube(0, 1, 3), "a box"])
def test_domains_without_a_closed_form(domain):
    with pytest.raises(ConditionError, match="needs a Segment, a Plane or a Box of dimension 1 or 2"):
        one_layer(5, domain, weight_std=1, bias_std=1)
    with pytest.raises(ConditionError, match="needs a polygon"):
        one_layer_vertices(5, Segment([0], [1]), weight_std=1, bias_std=1)
