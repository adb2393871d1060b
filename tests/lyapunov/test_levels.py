"""Levels of V: the flood against a slow twin, thresholds that are known, and trajectories."""

from __future__ import annotations

from fractions import Fraction as Q

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from levels_oracle import decrease, field, follow, kuhn, l1, slow_component, zonotope

from linregions import Box, Network
from linregions.lyapunov import verify
from linregions.lyapunov.certificates.certificate import certificate
from linregions.lyapunov.geometry.cells import cells_of
from linregions.lyapunov.levels.flood import FAR, Heights, around_origin, flood, whole
from linregions.lyapunov.levels.levels import basin_of, levels
from linregions.lyapunov.levels.refine import barycentric, lifted_point, simplest

DUFFING = ["y", "-y - x - x**3"]
VAN_DER_POL = ["-y", "x - y + x*x*y"]


@st.composite
def landscapes(draw):
    """A mesh of a square or cube with values that repeat, known in floats up to errors that do not always decide."""
    dim = draw(st.sampled_from([1, 2, 2, 3]))
    points, simplices = kuhn(draw(st.integers(1, 2)) if dim < 3 else 1, dim)
    values = draw(st.lists(st.integers(-2, 6), min_size=len(points), max_size=len(points)))
    centre = int(np.flatnonzero(~points.any(axis=1))[0])
    values[centre] = 0
    blur = draw(st.floats(0, 2))
    noise = np.array(draw(st.lists(st.floats(-1, 1), min_size=len(points), max_size=len(points))))
    exact = [Q(v, 3) for v in values]
    heights = Heights(np.array(values) / 3 + blur * noise, np.full(len(points), blur + 1e-15), exact.__getitem__)
    return points, simplices, exact, heights, centre


@given(landscapes())
@settings(max_examples=80, deadline=None)
def test_the_flood_reaches_what_the_slow_one_reaches(landscape):
    points, simplices, exact, heights, centre = landscape
    boundary = np.abs(points).max(axis=1) == np.abs(points).max()
    start = np.flatnonzero((simplices == centre).any(axis=1))
    done = flood(heights, simplices, boundary=boundary, start=start)
    slow = [s.tolist() for s in simplices]
    for level in sorted({v for v in exact if v >= 0}):
        vertices, pieces = slow_component(exact, slow, start.tolist(), level)
        meets = any(boundary[v] for v in vertices)
        assert (done.boundary_level is not None and done.boundary_level <= level) == meets
        if done.boundary_level is None or level <= done.boundary_level:
            assert set(done.component(level).tolist()) == pieces
            inside = done.vertex_enters <= heights.below(level)
            assert set(np.flatnonzero(inside).tolist()) == vertices
        if meets:
            break


@given(landscapes())
@settings(max_examples=40, deadline=None)
def test_ranks_are_those_of_the_exact_values(landscape):
    *_, exact, heights, _ = landscape
    order = sorted(set(exact))
    assert heights.ranks.tolist() == [order.index(v) for v in exact]
    for level in [*order, Q(1, 7)]:
        assert heights.below(level) == sum(v <= level for v in order) - 1
        assert heights.below(level, strictly=True) == sum(v < level for v in order) - 1


@given(landscapes())
@settings(max_examples=40, deadline=None)
def test_all_of_a_level_set_counts_from_its_lowest_vertex(landscape):
    points, simplices, exact, heights, _ = landscape
    boundary = np.abs(points).max(axis=1) == np.abs(points).max()
    done = whole(heights, simplices, boundary=boundary)
    assert done.boundary_level == max(Q(0), min(v for v, edge in zip(exact, boundary, strict=True) if edge))
    for k, s in enumerate(simplices):
        assert done.level(k) == max(Q(0), min(exact[v] for v in s))


def test_a_second_well_counts_from_the_pass_on():
    values = [Q(v) for v in (9, 0, 4, 1, 8)]
    heights = Heights(np.array(values, dtype=float), np.zeros(5), values.__getitem__)
    chain = np.array([[0, 1], [1, 2], [2, 3], [3, 4]])
    edge = np.array([True, False, False, False, True])
    done = flood(heights, chain, boundary=edge, start=np.array([0, 1]))
    assert [done.level(k) for k in range(4)] == [0, 0, 4, 4]
    assert (done.boundary_level, done.alone(Q(1)), done.alone(Q(2)), done.alone(Q(5))) == (8, True, False, True)
    assert whole(heights, chain, boundary=edge).level(2) == 1


