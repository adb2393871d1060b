"""Summaries of slices against loops, scipy, and what is known of them."""

from __future__ import annotations

import subprocess
import sys
from operator import attrgetter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull
from scipy.stats import entropy
from slice_nets import SliceCase, net, slices

from linregions import Box, InputError, Network, Plane, enumerate_regions, metrics
from linregions.metrics import Rings, area_statistics, distributions, summary

areas = st.lists(st.floats(1e-9, 1e3), min_size=1, max_size=40)


@given(areas)
def test_area_statistics_agree_with_their_definitions(values):
    a, found = np.array(values), area_statistics(values)
    n, p = len(a), np.array(values) / np.sum(values)
    assert found.mean == pytest.approx(a.mean())
    assert found.median == pytest.approx(np.median(a))
    assert found.cv == pytest.approx(a.std() / a.mean(), abs=1e-7)
    assert found.weighted == pytest.approx((a**2).sum() / a.sum())
    assert found.weighted == pytest.approx(found.mean * (1 + found.cv**2))
    assert found.gini == pytest.approx(np.abs(a[:, None] - a).sum() / (2 * n * n * a.mean()), abs=1e-12)
    assert found.entropy == pytest.approx(entropy(p), abs=1e-12)
    assert found.effective_number == pytest.approx(np.exp(entropy(p)))
    assert found.inverse_simpson == pytest.approx(1 / (p**2).sum())
    assert 1 - 1e-9 <= found.inverse_simpson <= found.effective_number * (1 + 1e-9) <= n * (1 + 2e-9)


def test_equal_areas_are_equal():
    found = area_statistics(np.full(7, 0.3))
    assert (found.gini, found.effective_number) == (pytest.approx(0, abs=1e-15), pytest.approx(7))
    assert found.cv == pytest.approx(0, abs=1e-12)


def test_no_areas_have_no_statistics():
    assert all(np.isnan(v) for v in area_statistics([]).as_dict().values())


@settings(max_examples=30)
@given(slices())
def test_lengths_and_neighbours_agree_with_a_loop_over_facets(case):
    p, slow = case.partition.polygons, case.polygons
    inner = [
        (k, i) for i in range(len(slow)) for k in range(slow.indptr[i], slow.indptr[i + 1]) if slow.neighbours[k] > i
    ]
    by_layer = np.zeros(10)
    for k, i in inner:
        following = k + 1 if k + 1 < slow.indptr[i + 1] else slow.indptr[i]
        by_layer[slow.layers[k]] += np.linalg.norm(slow.xy[following] - slow.xy[k])
    found = metrics.boundary_length_by_layer(p)
    assert found == pytest.approx(by_layer[: len(found)], rel=1e-9, abs=1e-12)
    assert by_layer[len(found) :].sum() == 0
    assert metrics.boundary_length(p) == pytest.approx(by_layer.sum(), rel=1e-9, abs=1e-12)
    assert len(metrics.inner_edges(p)) == len(inner)
    adjacency = case.partition.adjacency
    assert metrics.neighbours(p).tolist() == adjacency.degrees.tolist()
    assert metrics.touches_border(p).tolist() == p.border.tolist()
    # Every inner edge lies on two perimeters, the border on one.
    border = Rings(np.asarray(p.xy), p.indptr).lengths[p.neighbours == -1].sum()
    assert metrics.perimeters(p).sum() == pytest.approx(2 * by_layer.sum() + border, rel=1e-9)


