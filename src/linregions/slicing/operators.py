"""ATen operators on the affine maps of many cells at once, with rigorous bounds on the rounding errors.

A value of the network on a cell is `c + s a + t b` for the slice's coordinates (s, t) in [-1, 1]^2.  A `State` holds
the rows c, a, b of every entry of a tensor, and as a fourth row a bound e on their errors together: wherever (s, t) is
on the slice, the entry is known up to e.  Beside it stands a bound N on the 2-norm of all these errors at one (s, t).

A linear operator W with rows w acts on the three rows as it is.  With m = |c| + |a| + |b|, and g the constant of the
rounding of a sum of products (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1), an entry of the
result is known up to the smaller of

* `sum |w_i| (e_i + g m_i)`, the operator with absolute weights: the better one where w sees few entries;
* `|w| N + g |w| |m|` with 2-norms over the entries that w sees (Cauchy-Schwarz),

and N becomes `|W|_2 N` and the 2-norm of what the rounding adds.  The first alone grows by about the square root of the
number of inputs with each layer, far faster than errors do.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..activations import ABS, RELU, PiecewiseLinear, clip, leaky_relu
from ..errors import InputError
from ..readers.graph import PRODUCT, QUOTIENT, Unsupported
from ..readers.ops import _nearest, finite
from ..readers.torch_ops import _MOVES, _tuple
from .spectral import convolution_norm, matrix_norm

# Covers the rounding of a bound itself.
_UP = 1.01


@dataclass(frozen=True, eq=False)
class State:
    """Rows c, a, b and the error bound of a tensor on many cells, (cells, 4, *shape of the tensor)."""

    rows: Any
    norm: Any  # (cells,)

    @property
    def affine(self) -> Any:
        """The rows c, a, b."""
        return self.rows[:, :3]

    @property
    def error(self) -> Any:
        """The bound of their errors."""
        return self.rows[:, 3]

    @cached_property
    def size(self) -> Any:
        """|c| + |a| + |b|, which bounds the value on the slice."""
        return self.affine.abs().sum(1)

    @property
    def unit(self) -> float:
        """Unit roundoff of the type."""
        return sys.modules["torch"].finfo(self.rows.dtype).eps / 2

    @property
    def tiny(self) -> float:
        """Far above what underflow can lose, far below everything else."""
        return 1e-140 if self.unit < 1e-10 else 1e-17

    def rounding(self, terms: int) -> Any:
        """What a sum of so many products adds to the errors, for weights 1; 0 only where all is 0."""
        return (terms + 8) * self.unit * self.size + self.tiny * ((self.size > 0) | (self.error > 0))

    def take(self, which: Any) -> State:
        """Some of the cells."""
        return State(self.rows[which], self.norm[which])


@dataclass(frozen=True, eq=False)
class Units:
    """Activations about to be applied: entry k of the flattened `state` gets `functions[index[k]]`."""

    node: Any
    state: State
    functions: tuple[PiecewiseLinear, ...]
    index: np.ndarray

    @cached_property
    def pieces(self) -> np.ndarray:
        """Number of pieces of every entry."""
        return np.array([f.pieces for f in self.functions], dtype=np.int64)[self.index]


@dataclass(frozen=True, eq=False)
class Call:
    """A step with the values of its arguments: states, tensors of weights, plain numbers."""

    node: Any
    operator: str
    args: list[Any]
    kwargs: dict[str, Any]
    label: str
    memo: dict[Any, Any]  # of the step, so that weights are prepared once

    def kept(self, key: Any, make: Callable[[], Any]) -> Any:
        """A value that depends on weights alone, made when the step runs first."""
        if key not in self.memo:
            self.memo[key] = make()
        return self.memo[key]

    def get(self, k: int, name: str, default: Any = None) -> Any:
        """An argument by position or by name."""
        return self.args[k] if k < len(self.args) else self.kwargs.get(name, default)

    @property
    def x(self) -> State:
        """The first argument, which must depend on the input."""
        if not isinstance(self.args[0], State):
            raise Unsupported("its input is a constant where a variable tensor was expected")
        return self.args[0]

    def weight(self, value: Any, like: State) -> Any:
        """Weights, or a Python number in the type of the result, in the type and on the device of a state."""
        torch: Any = sys.modules["torch"]
        key = id(value) if isinstance(value, torch.Tensor) else ("number", value)
        return self.kept(key, lambda: self.moved(self.number(value), like))

    def moved(self, numbers: np.ndarray, like: State) -> Any:
        """Numbers in the type and on the device of a state."""
        torch: Any = sys.modules["torch"]
        return torch.from_numpy(np.array(numbers)).to(like.rows)

    def number(self, value: Any) -> np.ndarray:
        """The same as float64 numbers."""
        torch: Any = sys.modules["torch"]
        if isinstance(value, State):
            raise Unsupported("one of its weights depends on the input")
        if isinstance(value, torch.Tensor):
            return finite(value.detach().to("cpu", torch.float64).numpy(), self.label)
        meta = self.node.meta.get("val")
        meta = meta[0] if isinstance(meta, list | tuple) else meta
        kind = torch.float64 if meta is None or not meta.is_floating_point() else meta.dtype
        return np.asarray(torch.tensor(float(value), dtype=kind).to(torch.float64).numpy())


HANDLERS: dict[str, Callable[[Call], Any]] = {}


def _handles(*names: str):
    def register(function: Callable[[Call], Any]) -> Callable[[Call], Any]:
        HANDLERS.update(dict.fromkeys(names, function))
        HANDLERS.update({f"{n}_": function for n in names if not n.startswith("_")})
        return function

    return register


def length(values: Any) -> Any:
    """2-norm of the entries of every cell, (cells,), from above."""
    torch: Any = sys.modules["torch"]
    return _UP * torch.linalg.vector_norm(values.reshape(len(values), -1), dim=1)


def stacked(affine: Any, error: Any, norm: Any = None) -> State:
    """A state; `norm` is a bound beside that of the entries."""
    torch: Any = sys.modules["torch"]
    own = length(error)
    norm = own if norm is None else torch.fmin(own, norm)
    return State(torch.cat([affine, error[:, None]], dim=1), norm)


@dataclass(frozen=True, eq=False)
class _Linear:
    """A linear operator: how it acts, also with absolute weights; sums over what rows see, their 2-norms, its own."""

    apply: Callable[[Any], Any]
    absolute: Callable[[Any], Any]
    seen: Callable[[Any], Any]
    lengths: Any
    norm: float
    terms: int


def _linear_map(x: State, w: _Linear, bias: Any) -> State:
    """`W x + bias`; `bias` and the rows' 2-norms broadcast to a result."""
    torch: Any = sys.modules["torch"]
    affine = w.apply(x.affine)
    rounding = x.rounding(w.terms)
    added = _UP * w.lengths * torch.sqrt(w.seen(rounding.square()))
    sums = w.absolute((x.error + rounding)[:, None])[:, 0]
    whole = w.lengths * x.norm.reshape(-1, *[1] * (sums.ndim - 1)) + added
    error = _UP * torch.fmin(sums, whole)
    if bias is not None:
        affine[:, 0] += bias
        error = error + (w.terms + 8) * x.unit * bias.abs()
        added = added + (w.terms + 8) * x.unit * bias.abs()
    return stacked(affine, error, _UP * (w.norm * x.norm + length(added.expand_as(error))))


