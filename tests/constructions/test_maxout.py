"""Maxout layers with parallel families attain the sharp bound, whichever way it is counted."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions import InputError
from linregions.activations import MaxGroups
from linregions.constructions.maxout import maxout_parallel
from linregions.engines.arrangement import betti_numbers


def subsets(inputs: int, ranks: list[int]) -> int:
    """The formula by its definition."""
    chosen = itertools.chain.from_iterable(itertools.combinations(ranks, j) for j in range(inputs + 1))
    return sum(math.prod(k - 1 for k in some) for some in chosen)


@pytest.mark.parametrize(
    ("inputs", "ranks", "regions"),
    [
        (2, [4, 4], 16),
        (2, [3, 3, 3], 19),
        (2, [3, 3, 3, 3], 33),
        (2, [2, 2, 2], 7),
        (1, [5, 2, 3], 8),
        (3, [3, 3], 9),
        (3, [2, 3, 4, 5], 96),
        (4, [3, 3, 3, 3, 3], 211),
        (2, [1, 3, 1], 3),
        (2, [1], 1),
        (3, [2] * 8, 93),
        (2, [20, 20, 20], 1141),
    ],
)
def test_known_counts(inputs: int, ranks: list[int], regions: int) -> None:
    built = maxout_parallel(inputs, ranks)
    assert built.regions == subsets(inputs, ranks) == regions
    assert built.confirmed()


@given(st.integers(1, 4), st.lists(st.integers(1, 5), min_size=1, max_size=4))
@settings(max_examples=60)
def test_attained_exactly(inputs: int, ranks: list[int]) -> None:
    built = maxout_parallel(inputs, ranks)
    stage = built.network.stages[0]
    assert isinstance(stage.activation, MaxGroups)
    assert stage.activation.pieces.tolist() == ranks
    # As many products as there are terms; where they exceed the number of units, all of them.
    assert built.regions == subsets(inputs, ranks)
    if len(ranks) <= inputs:
        assert built.regions == math.prod(ranks)
    assert built.confirmed()


@given(st.integers(1, 4), st.lists(st.integers(2, 4), min_size=1, max_size=5))
@settings(max_examples=40)
def test_the_breaks_are_parallel_families_in_general_position(inputs: int, ranks: list[int]) -> None:
    """The hyperplanes on which two neighbouring maps of a unit agree, read from the network, counted by themselves."""
    built = maxout_parallel(inputs, ranks)
    stage = built.network.stages[0]
    assert isinstance(stage.activation, MaxGroups)
    normals, offsets = [], []
    for start, end in itertools.pairwise(stage.activation.offsets):
        for j in range(start, end - 1):
            normals.append((stage.weight[j + 1] - stage.weight[j]).tolist())
            offsets.append(stage.bias[j + 1] - stage.bias[j])
    betti = betti_numbers(normals, offsets)
    assert sum(betti) == built.regions
    for j, b in enumerate(betti):
        assert b == sum(math.prod(k - 1 for k in some) for some in itertools.combinations(ranks, j))


@pytest.mark.parametrize(
    ("inputs", "ranks", "words"),
    [
        (0, [2], "inputs must be a positive whole number, got 0"),
        (2, [2, 0], "ranks: unit 2 must be a positive whole number, got 0"),
        (2, [], "at least one unit"),
        (2, 3, "ranks must be a sequence"),
        (2, "33", "ranks must be a sequence"),
        (40, [2] * 50, "more binary digits"),
    ],
)
def test_bad_input(inputs, ranks, words: str) -> None:
    with pytest.raises(InputError, match=words):
        maxout_parallel(inputs, ranks)
