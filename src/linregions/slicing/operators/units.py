"""Activations: where the search takes over, since a cell may be cut there."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...activations import ABS, RELU, PiecewiseLinear, clip, leaky_relu
from ...errors import InputError
from ...readers.graph import Unsupported
from .call import Call, Units, handles


def _units(n: Call, functions: list[PiecewiseLinear], which: np.ndarray | None = None) -> Any:
    if all(f.is_identity for f in functions):
        return n.x
    shape = tuple(n.x.rows.shape[2:])
    index = np.broadcast_to(np.zeros((), dtype=np.int64) if which is None else which, shape).ravel()
    return Units(n.node, n.x, tuple(functions), index)


@handles("relu")
def _relu(n: Call):
    return _units(n, [RELU])


@handles("relu6")
def _relu6(n: Call):
    return _units(n, [clip(0.0, 6.0)])


@handles("abs")
def _abs(n: Call):
    return _units(n, [ABS])


@handles("leaky_relu")
def _leaky(n: Call):
    return _units(n, [leaky_relu(float(n.number(n.get(1, "negative_slope", 0.01))))])


@handles("prelu", "_prelu_kernel")
def _prelu(n: Call):
    slope = n.number(n.args[1])
    axes = n.x.rows.ndim - 2
    if slope.ndim == 1 and axes > 1:
        slope = slope.reshape([1, -1, *[1] * (axes - 2)])
    distinct, which = np.unique(slope, return_inverse=True)
    return _units(n, [leaky_relu(float(a)) for a in distinct], which.reshape(slope.shape))


@handles("hardtanh", "clamp", "clip")
def _clamp(n: Call):
    unit = (-1.0, 1.0) if n.operator == "hardtanh" else (None, None)
    lower, upper = n.get(1, "min_val", n.kwargs.get("min", unit[0])), n.get(2, "max_val", n.kwargs.get("max", unit[1]))
    return _clipped(n, lower, upper)


@handles("clamp_min")
def _clamp_min(n: Call):
    return _clipped(n, n.get(1, "min"), None)


@handles("clamp_max")
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
