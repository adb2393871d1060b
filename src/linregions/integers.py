"""A stage in integers over powers of two: float64 numbers are such, and sums and products of them stay so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .activations import MaxGroups
from .exact import scaled_integers
from .stage import Stage


@dataclass(frozen=True, eq=False)
class IntegerStage:
    """A stage without divisor in integers: weights over 2^weight_shift, biases over 2^bias_shift, and so on.

    Fractions would take a greatest common divisor at every sum and product; here a sum takes shifts.

    Attributes:
        rows: (input, weight) of every weight that is not zero, row by row.
        bias: one number a row.
        offsets: where groups of rows begin, for max groups; None for functions of one row each.
        breaks: the breakpoints of every unit, over 2^break_shift.
        pieces: (slope, intercept) of every unit's pieces, over 2^slope_shift and 2^intercept_shift.
    """

    rows: list[list[tuple[int, int]]]
    weight_shift: int
    bias: list[int]
    bias_shift: int
    offsets: list[int] | None
    breaks: list[list[int]]
    break_shift: int
    pieces: list[list[tuple[int, int]]]
    slope_shift: int
    intercept_shift: int

    @classmethod
    def of(cls, stage: Stage) -> IntegerStage:
        """The stage, which has no divisor."""
        assert stage.divisor is None, "a divisor need not be a power of two"
        entries = [stage.row(i) for i in range(stage.rows)]
        numbers, weight_shift = over_power_of_two([[Fraction(float(v)) for v in values] for _, values in entries])
        rows = [list(zip(at.tolist(), row, strict=True)) for (at, _), row in zip(entries, numbers, strict=True)]
        (bias,), bias_shift = over_power_of_two([[Fraction(float(v)) for v in np.asarray(stage.bias)]])
        act = stage.activation
        if isinstance(act, MaxGroups):
            return cls(rows, weight_shift, bias, bias_shift, act.offsets.tolist(), [], 0, [], 0, 0)
        breaks, break_shift = over_power_of_two([[Fraction(t) for t in f.breakpoints] for f in act.functions])
        slopes, slope_shift = over_power_of_two([[Fraction(s) for s in f.slopes] for f in act.functions])
        intercepts, intercept_shift = over_power_of_two([list(f.intercepts) for f in act.functions])
        pieces = [list(zip(a, b, strict=True)) for a, b in zip(slopes, intercepts, strict=True)]
        return cls(
            rows, weight_shift, bias, bias_shift, None,
            [breaks[k] for k in act.index], break_shift,
            [pieces[k] for k in act.index], slope_shift, intercept_shift,
        )  # fmt: skip

    def values(self, state: Sequence[int], bottom: int, shift: int) -> tuple[list[int], int]:
        """The stage at the point `state / (bottom 2^shift)`: numbers over `bottom 2^s`, and that s."""
        total = max(shift + self.weight_shift, self.bias_shift)
        up, one = total - shift - self.weight_shift, bottom << total - self.bias_shift
        z = [
            (sum([w * state[j] for j, w in row]) << up) + bias * one
            for row, bias in zip(self.rows, self.bias, strict=True)
        ]
        if self.offsets is not None:
            return [max(z[a:b]) for a, b in zip(self.offsets, self.offsets[1:], strict=False)], total
        out_shift = max(total + self.slope_shift, self.intercept_shift)
        up, one = out_shift - total - self.slope_shift, bottom << out_shift - self.intercept_shift
        top = bottom << total
        out = []
        for v, breaks, pieces in zip(z, self.breaks, self.pieces, strict=True):
            piece = 0
            for t in breaks:  # ascending; most of them are 0
                piece += v << self.break_shift > t * top if t else v > 0
            slope, intercept = pieces[piece]
            value = (slope * v << up) if slope else 0
            out.append(value + intercept * one if intercept else value)
        return out, out_shift

    def maps(
        self, pieces: Sequence[int], state: list[list[int]], shift: int, columns: int
    ) -> tuple[list[list[int]], int]:
        """The stage after the affine maps `state / 2^shift`, rows `(a_1, ..., a_n, c)`, on these pieces."""
        if self.offsets is not None:
            return self._affine([a + p for a, p in zip(self.offsets, pieces, strict=False)], state, shift, columns)
        choice = [unit[p] for unit, p in zip(self.pieces, pieces, strict=True)]
        live = [i for i, (slope, _) in enumerate(choice) if slope]
        z, z_shift = self._affine(live, state, shift, columns)
        out = [[0] * columns for _ in choice]
        total = max(z_shift + self.slope_shift, self.intercept_shift)
        up, lift = total - z_shift - self.slope_shift, total - self.intercept_shift
        for i, row in zip(live, z, strict=True):
            slope = choice[i][0] << up
            out[i] = [slope * v for v in row]
        for row, (_, intercept) in zip(out, choice, strict=True):
            row[-1] += intercept << lift
        return out, total

    def _affine(
        self, which: Sequence[int], state: list[list[int]], shift: int, columns: int
    ) -> tuple[list[list[int]], int]:
        total = max(shift + self.weight_shift, self.bias_shift)
        up, lift = total - shift - self.weight_shift, total - self.bias_shift
        live = [any(row) for row in state]
        out = []
        for i in which:
            used = [(w, state[j]) for j, w in self.rows[i] if live[j]]
            row = [sum(w * v[k] for w, v in used) << up for k in range(columns)]
            row[-1] += self.bias[i] << lift
            out.append(row)
        return out, total


def over_power_of_two(rows: Sequence[Sequence[Fraction]]) -> tuple[list[list[int]], int]:
    """Integers and the shift s with `value = integer / 2^s`, for numbers whose denominators are powers of two."""
    integers, scale = scaled_integers(rows)
    assert scale & (scale - 1) == 0, "float64 numbers, and sums and products of them, are over powers of two"
    return integers, scale.bit_length() - 1
