"""The two verbs: count the regions of a network on a domain, or list them."""

from __future__ import annotations

import math
from typing import Any, Literal, overload

from .checks import real_number, shown, whole_number
from .domain import Domain
from .engines import arrangement, cells
from .engines import parallel as by_workers
from .engines.workers import check_parallel
from .errors import InputError
from .network import Network
from .partition import Count, Counts, Interval, Partition
from .partition.definitions import NAMES, counted

DEFINITIONS = (*NAMES, "all")
MOST_THREADS = 1024
# The engines count up to this in 64 bits and never get near it, so a larger limit is none.
MOST_REGIONS = 2**62


@overload
def count(model: Any, domain: Domain, *, definition: Literal["all"], **options: Any) -> Counts: ...  # pyright: ignore[reportOverlappingOverload]
@overload
def count(model: Any, domain: Domain, *, definition: Literal["convex"], **options: Any) -> Interval: ...  # pyright: ignore[reportOverlappingOverload]
@overload
def count(model: Any, domain: Domain, *, definition: str = ..., **options: Any) -> Count: ...
def count(  # pyright: ignore[reportInconsistentOverload]
    model: Any,
    domain: Domain,
    *,
    definition: str = "activation",
    exact: bool = True,
    threads: int | None = None,
    parallel: Any = "threads",
    time_limit: float | None = None,
    max_regions: int | None = None,
    progress: cells.Progress | None = None,
    engine: str = "auto",
) -> Count | Interval | Counts:
    """Count the regions of a network on a domain: by default full-dimensional activation regions, one pattern each.

    Args:
        model: a `Network`, a path (.onnx, .npz, .safetensors), an ONNX model or a torch module.
        domain: where to count; its `input_dim` must be the network's, its dimension 1 to 8.
        definition: which regions: "activation", the default; "patterns", "linear", "closed", "affine" or "convex"; or
            "all" for the table (docs/structure.md says what they are).  All but "activation" list the regions first, in
            memory, and the limits hold for the listing.
        exact: settle in rational arithmetic what floating point cannot; with False such decisions are left to floating
            point and the result says how many there were.
        threads: worker threads, 1 to 1024; None takes the cores of this process.  With processes, their number.
        parallel: "threads"; "processes" on this machine; or a `dask.distributed.Client`, whose cluster then searches
            pieces of the domain (engine "cells").  A worker that dies loses nothing.
        time_limit: seconds; when they run out the result is a lower bound; None or infinity is no limit.
        max_regions: stop once this many or more are found; the result is then a lower bound.
        progress: called now and then with (fraction done, regions so far).
        engine: "cells" (every network, dimension 1 to 8), "arrangement" (one hidden layer with small integer weights on
            the whole space, any dimension), or "auto", the faster one that applies.

    Returns:
        A `Count`; its kind is exact when the run completed with every sign decided rigorously.  For "convex" an
        `Interval`, whose ends are the counts of "linear" and "activation" regions; for "all" a `Counts`.

    Raises:
        InputError: an argument does not fit; the message says which.

    Example:
        >>> import numpy as np
        >>> from linregions import Box, Network, count
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> count(net, Box([-1, -1], [1, 1])).value
        4
    """
    budget = _budget(exact, threads, time_limit, max_regions, progress)
    net = _network(model)
    _check(definition, DEFINITIONS, domain)
    parallel = check_parallel(parallel)
    if definition != "activation":
        _check_merging(definition, exact, engine)
        return counted(_list(net, domain, parallel, budget), definition)
    if parallel != "threads":
        _only_cells(engine)
        _, out, _ = by_workers.run(net, domain, listing=False, parallel=parallel, **budget)
        return _count(net, domain, definition, out, cells.NAME)
    name, opened = _open(net, domain, engine)
    out = cells.run(opened, domain=domain, listing=False, **budget)
    return _count(net, domain, definition, out, name)


