"""Bounds on fully connected ReLU layers: worked values, second routes, and what each refuses."""

from __future__ import annotations

import itertools
import math
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linregions import Network, Space, bounds, count
from linregions.combinatorics import central, zaslavsky
from linregions.errors import InputError

small = st.tuples(st.integers(1, 5), st.lists(st.integers(1, 7), min_size=1, max_size=4))

VALUES = {
    "trivial": {"2;4,4": 256},
    "montufar_2017": {"2;3,3": 49, "2;4,4": 121, "2;4,4,4": 1331, "3;9,9": 16900, "784;11,11": 4194304},
    "serra_2018": {
        "1;3,3": 16,
        "2;3,3": 40,
        "2;4,4": 121,
        "2;4,4,4": 1331,
        "2;6,4": 242,
        "2;6,6": 484,
        "2;6,6,6": 10648,
        "3;9,9": 16900,
        "4;8,8,8": 4330747,
        "10;10,10": 616666,
        "10;10,10,10": 365139905,
        "784;10,10,10,10": 216643797580,
    },
    "hinz_2021": {
        "2;3,3": 40,
        "2;6,6": 484,
        "2;4,4": 109,
        "2;4,4,4": 1031,
        "3;4,4,4": 1559,
        "4;8,8,8": 3596223,
        "8;8,8,8,8,8": 115383335044,
    },
    "shallow": {"2;4": 11, "3;10": 176, "10;100": 19415908147836},
    "one_dimension": {"1;3,2": 12, "1;1,7": 9, "1;2,2": 7, "1;2,3": 9, "1;3,3,3,3,3": 1024, "1;4,4,4,4": 625},
    "pascanu_2014": {"2;4,4": 22, "2;4,4,4": 44, "3;9,9": 390, "3;6,6,6": 168},
    "pascanu_2014_special": {"2;4,4": 44, "2;4,4,4": 176, "3;6,6,6": 2688},
    "montufar_2014": {"2;4,4": 44, "2;4,4,4": 176, "2;4,6": 88, "2;6,6": 198, "3;9,9": 3510, "4;8,8,8": 41728},
    "serra_2018_lower": {"2;6,4": 176, "2;6,6": 352, "2;6,6,6": 5632, "3;9,9": 8320, "2;8,8": 925},
    "arora_2018": {"2;8,3,3": 72, "3;10,4,4": 352},
    "serra_2018_zonotope": {"2;8,3,3": 128, "3;10,4,4": 550},
}


@pytest.mark.parametrize(
    ("name", "architecture", "value"), [(n, a, v) for n, d in VALUES.items() for a, v in d.items()]
)
def test_worked_values(name, architecture, value):
    assert getattr(bounds, name)(architecture).value == value


# Section 2 of Pascanu et al.: one layer of 2 n0 k units beside k layers of 2 n0 units, for k = 1, ..., 5.
SHALLOW_AND_DEEP = {
    1: [(3, 3), (5, 6), (7, 12), (9, 24), (11, 48)],
    2: [(11, 11), (37, 44), (79, 176), (137, 704), (211, 2816)],
    3: [(42, 42), (299, 336), (988, 2688), (2325, 21504), (4526, 172032)],
    5: [(638, 638), (21700, 20416), (174437, 653312), (760099, 20905984), (2369936, 668991488)],
    10: [
        (616666, 616666),
        (1221246132, 631465984),
        (93178047049, 646621167616),
        (1910882868067, 662140075638784),
        (19415908147836, 678031437454114816),
    ],
}


@pytest.mark.parametrize(("n0", "k"), [(n0, k) for n0 in SHALLOW_AND_DEEP for k in range(1, 6)])
def test_one_layer_beside_many(n0, k):
    shallow, deep = SHALLOW_AND_DEEP[n0][k - 1]
    assert bounds.shallow((n0, [2 * n0 * k])).value == shallow
    special = bounds.pascanu_2014_special((n0, [2 * n0] * k))
    assert special.value == deep
    assert special.value == bounds.montufar_2014((n0, [2 * n0] * k)).value
    assert bounds.pascanu_2014((n0, [2 * n0] * k)).value == 2 ** (k - 1) * zaslavsky(2 * n0, n0)


