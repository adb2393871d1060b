"""Numbers in units of a power of two near the largest that matters, so that float64 holds what is compared.

A level may be 1e300 or 1e-300, and its products with other numbers then leave the range of float64.  In units they do
not; what is still too large has a value of 0 and an error beyond everything it is compared with, which float64 adds
and multiplies without inf and NaN, and which leaves the decision to rational numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np

from ...exact import nearest_float

HUGE = 2.0**400  # numbers in units up to here are known; sums of a few products of two are far below the end of float64
UNKNOWN = 2.0**480  # the error of what is larger
TINY = 2.0**-900  # covers what underflows
EXPONENT = 20  # sizes from 2^-20 to 2^20 stay as they are where a person will read them


def exponent_of(value: Fraction) -> int:
    """The k with 2^k <= |value| < 2^(k+1); 0 for 0.

    Example:
        >>> exponent_of(Fraction(10)), exponent_of(Fraction(1, 3)), exponent_of(Fraction(0))
        (3, -2, 0)
    """
    if not value:
        return 0
    top, bottom = abs(value.numerator), value.denominator
    k = top.bit_length() - bottom.bit_length()
    return k if (top >= bottom << k if k >= 0 else top << -k >= bottom) else k - 1


def power(k: int) -> Fraction:
    """2^k, exactly."""
    return Fraction(1 << k) if k >= 0 else Fraction(1, 1 << -k)


def in_units(
    values: np.ndarray, errors: np.ndarray, exact: Callable[[int], Fraction], k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers over 2^k in float64 with bounds on the errors; those that are known too badly are taken exactly.

    Args:
        values: (m,) float64, perhaps infinite or NaN, which says nothing.
        errors: (m,) bounds of their errors, the same.
        exact: the exact number i.
        k: the unit.

    Example:
        >>> in_units(np.array([8.0, np.nan]), np.array([0.0, np.inf]), [Fraction(8), Fraction(4)].__getitem__, 3)[0]
        array([1. , 0.5])
    """
    with np.errstate(all="ignore"):
        near, blur = np.ldexp(values, -k), np.ldexp(errors, -k) + TINY
        # A comparison with NaN is false.
        good = (np.abs(near) <= HUGE) & (blur <= 2.0**-30 * np.maximum(np.abs(near), 1.0))
    near, blur = np.where(good, near, 0.0), np.where(good, blur, UNKNOWN)
    for i in np.flatnonzero(~good).tolist():
        near[i], blur[i] = rounded(exact(i), k)
    return near, blur


def rounded(value: Fraction, k: int) -> tuple[float, float]:
    """A number over 2^k in float64, and a bound on the error."""
    near = nearest_float(value * power(-k))
    return (near, abs(near) * 2.0**-52 + TINY) if abs(near) <= HUGE else (0.0, UNKNOWN)


def common_exponent(points: Sequence[Fraction]) -> int:
    """The exponent of the largest of some coordinates, 0 where that is a size that a person reads easily."""
    k = exponent_of(max((abs(v) for v in points), default=Fraction(0)))
    return 0 if abs(k) <= EXPONENT else k
