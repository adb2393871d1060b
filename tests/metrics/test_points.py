"""Metrics at points: against exact half-spaces, brute force, and each other."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from point_nets import KINDS, kinds, random_network, seeds, styles

from linregions.activations import RELU, UnitActivations
from linregions.counting import enumerate_regions
from linregions.domain import Box, Plane
from linregions.errors import InputError
from linregions.metrics.distances import boundary_distance, boundary_distances, exact_boundary_distance
from linregions.metrics.norms import operator_norm
from linregions.network import Network
from linregions.stage import Stage


@given(seeds, kinds, styles)
@settings(max_examples=40, deadline=None)
def test_distances_are_those_of_the_exact_half_spaces(seed, kind, style):
    net = random_network(seed, 3, (5, 4), kind, style=style)
    x = np.random.default_rng(seed).normal(size=(4, 3))
    found = boundary_distance(net, x)
    for k, point in enumerate(x):
        square, who = exact_boundary_distance(net, point)
        if who == (-1, -1):
            assert found.values[k] == math.inf
            assert found.stages[k] == -1
            continue
        exact = math.sqrt(square)
        assert found.values[k] == pytest.approx(exact, rel=1e-9, abs=1e-13)
        if found.values[k] > 1e-9:
            row = exact_rows(net, point)[(int(found.stages[k]), int(found.units[k]))]
            assert min(row) == pytest.approx(exact, rel=1e-9)  # a unit that attains the minimum


def exact_rows(net, point):
    from types import SimpleNamespace

    from linregions.domain import Space
    from linregions.partition.rows import region_rows

    here = SimpleNamespace(network=net, domain=Space(net.input_dim), patterns=net.pattern(point)[None, :])
    out = {}
    for column, row in region_rows(here, 0)[0]:
        if any(row[:-1]):
            level = sum(a * Fraction(float(v)) for a, v in zip(row[:-1], point, strict=True)) + row[-1]
            out.setdefault((column.stage, column.unit), []).append(
                abs(float(level)) / math.sqrt(sum(a * a for a in row[:-1]))
            )
    return out


@pytest.mark.parametrize("kind", KINDS)
def test_distance_is_that_of_the_region_in_a_large_box(kind):
    net = random_network(3, 2, (6, 5), kind)
    box = Box.cube(-20, 20, 2)
    partition = enumerate_regions(net, box, threads=1)
    x = np.random.default_rng(4).uniform(-3, 3, (12, 2))
    found = boundary_distance(net, x).values
    for point, index, value in zip(x, partition.locate(x), found, strict=True):
        side = 20 - np.max(np.abs(point))
        assert min(value, side) == pytest.approx(partition[int(index)].distance(point), rel=1e-9)


@given(seeds, kinds)
@settings(max_examples=20, deadline=None)
def test_no_unit_that_was_ruled_out_is_nearer(seed, kind):
    net = random_network(seed, 6, (16, 12, 8), kind)
    x = np.random.default_rng(seed).normal(size=(20, 6))
    every = boundary_distances(net, x)
    assert np.allclose(boundary_distance(net, x).values, every.min(axis=1), rtol=1e-12, atol=0)


def test_distance_within_a_plane_is_that_of_the_slice():
    net = random_network(8, 5, (8, 6))
    rng = np.random.default_rng(1)
    p, u = rng.normal(size=5), np.linalg.qr(rng.normal(size=(5, 2)))[0].T
    plane = Plane(p, p + u[0], p + u[1], [[-9, -9], [9, -9], [9, 9], [-9, 9]])
    partition = enumerate_regions(net, plane, threads=1)
    t = rng.uniform(-2, 2, (10, 2))
    x = plane.inputs(t)
    found = boundary_distance(net, x, within=plane).values
    assert np.allclose(found, boundary_distance(net, x, within=u).values, rtol=1e-9)
    assert np.all(found >= boundary_distance(net, x).values)
    for point, index, value in zip(t, partition.locate(x), found, strict=True):
        assert value == pytest.approx(partition[int(index)].distance(point), rel=1e-9)


def test_constant_units_bound_nothing_and_a_point_on_a_boundary_is_at_distance_zero():
    dead = Network.from_arrays([([[1.0, 0.0], [0.0, 0.0]], [0.0, 0.0]), ([[-1.0, 1.0]], [-1.0]), ([[1.0]], [0.0])])
    found = boundary_distance(dead, [[2.0, 0.0], [0.0, 0.0], [-3.0, 1.0]])
    assert found.values.tolist() == [2.0, 0.0, 3.0]
    nothing = boundary_distance(Network.from_arrays([([[1.0, 2.0]], [0.0])]), [[0.0, 0.0]])
    assert nothing.values.tolist() == [math.inf]
    assert nothing.units.tolist() == [-1]


def test_a_gradient_that_cancels_is_zero_and_not_rounding():
    # 0.1 + 0.2 - 0.3 as weights of one unit on three equal ones: 2^-54, truly not zero; with 0.5 it is zero.
    first = ([[1.0]] * 3, [5.0] * 3)
    not_zero = Network.from_arrays([first, ([[0.1, 0.2, -0.3]], [1.0]), ([[1.0]], [0.0])])
    zero = Network.from_arrays([first, ([[0.25, 0.5, -0.75]], [0.0]), ([[1.0]], [0.0])])
    slope = float(Fraction(0.1) + Fraction(0.2) - Fraction(0.3))
    rows = boundary_distances(not_zero, [[0.0]])[0]
    assert rows[3] == pytest.approx((1.0 + 5 * slope) / slope, rel=1e-9)
    assert boundary_distances(zero, [[0.0]])[0, 3] == math.inf


def test_distances_do_not_change_under_positive_rescaling():
    net = random_network(5, 4, (8, 8))
    a = np.exp(np.random.default_rng(0).normal(size=8))
    one, two, three = net.stages
    plain = [Stage(s.weight, s.bias, s.activation) for s in net.stages]
    scaled = Network(
        (
            Stage(plain[0].weight * a[:, None], plain[0].bias * a, one.activation),
            Stage(plain[1].weight / a, two.bias, two.activation),
            three,
        )
    )
    x = np.random.default_rng(1).normal(size=(10, 4))
    assert np.allclose(
        boundary_distance(Network(tuple(plain)), x).values, boundary_distance(scaled, x).values, rtol=1e-9
    )


@pytest.mark.parametrize("size", [1e-200, 1e-150, 1.0, 1e150])
def test_distances_do_not_depend_on_the_size_of_the_weights(size):
    w, b = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([0.5, 0.25])
    net = Network.from_arrays([(w * size, b * size), ([[0.5, 0.5]], [0.0]), ([[1.0]], [0.0])])
    found = boundary_distance(net, [[1.0, 1.0]])
    assert found.values[0] == pytest.approx(2.25 / math.sqrt(10))
    assert (found.stages[0], found.units[0]) == (0, 1)


@given(seeds, st.integers(1, 6), st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_the_bound_on_an_operator_norm_is_one(seed, rows, columns):
    w = np.random.default_rng(seed).normal(size=(rows, columns)) * 10.0 ** (seed % 7)
    stage = Stage(w, np.zeros(rows), UnitActivations.uniform(RELU, rows))
    assert np.linalg.norm(w, 2) <= operator_norm(stage) <= 1.3 * np.linalg.norm(w, 2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"x": [[1.0, 2.0, 3.0]]}, "x: expected"),
        ({"x": [[1.0, np.nan]]}, "NaN"),
        ({"x": [[1.0, 2.0]], "within": [[1.0, 2.0], [2.0, 4.0]]}, "depend"),
        ({"x": [[1.0, 2.0]], "within": Box.cube(0, 1, 2)}, "no slice"),
    ],
)
def test_bad_arguments_are_one_sentence(arguments, words):
    net = random_network(0, 2, (3,))
    with pytest.raises(InputError, match=words):
        boundary_distance(net, **arguments)


def test_no_points_and_no_boundaries_are_results_too():
    from linregions.metrics import across_nearest, jac_norm, local_complexity, local_rank, normal_angles

    linear = Network.from_arrays([(np.eye(3), np.zeros(3))])
    for net in (linear, random_network(0, 3, (4,))):
        for function in (boundary_distance, jac_norm, local_rank, normal_angles, across_nearest):
            assert repr(function(net, np.zeros((0, 3))))
            assert repr(function(net, np.ones((2, 3))))
        assert len(boundary_distance(net, np.zeros((0, 3)))) == 0
        assert repr(local_complexity(net, np.zeros((0, 3)), radius=1.0, directions=2))
    assert boundary_distance(linear, np.ones((2, 3))).values.tolist() == [math.inf, math.inf]
    assert across_nearest(linear, np.ones((2, 3))).jump.tolist() == [0.0, 0.0]
