"""Repair of output weights: the rows against exact slopes, the programme against known answers, the verdict."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions import Box, Network, Polytope
from linregions.errors import InputError
from linregions.lyapunov.candidates import one_norm, perturbed, zonotope
from linregions.lyapunov.dynamics.dynamics import dynamics_of
from linregions.lyapunov.repairing import repair
from linregions.lyapunov.training.flow import Flow
from linregions.lyapunov.training.programme import propose
from linregions.lyapunov.training.readout import lattice, outside, readout
from linregions.lyapunov.verifying import verify

DUFFING = ["x2", "-x2 - x1 - x1^3"]
SQUARE = Box.cube(-1, 1, 2)


def shallow(seed: int, units: int = 5) -> Network:
    """Units through 0 and away from it, all with short weights."""
    rng = np.random.default_rng(seed)
    axes = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    weight = np.concatenate([axes, rng.integers(-8, 9, (units, 2)) / 8])
    bias = np.concatenate([np.zeros(4), -rng.integers(1, 8, units) / 8])
    output = np.concatenate([rng.integers(1, 9, 4), rng.integers(-2, 3, units)]) / 4
    return Network.from_arrays([(weight, bias), (output[None], [0.0])])


@given(st.integers(0, 10_000))
@settings(max_examples=15)
def test_rows_are_the_conditions_as_exact_slopes_say(seed: int) -> None:
    net, system = shallow(seed), dynamics_of(DUFFING, dim=2)
    free = readout(net, Flow(system), SQUARE, time="continuous")
    points = lattice(free.cells)
    rows, index = free.rows(points)
    found = rows @ free.weights
    for k in np.random.default_rng(seed).choice(len(index), 12, replace=False):
        at = int(index[k])
        x = [Fraction(float(v)) for v in points.x[at]]
        length = sum(abs(v) for v in x)
        slope, offset = net.exact_affine_map(free.cells.partition.patterns[points.cell[at]])
        if points.decrease[at]:
            expected = -sum(g * low for g, (low, _) in zip(slope[0], system.at(x), strict=True)) / length
        else:
            expected = (sum(g * v for g, v in zip(slope[0], x, strict=True)) + offset[0]) / length
        assert found[k] == pytest.approx(float(expected), abs=1e-7)  # near 0 the lattice takes f to eight digits


@given(st.integers(0, 10_000))
@settings(max_examples=10)
def test_margins_and_rows_are_two_ways_to_one_number(seed: int) -> None:
    free = readout(shallow(seed), Flow(dynamics_of(DUFFING, dim=2)), SQUARE, time="continuous")
    points = lattice(free.cells)
    weights = np.random.default_rng(seed).normal(size=free.count)
    rows, index = free.rows(points)
    by_rows = np.full(len(points), np.inf)
    np.minimum.at(by_rows, index, rows @ weights)
    assert np.allclose(by_rows, free.margins(points, weights), atol=1e-6)


def test_the_margin_of_a_known_programme() -> None:
    # x' = -x and the lines of the axes: V = |x|_1 gives V = -Vdot = |x|_1, and no V of that size has more at its worst.
    free = readout(one_norm(3), Flow(dynamics_of(["-x1", "-x2", "-x3"], dim=3)), Box.cube(-2, 2, 3), time="continuous")
    found = propose(free, lattice(free.cells))
    assert found.margin == pytest.approx(1.0)
    assert np.allclose(found.weights, 1.0)


def test_a_broken_candidate_is_repaired_near_itself_and_with_the_largest_margin() -> None:
    good = zonotope([[1.5, 0.5], [0.5, 1.0]], 8)
    broken = perturbed(good, -0.9, unit=2)
    verdict = verify(broken, DUFFING, SQUARE)
    assert not verdict.proved
    near = repair(broken, DUFFING, SQUARE, verdict=verdict)
    far = repair(broken, DUFFING, SQUARE, objective="margin")
    assert near.proved
    assert far.proved
    assert near.margin < far.margin
    assert near.change < far.change
    assert verify(near.network, DUFFING, SQUARE).proved  # the verdict is on the network that is returned
    assert str(near).startswith("repaired")
    assert near.as_dict()["verdict"]["status"] == "PROVED_STRICT"


def test_no_weights_serve_where_the_system_is_unstable() -> None:
    found = repair(one_norm(2), ["x1", "-x2"], SQUARE)
    assert not found.proved
    assert found.verdict is None
    assert found.margin <= 0
    # x1' = x1: the points of the contradiction lie off the x2-axis, where V has to fall and cannot.
    assert len(found.conflict)
    assert np.abs(found.conflict[:, 0]).max() > 0
    assert "no output weights" in str(found)


def test_weights_of_a_deep_network() -> None:
    lines = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    deep = Network.from_arrays([(lines, np.zeros(4)), (np.eye(4), np.zeros(4)), ([[1.0, 1.0, 6.0, 6.0]], [0.0])])
    system = ["-2*x1 + x2", "-x1 - 2*x2"]
    assert not verify(deep, system, SQUARE).proved
    assert repair(deep, system, SQUARE).proved


def test_discrete_time_and_an_excluded_set() -> None:
    lines = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    skew = Network.from_arrays([(lines, np.zeros(4)), ([[1.0, 1.0, 8.0, 8.0]], [0.0])])
    step = [[0.5, 0.25], [-0.25, 0.5]]
    assert not verify(skew, step, SQUARE, time="discrete").proved
    assert repair(skew, step, SQUARE, time="discrete").proved
    hole = outside(Box.cube(-0.5, 0.5, 2))
    assert hole is not None
    assert hole(np.array([[0.25, 0.25], [0.75, 0.0]])).tolist() == [False, True]
    assert repair(one_norm(2), ["-x1 + x1^3", "-x2"], Box.cube(-0.75, 0.75, 2), exclude=0.25).proved


def test_a_polytope_and_the_largest_margin_on_modes() -> None:
    diamond = Polytope([[1, 1], [1, -1], [-1, 1], [-1, -1]], [1, 1, 1, 1])
    modes = [([[-1, 1], [-1, -1]], [0, 0], [[-1, 0]], [0]), ([[-2, 1], [-1, -2]], [0, 0], [[1, 0]], [0])]
    assert repair(zonotope(None, 4), modes, diamond, objective="margin").proved


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"objective": "least"}, "objective"),
        ({"bits": 2}, "bits"),
        ({"rounds": 0}, "rounds"),
        ({"verdict": "REFUTED"}, "verdict"),
    ],
)
def test_refused_arguments(change: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        repair(one_norm(2), DUFFING, SQUARE, **change)


def test_what_has_no_output_weights_is_refused() -> None:
    with pytest.raises(InputError, match="polynomial"):
        repair("x1^2 + x2^2", DUFFING, SQUARE)
    with pytest.raises(InputError, match="output weights"):
        repair(Network.from_arrays([([[1.0, 1.0]], [0.0])]), DUFFING, SQUARE)
