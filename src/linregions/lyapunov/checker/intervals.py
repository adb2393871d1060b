"""Intervals with ends k / 2^128, and the ranges of exp, sin, cos, tanh and 1/x with their derivatives over them."""

from __future__ import annotations

import math
from fractions import Fraction

from .arithmetic import need

BITS = 128


def above(a: int, b: int) -> int:
    """The quotient rounded up."""
    return -(-a // b)


class Interval:
    """[lo, hi] / 2^BITS, every operation rounded outwards."""

    __slots__ = ("hi", "lo")

    def __init__(self, lo: int, hi: int):
        self.lo, self.hi = lo, hi

    @classmethod
    def of(cls, low: Fraction, high: Fraction) -> Interval:
        """The hull of two rationals."""
        return cls(math.floor(low * (1 << BITS)), math.ceil(high * (1 << BITS)))

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.lo + other.lo, self.hi + other.hi)

    def __sub__(self, other: Interval) -> Interval:
        return Interval(self.lo - other.hi, self.hi - other.lo)

    def __neg__(self) -> Interval:
        return Interval(-self.hi, -self.lo)

    def __mul__(self, other: Interval) -> Interval:
        ends = (self.lo * other.lo, self.lo * other.hi, self.hi * other.lo, self.hi * other.hi)
        return Interval(min(ends) >> BITS, -(-max(ends) >> BITS))

    def over(self, k: int) -> Interval:
        """Self divided by a positive integer."""
        return Interval(self.lo // k, above(self.hi, k))

    def inverse(self) -> Interval:
        """1 / self."""
        need(self.lo > 0 or self.hi < 0, "an expression divides by an interval that holds zero; bisect further")
        return Interval((1 << 2 * BITS) // self.hi, above(1 << 2 * BITS, self.lo))

    def hull(self, other: Interval) -> Interval:
        """The least interval that holds both."""
        return Interval(min(self.lo, other.lo), max(self.hi, other.hi))

    def __bool__(self) -> bool:
        return bool(self.lo or self.hi)


ONE = Interval(1 << BITS, 1 << BITS)
NONE = Interval(0, 0)


def sums(t: int) -> tuple[int, Interval, Interval, Interval]:
    """The k, and exp, cos, sin of t / 2^(BITS + k), at most 1/2: the terms after 40 are below 2^-BITS."""
    need(abs(t) >> BITS <= 4096, "an argument of exp, sin, cos or tanh is beyond 4096")
    k = max(0, abs(t).bit_length() + 1 - BITS)
    step = Interval(t, t).over(1 << k)
    term, totals = ONE, [Interval(-1, 1) for _ in range(4)]
    for i in range(40):
        totals[i % 4] += term
        term = (term * step).over(i + 1)
    a, b, c, d = totals
    return k, a + b + c + d, a - c, b - d


def exp_at(t: int) -> Interval:
    """exp(t / 2^BITS)."""
    k, value, _, _ = sums(t)
    for _ in range(k):
        value = value * value
    return value


def wave_at(t: int) -> tuple[Interval, Interval]:
    """Sine and cosine of t / 2^BITS, by doubling the angle."""
    k, _, c, s = sums(t)
    for _ in range(k):
        c, s = c * c - s * s, (s + s) * c
    return s, c


def pi() -> Interval:
    """Pi by Machin's formula 16 atan(1/5) - 4 atan(1/239), alternating sums."""

    def atan(n: int) -> tuple[int, int]:
        total, k, scale = 0, 0, 1 << (BITS + 32)
        while (term := scale // ((2 * k + 1) * n ** (2 * k + 1))) > 0:
            total, k = total + (-1) ** k * term, k + 1
        return total - k - 1, total + k + 1  # every term was rounded by less than one unit

    (a, b), (c, d) = atan(5), atan(239)
    return Interval((16 * a - 4 * d) >> 32, above(16 * b - 4 * c, 1 << 32))


PI = pi()


def waves(x: Interval) -> list[Interval]:
    """The ranges of sin and cos over an interval: their ends, and the extrema at k pi / 2 that may lie in it."""
    ends = [a.hull(b) for a, b in zip(wave_at(x.lo), wave_at(x.hi), strict=True)]
    for k in range(2 * x.lo // PI.lo - 4, 2 * x.hi // PI.lo + 5):
        if min(k * PI.lo, k * PI.hi) <= 2 * x.hi and max(k * PI.lo, k * PI.hi) >= 2 * x.lo:
            top = ONE if k % 4 < 2 else -ONE  # cos at 0, sin at pi/2, -cos at pi, -sin at 3 pi/2
            ends[(k + 1) % 2] = ends[(k + 1) % 2].hull(top)
    return [Interval(max(e.lo, -ONE.hi), min(e.hi, ONE.hi)) for e in ends]


def sin_over(x: Interval) -> Interval:
    """The range of sin."""
    return waves(x)[0]


def coefficients(op: str, x: Interval, order: int) -> list[Interval]:
    """The Taylor coefficients up to `order` of a function at every point of x."""
    if op in ("sin", "cos"):  # the derivatives are sin, cos, -sin, -cos in turn
        sin, cos = waves(x)
        turn = [sin, cos, -sin, -cos]
        return [turn[(k + (op == "cos")) % 4].over(math.factorial(k)) for k in range(order + 1)]
    if op == "exp":
        value = exp_at(x.lo).hull(exp_at(x.hi))
        return [value.over(math.factorial(k)) for k in range(order + 1)]
    if op == "/":
        out = [x.inverse()]
        for k in range(order):
            out.append(-(out[k] * out[0]))
        return out
    need(op == "tanh", f"the function {op!r} has no series")
    low, high = (ONE - (exp_at(2 * t) + ONE).inverse() * (ONE + ONE) for t in (x.lo, x.hi))
    out = [low.hull(high)]
    for k in range(1, order + 1):  # t' = 1 - t^2
        square = sum((out[i] * out[k - 1 - i] for i in range(k)), NONE)
        out.append(((ONE if k == 1 else NONE) - square).over(k))
    return out
