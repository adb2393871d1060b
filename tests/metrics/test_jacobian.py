"""Maps of slices, jumps across edges and decision boundaries, each by a second route."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from slice_nets import SliceCase, domain, net, slices
from strategies import MODEST, networks

from linregions import Box, InputError, Network, Plane, Segment, Stage, count, enumerate_regions, metrics
from linregions.activations import RELU, MaxGroups, UnitActivations
from linregions.metrics import Rings, jumps, slice_maps
from linregions.partition.slopes import affine_maps

few = settings(max_examples=30)


def values_at(maps: np.ndarray, points: np.ndarray) -> np.ndarray:
    """maps (n, outputs, 3) at points (n, 2)."""
    return np.einsum("ijk,ik->ij", maps[:, :, :2], points) + maps[:, :, 2]


@few
@given(st.data(), st.integers(0, 10**6))
def test_maps_are_those_of_affine_map_for_every_kind_of_unit(data, seed):
    network = data.draw(networks(3, styles=MODEST))
    rng = np.random.default_rng(seed)
    plane = Plane(*rng.normal(size=(3, 3)), np.array([[-1, -1], [1, -1], [0, 1]]))
    partition = enumerate_regions(network, plane, threads=1)
    maps, (basis, origin, _) = slice_maps(partition), plane.orthonormal
    assert maps.shape == (len(partition), network.output_dim, 3)
    for i in range(0, len(partition), max(1, len(partition) // 10)):
        slope, offset = partition.affine_map(i)
        # Signs may cancel: errors are in proportion to the sizes of what is added.
        size = 1e-10 * (1 + np.abs(slope).max(initial=0) + np.abs(offset).max(initial=0))
        assert maps[i, :, :2] == pytest.approx(slope @ basis, abs=size)
        assert maps[i, :, 2] == pytest.approx(slope @ origin + offset, abs=size)


@few
@given(slices())
def test_maps_are_within_the_bounds_of_affine_maps(case):
    partition = case.partition
    basis, origin, _ = partition.domain.orthonormal
    other, errors = affine_maps(partition.network, partition.patterns)
    wanted = np.concatenate(
        [other[:, :, :-1] @ basis, (other[:, :, :-1] @ origin + other[:, :, -1])[:, :, None]], axis=2
    )
    slack = 10 * errors.sum(axis=2, keepdims=True) * (1 + np.abs(origin).max()) + 1e-13 * (1 + np.abs(wanted))
    assert np.all(np.abs(slice_maps(partition) - wanted) <= slack)


def test_max_groups_and_sparse_weights():
    rng = np.random.default_rng(1)
    stages = (
        Stage(csr_array(rng.normal(size=(9, 4))), rng.normal(size=9) * 0.3, MaxGroups(np.array([0, 3, 5, 9]))),
        Stage(rng.normal(size=(5, 3)), rng.normal(size=5), UnitActivations.uniform(RELU, 5), np.full(5, 3.0)),
        Stage(csr_array(rng.normal(size=(2, 5))), rng.normal(size=2), MaxGroups(np.array([0, 1, 2]))),
    )
    network = Network(stages)
    partition = enumerate_regions(network, domain(rng, 4, 4))
    assert len(partition) > 5
    p = partition.polygons
    centres = metrics.centroids(p)
    turn = partition.domain.orthonormal[2]
    inputs = partition.domain.inputs(np.linalg.solve(turn, centres.T).T)
    assert values_at(slice_maps(partition), centres) == pytest.approx(network(inputs), abs=1e-9)


@few
@given(slices())
def test_maps_give_the_network_inside_and_agree_on_edges(case):
    partition = case.partition
    p, maps = partition.polygons, slice_maps(partition)
    inside = np.add.reduceat(p.points, p.indptr[:-1], axis=0) / np.diff(p.indptr)[:, None]
    assert values_at(maps, inside @ p.frame) == pytest.approx(
        partition.network(partition.domain.inputs(inside)), abs=1e-9
    )
    at = metrics.inner_edges(p)
    i, j = p.regions[at], p.neighbours[at]
    for k in (at, p.following[at]):
        size = np.abs(maps).max() * (1 + np.abs(p.xy).max())
        slack = 1e-10 * size + 10 * p.radii[k][:, None] * size
        assert np.all(np.abs(values_at(maps[i], p.xy[k]) - values_at(maps[j], p.xy[k])) <= slack)


def split_units(network: Network) -> list[tuple[int, int]]:
    """Stage and unit of every column of the patterns."""
    return [
        (s, u) for s, stage in enumerate(network.stages) for u in np.flatnonzero(stage.activation.pieces > 1).tolist()
    ]


@few
@given(slices())
def test_a_jump_has_rank_one_and_is_the_product_of_two_gradients(case):
    """J+ - J- = g_k (grad z_k)^T: z_k from the stages before unit k, g_k from those after."""
    partition = case.partition
    p, maps, network = partition.polygons, slice_maps(partition), partition.network
    basis, found = partition.domain.orthonormal[0], jumps(p, maps)
    scale = 1 + np.abs(maps).max()
    for k, (i, j), size in zip(found.corners, found.regions, found.sizes, strict=True):
        difference = maps[i, :, :2] - maps[j, :, :2]
        assert np.linalg.svd(difference, compute_uv=False)[1] <= 1e-9 * scale
        s, unit = split_units(network)[p.units[k]]
        assert s == p.layers[k]
        assert (partition.patterns[i] != partition.patterns[j]).sum() == 1
        before, after = gradients(network, partition.patterns[i], s, unit)
        gradient = before @ basis
        assert size == pytest.approx(np.linalg.norm(after) * np.linalg.norm(gradient), rel=1e-7, abs=1e-9 * scale)
        sign = 1.0 if partition.patterns[i][p.units[k]] else -1.0
        assert difference == pytest.approx(sign * np.outer(after, gradient), abs=1e-9 * scale)


def gradients(network: Network, pattern: np.ndarray, s: int, unit: int) -> tuple[np.ndarray, np.ndarray]:
    """Gradient of pre-activation `unit` of stage `s` in the inputs, and of the outputs in that unit's output."""
    chosen, at = [], 0
    for stage in network.stages:
        gains = np.ones(stage.units)
        if not stage.activation.is_identity:
            gains, at = pattern[at : at + stage.units].astype(float), at + stage.units
        chosen.append(gains)
    before = np.eye(network.input_dim)
    for stage, gains in zip(network.stages[:s], chosen, strict=False):
        before = gains[:, None] * (stage.weight @ before)
    after = np.eye(network.stages[s].units)[:, unit]
    for stage, gains in zip(network.stages[s + 1 :], chosen[s + 1 :], strict=True):
        after = gains * (stage.weight @ after)
    return network.stages[s].weight[unit] @ before, after


