from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plane_oracle import around, cross, kernel_rays, worst_rate

import linregions
from linregions.errors import InputError
from linregions.lyapunov.candidates import (
    chain_norm,
    directions,
    interpolation,
    linear_norm,
    max_norm,
    modal_zonotope,
    one_norm,
    perturbed,
    polygon_gauge,
    raised,
    rays,
    regular_polygon,
    sliver,
    zonotope,
)

rationals = st.fractions(min_value=-4, max_value=4, max_denominator=64)
activations = st.sampled_from(["relu", "abs"])


def points(dim):
    return st.lists(rationals, min_size=dim, max_size=dim)


@given(st.integers(1, 6).flatmap(points), activations)
def test_norms_are_the_norms(x, activation):
    assert one_norm(len(x), activation=activation).exact_values(x) == [sum(map(abs, x))]
    assert max_norm(len(x)).exact_values(x) == [max(map(abs, x))]


@given(
    st.lists(st.lists(st.integers(-5, 5), min_size=3, max_size=3), min_size=3, max_size=3),
    points(3),
    activations,
)
def test_linear_norm_is_the_norm_of_exact_coordinates(T, y, activation):
    determinant = round(np.linalg.det(np.array(T, dtype=float)))
    if determinant == 0:
        with pytest.raises(InputError, match="no inverse"):
            linear_norm(T)
        return
    x = [sum(T[i][j] * y[j] for j in range(3)) for i in range(3)]
    assert linear_norm(T, activation=activation).exact_values(x) == [sum(map(abs, y))]


@given(st.lists(st.integers(-5, -1), min_size=1, max_size=6))
def test_chain_norm_diagonalises_the_chain(roots):
    """W A = J W with J triangular: each form decays by its root, plus at most half of that from the one before."""
    n = len(roots)
    coefficients = np.poly(roots)  # highest first, exact for these whole numbers
    A = np.zeros((n, n))
    A[:-1, 1:] = np.eye(n - 1)
    A[-1] = -coefficients[:0:-1]
    W = chain_norm(roots, activation="abs").stages[0].weight
    J = np.round(np.linalg.solve(W.T, (W @ A).T).T, 6)
    assert np.array_equal(J @ W, W @ A)
    assert np.array_equal(np.sort(np.diag(J)), np.sort(roots))
    assert np.array_equal(J, np.tril(J))
    drive = np.abs(J - np.diag(np.diag(J))).sum(axis=0)  # what a form gives to others
    assert np.all(drive <= -np.diag(J) / 2)


@given(st.integers(2, 24), activations)
def test_zonotope_is_the_sum_of_its_forms(count, activation):
    V = zonotope([[1.5, 0.5], [0.5, 1.0]], count, activation=activation)
    W = V.stages[0].weight[:count]
    assert np.array_equal(W * 2.0**20, np.rint(W * 2.0**20))
    x = [Fraction(3, 7), Fraction(-5, 3)]
    expected = sum(abs(sum(Fraction(float(w)) * v for w, v in zip(row, x, strict=True))) for row in W)
    assert V.exact_values(x) == [expected]


def test_many_directions_come_near_the_quadratic_form():
    P = np.array([[2.0, -0.5], [-0.5, 1.0]])
    V, x = zonotope(P, 64), np.random.default_rng(0).normal(size=(200, 2))
    ratio = V(x)[:, 0] / np.sqrt(np.einsum("ni,ij,nj->n", x, P, x))
    assert np.all(np.abs(ratio - 1.0) < 1e-3)


@pytest.mark.parametrize("dim", [2, 3, 4])
def test_root_hyperplanes_make_the_known_number_of_cones(dim):
    V = zonotope(None, directions(dim, "B"), activation="abs")
    # Rounding keeps e_i +- e_j exactly, since both entries of a direction are equal.
    count = linregions.count(V, linregions.Space(dim))
    assert count.value == 2**dim * math.factorial(dim)


