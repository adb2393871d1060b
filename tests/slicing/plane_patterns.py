"""The exact pattern of a network at a rational point of a plane slice, in integers, beside the library's own."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from linregions.activations import MaxGroups


class PlanePatterns:
    """Evaluates a network of ReLUs and maxima on a plane.

    Values are rows of integers (a, b, c) over a common denominator, the functions a s + b t + c of the coordinates on
    the plane, that the network computes next to the point.  The last row is the denominator.
    """

    def __init__(self, network, domain):
        self.start = _integers([[*row] for row in domain.embedding])
        self.stages = [_Stage(stage) for stage in network.stages]

    def __call__(self, s: float, t: float) -> tuple[np.ndarray, bool]:
        """The pattern at (s, t), and whether the point lies on a boundary: on the zero line of a unit, or of a maximum.

        A unit that is zero all around, or rows of a maximum that are the same all around, make no boundary.
        """
        (s, sq), (t, tq) = float(s).as_integer_ratio(), float(t).as_integer_ratio()
        at = np.array([s * tq, t * sq, sq * tq], dtype=object)
        rows, pattern, boundary = self.start, [], False
        for stage in self.stages:
            rows, pieces, met = stage(rows, at)
            pattern.append(pieces)
            boundary |= met
        return np.concatenate(pattern), boundary


class _Stage:
    def __init__(self, stage):
        self.activation, self.groups = stage.activation, isinstance(stage.activation, MaxGroups)
        if not self.groups:
            assert {f.slopes for f in stage.activation.functions} <= {(0.0, 1.0), (1.0,)}
            self.active = np.array([stage.activation.functions[k].pieces > 1 for k in stage.activation.index])
        columns, values, self.at = [], [], []
        for i in range(stage.rows):
            which, weights = stage.row(i)
            over = Fraction(1) if stage.divisor is None else Fraction(float(stage.divisor[i]))
            self.at.append(len(columns))
            columns += [*which, stage.inputs]
            values += [Fraction(float(w)) / over for w in (*weights, stage.bias[i])]
        self.columns = np.array(columns)
        self.bottom = math.lcm(*(v.denominator for v in values))
        self.values = np.array([v.numerator * (self.bottom // v.denominator) for v in values], dtype=object)

    def __call__(self, rows: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool]:
        z = np.add.reduceat(self.values[:, None] * rows[self.columns], self.at)
        value, end = z @ at, self.bottom * rows[-1:]
        if self.groups:
            out, pieces, boundary = [], [], False
            for a, b in zip(self.activation.offsets[:-1], self.activation.offsets[1:], strict=True):
                best = a + max(range(b - a), key=lambda k, a=a: value[a + k])  # the first of equals
                boundary |= any(value[k] == value[best] and any(z[k] != z[best]) for k in range(a, b))
                out.append(z[best])
                pieces += [best - a] if b - a > 1 else []
            return np.array([*out, *end], dtype=object), np.array(pieces, dtype=int), boundary
        positive = (value > 0) | ~self.active
        boundary = bool(np.any(self.active & (value == 0) & (z != 0).any(axis=1)))
        z = np.where(positive[:, None], z, 0)
        return np.concatenate([z, end]), positive[self.active].astype(int), boundary


def _integers(rows: list[list[Fraction]]) -> np.ndarray:
    bottom = math.lcm(*(v.denominator for row in rows for v in row))
    return np.array([[int(v * bottom) for v in row] for row in [*rows, [0, 0, 1]]], dtype=object)
