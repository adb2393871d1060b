"""The lp engine: against the cells engine, the arrangement engine, the oracle, and counts that are known."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import oracle
import pytest
import strategies
from hypothesis import HealthCheck, given, settings

from linregions import Box, InputError, Network, Polytope, Segment, Space, count, enumerate_regions
from linregions.activations import RELU, MaxGroups, UnitActivations, clip, leaky_relu
from linregions.domain import Domain
from linregions.partition import Kind, Partition, Status
from linregions.stage import Stage

QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck)}


def lp_count(net: Network, domain: Domain, **budget: object) -> int:
    """The lp engine's count, which must be exact and complete."""
    out = count(net, domain, engine="lp", **budget)
    assert (out.kind, out.status, out.engine) == (Kind.EXACT, Status.COMPLETE, "lp")
    return out.value


def listed(net: Network, domain: Domain, engine: str, threads: int = 1) -> Partition:
    return enumerate_regions(net, domain, engine=engine, threads=threads)


def pattern_set(partition: Partition) -> set[bytes]:
    out = {row.tobytes() for row in partition.packed}
    assert len(out) == len(partition)
    return out


def check_witnesses(partition: Partition, step: int = 1) -> None:
    """Every witness lies strictly inside the domain and has its region's pattern, in rational arithmetic."""
    domain, net = partition.domain, partition.network
    for i in range(0, len(partition), step):
        t = partition.exact_witness(i)
        assert all(sum(a * v for a, v in zip(h, t, strict=False)) + h[-1] > 0 for h in domain.halfspaces)
        rows = domain.embedding
        x = t if rows is None else [sum((a * v for a, v in zip(r, t, strict=False)), r[-1]) for r in rows]
        assert np.array_equal(net.exact_pattern(x), partition.patterns[i])


