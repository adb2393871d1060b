"""Fans: every point lies in one cone, and the cones are those of the cells on a box."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from origin_cases import near
from test_cells import one_norm
from test_mesh import signed_volume

from linregions import Box, InputError, Network
from linregions.activations import MaxGroups
from linregions.lyapunov.geometry.cells import cells_of
from linregions.lyapunov.geometry.fan import fan_of
from linregions.stage import Stage


def all_pairs(n):
    """The hyperplanes x_i = 0 and x_i = +-x_j, whose cones are simplicial."""
    rows = [np.eye(n)[i] for i in range(n)]
    rows += [np.eye(n)[i] + s * np.eye(n)[j] for i in range(n) for j in range(i) for s in (1, -1)]
    return Network.from_arrays(
        [(np.array(rows), np.zeros(len(rows))), (np.ones((1, len(rows))), [0.0])], activation="abs"
    )


def check_fan(fan):
    """Cones that meet in whole facets, on opposite sides, with rays on which the exact values are the network's."""
    ridges = Counter(tuple(np.delete(cone, j)) for cone in fan.cones for j in range(fan.dim))
    assert set(ridges.values()) == {2}
    assert np.all(np.diff(fan.cones, axis=1) > 0)
    here = np.arange(len(fan))
    for j in range(fan.dim):
        assert np.all(np.any(fan.neighbours[fan.neighbours[:, j]] == here[:, None], axis=1))
    zero = [Fraction(0)] * fan.dim
    for i in range(0, len(fan), 1 + len(fan) // 40):
        rays = [list(map(Fraction, fan.rays[k])) for k in fan.cones[i]]
        assert signed_volume([zero, *rays])
        for j, other in enumerate(fan.neighbours[i]):
            (apex,) = set(fan.cones[other]) - set(np.delete(fan.cones[i], j))
            wall = rays[:j] + rays[j + 1 :]
            mine, theirs = (signed_volume([zero, *wall, list(map(Fraction, r))]) for r in (rays[j], fan.rays[apex]))
            assert mine * theirs < 0
    for k, ray in enumerate(fan.rays):
        assert math.gcd(*ray) == 1
        values = fan.network.exact_values(list(map(Fraction, ray)))
        assert fan.exact_values(k + 1) == values
        found = zip(fan.values[k + 1], values, fan.value_errors[k + 1], strict=True)
        assert all(near(f, e, b) for f, e, b in found)


@pytest.mark.parametrize("n", [1, 2, 3, 6, 9])
def test_one_norm(n):
    fan = fan_of(one_norm(n), n)
    assert len(fan) == 2**n
    assert sorted(fan.rays) == sorted(tuple(s * int(i == j) for j in range(n)) for i in range(n) for s in (1, -1))
    assert sorted(tuple(fan.exact_slope(i, 0)) for i in range(len(fan))) == sorted(product([-1, 1], repeat=n))
    check_fan(fan)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_all_pairs(n):
    fan = fan_of(all_pairs(n))
    assert len(fan) == 2**n * math.factorial(n)
    assert len(fan.rays) == 3**n - 1
    check_fan(fan)
    cells = cells_of(all_pairs(n), Box.cube(-1, 1, n))
    ends = {tuple(x for x in cells.exact_vertex(v)[:-1]) for v in range(len(cells.points)) if v != cells.origin}
    assert ends == set(fan.rays)  # the cube's points with coordinates -1, 0, 1, which are coprime


@given(st.integers(0, 2**32), st.integers(1, 9))
@settings(max_examples=15)
def test_any_lines_of_the_plane(seed, count):
    rng = np.random.default_rng(seed)
    rows = rng.choice([rng.normal(size=(count, 2)), rng.integers(-3, 4, size=(count, 2)) * 1.0])
    rows = np.concatenate([rows, -rows[:1], np.eye(2)])
    net = Network.from_arrays([(rows, np.zeros(len(rows))), (rng.normal(size=(2, len(rows))), [0.0, 0.0])])
    fan = fan_of(net)
    assert len(fan) == len(fan.rays) == len(cells_of(net, Box.cube(-1, 1, 2)))
    check_fan(fan)


@pytest.mark.parametrize("n", [3, 4, 5])
def test_long_integers(n):
    # Rows with 53 bits: the rays have too many for any float, and some cones many facets less than orthogonal.
    rng = np.random.default_rng(n)
    frame = rng.normal(size=(n, n))
    net = Network.from_arrays([(frame, np.zeros(n)), (np.ones((1, n)), [0.0])], activation="abs")
    fan = fan_of(net)
    assert len(fan) == 2**n
    assert len(fan.rays) == 2 * n
    assert max(abs(v) for ray in fan.rays for v in ray) > 2**60
    check_fan(fan)


def test_every_point_lies_in_one_cone():
    fan = fan_of(all_pairs(3))
    rng = np.random.default_rng(0)
    for x in rng.normal(size=(20, 3)):
        x = [Fraction(float(v)) for v in x]
        holding = [i for i in range(len(fan)) if all(c > 0 for c in coordinates(fan, i, x))]
        assert len(holding) == 1
        (cone,) = holding
        slope = fan.exact_slope(cone, 0)
        assert fan.network.exact_values(x) == [sum(a * b for a, b in zip(slope, x, strict=True))]


def coordinates(fan, i, x):
    """Of x in the rays of a cone, by Cramer's rule."""
    zero, rays = [Fraction(0)] * fan.dim, [list(map(Fraction, fan.rays[k])) for k in fan.cones[i]]
    whole = signed_volume([zero, *rays])
    return [signed_volume([zero, *rays[:j], x, *rays[j + 1 :]]) / whole for j in range(fan.dim)]


def test_as_a_mesh():
    fan = fan_of(one_norm(3))
    lifted = fan.lifted([0])
    assert lifted.points.shape == (8, 4, 4)
    assert np.all(lifted.origin == 0)
    for i in range(8):
        first, *rest = lifted.exact(i)
        assert list(first) == [0, 0, 0, 0, 1]
        assert all(row[-2:] == [1, 1] for row in rest)
    assert fan.slope_weights().exact(0) == fan.exact_slope(0, 0)


def test_what_has_no_fan_is_one_sentence():
    generic = Network.from_arrays(
        [(np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1.0]]), np.zeros(4)), ([[1.0] * 4], [0.0])]
    )
    with pytest.raises(InputError, match="has 4 facets in dimension 3, so 3 rays do not span it"):
        fan_of(generic)
    flat = Network.from_arrays([([[1.0, 0.0]], [0.0]), ([[1.0]], [0.0])])
    with pytest.raises(InputError, match="has 1 facet in dimension 2"):
        fan_of(flat)
    with pytest.raises(InputError, match=r"layer 1 of .* has biases"):
        fan_of(Network.from_arrays([([[1.0], [-1.0]], [0.0, 1.0]), ([[1.0, 1.0]], [0.0])]))
    with pytest.raises(InputError, match=r"layer 2 of .* has pieces"):
        fan_of(Network.from_arrays([([[1.0]], [0.0]), ([[1.0]], [0.0]), ([[1.0]], [0.0])]))
    with pytest.raises(InputError, match="does not break at 0 only"):
        fan_of(Network.from_arrays([([[1.0]], [0.0]), ([[1.0]], [0.0])], activation="hardtanh"))
    with pytest.raises(InputError, match="has pieces, and a fan takes one layer"):
        fan_of(Network((Stage(np.eye(2), np.zeros(2), MaxGroups(np.array([0, 2]))),)))
    with pytest.raises(InputError, match="dim: the network takes 2 inputs, got 3"):
        fan_of(one_norm(2), 3)
    with pytest.raises(InputError, match="network: expected a Network"):
        fan_of([1])
