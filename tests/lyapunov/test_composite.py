"""Quadratic certificates against levels that are known or sampled, and composites against trajectories."""

from __future__ import annotations

from fractions import Fraction as Q

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from levels_oracle import decrease, field, follow, l1, zonotope

from linregions import Box, Polytope
from linregions.errors import InputError
from linregions.lyapunov.geometry.cells import cells_of
from linregions.lyapunov.levels.composite import composite, largest_on
from linregions.lyapunov.levels.levels import basin_of, levels
from linregions.lyapunov.levels.quadratic import inverse, pivots, positive_definite, quadratic_certificate

SQUARE = Box.cube(-3, 3, 2)
entries = st.integers(-6, 6)


@given(st.lists(entries, min_size=9, max_size=9))
@settings(max_examples=60, deadline=None)
def test_definiteness_is_that_of_the_eigenvalues(numbers):
    table = np.array(numbers).reshape(3, 3)
    table = table + table.T
    P = tuple(tuple(Q(int(v)) for v in row) for row in table)
    least = np.linalg.eigvalsh(table).min()
    if abs(least) > 1e-9:
        assert positive_definite(P) == (least > 0)
    if positive_definite(P):
        assert np.prod([float(v) for v in pivots(P)]) == pytest.approx(np.linalg.det(table))
        assert np.allclose(np.array(inverse(P), dtype=float) @ table, np.eye(3))


def test_reversed_van_der_pol():
    found = quadratic_certificate(["-x2", "x1 - (1 - x1^2)*x2"], SQUARE, gap=5e-4)
    assert ((Q(3, 2), Q(-1, 2)), (Q(-1, 2), Q(1))) == found.P
    assert 2.303 < found.rho < 2.3046  # 2.30415 was certified before, by interval constraint solving
    assert found.rho <= found.upper < 2.306
    angles = np.linspace(0, np.pi, 5001)
    rays = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    P = np.array(found.P, dtype=float)
    sizes = np.sqrt(np.linspace(0.01, 1, 40) * float(found.rho))[:, None]
    x = sizes[..., None] * (rays / np.sqrt(np.einsum("ij,jk,ik->i", rays, P, rays))[:, None])[None]
    rate = np.stack([-x[..., 1], x[..., 0] - (1 - x[..., 0] ** 2) * x[..., 1]], axis=-1)
    assert np.einsum("abi,ij,abj->ab", x, P, rate).max() < 0


@pytest.mark.parametrize(
    ("dynamics", "P", "rho"),
    [
        (["-x^3 + y", "-x - y"], [[0.5, 0], [0, 0.5]], Q(9, 2)),
        (["-x + x*y", "-y - x^2"], None, Q(9, 2)),
        ([[-1.0, 2.0], [0.0, -1.0]], None, None),
    ],
)
def test_what_decreases_everywhere_ends_at_the_domain(dynamics, P, rho):
    found = quadratic_certificate(dynamics, SQUARE, P=P)
    assert found.rho == found.upper
    assert rho is None or found.rho == rho


def test_flat_and_one_dimensional_systems():
    assert quadratic_certificate(["-x^3"], Box.cube(-2, 2, 1), P=[[1]]).rho == 4
    found = quadratic_certificate(["-x + x^3"], Box.cube(-2, 2, 1), gap=1e-3)
    assert Q(499, 1000) < found.rho <= found.upper == Q(1, 2)  # P = 1/2, and x = 1 stays where it is


def test_linear_systems_hold_everywhere():
    found = quadratic_certificate([[-1, 0], [0, -2]])
    assert (found.rho, found.upper, found.linear) == (None, None, True)
    assert found.value([Q(2), Q(2)]) == 3
    discrete = quadratic_certificate([[0.5, -0.5], [0.5, 0.0]], time="discrete")
    A = np.array([[0.5, -0.5], [0.5, 0.0]])
    P = np.array(discrete.P, dtype=float)
    assert np.linalg.eigvalsh(P - A.T @ P @ A).min() > 0
    assert np.allclose(P - A.T @ P @ A, np.eye(2), atol=1e-5)


def test_an_ellipsoid_in_a_polytope_touches_it():
    wedge = Polytope([[1, 1], [-1, 0], [0, -1]], [1, 1, 1])
    found = quadratic_certificate([[-1, 0], [0, -1]], wedge)
    assert found.rho == Q(1, 4)  # P = I / 2, and the side x + y = 1 is sqrt(1/2) away


def test_discrete_time_with_a_polynomial():
    found = quadratic_certificate(["x/2", "y/2 - x^2"], Box.cube(-2, 2, 2), time="discrete", gap=1e-2)
    P = np.array(found.P, dtype=float)
    angles = np.linspace(0, 2 * np.pi, 4001)
    rays = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for level in np.linspace(0.05, 0.999, 20) * float(found.rho):
        x = rays * np.sqrt(level / np.einsum("ij,jk,ik->i", rays, P, rays))[:, None]
        y = np.stack([x[:, 0] / 2, x[:, 1] / 2 - x[:, 0] ** 2], axis=1)
        assert np.einsum("ij,jk,ik->i", y, P, y).max() < level


