"""Brackets of numbers of regions: what is proven holds always, what is estimated holds as often as it says."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any, cast
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import Case, cases, line_cases, sliver_cases

import linregions
from linregions import (
    Box,
    InputError,
    Kind,
    Network,
    Plane,
    Polytope,
    Segment,
    Space,
    Status,
    count,
    enumerate_regions,
    estimate,
    sample_regions,
)
from linregions.activations import MaxGroups
from linregions.arrangements import hyperplanes, regions
from linregions.cli import main
from linregions.estimation import flats, pieces, sampling, upper_bound
from linregions.estimation.draw import _Walk, sampler, within
from linregions.estimation.interval import mean_interval
from linregions.estimation.sampling import binomial_most
from linregions.estimation.seen import Seen
from linregions.estimation.strict import exact_strict, strict_patterns
from linregions.exact import fractions
from linregions.stage import Stage

MOONS = Path(__file__).parent.parent / "examples" / "moons.onnx"
SOME = settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


def he_net(*widths: int, seed: int = 0, bias: float = 0.1) -> Network:
    rng = np.random.default_rng(seed)
    layers = []
    for fan_in, out in pairwise(widths):
        layers.append((rng.normal(0, np.sqrt(2 / fan_in), (out, fan_in)), rng.normal(0, bias, out)))
    return Network.from_arrays(layers)


def integer_net(*widths: int, seed: int, activation: Any = "relu") -> Network:
    rng = np.random.default_rng(seed)
    layers = [
        (rng.integers(-1, 2, (out, fan_in)).astype(float), rng.integers(-1, 2, out).astype(float))
        for fan_in, out in pairwise(widths)
    ]
    return Network.from_arrays(layers, activation=activation)


def few(case: Case, seed: int) -> int:
    """Regions among a few samples: on networks of extreme numbers every point takes rational arithmetic."""
    with mock.patch.multiple(sampling, FRESH=10, FRESH_IF_SLOW=10):
        found = sample_regions(case.network, case.domain, samples=60, lines=2, seed=seed)
    assert found.count.kind is Kind.LOWER
    return found.count.value


def rows_of(patterns: np.ndarray) -> set[bytes]:
    return {row.astype(np.int32).tobytes() for row in patterns}


# -- A sampled point counts only inside a region of full dimension ----------------------------------------------------


def points_of(case: Case, seed: int) -> np.ndarray:
    """Random points of the domain, and points at which units tie: simple ones, and midpoints of witnesses."""
    rng = np.random.default_rng(seed)
    drawn = sampler(case.domain, rng).draw(rng, 20)
    simple = rng.integers(-4, 5, (60, case.domain.dim)) / 2
    return np.concatenate([drawn, simple[within(case.domain, simple)]])


@SOME
@given(cases(units=8), st.integers(0, 1000))
def test_strict_points_lie_in_enumerated_regions(case, seed):
    try:
        partition = enumerate_regions(case.network, case.domain, threads=1)
        points = points_of(case, seed)
    except InputError:
        return
    patterns, inside, _ = strict_patterns(case.network, case.domain, points)
    assert rows_of(patterns[inside]) <= rows_of(partition.patterns)
    assert few(case, seed) <= len(partition)


@SOME
@given(st.one_of(line_cases(), sliver_cases()))
def test_samples_never_exceed_the_count_on_lines_and_slivers(case):
    assert few(case, 1) <= count(case.network, case.domain).value


@SOME
@given(cases(units=8), st.integers(0, 1000))
def test_float_and_rational_routes_agree(case, seed):
    try:
        points = points_of(case, seed)[-30:]
    except InputError:
        return
    patterns, inside, _ = strict_patterns(case.network, case.domain, points)
    for t, pattern, strict in zip(points, patterns, inside, strict=True):
        exact, exact_inside = exact_strict(case.network, case.domain, fractions(t))
        assert exact.tolist() == pattern.tolist()
        assert exact_inside == strict


@pytest.mark.parametrize("activation", ["relu", "abs", "hardtanh"])
@pytest.mark.parametrize("seed", range(6))
def test_strict_means_that_no_small_step_changes_the_pattern(seed, activation):
    """An independent test of being inside: exact patterns at points near by, in random directions."""
    net = integer_net(2, 4, 3, 1, seed=seed, activation=activation)
    rng = np.random.default_rng(seed)
    box = Box.cube(-2, 2, 2)
    points = rng.integers(-3, 4, (40, 2)) / 2
    patterns, inside, _ = strict_patterns(net, box, points)
    assert np.array_equal(patterns, net.pattern(points))
    for t, pattern, strict in zip(points, patterns, inside, strict=True):
        steps = [[Fraction(int(v), 10**9) for v in rng.integers(-999, 1000, 2)] for _ in range(24)]
        near = [net.exact_pattern([a + b for a, b in zip(fractions(t), step, strict=True)]) for step in steps]
        assert strict == all(np.array_equal(pattern, other) for other in near), (t, strict)


def test_units_that_are_zero_on_a_line_but_not_off_it():
    # |x| + |y| - |x| is y's part; on the line y = 0 the second layer's unit is 0 all along, and off it it is not.
    net = Network.from_arrays([([[0.0, 1.0], [0.0, -1.0]], [0.0, 0.0]), ([[1.0, -1.0]], [0.0]), ([[1.0]], [0.0])])
    box = Box.cube(-1, 1, 2)
    on_the_line = np.array([[0.5, 0.0], [-0.25, 0.0]])
    assert not strict_patterns(net, box, on_the_line)[1].any()
    assert strict_patterns(net, box, on_the_line + np.array([0.0, 0.1]))[1].all()
    # On the segment y = 0 itself nothing changes: there the one region has full dimension.
    segment = Segment([-1, 0], [1, 0])
    patterns, inside, _ = strict_patterns(net, segment, np.array([[0.25], [0.75]]))
    assert inside.all()
    assert count(net, segment).value == 1 == sample_regions(net, segment, samples=20).count.value
    assert len(rows_of(patterns)) == 1


def test_dead_layers_are_inside_without_rational_arithmetic():
    # The first layer is off everywhere, so each unit of the second is its bias, 0, all around every point.
    net = Network.from_arrays([(-np.ones((3, 2)), [-9.0] * 3), (np.ones((4, 3)), [0.0] * 4), (np.ones((1, 4)), [0.0])])
    patterns, inside, exact = strict_patterns(net, Box.cube(-1, 1, 2), np.random.default_rng(0).uniform(-1, 1, (50, 2)))
    assert inside.all()
    assert exact == 0
    assert not patterns.any()
    assert sample_regions(net, Box.cube(-1, 1, 2), samples=100).count.value == 1


def test_max_groups_that_draw():
    groups = MaxGroups(np.array([0, 3]))
    # Rows 0 and 1 are the same function: row 0 wins wherever they are largest, and a draw with row 2 is a boundary.
    net = Network((Stage([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [0.0, 0.0, 0.0], groups),))
    points = np.array([[0.5, 0.0], [0.5, 0.5], [0.0, 0.5]])
    patterns, inside, _ = strict_patterns(net, Box.cube(-1, 1, 2), points)
    assert patterns[:, 0].tolist() == [0, 0, 2]
    assert inside.tolist() == [True, False, True]
    assert sample_regions(net, Box.cube(-1, 1, 2), samples=200).count.value == count(net, Box.cube(-1, 1, 2)).value == 2


# -- Lower <= exact <= upper ------------------------------------------------------------------------------------------


def every_domain(dim: int) -> list[Any]:
    rng = np.random.default_rng(dim)
    simplex = Polytope(np.vstack([-np.eye(dim), np.ones(dim)]), [1.0] * dim + [1.0])
    half = Polytope(np.eye(dim)[:1], [0.5])
    p, step = rng.normal(size=dim), np.eye(dim)
    plane = Plane.through(p, p + 2 * step[0], p - step[1], region="triangle")
    boxes = [Box.cube(-1, 1, dim), Box(-np.arange(1.0, dim + 1), np.ones(dim))]
    return [*boxes, simplex, half, Space(dim), plane, Segment(p, -p)]


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_the_bracket_holds_the_exact_number(dim, seed):
    for net in (he_net(dim, 7, 6, 1, seed=seed), integer_net(dim, 5, 4, 1, seed=seed)):
        for domain in every_domain(dim):
            exact = count(net, domain, threads=1).value
            found = sample_regions(net, domain, samples=300, lines=5, seed=seed)
            assert 1 <= found.count.value <= exact <= int(upper_bound(net, domain)), domain
            bracket = estimate(net, domain, samples=200, lines=3, pieces=5, seed=seed, threads=1, time_limit=None)
            assert bracket.lower.value <= exact <= int(bracket.upper)
            assert bracket.lower.kind in (Kind.LOWER, Kind.EXACT)
            if bracket.lower.kind is Kind.EXACT:
                assert bracket.lower.value == exact
            if bracket.estimate is not None:
                assert bracket.lower.value <= bracket.estimate.low <= bracket.estimate.high <= int(bracket.upper)


def test_a_small_network_is_simply_counted():
    net, box = he_net(2, 16, 16, 1), Box.cube(-1, 1, 2)
    found = estimate(net, box)
    assert found.exact
    assert found.lower.kind is Kind.EXACT
    assert found.lower.value == 412
    assert found.sampling is None
    assert str(found).splitlines()[0] == "lower     exactly 412 activation regions (all pieces of the search counted)"


def test_beyond_eight_dimensions_there_is_no_estimate_but_a_bracket():
    net = he_net(10, 8, 8, 1)
    found = estimate(net, Box.cube(-1, 1, 10), samples=3000, lines=20, time_limit=20)
    assert found.estimate is None
    assert "dimension 8" in found.no_estimate
    assert found.status is Status.COMPLETE
    assert 500 < found.lower.value <= 15_621 <= int(found.upper)
    assert [line.split()[0] for line in str(found).splitlines()] == ["lower", "estimate", "upper"]
    record = json.loads(json.dumps(found.as_dict()))
    assert (record["lower"]["kind"], record["upper"]["kind"], record["estimate"]) == ("lower", "upper", None)


def test_stable_units_tighten_the_upper_bound():
    net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [0.0, 9.0, -9.0]), (np.ones((1, 3)), [0.0])])
    assert upper_bound(net, Box.cube(-1, 1, 2)).value == count(net, Box.cube(-1, 1, 2)).value == 2
    assert upper_bound(net, Space(2)).value == 7
    # The bounds meet, so the number is known although nothing was counted to its end.
    wide = Network.from_arrays([(np.eye(9)[:2], np.zeros(2)), (np.ones((1, 2)), [1.0]), (np.ones((1, 1)), [0.0])])
    found = estimate(wide, Box.cube(-1, 1, 9), samples=200, lines=0)
    assert found.exact
    assert (found.lower.value, found.lower.kind, found.upper.value) == (4, Kind.LOWER, 4)


# -- Sampling ---------------------------------------------------------------------------------------------------------


def test_samples_repeat_with_their_seed():
    net, box = he_net(3, 12, 12, 1), Box.cube(-1, 1, 3)
    one, two = (sample_regions(net, box, samples=2000, lines=10, seed=7) for _ in range(2))
    assert (one.count.value, one.drawn, one.coverage) == (two.count.value, two.drawn, two.coverage)
    other = sample_regions(net, box, samples=2000, lines=10, seed=8)
    assert other.drawn != one.drawn
    rng = np.random.default_rng(7)
    assert sample_regions(net, box, samples=2000, lines=10, seed=rng).drawn == one.drawn


def test_every_way_of_drawing_is_told():
    net, box = he_net(3, 12, 12, 1), Box.cube(-1, 1, 3)
    data = np.random.default_rng(0).normal(0, 0.1, (50, 3))
    found = sample_regions(net, box, samples=1000, lines=5, data=data)
    assert list(found.drawn) == ["uniform points", "random lines", "points near data", "lines between data"]
    assert found.drawn["points near data"][0] == 500
    assert (
        max(met for _, met in found.drawn.values()) <= found.count.value <= sum(met for _, met in found.drawn.values())
    )
    near = sample_regions(net, box, samples=1, lines=0, data=data, spread=1e-9)
    assert near.count.value <= 51


def test_a_line_meets_every_region_on_it():
    net, segment = he_net(2, 16, 16, 1), Segment([-1, -1], [1, 1])
    run = sampling.Run(net, Box.cube(-1, 1, 2), np.random.default_rng(0), None, None)
    points = run.along(np.array([[-1.0, -1.0], [1.0, 1.0]]))
    patterns, inside, _ = strict_patterns(net, Box.cube(-1, 1, 2), points)
    assert inside.all()
    assert len(rows_of(patterns)) == count(net, segment).value


def test_budgets_keep_what_was_found(monkeypatch):
    net, box = he_net(4, 32, 32, 1), Box.cube(-1, 1, 4)
    found = sample_regions(net, box, samples=10**9, lines=0, time_limit=0.3)
    assert found.count.status is Status.BUDGET
    assert found.count.reason == "time limit of 0.3 s reached"
    assert found.count.value > 100
    assert found.count.seconds < 5
    few = sample_regions(net, box, samples=10**9, lines=0, max_regions=500)
    assert few.count.status is Status.BUDGET
    assert 500 <= few.count.value < 5000
    take, calls = sampling.Run.take, []

    def interrupted(self, source, points):
        calls.append(source)
        if len(calls) == 3:
            raise KeyboardInterrupt
        take(self, source, points)

    monkeypatch.setattr(sampling.Run, "take", interrupted)
    stopped = sample_regions(net, box, samples=10**6, lines=0)
    assert stopped.count.status is Status.INTERRUPTED
    assert stopped.count.value > 100
    assert stopped.coverage is None


def test_keys_count_patterns():
    rng = np.random.default_rng(0)
    seen = Seen(20, rng)
    patterns = rng.integers(0, 2, (5000, 20)).astype(np.int32)
    for part in np.array_split(patterns, 13):
        seen.add(part, 0, counted=True)
    seen.add(patterns[:10], 3, counted=False)
    distinct, times = np.unique(patterns, axis=0, return_counts=True)
    assert len(seen) == len(distinct) <= seen.at_most
    assert seen.frequencies == (len(distinct), np.sum(times == 1), np.sum(times == 2))
    assert seen.by_source[0] == len(distinct)
    assert seen.by_source[3] == len(np.unique(patterns[:10], axis=0))
    assert seen.counted(distinct).all()
    fresh = rng.integers(0, 2, (100, 20)).astype(np.int32)
    known = rows_of(distinct)
    assert seen.counted(fresh).tolist() == [row.tobytes() in known for row in fresh]


def test_networks_without_units():
    net = Network.from_arrays([([[1.0, 2.0]], [0.0])])
    assert sample_regions(net, Box.cube(-1, 1, 2), samples=50).count.value == 1
    found = estimate(net, Box.cube(-1, 1, 2))
    assert found.exact
    assert (found.lower.value, int(found.upper)) == (1, 1)


# -- Points of domains ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dim", [2, 4])
def test_points_lie_in_their_domain(dim):
    rng = np.random.default_rng(0)
    for domain in every_domain(dim):
        points = sampler(domain, rng).draw(rng, 300)
        assert len(points) > 250
        assert within(domain, points).all()
        for t in points[:20]:
            assert all(
                sum(a * b for a, b in zip(row, [*fractions(t), 1], strict=True)) >= 0 for row in domain.halfspaces
            )


def test_within_is_exact_on_the_boundary():
    thirds = Polytope([[3.0, 0.1]], [0.3])
    edge = np.array([[0.1, 0.0], [np.nextafter(0.1, 0), 0.0], [0.0, 3.0], [np.inf, 0.0], [-1e300, 1e300]])
    expected = [Fraction(3) * Fraction(0.1) <= Fraction(0.3), True, Fraction(0.1) * 3 <= Fraction(0.3), False, True]
    assert within(thirds, edge).tolist() == expected


def test_uniform_points_are_uniform():
    rng = np.random.default_rng(0)
    plane = Plane.through([0, 0], [1, 0], [0, 1], region=[[0, 0], [2, 0], [2, 1], [1, 2], [0, 1]])
    points = sampler(plane, rng).draw(rng, 20_000)
    # Area 3: the square [0, 1]^2 holds a third, and the half-plane s > 1 a half.
    assert np.mean(np.all(points < 1, axis=1)) == pytest.approx(1 / 3.0 * 1.0, abs=0.02)
    triangle = Polytope([[-1, 0], [0, -1], [1, 1]], [0, 0, 1])
    drawn = sampler(triangle, rng)
    assert drawn.independent
    assert drawn.draw(rng, 20_000).mean(axis=0) == pytest.approx([1 / 3, 1 / 3], abs=0.02)


def test_thin_and_unbounded_polyhedra_are_walked():
    rng = np.random.default_rng(1)
    # A needle along the diagonal: a hundred-thousandth of its bounding box.
    a = np.array(
        [[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 1.0, -1.0], [0.0, -1.0, 1.0], [1.0, 1.0, 1.0], [-1.0, -1.0, -1.0]]
    )
    needle = Polytope(a, [1e-3] * 4 + [3.0, 3.0])
    drawn = sampler(needle, rng)
    assert isinstance(drawn.draw, _Walk)
    points = drawn.draw(rng, 4000)
    assert np.mean(points) == pytest.approx(0.0, abs=0.1)
    assert np.std(points) == pytest.approx(1 / math.sqrt(3), abs=0.1)
    wedge = Polytope([[-1, 0], [0, -1]], [0, 0])
    found = sample_regions(he_net(2, 8, 1), wedge, samples=500, lines=5)
    assert found.coverage is None
    assert found.count.value <= count(he_net(2, 8, 1), wedge).value
    net = he_net(3, 8, 1)
    assert sample_regions(net, needle, samples=500, lines=5).count.value <= count(net, needle).value


# -- What theory says -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("successes", "trials", "level"), [(0, 30, 0.95), (3, 30, 0.95), (7, 50, 0.9), (29, 30, 0.99)])
def test_clopper_and_pearson_by_binomial_sums(successes, trials, level):
    p = Fraction(binomial_most(successes, trials, level))
    tail = sum(math.comb(trials, k) * p**k * (1 - p) ** (trials - k) for k in range(successes + 1))
    assert float(tail) == pytest.approx(1 - level, rel=1e-9)
    assert binomial_most(trials, trials, level) == 1.0


def test_regions_that_lines_met_do_not_count_as_met_by_points():
    """100 points leave a third of the volume unseen, 40 lines hardly any; the bound speaks of the points' regions."""
    net, box = he_net(2, 16, 16, 1), Box.cube(-1, 1, 2)
    for seed in range(5):
        found = sample_regions(net, box, samples=100, lines=40, seed=seed).coverage
        assert found is not None
        assert found.unseen > 0.15
        assert found.unseen_most > 0.15


