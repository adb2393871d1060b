"""What holds between bounds, constructions and the engine's counts, on random small architectures."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from linregions import Box, Network, Space, bounds, constructions, count

architectures = st.tuples(st.integers(1, 4), st.lists(st.integers(1, 9), min_size=1, max_size=4))


def value(name, architecture):
    return getattr(bounds, name)(architecture).value


@settings(max_examples=400)
@given(architectures)
def test_bounds_stand_in_order(architecture):
    table = bounds.all(architecture)
    chain = [value(name, architecture) for name in ("hinz_2021", "serra_2018", "montufar_2017", "trivial")]
    assert chain == sorted(chain)
    proven = [b for b in table if b.proven]
    assert all(low.value <= chain[0] for low in proven if low.direction == "lower")
    assert table["zigzag_product"].value == max(b.value for b in proven if b.direction == "lower")
    # What is attained cannot exceed any other upper bound.
    exact = [b.value for b in proven if b.direction == "upper" and b.attained]
    assert all(v <= b.value for v in exact for b in proven if b.direction == "upper")


@settings(max_examples=400)
@given(architectures)
def test_the_construction_stands_between_the_bounds(architecture):
    inputs, widths = architecture
    built = constructions.zigzag_product(inputs, widths)
    pair = bounds.best(architecture)
    proven = [b.value for b in bounds.all(architecture) if b.proven and b.direction == "lower"]
    assert max(proven) == built.regions <= value("hinz_2021", architecture)
    assert built.regions <= pair.upper.value
    assert tuple(s.units for s in built.network.stages[:-1]) == tuple(widths)


@settings(max_examples=200)
@given(architectures)
def test_the_engine_confirms_the_construction(architecture):
    assume(value("zigzag_product", architecture) <= 5000)
    built = constructions.zigzag_product(*architecture)
    assert built.count().value == built.regions
    assert built.count().value <= value("hinz_2021", architecture)


@settings(max_examples=200)
@given(seed=st.integers(0, 2**32), inputs=st.integers(1, 3), widths=st.lists(st.integers(1, 5), min_size=1, max_size=3))
def test_no_random_net_has_more_than_an_upper_bound(seed, inputs, widths):
    rng = np.random.default_rng(seed)
    sizes = [inputs, *widths, 1]
    # Small integers make degenerate networks, whose ranks the bounds on a network see.
    layers = [(rng.integers(-2, 3, (n, m)), rng.integers(-2, 3, n)) for m, n in itertools.pairwise(sizes)]
    network = Network.from_arrays(layers)
    found = count(network, Space(inputs)).value
    uppers = [b for b in bounds.all(network) if b.direction == "upper"]
    assert {"hinz_2021", "serra_2018"} <= {b.name for b in uppers}
    assert all(found <= b.value for b in uppers)
    assert value("hinz_2021", network) <= value("serra_2018", network) <= value("serra_2018", (inputs, widths))
    assert value("hinz_2021", network) <= value("hinz_2021", (inputs, widths))


@given(seed=st.integers(0, 2**32), inputs=st.integers(1, 3), units=st.integers(1, 8))
def test_one_layer_in_general_position_attains_the_shallow_maximum(seed, inputs, units):
    rng = np.random.default_rng(seed)
    layers = [(rng.normal(size=(units, inputs)), rng.normal(size=units)), (np.ones((1, units)), [0.0])]
    assert count(Network.from_arrays(layers), Space(inputs)).value == value("shallow", (inputs, [units]))


@given(seed=st.integers(0, 2**32), inputs=st.integers(1, 3), units=st.integers(1, 8))
def test_without_biases_the_number_is_even(seed, inputs, units):
    rng = np.random.default_rng(seed)
    layers = [(rng.normal(size=(units, inputs)), np.zeros(units)), (np.ones((1, units)), [0.0])]
    assert count(Network.from_arrays(layers), Space(inputs)).value % 2 == 0


@given(architecture=architectures, layer=st.integers(0, 3))
def test_a_further_unit_never_lowers_a_maximum(architecture, layer):
    inputs, widths = architecture
    wider = list(widths)
    wider[layer % len(widths)] += 1
    for name in ("trivial", "montufar_2017", "serra_2018", "hinz_2021", "zigzag_product"):
        assert value(name, architecture) <= value(name, (inputs, wider)), name


@given(seed=st.integers(0, 2**32), widths=st.lists(st.integers(1, 6), min_size=1, max_size=3))
def test_a_further_unit_never_lowers_the_count(seed, widths):
    rng = np.random.default_rng(seed)
    sizes = [2, *widths, 1]
    layers = [(rng.normal(size=(n, m)), rng.normal(size=n)) for m, n in itertools.pairwise(sizes)]
    before = count(Network.from_arrays(layers), Box.cube(-2, 2, 2)).value
    (w, b), (out, c) = layers[-2:]
    layers[-2:] = [
        (np.vstack([w, rng.normal(size=w.shape[1])]), np.append(b, rng.normal())),
        (np.hstack([out, [[1.0]]]), c),
    ]
    assert count(Network.from_arrays(layers), Box.cube(-2, 2, 2)).value >= before


@given(architecture=architectures, rank=st.integers(2, 4))
def test_bounds_on_maxout_stand_in_order(architecture, rank):
    table = bounds.all(architecture, activation="maxout", rank=rank)
    assert table["general"].value <= min(table["serra_2018_maxout"].value, table["trivial"].value)
    assert table.best.upper.name == "general"
    assert all(b.value <= table["general"].value for b in table if b.direction == "lower")
    # Widths do not say that there are no biases.
    assert "maxout_without_biases" not in {b.name for b in table}
