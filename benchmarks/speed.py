"""Regions per second on one thread, and two threads against one."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from nets import he_net, parsed, spelled, unit_box
from tables import Table, cores, print_machine

import linregions

Widths = tuple[int, ...]

# Regions a second that one thread is to reach on an ordinary core, exact contract on.
FLOORS: dict[Widths, int] = {
    (2, 64, 64, 64, 1): 700_000,
    (2, 128, 128, 128, 1): 200_000,
    (3, 32, 32, 1): 500_000,
    (4, 16, 16, 1): 350_000,
    (5, 16, 16, 1): 150_000,
    (6, 16, 16, 1): 60_000,
}
# Two threads are compared where one takes above a second: below that, starting them weighs too much.
LONG: list[Widths] = [(6, 16, 16, 1), (2, 256, 256, 256, 1)]
SECOND_THREAD = 1.7


@dataclass(frozen=True)
class Sample:
    """One timing: the count, and the mean wall and processor seconds of one call over `calls` calls in a row."""

    count: linregions.Count
    seconds: float
    cpu: float
    calls: int


class Case:
    """A network and its box, ready to be counted over and over."""

    def __init__(self, widths: Widths, seed: int) -> None:
        self.widths = widths
        self._net = he_net(widths, seed)
        self._box = unit_box(widths)

    def sample(self, *, threads: int, at_least: float) -> Sample:
        """Whole calls of `count`, one after another, until `at_least` seconds are gone."""
        calls, wall, cpu = 0, time.perf_counter(), time.process_time()
        while True:
            count = linregions.count(self._net, self._box, threads=threads)
            calls += 1
            seconds = time.perf_counter() - wall
            if seconds >= at_least:
                return Sample(count, seconds / calls, (time.process_time() - cpu) / calls, calls)


def one_thread(nets: Sequence[Widths], *, seed: int, repeats: int, at_least: float) -> None:
    """Median rate of each network; the networks take turns, so that a slow minute of the machine hits all of them."""
    cases = [Case(widths, seed) for widths in nets]
    samples: dict[Widths, list[Sample]] = {case.widths: [] for case in cases}
    for case in cases:  # once unmeasured: imports, memory, clock speed
        case.sample(threads=1, at_least=0.0)
    for _ in range(repeats):
        for case in cases:
            samples[case.widths].append(case.sample(threads=1, at_least=at_least))
    columns = ["net", "regions", "kind", "seconds", "regions/s", "slowest", "fastest", "at least", "times that"]
    table = Table(
        f"One thread, box [-1, 1]^d, seed {seed}, median of {repeats}",
        [*columns, "exact decisions", "calls a sample", "processor/wall"],
    )
    for widths, taken in samples.items():
        count = _agreed(widths, taken)
        rates = sorted(count.value / s.seconds for s in taken)
        rate, floor = statistics.median(rates), FLOORS.get(widths)
        table.row(
            spelled(widths),
            count.value,
            count.kind.value,
            statistics.median(s.seconds for s in taken),
            rate,
            rates[0],
            rates[-1],
            floor if floor else "",
            rate / floor if floor else "",
            count.exact_decisions,
            statistics.median_low(s.calls for s in taken),
            sum(s.cpu for s in taken) / sum(s.seconds for s in taken),
        )


def two_threads(nets: Sequence[Widths], *, seed: int, pairs: int) -> None:
    """One thread and two in turn (A B A B ...); the ratio is taken within each pair, then the median over pairs."""
    table = Table(
        f"Two threads against one, seed {seed}, {pairs} pairs in turn",
        [
            "net",
            "regions",
            "one: seconds",
            "two: seconds",
            "ratio",
            "lowest",
            "highest",
            "at least",
            "processor/wall of two",
        ],
    )
    for widths in nets:
        case = Case(widths, seed)
        one: list[Sample] = []
        two: list[Sample] = []
        for _ in range(pairs):
            one.append(case.sample(threads=1, at_least=0.0))
            two.append(case.sample(threads=2, at_least=0.0))
        count = _agreed(widths, [*one, *two])
        ratios = sorted(a.seconds / b.seconds for a, b in zip(one, two, strict=True))
        table.row(
            spelled(widths),
            count.value,
            statistics.median(s.seconds for s in one),
            statistics.median(s.seconds for s in two),
            statistics.median(ratios),
            ratios[0],
            ratios[-1],
            SECOND_THREAD,
            sum(s.cpu for s in two) / sum(s.seconds for s in two),
        )


def _agreed(widths: Widths, samples: Sequence[Sample]) -> linregions.Count:
    """The count that all samples share; another one in any of them is a bug, not noise."""
    values = {s.count.value for s in samples}
    if len(values) > 1:
        raise SystemExit(f"{spelled(widths)}: the counts differ between runs: {sorted(values)}")
    return samples[0].count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nets", nargs="+", type=parsed, default=list(FLOORS), help="widths, such as 2-64-64-64-1")
    parser.add_argument("--long", nargs="*", type=parsed, default=LONG, help="widths for two threads; none skips it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=5, help="samples a net, and pairs of one and two threads")
    parser.add_argument("--at-least", type=float, default=0.5, help="seconds of repeated calls that make one sample")
    args = parser.parse_args()
    print_machine()
    one_thread(args.nets, seed=args.seed, repeats=args.repeats, at_least=args.at_least)
    if args.long and cores() < 2:
        print("\nTwo threads are not compared: this process has one core.")
    elif args.long:
        two_threads(args.long, seed=args.seed, pairs=args.repeats)


if __name__ == "__main__":
    main()
