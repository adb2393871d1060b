"""ATen operators in terms of `ops`: one small function each, found by name in `HANDLERS`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import ops
from .graph import PRODUCT, QUOTIENT, UNKNOWN, Unsupported, Var, variable
from .wiring import Wiring


@dataclass(frozen=True, eq=False)
class TorchNode:
    """A call in an exported graph, with the values of its arguments."""

    net: Wiring
    node: Any
    operator: str
    args: list[Any]
    kwargs: dict[str, Any]
    label: str

    def get(self, k: int, name: str, default: Any = None) -> Any:
        """An argument by position or by name."""
        if k < len(self.args):
            return self.args[k]
        return self.kwargs.get(name, default)

    @property
    def x(self) -> np.ndarray:
        """Wires of the first argument."""
        return variable(self.args[0])

    def number(self, value: Any) -> np.ndarray:
        """A tensor of weights, or a Python number in the type of the result, as float64."""
        torch: Any = sys.modules["torch"]
        if isinstance(value, Var):
            raise Unsupported("one of its weights depends on the input")
        if isinstance(value, torch.Tensor):
            return ops.finite(value.detach().to("cpu", torch.float64).numpy(), self.label)
        meta = self.node.meta.get("val")
        meta = meta[0] if isinstance(meta, list | tuple) else meta
        kind = torch.float64 if meta is None or not meta.is_floating_point() else meta.dtype
        return np.asarray(torch.tensor(float(value), dtype=kind).to(torch.float64).numpy())

    def optional(self, value: Any) -> np.ndarray | None:
        """The same, or None."""
        return None if value is None else self.number(value)


HANDLERS: dict[str, Callable[[TorchNode], Any]] = {}


def _handles(*names: str):
    def register(function: Callable[[TorchNode], Any]) -> Callable[[TorchNode], Any]:
        HANDLERS.update(dict.fromkeys(names, function))
        HANDLERS.update({f"{n}_": function for n in names if not n.startswith("_")})
        return function

    return register


@_handles("linear")
def _linear(n: TorchNode):
    return ops.linear(n.net, n.x, n.number(n.args[1]), n.optional(n.get(2, "bias")), name=n.label)


@_handles("addmm")
def _addmm(n: TorchNode):
    if n.kwargs.get("beta", 1) != 1 or n.kwargs.get("alpha", 1) != 1:
        raise Unsupported("addmm with alpha or beta is not read")
    y = ops.matmul(n.net, variable(n.args[1]), n.number(n.args[2]), name=n.label)
    return n.net.scale(y, 1.0, n.number(n.args[0]), name=n.label)


@_handles("mm", "matmul", "mv")
def _mm(n: TorchNode):
    a, b = n.args[:2]
    if isinstance(a, Var) and isinstance(b, Var):
        raise Unsupported(PRODUCT)
    if isinstance(a, Var):
        return ops.matmul(n.net, a.wires, n.number(b), name=n.label)
    return ops.matmul(n.net, variable(b), n.number(a), left=True, name=n.label)


def per_axis(value: Any, dims: int) -> list[int]:
    """An option of a window, which may be one number for all axes, as one number per axis."""
    values = [int(v) for v in value] if isinstance(value, list | tuple) else [int(value)]
    return values * dims if len(values) == 1 else values


@_handles("conv1d", "conv2d", "conv3d")
def _conv(n: TorchNode):
    w = n.number(n.args[1])
    dims = w.ndim - 2
    strides, dilations = per_axis(n.get(3, "stride", 1), dims), per_axis(n.get(5, "dilation", 1), dims)
    padding = n.get(4, "padding", 0)
    if isinstance(padding, str):
        begin, end = [0] * dims, [0] * dims
        if padding == "same":
            total = [d * (k - 1) for d, k in zip(dilations, w.shape[2:], strict=True)]
            begin, end = [t // 2 for t in total], [t - t // 2 for t in total]
    else:
        begin = end = per_axis(padding, dims)
    return _batched(n, dims, lambda x: ops.conv(
        n.net, x, w, n.optional(n.get(2, "bias")), strides=strides, begin=begin, end=end, dilations=dilations,
        groups=int(n.get(6, "groups", 1)), name=n.label,
    ))  # fmt: skip


@_handles("convolution")
def _convolution(n: TorchNode):
    _, w, bias, strides, padding, dilations, transposed, _, groups = n.args
    if transposed:
        raise Unsupported("a transposed convolution is not read")
    weight = n.number(w)
    return ops.conv(n.net, n.x, weight, n.optional(bias), strides=list(strides), begin=list(padding), end=list(padding),
                    dilations=list(dilations), groups=int(groups), name=n.label)  # fmt: skip


def _batched(n: TorchNode, dims: int, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Apply a function of (batch, channels, space...) where the batch axis may be missing."""
    return function(n.x) if n.x.ndim == dims + 2 else function(n.x[None])[0]


