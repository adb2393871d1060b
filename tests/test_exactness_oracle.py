"""The slow counter itself: against a second one in dimension one, against sampling, and against known counts."""

from __future__ import annotations

import random
from fractions import Fraction

import arrangements
import known_nets
import numpy as np
import oracle
import pytest
import strategies
from hypothesis import HealthCheck, given, settings

from linregions.activations import RELU, MaxGroups, UnitActivations, clip
from linregions.domain import Box, Domain, Polytope, Segment, Space
from linregions.network import Network
from linregions.stage import Stage

QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=150, **QUIET)
@given(strategies.line_cases())
def test_agrees_with_sorted_breakpoints_in_dimension_one(case: strategies.Case) -> None:
    along = oracle.line_patterns(case.network, case.domain)
    assert len(along) == len(set(along))
    assert set(along) == oracle.patterns(case.network, case.domain)


@settings(max_examples=100, **QUIET)
@given(strategies.cases())
def test_witnesses_have_their_patterns_and_samples_have_known_ones(case: strategies.Case) -> None:
    found = oracle.regions(case.network, case.domain)
    known = {r.pattern for r in found}
    assert len(known) == len(found) >= 1
    for region in found:
        assert tuple(case.network.exact_pattern(region.witness)) == region.pattern
    # Random convex combinations of witnesses are points of the domain that lie on no boundary, but for bad luck.
    rng = random.Random(0)
    for _ in range(10):
        chosen = rng.sample(found, min(len(found), 3))
        weights = [Fraction(rng.getrandbits(60) + 1) for _ in chosen]
        mixed = [
            sum(w * r.witness[k] for w, r in zip(weights, chosen, strict=True)) for k in range(len(chosen[0].witness))
        ]
        assert tuple(case.network.exact_pattern([v / sum(weights) for v in mixed])) in known


@pytest.mark.parametrize("arrangement", arrangements.all_arrangements(), ids=str)
def test_chambers_by_deletion_and_restriction(arrangement: arrangements.Arrangement) -> None:
    assert arrangements.chambers(arrangement.hyperplanes) == arrangement.chambers


SMALL = [a for a in arrangements.all_arrangements() if a.chambers <= 130 and a.dim <= 4]


@pytest.mark.parametrize("arrangement", SMALL, ids=str)
def test_oracle_counts_chambers(arrangement: arrangements.Arrangement) -> None:
    assert oracle.count(arrangement.network(), Space(arrangement.dim)) == arrangement.chambers


SHALLOW = [k for k in known_nets.all_constructions() if k.regions <= 130]


@pytest.mark.parametrize("known", SHALLOW, ids=str)
def test_oracle_counts_constructions(known: known_nets.Known) -> None:
    assert oracle.count(known.network, known.domain) == known.regions


def test_oracle_counts_a_random_net() -> None:
    known = known_nets.random_nets()[0]
    assert oracle.count(known.network, known.domain) == 412


def _one_stage(weight: list, bias: list, activation: UnitActivations | MaxGroups) -> Network:
    return Network((Stage(np.array(weight, dtype=float), np.array(bias, dtype=float), activation),))


@pytest.mark.parametrize(("bias", "piece"), [(-1.0, 0), (0.0, 0), (0.5, 1), (1.0, 1), (1.5, 2)])
def test_a_constant_unit_takes_the_piece_left_of_a_breakpoint(bias: float, piece: int) -> None:
    net = _one_stage([[0.0]], [bias], UnitActivations.uniform(clip(0.0, 1.0), 1))
    assert oracle.patterns(net, Box([0], [1])) == {(piece,)}


def test_equal_rows_of_a_max_group_go_to_the_lowest_index() -> None:
    groups = MaxGroups(np.array([0, 3], dtype=np.int32))
    assert oracle.patterns(_one_stage([[0.0], [1.0], [1.0]], [0, 0, 0], groups), Space(1)) == {(0,), (1,)}
    assert oracle.patterns(_one_stage([[1.0], [1.0], [1.0]], [0, 0, 0], groups), Space(1)) == {(0,)}


@pytest.mark.parametrize(
    ("domain", "regions"),
    [
        (Box([-1, -1], [1, 1]), 4),
        (Box([0, 0], [1, 1]), 1),
        (Segment([-1, -1], [1, 1]), 2),
        (Segment([0, -1], [0, 1]), 2),
        (Polytope([[1, 1]], [0]), 3),
        (Polytope([[0, 0]], [0]), 4),
        (Polytope([[1, 0], [-1, 0]], [0, 0]), 0),
        (Polytope([[1, 0], [-1, 0]], [-1, 0]), 0),
        (Polytope([[0, 0]], [-1]), 0),
    ],
)
def test_four_quadrants_on_every_kind_of_domain(domain: Domain, regions: int) -> None:
    net = _one_stage([[1, 0], [0, 1]], [0, 0], UnitActivations.uniform(RELU, 2))
    assert oracle.count(net, domain) == regions