def test_the_unseen_volume_is_known_where_volumes_are():
    """Volumes of the regions that were not met, from the exact partition, against the estimate and the bound on it."""
    net, box = he_net(2, 16, 16, 1), Box.cube(-1, 1, 2)
    partition = enumerate_regions(net, box)
    keys = {row.astype(np.int32).tobytes(): v for row, v in zip(partition.patterns, partition.volumes, strict=True)}
    total, held = partition.volumes.sum(), 0
    for seed in range(10):
        found = sample_regions(net, box, samples=2000, lines=0, seed=seed)
        run = sampling.Run(net, box, np.random.default_rng(seed), None, None)
        run.add_sources(None, 0.1, 2000, 0)
        points = run.sources[0].draw(2000)
        met = rows_of(strict_patterns(net, box, points)[0])
        unseen = sum(v for key, v in keys.items() if key not in met) / total
        assert found.coverage is not None
        assert found.coverage.met == len(met)
        assert abs(found.coverage.unseen - unseen) < 0.02
        held += unseen <= found.coverage.unseen_most
    assert held >= 8  # 95 %: fewer than 8 of 10 has a probability of one in 90


def test_the_interval_holds_as_often_as_it_says_for_skew_populations():
    rng = np.random.default_rng(0)
    population = np.exp(1.2 * rng.normal(size=3000))
    plain = held = 0
    for _ in range(400):
        values = rng.choice(population, 150, replace=False)
        found = mean_interval(values, 3000, 0.95)
        held += found.low <= population.mean() <= found.high
        half = 1.976 * values.std(ddof=1) * math.sqrt((1 - 150 / 3000) / 150)
        plain += abs(values.mean() - population.mean()) <= half
    assert held >= 360
    assert held >= plain
    everything = mean_interval(population, 3000, 0.95)
    assert everything.low == everything.high == pytest.approx(population.mean())


