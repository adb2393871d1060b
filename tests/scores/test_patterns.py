"""Counting patterns: every method against the literal definition, which stores the whole sign matrix."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from linregions.errors import InputError
from linregions.partition import Kind

torch = pytest.importorskip("torch")

from linregions.scores.patterns import (  # noqa: E402
    BatchCounter,
    Between,
    HammingKernel,
    LayerPatterns,
    PatternCounter,
    RowCounter,
    above,
    below,
    host,
    read,
    reading,
)
from linregions.scores.patterns.bitmap import Bitmap  # noqa: E402
from linregions.scores.patterns.certified import distinct_words, folded  # noqa: E402
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
    layer: str = "layer"


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


@settings(max_examples=100, deadline=None)
@given(networks, st.sampled_from(["auto", *EXACT]), st.sampled_from([1, 2]))
def test_exact_methods_equal_the_literal_definition(network, method, width):
    samples = network[0].shape[0]
    assume(samples * width <= MOST.get(method, 10**9))
    counter = PatternCounter(samples, width=width, method=method)
    found, union = counted(counter, network, sign if width == 2 else positive)
    assert counter.kind is Kind.EXACT
    assert counter.interval is None
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
    assert counter.distinct == 4
    assert standard == rows.distinct == kernel.standard == 3
    assert kernel.matrix.tolist() == [[4, 2, 3], [2, 4, 1], [3, 1, 4]]
    assert str(layer) == "4 patterns of 4 units, 0 dead, 1 always on"
    assert layer.as_dict() == {"units": 4, "distinct": 4, "dead": 0, "always_on": 1}


@pytest.mark.parametrize("mix", ["constant", "parity", "first word"])
@given(st.integers(0, 40), st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_collisions_are_found_and_told_apart(mix, units, seed):
    weak = {
        "constant": lambda w: torch.full_like(w[:, 0], 5),
        "parity": lambda w: (w.sum(1) & 1) << 62,
        "first word": lambda w: w[:, 0] << 60,
    }[mix]
    rng = np.random.default_rng(seed)
    rows = torch.from_numpy(rng.integers(-2, 2, (units, 3)))
    before = rows.clone()
    found = distinct_words(rows, mix=weak)
    assert sorted(map(tuple, found.tolist())) == sorted(set(map(tuple, before.tolist())))
    store = Packed(words, lambda w: distinct_words(w, mix=weak))
    values = layers_of(130, units, seed)
    store.begin(units)
    if units:
        store.put(byte_rows((torch.from_numpy(values) > 0).view(torch.uint8)))
    assert store.end() == store.distinct == literal_swap(values)


@given(networks, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_samples_units_and_layers_does_not_matter(network, random):
    samples = network[0].shape[0]
    counter = PatternCounter(samples)
    _, union = counted(counter, network)
    rows = random.sample(range(samples), samples)
    mixed = [v[rows][:, random.sample(range(v.shape[1]), v.shape[1])] for v in network]
    _found, again = counted(PatternCounter(samples), random.sample(mixed, len(mixed)))
    assert again == union
    assert PatternCounter(samples).add(positive(torch.from_numpy(np.concatenate(mixed, axis=1)))).distinct == union
    # A unit that is there already changes nothing.
    assert counted(counter, network)[1] == union


@pytest.mark.parametrize("samples", [1, 5, 8, 16, 20, 24, 33, 64, 65, 130])
@pytest.mark.parametrize("method", ["auto", "hashed", "sketch"])
def test_blocks_do_not_matter(samples, method, monkeypatch):
    values = torch.from_numpy(layers_of(samples, 5000, samples))
    whole = PatternCounter(samples, method=method)
    assert len(list(reading.blocks(positive(values)))) == 1
    found = whole.add(positive(values))
    monkeypatch.setattr(reading, "_BLOCK", 1)
    assert len(list(reading.blocks(positive(values)))) == 5
    parts = PatternCounter(samples, method=method)
    assert parts.add(positive(values)) == found
    assert parts.distinct == whole.distinct
    kernel, rows = HammingKernel(samples), RowCounter(samples)
    read(positive(values), kernel, rows)
    signs = (values > 0).double()
    assert kernel.matrix.tolist() == (signs @ signs.T + (1 - signs) @ (1 - signs).T).tolist()
    assert kernel.standard == rows.distinct == torch.unique(signs, dim=0).shape[0]


@pytest.mark.parametrize("bits", [17, 19, 20, 24])
def test_sparse_layers_of_a_large_table(bits):
    """A table of more than 2^18 places is not cleared for a small layer, which is sorted instead."""
    rng = np.random.default_rng(bits)
    bitmap, seen = Bitmap(bits), np.empty(0, dtype=np.int64)
    for units in (3, 1000, 0, (1 << bits) // 16 + 5, 7):
        values = rng.integers(0, 1 << bits, units)
        seen = np.union1d(seen, values)
        bitmap.begin(units)
        for part in np.array_split(values, 3):
            rows = torch.from_numpy(np.stack([part >> 8 * k & 255 for k in range(3)]).astype(np.uint8))
            bitmap.put(rows)
        assert bitmap.end() == np.unique(values).size
        assert bitmap.distinct == seen.size
    assert bitmap.bytes <= 2 << bits


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.uint8])
def test_every_type_of_values(dtype):
    signs = torch.from_numpy(layers_of(17, 300, 0)).sign()
    values = (signs.clamp(min=0) if dtype == torch.uint8 else signs).to(dtype)
    observation = Observation(values, lambda z: (above(z),))
    assert PatternCounter(17).add(observation).distinct == literal_swap(signs.numpy())


@pytest.mark.parametrize("samples", [16, 40, 100])
def test_every_layout_of_values(samples):
    """Rows that lie across, with gaps, backwards in memory, or that want gradients."""
    base = torch.from_numpy(layers_of(samples, 600, 1))
    maps = base.view(samples, 6, 10, 10).contiguous(memory_format=torch.channels_last)
    wanted = literal_swap(base.numpy())
    for values in (
        base.T.contiguous().T,
        torch.stack((base, base), 2)[:, :, 0],
        maps.permute(0, 2, 3, 1).reshape(samples, -1),
        base.expand(2, -1, -1)[1],
        base.clone().requires_grad_() * 1.0,
    ):
        assert PatternCounter(samples).add(Observation(values, lambda z: (above(z),))).distinct == wanted
        assert PatternCounter(samples).add(positive(values)).distinct == wanted


@given(st.lists(st.floats(width=32), min_size=1, max_size=20), st.floats(width=32, allow_nan=False))
@settings(max_examples=60, deadline=None)
def test_comparing_is_torchs_comparing(numbers, bound):
    for dtype in (torch.float32, torch.float64, torch.bfloat16, torch.float16):
        values = torch.tensor(numbers).to(dtype)
        limit = torch.tensor(bound).to(dtype).item()
        assert above(values, limit).tolist() == (values > limit).tolist()
        assert below(values, limit).tolist() == (values < limit).tolist()


def test_tiny_and_signed_zeros():
    values = torch.tensor([[-0.0, 0.0, 1e-45, -1e-45]])
    assert above(values).tolist() == [[False, False, True, False]]
    assert below(values).tolist() == [[False, False, False, True]]


@pytest.mark.parametrize("samples", [3, 16, 30, 100])
@pytest.mark.parametrize("method", ["auto", "hashed", "sketch"])
def test_shards_of_units_join(samples, method):
    one, other = layers_of(samples, 700, 1), layers_of(samples, 500, 2)
    left, right, both = (PatternCounter(samples, method=method, minima=100) for _ in range(3))
    counted(left, [one])
    counted(right, [other])
    counted(both, [one, other])
    left.merge(right)
    assert left.distinct == both.distinct
    assert left.units == both.units == 1200
    left.merge(PatternCounter(samples, method=method, minima=100))
    assert left.distinct == both.distinct
    assert left.interval == both.interval


def test_the_union_is_gathered_on_the_way(monkeypatch):
    from linregions.scores.patterns import packed

    monkeypatch.setattr(packed, "_WAITING", 50)
    layers = [layers_of(40, 60, i % 3) for i in range(20)]
    counter = PatternCounter(40)
    for values in layers:
        counter.add(positive(torch.from_numpy(values)))
        assert counter.bytes <= 8 * 2 * 240
    assert counter.distinct == literal_swap(np.concatenate(layers, axis=1))


def test_memory():
    """A bitmap does not grow with the units; words take 8 bytes, or the packed bits, of every distinct pattern."""
    rng = np.random.default_rng(0)
    for samples, per_unit in ((16, 0), (64, 8), (128, 16)):
        counter = PatternCounter(samples)
        for _ in range(3):
            counter.add(positive(torch.from_numpy(rng.normal(size=(samples, 3000)).astype(np.float32))))
        assert counter.distinct > 8000
        assert counter.bytes == (2 * 2**16 if samples == 16 else per_unit * counter.distinct)


@pytest.mark.parametrize("samples", [10, 64, 100])
def test_hashes_are_an_estimate_that_says_so(samples):
    values = layers_of(samples, 3000, 4)
    counter = PatternCounter(samples, method="hashed", seed=3)
    found, union = counted(counter, [values, values[:, :100]])
    assert union == found[0].distinct == literal_swap(values)
    assert counter.kind is Kind.ESTIMATE
    assert counter.interval == Between(union, union, 1 - 3100**2 / 2**65)
    assert "with probability" in str(counter.interval)
    assert counter.interval.as_dict()["low"] == union


def test_a_sketch_is_right_as_often_as_it_says():
    """With 200 minima: 95 % intervals of 100 seeds, and the mean of the estimates within four standard errors."""
    values = torch.from_numpy(np.random.default_rng(1).normal(size=(40, 4000)).astype(np.float32))
    true = literal_torch(values.numpy())
    estimates, held = [], 0
    for seed in range(100):
        counter = PatternCounter(40, method="sketch", minima=200, seed=seed)
        estimates.append(counter.add(positive(values)).distinct)
        assert counter.distinct == estimates[-1]
        assert counter.bytes <= 8 * 2 * 200
        held += counter.interval.low <= true <= counter.interval.high
    assert held >= 87  # fewer than 87 of 100 happen with probability 0.0015 where 95 % hold
    assert abs(np.mean(estimates) - true) < 4 * true / math.sqrt(198 * 100)
    assert np.std(estimates) < 1.5 * true / math.sqrt(198)


def test_a_sketch_that_is_not_full_counts():
    values = layers_of(40, 90, 0)
    counter = PatternCounter(40, method="sketch")
    counter.add(positive(torch.from_numpy(values)))
    assert counter.distinct == counter.interval.low == counter.interval.high == literal_swap(values)


def test_random_sums_are_the_sums_of_their_definition():
    from linregions.scores.patterns.hashed import RandomSums

    bits = torch.from_numpy(np.random.default_rng(0).integers(0, 2, (19, 50)).astype(np.uint8))
    numbers = np.random.default_rng(7).integers(-(2**63), 2**63, 20, dtype=np.int64)
    wanted = numbers[0] + (bits.numpy().astype(np.int64) * numbers[1:, None]).sum(0)
    assert RandomSums(19, seed=7)(byte_rows(bits)).flatten().tolist() == wanted.tolist()


def test_hashing_steps_are_bijections():
    numbers = torch.randint(-(2**63), 2**63 - 1, (1000,), generator=torch.Generator().manual_seed(0))
    once = folded(numbers)
    assert folded(once).tolist() == numbers.tolist()
    assert (once < 0).tolist() == (numbers < 0).tolist()


@pytest.mark.parametrize("count", range(1, 30))
def test_packing_is_numpys_packing(count):
    bits = np.random.default_rng(count).integers(0, 2, (count, 77)).astype(np.uint8)
    rows = byte_rows(torch.from_numpy(bits))
    assert rows.tolist() == np.packbits(bits, axis=0, bitorder="little").tolist()
    many = torch.from_numpy(np.tile(bits, (1, 2000)))  # too many for numpy
    assert byte_rows(many).equal(rows.repeat(1, 2000))
    assert codes(rows).tolist() == [sum(int(b) << k for k, b in enumerate(column)) for column in bits.T]
    assert words(rows).shape == (77, 1)


def test_words_are_sorted_as_sets():
    numbers = torch.tensor([[-(2**63)], [2**63 - 1], [0], [-1], [0], [-(2**63)]])
    assert distinct_single(numbers).flatten().tolist() == [-(2**63), -1, 0, 2**63 - 1]
    assert distinct_single(torch.empty((0, 1), dtype=torch.int64)).shape == (0, 1)


def test_nothing_and_no_units():
    for samples, method in itertools.product((1, 16, 40, 100), ("auto", "hashed", "sketch")):
        counter, rows, kernel = PatternCounter(samples, method=method), RowCounter(samples), HammingKernel(samples)
        assert counter.distinct == 0
        assert rows.distinct == kernel.standard == 1
        assert kernel.nwot == -math.inf
        layer, standard, _ = read(positive(torch.empty((samples, 0))), counter, rows, kernel)
        assert layer == LayerPatterns(0, 0, 0, 0)
        assert counter.distinct == 0
        assert standard == 1


@given(networks)
@settings(max_examples=40, deadline=None)
def test_kernel_and_rows_equal_their_definitions(network):
    samples = network[0].shape[0]
    every = np.concatenate(network, axis=1)
    signs = (every > 0).astype(float)
    gram = signs @ signs.T + (1 - signs) @ (1 - signs).T
    rows, kernel = RowCounter(samples), HammingKernel(samples)
    for values in network:
        read(positive(torch.from_numpy(values)), rows, kernel)
    assert kernel.matrix.tolist() == gram.tolist()
    assert rows.distinct == kernel.standard == literal_standard(every)
    rank = np.linalg.matrix_rank(np.concatenate([signs, 1 - signs], axis=1)) if every.shape[1] else 0
    if rank < samples:
        assert kernel.nwot == -math.inf
    else:
        assert kernel.nwot == pytest.approx(np.linalg.slogdet(gram)[1], rel=1e-9, abs=1e-9)


def test_nwot_is_singular_exactly():
    """Equal rows; more samples than units + 1; dependent rows that differ.  Floating point finds none of them alone."""
    equal = torch.tensor([[1.0, 0, 1], [1, 0, 1], [0, 1, 1]])
    many = torch.tensor(list(itertools.product([0.0, 1.0], repeat=2)))
    dependent = torch.tensor([[1.0, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0], [0, 1, 0, 1]])  # rows 1 + 2 = rows 3 + 4
    for values in (equal, many, dependent):
        kernel = HammingKernel(values.shape[0])
        kernel.add(positive(values))
        assert kernel.nwot == -math.inf
    assert kernel.standard == 4


def test_several_planes_in_the_kernel():
    values = torch.from_numpy(np.sign(layers_of(6, 50, 3)))
    kernel, rows = HammingKernel(6), RowCounter(6)
    read(sign(values), kernel, rows)
    planes = torch.cat((values > 0, values < 0), 1)
    assert kernel.matrix.tolist() == (planes[:, None] == planes[None]).sum(2).tolist()
    assert rows.distinct == kernel.standard == literal_standard(values.numpy(), 2)


def test_mixed_precision_around_the_network_rounds_nothing():
    values = torch.from_numpy(np.random.default_rng(0).normal(size=(4, 3001)).astype(np.float32))
    kernel = HammingKernel(4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        kernel.add(positive(values))
    assert kernel.matrix.diagonal().tolist() == [3001] * 4


def test_an_interrupted_layer_does_not_count():
    values = torch.from_numpy(layers_of(30, 200, 0))

    def stopped(z):
        if z.shape[1] < 200:
            raise KeyboardInterrupt
        return (z > 0,)

    for samples, method in ((16, "auto"), (30, "auto"), (30, "hashed"), (30, "sketch")):
        counter, rows, kernel = PatternCounter(samples, method=method), RowCounter(samples), HammingKernel(samples)
        counter.begin(200)
        rows.begin(200)
        kernel.begin(200)
        for reader in (counter, rows, kernel):
            reader.take(torch.ones((samples, 50), dtype=torch.uint8))
        with pytest.raises(KeyboardInterrupt):
            read(Observation(values[:samples, :199], stopped), counter, rows, kernel)
        layer, standard, _ = read(positive(values[:samples]), counter, rows, kernel)
        assert layer.distinct == counter.distinct == literal_swap(values[:samples].numpy())
        assert standard == kernel.standard == literal_standard(values[:samples].numpy())
        assert kernel.matrix[0, 0] == 200


def test_threads_do_not_matter():
    values = torch.from_numpy(layers_of(16, 50000, 0))
    before = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            counter, kernel = PatternCounter(16), HammingKernel(16)
            found.append((*read(positive(values), counter, kernel), counter.distinct, kernel.matrix.tolist()))
        assert found[0] == found[1]
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"samples": 0}, "samples must be a positive whole number, got 0"),
        ({"samples": 4, "width": 1.5}, "width must be a positive whole number, got 1.5"),
        (
            {"samples": 4, "method": "guess"},
            "method must be one of auto, bitmap, words, certified, hashed, sketch, got",
        ),
        (
            {"samples": 25, "method": "bitmap"},
            "'bitmap' tells at most 24 bits apart, a pattern here has 25; use 'auto'",
        ),
        ({"samples": 33, "width": 2, "method": "words"}, "'words' tells at most 64 bits apart, a pattern here has 66"),
        ({"samples": 4, "minima": 2}, "minima must be at least 3"),
    ],
)
def test_arguments_that_cannot_be_used(arguments, message):
    with pytest.raises(InputError, match=message):
        PatternCounter(**arguments)


def test_observations_that_do_not_fit():
    counter = PatternCounter(4)
    with pytest.raises(InputError, match=r"must have the shape \(4, units\), got \(3, 5\)"):
        counter.add(positive(torch.ones(3, 5)))
    with pytest.raises(InputError, match="2 bit planes, the counter was made for 1"):
        counter.add(sign(torch.ones(4, 5)))
    with pytest.raises(InputError, match="other: it counts as samples=5"):
        counter.merge(PatternCounter(5))
    with pytest.raises(InputError, match="seed=1"):
        PatternCounter(4, method="hashed").merge(PatternCounter(4, method="hashed", seed=1))


@given(networks, st.lists(st.integers(1, 70), min_size=1, max_size=6), st.sampled_from([1, 2]), st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_batches_of_samples_add_up(network, sizes, width, seed):
    """Samples in batches of any sizes, the batches from last to first."""
    samples = network[0].shape[0]
    counter = BatchCounter(samples, width=width, seed=seed)
    edges = [0, *sorted({e for e in itertools.accumulate(sizes) if e < samples}), samples]
    for first, last in reversed(list(itertools.pairwise(edges))):
        for number, values in enumerate(network):
            seen = (sign if width == 2 else positive)(torch.from_numpy(values[first:last]))
            counter.add(replace(seen, layer=f"layer {number}"), first)
    every = np.concatenate(network, axis=1)
    assert counter.distinct == literal_swap(every, width)
    assert counter.kind is Kind.ESTIMATE
    assert counter.interval == Between(counter.distinct, counter.distinct, 1 - every.shape[1] ** 2 / 2**65)
    assert counter.bytes == 8 * every.shape[1]


def test_batches_that_do_not_fit():
    counter = BatchCounter(10)
    assert counter.distinct == 0
    counter.add(positive(torch.ones(4, 3)), 2)
    for first, message in (
        (7, "samples 7 to 10 are not among the 10"),
        (-1, "samples -1 to 2 are not among the 10"),
        (5, "was shown some of the samples from 5 before"),
    ):
        with pytest.raises(InputError, match=message):
            counter.add(positive(torch.ones(4, 3)), first)
    with pytest.raises(InputError, match="has 5 units, 3 in another batch"):
        counter.add(positive(torch.ones(4, 5)), 6)
    with pytest.raises(InputError, match="2 bit planes"):
        counter.add(sign(torch.ones(4, 3)), 6)
    with pytest.raises(InputError, match="layer layer has seen 4 of 10 samples"):
        counter.distinct  # noqa: B018


@pytest.mark.parametrize("samples", [1, 3, 16, 20, 40, 64, 65, 130])
@pytest.mark.parametrize("method", ["auto", "certified", "hashed"])
def test_what_an_accelerator_runs(samples, method, monkeypatch):
    """The branches without numpy, run where there is no accelerator."""
    network = [layers_of(samples, units, samples) for units in (3000, 0, 70)]
    expected = counted(PatternCounter(samples, method=method), network)
    matrix, classes, batches = HammingKernel(samples), RowCounter(samples), BatchCounter(samples)
    monkeypatch.setattr(host, "on_cpu", lambda tensor: False)
    assert counted(PatternCounter(samples, method=method), network) == expected
    for number, values in enumerate(network):
        seen = Observation(torch.from_numpy(values), lambda z: (above(z),), layer=str(number))
        read(seen, matrix, classes)
        batches.add(seen, 0)
    every = np.concatenate(network, axis=1)
    assert matrix.standard == classes.distinct == literal_standard(every)
    assert batches.distinct == literal_swap(every)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("samples", [1, 16, 20, 40, 64, 65, 130])
@pytest.mark.parametrize("method", ["auto", "certified", "hashed", "sketch"])
def test_an_accelerator_gives_the_same(samples, method):
    network = [layers_of(samples, units, samples) for units in (3000, 0, 70)]
    counter, matrix, classes = PatternCounter(samples, method=method), HammingKernel(samples), RowCounter(samples)
    found = [read(positive(torch.from_numpy(v).cuda()), counter, matrix, classes)[0] for v in network]
    assert (found, counter.distinct) == counted(PatternCounter(samples, method=method), network)
    assert matrix.standard == classes.distinct == literal_standard(np.concatenate(network, axis=1))
