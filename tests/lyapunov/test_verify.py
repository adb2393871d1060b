"""The verb: verdicts on both sides of thresholds, wrong inputs, and random networks against sampling in rationals."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions import Box, Network, Polytope
from linregions.errors import InputError
from linregions.lyapunov import Outcome, verify

PROVED, REFUTED, MARGINAL = Outcome.PROVED_STRICT, Outcome.REFUTED, Outcome.MARGINAL


def one_norm(n):
    rows = np.concatenate([np.eye(n), -np.eye(n)])
    return Network.from_arrays([(rows, np.zeros(2 * n)), (np.ones((1, 2 * n)), [0.0])])


def square(r, n=2):
    return Box.cube(-r, r, n)


def exact_slope(net, x, towards):
    """Slope of a network of one hidden layer on the cell that a point looks into, from its weights alone."""
    first, last = net.stages
    out = [Fraction(0)] * first.inputs
    for i in range(first.rows):
        row = [Fraction(float(v)) for v in first.weight[i]]
        z = sum((a * b for a, b in zip(row, x, strict=True)), Fraction(float(first.bias[i])))
        rise = sum(a * b for a, b in zip(row, towards, strict=True))
        if z > 0 or (z == 0 and rise > 0):
            out = [o + Fraction(float(last.weight[0, i])) * a for o, a in zip(out, row, strict=True)]
    return out


def rational_points(rng, box, count):
    for _ in range(count):
        cube = rng.uniform(-1, 1, size=box.dim) * (1.0 if rng.random() < 0.7 else 2.0 ** -rng.integers(1, 12))
        yield [Fraction(float(v)) for v in cube * box.upper]


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_the_one_norm_decreases_under_decay(n):
    verdict = verify(one_norm(n), -np.eye(n), square(3, n))
    assert verdict.status is PROVED
    assert verdict.cells == 2**n
    assert verdict.sublevel.c == verdict.sublevel.upper == 3
    assert verdict.sublevel.volume == Fraction(6**n, [1, 1, 2, 6, 24][n])


def test_ten_dimensions_go_by_the_fan():
    verdict = verify(one_norm(10), -np.eye(10), square(3, 10))
    assert (verdict.status, verdict.cells, verdict.sublevel.c) == (PROVED, 1024, 3)
    turned = -np.eye(9)
    turned[0, 1] = 2.0
    refuted = verify(one_norm(9), turned, square(3, 9))
    assert refuted.status is REFUTED
    x = refuted.witness
    assert sum(abs(v) for v in x) > 0
    assert refuted.value > 0


@pytest.mark.parametrize(("r", "status"), [(0.999, PROVED), (1.0, MARGINAL), (1.001, REFUTED)])
def test_cubic_decay_has_its_threshold_at_one(r, status):
    verdict = verify(one_norm(2), ["-x + x^3", "-y + y^3"], square(r))
    assert verdict.status is status
    if status is MARGINAL:
        assert all(abs(v) in (0, 1) for face in verdict.faces for corner in face.vertices for v in corner)
        assert verdict.value == 0
        assert verdict.ultimate.strict
        assert verdict.ultimate.c2 == 1
    if status is REFUTED:
        assert {c.cell for c in verdict.counterexamples} == set(range(4))  # all of them, not the first
        for c in verdict.counterexamples:
            assert c.value == sum(-abs(v) + abs(v) ** 3 for v in c.witness) > 0


def test_a_counterexample_near_the_origin_is_found_without_a_hole():
    # x' = -x + 10^6 |x| x turns at |x| = 10^-6, far inside the usual holes.
    V = Network.from_arrays([([[1.0], [-1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
    near = verify(V, ["-x + 1000000000000*x^3"], Box.cube(-(2.0**-10), 2.0**-10, 1))
    assert near.status is REFUTED
    assert near.value > 0
    assert verify(V, ["-x + 1000000000000*x^3"], Box.cube(-(2.0**-20), 2.0**-20, 1)).status is PROVED
    # A rotation by a hair too much at the origin: tan(pi/4) = 1 is the limit for the 1-norm.
    for w, status in (("1", MARGINAL), ("1.0000001", REFUTED), ("0.9999999", PROVED)):
        assert verify(one_norm(2), [f"-x + {w}*y", f"-{w}*x - y"], square(1)).status is status


@pytest.mark.parametrize("width", [2.0**-20, 2.0**-40])
def test_a_sliver_that_alone_violates_is_found(width):
    # V = |x| + |y| + 8 (relu(x - 1/2) - 2 relu(x - 1/2 - w) + relu(x - 1/2 - 2w)): slope -7 in x on a strip of width w.
    rows = [[1, 0], [-1, 0], [0, 1], [0, -1], [1, 0], [1, 0], [1, 0]]
    biases = [0, 0, 0, 0, -0.5, -0.5 - width, -0.5 - 2 * width]
    V = Network.from_arrays([(rows, biases), ([[1, 1, 1, 1, 8, -16, 8]], [0])])
    verdict = verify(V, ["-x", "-y"], square(0.51), levels=False)
    assert verdict.status is REFUTED
    slopes = {c.cell for c in verdict.counterexamples}
    assert slopes
    for c in verdict.counterexamples:
        assert Fraction(0.5) + Fraction(width) <= c.witness[0] <= Fraction(0.5) + 2 * Fraction(width)


def test_a_network_with_no_vertex_at_the_origin_is_refuted_by_theorem_a():
    V = Network.from_arrays([([[1.0, 0.5], [-1.0, 0.25], [0.0, 1.0]], [0.1, 0.2, -0.1]), ([[1.0, 1.0, 1.0]], [-0.3])])
    verdict = verify(V, ["-x", "-y"], square(1), shift=True, levels=False)
    assert verdict.status is REFUTED
    assert verdict.condition == "positive"
    assert "Theorem A" in verdict.reason
    at_zero = V.exact_values([0, 0])[0]
    assert V.exact_values(verdict.witness)[0] - at_zero == verdict.value < 0


def test_polynomial_candidates():
    assert verify("x^2 + y^2", ["-x + x*y", "-y - x^2"], square(2)).status is PROVED
    refuted = verify([[1.5, 0.5], [0.5, 1.0]], ["y", "-y - x - x^3"], square(2))
    assert refuted.status is REFUTED
    x, y = refuted.witness
    assert refuted.value == (3 * x + y) * y + (x + 2 * y) * (-y - x - x**3) > 0
    assert verify("x^2 + y^2", ["-x^3 + y", "-x - y"], square(2)).status is PROVED
    assert verify("x^2 - y^2", ["-x", "-y"], square(1)).condition == "positive"


def test_what_is_excluded_is_not_claimed():
    V, system = one_norm(2), ["-x + 0.25 - 0.25*(1 - x)", "-y + 8*y*(0.015625 - y^2)"]
    assert verify(V, system, square(1)).status is PROVED
    bad = ["-x + 8*x*(0.25 - x^2)", "-y"]  # outwards for |x| < 0.353
    assert verify(V, bad, square(1)).status is REFUTED
    for hole in (
        0.5,
        Fraction(1, 2),
        Box.cube(-0.5, 0.5, 2),
        Polytope([[1, 1], [-1, -1], [1, -1], [-1, 1]], [0.5] * 4),
    ):
        verdict = verify(V, bad, square(1), exclude=hole, levels=hole == 0.5)
        assert verdict.status is Outcome.PROVED_OUTSIDE, (hole, str(verdict))
        assert (verdict.ultimate is not None) == (hole == 0.5 or hole == Fraction(1, 2))
    assert verify(V, bad, square(1), exclude=0.25).status is REFUTED


def test_a_controller_closes_the_loop():
    gains = Network.from_arrays([([[1.0, 0.0], [-1.0, 0.0]], [0.0, 0.0]), ([[-2.0, 2.0]], [0.0])])
    assert verify(one_norm(2), ["x + u", "-y"], square(1), controller=gains).status is PROVED
    weak = Network.from_arrays([([[1.0, 0.0], [-1.0, 0.0]], [0.0, 0.0]), ([[-0.5, 0.5]], [0.0])])
    refuted = verify(one_norm(2), ["x + u", "-y"], square(1), controller=weak)
    x, y = refuted.witness
    assert refuted.value == abs(x) / 2 - abs(y) > 0


def test_smooth_dynamics():
    assert verify(one_norm(2), ["-2*x + sin(y)", "-2*y + x^2"], square(0.5)).status is PROVED
    assert verify(one_norm(2), ["-x + 3*sin(x)", "-y"], square(0.5)).status is REFUTED
    assert verify("x^2 + y^2", ["-2*x + tanh(y)", "-2*y + x^2"], square(0.5)).status is PROVED


def test_a_budget_that_runs_out_is_unknown_and_says_what_is_left():
    wave = ["-x + 3*x^3 - 2.3*x^5", "-y"]  # -1 + 3s - 2.3s^2 < 0 for all s = x^2, by 0.02
    shallow = verify(one_norm(2), wave, square(1), max_depth=0)
    assert shallow.status is Outcome.UNKNOWN
    assert shallow.condition == "decrease"
    assert "max_depth" in shallow.reason
    assert verify(one_norm(2), wave, square(1)).status is PROVED
    rng = np.random.default_rng(3)
    net = Network.from_arrays([(rng.normal(size=(400, 2)), rng.normal(size=400)), (rng.normal(size=(1, 400)), [0.0])])
    stopped = verify(net, ["-x", "-y"], square(3), shift=True, exclude=1e-3, time_limit=1e-3)
    assert stopped.status is Outcome.UNKNOWN
    assert {part.condition for part in stopped.left} >= {"decrease"}
    assert stopped.reason


def test_the_record_is_plain():
    verdict = verify(one_norm(2), ["-x + x^3", "-y + y^3"], square(2))
    record = json.loads(json.dumps(verdict.as_dict()))
    assert record["status"] == "REFUTED"
    assert [Fraction(v) for v in record["witness"]] == list(verdict.witness)
    assert "REFUTED" in str(verdict)
    with pytest.raises(TypeError, match="more than two outcomes"):
        bool(verdict)


WRONG = [
    ({"V": one_norm(3)}, "V: takes 3 inputs"),
    ({"V": Network.from_arrays([(np.eye(2), [0, 0])])}, "V: must have one output"),
    ({"V": Network.from_arrays([([[1.0, 0.0]], [0.5])])}, "shift=True"),
    ({"V": [[1, 0, 0], [0, 1, 0]]}, "must have shape"),
    ({"V": "sin(x)"}, "neither a network nor a polynomial"),
    ({"V": "x^2 + 1"}, "shift=True"),
    ({"dynamics": ["-x"]}, "dynamics"),
    ({"dynamics": ["-x + 1", "-y"]}, "must be 0"),
    ({"dynamics": ["-x + w", "-y"]}, "w"),
    ({"dynamics": ["-x + gamma(x)", "-y"]}, "gamma"),
    ({"dynamics": lambda x: -x}, "function"),
    ({"domain": Box([0.0, -1.0], [1.0, 1.0])}, "not strictly inside"),
    ({"domain": [[-1, 1], [-1, 1]]}, "domain: expected"),
    ({"time": "hybrid"}, "time must be"),
    ({"claim": "weak"}, "claim must be"),
    ({"shift": 1}, "shift must be"),
    ({"exclude": -1}, "positive radius"),
    ({"exclude": "ball"}, "exclude must be"),
    ({"exclude": Box.cube(-1, 1, 3)}, "exclude: has dimension 3"),
    ({"exclude": Box([0.5, 0.5], [1, 1])}, "exclude: the origin"),
    ({"controller": one_norm(3), "dynamics": ["-x + u", "-y"]}, "controller: takes 3 inputs"),
    (
        {"controller": Network.from_arrays([([[1.0, 0.0]], [1.0])]), "dynamics": ["-x + u", "-y"]},
        "controller: gives u = ",
    ),
    ({"controller": one_norm(2), "dynamics": Network.from_arrays([(np.eye(2), [0, 0])])}, "takes no inputs"),
    ({"max_depth": -1}, "max_depth"),
    ({"time_limit": 0}, "time_limit"),
]


@pytest.mark.parametrize(("change", "message"), WRONG, ids=[m for _, m in WRONG])
def test_wrong_input_is_one_sentence(change, message):
    arguments = {"V": one_norm(2), "dynamics": ["-x", "-y"], "domain": square(1)} | change
    V, dynamics, domain = (arguments.pop(k) for k in ("V", "dynamics", "domain"))
    with pytest.raises(InputError, match=message) as caught:
        verify(V, dynamics, domain, **arguments)
    assert "\n" not in str(caught.value)


SYSTEMS = [
    (["-x + y/2", "-y - x/2"], lambda x, y: (-x + y / 2, -y - x / 2)),
    (["-x + x*y", "-y - x^2"], lambda x, y: (-x + x * y, -y - x**2)),
    (["y", "-x - y - x^3"], lambda x, y: (y, -x - y - x**3)),
    (["-x + x^3", "-y + x*y^2/2"], lambda x, y: (-x + x**3, -y + x * y**2 / 2)),
]


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), which=st.integers(0, 3), biased=st.booleans(), r=st.sampled_from([0.25, 0.75, 1.5]))
def test_random_networks_agree_with_samples(seed, which, biased, r):
    rng = np.random.default_rng(seed)
    base = np.array([[1.0, 0.2], [-0.3, 1.0], [0.8, -0.9], [0.6, 0.7]]) + rng.integers(-2, 3, size=(4, 2)) / 8
    rows = np.concatenate([base, -base, rng.integers(-8, 9, size=(3, 2)) / 8])
    biases = np.concatenate([np.zeros(8), -np.abs(rng.integers(1, 9, size=3)) / 16 if biased else np.zeros(3)])
    out = np.concatenate([np.repeat(1.0, 8), rng.integers(-3, 6, size=3) / 16])
    net = Network.from_arrays([(rows, biases), (out[None], [0.0])])
    text, f = SYSTEMS[which]
    box = square(r)
    verdict = verify(net, text, box, levels=False)
    assert verdict.status in (PROVED, REFUTED, MARGINAL)
    for x in rational_points(rng, box, 40):
        if not any(x):
            continue
        towards = [Fraction(int(v)) for v in rng.integers(-9, 10, size=2)]
        V, slope = net.exact_values(x)[0], exact_slope(net, x, towards)
        falls = sum(g * v for g, v in zip(slope, f(*x), strict=True))
        if verdict.status is PROVED:
            assert V > 0
            assert falls < 0
        if verdict.status is MARGINAL:
            assert V >= 0
            assert falls <= 0
    for c in verdict.counterexamples[:20]:
        if c.condition == "positive":
            assert net.exact_values(c.witness)[0] == c.value < 0
            continue
        inside = verdict.mesh.partition.exact_witness(c.cell)
        towards = [a - b for a, b in zip(inside, c.witness, strict=True)]
        slope = exact_slope(net, list(c.witness), towards)
        assert sum(g * v for g, v in zip(slope, f(*c.witness), strict=True)) == c.value > 0