def _rows_lengths(weight: Any, x: State) -> Any:
    """2-norms of rows (out, ...), from above; products with the smallest weights must not underflow in the bound."""
    lengths = _UP * weight.flatten(1).norm(dim=1)
    least = 1e-100 if x.unit < 1e-10 else 1e-10
    return lengths + least * ((weight != 0).flatten(1).any(1) & (lengths < least))


def _scaled(x: State, factor: Any, shift: Any, rounding: int = 4) -> State:
    """`factor x + shift`, elementwise, by tensors that broadcast; `rounding` operations with relative error u."""
    affine = x.affine * factor
    error = x.error * factor.abs()
    affine[:, 0] += shift
    held = rounding * x.unit * (affine.abs().sum(1) + shift.abs())
    # Zero times anything, and nothing added, is exact.
    held = held + x.tiny * ((held > 0) | ((x.size > 0) & (factor != 0)))
    norm = None
    if affine.shape == x.affine.shape:
        norm = _UP * (factor.abs().max() * x.norm + length(held))
    return stacked(affine, _UP * (error + held), norm)


def _added(x: State, y: State, sign: float = 1.0) -> State:
    affine = x.affine + sign * y.affine
    held = 2 * x.unit * affine.abs().sum(1)
    norm = None
    if x.rows.shape[2:] == y.rows.shape[2:]:
        norm = _UP * (x.norm + y.norm + length(held))
    return stacked(affine, _UP * (held + x.error + y.error), norm)


