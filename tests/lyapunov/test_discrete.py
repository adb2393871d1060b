"""Discrete time: composed networks, polynomials, modes that jump, and cells pulled back along nonlinear maps."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions import Box, Network
from linregions.lyapunov import Outcome, verify
from linregions.lyapunov.conditions.discrete import affine_network, range_of
from linregions.lyapunov.conditions.pullback import network_range
from linregions.lyapunov.dynamics.polynomial import Polynomial

PROVED, REFUTED, MARGINAL = Outcome.PROVED_STRICT, Outcome.REFUTED, Outcome.MARGINAL
ONE = Network.from_arrays([([[1, 0], [-1, 0], [0, 1], [0, -1]], [0] * 4), ([[1, 1, 1, 1]], [0])])


def square(r):
    return Box.cube(-r, r, 2)


def test_the_linear_example_is_marginal():
    verdict = verify(ONE, [[0.5, -0.5], [0.5, 0.0]], square(1), time="discrete")
    assert verdict.status is MARGINAL
    for face in verdict.faces:  # the 1-norm is kept on the x-axis
        assert all(y == 0 for _, y in face.vertices)
    assert verify(ONE, ["0.49*x - 0.5*y", "0.5*x"], square(1), time="discrete").status is PROVED
    assert verify(ONE, ["0.51*x - 0.5*y", "0.5*x"], square(1), time="discrete").status is REFUTED


def test_rationals_that_no_float_is_are_exact():
    # The sum of the moduli in the first column is exactly 1: floats of 1/3 would decide it by rounding.
    third = ["x/3 + y/7", "2*x/3 - y/7"]
    assert verify(ONE, third, square(1), time="discrete").status is MARGINAL
    net = affine_network([[Fraction(1, 3), Fraction(-2, 7)]], [Fraction(1, 5)])
    assert net.exact_values([Fraction(3), Fraction(7)]) == [Fraction(-4, 5)]
    assert affine_network([[Fraction(1, 3**60)]], [0]) is None


def test_polynomial_candidates_and_networks_as_dynamics():
    A = [[0.5, -0.5], [0.5, 0.0]]
    P = [[Fraction(20, 11), Fraction(-5, 11)], [Fraction(-5, 11), Fraction(16, 11)]]
    net = Network.from_arrays([(A, [0, 0])])
    for dynamics in (A, net):
        assert verify(P, dynamics, square(1), time="discrete").status is PROVED
    assert verify("x^2 + y^2", "x + y; y", square(1), time="discrete").status is REFUTED
    clipped = Network.from_arrays(
        [([[1, 0], [-1, 0], [0, 1], [0, -1]], [0] * 4), ([[0.5, -0.5, 0, 0], [0, 0, 0.5, 0]], [0, 0])]
    )
    for V in (ONE, "x^2 + y^2"):
        assert verify(V, clipped, square(1), time="discrete").status is PROVED


def test_a_controller_in_the_loop():
    saturated = Network.from_arrays([([[1.0, 1.0], [1.0, 1.0]], [0.25, -0.25]), ([[-1.0, 1.0]], [0.25])])
    # u = -clip(x + y, -1/4, 1/4), as two units.
    assert saturated.exact_values([Fraction(1), Fraction(1)]) == [Fraction(-1, 4)]
    small, large = square(0.125), square(4)
    system = ["9*x/8 + u/2", "y/2 + x/16"]
    near = verify("x^2 + y^2", system, small, time="discrete", controller=saturated)
    far = verify("x^2 + y^2", system, large, time="discrete", controller=saturated)
    assert near.status is PROVED
    assert far.status is REFUTED
    x = far.witness
    u = saturated.exact_values(x)[0]
    image = [Fraction(9, 8) * x[0] + u / 2, x[1] / 2 + x[0] / 16]
    assert far.value == sum(v * v for v in image) - sum(v * v for v in x) > 0


@pytest.mark.parametrize(("r", "status"), [(0.5, PROVED), (0.96875, PROVED), (1.0, MARGINAL), (1.125, REFUTED)])
def test_a_cubic_map_has_its_threshold_at_one(r, status):
    verdict = verify(ONE, ["x/2 + x^3/2", "y/2 + x*y^2/4"], square(r), time="discrete")
    assert verdict.status is status
    if status is MARGINAL:
        assert {v for face in verdict.faces for v in face.vertices} == {(1, 0), (-1, 0)}
    for c in verdict.counterexamples:
        x, y = c.witness
        assert c.value == abs(x / 2 + x**3 / 2) + abs(y / 2 + x * y**2 / 4) - abs(x) - abs(y) > 0


def test_a_smooth_map():
    assert verify(ONE, ["sin(x)/2", "y/2 + x*y/8"], square(1), time="discrete").status is PROVED
    assert verify(ONE, ["2*sin(x)", "y/2"], square(1), time="discrete").status is REFUTED


def test_a_pulled_back_linear_map_is_the_composed_one():
    # The same map with a cubic term that vanishes: both ways must agree.
    rng = np.random.default_rng(5)
    seen = set()
    for _ in range(4):
        A = rng.integers(-7, 8, size=(2, 2)) / 10
        plain = [f"{a}*x + {b}*y" for a, b in A]
        twisted = [f"{a}*x + {b}*y + x^3/1000000000 - x^3/1000000000*1" for a, b in A]
        curved = [f"{a}*x + {b}*y + x^3/1000000000" for a, b in A]
        statuses = [verify(ONE, f, square(1), time="discrete").status for f in (plain, twisted, curved)]
        assert statuses[0] is statuses[1]
        if statuses[0] is not MARGINAL:
            assert statuses[2] is statuses[0]
        seen.add(statuses[0])
    assert len(seen) > 1


def test_modes_that_jump():
    half = [([[0.5, 0.0], [0.0, 0.5]], [0, 0], [[-1, 0]], [0]), ([[0.0, 0.5], [-0.5, 0.0]], [0, 0], [[1, 0]], [0])]
    verdict = verify(ONE, half, square(1), time="discrete")
    assert verdict.status is PROVED
    assert verdict.sublevel.c == 1
    worse = [half[0], ([[0.0, 1.5], [-0.5, 0.0]], [0, 0], [[1, 0]], [0])]
    refuted = verify(ONE, worse, square(1), time="discrete")
    assert refuted.status is REFUTED
    x, y = refuted.witness
    assert x <= 0
    assert refuted.value == abs(1.5 * y) + abs(0.5 * x) - abs(x) - abs(y)
    assert "mode 2" in refuted.reason


def test_a_jump_out_of_the_domain_costs_level():
    # Mode 2 throws x > 1/2 to y = 3x/4 beyond the flat domain's side, although the 1-norm falls.
    flat = Box([-2, -0.5], [2, 0.5])
    modes = [
        ([[0.5, 0.0], [0.0, 0.5]], [0, 0], [[1, 0]], [0.25]),
        ([[0.0, 0.0], [2.0, 0.5]], [0, -0.125], [[-1, 0]], [-0.25]),
    ]
    verdict = verify(ONE, modes, flat, time="discrete")
    inside = [c for c in (verdict.sublevel, verdict.ultimate) if c is not None]
    level = max((getattr(found, "c", None) or found.c2 for found in inside), default=Fraction(0))
    # {V < c} with x >= 5/16 in it maps beyond y = 1/2.
    assert level <= Fraction(5, 16)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(-8, 8), min_size=4, max_size=4), st.sampled_from([4, 9, 16]))
def test_the_one_norm_under_a_matrix_is_its_column_sums(entries, scale):
    A = [
        [Fraction(entries[0], scale), Fraction(entries[1], scale)],
        [Fraction(entries[2], scale), Fraction(entries[3], scale)],
    ]
    norm = max(abs(A[0][k]) + abs(A[1][k]) for k in range(2))
    truth = PROVED if norm < 1 else MARGINAL if norm == 1 else REFUTED
    text = [f"{a}*x + {b}*y" for a, b in A]
    assert verify(ONE, text, square(1), time="discrete", levels=False).status is truth


def test_the_gauge_of_a_polygon_under_a_rotation():
    # S4: valid if and only if rho < cos(pi / N), here with N = 8 and sides of rational slopes nearby.
    angles = [math.pi * (k + 0.5) / 4 for k in range(4)]
    rows = np.array([[math.cos(a), math.sin(a)] for a in angles])
    V = Network.from_arrays([(np.concatenate([rows, -rows]), np.zeros(8)), (np.ones((1, 8)), [0.0])])
    turn = np.array([[math.cos(math.pi / 8), -math.sin(math.pi / 8)], [math.sin(math.pi / 8), math.cos(math.pi / 8)]])
    for rho, status in ((0.999, PROVED), (1.001, REFUTED)):
        assert verify(V, rho * math.cos(math.pi / 8) * turn, square(1), time="discrete").status is status


def test_ranges():
    p = Polynomial({(2, 0): Fraction(1), (1, 1): Fraction(-1)}, 2)
    low, high = range_of(p, [(Fraction(1), Fraction(2)), (Fraction(0), Fraction(1))])
    values = [p.evaluate([Fraction(a, 4), Fraction(b, 4)]) for a in range(4, 9) for b in range(5)]
    assert low <= min(values)
    assert max(values) <= high
    low, high = network_range(ONE, [(Fraction(-1), Fraction(2)), (Fraction(0), Fraction(1))])
    assert low <= 0
    assert high >= 3
