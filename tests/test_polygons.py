"""Polygons of partitions: against the complex, against exact areas, and against what holds for every slice."""

from __future__ import annotations

import itertools
from fractions import Fraction
from functools import cmp_to_key

import numpy as np
import pytest
import strategies
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linregions import Box, InputError, Network, Plane, Polytope, Segment, Space, enumerate_regions
from linregions.activations import ABS, IDENTITY, RELU, MaxGroups, UnitActivations, clip, leaky_relu
from linregions.partition import Partition
from linregions.partition.pairing import Cuts, joint_vertices
from linregions.partition.polygons import Polygons
from linregions.stage import Stage

ACTIVATIONS = (RELU, leaky_relu(0.25), clip(-1, 1), ABS)


def examples(count: int):
    return settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck))


def network(*layers, source: str = "test") -> Network:
    """(weight, bias, activation) each; a linear output of ones is added."""
    stages = [Stage(np.array(w, float), np.array(b, float), a) for w, b, a in layers]
    stages.append(Stage(np.ones((1, stages[-1].units)), np.zeros(1), UnitActivations.uniform(IDENTITY, 1)))
    return Network(tuple(stages), source)


@st.composite
def degenerate_nets(draw, inputs: int = 2):
    """Small integers, so many zero biases, equal units, dead units, plateaus and ties; ReLUs, others and max groups."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    layers, fan_in = [], inputs
    for _ in range(draw(st.integers(1, 3))):
        units = draw(st.integers(1, 5))
        if draw(st.integers(0, 3)) == 0:
            sizes = rng.integers(1, 4, units)
            rows, act = int(sizes.sum()), MaxGroups(np.concatenate([[0], np.cumsum(sizes)]))
        else:
            rows, act = units, UnitActivations.uniform(draw(st.sampled_from(ACTIVATIONS)), units)
        w = rng.integers(-1, 2, (rows, fan_in)).astype(float)
        b = rng.integers(-1, 2, rows) * float(draw(st.sampled_from([0.0, 0.5, 1.0])))
        if rows > 1 and draw(st.booleans()):
            w[-1], b[-1] = w[0], b[0]
        layers.append((w, b, act))
        fan_in = units
    return network(*layers)


@st.composite
def plane_domains(draw):
    kind = draw(st.sampled_from(["box", "polytope", "plane"]))
    if kind == "box":
        return Box([-2, -1], [1, 2])
    if kind == "polytope":
        return Polytope([[1, 1], [-1, 0], [0, -1], [1, 0], [2, 2]], [2, 1, 1, 1.5, 5])
    return Plane([0, 0], [1, 1], [0, 1], [[-1, -1], [1.5, -1], [2, 1], [-1, 2]])


def random_net(widths, seed: int) -> Network:
    rng = np.random.default_rng(seed)
    return Network.from_arrays([(rng.normal(size=(o, i)), rng.normal(size=o)) for i, o in itertools.pairwise(widths)])


def check(partition: Partition) -> Polygons:
    """Hold the polygons of a complete partition against its complex."""
    polygons, cells = partition.polygons, partition.complex
    assert len(polygons) == len(partition)
    check_shape(polygons)
    # The vertices of the complex, known by exact signs, are those of the polygons, one to one and in their place.
    place: dict[int, int] = {}
    open_regions = []
    for i in range(len(partition)):
        found = placements(partition, i)
        assert found
        if len(found) > 1:
            open_regions.append(found)
        else:
            assert all(place.setdefault(k, v) == v for k, v in found[0].items())
    for found in open_regions:  # slivers, whose corners are nearer to one another than float64 can tell
        fitting = [f for f in found if all(place.get(k, v) == v for k, v in f.items())]
        assert fitting
        place |= fitting[0]
    assert sorted(place.values()) == list(range(len(cells.points)))
    check_edges(partition, place)
    exact = [partition.exact_volume(i) for i in range(len(partition))]
    box = np.prod(np.ptp(polygons.points, axis=0))
    for found, true in zip(polygons.domain_areas, exact, strict=True):
        assert abs(Fraction(float(found)) - true) <= max(Fraction(1e-6) * true, Fraction(1e-11) * Fraction(float(box)))
    return polygons


def placements(partition: Partition, i: int) -> list[dict[int, int]]:
    """The ways in which the corners of a region can be its vertices in the complex, in their cyclic order."""
    polygons, cells = partition.polygons, partition.complex
    own = cells.region_vertices[cells.region_indptr[i] : cells.region_indptr[i + 1]].tolist()
    points = {v: cells.exact_point(v) for v in own}
    middle = [sum(c, Fraction(0)) / len(own) for c in zip(*points.values(), strict=True)]

    def before(v: int, w: int) -> int:
        a, b = ([x - m for x, m in zip(points[u], middle, strict=True)] for u in (v, w))
        half = [(p[1], p[0]) < (0, 0) for p in (a, b)]
        cross = a[0] * b[1] - a[1] * b[0]
        return (half[0] - half[1]) or (-1 if cross > 0 else int(cross < 0))

    own.sort(key=cmp_to_key(before))
    first, last = polygons.indptr[i : i + 2]
    assert last - first == len(own)
    out = []
    for turn in range(len(own)):
        order = own[turn:] + own[:turn]
        if all(
            within(a, b, polygons.radii[k])
            for k, v in enumerate(order, first)
            for a, b in zip(points[v], polygons.points[k], strict=True)
        ):
            out.append(dict(zip(polygons.vertices[first:last].tolist(), order, strict=True)))
    return out


def within(true: Fraction, value: float, radius: float) -> bool:
    return abs(true - Fraction(float(value))) <= Fraction(float(radius))


def check_edges(partition: Partition, place: dict[int, int]) -> None:
    """Neighbours and units against the facets of the complex."""
    polygons, cells = partition.polygons, partition.complex
    facets = {}
    for f, regions in enumerate(cells.facet_regions):
        ends = cells.facet_vertices[cells.facet_indptr[f] : cells.facet_indptr[f + 1]]
        columns = cells.facet_columns[cells.facet_columns_indptr[f] : cells.facet_columns_indptr[f + 1]]
        facets[frozenset(ends.tolist())] = (set(regions.tolist()), [cells.columns[c] for c in columns])
    seen = set()
    for k, behind in enumerate(polygons.neighbours):
        ends = frozenset(place[int(polygons.vertices[j])] for j in (k, polygons.following[k]))
        regions, columns = facets[ends]
        seen.add(ends)
        assert regions == {int(polygons.regions[k]), int(behind)}
        if behind >= 0:
            found = [(c.stage, c.pattern) for c in columns if c.kind == "unit"]
            assert (polygons.layers[k], polygons.units[k]) in found
            assert polygons.layers[k] == min(s for s, _ in found)
        else:
            assert polygons.layers[k] == polygons.units[k] == -1
    assert len(seen) == len(facets)


def check_shape(polygons: Polygons, *, whole: bool = True) -> None:
    """What holds for the polygons of every partition."""
    p, q = polygons.points, polygons.points[polygons.following]
    r = q[polygons.following]
    turn = (q - p)[:, 0] * (r - q)[:, 1] - (q - p)[:, 1] * (r - q)[:, 0]
    sizes = np.abs(q - p).sum(axis=1) + np.abs(r - q).sum(axis=1)
    assert np.all(turn >= -8 * (polygons.radii.max() + 1e-15 * np.abs(p).max()) * sizes - 1e-300)
    assert np.all(polygons.domain_areas >= 0)
    assert np.all(np.diff(polygons.indptr) >= 3)
    edges = set(zip(polygons.regions.tolist(), polygons.neighbours.tolist(), strict=True))
    assert all((b, a) in edges for a, b in edges if b >= 0)
    ends = list(zip(polygons.vertices, polygons.vertices[polygons.following], strict=True))
    inside = {e for e, b in zip(ends, polygons.neighbours, strict=True) if b >= 0}
    assert {(b, a) for a, b in inside} == inside
    np.testing.assert_array_equal(
        polygons.border, [(polygons.neighbours[polygons.regions == i] == -1).any() for i in range(len(polygons))]
    )
    if not whole:
        return
    assert not np.any(polygons.neighbours == -2)
    vertices, facets = len(np.unique(polygons.vertices)), len(inside) // 2 + int((polygons.neighbours == -1).sum())
    assert vertices - facets + len(polygons) == 1
    assert polygons.areas.sum() == pytest.approx(polygons.area_domain, rel=1e-9)


@examples(80)
@given(degenerate_nets(), plane_domains())
def test_degenerate_networks_agree_with_the_complex(net, domain):
    check(enumerate_regions(net, domain, threads=1))


@examples(25)
@given(degenerate_nets(inputs=3), st.integers(1, 3))
def test_degenerate_slices_agree_with_the_complex(net, threads):
    check(
        enumerate_regions(
            net, Plane([0, 1, 0], [1, 1, 0], [0, 0, 2], [[-2, -2], [2, -2], [2, 2], [-2, 2]]), threads=threads
        )
    )


@examples(30)
@given(strategies.networks(inputs=2), plane_domains())
def test_networks_of_all_kinds_agree_with_the_complex(net, domain):
    check(enumerate_regions(net, domain, threads=1))


@pytest.mark.parametrize("seed", range(4))
def test_identities_of_generic_slices(seed):
    net = random_net([5, 8, 8, 6, 2], seed)
    rng = np.random.default_rng(seed)
    corners = [[-2, -2], [2, -2], [2, 2], [-2, 2]] if seed % 2 else [[-2, -2], [2, -1], [0, 3]]
    polygons = check(enumerate_regions(net, Plane(*rng.normal(size=(3, 5)), corners)))
    regions, c = len(polygons), len(corners)
    border = set(polygons.vertices[polygons.neighbours == -1].tolist())
    inner = len(np.unique(polygons.vertices)) - len(border)
    assert regions == 1 + inner + (len(border) - c) / 2
    assert len(polygons.points) / regions == pytest.approx(4 - (4 - c) / regions, rel=1e-14)


def test_many_threads_and_one_give_the_same():
    net = random_net([2, 20, 20, 1], 3)
    one, four = (enumerate_regions(net, Box.cube(-1, 1, 2), threads=k).polygons for k in (1, 4))
    for name in ("indptr", "neighbours", "units", "layers", "vertices"):
        np.testing.assert_array_equal(getattr(one, name), getattr(four, name), err_msg=name)
    np.testing.assert_allclose(one.points, four.points, atol=1e-9)


def test_a_run_that_noted_nothing_is_made_up_for():
    net = random_net([2, 10, 10, 1], 4)
    partition = enumerate_regions(net, Box.cube(-1, 1, 2))
    other = enumerate_regions(net, Box.cube(-1, 1, 2))
    other._corners = None
    assert not other._plane()
    np.testing.assert_allclose(other.volumes, partition.volumes, rtol=1e-9)
    np.testing.assert_array_equal(other.polygons.vertices, partition.polygons.vertices)


@pytest.mark.parametrize("zero", [False, True])
def test_incomplete_partitions(zero):
    rng = np.random.default_rng(5)
    layers = [
        (rng.integers(-2, 3, (o, i)) * 1.0, rng.normal(size=o) * (not zero))
        for i, o in [(2, 12), (12, 12), (12, 12), (12, 1)]
    ]
    net = Network.from_arrays(layers)
    whole = enumerate_regions(net, Box.cube(-1, 1, 2), threads=1)
    part = enumerate_regions(net, Box.cube(-1, 1, 2), threads=1, max_regions=max(3, len(whole) // 3))
    assert 0 < len(part) < len(whole)
    polygons = part.polygons
    check_shape(polygons, whole=False)
    assert np.any(polygons.neighbours == -2)
    number = {row.tobytes(): i for i, row in enumerate(part.packed)}
    for i, row in enumerate(part.packed):
        full = next(j for j, other in enumerate(whole.packed) if np.array_equal(row, other))
        behind = whole.polygons.neighbours[whole.polygons.indptr[full] : whole.polygons.indptr[full + 1]]
        expected = [-1 if j < 0 else number.get(whole.packed[j].tobytes(), -2) for j in behind]
        found = polygons.neighbours[polygons.indptr[i] : polygons.indptr[i + 1]]
        assert sorted(found) == sorted(expected)


def test_orthonormal_coordinates():
    p, q, r = np.array([0.0, 0, 1]), np.array([2.0, 0, 1]), np.array([1.0, 3, 1])
    plane = Plane(p, q, r, [[0, 0], [1, 0], [0, 1]])
    net = random_net([3, 6, 1], 6)
    polygons = enumerate_regions(net, plane).polygons
    x = plane.inputs(polygons.points)
    np.testing.assert_allclose(np.linalg.norm(polygons.xy, axis=1), np.linalg.norm(x - p, axis=1), atol=1e-12)
    lengths = np.linalg.norm(x[polygons.following] - x, axis=1)
    np.testing.assert_allclose(polygons.lengths, lengths, atol=1e-12)
    np.testing.assert_allclose(polygons.perimeters.sum(), lengths.sum())
    assert polygons.area_domain == pytest.approx(3.0)
    assert polygons.areas.sum() == pytest.approx(3.0)
    np.testing.assert_allclose(polygons.polygon(1), polygons.points[polygons.indptr[1] : polygons.indptr[2]])


def test_a_network_that_splits_nothing():
    polygons = check(enumerate_regions(Network.from_arrays([(np.eye(2), np.zeros(2))]), Box([0, 0], [1, 3])))
    assert len(polygons) == 1
    assert polygons.border.all()
    assert polygons.areas.tolist() == [3.0]


def test_joint_vertices_of_cycles_and_paths():
    # Four squares around a point, and beside it a path of three regions at a border vertex.
    rng = np.random.default_rng(8)
    for _ in range(30):
        sizes = rng.integers(1, 9, 6)
        ring, at, twin, following = [], 0, [], []
        for k, size in enumerate(sizes):  # corner j turns to corner j + 1, at the end of an odd one to nothing
            for j in range(size):
                ring.append(k)
                last = j == size - 1
                twin.append(-1 if last and k % 2 else at + (0 if last else j + 1))
                following.append(at + j)
            at += int(size)
        shuffle = rng.permutation(at)
        back = np.argsort(shuffle)
        twin = np.array(twin)[shuffle]
        found = joint_vertices(np.where(twin < 0, -1, back[twin]), np.arange(at))
        ring = np.array(ring)[shuffle]
        assert len(np.unique(found)) == len(sizes)
        assert len(set(zip(found.tolist(), ring.tolist(), strict=True))) == len(sizes)


def test_cuts_are_the_columns_of_the_complex():
    net = network(
        (np.ones((5, 2)), np.arange(5.0), MaxGroups([0, 1, 3, 5])),
        (np.eye(3) + 1, np.zeros(3), UnitActivations.of([RELU, clip(-1, 1), IDENTITY])),
        (np.ones((4, 3)), np.zeros(4), MaxGroups([0, 4])),
    )
    cuts = Cuts.of(net)
    columns = [c for c in enumerate_regions(net, Box.cube(-1, 1, 2)).complex.columns if c.kind == "unit"]
    assert cuts.stage.tolist() == [c.stage for c in columns]
    assert cuts.column.tolist() == [c.pattern for c in columns]
    assert list(zip(cuts.high, cuts.low, strict=True)) == [c.rows or (c.breakpoint + 1, c.breakpoint) for c in columns]


def test_what_has_no_polygons_is_refused():
    net = random_net([2, 4, 1], 9)
    for domain in (Space(2), Segment([0, 0], [1, 1]), Polytope([[1, 0]], [1])):
        with pytest.raises(InputError, match="polygons: "):
            _ = enumerate_regions(net, domain).polygons
    saved_part = enumerate_regions(net, Box.cube(-1, 1, 2), max_regions=2, threads=1)
    saved_part._corners = None
    with pytest.raises(InputError, match="holds a part of the regions"):
        _ = saved_part.polygons
