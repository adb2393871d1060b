"""Folds of one axis, hyperplanes in general position, and the products that are built of them."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linregions import Box, Space, bounds
from linregions.bounds.montufar_2014 import montufar_2014 as montufar_bound
from linregions.bounds.one_dimension import one_dimension
from linregions.combinatorics import zaslavsky
from linregions.constructions import montufar_2014, serra_2018, serra_2018_line, zigzag_product
from linregions.constructions.folds import interleaved, rising, zigzag
from linregions.constructions.general_position import exact_array, in_cube, modular_hyperplanes, moment_hyperplanes
from linregions.errors import InputError
from linregions.exact import rank
from linregions.folding import fold_pieces
from linregions.partition import Kind


def value(fold, x):
    """The fold at a rational, by its definition."""
    units = [max(s * x + b, Fraction(0)) for s, b in zip(fold.slope, fold.bias, strict=True)]
    return fold.constant + sum(r * h for r, h in zip(fold.read, units, strict=True))


def breakpoints(fold):
    return sorted({Fraction(-b, s) for s, b in zip(fold.slope, fold.bias, strict=True)})


@pytest.mark.parametrize("units", range(1, 13))
@pytest.mark.parametrize("make", [zigzag, interleaved, rising])
def test_every_piece_is_mapped_onto_the_unit_interval(make, units):
    fold = make(units)
    ends = sorted({Fraction(0), Fraction(fold.length), *(t for t in breakpoints(fold) if 0 < t < fold.length)})
    assert fold.pieces == (fold_pieces(units) if make is zigzag else units) == len(ends) - 1
    for a, b in itertools.pairwise(ends):
        assert {value(fold, a), value(fold, b)} == {0, 1}
        assert value(fold, (a + b) / 2) == Fraction(1, 2)


@pytest.mark.parametrize("units", range(2, 13))
def test_a_whole_zigzag_adds_nothing_outside(units):
    """Outside (0, length) there is no breakpoint, and the slope is not 0: the outer pieces go on."""
    fold = zigzag(units)
    assert fold.whole
    assert all(0 < t < fold.length for t in breakpoints(fold))
    for at, out in ((Fraction(0), -1), (Fraction(fold.length), 1)):
        inner, outer = value(fold, at - out * Fraction(1, 2)), value(fold, at + out * 10)
        assert outer - value(fold, at) == 20 * (value(fold, at) - inner)


@pytest.mark.parametrize("units", range(1, 13))
def test_the_last_piece_of_a_rising_fold_covers_the_half_line(units):
    fold = rising(units)
    assert value(fold, Fraction(units - 1)) == 0
    assert value(fold, Fraction(units + 100)) == 101


@pytest.mark.parametrize(("hyperplanes", "dim"), [(m, d) for d in range(1, 5) for m in range(1, 8)])
def test_hyperplanes_are_in_general_position_in_the_open_cube(hyperplanes, dim):
    for rows, low, high in (
        (modular_hyperplanes(hyperplanes, dim), -math.inf, math.inf),
        (moment_hyperplanes(hyperplanes, dim), -(2**dim), 2**dim),
        (in_cube(hyperplanes, dim, 1), 0, 1),
        (in_cube(hyperplanes, dim, 3), 0, 3),
    ):
        assert len(rows) == hyperplanes
        for some in itertools.combinations(rows, min(dim, hyperplanes)):
            assert rank([row[:-1] for row in some]) == len(some)
        for some in itertools.combinations(rows, dim + 1):
            assert rank(some) == dim + 1
        for some in itertools.combinations(rows, dim):
            assert all(low < v < high for v in vertex(some))


@pytest.mark.parametrize(("hyperplanes", "most"), [(1, 1), (2, 1), (8, 5), (13, 6), (14, 8), (90, 48), (1000, 504)])
def test_modular_hyperplanes_are_small_integers(hyperplanes, most):
    entries = {v for row in modular_hyperplanes(hyperplanes, 7) for v in row}
    assert max(map(abs, entries)) == most
    assert all(v.denominator == 1 for v in entries)


def vertex(rows):
    """The point on d hyperplanes (normal, offset), by Cramer's rule."""
    d = len(rows)
    whole = determinant([row[:-1] for row in rows])
    return [determinant([[*row[:k], -row[-1], *row[k + 1 : d]] for row in rows]) / whole for k in range(d)]


def determinant(m):
    """By permutations."""
    total = Fraction(0)
    for order in itertools.permutations(range(len(m))):
        sign = (-1) ** sum(order[i] > order[j] for i, j in itertools.combinations(range(len(m)), 2))
        total += sign * math.prod((Fraction(m[i][order[i]]) for i in range(len(m))), start=Fraction(1))
    return total


def test_exact_array_refuses_what_is_no_float64():
    assert exact_array([Fraction(1, 1024)], "x").tolist() == [2**-10]
    for v in (Fraction(1, 3), Fraction(2**53 + 1), Fraction(2) ** 1001, Fraction(1, 2**1100)):
        with pytest.raises(InputError, match="more binary digits"):
            exact_array([[v]], "x")


