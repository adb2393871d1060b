"""Simulated means of exact counts against the formula, the closed form, and the numbers of the literature.

Seeds are fixed.  A check allows 4 standard errors, which a right value passes in all but one of 16,000 draws; what the
checks would notice is tested too.
"""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from linregions import Box, InputError, Network, Plane, Segment, Space, Status, enumerate_regions
from linregions.bounds.expected import gaussian_density, hanin_rolnick
from linregions.expectation import (
    Estimate,
    boundary_length,
    crossings,
    expected_boundary,
    expected_regions,
    integrals,
    simulation,
)

ERRORS = 4.0
LINE = Segment([-2.0], [2.0])
SQUARE = Box.cube(-1, 1, 2)

# Widths, simulated mean and its standard error, formula: He weights, biases of variance 0.25 on [-2, 2].
KNOWN = [("1;8", 8.131, 0.016, 8.123), ("1;8,8", 14.515, 0.044, 14.556), ("1;8,8,8", 20.243, 0.073, 20.327)]


def apart(a: float, b: float, *errors: float) -> float:
    return abs(a - b) / math.hypot(*errors)


@pytest.mark.parametrize(("widths", "mean", "error", "formula"), KNOWN)
def test_the_known_numbers(widths, mean, error, formula):
    found = expected_regions(widths, LINE, bias_std=0.5, samples=1000, formula_samples=8000, seed=1)
    assert abs(found.gap) < ERRORS
    assert apart(found.simulated.mean, mean, found.simulated.error, error) < ERRORS
    # The known formula values are estimates as well; their errors, not stated, are below those of the simulation.
    assert apart(found.formula.mean, formula, found.formula.error, error) < ERRORS
    assert found.formula.error < 0.04
    assert found.simulated.error < 0.15


def test_the_variance_of_the_known_numbers_is_a_quarter():
    """With 0.25 as the standard deviation they do not come out: the check above can fail."""
    for widths, mean, error, formula in KNOWN:
        found = expected_regions(widths, LINE, bias_std=0.25, samples=400, seed=1)
        assert apart(found.simulated.mean, mean, found.simulated.error, error) > 2 * ERRORS
        assert apart(found.formula.mean, formula, found.formula.error, error) > 2 * ERRORS


def test_the_closed_form_of_fifty_units():
    found = expected_regions("1;50", LINE, weight_std=1.0, bias_std=0.7, samples=1000, formula_samples=4000)
    assert found.closed.value == pytest.approx(40.283, abs=5e-4)
    assert abs(found.gap) < ERRORS
    assert apart(found.formula.mean, found.closed.value, found.formula.error) < ERRORS
    assert found.simulated.error < 0.15


@pytest.mark.parametrize(
    ("widths", "domain"),
    [
        ("2;8", SQUARE),
        ("2;5,5", SQUARE),
        ("2;4,4,4", Box([-1.0, 0.0], [2.0, 1.0])),
        ("3;5,4", Segment([-1.0, 0.0, 1.0], [1.0, 2.0, 0.0])),
        ("3;5,4", Plane.through([0, 0, 0], [1, 0, 1], [0, 2, 0], region="triangle")),
        ("1;6,6", Box.cube(-1, 2, 1)),
    ],
    ids=str,
)
@pytest.mark.parametrize("init", ["he", "glorot", "lecun"])
def test_simulation_and_formula_agree(widths, domain, init):
    found = expected_regions(widths, domain, init=init, bias_std=0.4, samples=300, formula_samples=2000, seed=2)
    assert apart(found.simulated.mean, found.formula.mean, found.simulated.error, found.formula.error) < ERRORS
    assert (found.closed is not None) == (widths.count(",") == 0)
    if found.closed:
        assert abs(found.gap) < ERRORS
        assert apart(found.formula.mean, found.closed.value, found.formula.error) < ERRORS
    assert found.simulated.error < 0.06 * found.simulated.mean


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("widths", ["2;8", "2;5,5"])
def test_boundaries_agree(widths, k):
    found = expected_boundary(widths, SQUARE, k=k, bias_std=0.5, samples=200, formula_samples=4000, seed=3)
    assert apart(found.simulated.mean, found.formula.mean, found.simulated.error, found.formula.error) < ERRORS
    assert (found.closed is not None) == (k == 2 and widths == "2;8")
    assert abs(found.gap) < ERRORS
    # The volume bound, with E|grad z|^2 = 2 s_w^2 in the first layer, which He weights keep on average.
    constants = {"c_grad": math.sqrt(2), "c_bias": gaussian_density(0.5)}
    units = sum(map(int, widths[2:].split(",")))
    assert found.formula.mean < hanin_rolnick(units, k, volume=4.0, **constants).value


@pytest.mark.slow
def test_a_crossing_is_seen_from_the_kink_of_the_earlier_unit(monkeypatch):
    """The formula with the drawn bias of the earlier unit, not the one that puts it at its kink, is refuted."""

    def found(samples):
        scales = {"weight_std": 3.0, "bias_std": 1.0}
        return expected_regions("2;3,6", SQUARE, **scales, samples=samples, formula_samples=60_000, seed=4)

    right = found(8000)
    assert abs(right.gap) < ERRORS
    monkeypatch.setattr(integrals.State, "pinned", lambda state, _: state)
    wrong = found(2).formula
    assert apart(right.simulated.mean, wrong.mean, right.simulated.error, wrong.error) > ERRORS


