"""Evaluating ONNX nodes: the common ones directly, all others by the reference implementation in the onnx package.

Loading that implementation costs more than counting the regions of a small network, hence the short cut.
"""

from __future__ import annotations

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
    """The reference evaluator, with batch normalisation in inference mode whatever the opset.

    Before opset 14, inference was told by the number of outputs; the reference implementation normalises
    by the batch then.
    """
    from onnx.reference import ReferenceEvaluator
    from onnx.reference.op_run import OpRun

    if opset >= 14 or not any(n.op_type == "BatchNormalization" for n in model.graph.node):
        return ReferenceEvaluator(model)

    class BatchNormalization(OpRun):
        op_domain = ""

        def _run(self, x, scale, shift, mean, var, epsilon=1e-5, **_: Any):
            scale, shift, mean, var = (v.reshape(-1, *[1] * (x.ndim - 2)) for v in (scale, shift, mean, var))
            return (((x - mean) / np.sqrt(var + np.float32(epsilon)) * scale + shift).astype(x.dtype),)

    return ReferenceEvaluator(model, new_ops=[BatchNormalization])


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