@_handles("batch_norm", "_native_batch_norm_legit_no_training", "native_batch_norm")
def _batch_norm(n: TorchNode):
    legit = n.operator == "_native_batch_norm_legit_no_training"
    training, eps = (False, n.args[6]) if legit else (n.get(5, "training"), n.get(7, "eps"))
    if training or n.args[3] is None:
        raise Unsupported("it normalises with the statistics of the batch, which is not piecewise linear")
    mean, var = n.number(n.args[3]), n.number(n.args[4])
    scale = np.ones(len(mean)) if n.args[1] is None else n.number(n.args[1])
    shift = np.zeros(len(mean)) if n.args[2] is None else n.number(n.args[2])
    y = ops.batch_norm(n.net, n.x, scale, shift, mean, var, float(n.number(eps)), name=n.label)
    return y if n.operator == "batch_norm" else [y]


@_handles("getitem")
def _getitem(n: TorchNode):
    # Further outputs (indices, saved statistics) matter only where something uses them.
    return n.args[0][n.args[1]] if int(n.args[1]) < len(n.args[0]) else UNKNOWN


@_handles("relu")
def _relu(n: TorchNode):
    return ops.relu(n.net, n.x, name=n.label)


@_handles("relu6")
def _relu6(n: TorchNode):
    return ops.clipped(n.net, n.x, 0.0, 6.0, name=n.label)


@_handles("abs")
def _abs(n: TorchNode):
    return ops.absolute(n.net, n.x, name=n.label)


@_handles("leaky_relu")
def _leaky(n: TorchNode):
    return ops.prelu(n.net, n.x, n.number(n.get(1, "negative_slope", 0.01)), name=n.label)


@_handles("prelu", "_prelu_kernel")
def _prelu(n: TorchNode):
    slope = n.number(n.args[1])
    if slope.ndim == 1 and n.x.ndim > 1:
        slope = slope.reshape([1, -1, *[1] * (n.x.ndim - 2)])
    return ops.prelu(n.net, n.x, slope, name=n.label)


@_handles("hardtanh", "clamp", "clip")
def _clamp(n: TorchNode):
    unit = (-1.0, 1.0) if n.operator == "hardtanh" else (None, None)
    lower, upper = n.get(1, "min_val", n.kwargs.get("min", unit[0])), n.get(2, "max_val", n.kwargs.get("max", unit[1]))
    return _clip(n, lower, upper)


@_handles("clamp_min")
def _clamp_min(n: TorchNode):
    return _clip(n, n.get(1, "min"), None)


@_handles("clamp_max")
def _clamp_max(n: TorchNode):
    return _clip(n, None, n.get(1, "max"))


def _clip(n: TorchNode, lower: Any, upper: Any) -> np.ndarray:
    bounds = [_bound(n, lower, -np.inf), _bound(n, upper, np.inf)]
    return ops.clipped(n.net, n.x, *bounds, name=n.label)


def _bound(n: TorchNode, value: Any, default: float) -> float:
    if value is None or (isinstance(value, float) and np.isinf(value)):
        return default if value is None else float(value)
    number = n.number(value)
    if number.size != 1:
        raise Unsupported("bounds that differ by element are not read; use maximum and minimum")
    return float(number.ravel()[0])


@_handles("hardsigmoid")
def _hardsigmoid(n: TorchNode):
    return ops.hard_sigmoid(n.net, n.x, 1.0, 3.0, 6.0, name=n.label)


@_handles("softshrink")
def _softshrink(n: TorchNode):
    return ops.softshrink(n.net, n.x, float(n.number(n.get(1, "lambd", 0.5))), name=n.label)


