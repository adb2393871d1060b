"""Overlays of two partitions: against points, against rationals, and the identities of their entropies."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions.activations import IDENTITY, RELU, MaxGroups, UnitActivations
from linregions.counting import enumerate_regions
from linregions.domain import Box, Plane, Segment, Space
from linregions.errors import InputError
from linregions.metrics.overlay import overlay, split_merge
from linregions.network import Network
from linregions.partition import Status
from linregions.stage import Stage


def network(seed, inputs, widths, *, pooled=False):
    rng = np.random.default_rng(seed)
    stages, width = [], inputs
    for k, units in enumerate(widths):
        rows = 2 * units if pooled and k % 2 == 0 else units
        act = MaxGroups(np.arange(0, rows + 1, 2)) if rows > units else UnitActivations.uniform(RELU, rows)
        stages.append(Stage(rng.normal(size=(rows, width)), rng.normal(0, 0.3, rows), act))
        width = units
    stages.append(Stage(rng.normal(size=(2, width)), np.zeros(2), UnitActivations.uniform(IDENTITY, 2)))
    return Network(tuple(stages))


def domain(dim):
    if dim == 1:
        return Segment([-1.0, 0.5, 0.25], [1.0, -0.5, 0.125])
    if dim == 2:
        return Plane.through([-1.0, -1.0, 0.0], [1.0, -1.0, 0.5], [-1.0, 1.0, 0.25])
    return Box.cube(-1, 1, 3)


@given(st.integers(0, 10**6), st.integers(1, 3), st.booleans(), st.booleans())
@settings(max_examples=12, deadline=None)
def test_every_piece_is_where_both_patterns_hold(seed, dim, pooled_a, pooled_b):
    """Sides of a piece are told apart by the networks alone, at points strictly inside."""
    a, b = network(seed, 3, (4, 3), pooled=pooled_a), network(seed + 1, 3, (3, 3, 2), pooled=pooled_b)
    place = domain(dim)
    found = overlay(a, b, place)
    joint_witnesses = enumerate_like(a, b, place)
    for net, number, table in ((a, found.a, found.patterns_a), (b, found.b, found.patterns_b)):
        for k, point in enumerate(joint_witnesses):
            assert np.array_equal(net.exact_pattern(point), table[number[k]])
    # Every region of each network was met, and its area is the one of its own partition.
    for net, areas, table in ((a, found.areas_a, found.patterns_a), (b, found.areas_b, found.patterns_b)):
        alone = enumerate_regions(net, place, threads=1)
        assert len(alone) == len(table)
        own = {tuple(p): v for p, v in zip(alone.patterns.tolist(), alone.volumes, strict=True)}
        assert np.allclose(areas, [own[tuple(p)] for p in table.tolist()], rtol=1e-6, atol=1e-9)


def enumerate_like(a, b, place):
    """Exact witnesses of the joint partition, in the inputs."""
    from linregions.combining import joint
    from linregions.exact import dot

    partition = enumerate_regions(joint([a, b]), place, threads=1)
    points = [partition.exact_witness(i) for i in range(len(partition))]
    rows = place.embedding
    return points if rows is None else [[dot(r[:-1], t) + r[-1] for r in rows] for t in points]


@given(st.integers(0, 10**6), st.integers(1, 3))
@settings(max_examples=12, deadline=None)
def test_entropies_agree(seed, dim):
    a, b = network(seed, 3, (5, 3)), network(seed + 7, 3, (4,))
    found = split_merge(overlay(a, b, domain(dim)))
    assert found.merge - found.split == pytest.approx(found.h_before - found.h_after, abs=1e-9)
    assert found.vi == pytest.approx(found.split + found.merge)
    back = split_merge(overlay(b, a, domain(dim)))
    assert (back.split, back.merge) == pytest.approx((found.merge, found.split), abs=1e-9)


@given(st.integers(0, 10**6))
@settings(max_examples=10, deadline=None)
def test_nothing_is_split_or_merged_between_equal_networks(seed):
    net = network(seed, 3, (5, 4))
    both = overlay(net, net, domain(2))
    found = split_merge(both)
    assert (found.split, found.merge) == (0.0, 0.0)
    assert found.unchanged == pytest.approx(1.0)
    assert bool(np.all(both.unchanged))
    assert np.array_equal(both.a, both.b)


@given(st.integers(0, 10**6))
@settings(max_examples=10, deadline=None)
def test_one_more_unit_only_splits(seed):
    net, rng = network(seed, 3, (5, 4)), np.random.default_rng(seed)
    first = net.stages[0]
    wider = Stage(
        np.vstack([first.weight, rng.normal(size=(1, 3))]),
        np.append(first.bias, 0.1),
        UnitActivations.uniform(RELU, first.rows + 1),
    )
    second = net.stages[1]
    kept = Stage(np.hstack([second.weight, np.zeros((second.rows, 1))]), second.bias, second.activation)
    found = split_merge(overlay(net, Network((wider, kept, *net.stages[2:])), domain(2)))
    assert found.merge == pytest.approx(0.0, abs=1e-9)
    assert found.split == pytest.approx(found.h_after - found.h_before, abs=1e-9)


def test_halves_and_quarters():
    half = Network.from_arrays([([[1.0, 0.0]], [0.0]), ([[1.0]], [0.0])])
    third = Network.from_arrays([([[0.0, 1.0]], [0.5]), ([[1.0]], [0.0])])
    found = split_merge(overlay(half, third, Box.cube(-1, 1, 2)))
    quarter = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert (found.split, found.merge) == pytest.approx((quarter, math.log(2)))
    assert found.unchanged == 0.0


def test_a_budget_leaves_a_partial_overlay_that_says_so():
    a, b = network(1, 3, (12, 12)), network(2, 3, (12, 12))
    found = overlay(a, b, domain(2), max_regions=20)
    assert found.count.status is Status.BUDGET
    assert split_merge(found).vi >= 0


def test_another_architecture_is_one_sentence():
    with pytest.raises(InputError, match="another architecture"):
        overlay(network(0, 3, (4,)), network(0, 4, (4,)), domain(2))
    with pytest.raises(InputError, match="bounded domain"):
        split_merge(overlay(network(0, 2, (2,)), network(1, 2, (2,)), Space(2)))
