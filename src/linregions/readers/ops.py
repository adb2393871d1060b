"""The operators that both the ONNX and the torch reader translate into: from wires to wires.

Tensors are int64 arrays of wires (see `Wiring`); weights are NumPy arrays whose numbers are taken exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal, localcontext
from typing import Any

import numpy as np

from ..activations import ABS, RELU, PiecewiseLinear, clip, leaky_relu
from ..errors import InputError
from .matrix import from_entries
from .wiring import Wiring

Wires = np.ndarray
MAX_ELEMENTS = 100_000_000


def check_elements(shape: Sequence[int], where: str) -> None:
    """Refuse a tensor that would not fit, before it is allocated."""
    count = math.prod(int(n) for n in shape)
    if count > MAX_ELEMENTS:
        raise InputError(f"{where}: a tensor of shape {tuple(shape)} has more than {MAX_ELEMENTS} elements")


def finite(values: Any, where: str) -> np.ndarray:
    """Weights as float64; refuses NaN and infinity."""
    out = np.asarray(values)
    if out.dtype.kind == "c":
        raise InputError(f"{where}: weights must be real, got dtype {out.dtype}")
    given, out = out, out.astype(np.float64)
    if not np.all(np.isfinite(out)):
        raise InputError(f"{where}: a weight is NaN or infinite; every number must be finite")
    if given.dtype.kind in "iu" and given.dtype.itemsize == 8 and not np.array_equal(out.astype(given.dtype), given):
        raise InputError(f"{where}: a whole number is too large for a float64; use smaller weights")
    return out


def matmul(net: Wiring, x: Wires, w: np.ndarray, *, left: bool = False, name: str = "") -> Wires:
    """`x @ w`, or `w @ x` when `left`; NumPy's rules for one axis and for leading axes."""
    if left:
        x2 = x[:, None] if x.ndim == 1 else x
        out = matmul(net, np.swapaxes(x2, -1, -2), w if w.ndim == 1 else np.swapaxes(w, -1, -2), name=name)
        if w.ndim == 1:
            return out[..., 0] if x.ndim == 1 else out
        out = np.swapaxes(out, -1, -2)
        return out[..., 0] if x.ndim == 1 else out
    x2, w2 = x[None, :] if x.ndim == 1 else x, w[:, None] if w.ndim == 1 else w
    if x2.shape[-1] != w2.shape[-2]:
        raise InputError(f"{name}: the shapes {x.shape} and {w.shape} do not chain in a matrix product")
    lead = np.broadcast_shapes(x2.shape[:-2], w2.shape[:-2])
    m, k, n = x2.shape[-2], x2.shape[-1], w2.shape[-1]
    net.make_room(math.prod(lead) * m * k * n, name)
    xs = np.broadcast_to(x2, (*lead, m, k)).reshape(-1, m, k)
    ws = np.broadcast_to(w2, (*lead, k, n)).reshape(-1, k, n)
    zero = np.zeros(n)
    rows = [
        [net.affine(row, np.ascontiguousarray(b.T), zero, name=name) for row in a] for a, b in zip(xs, ws, strict=True)
    ]
    out = np.array(rows, dtype=np.int64).reshape(*lead, m, n)
    out = out[..., 0] if w.ndim == 1 else out
    return out[..., 0, :] if x.ndim == 1 and w.ndim > 1 else (out[..., 0] if x.ndim == 1 else out)


def linear(net: Wiring, x: Wires, w: np.ndarray, bias: np.ndarray | None, *, name: str = "") -> Wires:
    """`x @ w.T + bias` with w (out, in)."""
    y = matmul(net, x, w.T, name=name)
    return y if bias is None else net.scale(y, 1.0, bias, name=name)


def pads_for(size: Sequence[int], kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int], mode: str):
    """(begin, end) padding of `auto_pad` SAME_UPPER, SAME_LOWER or VALID."""
    if mode == "VALID":
        return [0] * len(size), [0] * len(size)
    begin, end = [], []
    for n, k, s, d in zip(size, kernel, strides, dilations, strict=True):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        small, large = total // 2, total - total // 2
        begin.append(small if mode == "SAME_UPPER" else large)
        end.append(large if mode == "SAME_UPPER" else small)
    return begin, end


def windows(
    x: Wires, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int], outs: Sequence[int]
) -> Wires:
    """Windows (out..., channels, kernel...) of `x` (channels, space...), which is padded far enough."""
    dims = len(kernel)
    for a in range(dims):
        steps = np.arange(outs[a])[:, None] * strides[a] + np.arange(kernel[a])[None, :] * dilations[a]
        # Axis 1 is always the next spatial axis; its two new axes go to the end.
        x = np.moveaxis(np.take(x, steps, axis=1), [1, 2], [-2, -1])
    order = [*range(1, 2 * dims + 1, 2), 0, *range(2, 2 * dims + 1, 2)]
    return np.transpose(x, order)