def enumerate_regions(
    model: Any,
    domain: Domain,
    *,
    definition: str = "activation",
    exact: bool = True,
    threads: int | None = None,
    parallel: Any = "threads",
    time_limit: float | None = None,
    max_regions: int | None = None,
    progress: cells.Progress | None = None,
) -> Partition:
    """List the activation regions of a network on a domain.

    Arguments as for `count`.  The regions come in the same order whatever the number of threads.  Patterns and
    witnesses are held in memory (units/8 + 8 dim bytes a region); `count` needs none of it.

    Returns:
        A `Partition`, whose `count` carries kind and status.

    Example:
        >>> from linregions import Box, Network, enumerate_regions
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> partition = enumerate_regions(net, Box([-1, -1], [1, 1]))
        >>> len(partition), partition.volumes.tolist()
        (4, [1.0, 1.0, 1.0, 1.0])
    """
    budget = _budget(exact, threads, time_limit, max_regions, progress)
    net = _network(model)
    _check(definition, ("activation",), domain)
    return _list(net, domain, check_parallel(parallel), budget)


def _list(net: Network, domain: Domain, parallel: Any, budget: dict[str, Any]) -> Partition:
    if parallel != "threads":
        engine, out, columns = by_workers.run(net, domain, listing=True, parallel=parallel, **budget)
    else:
        engine = cells.open_engine(net, domain)
        out = cells.run(engine, domain=domain, listing=True, **budget)
        columns = engine.collect()
    return Partition(net, domain, _count(net, domain, "activation", out, cells.NAME), engine, *columns)


def _open(net: Network, domain: Domain, engine: str) -> tuple[str, Any]:
    if engine not in ("auto", cells.NAME, arrangement.NAME):
        raise InputError(f"engine: {engine!r} is not known; use 'auto', '{cells.NAME}' or '{arrangement.NAME}'")
    if engine != cells.NAME:
        largest = arrangement.LARGEST if engine == arrangement.NAME else arrangement.SMALL
        opened = arrangement.open_engine(net, domain, largest=largest)
        if opened is not None:
            return arrangement.NAME, opened
        if engine == arrangement.NAME:
            raise InputError(
                "engine: 'arrangement' counts one hidden layer with integer rows (up to a factor) on a Space; "
                f"use 'cells' for {net!r} on {domain!r}"
            )
    return cells.NAME, cells.open_engine(net, domain)


def _only_cells(engine: str) -> None:
    if engine not in ("auto", cells.NAME):
        raise InputError(f"parallel: engine {engine!r} runs in threads only; use engine='{cells.NAME}' or 'auto'")


def _network(model: Any) -> Network:
    if isinstance(model, Network):
        return model
    from .readers import read

    return read(model)


def _budget(exact: Any, threads: Any, time_limit: Any, max_regions: Any, progress: Any) -> dict[str, Any]:
    """How to run, checked: what `cells.run` takes besides the engine."""
    if not isinstance(exact, bool):
        raise InputError(f"exact must be True or False, got {shown(exact)}")
    if progress is not None and not callable(progress):
        raise InputError(f"progress must be a function of (fraction, regions) or None, got {shown(progress)}")
    if threads is not None:
        threads = whole_number(threads, "threads", most=MOST_THREADS)
    if max_regions is not None:
        max_regions = min(whole_number(max_regions, "max_regions"), MOST_REGIONS)
    if time_limit is not None:
        time_limit = real_number(time_limit, "time_limit")
        if not time_limit > 0:
            raise InputError(f"time_limit must be a positive number of seconds, got {time_limit}")
        time_limit = None if time_limit == math.inf else time_limit
    return {
        "exact": exact,
        "threads": threads,
        "time_limit": time_limit,
        "max_regions": max_regions,
        "progress": progress,
    }


def _check_merging(definition: str, exact: bool, engine: str) -> None:
    if not exact:
        raise InputError(f"exact: {definition!r} regions are told apart by exact signs; leave exact=True")
    if engine not in ("auto", cells.NAME):
        raise InputError(f"engine: {engine!r} counts activation regions only; use 'auto' for {definition!r}")


def _check(definition: Any, available: tuple[str, ...], domain: Any) -> None:
    if definition not in available:
        known = ", ".join(repr(d) for d in available)
        raise InputError(f"definition: {shown(definition)} is not available; use {known}")
    if not isinstance(domain, Domain):
        raise InputError(f"domain: expected a Box, Polytope, Segment, Plane or Space, got {type(domain).__name__}")


def _count(net: Network, domain: Domain, definition: str, out: cells.Outcome, engine: str) -> Count:
    return Count(
        value=out.regions,
        kind=out.kind,
        status=out.status,
        definition=definition,
        engine=engine,
        exact_decisions=out.exact_decisions,
        doubtful=out.doubtful,
        seconds=out.seconds,
        network=repr(net),
        domain=repr(domain),
        reason=out.reason,
    )
