"""Power series in several variables, truncated, with rational or ball coefficients: the arithmetic of Taylor models."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

Interval = tuple[Fraction, Fraction]

# A series is a list by total degree; each entry maps a monomial, exponent e_k in bits 8 k and up, to its coefficient.
# Coefficients are rationals (fmpq) as long as they are known exactly, else balls (arb).  Zero is the empty list.
Series = list[dict[int, Any]]
SHIFT = 8

TINY = 8192  # a ball within 2^-TINY of 0 is widened to that
_LOCK = threading.RLock()


class EnclosureError(Exception):
    """A function cannot be enclosed over a box, since a divisor could be 0 in it: cut the box."""


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Ball arithmetic with so many bits; flint's setting is put back, and no other thread changes it meanwhile."""
    from flint import ctx

    with _LOCK:
        before = ctx.prec
        ctx.prec = bits
        try:
            yield
        finally:
            ctx.prec = before


def is_ball(value: Any) -> bool:
    """Whether a coefficient is a ball, not a rational."""
    return hasattr(value, "rad")


def fraction(value: Any) -> Fraction:
    """A rational coefficient as a Fraction."""
    return Fraction(int(value.p), int(value.q)) if hasattr(value, "p") else Fraction(value)


def _dyadic(value: Any) -> Fraction:
    """The number that an exact ball is."""
    mantissa, exponent = (int(v) for v in value.man_exp())
    if abs(exponent) > 4 * TINY:  # the integers below would fill the memory
        raise EnclosureError("a value is beyond every bound")
    return Fraction(mantissa << exponent) if exponent >= 0 else Fraction(mantissa, 1 << -exponent)


def ends(value: Any) -> Interval:
    """(mid, rad) of a rational or a ball, rad rounded up; a ball that is tiny beyond use is widened."""
    from flint import arb

    if not is_ball(value):
        return fraction(value), Fraction(0)
    if not value.is_finite():
        raise EnclosureError("a value is beyond every bound")
    if value.abs_upper() < arb(2) ** -TINY:
        return Fraction(0), Fraction(1, 1 << TINY)
    return _dyadic(value.mid()), _above(value.rad())


def rounded(value: Any) -> Interval:
    """(mid, rad) of a ball with float64 numbers for both, rounded outwards; a rational stays as it is."""
    from flint import arb

    if not is_ball(value):
        return fraction(value), Fraction(0)
    mid = float(value.mid())
    if not value.is_finite() or not math.isfinite(mid):
        raise EnclosureError("a value is beyond every bound")
    return Fraction(mid), _above((value - arb(mid)).abs_upper())


def _above(bound: Any) -> Fraction:
    """A float64 number that is not below an exact ball >= 0."""
    from flint import arb

    number = float(bound)
    while math.isfinite(number) and not arb(number) >= bound:
        number = math.nextafter(number, math.inf)
    if not math.isfinite(number):
        raise EnclosureError("a value is beyond every bound")
    return Fraction(number)


def ball(low: Fraction, high: Fraction) -> Any:
    """The coefficient that holds an interval: a rational where it is one point."""
    from flint import arb, fmpq

    first = fmpq(low.numerator, low.denominator)
    return first if low == high else arb(first).union(arb(fmpq(high.numerator, high.denominator)))


def unpacked(key: int, variables: int) -> tuple[int, ...]:
    """The exponents of a monomial."""
    return tuple(key >> (SHIFT * j) & 255 for j in range(variables))


def added(parts: Sequence[Series]) -> Series:
    """The sum."""
    out: Series = [{} for _ in range(max(map(len, parts)))]
    for series in parts:
        for into, terms in zip(out, series, strict=False):
            for key, c in terms.items():
                into[key] = into[key] + c if key in into else c
    return _trimmed(out)


