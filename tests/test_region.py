"""One region in full: both representations, sizes and distances, held against each other and against the partition."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from known_nets import he_net
from strategies import cases

from linregions import Box, InputError, Network, Plane, Polytope, Segment, Space, enumerate_regions
from linregions.exact import dot, rank
from linregions.partition.measures import inverse_norm

SQUARES = Network.from_arrays([(np.eye(2), np.zeros(2)), (np.ones((1, 2)), np.zeros(1))])
DOMAINS = [Box.cube(-1, 1, 2), Space(2), Polytope([[1, 1], [-1, 0], [0, -1]], [1, 0.5, 0.5])]


def level(row, point, far=False) -> Fraction:
    return dot([Fraction(a) for a in row[:-1]], [Fraction(v) for v in point]) + (0 if far else row[-1])


def check(region) -> None:
    """Half-spaces and vertices describe one polyhedron."""
    d, vertices, rays = region.dim, region.exact_vertices, region.exact_rays
    for k, facet in enumerate(region.facets):
        on = [v for v in vertices if level(facet.row, v) == 0]
        along = [r for r in rays if level(facet.row, r, far=True) == 0]
        assert all(level(facet.row, v) >= 0 for v in vertices)
        assert all(level(facet.row, r, far=True) >= 0 for r in rays)
        assert [vertices[i] for i in facet.vertices] == on
        if on:
            # The facet has dimension d - 1; on a bounded region, at least d vertices.
            spans = [[a - b for a, b in zip(v, on[0], strict=True)] for v in on[1:]] + [
                list(map(Fraction, r)) for r in along
            ]
            assert (rank(spans) if spans else 0) == d - 1
            assert not region.bounded or len(on) >= d
        assert region.exact_halfspaces[k] == facet.row
        assert math.gcd(*facet.row) == 1
    for v in vertices:
        assert rank([[Fraction(a) for a in f.row[:-1]] for f in region.facets if level(f.row, v) == 0]) == d
        assert region.contains(v)
        assert not region.contains(v, strict=True)
    point = region.partition.exact_witness(region.index)
    assert region.contains(point, strict=True)
    assert region.bounded == (not rays)
    for r in rays:
        assert region.contains([p + 1000 * s for p, s in zip(point, r, strict=True)], strict=True)


@settings(max_examples=40)
@given(cases(units=6))
def test_both_representations_agree(case):
    partition = enumerate_regions(case.network, case.domain)
    for region in list(partition)[:12]:
        check(region)


@settings(max_examples=25)
@given(cases(units=6))
def test_facets_are_those_of_the_complex(case):
    partition = enumerate_regions(case.network, case.domain)
    cells = partition.complex
    for region in list(partition)[:12]:
        own = np.flatnonzero((cells.facet_regions == region.index).any(axis=1))
        expected = set()
        for f in own:
            a, b = cells.facet_columns_indptr[f : f + 2]
            expected.add(
                frozenset(
                    cells.columns[c] for c in cells.facet_columns[a:b] if not _two_losers(region, cells.columns[c])
                )
            )
        assert region.neighbours.tolist() == partition.adjacency.of(region.index).tolist()
        found = {frozenset(f.columns) for f in region.facets}
        assert len(found) == len(region.facets) == len(own)
        # The complex names also columns of a max group's row that wins beyond the facet only.
        assert all(any(f <= e for e in expected) for f in found)


def _two_losers(region, column) -> bool:
    return column.rows is not None and region.pattern[column.pattern] not in column.rows


@pytest.mark.parametrize("domain", DOMAINS, ids=str)
def test_volumes_sum_to_the_domain(domain):
    partition = enumerate_regions(he_net((2, 8, 6, 1), 3), domain)
    if isinstance(domain, Space):
        assert sum(r.volume == math.inf for r in partition) == sum(not r.bounded for r in partition) > 0
        return
    whole = {0: Fraction(4), 2: Fraction(2)}[DOMAINS.index(domain)]
    assert sum(r.exact_volume for r in partition) == whole
    assert sum(r.volume for r in partition) == pytest.approx(float(whole))


def test_the_pattern_is_that_of_the_points_inside():
    partition = enumerate_regions(he_net((2, 12, 8, 1), 1), DOMAINS[0])
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (50, 2))
    for x, i in zip(points, partition.locate(points), strict=True):
        region = partition[i]
        assert region.contains(x, strict=True)
        np.testing.assert_array_equal(region.pattern, partition.network.pattern(x))
        np.testing.assert_allclose(region.slope @ x + region.offset, partition.network(x), atol=1e-12)
        assert sum(other.contains(x) for other in (partition[int(j)] for j in region.neighbours)) == 0
        assert region.distance(x) > 0


def test_a_square():
    region = enumerate_regions(SQUARES, DOMAINS[0])[3]
    assert repr(region) == "Region 3: 4 facets, 4 vertices, volume 1"
    assert sorted(region.exact_halfspaces) == [(-1, 0, 1), (0, -1, 1), (0, 1, 0), (1, 0, 0)]
    a, b = region.halfspaces
    assert sorted(np.column_stack([a, b]).tolist()) == [[-1, 0, 0], [0, -1, 0], [0, 1, 1], [1, 0, 1]]
    centre, radius = region.chebyshev
    np.testing.assert_allclose(centre, [0.5, 0.5])
    assert radius == 0.5
    assert region.volume == 1.0
    assert region.exact_rays == []
    assert region.rays.shape == (0, 2)
    assert sorted(map(repr, region.facets)) == [
        "Facet of unit 0 of stage 0",
        "Facet of unit 1 of stage 0",
        "Facet on a side of the domain",
        "Facet on a side of the domain",
    ]
    assert region.neighbours.tolist() == [1, 2]
    assert str(region).splitlines()[1] == "  pattern   11"
    assert "  output 0  (1, 1) . x + 0" in str(region)


def test_distances():
    region = enumerate_regions(SQUARES, DOMAINS[0])[3]
    assert region.distance([0.5, 0.75]) == 0.25
    assert region.distance([0.25, Fraction(1, 2)]) == 0.25
    assert region.distance([0, 0]) == 0.0
    assert region.distance([-3, 0.5]) == pytest.approx(3.0)  # a side is nearest
    assert region.distance([-3, 5]) == pytest.approx(5.0)  # a corner is nearest
    assert region.distance([1 + 1e-9, 0.5]) == pytest.approx(1e-9, rel=1e-6)
    assert [f.distance([0.25, 0.75]) for f in region.facets if f.units] in ([0.25, 0.75], [0.75, 0.25])


@pytest.mark.parametrize("domain", [DOMAINS[0], DOMAINS[1], Box.cube(-1, 1, 3)], ids=str)
def test_distances_agree_with_sampling(domain):
    partition = enumerate_regions(he_net((domain.dim, 6, 4, 1), 2), domain)
    rng = np.random.default_rng(1)
    for region in list(partition)[:8]:
        x = rng.uniform(-2, 2, domain.dim)
        reach = region.distance(x)
        inside = region.contains(x)
        steps = rng.normal(size=(400, domain.dim))
        steps /= np.linalg.norm(steps, axis=1)[:, None]
        # No point nearer than the distance lies on the other side, and some point a little farther does.
        near = [region.contains(x + 0.999 * reach * s) for s in steps]
        assert all(near) if inside else not any(near)


def test_the_whole_space_has_no_boundary():
    region = enumerate_regions(Network.from_arrays([([[1.0, 2.0]], [0.0])]), Space(2))[0]
    assert (region.facets, region.distance([1, 1]), region.chebyshev[1]) == ((), math.inf, math.inf)
    assert region.contains([5, 5], strict=True)
    assert sorted(region.exact_rays) == [(-1, 0), (0, -1), (0, 1), (1, 0)]
    assert region.halfspaces[0].shape == (0, 2)
    assert repr(region) == "Region 0: 0 facets, 0 vertices, unbounded"


def test_unbounded_regions_have_rays():
    partition = enumerate_regions(SQUARES, Space(2))
    assert [sorted(r.exact_rays) for r in partition][3] == [(0, 1), (1, 0)]
    strip = Network.from_arrays([([[1.0, 0.0], [1.0, 0.0]], [0.0, -1.0]), ([[1.0, 1.0]], [0.0])])
    middle = next(r for r in enumerate_regions(strip, Space(2)) if len(r.facets) == 2)
    assert sorted(middle.exact_rays) == [(0, -1), (0, 1)]
    half = next(r for r in enumerate_regions(strip, Space(2)) if len(r.facets) == 1)
    assert {r[0] for r in half.exact_rays if r[0]} in ({1}, {-1})
    assert len(half.exact_rays) == 3


@settings(max_examples=20)
@given(cases(units=5))
def test_the_largest_ball_lies_inside(case):
    for region in list(enumerate_regions(case.network, case.domain))[:4]:
        centre, radius = region.chebyshev
        if radius == math.inf:
            assert not region.bounded
            continue
        assert radius == region.distance(centre)
        if region.partition.certified[region.index]:
            assert region.contains(centre, strict=True)
            assert radius > 0


def test_the_largest_ball_of_a_triangle():
    region = enumerate_regions(
        Network.from_arrays([([[1.0, 0.0]], [9.0])]), Polytope([[-1, 0], [0, -1], [3, 4]], [0, 0, 12])
    )[0]
    centre, radius = region.chebyshev
    np.testing.assert_allclose(centre, [1, 1])
    assert radius == pytest.approx(1.0)


@pytest.mark.parametrize("length", [1.0, 1e30, 1e150])
def test_a_long_region_is_not_an_unbounded_one(length):
    flat = Network.from_arrays([([[0.0]], [1.0]), ([[1.0]], [0.0])])
    region = enumerate_regions(flat, Segment([0.0], [length]))[0]
    centre, radius = region.chebyshev
    assert region.contains(centre, strict=True)
    assert radius == region.distance(centre) < math.inf


def test_a_strip_has_a_largest_ball_and_a_cone_has_none():
    strip = Network.from_arrays([([[1.0, 0.0], [1.0, 0.0]], [0.0, -1.0]), ([[1.0, 1.0]], [0.0])])
    radii = {len(r.facets): r.chebyshev[1] for r in enumerate_regions(strip, Space(2))}
    assert radii == {1: math.inf, 2: 0.5}
    assert {r.chebyshev[1] for r in enumerate_regions(SQUARES, Space(2))} == {math.inf}


@pytest.mark.parametrize(
    "domain", [Segment([-1, -1, 0], [1, 1, 1]), Plane.through([0, 0, 0], [1, 0, 0], [0, 1, 1], margin=1.0)]
)
def test_slices_are_in_the_coordinates_of_the_slice(domain):
    partition = enumerate_regions(he_net((3, 8, 6, 1), 0), domain)
    for region in partition:
        check(region)
        assert region.slope.shape == (1, 3)
    assert sum(r.exact_volume for r in partition) == (1 if domain.dim == 1 else 9)


def test_duplicate_units_share_a_facet():
    net = Network.from_arrays([([[1.0, 0.0], [2.0, 0.0], [0.0, 0.0]], [0.0, 0.0, 1.0]), ([[1.0, 1.0, 1.0]], [0.0])])
    region = enumerate_regions(net, DOMAINS[0])[0]
    assert [f.units for f in region.facets if f.units] == [((0, 0), (0, 1))]
    assert [c.unit for f in region.facets for c in f.columns if c.kind == "unit"] == [0, 1]


def test_what_lies_behind_a_facet():
    partition = enumerate_regions(SQUARES, DOMAINS[0])
    region = partition[3]
    assert sorted(region.behind(f) for f in region.facets) == [-1, -1, 1, 2]
    assert [partition[3].behind(f) for f in region.facets] == [region.behind(f) for f in region.facets]
    with pytest.raises(InputError, match="is no facet of region 3; take one of its `facets`"):
        region.behind(next(f for f in partition[0].facets if f.row not in region.exact_halfspaces))
    # In an incomplete list some regions lack a neighbour.
    part = enumerate_regions(he_net((2, 16, 16, 1), 0), DOMAINS[0], max_regions=50)
    assert any(r.behind(f) == -1 and f.units for r in list(part)[:10] for f in r.facets)


def test_inverse_norm_is_one_over_the_norm():
    for row in [(3, 4), (1,), (10**40, 1), (7, 1, 2)]:
        assert float(inverse_norm(row)) == pytest.approx(1 / math.hypot(*row), rel=1e-15)


@pytest.mark.parametrize(
    ("use", "sentence"),
    [
        (lambda r: r.contains([1.0]), "t: expected one number for each of 2 coordinates, got 1"),
        (lambda r: r.contains([math.nan, 0.0]), "t: expected 2 finite numbers, got [nan, 0.0]"),
        (lambda r: r.distance("ab"), "t: expected 2 finite numbers, got 'ab'"),
        (lambda r: r.distance(3), "t: expected 2 finite numbers, got 3"),
    ],
)
def test_refused(use, sentence):
    with pytest.raises(InputError) as caught:
        use(enumerate_regions(SQUARES, DOMAINS[0])[0])
    assert str(caught.value) == sentence