@few
@given(slices())
def test_jumps_agree_with_a_loop(case):
    p, maps = case.polygons, slice_maps(case.partition)
    found, variation = jumps(p, maps), 0.0
    for e, (k, (i, j)) in enumerate(zip(found.corners, found.regions, strict=True)):
        a, b = maps[i, :, :2], maps[j, :, :2]
        following = k + 1 if k + 1 < p.indptr[i + 1] else p.indptr[i]
        length = np.linalg.norm(p.xy[following] - p.xy[k])
        size, total = np.linalg.norm(a - b), np.linalg.norm(a) + np.linalg.norm(b)
        variation += length * size
        assert found.lengths[e] == pytest.approx(length)
        assert found.sizes[e] == pytest.approx(size, abs=1e-12)
        assert found.relative[e] == pytest.approx(size / total if total else 0.0, abs=1e-12)
        if np.linalg.norm(a) * np.linalg.norm(b) > 0:
            cosine = (a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b)
            assert found.similarity[e] == pytest.approx(cosine, abs=1e-9)
        else:
            assert np.isnan(found.similarity[e])
    assert metrics.gradient_variation(p, maps) == pytest.approx(variation, abs=1e-12)
    assert len(found) == (p.neighbours >= 0).sum() / 2


@few
@given(st.integers(0, 10**6), st.integers(1, 10))
def test_the_variation_of_one_layer_is_that_of_its_chords(seed, lines):
    """Every chord adds its length times |g_k| |w_k|, whatever it crosses."""
    rng = np.random.default_rng(seed)
    w, b, v = rng.normal(size=(lines, 2)), rng.normal(size=lines) * 0.5, rng.normal(size=(3, lines))
    partition = enumerate_regions(Network.from_arrays([(w, b), (v, np.zeros(3))]), Box.cube(-1, 1, 2), threads=1)
    wanted = sum(chord(a, c) * np.linalg.norm(g) * np.linalg.norm(a) for a, c, g in zip(w, b, v.T, strict=True))
    assert metrics.gradient_variation(partition.polygons, slice_maps(partition)) == pytest.approx(wanted, abs=1e-9)


