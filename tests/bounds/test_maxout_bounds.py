"""Bounds for maxout: values, other formulas for the same numbers, and the engine's counts."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions import Network, Space, bounds, count
from linregions.activations import IDENTITY, MaxGroups, UnitActivations
from linregions.bounds.bound import ConditionError
from linregions.bounds.maxout import (
    maxout_layer_lower,
    maxout_layer_upper,
    maxout_without_biases,
    montufar_2014_maxout,
    serra_2018_maxout,
    tseran_montufar_2021,
    tseran_montufar_2021_boundary,
)
from linregions.combinatorics import central
from linregions.errors import InputError
from linregions.stage import Stage

RANKS = st.lists(st.integers(2, 5), min_size=1, max_size=6)


def e(ranks, j):
    """Elementary symmetric polynomial as it is defined."""
    return sum(math.prod(s) for s in combinations(ranks, j))


def maxout_net(inputs, layers, rng, *, biases=True):
    """Random integer weights; `layers` holds the ranks of the units of every layer."""
    stages, width = [], inputs
    for ranks in layers:
        rows, offsets = sum(ranks), np.concatenate([[0], np.cumsum(ranks)])
        bias = rng.integers(-50, 51, size=rows).astype(float) if biases else np.zeros(rows)
        stages.append(Stage(rng.integers(-50, 51, size=(rows, width)).astype(float), bias, MaxGroups(offsets)))
        width = len(ranks)
    stages.append(Stage(np.ones((1, width)), np.zeros(1), UnitActivations.uniform(IDENTITY, 1)))
    return Network(tuple(stages))


def asked(function, architecture, rank):
    return function(architecture, activation="maxout", rank=rank).value


def test_published_values():
    assert asked(montufar_2014_maxout, "2;2,2,2", 3) == 81
    assert asked(montufar_2014_maxout, "3;3,3,3", 2) == 32
    assert asked(serra_2018_maxout, "2;3", 3) == 46
    assert asked(serra_2018_maxout, "2;3,3", 3) == 2116
    assert asked(bounds.general, "2;3,3", 3) == 361
    for (n, m, k), value in {(2, 2, 4): 16, (2, 3, 3): 19, (2, 4, 3): 33, (2, 2, 3): 9}.items():
        assert asked(bounds.general, (n, [m]), k) == value
    assert [asked(maxout_without_biases, s, 3) for s in ("2;3", "3;3", "3;4")] == [9, 20, 36]


@given(RANKS, st.integers(1, 6))
def test_one_layer_with_biases_is_the_alternating_sum(ranks, n):
    """The maximum in the two forms of Montúfar, Ren, Zhang 2022."""
    m = len(ranks)
    net = maxout_net(max(n, 1), [ranks], np.random.default_rng(0))
    value = bounds.general(net).value
    assert value == sum(e([k - 1 for k in ranks], j) for j in range(n + 1))
    if m > n:
        assert value == sum((-1) ** (n - j) * math.comb(m - 1 - j, n - j) * e(ranks, j) for j in range(n + 1))
    else:
        assert value == math.prod(ranks)


@given(st.integers(1, 9), st.integers(1, 9))
def test_rank_two_is_relu(n, m):
    assert asked(maxout_without_biases, (n, [m]), 2) == central(m, n)
    assert asked(serra_2018_maxout, (n, [m]), 2) == bounds.montufar_2017((n, [m])).value
    assert asked(bounds.general, (n, [m, m]), 2) == bounds.montufar_2017((n, [m, m])).value


@given(st.integers(1, 5), st.lists(st.integers(1, 6), min_size=1, max_size=3), st.integers(2, 4))
def test_the_bounds_are_in_order(n, widths, k):
    a = (n, widths)
    sharp = asked(bounds.general, a, k)
    assert sharp <= asked(serra_2018_maxout, a, k)
    assert sharp <= k ** sum(widths) == asked(bounds.trivial, a, k)
    assert asked(montufar_2014_maxout, (n, [n] * len(widths)), k) <= asked(bounds.general, (n, [n] * len(widths)), k)
    if len(widths) == 1:
        assert asked(maxout_without_biases, a, k) <= sharp
        assert asked(maxout_layer_lower, a, k) <= sharp <= asked(maxout_layer_upper, a, k)


@given(st.integers(1, 8), st.integers(1, 8), st.integers(1, 3))
def test_scalar_pieces_and_maxout_have_the_same_bound(n, m, depth):
    """A scalar unit with 3 pieces is two parallel hyperplanes, like the best maxout unit of rank 3."""
    assert bounds.general((n, [m] * depth), activation="hardtanh").value == asked(bounds.general, (n, [m] * depth), 3)
    assert bounds.general((n, [m]), activation="abs").value == asked(bounds.general, (n, [m]), 2)


def test_scalar_values():
    assert bounds.general("2;4", activation="hardtanh").value == 33
    assert bounds.general("1;5,5", activation="hardtanh").value == 121


@given(st.integers(1, 3), RANKS.filter(lambda r: sum(r) <= 12), st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_no_layer_has_more(n, ranks, seed):
    rng = np.random.default_rng(seed)
    biased, free = (maxout_net(n, [ranks], rng, biases=b) for b in (True, False))
    regions = count(biased, Space(n)).value
    assert regions <= bounds.general(biased).value <= serra_2018_maxout(biased).value
    assert count(free, Space(n)).value <= maxout_without_biases(free).value


@given(st.lists(RANKS.filter(lambda r: sum(r) <= 7), min_size=2, max_size=3), st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_no_deep_net_has_more(layers, seed):
    net = maxout_net(2, layers, np.random.default_rng(seed))
    assert count(net, Space(2)).value <= bounds.general(net).value <= serra_2018_maxout(net).value


@pytest.mark.parametrize(("seed", "units"), [(0, 1), (1, 2), (2, 3), (3, 5)])
def test_triangles_attain_the_maximum_without_biases(seed, units):
    """In the plane, a Minkowski sum of triangles in general position has all their edges."""
    net = maxout_net(2, [[3] * units], np.random.default_rng(seed), biases=False)
    assert count(net, Space(2)).value == maxout_without_biases(net).value == 3 * units


@pytest.mark.parametrize(("units", "seed", "value"), [(2, 3, 9), (3, 20, 20), (4, 96, 36)])
def test_some_triangles_in_space_attain_it_too(units, seed, value):
    net = maxout_net(3, [[3] * units], np.random.default_rng(seed), biases=False)
    assert count(net, Space(3)).value == maxout_without_biases(net).value == value


def test_expected_numbers_with_the_constants_of_the_source():
    arguments = {"rank": 2, "volume": 36.0, "c_bias": 1.9095, "c_grad": 1.0}
    regions, pieces = (f("2;8,8,4", **arguments) for f in (tseran_montufar_2021, tseran_montufar_2021_boundary))
    assert regions.value == pytest.approx(107_528_470, rel=1e-4)
    assert pieces.value == pytest.approx(2_688_211, rel=1e-4)
    assert regions.value / pieces.value == pytest.approx(40)
    assert not regions.proven
    assert regions.status == pieces.status == "conjectured"
    assert any("c_grad" in text for text in regions.assumptions)
    huge = tseran_montufar_2021("400;1000", rank=3, volume=1.0, c_bias=1.0, c_grad=1.0)
    assert isinstance(huge.value, int)


@pytest.mark.parametrize("function", [maxout_layer_lower, maxout_layer_upper])
def test_what_was_not_verified_proves_nothing(function):
    b = function("2;3", activation="maxout", rank=3)
    assert (b.status, b.proven) == ("conjectured", False)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: asked(montufar_2014_maxout, "2;2,3", 3), ConditionError, "hidden layer 2 as inputs"),
        (lambda: serra_2018_maxout("2;3"), ConditionError, "covers maxout units"),
        (lambda: asked(maxout_without_biases, "2;3,3", 3), ConditionError, "one hidden layer"),
        (lambda: asked(maxout_layer_upper, "2;3,3", 3), ConditionError, "one hidden layer"),
        (
            lambda: maxout_layer_lower(maxout_net(2, [[2, 3]], np.random.default_rng(0))),
            ConditionError,
            "all have one rank",
        ),
        (
            lambda: maxout_without_biases(maxout_net(2, [[2, 3]], np.random.default_rng(0))),
            ConditionError,
            "has biases",
        ),
        (lambda: tseran_montufar_2021("2;3", rank=2, volume=0, c_bias=1, c_grad=1), InputError, "volume must be"),
        (lambda: tseran_montufar_2021("2;3", rank=1, volume=1, c_bias=1, c_grad=1), InputError, "rank"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()
