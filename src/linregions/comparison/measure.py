"""The verb: bounds first, then constructions, then random networks, in one budget of time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from .. import bounds, constructions
from ..bounds.bound import short
from ..checks import real_number, seed_number, shown, whole_number
from ..combinatorics import zaslavsky
from ..counting import count
from ..domain import Box, Domain
from ..engines.budget import MOST_THREADS
from ..errors import InputError
from ..network import Network
from ..partition import Count, Kind, Status
from .budget import MOST_INPUTS, MOST_OUTPUTS, Plan, parameter_count, planned
from .record import Built, Comparison, Row, Sample

MOST_SAMPLES = 10_000
# A construction is worth more of the time than one random network.
WEIGHT = {"built": 20, "random": 1, "trained": 1}

Progress = Callable[[float, int], None]


def compare(
    inputs: int,
    units: int | None = None,
    *,
    parameters: int | None = None,
    widths: Sequence[Sequence[int]] | None = None,
    depths: int | Sequence[int] | None = None,
    outputs: int = 1,
    samples: int = 5,
    init: str = "he",
    bias: float | str | None = None,
    trained: int = 0,
    domain: Domain | None = None,
    seed: int = 0,
    time_limit: float | None = 10,
    max_regions: int = 1_000_000,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare ReLU networks of all depths that have the same number of units (or of parameters).

    Each row has the exact maximum of one hidden layer, `Z(N, n0)`, the best proven lower and upper bound on the maximum
    over all weights, a construction with its known count and the engine's count of it, and counts of random (and
    trained) networks.

    Args:
        inputs: number of inputs n0.
        units: hidden units in all, dealt to the layers as evenly as they go.
        parameters: instead, the most weights and biases; every depth has the largest equal width that fits, and is
            compared with the widest single layer that fits.
        widths: instead, the hidden widths of every network: `[[24], [12, 12], [8, 8, 8]]`; each is compared with one
            layer of as many units.
        depths: which depths; by default 1 to `units // inputs`, or a geometric choice of 12 among them.
        outputs: number of outputs, which only `parameters` and the random networks see.
        samples: random networks per row, with the seeds `seed`, `seed + 1`, ...
        init: how they are drawn; see `constructions.random`.
        bias: how their biases are drawn: a standard deviation, "zero" or "torch"; None is the default of
            `constructions.random`, 0.1 except with init "torch".
        trained: trained networks per row, likewise; see `constructions.trained`.
        domain: where random and trained networks are counted; `Box.cube(-1, 1, inputs)` by default.
        seed: of the first random network of every row.
        time_limit: seconds for everything, shared by the rows; None is no limit.
        max_regions: constructions with more regions are not counted, other counts stop there and are lower bounds.
        threads: as for `count`.
        progress: called now and then with (fraction done, regions so far).

    Returns:
        A `Comparison`.  What the budget or Ctrl-C cut short is marked: lower bounds, or a reason in place of a count.

    Raises:
        InputError: an argument does not fit; the message says which.

    Example:
        >>> from linregions import compare
        >>> result = compare(2, 12, depths=[1, 2], samples=1)
        >>> [(row.widths, row.proven, int(row.upper), row.built.confirmed) for row in result.rows]
        [((12,), 79, 79, True), ((6, 6), 352, 484, True)]
    """
    started = time.monotonic()
    inputs = whole_number(inputs, "inputs", most=MOST_INPUTS)
    outputs = whole_number(outputs, "outputs", most=MOST_OUTPUTS)
    plan = planned(inputs, outputs, units, parameters, widths, depths)
    random = whole_number(samples, "samples", least=0, most=MOST_SAMPLES)
    trains = whole_number(trained, "trained", least=0, most=MOST_SAMPLES)
    seed = seed_number(seed)
    max_regions = whole_number(max_regions, "max_regions")
    domain = _domain(domain, inputs)
    if threads is not None:
        threads = whole_number(threads, "threads", most=MOST_THREADS)
    if progress is not None and not callable(progress):
        raise InputError(f"progress must be a function of (fraction, regions) or None, got {shown(progress)}")
    run = _Run(inputs, outputs, domain, init, bias, seed, max_regions, threads, progress)
    run.deadline = None if time_limit is None else started + _positive(time_limit)
    for sample, make in ((random, constructions.random), (trains, _briefly_trained)):
        if sample:  # a wrong init or a missing torch shows at once
            make([inputs, 1, outputs], init=init, bias=bias, seed=0)
    rows = [_row(inputs, outputs, w, n) for w, n in zip(plan.networks, plan.shallow_units, strict=True)]
    rows = run.measured(rows, random, trains)
    return Comparison(
        inputs=inputs,
        outputs=outputs,
        budget=plan.budget,
        rows=tuple(rows),
        domain=repr(domain),
        init=init,
        bias=bias,
        seed=seed,
        samples=random,
        trained=trains,
        status=run.status,
        seconds=time.monotonic() - started,
        notes=_notes(plan, run.status),
    )


def _briefly_trained(sizes: list[int], **options: Any) -> Network:
    return constructions.trained(sizes, steps=1, samples=1, **options)


def _row(inputs: int, outputs: int, widths: tuple[int, ...], shallow_units: int) -> Row:
    pair = bounds.best((inputs, widths))
    known = bounds.zigzag_product((inputs, widths))
    name = "zigzag_product" if len(widths) > 1 else "shallow"
    built = Built(name, int(known), Kind.EXACT, known.definition, known.reference, reason="not reached")
    shallow = zaslavsky(shallow_units, inputs)
    size = parameter_count(inputs, widths, outputs)
    return Row(widths, size, shallow_units, shallow, pair.lower, pair.upper, built)