@pytest.mark.parametrize(
    ("sides", "s", "valid"), [(32, "0.1", True), (30, "0.1", False), (8, "0.4143", True), (8, "0.4141", False)]
)
def test_regular_polygon_has_the_sharp_threshold(sides, s, valid):
    """S3: valid if and only if tan(pi / N) < s / w, by exact slopes on the rays."""
    V, s = regular_polygon(sides), Fraction(s)
    rate = worst_rate(V, kernel_rays(V.stages[0].weight[: sides // 2]), lambda r, m: [[-s, 1], [-1, -s]])
    assert (rate < 0) == valid
    assert abs(float(rate) - (math.tan(math.pi / sides) - float(s))) < 1e-5


@settings(deadline=None, max_examples=25)
@given(
    st.floats(0.05, 2.0),
    st.integers(3, 24),
    st.floats(0.5, 2.0),
    st.floats(-1.0, 1.0),
    st.sampled_from([Fraction(9, 10), Fraction(11, 10)]),
)
def test_modal_zonotope_attains_theorem_c_in_any_coordinates(w, count, stretch, shear, side):
    s = float(side) * w * math.tan(math.pi / (2 * count))
    T = np.array([[stretch, shear], [0.0, 1.0]])
    A = T @ np.array([[-s, w], [-w, -s]]) @ np.linalg.inv(T)
    exact = [[Fraction(float(v)) for v in row] for row in A]
    V = modal_zonotope(A, count, bits=40)
    rate = worst_rate(V, kernel_rays(V.stages[0].weight[:count]), lambda r, m: exact)
    assert (rate < 0) == (side > 1)


def test_modal_zonotope_takes_real_eigenvalues_and_refuses_dependent_ones():
    A = np.array([[-1.0, 0.0, 0.0], [0.0, -0.5, 2.0], [0.0, -2.0, -0.5]])
    assert modal_zonotope(A, 5, activation="abs").unit_count == 6
    with pytest.raises(InputError, match="nearly dependent"):
        modal_zonotope([[-1, 1], [0, -1]], 4)


def interpolated(nodes, values, x):
    """The value on the sector that holds x, by its two rays."""
    if not any(x):
        return Fraction(0)
    for k, p in enumerate(nodes):
        q = nodes[(k + 1) % len(nodes)]
        d = cross(p, q)
        a, b = cross(x, q) / d, cross(p, x) / d
        if a >= 0 and b >= 0:
            return a * values[p] + b * values[q]
    raise AssertionError("the rays do not go round")


@settings(deadline=None)
@given(st.data())
def test_interpolation_is_the_interpolation(data):
    """Any rays, any values (kinks of both signs): equal at rational points, between the rays and behind them."""
    coordinate = st.integers(-40, 40)
    given_rays = data.draw(st.lists(st.tuples(coordinate, coordinate).filter(any), min_size=0, max_size=9))
    axes = [(1, 0), (0, 1), (-1, 0), (0, -1)]
    nodes = around([tuple(map(Fraction, ray)) for ray in [*given_rays, *axes]])
    # The last one drawn stands for its direction; values in eighths, of any sign.
    heights = data.draw(st.lists(st.integers(-32, 32), min_size=len(nodes), max_size=len(nodes)))
    values = {p: Fraction(h, 8) for p, h in zip(nodes, heights, strict=True)}
    order = data.draw(st.permutations(nodes))
    V = interpolation([[float(v) for v in p] for p in order], [float(values[p]) for p in order])
    for x in [*data.draw(st.lists(points(2), min_size=1, max_size=8)), *nodes]:
        assert V.exact_values(x) == [interpolated(nodes, values, x)]


@pytest.mark.parametrize(("count", "rate"), [(128, 0.0224), (160, -0.0020), (256, -0.0387)])
def test_flower_interpolation_has_the_known_threshold(count, rate):
    """S8 on the rays, exactly: the mode of a sector is the one of its middle; 45 degrees are rays, so modes fit."""
    V, nodes, values = flower_candidate(count)
    tenth = Fraction(1, 10)

    def matrix(ray, middle):
        return [[-tenth, 5], [-1, -tenth]] if abs(middle[0]) > abs(middle[1]) else [[-tenth, 1], [-5, -tenth]]

    worst = worst_rate(V, nodes, matrix, values=values)
    assert (worst < 0) == (rate < 0)
    assert abs(float(worst) - rate) < 1e-4


def flower_candidate(count):
    corners = rays(count)
    x, y = np.abs(corners[:, 0]), np.abs(corners[:, 1])
    heights = np.sqrt(np.where(x >= y, x**2 + 5 * y**2, 5 * x**2 + y**2))
    heights = np.rint(heights * 2.0**20) / 2.0**20
    value = {tuple(map(Fraction, map(float, r))): Fraction(float(h)) for r, h in zip(corners, heights, strict=True)}
    nodes = around(list(value))
    return interpolation(corners, heights), nodes, [value[p] for p in nodes]


@given(st.lists(points(2), min_size=1, max_size=5), points(2))
def test_polygon_gauge_is_the_largest_form(normals, x):
    normals = [[Fraction(round(v * 64), 64) for v in row] for row in normals]
    V = polygon_gauge([[float(v) for v in row] for row in normals])
    assert V.exact_values(x) == [max(a * x[0] + b * x[1] for a, b in normals)]


@given(st.integers(1, 4), st.integers(20, 50), st.sampled_from([0.5, 1.0, 2.0]), st.data())
def test_sliver_falls_inside_and_nowhere_else(dim, power, slope, data):
    V = sliver(dim, width=2.0**-power, slope=slope)
    rest = data.draw(points(dim - 1))
    width = Fraction(1, 2**power)
    along = [V.exact_values([first, *rest])[0] for first in (1 - width, Fraction(1), 1 + width, 1 + 2 * width)]
    steps = [(b - a) / width for a, b in pairwise(along)]
    assert steps == [1, -Fraction(slope), 1]
    assert V.exact_values([Fraction(0)] * dim) == [0]


@given(st.integers(0, 3), st.sampled_from([1e-6, -0.1, 0.5]))
def test_perturbed_moves_one_weight(unit, by):
    V, W = one_norm(2), perturbed(one_norm(2), by, unit=unit)
    changed = W.stages[-1].weight - V.stages[-1].weight
    assert np.flatnonzero(changed[0]).tolist() == [unit]
    assert W.stages[-1].weight[0, unit] == 1.0 + by
    assert V.hash != W.hash


def test_raised_moves_the_value_at_zero():
    assert raised(one_norm(2), 0.25).exact_values([0, 0]) == [Fraction(1, 4)]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: one_norm(0), "dim must be a positive whole number"),
        (lambda: one_norm(2, activation="tanh"), 'activation must be "relu" or "abs"'),
        (lambda: zonotope([[1, 2], [0, 1]], 4), "P must be symmetric"),
        (lambda: zonotope([[1, 2], [2, 1]], 4), "P must be positive definite"),
        (lambda: zonotope(np.eye(3), 4), "a number of directions is for the plane"),
        (lambda: zonotope(np.eye(3), [[1.0, 0.0]]), "directions must be a matrix with rows and 3 columns"),
        (lambda: zonotope(None, 3, scale=-1.0), "scale must be a positive number"),
        (lambda: zonotope(None, 3, scale=1e-9), "linear form 1 is zero after rounding"),
        (lambda: directions(2, "D"), 'the only word is "B"'),
        (lambda: regular_polygon(7), "sides must be even"),
        (lambda: linear_norm([[1, 2], [2, 4]]), "no inverse"),
        (lambda: linear_norm([[1.1, 0.3], [0.2, 1.7]]), "longer than 53 bits"),
        (lambda: chain_norm([1, -2]), "roots: minus each root must be a positive whole number"),
        (lambda: chain_norm([]), "at least one root"),
        (lambda: interpolation([[1, 0], [0, 1], [-1, -1]], [1, 1]), "one number for each of 3 rays"),
        (lambda: interpolation([[1, 0], [0, 1], [-1, -1]], [1, 1, 1]), "at most a half-plane"),
        (lambda: interpolation([[1, 0], [0, 1], [-1, 0], [-2, 0], [0, -1]], [1] * 5), "each once"),
        (lambda: sliver(2, width=1e-17), "must be float64 numbers"),
        (lambda: sliver(2, at=0.0), "at must be a positive number"),
        (lambda: perturbed(one_norm(2), 1.0, unit=9), "unit must be below 4"),
        (lambda: perturbed([1], 1.0), "network must be a Network"),
    ],
)
def test_bad_arguments_are_named(call, words):
    with pytest.raises(InputError, match=words):
        call()
