"""Theorem 1 and the special class of Pascanu, Montúfar, Bengio 2014, certified by the engine."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linregions import Space, bounds, count, enumerate_regions
from linregions.bounds.pascanu_2014 import pascanu_2014 as pascanu_bound
from linregions.bounds.pascanu_2014 import pascanu_2014_special as special_bound
from linregions.combinatorics import zaslavsky
from linregions.constructions import pascanu_2014, pascanu_2014_special
from linregions.errors import InputError
from linregions.exact import fractions
from linregions.partition import Kind

CERTIFIED = {
    (2, (4, 4)): 22,
    (2, (6, 6)): 66,
    (2, (4, 4, 4)): 44,
    (3, (6, 6)): 84,
    (3, (9, 9)): 390,
    (2, (6, 6, 6)): 198,
    (4, (8, 8)): 326,
}


def formula(inputs, widths):
    out = zaslavsky(widths[-1], inputs)
    for n in widths[:-1]:
        out *= n // inputs
    return out


def certify(c):
    """Every piece has its number of regions, all in different patterns, and they add up to what is claimed."""
    patterns = set()
    for domain, regions in c.pieces:
        found = enumerate_regions(c.network, domain)
        assert found.count.kind is Kind.EXACT
        assert len(found) == regions
        patterns |= {p.tobytes() for p in found.patterns}
    assert len(patterns) == sum(regions for _, regions in c.pieces) == c.regions


@pytest.mark.parametrize(("inputs", "widths"), CERTIFIED)
def test_theorem_1_is_certified(inputs, widths):
    c = pascanu_2014(inputs, widths)
    assert c.regions == CERTIFIED[inputs, widths]
    assert c.network.input_dim == inputs
    assert [s.units for s in c.network.stages] == [*widths, 1]
    assert c.confirmed()
    certify(c)
    assert c.regions <= c.count().value <= bounds.serra_2018((inputs, widths)).value


@given(st.data())
def test_any_widths(data):
    inputs = data.draw(st.integers(2, 4))
    depth = data.draw(st.integers(1, 3 if inputs == 2 else 2))
    widths = [data.draw(st.integers(inputs, 3 * inputs + 1)) for _ in range(depth)]
    c = pascanu_2014(inputs, widths)
    assert c.regions == formula(inputs, widths) == pascanu_bound((inputs, widths)).value
    if depth == 1:
        assert c.kind is Kind.EXACT
        assert c.confirmed()
        return
    assert c.kind is Kind.LOWER
    certify(c)
    assert c.regions <= bounds.zigzag_product((inputs, widths)).value


@pytest.mark.parametrize(("inputs", "widths"), [(2, (6, 5, 4)), (3, (9, 7)), (4, (9, 4))])
def test_a_piece_activates_one_block_of_every_layer(inputs, widths):
    """And the blocks are all of them, in order."""
    c = pascanu_2014(inputs, widths)
    seen = []
    for domain, _ in c.pieces:
        blocks, at = [], 0
        for n in widths[:-1]:
            active = {tuple(np.flatnonzero(p[at : at + n])) for p in enumerate_regions(c.network, domain).patterns}
            assert len(active) == 1
            (units,) = active
            assert units[0] % inputs == 0
            assert units == tuple(range(units[0], units[0] + inputs))
            blocks.append(units[0] // inputs)
            at += n
        seen.append(tuple(blocks))
    assert seen == list(np.ndindex(*(n // inputs for n in widths[:-1])))


@pytest.mark.parametrize(("inputs", "widths"), [(2, (6, 6)), (3, (9, 6)), (2, (4, 6, 4))])
def test_all_pieces_are_mapped_onto_the_same_cube(inputs, widths):
    """Corner by corner, what the last layer sees does not depend on the piece.

    The two facets of one coordinate stand beside each other.
    """
    c = pascanu_2014(inputs, widths)
    seen = set()
    for domain, _ in c.pieces:
        a, b = [fractions(row) for row in domain.A], fractions(domain.b)
        corners = []
        for sides in itertools.product((0, 1), repeat=inputs):
            facets = [2 * k + side for k, side in enumerate(sides)]
            corners.append(last_preactivations(c, solved([a[i] for i in facets], [b[i] for i in facets])))
        seen.add(tuple(corners))
    assert len(c.pieces) > 1
    assert len(seen) == 1
    assert len(set(*seen)) == 2**inputs


def last_preactivations(c, point):
    """What the last hidden layer sees, exactly."""
    *before, last, _ = c.network.stages
    for stage in before:
        point = [max(v, Fraction(0)) for v in affine(stage, point)]
    return tuple(affine(last, point))


def affine(stage, point):
    rows = [sum((w * v for w, v in zip(fractions(r), point, strict=True)), Fraction(0)) for r in stage.weight]
    return [r + b for r, b in zip(rows, fractions(stage.bias), strict=True)]


def solved(rows, right):
    """The solution of a square system, by Gauss and Jordan in rationals."""
    m = [[*map(Fraction, row), Fraction(v)] for row, v in zip(rows, right, strict=True)]
    n = len(m)
    for k in range(n):
        pivot = next(i for i in range(k, n) if m[i][k])
        m[k], m[pivot] = m[pivot], m[k]
        m[k] = [v / m[k][k] for v in m[k]]
        for i in range(n):
            if i != k:
                m[i] = [p - m[i][k] * q for p, q in zip(m[i], m[k], strict=True)]
    return [row[-1] for row in m]


def test_a_false_claim_is_not_confirmed():
    c = pascanu_2014(2, [4, 4])
    found = c.count().value
    assert replace(c, regions=found, pieces=()).confirmed()
    assert not replace(c, regions=found + 1, pieces=()).confirmed()
    assert not replace(c, regions=c.regions - 1).confirmed()
    domain, regions = c.pieces[0]
    assert not replace(c, pieces=((domain, regions + 1),)).confirmed()
    assert not replace(c, pieces=((Space(2), regions),)).confirmed()
    special = pascanu_2014_special(2, [4, 4])
    assert not replace(special, regions=43).confirmed()
    assert not replace(special, regions=45).confirmed()


def test_one_input():
    c = pascanu_2014(1, [3, 4, 2])
    assert c.regions == 3 * 4 * 3
    assert c.kind is Kind.EXACT
    assert c.confirmed()


def test_too_many_pieces_are_not_listed():
    c = pascanu_2014(2, [130, 130, 2])
    assert c.regions == 65 * 65 * 4
    assert c.pieces == ()


def test_pieces_with_too_many_digits_are_not_listed():
    c = pascanu_2014(3, [12, 12, 12, 12, 12, 3])
    assert c.regions == 4**5 * 8
    assert c.pieces == ()


# Section 2 of the paper's comparison: k layers of 2 n0 units.
SPECIAL = {
    1: (3, 6, 12, 24, 48),
    2: (11, 44, 176, 704, 2_816),
    3: (42, 336, 2_688, 21_504, 172_032),
    5: (638, 20_416, 653_312, 20_905_984, 668_991_488),
    10: (616_666, 631_465_984, 646_621_167_616, 662_140_075_638_784, 678_031_437_454_114_816),
}


@pytest.mark.parametrize("inputs", SPECIAL)
def test_the_special_class(inputs):
    for depth, regions in enumerate(SPECIAL[inputs], start=1):
        c = pascanu_2014_special(inputs, [2 * inputs] * depth)
        assert c.regions == regions == special_bound((inputs, [2 * inputs] * depth)).value
        assert c.kind is Kind.EXACT
        assert isinstance(c.domain, Space)
        if regions < 25_000:
            assert c.confirmed()


def test_special_has_what_theorem_1_has_and_more():
    for inputs, depth, theorem in ((2, 2, 22), (2, 3, 44), (3, 3, 168)):
        widths = [2 * inputs] * depth
        assert pascanu_2014(inputs, widths).regions == theorem
        assert count(pascanu_2014_special(inputs, widths).network, Space(inputs)).value > theorem


@pytest.mark.parametrize(
    ("build", "inputs", "widths", "says"),
    [
        (pascanu_2014, 3, [3, 2], "hidden layer 2 needs at least 3 units for 3 inputs, got 2"),
        (pascanu_2014, 2, [1, 4], "hidden layer 1 needs at least 2 units for 2 inputs, got 1"),
        (pascanu_2014, 2, [], "at least one hidden layer"),
        (pascanu_2014, 2, [4.0], "width of hidden layer 1 must be"),
        (pascanu_2014, 0, [4], "inputs must be"),
        (pascanu_2014, 2, 4, "widths must be a list"),
        (pascanu_2014, 2, "44", "widths must be a list"),
        (pascanu_2014, 8, [200, 8], "more binary digits than a float64 has"),
        (pascanu_2014_special, 2, [4, 6], r"hidden layer 2 must have twice as many units as inputs \(4\), got 6"),
        (pascanu_2014_special, 2, [], "at least one hidden layer"),
    ],
)
def test_bad_input(build, inputs, widths, says):
    with pytest.raises(InputError, match=says) as caught:
        build(inputs, widths)
    assert build.__name__ in str(caught.value)
    assert "\n" not in str(caught.value)
    assert ". " not in str(caught.value)