def _pool(n: TorchNode, dims: int, first: int) -> tuple[list[int], dict[str, Any]]:
    kernel = per_axis(n.args[1], dims)
    given = n.get(2, "stride")
    strides = per_axis(given, dims) if given not in (None, [], ()) else kernel
    padding = per_axis(n.get(3, "padding", 0), dims)
    dilations = per_axis(n.get(4, "dilation", 1), dims) if first == 5 else [1] * dims
    ceil = bool(n.get(first, "ceil_mode", False))
    return kernel, {
        "strides": strides,
        "begin": padding,
        "end": padding,
        "dilations": dilations,
        "ceil_mode": ceil,
        "name": n.label,
    }


@_handles("max_pool1d", "max_pool2d", "max_pool3d", "max_pool2d_with_indices")
def _max_pool(n: TorchNode):
    dims = int(n.operator[8])
    kernel, window = _pool(n, dims, 5)
    y = _batched(n, dims, lambda x: ops.max_pool(n.net, x, kernel, **window))
    return [y] if n.operator.endswith("indices") else y


@_handles("avg_pool1d", "avg_pool2d", "avg_pool3d")
def _avg_pool(n: TorchNode):
    dims = int(n.operator[8])
    kernel, window = _pool(n, dims, 4)
    count, divisor = bool(n.get(5, "count_include_pad", True)), n.get(6, "divisor_override")
    return _batched(n, dims, lambda x: ops.avg_pool(n.net, x, kernel, count_pad=count, divisor=divisor, **window))


