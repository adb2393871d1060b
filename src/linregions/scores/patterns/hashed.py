"""Random sums: a hash of 64 bits per unit whose wrong merges have a known probability."""

from __future__ import annotations

import numpy as np

from ..needs import torch

Tensor = torch.Tensor


class RandomSums:
    """h = r_0 + the sum of r_k over the rows k where the unit's bit is 1, modulo 2^64, all r independent and uniform.

    Two given units with different bits have the same hash with probability exactly 2^-64: some coefficient of the
    difference is 1 or -1, so the difference is uniform.  Among V units, at most V^2 / 2^65 pairs are
    expected to be merged wrongly.

    Args:
        bits: rows of bits.
        seed: of the random numbers.

    Example:
        >>> sums = RandomSums(12, seed=0)
        >>> found = sums(torch.tensor([[3, 3, 6], [0, 0, 1]], dtype=torch.uint8)).flatten()
        >>> bool(found[0] == found[1]), bool(found[0] == found[2])
        (True, False)
    """

    def __init__(self, bits: int, *, seed: int) -> None:
        numbers = uniform_numbers(bits + 1, seed)
        self._tables = byte_tables(numbers[1:])
        self._tables[0] += int(numbers[0])

    def __call__(self, rows: Tensor) -> Tensor:
        """Hashes of all units: (byte rows, units) to (units, 1)."""
        if self._tables.device != rows.device:
            self._tables = self._tables.to(rows.device)
        return looked_up(self._tables, rows).unsqueeze(1)


def uniform_numbers(count: int, seed: int) -> np.ndarray:
    """Independent uniform numbers of 64 bits, (count,) of int64; the first of many are those of few."""
    return np.random.default_rng(seed).integers(-(2**63), 2**63, count, dtype=np.int64)


def byte_tables(summands: np.ndarray) -> Tensor:
    """Entry [j, b]: the sum of the summands of the bits in b, the byte j of a unit; one look-up for eight additions."""
    padded = np.zeros((-(-len(summands) // 8), 8), dtype=np.int64)
    padded.reshape(-1)[: len(summands)] = summands
    tables = np.zeros((len(padded), 256), dtype=np.int64)
    for place in range(8):
        with_bit = (np.arange(256) >> place & 1).astype(bool)
        tables[:, with_bit] += padded[:, place, None]
    return torch.from_numpy(tables)


def looked_up(tables: Tensor, rows: Tensor) -> Tensor:
    """The sum of the tables' entries for every unit: byte rows (byte rows, units) to (units,)."""
    found = tables[0].index_select(0, rows[0].to(torch.int32))
    for place in range(1, rows.shape[0]):
        found += tables[place].index_select(0, rows[place].to(torch.int32))
    return found
