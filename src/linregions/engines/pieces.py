"""Running the cells engine piece by piece: subtrees of the search, done in any order, at any time, anywhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..partition import Status
from ..store import Batch
from . import cells

DEPTHS = (10, 12, 14, 16)
ENOUGH = 2048


@dataclass(frozen=True)
class Frontier:
    """The top of the search tree down to a depth: below it lie `pieces` pieces, numbered in the order of the search.

    `digest` stands for all decisions above the pieces: where it is the same, the numbers mean the same.
    `exact_decisions` and `doubtful` are those taken above the pieces.
    """

    depth: int
    pieces: int
    digest: str
    exact_decisions: int
    doubtful: int


@dataclass(frozen=True)
class Ended:
    """How a run over pieces ended: `regions` counts those of unfinished pieces too; `limited`: there were enough."""

    regions: int
    status: Status
    limited: bool = False


def survey(
    engine: Any, *, listing: bool, exact: bool, depth: int | None = None, deadline: float | None = None
) -> tuple[Frontier | None, Status]:
    """Number the pieces of a prepared engine; None if the deadline or Ctrl-C came first, which the status tells.

    Unless it is given, the depth is the first of 10, 12, 14, 16 that gives 2,048 pieces, or at which going deeper no
    longer doubles them: then the whole search is not much more than its frontier.
    """
    found, before = None, 0
    for d in DEPTHS if depth is None else (depth,):
        engine.start_survey(listing, exact, d)
        _, status = cells.watch(engine, deadline, None)
        check_error(engine)
        if status is not Status.COMPLETE:
            return None, status
        pieces, digest, decisions, doubtful = engine.frontier()
        found = Frontier(d, pieces, f"{digest:016x}", decisions, doubtful)
        if pieces >= ENOUGH or pieces < 2 * before:
            break
        before = pieces
    return found, Status.COMPLETE


def run(
    engine: Any,
    frontier: Frontier,
    pieces: np.ndarray,
    *,
    listing: bool,
    exact: bool,
    each: Callable[[Batch], None],
    threads: int | None = None,
    deadline: float | None = None,
    max_regions: int = 0,
    look: Callable[[int], None] | None = None,
) -> Ended:
    """Search some pieces of a prepared engine; `each` gets them as they are finished.

    It stops once finished pieces have `max_regions` regions (0 is no limit).  `look` is called some fifty times a
    second with the number of regions so far, those of unfinished pieces included.  An exception of `each` or `look`
    stops the engine and goes on to the caller.

    Raises:
        InputError: a cell or the domain is too complex.
    """
    engine.start(
        listing, exact, threads or cells.cores(), max_regions, np.ascontiguousarray(pieces, np.int64), frontier.depth
    )

    def collect() -> None:
        table, (patterns, witnesses, certified) = engine.finished()
        if len(table):
            each(Batch(table, patterns, witnesses, certified))

    def look_and_collect() -> None:
        collect()
        if look is not None:
            look(engine.state()["regions"])

    try:
        _, status = cells.watch(engine, deadline, None, look_and_collect)
    except BaseException:
        engine.stop()
        while not engine.wait(1.0):
            pass
        raise
    check_error(engine)
    try:
        collect()
    except KeyboardInterrupt:
        status = Status.INTERRUPTED
        collect()
    state = engine.state()
    if state["stop"] == 2:
        return Ended(state["regions"], Status.BUDGET, limited=True)
    return Ended(state["regions"], status)


def check_error(engine: Any) -> None:
    """Raise what went wrong in the engine's threads.

    Raises:
        InputError: a cell or the domain is too complex.
    """
    if error := engine.state()["error"]:
        raise InputError(f"engine: {error}; use a smaller domain or fewer half-spaces")


def deadline_of(time_limit: float | None) -> float | None:
    """The moment at which a limit of so many seconds from now runs out."""
    return None if time_limit is None else time.perf_counter() + time_limit
