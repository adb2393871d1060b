"""Sparse stages keep their rows from cell to cell: the regions of the dense network, and the same from any start."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from strategies import Case, cases, high_cases

from linregions import Box, Network, Partition, Plane, count, enumerate_regions
from linregions.activations import IDENTITY, RELU, MaxGroups, UnitActivations
from linregions.stage import Stage


def with_weights(network: Network, form) -> Network:
    """The same network with the weights of every stage in another form."""
    dense = [s.weight.toarray() if hasattr(s.weight, "toarray") else s.weight for s in network.stages]
    return Network(
        tuple(replace(s, weight=form(w)) for s, w in zip(network.stages, dense, strict=True)), network.source
    )


def regions(partition: Partition) -> list[bytes]:
    return sorted(row.tobytes() for row in partition.packed)


def same(a: Partition, b: Partition) -> None:
    """Region by region and bit by bit."""
    assert np.array_equal(a.packed, b.packed)
    assert np.array_equal(a.witnesses, b.witnesses)
    assert np.array_equal(a.certified, b.certified)


@settings(max_examples=50)
@given(st.one_of(cases(), cases(), high_cases()))
def test_sparse_and_dense_rows_give_the_same_regions(case: Case) -> None:
    sparse, dense = with_weights(case.network, csr_array), with_weights(case.network, np.asarray)
    found, expected = enumerate_regions(sparse, case.domain), enumerate_regions(dense, case.domain)
    assert found.count.value == expected.count.value == count(sparse, case.domain).value
    assert regions(found) == regions(expected)


def convolutions(seed: int, *, lattice: bool) -> Network:
    """Three one-dimensional convolutions, the second one with max-pooling; small integers make ties."""
    rng = np.random.default_rng(seed)
    draw = (lambda *n: rng.integers(-1, 2, n).astype(float)) if lattice else (lambda *n: rng.normal(size=n))
    stages, length, channels = [], 2, 1
    for k, out in enumerate((6, 4, 4)):
        weight = np.zeros((out, length, channels, length))
        kernel = draw(out, channels, 3)
        for at in range(length):
            for tap in range(3):
                if 0 <= at + tap - 1 < length:
                    weight[:, at, :, at + tap - 1] = kernel[:, :, tap]
        rows = out * length
        activation = MaxGroups(np.arange(0, rows + 1, 2)) if k == 1 else UnitActivations.uniform(RELU, rows)
        stages.append(Stage(csr_array(weight.reshape(rows, -1)), np.repeat(draw(out), length), activation))
        channels, length = out, length // 2 if k == 1 else length
    return Network(
        (*stages, Stage(np.ones((1, channels * length)), np.zeros(1), UnitActivations.uniform(IDENTITY, 1))), "conv"
    )


@pytest.mark.parametrize("lattice", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_rows_do_not_depend_on_the_cells_before(seed: int, lattice: bool) -> None:
    net, box = convolutions(seed, lattice=lattice), Box.cube(-2, 2, 2)
    whole = enumerate_regions(net, box, threads=1)
    assert regions(whole) == regions(enumerate_regions(with_weights(net, np.asarray), box))
    for options in ({"threads": 2}, {"threads": 2, "parallel": "processes"}):
        divided = enumerate_regions(net, box, **options)
        same(divided, whole)
        assert divided.count.exact_decisions == whole.count.exact_decisions
    for most in (1, 7, len(whole) // 2):
        some = enumerate_regions(net, box, threads=1, max_regions=most)
        assert np.array_equal(some.packed, whole.packed[: len(some)])
        assert np.array_equal(some.witnesses, whole.witnesses[: len(some)])


def pooled(seed: int) -> Network:
    """Two convolutions of 12 numbers, each with ReLU and then max-pooling of two, as image classifiers have them."""
    rng = np.random.default_rng(seed)
    stages, length, channels = [], 12, 1
    for out in (3, 2):
        weight = np.zeros((out, length, channels, length))
        kernel = rng.normal(size=(out, channels, 3)).round(int(rng.integers(0, 4)))
        for at in range(length):
            for tap in range(3):
                if 0 <= at + tap - 1 < length:
                    weight[:, at, :, at + tap - 1] = kernel[:, :, tap]
        rows = out * length
        bias = np.repeat(rng.normal(size=out).round(1), length)
        stages.append(Stage(csr_array(weight.reshape(rows, -1)), bias, UnitActivations.uniform(RELU, rows)))
        stages.append(Stage(csr_array(np.eye(rows)), np.zeros(rows), MaxGroups(np.arange(0, rows + 1, 2))))
        channels, length = out, length // 2
    return Network(
        (*stages, Stage(np.ones((1, channels * length)), np.zeros(1), UnitActivations.uniform(IDENTITY, 1))), "pooled"
    )


@pytest.mark.parametrize("seed", range(12))
def test_pools_of_rows_that_are_equal_on_whole_cells(seed: int) -> None:
    """Dead units, and inputs that are constant on the plane, make pools whose rows are the same function."""
    net = pooled(seed)
    rng = np.random.default_rng(seed)
    three = np.zeros((3, 12))
    three[:, 4 : 10 - seed % 3] = rng.normal(size=(3, 6 - seed % 3)).round(1)
    plane = Plane(three[0], three[1], three[2], [[3, 0], [0, 3], [-3, 0], [0, -3]])
    found = enumerate_regions(net, plane, threads=1)
    dense = enumerate_regions(with_weights(net, np.asarray), plane, threads=1)
    assert regions(found) == regions(dense)
    assert found.count.exact_decisions == dense.count.exact_decisions > 0
    divided = enumerate_regions(net, plane, threads=2)
    same(divided, found)
    assert divided.count.exact_decisions == found.count.exact_decisions
    assert count(net, plane).value == len(found)
    sure = found.certified
    assert sure.mean() > 0.9
    for point, pattern in zip(plane.inputs(found.witnesses[sure]), found.patterns[sure], strict=True):
        assert np.array_equal(net.pattern(point), pattern)
