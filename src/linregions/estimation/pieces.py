"""An unbiased estimate from random pieces of the search: some subtrees are counted exactly, the others are inferred.

The cells engine's search tree, cut at a depth, leaves M subtrees (pieces), each with one region at least; the number of
regions is the sum over all of them.  Of pieces that are drawn at random without replacement the mean is unbiased, so M
times it estimates the sum without bias (Horvitz and Thompson for equal probabilities).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..domain import Domain
from ..engines import cells
from ..errors import InputError
from ..network import Network
from ..partition import Kind, Status
from .interval import mean_interval
from .record import Estimate

PILOT = 16  # pieces that are counted first, to see how long one takes
GROWTH = 4
PILOT_SHARE = 0.12  # of the time
SURVEY_SHARE = 0.02
# Where the first pieces take more than one share, deeper pieces are taken, if finding them costs at most the other.
FIRST_SHARE, DEEPER_SHARE, DEEPER = 0.15, 0.1, 2
LAST_SHARE = 0.5  # what they may take where deeper ones would cost more
USED_SHARE = 0.6  # of the time that is left after the pilot: pieces are very unequal
CHUNKS = 4  # of the sample, in random order, so that one that does not end leaves the others
FEWEST = 30  # pieces that an interval is given for
MOST_PIECES = 2**20
ENOUGH_PIECES = 20_000  # without a time limit
DEFAULT_SAMPLE = 1000
DEEPEST = 30


@dataclass
class Counted:
    """What counting random pieces has given: see `count_pieces`."""

    total: int = 0
    known: dict[int, int] = field(default_factory=dict)
    exact_decisions: int = 0
    estimate: Estimate | None = None
    why: str = ""
    status: Status = Status.COMPLETE

    @property
    def lower(self) -> int:
        """A proven lower bound: the pieces that were counted, and one region in each other piece."""
        return sum(self.known.values()) + self.total - len(self.known)

    @property
    def exact(self) -> bool:
        """Whether all pieces were counted."""
        return self.total > 0 and len(self.known) == self.total


class _Late(Exception):
    """The time ran out."""


def count_pieces(
    net: Network,
    domain: Domain,
    rng: np.random.Generator,
    *,
    sample: int | None,
    level: float,
    threads: int | None,
    time_limit: float | None,
    progress: Callable[[float, int], None] | None = None,
) -> Counted:
    """Count random pieces of the search and estimate the number of regions from them.

    The depth of the frontier is chosen so that finding it takes little of the time.  A pilot of random pieces says how
    many can be counted in the time; the number is fixed before any of them is counted, and the pilot's pieces enter as
    what they are, so the estimate is unbiased given the pilot.

    Returns:
        A `Counted` with an `Estimate`, or with a reason why there is none.
    """
    work = _Work(net, domain, threads, time_limit, progress)
    out = work.out
    try:
        work.open()
        work.survey()
        if time_limit is not None:
            work.find_small_pieces(rng)
        order = rng.permutation([i for i in range(out.total) if i not in out.known])
        if sample is None:
            order = work.pilot(order)
        size = work.affordable(len(order)) if sample is None else sample
        _sampled(work, order[:size], level)
    except _Late:
        out.status = Status.BUDGET
        out.why = out.why or f"{work.doing} took longer than the time limit"
    except KeyboardInterrupt:
        work.stop()
        out.status, out.why = Status.INTERRUPTED, "interrupted"
    return out


def _sampled(work: _Work, sample: np.ndarray, level: float) -> None:
    """Count the sample and estimate from it, or from the chunks of it that ended."""
    out = work.out
    before, rest = sum(out.known.values()), out.total - len(out.known)
    done: list[int] = []
    late = False
    # Each start walks to the frontier again, which a small sample is not worth.
    for chunk in np.array_split(sample, CHUNKS if len(sample) >= 2 * FEWEST else 1):
        try:
            work.count(chunk)
        except _Late:
            out.status, late = Status.BUDGET, True
            break
        done += [out.known[int(i)] for i in chunk]
    if out.exact:
        value = float(out.lower)
        theory = f"all {out.total:,} pieces counted"
        out.estimate = Estimate(value, value, value, level, out.total, out.total, value, theory, kind=Kind.EXACT)
        return
    if len(done) < FEWEST:
        out.why = f"it needs {FEWEST} pieces of the search, and {len(done)} of {out.total:,} were counted"
        return
    out.estimate = _estimate(np.array(done, dtype=float), out, before, rest, level, late)


def _estimate(values: np.ndarray, out: Counted, known: int, rest: int, level: float, late: bool) -> Estimate:
    """From a simple random sample of `rest` pieces, `known` regions being in the others."""
    found = mean_interval(values, rest, level)
    least = float(out.lower)
    doubts = list(found.doubts)
    if late:
        doubts.append("the time ran out over some pieces, which favours small ones")
    # What the pieces have beyond one region each is not negative, and its estimate unbiased: Markov's inequality.
    markov = known + rest + (1.0 - level) * rest * (found.mean - 1.0)
    return Estimate(
        value=known + rest * found.mean,
        low=max(least, known + rest * found.low),
        high=max(least, known + rest * found.high),
        level=level,
        pieces=out.total,
        counted=len(out.known),
        at_least=max(least, markov),
        theory=f"{len(values):,} random pieces of {out.total:,} counted, central limit theorem with skewness",
        doubts=tuple(doubts),
    )


class _Work:
    """An engine, a clock, and what was counted so far."""

    def __init__(
        self,
        net: Network,
        domain: Domain,
        threads: int | None,
        time_limit: float | None,
        progress: Callable[[float, int], None] | None,
    ):
        self.net, self.domain = net, domain
        self.threads = threads or cells.cores()
        self.started = time.perf_counter()
        self.time_limit, self.progress = time_limit, progress
        self.until = math.inf if time_limit is None else self.started + time_limit
        self.out = Counted()
        self.depth, self.survey_seconds = 0, 0.0
        self.last_seconds, self.last_pieces = 0.0, 1
        self.engine: Any = None
        self.doing = "reading the domain"

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.until - time.perf_counter()

    def open(self) -> None:
        """Make the engine ready."""
        self.engine = cells.open_engine(self.net, self.domain)
        self.engine.prepare()
        self._wait()
        if self.engine.prepared() != "ready":
            raise InputError(f"domain: {self.domain!r} is {self.engine.prepared()}; give one with an interior")

    def survey(self) -> None:
        """Choose the depth: as deep as a survey takes little of the time, and yet more pieces come."""
        while True:
            before = self.out.total
            self._survey_at(self.depth + 1)
            enough = self.out.total >= (ENOUGH_PIECES if self.time_limit is None else MOST_PIECES)
            dear = self.time_limit is not None and 2 * self.survey_seconds > SURVEY_SHARE * self.time_limit
            if enough or dear or self.depth == DEEPEST or (self.out.total == before and self.depth > 8):
                return

    def _survey_at(self, depth: int) -> None:
        self.doing, self.depth = "finding the pieces of the search", depth
        began = time.perf_counter()
        self.engine.start_survey(False, True, depth)
        self._wait()
        self.survey_seconds = time.perf_counter() - began
        self.out.total = int(self.engine.frontier()[0])

    def find_small_pieces(self, rng: np.random.Generator) -> None:
        """Go deeper while a few pieces take long, as far as that is cheap; at last those few are counted."""
        until = self.until
        while True:
            some = rng.permutation(self.out.total)[:PILOT]
            self.doing = f"counting {len(some)} of {self.out.total:,} pieces of the search"
            dear = 2**DEEPER * self.survey_seconds > DEEPER_SHARE * self.left or self.depth + DEEPER > DEEPEST
            self.until = min(until, time.perf_counter() + (LAST_SHARE if dear else FIRST_SHARE) * self.left)
            try:
                self.count(some)
                return
            except _Late:
                if dear:
                    raise
            finally:
                self.until = until
            self.out.known.clear()
            self._survey_at(self.depth + DEEPER)

    def pilot(self, order: np.ndarray) -> np.ndarray:
        """Count the first pieces of the order, more of them while that takes little time; returns the others."""
        if self.time_limit is None:
            return order
        spent, more = self.last_seconds, (GROWTH - 1) * PILOT
        while len(order) and spent * GROWTH < PILOT_SHARE * self.time_limit:
            self.doing = f"counting {more} of {self.out.total:,} pieces of the search"
            self.count(order[:more])
            order, more = order[more:], GROWTH * more
            spent += self.last_seconds
        return order

    def affordable(self, rest: int) -> int:
        """How many of the pieces that are left the time allows, by what the last ones took."""
        if self.time_limit is None:
            return min(DEFAULT_SAMPLE, rest)
        spent = max(1e-6, self.last_seconds - self.survey_seconds)
        overhead = CHUNKS * self.survey_seconds
        return min(rest, max(0, int(USED_SHARE * (self.left - overhead) * self.last_pieces / spent)))

    def count(self, pieces: np.ndarray) -> None:
        """Count these pieces exactly; those that end before the time does are kept in any case."""
        if not len(pieces):
            return
        began = time.perf_counter()
        self.engine.start(False, True, self.threads, 0, np.ascontiguousarray(pieces, dtype=np.int64), self.depth)
        try:
            self._wait()
        finally:
            self._keep()
            self.last_seconds, self.last_pieces = time.perf_counter() - began, len(pieces)

    def stop(self) -> None:
        """End what runs, and keep the pieces that are done."""
        if self.engine is None:
            return
        self.engine.stop()
        while not self.engine.wait(0.02):
            pass
        self._keep()

    def _keep(self) -> None:
        for piece, regions, exact, _ in self.engine.finished()[0].tolist():
            self.out.known[piece] = regions
            self.out.exact_decisions += exact

    def _wait(self) -> None:
        while not self.engine.wait(min(0.02, max(0.0, self.left))):
            if self.left <= 0:
                self.stop()
                raise _Late
            if self.progress is not None and self.time_limit is not None:
                self.progress(min(0.999, 1 - self.left / self.time_limit), self.out.lower)
        error = self.engine.state()["error"]
        if error:
            raise InputError(f"engine: {error}; use a smaller domain or fewer half-spaces")
