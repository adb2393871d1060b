"""Jacobians, ranks, facets, balls, normals and the smooth local complexity at points."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from point_nets import KINDS, kinds, random_network, seeds, styles

from linregions.counting import enumerate_regions
from linregions.domain import Box, Plane
from linregions.errors import InputError
from linregions.exact import rank
from linregions.metrics.distances import boundary_distance
from linregions.metrics.normals import across_nearest, normal_angles
from linregions.metrics.points import jac_norm, jacobians, local_rank, modular_rank
from linregions.metrics.polytopes import chebyshev_radius, halfspaces_at, n_facets, n_facets_lp, region_at
from linregions.metrics.smooth import local_complexity_smooth
from linregions.metrics.tracing import Trace
from linregions.network import Network


@given(seeds, kinds, styles)
@settings(max_examples=30, deadline=None)
def test_jacobians_are_the_affine_maps_of_the_patterns(seed, kind, style):
    net = random_network(seed, 3, (5, 4), kind, style=style)
    x = np.random.default_rng(seed).normal(size=(4, 3))
    found = jacobians(net, x)
    for k, pattern in enumerate(net.pattern(x)):
        assert np.allclose(found[k], net.affine_map(pattern)[0], rtol=1e-12, atol=1e-12)
    assert np.allclose(jac_norm(net, x), np.linalg.norm(found, axis=(1, 2)))
    assert np.allclose(jac_norm(net, x, order=2), np.linalg.norm(found, ord=2, axis=(1, 2)))


@given(seeds, kinds, styles)
@settings(max_examples=25, deadline=None)
def test_ranks_are_those_of_rational_jacobians(seed, kind, style):
    net = random_network(seed, 4, (5, 3), kind, outputs=3, style=style)
    x = np.random.default_rng(seed).normal(size=(3, 4))
    found, trace = local_rank(net, x), Trace.of(net, x)
    for k, pattern in enumerate(net.pattern(x)):
        exact = rank(net.exact_affine_map(pattern)[0])
        assert found.values[k] == exact
        assert modular_rank(net, [p[k] for p in trace.pieces]) == exact
    hidden = local_rank(net, x, stage=1)
    part = Network(net.stages[:2])
    for k, pattern in enumerate(part.pattern(x)):
        assert hidden.values[k] == rank(part.exact_affine_map(pattern)[0])


def test_a_rank_that_rounding_hides_is_found():
    # The second row is the first one but for 2^-60 of it, below what float64 sums resolve.
    tiny = 2.0**-60
    net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [9.0, 9.0]), ([[1.0, 1.0], [1.0, 1.0 + 2**-52]], [0.0, 0.0])])
    assert local_rank(net, [[0.0, 0.0]]).values.tolist() == [2]
    flat = Network.from_arrays([([[tiny, 1.0], [tiny, 1.0]], [9.0, 9.0]), ([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0])])
    assert local_rank(flat, [[0.0, 0.0]]).values.tolist() == [1]


@pytest.mark.parametrize("kind", KINDS)
def test_the_region_of_a_point_is_the_one_of_the_partition(kind):
    net, box = random_network(6, 3, (4, 3), kind), Box.cube(-3, 3, 3)
    partition = enumerate_regions(net, box, threads=1)
    x = np.random.default_rng(1).uniform(-2, 2, (3, 3))
    for point, index in zip(x, partition.locate(x), strict=True):
        one, whole = region_at(net, point, domain=box), partition[int(index)]
        assert np.array_equal(one.pattern, whole.pattern)
        assert one.exact_volume == whole.exact_volume
        assert len(one.facets) == len(whole.facets) == n_facets_lp(net, point, box=box)
        assert chebyshev_radius(net, point, box=box)[0] == pytest.approx(whole.chebyshev[1], rel=1e-6)
        assert np.allclose(one.distance(point), min(boundary_distance(net, point).values[0], 3 - np.abs(point).max()))


@given(seeds, kinds, styles)
@settings(max_examples=20, deadline=None)
def test_half_spaces_hold_the_region_and_nothing_else(seed, kind, style):
    net = random_network(seed, 3, (5, 4), kind, style=style)
    rng = np.random.default_rng(seed)
    point = rng.normal(size=3)
    a, b = halfspaces_at(net, point)
    assert np.allclose(np.linalg.norm(a, axis=1), 1.0)
    if len(b):
        assert np.min(b - a @ point) == pytest.approx(boundary_distance(net, point).values[0], abs=1e-12)
    near = point + rng.normal(size=(200, 3)) * rng.exponential(0.5, (200, 1))
    slack = np.min(b - near @ a.T, axis=1, initial=np.inf)
    clear = np.abs(slack) > 1e-9
    same = np.all(net.pattern(near) == net.pattern(point), axis=1)
    assert np.array_equal((slack > 0)[clear], same[clear])


@given(seeds, kinds)
@settings(max_examples=10, deadline=None)
def test_rays_see_no_more_facets_than_there_are(seed, kind):
    net = random_network(seed, 2, (5, 4), kind)
    x = np.random.default_rng(seed).normal(size=(3, 2))
    exact, seen = n_facets(net, x, rays=None), n_facets(net, x, rays=2000, seed=1)
    assert np.all(seen <= exact)
    assert np.all(n_facets(net, x, rays=20, seed=1) <= seen)
    # In the plane 2,000 rays miss only what is seen under a tiny angle.
    assert seen.sum() >= exact.sum() - 2


def test_a_region_in_a_slice_and_points_that_have_none():
    net = random_network(2, 6, (8, 6))
    rng = np.random.default_rng(0)
    plane = Plane.through(*rng.normal(size=(3, 6)), margin=1.0)
    partition = enumerate_regions(net, plane, threads=1)
    region = region_at(net, [0.25, 0.5], domain=plane)
    index = partition.locate(plane.inputs([[0.25, 0.5]]))[0]
    assert region.exact_volume == partition.exact_volume(int(index))
    corner = Network.from_arrays([([[1.0, 0.0]], [0.0]), ([[1.0]], [0.0])])
    with pytest.raises(InputError, match="boundary"):
        region_at(corner, [0.0, 0.5], domain=Box.cube(-1, 1, 2))
    with pytest.raises(InputError, match="outside"):
        region_at(corner, [3.0, 0.5], domain=Box.cube(-1, 1, 2))
    assert chebyshev_radius(corner, [[1.0, 0.0]]).tolist() == [math.inf]


@given(seeds, kinds)
@settings(max_examples=15, deadline=None)
def test_across_the_nearest_boundary_is_the_next_region(seed, kind):
    """The Jacobian beyond is taken at a point beyond, in another way."""
    net = random_network(seed, 4, (6, 5), kind)
    x = np.random.default_rng(seed).normal(size=(5, 4))
    found, distance = across_nearest(net, x), boundary_distance(net, x).values
    for k, point in enumerate(x):
        a, b = halfspaces_at(net, point)
        order = np.sort(b - a @ point)
        if len(b) < 2 or order[1] - order[0] < 1e-3:
            continue
        nearest = a[np.argmin(b - a @ point)]
        beyond = point + nearest * (distance[k] + 1e-7)
        here, there = jacobians(net, np.array([point, beyond]))
        if np.sum(net.pattern(point) != net.pattern(beyond)) != 1:
            continue
        assert found.jump[k] == pytest.approx(np.linalg.norm(there - here), rel=1e-9, abs=1e-12)
        sizes = np.linalg.norm(here), np.linalg.norm(there)
        if sum(sizes):
            assert found.relative[k] == pytest.approx(np.linalg.norm(there - here) / sum(sizes), rel=1e-9, abs=1e-12)
        if min(sizes):
            assert found.similarity[k] == pytest.approx(np.sum(here * there) / math.prod(sizes), rel=1e-9, abs=1e-9)


def test_angles_of_random_normals_are_right_angles_with_the_expected_spread():
    net = random_network(1, 100, (200,), divisors=False)
    found = normal_angles(net, np.random.default_rng(0).normal(size=(20, 100)), nearest=40)
    assert abs(found.deviation.mean()) < 0.02
    assert found.spread.mean() == pytest.approx(found.random_spread, rel=0.1)
    assert np.all(found.pairs == 40 * 39 // 2)


@given(seeds)
@settings(max_examples=15, deadline=None)
def test_angles_of_the_nearest_two_are_those_of_exact_half_spaces(seed):
    net = random_network(seed, 3, (6, 4))
    point = np.random.default_rng(seed).normal(size=3)
    a, b = halfspaces_at(net, point)
    found = normal_angles(net, point, nearest=2)
    if len(b) < 2:
        assert found.pairs[0] == 0
        return
    first, second = np.argsort(b - a @ point, kind="stable")[:2]
    angle = math.acos(np.clip(a[first] @ a[second], -1, 1))
    assert min(abs(found.mean[0] - angle), abs(found.mean[0] - (math.pi - angle))) < 1e-6


def test_smooth_complexity_is_a_sum_over_units():
    """Against gradients by exact affine maps, with no matrix of ours."""
    net = random_network(7, 3, (5, 4), "hardtanh")
    x = np.random.default_rng(0).normal(size=(4, 3))
    expected = []
    for point in x:
        state, maps, total = point, np.eye(3), 0.0
        for stage in net.stages[:-1]:
            scale = np.ones(stage.rows) if stage.divisor is None else stage.divisor
            z, maps = stage.preactivation(state), stage.weight @ maps / scale[:, None]
            for t in (-1.0, 1.0):
                total += (
                    np.sum(np.linalg.norm(maps, axis=1) * np.exp(-((z - t) ** 2) / 2 / 0.25))
                    / math.sqrt(2 * math.pi * 0.25)
                    if stage is net.stages[-2]
                    else 0.0
                )
            if stage is not net.stages[-2]:
                on = np.abs(net.stages[-2].preactivation(stage.activate(z))) < 1  # units that lead to the outputs
                good = (np.abs(net.stages[-2].weight[on]) > 0).any(axis=0)
                for t in (-1.0, 1.0):
                    share = np.linalg.norm(maps, axis=1) * np.exp(-((z - t) ** 2) / 2 / 0.25)
                    total += np.sum(share * good) / math.sqrt(2 * math.pi * 0.25)
            maps, state = maps * (np.abs(z) < 1)[:, None], stage.activate(z)
        expected.append(total)
    assert np.allclose(local_complexity_smooth(net, x, sigma=0.5), expected, rtol=1e-9)


def test_smooth_complexity_is_the_length_of_the_boundary_under_noise():
    """Hanin and Rolnick's formula on a segment: crossings of a one-layer net with noisy biases, counted."""
    rng = np.random.default_rng(3)
    w, b = rng.normal(size=(6, 2)), rng.normal(size=6)
    net = Network.from_arrays([(w, b), (np.ones((1, 6)), [0.0])])
    a, c, draws = np.array([-1.0, 0.5]), np.array([1.0, 0.0]), 40_000
    noisy = b + rng.normal(size=(draws, 6))
    crossed = ((w @ a + noisy) > 0) != ((w @ c + noisy) > 0)
    line = a + np.linspace(0, 1, 201)[:, None] * (c - a)
    along = local_complexity_smooth(net, line, sigma=1.0, within=[c - a]) * np.linalg.norm(c - a)
    integral = np.sum((along[1:] + along[:-1]) / 2) / 200
    counts = crossed.sum(axis=1)
    assert abs(integral - counts.mean()) < 5 * counts.std() / math.sqrt(draws)


