"""The affine maps of a network in integers: one pattern at a time, and for one layer of ReLUs many at once."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from ...activations import UnitActivations
from ...exact import scaled_integers
from ...integers import over_power_of_two
from ...network import Network
from ...partition.slopes import is_shallow, stage_pieces, unit_gains

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

    @property
    def bulk(self) -> bool:
        """Whether many maps at once cost hardly more than one."""
        return self._limbs is not None

    def _composed(self, pattern: np.ndarray) -> ExactMap:
        stages = self.network.integer_stages
        if stages is None:
            slope, offset = self.network.exact_affine_map(pattern)
            return scaled_integers([[*a, c] for a, c in zip(slope, offset, strict=True)])
        n, shift = self.network.input_dim, 0
        state = [[int(i == j) for j in range(n + 1)] for i in range(n)]
        for stage, pieces in zip(stages, self.network._split(pattern), strict=True):
            state, shift = stage.maps(pieces.tolist(), state, shift, n + 1)
        return state, 1 << shift

    @cached_property
    def _limbs(self) -> _Limbs | None:
        return _Limbs.of(self.network) if is_shallow(self.network) else None


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
    (numbers,), shift = over_power_of_two([flat])
    out = np.empty(len(flat), dtype=object)
    out[:] = numbers
    return out.reshape(values.shape), shift
