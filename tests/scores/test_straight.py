"""The compiled kernel of patterns against the blocks of bits that it stands in for, and against the definition."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from linregions import _core  # noqa: E402
from linregions.scores.patterns import HammingKernel, PatternCounter, RowCounter, above, read  # noqa: E402
from linregions.scores.patterns.compare import Above  # noqa: E402
from linregions.scores.patterns.straight import Form, pack, packable  # noqa: E402

SPECIAL = np.array([0.0, -0.0, 1e-45, -1e-45, np.inf, -np.inf, np.nan, 0.3, -0.3])


def layer(rng, samples, units, dtype, *, gap=0, bound=0.0):
    wide = (
        rng.choice(SPECIAL, (samples, units + gap)) if rng.random() < 0.5 else rng.normal(size=(samples, units + gap))
    )
    # Few different columns, so that patterns meet again.
    wide = wide[:, rng.integers(0, max(1, units // 2), units + gap)] if units > 1 else wide
    values = torch.from_numpy(np.ascontiguousarray(wide, dtype))[:, :units]
    return SimpleNamespace(values=values, planes=Above(bound), width=1)


def by_bits(seen):
    """The same observation in a form that the kernel does not know."""
    return SimpleNamespace(values=seen.values, planes=lambda z: (above(z, seen.planes.bound),), width=1)


cases = given(
    seed=st.integers(0, 2**32 - 1),
    samples=st.integers(1, 64),
    units=st.lists(st.integers(0, 300), min_size=1, max_size=4),
    dtype=st.sampled_from([np.float32, np.float64]),
    gap=st.integers(0, 2),
    bound=st.sampled_from([0.0, 0.3, -0.1]),
)


@settings(max_examples=80, deadline=None)
@cases
def test_codes_rows_and_counts_are_the_comparisons(seed, samples, units, dtype, gap, bound):
    rng = np.random.default_rng(seed)
    seen = layer(rng, samples, units[0], dtype, gap=gap, bound=bound)
    assert packable(seen)
    bits = seen.values.numpy() > dtype(bound)
    found = pack(seen, Form(64, rows=True))
    weights = np.uint64(1) << np.arange(samples, dtype=np.uint64)
    assert np.array_equal(found.codes, (bits * weights[:, None]).sum(0, dtype=np.uint64))
    unpacked = np.unpackbits(found.rows.view(np.uint8), axis=1, bitorder="little")
    assert np.array_equal(unpacked[:, : units[0]], bits)
    assert not unpacked[:, units[0] :].any()
    assert (found.alive, found.always_on) == (int(bits.any(0).sum()), int(bits.all(0).sum()))


@settings(max_examples=80, deadline=None)
@cases
def test_counts_are_those_of_blocks_of_bits(seed, samples, units, dtype, gap, bound):
    rng = np.random.default_rng(seed)
    layers = [layer(rng, samples, each, dtype, gap=gap, bound=bound) for each in units]
    for method in ("bitmap", "words", "certified"):
        if method == "bitmap" and samples > 24:
            continue
        straight, slow, mixed = (
            (PatternCounter(samples, method=method), HammingKernel(samples), RowCounter(samples)) for _ in range(3)
        )
        for seen in layers:
            expected = read(by_bits(seen), *slow)
            assert read(seen, *straight) == expected
            assert read(seen if rng.random() < 0.5 else by_bits(seen), *mixed) == expected
        for counter, kernel, rows in (straight, mixed):
            assert counter.distinct == slow[0].distinct
            assert np.array_equal(kernel.matrix, slow[1].matrix)
            assert rows.distinct == slow[2].distinct
        straight[0].merge(mixed[0])
        assert straight[0].distinct == slow[0].distinct


def test_more_layers_than_stamps():
    rng = np.random.default_rng(0)
    straight, slow = PatternCounter(10), PatternCounter(10)
    for _ in range(600):
        seen = layer(rng, 10, 40, np.float32)
        assert straight.add(seen) == slow.add(by_bits(seen))
    assert straight.distinct == slow.distinct


def test_an_interrupted_layer_does_not_count():
    rng = np.random.default_rng(0)
    one, other = layer(rng, 9, 50, np.float32), layer(rng, 9, 50, np.float32)

    class Interrupting:
        samples, width, packed = 9, 1, Form()

        def begin(self, units):
            pass

        def take(self, bits):
            raise KeyboardInterrupt

        take_packed = take

    for again in (one, by_bits(one)):
        counter, alone = PatternCounter(9), PatternCounter(9)
        with pytest.raises(KeyboardInterrupt):
            read(other, counter, Interrupting())
        assert counter.distinct == 0
        assert counter.add(again) == alone.add(one)
        assert counter.distinct == alone.distinct


@pytest.mark.parametrize(
    "values",
    [
        torch.zeros(3, 5, dtype=torch.float16),
        torch.zeros(3, 5, dtype=torch.int64),
        torch.zeros(5, 3).T,
        torch.zeros(65, 5),
    ],
)
def test_what_the_kernel_does_not_read_goes_by_bits(values):
    seen = SimpleNamespace(values=values, planes=Above(), width=1)
    assert not packable(seen)
    assert PatternCounter(len(values)).add(seen).distinct == 1


def test_readers_without_packed_patterns_get_bits():
    seen = layer(np.random.default_rng(1), 5, 30, np.float32)
    estimate, kernel = PatternCounter(5, method="hashed"), HammingKernel(5)
    found = read(seen, estimate, kernel)
    alone = HammingKernel(5)
    alone.add(seen)
    assert np.array_equal(kernel.matrix, alone.matrix)
    assert found[0].distinct == PatternCounter(5).add(seen).distinct


def test_the_kernel_refuses_what_does_not_fit():
    z, codes = np.zeros((3, 5), np.float32), np.zeros(5, np.uint32)
    table, rows = np.zeros(8, np.uint8), np.zeros((3, 1), np.uint64)
    wrong = (
        lambda: _core.pack_values(z, 0.0, codes[:4]),
        lambda: _core.pack_values(z.T, 0.0, np.zeros(3, np.uint32)),
        lambda: _core.pack_values(np.zeros((33, 5), np.float32), 0.0, codes),
        lambda: _core.pack_values(z, 0.0, codes, np.zeros((3, 2), np.uint64)),
        lambda: _core.mark_codes(codes + 8, table, table.copy(), 1, 3),
        lambda: _core.mark_codes(codes, table, table.copy(), 0, 3),
        lambda: _core.mark_codes(codes, table, table.copy(), 1, 4),
        lambda: _core.agree_rows(rows, 65, np.zeros((3, 3), np.int64)),
        lambda: _core.agree_rows(rows, 5, np.zeros((2, 2), np.int64)),
    )
    for call in wrong:
        with pytest.raises(ValueError, match=r"must|has|of another|is a byte"):
            call()
    with pytest.raises(TypeError):
        _core.pack_values(z.astype(np.float16), 0.0, codes)
