"""Identities of slices: they hold for what an engine lists, and say so when a list is wrong."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slice_nets import SliceCase, domain, net, slices
from slow_polygons import polygons_of

from linregions import Box, InputError, Network, Plane, Polytope, Segment, enumerate_regions
from linregions.metrics import identities
from linregions.planar import exact_area, exact_corners


@settings(max_examples=40)
@given(slices())
def test_they_hold_on_generic_slices(case):
    found = identities(case.partition.polygons)
    assert found.generic
    assert found.holds, found
    assert found.regions == len(case.partition) == 1 + found.vertices_inside + found.border_ends / 2
    assert found.mean_edges == pytest.approx(4 - (4 - found.corners) / found.regions, abs=1e-12)
    assert found.mean_neighbours == pytest.approx(found.expected_mean_neighbours, abs=1e-12)
    assert found.mean_neighbours <= 4
    complex = case.partition.complex
    assert (found.vertices, found.edges, found.regions) == complex.f_vector
    assert found.corners == complex.domain_f_vector[0]


@settings(max_examples=25)
@given(slices())
def test_both_routes_to_the_polygons_agree(case):
    slow, fast = identities(case.polygons), identities(case.partition.polygons)
    for name in ("generic", "regions", "vertices", "edges", "vertices_inside", "border_ends", "unmatched", "holds"):
        assert getattr(slow, name) == getattr(fast, name), name
    assert slow.area == pytest.approx(fast.area, abs=slow.area_bound + fast.area_bound)


DEGENERATE = st.lists(st.lists(st.integers(-2, 2), min_size=3, max_size=3), min_size=1, max_size=6)


@settings(max_examples=40)
@given(DEGENERATE, st.integers(0, 1000))
def test_eulers_relation_holds_on_degenerate_slices_too(rows, seed):
    """Lines through common points, through the square's corners, parallel and doubled."""
    rng = np.random.default_rng(seed)
    table = np.array(rows, dtype=float)
    second = rng.integers(-1, 2, size=(3, len(table))).astype(float)
    layers = [
        (table[:, :2], table[:, 2]),
        (second, rng.integers(-1, 2, size=3).astype(float)),
        (np.ones((1, 3)), [0.0]),
    ]
    partition = enumerate_regions(Network.from_arrays(layers), Box.cube(-1, 1, 2))
    for polygons in (partition.polygons, polygons_of(partition)):
        found = identities(polygons)
        assert found.holds, found
        assert (found.vertices, found.edges, found.regions) == partition.complex.f_vector


def test_three_lines_through_a_point_are_not_generic():
    rows = [[1, 0, 0], [0, 1, 0], [1, 1, 0]]
    layers = [(np.array(rows)[:, :2], np.zeros(3)), (np.ones((1, 3)), [0])]
    found = identities(enumerate_regions(Network.from_arrays(layers), Box([-1, -1.5], [2, 1])).polygons)
    assert not found.generic
    assert found.holds
    assert (found.vertices_inside, found.border_ends, found.regions) == (1, 6, 6)
    assert "degenerate" in str(found)


def test_a_line_through_a_corner_of_the_square_is_not_generic():
    found = identities(
        enumerate_regions(Network.from_arrays([([[1, 1]], [0]), ([[1]], [0])]), Box([-1, -1], [2, 1])).polygons
    )
    assert not found.generic
    assert found.holds


@pytest.mark.parametrize("corners", [3, 4, 5, 8])
def test_one_region_has_the_corners_of_its_domain(corners):
    plane = domain(np.random.default_rng(corners), 4, corners)
    found = identities(enumerate_regions(Network.from_arrays([(np.ones((1, 4)), [0])]), plane).polygons)
    assert found.holds
    assert found.mean_edges == found.expected_mean_edges == corners


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(1, 12))
def test_one_layer_has_one_region_more_than_chords_and_crossings(seed, lines):
    rng = np.random.default_rng(seed)
    rows, offsets = rng.normal(size=(lines, 2)), rng.normal(size=lines) * 0.5
    box = Box.cube(-1, 1, 2)
    network = Network.from_arrays([(rows, offsets), (np.ones((1, lines)), [0])])
    chords = sum(float(np.abs(a).sum()) > abs(b) for a, b in zip(rows, offsets, strict=True))
    inner = 0
    for i in range(lines):
        for j in range(i):
            point = np.linalg.solve(rows[[i, j]], -offsets[[i, j]])
            inner += bool(np.all(np.abs(point) < 1))
    found = identities(enumerate_regions(network, box).polygons)
    assert found.regions == 1 + chords + inner
    assert (found.vertices_inside, found.border_ends) == (inner, 2 * chords)


