"""The set of patterns that were seen, as 64-bit keys: 10 bytes a region, whatever the number of units."""

from __future__ import annotations

import numpy as np

# Keys wait in a buffer until there are so many, or a fourth of those that are known: merging is linear in both.
BUFFER = 1 << 16


class Seen:
    """Distinct patterns, by which sources each was met, and how often in counted draws (once, twice, more often).

    A pattern's key is its inner product with random 64-bit numbers.  Two patterns share a key with a probability of
    about 2^-64; then one of them is not counted, so the number of keys is never above that of patterns.
    """

    def __init__(self, units: int, rng: np.random.Generator):
        self._factors = rng.integers(0, 2**64, size=units, dtype=np.uint64)
        self._keys = np.zeros(0, dtype=np.uint64)
        self._times = np.zeros(0, dtype=np.uint8)
        self._sources = np.zeros(0, dtype=np.uint8)  # bit k: met by source k
        self._waiting: list[tuple[np.ndarray, int, bool]] = []
        self._waiting_size = 0

    def keys(self, patterns: np.ndarray) -> np.ndarray:
        """The keys of patterns (points, units)."""
        return patterns.astype(np.uint64) @ self._factors

    def add(self, patterns: np.ndarray, source: int, *, counted: bool) -> None:
        """Note patterns that a source (0 to 7) met; with `counted` as draws whose repetitions matter."""
        self._waiting.append((self.keys(patterns), 1 << source, counted))
        self._waiting_size += len(patterns)
        if self._waiting_size > max(BUFFER, len(self._keys) // 4):
            self._merge()

    def counted(self, patterns: np.ndarray) -> np.ndarray:
        """Which patterns were met by a counted draw before."""
        self._merge()
        keys = self.keys(patterns)
        if not len(self._keys):
            return np.zeros(len(keys), dtype=bool)
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return (self._keys[at] == keys) & (self._times[at] > 0)

    def __len__(self) -> int:
        self._merge()
        return len(self._keys)

    @property
    def at_most(self) -> int:
        """An upper bound on the number of keys that needs no merging."""
        return len(self._keys) + self._waiting_size

    @property
    def frequencies(self) -> tuple[int, int, int]:
        """How many patterns were counted at all, once, and twice."""
        self._merge()
        return int(np.sum(self._times > 0)), int(np.sum(self._times == 1)), int(np.sum(self._times == 2))

    @property
    def by_source(self) -> list[int]:
        """How many patterns each of the sources 0 to 7 met."""
        self._merge()
        return [int(np.sum(self._sources & (1 << k) > 0)) for k in range(8)]

    def _merge(self) -> None:
        if not self._waiting:
            return
        fresh = np.concatenate([keys for keys, _, _ in self._waiting])
        source = np.concatenate([np.full(len(keys), bit, dtype=np.uint8) for keys, bit, _ in self._waiting])
        counted = np.concatenate([np.full(len(keys), c, dtype=np.int64) for keys, _, c in self._waiting])
        self._waiting, self._waiting_size = [], 0
        keys, place = np.unique(np.concatenate([self._keys, fresh]), return_inverse=True)
        old, new = place[: len(self._keys)], place[len(self._keys) :]
        times, sources = np.zeros(len(keys), dtype=np.int64), np.zeros(len(keys), dtype=np.uint8)
        times[old], sources[old] = self._times, self._sources
        np.add.at(times, new, counted)
        np.bitwise_or.at(sources, new, source)
        self._keys, self._sources, self._times = keys, sources, np.minimum(times, 3).astype(np.uint8)
