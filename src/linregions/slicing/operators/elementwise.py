"""Sums, multiples and normalisations: operators that act entry by entry."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ...errors import InputError
from ...readers.graph import PRODUCT, QUOTIENT, Unsupported
from ...readers.ops import normal_multiplier
from .call import Call, handles, lifted
from .state import UP, State, length, scaled, stacked


def _added(x: State, y: State, sign: float = 1.0) -> State:
    affine = x.affine + sign * y.affine
    held = 2 * x.unit * affine.abs().sum(1)
    norm = None
    if x.rows.shape[2:] == y.rows.shape[2:]:
        norm = UP * (x.norm + y.norm + length(held))
    return stacked(affine, UP * (held + x.error + y.error), norm)


@handles("batch_norm", "_native_batch_norm_legit_no_training")
def _batch_norm(n: Call):
    legit = n.operator == "_native_batch_norm_legit_no_training"
    training, eps = (False, n.args[6]) if legit else (n.get(5, "training"), n.get(7, "eps"))
    if training or n.args[3] is None:
        raise Unsupported("it normalises with the statistics of the batch, which is not piecewise linear")
    mean, multiplier, shift = n.kept("normal", lambda: _normalising(n, eps))
    one = mean.new_ones(())
    y = scaled(scaled(n.x, one, -mean), multiplier, shift)
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
    multiplier = np.array([normal_multiplier(*row, eps) for row in zip(scale, var, strict=True)])
    along = [-1] + [1] * (n.x.rows.ndim - 4)
    return [n.moved(v, n.x).reshape(along) for v in (mean, multiplier, shift)]


@handles("add", "sub", "rsub")
def _add(n: Call):
    a, b = n.args[:2]
    like = a if isinstance(a, State) else b
    alpha = n.kwargs.get("alpha", 1)
    a, b = (v if isinstance(v, State) else lifted(n.weight(v, like), like) for v in (a, b))
    if alpha != 1:
        factor, zero = n.weight(alpha, like), like.rows.new_zeros(())
        turned = a if n.operator == "rsub" else b
        times = scaled(turned, factor, zero)
        a, b = (times, b) if n.operator == "rsub" else (a, times)
    a, b = _aligned(a, b)
    return _added(b, a, -1.0) if n.operator == "rsub" else _added(a, b, 1.0 if n.operator == "add" else -1.0)


def _aligned(a: State, b: State) -> tuple[State, State]:
    """Axes of length 1 before those of the tensor with fewer, since broadcasting would take its cells for an axis."""
    most = max(a.rows.ndim, b.rows.ndim)
    return tuple(
        State(v.rows.reshape(*v.rows.shape[:2], *[1] * (most - v.rows.ndim), *v.rows.shape[2:]), v.norm) for v in (a, b)
    )  # type: ignore[return-value]


@handles("mul")
def _mul(n: Call):
    a, b = n.args[:2]
    if isinstance(a, State) and isinstance(b, State):
        raise Unsupported(PRODUCT)
    x, factor = (a, b) if isinstance(a, State) else (b, a)
    w = n.weight(factor, x)
    x, factor = _aligned(x, lifted(w, x))
    return scaled(x, factor.rows[0, 0], x.rows.new_zeros(()))


@handles("div", "true_divide")
def _div(n: Call):
    if n.kwargs.get("rounding_mode"):
        raise Unsupported("a rounded division is not continuous")
    if isinstance(n.args[1], State):
        raise Unsupported(QUOTIENT)
    by = n.weight(n.args[1], n.x)
    if bool((by == 0).any()):
        raise InputError(f"{n.label}: a division by zero")
    x, divisor = _aligned(n.x, lifted(by, n.x))
    return scaled(x, 1.0 / divisor.rows[0, 0], x.rows.new_zeros(()), rounding=8)


@handles("neg")
def _neg(n: Call):
    torch: Any = sys.modules["torch"]
    return State(torch.cat([-n.x.affine, n.x.rows[:, 3:]], 1), n.x.norm)