def _lifted(value: Any, like: State) -> State:
    """A constant (in the type of a state) as a state of one cell."""
    torch: Any = sys.modules["torch"]
    rows = torch.zeros((1, 4, *value.shape), dtype=like.rows.dtype, device=like.rows.device)
    rows[0, 0] = value
    rows[0, 3] = like.unit * value.abs() if like.unit > 1e-10 else 0.0
    return State(rows, length(rows[:, 3]))


def _matrix(n: Call, x: State, given: Any, turned: bool) -> _Linear:
    """The product with a matrix (out, in) along the last axis; `turned` where it is given as (in, out)."""
    torch: Any = sys.modules["torch"]
    w = n.weight(given, x).T if turned else n.weight(given, x)
    size = w.abs()
    return _Linear(
        lambda v: torch.nn.functional.linear(v, w),
        lambda v: torch.nn.functional.linear(v, size),
        lambda v: v.sum(-1, keepdim=True),
        _rows_lengths(w, x),
        matrix_norm(w),
        w.shape[1],
    )


@_handles("linear")
def _linear(n: Call):
    w = n.kept("map", lambda: _matrix(n, n.x, n.args[1], False))
    bias = n.get(2, "bias")
    return _linear_map(n.x, w, None if bias is None else n.weight(bias, n.x))


@_handles("addmm")
def _addmm(n: Call):
    if n.kwargs.get("beta", 1) != 1 or n.kwargs.get("alpha", 1) != 1:
        raise Unsupported("addmm with alpha or beta is not read")
    x = n.args[1]
    return _linear_map(x, n.kept("map", lambda: _matrix(n, x, n.args[2], True)), n.weight(n.args[0], x))


@_handles("mm", "matmul")
def _mm(n: Call):
    a, b = n.args[:2]
    if isinstance(a, State) and isinstance(b, State):
        raise Unsupported(PRODUCT)
    if not isinstance(a, State) or len(b.shape) != 2:
        raise Unsupported("only a product of a tensor by a matrix on its right is evaluated in batches")
    return _linear_map(a, n.kept("map", lambda: _matrix(n, a, b, True)), None)


@_handles("conv1d", "conv2d", "conv3d")
def _conv(n: Call):
    w = n.weight(n.args[1], n.x)
    dims = w.ndim - 2
    padding = n.get(4, "padding", 0)
    padding = padding if isinstance(padding, str) else _tuple(padding, dims)
    options = (_tuple(n.get(3, "stride", 1), dims), padding, _tuple(n.get(5, "dilation", 1), dims))
    return _convolved(n, w, n.get(2, "bias"), options, int(n.get(6, "groups", 1)))


@_handles("convolution")
def _convolution(n: Call):
    _, w, bias, strides, padding, dilations, transposed, _, groups = n.args
    if transposed:
        raise Unsupported("a transposed convolution is not read")
    return _convolved(n, n.weight(w, n.x), bias, (list(strides), list(padding), list(dilations)), int(groups))


def _convolved(n: Call, w: Any, bias: Any, options: Any, groups: int) -> State:
    b = None if bias is None else n.weight(bias, n.x).reshape(-1, *[1] * (w.ndim - 2))
    return _linear_map(n.x, n.kept("map", lambda: _convolution_map(n, w, options, groups)), b)


