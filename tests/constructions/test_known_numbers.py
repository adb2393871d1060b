"""Worked values of the literature: every construction states them and the engine counts them."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linregions import Box, Space, bounds
from linregions.bounds.arora_2018 import arora_2018 as arora_bound
from linregions.bounds.arora_2018 import serra_2018_zonotope as zonotope_bound
from linregions.bounds.pascanu_2014 import shallow as shallow_bound
from linregions.constructions import (
    arora_2018,
    montufar_2014,
    serra_2018,
    serra_2018_line,
    serra_2018_zonotope,
    shallow,
    telgarsky_2016,
    zigzag_product,
)
from linregions.errors import InputError

GOLDEN = [
    (shallow, (2, 4), {}, 11),
    (shallow, (3, 10), {}, 176),
    (shallow, (2, 8), {}, 37),
    (shallow, (2, 24), {}, 301),
    (shallow, (3, 18), {}, 988),
    (shallow, (5, 10), {}, 638),
    (montufar_2014, (2, (4, 4)), {}, 44),
    (montufar_2014, (2, (4, 4, 4)), {}, 176),
    (montufar_2014, (2, (4, 6)), {}, 88),
    (montufar_2014, (2, (6, 6)), {}, 198),
    (montufar_2014, (2, (8, 8)), {}, 592),
    (montufar_2014, (2, (8, 8, 8)), {}, 9_472),
    (montufar_2014, (3, (9, 9)), {}, 3_510),
    (montufar_2014, (4, (8, 8, 8)), {}, 41_728),
    (serra_2018, (2, (6, 4)), {}, 176),
    (serra_2018, (2, (6, 6)), {}, 352),
    (serra_2018, (2, (6, 6, 6)), {}, 5_632),
    (serra_2018, (2, (8, 8)), {}, 925),
    (serra_2018, (2, (8, 8, 8)), {}, 23_125),
    (serra_2018, (3, (9, 9)), {}, 8_320),
    (serra_2018_line, ((3, 3),), {}, 16),
    (serra_2018_line, ((3, 2),), {}, 12),
    (serra_2018_line, ((3,) * 5,), {}, 1_024),
    (serra_2018_line, ((4,) * 4,), {}, 625),
    (zigzag_product, (2, (5, 4)), {}, 88),
    (arora_2018, (2, 4), {"w": 3, "layers": 3}, 72),
    (arora_2018, (3, 5), {"w": 4, "layers": 3}, 352),
    (serra_2018_zonotope, (2, 4), {"w": 3, "layers": 3}, 128),
    (serra_2018_zonotope, (3, 5), {"w": 4, "layers": 3}, 550),
]


@pytest.mark.parametrize(("build", "sizes", "more", "regions"), GOLDEN)
def test_worked_values(build, sizes, more, regions):
    c = build(*sizes, **more)
    assert c.regions == regions
    assert c.confirmed()
    assert c.name.startswith(build.__name__)
    assert c.network.source == c.name


@pytest.mark.parametrize("depth", range(1, 9))
@pytest.mark.parametrize("compact", [False, True])
def test_the_tent(depth, compact):
    interval = telgarsky_2016(depth, compact=compact)
    line = telgarsky_2016(depth, on="line", compact=compact)
    assert interval.regions == 2**depth
    assert line.regions == (3 if compact and depth == 1 else 2**depth + 2)
    assert isinstance(interval.domain, Box)
    assert isinstance(line.domain, Space)
    assert interval.confirmed()
    assert line.confirmed()
    for k in range(2**depth + 1):  # from 0 to 1 and back, over and over
        assert line.network([[k / 2**depth]]) == k % 2


def test_the_tent_is_its_formula():
    net = telgarsky_2016(4).network
    for k in range(-40, 200):
        z = Fraction(k, 128)
        for _ in range(4):
            z = max(2 * max(z, 0) - 4 * max(z - Fraction(1, 2), 0), Fraction(0))
        assert net([[k / 128]]) == float(z)


@pytest.mark.parametrize(("inputs", "units"), [(n, m) for n in range(1, 6) for m in (1, 2, 3, 5, 8)])
def test_shallow_attains_every_upper_bound(inputs, units):
    c = shallow(inputs, units)
    upper = bounds.serra_2018((inputs, [units]))
    assert c.regions == sum(math.comb(units, j) for j in range(inputs + 1)) == upper.value
    assert shallow_bound((inputs, [units])).value == c.regions
    assert upper.attained
    assert c.confirmed()


def test_shallow_in_many_dimensions():
    """The weights are small integers, so the arrangement engine takes it."""
    for inputs, units, regions in ((10, 12, 2**12 - 1 - 12), (12, 14, 2**14 - 1 - 14), (30, 9, 2**9)):
        c = shallow(inputs, units)
        assert c.regions == regions
        assert c.confirmed()
        assert c.count().engine == "arrangement"


@given(st.data())
def test_zonotopes(data):
    inputs = data.draw(st.integers(1, 3))
    m = data.draw(st.integers(1, 5))
    w = data.draw(st.integers(2, 5))
    layers = data.draw(st.integers(1, 4 if w < 4 else 3))
    cones = 2 * sum(math.comb(m - 1, j) for j in range(inputs))
    c = arora_2018(inputs, m, w=w, layers=layers)
    widths = [2 * m, *[w] * (layers - 1)]
    assert c.regions == cones * w ** (layers - 1) == arora_bound((inputs, widths)).value
    assert [s.units for s in c.network.stages] == [*widths, 1]
    assert c.confirmed()
    if w == 2 and layers > 2:
        return
    c = serra_2018_zonotope(inputs, m, w=w, layers=layers)
    assert c.regions == cones * (w + 1) ** (layers - 1) == zonotope_bound((inputs, widths)).value
    assert [s.units for s in c.network.stages] == [*widths, 1]
    assert c.confirmed()


def test_one_layer_of_a_zonotope_is_its_width():
    """With one layer the output is sum_i |a_i . x|."""
    for c in (arora_2018(2, 3, w=2, layers=1), serra_2018_zonotope(2, 3, w=2, layers=1)):
        weight = c.network.stages[0].weight
        for x in ([1.0, 2.0], [-3.0, 0.5], [0.0, 0.0]):
            assert c.network([x]) == sum(abs(float(row @ x)) for row in weight[::2])


def test_what_is_said_of_a_construction():
    c = serra_2018(2, [6, 6])
    assert str(c).startswith("serra_2018 (2; 6, 6): Network")
    assert str(c).endswith("352 activation regions on the whole space R^2")
    known = c.as_dict()
    assert known["regions"] == 352
    assert known["kind"] == "exact"
    assert known["hash"] == c.network.hash
    assert "Theorem 6" in known["reference"]


@pytest.mark.parametrize("by", [-1, 1])
def test_a_wrong_number_is_not_confirmed(by):
    for c in (shallow(2, 5), telgarsky_2016(3), arora_2018(2, 3, w=2, layers=2)):
        assert not replace(c, regions=c.regions + by).confirmed()


def test_a_budget_that_runs_out_confirms_nothing():
    assert not serra_2018(2, [8, 8, 8]).confirmed(max_regions=10, threads=1)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: shallow(0, 3), "shallow: inputs must be"),
        (lambda: shallow(2, 2.5), "shallow: units must be a whole number from 1 to 10000, got 2.5"),
        (lambda: telgarsky_2016(0), "telgarsky_2016: depth must be"),
        (lambda: telgarsky_2016(2, on="circle"), "telgarsky_2016: on must be 'interval' or 'line', got 'circle'"),
        (lambda: arora_2018(2, 0, w=3, layers=2), "arora_2018: m must be"),
        (lambda: arora_2018(2, 3, w=1, layers=2), "arora_2018: w must be 2 or more, got 1"),
        (lambda: arora_2018(2, 3, w=3, layers=0), "arora_2018: layers must be"),
        (lambda: serra_2018_zonotope(2, 3, w=2, layers=3), "w must be 3 or more with 3 layers, got 2; try arora_2018"),
    ],
)
def test_bad_input(call, says):
    with pytest.raises(InputError, match=says) as caught:
        call()
    assert ". " not in str(caught.value)