def test_the_mode_around_the_origin_bounds_the_ellipsoid():
    middle = ([[-1, 0], [0, -1]], [0, 0], [[1, 0], [-1, 0]], [0.5, 0.5])
    sides = [([[-1, 0], [0, -1]], [0.25, 0], [[-1, 0]], [-0.5]), ([[-1, 0], [0, -1]], [-0.25, 0], [[1, 0]], [-0.5])]
    assert quadratic_certificate([middle, *sides], Box.cube(-2, 2, 2)).rho == Q(1, 8)


@pytest.mark.parametrize(
    ("dynamics", "options", "words"),
    [
        (["x", "-y"], {}, "not asymptotically stable"),
        (["-x^3", "-y"], {}, "give one"),
        (["-x", "-y"], {"P": [[1, 2], [2, 1]]}, "not positive definite"),
        (["-x", "-y"], {"P": [[1, 2], [3, 1]]}, "symmetric"),
        (["y", "-x - x^2*y"], {"P": [[1, 1], [1, 2]]}, "not certified near 0"),
    ],
)
def test_what_cannot_be_certified_is_said(dynamics, options, words):
    with pytest.raises(InputError, match=words):
        quadratic_certificate(dynamics, SQUARE, rounds=20, **options)


def test_the_largest_value_on_a_level_set():
    cells = cells_of(l1(2), Box.cube(-2, 2, 2))
    basin = basin_of(cells)
    P = ((Q(3), Q(1)), (Q(1), Q(2)))
    assert largest_on(basin, P, Q(1, 2), within=Q(1)) == Q(3, 4)
    assert largest_on(basin, P, Q(0), within=Q(1)) == 0


def test_a_composite_of_duffing():
    bias = np.random.default_rng(0).normal(size=16) * 0.05
    net, f = zonotope([[1.5, 0.5], [0.5, 1]], 8, bias=bias), field("y", "-y - x - x**3")
    cells = cells_of(net, Box.cube(-2, 2, 2))
    shift = net.exact_values([Q(0), Q(0)])[0]
    bound = levels(cells, [decrease(cells, f)], time="continuous", shift=shift).ultimate
    assert bound is not None
    inner = quadratic_certificate(["y", "-y - x - x^3"], Box.cube(-2, 2, 2), gap=0.01)
    joined = composite(bound, inner)
    assert joined is not None
    assert joined.reach < joined.rho == inner.rho
    assert (joined.c1, joined.c2) in bound.annuli
    points = np.random.default_rng(2).uniform(-2, 2, size=(4000, 2))
    values = net(points)[:, 0] - float(shift)
    P = np.array(joined.P, dtype=float)
    core = points[values <= float(joined.c1)]
    assert len(core) > 10
    assert np.einsum("ij,jk,ik->i", core, P, core).max() <= float(joined.reach)
    ends = follow(f, points[values < float(joined.c2)][:60], step=0.02, seconds=25)[-1]
    assert np.abs(ends).max() < 1e-3
    assert "tends to the origin" in str(joined)
    assert joined.as_dict()["c2"] == str(joined.c2)


def test_no_composite_where_the_ellipsoid_is_too_small():
    cells = cells_of(l1(1), Box.cube(-2, 2, 1))
    bound = levels(cells, [decrease(cells, field("x - 4*x**3"))], time="continuous").ultimate
    assert bound is not None
    inner = quadratic_certificate(["-x"], Box.cube(-0.25, 0.25, 1))
    assert composite(bound, inner) is None


@given(st.integers(0, 10**6))
@settings(max_examples=5, deadline=None)
def test_floats_and_exact_levels_agree(seed):
    from linregions.lyapunov.dynamics.dynamics import dynamics_of
    from linregions.lyapunov.levels.quadratic import _searched

    a, b, c = np.random.default_rng(seed).integers(-4, 5, size=3)
    system = dynamics_of([f"x/2 + ({a})*x*y/4", f"y/2 - x^2 + ({b})*y^2/4 + ({c})*x*y/2"], dim=2)
    P = ((Q(4, 3), Q(1, 5)), (Q(1, 5), Q(5, 3)))
    search = _searched(P, system, Q(5), "discrete", deadline=np.inf, rounds=5, gap=0.01)
    assert search.lowest() <= search.impossible()
    for leaf in range(len(search.enters)):
        enters, high = search._exact(leaf)
        assert abs(float(enters) - search.enters[leaf]) <= search.error[leaf] + 1e-300
        assert abs(float(high) - search.high[leaf]) <= search.error[leaf] + 1e-300