def test_what_the_flood_does_not_reach_stays_far():
    values = [Q(v) for v in (1, 0, 5, 2)]
    heights = Heights(np.array(values, dtype=float), np.zeros(4), values.__getitem__)
    done = flood(
        heights, np.array([[0, 1], [1, 2], [2, 3]]), boundary=np.array([1, 0, 0, 1], dtype=bool), start=np.array([0, 1])
    )
    assert done.boundary_level == 1
    assert done.enters[2] == FAR
    assert done.level(2) is None


@given(st.lists(st.fractions(-2, 2, max_denominator=9), min_size=6, max_size=6))
@settings(max_examples=60, deadline=None)
def test_the_simplices_around_the_origin(numbers):
    corners = [(numbers[k], numbers[k + 1]) for k in (0, 2, 4)]
    rows = [(int(x * 2520), int(y * 2520), 2520) for x, y in corners]
    (ax, ay), (bx, by), (cx, cy) = corners
    turns = [ax * by - ay * bx, bx * cy - by * cx, cx * ay - cy * ax]
    if sum(turns) == 0:
        return
    places = np.array([[float(x), float(y)] for x, y in corners])
    found = around_origin(np.array([[0, 1, 2]]), places, np.full(3, 1e-15), rows.__getitem__)
    assert (len(found) == 1) == (min(turns) >= 0 or max(turns) <= 0)


@given(st.fractions(-3, 3, max_denominator=30), st.fractions(0, 1, max_denominator=30))
def test_the_simplest_rational_is_the_simplest(low, width):
    found = simplest(low, low + width)
    assert low <= found <= low + width
    for q in range(1, found.denominator):
        assert (low * q).__ceil__() > ((low + width) * q).__floor__()


@pytest.mark.parametrize("n", [1, 2, 3])
def test_separable_cubic_up_to_the_equilibria(n):
    f = field(*["-x + x**3", "-y + y**3", "-z + z**3"][:n]) if n > 1 else field("-x + x**3")
    for half, closed in [(Q(3, 4), True), (Q(1), True), (Q(3, 2), False)]:
        cells = cells_of(l1(n), Box.cube(-float(half), float(half), n))
        found = levels(cells, [decrease(cells, f)], time="continuous").sublevel
        assert found is not None
        assert found.upper == min(half, 1)
        assert found.c == found.upper if closed else Q(99, 100) <= found.c <= 1
        assert found.c_boundary == half
        assert found.volume == (2 * found.c) ** n / (1, 1, 2, 6)[n]
        assert found.alone


def test_refinement_starts_from_nothing_but_the_roots():
    cells = cells_of(l1(2), Box.cube(-1.5, 1.5, 2))
    task = decrease(cells, field("-x + x**3", "-y + y**3"), stop_at_violation=True)
    found = levels(cells, [task], time="continuous").sublevel
    assert found is not None
    assert Q(99, 100) <= found.c <= found.upper == 1


def test_a_repelling_core_leaves_an_ultimate_bound():
    f = field("x - 4*x**3")  # V = |x| falls where |x| > 1/2
    cells = cells_of(l1(1), Box.cube(-2, 2, 1))
    found = levels(cells, [decrease(cells, f)], time="continuous")
    assert found.sublevel is None
    assert found.ultimate is not None
    assert Q(1, 2) <= found.ultimate.c1 <= Q(51, 100)
    assert found.ultimate.c2 == found.c_boundary == 2
    assert not found.ultimate.strict
    assert found.ultimate.core_volume == 2 * found.ultimate.c1
    assert levels(cells, [decrease(cells, f)], time="discrete").ultimate is None


