"""Hyperplane arrangements with known chamber counts, on the whole space, up to the size that the time limit allows."""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from tables import Table, print_machine

import linregions

MODULE = Path(__file__).resolve().parents[1] / "tests" / "arrangements.py"
MAX_DIM = 8


def load(path: Path) -> ModuleType:
    """The module of arrangements, by its path: the tests are not a package."""
    if not path.exists():
        raise SystemExit(f"{path} is missing; run this from a checkout of the project")
    spec = importlib.util.spec_from_file_location("arrangements_of_the_tests", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look their own module up there
    spec.loader.exec_module(module)
    return module


def sizes(family: Callable[[int], Any], start: int) -> Iterator[Any]:
    """A family from size `start` on, as far as the engine's dimension and the known counts go."""
    for n in itertools.count(start):
        try:
            arrangement = family(n)
        except KeyError:  # the literature's table ends here
            return
        if arrangement.dim > MAX_DIM:
            return
        yield arrangement


def count_family(table: Table, members: Iterator[Any], *, threads: int, limit: float) -> list[str]:
    """Count a family's members until one runs out of time; returns what contradicts the known number."""
    wrong = []
    for arrangement in members:
        net, space = arrangement.network(), linregions.Space(arrangement.dim)
        started = time.perf_counter()
        count = linregions.count(net, space, threads=threads, time_limit=limit)
        seconds = time.perf_counter() - started
        complete = count.status is linregions.Status.COMPLETE
        agrees = count.value == arrangement.chambers if complete else count.value <= arrangement.chambers
        if not agrees:
            wrong.append(str(arrangement))
        table.row(
            str(arrangement),
            arrangement.dim,
            len(arrangement.hyperplanes),
            arrangement.chambers,
            ("" if complete else "at least ") + f"{count.value:,}",
            ("yes" if complete else "out of time") if agrees else "NO",
            count.exact_decisions,
            seconds,
        )
        if not complete:
            break
    return wrong


def main() -> int:
    known = load(MODULE)
    families = {family.__name__: family for family in known.FAMILIES}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--families", nargs="+", choices=list(families), default=list(families))
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds for one arrangement")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    print_machine()
    columns = ["arrangement", "dim", "hyperplanes", "known", "counted", "agrees", "exact decisions", "seconds"]
    threads = "1 thread" if args.threads == 1 else f"{args.threads} threads"
    table = Table(f"Chambers on the whole space, {threads}, {args.time_limit:g} s each at most", columns)
    wrong: list[str] = []
    for name in args.families:
        members = sizes(families[name], known.FAMILIES[families[name]].start)
        wrong += count_family(table, members, threads=args.threads, limit=args.time_limit)
    if wrong:
        print(f"\nOther than the known number: {', '.join(wrong)}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
