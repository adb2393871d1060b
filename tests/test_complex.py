"""The polyhedral complex: against a slow one in rationals, against formulas, and against itself."""

from __future__ import annotations

import itertools
import math
import signal
from fractions import Fraction

import numpy as np
import pytest
import strategies
from hypothesis import HealthCheck, given, settings
from oracle.complex import LARGE, complex_of

from linregions import Box, InputError, Network, Plane, Polytope, Segment, Space, enumerate_regions
from linregions.activations import ABS, IDENTITY, RELU, MaxGroups, UnitActivations, clip, leaky_relu
from linregions.partition import Complex, Partition
from linregions.partition.building import build
from linregions.stage import Stage


def examples(count: int):
    return settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck))


def network(*layers, source: str = "test") -> Network:
    """(weight, bias, activation) each; a linear output of ones is added."""
    stages = [Stage(np.array(w, float), np.array(b, float), a) for w, b, a in layers]
    width = stages[-1].units
    stages.append(Stage(np.ones((1, width)), np.zeros(1), UnitActivations.uniform(IDENTITY, 1)))
    return Network(tuple(stages), source)


def relus(n: int) -> UnitActivations:
    return UnitActivations.uniform(RELU, n)


def random_net(widths, seed: int, *, integers: bool = False, activation=RELU) -> Network:
    rng = np.random.default_rng(seed)
    layers = []
    for fan_in, out in itertools.pairwise(widths):
        if integers:
            w, b = rng.integers(-2, 3, (out, fan_in)), rng.integers(-1, 2, out)
        else:
            w, b = rng.normal(size=(out, fan_in)), rng.normal(size=out)
        layers.append((w, b, UnitActivations.uniform(activation, out)))
    return network(*layers)


def check(partition: Partition) -> Complex:
    """Hold the complex of a partition against the slow one; returns it."""
    complex, domain = partition.complex, partition.domain
    unbounded = any(c.kind == "infinity" for c in complex.columns)
    slow = complex_of(partition.network, domain, unbounded=unbounded)
    keys = [tuple(int(v) for v in row) for row in complex.signs]
    assert len(set(keys)) == len(keys)
    assert set(keys) == set(slow.points)
    assert complex.signs.shape == (len(keys), len(complex.columns))
    check_points(complex, keys, slow)
    regions = split(complex.region_indptr, complex.region_vertices, keys)
    assert regions == [slow.regions[tuple(int(v) for v in p)] for p in partition.patterns]
    for k in range(domain.dim + 1):
        faces = complex.faces(k)
        sets = split(faces.indptr, faces.vertices, keys)
        assert len(set(sets)) == len(sets) == len(faces)
        found = dict(zip(sets, (tuple(int(v) for v in row) for row in faces.signs), strict=True))
        assert found == slow.faces[k], k
        far = {keys[v] for v in np.flatnonzero(complex.far)}
        assert [not (s & far) for s in sets] == faces.bounded.tolist()
        check_incidence(complex, k, sets, regions)
    check_facets(complex, keys, slow)
    check_euler(complex)
    return complex


def split(indptr, vertices, keys) -> list[frozenset]:
    parts = [vertices[a:b].tolist() for a, b in itertools.pairwise(indptr)]
    assert all(p == sorted(set(p)) for p in parts)
    return [frozenset(keys[v] for v in p) for p in parts]


def check_points(complex: Complex, keys, slow) -> None:
    for v, key in enumerate(keys):
        exact = [Fraction(int(c.p), int(c.q)) for c in slow.points[key]]
        growth = LARGE if complex.far[v] else 0
        room = Fraction(float(complex.radii[v])) * (1 + int(growth)) if math.isfinite(complex.radii[v]) else None
        for k, c in enumerate(exact):
            at = Fraction(float(complex.points[v, k])) + Fraction(float(complex.directions[v, k])) * int(growth)
            assert room is None or abs(at - c) <= room
        if not complex.far[v]:
            assert not complex.directions[v].any()
            if v % 5 == 0:
                assert complex.exact_point(v) == exact


def check_incidence(complex: Complex, k: int, sets, regions) -> None:
    indptr, holders = complex.face_regions(k)
    faces = complex.faces(k)
    for i, face in enumerate(sets):
        expected = [r for r, corners in enumerate(regions) if face <= corners]
        assert holders[indptr[i] : indptr[i + 1]].tolist() == expected
        assert faces.region[i] in expected
    if k == 0:
        return
    indptr, below = complex.boundary(k)
    lower = complex.faces(k - 1)
    small = [set(lower.vertices[a:b].tolist()) for a, b in itertools.pairwise(lower.indptr)]
    for i, (a, b) in enumerate(itertools.pairwise(faces.indptr)):
        mine = set(faces.vertices[a:b].tolist())
        assert sorted(below[indptr[i] : indptr[i + 1]].tolist()) == [j for j, s in enumerate(small) if s <= mine]