def test_hall_without_skewness_is_student():
    found = mean_interval(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), 10**9, 0.95)
    assert (found.low, found.high) == pytest.approx(
        (3 - 2.7764 * math.sqrt(0.5), 3 + 2.7764 * math.sqrt(0.5)), rel=1e-4
    )
    assert found.doubts == ("only 5 pieces",)
    alike = mean_interval(np.ones(200), 10**6, 0.95)
    assert alike.doubts == ("all counted pieces are alike",)


# -- Pieces of the search ---------------------------------------------------------------------------------------------


def counted(net: Network, box: Box, seed: int, sample: int) -> pieces.Counted:
    rng = np.random.default_rng(seed)
    return pieces.count_pieces(net, box, rng, sample=sample, level=0.95, threads=1, time_limit=None)


def test_the_estimate_is_unbiased_and_its_interval_holds(monkeypatch):
    monkeypatch.setattr(pieces, "ENOUGH_PIECES", 400)
    net, box = he_net(3, 16, 16, 1), Box.cube(-1, 1, 3)
    exact = count(net, box).value
    runs = [counted(net, box, seed, 120) for seed in range(40)]
    values, held, above = [], 0, 0
    for run in runs:
        found = run.estimate
        assert found is not None
        assert found.kind is Kind.ESTIMATE
        assert run.lower <= exact
        assert run.lower <= found.low <= found.value <= found.high
        values.append(found.value)
        held += found.low <= exact <= found.high
        above += found.at_least > exact
    mean, error = np.mean(values), np.std(values, ddof=1) / math.sqrt(len(values))
    assert abs(mean - exact) < 4 * error
    assert held >= 33  # of 40; at 93 %, fewer have a probability of 1 %
    assert above == 0
    assert len({run.total for run in runs}) == 1