def test_all_annuli_are_found():
    f = field("-x*(x*x - 1)*(x*x - 4)*(x*x - 9)")  # |x| grows up to 1, falls up to 2, grows up to 3, falls
    cells = cells_of(l1(1), Box.cube(-4, 4, 1))
    g = [-p for p in f]
    falling = levels(cells, [decrease(cells, g)], time="continuous", gap=1e-3)
    assert falling.sublevel is not None
    assert falling.sublevel.upper == 1
    annuli = levels(cells, [decrease(cells, f)], time="continuous", gap=1e-3).ultimate
    assert annuli is not None
    assert [round(float(v)) for pair in annuli.annuli for v in pair] == [1, 2, 3, 4]
    assert Q(1) <= annuli.c1
    assert annuli.c2 <= 2


def test_excluded_parts_are_proved_again_or_stay_open():
    from linregions.lyapunov.proving.simplices import Ball

    cells = cells_of(l1(2), Box.cube(-1, 1, 2))
    f = field("x/16 - x**3", "y/16 - y**3")  # V falls where |x|^3 + |y|^3 > (|x| + |y|) / 16
    found = levels(cells, [decrease(cells, f, inside=Ball(Q(3, 4)))], time="continuous")
    assert found.ultimate is not None
    assert Q(1, 2) <= found.ultimate.c1 <= Q(51, 100)
    assert found.ultimate.c2 == 1


@pytest.mark.parametrize(("texts", "P", "K", "half"), [(VAN_DER_POL, [[1.5, -0.5], [-0.5, 1]], 24, 3.0)])
def test_trajectories_from_the_sub_level_set_reach_the_origin(texts, P, K, half):
    net, f = zonotope(P, K), field(*texts)
    cells = cells_of(net, Box.cube(-half, half, 2))
    found = levels(cells, [decrease(cells, f)], time="continuous").sublevel
    assert found is not None
    assert found.c < found.upper < found.c_boundary
    assert found.c > Q(99, 100) * found.upper
    angles = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    rays = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    edge = rays * (float(found.c) / net(rays))
    path = follow(f, 0.999 * edge)
    heights = net(path)[..., 0]
    assert np.all(np.diff(heights, axis=0) < 1e-12)
    assert np.all(heights[-1] < 0.05)
    # The polygon's area by the shoelace formula is nearly that of the exact set.
    x, y = edge.T
    area = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
    assert float(found.volume) == pytest.approx(area, rel=0.05)


def test_trajectories_enter_the_core_of_a_network_with_biases():
    bias = np.random.default_rng(0).normal(size=24) * 0.05
    net, f = zonotope([[1.5, 0.5], [0.5, 1]], 12, bias=bias), field(*DUFFING)
    cells = cells_of(net, Box.cube(-2, 2, 2))
    shift = net.exact_values([Q(0), Q(0)])[0]
    found = levels(cells, [decrease(cells, f)], time="continuous", shift=shift)
    assert found.sublevel is None
    bound = found.ultimate
    assert bound is not None
    assert 0 < bound.c1 < bound.c2 <= found.c_boundary
    c1, c2 = float(bound.c1) + float(shift), float(bound.c2) + float(shift)
    points = np.random.default_rng(1).uniform(-2, 2, size=(200, 2))
    inside = points[net(points)[:, 0] < c2]
    heights = net(follow(f, inside, step=0.02))[..., 0]
    assert np.all(heights < c2)
    assert np.all(heights[-1] <= c1)
    falls = np.diff(heights, axis=0) < 0
    assert np.all(falls | (heights[:-1] < c1 + 0.01))


def test_no_claim_where_the_candidate_is_negative():
    net = Network.from_arrays([([[1.0], [-1.0], [1.0]], [0.0, 0.0, -1.0]), ([[1.0, 1.0, -3.0]], [0.0])])
    cells = cells_of(net, Box.cube(-4, 4, 1))  # |x| up to 1, then 3 - 2x: negative beyond 3/2
    found = levels(cells, [decrease(cells, field("-x"))], time="continuous")
    assert found.sublevel is not None
    assert found.sublevel.c == 1
    found = levels(cells, [decrease(cells, field("0*x"))], time="continuous")
    assert found.sublevel is None