@settings(max_examples=30)
@given(slices())
def test_the_summary_is_what_its_parts_say(case):
    p = case.partition.polygons
    found, keep = summary(p), ~metrics.slivers(p)
    assert found["n_regions"] == len(case.partition) == case.partition.count.value
    assert found["area_mean"] == pytest.approx(p.area_domain / len(p), rel=1e-6)
    assert found["density"] * p.area_domain == pytest.approx(len(p))
    for name in ("ecc_moment", "ecc_splinecam", "aspect", "roundness", "isoperimetric"):
        values = getattr(metrics, name)(p)[keep]
        values = values[np.isfinite(values)]
        assert found[name] == pytest.approx(np.median(values) if len(values) else np.nan, nan_ok=True), name
    inner = ~p.border
    assert found["touches_border"] == pytest.approx(p.border.mean())
    assert found["area_median_inner"] == pytest.approx(
        np.median(p.areas[inner]) if inner.any() else np.nan, nan_ok=True
    )
    assert found["edges_max"] == np.diff(p.indptr).max()
    layers = [value for name, value in found.items() if name.startswith("boundary_length_layer_")]
    assert found["boundary_length"] == pytest.approx(sum(layers))
    assert found["n_slivers"] == (~keep).sum()
    hists = distributions(p)
    assert hists["edges_hist"].sum() == hists["log_area_hist"].sum() == len(p)
    assert hists["edges_hist"] @ np.arange(len(hists["edges_hist"])) == len(p.points)


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.floats(0, 6.3))
def test_turning_and_stretching_the_frame_of_a_slice_changes_no_metric(seed, angle):
    """The same region of the same plane, described by other points p, q, r."""
    rng = np.random.default_rng(seed)
    network = net(rng, 4, 7, 7, 3)
    basis = np.linalg.qr(rng.normal(size=(4, 2)))[0]
    origin = rng.normal(size=4)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ [[1, 0.4], [0, 0.7]]
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    one = Plane(origin, origin + basis[:, 0], origin + basis[:, 1], corners)
    other_basis = basis @ turn
    other = Plane(origin, origin + other_basis[:, 0], origin + other_basis[:, 1], np.linalg.solve(turn, corners.T).T)
    a, b = (enumerate_regions(network, plane, threads=1) for plane in (one, other))
    left, right = (summary(x.polygons, metrics.slice_maps(x)) for x in (a, b))
    assert left.keys() == right.keys()
    for name, value in left.items():
        if name in ("area_median", "area_median_inner", "ecc_splinecam") or "ecc_" in name:
            continue  # set by the smallest sizes, which rounding moves most
        assert right[name] == pytest.approx(value, rel=1e-5, abs=1e-7, nan_ok=True), name
    assert left["area_median"] == pytest.approx(right["area_median"], rel=1e-3, abs=1e-9)


def test_slivers_are_counted_but_have_no_shape():
    thin = 1e-13
    network = Network.from_arrays([([[1, 0], [1, 0]], [0, -thin]), ([[1, 1]], [0])])
    p = enumerate_regions(network, Box.cube(-1, 1, 2)).polygons
    found = summary(p)
    assert found["n_regions"] == 3
    assert found["n_slivers"] == 1
    assert found["aspect"] == pytest.approx(2)
    assert found["edges_mean"] == 4


def test_incomplete_polygons_are_summed_up_as_they_are():
    network = net(np.random.default_rng(3), 2, 8, 8, 1)
    partition = enumerate_regions(network, Box.cube(-1, 1, 2), max_regions=10)
    found = summary(partition.polygons)
    assert found["n_regions"] == len(partition) < enumerate_regions(network, Box.cube(-1, 1, 2)).count.value
    assert found["area_mean"] * len(partition) < 4


def test_polygons_of_other_makers_do():
    """Nothing is asked of them but the columns."""
    case = SliceCase(net(np.random.default_rng(1), 2, 6, 6, 2), Box.cube(-1, 1, 2))
    slow, fast = summary(case.polygons), summary(case.partition.polygons)
    assert {k: pytest.approx(v, rel=1e-6, abs=1e-9, nan_ok=True) for k, v in slow.items()} == fast


def test_the_histogram_has_fixed_bins():
    p = enumerate_regions(Network.from_arrays([([[1, 0]], [0]), ([[1]], [0])]), Box.cube(-1, 1, 2)).polygons
    counts, cuts = metrics.log_area_hist(p, 12)
    assert counts.sum() == 2
    assert cuts[1:].tolist() == list(np.linspace(-12, 0, 13))
    assert counts[-1] == 2
    one = enumerate_regions(Network.from_arrays([(np.ones((1, 2)), [0])]), Box.cube(-1, 1, 2)).polygons
    assert metrics.log_area_hist(one)[0][-1] == 1