def test_smooth_complexity_with_noise_on_all_biases_counts_the_good_crossings():
    """Many draws of all biases: zeros along a line, of the first layer where an active unit depends on them."""
    net = random_network(12, 2, (6, 5), divisors=False)
    rng = np.random.default_rng(0)
    a, c = np.array([-1.0, 0.5]), np.array([1.0, 0.25])
    line, counts = a + np.linspace(0, 1, 300)[:, None] * (c - a), []
    for _ in range(1200):
        first = net.stages[0].preactivation(line) + 0.5 * rng.normal(size=6)
        second = net.stages[1].preactivation(np.maximum(first, 0)) + 0.5 * rng.normal(size=5)
        one, two = ((z[1:] > 0) != (z[:-1] > 0) for z in (first, second))
        good = np.any(second[1:] > 0, axis=1)  # all weights are other than zero
        counts.append(one[good].sum() + two.sum())
    along = local_complexity_smooth(net, line[::6], sigma=0.5, within=[c - a], samples=300, seed=1)
    error = np.std(counts) / math.sqrt(1200) + np.std(counts) / math.sqrt(300)
    assert abs(np.mean(along) * np.linalg.norm(c - a) - np.mean(counts)) < 4 * error + 0.05


def test_bad_arguments_are_one_sentence():
    net = random_network(0, 2, (3,), "max")
    x = [[0.0, 0.0]]
    for call, words in [
        (lambda: local_complexity_smooth(net, x), "max groups"),
        (lambda: local_complexity_smooth(random_network(0, 2, (3,)), x, sigma=0.0), "sigma"),
        (lambda: jac_norm(net, x, order=1), "order"),
        (lambda: local_rank(net, x, stage=5), "stage"),
        (lambda: normal_angles(net, x, nearest=1), "nearest"),
        (lambda: n_facets(net, x, rays=0), "rays"),
        (lambda: chebyshev_radius(net, x, box=Box.cube(0, 1, 3)), "box"),
        (lambda: halfspaces_at(net, [[0.0, 0.0], [1.0, 1.0]]), "point"),
        (lambda: region_at(net, [0.0]), "t: expected"),
    ]:
        with pytest.raises(InputError, match=words):
            call()
