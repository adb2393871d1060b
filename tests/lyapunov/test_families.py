"""Every family with a known threshold, on both sides of it and on it; and the systems of the literature.

The thresholds are one-line computations (see the facts of each system).  Two things are looked at besides the verdict:
a counterexample is seen again next to its witness, with slopes from the network's own affine maps, and a proof survives
random points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from plane_oracle import right_hand_side

from linregions import Box, Network
from linregions.lyapunov import Outcome, verify
from linregions.lyapunov.candidates import (
    chain_norm,
    directions,
    interpolation,
    linear_norm,
    max_norm,
    modal_zonotope,
    one_norm,
    perturbed,
    rays,
    regular_polygon,
    sliver,
    zonotope,
)
from linregions.lyapunov.systems import saturated_feedback, system

PROVED, REFUTED, MARGINAL = Outcome.PROVED_STRICT, Outcome.REFUTED, Outcome.MARGINAL
P_DUFFING = [[1.5, 0.5], [0.5, 1.0]]


@dataclass
class Row:
    """A candidate for a system on a box, and the truth."""

    name: str
    V: Any
    system: Any
    domain: Box
    truth: Outcome
    slow: bool = False

    def param(self):
        return pytest.param(self, id=self.name, marks=[pytest.mark.slow] if self.slow else [])


def cube(half, dim):
    return Box.cube(-half, half, dim)


def modal(name, count, domain=None, **parameters):
    s = system(name, **parameters)
    return lambda: modal_zonotope(s.linearization, count), s, domain


def rows_s():
    for n in range(1, 7):
        s = system("decay", n=n)
        yield Row(f"S1 n={n}", lambda n=n: one_norm(n), s, cube(3, n), PROVED)
        for r, truth in ((0.5, PROVED), (1 - 2.0**-10, PROVED), (1, MARGINAL), (1 + 2.0**-10, REFUTED)):
            slow = n > 4 or (n == 4 and truth is MARGINAL)
            s = system("cubic-decay", n=n)
            yield Row(f"S2 n={n} r={r:.4g}", lambda n=n: one_norm(n), s, cube(r, n), truth, slow)
            if n > 1:
                s = system("ring", n=n)
                yield Row(f"S5 n={n} r={r:.4g}", lambda n=n: one_norm(n), s, cube(r, n), truth, slow)
    for sides, truth in ((32, PROVED), (30, REFUTED)):
        yield Row(f"S3 N={sides}", lambda k=sides: regular_polygon(k), system("focus"), cube(1, 2), truth)
    # s / w near 1 / sqrt 3 with N = 6, on both sides; and tan(pi / 4) = 1, where the limit is rational.
    for s, truth in (("0.57736", PROVED), ("0.57734", REFUTED)):
        yield Row(f"S3 N=6 s={s}", lambda: regular_polygon(6), system("focus", s=s), cube(1, 2), truth)
    for s, truth in ((1, MARGINAL), ("1.0001", PROVED), ("0.9999", REFUTED)):
        yield Row(f"S3 N=4 s={s}", lambda: one_norm(2), system("focus", s=s), cube(1, 2), truth)
    for sides in (6, 8, 16, 32):
        limit = math.cos(math.pi / sides)
        for rho, truth in ((limit - 1e-4, PROVED), (limit + 1e-4, REFUTED)):
            s = system("rotation", rho=rho, sides=sides)
            yield Row(f"S4 N={sides} rho={rho:.4f}", lambda k=sides: regular_polygon(k), s, cube(1, 2), truth)
    for r, truth in ((0.5, PROVED), (0.89, PROVED), (0.91, REFUTED), (1, REFUTED)):
        yield Row(f"S6 r={r}", lambda: one_norm(4), system("cbil"), cube(r, 4), truth)
    # The float 0.9 lies above 9/10, so the limit is taken where it is a float: e = 1/4, r = 3/4.
    yield Row("S6 r=0.9", lambda: one_norm(4), system("cbil"), cube(0.9, 4), REFUTED)
    yield Row("S6 e=1/4 r=3/4", lambda: one_norm(4), system("cbil", e="1/4"), cube(0.75, 4), MARGINAL)
    for name, V in (("1-norm", one_norm), ("maximum norm", max_norm)):
        for r, truth in ((0.5, PROVED), (1 - 2.0**-10, PROVED), (1, MARGINAL), (1 + 2.0**-10, REFUTED)):
            yield Row(f"S7 {name} r={r:.4g}", lambda V=V: V(2), system("bil"), cube(r, 2), truth)
        yield Row(f"S9 {name}", lambda V=V: V(2), system("linear-discrete"), cube(1, 2), MARGINAL)
    for count, truth in ((128, REFUTED), (160, PROVED), (256, PROVED)):
        yield Row(f"S8 N={count}", lambda k=count: flower(k), system("flower"), cube(1, 2), truth, count > 160)
    yield Row("S9 x'Px", lambda: np.array([[4.0, -2.0], [-2.0, 3.0]]), system("linear-discrete"), cube(1, 2), PROVED)
    yield Row("S10 poly2", lambda: "x1^2/2 + x2^2/2", system("poly2"), cube(1, 2), PROVED)
    yield Row("S10 cube", lambda: one_norm(1), system("cube"), cube(1, 1), PROVED)
    for r, truth in ((1, PROVED), (2 - 2.0**-10, PROVED), (2, MARGINAL), (2 + 2.0**-10, REFUTED)):
        yield Row(f"S10 nonpoly0 r={r:.4g}", lambda: one_norm(2), system("nonpoly0"), cube(r, 2), truth)


def flower(count):
    corners = rays(count)
    x, y = np.abs(corners[:, 0]), np.abs(corners[:, 1])
    heights = np.sqrt(np.where(x >= y, x**2 + 5 * y**2, 5 * x**2 + y**2))
    return interpolation(corners, np.rint(heights * 2.0**20) / 2.0**20)


def bil_zonotope(count):
    """Scaled to V(1, 0) = 1 / sqrt 2."""
    u = directions(2, count)
    return zonotope(None, u, scale=float(1 / np.abs(u[:, 0]).sum() / math.sqrt(2)))


def rows_b():
    for count, truth in ((3, REFUTED), (4, PROVED), (8, PROVED)):
        yield Row(f"B1 K={count}", lambda k=count: bil_zonotope(k), system("bil"), cube(2, 2), truth)
    for count, r, truth in ((4, 1, REFUTED), (6, 1, PROVED), (8, 1, PROVED), (6, 2, REFUTED)):
        V = lambda k=count: zonotope(P_DUFFING, k)  # noqa: E731
        yield Row(f"B2 K={count} r={r}", V, system("duffing"), cube(r, 2), truth)
    V = lambda: "x2^2/2 + x1^2/2 + x1^4/4 + (x1*x2 + x1^2/2)/2"  # noqa: E731
    yield Row("B2 global", V, system("duffing"), cube(3, 2), PROVED)
    yield Row("B2 x'Px", lambda: np.array(P_DUFFING), system("duffing"), cube(2, 2), REFUTED)
    for count, small, truth in ((19, 1, REFUTED), (20, 1, PROVED), (48, 0, REFUTED), (64, 0, PROVED)):
        s = system("pendulum")
        A = [[0.0, 1.0], [-9.81, -0.5]]
        yield Row(f"B3 K={count}", lambda k=count, A=A: modal_zonotope(A, k), s, s.domains[small], truth)
    cases = ((4, 0.5, REFUTED), (5, 0.5, PROVED), (23, 0.9, REFUTED), (24, 0.9, PROVED), (64, 1, REFUTED))
    for count, r, truth in (*cases, (24, 3, REFUTED)):
        A = [[0.0, -1.0], [1.0, -1.0]]
        V = lambda k=count, A=A: modal_zonotope(A, k)  # noqa: E731
        yield Row(f"B4 K={count} r={r}", V, system("vanderpol"), cube(r, 2), truth)
    for r, truth in ((1, PROVED), (1.5, REFUTED)):
        yield Row(f"B10 r={r}", lambda: zonotope(None, directions(4, "B")), system("cbil"), cube(r, 4), truth)
        for n in (5, 6):
            V = lambda n=n: zonotope(None, directions(n, "B"))  # noqa: E731
            yield Row(f"B11 n={n} r={r}", V, system("ring", n=n), cube(r, n), truth, n == 6)
    for roots in ((-1, -2, -3), (-1, -1, -2), (-1, -2, -3, -4), (-1, -2, -3, -4, -5, -6)):
        s = system("chain", roots=roots)
        yield Row(f"B12 {roots}", lambda k=roots: chain_norm(k), s, cube(1, len(roots)), PROVED, len(roots) > 4)
    T = [[1, 1, 1], [-1, -2, -3], [1, 4, 9]]
    yield Row("B12 eigenvectors", lambda: linear_norm(T), system("chain"), cube(1, 3), PROVED)
    yield Row("B12 other coordinates", lambda: one_norm(3), system("chain"), cube(1, 3), REFUTED)
    yield Row("B8 poly1", lambda: one_norm(3), system("poly1"), cube(1, 3), PROVED)
    A = [[-1.0, 0.0, 0.0], [0.0, -2.0, 1.0], [0.0, -1.5, -1.0]]
    yield Row("B8 nonpoly2", lambda: modal_zonotope(A, 12), system("nonpoly2"), cube(1, 3), PROVED)
    s = system("saturated-integrator")
    for r, truth in ((0.5, PROVED), (4, REFUTED)):
        yield Row(f"B13 r={r}", saturated_quadratic, s, cube(r, 2), truth)


def saturated_quadratic():
    """P of the discrete Lyapunov equation with Q = I, to 2^-10."""
    K = np.array([[-0.4345, -1.0285]])
    A = np.array([[1.0, 1.0], [0.0, 1.0]]) + np.array([[0.5], [1.0]]) @ K
    n = 2
    P = np.linalg.solve(np.eye(n * n) - np.kron(A.T, A.T), np.eye(n).ravel()).reshape(n, n)
    P = np.rint((P + P.T) * 512) / 1024
    return (P + P.T) / 2


@pytest.mark.parametrize("row", [row.param() for row in (*rows_s(), *rows_b())])
def test_family(row):
    V = row.V()
    verdict = verify(V, row.system.dynamics, row.domain, time=row.system.time, levels=False)
    assert verdict.status is row.truth, str(verdict)
    if row.truth is PROVED:
        assert verdict.witness is None
    else:
        assert verdict.condition == "decrease"
        assert any(verdict.witness)
        assert all(a <= x <= b for a, x, b in zip(row.domain.lower, verdict.witness, row.domain.upper, strict=True))
    if row.truth is MARGINAL:
        assert verdict.value == 0
    if isinstance(V, Network):
        rate = rate_of(V, row.system)
        if rate is not None:
            check_again(row, rate, verdict)


def rate_of(V, s):
    """The largest exact decrease next to a point, over the cells that the points around it lie in; None where unknown.

    Slopes come from the network's affine maps, f from the text of the system: nothing of the verifier takes part.
    """
    if isinstance(s.given, Network) or not all(isinstance(line, str) for line in s.given):
        return None
    if any(word in line for line in s.given for word in ("sin", "cos", "exp")):
        return None
    f = right_hand_side(s.given)

    def rate(point):
        if s.time == "discrete":
            return V.exact_values(f(point))[0] - V.exact_values(point)[0]
        slope = V.exact_affine_map(V.exact_pattern(point))[0][0]
        return sum(g * v for g, v in zip(slope, f(point), strict=True))

    return rate


def check_again(row, rate, verdict):
    rng = np.random.default_rng(0)
    n = row.domain.dim
    if row.truth is REFUTED:
        # Just inside the domain, next to the witness: one of the cells there shows the increase.
        shrink = Fraction(1) - Fraction(1, 2**110)
        for _ in range(400):
            nudge = [Fraction(int(v), 2**120) for v in rng.integers(-99, 100, n)]
            if rate([shrink * x + d for x, d in zip(verdict.witness, nudge, strict=True)]) > 0:
                return
        raise AssertionError(f"no increase next to {verdict.witness}")
    for x in rng.uniform(row.domain.lower, row.domain.upper, (20, n)):
        value = rate([Fraction(float(v)) for v in x])
        assert value < 0 or (row.truth is MARGINAL and value == 0)


@pytest.mark.parametrize("power", [24, 30, 40, 50])
@pytest.mark.parametrize("dim", [2, 3])
def test_sliver_is_found_at_any_width(dim, power):
    verdict = verify(sliver(dim, width=2.0**-power), system("decay", n=dim).dynamics, cube(3, dim), levels=False)
    assert verdict.status is REFUTED
    assert 1 <= abs(verdict.witness[0]) <= 1 + Fraction(1, 2**power)
    # On the faces of the sliver V falls with slope -1, and f has -x1 >= -(1 + width) there.
    assert 0 < verdict.value <= 1 + Fraction(1, 2**power)


@pytest.mark.parametrize("by", [1e-6, 1e-3, 1e-1])
def test_a_moved_weight_is_still_decided(by):
    """|x1| with weights 1 + by and 1 on its two sides, and x' = -x: still a Lyapunov function, and proved."""
    V = perturbed(one_norm(2), by)
    assert verify(V, system("decay").dynamics, cube(3, 2), levels=False).status is PROVED
    V = perturbed(one_norm(2), -1.0 - by)
    verdict = verify(V, system("decay").dynamics, cube(3, 2), levels=False)
    assert verdict.status is REFUTED
    assert V.exact_values(verdict.witness)[0] <= 0 or verdict.condition == "decrease"


@pytest.mark.parametrize(("r", "truth"), [(0.5, PROVED), (4, REFUTED)])
def test_a_controller_in_the_loop_is_the_closed_loop(r, truth):
    open_loop = system("saturated-integrator", open_loop=True)
    controller = saturated_feedback([[-0.4345, -1.0285]])
    dynamics = open_loop.given  # with the controller, f(0) = 0 is known only in the loop
    verdict = verify(saturated_quadratic(), dynamics, cube(r, 2), time="discrete", controller=controller, levels=False)
    assert verdict.status is truth