def test_length_and_crossings_of_a_known_partition():
    cross = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, -0.5]), ([[1.0, 1.0]], [0.0])])
    assert boundary_length(cross, SQUARE) == pytest.approx(4.0)
    assert crossings(cross, SQUARE) == 1
    slanted = Network.from_arrays([([[1.0, 1.0]], [0.0]), ([[1.0]], [0.0])])
    assert boundary_length(slanted, Box([-1, -2], [1, 2])) == pytest.approx(2 * math.sqrt(2))
    assert crossings(slanted, Box([-1, -2], [1, 2])) == 0


@pytest.mark.parametrize("seed", range(5))
def test_crossings_are_the_vertices_inside(seed):
    rng = np.random.default_rng(seed)
    shapes = [(6, 2), (5, 6), (1, 5)]
    net = Network.from_arrays([(rng.normal(size=s), rng.normal(0, 0.4, s[0])) for s in shapes])
    partition = enumerate_regions(net, SQUARE)
    points = {tuple(p) for i in range(len(partition)) for p in partition.exact_vertices(i)}
    inside = [p for p in points if max(map(abs, p)) < 1]
    assert crossings(net, SQUARE) == len(inside) > 0


def test_the_same_seed_gives_the_same_numbers():
    def found(seed, formula_samples=80):
        return expected_regions(
            "2;4,3", SQUARE, bias_std=0.5, samples=20, formula_samples=formula_samples, seed=seed
        ).as_dict()

    assert found(7) == found(7)
    assert found(7)["simulated"] != found(8)["simulated"]
    assert found(7)["formula"] != found(8)["formula"]
    assert found(7)["simulated"] == found(7, 90)["simulated"]


def test_a_domain_without_a_formula_is_simulated():
    found = expected_regions("3;5", Space(3), bias_std=0.5, samples=20)
    # Five planes in general position: every draw has the 26 regions of Zaslavsky's formula.
    assert (found.simulated.mean, found.simulated.error) == (26.0, 0.0)
    assert found.formula is found.closed is found.gap is None
    assert "formula" not in str(found)


def test_the_record():
    found = expected_regions("1;8", LINE, bias_std=0.5, samples=50)
    text = str(found)
    for words in ("simulated", "formula", "closed form", "standard errors", "assumes", "counted exactly", "estimated"):
        assert words in text
    said = json.loads(json.dumps(found.as_dict()))
    assert said["simulated"]["kind"] == "estimate"
    assert said["simulated"]["samples"] == 50
    assert said["formula"]["samples"] == 200
    assert said["closed"]["value"] == pytest.approx(8.109, abs=5e-4)


def test_an_estimate_has_the_standard_error_of_a_mean():
    assert Estimate.of(np.array([1.0, 3.0])) == Estimate(2.0, 1.0, 2)
    assert str(Estimate(8.1312, 0.0161, 10)) == "8.131 ± 0.016"
    assert str(Estimate(1234.5, 23.0, 10)) == "1,234 ± 23"


def test_ctrl_c_keeps_what_was_counted(monkeypatch):
    real, calls = simulation.count, []

    def stopped(*args, **options):
        calls.append(args)
        if len(calls) > 10:
            raise KeyboardInterrupt
        return real(*args, **options)

    monkeypatch.setattr(simulation, "count", stopped)
    found = expected_regions("1;4", LINE, bias_std=0.5, samples=50)
    assert found.simulated.samples == 10
    assert found.simulated.status is Status.INTERRUPTED
    assert "interrupted" in str(found)
    with pytest.raises(KeyboardInterrupt):
        expected_regions("1;4", LINE, bias_std=0.5, samples=50)


def test_a_count_that_was_cut_short_is_no_sample(monkeypatch):
    real = simulation.count
    monkeypatch.setattr(simulation, "count", lambda *a, **o: real(*a, **o, max_regions=2))
    with pytest.raises(KeyboardInterrupt):
        expected_regions("1;30", LINE, bias_std=0.5, samples=5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: expected_regions("1;8", LINE, bias_std=0.0), "bias_std must be positive"),
        (lambda: expected_regions("1;8", LINE, bias_std=1, weight_std=-1), "weight_std must be positive"),
        (lambda: expected_regions("1;8", LINE, bias_std=1, init="orthogonal"), "init: 'orthogonal' is not known"),
        (lambda: expected_regions("1;8", LINE, bias_std=1, init=["he"]), "init: .* is not known"),
        (lambda: expected_regions("2;8", LINE, bias_std=1), "domain: expected one in 2 inputs"),
        (lambda: expected_regions("1;8", LINE, bias_std=1, samples=1), "at least 2 networks"),
        (lambda: expected_regions("1;8", LINE, bias_std=1, samples=0), "samples must be"),
        (lambda: expected_regions("1;8", LINE, bias_std=1, seed=-1), "seed must be"),
        (lambda: expected_regions("1;0", LINE, bias_std=1), "width of hidden layer 1"),
        (lambda: expected_boundary("2;8", LINE, bias_std=1), "box: lengths and crossings need a Box in 2 inputs"),
        (lambda: expected_boundary("3;8", SQUARE, bias_std=1), "box: lengths and crossings need a Box in 2 inputs"),
        (lambda: expected_boundary("2;8", SQUARE, k=3, bias_std=1), "k must be 1"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(InputError, match=words):
        call()