@pytest.mark.parametrize(
    ("layers", "values"),
    [(2, (137, 592, 925, 1369)), (3, (301, 9472, 23125, 50653)), (4, (529, 151552, 578125, 1874161))],
)
def test_one_budget_on_two_inputs(layers, values):
    deep = (2, [8] * layers)
    found = bounds.shallow((2, [8 * layers])), bounds.montufar_2014(deep), bounds.serra_2018_lower(deep)
    assert (*(b.value for b in found), bounds.serra_2018(deep).value) == values


SIXTY = [
    93178047049,
    2809964894846404,
    234503869074896296,
    206430177273652484,
    125673334373586790,
    78359847799476250,
]


def test_sixty_units_in_equal_layers():
    def values(n0):
        return [bounds.serra_2018((n0, [60 // k] * k)).value for k in range(1, 7)]

    assert values(10) == SIXTY
    best = {n0: 1 + int(np.argmax([float(v) for v in values(n0)])) for n0 in (1, 2, 3, 5, 8, 10, 15, 20, 30, 60)}
    assert best == {1: 6, 2: 6, 3: 6, 5: 6, 8: 4, 10: 3, 15: 2, 20: 2, 30: 1, 60: 1}


@pytest.mark.parametrize(
    ("widths", "serra", "montufar"),
    [
        ([1, 21], 23, 44),
        ([5, 17], 35443, 300864),
        ([11, 11], 2449868, 4194304),
        ([17, 5], 4185195, 4194304),
        ([21, 1], 4194303, 4194304),
    ],
)
def test_two_layers_of_22_units(widths, serra, montufar):
    assert bounds.serra_2018((784, widths)).value == serra
    assert bounds.montufar_2017((784, widths)).value == montufar


@pytest.mark.parametrize(
    ("k", "value"),
    [(0, 122120255553381931797668), (2, 9566327768331595413869), (-2, 362597223515336356067690)],
)
def test_tapered_widths(k, value):
    assert bounds.serra_2018((32, [16 - 2 * k, 16 - k, 16, 16 + k, 16 + 2 * k])).value == value


def test_large_inputs_gain_nothing_from_depth():
    ratios = [bounds.serra_2018((5 * n, [5] * n)).value / 2 ** (5 * n) for n in range(1, 5)]
    assert [round(r, 3) for r in ratios] == [1, 0.623, 0.376, 0.223]


def naive_serra(n0, widths):
    """The sum over J as it is written down."""
    total = 0
    for js in itertools.product(*(range(n + 1) for n in widths)):
        left = [n0, *(n - j for n, j in zip(widths, js, strict=True))]
        if all(j <= min(left[: k + 1]) for k, j in enumerate(js)):
            total += math.prod(math.comb(n, j) for n, j in zip(widths, js, strict=True))
    return total


@given(small)
def test_serra_is_the_sum_over_j(architecture):
    assert bounds.serra_2018(architecture).value == naive_serra(*architecture)


def everything(n, m):
    return [0] * m + [2**m]


def montufar(n, m):
    return [0] * m + [zaslavsky(m, n)]


def serra(n, m):
    return [math.comb(m, m - i) if m - i <= n else 0 for i in range(m + 1)]


@given(small)
def test_the_matrix_framework_gives_the_other_bounds(architecture):
    def framework(gamma):
        return bounds.histogram_bound(architecture, gamma)

    assert framework(everything) == bounds.trivial(architecture).value
    assert framework(montufar) == bounds.montufar_2017(architecture).value
    assert framework(serra) == bounds.serra_2018(architecture).value
    assert framework(bounds.gamma_2021) == bounds.hinz_2021(architecture).value


def test_gamma_has_the_worked_values():
    values = {(2, 3): [0, 3, 3, 1], (2, 4): [0, 2, 4, 4, 1], (2, 5): [0, 0, 5, 5, 5, 1], (3, 4): [0, 4, 6, 4, 1]}
    values |= {(3, 5): [0, 2, 8, 10, 5, 1], (3, 6): [0, 0, 7, 13, 15, 6, 1]}
    assert {k: bounds.gamma_2021(*k) for k in values} == values
    for m in range(1, 11):
        for n in range(1, m + 1):
            assert sum(bounds.gamma_2021(n, m)) == zaslavsky(m, n)


def activations(normals, offsets):
    """Every sign vector of an arrangement of lines, from the points around each crossing (an independent count)."""
    found = set()
    m = len(offsets)
    for i, j in itertools.combinations(range(m), 2):
        (a, b), (c, d) = normals[i], normals[j]
        det = a * d - b * c
        x, y = Fraction(b * offsets[j] - d * offsets[i], det), Fraction(c * offsets[i] - a * offsets[j], det)
        base = [p * x + q * y + r > 0 for (p, q), r in zip(normals, offsets, strict=True)]
        for u, v in itertools.product((True, False), repeat=2):
            base[i], base[j] = u, v
            found.add(tuple(base))
    return found


@pytest.mark.parametrize("m", [2, 3, 4, 5])
def test_gamma_dominates_random_lines_with_every_orientation(m):
    rng = np.random.default_rng(m)
    tails = list(itertools.accumulate(reversed(bounds.gamma_2021(2, m))))
    attained = set()
    for _ in range(20):
        normals = [tuple(map(int, rng.integers(-9999, 9999, 2))) for _ in range(m)]
        cells = activations(normals, [int(r) for r in rng.integers(-9999, 9999, m)])
        assert len(cells) == zaslavsky(m, 2)
        for flip in itertools.product((True, False), repeat=m):
            active = [sum(s == f for s, f in zip(cell, flip, strict=True)) for cell in cells]
            own = [sum(a >= i for a in active) for i in range(m, -1, -1)]
            assert all(a <= b for a, b in zip(own, tails, strict=True))
            attained |= {i for i in range(m + 1) if own[i] == tails[i]}
    assert attained == set(range(m + 1))


@pytest.mark.parametrize("n", [1, 2, 3, 5])
@pytest.mark.parametrize("first", [1, 2])
def test_two_layers_on_a_line_attain_their_maximum(first, n):
    rows = [[1.0], [-1.0]][:first]
    second = (np.ones((n, first)), -np.arange(1.0, n + 1))
    layers = [(rows, [-1.0, 0.0][:first]), second, (np.arange(1.0, n + 1)[None, :], [0.0])]
    assert count(Network.from_arrays(layers), Space(1)).value == bounds.one_dimension((1, [first, n])).value


@given(seed=st.integers(0, 2**32), first=st.integers(1, 4), n=st.integers(1, 4))
def test_no_net_on_a_line_has_more(seed, first, n):
    rng = np.random.default_rng(seed)
    layers = [
        (rng.integers(-9, 10, (first, 1)), rng.integers(-9, 10, first)),
        (rng.integers(-9, 10, (n, first)), rng.integers(-9, 10, n)),
        (np.ones((1, n)), [0.0]),
    ]
    assert count(Network.from_arrays(layers), Space(1)).value <= bounds.one_dimension((1, [first, n])).value


def tent(x):
    return max(0, 2 * x - max(0, 4 * x - 2)) if x > 0 else Fraction(0)


@pytest.mark.parametrize("times", [1, 2, 3, 4, 5])
def test_the_tent_crosses_as_often_as_telgarsky_says(times):
    values = []
    for i in range(2 ** (times + 3) + 1):
        x = Fraction(i, 2 ** (times + 3))
        for _ in range(times):
            x = tent(x)
        values.append(x >= Fraction(1, 2))
    assert 1 + sum(a != b for a, b in itertools.pairwise(values)) == bounds.crossings(1, times)


def test_telgarsky():
    assert bounds.crossings(1, 3) == 9
    assert bounds.most_crossings(6, 3) == 128
    assert bounds.most_crossings(7, 3) == 2 * Fraction(14, 3) ** 3
    assert bounds.most_crossings(4, 2, t=2, alpha=3, beta=2) == 2 * 24**2 * 2**4
    for t, k in itertools.product(range(1, 4), range(2, 5)):
        assert bounds.repeated_teeth(t, k) == bounds.composed_teeth(bounds.repeated_teeth(t, k - 1), t)


def test_arora_on_the_line():
    assert bounds.sawtooth_pieces(4, 3) == 64
    assert bounds.units_needed(4, 3, shallower=1) == 32
    assert [bounds.depth_enough(n) for n in range(1, 17)] == [math.ceil(math.log2(n + 1)) for n in range(1, 17)]


@given(w=st.integers(2, 6), k=st.integers(1, 7), data=st.data())
def test_fewer_units_cannot_make_the_sawtooth(w, k, data):
    shallower = data.draw(st.integers(1, k))
    units = bounds.units_needed(w, k, shallower=shallower)
    assert Fraction(2 * units, shallower) ** shallower >= w**k > Fraction(2 * (units - 1), shallower) ** shallower
    # By Serra et al.: with one unit less, as even as it goes, even prod (n_l + 1) pieces are too few.
    each, more = divmod(units - 1, shallower)
    assert (each + 2) ** more * (each + 1) ** (shallower - more) < w**k


@given(n0=st.integers(1, 5), m=st.integers(1, 6), w=st.integers(1, 5), layers=st.integers(1, 4))
def test_zonotopes(n0, m, w, layers):
    architecture = (n0, [2 * m, *[w] * (layers - 1)])
    arora = bounds.arora_2018(architecture)
    assert not arora.proven
    assert arora.value == central(m, n0) * w ** (layers - 1)
    assert arora.value <= bounds.zigzag_product(architecture).value
    if layers < 3 or w >= 3:
        serra = bounds.serra_2018_zonotope(architecture)
        assert serra.proven
        assert arora.value <= serra.value <= bounds.zigzag_product(architecture).value


def test_raghu_gives_an_exponent_and_no_number():
    growth = bounds.raghu_2017("2;8,8,8")
    assert (growth.base, growth.exponent, growth.status) == ("n", 6, "published")
    hard = bounds.raghu_2017("2;8,8,8", activation="hardtanh")
    assert (hard.base, hard.exponent, hard.status) == ("(2n)", 6, "conjectured")
    assert "conjectured" in str(hard)
    assert not hasattr(growth, "value")


NAMES = sorted(VALUES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ([2, 0, 1], "width 2"),
        ([2, -3, 1], "width 2"),
        ([2, 1.5, 1], "width 2"),
        ([2, True, 1], "width 2"),
        ((2, [4, "4"]), "width of hidden layer 2"),
        ([], "no hidden layer"),
        ((2, []), "no hidden layer"),
        ("", "cannot read"),
        ("2;4,-4", "cannot read"),
        ((2, [10**100]), "width of hidden layer 1"),
        ((10**100, [4]), "number of inputs"),
        ((2, [4] * (10**5 + 1)), "layers"),
        (None, "expected widths"),
    ],
)
def test_bad_widths_are_one_sentence(name, bad, says):
    with pytest.raises(InputError) as caught:
        getattr(bounds, name)(bad)
    assert says in str(caught.value)
    assert one_sentence(str(caught.value))


def one_sentence(message: str) -> bool:
    return "\n" not in message and ". " not in message and len(message) < 300


@pytest.mark.parametrize(
    ("name", "bad", "says"),
    [
        ("pascanu_2014", "3;4,2", "hidden layer 2 needs at least 3 units"),
        ("montufar_2014", "3;2,4", "hidden layer 1 needs at least 3 units"),
        ("serra_2018_lower", "2;5,5", "hidden layer 1 needs at least 6 units"),
        ("pascanu_2014_special", "2;4,5", "hidden layer 2 needs exactly 4 units"),
        ("shallow", "2;4,4", "one hidden layer"),
        ("one_dimension", "2;4,4", "1 input"),
        ("one_dimension", "1;4,2,4", "hidden layer 2 needs at least 3 units"),
        ("arora_2018", "2;5,3", "2m, w, ..., w"),
        ("serra_2018_zonotope", "2;4,3,4", "2m, w, ..., w"),
        ("serra_2018_zonotope", "2;4,2,2", "at least 3 units, got 2"),
        ("raghu_2017", "2;4,5", "one width"),
        ("hinz_2021", (784, [784, 784]), "anyway=True"),
    ],
)
def test_a_condition_that_fails_is_named(name, bad, says):
    with pytest.raises(bounds.ConditionError) as caught:
        getattr(bounds, name)(bad)
    message = str(caught.value)
    assert message.startswith(f"{name}: ")
    assert says in message
    assert one_sentence(message)


@pytest.mark.parametrize("name", [n for n in NAMES if n != "trivial"])
@pytest.mark.parametrize("options", [{"activation": "hardtanh"}, {"activation": "maxout", "rank": 3}])
def test_other_units_are_refused(name, options):
    with pytest.raises(bounds.ConditionError, match="covers ReLU units, but hidden layer 1 has 4 units") as caught:
        getattr(bounds, name)("2;4", **options)
    assert one_sentence(str(caught.value))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: bounds.crossings(0, 2), "teeth"),
        (lambda: bounds.crossings(1, 10**9), "times"),
        (lambda: bounds.most_crossings(2, 3), "layers"),
        (lambda: bounds.sawtooth_pieces(1, 2), "width"),
        (lambda: bounds.units_needed(2, 2, shallower=3), "shallower"),
        (lambda: bounds.depth_enough(0), "inputs"),
        (lambda: bounds.histogram_bound("2;4,4", lambda n, m: [1]), "gamma"),
    ],
)
def test_plain_functions_refuse_what_is_no_number(call, says):
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value).startswith(says)
    assert one_sentence(str(caught.value))


