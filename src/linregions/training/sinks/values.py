"""The values of a row as plain Python ones, and which of them a framework can draw."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

PREFIX = "regions/"


def plain(value: Any) -> Any:
    """`value` with nothing of NumPy or torch in it; what has no plain form becomes its text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if hasattr(value, "tolist"):  # arrays, NumPy scalars, tensors
        return plain(value.tolist())
    return str(value)


def finite(value: Any) -> Any:
    """`plain(value)` as strict JSON has it: NaN and infinities are the strings "NaN", "Infinity", "-Infinity"."""
    value = plain(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, dict):
        return {k: finite(v) for k, v in value.items()}
    if isinstance(value, list):
        return [finite(v) for v in value]
    return value


def numbers(row: Mapping[str, Any]) -> dict[str, float]:
    """The finite numbers of a row, booleans as 0 and 1, without its step; every name begins with "regions/"."""
    out = {}
    for name, value in row.items():
        value = plain(value)
        if name != "step" and isinstance(value, bool | int | float) and math.isfinite(value):
            out[tagged(name)] = float(value)
    return out


def vectors(row: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The non-empty one-dimensional arrays of finite numbers in a row, by the names that `numbers` would give them."""
    out = {}
    for name, value in row.items():
        if isinstance(value, str | bytes | Mapping) or not hasattr(value, "__len__") or not len(value):
            continue
        try:
            array = np.asarray(plain(value), dtype=np.float64)
        except (TypeError, ValueError):
            continue
        if array.ndim == 1 and np.isfinite(array).all():
            out[tagged(name)] = array
    return out


def tagged(name: str) -> str:
    """`name` under "regions/", as frameworks group their panels by what stands before the slash."""
    return name if name.startswith(PREFIX) else PREFIX + name
