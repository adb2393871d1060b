"""The intermediate representation: values, patterns, affine maps, hashes, refusals."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from linregions import InputError, Network, PiecewiseLinear, Stage
from linregions.activations import ABS, IDENTITY, RELU, MaxGroups, UnitActivations, clip, leaky_relu

FUNCTIONS = [RELU, ABS, IDENTITY, leaky_relu(0.25), leaky_relu(-1.0), clip(0.0, 6.0), clip(-1.0, 1.0)]
FUNCTIONS.append(PiecewiseLinear((-1.0, 0.5, 2.0), (0.5, -1.0, 0.0, 2.0), 0.25))
seeds = st.integers(0, 2**32 - 1)


def random_stage(rng: np.random.Generator, inputs: int, *, small: bool) -> Stage:
    """A dense or sparse stage of any kind; `small` takes integers in -2..2, which make ties and zeros."""
    rows = int(rng.integers(1, 6))
    draw = (lambda *s: rng.integers(-2, 3, s).astype(float)) if small else (lambda *s: rng.normal(size=s))
    weight, bias = draw(rows, inputs), draw(rows)
    divisor = rng.integers(1, 10, rows).astype(float) if rng.random() < 0.3 else None
    if rng.random() < 0.3:
        cuts = np.flatnonzero(rng.random(rows - 1) < 0.5) + 1
        activation = MaxGroups(np.array([0, *cuts, rows]))
    else:
        activation = UnitActivations.of([FUNCTIONS[k] for k in rng.integers(0, len(FUNCTIONS), rows)])
    return Stage(csr_array(weight) if rng.random() < 0.5 else weight, bias, activation, divisor)


def random_network(seed: int) -> tuple[Network, np.random.Generator]:
    rng = np.random.default_rng(seed)
    small = bool(rng.random() < 0.5)
    stages = [random_stage(rng, int(rng.integers(1, 4)), small=small)]
    for _ in range(int(rng.integers(0, 3))):
        stages.append(random_stage(rng, stages[-1].units, small=small))
    return Network(tuple(stages)), rng


def random_points(net: Network, rng: np.random.Generator, count: int = 8) -> np.ndarray:
    """Half of them on a coarse grid, where ties and breakpoints are."""
    grid = rng.integers(-4, 5, (count, net.input_dim)) / 2
    return np.concatenate([grid, rng.normal(size=(count, net.input_dim))])


def rationals(x) -> list[Fraction]:
    return [Fraction(float(v)) for v in x]


@given(seeds)
def test_float_values_are_close_to_rational_values(seed):
    net, rng = random_network(seed)
    x = random_points(net, rng)
    exact = [[float(v) for v in net.exact_values(rationals(p))] for p in x]
    np.testing.assert_allclose(net(x), exact, rtol=1e-9, atol=1e-9)


@given(seeds)
def test_patterns_are_the_rational_ones(seed):
    net, rng = random_network(seed)
    x = random_points(net, rng)
    patterns = net.pattern(x)
    assert patterns.shape == (len(x), net.unit_count)
    assert patterns.dtype == np.int32
    assert np.all(patterns < net.pieces)
    for point, pattern in zip(x, patterns, strict=True):
        np.testing.assert_array_equal(pattern, net.exact_pattern(rationals(point)))


@given(seeds)
def test_the_affine_map_of_a_pattern_is_the_function_there(seed):
    net, rng = random_network(seed)
    for point in random_points(net, rng, 3):
        pattern = net.pattern(point)
        slope, offset = net.exact_affine_map(pattern)
        exact = rationals(point)
        values = [
            sum((a * v for a, v in zip(row, exact, strict=True)), c) for row, c in zip(slope, offset, strict=True)
        ]
        assert values == net.exact_values(exact)
        float_slope, float_offset = net.affine_map(pattern)
        assert float_slope.shape == (net.output_dim, net.input_dim)
        np.testing.assert_allclose(float_slope, [[float(v) for v in r] for r in slope], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(float_offset, [float(v) for v in offset], rtol=1e-9, atol=1e-9)


@given(seeds)
def test_dense_and_sparse_are_one_network(seed):
    net, rng = random_network(seed)
    other = Network(tuple(turned(s) for s in net.stages))
    x = random_points(net, rng)
    assert other.hash == net.hash
    assert repr(other) == repr(net)
    np.testing.assert_array_equal(other.pattern(x), net.pattern(x))
    np.testing.assert_allclose(other(x), net(x), rtol=1e-12, atol=1e-12)


def turned(stage: Stage) -> Stage:
    weight = stage.weight.toarray() if hasattr(stage.weight, "tocsr") else csr_array(stage.weight)
    return Stage(weight, stage.bias, stage.activation, stage.divisor, stage.name)


@given(seeds)
def test_leading_axes_are_kept(seed):
    net, rng = random_network(seed)
    x = random_points(net, rng, 3)
    np.testing.assert_allclose(net(x.reshape(2, 3, -1)), net(x).reshape(2, 3, -1), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(net.pattern(x.reshape(2, 3, -1)), net.pattern(x).reshape(2, 3, -1))
    np.testing.assert_allclose(net(x[0]), net(x)[0], rtol=1e-12, atol=1e-12)


def test_a_breakpoint_belongs_to_the_piece_on_its_left():
    net = Network.from_arrays([([[1.0], [-1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
    assert net.pattern([0.0]).tolist() == [0, 0]
    assert net.pattern([5e-324]).tolist() == [1, 0]
    assert net.pattern([-5e-324]).tolist() == [0, 1]


def test_a_tie_of_a_max_group_goes_to_the_lowest_row():
    net = Network((Stage([[1.0], [1.0], [-1.0]], [0.0, 0.0, 0.0], MaxGroups(np.array([0, 3]))),))
    assert net.pattern([1.0]).tolist() == [0]
    assert net.pattern([0.0]).tolist() == [0]
    assert net.pattern([-1.0]).tolist() == [2]


def test_a_sign_that_floating_point_gets_wrong():
    # The doubles 0.1, 0.2 and 0.3 do not add up; the other sum is 1, and float64 loses it.
    weight = [[0.1, 0.2, -0.3], [-0.1, -0.2, 0.3]]
    net = Network.from_arrays([(weight, [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
    exact = Fraction(0.1) + Fraction(0.2) - Fraction(0.3)
    assert net.pattern([1.0, 1.0, 1.0]).tolist() == [int(exact > 0), int(exact < 0)]
    cancelling = Network.from_arrays([([[1e16, 1.0, -1e16]], [0.0]), ([[1.0]], [0.0])])
    assert cancelling.pattern([1.0, 1.0, 1.0]).tolist() == [1]


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_extreme_weights(scale):
    net = Network.from_arrays([([[scale], [-scale]], [0.0, scale]), ([[scale, scale]], [0.0]), ([[1.0]], [0.0])])
    for x in (-1.0, 0.0, 0.5, 1.0, 2.0):
        np.testing.assert_array_equal(net.pattern([x]), net.exact_pattern([Fraction(x)]))


def test_counts_and_repr():
    net = Network.from_arrays([(np.ones((3, 2)), np.zeros(3)), (np.ones((1, 3)), np.zeros(1))], activation="hardtanh")
    assert (net.input_dim, net.output_dim, net.unit_count) == (2, 1, 3)
    assert net.pieces.tolist() == [3, 3, 3]
    assert repr(net) == "Network 2-3-1, 3 units with pieces (3 clip)"
    linear = Network.from_arrays([(np.ones((1, 2)), np.zeros(1))])
    assert repr(linear) == "Network 2-1, 0 units with pieces"
    assert linear.pattern(np.zeros((4, 2))).shape == (4, 0)
    mixed = Stage(np.ones((3, 1)), np.zeros(3), UnitActivations.of([RELU, ABS, PiecewiseLinear((0.0,), (3.0, 1.0))]))
    pooled = Stage(np.ones((3, 3)), np.zeros(3), MaxGroups(np.array([0, 2, 3])))
    assert repr(Network((mixed, pooled))) == "Network 1-3-2, 4 units with pieces (1 relu, 1 abs, 1 2-piece, 1 max)"


def test_one_activation_per_layer():
    layers = [(np.eye(1), [0.0]), (np.eye(1), [0.0]), (np.eye(1), [0.0])]
    net = Network.from_arrays(layers, activation=["abs", leaky_relu(0.5)], output="relu")
    assert [s.activation.functions[0].name for s in net.stages] == ["abs", "leaky_relu", "relu"]
    assert net([[-3.0]]).tolist() == [[3.0]]


def test_float32_weights_are_the_numbers_they_are():
    w = np.array([[np.float32(0.1)]])
    net = Network.from_arrays([(w, np.zeros(1, np.float32))])
    assert net.exact_values([Fraction(1)]) == [Fraction(float(np.float32(0.1)))]


def test_rational_points_in_every_spelling():
    net = Network.from_arrays([([[1.0]], [0.0])])
    for point in (["1/3"], [Fraction(1, 3)]):
        assert net.exact_values(point) == [Fraction(1, 3)]
    for point in (np.array([2]), np.array([2.0], np.float32), [2], [np.float64(2)]):
        assert net.exact_values(point) == [Fraction(2)]


def test_a_divisor_divides_exactly():
    stage = Stage([[1.0]], [0.0], UnitActivations.uniform(IDENTITY, 1), divisor=[9.0])
    assert Network((stage,)).exact_values([Fraction(1)]) == [Fraction(1, 9)]
    assert Stage([[1.0]], [0.0], UnitActivations.uniform(IDENTITY, 1), divisor=[1.0]).divisor is None


class TestHash:
    layers = ([[1.0, 2.0], [0.0, -1.0]], [0.5, 0.0]), ([[1.0, 1.0]], [0.0])

    def test_it_depends_on_content_alone(self):
        net = Network.from_arrays(self.layers)
        assert len(net.hash) == 64
        assert Network.from_arrays(self.layers, source="elsewhere").hash == net.hash
        single = [(np.array(w, np.float32), np.array(b, np.float32)) for w, b in self.layers]
        assert Network.from_arrays(single).hash == net.hash

    def test_negative_zero_is_zero(self):
        (w, _), last = self.layers
        assert Network.from_arrays([(w, [0.5, -0.0]), last]).hash == Network.from_arrays(self.layers).hash
        negative = [[1.0, 2.0], [-0.0, -1.0]]
        assert Network.from_arrays([(negative, [0.5, 0.0]), last]).hash == Network.from_arrays(self.layers).hash

    def test_every_part_matters(self):
        (w, b), (w2, b2) = self.layers
        variants = [
            Network.from_arrays(self.layers),
            Network.from_arrays([([[1.0, 2.0], [-1.0, 0.0]], b), (w2, b2)]),
            Network.from_arrays([(w, [0.0, 0.5]), (w2, b2)]),
            Network.from_arrays(self.layers, activation="abs"),
            Network.from_arrays(self.layers, output="relu"),
            Network(
                (
                    Stage(w, b, UnitActivations.uniform(RELU, 2), divisor=[3.0, 1.0]),
                    Network.from_arrays([(w2, b2)]).stages[0],
                )
            ),
            Network((Stage(w, b, MaxGroups(np.array([0, 2]))),)),
            Network((Stage(w, b, MaxGroups(np.array([0, 1, 2]))),)),
        ]
        assert len({n.hash for n in variants}) == len(variants)


def test_arrays_are_copied_and_locked():
    w = np.eye(2)
    net = Network.from_arrays([(w, [0.0, 0.0])])
    before = net.hash
    w[0, 0] = 5.0
    assert net.stages[0].weight[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        net.stages[0].weight[0, 0] = 2.0
    with pytest.raises(ValueError, match="read-only"):
        net.stages[0].bias[0] = 2.0
    assert Network(net.stages).hash == before


UNIT = UnitActivations.uniform(RELU, 1)
ONE = [([[1.0]], [0.0])]
NET = Network.from_arrays([*ONE, *ONE])

REFUSED = [
    (lambda: Network(()), "network: at least one layer is needed, got none"),
    (
        lambda: Network.from_arrays([(np.ones((3, 2)), np.zeros(3)), (np.ones((1, 4)), np.zeros(1))]),
        "network: layer 1 (shape 3 x 2) gives 3 values, but layer 2 (shape 1 x 4) takes 4; make the shapes chain",
    ),
    (
        lambda: Network.from_arrays([(np.ones((3, 0)), np.zeros(3))]),
        "network: the first layer takes no inputs; a network needs at least one",
    ),
    (
        lambda: Network.from_arrays([([1.0, 2.0], [0.0])]),
        "layer 1: weight must have two axes (out, in), got shape (2,)",
    ),
    (
        lambda: Network.from_arrays([([[1.0]], [0.0, 1.0])]),
        "layer 1: bias must have shape (1,) to match the weight's rows, got (2,)",
    ),
    (
        lambda: Network.from_arrays([([[np.nan]], [0.0])]),
        "layer 1: weight: contains NaN or infinity; every number must be finite",
    ),
    (
        lambda: Network.from_arrays([*ONE, ([[1.0]], [np.inf])]),
        "layer 2: bias: contains NaN or infinity; every number must be finite",
    ),
    (
        lambda: Network.from_arrays([([[1.0, 2.0], [1.0]], [0.0, 0.0])]),
        "layer 1: weight: the rows have unequal lengths; give a rectangular array",
    ),
    (lambda: Network.from_arrays([([[1j]], [0.0])]), "layer 1: weight: expected real numbers, got dtype complex128"),
    (
        lambda: Network.from_arrays([(np.array([[None]]), [0.0])]),
        "layer 1: weight: expected real numbers, got dtype object",
    ),
    (
        lambda: Network.from_arrays([(np.array([[2**53 + 1]]), [0.0])]),
        "layer 1: weight: dtype int64 holds numbers that no float64 is; round them first",
    ),
    (
        lambda: Network.from_arrays([*ONE, *ONE], activation="tanh"),
        "activation: unknown name 'tanh'; use one of identity, linear, relu, abs, relu6, hardtanh or a PiecewiseLinear",
    ),
    (
        lambda: Network.from_arrays([*ONE, *ONE], activation=["relu", "relu"]),
        "activation: give one for each of 1 hidden layer, got 2",
    ),
    (
        lambda: Stage([1.0], [0.0], UNIT, name="fc"),
        "layer fc: weight must have two axes (rows, inputs), got shape (1,)",
    ),
    (
        lambda: Stage([[1.0]], [0.0], UNIT, divisor=[0.0], name="fc"),
        "layer fc: divisor must be 1 positive number, got shape (1,)",
    ),
    (
        lambda: Stage([[1.0], [1.0]], [0.0, 0.0], MaxGroups(np.array([0, 1])), name="pool"),
        "layer pool: max groups must split the 2 rows into non-empty runs",
    ),
    (
        lambda: Stage([[1.0], [1.0]], [0.0, 0.0], UNIT),
        "layer: activation must give one function for each of 2 rows, got 1",
    ),
    (lambda: Network(None), "network: stages must be a sequence of Stage, got None"),
    (lambda: Network((1,)), "network: stage 1 must be a Stage, got 1; Network.from_arrays takes arrays"),
    (lambda: Network.from_arrays([]), "network: at least one layer is needed, got none"),
    (lambda: Network.from_arrays(None), "layers: expected pairs [(W, b), ...], got None"),
    (lambda: Network.from_arrays(5), "layers: expected pairs [(W, b), ...], got 5"),
    (lambda: Network.from_arrays("abc"), "layers: expected pairs [(W, b), ...], got 'abc'"),
    (lambda: Network.from_arrays([1, 2]), "layer 1: expected a pair (W, b), got 1"),
    (lambda: Network.from_arrays([([[1]], [0], 1)]), "layer 1: expected a pair (W, b), got ([[1]], [0], 1)"),
    (
        lambda: Network.from_arrays(ONE, activation=3),
        "activation: expected a name or a PiecewiseLinear, got 3; "
        "use one of identity, linear, relu, abs, relu6, hardtanh or a PiecewiseLinear",
    ),
    (
        lambda: Network.from_arrays(ONE, output=None),
        "output: expected a name or a PiecewiseLinear, got None; "
        "use one of identity, linear, relu, abs, relu6, hardtanh or a PiecewiseLinear",
    ),
    (
        lambda: Stage([[1.0]], [0.0], "relu"),
        "layer: activation must be UnitActivations or MaxGroups, got 'relu'; "
        "UnitActivations.uniform(function, rows) gives every row the same function",
    ),
    (
        lambda: Stage([[1.0]], [0.0], None),
        "layer: activation must be UnitActivations or MaxGroups, got None; "
        "UnitActivations.uniform(function, rows) gives every row the same function",
    ),
    (lambda: NET.pattern([np.nan]), "x: contains NaN or infinity; every number must be finite"),
    (lambda: NET([[np.inf]]), "x: contains NaN or infinity; every number must be finite"),
    (lambda: NET.pattern("a"), "x: expected real numbers, got dtype <U1"),
    (lambda: NET.exact_values([1, 2]), "point: expected one number for each of the network's inputs (1), got 2"),
    (lambda: NET.exact_pattern([np.nan]), "point: every entry must be a finite rational number, got [nan]"),
    (lambda: NET.exact_values(["1/0"]), "point: every entry must be a finite rational number, got ['1/0']"),
    (lambda: NET.exact_pattern([None]), "point: every entry must be a finite rational number, got [None]"),
    (lambda: NET.exact_values(3), "point: expected 1 number, got 3"),
    (lambda: NET.affine_map([0.5]), "pattern: piece indices must be integers, got dtype float64"),
    (lambda: NET([[1.0, 2.0]]), "x: the last axis must have the network's 1 input, got shape (1, 2)"),
    (lambda: NET.pattern(1.0), "x: the last axis must have the network's 1 input, got shape ()"),
    (lambda: NET.affine_map([0, 0]), "pattern: expected 1 piece index, got shape (2,)"),
    (
        lambda: NET.exact_affine_map([2]),
        "pattern: a piece index is outside its unit's pieces; take patterns from net.pattern(x)",
    ),
]


@pytest.mark.parametrize(("build", "sentence"), REFUSED, ids=[s[:60] for _, s in REFUSED])
def test_refused(build, sentence):
    with pytest.raises(InputError) as caught:
        build()
    assert str(caught.value) == sentence


def test_products_that_underflow_under_a_small_divisor_are_doubtful():
    # Each product is 2.4e-324, which rounds to 0; three of them outweigh the bias of -4.9e-324.
    stage = Stage(np.full((1, 3), 1e-200), [-5e-324], UnitActivations.uniform(RELU, 1), divisor=[1e-300])
    net = Network((stage, Stage([[1.0]], [0.0], UnitActivations.uniform(IDENTITY, 1))))
    x = [2.4e-124] * 3
    exact = net.exact_pattern([Fraction(v) for v in x])
    assert exact.tolist() == [1]
    assert net.pattern(x).tolist() == exact.tolist()
