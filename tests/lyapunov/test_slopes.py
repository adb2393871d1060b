"""Affine maps: float64 within its bounds of the rational ones, integers equal to them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from origin_cases import near
from strategies import STYLES, networks

from linregions import Network
from linregions.activations import ABS, RELU, PiecewiseLinear, clip
from linregions.lyapunov.geometry import exactmaps
from linregions.lyapunov.geometry.exactmaps import ExactMaps
from linregions.partition.slopes import affine_maps, is_shallow


def reference(network, pattern):
    """Rows (a_1, ..., a_n, c) per output, in fractions, stage by stage."""
    slope, offset = network.exact_affine_map(pattern)
    return [[*a, c] for a, c in zip(slope, offset, strict=True)]


def check(network, patterns):
    maps, errors = affine_maps(network, patterns)
    assert maps.shape == errors.shape == (len(patterns), network.output_dim, network.input_dim + 1)
    exact = ExactMaps(network)
    every = exact.maps(patterns)
    for k, pattern in enumerate(patterns):
        expected = reference(network, pattern)
        rows, scale = exact.map(pattern)
        assert scale > 0
        assert [[Fraction(v, scale) for v in row] for row in rows] == expected
        assert [[Fraction(v, every[k][1]) for v in row] for row in every[k][0]] == expected
        for row, found, bound in zip(expected, maps[k], errors[k], strict=True):
            assert all(near(f, e, b) for f, e, b in zip(found, row, bound, strict=True))


@given(st.data(), st.integers(1, 3))
@settings(max_examples=45)
def test_any_network(data, dim):
    # Any pattern has a map, whether a region has it or not; weights of 1e150 and 1e-150 overflow and underflow.
    network = data.draw(networks(dim, None, 8, STYLES))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    check(network, rng.integers(0, network.pieces, size=(4, network.unit_count)).astype(np.int32))


@given(st.integers(0, 2**32), st.sampled_from(["relu", "abs", "clip", "mixed"]), st.sampled_from(STYLES[-6:]))
@settings(max_examples=35)
def test_one_layer(seed, kind, style):
    rng = np.random.default_rng(seed)
    units, n, outputs = rng.integers(1, 40), rng.integers(1, 5), rng.integers(1, 3)
    scale = {"ulps": 1e-150}.get(style, 1.0)
    functions = {"relu": RELU, "abs": ABS, "clip": clip(-0.5, 0.25), "mixed": RELU}
    network = Network.from_arrays(
        [
            (rng.normal(size=(units, n)) * scale, rng.normal(size=units) * rng.integers(0, 2)),
            (rng.normal(size=(outputs, units)) * rng.choice([1.0, 1e-200, 1e9]), rng.normal(size=outputs)),
        ],
        activation=functions[kind],
    )
    assert is_shallow(network)
    check(network, rng.integers(0, network.pieces, size=(5, network.unit_count)).astype(np.uint8))


def test_limbs_say_what_single_sums_say(monkeypatch):
    rng = np.random.default_rng(3)
    network = Network.from_arrays(
        [(rng.normal(size=(200, 2)), rng.normal(size=200) * 1e-9), (rng.normal(size=(1, 200)) * 1e12, [0.1])]
    )
    patterns = rng.integers(0, 2, size=(300, 200)).astype(np.uint8)
    patterns[0], patterns[1] = 0, 1
    by_limbs = ExactMaps(network).maps(patterns)
    monkeypatch.setattr(exactmaps, "is_shallow", lambda network: False)
    by_stages = ExactMaps(network).maps(patterns)
    assert len(by_limbs) == 300
    for (a, p), (b, q) in zip(by_limbs, by_stages, strict=True):
        assert [[v * q for v in row] for row in a] == [[v * p for v in row] for row in b]


def test_bounds_are_close():
    rng = np.random.default_rng(5)
    network = Network.from_arrays(
        [(rng.normal(size=(100, 2)), rng.normal(size=100)), (rng.normal(size=(1, 100)), [0.0])]
    )
    patterns = rng.integers(0, 2, size=(50, 100)).astype(np.uint8)
    maps, errors = affine_maps(network, patterns)
    assert np.all(errors < 1e-12)
    deep = Network.from_arrays(
        [*((rng.normal(size=(12, 12)), rng.normal(size=12)) for _ in range(4)), (np.eye(12), np.zeros(12))]
    )
    maps, errors = affine_maps(deep, rng.integers(0, 2, size=(50, 48)).astype(np.uint8))
    assert np.all(errors < 1e-9 * (1 + np.abs(maps).max()))


@pytest.mark.parametrize("seed", range(5))
def test_what_cancels(seed):
    # Sums of 60 large numbers that cancel to nothing: the bound is about the numbers, not about the sum.
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(30, 3)) * 1e6
    first = (np.concatenate([rows, rows]), np.zeros(60))
    last = rng.normal(size=(1, 30)) * 1e6
    layers = [first, (np.concatenate([last, -last * (1 + 2.0**-40)], axis=1), [0.0]), ([[1.0]], [0.0])]
    network = Network.from_arrays(layers, activation=PiecewiseLinear((0.0,), (1.0, 2.0), 0.0))
    check(network, rng.integers(0, 2, size=(5, 61)).astype(np.uint8))
    same = np.tile(rng.integers(0, 2, size=(20, 30)), 2)
    check(network, np.concatenate([same, np.ones((20, 1), dtype=int)], axis=1).astype(np.uint8))


def test_no_cells():
    network = Network.from_arrays([([[1.0]], [0.0]), ([[1.0]], [0.0])])
    maps, errors = affine_maps(network, np.zeros((0, 1), dtype=np.uint8))
    assert maps.shape == errors.shape == (0, 1, 2)
    assert ExactMaps(network).maps(np.zeros((0, 1), dtype=np.uint8)) == []
