"""Cells round the origin: vertices, values and maps in float64 against rationals, and what is refused."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from origin_cases import near, origin_cases, rational

from linregions import Box, InputError, Network, Polytope, Space
from linregions.combining import joint
from linregions.exact import dot
from linregions.lyapunov.geometry.cells import UnfinishedError, cells_of


def one_norm(n):
    rows = np.concatenate([np.eye(n), -np.eye(n)])
    return Network.from_arrays([(rows, np.zeros(2 * n)), (np.ones((1, 2 * n)), [0.0])])


def random_net(widths, seed):
    rng = np.random.default_rng(seed)
    return Network.from_arrays([(rng.normal(size=(b, a)), rng.normal(size=b)) for a, b in pairwise(widths)])


@given(origin_cases())
@settings(max_examples=35)
def test_floats_are_within_their_bounds_of_rationals(case):
    cells = cells_of(case.network, case.domain)
    assert len({cells.exact_vertex(v) for v in range(len(cells.points))}) == len(cells.points)
    for v in range(len(cells.points)):
        x = rational(cells.exact_vertex(v))
        assert cells.complex.exact_point(v) == x  # the engine's own vertex
        assert all(near(f, e, cells.radii[v]) for f, e in zip(cells.points[v], x, strict=True))
        values = case.network.exact_values(x)
        assert cells.exact_values(v) == values
        found = zip(cells.values[v], values, cells.value_errors[v], strict=True)
        assert all(near(f, e, b) for f, e, b in found)
        assert cells.boundary[v] == any(dot(row[:-1], x) + row[-1] == 0 for row in case.domain.halfspaces)
        assert (v == cells.origin) == (not any(x))
    for i in range(0, len(cells), 3):
        slope, offset = cells.partition.exact_affine_map(i)
        for k in range(case.network.output_dim):
            assert cells.exact_slope(i, k) == slope[k]
            assert cells.exact_offset(i, k) == offset[k]
            found = zip(cells.slopes[i, k], slope[k], cells.slope_errors[i, k], strict=True)
            assert all(near(f, e, b) for f, e, b in found)


@given(origin_cases(units=6))
@settings(max_examples=15)
def test_all_at_once_is_one_at_a_time(case):
    first, second = cells_of(case.network, case.domain), cells_of(case.network, case.domain)
    assert first.exact_vertices_all() == [second.exact_vertex(v) for v in range(len(second.points))]
    assert first.exact_maps_all() == [second.exact_map(i) for i in range(len(second))]


@given(origin_cases(units=6))
@settings(max_examples=15)
def test_lifted_simplices(case):
    cells = cells_of(case.network, case.domain)
    outputs = list(range(case.network.output_dim))[::-1]
    lifted = cells.lifted(outputs)
    n = case.domain.dim
    assert lifted.points.shape == lifted.errors.shape == (len(cells.simplices), n + 1, n + len(outputs))
    for s in range(0, len(cells.simplices), 5):
        for v, row, point, error in zip(
            cells.simplices[s], lifted.exact(s), lifted.points[s], lifted.errors[s], strict=True
        ):
            y = rational(row)
            assert row[-1] > 0
            assert y[:n] == rational(cells.exact_vertex(v))
            assert y[n:] == cells.exact_values(v)[::-1]
            assert all(near(f, e, b) for f, e, b in zip(point, y, error, strict=True))
        at = lifted.origin[s]
        assert (at == 0 and cells.simplices[s, 0] == cells.origin) or (
            at == -1 and cells.origin not in cells.simplices[s]
        )
    some = np.arange(len(cells.simplices))[::-3]
    part = cells.lifted(outputs, which=some)
    assert np.array_equal(part.points, lifted.points[some])
    assert np.array_equal(part.origin, lifted.origin[some])
    assert part.exact(0) == lifted.exact(some[0])
    assert cells.slope_weights(0, which=some).exact(0) == cells.exact_slope(cells.owner[some[0]], 0)
    weights = cells.slope_weights(0)
    for s in range(0, len(cells.simplices), 5):
        assert weights.exact(s) == cells.exact_slope(cells.owner[s], 0)
        assert np.array_equal(weights.values[s], cells.slopes[cells.owner[s], 0])


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_the_one_norm(n):
    cells = cells_of(one_norm(n), Box.cube(-3, 3, n))
    assert len(cells) == 2**n
    assert len(cells.points) == 3**n
    assert cells.origin >= 0
    assert not cells.values[cells.origin]
    assert not cells.value_errors[cells.origin]
    assert min(cells.exact_values(v)[0] for v in np.flatnonzero(cells.boundary)) == 3
    assert {tuple(cells.exact_slope(i, 0)) for i in range(len(cells))} == {
        tuple(s) for s in np.array(np.meshgrid(*[[-1, 1]] * n)).reshape(n, -1).T.tolist()
    }


def test_slivers_keep_their_vertices():
    # Two lines 2^-52 apart: floats cannot tell their crossings with the axis from each other.
    net = Network.from_arrays(
        [([[1.0, 1.0], [1.0, 1.0 + 2.0**-52], [0.0, 1.0]], [-1.0, -1.0, 0.0]), ([[1.0] * 3], [0.0])]
    )
    cells = cells_of(net, Box.cube(-3, 3, 2))
    assert len({cells.exact_vertex(v) for v in range(len(cells.points))}) == len(cells.points)
    assert (1, 0, 1) in cells.exact_vertices_all()


@pytest.mark.parametrize("seed", range(3))
def test_a_deep_network_and_splitting_rows(seed):
    net = random_net([2, 8, 8, 1], seed)
    cells = cells_of(joint([net], rows=[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), Box.cube(-1, 1, 2))
    assert cells.exact_vertex(cells.origin) == (0, 0, 1)
    assert all(s in (-1, 0) for s in cells.lifted([0]).origin)
    for v in range(0, len(cells.points), 7):
        assert cells.exact_values(v) == net.exact_values(rational(cells.exact_vertex(v)))


def test_a_domain_that_does_not_fit():
    net = one_norm(2)
    with pytest.raises(InputError, match=r"domain: box \[0, 1\]\^2 does not have the origin strictly inside"):
        cells_of(net, Box.cube(0, 1, 2))
    with pytest.raises(InputError, match="has dimension 3, but the network takes 2 inputs"):
        cells_of(net, Box.cube(-1, 1, 3))
    with pytest.raises(InputError, match="domain: expected a Box or a bounded Polytope, got the whole space"):
        cells_of(net, Space(2))
    with pytest.raises(InputError, match="is unbounded; add half-spaces"):
        cells_of(net, Polytope([[1.0, 0.0]], [1.0]))
    with pytest.raises(InputError, match=r"dimension 9 is above the 8 .* \(fan_of\)"):
        cells_of(one_norm(9), Box.cube(-1, 1, 9))
    with pytest.raises(InputError, match="network: expected a Network"):
        cells_of("model", Box.cube(-1, 1, 2))
    with pytest.raises(InputError, match="outputs must be a whole number from 0 to 0, got 1"):
        cells_of(net, Box.cube(-1, 1, 2)).lifted([1])


def test_a_time_limit_is_an_error_that_says_how_far_it_came():
    with pytest.raises(UnfinishedError, match="not complete") as caught:
        cells_of(random_net([4, 60, 60, 1], 0), Box.cube(-9, 9, 4), time_limit=0.05)
    assert caught.value.count.value >= 0


@pytest.mark.slow
def test_two_hundred_units():
    rng = np.random.default_rng(0)
    net = Network.from_arrays([(rng.normal(size=(200, 2)), rng.normal(size=200)), (rng.normal(size=(1, 200)), [0.0])])
    cells = cells_of(net, Box.cube(-3, 3, 2))
    points = cells.exact_vertices_all()
    cells.exact_maps_all()
    for v, point in enumerate(points):
        x = rational(point)
        assert all(near(f, e, cells.radii[v]) for f, e in zip(cells.points[v], x, strict=True))
        assert near(cells.values[v, 0], cells.exact_values(v)[0], cells.value_errors[v, 0])
    for v in range(0, len(points), 100):
        assert cells.exact_values(v) == net.exact_values(rational(points[v]))
