"""The pieces of a run in worker processes or on a dask cluster, by joblib."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from ..checks import shown
from ..domain import Domain
from ..errors import InputError, LinregionsError, MissingExtraError
from ..network import Network
from ..partition import Status
from . import cells

# Table of (piece, regions, exact decisions, doubtful ones); of a listing also (patterns, witnesses, certified).
Batch = tuple[np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray]]

# A share of the pieces that are left, per worker: large batches at first, single pieces in the end.
SHARE = 8
# What joblib and dask raise when a worker is gone, or what only it held.
DEATHS = {
    "TerminatedWorkerError",
    "BrokenProcessPool",
    "KilledWorker",
    "CommClosedError",
    "CancelledError",
    "FutureCancelledError",
}
# Workers may die this many times in a row without a single batch coming back.
PATIENCE = 5


class WorkersError(LinregionsError, RuntimeError):
    """The worker processes died, or do not see the same search tree as this process."""


@dataclass(frozen=True, eq=False)
class Job:
    """What a worker has to know; two jobs with the same key are the same."""

    network: Network
    domain: Domain
    listing: bool
    exact: bool
    depth: int
    digest: int
    key: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Job) and (self.key, self.depth) == (other.key, other.depth)

    def __hash__(self) -> int:
        return hash(self.key)


@dataclass
class Workers:
    """A stream of finished pieces, and how it ended: iterate over it, then read `status` and `reason`.

    `parallel` is "processes" or a dask client; `workers` is the number of processes (None: one per core), and a cluster
    uses what it has; `deadline` is a time of day.
    """

    job: Job
    pieces: np.ndarray
    parallel: Any
    workers: int | None = None
    deadline: float | None = None
    status: Status = field(default=Status.COMPLETE, init=False)
    reason: str = field(default="", init=False)
    deaths: int = field(default=0, init=False)
    _stop: bool = field(default=False, init=False)

    def stop(self) -> None:
        """Hand out no more pieces."""
        self._stop = True

    def __iter__(self) -> Iterator[Batch]:
        left = dict.fromkeys(int(p) for p in self.pieces)
        fruitless = 0
        while left and not self._ended():
            try:
                for batch in self._dispatch(np.fromiter(left, dtype=np.int64)):
                    fruitless = 0
                    for piece in batch[0][:, 0].tolist():
                        left.pop(piece, None)
                    yield batch
            except KeyboardInterrupt:
                self.status, self.reason = Status.INTERRUPTED, "interrupted"
            except Exception as error:
                # joblib and dask have no common class for it; an error of the search itself is passed on.
                if not _is_death(error):
                    raise
                self.deaths += 1
                fruitless += 1
                if fruitless >= PATIENCE:
                    raise WorkersError(
                        f"parallel: the workers died {fruitless} times in a row ({type(error).__name__}); give them "
                        "more memory, or use threads"
                    ) from error

    def _ended(self) -> bool:
        if self.status is Status.COMPLETE and self.deadline is not None and time.time() >= self.deadline:
            self.status = Status.BUDGET
        return self._stop or self.status is not Status.COMPLETE

    def _dispatch(self, pieces: np.ndarray) -> Iterator[Batch]:
        joblib = _joblib()
        if self.parallel == "processes":
            config = {"backend": "loky", "n_jobs": self.workers or cells.cores()}
        else:
            config = {"backend": "dask", "client": self.parallel}
        with joblib.parallel_config(**config):
            pool = joblib.Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs")
            # What is dispatched is small: `pool` pulls a batch when a worker is free, so nobody waits for the slowest.
            workers = max(1, joblib.effective_n_jobs(pool.n_jobs))
            search = joblib.delayed(search_pieces)
            results = pool(search(self.job, part, self.deadline) for part in self._batches(pieces, workers))
            try:
                for batch in results:  # noqa: UP028 - `yield from` would close `results` before the warnings are off
                    yield batch
            finally:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # joblib warns of batches that are given up; here that is meant
                    results.close()

    def _batches(self, pieces: np.ndarray, workers: int) -> Iterator[np.ndarray]:
        at = 0
        while at < len(pieces) and not self._ended():
            size = max(1, (len(pieces) - at) // (SHARE * workers))
            yield pieces[at : at + size]
            at += size


def search_pieces(job: Job, pieces: np.ndarray, deadline: float | None) -> Batch:
    """Search some pieces in this process, with one thread, until they are done or the clock shows `deadline`."""
    engine = _engine(job)
    left = None if deadline is None else time.perf_counter() + max(0.0, deadline - time.time())
    engine.start(job.listing, job.exact, 1, 0, np.ascontiguousarray(pieces), job.depth)
    _, status = cells.watch(engine, left, None)
    error = engine.state()["error"]
    if error:
        raise InputError(f"engine: {error}; use a smaller domain or fewer half-spaces")
    if status is Status.COMPLETE and engine.frontier()[1] != job.digest:
        raise WorkersError(
            "parallel: a worker's search tree is not the one of this process; install the same linregions everywhere"
        )
    return engine.finished()


@lru_cache(maxsize=2)
def _engine(job: Job) -> Any:
    engine = cells.open_engine(job.network, job.domain)
    cells.prepare(engine, job.domain)
    return engine


def check_parallel(parallel: Any) -> Any:
    """`parallel` as "threads", "processes" or a dask client.

    Raises:
        InputError: it is none of these.
        MissingExtraError: joblib or dask is not installed.
    """
    if parallel is None or parallel == "threads":
        return "threads"
    if parallel == "processes":
        _joblib()
        return parallel
    if hasattr(parallel, "scheduler_info") and hasattr(parallel, "submit"):
        _joblib()
        if not parallel.scheduler_info(n_workers=-1)["workers"]:
            raise InputError("parallel: the dask client's cluster has no workers; start some, or use 'processes'")
        return parallel
    raise InputError(
        f"parallel: expected 'threads', 'processes' or a dask.distributed.Client, got {shown(parallel)}; "
        "docs/parallel.md shows how to start a cluster"
    )


def _joblib() -> Any:
    try:
        import joblib
    except ImportError as error:
        raise MissingExtraError(
            "parallel: worker processes need joblib, and clusters dask; pip install 'linregions[distributed]'"
        ) from error
    return joblib


def _is_death(error: Exception) -> bool:
    names = {c.__name__ for c in type(error).__mro__}
    return bool(names & DEATHS)
