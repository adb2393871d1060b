"""Arrangements by name: chambers, Betti numbers and bounded chambers, each by two routes or more."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import arrangements
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions import InputError, Space, count
from linregions.constructions.arrangements import ARRANGEMENTS, Arrangement, acyclic_orientations, arrangement
from linregions.engines.arrangement import betti_numbers
from linregions.network import Network

# The spec's Betti vectors, most of them published with CountingChambers.jl.
RESONANCE = {
    2: (1, 3, 2),
    3: (1, 7, 15, 9),
    4: (1, 15, 80, 170, 104),
    5: (1, 31, 375, 2130, 5270, 3485),
    6: (1, 63, 1652, 22435, 159460, 510524, 371909),
    7: (1, 127, 7035, 215439, 3831835, 37769977, 169824305, 135677633),
}
THRESHOLD = {
    2: (1, 4, 6, 3),
    3: (1, 8, 28, 44, 23),
    4: (1, 16, 120, 460, 820, 465),
    5: (1, 32, 496, 4240, 19660, 43014, 27129),
    6: (1, 64, 2016, 36848, 400400, 2453248, 7111650, 5023907),
}
BETTI = [("resonance", n, b) for n, b in RESONANCE.items()] + [("threshold", n, b) for n, b in THRESHOLD.items()]

# Chambers and relatively bounded ones, from the smallest size on.
CHAMBERS = {
    "braid": (2, [2, 6, 24, 120, 720]),
    "type_b": (1, [2, 8, 48, 384, 3840]),
    "type_d": (2, [4, 24, 192, 1920]),
    "path": (2, [2, 4, 8, 16]),
    "cycle": (3, [6, 14, 30, 62, 126]),
    "shi": (2, [3, 16, 125, 1296, 16807]),
    "catalan": (2, [4, 30, 336, 5040]),
    "semiorder": (2, [3, 19, 183, 2371, 38703, 763099, 17648823]),
    "linial": (2, [2, 7, 36, 246, 2104, 21652, 260720, 3598120]),
    "resonance": (1, [2, 6, 32, 370, 11292, 1066044, 347326352, 419172756930, 1955230985997140]),
    "threshold": (0, [2, 4, 14, 104, 1882, 94572, 15028134, 8378070864, 17561539552946, 144130531453121108]),
}
BOUNDED = {
    "shi": [1, 4, 27, 256, 3125],
    "catalan": [2, 12, 120, 1680],
    "semiorder": [1, 7, 61, 751],
    "linial": [0, 1, 4, 26, 212],
}

rows = st.integers(1, 4).flatmap(
    lambda n: st.lists(
        st.tuples(st.lists(st.integers(-3, 3), min_size=n, max_size=n).filter(any), st.integers(-2, 2)),
        min_size=1,
        max_size=7,
    )
)


@pytest.mark.parametrize("name", CHAMBERS)
def test_chambers_are_the_known_sequence(name: str) -> None:
    start, values = CHAMBERS[name]
    assert [arrangement(name, n).chambers for n in range(start, start + len(values))] == values


@pytest.mark.parametrize("name", BOUNDED)
def test_relatively_bounded_chambers(name: str) -> None:
    found = [arrangement(name, n).bounded() for n in range(2, 2 + len(BOUNDED[name]))]
    assert found == BOUNDED[name]


@pytest.mark.parametrize("name", BOUNDED)
def test_bounded_follow_from_all_chambers(name: str) -> None:
    """Stanley 1996: for these families the exponential generating functions satisfy `bounded = 1 - 1 / chambers`."""
    most = 6
    y = [
        Fraction(1),
        Fraction(1),
        *(Fraction(arrangement(name, n).chambers, math.factorial(n)) for n in range(2, most)),
    ]
    inverse = [Fraction(1)]
    for n in range(1, most):
        inverse.append(-sum((y[k] * inverse[n - k] for k in range(1, n + 1)), Fraction(0)))
    for n in range(2, most):
        assert arrangement(name, n).bounded() == -inverse[n] * math.factorial(n)


@pytest.mark.parametrize(
    ("name", "n", "betti"),
    [pytest.param(*case, marks=[pytest.mark.slow] if sum(case[2]) > 10**8 else []) for case in BETTI],
)
def test_published_betti_numbers(name: str, n: int, betti: tuple[int, ...]) -> None:
    known = arrangement(name, n)
    assert known.betti() == betti
    assert sum(betti) == known.chambers


def test_betti_numbers_of_general_position_and_braid() -> None:
    assert arrangement("generic", 9, dim=4).betti() == tuple(math.comb(9, j) for j in range(5))
    assert arrangement("generic", 9, dim=4).bounded() == math.comb(8, 4)
    assert arrangement("braid", 5).betti() == (1, 10, 35, 50, 24, 0)  # Stirling numbers of the first kind
    assert arrangement("boolean", 6).betti() == tuple(math.comb(6, j) for j in range(7))
    assert arrangement("four_lines").betti() == (1, 4, 5)


@pytest.mark.parametrize("known", [a for a in arrangements.all_arrangements() if a.chambers < 10**4], ids=str)
def test_betti_numbers_of_every_family(known: Arrangement) -> None:
    betti = known.betti(threads=2)
    assert betti == arrangements.whitney_numbers(known.hyperplanes)
    assert sum(betti) == known.chambers
    assert len(set(known.hyperplanes)) == len(known.hyperplanes)


@pytest.mark.parametrize("known", [a for a in arrangements.all_arrangements() if a.chambers < 1500], ids=str)
def test_constructions_are_confirmed(known: Arrangement) -> None:
    built = known.construction()
    assert built.regions == known.chambers
    assert built.confirmed()
    assert built.confirmed(engine="arrangement")


@given(rows, st.integers(1, 3))
@settings(max_examples=150)
def test_betti_numbers_of_any_arrangement(hyperplanes: list[tuple[list[int], int]], threads: int) -> None:
    normals, offsets = [h[0] for h in hyperplanes], [h[1] for h in hyperplanes]
    betti = betti_numbers(normals, offsets, threads=threads)
    assert betti == arrangements.whitney_numbers([(*a, c) for a, c in hyperplanes])
    net = Network.from_arrays([(normals, offsets), ([[1.0] * len(normals)], [0.0])])
    assert sum(betti) == count(net, Space(len(normals[0])), engine="cells").value


@given(rows.filter(lambda h: len(h[0][0]) == 2))
@settings(max_examples=30)
def test_characteristic_polynomial_counts_points_over_a_finite_field(hyperplanes: list[tuple[list[int], int]]) -> None:
    """Athanasiadis 1996: for a large prime q, chi(q) points of F_q^n lie on no hyperplane."""
    q = 107  # above every minor of the rows: at most sqrt(9 + 9 + 4)^3 = 103.2 by Hadamard
    betti = betti_numbers(*zip(*hyperplanes, strict=True))
    off = sum(
        all((a[0] * x + a[1] * y + c) % q for a, c in hyperplanes) for x, y in itertools.product(range(q), repeat=2)
    )
    assert off == betti[0] * q**2 - betti[1] * q + betti[2]


def test_betti_numbers_take_rationals_exactly() -> None:
    # x = 1/10 as a float and as a rational are two hyperplanes.
    assert betti_numbers([[1], [1]], [-0.1, Fraction(-1, 10)]) == (1, 2)
    assert betti_numbers([[10], [1]], [-1, Fraction(-1, 10)]) == (1, 1)
    # Products beyond 64 bits on the way.
    wide = [
        [2**40 + 3**k * j for k, j in zip((5, 7, 11), row, strict=True)] for row in ((1, 2, 3), (4, 9, 5), (7, 8, 1))
    ]
    assert betti_numbers(wide, [1, 2**41 + 1, 3]) == (1, 3, 3, 1)


@given(st.integers(2, 6).flatmap(lambda n: st.sets(st.sampled_from(list(itertools.combinations(range(n), 2))))))
@settings(max_examples=60)
def test_acyclic_orientations_by_trying_all(edges: set[tuple[int, int]]) -> None:
    edges = set(sorted(edges)[:9])
    assert acyclic_orientations(edges) == sum(
        _acyclic(oriented) for oriented in itertools.product(*(((i, j), (j, i)) for i, j in sorted(edges)))
    )
    if edges:
        known = arrangement("graphical", 6, edges=edges)
        assert sum(known.betti()) == known.chambers == acyclic_orientations(edges)


def _acyclic(arcs: tuple[tuple[int, int], ...]) -> bool:
    left = list(arcs)
    while left:
        heads = {j for _, j in left}
        kept = [(i, j) for i, j in left if i in heads]
        if len(kept) == len(left):
            return False
        left = kept
    return True


def test_graph_families_agree() -> None:
    for n in range(3, 7):
        for name in ("path", "cycle", "complete"):
            known = arrangement(name, n)
            edges = [[k for k, v in enumerate(h) if v] for h in known.hyperplanes]
            assert arrangement("graphical", n, edges=edges).chambers == known.chambers
    assert set(arrangement("complete", 5).hyperplanes) == set(arrangement("braid", 5).hyperplanes)
    assert acyclic_orientations((0, k) for k in range(1, 40)) == 2**39


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: arrangement("shy", 3), "'shy' is not known; use one of braid, "),
        (lambda: arrangement("shi"), "'shi' needs a size"),
        (lambda: arrangement("shi", 1), "'shi' must be a whole number from 2 on, got 1"),
        (lambda: arrangement("shi", True), "got True"),
        (lambda: arrangement("resonance", 10), "from 1 to 9, the last known number, got 10"),
        (lambda: arrangement("shi", 3, dim=2), "takes no dim"),
        (lambda: arrangement("generic", 3), "needs dim"),
        (lambda: arrangement("generic", 3, dim=0), "dim must be a positive whole number"),
        (lambda: arrangement("four_lines", 4), "takes no size"),
        (lambda: arrangement("graphical", 3, edges=[(0, 3)]), r"\(0, 3\) is no pair of two different vertices"),
        (lambda: arrangement("graphical", 3, edges=[(1, 1)]), r"\(1, 1\) is no pair"),
        (lambda: arrangement("graphical", 3, edges=[]), "at least one pair"),
        (lambda: arrangement("graphical", 3, edges=[(1, 2, 0)]), "pairs of whole numbers"),
        (lambda: arrangement("generic", 100, dim=40).network(), "more binary digits"),
        (lambda: betti_numbers([], []), "at least one hyperplane"),
        (lambda: betti_numbers([[1, 0], [0, 0]], [0, 1]), "row 1 is zero"),
        (lambda: betti_numbers([[1, 0], [1]], [0, 1]), "of one length"),
        (lambda: betti_numbers([[1, 0]], [0, 1]), "2 rows of one length"),
        (lambda: betti_numbers([[float("nan"), 0]], [0]), "finite rational numbers"),
        (lambda: betti_numbers([[2**63, 1]], [0]), "beyond 2\\^62"),
        (lambda: betti_numbers([[1]], [0], threads=0), "threads must be"),
    ],
)
def test_bad_input_is_one_sentence(call, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_names_are_those_of_the_functions() -> None:
    assert next(iter(ARRANGEMENTS)) == "braid"
    assert all(family.__name__ == name for name, family in ARRANGEMENTS.items())