def test_all_pieces_together_are_the_count(monkeypatch):
    monkeypatch.setattr(pieces, "ENOUGH_PIECES", 200)
    for net, domain in [
        (he_net(3, 8, 8, 1), Box.cube(-1, 1, 3)),
        (he_net(2, 6, 6, 1), Space(2)),
        (integer_net(2, 5, 5, 1, seed=3), Box.cube(-2, 2, 2)),
        (he_net(4, 8, 8, 1), Plane.through([0] * 4, [1, 0, 0, 0], [0, 1, 0, 1])),
    ]:
        run = counted(net, cast(Any, domain), 0, 10**6)
        assert run.exact
        assert run.lower == count(net, domain).value
        assert run.estimate is not None
        assert run.estimate.kind is Kind.EXACT


def test_pieces_that_take_too_long_give_a_lower_bound_and_a_reason():
    net, box = he_net(8, 64, 64, 1), Box.cube(-1, 1, 8)
    found = estimate(net, box, time_limit=1.0)
    assert found.estimate is None
    assert "pieces of the search" in found.no_estimate
    assert found.status is Status.COMPLETE
    assert 100 < found.lower.value <= int(found.upper)
    asked = estimate(net, box, time_limit=1.0, pieces=50, samples=100, lines=0)
    assert asked.status is Status.BUDGET


