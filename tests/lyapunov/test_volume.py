"""The volume of a cut simplex: a closed formula against cutting, and against the regions of a net with one more row."""

from __future__ import annotations

from fractions import Fraction as Q
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions import Box, Network, enumerate_regions
from linregions.lyapunov.levels.volume import share_below, simplex_volume, volume_below

SMALL = st.fractions(min_value=-3, max_value=3, max_denominator=4)


def cut_below(values, level):
    """The share by cutting: an edge that crosses the level splits the simplex in two, until no edge crosses."""
    low, high = min(values), max(values)
    if high <= level:
        return Q(1)
    if low >= level:
        return Q(0)
    i, j = values.index(low), values.index(high)
    t = (level - low) / (high - low)  # the new vertex divides the volume as it divides the edge
    first, second = list(values), list(values)
    first[j] = second[i] = level
    return t * cut_below(first, level) + (1 - t) * cut_below(second, level)


@given(st.lists(SMALL, min_size=2, max_size=6), SMALL)
@settings(max_examples=60, deadline=None)
def test_share_is_what_cutting_gives(values, level):
    assert share_below(values, level) == cut_below(values, level)


@given(st.lists(SMALL, min_size=2, max_size=5), SMALL, SMALL)
@settings(max_examples=30, deadline=None)
def test_share_grows_and_both_sides_make_one(values, a, b):
    low, high = sorted([a, b])
    assert 0 <= share_below(values, low) <= share_below(values, high) <= 1
    flat = values.count(values[0]) == len(values)
    if not (flat and values[0] == low):
        assert share_below(values, low) + share_below([-v for v in values], -low) == 1


def test_a_constant_function_is_below_or_not():
    assert share_below([Q(1)] * 3, Q(1)) == 1
    assert share_below([Q(1)] * 3, Q(99, 100)) == 0


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_kuhn_simplices_fill_the_cube(n):
    corner = [[0] * k + [1] * (n - k) for k in range(n, -1, -1)]
    assert simplex_volume([[*row, 1] for row in corner]) * _factorial(n) == 1


def _factorial(n):
    return 1 if n < 2 else n * _factorial(n - 1)


def fan(polygon, value):
    """Triangles of a convex polygon with exact vertices, and the affine values there."""
    for a, b in pairwise(polygon[1:]):
        yield [polygon[0], a, b], [value(p) for p in (polygon[0], a, b)]


@given(st.integers(-8, 8), st.integers(-8, 8), st.integers(-9, 9))
@settings(max_examples=25, deadline=None)
def test_a_cut_square_is_what_the_engine_measures(a, b, c):
    if a == 0 and b == 0:
        return
    square = [[-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]]
    below = volume_below(fan(square, lambda p: Q(a * p[0] + b * p[1], p[2])), Q(c, 2))
    net = Network.from_arrays([([[float(a), float(b)]], [-c / 2]), ([[1.0]], [0.0])])
    regions = enumerate_regions(net, Box.cube(-1, 1, 2))
    patterns = regions.patterns
    measured = sum((regions[i].exact_volume for i in range(len(regions)) if patterns[i, 0] == 0), Q(0))
    assert below == measured