@_handles(
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "_adaptive_avg_pool2d", "adaptive_max_pool1d", "adaptive_max_pool2d"
)
def _adaptive(n: TorchNode):
    dims = int(n.operator[-2])
    outs = per_axis(n.args[1], dims)
    size = n.x.shape[-dims:]
    if any(s % o for s, o in zip(size, outs, strict=True)):
        raise Unsupported(f"adaptive pooling from {tuple(size)} to {tuple(outs)}: only sizes that divide are read")
    kernel = [s // o for s, o in zip(size, outs, strict=True)]
    window = {"strides": kernel, "begin": [0] * dims, "end": [0] * dims, "dilations": [1] * dims, "name": n.label}
    if "max" in n.operator:
        return [_batched(n, dims, lambda x: ops.max_pool(n.net, x, kernel, **window))]
    return _batched(n, dims, lambda x: ops.avg_pool(n.net, x, kernel, **window))


@_handles("amax", "amin", "mean", "sum")
def _reduce(n: TorchNode):
    kind = {"amax": "max", "amin": "min"}.get(n.operator, n.operator)
    axes = n.get(1, "dim")
    axes = [axes] if isinstance(axes, int) else list(axes or [])
    return ops.reduce(n.net, n.x, kind, axes, keepdims=bool(n.get(2, "keepdim", False)), name=n.label)


@_handles("max", "min")
def _max(n: TorchNode):
    if len(n.args) > 1 and isinstance(n.args[1], int):
        keep = bool(n.get(2, "keepdim", False))
        return [ops.reduce(n.net, n.x, n.operator, [n.args[1]], keepdims=keep, name=n.label)]
    if len(n.args) > 1:
        return _extreme(n)
    return ops.reduce(n.net, n.x, n.operator, [], keepdims=False, name=n.label)


@_handles("maximum", "minimum")
def _extreme(n: TorchNode):
    values = [v.wires if isinstance(v, Var) else n.number(v) for v in n.args[:2]]
    return ops.extreme(n.net, values, smallest=n.operator.startswith("min"), name=n.label)


@_handles("add", "sub", "rsub")
def _add(n: TorchNode):
    alpha = n.kwargs.get("alpha", 1)
    signs = {"add": [1.0, 1.0], "sub": [1.0, -1.0], "rsub": [-1.0, 1.0]}[n.operator]
    turned = 0 if n.operator == "rsub" else 1
    values = [v if isinstance(v, Var) else n.number(v) for v in n.args[:2]]
    if alpha != 1:
        factor = n.number(alpha)
        v = values[turned]
        scaled = n.net.scale(v.wires if isinstance(v, Var) else n.net.constant(v), factor, name=n.label)
        values[turned] = Var(scaled)
    shape = np.broadcast_shapes(*(v.shape for v in values))
    ops.check_elements(shape, n.label)
    terms = [(s, np.broadcast_to(v.wires, shape)) for s, v in zip(signs, values, strict=True) if isinstance(v, Var)]
    y = n.net.add(terms, name=n.label) if len(terms) > 1 else n.net.scale(terms[0][1], terms[0][0], name=n.label)
    for sign, v in zip(signs, values, strict=True):
        y = y if isinstance(v, Var) else n.net.scale(y, 1.0, sign * v, name=n.label)
    return y


@_handles("mul")
def _mul(n: TorchNode):
    a, b = n.args[:2]
    if isinstance(a, Var) and isinstance(b, Var):
        raise Unsupported(PRODUCT)
    x, factor = (a.wires, n.number(b)) if isinstance(a, Var) else (b.wires, n.number(a))
    x, factor = np.broadcast_arrays(x, factor)
    return n.net.scale(x, factor, name=n.label)


@_handles("div", "true_divide")
def _div(n: TorchNode):
    if n.kwargs.get("rounding_mode"):
        raise Unsupported("a rounded division is not continuous")
    if isinstance(n.args[1], Var):
        raise Unsupported(QUOTIENT)
    return ops.divide(n.net, n.x, n.number(n.args[1]), name=n.label)


@_handles("neg")
def _neg(n: TorchNode):
    return n.net.scale(n.x, -1.0, name=n.label)


@_handles("constant_pad_nd", "pad")
def _pad(n: TorchNode):
    pads, mode = [int(p) for p in n.args[1]], "constant"
    value = n.get(2, "value", 0)
    if n.operator == "pad":
        mode, value = n.get(2, "mode", "constant"), n.get(3, "value", 0)
    modes = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    if any(p < 0 for p in pads) or mode not in modes:
        raise Unsupported(f"padding {pads} in mode {mode!r} is not read")
    widths = [(0, 0)] * n.x.ndim
    for k in range(len(pads) // 2):
        widths[n.x.ndim - 1 - k] = (pads[2 * k], pads[2 * k + 1])
    if mode != "constant":
        return np.pad(n.x, widths, mode=modes[mode])  # type: ignore[call-overload]
    return np.pad(n.x, widths, constant_values=int(n.net.constant(n.number(value or 0)).ravel()[0]))


MOVES = """
    view _unsafe_view reshape flatten unflatten permute transpose t numpy_T slice select squeeze unsqueeze
    expand expand_as repeat tile index index_select split split_with_sizes chunk unbind narrow clone contiguous alias
    detach lift_fresh_copy roll flip movedim pixel_shuffle pixel_unshuffle channel_shuffle
"""


@_handles(*MOVES.split())
def _move(n: TorchNode):
    """Operators that only move numbers around do the same with wires."""
    torch: Any = sys.modules["torch"]

    def wires(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return type(value)(wires(v) for v in value)
        return torch.from_numpy(np.ascontiguousarray(value.wires)) if isinstance(value, Var) else value

    kwargs = {k: v for k, v in n.kwargs.items() if k not in ("memory_format", "dtype")}
    made = n.node.target(*[wires(a) for a in n.args], **{k: wires(v) for k, v in kwargs.items()})
    return [m.numpy() for m in made] if isinstance(made, list | tuple) else made.numpy()


@_handles("cat", "stack", "concat")
def _cat(n: TorchNode):
    parts = [v.wires if isinstance(v, Var) else n.net.constant(n.number(v)) for v in n.args[0]]
    axis = int(n.get(1, "dim", 0))
    return np.stack(parts, axis=axis) if n.operator == "stack" else np.concatenate(parts, axis=axis)


@_handles("dropout", "feature_dropout", "alpha_dropout", "native_dropout")
def _dropout(n: TorchNode):
    if n.get(2, "train", False):
        raise Unsupported("it is in training mode")
    return [n.x] if n.operator == "native_dropout" else n.x


@_handles("to", "_to_copy", "type_as", "float", "double")
def _to(n: TorchNode):
    meta = n.node.meta.get("val")
    if meta is not None and not meta.is_floating_point():
        raise Unsupported("a cast to integers is not continuous")
    return n.x


@_handles("_assert_tensor_metadata")
def _nothing(n: TorchNode):
    return n.x
