"""The verb: lower bound, estimate and upper bound of a number of regions that is too large to count."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import bounds
from ..arrangements.rows import Row
from ..bounds.bound import Bound
from ..checks import whole_number
from ..domain import Domain, Space
from ..engines.budget import MOST_THREADS
from ..engines.cells import MAX_DIM
from ..network import Network
from ..partition import Count, Kind, Status
from .draw import checked_data
from .flats import estimate_flats, of_network
from .pieces import Counted, count_pieces
from .record import Bracket, Estimate, Sampling
from .sampling import (
    LEVEL,
    MOST_SAMPLES,
    Run,
    checked_level,
    checked_limit,
    checked_network,
    checked_spread,
    generator,
)

# Of the time, what the pieces get; sampling gets the rest.
PIECES_SHARE = 0.6
SAMPLES, LINES = 100_000, 100  # without a time limit
MOST_REGIONS = 50_000_000  # that are kept while sampling: half a gigabyte


def estimate(
    model: Any,
    domain: Domain,
    *,
    samples: int | None = None,
    data: Any = None,
    spread: float | None = None,
    lines: int | None = None,
    pieces: int | None = None,
    level: float = LEVEL,
    seed: int | np.random.Generator = 0,
    threads: int | None = None,
    time_limit: float | None = 10.0,
    progress: Callable[[float, int], None] | None = None,
) -> Bracket:
    """Bracket a number of activation regions that is too large to count: at least, about, at most.

    lower:     the larger of two proven numbers: distinct regions among sampled points (`sample_regions`), and the exact
               counts of random pieces of the search plus one for every other piece.
    estimate:  the pieces' mean times their number, unbiased, with a confidence interval, for domains of dimension up
               to 8; for one hidden layer in any dimension, from random intersections of hyperplanes.
    upper:     the smallest proven bound for this network, with only the units that can change on the domain
               (`linregions.bounds`).

    Args:
        model: a `Network`, or whatever `linregions.read` takes.
        domain: where; every kind and dimension.
        samples: uniform points; None takes as many as the time allows (100,000 without a limit).
        data: points near which to sample too; see `sample_regions`.
        spread: likewise.
        lines: random lines; None takes as many as the time allows (100 without a limit).
        pieces: random pieces to count; None takes as many as the time allows (1,000 without a limit).
        level: confidence of the intervals.
        seed: a whole number or a `numpy.random.Generator`; with a time limit, how far the run comes depends on the
            machine too.
        threads: worker threads of the pieces; None takes the cores of this process.
        time_limit: seconds in all; None is no limit.
        progress: called now and then with (fraction of the time, regions so far).

    Returns:
        A `Bracket`; its status is complete where everything that was asked for was done.

    Raises:
        InputError: an argument does not fit; the message says which.

    Example:
        >>> from linregions import Box, Network
        >>> rng = np.random.default_rng(0)
        >>> net = Network.from_arrays([(rng.normal(size=(12, 9)), rng.normal(size=12)), (np.ones((1, 12)), [0.0])])
        >>> found = estimate(net, Box.cube(-1, 1, 9), samples=2000, lines=5)
        >>> found.lower.value <= found.upper.value, found.upper.value
        (True, 4017)
    """
    net = checked_network(model, domain)
    limit, confidence = checked_limit(time_limit), checked_level(level)
    wanted = None if samples is None else whole_number(samples, "samples", most=MOST_SAMPLES)
    number = None if pieces is None else whole_number(pieces, "pieces", most=MOST_SAMPLES)
    chords = lines if lines in (None, 0) else whole_number(lines, "lines", most=MOST_SAMPLES)
    workers = None if threads is None else whole_number(threads, "threads", most=MOST_THREADS)
    points = None if data is None else checked_data(data, domain)
    width = checked_spread(spread, points)
    rng = generator(seed)
    started = time.perf_counter()
    upper = upper_bound(net, domain)
    share = None if limit is None else PIECES_SHARE * limit
    options = {"sample": number, "level": confidence, "threads": workers, "time_limit": share, "progress": progress}
    arrangement = of_network(net, domain)
    if arrangement is not None and share is not None:
        options["time_limit"] = share / 2
    counted = _pieces(net, domain, rng, options)
    if arrangement is not None and counted.estimate is None and counted.status is not Status.INTERRUPTED:
        _flats(counted, *arrangement, domain, rng, options)
    if number is None and counted.status is Status.BUDGET:  # as many as the time allowed
        counted.status = Status.COMPLETE
    sampling = None
    if counted.status is not Status.INTERRUPTED and not counted.exact:
        left = None if limit is None else max(0.05, limit - (time.perf_counter() - started))
        run = Run(net, domain, rng, left, MOST_REGIONS)
        fitting = wanted or (SAMPLES if left is None else MOST_SAMPLES)
        run.add_sources(points, width, fitting, (LINES if left is None else MOST_SAMPLES) if chords is None else chords)
        run.collect()
        if wanted is None and run.status is Status.BUDGET:
            run.status, run.reason = Status.COMPLETE, ""
        sampling = run.result(confidence, seed if isinstance(seed, int) else -1)
    return _bracket(net, domain, counted, sampling, upper, time.perf_counter() - started)


def upper_bound(net: Network, domain: Domain) -> Bound:
    """The smallest proven upper bound on the activation regions of this network on this domain.

    Example:
        >>> from linregions import Box
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 5.0]), ([[1.0, 1.0]], [0.0])])
        >>> upper_bound(net, Box.cube(-1, 1, 2)).value  # y + 5 never changes its sign
        2
    """
    table = bounds.all(net, domain=None if isinstance(domain, Space) else domain)
    fit = [b for b in table if b.proven and b.direction == "upper" and b.bounds_definition("activation")]
    return min(reversed(fit), key=lambda b: b.value)


def _pieces(net: Network, domain: Domain, rng: np.random.Generator, options: dict[str, Any]) -> Counted:
    if domain.dim > MAX_DIM:
        return Counted(why=f"pieces of the search are counted up to dimension {MAX_DIM}, and this is {domain.dim}")
    return count_pieces(net, domain, rng, **options)


def _flats(
    counted: Counted, rows: tuple[Row, ...], dim: int, domain: Domain, rng: np.random.Generator, options: dict[str, Any]
) -> None:
    """Estimate one hidden layer where its pieces gave nothing, in place."""
    wanted = {k: options[k] for k in ("sample", "level", "time_limit")}
    try:
        counted.estimate, why = estimate_flats(rows, dim, domain, rng, **wanted)
        counted.why = f"{counted.why}; {why}" if why else ""
    except KeyboardInterrupt:
        counted.status = Status.INTERRUPTED


def _bracket(
    net: Network, domain: Domain, counted: Counted, sampling: Sampling | None, upper: Bound, seconds: float
) -> Bracket:
    lower, how = _lower(net, domain, counted, sampling, seconds)
    found = counted.estimate
    statuses = [counted.status, sampling.count.status if sampling else None]
    status = next((s for s in (Status.INTERRUPTED, Status.BUDGET) if s in statuses), Status.COMPLETE)
    return Bracket(lower, how, _consistent(found, lower, upper), upper, sampling, status, seconds, counted.why)


def _lower(
    net: Network, domain: Domain, counted: Counted, sampling: Sampling | None, seconds: float
) -> tuple[Count, str]:
    found = counted.estimate
    whole = round(found.value) if found is not None and found.kind is Kind.EXACT else 0
    by_flats = whole > 0 and not counted.exact
    by_pieces = max(1, whole, counted.lower)
    if sampling is not None and not by_flats and sampling.count.value >= by_pieces:
        return sampling.count, "distinct regions among sampled points"
    exact = counted.exact or by_flats
    kind = Kind.EXACT if exact else Kind.LOWER
    status = Status.COMPLETE if exact else counted.status
    how = f"{len(counted.known):,} of {counted.total:,} pieces of the search counted, one region in each other"
    if exact:
        how = "all intersections of hyperplanes" if by_flats else "all pieces of the search counted"
    return Count(
        value=by_pieces,
        kind=kind,
        status=status,
        definition="activation",
        engine="lattice" if by_flats else "cells",
        exact_decisions=counted.exact_decisions,
        doubtful=0,
        seconds=seconds,
        network=repr(net),
        domain=repr(domain),
    ), how


def _consistent(found: Estimate | None, lower: Count, upper: Bound) -> Estimate | None:
    """The interval within what is proven; the estimate itself stays as it is, for it is unbiased only so."""
    if found is None:
        return None
    from dataclasses import replace

    low, high = (min(max(v, float(lower.value)), _float(int(upper))) for v in (found.low, found.high))
    return replace(found, low=low, high=high, at_least=max(found.at_least, float(lower.value)))


def _float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return np.inf
