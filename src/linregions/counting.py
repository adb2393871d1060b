"""The two verbs: count the regions of a network on a domain, or list them."""

from __future__ import annotations

from os import PathLike
from typing import Any, Literal, overload

from .checks import shown
from .domain import Domain
from .engines import cells
from .engines import parallel as by_workers
from .engines.budget import checked_budget
from .engines.choice import only_cells, open_engine
from .engines.workers import check_parallel
from .errors import InputError
from .network import Network
from .partition import Count, Counts, Interval, Partition
from .partition.definitions import NAMES, counted
from .store import SavedPartition

DEFINITIONS = (*NAMES, "all")


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
) -> Count | Interval | Counts:
    """Count the regions of a network on a domain: by default full-dimensional activation regions, one pattern each.

    Args:
        model: a `Network`, a path (.onnx, .npz, .safetensors), an ONNX model or a torch module.
        domain: where to count; its `input_dim` must be the network's.
        definition: which regions: "activation", the default; "patterns", "linear", "closed", "affine" or "convex"; or
            "all" for the table (docs/structure.md says what they are).  All but "activation" list the regions first, in
            memory and in dimension 1 to 8, and the limits hold for the listing.
        exact: settle in rational arithmetic what floating point cannot; with False such decisions are left to floating
            point and the result says how many there were.
        threads: worker threads, 1 to 1024; None takes the cores of this process.  With processes, their number.
        parallel: "threads"; "processes" on this machine; or a `dask.distributed.Client`, whose cluster then searches
            pieces of the domain (engine "cells").  A worker that dies loses nothing.
        time_limit: seconds; when they run out the result is a lower bound; None or infinity is no limit.
        max_regions: stop once this many or more are found; the result is then a lower bound.
        progress: called now and then with (fraction done, regions so far).
        engine: "cells" (every network, dimension 1 to 8), "lp" (every network, any dimension, slower), "arrangement"
            (one hidden layer with small integer weights on the whole space, any dimension), or "auto", which chooses.
        save: a new folder into which what is done is written as it is done, so that `resume` can go on after whatever
            happened; the engine is then "cells".
        part: with `save`, (k, n) does only share k of n of the search, for `merge` to join; the count of a share is a
            lower bound.

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
        return _saved(save, net, domain, budget, definition, part, engine, parallel, listing=False)
    _no_part(part)
    if definition != "activation":
        _check_merging(definition, exact, engine, domain)
        return counted(_list(net, domain, engine, parallel, budget), definition)
    if parallel != "threads":
        only_cells(engine, "parallel", domain)
        _, out, _ = by_workers.run(net, domain, listing=False, parallel=parallel, **budget)
        return _count(net, domain, out, cells.NAME)
    name, opened = open_engine(net, domain, engine, listing=False)
    out = cells.run(opened, domain=domain, listing=False, **budget)
    return _count(net, domain, out, name)


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
    save: Any = None,
    part: tuple[int, int] | None = None,
) -> Partition | SavedPartition:
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
    _check(definition, ("activation",), domain)
    parallel = check_parallel(parallel)
    if save is not None:
        return _saved(save, net, domain, budget, definition, part, engine, parallel, listing=True)
    _no_part(part)
    return _list(net, domain, engine, parallel, budget)


def _list(net: Network, domain: Domain, engine: str, parallel: Any, budget: dict[str, Any]) -> Partition:
    if parallel != "threads":
        only_cells(engine, "parallel", domain)
        name = cells.NAME
        opened, out, columns = by_workers.run(net, domain, listing=True, parallel=parallel, **budget)
    else:
        name, opened = open_engine(net, domain, engine, listing=True)
        out = cells.run(opened, domain=domain, listing=True, **budget)
        columns = opened.collect()
    found = Partition(net, domain, _count(net, domain, out, name), opened, *columns)
    # A boundary is taken from all regions of a larger network, so without a limit; with as many threads or workers.
    whole = budget | {"exact": True, "time_limit": None, "max_regions": None, "progress": None}
    found._relist = lambda network: _list(network, domain, engine, parallel, whole)
    return found


def _saved(
    save: Any,
    net: Network,
    domain: Domain,
    budget: dict[str, Any],
    definition: str,
    part: Any,
    engine: str,
    parallel: Any,
    *,
    listing: bool,
) -> Any:
    from .runs import save as save_run

    only_cells(engine, "save", domain)
    if definition != "activation":
        raise InputError(
            f"save: {definition!r} regions are not counted piece by piece; save the activation regions, or do not save"
        )
    how = {**budget, "parallel": parallel}
    return save_run(save, net, domain, listing=listing, definition=definition, budget=how, part=part)


def _no_part(part: Any) -> None:
    if part is not None:
        raise InputError("part: a share of the search has to be saved; give save a folder")


def _network(model: Any) -> Network:
    if isinstance(model, Network):
        return model
    from .readers import read

    return read(model)


def _check_merging(definition: str, exact: bool, engine: str, domain: Domain) -> None:
    if domain.dim > cells.MAX_DIM and definition != "affine":
        raise InputError(
            f"definition: {definition!r} needs vertices, which are found in dimension 1 to {cells.MAX_DIM}, and "
            f"{domain!r} has dimension {domain.dim}; use 'activation' or 'affine', or a Plane slice"
        )
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


def _count(net: Network, domain: Domain, out: cells.Outcome, engine: str) -> Count:
    return Count(
        value=out.regions,
        kind=out.kind,
        status=out.status,
        definition="activation",
        engine=engine,
        exact_decisions=out.exact_decisions,
        doubtful=out.doubtful,
        seconds=out.seconds,
        network=repr(net),
        domain=repr(domain),
        reason=out.reason,
    )
