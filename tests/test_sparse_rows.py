"""Sparse stages keep their rows from cell to cell: the regions of the dense network, and the same from any start."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from strategies import Case, cases, high_cases

from linregions import Box, Network, Partition, count, enumerate_regions
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