def assert_same_as_cells(net: Network, domain: Domain) -> None:
    found = listed(net, domain, "lp")
    assert pattern_set(found) == pattern_set(listed(net, domain, "cells"))
    assert lp_count(net, domain) == len(found)
    check_witnesses(found, 1 + len(found) // 10)


def random_net(rng: np.random.Generator, widths: tuple[int, ...], style: str = "normal") -> Network:
    def numbers(*shape: int) -> np.ndarray:
        if style == "normal":
            return rng.normal(size=shape)
        return rng.integers(-2, 3, size=shape).astype(float)

    layers = [(numbers(out, into), numbers(out)) for into, out in pairwise(widths)]
    if style == "homogeneous":
        layers = [(w, 0 * b) for w, b in layers]
    return Network.from_arrays(layers)


@settings(max_examples=60, **QUIET)
@given(strategies.cases())
def test_equals_the_cells_engine(case: strategies.Case) -> None:
    assert_same_as_cells(case.network, case.domain)


@settings(max_examples=40, **QUIET)
@given(strategies.sliver_cases())
def test_equals_the_cells_engine_on_slivers(case: strategies.Case) -> None:
    assert_same_as_cells(case.network, case.domain)


@settings(max_examples=40, **QUIET)
@given(strategies.cases(units=7))
def test_equals_the_oracle(case: strategies.Case) -> None:
    known = oracle.patterns(case.network, case.domain)
    found = listed(case.network, case.domain, "lp")
    assert {tuple(map(int, p)) for p in found.patterns} == known
    assert len(found) == len(known)


@pytest.mark.parametrize("style", ["normal", "integers", "homogeneous"])
@pytest.mark.parametrize("dim", range(1, 9))
def test_equals_the_cells_engine_up_to_dimension_eight(dim: int, style: str) -> None:
    rng = np.random.default_rng(100 + dim)
    for _ in range(4 if dim < 5 else 1):
        net = random_net(rng, (dim, 4 if dim > 6 else 5, 4, 1), style)
        centre = rng.integers(-1, 2, size=dim)
        simplex = Polytope(np.vstack([-np.eye(dim), np.ones(dim)]), np.append(1.0 - centre, centre.sum() + 1.0))
        for domain in (Box.cube(-1, 1, dim), Space(dim), simplex):
            assert lp_count(net, domain) == count(net, domain, engine="cells").value


@pytest.mark.slow
@settings(max_examples=2000, **QUIET)
@given(strategies.cases(units=12))
def test_equals_the_cells_engine_at_length(case: strategies.Case) -> None:
    assert_same_as_cells(case.network, case.domain)


@pytest.mark.slow
@settings(max_examples=300, **QUIET)
@given(strategies.high_cases())
def test_equals_the_cells_engine_in_four_to_eight_dimensions_at_length(case: strategies.Case) -> None:
    assert_same_as_cells(case.network, case.domain)


@pytest.mark.parametrize(("dim", "units"), [(9, 12), (10, 11), (11, 12), (12, 13)])
def test_general_position_on_the_whole_space(dim: int, units: int) -> None:
    net = random_net(np.random.default_rng(dim), (dim, units, 1))
    assert lp_count(net, Space(dim)) == sum(math.comb(units, k) for k in range(dim + 1))


@pytest.mark.parametrize("dim", [9, 10, 12])
def test_equals_the_arrangement_engine(dim: int) -> None:
    rng = np.random.default_rng(dim)
    for style in ("integers", "homogeneous"):
        net = random_net(rng, (dim, 10, 1), style)
        assert lp_count(net, Space(dim)) == count(net, Space(dim), engine="arrangement").value


def blocks(first: Network, second: Network) -> Network:
    """Both networks side by side, on the product of their inputs."""
    stages = []
    for a, b in zip(first.stages, second.stages, strict=True):
        zero = np.zeros((a.rows, b.inputs)), np.zeros((b.rows, a.inputs))
        weight = np.block([[a.weight, zero[0]], [zero[1], b.weight]])
        act = UnitActivations.of([f for s in (a, b) for f in (s.activation.functions[k] for k in s.activation.index)])
        stages.append(Stage(weight, np.concatenate([a.bias, b.bias]), act))
    return Network(tuple(stages), "blocks")


@pytest.mark.parametrize("style", ["normal", "integers", "homogeneous"])
def test_independent_parts_multiply(style: str) -> None:
    rng = np.random.default_rng(7)
    first, second = random_net(rng, (5, 4, 3, 1), style), random_net(rng, (4, 3, 3, 1), style)
    for small, large in (
        ((Box.cube(-1, 1, 5), Box.cube(-1, 1, 4)), Box.cube(-1, 1, 9)),
        ((Space(5), Space(4)), Space(9)),
    ):
        known = count(first, small[0], engine="cells").value * count(second, small[1], engine="cells").value
        assert lp_count(blocks(first, second), large) == known


def test_inputs_that_nothing_depends_on() -> None:
    rng = np.random.default_rng(3)
    small = random_net(rng, (3, 6, 5, 1))
    first = small.stages[0]
    wide = np.zeros((6, 10))
    wide[:, [1, 4, 8]] = first.weight
    net = Network((Stage(wide, first.bias, first.activation), *small.stages[1:]), "wide")
    known = count(small, Box.cube(-1, 1, 3)).value
    assert lp_count(net, Box.cube(-1, 1, 10)) == known
    # Half-spaces are not narrowed, so here the program has ten variables.
    sides = Polytope(np.vstack([np.eye(10), -np.eye(10)]), np.ones(20))
    assert lp_count(net, sides) == known
    assert lp_count(net, Space(10)) == count(small, Space(3)).value
    for domain in (Box.cube(-1, 1, 10), sides, Space(10)):
        check_witnesses(listed(net, domain, "lp"))


def test_a_list_in_ten_dimensions() -> None:
    net = random_net(np.random.default_rng(1), (10, 6, 4, 1))
    box = Box.cube(-1, 1, 10)
    one, three = listed(net, box, "auto"), listed(net, box, "auto", threads=3)
    assert one.count.engine == "lp"
    assert len(one) > 300
    assert np.array_equal(one.packed, three.packed)
    assert np.array_equal(one.witnesses, three.witnesses)
    assert len(pattern_set(one)) == lp_count(net, box) == lp_count(net, box, threads=3)
    assert one.certified.all()
    check_witnesses(one, 7)
    found = one.locate(one.witnesses)
    assert np.array_equal(found, np.arange(len(one)))
    sampled = net.pattern(np.random.default_rng(0).uniform(-1, 1, (3000, 10)))
    assert {p.tobytes() for p in sampled.astype(np.uint8)} <= {p.tobytes() for p in one.patterns.astype(np.uint8)}


def one_stage(weight: np.ndarray, bias: np.ndarray, activation: object) -> Network:
    return Network((Stage(weight, bias, activation),), "one stage")


def test_every_activation_in_ten_dimensions() -> None:
    eye, zero = np.eye(10), np.zeros(10)
    box = Box.cube(-2, 2, 10)
    six = UnitActivations.uniform(clip(-1.0, 1.0), 6)
    assert lp_count(one_stage(eye[:6], zero[:6], six), box) == 3**6
    assert lp_count(one_stage(eye, zero, UnitActivations.uniform(leaky_relu(0.1), 10)), box) == 2**10
    largest = one_stage(eye, zero, MaxGroups(np.array([0, 10], dtype=np.int32)))
    assert lp_count(largest, box) == lp_count(largest, Space(10)) == 10
    twice = one_stage(np.vstack([eye[:4], eye[:4]]), zero[:8], MaxGroups(np.array([0, 8], dtype=np.int32)))
    assert lp_count(twice, box) == 4
    check_witnesses(listed(twice, box, "lp"))
    pairs = one_stage(eye, zero, MaxGroups(np.arange(0, 11, 2, dtype=np.int32)))
    assert lp_count(pairs, box) == 2**5


def test_polyhedra_above_eight_dimensions() -> None:
    n = 9
    half = one_stage(np.eye(n), np.full(n, -0.5), UnitActivations.uniform(RELU, n))
    simplex = Polytope(np.vstack([-np.eye(n), np.ones((1, n))]), np.append(np.zeros(n), 1.0))
    assert lp_count(half, simplex) == n + 1
    orthant = Polytope(-np.eye(n), np.zeros(n))
    assert lp_count(half, orthant) == 2**n
    check_witnesses(listed(half, simplex, "lp"))
    with pytest.raises(InputError, match="empty"):
        count(half, Polytope(np.vstack([np.eye(n), -np.eye(n)]), np.append(np.zeros(n), -np.ones(n))), engine="lp")
    with pytest.raises(InputError, match="flat"):
        count(half, Polytope(np.vstack([np.eye(n), -np.eye(n)]), np.zeros(2 * n)), engine="lp")
    with pytest.raises(InputError, match="flat"):
        count(half, Polytope(np.vstack([np.ones(n), -np.ones(n), -np.eye(n)]), np.zeros(n + 2)), engine="lp")


@pytest.mark.parametrize("gap", [1e-9, 1e-17, 1e-150, 1e-300, 5e-324])
def test_nearly_parallel_hyperplanes(gap: float) -> None:
    rng = np.random.default_rng(5)
    normal = rng.normal(size=10)
    relu = UnitActivations.uniform(RELU, 3)
    apart = one_stage(np.vstack([normal] * 3), np.array([0.0, gap, 1.0]), relu)
    for domain in (Box.cube(-1, 1, 10), Space(10)):
        assert lp_count(apart, domain) == 4
        check_witnesses(listed(apart, domain, "lp"))
    # Another normal by `gap`: in general position they meet, unless they are equal in float64.
    tilted = np.vstack([normal, normal])
    tilted[1, 3] += max(gap, 1e-15)
    assert lp_count(one_stage(tilted, np.zeros(2), UnitActivations.uniform(RELU, 2)), Box.cube(-1, 1, 10)) == 4


@pytest.mark.parametrize("size", [1e-150, 1e150])
def test_extreme_sizes(size: float) -> None:
    rng = np.random.default_rng(6)
    net = random_net(rng, (9, 5, 3, 1))
    first = net.stages[0]
    known = lp_count(net, Box.cube(-1, 1, 9))
    scaled = Network((Stage(first.weight * size, first.bias * size, first.activation), *net.stages[1:]), "scaled")
    homogeneous = Network(tuple(Stage(s.weight, 0 * s.bias, s.activation) for s in net.stages), "zero")
    mixed = Network((Stage(first.weight * size, 0 * first.bias, first.activation), *homogeneous.stages[1:]), "mixed")
    assert lp_count(mixed, Box.cube(-1, 1, 9)) == lp_count(homogeneous, Box.cube(-1, 1, 9))
    assert lp_count(mixed, Box.cube(-1, 1, 9)) == lp_count(homogeneous, Space(9))
    assert lp_count(homogeneous, Box.cube(-size, size, 9)) == lp_count(homogeneous, Space(9))
    tiny = Network((Stage(first.weight / size, first.bias, first.activation), *net.stages[1:]), "box")
    if all(float(v) == float(Fraction(float(v))) for v in scaled.stages[0].bias):
        assert lp_count(tiny, Box.cube(-size, size, 9)) == pytest.approx(known, abs=2)


def test_hyperplanes_that_only_touch() -> None:
    ones = np.ones((1, 10))
    relu = UnitActivations.uniform(RELU, 1)
    box = Box.cube(-1, 1, 10)
    assert lp_count(one_stage(ones, np.array([-10.0]), relu), box) == 1
    assert lp_count(one_stage(ones, np.array([-10.0 + 2.0**-40]), relu), box) == 2
    # Duplicates, opposites, and a sum of units that are never negative.
    rows = np.vstack([ones, ones, -ones, 0 * ones])
    net = Network(
        (
            Stage(rows, np.zeros(4), UnitActivations.uniform(RELU, 4)),
            Stage(
                np.array([[1.0, 2.0, 3.0, 4.0], [-1.0, 0.0, -1.0, 0.0]]), np.zeros(2), UnitActivations.uniform(RELU, 2)
            ),
        ),
        "touching",
    )
    for domain in (box, Space(10)):
        found = listed(net, domain, "lp")
        assert len(found) == 2
        check_witnesses(found)


def test_hundreds_of_inputs() -> None:
    net = random_net(np.random.default_rng(2), (300, 4, 1))
    found = listed(net, Box.cube(-1, 1, 300), "auto")
    assert len(found) == 16
    assert found.certified.all()
    assert np.abs(found.witnesses).max() < 1
    assert np.array_equal(net.exact_pattern([Fraction(v) for v in found.witnesses[9]]), found.patterns[9])


def test_budgets_and_inexact_runs() -> None:
    net = random_net(np.random.default_rng(4), (10, 8, 8, 1))
    box = Box.cube(-1, 1, 10)
    few = count(net, box, max_regions=100)
    assert few.kind is Kind.LOWER
    assert few.status is Status.BUDGET
    assert few.value >= 100
    short = count(net, box, time_limit=0.01)
    assert short.kind is Kind.LOWER
    assert short.status is Status.BUDGET
    loose = count(net, box, exact=False, engine="lp")
    assert loose.value == lp_count(net, box) or loose.doubtful > 0
    seen: list[float] = []
    assert lp_count(net, box, progress=lambda fraction, _: seen.append(fraction)) > 100
    assert seen[-1] == 1.0
    assert seen == sorted(seen)


def test_no_vertices_but_one_sentence() -> None:
    net = random_net(np.random.default_rng(4), (9, 2, 1))
    found = listed(net, Box.cube(-1, 1, 9), "auto")
    for ask in (lambda: found.volumes, lambda: found.vertices(0), lambda: found.exact_volume(0)):
        with pytest.raises(InputError, match="finds no vertices"):
            ask()
    with pytest.raises(InputError, match="not known"):
        enumerate_regions(net, Box.cube(-1, 1, 9), engine="arrangement")
    with pytest.raises(InputError, match="cells engine takes"):
        count(net, Box.cube(-1, 1, 9), engine="cells")
    assert lp_count(net, Segment([0.0] * 9, [1.0] * 9)) == count(net, Segment([0.0] * 9, [1.0] * 9)).value


def test_a_region_without_vertices_says_so() -> None:
    net = Network.from_arrays([(np.eye(9), np.zeros(9)), (np.ones((1, 9)), [0.0])])
    region = enumerate_regions(net, Box.cube(-1, 1, 9))[0]
    assert "without vertices and facets" in str(region)
    assert region.slope.shape == (1, 9)
    for ask in ("facets", "vertices", "exact_vertices", "neighbours", "chebyshev", "halfspaces", "volume"):
        with pytest.raises(InputError, match="finds no vertices, facets or volumes, dimension 9; use patterns"):
            getattr(region, ask)
    for call in (region.contains, region.distance):
        with pytest.raises(InputError, match="finds no vertices"):
            call([1e6] * 9)
    low = enumerate_regions(net, Segment([0.0] * 9, [1.0] * 9), engine="lp")[0]
    with pytest.raises(InputError, match="use engine='cells'"):
        low.contains([2.0])


def test_what_needs_vertices_is_refused_in_many_dimensions(tmp_path: Path) -> None:
    net = Network.from_arrays([(np.eye(9), np.zeros(9)), (np.ones((1, 9)), [0.0])])
    box = Box.cube(-1, 1, 9)
    assert count(net, box, definition="affine").value == 2**9
    for definition in ("patterns", "linear", "closed", "convex", "all"):
        with pytest.raises(
            InputError, match=f"definition: '{definition}' needs vertices, which are found in dimension 1 to 8"
        ):
            count(net, box, definition=definition)
    with pytest.raises(InputError, match="save: only searches in dimension 1 to 8 divide into pieces"):
        count(net, box, save=tmp_path / "run")
