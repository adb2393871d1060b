"""Paths: crossings against dense exact evaluation and the engine, integrals against quadrature."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from point_nets import KINDS, kinds, random_network, seeds, styles

from linregions.counting import count, enumerate_regions
from linregions.domain import Segment
from linregions.errors import InputError
from linregions.metrics.paths import crossings, loop
from linregions.network import Network


@given(seeds, kinds, styles, st.booleans())
@settings(max_examples=40, deadline=None)
def test_pieces_are_where_the_network_says(seed, kind, style, closed):
    net = random_network(seed, 3, (5, 4), kind, style=style)
    points = np.random.default_rng(seed).normal(size=(4, 3))
    path = crossings(net, points, closed=closed)
    counts = [count(net, Segment(points[s], points[(s + 1) % 4]), threads=1).value for s in range(3 + closed)]
    assert path.segment_crossings.sum() <= path.crossings <= sum(counts)
    assert np.array_equal(np.bincount(path.segments), counts)
    # Inside every part the network has the part's pattern and its outputs.
    t = (path.begins + path.ends) / 2
    wide = path.ends - path.begins > 1e-6
    x = (1 - t)[:, None] * points[path.segments] + t[:, None] * points[(path.segments + 1) % 4]
    assert np.array_equal(net.pattern(x[wide]), path.patterns[wide])
    assert np.allclose((path.offsets + path.slopes * t[:, None])[wide], net(x[wide]), atol=1e-9)
    # The outputs are continuous where parts meet.
    inside = path.begins > 0
    left = (path.offsets + path.slopes * path.ends[:, None])[:-1]
    right = (path.offsets + path.slopes * path.begins[:, None])[1:]
    assert np.allclose(left[inside[1:]], right[inside[1:]], atol=1e-7)


@given(seeds, kinds)
@settings(max_examples=20, deadline=None)
def test_a_corner_in_the_middle_of_a_segment_changes_nothing(seed, kind):
    net = random_network(seed, 2, (6, 4), kind)
    rng = np.random.default_rng(seed)
    a = rng.integers(-4, 4, 2).astype(float)
    b = a + rng.integers(1, 5, 2) * 2.0
    whole, halves = crossings(net, [a, b]), crossings(net, [a, (a + b) / 2, b])
    assert halves.crossings == whole.crossings
    assert whole.pieces == whole.crossings + 1 == count(net, Segment(a, b), threads=1).value
    assert np.allclose(halves.positions, whole.positions, atol=1e-9)
    assert np.allclose(halves.variation, whole.variation)
    assert halves.length == pytest.approx(whole.length)
    assert crossings(net, [b, a]).crossings == whole.crossings
    # There and back again: every crossing twice, and at the turn none.
    assert crossings(net, [a, b], closed=True).crossings == 2 * whole.crossings


@pytest.mark.parametrize("kind", KINDS)
def test_positions_are_the_ends_of_the_engines_pieces(kind):
    net = random_network(2, 3, (7, 5), kind)
    a, b = np.array([-2.0, 1.0, 0.5]), np.array([1.5, -1.0, 2.0])
    path, partition = crossings(net, [a, b]), enumerate_regions(net, Segment(a, b), threads=1)
    ends = sorted({float(v[0]) for i in range(len(partition)) for v in partition.exact_vertices(i)})
    assert np.allclose(path.positions, np.array(ends[1:-1]) * np.linalg.norm(b - a), rtol=1e-9, atol=1e-12)
    for k in np.flatnonzero(path.switched):
        assert not np.array_equal(path.patterns[k], path.patterns[k - 1])
        assert path.stages[k] >= 0
    assert np.allclose(path.points, a + np.array(ends[1:-1])[:, None] * (b - a))


def test_a_corner_on_a_boundary_is_one_crossing_or_none():
    net = Network.from_arrays([([[1.0, 0.0]], [0.0]), ([[1.0]], [0.0])])
    through = crossings(net, [[-1.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    assert (through.crossings, through.pieces) == (1, 2)
    assert through.positions.tolist() == [1.0]
    back = crossings(net, [[-1.0, 0.0], [0.0, 0.0], [-1.0, 1.0]])
    assert (back.crossings, back.pieces) == (0, 1)
    around = crossings(net, [[-1.0, -1.0], [1.0, -1.0], [0.0, 2.0]], closed=True)
    assert (around.crossings, around.pieces) == (2, 2)


@given(seeds, st.sampled_from(["relu", "hardtanh"]))
@settings(max_examples=15, deadline=None)
def test_deviation_and_variation_are_integrals(seed, kind):
    net = random_network(seed, 3, (6, 5), kind)
    points = np.random.default_rng(seed).normal(size=(3, 3))
    path = crossings(net, points)
    exact, upper = path.absolute_deviation(), path.absolute_deviation(compat=True)
    t = np.linspace(0, 1, 20_001)[:, None]
    for s in range(2):
        x0, x1 = points[s], points[s + 1]
        f = net((1 - t) * x0 + t * x1)
        gap = np.abs(f - ((1 - t) * f[0] + t * f[-1]))
        area = np.sum((gap[1:] + gap[:-1]) / 2, axis=0) / 20_000 * np.linalg.norm(x1 - x0)
        assert np.allclose(exact[s], area, atol=1e-6)
        swing = np.abs(np.diff(f, axis=0)).sum(axis=0)
        assert np.allclose(path.changes[path.segments == s].sum(axis=0), swing, rtol=1e-2, atol=1e-9)
    assert np.all(upper >= exact - 1e-12)


def test_a_loop_is_closed_around_its_point():
    net = random_network(9, 4, (10, 8))
    x = np.array([0.5, -0.25, 0.0, 1.0])
    corners = loop(x, 2.0, anchors=6, seed=3)
    assert np.allclose(np.linalg.norm(corners - x, axis=1), 2.0)
    assert np.allclose(corners.mean(axis=0), x)
    path = crossings(net, corners, closed=True)
    assert path.length == pytest.approx(12.0)
    again = crossings(net, np.roll(corners, 2, axis=0), closed=True)
    named = crossings(net, np.concatenate([corners, corners[:1]]), closed=True)
    assert path.crossings == again.crossings == named.crossings > 0
    assert path.density == pytest.approx(path.crossings / 12.0)
    assert set(path.as_dict()) >= {"n_crossings", "density", "absolute_deviation"}


def test_a_time_limit_gives_a_shorter_path():
    net = random_network(1, 3, (32, 32))
    points = np.random.default_rng(0).normal(size=(200, 3))
    path = crossings(net, points, time_limit=0.05)
    assert not path.complete
    assert 1 <= len(path.lengths) < 199
    assert path.crossings == crossings(net, points[: len(path.lengths) + 1]).crossings


def test_bad_paths_are_one_sentence():
    net = random_network(0, 2, (3,))
    with pytest.raises(InputError, match="at least two corners"):
        crossings(net, [[0.0, 0.0]])
    with pytest.raises(InputError, match="same point"):
        crossings(net, [[0.0, 0.0], [0.0, 0.0]])
    with pytest.raises(InputError, match="at least two corners"):
        crossings(net, [[0.0], [1.0]])