def check_facets(complex: Complex, keys, slow) -> None:
    sets = split(complex.facet_indptr, complex.facet_vertices, keys)
    assert set(sets) == set(slow.columns)
    columns = [complex.facet_columns[a:b].tolist() for a, b in itertools.pairwise(complex.facet_columns_indptr)]
    for facet, mine, pair in zip(sets, columns, complex.facet_regions, strict=True):
        assert mine == sorted(slow.columns[facet])
        on_boundary = any(complex.columns[c].kind == "domain" for c in mine)
        assert on_boundary == (pair[1] < 0)
        assert pair[0] >= 0
        assert pair[0] != pair[1]


def check_euler(complex: Complex) -> None:
    f, bounded = complex.f_vector, complex.bounded_f_vector
    assert f == tuple(len(complex.faces(k)) for k in range(complex.dim + 1))
    if not any(c.kind == "infinity" for c in complex.columns):
        assert complex.euler == 1
        assert bounded == f
    elif not any(c.kind == "domain" for c in complex.columns):
        assert complex.euler == (-1) ** complex.dim
    assert sum((-1) ** k * n for k, n in enumerate(bounded)) == (1 if f[0] else 0)


ACTIVATIONS = [RELU, leaky_relu(0.25), ABS, clip(-0.5, 1.0)]


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
@pytest.mark.parametrize("integers", [False, True])
def test_random_networks_in_a_box(integers, activation):
    for seed, widths in enumerate([(1, 4, 3), (2, 4, 3), (2, 3, 2, 2), (3, 3, 1)]):
        net = random_net(widths, seed, integers=integers, activation=activation)
        check(enumerate_regions(net, Box.cube(-1, 1, widths[0])))


@pytest.mark.parametrize("integers", [False, True])
def test_random_networks_on_the_whole_space(integers):
    for seed, widths in enumerate([(1, 4, 3), (2, 4, 2), (2, 3, 2, 1), (3, 3, 1)]):
        net = random_net(widths, seed, integers=integers)
        check(enumerate_regions(net, Space(widths[0])))


def test_four_dimensions():
    check(enumerate_regions(random_net((4, 2, 1), 3), Box.cube(-1, 1, 4)))
    check(enumerate_regions(random_net((4, 3), 4), Space(4)))


@pytest.mark.parametrize("integers", [False, True])
def test_max_groups(integers):
    rng = np.random.default_rng(5)
    for domain in (Box.cube(-1, 1, 2), Space(2), Box.cube(-1, 1, 1)):
        draw = (lambda *s: rng.integers(-2, 3, s)) if integers else (lambda *s: rng.normal(size=s))
        first = (draw(6, domain.dim), draw(6), MaxGroups(np.array([0, 3, 5, 6], dtype=np.int32)))
        second = (draw(4, 3), draw(4), MaxGroups(np.array([0, 4], dtype=np.int32)))
        check(enumerate_regions(network(first, second), domain))


def test_domains_of_every_kind():
    net = random_net((3, 4, 2), 8, integers=True)
    check(enumerate_regions(net, Segment([-2, -1, 0], [2, 1, 1])))
    check(enumerate_regions(net, Plane.through([0, 0, 0], [1, 0, 1], [0, 1, -1], margin=1.0)))
    flat = random_net((2, 4, 2), 9, integers=True)
    check(enumerate_regions(flat, Polytope([[1, 1], [-1, 0], [0, -1], [1, 0], [0, 0], [2, 2]], [2, 0, 0, 1, 0, 4])))
    check(enumerate_regions(flat, Polytope([[-1, 0]], [1])))
    check(enumerate_regions(flat, Polytope([[-1, 0], [0, -1], [-1, -1]], [1, 1, 2])))
    check(enumerate_regions(flat, Polytope([[1, -1], [-1, 1]], [1, 1])))


def test_arrangements_without_vertices():
    line = network(([[1, 2]], [3], relus(1)))
    assert check(enumerate_regions(line, Space(2))).f_vector == (0, 1, 2)
    strips = network(([[1, 1], [1, 1], [2, 2], [-1, -1]], [0, 1, 5, 0], relus(4)))
    complex = check(enumerate_regions(strips, Space(2)))
    assert complex.f_vector == (0, 3, 4)
    assert complex.bounded_f_vector == (0, 0, 0)
    planes = network(([[1, 0, 0], [0, 1, 0], [1, 1, 0]], [0, 0, 0], relus(3)))
    assert check(enumerate_regions(planes, Space(3))).f_vector == (0, 1, 6, 6)
    assert check(enumerate_regions(network(([[0, 0]], [1], relus(1))), Space(2))).f_vector == (0, 0, 1)
    assert check(enumerate_regions(line, Polytope([[-1, -2]], [5]))).f_vector == (0, 2, 2)


