"""A partition that stays on disk: shards are memory-mapped when they are asked for, so it may be larger than memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from ..checks import plural, region_index, whole_number
from ..errors import InputError
from ..partition import Count, Kind, Partition, Region, Status, pack
from .files import Damaged
from .folder import RunFolder

CHUNK = 1 << 16
OPEN_SHARDS = 64


class SavedPartition:
    """The regions in a run folder, in the order of `enumerate_regions`; only an index of its pieces is in memory.

    `len`, `[i]` and iteration work as on a `Partition`; `chunks()` gives consecutive regions as `Partition` objects,
    with everything that these can do; `locate` reads the patterns of all regions once.  `count`: how complete it is.

    Example:
        >>> import tempfile
        >>> from linregions import Box, Network, enumerate_regions, open_run
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     saved = enumerate_regions(net, Box([-1, -1], [1, 1]), save=folder + "/run")
        ...     again = open_run(folder + "/run")
        ...     len(again), again.count.value, [len(chunk) for chunk in again.chunks(3)]
        (4, 4, [3, 1])
    """

    def __init__(self, folder: RunFolder, count: Count, engine: Callable[[], Any]):
        self.network, self.domain, self.path, self.count = folder.network, folder.domain, folder.path, count
        self._shards = list(folder.shards)
        self._open_engine = engine
        self._records = lru_cache(OPEN_SHARDS)(self._mapped)
        tables = [s.table for s in self._shards]
        table = np.concatenate(tables) if tables else np.zeros((0, 4), np.int64)
        lengths = table[:, 1]
        # Where every piece starts within its shard, then everything in the order of the pieces' numbers.
        ends = [np.cumsum(t[:, 1]) for t in tables]
        begin = np.concatenate(ends) - lengths if ends else lengths
        shard = np.repeat(np.arange(len(tables)), [len(t) for t in tables])
        order = np.argsort(table[:, 0], kind="stable")
        self._shard, self._begin, self._length = shard[order], begin[order], lengths[order]
        self._ends = np.cumsum(self._length)

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __repr__(self) -> str:
        return f"SavedPartition: {self.count}, {self.network!r}"

    def __getitem__(self, i: int) -> Region:
        i = self._index(i)
        return self.read(i, i + 1)[0]

    def __iter__(self) -> Iterator[Region]:
        for chunk in self.chunks():
            yield from chunk

    def chunks(self, size: int = CHUNK) -> Iterator[Partition]:
        """The regions in order, `size` at a time, as partitions in memory.

        Raises:
            InputError: a shard is damaged.
        """
        size = whole_number(size, "size")
        for start in range(0, len(self), size):
            yield self.read(start, min(start + size, len(self)))

    def read(self, start: int, stop: int) -> Partition:
        """Regions `start` to `stop - 1` as a partition in memory; its own numbers start from 0, its count is a bound.

        Raises:
            InputError: a shard is damaged, or the numbers are outside the partition.
        """
        if not 0 <= start <= stop <= len(self):
            raise InputError(f"region: {start} to {stop} is outside the partition, which has {self._size()}")
        rows = self.records(start, stop)
        count = self.count
        if stop - start < len(self):  # what needs all regions has to see that these are not
            reason = f"regions {start:,} to {stop - 1:,} of {len(self):,}"
            count = replace(count, value=stop - start, kind=Kind.LOWER, status=Status.BUDGET, reason=reason)
        columns = (np.array(rows[name]) for name in ("pattern", "witness", "certified"))
        part = _Part(self.network, self.domain, count, self._engine, *columns)
        part._first, part._whole = start, self
        return part

    def locate(self, x: Any) -> np.ndarray:
        """Index of the region that holds each point `x` (..., inputs); -1 where none does, as `Partition.locate`.

        Raises:
            InputError: `x` does not fit the network, or a shard is damaged.
        """
        patterns = self.network.pattern(x)
        flat = patterns.reshape(math.prod(patterns.shape[:-1]), patterns.shape[-1])
        return self._find(pack(flat, self.network.pieces)).reshape(patterns.shape[:-1])

    def _find(self, keys: np.ndarray) -> np.ndarray:
        """The regions of packed patterns; -1 where none is listed."""
        wanted: dict[bytes, list[int]] = {}
        for k, key in enumerate(keys):
            wanted.setdefault(key.tobytes(), []).append(k)
        out = np.full(len(keys), -1, dtype=np.int64)
        hashes = np.unique(row_hashes(keys))
        for start in range(0, len(self) if wanted else 0, CHUNK):
            rows = self.records(start, min(start + CHUNK, len(self)))["pattern"]
            for i in np.flatnonzero(np.isin(row_hashes(rows), hashes)):
                out[wanted.get(rows[i].tobytes(), [])] = start + i
        return out

    def vertices(self, i: int) -> np.ndarray:
        """Vertices of region `i` (vertices, dim) in domain coordinates, as `Partition.vertices`."""
        i = self._index(i)
        return self.read(i, i + 1).vertices(0)

    def affine_map(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Slope (outputs, inputs) and offset (outputs,) of the network on region `i`, in its inputs, float64."""
        i = self._index(i)
        return self.read(i, i + 1).affine_map(0)

    def verify(self) -> None:
        """Read everything and compare it with the checksums.

        Raises:
            InputError: a shard is damaged; the message says which.
        """
        for shard in self._shards:
            try:
                shard.check()
            except Damaged as error:
                raise self._damaged(error) from error

    @cached_property
    def _engine(self) -> Any:
        return self._open_engine()

    def records(self, start: int, stop: int) -> np.ndarray:
        """Regions `start` to `stop - 1` as they are on disk: packed pattern, witness, whether that is certified."""
        parts = []
        piece = int(np.searchsorted(self._ends, start, side="right"))
        while start < stop:
            skip = start - int(self._ends[piece] - self._length[piece])
            take = min(int(self._length[piece]) - skip, stop - start)
            first = int(self._begin[piece]) + skip
            parts.append(self._records(int(self._shard[piece]))[first : first + take])
            start, piece = start + take, piece + 1
        return np.concatenate(parts) if parts else self._records(0)[:0] if self._shards else self._none()

    def _none(self) -> np.ndarray:
        from .shards import record_type

        width = pack(np.zeros((1, self.network.unit_count), np.int64), self.network.pieces).shape[1]
        return np.zeros(0, record_type(width, self.domain.dim))

    def _mapped(self, number: int) -> np.ndarray:
        shard = self._shards[number]
        try:
            shard.check()
            rows = shard.records()
            if len(rows) != shard.regions:
                raise Damaged(f"{shard.name}.regions.npy has {len(rows):,} regions, its table {shard.regions:,}")
        except Damaged as error:
            raise self._damaged(error) from error
        return rows

    def _damaged(self, error: Damaged) -> InputError:
        return InputError(f"run: {self.path} is damaged: {error}; resume the run, which does those pieces again")

    def _size(self) -> str:
        return plural(len(self), "region")

    def _index(self, i: int) -> int:
        return region_index(i, len(self))


class _Part(Partition):
    """Some regions of a saved partition in memory; what lies behind a facet is looked for in the whole of it."""

    _whole: SavedPartition

    def _find(self, keys: np.ndarray) -> np.ndarray:
        return self._whole._find(keys)


def row_hashes(rows: np.ndarray) -> np.ndarray:
    """A 64-bit number for every row of bytes (regions, bytes): equal rows have equal ones."""
    rows = np.ascontiguousarray(rows)
    words = -(-rows.shape[1] // 8)
    padded = np.zeros((len(rows), 8 * words), dtype=np.uint8)
    padded[:, : rows.shape[1]] = rows
    out = np.full(len(rows), 0x9E3779B97F4A7C15, dtype=np.uint64)
    for column in padded.view("<u8").T:
        out = (out ^ column) * np.uint64(0xBF58476D1CE4E5B9)
        out ^= out >> np.uint64(31)
    return out
