"""Seconds of `bounds.all` on large architectures, of the certified constructions, and of `linregions compare`."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

from startup import command_line, timed
from tables import Table, print_machine

from linregions import bounds, constructions

LARGE = [("2; 1000 x 100", (2, [1000] * 100)), ("10; 1000 x 100", (10, [1000] * 100))]
LARGE += [("784; 1000 x 100", (784, [1000] * 100)), ("10; 512 x 50", (10, [512] * 50))]
LARGE += [("784; 512 x 50", (784, [512] * 50)), ("784; 10 x 4", (784, [10] * 4))]
THEOREM_1 = [(2, [4, 4]), (2, [6, 6]), (2, [4, 4, 4]), (3, [6, 6]), (3, [9, 9]), (2, [6, 6, 6]), (4, [8, 8])]


def seconds(call: Callable[[], object], repeats: int) -> list[float]:
    out = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        out.append(time.perf_counter() - started)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    print_machine()

    table = Table("`bounds.all`, seconds", ["architecture", "first call", "median", "bounds", "skipped", "under"])
    for name, architecture in LARGE:
        taken = seconds(lambda a=architecture: bounds.all(a), args.repeats + 1)
        found = bounds.all(architecture)
        table.row(name, taken[0], statistics.median(taken[1:]), len(found), len(found.skipped), 0.2)

    table = Table("`bounds.serra_2018` by itself, seconds", ["architecture", "median", "decimal digits"])
    for name, architecture in LARGE:
        taken = seconds(lambda a=architecture: bounds.serra_2018(a), min(3, args.repeats))
        table.row(name, statistics.median(taken), int(bounds.serra_2018(architecture).log10) + 1)

    columns = ["network", "at least", "engine", "pieces", "confirmed", "seconds"]
    table = Table("Theorem 1's construction, built and certified by the engine", columns)
    for inputs, widths in THEOREM_1:
        started = time.perf_counter()
        built = constructions.pascanu_2014(inputs, widths)
        confirmed, found = built.confirmed(), built.count()
        name = f"({inputs}; {', '.join(map(str, widths))})"
        yes = "yes" if confirmed else "NO"
        table.row(name, built.regions, found.value, len(built.pieces), yes, time.perf_counter() - started)

    table = Table("From the shell, seconds", ["command", "median", "slowest", "under"])
    for words, under in ((["compare", "--inputs", "2", "--units", "24"], 10), (["bounds", "2-16-16-1"], 0.6)):
        taken = [timed([*command_line(), *words]) for _ in range(args.repeats)]
        table.row(f"`linregions {' '.join(words)}`", statistics.median(taken), max(taken), under)


if __name__ == "__main__":
    main()