@pytest.mark.parametrize(("bins", "decades"), [(0, 12), (2.5, 12), (3, 0), (3, float("inf"))])
def test_bad_bins_are_refused(bins, decades):
    p = enumerate_regions(Network.from_arrays([(np.ones((1, 2)), [0])]), Box.cube(-1, 1, 2)).polygons
    with pytest.raises(InputError, match=r"bins|decades"):
        metrics.log_area_hist(p, bins, decades=decades)


def test_perimeters_are_scipys_areas():
    p = enumerate_regions(net(np.random.default_rng(2), 2, 9, 5, 1), Box.cube(-1, 1, 2)).polygons
    for i in range(len(p)):
        assert metrics.perimeters(p)[i] == pytest.approx(ConvexHull(p.xy[p.indptr[i] : p.indptr[i + 1]]).area, rel=1e-6)


SPEC = """n_regions, n_regions_merged, area_mean, area_median, area_weighted, area_cv, area_gini, area_entropy,
area_effective_number, ecc_moment, ecc_splinecam, aspect, roundness, edges_hist, boundary_length,
boundary_length_by_layer, gradient_variation, decision_boundary_length, split_info, merge_info, dist_boundary,
chebyshev_radius, n_facets, local_complexity_hull, local_complexity_smooth, local_rank, jac_norm, normal_angles,
neighbour_similarity, n_crossings, density, absolute_deviation, hanin_rolnick_bound, maxout_bound, degree_bound"""


def test_the_catalogue_names_every_metric():
    found = metrics.catalogue()
    assert set(SPEC.replace("\n", " ").replace(",", " ").split()) <= set(found.names)
    assert len(set(found.names)) == len(found)
    partition = enumerate_regions(net(np.random.default_rng(0), 2, 6, 2), Box.cube(-1, 1, 2))
    plain = {"area_mean_inner": "area_mean"}
    for name in summary(partition.polygons, metrics.slice_maps(partition)):
        base = plain.get(name, name).removesuffix("_inner")
        base = "boundary_length_by_layer" if base.startswith("boundary_length_layer_") else base
        assert base in found.names, name
    for metric in found:
        if metric.function:
            assert callable(attrgetter(metric.function)(metrics)) or metric.function == "Path.density", metric.name
        assert all((metric.formula, metric.status, metric.cost, metric.units, metric.source))


def test_the_catalogue_prints_as_a_table():
    found = metrics.catalogue()
    lines = str(found).splitlines()
    assert len(lines) == len(found) + 2
    assert lines[0].split() == ["name", "where", "formula", "status", "cost", "units", "source", "repeats"]
    assert [row["name"] for row in found.as_rows()] == list(found.names)
    assert len(found.where("paths")) == 3
    with pytest.raises(InputError, match="where: 'nowhere' is no kind"):
        found.where("nowhere")
    with pytest.raises(InputError, match="metric: 'n_region' is not known"):
        found["n_region"]


def test_theory_is_that_of_the_bounds():
    from linregions import bounds

    assert metrics.hanin_rolnick_bound is bounds.hanin_rolnick
    assert metrics.maxout_bound is bounds.tseran_montufar_2021
    assert metrics.degree_bound(3) == 6
    with pytest.raises(InputError, match="dim must be"):
        metrics.degree_bound(0)


def test_every_name_is_what_it_says():
    for name in metrics.__all__:
        assert getattr(metrics, name).__module__.startswith("linregions."), name
    assert set(metrics.__all__) <= set(dir(metrics))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        metrics.nothing  # noqa: B018


def test_classes_of_torchmetrics_are_found_by_name_only():
    pytest.importorskip("torchmetrics")
    assert issubclass(metrics.LocalComplexity, metrics.BoundaryDistance.__mro__[1])
    assert "LocalComplexity" in dir(metrics)
    assert "LocalComplexity" not in metrics.__all__


def test_the_package_loads_nothing_heavy():
    code = "import sys, linregions.metrics; print(*{'torch', 'scipy', 'flint', 'matplotlib'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not done.stdout.strip()