ARCHITECTURES = st.integers(1, 3).flatmap(
    lambda inputs: st.tuples(
        st.just(inputs), st.lists(st.integers(1, 9 if inputs < 3 else 7), min_size=1, max_size=4 - inputs // 3 * 2)
    )
)


def check(c, inputs, widths):
    """The engine finds the number that is claimed, with the widths that were asked for, below what is possible."""
    assert c.kind is Kind.EXACT
    assert [s.units for s in c.network.stages] == [*widths, 1]
    assert c.domain.input_dim == inputs
    assert c.regions <= bounds.serra_2018((inputs, widths)).value
    if c.regions < 30_000:
        assert c.confirmed()


@given(ARCHITECTURES)
def test_zigzag_product_attains_its_bound(architecture):
    inputs, widths = architecture
    c = zigzag_product(inputs, widths)
    assert c.regions == bounds.zigzag_product(architecture).value
    check(c, inputs, widths)


@given(st.integers(1, 3), st.lists(st.integers(1, 6), min_size=1, max_size=3))
def test_zigzag_product_takes_the_best_choice_of_axes(inputs, widths):
    """Against every way to deal the units of every layer to axes."""

    def dealings(n, most):
        for d in range(1, min(n, most) + 1):
            for cuts in itertools.combinations(range(1, n), d - 1):
                parts = [b - a for a, b in itertools.pairwise((0, *cuts, n))]
                yield d, math.prod(fold_pieces(p) for p in parts)

    def best(layer, most):
        if layer == len(widths) - 1:
            return zaslavsky(widths[layer], most)
        return max(pieces * best(layer + 1, d) for d, pieces in dealings(widths[layer], most))

    assert zigzag_product(inputs, widths).regions == best(0, inputs)


@given(st.data())
def test_montufar(data):
    inputs = data.draw(st.integers(1, 3))
    depth = data.draw(st.integers(1, 3 if inputs < 3 else 2))
    widths = [data.draw(st.integers(inputs, 4 * inputs)) for _ in range(depth)]
    c = montufar_2014(inputs, widths)
    assert c.regions == math.prod((n // inputs) ** inputs for n in widths[:-1]) * zaslavsky(widths[-1], inputs)
    assert montufar_bound((inputs, widths)).value == c.regions <= bounds.zigzag_product((inputs, widths)).value
    if depth > 1:
        assert isinstance(c.domain, Box)
        assert c.domain.upper.tolist() == [widths[0] // inputs] * inputs
    check(c, inputs, widths)


@given(st.data())
def test_serra(data):
    inputs = data.draw(st.integers(1, 3))
    depth = data.draw(st.integers(1, 3 if inputs < 3 else 2))
    widths = [data.draw(st.integers(3 * inputs, 4 * inputs + 1)) for _ in range(depth - 1)]
    widths.append(data.draw(st.integers(inputs, 3 * inputs)))
    c = serra_2018(inputs, widths)
    assert c.regions == bounds.serra_2018_lower((inputs, widths)).value
    assert isinstance(c.domain, Space)
    check(c, inputs, widths)


@given(st.lists(st.integers(3, 9), max_size=3), st.integers(1, 9))
def test_serra_on_the_line_is_sharp(before, last):
    c = serra_2018_line([*before, last])
    assert c.regions == math.prod(n + 1 for n in [*before, last]) == one_dimension((1, [*before, last])).value
    check(c, 1, [*before, last])


def test_units_that_are_left_over_do_nothing():
    c = montufar_2014(2, [5, 7, 3])
    for stage, spare in zip(c.network.stages, (1, 1, 0), strict=False):
        assert int(np.sum(~stage.weight.any(axis=1))) == spare
        assert not stage.bias[~stage.weight.any(axis=1)].any()


@pytest.mark.parametrize(
    ("build", "inputs", "widths", "says"),
    [
        (montufar_2014, 3, [6, 2], "hidden layer 2 needs at least 3 units for 3 inputs, got 2"),
        (montufar_2014, 1, [0], "width of hidden layer 1 must be a whole number from 1 to 10000, got 0"),
        (serra_2018, 2, [5, 4], "hidden layer 1 needs at least 6 units for 2 inputs, got 5"),
        (serra_2018, 2, [6, 1], "hidden layer 2 needs at least 2 units for 2 inputs, got 1"),
        (serra_2018, True, [6, 6], "inputs must be"),
        (zigzag_product, 2, [], "widths must name at least one hidden layer, got none"),
        (zigzag_product, 2, None, "widths must be a list of hidden widths, got None"),
        (zigzag_product, -1, [2], "inputs must be"),
        (montufar_2014, 30, [60, 60], "more binary digits than a float64 has"),
    ],
)
def test_bad_input(build, inputs, widths, says):
    with pytest.raises(InputError, match=says) as caught:
        build(inputs, widths)
    assert build.__name__ in str(caught.value)
    assert ". " not in str(caught.value)


@pytest.mark.parametrize(("widths", "says"), [([2, 3], "hidden layer 1 needs at least 3 units for 1 input, got 2")])
def test_bad_input_on_the_line(widths, says):
    with pytest.raises(InputError, match=f"serra_2018_line: {says}"):
        serra_2018_line(widths)