class _Run:
    """Counts one thing after the other, each within its share of what is left of the time."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        domain: Domain,
        init: str,
        bias: float | str | None,
        seed: int,
        max_regions: int,
        threads: int | None,
        progress: Progress | None,
    ):
        self.inputs, self.outputs, self.domain = inputs, outputs, domain
        self.init, self.bias, self.seed = init, bias, seed
        self.max_regions, self.threads, self.progress = max_regions, threads, progress
        self.deadline: float | None = None
        self.status = Status.COMPLETE
        self.total = self.done = self.regions = 0

    def measured(self, rows: list[Row], random: int, trained: int) -> list[Row]:
        """The rows with everything counted that the budget allows, constructions first, then seed by seed."""
        tasks = [("built", k, 0) for k in range(len(rows))]
        tasks += [("random", k, i) for i in range(random) for k in range(len(rows))]
        tasks += [("trained", k, i) for i in range(trained) for k in range(len(rows))]
        self.total = sum(WEIGHT[what] for what, *_ in tasks)
        at = 0
        try:
            for at, (what, k, i) in enumerate(tasks):
                rows[k] = self._built(rows[k]) if what == "built" else self._sampled(rows[k], what, i)
                self.done += WEIGHT[what]
                if self.status is Status.INTERRUPTED:
                    at += 1
                    break
            else:
                return rows
        except KeyboardInterrupt:
            self.status = Status.INTERRUPTED
        for what, k, _ in tasks[at:]:
            rows[k] = _unmeasured(rows[k], what, "not counted: interrupted")
        return rows

    def _built(self, row: Row) -> Row:
        built = row.built
        if built.regions > self.max_regions:
            why = f"not counted: {short(built.regions)} regions exceed the limit of {short(self.max_regions)}"
            return replace(row, built=replace(built, reason=why))
        try:
            if row.depth == 1:
                made = constructions.shallow(self.inputs, row.units)
            else:
                made = constructions.zigzag_product(self.inputs, row.widths)
        except InputError as error:
            return replace(row, built=replace(built, reason=f"not built: {error}"))
        built = replace(built, domain=repr(made.domain), kind=made.kind, regions=made.regions)
        found, why = self._count(made.network, made.domain, "built", None)
        return replace(row, built=replace(built, count=found, reason=why))

    def _sampled(self, row: Row, what: str, number: int) -> Row:
        sample: Sample = getattr(row, what)
        if sample.reason:
            return row
        seed, sizes = self.seed + number, [self.inputs, *row.widths, self.outputs]
        if self._left(what) == 0.0:
            found, why = None, self._out_of_time()
        else:
            found, why = self._count(self._network(what, sizes, seed), self.domain, what, self.max_regions)
        if found is None:
            return replace(row, **{what: replace(sample, reason=why)})
        return replace(row, **{what: Sample((*sample.counts, found), (*sample.seeds, seed))})

    def _network(self, what: str, sizes: list[int], seed: int) -> Network:
        if what == "trained":
            return constructions.trained(sizes, init=self.init, bias=self.bias, seed=seed)
        return constructions.random(sizes, init=self.init, bias=self.bias, seed=seed)

    def _count(self, net: Network, domain: Domain, what: str, most: int | None) -> tuple[Count | None, str]:
        """The count, or None and why there is none."""
        limit = self._left(what)
        if limit == 0.0:
            return None, self._out_of_time()
        try:
            found = count(
                net, domain, time_limit=limit, max_regions=most, threads=self.threads, progress=self._inner(what)
            )
        except InputError as error:
            return None, f"not counted: {error}"
        self.regions += found.value
        if found.status is Status.INTERRUPTED or self.status is Status.COMPLETE:
            self.status = found.status
        return found, ""

    def _left(self, what: str) -> float | None:
        """Seconds that the next task may take: its share of what is left."""
        if self.deadline is None:
            return None
        share = WEIGHT[what] / max(1, self.total - self.done)
        return max(0.0, (self.deadline - time.monotonic()) * share)

    def _out_of_time(self) -> str:
        self.status = Status.BUDGET
        return "not counted: the time limit was reached"

    def _inner(self, what: str) -> Progress | None:
        outer, weight = self.progress, WEIGHT[what]
        if outer is None:
            return None
        return lambda part, regions: outer((self.done + part * weight) / self.total, self.regions + regions)


def _unmeasured(row: Row, what: str, why: str) -> Row:
    part: Any = getattr(row, what)
    if what == "built":
        return row if part.count is not None else replace(row, built=replace(part, reason=why))
    return replace(row, **{what: replace(part, reason=why)})


def _notes(plan: Plan, status: Status) -> tuple[str, ...]:
    ended = {
        Status.COMPLETE: (),
        Status.BUDGET: ("A budget ran out: numbers with 'at least' or '>=' are lower bounds of the true count.",),
        Status.INTERRUPTED: ("Interrupted: this is what was done by then.",),
    }
    return (*plan.notes, *ended[status])


def _positive(value: Any) -> float:
    number = real_number(value, "time_limit")
    if not number > 0:
        raise InputError(f"time_limit must be a positive number of seconds, got {shown(value)}")
    return number


def _domain(domain: Any, inputs: int) -> Domain:
    if domain is None:
        return Box.cube(-1, 1, inputs)
    if not isinstance(domain, Domain):
        raise InputError(f"domain: expected a Box, Polytope, Segment, Plane or Space, got {shown(domain)}")
    if domain.input_dim != inputs:
        raise InputError(f"domain: {domain!r} gives {domain.input_dim} coordinates; give {inputs}, one for each input")
    return domain