def test_a_network_without_units_is_its_domain():
    affine = Network.from_arrays([([[1.0, 2.0, 0.0]], [0.0])])
    assert enumerate_regions(affine, Box.cube(-1, 1, 3)).complex.f_vector == (8, 12, 6, 1)
    assert enumerate_regions(affine, Space(3)).complex.f_vector == (0, 0, 0, 1)


def test_degenerate_units():
    """Dead, duplicate and touching units; a unit that vanishes on a whole region; lines that touch corners only."""
    first = ([[1, 0], [0, 1], [1, 0], [0, 0], [-1, 1], [1, 1]], [0, 0, 0, 0, 0, -2], relus(6))
    second = (
        [[1, 1, 0, 0, 0, 0], [0, 1, 0, 0, -1, 0], [-1, 0, 0, 1, 0, 0], [1, 0, -1, 0, 0, 0]],
        [0, 0, 0, 0],
        relus(4),
    )
    for domain in (Box.cube(-1, 1, 2), Space(2), Box([0, -1], [1, 1])):
        check(enumerate_regions(network(first, second), domain))


def test_points_on_many_hyperplanes():
    """All lines through one point, in the plane and in space, seen twice."""
    rows = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, -1, 0], [1, 1, 1]]
    check(enumerate_regions(network((rows, [0] * 6, relus(6))), Space(3)))
    second = ([[1, -1, 1, 0, 2, 1], [1, 1, 1, -1, 0, -1]], [0, 0], relus(2))
    plane = [[1, 2], [3, -1], [1, 2], [-2, 5], [0, 1], [1, 0]]
    check(enumerate_regions(network((plane, [0] * 6, relus(6)), second), Space(2)))


@examples(50)
@given(strategies.cases(units=5, styles=strategies.MODEST))
def test_random_cases(case):
    check(enumerate_regions(case.network, case.domain))


@pytest.mark.slow
@examples(400)
@given(strategies.cases(units=7, styles=strategies.MODEST))
def test_many_random_cases(case):
    check(enumerate_regions(case.network, case.domain))


@pytest.mark.slow
@examples(100)
@given(strategies.sliver_cases())
def test_slivers(case):
    check(enumerate_regions(case.network, case.domain))


@pytest.mark.parametrize(
    ("n", "m", "f", "bounded"),
    [(2, 4, (6, 16, 11), (6, 8, 3)), (3, 5, (10, 40, 55, 26), (10, 20, 15, 4))],
)
def test_golden_general_position(n, m, f, bounded):
    complex = enumerate_regions(random_net((n, m), 0), Space(n)).complex
    assert complex.f_vector == f
    assert complex.bounded_f_vector == bounded


@pytest.mark.parametrize(("n", "m"), [(1, 5), (2, 9), (3, 8), (4, 7), (5, 6), (6, 7)])
def test_general_position(n, m):
    """f_k = C(m, n-k) sum_{j<=k} C(m-n+k, j), bounded C(m, n-k) C(m-n+k-1, k)."""
    complex = enumerate_regions(random_net((n, m), n), Space(n)).complex
    choose = math.comb
    f = [choose(m, n - k) * sum(choose(m - n + k, j) for j in range(k + 1)) for k in range(n + 1)]
    bounded = [choose(m, n - k) * choose(m - n + k - 1, k) if m - n + k else int(k == 0) for k in range(n + 1)]
    assert complex.f_vector == tuple(f)
    assert complex.bounded_f_vector == tuple(bounded)


