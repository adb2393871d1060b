"""Scalar continuous piecewise-linear functions, and the two kinds of activation that a stage can carry."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from .checks import plural, real_number, real_numbers, shown
from .errors import InputError


@dataclass(frozen=True)
class PiecewiseLinear:
    """A continuous piecewise-linear function of one real variable, known exactly.

    Piece `j` is the interval `(t_j, t_{j+1}]` with `t_0 = -inf` and `t_{k+1} = +inf`, where `t_1 < ... < t_k` are the
    breakpoints; on it the function is `slopes[j] * z + intercepts[j]`.  `value` is the function's value at the first
    breakpoint (at 0 when there is none); continuity fixes the rest, in rationals.  Neighbouring pieces of equal slope
    are merged, so pieces are the maximal intervals on which the function is affine.

    Example:
        >>> relu = PiecewiseLinear((0.0,), (0.0, 1.0), 0.0)
        >>> relu.pieces, float(relu(np.array(-3.0))), float(relu(np.array(2.0)))
        (2, 0.0, 2.0)
    """

    breakpoints: tuple[float, ...]
    slopes: tuple[float, ...]
    value: float = 0.0
    name: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        ts = real_numbers(self.breakpoints, "activation: breakpoints")
        ss = real_numbers(self.slopes, "activation: slopes")
        value = real_number(self.value, "activation: value")
        numbers = (*ts, *ss, value)
        if not all(math.isfinite(v) for v in numbers):
            raise InputError(f"activation {self.name or 'piecewise linear'}: all numbers must be finite, got {numbers}")
        if len(ss) != len(ts) + 1:
            given, needed = plural(len(ts), "breakpoint"), plural(len(ts) + 1, "slope")
            raise InputError(f"activation: {given} {'needs' if len(ts) == 1 else 'need'} {needed}, got {len(ss)}")
        if any(a >= b for a, b in pairwise(ts)):
            raise InputError(f"activation: breakpoints must increase strictly, got {ts}")
        kept = [i for i in range(len(ts)) if ss[i] != ss[i + 1]]
        if len(kept) != len(ts):
            exact = _intercepts(ts, ss, value)
            anchor = Fraction(ss[0]) * Fraction(ts[kept[0]]) + exact[0] if kept else exact[0]
            if Fraction(float(anchor)) != anchor:
                raise InputError(
                    "activation: merging pieces of equal slope gives a value that is no float64; "
                    "leave out the breakpoints at which the slope does not change"
                )
            value = float(anchor)
            ss = (ss[0], *(ss[i + 1] for i in kept))
            ts = tuple(ts[i] for i in kept)
        object.__setattr__(self, "breakpoints", ts)
        object.__setattr__(self, "slopes", ss)
        object.__setattr__(self, "value", value)

    @property
    def pieces(self) -> int:
        """Number of affine pieces."""
        return len(self.slopes)

    @cached_property
    def intercepts(self) -> tuple[Fraction, ...]:
        """The exact constant term of every piece."""
        return tuple(_intercepts(self.breakpoints, self.slopes, self.value))

    @property
    def is_identity(self) -> bool:
        """Whether the function is z -> z."""
        return self.slopes == (1.0,) and self.value == 0.0

    def __call__(self, z: np.ndarray) -> np.ndarray:
        """Evaluate in float64, elementwise."""
        z = np.asarray(z, dtype=np.float64)
        piece = self.piece(z)
        constants = np.array([float(c) for c in self.intercepts])
        return np.asarray(self.slopes)[piece] * z + constants[piece]

    def piece(self, z: np.ndarray) -> np.ndarray:
        """Index of the piece that holds each z; a breakpoint belongs to the piece on its left."""
        return np.searchsorted(np.asarray(self.breakpoints), z, side="left")

    def exact(self, z: Fraction) -> tuple[int, Fraction]:
        """Piece and value at a rational point."""
        j = sum(1 for t in self.breakpoints if z > Fraction(t))
        return j, Fraction(self.slopes[j]) * z + self.intercepts[j]


def _intercepts(ts: tuple[float, ...], ss: tuple[float, ...], value: float) -> list[Fraction]:
    first = Fraction(value) - (Fraction(ss[0]) * Fraction(ts[0]) if ts else 0)
    out = [first]
    for i, t in enumerate(ts):
        out.append(out[-1] + (Fraction(ss[i]) - Fraction(ss[i + 1])) * Fraction(t))
    return out


IDENTITY = PiecewiseLinear((), (1.0,), 0.0, "identity")
RELU = PiecewiseLinear((0.0,), (0.0, 1.0), 0.0, "relu")
ABS = PiecewiseLinear((0.0,), (-1.0, 1.0), 0.0, "abs")


def leaky_relu(alpha: float) -> PiecewiseLinear:
    """max(z, 0) + alpha * min(z, 0); `alpha` may have any sign."""
    return PiecewiseLinear((0.0,), (alpha, 1.0), 0.0, "leaky_relu")


def clip(lower: float, upper: float) -> PiecewiseLinear:
    """min(max(z, lower), upper); either end may be infinite."""
    lower, upper = real_number(lower, "clip: lower"), real_number(upper, "clip: upper")
    if math.isnan(lower) or math.isnan(upper) or lower > upper:
        raise InputError(f"clip: lower must not exceed upper, got {lower} and {upper}")
    if lower == -math.inf and upper == math.inf:
        return IDENTITY
    if lower == upper:
        return PiecewiseLinear((), (0.0,), lower, "clip")
    if lower == -math.inf:
        return PiecewiseLinear((upper,), (1.0, 0.0), upper, "clip")
    if upper == math.inf:
        return PiecewiseLinear((lower,), (0.0, 1.0), lower, "clip")
    return PiecewiseLinear((lower, upper), (0.0, 1.0, 0.0), lower, "clip")


def _integers(values: Any, what: str) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InputError(f"{what} must be a vector of integers, got {shown(values)}")
    return array


BY_NAME = {
    "identity": IDENTITY,
    "linear": IDENTITY,
    "relu": RELU,
    "abs": ABS,
    "relu6": clip(0.0, 6.0),
    "hardtanh": clip(-1.0, 1.0),
}


@dataclass(frozen=True, eq=False)
class UnitActivations:
    """One scalar function per unit: unit `i` applies `functions[index[i]]`."""

    functions: tuple[PiecewiseLinear, ...]
    index: np.ndarray

    def __post_init__(self) -> None:
        for f in self.functions:
            if not isinstance(f, PiecewiseLinear):
                raise InputError(f"activation: every function must be a PiecewiseLinear, got {shown(f)}")
        index = _integers(self.index, "activation: index")
        if np.any(index < 0) or np.any(index >= len(self.functions)):
            raise InputError(
                f"activation: index must name one of {plural(len(self.functions), 'function')} for each unit"
            )
        object.__setattr__(self, "functions", tuple(self.functions))
        object.__setattr__(self, "index", index)

    @classmethod
    def uniform(cls, function: PiecewiseLinear, units: int) -> UnitActivations:
        """The same function on every unit."""
        return cls((function,), np.zeros(units, dtype=np.int32))

    @classmethod
    def of(cls, functions: list[PiecewiseLinear]) -> UnitActivations:
        """One function per unit, equal ones shared."""
        table: dict[PiecewiseLinear, int] = {}
        index = np.array([table.setdefault(f, len(table)) for f in functions], dtype=np.int32)
        return cls(tuple(table), index)

    @property
    def units(self) -> int:
        """Number of units."""
        return len(self.index)

    @property
    def pieces(self) -> np.ndarray:
        """Number of pieces of every unit."""
        return np.array([f.pieces for f in self.functions], dtype=np.int64)[self.index]

    @property
    def is_identity(self) -> bool:
        """Whether no unit does anything."""
        return all(f.is_identity for f in self.functions)


@dataclass(frozen=True, eq=False)
class MaxGroups:
    """Unit `g` is the largest of rows `offsets[g]` to `offsets[g+1] - 1`; a tie goes to the lowest row."""

    offsets: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(self, "offsets", _integers(self.offsets, "max groups: offsets"))

    @property
    def units(self) -> int:
        """Number of groups."""
        return len(self.offsets) - 1

    @property
    def pieces(self) -> np.ndarray:
        """Number of rows of every group."""
        return np.diff(self.offsets).astype(np.int64)

    @property
    def is_identity(self) -> bool:
        """Whether every group has one row."""
        return bool(np.all(np.diff(self.offsets) == 1))


Activation = UnitActivations | MaxGroups
