"""Networks side by side and one after the other: the same values, exactly, and the common refinement of the cells."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from origin_cases import origin_boxes
from strategies import MODEST, networks

from linregions import Box, InputError, Network, count, enumerate_regions
from linregions.activations import MaxGroups
from linregions.combining import compose, difference, joint
from linregions.stage import Stage

POINTS = st.lists(st.fractions(-3, 3, max_denominator=7), min_size=3, max_size=3)


@given(st.data(), st.integers(1, 3), st.lists(POINTS, min_size=1, max_size=4))
@settings(max_examples=35)
def test_outputs_are_those_of_the_networks(data, dim, points):
    nets = data.draw(st.lists(networks(dim, None, 5, MODEST), min_size=1, max_size=3))
    rows = data.draw(st.lists(st.lists(st.integers(-2, 2), min_size=dim + 1, max_size=dim + 1), max_size=2))
    both = joint(nets, rows=np.array(rows, dtype=float).reshape(len(rows), dim + 1))
    assert both.output_dim == sum(net.output_dim for net in nets)
    for point in points:
        expected = [v for net in nets for v in net.exact_values(point[:dim])]
        assert both.exact_values(point[:dim]) == expected


@given(st.data(), st.integers(1, 2), POINTS)
@settings(max_examples=35)
def test_composition_and_difference(data, dim, point):
    inner, outer = data.draw(networks(dim, None, 4, MODEST)), None
    outer = data.draw(networks(inner.output_dim, None, 4, MODEST))
    x = point[:dim]
    both = compose(outer, inner)
    assert both.exact_values(x) == outer.exact_values(inner.exact_values(x))
    if outer.output_dim == inner.output_dim:
        gap = difference(both, inner).exact_values(x)
        assert gap == [a - b for a, b in zip(both.exact_values(x), inner.exact_values(x), strict=True)]


@given(st.data())
@settings(max_examples=15)
def test_cells_are_the_common_refinement(data):
    domain = data.draw(origin_boxes(2))
    first, second = (data.draw(networks(2, domain, 4, MODEST)) for _ in range(2))
    row = data.draw(st.lists(st.integers(-2, 2), min_size=3, max_size=3))
    both = joint([first, second], rows=[[float(v) for v in row]])
    assert both.unit_count == first.unit_count + second.unit_count + 1
    cells = enumerate_regions(both, domain, threads=1)
    seen = set()
    for i in range(len(cells)):
        x = cells.exact_witness(i)
        side = sum(a * b for a, b in zip(row, x, strict=False)) + row[-1] > 0
        key = (first.exact_pattern(x).tobytes(), second.exact_pattern(x).tobytes(), side)
        assert key not in seen
        seen.add(key)
    assert count(joint([second, first], rows=[[float(v) for v in row]]), domain, threads=1).value == len(seen)


def test_a_max_stage_waits_for_scalar_stages_and_sparse_ones_stay_sparse():
    from scipy.sparse import csr_array

    top = Network((Stage(np.eye(2), np.zeros(2), MaxGroups(np.array([0, 2]))),))
    relu = Network.from_arrays([([[1.0, -1.0]], [0.0]), ([[3.0]], [1.0])])
    both = joint([top, relu], rows=[[1.0, 1.0, 0.5]])
    assert both.exact_values([Fraction(1, 3), Fraction(-2)]) == [Fraction(1, 3), 8]
    thin = Network((Stage(csr_array(np.eye(2)), np.zeros(2), MaxGroups(np.array([0, 2])), np.array([9.0, 1.0])),))
    assert joint([thin, relu, top]).exact_values([Fraction(1, 3), Fraction(-2)]) == [Fraction(1, 27), 8, Fraction(1, 3)]


def test_rows_alone_split_and_give_nothing():
    split = joint([], rows=[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    assert split.output_dim == 1
    assert count(split, Box.cube(-1, 1, 2)).value == 4
    assert split.exact_values([Fraction(5), Fraction(7)]) == [0]


def test_one_network_is_itself():
    net = Network.from_arrays([([[1.0, 2.0]], [0.0])])
    assert joint([net]) is net


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda a, b: joint([a, b]), "networks: entry 1 takes 1 input and entry 0 2; give networks of the same input"),
        (lambda a, b: joint([a], rows=[[1.0, 2.0]]), "rows: expected \\(rows, 3\\), a normal and a constant in each"),
        (lambda a, b: joint([a], rows=[[np.nan, 2.0, 1.0]]), "rows: contains NaN"),
        (lambda a, b: joint([]), "at least one network or one splitting row is needed"),
        (lambda a, b: joint(a), "networks: expected a sequence of Network"),
        (lambda a, b: joint([a, 3]), "networks: entry 1 must be a Network, got 3"),
        (lambda a, b: compose(a, b), "inner: gives 1 output, but outer takes 2"),
        (lambda a, b: difference(a, "x"), "second must be a Network"),
        (lambda a, b: difference(a, joint([a, a])), "second: gives 2 outputs, but first 1"),
    ],
)
def test_what_does_not_fit_is_one_sentence(call, sentence):
    plane = Network.from_arrays([([[1.0, 2.0]], [0.0])])
    line = Network.from_arrays([([[1.0]], [0.0])])
    with pytest.raises(InputError, match=sentence):
        call(plane, line)
