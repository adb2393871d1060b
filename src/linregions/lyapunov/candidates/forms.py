"""What the candidates share: rounding to few bits, and sums and maxima of linear forms as networks."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...activations import ABS, IDENTITY, RELU, MaxGroups, UnitActivations
from ...checks import shown, whole_number
from ...errors import InputError
from ...network import Network
from ...stage import Stage, exact_float64

# Weights are rounded to this many binary places: short enough that exact arithmetic on them stays cheap.
BITS = 20


def matrix(values: Any, what: str, *, columns: int | None = None) -> np.ndarray:
    """`values` as a float64 matrix with at least one row."""
    array = exact_float64(values, what)
    if array.ndim != 2 or 0 in array.shape or (columns is not None and array.shape[1] != columns):
        wanted = "columns" if columns is None else f"{columns} columns"
        raise InputError(f"{what} must be a matrix with rows and {wanted}, got shape {array.shape}")
    return array


def square(values: Any, what: str) -> np.ndarray:
    """`values` as a square float64 matrix."""
    array = matrix(values, what)
    if array.shape[0] != array.shape[1]:
        raise InputError(f"{what} must be square, got shape {array.shape}")
    return array


def rounded(values: np.ndarray, bits: int) -> np.ndarray:
    """`values` to the nearest multiple of 2^-bits; scaling by a power of two is exact."""
    return np.ldexp(np.rint(np.ldexp(values, bits)), -bits) + 0.0


def binary_places(bits: Any) -> int:
    """The argument `bits`."""
    return whole_number(bits, "bits", most=52)


def sum_of_forms(
    forms: np.ndarray, source: str, *, activation: str = "relu", divisor: np.ndarray | None = None
) -> Network:
    """`sum_k |w_k.x / d_k|` with one hidden layer: two ReLUs a form, or one unit of absolute value."""
    for k in np.flatnonzero(~np.any(forms, axis=1)):
        raise InputError(f"{source}: linear form {k + 1} is zero after rounding; raise `bits` or scale it up")
    if activation == "relu":
        weight, function = np.concatenate([forms, -forms]), RELU
        divisor = None if divisor is None else np.concatenate([divisor, divisor])
    elif activation == "abs":
        weight, function = forms, ABS
    else:
        raise InputError(f'activation must be "relu" or "abs", got {shown(activation)}')
    rows = len(weight)
    hidden = Stage(weight, np.zeros(rows), UnitActivations.uniform(function, rows), divisor, name="1")
    return Network((hidden, total(np.ones(rows))), source=source)


def maximum_of_forms(forms: np.ndarray, source: str) -> Network:
    """`max_k w_k.x` as one max group."""
    hidden = Stage(forms, np.zeros(len(forms)), MaxGroups(np.array([0, len(forms)])), name="1")
    return Network((hidden, total(np.ones(1))), source=source)


def total(coefficients: np.ndarray, *, name: str = "2") -> Stage:
    """The last layer `sum_k a_k z_k`."""
    return Stage(coefficients[None, :], np.zeros(1), UnitActivations.uniform(IDENTITY, 1), name=name)
