"""ONNX operators in terms of `ops`: one small function each, found by name in `HANDLERS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import ops
from .graph import PRODUCT, QUOTIENT, Unsupported, Var, constant, variable
from .onnx_eval import run_node
from .wiring import Wiring


@dataclass(frozen=True, eq=False)
class Node:
    """An ONNX node with the values of its inputs."""

    net: Wiring
    proto: Any
    inputs: list[Any]
    attributes: dict[str, Any]
    opset: int
    label: str

    def has(self, k: int) -> bool:
        """Whether input `k` is there."""
        return k < len(self.inputs) and self.inputs[k] is not None

    @property
    def x(self) -> np.ndarray:
        """Wires of the first input."""
        return variable(self.inputs[0])

    def weights(self, k: int, what: str) -> np.ndarray:
        """A constant input as finite float64."""
        return ops.finite(constant(self.inputs[k], what), f"{self.label}, {what}")

    def integers(self, k: int, attribute: str) -> list[int] | None:
        """A list that is an input in newer opsets and an attribute in older ones."""
        if self.has(k):
            return [int(v) for v in np.ravel(constant(self.inputs[k], attribute))]
        given = self.attributes.get(attribute)
        return None if given is None else [int(v) for v in np.ravel(given)]


HANDLERS: dict[str, Callable[[Node], Any]] = {}


def _handles(*names: str):
    def register(function: Callable[[Node], Any]) -> Callable[[Node], Any]:
        HANDLERS.update(dict.fromkeys(names, function))
        return function

    return register


@_handles("Gemm")
def _gemm(n: Node):
    flag, net = n.attributes.get, n.net
    alpha, beta = float(flag("alpha", 1.0)), float(flag("beta", 1.0))
    a, b = n.inputs[:2]
    if isinstance(a, Var) and isinstance(b, Var):
        raise Unsupported(PRODUCT)
    turn = [bool(flag("transA", 0)), bool(flag("transB", 0))]
    if isinstance(a, Var):
        w, x = n.weights(1, "weight"), a.wires
        y = ops.matmul(net, x.T if turn[0] else x, w.T if turn[1] else w, name=n.label)
    else:
        w, x = n.weights(0, "weight"), variable(b)
        y = ops.matmul(net, x.T if turn[1] else x, w.T if turn[0] else w, left=True, name=n.label)
    y = net.scale(y, alpha, name=n.label)
    if not n.has(2) or beta == 0:
        return y
    c = n.inputs[2]
    if isinstance(c, Var):
        return net.add([(1.0, y), (1.0, np.broadcast_to(net.scale(c.wires, beta), y.shape))], name=n.label)
    shift = np.broadcast_to(n.weights(2, "bias"), y.shape)
    if beta == 1:
        return net.scale(y, 1.0, shift, name=n.label)
    # beta * C need not be a float64: the product is left to the network.
    return net.add([(1.0, y), (1.0, net.scale(net.constant(shift), beta))], name=n.label)


@_handles("MatMul")
def _matmul(n: Node):
    a, b = n.inputs
    if isinstance(a, Var) and isinstance(b, Var):
        raise Unsupported(PRODUCT)
    if isinstance(a, Var):
        return ops.matmul(n.net, a.wires, n.weights(1, "weight"), name=n.label)
    return ops.matmul(n.net, variable(b), n.weights(0, "weight"), left=True, name=n.label)


def _total(n: Node, signs: list[float]) -> np.ndarray:
    """Signed sum of variable and constant tensors."""
    shape = np.broadcast_shapes(*(np.shape(v.wires if isinstance(v, Var) else v) for v in n.inputs))
    ops.check_elements(shape, n.label)
    terms, shifts = [], []
    for k, (value, sign) in enumerate(zip(n.inputs, signs, strict=True)):
        if isinstance(value, Var):
            terms.append((sign, np.broadcast_to(value.wires, shape)))
        else:
            shifts.append(sign * n.weights(k, "constant"))
    y = n.net.scale(terms[0][1], terms[0][0]) if len(terms) == 1 else n.net.add(terms, name=n.label)
    for shift in shifts:
        y = n.net.scale(y, 1.0, shift, name=n.label)
    return y


@_handles("Add", "Sum")
def _add(n: Node):
    return _total(n, [1.0] * len(n.inputs))


@_handles("Sub")
def _sub(n: Node):
    return _total(n, [1.0, -1.0])


@_handles("Mean")
def _mean(n: Node):
    return n.net.scale(_total(n, [1.0] * len(n.inputs)), divisor=float(len(n.inputs)), name=n.label)


@_handles("Mul")
def _mul(n: Node):
    a, b = n.inputs
    if isinstance(a, Var) and isinstance(b, Var):
        raise Unsupported(PRODUCT)
    x, factor = (a, n.weights(1, "factor")) if isinstance(a, Var) else (b, n.weights(0, "factor"))
    shape = np.broadcast_shapes(x.shape, factor.shape)
    ops.check_elements(shape, n.label)
    return n.net.scale(np.broadcast_to(x.wires, shape), factor, name=n.label)


@_handles("Div")
def _div(n: Node):
    if isinstance(n.inputs[1], Var):
        raise Unsupported(QUOTIENT)
    return ops.divide(n.net, n.x, n.weights(1, "divisor"), name=n.label)


@_handles("Neg")
def _neg(n: Node):
    return n.net.scale(n.x, -1.0, name=n.label)


def _window(n: Node, kernel: list[int]) -> dict[str, Any]:
    """strides, dilations, begin and end of a convolution or pooling."""
    get, dims = n.attributes.get, len(kernel)
    strides, dilations = list(get("strides", [1] * dims)), list(get("dilations", [1] * dims))
    pads, mode = list(get("pads", [0] * 2 * dims)), get("auto_pad", b"NOTSET")
    mode = mode.decode() if isinstance(mode, bytes) else mode
    begin, end = pads[:dims], pads[dims:]
    if mode not in ("NOTSET", ""):
        begin, end = ops.pads_for(n.x.shape[2:], kernel, strides, dilations, mode)
    if any(v < 0 for v in [*begin, *end]):
        raise Unsupported("negative padding is not read")
    if any(v < 1 for v in [*strides, *dilations, *kernel]) or len(begin) != dims or len(end) != dims:
        raise Unsupported("its strides, dilations, pads or kernel do not describe a window")
    return {"strides": strides, "dilations": dilations, "begin": begin, "end": end}


def _ceil(n: Node) -> bool:
    """Whether sizes are rounded up; the formulas of `auto_pad` leave nothing to round."""
    return bool(n.attributes.get("ceil_mode", 0)) and n.attributes.get("auto_pad", b"NOTSET") in (b"NOTSET", b"")


@_handles("Conv")
def _conv(n: Node):
    w = n.weights(1, "weight")
    bias = n.weights(2, "bias") if n.has(2) else None
    where = _window(n, list(w.shape[2:]))
    return ops.conv(n.net, n.x, w, bias, groups=int(n.attributes.get("group", 1)), name=n.label, **where)


@_handles("MaxPool")
def _max_pool(n: Node):
    if len([o for o in n.proto.output if o]) > 1:
        raise Unsupported("its output of indices is not continuous")
    kernel, ceil = list(n.attributes["kernel_shape"]), _ceil(n)
    return ops.max_pool(n.net, n.x, kernel, ceil_mode=ceil, name=n.label, **_window(n, kernel))


@_handles("AveragePool")
def _average_pool(n: Node):
    kernel, get = list(n.attributes["kernel_shape"]), n.attributes.get
    flags = {"ceil_mode": _ceil(n), "count_pad": bool(get("count_include_pad", 0))}
    return ops.avg_pool(n.net, n.x, kernel, name=n.label, **flags, **_window(n, kernel))


@_handles("GlobalAveragePool", "GlobalMaxPool")
def _global_pool(n: Node):
    kind = "mean" if n.proto.op_type == "GlobalAveragePool" else "max"
    return ops.reduce(n.net, n.x, kind, range(2, n.x.ndim), keepdims=True, name=n.label)


@_handles("ReduceMax", "ReduceMin", "ReduceSum", "ReduceMean")
def _reduce(n: Node):
    axes = n.integers(1, "axes")
    if not axes and n.attributes.get("noop_with_empty_axes", 0):
        return n.x
    kind = n.proto.op_type.removeprefix("Reduce").lower()
    return ops.reduce(n.net, n.x, kind, axes or [], keepdims=bool(n.attributes.get("keepdims", 1)), name=n.label)


@_handles("BatchNormalization")
def _batch_norm(n: Node):
    get = n.attributes.get
    if get("training_mode", 0) or len([o for o in n.proto.output if o]) > 1:
        raise Unsupported("it is in training mode; export the model in eval mode")
    if not get("spatial", 1):
        raise Unsupported("spatial=0 is not read")
    scale, shift, mean, var = (n.weights(k, what) for k, what in enumerate(("scale", "B", "mean", "var"), start=1))
    epsilon = float(get("epsilon", np.float32(1e-5)))
    return ops.batch_norm(n.net, n.x, scale, shift, mean, var, epsilon, name=n.label)


@_handles("Relu")
def _relu(n: Node):
    return ops.relu(n.net, n.x, name=n.label)


@_handles("Abs")
def _abs(n: Node):
    return ops.absolute(n.net, n.x, name=n.label)


@_handles("LeakyRelu")
def _leaky(n: Node):
    return ops.prelu(n.net, n.x, np.array(n.attributes.get("alpha", np.float32(0.01))), name=n.label)


@_handles("PRelu")
def _prelu(n: Node):
    return ops.prelu(n.net, n.x, n.weights(1, "slope"), name=n.label)


@_handles("Clip")
def _clip(n: Node):
    bounds = []
    for k, (what, default) in enumerate((("min", -np.inf), ("max", np.inf)), start=1):
        given = constant(n.inputs[k], what) if n.has(k) else n.attributes.get(what, default)
        bounds.append(float(np.ravel(given)[0]) if np.size(given) else default)
    # The standard's default bounds are the largest finite floats of the type, which stand for "no bound".
    kinds = [np.asarray(v).dtype for v in n.inputs[1:] if isinstance(v, np.ndarray) and v.dtype.kind == "f"]
    huge = float(np.finfo(kinds[0] if kinds else np.float32).max)
    lower = -np.inf if bounds[0] <= -huge else bounds[0]
    upper = np.inf if bounds[1] >= huge else bounds[1]
    return ops.clipped(n.net, n.x, lower, upper, name=n.label)


@_handles("HardSigmoid")
def _hard_sigmoid(n: Node):
    alpha, beta = (float(n.attributes.get(k, np.float32(v))) for k, v in (("alpha", 0.2), ("beta", 0.5)))
    return ops.hard_sigmoid(n.net, n.x, alpha, beta, name=n.label)


@_handles("Shrink")
def _shrink(n: Node):
    width, bias = float(n.attributes.get("lambd", 0.5)), float(n.attributes.get("bias", 0.0))
    if width != bias or width < 0:
        raise Unsupported("Shrink is continuous only where bias = lambd")
    return ops.softshrink(n.net, n.x, width, name=n.label)


@_handles("Max", "Min")
def _extreme(n: Node):
    values = [v.wires if isinstance(v, Var) else n.weights(k, "constant") for k, v in enumerate(n.inputs)]
    return ops.extreme(n.net, values, smallest=n.proto.op_type == "Min", name=n.label)


@_handles("Identity")
def _identity(n: Node):
    return n.x


@_handles("Dropout")
def _dropout(n: Node):
    if n.has(2) and bool(np.any(constant(n.inputs[2], "training mode"))):
        raise Unsupported("it is in training mode; export the model in eval mode")
    return n.x


@_handles("Cast", "CastLike")
def _cast(n: Node):
    if n.proto.op_type == "Cast" and n.attributes["to"] not in (1, 10, 11, 16):
        raise Unsupported("a cast to integers is not continuous")
    return n.x


@_handles("Shape", "Size")
def _shape(n: Node):
    if n.proto.op_type == "Size":
        return np.array(n.x.size, dtype=np.int64)
    return np.array(n.x.shape[n.attributes.get("start", 0) : n.attributes.get("end")], dtype=np.int64)


@_handles("Flatten")
def _flatten(n: Node):
    axis = int(n.attributes.get("axis", 1))
    return n.x.reshape(int(np.prod(n.x.shape[:axis], dtype=np.int64)), -1)


@_handles("Reshape")
def _reshape(n: Node):
    shape = n.integers(1, "shape") or []
    if not n.attributes.get("allowzero", 0):
        shape = [n.x.shape[k] if v == 0 else v for k, v in enumerate(shape)]
    return n.x.reshape(shape)


@_handles("Transpose")
def _transpose(n: Node):
    return np.transpose(n.x, n.attributes.get("perm"))


@_handles("Concat")
def _concat(n: Node):
    parts = [v.wires if isinstance(v, Var) else n.net.constant(n.weights(k, "part")) for k, v in enumerate(n.inputs)]
    return np.concatenate(parts, axis=int(n.attributes["axis"]))


@_handles(
    "Slice",
    "Split",
    "Squeeze",
    "Unsqueeze",
    "Gather",
    "GatherElements",
    "GatherND",
    "Expand",
    "Tile",
    "DepthToSpace",
    "SpaceToDepth",
)
def _move(n: Node):
    """Operators that only move numbers around do the same with wires."""
    if n.proto.op_type in ("Expand", "Tile") and n.has(1):
        check_growth(n.proto.op_type, n.x.shape, constant(n.inputs[1], "shape"), n.label)
    feeds = {name: constant(v, name) for name, v in list(zip(n.proto.input, n.inputs, strict=True))[1:] if name}
    return run_node(n.proto, {n.proto.input[0]: n.x, **feeds}, n.opset)


def check_growth(operator: str, shape: tuple[int, ...], argument: np.ndarray, where: str) -> None:
    """Refuse an Expand or Tile whose result would not fit."""
    asked = [int(v) for v in np.ravel(argument)]
    sizes = np.broadcast_shapes(shape, tuple(asked)) if operator == "Expand" else [int(np.prod(shape)), *asked]
    ops.check_elements(sizes, where)


@_handles("Pad")
def _pad(n: Node):
    mode = n.attributes.get("mode", b"constant")
    mode = mode.decode() if isinstance(mode, bytes) else mode
    pads = n.integers(1, "pads") or []
    axes = [int(a) for a in np.ravel(constant(n.inputs[3], "axes"))] if n.has(3) else list(range(n.x.ndim))
    if any(p < 0 for p in pads):
        raise Unsupported("negative padding is not read")
    widths = [(0, 0)] * n.x.ndim
    for k, a in enumerate(axes):
        widths[a] = (pads[k], pads[k + len(axes)])
    ops.check_elements([s + p + q for s, (p, q) in zip(n.x.shape, widths, strict=True)], n.label)
    if mode != "constant":
        if mode not in ("edge", "reflect", "wrap"):
            raise Unsupported(f"padding mode {mode!r} is not known")
        return np.pad(n.x, widths, mode=mode)  # type: ignore[call-overload]
    value = n.weights(2, "value") if n.has(2) else np.array(float(n.attributes.get("value", 0.0)))
    return np.pad(n.x, widths, constant_values=int(n.net.constant(value).ravel()[0]))
