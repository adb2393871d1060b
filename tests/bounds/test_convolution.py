"""Convolutions: the formula, brute force over all subsets, and the engine on torch and ONNX convolutions agree."""

from __future__ import annotations

import math
import time
from itertools import chain, combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from readers.onnx_models import model, node

from linregions import Space, bounds, count
from linregions.bounds.bound import ConditionError
from linregions.bounds.convolution import Convolution, convolution_layer, convolution_lower, convolution_upper
from linregions.errors import InputError
from linregions.readers import read

# The seven one-layer values of the literature, then strides, channels and more filters than the window has numbers.
KNOWN = [
    ((1, 3, 1), Convolution((1, 2), 1), 4),
    ((1, 3, 1), Convolution((1, 2), 2), 15),
    ((2, 2, 1), Convolution((2, 2), 5), 31),
    ((3, 3, 1), Convolution((2, 2), 1), 16),
    ((1, 4, 1), Convolution((1, 2), 3), 217),
    ((2, 3, 1), Convolution((2, 2), 3), 64),
    ((1, 5, 1), Convolution((1, 3), 2), 63),
]
MORE = [
    ((1, 6, 1), Convolution((1, 2), 3, (1, 2))),
    ((2, 2, 2), Convolution((1, 2), 4)),
    ((3, 3, 1), Convolution((2, 3), 3)),
    ((4, 4, 1), Convolution((2, 2), 1)),
    ((3, 4, 1), Convolution((2, 2), 1, (1, 2))),
]
CASES = [case[:2] for case in KNOWN] + MORE


def brute_force(shape, layer):
    """The sum as it is written: every t, and for each every set of positions."""
    height, width, channels = shape
    rows, columns, filters = layer.output(shape)
    windows = [
        {
            (i * layer.stride[0] + a, j * layer.stride[1] + b, c)
            for a in range(layer.kernel[0])
            for b in range(layer.kernel[1])
            for c in range(channels)
        }
        for i in range(rows)
        for j in range(columns)
    ]
    assert all(a < height and b < width for a, b, _ in chain(*windows))
    places = range(len(windows))
    subsets = [s for n in range(1, len(windows) + 1) for s in combinations(places, n)]
    room = {s: len(set().union(*(windows[i] for i in s))) for s in subsets}
    total = 0
    for t in product(range(filters + 1), repeat=len(windows)):
        if all(sum(t[i] for i in s) <= room[s] for s in subsets):
            total += math.prod(math.comb(filters, v) for v in t)
    return total


def generic(shape, layer, seed):
    """Filters (out, in, height, width) and biases of random integers."""
    rng = np.random.default_rng(seed)
    size = (layer.filters, shape[2], *layer.kernel)
    return rng.integers(-200, 201, size=size).astype(np.float64), rng.integers(-200, 201, size=layer.filters).astype(
        float
    )


def from_torch(shape, layer, weight, bias):
    torch = pytest.importorskip("torch")
    conv = torch.nn.Conv2d(shape[2], layer.filters, layer.kernel, stride=layer.stride)
    with torch.no_grad():
        conv.weight.copy_(torch.from_numpy(weight))
        conv.bias.copy_(torch.from_numpy(bias))
    return read(torch.nn.Sequential(conv, torch.nn.ReLU()), input_shape=(shape[2], shape[0], shape[1]))


def onnx_convolution(shape, layer, weight, bias):
    conv = node("Conv", "x w b", "z", strides=list(layer.stride), kernel_shape=list(layer.kernel))
    constants = {"w": weight.astype(np.float32), "b": bias.astype(np.float32)}
    return read(model([conv, node("Relu", "z", "y")], constants, [1, shape[2], shape[0], shape[1]]))


def regions(net):
    return count(net, Space(net.input_dim)).value


@pytest.mark.parametrize(("shape", "layer", "value"), KNOWN)
def test_published_values(shape, layer, value):
    b = convolution_layer(shape, layer)
    assert (b.value, b.direction, b.proven) == (value, "upper", True)
    assert b.attained == (layer.filters == 1 or layer.kernel == shape[:2])
    assert convolution_upper(shape, [layer]).value == convolution_lower(shape, [layer]).value == value


def test_published_values_of_two_layers():
    layers = [Convolution((1, 2), 2), Convolution((1, 2), 2)]
    assert convolution_lower((1, 3, 1), layers).value == 16
    assert convolution_lower((1, 3, 1), layers).proven  # the last layer has one position
    assert convolution_upper((1, 3, 1), layers).value == 60


@pytest.mark.parametrize(("shape", "layer"), CASES)
def test_formula_is_brute_force_over_subsets(shape, layer):
    assert convolution_layer(shape, layer).value == brute_force(shape, layer)


@given(st.data())
@settings(max_examples=60)
def test_formula_is_brute_force_on_random_sizes(data):
    shape = (data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4)), data.draw(st.integers(1, 2)))
    kernel = (data.draw(st.integers(1, shape[0])), data.draw(st.integers(1, shape[1])))
    stride = (data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3)))
    layer = Convolution(kernel, data.draw(st.integers(1, 3)), stride)
    rows, columns, filters = layer.output(shape)
    if (filters + 1) ** (rows * columns) * 2 ** (rows * columns) < 10**5:
        assert convolution_layer(shape, layer).value == brute_force(shape, layer)


