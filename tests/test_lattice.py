"""Intersection lattices: Whitney numbers, polynomials, regions; by deletion-restriction, by flats and by counting."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any, cast

import arrangements as slow
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions import Box, InputError, Network, Plane, Polytope, Segment, Space, count
from linregions.activations import PiecewiseLinear, UnitActivations, clip
from linregions.arrangements import (
    CharacteristicPolynomial,
    IntersectionLattice,
    bounded_regions,
    characteristic_polynomial,
    hyperplanes,
    intersection_lattice,
    regions,
    whitney_numbers,
)
from linregions.arrangements.interior import open_polyhedron_is_empty
from linregions.arrangements.whitney import long_whitney
from linregions.constructions.arrangements import Arrangement, arrangement
from linregions.exact import rank
from linregions.stage import Stage

# Stirling numbers of the second kind S(n, n - k): partitions of n things into n - k blocks, the braid's flats.
STIRLING_2 = {3: (1, 3, 1), 4: (1, 6, 7, 1), 5: (1, 10, 25, 15, 1)}
# Moebius-free check of the spec's Betti numbers; the larger ones stand in tests/constructions.
BETTI = [
    ("resonance", 2, (1, 3, 2)),
    ("resonance", 3, (1, 7, 15, 9)),
    ("resonance", 4, (1, 15, 80, 170, 104)),
    ("resonance", 5, (1, 31, 375, 2130, 5270, 3485)),
    ("threshold", 2, (1, 4, 6, 3)),
    ("threshold", 3, (1, 8, 28, 44, 23)),
    ("threshold", 4, (1, 16, 120, 460, 820, 465)),
    ("four_lines", None, (1, 4, 5)),
]
SMALL = [a for a in slow.all_arrangements() if len(a.hyperplanes) <= 20 and a.dim <= 5]


def one_layer(weight, bias, *, activation="relu") -> Network:
    units = len(weight)
    return Network.from_arrays([(weight, bias), (np.ones((1, units)), [0.0])], activation=activation)


def draws(seed: int, dim: int, units: int, *, integer: bool) -> Network:
    rng = np.random.default_rng(seed)
    if not integer:
        return one_layer(rng.normal(size=(units, dim)), 0.4 * rng.normal(size=units))
    return one_layer(rng.integers(-2, 3, (units, dim)).astype(float), rng.integers(-1, 2, units).astype(float))


def defined_mobius(lattice: IntersectionLattice) -> list[list[int]]:
    """mu(F) = - sum of mu(G) over all flats G that contain F and more: the definition, flat by flat."""
    known: list[tuple[frozenset[int], int]] = []
    out = []
    for level in lattice.flats:
        found = []
        for flat in level:
            mine = frozenset(flat.hyperplanes)
            found.append(1 if not mine else -sum(mu for other, mu in known if other < mine))
        known += [(frozenset(f.hyperplanes), mu) for f, mu in zip(level, found, strict=True)]
        out.append(found)
    return out


# -- Golden values --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "size", "betti"), BETTI)
def test_published_betti_numbers_by_both_routes(name, size, betti):
    known = arrangement(name, size)
    assert whitney_numbers(known) == betti
    assert intersection_lattice(known).whitney_first == betti
    assert regions(known) == known.chambers == characteristic_polynomial(known).regions
    assert bounded_regions(known) == known.bounded()


def test_four_lines_reads_well():
    assert str(characteristic_polynomial(arrangement("four_lines"))) == "t^2 - 4 t + 5"
    lattice = intersection_lattice(arrangement("four_lines"))
    assert str(lattice) == "9 flats of 4 hyperplanes in dimension 2"
    assert str(lattice.characteristic_polynomial) == "t^2 - 4 t + 5"
    # Two of the lines are parallel and three pass through a point, so 4 points and not 6.
    assert lattice.whitney_second == (1, 4, 4)


@pytest.mark.parametrize("n", STIRLING_2)
def test_braid(n):
    chi = characteristic_polynomial(arrangement("braid", n))
    for t in range(-3, 9):
        assert chi(t) == math.prod(t - k for k in range(n))
    assert whitney_numbers(arrangement("braid", n), kind="second")[:n] == STIRLING_2[n]
    assert str(chi).startswith(f"t^{n} - ")


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_shi_catalan_linial_and_semiorder_polynomials(n):
    shi, catalan = (characteristic_polynomial(arrangement(name, n)) for name in ("shi", "catalan"))
    for t in range(-2, 12):
        assert shi(t) == t * (t - n) ** (n - 1)
        assert catalan(t) == t * math.prod(t - k for k in range(n + 1, 2 * n))
    assert shi.bounded == (n - 1) ** (n - 1)
    linial = characteristic_polynomial(arrangement("linial", n))
    for t in range(-2, 12):
        assert 2**n * linial(t) == t * sum(math.comb(n, k) * (t - k) ** (n - 1) for k in range(n + 1))


def test_general_position_and_graphs():
    generic = arrangement("generic", 9, dim=4)
    assert (
        whitney_numbers(generic) == whitney_numbers(generic, kind="second") == tuple(math.comb(9, j) for j in range(5))
    )
    cycle = characteristic_polynomial(arrangement("cycle", 5))
    assert [cycle(t) for t in range(6)] == [(t - 1) ** 5 - (t - 1) for t in range(6)]  # proper colourings
    families = [[1, 0, -k] for k in range(3)] + [[0, 1, -k] for k in range(2)] + [[1, 1, -7]]
    assert regions(families) == 1 + (3 + 2 + 1) + (3 * 2 + 3 * 1 + 2 * 1)  # sum of e_j of the families' sizes


def test_the_finite_field_method():
    """chi(q) is the number of points of F_q^n on no hyperplane, for a large prime q (Athanasiadis 1996)."""
    for known in (
        arrangement("shi", 3),
        arrangement("semiorder", 3),
        arrangement("four_lines"),
        arrangement("type_b", 2),
    ):
        chi, q = characteristic_polynomial(known), 31
        free = sum(
            all(sum(a * x for a, x in zip(h, (*point, 1), strict=True)) % q for h in known.hyperplanes)
            for point in itertools.product(range(q), repeat=known.dim)
        )
        assert chi(q) == free


@pytest.mark.parametrize("known", SMALL, ids=str)
def test_every_family_by_three_routes(known: Arrangement):
    lattice = intersection_lattice(known)
    assert lattice.whitney_first == whitney_numbers(known) == slow.whitney_numbers(known.hyperplanes)
    assert lattice.regions == known.chambers
    assert [[f.mobius for f in level] for level in lattice.flats] == defined_mobius(lattice) or len(lattice) > 400


def test_integers_of_any_size():
    lines = [[10**40, 1, 0], [10**40, 1, 10**41], [1, 10**40, 5], [2 * 10**40, 2, 0]]  # two parallel, one repeated
    assert whitney_numbers(lines) == intersection_lattice(lines).whitney_first == (1, 3, 2)
    assert len(hyperplanes(lines)[0]) == 3
    assert regions([[Fraction(1, 3), Fraction(1, 7)], [0.1, 3]]) == 3


# -- Properties -----------------------------------------------------------------------------------------------------

small_rows = st.integers(1, 4).flatmap(
    lambda n: st.lists(
        st.tuples(*[st.integers(-3, 3)] * n, st.integers(-2, 2)).filter(lambda row: any(row[:-1])),
        min_size=1,
        max_size=7,
    )
)


@settings(max_examples=100)
@given(small_rows)
def test_routes_agree_on_integer_rows(rows):
    lattice = intersection_lattice(rows)
    distinct, dim = hyperplanes(rows)
    assert lattice.whitney_first == whitney_numbers(rows) == slow.whitney_numbers(rows)
    assert [[f.mobius for f in level] for level in lattice.flats] == defined_mobius(lattice)
    for level in lattice.flats:
        for flat in level:
            mine = [[Fraction(v) for v in distinct[i]] for i in flat.hyperplanes]
            # The flat's hyperplanes meet, in the stated codimension, and no other hyperplane contains the flat.
            assert rank(mine) == rank([row[:-1] for row in mine]) == flat.codimension
            others = [row for i, row in enumerate(distinct) if i not in flat.hyperplanes]
            assert all(rank([*mine, [Fraction(v) for v in row]]) > flat.codimension for row in others)
    chi = characteristic_polynomial(rows)
    assert chi.regions == lattice.regions == count(_net(rows), Space(dim)).value
    # A line in general position far away meets every unbounded flat: regions - bounded = regions of the rest.
    assert 0 <= chi.bounded <= chi.regions


def _net(rows) -> Network:
    weight = np.array([row[:-1] for row in rows], dtype=float)
    return one_layer(weight, np.array([row[-1] for row in rows], dtype=float))


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 7), st.booleans())
def test_lattice_equals_the_cells_engine_in_domains(seed, dim, units, integer):
    net = draws(seed, dim, units, integer=integer)
    rng = np.random.default_rng(seed + 1)
    corner = np.sort(np.round(rng.normal(size=(2, dim)), 1 if integer else 6), axis=0)
    corner[1] += 0.5
    normals = np.vstack([np.eye(dim), -np.eye(dim), rng.integers(-2, 3, (2, dim))])
    polytope = Polytope(normals, np.concatenate([np.ones(2 * dim), [1.0, 0.5]]))
    domains = [Space(dim), Box(*corner), Box.cube(-1, 1, dim), polytope, Segment(*corner)]
    if dim > 1:
        p, step = rng.integers(-2, 3, dim), np.eye(dim)
        skew = step[1] + rng.integers(-2, 3) * step[0]
        domains.append(Plane.through(p - 1, p + 3 * step[0], p + 3 * skew, region="triangle"))
    for domain in domains:
        expected = count(net, domain, engine="cells")
        assert regions(net, domain) == expected.value, domain
        assert intersection_lattice(net, domain).characteristic_polynomial.regions == expected.value
    assert regions(net) == regions(net, Space(dim)) == long_whitney_sum(net)


def long_whitney_sum(net: Network) -> int:
    rows, dim = hyperplanes(net)
    return sum(long_whitney(rows, dim)) if rows else 1


def test_degenerate_networks():
    # A dead unit, a repeated one with another sign, parallel ones, one that only touches the box's corner.
    weight = [[0.0, 0.0], [1.0, 0.0], [-2.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]
    net = one_layer(weight, [1.0, 0.0, 0.0, 0.5, -2.0, 0.0])
    box = Box.cube(-1, 1, 2)
    assert len(hyperplanes(net)[0]) == 3
    assert regions(net, box) == count(net, box).value == 3
    assert regions(net) == count(net, Space(2)).value == 6
    assert characteristic_polynomial(one_layer([[0.0, 0.0]], [1.0])) == CharacteristicPolynomial((1, 0, 0))
    assert regions(one_layer([[0.0, 0.0]], [1.0])) == 1


@pytest.mark.parametrize(
    "activation", ["relu", "abs", "hardtanh", clip(-0.25, 0.75), PiecewiseLinear((0, 1), (2, 0, 1))]
)
def test_every_scalar_activation(activation):
    rng = np.random.default_rng(5)
    net = one_layer(rng.normal(size=(5, 3)), rng.normal(size=5), activation=activation)
    for domain in (Space(3), Box.cube(-1, 1, 3)):
        assert regions(net, domain) == count(net, domain).value


def test_affine_layers_before_and_divisors_are_taken_in():
    rng = np.random.default_rng(6)
    first, second = rng.normal(size=(2, 3)), rng.normal(size=(5, 2))
    net = Network.from_arrays(
        [(first, rng.normal(size=2)), (second, rng.normal(size=5)), (np.ones((1, 5)), [0.0])],
        activation=["identity", "relu"],
    )
    relu = UnitActivations.uniform(clip(0.0, 6.0), 4)
    divided = Network((Stage(rng.normal(size=(4, 3)), rng.normal(size=4), relu, divisor=[3.0, 7.0, 1.0, 9.0]),))
    for one in (net, divided):
        for domain in (Space(3), Box.cube(-2, 2, 3)):
            assert regions(one, domain) == count(one, domain).value


@settings(max_examples=100)
@given(
    st.integers(1, 3).flatmap(
        lambda d: st.lists(st.lists(st.integers(-3, 3), min_size=d + 1, max_size=d + 1), max_size=7)
    )
)
def test_open_polyhedra(rows):
    """The simplex method against the engine, which refuses a domain without interior."""
    rows = [row for row in rows if any(row[:-1])]
    if not rows:
        return
    dim = len(rows[0]) - 1
    polytope = Polytope([[-v for v in row[:-1]] for row in rows], [row[-1] for row in rows])
    try:
        found = count(one_layer(np.ones((1, dim)), [0.0]), polytope).value
    except InputError:
        found = 0
    assert open_polyhedron_is_empty(rows) == (found == 0)


def test_trivial_halfspaces_of_a_domain_are_none():
    net = draws(3, 2, 4, integer=False)
    square = [[1, 0], [-1, 0], [0, 1], [0, -1]]
    assert regions(net, Polytope([*square, [0, 0]], [1, 1, 1, 1, 0])) == regions(net, Box.cube(-1, 1, 2))
    with pytest.raises(InputError, match="no interior"):
        regions(net, Polytope([[0, 0]], [-1]))


# -- The door -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: regions([]), "at least one hyperplane"),
        (lambda: regions([[0, 0, 1]]), "row 0 has a zero normal"),
        (lambda: regions([[1, 2], [1, 2, 3]]), "one length"),
        (lambda: regions([[1, float("nan")]]), "expected a Network or rows"),
        (lambda: regions("abc"), "expected a Network or rows"),
        (lambda: whitney_numbers([[1, 0]], kind="third"), "'first' or 'second'"),
        (lambda: regions([[1, 0]], Box.cube(0, 1, 2)), "one coordinate for each"),
        (lambda: regions([[1, 0]], cast(Any, 3)), "expected a Box"),
        (lambda: regions([[1, 0]], Polytope([[1], [-1]], [0, 0])), "has no interior"),
        (lambda: intersection_lattice(arrangement("resonance", 4), max_flats=50), "more than 50 flats"),
        (lambda: regions(Network.from_arrays([([[1.0]], [0.0])] * 3)), "one hidden layer"),
    ],
)
def test_refusals_are_one_sentence(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_polynomials_read_well():
    assert str(CharacteristicPolynomial((1, -1))) == "t - 1"
    assert str(CharacteristicPolynomial((1, 0, -3, 0))) == "t^3 - 3 t"
    assert str(CharacteristicPolynomial((0,))) == "0"
    assert CharacteristicPolynomial((1, -3, 2))(Fraction(1, 2)) == Fraction(3, 4)