def test_an_interruption_of_the_pieces_keeps_what_they_gave(monkeypatch):
    monkeypatch.setattr(pieces, "ENOUGH_PIECES", 200)
    count_some, calls = pieces._Work.count, []

    def interrupted(self, some):
        calls.append(len(some))
        if len(calls) == 3:
            raise KeyboardInterrupt
        count_some(self, some)

    monkeypatch.setattr(pieces._Work, "count", interrupted)
    net, box = he_net(3, 16, 16, 1), Box.cube(-1, 1, 3)
    found = estimate(net, box, pieces=100, time_limit=None, threads=1)
    assert found.status is Status.INTERRUPTED
    assert found.estimate is None
    assert 200 <= found.lower.value <= count(net, box).value


# -- Intersections of hyperplanes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dim", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(4))
def test_sets_without_a_broken_circuit_are_as_many_as_the_regions(dim, seed):
    clipped = integer_net(dim, 5, 1, seed=seed, activation="hardtanh")
    nets = [integer_net(dim, 7, 1, seed=seed), he_net(dim, 6, 1, seed=seed), clipped]
    for net in nets:
        for domain in (Space(dim), Box.cube(-1, 1, dim), Polytope(np.ones((1, dim)), [0.5])):
            rows, _ = hyperplanes(net, domain)
            halfspaces = [[int(8 * v) for v in row] for row in domain.halfspaces]
            found = 1 + sum(
                flats.counts(subset, rows, halfspaces)
                for k in range(1, min(dim, len(rows)) + 1)
                for subset in combinations(range(len(rows)), k)
            )
            assert found == regions(net, domain) == count(net, domain, engine="cells").value


