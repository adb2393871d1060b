"""A run over the pieces of the search tree, which can be searched anywhere and in any order."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import numpy as np

from ..domain import Domain
from ..network import Network
from ..partition import Kind, Status
from . import cells, pieces
from .pieces import Frontier
from .workers import Batch, Job, Workers


def run(
    net: Network,
    domain: Domain,
    *,
    listing: bool,
    parallel: Any,
    exact: bool = True,
    threads: int | None = None,
    time_limit: float | None = None,
    max_regions: int | None = None,
    progress: cells.Progress | None = None,
) -> tuple[Any, cells.Outcome, tuple[np.ndarray, ...]]:
    """Search all pieces in processes or on a cluster: an engine ready for replays, the outcome, and the columns."""
    started, clock = time.perf_counter(), time.time()
    deadline = None if time_limit is None else started + time_limit
    engine = cells.open_engine(net, domain)
    frontier, status = None, cells.prepare(engine, domain, deadline=deadline)
    if status is Status.COMPLETE:
        frontier, status = pieces.survey(engine, listing=listing, exact=exact, deadline=deadline)
    frontier = frontier or Frontier(0, 0, "0", 0, 0)
    job = Job(net, domain, listing, exact, frontier.depth, int(frontier.digest, 16), _key(net, domain, listing, exact))
    until = None if time_limit is None else clock + time_limit
    workers = Workers(job, np.arange(frontier.pieces), parallel, threads, until)
    workers.status = status
    batches, regions = [engine.finished()], 0  # an empty one, for the shapes
    try:
        for batch in workers:
            batches.append(batch)
            regions += int(batch[0][:, 1].sum())
            if progress is not None:
                progress(min(0.999, sum(len(b[0]) for b in batches) / frontier.pieces), regions)
            if max_regions and regions >= max_regions:
                workers.stop()
                break
    except KeyboardInterrupt:  # in the lines above; the workers themselves end without one
        workers.status = Status.INTERRUPTED
    table, columns = together(batches, listing)
    outcome = _outcome(table, frontier, workers, time_limit, max_regions, time.perf_counter() - started)
    if progress is not None and outcome.status is Status.COMPLETE:
        progress(1.0, outcome.regions)
    return engine, outcome, columns


def together(batches: list[Batch], listing: bool) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """The pieces' tables and columns in the order of the search."""
    table = np.concatenate([b[0] for b in batches])
    order = np.argsort(table[:, 0], kind="stable")
    if not listing:
        return table[order], ()
    starts = np.cumsum(table[:, 1]) - table[:, 1]
    sizes = table[order, 1]
    rows = np.repeat(starts[order] - np.cumsum(sizes) + sizes, sizes) + np.arange(int(sizes.sum()))
    return table[order], tuple(np.concatenate([b[1][k] for b in batches])[rows] for k in range(3))


def _outcome(
    table: np.ndarray, frontier: Frontier, workers: Workers, time_limit: Any, max_regions: Any, seconds: float
) -> cells.Outcome:
    regions, decisions, doubtful = (int(v) for v in table[:, 1:].sum(axis=0))
    decisions, doubtful = decisions + frontier.exact_decisions, doubtful + frontier.doubtful
    status, reason = workers.status, workers.reason
    if len(table) == frontier.pieces and frontier.pieces:
        status, reason = Status.COMPLETE, ""
    elif status is Status.COMPLETE:
        status, reason = Status.BUDGET, f"limit of {max_regions:,} regions reached"
    elif status is Status.BUDGET:
        reason = f"time limit of {time_limit:g} s reached"
    else:
        reason = "interrupted"
    kind = Kind.EXACT if status is Status.COMPLETE else Kind.LOWER
    kind = kind if doubtful == 0 else Kind.ESTIMATE
    return cells.Outcome(regions, kind, status, reason, decisions, doubtful, seconds)


def _key(net: Network, domain: Domain, listing: bool, exact: bool) -> str:
    digest = hashlib.sha256(f"{net.hash} {listing} {exact} {domain.dim}\n".encode())
    for row in [*domain.halfspaces, [], *(domain.embedding or [])]:
        digest.update((" ".join(map(str, row)) + "\n").encode())
    return digest.hexdigest()