def chord(a: np.ndarray, c: float) -> float:
    """Length of a.x + c = 0 in the square [-1, 1]^2."""
    point, direction = -c * a / (a @ a), np.array([-a[1], a[0]]) / np.linalg.norm(a)
    low, high = -math.inf, math.inf
    for x, d in zip(point, direction, strict=True):
        ends = sorted(((-1 - x) / d, (1 - x) / d))
        low, high = max(low, ends[0]), min(high, ends[1])
    return max(0.0, high - low)


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(2, 7), st.integers(1, 5), st.booleans())
def test_the_merged_count_is_that_of_the_linear_definition(seed, first, second, dead):
    """Small whole weights: equal maps are equal exactly, and others differ by far more than eps."""
    rng = np.random.default_rng(seed)
    shapes = [(first, 2), (second, first), (2, second)]
    layers = [(rng.integers(-2, 3, size=s).astype(float), rng.integers(-1, 2, size=s[0]) / 2) for s in shapes]
    if dead:
        layers[1] = (-np.abs(layers[1][0]), -np.abs(layers[1][1]))
    network, box = Network.from_arrays(layers), Box.cube(-1, 1, 2)
    partition = enumerate_regions(network, box, threads=1)
    p, maps = partition.polygons, slice_maps(partition)
    exact = count(network, box, definition="linear").value
    assert metrics.n_regions_merged(p, maps, eps=1e-9) == exact
    labels = metrics.merged_regions(p, maps)
    pairs = set(zip(labels.tolist(), partition.merged("linear").tolist(), strict=True))
    assert len(pairs) == exact


