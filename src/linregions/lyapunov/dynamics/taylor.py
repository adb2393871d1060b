"""Taylor coefficients of expressions over boxes: truncated power series whose coefficients are rationals or balls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from ...errors import InputError
from .constants import exact_value
from .expression import Expression
from .series import (
    SHIFT,
    EnclosureError,
    Interval,
    Series,
    added,
    ball,
    composed,
    ends,
    fraction,
    is_ball,
    precision,
    rounded,
    times,
    unpacked,
)

Box = tuple[Interval, ...]

MOST_DEGREE = 64
PRECISION = 128
PATIENCE = (512, 2048)  # bits that are tried where a constant cannot be told from 0


@dataclass(frozen=True, eq=False)
class Enclosure:
    """What is known of f_1, .., f_K over a box around `centre`, for every y in the box and every k.

    f_k(y) = sum_i t_i (y - centre)^(exponents_i) with |t_i - mid[k][i]| <= rad[k][i].

    The first row of `exponents` is 0.  Rows of degree <= d are the Taylor coefficients at the centre (rad 0 where they
    are known to be rational), rows of degree d + 1 enclose the coefficients everywhere in the box (Taylor's theorem).

    Attributes:
        centre: (q,) rationals.
        exponents: (N, q) int64.
        mid, rad: K lists of N rationals; rad >= 0.
    """

    centre: tuple[Fraction, ...]
    exponents: np.ndarray
    mid: list[list[Fraction]]
    rad: list[list[Fraction]]

    def bounds(self, point: Sequence[Fraction]) -> list[Interval]:
        """The intervals that hold f_1, .., f_K at a rational point of the box."""
        steps = [y - c for y, c in zip(point, self.centre, strict=True)]
        powers = [
            math.prod((s ** int(e) for s, e in zip(steps, row, strict=True) if e), start=Fraction(1))
            for row in self.exponents
        ]
        out = []
        for mid, rad in zip(self.mid, self.rad, strict=True):
            value = sum((m * p for m, p in zip(mid, powers, strict=True)), Fraction(0))
            slack = sum((r * abs(p) for r, p in zip(rad, powers, strict=True)), Fraction(0))
            out.append((value - slack, value + slack))
        return out

    def __repr__(self) -> str:
        return f"Enclosure({len(self.mid)} functions, {len(self.exponents)} terms)"


class Taylor:
    """Expressions as one program, each common part once, run on rationals, balls, power series or arrays.

    Example:
        >>> from linregions.lyapunov.dynamics.parsing import parse
        >>> sine = Taylor((parse("sin(x1)", dim=1),), 1)
        >>> cube = sine.enclosure([(-1, 1)], [0], 2)
        >>> cube.exponents.ravel().tolist(), cube.mid[0][:2], cube.rad[0][:2]
        ([0, 1, 3], [Fraction(0, 1), Fraction(1, 1)], [Fraction(0, 1), Fraction(0, 1)])
        >>> low, high = cube.mid[0][2] - cube.rad[0][2], cube.mid[0][2] + cube.rad[0][2]
        >>> print(float(low) <= -1 / 6, float(high) >= -0.0901)  # -cos/6 over [-1, 1]
        True True
    """

    def __init__(self, expressions: Sequence[Expression], dim: int, inputs: int = 0):
        self.expressions, self.dim, self.variables = tuple(expressions), dim, dim + inputs
        place: dict[Expression, int] = {}
        self._steps: list[tuple[str, list[int], Any]] = []
        for expression in self.expressions:
            for e in expression.walk():
                if e not in place:
                    place[e] = len(self._steps)
                    self._steps.append((e.op, [place[a] for a in e.args if isinstance(a, Expression)], self._extra(e)))
        self._results = [place[e] for e in self.expressions]
        self._at_centre = lru_cache(maxsize=1024)(self._coefficients)
        self._enclosed = lru_cache(maxsize=4096)(self._enclosure)

    def _extra(self, e: Expression) -> Any:
        if e.op in ("x", "u"):
            return e.args[0] + (self.dim if e.op == "u" else 0)
        return {"number": e.args[0], "^": e.args[-1]}.get(e.op) if e.args else None

    def at(self, point: Sequence[Fraction]) -> list[Interval]:
        """The values at a rational point, as intervals; a single number where it is known to be rational."""
        try:
            with precision(PRECISION):
                values = self._run([(v, v) for v in point], 0)
                return [self._interval(k, s, point) for k, s in enumerate(values)]
        except EnclosureError as error:
            text = ", ".join(map(str, point))
            raise InputError(f"dynamics: {error} at ({text}); f must be defined there") from None

    def _interval(self, k: int, series: Series, point: Sequence[Fraction]) -> Interval:
        value: Any = series[0].get(0, 0) if series else 0
        if not is_ball(value):
            exact = fraction(value)
            return exact, exact
        known = exact_value(self.expressions[k], point, dim=self.dim)
        if known is not None:
            return known, known
        for bits in PATIENCE if value.contains(0) else ():
            with precision(bits):
                value = self._run([(v, v) for v in point], 0)[k][0][0]
                if not value.contains(0):
                    break
        mid, rad = ends(value)
        return mid - rad, mid + rad

    def jacobian(self, point: Sequence[Fraction]) -> list[list[Interval]]:
        """The partial derivatives at a rational point, K rows of q intervals."""
        terms = self._at_centre(tuple(point), 1)
        out = []
        for series in terms:
            first = series[1] if len(series) > 1 else {}
            pairs = [first.get(1 << (SHIFT * j), (Fraction(0), Fraction(0))) for j in range(self.variables)]
            out.append([(m - r, m + r) for m, r in pairs])
        return out

    def enclosure(self, box: Sequence[tuple[Any, Any]], centre: Sequence[Any], degree: int) -> Enclosure:
        """The Taylor polynomials at `centre` and the next terms over `box`; `Smooth.enclosure` says more."""
        sides = tuple((Fraction(low), Fraction(high)) for low, high in box)
        middle = tuple(Fraction(c) for c in centre)
        if len(sides) != self.variables or len(middle) != self.variables:
            raise InputError(
                f"enclosure: box and centre must have {self.variables} coordinates, got {len(sides)} and {len(middle)}"
            )
        if not all(low <= c <= high for (low, high), c in zip(sides, middle, strict=True)):
            raise InputError("enclosure: the centre must lie in the box")
        if not 0 <= degree < MOST_DEGREE:
            raise InputError(f"enclosure: degree must be 0 to {MOST_DEGREE - 1}, got {degree}")
        return self._enclosed(sides, middle, degree)

    def _enclosure(self, box: Box, centre: tuple[Fraction, ...], degree: int) -> Enclosure:
        terms = [{k: v for part in s for k, v in part.items()} for s in self._at_centre(centre, degree)]
        with precision(PRECISION):
            for known, series in zip(terms, self._run(box, degree + 1), strict=True):
                if len(series) > degree + 1:
                    known.update({key: rounded(c) for key, c in series[degree + 1].items()})
        every = {0: unpacked(0, self.variables)} | {k: unpacked(k, self.variables) for known in terms for k in known}
        keys = sorted(every, key=lambda key: (sum(every[key]), every[key][::-1]))
        none = (Fraction(0), Fraction(0))
        pairs = [[known.get(key, none) for key in keys] for known in terms]
        exponents = np.array([every[key] for key in keys], dtype=np.int64).reshape(len(keys), self.variables)
        return Enclosure(
            centre, exponents, [[m for m, _ in row] for row in pairs], [[r for _, r in row] for row in pairs]
        )

    def _coefficients(self, centre: tuple[Fraction, ...], degree: int) -> list[list[dict[int, Interval]]]:
        """The Taylor coefficients (mid, rad) at a point up to `degree`; constants that are 0 are known to be."""
        with precision(PRECISION):
            found = self._run([(c, c) for c in centre], degree)
            out = [[{key: ends(c) for key, c in part.items()} for part in series] for series in found]
            for k, series in enumerate(found):
                value: Any = series[0].get(0, 0) if series else 0
                if is_ball(value) and value.contains(0):
                    low, high = self._interval(k, series, centre)
                    out[k][0][0] = ((low + high) / 2, (high - low) / 2)
        return out

    def _run(self, box: Sequence[Interval], degree: int) -> list[Series]:
        """Every expression as a power series in y - (any one point of the box), truncated after `degree`."""
        from flint import arb, fmpq

        values: list[Series] = []
        for op, args, extra in self._steps:
            if op == "number":
                new: Series = [{0: fmpq(extra.numerator, extra.denominator)}] if extra else []
            elif op in ("x", "u"):
                low, high = box[extra]
                start = ball(low, high)
                new = [{0: start} if is_ball(start) or start else {}]
                if degree:
                    new.append({1 << (SHIFT * extra): fmpq(1)})
                elif not new[0]:
                    new = []
            elif op == "pi":
                new = [{0: arb.pi()}]
            elif op == "+":
                new = added([values[a] for a in args])
            elif op == "*":
                new = values[args[0]]
                for a in args[1:]:
                    new = times(new, values[a], degree)
            elif op == "/":
                new = times(values[args[0]], composed("/", values[args[1]], degree), degree)
            else:
                new = composed(op, values[args[0]], degree, extra)
            values.append(new)
        return [values[k] for k in self._results]

    def sampled(self, points: np.ndarray) -> np.ndarray:
        """The values in float64, without bounds: (..., q) to (..., K)."""
        if points.ndim == 0 or points.shape[-1] != self.variables:
            raise InputError(f"points: the last axis must have {self.variables} coordinates, got shape {points.shape}")
        values: list[Any] = []
        with np.errstate(all="ignore"):
            for op, args, extra in self._steps:
                values.append(_in_floats(op, [values[a] for a in args], extra, points))
        return np.stack([np.broadcast_to(values[k], points.shape[:-1]) for k in self._results], axis=-1)


def _in_floats(op: str, args: list[Any], extra: Any, points: np.ndarray) -> Any:
    if op in ("x", "u"):
        return points[..., extra]
    if op in ("number", "pi"):
        return float(extra) if op == "number" else math.pi
    if op in ("+", "*"):
        out = args[0]
        for a in args[1:]:
            out = out + a if op == "+" else out * a
        return out
    if op == "^":
        return args[0] ** extra
    return args[0] / args[1] if op == "/" else getattr(np, op)(args[0])
