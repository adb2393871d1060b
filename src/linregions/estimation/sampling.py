"""Distinct regions among sampled points: a lower bound for every network and domain, whatever their size."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..checks import real_number, shown, whole_number
from ..counting import enumerate_regions
from ..domain import Domain, Segment
from ..errors import InputError
from ..network import Network
from ..partition import Count, Kind, Status
from .draw import Sampler, checked_data, near, sampler, within
from .record import Coverage, Sampling
from .seen import Seen
from .strict import strict_patterns

NAME = "sampling"
BATCH_NUMBERS = 2**16  # most numbers in one array of a batch: what the cache holds
MOST_BATCH = 8192
MOST_SAMPLES = 10**12
FRESH = 4000  # points that are drawn after all others, to see how much of the volume was met
FRESH_IF_SLOW = 400  # where most points need rational arithmetic
LEVEL = 0.95


class _Stop(Exception):
    """A budget ran out; the reason is the argument."""


def sample_regions(
    model: Any,
    domain: Domain,
    *,
    samples: int = 100_000,
    data: Any = None,
    spread: float | None = None,
    lines: int = 100,
    seed: int | np.random.Generator = 0,
    level: float = LEVEL,
    time_limit: float | None = None,
    max_regions: int | None = None,
) -> Sampling:
    """A lower bound on the number of activation regions: the distinct ones among sampled points.

    Points are drawn uniformly in the domain, near given data, and inside every region of random lines (chords between
    two points of the domain, and between two points of the data), which also meet regions of tiny volume.  A point
    counts only if it provably lies inside a region of full dimension (`strict_patterns`), so the number is a lower
    bound without any probability.

    Args:
        model: a `Network`, or whatever `linregions.read` takes.
        domain: where; every kind and dimension.  On a `Space` the points are drawn with a heavy tail.
        samples: uniform points; half as many near the data, if there are any.
        data: points (n, inputs) near which to sample too, of a domain in input coordinates.
        spread: standard deviation of the distance from a data point, in every coordinate; None takes a tenth of the
            data's own standard deviation.
        lines: random lines, and as many between data points.  The ways of drawing take turns.
        seed: a whole number or a `numpy.random.Generator`.
        level: confidence of the bound on the volume that was not met.
        time_limit: seconds; None is no limit.
        max_regions: stop once about so many are found: 9 bytes of memory each.

    Returns:
        A `Sampling`, whose `count` has kind lower; Ctrl-C ends it early with what was found.

    Raises:
        InputError: an argument does not fit; the message says which.

    Reference:
        The unseen volume: Good 1953; Robbins 1968; Chao 1984.

    Example:
        >>> from linregions import Box, Network
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> print(sample_regions(net, Box([-1, -1], [1, 1]), samples=500, lines=3).count)
        at least 4 activation regions on box [-1, 1]^2
    """
    net = checked_network(model, domain)
    whole = whole_number(samples, "samples", most=MOST_SAMPLES)
    chords = 0 if lines == 0 else whole_number(lines, "lines", most=MOST_SAMPLES)
    most = None if max_regions is None else whole_number(max_regions, "max_regions")
    limit = checked_limit(time_limit)
    points = None if data is None else checked_data(data, domain)
    run = Run(net, domain, generator(seed), limit, most)
    run.add_sources(points, checked_spread(spread, points), whole, chords)
    run.collect()
    return run.result(checked_level(level), seed if isinstance(seed, int) else -1)


@dataclass
class Source:
    """One way of drawing points: `draw(n)` gives points of the domain, `quota` says how many draws are wanted in all.

    Sources take turns by the time that they have spent over their `share` of it.  Each has random numbers of its own,
    so that what is drawn does not depend on whose turn it was.
    """

    how: str
    draw: Callable[[int], np.ndarray]
    quota: int
    batch: int
    share: float
    counted: bool = False
    done: int = 0
    points: int = 0
    spent: float = 0.0


class Run:
    """A sampling under way: what was seen, and when to stop."""

    def __init__(
        self,
        net: Network,
        domain: Domain,
        rng: np.random.Generator,
        time_limit: float | None,
        max_regions: int | None,
    ):
        self.net, self.domain, self.rng = net, domain, rng
        self.started = time.perf_counter()
        self.time_limit, self.max_regions = time_limit, max_regions
        self.sampler: Sampler = sampler(domain, rng)
        self.seen = Seen(net.unit_count, rng)
        self.sources: list[Source] = []
        self.uniform = self.on_boundaries = self.exact_decisions = 0
        self.status, self.reason = Status.COMPLETE, ""
        widest = max(domain.dim, *(max(s.rows, s.inputs) for s in net.stages))
        self.batch = max(1, min(MOST_BATCH, BATCH_NUMBERS // widest))

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return math.inf if self.time_limit is None else self.time_limit - (time.perf_counter() - self.started)

    @property
    def until(self) -> float:
        """The time at which the limit is reached."""
        return math.inf if self.time_limit is None else self.started + self.time_limit

    def add_sources(self, data: np.ndarray | None, spread: float, samples: int, lines: int) -> None:
        """So many uniform points and lines, and if there are data half as many points near them, and lines."""
        fork, domain = self.sampler.fork, self.domain
        a, b, c, d = (np.random.default_rng(self.rng.integers(2**63)) for _ in range(4))
        uniform, ends = fork(), fork()
        self.sources = [
            Source(uniform.how, lambda n: uniform.draw(a, n), samples, self.batch, 0.5, uniform.independent),
            Source("random lines", lambda n: self.along(ends.draw(b, 2 * n)), lines, 1, 0.25),
        ]
        if data is not None:
            half = max(1, samples // 2)
            chords = lambda n: self.along(data[c.integers(len(data), size=2 * n)])  # noqa: E731
            self.sources += [
                Source("points near data", lambda n: near(domain, data, spread, d, n), half, self.batch, 0.25),
                Source("lines between data", chords, lines, 1, 0.25),
            ]

    def collect(self) -> None:
        """Draw from all sources, until they are done, a budget runs out or Ctrl-C."""
        try:
            while open_ones := [s for s in self.sources if s.done < s.quota]:
                source = min(open_ones, key=lambda s: s.spent / s.share)
                began = time.perf_counter()
                n = min(source.batch, source.quota - source.done)
                self.take(source, source.draw(n))
                source.done += n
                source.spent += time.perf_counter() - began
                self.check()
        except _Stop as stop:
            self.status, self.reason = Status.BUDGET, str(stop)
        except KeyboardInterrupt:
            self.status, self.reason = Status.INTERRUPTED, "interrupted"

    def take(self, source: Source, points: np.ndarray) -> None:
        """Note the regions of some points of the domain."""
        patterns, inside, exact = strict_patterns(self.net, self.domain, points, until=self.until)
        self.seen.add(patterns[inside], self.sources.index(source), counted=source.counted)
        self.exact_decisions += exact
        self.on_boundaries += int(np.sum(~inside))
        self.uniform += len(points) if source.counted else 0
        source.points += len(points)

    def check(self) -> None:
        """Stop where a budget ran out."""
        if self.left <= 0:
            raise _Stop(f"time limit of {self.time_limit:g} s reached")
        most = self.max_regions
        if most is not None and self.seen.at_most >= most and len(self.seen) >= most:
            raise _Stop(f"limit of {most:,} regions reached")

    def along(self, ends: np.ndarray) -> np.ndarray:
        """A point of the domain in every region of the lines between two ends, as far as float64 tells them apart."""
        out = [np.zeros((0, self.domain.dim))]
        for a, b in zip(ends[::2], ends[1::2], strict=True):
            p, q = self.domain.inputs(np.stack([a, b]))
            if np.array_equal(p, q) or not np.all(np.isfinite([p, q])):
                continue
            limit = None if self.time_limit is None else max(1e-3, self.left)
            partition = enumerate_regions(self.net, Segment(p, q), threads=1, time_limit=limit)
            if partition.count.status is Status.INTERRUPTED:
                raise KeyboardInterrupt
            t = a + partition.witnesses * (b - a)
            out.append(t[within(self.domain, t)])
        return np.concatenate(out)

    def result(self, level: float, seed: int) -> Sampling:
        """The record; the last points are drawn here, which say how much of the volume was met."""
        coverage = None
        if self.sampler.independent and self.uniform and self.status is not Status.INTERRUPTED:
            with suppress(KeyboardInterrupt):
                coverage = self._coverage(level)
        met = self.seen.by_source
        drawn = {s.how: (s.points, met[k]) for k, s in enumerate(self.sources) if s.points}
        return Sampling(self.count(), drawn, self.on_boundaries, coverage, seed)

    def count(self) -> Count:
        """The number of regions so far."""
        return Count(
            value=max(1, len(self.seen)),  # every domain with an interior has a region
            kind=Kind.LOWER,
            status=self.status,
            definition="activation",
            engine=NAME,
            exact_decisions=self.exact_decisions,
            doubtful=0,
            seconds=time.perf_counter() - self.started,
            network=repr(self.net),
            domain=repr(self.domain),
            reason=self.reason,
        )

    def _coverage(self, level: float) -> Coverage:
        fresh_new = fresh = 0
        wanted = FRESH if self.exact_decisions < 0.1 * sum(s.points for s in self.sources) else FRESH_IF_SLOW
        while fresh < wanted:
            n = min(self.batch, wanted - fresh)
            points = self.sampler.draw(self.rng, n)
            # A point that could not be decided in time counts as new: the bound stays one.
            patterns, inside, _ = strict_patterns(self.net, self.domain, points, until=self.until + 1.0)
            fresh_new += int(np.sum(~self.seen.counted(patterns[inside]))) + int(np.sum(~inside))
            fresh += n
        met, once, twice = self.seen.frequencies
        return Coverage(
            samples=self.uniform,
            met=met,
            once=once,
            twice=twice,
            fresh=fresh,
            fresh_new=fresh_new,
            unseen=once / self.uniform,
            unseen_most=binomial_most(fresh_new, fresh, level),
            level=level,
            chao1=met + (self.uniform - 1) / self.uniform * once * (once - 1) / (2 * (twice + 1)),
        )


def binomial_most(successes: int, trials: int, level: float) -> float:
    """Clopper and Pearson's upper confidence limit of a probability.

    Example:
        >>> round(binomial_most(0, 100, 0.95), 4)  # 1 - 0.05^(1/100)
        0.0295
    """
    if successes == trials:
        return 1.0
    from scipy.special import betaincinv

    return float(betaincinv(successes + 1, trials - successes, level))


# -- The door --------------------------------------------------------------------------------------------------------


def checked_network(model: Any, domain: Any) -> Network:
    """The network, which has to fit the domain."""
    if not isinstance(model, Network):
        from ..readers import read

        model = read(model)
    if not isinstance(domain, Domain):
        raise InputError(f"domain: expected a Box, Polytope, Segment, Plane or Space, got {type(domain).__name__}")
    if domain.input_dim != model.input_dim:
        raise InputError(
            f"domain: the network takes {model.input_dim} inputs, and {domain!r} gives {domain.input_dim}; "
            "give the domain one coordinate per network input"
        )
    return model


def checked_limit(time_limit: Any) -> float | None:
    """Seconds, or None for no limit."""
    if time_limit is None:
        return None
    limit = real_number(time_limit, "time_limit")
    if not limit > 0:
        raise InputError(f"time_limit must be a positive number of seconds, got {limit}")
    return None if limit == math.inf else limit


def checked_level(level: Any) -> float:
    """A confidence level."""
    number = real_number(level, "level")
    if not 0.5 <= number < 1.0:
        raise InputError(f"level must be a confidence from 0.5 to below 1, such as 0.95, got {number}")
    return number


def checked_spread(spread: Any, data: np.ndarray | None) -> float:
    """The standard deviation around data points."""
    if spread is None:
        return 0.1 * float(np.std(data, axis=0).mean()) or 0.1 if data is not None else 0.1
    number = real_number(spread, "spread")
    if not 0.0 < number < math.inf:
        raise InputError(f"spread must be positive and finite, got {number}")
    return number


def generator(seed: Any) -> np.random.Generator:
    """The generator, or one from a seed."""
    if isinstance(seed, np.random.Generator):
        return seed
    try:
        return np.random.default_rng(0 if seed == 0 else whole_number(seed, "seed"))
    except InputError:
        raise InputError(f"seed must be a whole number from 0 or a numpy.random.Generator, got {shown(seed)}") from None
