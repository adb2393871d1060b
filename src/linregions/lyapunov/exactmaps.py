"""The affine maps of a network in integers: one pattern at a time, and for one layer of ReLUs many at once."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from ..activations import MaxGroups, PiecewiseLinear, UnitActivations
from ..exact import scaled_integers
from ..network import Network
from ..stage import Stage
from .slopes import is_shallow, stage_pieces, unit_gains

ExactMap = tuple[
    list[list[int]], int
]  # one row (a_1, ..., a_n, c) per output, and the positive scale that they are over

_MOST_LIMBS = 64


@dataclass(frozen=True, eq=False)
class ExactMaps:
    """Exact affine maps `x -> rows . (x, 1) / scale` of a network, integer rows.

    Example:
        >>> net = Network.from_arrays([([[1.0], [-1.0]], [0.0, 0.5]), ([[0.75, 1.0]], [0.0])])
        >>> ExactMaps(net).maps(np.array([[1, 0], [1, 1]]))
        [([[6, 0]], 8), ([[-2, 4]], 8)]
    """

    network: Network

    def map(self, pattern: np.ndarray) -> ExactMap:
        """The map where the network has this pattern."""
        return self.maps(pattern[None, :])[0]

    def maps(self, patterns: np.ndarray) -> list[ExactMap]:
        """The maps of patterns (cells, units)."""
        if self._limbs is not None:
            return self._limbs.maps(patterns)
        return [self._composed(pattern) for pattern in patterns]

    def _composed(self, pattern: np.ndarray) -> ExactMap:
        if self._stages is None:
            slope, offset = self.network.exact_affine_map(pattern)
            return scaled_integers([[*a, c] for a, c in zip(slope, offset, strict=True)])
        n, shift = self.network.input_dim, 0
        state = [[int(i == j) for j in range(n + 1)] for i in range(n)]
        for stage, pieces in zip(self._stages, self.network._split(pattern), strict=True):
            state, shift = stage.step(pieces.tolist(), state, shift, n)
        return state, 1 << shift

    @cached_property
    def _limbs(self) -> _Limbs | None:
        return _Limbs.of(self.network) if is_shallow(self.network) else None

    @cached_property
    def _stages(self) -> list[_IntegerStage] | None:
        """The stages over powers of two; None where a divisor is another number."""
        if any(stage.divisor is not None for stage in self.network.stages):
            return None
        return [_IntegerStage.of(stage) for stage in self.network.stages]


@dataclass(frozen=True, eq=False)
class _Limbs:
    """One layer whose units' gains are -1, 0 or 1: sums of integer shares, taken limb by limb in float64.

    A share is `sum_k limbs_k 2^(width k)` with `|limbs_k| < 2^width`; at most 2^(53 - width) of them are summed, so no
    sum of limbs reaches 2^53 and every one is exact, in whatever order a matrix product takes it.
    """

    network: Network
    table: np.ndarray  # (units, outputs (n + 1) limbs)
    width: int
    constants: list[int]
    shift: int

    @classmethod
    def of(cls, network: Network) -> _Limbs | None:
        first, last = network.stages
        act = first.activation
        assert isinstance(act, UnitActivations)
        simple = all(set(f.slopes) <= {-1.0, 0.0, 1.0} and not any(f.intercepts) for f in act.functions)
        if not simple or not first.rows:
            return None
        rows = np.concatenate([first.weight, np.asarray(first.bias)[:, None]], axis=1)
        ahead, ahead_shift = _integers(last.weight)
        entering, entering_shift = _integers(rows)
        bias, bias_shift = _integers(np.asarray(last.bias))
        shift = max(ahead_shift + entering_shift, bias_shift)
        shares = (ahead.T[:, :, None] * entering[:, None, :]) << (shift - ahead_shift - entering_shift)
        width = 52 - len(rows).bit_length()
        count = -(-max(int(abs(v)).bit_length() for v in shares.flat) // width) or 1
        if count > _MOST_LIMBS:
            return None
        parts, sign = [], np.where(shares < 0, -1, 1)
        left = abs(shares)
        for _ in range(count):
            parts.append((sign * (left & ((1 << width) - 1))).astype(np.float64))
            left = left >> width
        table = np.stack(parts, axis=-1).reshape(len(rows), -1)
        constants = [int(v) << (shift - bias_shift) for v in bias]
        return cls(network, table, width, constants, shift)

    def maps(self, patterns: np.ndarray) -> list[ExactMap]:
        gains, _ = unit_gains(self.network.stages[0], stage_pieces(self.network, patterns)[0])
        outputs, columns = self.network.output_dim, self.network.input_dim + 1
        out: list[ExactMap] = []
        block = max(1, 2**21 // self.table.shape[1])
        for a in range(0, len(gains), block):
            sums = (gains[a : a + block] @ self.table).reshape(
                -1, outputs, columns, self.table.shape[1] // (outputs * columns)
            )
            limbs = sums.astype(np.int64).astype(object)
            total = limbs[..., -1]
            for k in range(limbs.shape[-1] - 2, -1, -1):
                total = total * (1 << self.width) + limbs[..., k]
            for rows in total.tolist():
                for row, constant in zip(rows, self.constants, strict=True):
                    row[-1] += constant
                out.append((rows, 1 << self.shift))
        return out


def _integers(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Floats as Python integers (an object array of the same shape) over a power of two, and its exponent."""
    flat = [Fraction(float(v)) for v in values.flat]
    (numbers,), shift = _over_power_of_two([flat])
    out = np.empty(len(flat), dtype=object)
    out[:] = numbers
    return out.reshape(values.shape), shift


