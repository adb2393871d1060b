"""Error-free transforms: sums and products of float64 arrays that are refused unless they are exact."""

from __future__ import annotations

from typing import Any

import numpy as np

# Veltkamp's splitting constant, 2^27 + 1, cuts a float64 into two halves whose products are exact.
_SPLIT = 134217729.0
# Between these magnitudes no term of the splitting overflows or underflows.
_SMALL, _LARGE = 1e-130, 1e130


def exact_sum(a: Any, b: Any) -> Any | None:
    """`a + b` for two arrays (both dense or both sparse), or None where some sum is no float64 (Knuth's TwoSum)."""
    with np.errstate(all="ignore"):
        total = a + b
        other = total - a
        error = (a - (total - other)) + (b - other)
    errors = error.data if hasattr(error, "tocsr") else error
    # An overflow leaves NaN here, which is not 0 either.
    return None if np.any(np.asarray(errors) != 0) else total


def exact_product(a: Any, b: Any) -> np.ndarray | None:
    """`a * b` for dense arrays that broadcast, or None where some product is no float64 (Veltkamp and Dekker).

    Outside the range in which the splitting is safe, only products by 0, by 1 and by powers of two count as exact.
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    with np.errstate(all="ignore"):
        product = a * b
        if _trivial(a) or _trivial(b):
            return product
        a_high, a_low = _halves(a)
        b_high, b_low = _halves(b)
        error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
        good = (error == 0) & _safe(a) & _safe(b)
        shifted = (_power_of_two(a) | _power_of_two(b)) & np.isfinite(product) & (np.abs(product) > 1e-290)
        good |= shifted | (a == 0) | (b == 0) | (np.abs(a) == 1) | (np.abs(b) == 1)
    return product if np.all(good) else None


def _trivial(a: np.ndarray) -> bool:
    return bool(np.all((a == 0) | (np.abs(a) == 1)))


def _safe(a: np.ndarray) -> np.ndarray:
    size = np.abs(a)
    return (size > _SMALL) & (size < _LARGE)


def _halves(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scaled = _SPLIT * a
    high = scaled - (scaled - a)
    return high, a - high


def _power_of_two(a: np.ndarray) -> np.ndarray:
    return np.abs(np.frexp(a)[0]) == 0.5
