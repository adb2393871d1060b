"""Evaluating ONNX nodes: the common ones directly, all others by the reference implementation in the onnx package.

Loading that implementation costs more than counting the regions of a small network, hence the short cut.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np


def _gemm(a, b, c=None, *, alpha=1.0, beta=1.0, transA=0, transB=0):
    y = (a.T if transA else a) @ (b.T if transB else b)
    kind = a.dtype.type
    y = y if alpha == 1 else kind(alpha) * y
    return y if c is None else y + (c if beta == 1 else kind(beta) * c)


def _flatten(x, *, axis=1):
    return x.reshape(int(np.prod(x.shape[:axis], dtype=np.int64)), -1)


_PLAIN: dict[str, Callable[..., np.ndarray]] = {
    "Gemm": _gemm,
    "Flatten": _flatten,
    "MatMul": np.matmul,
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Relu": lambda x: np.maximum(x, x.dtype.type(0)),
    "Abs": np.abs,
    "Neg": np.negative,
    "Identity": lambda x: x,
}


def is_plain(graph: Any, opset: int) -> bool:
    """Whether every node can be evaluated without the reference implementation."""
    return opset >= 7 and all(n.op_type in _PLAIN and n.domain in ("", "ai.onnx") for n in graph.node)


def run_plain(
    graph: Any, values: Mapping[str, np.ndarray], attributes: Callable[[Any], dict[str, Any]]
) -> dict[str, np.ndarray]:
    """All results of a plain graph by name; `values` holds the inputs and the initializers."""
    known = dict(values)
    for node in graph.node:
        inputs = [known[name] for name in node.input if name]
        known[node.output[0]] = _PLAIN[node.op_type](*inputs, **attributes(node))
    return known


def evaluator(model: Any, opset: int) -> Any:
    """The reference evaluator, with other implementations of three operators.

    BatchNormalization: before opset 14, inference was told by the number of outputs; the reference implementation
    normalises by the batch then.  MaxPool and AveragePool: it gives wrong shapes for some uneven padding.
    """
    from onnx.reference import ReferenceEvaluator
    from onnx.reference.op_run import OpRun

    class BatchNormalization(OpRun):
        op_domain = ""

        def _run(self, x, scale, shift, mean, var, epsilon=1e-5, **_: Any):
            scale, shift, mean, var = (v.reshape(-1, *[1] * (x.ndim - 2)) for v in (scale, shift, mean, var))
            return (((x - mean) / np.sqrt(var + np.float32(epsilon)) * scale + shift).astype(x.dtype),)

    class MaxPool(OpRun):
        op_domain = ""

        def _run(self, x, **attributes: Any):
            return (max_pool(x, **attributes),)

    class AveragePool(OpRun):
        op_domain = ""

        def _run(self, x, **attributes: Any):
            return (average_pool(x, **attributes),)

    used = {n.op_type for n in model.graph.node if n.domain in ("", "ai.onnx")}
    own = [MaxPool, AveragePool] if opset >= 14 else [MaxPool, AveragePool, BatchNormalization]
    return ReferenceEvaluator(model, new_ops=[op for op in own if op.__name__ in used])


def max_pool(x: np.ndarray, **attributes: Any) -> np.ndarray:
    """ONNX's MaxPool of x (batch, channels, space...)."""
    return functools.reduce(np.maximum, _pooled(x, -np.inf, -np.inf, **attributes))


def average_pool(x: np.ndarray, **attributes: Any) -> np.ndarray:
    """ONNX's AveragePool of x (batch, channels, space...); what `ceil_mode` adds to the padding is never counted."""
    sums = functools.reduce(np.add, _pooled(x, 0.0, 0.0, **attributes))
    inside, padding = np.ones((1, 1, *x.shape[2:])), float(bool(attributes.get("count_include_pad")))
    return (sums / functools.reduce(np.add, _pooled(inside, padding, 0.0, **attributes))).astype(x.dtype)


def _pooled(
    x: np.ndarray, padding: float, beyond: float, *, kernel_shape, strides=None, dilations=None, pads=None,
    auto_pad="", ceil_mode=0, **_,
) -> list[np.ndarray]:  # fmt: skip
    """For every place of the kernel, what it sees from all windows: the input, its padding, or what lies beyond."""
    dims = len(kernel_shape)
    strides, dilations = (np.ones(dims, int) if v is None else np.array(v) for v in (strides, dilations))
    size, reach = np.array(x.shape[2:]), (np.array(kernel_shape) - 1) * dilations + 1
    before, after = np.zeros((2, dims), int) if pads is None else np.array(pads).reshape(2, dims)
    if auto_pad.startswith("SAME"):
        total = np.maximum((-(-size // strides) - 1) * strides + reach - size, 0)
        before = total // 2 if auto_pad == "SAME_UPPER" else total - total // 2
        after = total - before
    elif auto_pad == "VALID":
        before = after = np.zeros(dims, int)
    room = size + before + after - reach
    outs = room // strides + 1
    if ceil_mode and auto_pad in ("", "NOTSET"):
        # One more window where something is left over, unless it starts behind the input.
        outs += (room % strides > 0) & (outs * strides < size + before)
    extra = np.maximum((outs - 1) * strides + reach - size - before - after, 0)
    x = np.pad(x, [(0, 0), (0, 0), *zip(before, after, strict=True)], constant_values=padding)
    x = np.pad(x, [(0, 0), (0, 0), *((0, e) for e in extra)], constant_values=beyond)
    parts = []
    for place in np.ndindex(*kernel_shape):
        first = np.array(place) * dilations
        last = first + (outs - 1) * strides + 1
        parts.append(x[(..., *(slice(a, b, s) for a, b, s in zip(first, last, strides, strict=True)))])
    return parts


def run_node(node: Any, inputs: Mapping[str, np.ndarray], opset: int) -> list[np.ndarray]:
    """Outputs of one node by the reference implementation."""
    import onnx
    from onnx.reference import ReferenceEvaluator

    def infos(names: Any) -> list[Any]:
        return [onnx.ValueInfoProto(name=name) for name in names if name]

    # A node alone would be taken for one of the newest opset, so it gets a model around it.
    graph = onnx.helper.make_graph([node], "node", infos(dict.fromkeys(inputs)), infos(node.output))
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)])
    return [np.asarray(v) for v in ReferenceEvaluator(model).run(None, dict(inputs))]
