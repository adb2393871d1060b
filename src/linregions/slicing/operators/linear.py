"""Matrices and convolutions: operators with weights on the affine maps of cells."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...readers.graph import PRODUCT, Unsupported
from ...readers.torch_ops import per_axis
from ..spectral import convolution_norm, matrix_norm
from .call import Call, handles
from .state import UP, State, length, stacked


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
    added = UP * w.lengths * torch.sqrt(w.seen(rounding.square()))
    sums = w.absolute((x.error + rounding)[:, None])[:, 0]
    whole = w.lengths * x.norm.reshape(-1, *[1] * (sums.ndim - 1)) + added
    error = UP * torch.fmin(sums, whole)
    if bias is not None:
        affine[:, 0] += bias
        error = error + (w.terms + 8) * x.unit * bias.abs()
        added = added + (w.terms + 8) * x.unit * bias.abs()
    return stacked(affine, error, UP * (w.norm * x.norm + length(added.expand_as(error))))


def _rows_lengths(weight: Any, x: State) -> Any:
    """2-norms of rows (out, ...), from above; products with the smallest weights must not underflow in the bound."""
    lengths = UP * weight.flatten(1).norm(dim=1)
    least = 1e-100 if x.unit < 1e-10 else 1e-10
    return lengths + least * ((weight != 0).flatten(1).any(1) & (lengths < least))


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


@handles("linear")
def _linear(n: Call):
    w = n.kept("map", lambda: _matrix(n, n.x, n.args[1], False))
    bias = n.get(2, "bias")
    return _linear_map(n.x, w, None if bias is None else n.weight(bias, n.x))


@handles("addmm")
def _addmm(n: Call):
    if n.kwargs.get("beta", 1) != 1 or n.kwargs.get("alpha", 1) != 1:
        raise Unsupported("addmm with alpha or beta is not read")
    x = n.args[1]
    return _linear_map(x, n.kept("map", lambda: _matrix(n, x, n.args[2], True)), n.weight(n.args[0], x))


@handles("mm", "matmul")
def _mm(n: Call):
    a, b = n.args[:2]
    if isinstance(a, State) and isinstance(b, State):
        raise Unsupported(PRODUCT)
    if not isinstance(a, State) or len(b.shape) != 2:
        raise Unsupported("only a product of a tensor by a matrix on its right is evaluated in batches")
    return _linear_map(a, n.kept("map", lambda: _matrix(n, a, b, True)), None)


@handles("conv1d", "conv2d", "conv3d")
def _conv(n: Call):
    w = n.weight(n.args[1], n.x)
    dims = w.ndim - 2
    padding = n.get(4, "padding", 0)
    padding = padding if isinstance(padding, str) else per_axis(padding, dims)
    options = (per_axis(n.get(3, "stride", 1), dims), padding, per_axis(n.get(5, "dilation", 1), dims))
    return _convolved(n, w, n.get(2, "bias"), options, int(n.get(6, "groups", 1)))


@handles("convolution")
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
