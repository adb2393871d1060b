"""Every ONNX operator against the reference implementation, which is independent of the reader."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_models import model, node, numbers, same

from linregions.readers import read

I64 = np.int64
W = numbers(6, 5, seed=1)
K = numbers(4, 3, 3, 3, seed=2)

# name: (nodes, constants, input shape, opset)
CASES = {
    "gemm": ([node("Gemm", "x w c", "y", transB=1)], {"w": W, "c": numbers(6, seed=3)}, [1, 5], 17),
    "gemm alpha beta": (
        [node("Gemm", "x w c", "y", alpha=0.3, beta=0.7)],
        {"w": W.T.copy(), "c": numbers(6, seed=3)},
        [1, 5],
        17,
    ),
    "gemm double": (
        [node("Gemm", "x w c", "y", alpha=0.3, beta=0.7)],
        {"w": numbers(5, 6, kind=np.float64), "c": numbers(6, kind=np.float64)},
        [1, 5],
        17,
    ),
    "gemm transA": ([node("Gemm", "x w c", "y", transA=1)], {"w": W.T.copy(), "c": numbers(1, seed=3)}, [5, 1], 17),
    "gemm left": ([node("Gemm", "w x", "y", transB=1)], {"w": W}, [1, 5], 17),
    "matmul": ([node("MatMul", "x w", "y")], {"w": W.T.copy()}, [1, 5], 17),
    "matmul left": ([node("MatMul", "w x", "y")], {"w": W}, [5, 2], 17),
    "matmul vector": ([node("MatMul", "x w", "y")], {"w": W[0]}, [3, 5], 17),
    "matmul batched": ([node("MatMul", "x w", "y")], {"w": W.T.copy()}, [1, 3, 5], 17),
    "matmul stacked": ([node("MatMul", "x w", "y")], {"w": numbers(2, 5, 3)}, [2, 4, 5], 17),
    "matmul left vector": ([node("MatMul", "w x", "y")], {"w": W[0]}, [5, 2], 17),
    "add": ([node("Add", "x c", "y")], {"c": W[:1]}, [1, 5], 17),
    "add broadcast": ([node("Add", "c x", "y")], {"c": W}, [1, 5], 17),
    "sub": ([node("Sub", "x c", "y")], {"c": W[:1]}, [1, 5], 17),
    "sub from": ([node("Sub", "c x", "y")], {"c": W[:1]}, [1, 5], 17),
    "mul": ([node("Mul", "x c", "y")], {"c": W[:1]}, [1, 5], 17),
    "div": ([node("Div", "x c", "y")], {"c": W[:1]}, [1, 5], 17),
    "neg": ([node("Neg", "x", "y")], {}, [1, 5], 17),
    "sum": ([node("Relu", "x", "r"), node("Sum", "x r c x", "y")], {"c": W[:1]}, [1, 5], 17),
    "mean": ([node("Relu", "x", "r"), node("Mean", "x r c", "y")], {"c": W[:1]}, [1, 5], 17),
    "add self": ([node("Add", "x x", "y")], {}, [1, 5], 17),
    "sub self": ([node("Sub", "x x", "a"), node("Relu", "a", "b"), node("Add", "b x", "y")], {}, [1, 5], 17),
    "conv": ([node("Conv", "x w c", "y", pads=[1, 1, 1, 1])], {"w": K, "c": numbers(4)}, [1, 3, 6, 5], 17),
    "conv strided": (
        [node("Conv", "x w", "y", strides=[2, 1], pads=[0, 1, 2, 0], dilations=[1, 2])],
        {"w": K},
        [1, 3, 7, 8],
        17,
    ),
    "conv same upper": ([node("Conv", "x w", "y", strides=[2, 2], auto_pad="SAME_UPPER")], {"w": K}, [1, 3, 6, 5], 17),
    "conv same lower": ([node("Conv", "x w", "y", strides=[2, 2], auto_pad="SAME_LOWER")], {"w": K}, [1, 3, 6, 5], 17),
    "conv valid": ([node("Conv", "x w", "y", auto_pad="VALID")], {"w": K}, [1, 3, 6, 5], 17),
    "conv groups": (
        [node("Conv", "x w c", "y", group=2)],
        {"w": numbers(4, 2, 2, 2), "c": numbers(4)},
        [1, 4, 4, 4],
        17,
    ),
    "conv depthwise": ([node("Conv", "x w", "y", group=3)], {"w": numbers(6, 1, 2, 2)}, [1, 3, 4, 4], 17),
    "conv 1d": ([node("Conv", "x w", "y", strides=[2])], {"w": numbers(2, 3, 3)}, [1, 3, 9], 17),
    "conv 3d": ([node("Conv", "x w", "y")], {"w": numbers(2, 1, 2, 2, 2)}, [1, 1, 3, 4, 3], 17),
    "conv of upsampled": (
        [node("Expand", "x s", "e"), node("Reshape", "e t", "u"), node("Conv", "u w", "y")],
        {"s": np.array([1, 1, 3, 3, 2], I64), "t": np.array([1, 1, 9, 2], I64), "w": numbers(2, 1, 2, 2)},
        [1, 1, 3, 3, 1],
        17,
    ),
    "conv of input padded with ones": (
        [node("Pad", "x p v", "e"), node("Conv", "e w", "y")],
        {"p": np.array([0, 0, 1, 1, 0, 0, 1, 1], I64), "v": np.float32(1.5), "w": K},
        [1, 3, 3, 3],
        17,
    ),
    "batch norm": (
        [node("BatchNormalization", "x s b m v", "y")],
        {"s": numbers(3), "b": numbers(3, seed=1), "m": numbers(3, seed=2), "v": numbers(3, seed=3) ** 2},
        [1, 3, 2, 2],
        17,
    ),
    "conv batch norm relu": (
        [node("Conv", "x w", "a"), node("BatchNormalization", "a s b m v", "n", epsilon=0.01), node("Relu", "n", "y")],
        {"w": K, "s": numbers(4), "b": numbers(4, seed=1), "m": numbers(4, seed=2), "v": numbers(4, seed=3) ** 2},
        [1, 3, 4, 4],
        15,
    ),
    "average pool": (
        [node("AveragePool", "x", "y", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 1, 1, 0])],
        {},
        [1, 2, 6, 6],
        17,
    ),
    "average pool count": (
        [node("AveragePool", "x", "y", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)],
        {},
        [1, 2, 5, 5],
        17,
    ),
    "global average": ([node("GlobalAveragePool", "x", "y")], {}, [1, 2, 3, 5], 17),
    "global max": ([node("GlobalMaxPool", "x", "y")], {}, [1, 2, 3, 5], 17),
    "max pool": (
        [node("MaxPool", "x", "y", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])],
        {},
        [1, 2, 6, 7],
        17,
    ),
    "max pool ceil": (
        [node("MaxPool", "x", "y", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)],
        {},
        [1, 2, 5, 5],
        17,
    ),
    "max pool dilated": ([node("MaxPool", "x", "y", kernel_shape=[2, 2], dilations=[2, 2])], {}, [1, 1, 5, 5], 17),
    "max pool same": (
        [node("MaxPool", "x", "y", kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_UPPER")],
        {},
        [1, 1, 5, 5],
        17,
    ),
    "conv max pool relu": (
        [node("Conv", "x w", "c"), node("MaxPool", "c", "m", kernel_shape=[2, 2]), node("Relu", "m", "y")],
        {"w": K},
        [1, 3, 6, 6],
        17,
    ),
    "relu": ([node("Relu", "x", "y")], {}, [1, 5], 7),
    "leaky": ([node("LeakyRelu", "x", "y", alpha=0.2)], {}, [1, 5], 17),
    "leaky default": ([node("LeakyRelu", "x", "y")], {}, [1, 5], 17),
    "prelu": ([node("PRelu", "x s", "y")], {"s": numbers(3, 1, 1)}, [1, 3, 2, 2], 17),
    "clip": ([node("Clip", "x a b", "y")], {"a": np.float32(-1), "b": np.float32(2)}, [1, 5], 17),
    "clip upper": ([node("Clip", "x _ b", "y")], {"b": np.float32(2)}, [1, 5], 17),
    "clip attributes": ([node("Clip", "x", "y", min=0.0, max=6.0)], {}, [1, 5], 9),
    "clip open": ([node("Clip", "x", "y", min=0.0)], {}, [1, 5], 9),
    "abs": ([node("Abs", "x", "y")], {}, [1, 5], 17),
    "hard sigmoid": ([node("HardSigmoid", "x", "y")], {}, [1, 5], 17),
    "hard sigmoid numbers": ([node("HardSigmoid", "x", "y", alpha=-0.3, beta=0.1)], {}, [1, 5], 17),
    "shrink": ([node("Shrink", "x", "y", lambd=0.7, bias=0.7)], {}, [1, 5], 17),
    "max": ([node("Neg", "x", "n"), node("Max", "x n c", "y")], {"c": W[:1]}, [1, 5], 17),
    "min": ([node("MatMul", "x w", "n"), node("Min", "x n c", "y")], {"w": W[:5], "c": W[:1]}, [1, 5], 17),
    "max constant": ([node("Max", "x c", "y")], {"c": W[:1]}, [1, 5], 17),
    "reduce max": ([node("ReduceMax", "x", "y", axes=[1], keepdims=0)], {}, [1, 4, 3], 17),
    "reduce min": ([node("ReduceMin", "x", "y", axes=[-1])], {}, [1, 4, 3], 17),
    "reduce mean": ([node("ReduceMean", "x", "y", axes=[1, 2])], {}, [1, 4, 3], 17),
    "reduce sum": ([node("ReduceSum", "x a", "y")], {"a": np.array([2], I64)}, [1, 4, 3], 17),
    "flatten": ([node("Flatten", "x", "y")], {}, [1, 4, 3], 17),
    "reshape": (
        [node("Reshape", "x s", "r"), node("MatMul", "r w", "y")],
        {"s": np.array([0, -1], I64), "w": numbers(12, 2)},
        [1, 4, 3],
        17,
    ),
    "squeeze": ([node("Squeeze", "x a", "y")], {"a": np.array([0], I64)}, [1, 4, 1, 3], 17),
    "squeeze old": ([node("Squeeze", "x", "y", axes=[2])], {}, [1, 4, 1, 3], 11),
    "unsqueeze": ([node("Unsqueeze", "x a", "y")], {"a": np.array([1], I64)}, [1, 4], 17),
    "unsqueeze old": ([node("Unsqueeze", "x", "y", axes=[0, 2])], {}, [1, 4], 11),
    "transpose": (
        [node("Transpose", "x", "t", perm=[0, 2, 1]), node("MatMul", "t w", "y")],
        {"w": numbers(4, 2)},
        [1, 4, 3],
        17,
    ),
    "concat": (
        [node("Relu", "x", "r"), node("Concat", "r x c", "k", axis=1), node("MatMul", "k w", "y")],
        {"c": W[:1], "w": numbers(15, 3)},
        [1, 5],
        17,
    ),
    "split": (
        [node("Split", "x s", "a b", axis=1), node("Relu", "a", "r"), node("Sub", "r b", "y")],
        {"s": np.array([3, 3], I64)},
        [1, 6],
        17,
    ),
    "split old": ([node("Split", "x", "a b", axis=1, split=[2, 4]), node("Relu", "b", "y")], {}, [1, 6], 11),
    "slice": (
        [node("Slice", "x a b c d", "y")],
        {"a": np.array([-1], I64), "b": np.array([0], I64), "c": np.array([1], I64), "d": np.array([-2], I64)},
        [1, 6],
        17,
    ),
    "slice old": ([node("Slice", "x", "y", starts=[1], ends=[4], axes=[1])], {}, [1, 6], 9),
    "gather": ([node("Gather", "x i", "y", axis=1)], {"i": np.array([2, 0, 2], I64)}, [1, 6], 17),
    "pad": ([node("Pad", "x p", "q"), node("Relu", "q", "y")], {"p": np.array([0, 1, 0, 2], I64)}, [1, 6], 17),
    "pad value": ([node("Pad", "x p v", "y")], {"p": np.array([0, 1, 0, 2], I64), "v": np.float32(-2.5)}, [1, 6], 17),
    "pad reflect": ([node("Pad", "x p", "y", mode="reflect")], {"p": np.array([0, 1, 0, 2], I64)}, [1, 6], 17),
    "pad edge old": ([node("Pad", "x", "y", mode="edge", pads=[0, 1, 0, 2])], {}, [1, 6], 10),
    "tile": (
        [node("Tile", "x r", "t"), node("MatMul", "t w", "y")],
        {"r": np.array([1, 2], I64), "w": numbers(10, 3)},
        [1, 5],
        17,
    ),
    "depth to space": ([node("DepthToSpace", "x", "y", blocksize=2)], {}, [1, 8, 2, 3], 17),
    "identity": ([node("Identity", "x", "y")], {}, [1, 6], 17),
    "dropout": ([node("Dropout", "x", "y")], {}, [1, 6], 17),
    "cast": ([node("Cast", "x", "y", to=11)], {}, [1, 6], 17),
    "residual": (
        [
            node("MatMul", "x w", "a"),
            node("Relu", "a", "b"),
            node("MatMul", "b w", "c"),
            node("Add", "c x", "d"),
            node("Relu", "d", "y"),
        ],
        {"w": W[:5]},
        [1, 5],
        17,
    ),
    "residual conv": (
        [node("Conv", "x w", "a", pads=[1, 1, 1, 1]), node("Add", "a x", "b"), node("Relu", "b", "y")],
        {"w": numbers(3, 3, 3, 3)},
        [1, 3, 4, 4],
        17,
    ),
    "shared preactivation": (
        [
            node("MatMul", "x w", "a"),
            node("Relu", "a", "b"),
            node("Abs", "a", "c"),
            node("Add", "b c", "d"),
            node("Sub", "d a", "y"),
        ],
        {"w": W[:5]},
        [1, 5],
        17,
    ),
    "relu beside max": (
        [node("Relu", "x", "a"), node("Neg", "x", "n"), node("Max", "x n", "b"), node("Add", "a b", "y")],
        {},
        [1, 5],
        17,
    ),
    "constant shapes": (
        [
            node("Shape", "x", "s"),
            node("Gather", "s i", "g"),
            node("Unsqueeze", "g z", "u"),
            node("Concat", "u m", "t", axis=0),
            node("Reshape", "x t", "y"),
        ],
        {"i": np.array(0, I64), "z": np.array([0], I64), "m": np.array([-1], I64)},
        [1, 4, 3],
        17,
    ),
    "scaled weights": (
        [node("Mul", "w h", "v"), node("MatMul", "x v", "y")],
        {"w": W[:5], "h": np.float32(0.1)},
        [1, 5],
        17,
    ),
    "normalised input": (
        [node("Sub", "x m", "a"), node("Div", "a d", "b"), node("MatMul", "b w", "c"), node("Relu", "c", "y")],
        {"m": numbers(5, seed=9), "d": np.float32(3), "w": W[:5]},
        [1, 5],
        17,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_operator(name):
    nodes, constants, shape, opset = CASES[name]
    kind = np.float64 if name == "gemm double" else np.float32
    proto = model(nodes, constants, shape, opset=opset, kind=11 if kind == np.float64 else 1)
    before = proto.SerializeToString()
    net = read(proto)
    assert net.input_dim == int(np.prod(shape))
    same(proto, net, shape=shape, kind=kind)
    assert proto.SerializeToString() == before


@pytest.mark.parametrize("opset", range(7, 24))
def test_every_opset(opset):
    nodes = [
        node("Conv", "x w", "a"),
        node("Relu", "a", "b"),
        node("MaxPool", "b", "c", kernel_shape=[2, 2]),
        node("Flatten", "c", "d"),
        node("Gemm", "d v e", "y"),
    ]
    proto = model(nodes, {"w": K, "v": numbers(36, 2), "e": numbers(2)}, [1, 3, 6, 6], opset=opset)
    same(proto, read(proto), shape=[1, 3, 6, 6])


def test_symbolic_batch_axis_is_one():
    proto = model([node("Relu", "x", "y")], {}, ["N", 5])
    assert read(proto).input_dim == 5


def test_several_outputs_follow_one_another():
    proto = model([node("Relu", "x", "a"), node("Neg", "x", "b")], {}, [1, 2], output="a b")
    np.testing.assert_array_equal(read(proto)([1.0, -2.0]), [1, 0, -1, 2])


@pytest.mark.parametrize(("kind", "dtype"), [(10, np.float16), (11, np.float64)])
def test_other_float_types(kind, dtype):
    w = numbers(5, 3, kind=dtype)
    net = read(model([node("MatMul", "x w", "a"), node("Relu", "a", "y")], {"w": w}, [1, 5], kind=kind))
    np.testing.assert_array_equal(net.stages[0].weight, w.T.astype(np.float64))


def test_bfloat16_weights():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    w = numbers(5, 3).astype(ml_dtypes.bfloat16)
    nodes = [node("Cast", "w", "v", to=1), node("MatMul", "x v", "y")]
    net = read(model(nodes, {"w": w}, [1, 5]))
    np.testing.assert_array_equal(net.stages[0].weight, w.T.astype(np.float64))


def test_old_batch_normalisation_is_inference():
    # The reference implementation takes it for training before opset 14, so the newer graph is the reference here.
    nodes, constants, shape, _ = CASES["conv batch norm relu"]
    new, *old = (read(model(nodes, constants, shape, opset=k)) for k in (15, 7, 9, 13))
    assert {net.hash for net in old} == {new.hash}
