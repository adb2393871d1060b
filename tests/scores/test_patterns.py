"""Counting patterns: every method against the literal definition, which stores the whole sign matrix."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from linregions.errors import InputError
from linregions.partition import Kind

torch = pytest.importorskip("torch")

from linregions.scores.patterns import (  # noqa: E402
    Between,
    HammingKernel,
    LayerPatterns,
    PatternCounter,
    RowCounter,
    above,
    below,
    read,
    reading,
)
from linregions.scores.patterns.bitmap import Bitmap  # noqa: E402
from linregions.scores.patterns.certified import distinct_words  # noqa: E402
from linregions.scores.patterns.packed import Packed, distinct_single  # noqa: E402
from linregions.scores.patterns.packing import byte_rows, codes, words  # noqa: E402

SAMPLES = (1, 2, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 32, 33, 63, 64, 65, 127, 128, 200)
EXACT = ("bitmap", "words", "certified")
MOST = {"bitmap": 24, "words": 64, "certified": 10**9}


@dataclass(frozen=True)
class Observation:
    """What the counters need of an observation."""

    values: torch.Tensor
    planes: Callable[[torch.Tensor], tuple[torch.Tensor, ...]] = lambda z: (z > 0,)
    width: int = 1


def positive(values):
    return Observation(values)


def sign(values):
    return Observation(values, lambda z: (above(z), below(z)), 2)


def symbols(values, width):
    """The whole numbers that the literal definition compares."""
    return (np.sign(values) if width == 2 else values > 0).astype(np.int8)


def literal_swap(values, width=1):
    """Distinct columns, as a Python set of tuples."""
    return len({tuple(column) for column in symbols(values, width).T.tolist()})


def literal_torch(values, width=1):
    """Distinct columns, by torch.unique as the definition's own code has it."""
    if values.shape[1] == 0:  # torch.unique refuses it
        return 0
    return torch.unique(torch.from_numpy(symbols(values, width)).T, dim=0).shape[0]


def literal_standard(values, width=1):
    """Distinct rows."""
    return len({tuple(row) for row in symbols(values, width).tolist()})


def layers_of(samples, units, seed):
    """A layer with duplicated, dead, all-one and zero-signed columns between random ones."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(samples, 3)) @ rng.normal(size=(3, units)) * rng.choice([1.0, 0.0, -0.0], (1, units))
    kind = rng.integers(0, 6, units)
    values[:, kind == 0] = -0.0
    values[:, kind == 1] = np.abs(values[:, kind == 1]) + 1
    values[:, kind == 2] = values[:, rng.integers(0, max(1, units), int((kind == 2).sum()))]
    values[:, kind == 3] = rng.normal(size=(samples, int((kind == 3).sum())))
    return values.astype(np.float32)


networks = st.builds(
    lambda samples, units, seed: [layers_of(samples, v, seed + i) for i, v in enumerate(units)],
    st.sampled_from(SAMPLES),
    st.lists(st.one_of(st.integers(0, 5), st.integers(0, 300)), min_size=1, max_size=4),
    st.integers(0, 2**32),
)


def counted(counter, network, observe=positive):
    found = [counter.add(observe(torch.from_numpy(values))) for values in network]
    return found, counter.distinct


@settings(max_examples=150, deadline=None)
@given(networks, st.sampled_from(["auto", *EXACT]), st.sampled_from([1, 2]))
def test_exact_methods_equal_the_literal_definition(network, method, width):
    samples = network[0].shape[0]
    assume(samples * width <= MOST.get(method, 10**9))
    counter = PatternCounter(samples, width=width, method=method)
    found, union = counted(counter, network, sign if width == 2 else positive)
    assert counter.kind is Kind.EXACT and counter.interval is None
    for layer, values in zip(found, network, strict=True):
        assert layer.units == values.shape[1]
        assert layer.distinct == literal_swap(values, width) == literal_torch(values, width)
        assert layer.dead == (symbols(values, width) == 0).all(0).sum()
        assert layer.always_on == (values > 0).all(0).sum()
    every = np.concatenate(network, axis=1)
    assert union == literal_swap(every, width) == literal_torch(every, width)
    assert union <= min(every.shape[1], (2 if width == 1 else 3) ** samples)


@pytest.mark.parametrize("samples", SAMPLES)
@pytest.mark.parametrize("width", [1, 2])
def test_every_number_of_samples(samples, width):
    """The edges of bytes, of the bitmap and of words, with the columns that fill them."""
    rng = np.random.default_rng(samples)
    values = rng.normal(size=(samples, 400)).astype(np.float32)
    values[:, :50], values[:, 50:60], values[:, 60:70] = values[:, 100:150], 0, 1
    one_bit = np.where(np.eye(samples), 1.0, -1.0).astype(np.float32)
    values = np.concatenate([values, one_bit, -one_bit, one_bit], axis=1)
    counter = PatternCounter(samples, width=width)
    counter.add((sign if width == 2 else positive)(torch.from_numpy(values)))
    assert counter.distinct == literal_swap(values, width)


def test_by_hand():
    values = torch.tensor([[0.0, 1, 0, 1], [0, 1, 1, 0], [1, 1, 0, 1]])
    counter, rows, kernel = PatternCounter(3), RowCounter(3), HammingKernel(3)
    layer, standard, _ = read(positive(values), counter, rows, kernel)
    assert layer == LayerPatterns(4, 4, 0, 1)
    assert counter.distinct == 4 and standard == rows.distinct == kernel.standard == 3
    assert kernel.matrix.tolist() == [[4, 2, 3], [2, 4, 1], [3, 1, 4]]
    assert str(layer) == "4 patterns of 4 units, 0 dead, 1 always on"
    assert layer.as_dict() == {"units": 4, "distinct": 4, "dead": 0, "always_on": 1}
