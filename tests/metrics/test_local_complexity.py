"""Local complexity: against signs in rationals at every vertex, its exact form, and the engine."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from point_nets import kinds, random_network, seeds, styles

from linregions.activations import MaxGroups
from linregions.counting import count
from linregions.domain import Plane
from linregions.errors import InputError
from linregions.metrics.local_complexity import (
    frame,
    local_complexity,
    local_complexity_exact,
    local_complexity_layer1,
)
from linregions.network import Network


def brute(net, x, v, radius, *, centre=False, logits=False):
    """Per point and stage: units whose symbols differ between the vertices, everything in rationals."""
    steps = [(sign, row) for row in v for sign in (1, -1)] + ([(0, v[0])] if centre else [])
    out = []
    for point in x:
        symbols = []
        for sign, row in steps:
            state = [
                Fraction(float(a)) + sign * Fraction(radius) * Fraction(float(b))
                for a, b in zip(point, row, strict=True)
            ]
            own = []
            for k, stage in enumerate(net.stages):
                z = stage.exact_preactivation(state)
                pieces, state = stage.exact_step(state)
                if isinstance(stage.activation, MaxGroups):
                    own.append(pieces)
                    continue
                act = stage.activation
                last = logits and k == len(net.stages) - 1
                own.append(
                    [
                        tuple((a > t) - (a < t) for t in (act.functions[f].breakpoints or ((0.0,) if last else ())))
                        for a, f in zip(z, act.index, strict=True)
                    ]
                )
            symbols.append(own)
        layers = len(net.stages) if logits else len(net.stages) - 1
        out.append(
            [sum(len({str(s[k][u]) for s in symbols}) > 1 for u in range(net.stages[k].units)) for k in range(layers)]
        )
    return np.array(out)


@given(seeds, kinds, styles, st.booleans(), st.booleans(), st.sampled_from([1e-9, 0.25, 1.0, 3.0]))
@settings(max_examples=40, deadline=None)
def test_counts_are_those_of_exact_signs(seed, kind, style, centre, logits, radius):
    net = random_network(seed, 3, (5, 4), kind, style=style)
    rng = np.random.default_rng(seed)
    x = rng.integers(-1, 2, (3, 3)).astype(float) if style == "integers" else rng.normal(size=(3, 3))
    v = np.eye(3)[:2] if style == "integers" else frame(3, 2, seed=seed)
    found = local_complexity(net, x, radius=radius, directions=v, centre=centre, logits=logits)
    assert np.array_equal(found.layers, brute(net, x, v, radius, centre=centre, logits=logits))


@given(seeds, st.sampled_from(["relu", "leaky", "hardtanh"]))
@settings(max_examples=25, deadline=None)
def test_the_first_layer_has_an_exact_form(seed, kind):
    net = random_network(seed, 4, (12, 3), kind)
    x = np.random.default_rng(seed).normal(size=(6, 4))
    found = local_complexity(net, x, radius=0.5, directions=3, seed=seed)
    assert np.array_equal(local_complexity_layer1(net, x, radius=0.5, directions=3, seed=seed), found.layers[:, 0])


def test_touching_is_no_crossing_in_the_exact_form():
    net = Network.from_arrays([([[1.0, 0.0], [1.0, 0.0]], [-1.0, -0.5]), ([[1.0, 1.0]], [0.0])])
    v = np.eye(2)
    assert local_complexity_layer1(net, [[0.0, 0.0]], radius=1.0, directions=v).tolist() == [1]
    found = local_complexity(net, [[0.0, 0.0]], radius=1.0, directions=v)
    assert found.values.tolist() == [2]  # 0 is a sign of its own, as in the published code
    assert found.exact_decisions > 0


@given(seeds)
@settings(max_examples=10, deadline=None)
def test_exact_counts_are_the_engines_on_the_diamond(seed):
    net = random_network(seed, 3, (6, 5))
    x = np.random.default_rng(seed).normal(size=(2, 3))
    v = frame(3, 2, seed=seed)
    found = local_complexity_exact(net, x, radius=0.75, directions=2, seed=seed)
    r = 0.75
    for point, regions, units in zip(x, found.regions, found.units, strict=True):
        plane = Plane(point, point + v[0], point + v[1], [[r, 0], [0, r], [-r, 0], [0, -r]])
        assert count(net, plane, threads=1).value == regions
        assert units <= regions - 1 or regions == 1
    # In the plane, signs at corners can only miss units.
    assert np.all(local_complexity(net, x, radius=r, directions=v).values <= found.units)
    assert found.complete.all()


def test_one_layer_is_hit_by_what_the_diamond_is_hit_by():
    net = random_network(11, 3, (30,), divisors=False)
    x = np.random.default_rng(0).normal(size=(8, 3))
    exact = local_complexity_exact(net, x, radius=0.5, seed=2)
    assert np.array_equal(exact.units, local_complexity_layer1(net, x, radius=0.5, directions=2, seed=2))


def test_larger_frames_see_no_less():
    net = random_network(4, 8, (16, 16, 8))
    x = np.random.default_rng(0).normal(size=(30, 8))
    v = frame(8, 8, seed=3)
    few = local_complexity(net, x, radius=0.3, directions=v[:3])
    many = local_complexity(net, x, radius=0.3, directions=v)
    assert np.all(many.layers >= few.layers)
    assert many.layers.sum() > few.layers.sum()
    assert np.allclose(many.shares * [16, 16, 8], many.layers)
    assert many.as_dict()["local_complexity"] == pytest.approx(many.values.mean())


def test_a_frame_is_orthonormal_and_seeded():
    v = frame(20, 7, seed=5)
    assert np.allclose(v @ v.T, np.eye(7))
    assert np.array_equal(v, frame(20, 7, seed=5))
    assert not np.array_equal(v, frame(20, 7, seed=6))


@pytest.mark.parametrize(("inputs", "expected"), [(2, 2), (24, 24), (25, 25), (30, 25)])
def test_the_usual_directions_are_25_or_as_many_as_inputs(inputs, expected):
    net, x = random_network(3, inputs, (6, 4)), np.random.default_rng(0).normal(size=(4, inputs))
    found = local_complexity(net, x, radius=0.4)
    assert found.directions == expected
    assert np.array_equal(found.layers, local_complexity(net, x, radius=0.4, directions=expected).layers)
    first = local_complexity_layer1(net, x, radius=0.4)
    assert np.array_equal(first, local_complexity_layer1(net, x, radius=0.4, directions=expected))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"radius": 0.0}, "radius"),
        ({"radius": float("nan")}, "radius"),
        ({"radius": 1.0, "directions": 3}, "directions"),
        ({"radius": 1.0, "directions": [[1.0, 2.0, 3.0]]}, "directions"),
        ({"radius": 1.0, "seed": -1}, "seed"),
    ],
)
def test_bad_arguments_are_one_sentence(arguments, words):
    arguments = {"directions": 2} | arguments
    with pytest.raises(InputError, match=words):
        local_complexity(random_network(0, 2, (3,)), [[0.0, 0.0]], **arguments)