def times(a: Series, b: Series, degree: int) -> Series:
    """The product, truncated after `degree`."""
    if len(a) > len(b):
        a, b = b, a
    if len(a) == 1:  # a constant
        return _trimmed([{key: a[0][0] * c for key, c in terms.items()} for terms in b[: degree + 1]])
    out: Series = [{} for _ in range(min(len(a) + len(b) - 1, degree + 1))] if a and b else []
    for i, left in enumerate(a):
        for j, right in enumerate(b[: degree + 1 - i]):
            into = out[i + j]
            for key, c in left.items():
                for other, d in right.items():
                    k = key + other
                    into[k] = into[k] + c * d if k in into else c * d
    return _trimmed(out)


def _trimmed(series: Series) -> Series:
    """Without terms that are exactly 0, and without empty degrees at the end."""
    from flint import arb

    for k, terms in enumerate(series):
        for c in terms.values():
            if type(c) is not arb and not c:
                series[k] = {key: c for key, c in terms.items() if type(c) is arb or c}
                break
    while series and not series[-1]:
        series.pop()
    return series


def composed(op: str, inner: Series, degree: int, exponent: int = 0) -> Series:
    """A function of a series: its own Taylor coefficients at the constant term, by Horner's scheme in the rest."""
    from flint import fmpq

    start = inner[0].get(0, fmpq(0)) if inner else fmpq(0)
    rest: Series = [{}, *inner[1:]] if len(inner) > 1 else []
    outer = _outer(op, start, degree if rest else 0, exponent)
    if sum(map(len, rest)) == 1:
        return _of_monomial(outer, rest, degree)
    out: Series = []
    for k in range(len(outer) - 1, -1, -1):
        out = times(out, rest, degree - k) if out else []
        if is_ball(outer[k]) or outer[k]:
            out = added([out, [{0: outer[k]}]])
    return out


def _of_monomial(outer: Sequence[Any], rest: Series, degree: int) -> Series:
    """sum_k outer_k h^k for a series h of one term."""
    ((key, c),) = rest[-1].items()
    step = len(rest) - 1
    out: Series = [{} for _ in range(degree + 1)]
    power: Any = 1
    for k in range(min(len(outer) - 1, degree // step) + 1):
        out[k * step] = {k * key: outer[k] * power}
        power = power * c
    return _trimmed(out)


def _outer(op: str, at: Any, degree: int, exponent: int) -> list[Any]:
    """Taylor coefficients of a function at a rational or over a ball, up to `degree`."""
    from flint import arb, fmpq

    if op == "^":
        top = min(degree, exponent)
        return [math.comb(exponent, k) * _power(at, exponent - k) for k in range(top + 1)]
    if op == "/":
        return _reciprocal(at, degree)
    exact = not is_ball(at) and not at
    if op == "tanh":
        out = [fmpq(0) if exact else arb(at).tanh()]
        for k in range(degree):
            square = sum((2 * out[i] * out[k - i] for i in range((k + 1) // 2)), fmpq(0))
            if k % 2 == 0:
                square += _power(out[k // 2], 2)
            out.append(((fmpq(1) if k == 0 else fmpq(0)) - square) / (k + 1))
        return out
    if op == "exp":
        first = fmpq(1) if exact else arb(at).exp()
        cycle = [first] * 4
    else:
        s, c = (fmpq(0), fmpq(1)) if exact else arb(at).sin_cos()
        cycle = [s, c, -s, -c] if op == "sin" else [c, -s, -c, s]
    return [cycle[k % 4] / math.factorial(k) for k in range(degree + 1)]


def _power(at: Any, exponent: int) -> Any:
    """The range of a power over a ball, from its ends; the power of a rational."""
    from flint import arb, fmpq

    if not is_ball(at) or exponent < 2:
        return at**exponent if exponent > 1 else at if exponent else fmpq(1)
    low, high = (at.abs_lower(), at.abs_upper()) if exponent % 2 == 0 else (at.lower(), at.upper())
    ends = []
    for end in (low, high):
        power = arb(1)
        for _ in range(exponent):
            power *= end
        ends.append(power)
    return ends[0].union(ends[1])


def _reciprocal(at: Any, degree: int) -> list[Any]:
    if at.contains(0) if is_ball(at) else not at:
        raise EnclosureError("a divisor is 0 or cannot be told from it")
    out = [1 / at]
    for _ in range(degree):
        out.append(-out[-1] * out[0])
    return out
