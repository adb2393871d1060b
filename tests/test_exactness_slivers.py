"""Cells of area 1e-17 and far below: they count, and what only looks like a cell does not."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import strategies
from hypothesis import HealthCheck, given, settings
from known_nets import he_net
from oracle.compare import assert_same

from linregions.activations import RELU
from linregions.domain import Box, Segment, Space
from linregions.network import Network

QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck)}
SQUARE = Box.cube(-1, 1, 2)
ULP = 2.0**-52
GAPS = [1e-3, 4e-9, 1e-9, 1e-12, ULP, 1e-17, 1e-100, 1e-300, 5e-324]


def relu_net(*layers: tuple) -> Network:
    """Hidden ReLU layers and a sum."""
    width = len(layers[-1][1])
    return Network.from_arrays([*layers, (np.ones((1, width)), [0.0])], activation=RELU)


@pytest.mark.parametrize("gap", GAPS)
def test_a_triangle_of_area_half_gap_squared(gap: float) -> None:
    rows = [[1, 0], [0, 1], [1, 1]]
    for domain in (SQUARE, Space(2)):
        assert assert_same(relu_net((rows, [0, 0, -gap])), domain) == 7
        assert assert_same(relu_net((rows, [0, 0, 0])), domain) == 6


@pytest.mark.parametrize("gap", GAPS)
def test_a_tetrahedron_of_volume_gap_cubed(gap: float) -> None:
    rows = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]
    assert assert_same(relu_net((rows, [0, 0, 0, -gap])), Box.cube(-1, 1, 3)) == 15
    assert assert_same(relu_net((rows, [0, 0, 0, 0])), Box.cube(-1, 1, 3)) == 14


@pytest.mark.parametrize("gap", GAPS)
def test_a_strip_of_width_gap(gap: float) -> None:
    assert assert_same(relu_net(([[1, 0], [1, 0]], [0, -gap])), SQUARE) == 3
    assert assert_same(relu_net(([[1, 0], [-1, 0]], [0, gap])), SQUARE) == 3
    assert assert_same(relu_net(([[1, 0], [-1, 0]], [0, 0])), SQUARE) == 2


@pytest.mark.parametrize("gap", GAPS)
def test_a_box_of_height_gap(gap: float) -> None:
    thin = Box([0.0, 0.0], [1.0, gap])
    # The diagonal of the thin box, a line through one corner, and one just inside it.
    net = relu_net(([[gap, -1], [0, 1], [1, 1]], [0, -gap, -0.5]))
    assert_same(net, thin)
    assert assert_same(relu_net(([[gap, -1]], [0.0])), thin) == 2
    assert assert_same(relu_net(([[0, 1]], [-gap])), thin) == 1


def test_three_lines_through_a_third_shifted_by_ulps() -> None:
    rows = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    seen = set()
    for shift in itertools.product(range(-1, 2), repeat=3):
        offsets = [-(1 / 3) + shift[0] * ULP / 4, -(1 / 3) + shift[1] * ULP / 4, -(2 / 3) + shift[2] * ULP / 2]
        seen.add(assert_same(relu_net((rows, offsets)), SQUARE))
    assert seen == {6, 7}


def test_lines_that_differ_by_one_ulp_cross_where_they_do() -> None:
    up = float(np.nextafter(1.0, 2.0))
    assert assert_same(relu_net(([[1, 1], [1, up]], [0, 0])), SQUARE) == 4
    # Parallel up to one ulp, they meet at y = -1, on the square's side, or beyond it.
    assert assert_same(relu_net(([[1, 1], [1, up]], [0, ULP])), SQUARE) == 3
    assert assert_same(relu_net(([[1, 1], [1, up]], [0, 2 * ULP])), SQUARE) == 3
    assert assert_same(relu_net(([[1, 1], [1, up]], [0, 2 * ULP])), Space(2)) == 4


def test_the_side_of_a_box_one_ulp_away() -> None:
    net = relu_net(([[1.0]], [-1.0]))
    assert assert_same(net, Box([0.0], [1.0])) == 1
    assert assert_same(net, Box([0.0], [float(np.nextafter(1.0, 2.0))])) == 2
    assert assert_same(net, Segment([0.0], [float(np.nextafter(1.0, 2.0))])) == 2
    assert assert_same(net, Segment([float(np.nextafter(1.0, 0.0))], [-5.0])) == 1


@pytest.mark.parametrize("gap", GAPS)
def test_slivers_of_a_second_layer(gap: float) -> None:
    first = ([[1, 0], [0, 1], [-1, 1]], [0.0, 0.0, 0.0])
    second = ([[1, 1, 0], [1, -1, 1], [1, 0, -1]], [-gap, gap, 0.0])
    assert_same(relu_net(first, second), SQUARE)
    assert_same(relu_net(first, second), Space(2))


@pytest.mark.parametrize("gap", [1e-9, 1e-13, ULP, 1e-17])
def test_slivers_between_almost_equal_units_of_a_second_layer(gap: float) -> None:
    net = he_net((2, 4, 2, 1), 3)
    (w1, b1), (w2, b2) = ((s.weight, s.bias) for s in net.stages[:2])
    almost = w2 * (1 + gap), b2 - gap * np.abs(b2)
    twice = (np.vstack([w2, almost[0]]), np.concatenate([b2, almost[1]]))
    assert_same(relu_net((w1, b1), twice), SQUARE)


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_one_layer_at_the_ends_of_the_range(scale: float) -> None:
    rows = np.array([[1, 0], [0, 1], [1, 1]]) * np.array([[scale], [1.0], [1 / scale]])
    assert assert_same(relu_net((rows, [0, 0, -1e-30 / scale])), SQUARE) == 7
    deep = (np.array([[1 / scale, -scale, 1.0], [scale, scale, -scale]]), [0.0, -scale])
    assert_same(relu_net((rows, [0, 0, -1e-30 / scale]), deep), SQUARE)


def test_many_lines_through_almost_one_point() -> None:
    angles = np.arange(8) * math.pi / 8
    rows = np.column_stack([np.cos(angles), np.sin(angles)])
    point = np.array([0.1, 0.2])
    assert_same(relu_net((rows, -(rows @ point))), SQUARE)
    assert assert_same(relu_net((rows, np.zeros(8))), SQUARE) == 16


@settings(max_examples=150, **QUIET)
@given(strategies.sliver_cases())
def test_random_slivers(case: strategies.Case) -> None:
    assert_same(case.network, case.domain)


@pytest.mark.slow
@settings(max_examples=3000, **QUIET)
@given(strategies.sliver_cases())
def test_random_slivers_at_length(case: strategies.Case) -> None:
    assert_same(case.network, case.domain)
