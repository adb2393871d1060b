"""The engine against the slow rational counter, on random small networks of every kind."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
import strategies
from hypothesis import HealthCheck, given, settings
from known_nets import he_net
from oracle.compare import assert_same, enumerated, exact_count

from linregions.domain import Box, Segment, Space
from linregions.network import Network

QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck)}


# Seeded weights give more regions than the simple numbers that hypothesis prefers.
RICH = ["seeded normal", "seeded integers"]


@settings(max_examples=300, **QUIET)
@given(strategies.cases())
def test_any_network_on_any_domain(case: strategies.Case) -> None:
    assert_same(case.network, case.domain)


@settings(max_examples=100, **QUIET)
@given(strategies.cases(units=12, styles=RICH))
def test_networks_with_more_regions(case: strategies.Case) -> None:
    assert_same(case.network, case.domain)


@settings(max_examples=150, **QUIET)
@given(strategies.line_cases())
def test_lines_against_both_counters(case: strategies.Case) -> None:
    along = oracle.line_patterns(case.network, case.domain)
    assert exact_count(case.network, case.domain) == len(along)
    assert enumerated(case.network, case.domain) == set(along)


@settings(max_examples=60, **QUIET)
@given(strategies.high_cases(strategies.MODEST))
def test_four_to_eight_dimensions(case: strategies.Case) -> None:
    assert_same(case.network, case.domain)


@pytest.mark.slow
@settings(max_examples=4000, **QUIET)
@given(strategies.cases(units=12))
def test_any_network_on_any_domain_at_length(case: strategies.Case) -> None:
    assert_same(case.network, case.domain)


@pytest.mark.slow
@settings(max_examples=1000, **QUIET)
@given(strategies.cases(units=14, styles=RICH))
def test_networks_with_more_regions_at_length(case: strategies.Case) -> None:
    assert_same(case.network, case.domain)


@pytest.mark.slow
@settings(max_examples=4000, **QUIET)
@given(strategies.line_cases())
def test_lines_against_both_counters_at_length(case: strategies.Case) -> None:
    along = oracle.line_patterns(case.network, case.domain)
    assert exact_count(case.network, case.domain) == len(along)
    assert enumerated(case.network, case.domain) == set(along)


@pytest.mark.slow
@settings(max_examples=500, **QUIET)
@given(strategies.high_cases())
def test_four_to_eight_dimensions_at_length(case: strategies.Case) -> None:
    assert_same(case.network, case.domain)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("widths", [(2, 8, 8, 1), (3, 5, 4, 1), (4, 5, 3, 1), (5, 5, 2, 1), (7, 5, 1)])
def test_he_networks(widths: tuple[int, ...], seed: int) -> None:
    net = he_net(widths, seed)
    assert_same(net, Box.cube(-1, 1, widths[0]))
    assert_same(net, Space(widths[0]))


@pytest.mark.parametrize("seed", range(3))
def test_long_segments_of_wide_networks(seed: int) -> None:
    net, ends = he_net((6, 24, 24, 1), seed), np.random.default_rng(seed).normal(size=(2, 6))
    segment = Segment(2 * ends[0], 2 * ends[1])
    assert exact_count(net, segment) == len(oracle.line_patterns(net, segment))


@pytest.mark.parametrize("dim", range(1, 9))
def test_a_network_without_hidden_units_has_one_region(dim: int) -> None:
    net = Network.from_arrays([(np.ones((2, dim)), np.zeros(2))])
    for domain in (Box.cube(-1, 1, dim), Space(dim)):
        assert assert_same(net, domain) == 1


@pytest.mark.parametrize("dim", range(1, 9))
def test_one_unit_makes_two_regions_one_or_a_corner(dim: int) -> None:
    row = np.ones((1, dim))

    def net(bias: float) -> Network:
        return Network.from_arrays([(row, [bias]), ([[1.0]], [0.0])])

    box = Box.cube(-1, 1, dim)
    assert assert_same(net(0.0), box) == 2
    # Through one corner only, from both sides; a hair's breadth before it; and beyond.
    assert assert_same(net(float(dim)), box) == 1
    assert assert_same(net(-float(dim)), box) == 1
    assert assert_same(net(float(np.nextafter(dim, 0))), box) == 2
    assert assert_same(net(float(np.nextafter(dim, 99))), box) == 1
    assert assert_same(net(float(dim)), Space(dim)) == 2