@few
@given(slices())
def test_the_merged_count_falls_with_eps(case):
    p, maps = case.partition.polygons, slice_maps(case.partition)
    counts = [metrics.n_regions_merged(p, maps, eps=eps) for eps in (0.0, 1e-9, 1e-2, 0.3, 1.0)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == len(p)
    assert counts[-1] >= 1


def test_a_constant_network_has_one_merged_region():
    layers = [(np.random.default_rng(0).normal(size=(6, 2)), np.zeros(6)), (np.zeros((2, 6)), np.ones(2))]
    partition = enumerate_regions(Network.from_arrays(layers), Box.cube(-1, 1, 2))
    found = metrics.summary(partition.polygons, slice_maps(partition))
    assert found["n_regions"] > 6
    assert (found["n_regions_merged"], found["jac_norm"], found["gradient_variation"]) == (1, 0, 0)
    assert np.isnan(found["neighbour_similarity"])


@few
@given(st.integers(0, 10**6), st.floats(0.1, 10))
def test_rescaling_a_unit_changes_no_map(seed, factor):
    rng = np.random.default_rng(seed)
    (w, b), (v, c) = (rng.normal(size=(6, 2)), rng.normal(size=6) * 0.4), (rng.normal(size=(2, 6)), np.zeros(2))
    scale = np.where(np.arange(6) == 2, factor, 1.0)
    one, other = (
        enumerate_regions(Network.from_arrays(layers), Box.cube(-1, 1, 2), threads=1)
        for layers in ([(w, b), (v, c)], [(w * scale[:, None], b * scale), (v / scale, c)])
    )
    assert one.patterns.tolist() == other.patterns.tolist()
    assert slice_maps(one) == pytest.approx(slice_maps(other), abs=1e-12)


@few
@given(slices(outputs=3))
def test_decision_lines_are_as_long_as_the_exact_boundary(case):
    if isinstance(case.domain, Plane):
        turn = case.domain.orthonormal[2]
        region = case.domain.region @ turn.T
        basis, origin, _ = case.domain.orthonormal
        # In orthonormal coordinates lengths of the domain are those of the inputs.
        plane = Plane(origin, origin + basis[:, 0], origin + basis[:, 1], region)
        case = SliceCase(case.network, plane)
    partition = case.partition
    p, maps = partition.polygons, slice_maps(partition)
    assume_linear = case.network.stages[-1].activation.is_identity
    if assume_linear:  # with ReLU outputs both are 0 on whole regions
        for i, j in ((0, None), (0, 1), (2, 1)):
            exact = partition.decision_boundary(i, j).measure
            length = metrics.decision_boundary_length(p, maps, i, j)
            assert length == pytest.approx(exact, rel=1e-5, abs=1e-6)


@few
@given(slices(outputs=4))
def test_the_border_between_classes_is_that_of_the_polygons_cut_by_class(case):
    p, maps = case.partition.polygons, slice_maps(case.partition)
    if not case.network.stages[-1].activation.is_identity:
        maps = maps + np.random.default_rng(0).normal(size=(4, 3)) / 50  # ReLU outputs tie; tilted ones do not
    total, r = 0.0, Rings(np.asarray(p.xy), p.indptr)
    for i in range(len(p)):
        polygon = p.xy[p.indptr[i] : p.indptr[i + 1]]
        pieces = [clipped(polygon, [maps[i, a] - maps[i, b] for b in range(4) if b != a]) for a in range(4)]
        total += (sum(map(perimeter, pieces)) - perimeter(polygon)) / 2
    assert metrics.decision_boundary_length(p, maps) == pytest.approx(total, rel=1e-6, abs=1e-7 * r.lengths.max())


def clipped(polygon: np.ndarray, rows: list[np.ndarray]) -> list[np.ndarray]:
    """The part of a polygon where all rows.(x, y, 1) >= 0, by Sutherland and Hodgman."""
    points = list(polygon)
    for row in rows:
        values = [row[:2] @ q + row[2] for q in points]
        out = []
        for k, (q, f) in enumerate(zip(points, values, strict=True)):
            previous, g = points[k - 1], values[k - 1]
            if (f >= 0) != (g >= 0):
                out.append(previous + g / (g - f) * (q - previous))
            if f >= 0:
                out.append(q)
        points = out
    return points


def perimeter(points: list[np.ndarray] | np.ndarray) -> float:
    q = np.array(points).reshape(-1, 2)
    return float(np.linalg.norm(q - np.roll(q, -1, axis=0), axis=1).sum())


def test_three_classes_that_meet_in_a_point():
    """A Mercedes star: three half-lines from the origin to the triangle's edges."""
    angle = 2 * np.pi * np.arange(3) / 3
    normals = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    triangle = Plane([0, 0], [1, 0], [0, 1], 2 * np.stack([np.cos(angle), np.sin(angle)], axis=1))
    partition = enumerate_regions(Network.from_arrays([(normals, np.zeros(3))]), triangle)
    assert len(partition) == 1
    length = metrics.decision_boundary_length(partition.polygons, slice_maps(partition))
    assert length == pytest.approx(3)  # the inradius of that triangle is 1


@settings(max_examples=20)
@given(slices())
def test_norms_and_singular_values(case):
    maps = slice_maps(case.partition)
    wanted = np.linalg.svd(maps[:, :, :2], compute_uv=False)
    assert metrics.singular_values(maps) == pytest.approx(wanted, abs=1e-12)
    assert metrics.gradient_norms(maps) == pytest.approx(np.linalg.norm(maps[:, :, :2], axis=(1, 2)))
    assert metrics.singular_values(maps[:, :1]).shape == (len(maps), 2)


def test_long_lists_are_worked_on_in_blocks(monkeypatch):
    from importlib import import_module

    case = SliceCase(net(np.random.default_rng(4), 3, 9, 9, 3), domain(np.random.default_rng(4), 3, 4))
    p, maps = case.partition.polygons, slice_maps(case.partition)
    found = jumps(p, maps), metrics.decision_boundary_length(p, maps), metrics.roundness(p), metrics.width(p)
    for name, chunk in (("maps", 100), ("jacobian", 50), ("decision", 60), ("circles", 7)):
        monkeypatch.setattr(import_module(f"linregions.metrics.{name}"), "CHUNK", chunk)
    monkeypatch.setattr(import_module("linregions.metrics.rings"), "BLOCK", 30)
    assert slice_maps(case.partition) == pytest.approx(maps, abs=1e-13)
    assert jumps(p, maps).sizes == pytest.approx(found[0].sizes, abs=1e-13)
    assert metrics.decision_boundary_length(p, maps) == pytest.approx(found[1])
    assert metrics.roundness(p) == pytest.approx(found[2])
    assert metrics.width(p) == pytest.approx(found[3])


def test_incomplete_polygons_have_jumps_between_listed_regions_only():
    network = net(np.random.default_rng(3), 2, 8, 8, 2)
    partition = enumerate_regions(network, Box.cube(-1, 1, 2), max_regions=10)
    found = jumps(partition.polygons, slice_maps(partition))
    assert np.all(found.regions >= 0)
    assert (partition.polygons.neighbours == -2).any()


SQUARE = enumerate_regions(Network.from_arrays([(np.eye(2), [0, 0]), (np.eye(2), [0, 0])]), Box.cube(-1, 1, 2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: jumps(SQUARE.polygons, np.zeros((3, 2, 3))), r"maps: expected \(4, outputs, 3\)"),
        (lambda: metrics.n_regions_merged(SQUARE.polygons, slice_maps(SQUARE), eps=2), "eps must be a number from 0"),
        (lambda: metrics.n_regions_merged(SQUARE.polygons, slice_maps(SQUARE), eps="a"), "eps must be a number"),
        (lambda: metrics.decision_boundary_length(SQUARE.polygons, slice_maps(SQUARE), 2), "i must be a whole number"),
        (lambda: metrics.decision_boundary_length(SQUARE.polygons, slice_maps(SQUARE), 0, 0), "j: is the output 0"),
        (
            lambda: metrics.decision_boundary_length(SQUARE.polygons, slice_maps(SQUARE), None, 1),
            "i: must be an output",
        ),
        (lambda: metrics.decision_boundary_length(SQUARE.polygons, np.zeros((4, 1, 3))), "i: must be an output"),
        (lambda: metrics.decision_boundary_length(SQUARE.polygons, np.zeros((4, 3))), "maps: expected"),
        (
            lambda: slice_maps(enumerate_regions(SQUARE.network, Segment([0, 0], [1, 1]))),
            "partition: expected a domain of dimension 2",
        ),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