@pytest.mark.parametrize(("shape", "layer"), CASES)
@pytest.mark.parametrize("reader", ["torch", "onnx"])
def test_formula_is_the_count_of_the_convolution_that_is_read(shape, layer, reader):
    make = {"torch": from_torch, "onnx": onnx_convolution}[reader]
    expected = convolution_layer(shape, layer).value
    counts = [regions(make(shape, layer, *generic(shape, layer, seed))) for seed in range(2)]
    assert counts == [expected, expected]


@pytest.mark.parametrize("seed", range(4))
def test_shared_weights_can_make_the_maximum_smaller(seed):
    """Two 2x2 filters on 3x3 inputs: their 8 normals are dependent (g f = f g), so 255 is the most, not 256."""
    shape, layer = (3, 3, 1), Convolution((2, 2), 2)
    net = onnx_convolution(shape, layer, *generic(shape, layer, seed))
    bound = convolution_layer(shape, layer)
    assert bound.value == brute_force(shape, layer) == 256
    assert not bound.attained
    assert bounds.architecture_of(net).layers[0].rank == 7
    assert regions(net) == bounds.serra_2018(net).value == 255
    deep = [Convolution((1, 1), 1), layer]
    assert not convolution_lower(shape, deep).proven
    assert convolution_upper(shape, deep).proven


@given(st.integers(0, 2**32 - 1), st.sampled_from(CASES))
@settings(max_examples=20)
def test_special_weights_never_have_more(seed, case):
    shape, layer = case
    rng = np.random.default_rng(seed)
    weight = rng.integers(-1, 2, size=(layer.filters, shape[2], *layer.kernel)).astype(float)
    net = onnx_convolution(shape, layer, weight, rng.integers(-1, 2, size=layer.filters).astype(float))
    assert regions(net) <= convolution_layer(shape, layer).value


@pytest.mark.parametrize("seed", [0, 1, 229])
def test_two_layers_stay_between_the_bounds(seed):
    layers = [Convolution((1, 2), 2), Convolution((1, 2), 2)]
    nets = [onnx_convolution((1, 3, 1), layers[0], *generic((1, 3, 1), layers[0], seed))]
    nets.append(onnx_convolution((1, 2, 2), layers[1], *generic((1, 2, 2), layers[1], seed)))
    deep = type(nets[0])((*nets[0].stages, *nets[1].stages))
    assert 1 < regions(deep) <= 60
    assert seed != 229 or regions(deep) >= 16  # some network attains the lower bound
    # As a fully connected net with ranks, it has a bound of its own.
    assert regions(deep) <= bounds.serra_2018(deep).value


def test_windows_in_a_row_and_in_a_grid_are_counted_alike():
    """The same windows, told as one row or hidden from the shortcut by a second direction of stride."""
    from linregions.bounds.convolution import _in_a_grid, _windows

    for shape, layer in [((1, 6, 1), Convolution((1, 3), 3)), ((2, 5, 1), Convolution((2, 2), 4, (1, 2)))]:
        assert convolution_layer(shape, layer).value == _in_a_grid(_windows(shape, layer), layer.filters)


def test_a_window_over_everything_is_a_fully_connected_layer():
    for shape, filters in [((2, 3, 1), 9), ((28, 28, 3), 40), ((1, 1, 50), 60)]:
        b = convolution_layer(shape, Convolution(shape[:2], filters))
        assert b.value == bounds.serra_2018(f"{math.prod(shape)};{filters}").value


def test_windows_that_do_not_overlap_multiply():
    one = bounds.serra_2018("4;6").value
    assert convolution_layer((4, 8, 1), Convolution((2, 2), 6, (2, 2))).value == one**8


def test_records_name_the_layers():
    b = convolution_upper((3, 3, 1), [Convolution((2, 2), 1), Convolution((2, 2), 4, 1)])
    assert b.architecture == "conv 3x3x1, 1 filter 2x2, 4 filters 2x2"
    assert b.bounds_definition("linear")
    assert convolution_layer((5, 5, 1), Convolution((3, 3), 1, 2)).architecture == "conv 5x5x1, 1 filter 3x3 by 2x2"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: convolution_layer((3, 3), Convolution((2, 2), 1)), InputError, r"\(height, width, channels\)"),
        (lambda: convolution_layer((3, 0, 1), Convolution((2, 2), 1)), InputError, "input_shape: width"),
        (lambda: convolution_layer((3, 3, 1), Convolution((2, 4), 1)), InputError, "exceeds the input's width 3"),
        (lambda: convolution_layer((3, 3, 1), "2x2"), InputError, "expected a Convolution"),
        (lambda: Convolution((2,), 1), InputError, "two whole numbers"),
        (lambda: Convolution((2, 2), 0), InputError, "filters"),
        (lambda: Convolution((2, 2), 1, (0, 1)), InputError, "stride"),
        (lambda: convolution_upper((3, 3, 1), []), InputError, "one Convolution or more"),
        (
            lambda: convolution_lower((1, 3, 2), [Convolution((1, 2), 1), Convolution((1, 2), 2)]),
            ConditionError,
            "layer 1 needs at least as many filters",
        ),
        (lambda: convolution_layer((28, 28, 1), Convolution((5, 5), 4)), InputError, "too large"),
        (lambda: convolution_layer((8, 8, 1), Convolution((3, 3), 4)), InputError, "overlap too much"),
        (lambda: convolution_layer((1, 10**4, 100), Convolution((1, 500), 10**4)), InputError, "too many"),
    ],
)
def test_refusals_come_soon(call, error, message):
    start = time.perf_counter()
    with pytest.raises(error, match=message):
        call()
    assert time.perf_counter() - start < 20
