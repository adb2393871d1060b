"""Doing the pieces of a run folder that are left, in threads or by workers, and writing them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from ..engines import pieces
from ..engines.pieces import Ended, Frontier
from ..engines.workers import Job, Workers
from ..partition import Status
from ..store import Batch, RunFolder
from .writer import Writer


def search(folder: RunFolder, engine: Any, frontier: Frontier, budget: dict[str, Any], deadline: float | None) -> Ended:
    """Do what is left until it is done or the budget ends; what was finished is on disk then.

    Raises:
        OutputError: the folder cannot be written.
    """
    writer = Writer(folder)
    try:
        if budget["parallel"] == "threads":
            ended = _by_threads(folder, engine, frontier, budget, deadline, writer)
        else:
            ended = _by_workers(folder, frontier, budget, deadline, writer)
        try:
            writer.close()
        except KeyboardInterrupt:
            ended = Ended(ended.regions, Status.INTERRUPTED)
    except BaseException:
        writer.abandon()
        raise
    return ended


def _by_threads(
    folder: RunFolder,
    engine: Any,
    frontier: Frontier,
    budget: dict[str, Any],
    deadline: float | None,
    writer: Writer,
) -> Ended:
    show, limit = _shower(folder, budget, writer), budget["max_regions"]

    def look(regions: int) -> None:
        writer.look()
        show(regions)

    return pieces.run(
        engine,
        frontier,
        folder.left,
        listing=folder.manifest.listing,
        exact=folder.manifest.exact,
        each=writer.add,
        threads=budget["threads"],
        deadline=deadline,
        max_regions=0 if limit is None else limit - folder.sums()[0],
        look=look,
    )


def _by_workers(
    folder: RunFolder, frontier: Frontier, budget: dict[str, Any], deadline: float | None, writer: Writer
) -> Ended:
    manifest, before, regions = folder.manifest, folder.sums()[0], 0
    show, limit = _shower(folder, budget, writer), budget["max_regions"]
    about = [folder.network.hash, manifest.domain, manifest.listing, manifest.exact, frontier.depth]
    job = Job(
        folder.network,
        folder.domain,
        manifest.listing,
        manifest.exact,
        frontier.depth,
        int(frontier.digest, 16),
        json.dumps(about),
    )
    clock = None if deadline is None else time.time() + deadline - time.perf_counter()
    workers = Workers(job, folder.left, budget["parallel"], budget["threads"], clock)
    try:
        for table, columns in workers:
            writer.add(Batch(table, *columns))
            writer.look(now=True)  # there may be a long time until the next one
            regions += int(table[:, 1].sum())
            show(regions)
            if limit is not None and before + regions >= limit:
                workers.stop()
                return Ended(regions, Status.BUDGET, limited=True)
    except KeyboardInterrupt:  # in the lines above; the workers themselves end without one
        workers.stop()
        return Ended(regions, Status.INTERRUPTED)
    return Ended(regions, workers.status)


def _shower(folder: RunFolder, budget: dict[str, Any], writer: Writer) -> Callable[[int], None]:
    """What shows the progress, from the number of regions that were found since now."""
    progress, total = budget["progress"], len(folder.manifest.pieces)
    before, done, shown = folder.sums()[0], total - len(folder.left), time.perf_counter()

    def show(regions: int) -> None:
        nonlocal shown
        now = time.perf_counter()
        if progress is not None and now - shown > 0.1:
            shown = now
            progress(min(0.999, (done + writer.pieces) / total), before + regions)

    return show