def _convolution_map(n: Call, w: Any, options: Any, groups: int) -> _Linear:
    torch: Any = sys.modules["torch"]
    dims = w.ndim - 2
    function = getattr(torch.nn.functional, f"conv{dims}d")
    window = w.new_ones((groups, 1, *w.shape[2:]))

    def apply(v: Any, weight: Any = w) -> Any:
        lead = v.shape[: -dims - 1]
        out = function(v.reshape(-1, *v.shape[-dims - 1 :]), weight, None, *options, groups)
        return out.reshape(*lead, *out.shape[1:])

    def seen(v: Any) -> Any:
        own = v.unflatten(-dims - 1, (groups, -1)).sum(-dims - 1)
        found = apply(own, window)
        return found if groups == 1 else found.repeat_interleave(len(w) // groups, dim=-dims - 1)

    lengths = _rows_lengths(w, n.x).reshape(-1, *[1] * dims)
    size = w.abs()
    return _Linear(apply, lambda v: apply(v, size), seen, lengths, convolution_norm(w, groups), math.prod(w.shape[1:]))


@_handles("batch_norm", "_native_batch_norm_legit_no_training")
def _batch_norm(n: Call):
    legit = n.operator == "_native_batch_norm_legit_no_training"
    training, eps = (False, n.args[6]) if legit else (n.get(5, "training"), n.get(7, "eps"))
    if training or n.args[3] is None:
        raise Unsupported("it normalises with the statistics of the batch, which is not piecewise linear")
    mean, multiplier, shift = n.kept("normal", lambda: _normalising(n, eps))
    one = mean.new_ones(())
    y = _scaled(_scaled(n.x, one, -mean), multiplier, shift)
    return y if n.operator == "batch_norm" else [y]


def _normalising(n: Call, eps: Any) -> list[Any]:
    """Mean, multiplier and shift, along the channels."""
    mean, var = n.number(n.args[3]), n.number(n.args[4])
    scale = np.ones(len(mean)) if n.args[1] is None else n.number(n.args[1])
    shift = np.zeros(len(mean)) if n.args[2] is None else n.number(n.args[2])
    eps = float(n.number(eps))
    if np.any(var + eps <= 0):
        raise InputError(f"{n.label}: a variance plus epsilon is not positive, so the normalisation is not defined")
    # The same multiplier as the one of the network that `read_torch` gives.
    multiplier = np.array([_nearest(*row, eps) for row in zip(scale, var, strict=True)])
    along = [-1] + [1] * (n.x.rows.ndim - 4)
    return [n.moved(v, n.x).reshape(along) for v in (mean, multiplier, shift)]


@_handles("getitem")
def _getitem(n: Call):
    if int(n.args[1]) >= len(n.args[0]):
        raise Unsupported("it uses an output, such as indices, that is no continuous function of the input")
    return n.args[0][n.args[1]]


def _each(state: State, function: Callable[[Any], Any], *, once: bool) -> Any:
    """Apply a function of one tensor to every row of every cell; a list where it gives several.

    `once` says that it takes no entry twice, so that the bound on the 2-norm of the errors holds for the result too.
    """
    torch: Any = sys.modules["torch"]
    rows = state.rows.contiguous()
    made = torch.func.vmap(function)(rows.flatten(0, 1))

    def state_of(m: Any) -> State:
        out = m.unflatten(0, rows.shape[:2])
        own = length(out[:, 3])
        return State(out, torch.fmin(own, state.norm) if once else own)

    return [state_of(m) for m in made] if isinstance(made, list | tuple) else state_of(made)


def _averaged(n: Call, terms: int) -> State:
    """An operator with weights that are not negative acts on the error bound as it does on the rows."""
    torch: Any = sys.modules["torch"]
    x = n.x
    entering = _UP * (x.error + x.rounding(terms))
    return _each(State(torch.cat([x.affine, entering[:, None]], 1), x.norm), _rest(n), once=False)


def _rest(n: Call) -> Callable[[Any], Any]:
    kwargs = {k: v for k, v in n.kwargs.items() if k not in ("memory_format", "dtype")}
    return lambda v: n.node.target(v, *n.args[1:], **kwargs)


@_handles("avg_pool1d", "avg_pool2d", "avg_pool3d")
def _avg_pool(n: Call):
    return _averaged(n, math.prod(_tuple(n.args[1], int(n.operator[8]))))


@_handles("adaptive_avg_pool1d", "adaptive_avg_pool2d", "_adaptive_avg_pool2d")
def _adaptive(n: Call):
    dims = int(n.operator[-2])
    size, outs = n.x.rows.shape[-dims:], _tuple(n.args[1], dims)
    if any(s % o for s, o in zip(size, outs, strict=True)):
        raise Unsupported(f"adaptive pooling from {tuple(size)} to {tuple(outs)}: only sizes that divide are read")
    return _averaged(n, math.prod(s // o for s, o in zip(size, outs, strict=True)))


@_handles("mean", "sum")
def _mean(n: Call):
    return _averaged(n, math.prod(n.x.rows.shape[2:]))


@_handles("add", "sub", "rsub")
def _add(n: Call):
    a, b = n.args[:2]
    like = a if isinstance(a, State) else b
    alpha = n.kwargs.get("alpha", 1)
    a, b = (v if isinstance(v, State) else _lifted(n.weight(v, like), like) for v in (a, b))
    if alpha != 1:
        factor, zero = n.weight(alpha, like), like.rows.new_zeros(())
        turned = a if n.operator == "rsub" else b
        scaled = _scaled(turned, factor, zero)
        a, b = (scaled, b) if n.operator == "rsub" else (a, scaled)
    a, b = _aligned(a, b)
    return _added(b, a, -1.0) if n.operator == "rsub" else _added(a, b, 1.0 if n.operator == "add" else -1.0)


def _aligned(a: State, b: State) -> tuple[State, State]:
    """Axes of length 1 before those of the tensor with fewer, since broadcasting would take its cells for an axis."""
    most = max(a.rows.ndim, b.rows.ndim)
    return tuple(
        State(v.rows.reshape(*v.rows.shape[:2], *[1] * (most - v.rows.ndim), *v.rows.shape[2:]), v.norm) for v in (a, b)
    )  # type: ignore[return-value]


@_handles("mul")
def _mul(n: Call):
    a, b = n.args[:2]
    if isinstance(a, State) and isinstance(b, State):
        raise Unsupported(PRODUCT)
    x, factor = (a, b) if isinstance(a, State) else (b, a)
    w = n.weight(factor, x)
    x, lifted = _aligned(x, _lifted(w, x))
    return _scaled(x, lifted.rows[0, 0], x.rows.new_zeros(()))


@_handles("div", "true_divide")
def _div(n: Call):
    if n.kwargs.get("rounding_mode"):
        raise Unsupported("a rounded division is not continuous")
    if isinstance(n.args[1], State):
        raise Unsupported(QUOTIENT)
    by = n.weight(n.args[1], n.x)
    if bool((by == 0).any()):
        raise InputError(f"{n.label}: a division by zero")
    x, lifted = _aligned(n.x, _lifted(by, n.x))
    return _scaled(x, 1.0 / lifted.rows[0, 0], x.rows.new_zeros(()), rounding=8)


@_handles("neg")
def _neg(n: Call):
    torch: Any = sys.modules["torch"]
    return State(torch.cat([-n.x.affine, n.x.rows[:, 3:]], 1), n.x.norm)


@_handles("constant_pad_nd", "pad")
def _pad(n: Call):
    torch: Any = sys.modules["torch"]
    pads, mode, value = list(n.args[1]), "constant", n.get(2, "value", 0)
    if n.operator == "pad":
        mode, value = n.get(2, "mode", "constant"), n.get(3, "value", 0)
    if mode != "constant" or any(int(p) < 0 for p in pads):
        return _move(n)
    y = torch.nn.functional.pad(n.x.rows, pads)
    if value:
        y[:, 0] += torch.nn.functional.pad(n.x.rows.new_zeros(n.x.rows.shape[2:]), pads, value=float(n.number(value)))
    return State(y, n.x.norm)


_ONCE = frozenset(_MOVES.split()) - {"expand", "expand_as", "repeat", "tile", "index", "index_select"}


@_handles(*(m for m in _MOVES.split() if m != "expand_as"))
def _move(n: Call):
    """Operators that only move numbers around do the same with every row."""
    target = n.node.target
    if n.operator in ("view", "_unsafe_view"):
        shape = list(n.args[1])
        return _each(n.x, lambda v: v.reshape(shape), once=True)
    if any(isinstance(a, State) for a in n.args[1:]):
        raise Unsupported("one of its weights depends on the input")
    if n.operator in ("clone", "contiguous", "alias", "detach", "lift_fresh_copy"):
        return n.x
    kwargs = {k: v for k, v in n.kwargs.items() if k not in ("memory_format", "dtype")}
    return _each(n.x, lambda v: target(v, *n.args[1:], **kwargs), once=n.operator in _ONCE)


@_handles("expand_as")
def _expand_as(n: Call):
    other = n.args[1]
    shape = other.rows.shape[2:] if isinstance(other, State) else other.shape
    return _each(n.x, lambda v: v.expand(shape), once=False)


@_handles("cat", "stack", "concat")
def _cat(n: Call):
    torch: Any = sys.modules["torch"]
    parts = n.args[0]
    like = next(p for p in parts if isinstance(p, State))
    cells, axis = len(like.rows), int(n.get(1, "dim", 0))
    states = [p if isinstance(p, State) else _lifted(n.weight(p, like), like) for p in parts]
    rows = [s.rows.expand(cells, *s.rows.shape[1:]) for s in states]
    axis = axis + 2 if axis >= 0 else axis
    norm = torch.stack([s.norm.expand(cells) for s in states]).norm(dim=0) * _UP
    return State((torch.stack if n.operator == "stack" else torch.cat)(rows, axis), norm)


@_handles("dropout", "feature_dropout", "alpha_dropout", "native_dropout")
def _dropout(n: Call):
    if n.get(2, "train", False):
        raise Unsupported("it is in training mode")
    return [n.x] if n.operator == "native_dropout" else n.x


@_handles("to", "_to_copy", "type_as", "float", "double", "_assert_tensor_metadata")
def _to(n: Call):
    meta = n.node.meta.get("val")
    if meta is not None and not meta.is_floating_point():
        raise Unsupported("a cast to integers is not continuous")
    return n.x


def _units(n: Call, functions: list[PiecewiseLinear], which: np.ndarray | None = None) -> Any:
    if all(f.is_identity for f in functions):
        return n.x
    shape = tuple(n.x.rows.shape[2:])
    index = np.broadcast_to(np.zeros((), dtype=np.int64) if which is None else which, shape).ravel()
    return Units(n.node, n.x, tuple(functions), index)


@_handles("relu")
def _relu(n: Call):
    return _units(n, [RELU])


@_handles("relu6")
def _relu6(n: Call):
    return _units(n, [clip(0.0, 6.0)])


@_handles("abs")
def _abs(n: Call):
    return _units(n, [ABS])


@_handles("leaky_relu")
def _leaky(n: Call):
    return _units(n, [leaky_relu(float(n.number(n.get(1, "negative_slope", 0.01))))])


@_handles("prelu", "_prelu_kernel")
def _prelu(n: Call):
    slope = n.number(n.args[1])
    axes = n.x.rows.ndim - 2
    if slope.ndim == 1 and axes > 1:
        slope = slope.reshape([1, -1, *[1] * (axes - 2)])
    distinct, which = np.unique(slope, return_inverse=True)
    return _units(n, [leaky_relu(float(a)) for a in distinct], which.reshape(slope.shape))


@_handles("hardtanh", "clamp", "clip")
def _clamp(n: Call):
    unit = (-1.0, 1.0) if n.operator == "hardtanh" else (None, None)
    lower, upper = n.get(1, "min_val", n.kwargs.get("min", unit[0])), n.get(2, "max_val", n.kwargs.get("max", unit[1]))
    return _clipped(n, lower, upper)


@_handles("clamp_min")
def _clamp_min(n: Call):
    return _clipped(n, n.get(1, "min"), None)


@_handles("clamp_max")
def _clamp_max(n: Call):
    return _clipped(n, None, n.get(1, "max"))


def _clipped(n: Call, lower: Any, upper: Any) -> Any:
    bounds = []
    for value, default in ((lower, -math.inf), (upper, math.inf)):
        number = np.asarray(default) if value is None else np.asarray(value, dtype=np.float64)
        if value is not None and not (number.size == 1 and np.all(np.isinf(number))):
            number = n.number(value)
        if number.size != 1:
            raise Unsupported("bounds that differ by element are not read; use maximum and minimum")
        bounds.append(float(number.ravel()[0]))
    low, high = bounds
    if math.isnan(low) or math.isnan(high) or min(low, high) == math.inf or max(low, high) == -math.inf:
        raise InputError(f"{n.label}: the bounds {low} and {high} of the clip leave no finite value")
    return _units(n, [clip(min(low, high), high)])