def test_the_interval_of_one_hidden_layer_holds():
    net, box = he_net(3, 14, 1), Box.cube(-1, 1, 3)
    exact, held, values = count(net, box).value, 0, []
    rows, dim = hyperplanes(net, box)
    for seed in range(20):
        options = {"sample": 150, "level": 0.95, "time_limit": None}
        found, why = flats.estimate_flats(rows, dim, box, np.random.default_rng(seed), **options)
        assert found is not None, why
        held += found.low <= exact <= found.high
        values.append(found.value)
        assert found.low <= found.value <= found.high
    assert held >= 18
    assert abs(np.mean(values) - exact) < 4 * np.std(values, ddof=1) / math.sqrt(20)


def test_one_hidden_layer_beyond_eight_dimensions_has_an_estimate():
    net, box = he_net(9, 10, 1), Box.cube(-1, 1, 9)
    found = estimate(net, box, samples=500, lines=2, pieces=100, time_limit=None)
    exact = regions(net, box)
    assert found.estimate is not None
    assert found.estimate.kind is Kind.ESTIMATE
    assert found.lower.value <= exact <= int(found.upper)
    assert found.estimate.low <= exact <= found.estimate.high
    few = estimate(he_net(9, 4, 1), box, samples=50, lines=0, time_limit=None)
    assert few.lower.kind is Kind.EXACT
    assert few.lower.value == regions(he_net(9, 4, 1), box)