def test_the_area_bound_holds_and_is_small():
    rng = np.random.default_rng(5)
    case = SliceCase(net(rng, 4, 12, 12, 2), Plane.through(*rng.normal(size=(3, 4)), margin=1.0))
    found = identities(case.partition.polygons)
    assert found.area_bound < 1e-6 * found.expected_area
    assert found.holds
    assert abs(found.area - found.expected_area) <= found.area_bound


def broken(polygons, **columns):
    """The polygons with some columns replaced."""
    return replace(polygons, **columns)


def sample():
    rng = np.random.default_rng(3)
    return polygons_of(enumerate_regions(net(rng, 2, 8, 8, 1), Box.cube(-1, 1, 2)))


def test_a_lost_region_is_seen():
    p = sample()
    inner = int(np.flatnonzero(np.add.reduceat(p.neighbours < 0, p.indptr[:-1]) == 0)[0])
    keep = np.ones(len(p.points), dtype=bool)
    keep[p.indptr[inner] : p.indptr[inner + 1]] = False
    sizes = np.delete(np.diff(p.indptr), inner)
    columns = {
        name: getattr(p, name)[keep] for name in ("points", "radii", "neighbours", "units", "layers", "vertices")
    }
    found = identities(broken(p, indptr=np.concatenate([[0], np.cumsum(sizes)]), **columns))
    assert not found.holds
    text = str(found)
    assert "FAIL" in text
    assert "areas sum to" in text
    assert "edges inside the slice belong to other than two regions" in text


def test_a_joint_vertex_that_is_two_is_seen():
    p = sample()
    vertices = p.vertices.copy()
    k = int(np.flatnonzero(p.neighbours >= 0)[0])
    vertices[k] = vertices.max() + 1
    found = identities(broken(p, vertices=vertices))
    assert not found.holds
    assert "V - E + F" in str(found)


def test_a_wrong_neighbour_is_seen():
    p = sample()
    across = p.neighbours.copy()
    k = int(np.flatnonzero(across >= 0)[0])
    across[k] = (across[k] + 1) % len(p)
    assert identities(broken(p, neighbours=across)).unmatched >= 1


def test_a_moved_corner_is_seen():
    p = sample()
    points = p.points.copy()
    points[int(np.flatnonzero(p.neighbours >= 0)[0])] += 1e-6
    found = identities(broken(p, points=points))
    assert [text[:12] for text in found.failures] == ["areas sum to"]


def test_of_an_incomplete_list_nothing_is_asked():
    rng = np.random.default_rng(3)
    partition = enumerate_regions(net(rng, 2, 8, 8, 1), Box.cube(-1, 1, 2), max_regions=10)
    found = identities(partition.polygons)
    assert found.holds is None
    assert "incomplete" in str(found)
    assert found.as_dict()["holds"] is None


def test_the_record_is_plain_numbers():
    found = identities(sample()).as_dict()
    assert found["holds"] is True
    assert found["euler"] == 1
    assert all(isinstance(v, bool | int | float | list) for v in found.values())


def test_a_domain_of_another_dimension_is_refused():
    with pytest.raises(InputError, match="domain: expected one of dimension 2"):
        exact_corners(Segment([0, 0], [1, 1]))


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(3, 9))
def test_corners_of_a_plane_and_of_its_half_spaces_are_the_same(seed, corners):
    plane = domain(np.random.default_rng(seed), 3, corners)
    found = exact_corners(plane)
    given_corners = [(Fraction(float(x)), Fraction(float(y))) for x, y in plane.region]
    start = given_corners.index(found[0])
    assert list(found) == given_corners[start:] + given_corners[:start]
    x, y = plane.region.T
    assert float(exact_area(found)) == pytest.approx(float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def test_redundant_half_spaces_make_no_corners():
    wide = Polytope([[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [1, 1]], [1, 1, 1, 1, 2, 50])
    assert len(exact_corners(wide)) == 4


@settings(max_examples=30)
@given(st.integers(0, 10**6))
def test_orthonormal_coordinates(seed):
    rng = np.random.default_rng(seed)
    p, q = rng.normal(size=(2, 6))
    r = p + (q - p) * rng.normal() + rng.normal(size=6) * rng.choice([1.0, 1e-6])
    plane = Plane.through(p, q, r)
    basis, origin, turn = plane.orthonormal
    assert basis.T @ basis == pytest.approx(np.eye(2), abs=1e-9)
    points = rng.normal(size=(5, 2))
    assert points @ turn.T @ basis.T + origin == pytest.approx(plane.inputs(points), abs=1e-9)
    assert turn[1, 0] == 0
    assert np.all(np.diag(turn) > 0)
    polygons = enumerate_regions(Network.from_arrays([(np.ones((1, 6)), [0])]), plane).polygons
    assert polygons.xy == pytest.approx(polygons.points @ turn.T, abs=1e-9)