def test_records_read_well():
    cells = cells_of(l1(2), Box.cube(-1, 1, 2))
    found = levels(cells, [decrease(cells, field("-x + x**3", "-y + y**3"))], time="continuous")
    assert str(found.sublevel) == "{V < 1} is a region of attraction (no larger level is possible)"
    assert found.sublevel is not None
    assert found.sublevel.as_dict()["volume"] == "2"
    assert found.sublevel.as_dict()["volume_float"] == 2.0
    assert found.ultimate is not None
    assert str(found.ultimate) == "every trajectory that starts in {V < 1} tends to the origin"
    assert found.ultimate.as_dict()["annuli"] == [["0", "1"]]


def test_points_and_corners_are_inverse():
    cells = cells_of(l1(2), Box.cube(-1.5, 1.5, 2))
    simplices = cells.lifted([0])
    corner = (Q(1, 7), Q(2, 7), Q(4, 7))
    point = lifted_point(simplices, 3, corner)
    assert barycentric(simplices, 3, point[:2]) == corner
    assert point[2] == abs(point[0]) + abs(point[1])
    assert barycentric(simplices, 3, [Q(-9), Q(9)]) is None


@given(st.integers(0, 10**6), st.sampled_from([1, 2, 2]))
@settings(max_examples=10, deadline=None)
def test_floats_and_exact_levels_agree(seed, n):
    from linregions.lyapunov.levels.levels import _ground
    from linregions.lyapunov.levels.search import Search

    rng = np.random.default_rng(seed)
    net = Network.from_arrays([(rng.normal(size=(4, n)), rng.normal(size=4)), (rng.normal(size=(1, 4)), [0.0])])
    cells = cells_of(net, Box.cube(-1, 1, n))
    shift = net.exact_values([Q(0)] * n)[0]
    basin = basin_of(cells, shift=shift)
    limit = basin.flood.boundary_level
    f = field(*["-x + x**3/2", "-y + x*y", "-z - y**2"][:n]) if n > 1 else field("-x + x**3/2")
    task = decrease(cells, f, max_depth=3)
    search = Search([task], _ground(basin, [task], limit + 1), rounds=1)
    search.start()
    search.widen(0.01)
    for leaf in range(len(search.enters)):
        enters, high = search._exact(leaf)
        assert abs(float(enters) - search.enters[leaf]) <= search.error[leaf] + 1e-300
        assert abs(float(high) - search.high[leaf]) <= search.error[leaf] + 1e-300
    pairs = [(gap.low, gap.high) for gap in search.gaps()]
    exact = [search._exact(leaf) for leaf in range(len(search.enters))]
    assert pairs == sorted(pairs)
    for low, high in pairs:
        assert all(enters >= high or top <= low for enters, top in exact)


def test_a_zero_ray_at_the_origin_blocks_every_level():
    net, A = l1(2), [[0.5, -0.5], [0.5, 0.0]]
    found = verify(net, A, Box.cube(-1, 1, 2), time="discrete")  # (1, 0) keeps its 1-norm
    assert (found.sublevel, found.ultimate) == (None, None)
    found = verify(net, ["-x + x^3", "-y + y^3"], Box.cube(-1, 1, 2))
    assert found.sublevel.c == found.sublevel.upper == 1


def test_a_map_that_jumps_out_of_the_domain_ends_the_level():
    net = Network.from_arrays([([[1.0], [-1.0], [-1.0]], [0.0, 0.0, -2.0]), ([[1.0, 1.0, -2.0]], [0.0])])
    near = ([[0.5]], [0], [[1]], [1.5])
    for target, level in [(-3, Q(3, 2)), (-1, Q(2))]:  # V(-3) = 1 as well, but -3 is not in the domain
        modes = [near, ([[0]], [target], [[-1]], [-1.5])]
        found = verify(net, modes, Box([-2.0], [4.0]), time="discrete")
        assert found.sublevel.c == found.sublevel.upper == level


