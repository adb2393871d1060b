"""Finished pieces go to disk in a thread of their own, so that neither the engine nor Ctrl-C waits for the disk."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor

from ..store import Batch, RunFolder

INTERVAL = 1.0
LARGEST = 64 << 20


class Writer:
    """Collects finished pieces and writes a shard a second, or sooner where they are large."""

    def __init__(self, folder: RunFolder):
        self._folder = folder
        self._waiting: list[Batch] = []
        self._size = 0
        self._last = time.perf_counter()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="linregions-save")
        self._job: Future[None] | None = None
        self.pieces = 0

    def add(self, batch: Batch) -> None:
        """Take finished pieces; `look` writes them when it is time."""
        self._waiting.append(batch)
        self._size += batch.size
        self.pieces += len(batch.table)

    def look(self, *, now: bool = False) -> None:
        """Write if it is time to, or `now`.

        Raises:
            OutputError: an earlier write failed.
        """
        clock = time.perf_counter()
        if now or clock - self._last >= INTERVAL or self._size >= LARGEST:
            self._flush()
            self._last = clock

    def close(self) -> None:
        """Write what is left and wait for it; Ctrl-C meanwhile is heard afterwards.

        Raises:
            OutputError: a write failed.
        """
        interrupted = False
        while True:
            try:
                if self._job is not None:
                    self._job.result()
                    self._job = None
                if not self._waiting:
                    break
                self._flush()
            except KeyboardInterrupt:
                interrupted = True
        self._pool.shutdown()
        if interrupted:
            raise KeyboardInterrupt

    def abandon(self) -> None:
        """End the thread after a failure; what is on disk stays."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _flush(self) -> None:
        # One shard at a time: while the disk is busy, what is finished waits for the next one.
        if self._job is not None and not self._job.done():
            return
        if self._job is not None:
            self._job.result()
            self._job = None
        if not self._waiting:
            return
        batches, self._waiting, self._size = self._waiting, [], 0
        self._job = self._pool.submit(self._folder.append, batches)