@pytest.mark.parametrize("n0", [2, 10, 784])
def test_all_leaves_out_what_takes_long(n0):
    architecture = (n0, [1000] * 100)
    started = time.process_time()
    table = bounds.all(architecture)
    assert time.process_time() - started < 1  # 0.2 s on a machine that does nothing else
    skipped = dict(table.skipped)
    assert ("serra_2018" in skipped) == (n0 == 784)
    if n0 == 784:
        assert "call bounds.serra_2018 itself" in skipped["serra_2018"]
        assert table.best.upper.name == "montufar_2017"


def test_wide_layers_take_no_memory():
    table = bounds.all((3, [10**6] * 2))
    assert table.best.upper.value == zaslavsky(10**6, 3) ** 2
    assert zaslavsky(10**6, 3) == sum(math.comb(10**6, j) for j in range(4))


def test_a_50_layer_net_has_an_exact_integer():
    value = bounds.best((10, [512] * 50)).upper.value
    assert isinstance(value, int)
    assert value.bit_length() > 3000


def test_of_equal_bounds_the_later_is_best():
    pair = bounds.best("2;4")
    assert pair.exact
    assert (pair.lower.name, pair.upper.name) == ("zigzag_product", "shallow")
    assert bounds.best("1;3,3").upper.name == "one_dimension"
    assert bounds.best("2;4,4").upper.name == "serra_2018"  # hinz_2021 says less, but is conjectured