def test_the_checker_finds_the_same_levels():
    bias = np.random.default_rng(0).normal(size=12) * 0.05
    net = zonotope([[1.5, 0.5], [0.5, 1]], 6, bias=bias)
    found = verify(net, ["y", "-y - x - x^3"], Box.cube(-2, 2, 2), shift=True)
    stated = certificate(found, claim="ultimate")["levels"]
    assert (Q(stated["c1"]), Q(stated["c2"])) == (found.ultimate.c1, found.ultimate.c2)
    assert Q(stated["boundary"]) == found.ultimate.c_boundary
    found = verify(l1(2), ["-x + x^3", "-y + y^3"], Box.cube(-1.5, 1.5, 2))
    assert Q(certificate(found, claim="sublevel")["levels"]["c"]) == found.sublevel.c


def scaled_s2(x, v, *, width=1.5):
    """x' = -x + x^3 in both coordinates with states times 2^x and the 1-norm times 2^v."""
    half = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]
    net = Network.from_arrays([(half, [0.0] * 4), ([[2.0**v] * 4], [0.0])])
    square = f"(({Q(2) ** (-2 * x)}))"
    return verify(net, [f"-x1 + {square}*x1^3", f"-x2 + {square}*x2^3"], Box.cube(-width * 2.0**x, width * 2.0**x, 2))


@pytest.mark.parametrize(("x", "v"), [(-500, 0), (200, 0), (0, -996), (0, 996), (500, -996), (-500, 996)])
def test_levels_scale_with_the_numbers(x, v):
    # By powers of two: float64 holds no power of ten of this size exactly.
    base, found = scaled_s2(0, 0).sublevel, scaled_s2(x, v).sublevel
    unit = Q(2) ** (x + v)
    assert base.upper == 1
    assert (found.c, found.upper) == (base.c * unit, base.upper * unit)
    assert found.c_boundary == base.c_boundary * unit
    assert found.volume == base.volume * Q(4) ** x


def test_numbers_that_overflow_prove_no_level():
    assert Q(98, 100) * Q(2) ** 1023 < scaled_s2(0, 1023).sublevel.c <= Q(2) ** 1023
    net, domain = l1(2), Box.cube(-1e200, 1e200, 2)
    for f in (["-x1+2*x2", "-x2"], ["-x1+x1^3", "-x2"]):
        found = verify(net, f, domain, time_limit=0.5)
        assert found.status.value == "REFUTED"
        assert found.sublevel is None or (f[1] == "-x2" and found.sublevel.c <= 1)
    assert verify(net, ["0.5*x1+2*x2", "-x2"], domain, time="discrete").sublevel is None
    doubled = Network.from_arrays([*[(np.vstack([np.eye(2), -np.eye(2)]), [0.0] * 4)], ([[8e307] * 4], [0.0])])
    found = verify(doubled, ["-x1+x1^3", "-x2+x2^3"], Box.cube(-1.5, 1.5, 2)).sublevel
    assert Q(98, 100) < found.c / Q(8e307) <= found.upper / Q(8e307) == 1


def test_what_float64_does_not_hold_is_decided_exactly():
    from linregions.lyapunov.levels.levels import _shifted
    from linregions.lyapunov.levels.units import in_units

    values, errors = _shifted(np.array([1e308, -1e308]), np.zeros(2), -(Q(10) ** 308))
    assert errors.tolist()[0] == np.inf
    assert np.isfinite(values).all()
    assert np.isinf(_shifted(np.array([0.0, 1.0]), np.zeros(2), Q(10) ** 400)[1]).all()
    exact = [Q(10) ** 400, -(Q(10) ** 400), Q(1), Q(1, 10**400), Q(2)]
    given = np.array([np.inf, -np.inf, np.nan, 0.0, 2.0]), np.array([np.inf, np.nan, 0.0, np.inf, 0.0])
    assert Heights(*given, exact.__getitem__).ranks.tolist() == [4, 0, 2, 1, 3]
    near, blur = in_units(*given, exact.__getitem__, 1)
    assert near[2:].tolist() == [0.5, 0.0, 1.0]
    assert (blur[:2] > 1e100).all()
    assert np.isfinite([near, blur]).all()
    points = np.array([[np.nan, -1.0], [2.0, -1.0], [-1.0, 2.0]])
    corners = [(-1, -1, 1), (2, -1, 1), (-1, 2, 1)]
    assert len(around_origin(np.array([[0, 1, 2]]), points, np.zeros(3), corners.__getitem__)) == 1
