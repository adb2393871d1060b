"""Which tensor operations are activations, and where the linear pieces of each one lie.

An operation is known by its name below autograd (`aten::relu`, `aten::hardtanh`, ...), where the module, functional,
method and in-place forms of an activation are one and the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..needs import torch

Tensor = torch.Tensor

SMOOTH = ("elu", "celu", "selu", "gelu", "silu", "mish", "softplus", "softshrink", "hardshrink")
"""Kinds whose piece is the sign of the output; of the two shrinks that is exact."""

GATES = ("sigmoid", "tanh", "hardsigmoid", "logsigmoid", "glu")
"""Kinds that are seen only when `also` names them."""


@dataclass(frozen=True)
class Pieces:
    """The pieces of a piecewise-linear activation: piece 1 above `lower`, piece 2 from `upper` on, piece 0 elsewhere.

    `source` says whose value is compared, the activation's "input" or its "output".
    """

    source: str = "output"
    lower: float = 0.0
    upper: float | None = None


@dataclass(frozen=True)
class Kind:
    """A recognised activation: its name, its pieces (None: the sign of the output), and whether it is a max-pool."""

    name: str
    pieces: Pieces | None = None
    pool: bool = False


def _given(args: Sequence[Any], kwargs: dict[str, Any], position: int, name: str, default: Any = None) -> Any:
    return args[position] if len(args) > position else kwargs.get(name, default)


def _number(value: Any) -> float | None:
    """A bound as a float: a number, or a tensor with one element; None for anything else."""
    if isinstance(value, Tensor):
        return float(value) if value.numel() == 1 else None
    return None if value is None else float(value)


RELU = Kind("relu", Pieces())


def _relu(args: Sequence[Any], kwargs: dict[str, Any]) -> Kind:
    return RELU


def _hardtanh(args: Sequence[Any], kwargs: dict[str, Any]) -> Kind:
    low, high = (float(_given(args, kwargs, i, name, d)) for i, name, d in ((1, "min_val", -1.0), (2, "max_val", 1.0)))
    return Kind("relu6" if (low, high) == (0.0, 6.0) else "hardtanh", Pieces("output", low, high))


def _relu6(args: Sequence[Any], kwargs: dict[str, Any]) -> Kind:
    return Kind("relu6", Pieces("output", 0.0, 6.0))


def _clamp(args: Sequence[Any], kwargs: dict[str, Any]) -> Kind | None:
    """A clamp is an activation only if it cuts at zero from below: `clamp(min=1e-6)` guards a logarithm."""
    if not args[0].is_floating_point() or _number(_given(args, kwargs, 1, "min")) != 0.0:
        return None
    most = _given(args, kwargs, 2, "max")
    high = _number(most)
    if most is not None and (high is None or not high > 0.0):
        return None
    if high is None or high == float("inf"):
        return Kind("relu", Pieces())
    return Kind("relu6" if high == 6.0 else "hardtanh", Pieces("output", 0.0, high))


def _maximum(args: Sequence[Any], kwargs: dict[str, Any]) -> Kind | None:
    """`maximum(x, 0)`, the zero being a number or a tensor that is zero all over."""
    one, other = args[0], _given(args, kwargs, 1, "other")
    if not (one.is_floating_point() and other.is_floating_point()):
        return None
    zero = any(z.numel() > 0 and not bool(z.count_nonzero()) for z in (other, one))
    return Kind("relu", Pieces()) if zero else None


def _hinge(name: str) -> Callable[[Sequence[Any], dict[str, Any]], Kind]:
    # The input decides: a negative slope turns the output's sign round.
    return lambda args, kwargs: Kind(name, Pieces("input"))


def _threshold(args: Sequence[Any], kwargs: dict[str, Any]) -> Kind:
    at, value = (float(_given(args, kwargs, i, name)) for i, name in ((1, "threshold"), (2, "value")))
    return Kind("relu", Pieces()) if at == value == 0.0 else Kind("threshold", Pieces("input", at))


def _hardswish(args: Sequence[Any], kwargs: dict[str, Any]) -> Kind:
    return Kind("hardswish", Pieces("input", -3.0, 3.0))


def _plain(name: str, *, pool: bool = False) -> Callable[[Sequence[Any], dict[str, Any]], Kind]:
    return lambda args, kwargs: Kind(name, pool=pool)


_KINDS: dict[str, Callable[[Sequence[Any], dict[str, Any]], Kind | None]] = {
    "relu": _relu,
    "hardtanh": _hardtanh,
    "relu6": _relu6,
    "clamp": _clamp,
    "clip": _clamp,
    "clamp_min": _clamp,
    "maximum": _maximum,
    "fmax": _maximum,
    "leaky_relu": _hinge("leaky_relu"),
    "prelu": _hinge("prelu"),
    "_prelu_kernel": _hinge("prelu"),
    "rrelu": _hinge("rrelu"),
    "rrelu_with_noise": _hinge("rrelu"),
    "threshold": _threshold,
    "hardswish": _hardswish,
    "log_sigmoid": _plain("logsigmoid"),
    "log_sigmoid_forward": _plain("logsigmoid"),
    **{name: _plain(name) for name in (*SMOOTH, "sigmoid", "tanh", "hardsigmoid", "glu")},
    **{
        name: _plain("max_pool", pool=True)
        for name in (
            "max_pool1d",
            "max_pool2d",
            "max_pool3d",
            "max_pool2d_with_indices",
            "max_pool3d_with_indices",
            "adaptive_max_pool1d",
            "adaptive_max_pool2d",
            "adaptive_max_pool3d",
        )
    },
}

CUTS = ("clamp", "clip", "clamp_min", "maximum", "fmax")
"""Operations that count only where the model itself asks for them: library functions use them as safeguards."""

_HIDING = ("relu", "gelu", "silu", "swish", "mish", "addmm_activation", "transformer_encoder_layer_fwd")


def recognise(operation: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Kind | None:
    """The activation that a call of the operation `aten::operation` is, or None."""
    known = _KINDS.get(operation)
    return known(args, kwargs) if known is not None else None


def hides(operation: str) -> bool:
    """Whether an operation that is no activation itself has one inside (a fused kernel)."""
    return operation not in _KINDS and "backward" not in operation and any(part in operation for part in _HIDING)
