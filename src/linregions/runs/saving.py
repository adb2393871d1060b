"""Runs that write what is done to a folder, and go on from there."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from ..checks import whole_number
from ..domain import Domain
from ..engines import cells, pieces
from ..engines.budget import checked_budget
from ..engines.pieces import Ended, Frontier
from ..engines.workers import check_parallel
from ..errors import InputError
from ..network import Network
from ..partition import Count, Kind, Status
from ..store import RunFolder, SavedPartition
from .searching import search


def save(
    path: Any,
    net: Network,
    domain: Domain,
    *,
    listing: bool,
    definition: str,
    budget: dict[str, Any],
    part: tuple[int, int] | None = None,
) -> Count | SavedPartition:
    """Count or list into a new run folder.

    `budget` is what `checked_budget` gives and `parallel`, as for `count`; `part` is (k, n) for share k of n.

    Raises:
        InputError: the folder holds something already, or an argument does not fit.
        OutputError: it cannot be written.
    """
    started = time.perf_counter()
    deadline = pieces.deadline_of(budget["time_limit"])
    share = _share(part)
    engine = cells.open_engine(net, domain)
    frontier, status = _survey(engine, domain, deadline, listing=listing, exact=budget["exact"])
    if status is Status.INTERRUPTED:
        raise KeyboardInterrupt
    if frontier is None:
        raise InputError(
            f"save: the time limit of {budget['time_limit']:g} s ended before the search was divided into pieces, "
            "so nothing was saved; allow more time"
        )
    about = {
        "mode": "list" if listing else "count",
        "definition": definition,
        "engine": cells.NAME,
        "exact": budget["exact"],
        "part": share,
        "frontier": asdict(frontier),
    }
    with RunFolder.create(path, net, domain, **about) as folder:
        return _go_on(folder, engine, frontier, budget, deadline, started)


def resume(
    run: Any,
    *,
    threads: int | None = None,
    time_limit: float | None = None,
    max_regions: int | None = None,
    progress: cells.Progress | None = None,
    parallel: Any = "threads",
) -> Count | SavedPartition:
    """Go on with a saved run from what is done; shards that are damaged are reported as a warning and done again.

    Args:
        run: the folder that `count(..., save=...)` or `enumerate_regions(..., save=...)` wrote.
        threads: worker threads, 1 to 1024; None takes the cores of this process; need not be as before.
        time_limit: seconds, from when what is on disk has been read and checked.
        max_regions: stop once so many regions, those of earlier times included, are on disk.
        progress: called now and then with (fraction done, regions so far); it goes on from what is done.
        parallel: "threads", "processes" or a `dask.distributed.Client`, as for `count`; need not be as before.

    Returns:
        What the undisturbed run would have returned: a `Count`, or a `SavedPartition` for a listing.

    Raises:
        InputError: it is no run folder, it is damaged beyond its shards, or another process is writing it.
        OutputError: it cannot be written.

    Example:
        >>> import tempfile
        >>> from linregions import Box, Network, count, resume
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     first = count(net, Box([-1, -1], [1, 1]), save=folder + "/run")
        ...     resume(folder + "/run").value
        4
    """
    started = time.perf_counter()
    budget = checked_budget(threads=threads, time_limit=time_limit, max_regions=max_regions, progress=progress)
    budget["parallel"] = check_parallel(parallel)
    with RunFolder.open(run, write=True, verify=True) as folder:
        manifest, deadline = folder.manifest, pieces.deadline_of(budget["time_limit"])
        if not len(folder.left):
            return _result(folder, _count(folder, Ended(0, Status.COMPLETE), "", started), None)
        if manifest.engine != cells.NAME:
            raise InputError(f"run: {folder.path} is an unfinished merge; merge the runs again into a new folder")
        engine = cells.open_engine(folder.network, folder.domain)
        wanted = Frontier(**manifest.frontier)
        frontier, status = _survey(
            engine, folder.domain, deadline, listing=manifest.listing, exact=manifest.exact, depth=wanted.depth
        )
        if frontier is None:
            ended = Ended(0, status)
            return _result(folder, _count(folder, ended, _reason(ended, budget), started), None)
        if frontier != wanted:
            raise InputError(
                f"run: {folder.path} divides the search otherwise than this linregions does (it was saved by version "
                f"{manifest.linregions}); resume it with that version, or save the run to a new folder"
            )
        return _go_on(folder, engine, frontier, budget, deadline, started)


def open_run(run: Any) -> SavedPartition:
    """The regions that a run folder holds so far, read from disk when they are asked for; never writes to it.

    Raises:
        InputError: it is no run folder, it is damaged, or it was saved without its regions.
    """
    with RunFolder.open(run) as folder:
        if not folder.manifest.listing:
            raise InputError(
                f"run: {folder.path} holds a count without its regions; save a listing with "
                "enumerate_regions(..., save=...)"
            )
        found = report(folder)
        assert isinstance(found, SavedPartition)
        return found


def report(folder: RunFolder) -> Count | SavedPartition:
    """What a run folder holds so far."""
    left = len(folder.left)
    reason = f"{left:,} of {len(folder.manifest.pieces):,} pieces are not done" if left else ""
    ended = Ended(0, Status.INTERRUPTED if left else Status.COMPLETE)
    return _result(folder, _count(folder, ended, reason, None), None)


def _survey(
    engine: Any, domain: Domain, deadline: float | None, *, listing: bool, exact: bool, depth: int | None = None
) -> tuple[Frontier | None, Status]:
    status = cells.prepare(engine, domain, deadline=deadline)
    if status is not Status.COMPLETE:
        return None, status
    return pieces.survey(engine, listing=listing, exact=exact, depth=depth, deadline=deadline)


def _go_on(
    folder: RunFolder, engine: Any, frontier: Frontier, budget: dict[str, Any], deadline: float | None, started: float
) -> Count | SavedPartition:
    """Do the pieces that are left, and write them."""
    before, limit = folder.sums()[0], budget["max_regions"]
    if limit is not None and before >= limit:
        ended = Ended(0, Status.BUDGET, limited=True)
    else:
        ended = search(folder, engine, frontier, budget, deadline)
    if not len(folder.left):
        ended = Ended(0, Status.COMPLETE)
        if budget["progress"] is not None:
            budget["progress"](1.0, folder.sums()[0])
    elif ended.status is Status.COMPLETE:  # Ctrl-C took pieces that were on their way
        ended = Ended(ended.regions, Status.INTERRUPTED)
    ended = Ended(before + ended.regions, ended.status, ended.limited)
    return _result(folder, _count(folder, ended, _reason(ended, budget), started), engine)


def _reason(ended: Ended, budget: dict[str, Any]) -> str:
    if ended.status is Status.COMPLETE:
        return ""
    if ended.limited:
        return f"limit of {budget['max_regions']:,} regions reached"
    return f"time limit of {budget['time_limit']:g} s reached" if ended.status is Status.BUDGET else "interrupted"


def _result(folder: RunFolder, count: Count, engine: Any) -> Count | SavedPartition:
    return _partition(folder, count, engine) if folder.manifest.listing else count


def _partition(folder: RunFolder, count: Count, engine: Any) -> SavedPartition:
    net, domain = folder.network, folder.domain

    def open_engine() -> Any:
        if engine is not None:
            return engine
        opened = cells.open_engine(net, domain)
        cells.prepare(opened, domain)
        return opened

    return SavedPartition(folder, count, open_engine)


def _count(folder: RunFolder, ended: Ended, reason: str, started: float | None) -> Count:
    manifest = folder.manifest
    regions, decisions, doubtful = folder.sums()
    complete = ended.status is Status.COMPLETE
    if complete and manifest.part:
        reason = f"part {manifest.part[0]} of {manifest.part[1]}"
    kind = Kind.EXACT if complete and not manifest.part else Kind.LOWER
    return Count(
        # A count keeps the regions of unfinished pieces in its bound; a listing says how many it has.
        value=regions if complete or manifest.listing else max(regions, ended.regions),
        kind=Kind.ESTIMATE if doubtful else kind,
        status=ended.status,
        definition=manifest.definition,
        engine=manifest.engine,
        exact_decisions=decisions,
        doubtful=doubtful,
        seconds=0.0 if started is None else time.perf_counter() - started,
        network=repr(folder.network),
        domain=repr(folder.domain),
        reason=reason,
    )


def _share(part: Any) -> list[int] | None:
    if part is None:
        return None
    try:
        k, n = part
    except (TypeError, ValueError):
        raise InputError(f"part must be a pair (k, n), share k of n, got {part!r}") from None
    n = whole_number(n, "part: n", most=2**20)
    return [whole_number(k, "part: k", most=n), n]
