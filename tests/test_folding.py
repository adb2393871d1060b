"""Dealing units to axes: the choice is the best of all, and the binomial sums are what their formulas say."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linregions.combinatorics import binomials, central, elementary_symmetric, partial_sums, product, zaslavsky
from linregions.folding import best_axes, dealt, fold_pieces, pieces_of


def shares(units: int, axes: int) -> list[tuple[int, ...]]:
    """Every way to give each of `axes` at least one of at most `units`."""
    ways = itertools.product(range(1, units + 1), repeat=axes)
    return [w for w in ways if sum(w) <= units and list(w) == sorted(w, reverse=True)]


@pytest.mark.parametrize("axes", [1, 2, 3, 4])
@pytest.mark.parametrize("units", range(1, 11))
def test_dealing_evenly_is_best(units, axes):
    if units < axes:
        return
    best = max(math.prod(map(fold_pieces, w)) for w in shares(units, axes))
    assert math.prod(pieces_of(units, axes)) == best
    assert sum(dealt(units, axes)) == units


@given(inputs=st.integers(1, 5), widths=st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_the_axes_are_the_best_of_all(inputs, widths):
    def regions(axes):
        folds = [math.prod(pieces_of(n, d)) for n, d in zip(widths[:-1], axes[:-1], strict=True)]
        return math.prod(folds) * zaslavsky(widths[-1], axes[-1])

    choices = itertools.product(*(range(1, min(inputs, n) + 1) for n in widths))
    falling = [c for c in choices if all(a >= b for a, b in itertools.pairwise(c))]
    chosen = best_axes(inputs, widths)
    assert tuple(chosen) in falling
    assert regions(chosen) == max(map(regions, falling))


@given(n=st.integers(0, 60), dim=st.integers(0, 70))
def test_binomial_sums(n, dim):
    assert binomials(n) == tuple(math.comb(n, k) for k in range(n + 1))
    assert zaslavsky(n, dim) == sum(math.comb(n, k) for k in range(dim + 1))
    assert partial_sums(n)[-1] == 2**n


@given(m=st.integers(1, 20), dim=st.integers(1, 8))
def test_central_regions_are_twice_those_of_a_parallel_section(m, dim):
    assert central(m, dim) == 2 * sum(math.comb(m - 1, s) for s in range(dim))


@given(values=st.lists(st.integers(0, 5), max_size=6), most=st.integers(0, 8))
def test_elementary_symmetric(values, most):
    expected = [sum(math.prod(c) for c in itertools.combinations(values, j)) for j in range(most + 1)]
    groups = [(v, values.count(v)) for v in sorted(set(values))]
    assert elementary_symmetric(groups, most) == expected
    assert product(values) == math.prod(values)