# -- The door and the command line ------------------------------------------------------------------------------------

NET, BOX = he_net(2, 3, 1), Box.cube(-1, 1, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 0}, "samples must be"),
        ({"lines": -1}, "lines must be"),
        ({"seed": -1}, "seed must be"),
        ({"level": 1.0}, "level must be a confidence"),
        ({"time_limit": 0}, "time_limit must be a positive number"),
        ({"data": [[0.0]]}, "data must be"),
        ({"data": [[5.0, 5.0]]}, "none of the 1 points lies in"),
        ({"data": [[0.0, 0.0]], "spread": -1.0}, "spread must be positive"),
    ],
)
def test_refusals_are_one_sentence(options, message):
    for verb in (sample_regions, estimate):
        with pytest.raises(InputError, match=message):
            verb(NET, BOX, **options)


def test_refused_domains():
    with pytest.raises(InputError, match="takes 2 inputs"):
        sample_regions(NET, Box.cube(-1, 1, 3))
    with pytest.raises(InputError, match="expected a Box"):
        estimate(NET, cast(Any, "box"))
    with pytest.raises(InputError, match="no point inside"):
        sample_regions(NET, Polytope([[1, 0], [-1, 0]], [0, -1]))
    with pytest.raises(InputError, match="give the Box"):
        sample_regions(NET, Segment([0, 0], [1, 1]), data=[[0.0, 0.0]])


def test_on_the_command_line(capsys, tmp_path):
    assert main(["estimate", str(MOONS), "--box", "-3", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "lower     exactly 462 activation regions (all pieces of the search counted)"
    assert lines[2].startswith("upper     at most ")
    assert main(["estimate", str(MOONS), "--box", "-3", "3", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["lower"]["count"], record["lower"]["kind"], record["upper"]["kind"]) == (462, "exact", "upper")
    np.save(tmp_path / "data.npy", np.zeros((3, 2)))
    words = ["--data", str(tmp_path / "data.npy"), "--samples", "200", "--lines", "2", "--pieces", "3", "--seed", "1"]
    assert main(["estimate", str(MOONS), "--box", "-3", "3", *words, "--time-limit", "inf", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["lower"]["kind"] == "lower"
    assert 10 < record["lower"]["count"] <= 462
    assert record["sampling"]["drawn"]["points near data"]["points"] == 100
    assert main(["estimate", str(MOONS), "--box", "-3", "3", "--data", "x.txt"]) == 2
    assert "must be a .npy file" in capsys.readouterr().err


def test_the_public_names():
    assert linregions.estimate is estimate
    assert linregions.sample_regions is sample_regions