@pytest.mark.parametrize(("widths", "domain"), [((2, 9, 7), Space(2)), ((3, 7, 5), Box.cube(-1, 1, 3))])
def test_the_number_of_threads_changes_nothing(widths, domain):
    engine = enumerate_regions(random_net(widths, 2), domain)._engine
    found = []
    for threads in (1, 3):
        engine.start_complex(threads, 2**40)
        while not engine.wait(1):
            pass
        found.append(engine.complex())
    one, many = found
    for name in ("patterns", "keys", "points", "directions", "radii", "far", "facet_regions"):
        np.testing.assert_array_equal(one[name], many[name])
    for name in ("regions", "facets", "facet_columns"):
        for a, b in zip(one[name], many[name], strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_point_is_located_by_the_vertices_of_its_region():
    """The mean of a region's vertices has the region's pattern, and its signs are the region's."""
    net = random_net((3, 8, 6), 4)
    partition = enumerate_regions(net, Box.cube(-1, 1, 3))
    complex = partition.complex
    means = np.add.reduceat(complex.points[complex.region_vertices], complex.region_indptr[:-1], axis=0)
    means /= np.diff(complex.region_indptr)[:, None]
    inside = np.flatnonzero(partition.volumes > 1e-9)
    np.testing.assert_array_equal(net.pattern(means[inside]), partition.patterns[inside])
    signs = complex.faces(3).signs
    for c, column in enumerate(complex.columns):
        if column.kind == "unit":
            np.testing.assert_array_equal(signs[:, c] > 0, partition.patterns[:, column.pattern] > column.breakpoint)


def test_every_vertex_lies_where_its_signs_say():
    partition = enumerate_regions(random_net((2, 12, 10, 8), 6), Box.cube(-1, 1, 2))
    complex = partition.complex
    assert complex.radii.max() < 1e-10
    assert len(complex.faces(0)) == len(complex.points)
    degree = np.bincount(complex.facet_vertices)
    crossings = (complex.signs == 0).sum(axis=1)
    assert (crossings >= 2).all()
    assert degree.sum() == 2 * len(complex.faces(1))


@pytest.mark.parametrize(
    ("use", "sentence"),
    [
        (lambda c: c.faces(3), "k must be a dimension from 0 to 2, got 3"),
        (lambda c: c.faces(-1), "k must be a dimension from 0 to 2, got -1"),
        (lambda c: c.faces("a"), "k must be a dimension from 0 to 2, got 'a'"),
        (lambda c: c.boundary(0), "k must be a dimension from 1 to 2, got 0"),
        (lambda c: c.exact_point(99), "vertex: index 99 is outside the complex, which has 9 vertices"),
        (lambda c: c.exact_point(1.5), "vertex: index must be an integer, got 1.5"),
        (
            lambda c: c.exact_point(int(np.flatnonzero(c.far)[0])),
            "vertex: 0 lies at infinity; finite vertices are those where `far` is False",
        ),
    ],
)
def test_refused(use, sentence):
    cross = network(([[1, 0], [0, 1]], [0, 0], relus(2)))
    complex = enumerate_regions(cross, Polytope([[1, 1], [-1, 1]], [2, 2])).complex
    with pytest.raises(InputError) as caught:
        use(complex)
    assert str(caught.value) == sentence


def test_an_incomplete_partition_has_no_complex():
    partition = enumerate_regions(random_net((2, 9, 7), 2), Space(2), max_regions=5)
    with pytest.raises(InputError, match="complex: the list of regions is not complete"):
        _ = partition.complex


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers")
def test_ctrl_c_is_heard():
    def interrupt(number, frame):
        raise KeyboardInterrupt

    partition = enumerate_regions(random_net((3, 24, 16), 2), Box.cube(-1, 1, 3))
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for seconds in (0.01, 0.05, 0.1):
            signal.setitimer(signal.ITIMER_REAL, seconds)
            try:
                for _ in range(1000):
                    build(partition).face_regions(0)
            except KeyboardInterrupt:
                continue
            raise AssertionError("nobody listened")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert partition.complex.euler == 1


def test_a_part_of_a_partition_has_no_complex():
    whole = enumerate_regions(random_net((2, 9, 7), 2), Space(2))
    parts = (whole.network, whole.domain, whole.count, whole._engine)
    some = Partition(*parts, whole.packed[:3], whole.witnesses[:3].copy(), whole.certified[:3])
    with pytest.raises(InputError, match=f"complex: this partition holds 3 of {len(whole)} regions"):
        _ = some.complex
    turned = Partition(*parts, whole.packed[::-1], whole.witnesses[::-1].copy(), whole.certified[::-1])
    with pytest.raises(InputError, match="complex: an exact run finds other regions, or in another order"):
        _ = turned.complex


def test_more_dimensions_than_vertices_are_found_in():
    partition = enumerate_regions(random_net((10, 3), 2), Box.cube(-1, 1, 10))
    with pytest.raises(InputError, match="the engine 'lp' finds no vertices"):
        _ = partition.complex


def test_what_does_not_fit_is_refused(monkeypatch):
    net, domain = random_net((3, 16, 8), 2), Box.cube(-1, 1, 3)
    partition = enumerate_regions(net, domain)
    monkeypatch.setattr("linregions.partition.building.memory", lambda: 10_000)
    with pytest.raises(InputError, match="complex: the polyhedral complex does not fit into memory"):
        _ = partition.complex
    monkeypatch.undo()
    complex = partition.complex
    monkeypatch.setattr("linregions.partition.lattice.memory", lambda: 10_000)
    with pytest.raises(InputError, match="faces: dimension 1: the faces do not fit into memory"):
        complex.faces(1)
    monkeypatch.setattr("linregions.partition.complex.memory", lambda: 10_000)
    with pytest.raises(InputError, match=r"signs: .* rows of 30 columns do not fit into memory"):
        _ = complex.signs