@dataclass(frozen=True, eq=False)
class _IntegerStage:
    """A stage in integers: weights over 2^weight_shift, biases over 2^bias_shift, slopes and intercepts likewise."""

    rows: list[list[tuple[int, int]]]
    weight_shift: int
    bias: list[int]
    bias_shift: int
    offsets: list[int] | None
    pieces: list[list[tuple[int, int]]]
    slope_shift: int
    intercept_shift: int

    @classmethod
    def of(cls, stage: Stage) -> _IntegerStage:
        entries = [stage.row(i) for i in range(stage.rows)]
        numbers, weight_shift = _over_power_of_two([[Fraction(float(v)) for v in values] for _, values in entries])
        rows = [
            list(zip(columns.tolist(), row, strict=True)) for (columns, _), row in zip(entries, numbers, strict=True)
        ]
        (bias,), bias_shift = _over_power_of_two([[Fraction(float(v)) for v in np.asarray(stage.bias)]])
        act = stage.activation
        if isinstance(act, MaxGroups):
            return cls(rows, weight_shift, bias, bias_shift, act.offsets.tolist(), [], 0, 0)
        functions: list[PiecewiseLinear] = [act.functions[k] for k in act.index]
        slopes, slope_shift = _over_power_of_two([[Fraction(s) for s in f.slopes] for f in functions])
        intercepts, intercept_shift = _over_power_of_two([list(f.intercepts) for f in functions])
        pieces = [list(zip(a, b, strict=True)) for a, b in zip(slopes, intercepts, strict=True)]
        return cls(rows, weight_shift, bias, bias_shift, None, pieces, slope_shift, intercept_shift)

    def step(self, pieces: list[int], state: list[list[int]], shift: int, n: int) -> tuple[list[list[int]], int]:
        """The next state and the power of two that it is over."""
        width = range(n + 1)
        if self.offsets is not None:
            needed = [a + p for a, p in zip(self.offsets, pieces, strict=False)]
            return self._affine(needed, state, shift, width)
        choice = [unit[p] for unit, p in zip(self.pieces, pieces, strict=True)]
        live = [i for i, (slope, _) in enumerate(choice) if slope]
        z, z_shift = self._affine(live, state, shift, width)
        out = [[0] * (n + 1) for _ in choice]
        total = max(z_shift + self.slope_shift, self.intercept_shift)
        up, lift = total - z_shift - self.slope_shift, total - self.intercept_shift
        for i, row in zip(live, z, strict=True):
            slope = choice[i][0] << up
            out[i] = [slope * v for v in row]
        for row, (_, intercept) in zip(out, choice, strict=True):
            row[n] += intercept << lift
        return out, total

    def _affine(
        self, which: list[int], state: list[list[int]], shift: int, width: range
    ) -> tuple[list[list[int]], int]:
        total = max(shift + self.weight_shift, self.bias_shift)
        up, lift = total - shift - self.weight_shift, total - self.bias_shift
        live = [any(row) for row in state]
        out = []
        for i in which:
            used = [(w, state[j]) for j, w in self.rows[i] if live[j]]
            row = [sum(w * v[k] for w, v in used) << up for k in width]
            row[-1] += self.bias[i] << lift
            out.append(row)
        return out, total


def _over_power_of_two(rows: list[list[Fraction]]) -> tuple[list[list[int]], int]:
    """Integers and the shift `s` with `value = integer / 2^s`, for numbers whose denominators are powers of two."""
    integers, scale = scaled_integers(rows)
    assert scale & (scale - 1) == 0, "float64 numbers, and sums and products of them, are over powers of two"
    return integers, scale.bit_length() - 1
