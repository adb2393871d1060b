"""The integer route of a network's exact values against the stages in fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import networks

from linregions import Network

POINTS = st.lists(st.fractions(-4, 4, max_denominator=12), min_size=3, max_size=3)


def by_fractions(network, point):
    for stage in network.stages:
        _, point = stage.exact_step(point)
    return point


@given(st.data(), st.integers(1, 3), st.lists(POINTS, min_size=1, max_size=3))
@settings(max_examples=100)
def test_values_in_integers_are_those_in_fractions(data, dim, points):
    network = data.draw(networks(dim, None, 8))
    divided = any(stage.divisor is not None for stage in network.stages)
    assert (network.integer_stages is None) == divided
    for point in points:
        x = point[:dim]
        assert network.exact_values(x) == by_fractions(network, x)


def test_points_on_breakpoints_and_beside_them():
    network = Network.from_arrays([([[1.0]], [-0.75]), ([[1.0]], [0.0])], activation="hardtanh")
    for z in (Fraction(-1), Fraction(1), Fraction(1, 3), Fraction(-1) - Fraction(1, 10**30)):
        assert network.exact_values([z + Fraction(3, 4)]) == [max(-1, min(1, z))]


def test_a_large_network_stays_in_fractions():
    wide = Network.from_arrays([(np.ones((500, 500)), np.zeros(500)), (np.ones((1, 500)), [0.0])])
    assert wide.integer_stages is None
