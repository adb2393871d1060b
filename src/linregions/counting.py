"""The two verbs: count the regions of a network on a domain, or list them."""

from __future__ import annotations

from os import PathLike
from typing import Any, overload

from .domain import Domain
from .engines import arrangement, cells, lp, pieces
from .engines.workers import check_parallel
from .errors import InputError
from .network import Network
from .partition import Count, Partition
from .store import SavedPartition

DEFINITIONS = ("activation",)


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
    save: Any = None,
    part: tuple[int, int] | None = None,
) -> Count:
    """Count the activation regions of a network on a domain: full-dimensional, one activation pattern each.

    Args:
        model: a `Network`, a path (.onnx, .npz, .safetensors), an ONNX model or a torch module.
        domain: where to count; its `input_dim` must be the network's.
        definition: which regions; "activation" is the only one so far.
        exact: settle in rational arithmetic what floating point cannot; with False such decisions are left to floating
            point and the result says how many there were.
        threads: worker threads, 1 to 1024; None takes the cores of this process.  With processes, their number.
        parallel: "threads"; "processes" on this machine; or a `dask.distributed.Client`, whose cluster then searches
            pieces of the domain (engine "cells").  A worker that dies loses nothing.
        time_limit: seconds; when they run out the result is a lower bound; None or infinity is no limit.
        max_regions: stop once this many or more are found; the result is then a lower bound.
        progress: called now and then with (fraction done, regions so far).
        engine: "cells" (every network, dimension 1 to 8), "lp" (every network, any dimension, slower), "arrangement" (one
            hidden layer with small integer weights on the whole space, any dimension), or "auto", the one that suits.

    Returns:
        A `Count`; its kind is exact when the run completed with every sign decided rigorously.  For "convex" an
        `Interval`, whose ends are the counts of "linear" and "activation" regions; for "all" a `Counts`.

    Raises:
        InputError: an argument does not fit; the message says which.
        OutputError: `save` cannot be written, or its disk is full; what was saved before is kept.

    Example:
        >>> import numpy as np
        >>> from linregions import Box, Network, count
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> count(net, Box([-1, -1], [1, 1])).value
        4
    """
    budget = checked_budget(
        exact=exact, threads=threads, time_limit=time_limit, max_regions=max_regions, progress=progress
    )
    net = _network(model)
    _check(definition, DEFINITIONS, domain)
    parallel = check_parallel(parallel)
    if save is not None:
        _check_saved(engine)
        return _saved(save, net, domain, {**budget, "parallel": parallel}, definition, part, listing=False)
    _no_part(part)
    if parallel != "threads":
        _only_cells(engine)
        _, out, _ = by_workers.run(net, domain, listing=False, parallel=parallel, **budget)
        return _count(net, domain, definition, out, cells.NAME)
    name, opened = _open(net, domain, engine)
    out = cells.run(opened, domain=domain, listing=False, **budget)
    return _count(net, domain, definition, out, name)


@overload
def enumerate_regions(model: Any, domain: Domain, *, save: None = None, **how: Any) -> Partition: ...
@overload
def enumerate_regions(model: Any, domain: Domain, *, save: str | PathLike[str], **how: Any) -> SavedPartition: ...
def enumerate_regions(  # pyright: ignore[reportInconsistentOverload]
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
) -> Partition:
    """List the activation regions of a network on a domain.

    Arguments as for `count`.  The regions come in the same order whatever the number of threads.  Patterns and
    witnesses are held in memory (units/8 + 8 dim bytes a region); `count` needs none of it.  With `save` they go to a
    folder as they are found, and stay there.

    Returns:
        A `Partition`, whose `count` carries kind and status; with `save` a `SavedPartition`, read from the folder.

    Example:
        >>> from linregions import Box, Network, enumerate_regions
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> partition = enumerate_regions(net, Box([-1, -1], [1, 1]))
        >>> len(partition), partition.volumes.tolist()
        (4, [1.0, 1.0, 1.0, 1.0])
    """
    budget = checked_budget(
        exact=exact, threads=threads, time_limit=time_limit, max_regions=max_regions, progress=progress
    )
    net = _network(model)
    _check(definition, domain)
    parallel = check_parallel(parallel)
    if save is not None:
        return _saved(save, net, domain, {**budget, "parallel": parallel}, definition, part, listing=True)
    _no_part(part)
    if parallel != "threads":
        _only_cells(engine)
        name = cells.NAME
        opened, out, columns = pieces.run(net, domain, listing=True, parallel=parallel, **budget)
    else:
        name, opened = _open(net, domain, engine, listing=True)
        out = cells.run(opened, domain=domain, listing=True, **budget)
        columns = opened.collect()
    return Partition(net, domain, _count(net, domain, definition, out, name), opened, *columns)


def _open(net: Network, domain: Domain, engine: str, *, listing: bool = False) -> tuple[str, Any]:
    names = ("auto", cells.NAME, lp.NAME) if listing else ("auto", cells.NAME, lp.NAME, arrangement.NAME)
    if engine not in names:
        raise InputError(f"engine: {engine!r} is not known; use one of {', '.join(map(repr, names))}")
    if engine in ("auto", arrangement.NAME) and not listing:
        largest = arrangement.LARGEST if engine == arrangement.NAME else arrangement.SMALL
        opened = arrangement.open_engine(net, domain, largest=largest)
        if opened is not None:
            return arrangement.NAME, opened
        if engine == arrangement.NAME:
            raise InputError(
                "engine: 'arrangement' counts one hidden layer with integer rows (up to a factor) on a Space; "
                f"use 'auto' for {net!r} on {domain!r}"
            )
    if engine == lp.NAME or (engine == "auto" and domain.dim > cells.MAX_DIM):
        return lp.NAME, lp.open_engine(net, domain)
    return cells.NAME, cells.open_engine(net, domain)


def _only_cells(engine: str) -> None:
    if engine not in ("auto", cells.NAME):
        raise InputError(f"parallel: engine {engine!r} runs in threads only; use engine='{cells.NAME}' or 'auto'")


def _saved(
    save: Any, net: Network, domain: Domain, budget: dict[str, Any], definition: str, part: Any, *, listing: bool
) -> Any:
    from .runs import save as save_run

    return save_run(save, net, domain, listing=listing, definition=definition, budget=budget, part=part)


def _check_saved(engine: str) -> None:
    if engine not in ("auto", cells.NAME):
        raise InputError(f"engine: {engine!r} cannot save its run; use '{cells.NAME}', or leave out save")


def _no_part(part: Any) -> None:
    if part is not None:
        raise InputError("part: a share of the search has to be saved; give save a folder")


def _network(model: Any) -> Network:
    if isinstance(model, Network):
        return model
    from .readers import read

    return read(model)


def _check(definition: str, domain: Any) -> None:
    if definition not in DEFINITIONS:
        known = ", ".join(repr(d) for d in DEFINITIONS)
        raise InputError(f"definition: {definition!r} is not available; use {known}")
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