def _sizes(size, kernel, strides, dilations, begin, end, ceil_mode: bool, name: str) -> list[int]:
    outs = []
    for n, k, s, d, p, q in zip(size, kernel, strides, dilations, begin, end, strict=True):
        room = n + p + q - ((k - 1) * d + 1)
        if room < 0:
            raise InputError(f"{name}: a window of {k} (dilation {d}) does not fit in {n} padded by {p} and {q}")
        out = (-(-room // s) if ceil_mode else room // s) + 1
        # A window that starts in the right padding is dropped.
        outs.append(out - 1 if ceil_mode and (out - 1) * s >= n + p else out)
    return outs


def _padded(x: Wires, kernel, strides, dilations, begin, outs, fill: int) -> Wires:
    reach = [(o - 1) * s + (k - 1) * d + 1 for o, s, k, d in zip(outs, strides, kernel, dilations, strict=True)]
    after = [max(r - n - p, 0) for r, n, p in zip(reach, x.shape[1:], begin, strict=True)]
    shape = [n + p + q for n, p, q in zip(x.shape[1:], begin, after, strict=True)]
    check_elements([x.shape[0], *shape], "padding")
    return np.pad(x, [(0, 0), *zip(begin, after, strict=True)], constant_values=fill)


def conv(
    net: Wiring,
    x: Wires,
    w: np.ndarray,
    bias: np.ndarray | None,
    *,
    strides,
    begin,
    end,
    dilations,
    groups: int = 1,
    name="",
):
    """Convolution of `x` (batch, channels, space...) with `w` (out, channels / groups, kernel...).

    It becomes a matrix: one row per output, one column per input that some window sees.
    """
    kernel = w.shape[2:]
    if x.ndim != w.ndim or x.shape[1] != w.shape[1] * groups or w.shape[0] % groups:
        raise InputError(
            f"{name}: an input of shape {x.shape} and a weight of shape {w.shape} do not chain (groups {groups})"
        )
    outs = _sizes(x.shape[2:], kernel, strides, dilations, begin, end, False, name)
    net.make_room(x.shape[0] * w.size * math.prod(outs), name)
    per_in, per_out = w.shape[1], w.shape[0] // groups
    images = []
    for image in x:
        padded = _padded(image, kernel, strides, dilations, begin, outs, -1)
        parts = []
        for g in range(groups):
            view = windows(padded[g * per_in : (g + 1) * per_in], kernel, strides, dilations, outs)
            own = slice(g * per_out, (g + 1) * per_out)
            parts.append(
                _conv_group(net, view.reshape(math.prod(outs), -1), w[own], None if bias is None else bias[own], name)
            )
        images.append(np.concatenate(parts).reshape(w.shape[0], *outs))
    return np.stack(images)


def _conv_group(net: Wiring, view: Wires, w: np.ndarray, bias: np.ndarray | None, name: str) -> Wires:
    """Convolution rows, output channel by output channel, from windows (places, entries)."""
    out, (places, entries) = len(w), view.shape
    kernel = w.reshape(out, entries)
    inputs, column = np.unique(view, return_inverse=True)
    zeros = int(inputs[0] < 0)
    inputs, column = inputs[zeros:], column.reshape(view.shape) - zeros
    inside = column >= 0
    place, entry = np.nonzero(inside)
    columns = column[inside]
    rows = (np.arange(out)[:, None] * places + place[None, :]).ravel()
    shape = (out * places, len(inputs))
    weight = _summed(rows, np.tile(columns, out), kernel[:, entry].ravel(), shape, view)
    full = np.zeros(out * places) if bias is None else np.repeat(bias, places)
    if weight is not None:
        return net.affine(inputs, weight, full, name=name)
    # A wire that occurs twice in one window: one input per entry of the window, and `affine` merges what it can.
    made = [net.affine(view[p], kernel, np.zeros(out) if bias is None else bias, name=name) for p in range(places)]
    return np.stack(made, axis=1).ravel()


def _summed(rows, columns, values, shape, view) -> Any | None:
    """The matrix of these entries, or None when a position occurs twice."""
    ordered = np.sort(view, axis=1)
    if np.any((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)):
        return None
    return from_entries(rows, columns, values, shape)


def max_pool(net: Wiring, x: Wires, kernel, *, strides, begin, end, dilations, ceil_mode=False, name="") -> Wires:
    """Maxima over windows of `x` (batch, channels, space...); padding takes no part."""
    outs = _sizes(x.shape[2:], kernel, strides, dilations, begin, end, ceil_mode, name)
    images = []
    for image in x:
        padded = _padded(image, kernel, strides, dilations, begin, outs, -2)
        view = np.moveaxis(windows(padded, kernel, strides, dilations, outs), len(outs), 0)
        groups = view.reshape(-1, math.prod(kernel))
        images.append(maxima(net, groups, groups != -2, name=name).reshape(x.shape[1], *outs))
    return np.stack(images)


def maxima(net: Wiring, groups: Wires, inside: np.ndarray | None = None, *, name: str = "") -> Wires:
    """The maximum of every row of `groups`, over the entries that are `inside`."""
    inside = np.ones(groups.shape, dtype=bool) if inside is None else inside
    sizes = inside.sum(axis=1)
    if np.any(sizes == 0):
        raise InputError(f"{name}: a window lies wholly in the padding, so its maximum is not a finite number")
    return net.maximum(groups[inside], np.concatenate([[0], np.cumsum(sizes)]), name=name)


def avg_pool(
    net: Wiring,
    x: Wires,
    kernel,
    *,
    strides,
    begin,
    end,
    dilations,
    ceil_mode=False,
    count_pad=False,
    name="",
    divisor=None,
):
    """Means over windows: weights 1 and the number of counted entries as divisor."""
    outs = _sizes(x.shape[2:], kernel, strides, dilations, begin, end, ceil_mode, name)
    size = x.shape[2:]
    counts = np.ones(outs)
    for a, (o, k, s, d, p, q) in enumerate(zip(outs, kernel, strides, dilations, begin, end, strict=True)):
        at = np.arange(o)[:, None] * s + np.arange(k)[None, :] * d
        # What ceil_mode adds beyond the declared padding is never counted.
        counted = at < p + size[a] + q if count_pad else (at >= p) & (at < p + size[a])
        along = [1] * len(outs)
        along[a] = o
        counts = counts * counted.sum(axis=1).reshape(along)
    if divisor is not None:
        counts = np.full(outs, float(divisor))
    if np.any(counts == 0):
        raise InputError(f"{name}: a window lies wholly in the padding, so its mean is not defined")
    images = []
    for image in x:
        padded = _padded(image, kernel, strides, dilations, begin, outs, -1)
        view = np.moveaxis(windows(padded, kernel, strides, dilations, outs), len(outs), 0)
        counted = np.broadcast_to(counts, (x.shape[1], *outs)).ravel()
        images.append(sums(net, view.reshape(-1, math.prod(kernel)), counted, name=name).reshape(x.shape[1], *outs))
    return np.stack(images)


def sums(net: Wiring, groups: Wires, divisor: Any = 1.0, *, name: str = "") -> Wires:
    """The sum of every row of `groups`, over its divisor."""
    count, entries = groups.shape
    net.make_room(groups.size, name)
    inputs, column = np.unique(groups, return_inverse=True)
    column = column.reshape(groups.shape)
    rows = np.repeat(np.arange(count), entries)
    # Counting repetitions is exact, so they may be added up here.
    key, times = np.unique(rows * len(inputs) + column.ravel(), return_counts=True)
    weight = from_entries(key // len(inputs), key % len(inputs), times.astype(np.float64), (count, len(inputs)))
    over = np.broadcast_to(np.asarray(divisor, dtype=np.float64), (count,)).copy()
    return net.affine(inputs, weight, np.zeros(count), divisor=over, name=name)


def grouped(x: Wires, axes: Sequence[int], keepdims: bool) -> tuple[Wires, tuple[int, ...]]:
    """Rows that a reduction over `axes` runs over, and the shape of its result."""
    axes = sorted({a % x.ndim for a in axes}) if len(axes) else list(range(x.ndim))
    rest = [a for a in range(x.ndim) if a not in axes]
    shape = tuple((1 if a in axes else x.shape[a]) for a in range(x.ndim) if keepdims or a not in axes)
    rows = np.transpose(x, [*rest, *axes]).reshape(math.prod(x.shape[a] for a in rest), -1)
    return rows, shape


def reduce(net: Wiring, x: Wires, kind: str, axes: Sequence[int], *, keepdims: bool, name: str = "") -> Wires:
    """Reduction `kind` (max, min, sum, mean) over some axes; no axes means all."""
    groups, shape = grouped(x, axes, keepdims)
    if kind == "max":
        out = maxima(net, groups, name=name)
    elif kind == "min":
        out = net.scale(maxima(net, net.scale(groups, -1.0, name=name), name=name), -1.0, name=name)
    else:
        out = sums(net, groups, groups.shape[1] if kind == "mean" else 1.0, name=name)
    return out.reshape(shape)


def batch_norm(net: Wiring, x: Wires, scale, shift, mean, var, epsilon: float, *, name: str = "") -> Wires:
    """`(x - mean) * multiplier + shift` over axis 1, as two affine maps unless one is exact.

    The multiplier scale / sqrt(var + epsilon) is irrational in general: the network takes the float64 nearest to it.
    """
    along = [1] * x.ndim
    along[1] = -1
    if np.any(var + epsilon <= 0):
        raise InputError(f"{name}: a variance plus epsilon is not positive, so the normalisation is not defined")
    multiplier = np.array([normal_multiplier(*row, epsilon) for row in zip(scale, var, strict=True)])
    if not np.all(np.isfinite(multiplier)):
        raise InputError(f"{name}: a multiplier scale / sqrt(variance + epsilon) is too large for a float64")
    centred = net.scale(x, 1.0, -mean.reshape(along), name=name)
    return net.scale(centred, multiplier.reshape(along), shift.reshape(along), name=name)


def normal_multiplier(scale: float, var: float, epsilon: float) -> float:
    """The float64 nearest to `scale / sqrt(var + epsilon)`."""
    with localcontext() as context:
        context.prec = 60
        return float(Decimal(float(scale)) / (Decimal(float(var)) + Decimal(float(epsilon))).sqrt())


def relu(net: Wiring, x: Wires, *, name: str = "") -> Wires:
    """`max(x, 0)`."""
    return net.apply(x, [RELU], name=name)


def absolute(net: Wiring, x: Wires, *, name: str = "") -> Wires:
    """`|x|`."""
    return net.apply(x, [ABS], name=name)


def clipped(net: Wiring, x: Wires, lower: float, upper: float, *, name: str = "") -> Wires:
    """`min(max(x, lower), upper)`; where lower > upper this is the constant upper."""
    if math.isnan(lower) or math.isnan(upper):
        raise InputError(f"{name}: a bound of the clip is NaN")
    if lower > upper:
        lower = upper
    if lower == math.inf or upper == -math.inf:
        raise InputError(f"{name}: the bounds {lower} and {upper} of the clip leave no finite value")
    return net.apply(x, [clip(lower, upper)], name=name)


def prelu(net: Wiring, x: Wires, slope: np.ndarray, *, name: str = "") -> Wires:
    """Leaky ReLU with slopes that broadcast to x."""
    distinct, which = np.unique(np.asarray(slope, dtype=np.float64), return_inverse=True)
    return net.apply(x, [leaky_relu(float(a)) for a in distinct], which.reshape(np.shape(slope)), name=name)


def hard_sigmoid(net: Wiring, x: Wires, alpha: float, beta: float, divisor: float = 1.0, *, name: str = "") -> Wires:
    """`clip((alpha x + beta) / divisor, 0, 1)`."""
    return net.apply(net.scale(x, alpha, beta, divisor=divisor, name=name), [clip(0.0, 1.0)], name=name)


def softshrink(net: Wiring, x: Wires, width: float, *, name: str = "") -> Wires:
    """`x - width`, 0 or `x + width`."""
    if width == 0:
        return x
    return net.apply(x, [PiecewiseLinear((-width, width), (1.0, 0.0, 1.0), 0.0, "softshrink")], name=name)


def divide(net: Wiring, x: Wires, by: np.ndarray, *, name: str = "") -> Wires:
    """`x / by` by constants, as a divisor with the sign in the weight."""
    by = finite(by, name)
    if np.any(by == 0):
        raise InputError(f"{name}: a division by zero")
    x, by = np.broadcast_arrays(x, by)
    return net.scale(x, np.sign(by), 0.0, divisor=np.abs(by), name=name)


def extreme(net: Wiring, tensors: Sequence[Any], *, smallest: bool = False, name: str = "") -> Wires:
    """Elementwise maximum (or minimum) of wires (int64 arrays) and constants (float64 arrays)."""
    sign = -1.0 if smallest else 1.0
    wires = [t for t in tensors if t.dtype == np.int64]
    fixed = [finite(t, name) * sign for t in tensors if t.dtype != np.int64]
    shape = np.broadcast_shapes(*(t.shape for t in tensors))
    terms = [net.scale(np.broadcast_to(t, shape), sign, name=name) for t in wires]
    out = terms[0]
    if len(terms) > 1:
        groups = np.stack([t.ravel() for t in terms], axis=1)
        out = maxima(net, groups, name=name).reshape(shape)
    if fixed:
        floor = np.broadcast_arrays(np.zeros(shape), *fixed)[1:]
        distinct, which = np.unique(np.max(floor, axis=0), return_inverse=True)
        functions = [clip(float(v), math.inf) for v in distinct]
        out = net.apply(out, functions, which.reshape(shape), name=name)
    return net.scale(out, sign, name=name)
