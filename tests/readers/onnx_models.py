"""Small ONNX graphs for the tests of the reader."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper


def node(op: str, inputs: str, outputs: str, **attributes):
    """A node from space-separated names; `_` is an empty name."""
    split = [["" if n == "_" else n for n in names.split()] for names in (inputs, outputs)]
    return helper.make_node(op, *split, name=attributes.pop("name", ""), **attributes)


def model(nodes, constants, shape, *, opset=17, kind=TensorProto.FLOAT, output="y"):
    """A model with the input x and the output y."""
    tensors = [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()]
    inputs = [helper.make_tensor_value_info("x", kind, shape)]
    outputs = [helper.make_tensor_value_info(name, kind, None) for name in output.split()]
    graph = helper.make_graph(list(nodes), "g", inputs, outputs, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def numbers(*shape, seed=0, kind=np.float32):
    """Normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(kind)


def flat(net, x):
    """The network at a tensor of one batch."""
    return net(np.asarray(x, dtype=np.float64).ravel())


def same(model_proto, net, *, shape, kind=np.float32, seed=5, count=4):
    """The network's and the reference implementation's outputs agree."""
    from onnx.reference import ReferenceEvaluator

    evaluator = ReferenceEvaluator(model_proto)
    for k in range(count):
        x = 3 * numbers(*shape, seed=seed + k, kind=kind)
        theirs = np.concatenate([np.ravel(v) for v in evaluator.run(None, {"x": x})])
        np.testing.assert_allclose(flat(net, x), theirs, rtol=2e-4, atol=2e-4)
