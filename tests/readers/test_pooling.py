"""Pooling with uneven padding, where the reference implementation of ONNX gives other shapes than the standard."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, shape_inference
from onnx_models import flat, model, node, numbers

from linregions.errors import InputError
from linregions.readers import read
from linregions.readers.onnx_eval import average_pool, max_pool


def axis_windows(n, k, s, d, p, q, ceil):
    """Window by window, the positions along one axis that lie in the input or its padding; the input starts at 0."""
    starts = range(-p, n + q - (k - 1) * d, s)
    if ceil and starts[-1] + (k - 1) * d + 1 < n + q and starts[-1] + s < n:
        starts = [*starts, starts[-1] + s]
    return [[t for t in (a + i * d for i in range(k)) if t < n + q] for a in starts]


def pooled(x, kind, kernel, *, strides, dilations, pads, ceil_mode=0, count_include_pad=0):
    """The definition, one window after the other; x is (1, 1, height, width)."""
    across = [
        axis_windows(x.shape[2 + a], kernel[a], strides[a], dilations[a], pads[a], pads[2 + a], ceil_mode)
        for a in range(2)
    ]
    out = np.zeros([len(w) for w in across])
    for i, rows in enumerate(across[0]):
        for j, columns in enumerate(across[1]):
            seen = [x[0, 0, r, c] for r in rows for c in columns if 0 <= r < x.shape[2] and 0 <= c < x.shape[3]]
            count = len(rows) * len(columns) if count_include_pad else len(seen)
            out[i, j] = max(seen) if kind == "MaxPool" else sum(seen) / count
    return out[None, None]


pairs = st.lists(st.integers(1, 3), min_size=2, max_size=2)


@given(
    st.sampled_from(["MaxPool", "AveragePool"]), pairs, pairs, pairs,
    st.lists(st.integers(0, 2), min_size=4, max_size=4), st.integers(0, 1), st.integers(0, 1), st.integers(0, 99),
)  # fmt: skip
def test_pooling_is_the_definition(kind, kernel, strides, dilations, pads, ceil, count, seed):
    x = numbers(1, 1, 7, 8, seed=seed, kind=np.float64)
    # Padding as wide as the window is not allowed.
    pads = [min(p, k - 1) for p, k in zip(pads, kernel * 2, strict=True)]
    window = {"strides": strides, "dilations": dilations, "pads": pads, "ceil_mode": ceil}
    if kind == "AveragePool":
        window["count_include_pad"] = count
    try:
        want = pooled(x, kind, kernel, **window)
    except (ValueError, ZeroDivisionError):
        return  # some window lies wholly in the padding
    ours = (max_pool if kind == "MaxPool" else average_pool)(x, kernel_shape=kernel, **window)
    np.testing.assert_allclose(ours, want, rtol=1e-12, atol=1e-12)
    proto = model([node(kind, "x", "y", kernel_shape=kernel, **window)], {}, x.shape, opset=19, kind=TensorProto.DOUBLE)
    np.testing.assert_allclose(flat(read(proto), x), want.ravel(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize(
    "window",
    [
        {"pads": [1, 1, 0, 0], "strides": [1, 1]},
        {"auto_pad": "SAME_LOWER"},
        {"auto_pad": "SAME_UPPER", "strides": [2, 3]},
        {"auto_pad": "SAME_LOWER", "strides": [2, 2], "ceil_mode": 1},
        {"auto_pad": "VALID", "strides": [2, 2]},
        {"pads": [0, 1, 1, 0], "strides": [2, 2], "ceil_mode": 1},
    ],
)
@pytest.mark.parametrize("opset", [12, 19])
def test_shape_is_the_inferred_one(kind, window, opset):
    if opset < 19 and kind == "AveragePool" and "ceil_mode" in window:
        pytest.skip("later opsets say what ceil_mode means")
    shape = [1, 2, 3, 5]
    nodes = [node(kind, "x", "y", kernel_shape=[2, 2], **window)]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    proto = helper.make_model(
        helper.make_graph(nodes, "g", [x], [y]), opset_imports=[helper.make_opsetid("", opset)], ir_version=8
    )
    inferred = shape_inference.infer_shapes(proto).graph.output[0].type.tensor_type.shape.dim
    assert read(proto).output_dim == np.prod([d.dim_value for d in inferred])


def test_valid_leaves_nothing_to_round():
    # The standard's formula: ceil((n - window + 1) / stride) along each axis, whatever ceil_mode says.
    pool = node("MaxPool", "x", "y", kernel_shape=[2, 2], strides=[2, 2], auto_pad="VALID", ceil_mode=1)
    assert read(model([pool], {}, [1, 1, 3, 5])).output_dim == 1 * 2


def test_uneven_padding_after_a_convolution():
    nodes = [
        node("Conv", "x w", "a"),
        node("MaxPool", "a", "b", kernel_shape=[2, 2], strides=[1, 1], pads=[1, 1, 0, 0]),
        node("Relu", "b", "y"),
    ]
    net = read(model(nodes, {"w": numbers(2, 3, 1, 1)}, [1, 3, 3, 5]))
    # Of each channel's 15 windows, the first sees one number and is no unit with pieces.
    assert (net.output_dim, net.unit_count) == (30, 2 * 14 + 30)


def test_window_in_the_padding_is_refused():
    with pytest.raises(InputError, match="wholly in the padding"):
        read(model([node("MaxPool", "x", "y", kernel_shape=[1, 1], pads=[1, 0, 0, 0])], {}, [1, 1, 2, 2]))
