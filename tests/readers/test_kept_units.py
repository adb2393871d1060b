"""Regions belong to the network: units that nothing uses stay, each once and in order."""

from __future__ import annotations

from fractions import Fraction as F
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx_models import model, node, numbers

from linregions.network import Network
from linregions.readers import read

I64 = np.int64
CUT = {k: np.array([v], I64) for k, v in zip("seda", (2, 5, 1, 0), strict=True)}


def widths(net):
    return [net.input_dim, *(s.units for s in net.stages)]


def chain(layers, *, gemm=True):
    """Gemm-Relu-Gemm-... as ONNX, or MatMul-Add-Relu-..."""
    nodes, constants, at = [], {}, "x"
    for k, (w, b) in enumerate(layers):
        constants |= {f"w{k}": np.float32(w) if gemm else np.float32(w).T, f"b{k}": np.float32(b)}
        if gemm:
            nodes.append(node("Gemm", f"{at} w{k} b{k}", f"a{k}", transB=1))
        else:
            nodes += [node("MatMul", f"{at} w{k}", f"m{k}"), node("Add", f"m{k} b{k}", f"a{k}")]
        nodes.append(node("Relu", f"a{k}", at := f"r{k}"))
    nodes.pop()
    return model(nodes, constants, [1, np.shape(layers[0][0])[1]], output=f"a{len(layers) - 1}")


def test_unit_with_zero_outgoing_weights():
    layers = [([[1, 0], [0, 1], [1, 1]], [0, 0, 0]), ([[1, 1, 0]], [0])]
    net = read(chain(layers))
    assert widths(net) == [2, 3, 1]
    assert net.hash == Network.from_arrays(layers).hash


@st.composite
def layers(draw):
    """Weights of a few layers, many of them zero, with zero columns and repeated rows."""
    sizes = draw(st.lists(st.integers(1, 4), min_size=2, max_size=5))
    small, out = st.sampled_from([0, 0, 1, -1, 2]), []
    for columns, rows in pairwise(sizes):
        w = np.array([[draw(small) for _ in range(columns)] for _ in range(rows)])
        w = w[[draw(st.integers(0, rows - 1)) for _ in range(rows)]]
        w[:, [draw(st.booleans()) for _ in range(columns)]] = 0
        out.append((w, np.array([draw(small) for _ in range(rows)])))
    return out


@given(layers(), st.booleans(), st.data())
def test_same_network_as_from_arrays(given_layers, gemm, data):
    net, want = read(chain(given_layers, gemm=gemm)), Network.from_arrays(given_layers)
    assert net.unit_count == want.unit_count
    assert net.hash == want.hash
    x = data.draw(st.lists(st.fractions(-3, 3, max_denominator=7), min_size=net.input_dim, max_size=net.input_dim))
    assert net.exact_pattern(x).tolist() == want.exact_pattern(x).tolist()


FIRST = [node("MatMul", "x w", "m"), node("Relu", "m", "r")]
# name: (nodes after the first layer of eight ReLUs, number of units)
USES = {
    "slice": ([node("Slice", "r s e d", "y")], 8),
    "slice of one node": ([node("Relu", "m", "t"), node("Concat", "r t", "c", axis=1), node("Slice", "c s e d", "y")],
                          16),
    "gather with repetitions": ([node("Gather", "r g", "t", axis=1), node("MatMul", "t v", "y")], 8),
    "split": ([node("Split", "r", "y z", axis=1)], 8),
    "zero factor": ([node("Mul", "r o", "t"), node("Relu", "t", "y")], 16),
    "cancelled": ([node("Sub", "r r", "t"), node("Abs", "t", "y")], 16),
    "output early": ([node("MatMul", "r u", "t"), node("Relu", "t", "q"), node("MatMul", "q u", "p"),
                      node("Add", "p x", "y")], 16),
    "no output": ([node("Abs", "r", "t"), node("Relu", "m", "y")], 8),
    "only its shape": ([node("Abs", "m", "t"), node("Shape", "t", "h"), node("Reshape", "r h", "y")], 8),
    "expanded before": ([node("Tile", "r k", "t"), node("Relu", "t", "y")], 24),
    "max groups": ([node("Reshape", "r i", "t"), node("MaxPool", "t", "p", kernel_shape=[2, 2]),
                    node("Slice", "p a d d", "y")], 11),
    "padded": ([node("Pad", "r f", "t"), node("Relu", "t", "y")], 18),
    "clip and one piece": ([node("Clip", "m lo lo", "t"), node("Clip", "r lo hi", "q"), node("Add", "t q", "y")], 16),
}  # fmt: skip
MORE = {
    "w": numbers(8, 8), "g": np.array([1, 1, 4], I64), "v": numbers(3, 2), "o": np.float32(0),
    "u": np.zeros((8, 8), np.float32), "k": np.array([1, 2], I64), "i": np.array([1, 1, 2, 4], I64),
    "f": np.array([0, 1, 0, 1], I64), "lo": np.float32(-1), "hi": np.float32(1), **CUT,
}  # fmt: skip


@pytest.mark.parametrize("name", USES)
def test_every_unit_of_a_node_that_leads_to_an_output(name):
    nodes, count = USES[name]
    net = read(model([*FIRST, *nodes], MORE, [1, 8]))
    assert net.unit_count == count
    if name != "no output":
        x = numbers(8, seed=3, kind=np.float64)
        assert net.pattern(x)[:8].tolist() == (x @ np.float64(MORE["w"]) > 0).astype(int).tolist()


def test_order_is_that_of_the_flattened_tensors():
    nodes = [
        node("Conv", "x w", "a"),
        node("Relu", "a", "b"),
        node("MaxPool", "b", "c", kernel_shape=[2, 1]),
        node("Transpose", "c", "t", perm=[0, 3, 1, 2]),
        node("Slice", "t s e d", "y"),
    ]
    w = np.zeros((2, 1, 1, 1), np.float32)
    w[0] = 1
    cut = {k: np.array([v], I64) for k, v in zip("sed", (0, 1, 1), strict=True)}
    net = read(model(nodes, {"w": w, **cut}, [1, 1, 3, 4]))
    assert (net.unit_count, net.output_dim) == (24 + 16, 4)
    image = np.arange(12.0)[::-1] - 5
    above = np.maximum(image, 0)
    want = [*(image > 0), *[0] * 12, *(above[4:] > above[:-4]), *[0] * 8]
    assert net.pattern(image).tolist() == want


def test_stages_of_a_layer_of_zeros():
    zero = [(np.ones((2, 2)), [0, 1]), (np.zeros((3, 2)), [1, 0, -1]), (np.ones((1, 3)), [0])]
    net = read(chain(zero))
    assert widths(net) == [2, 2, 3, 1]
    assert net.exact_pattern([F(1), F(-3)]).tolist() == [0, 0, 1, 0, 0]
