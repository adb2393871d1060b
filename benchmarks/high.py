"""More than eight dimensions: regions per second of the lp engine, and of the cells engine where both apply.

Networks: He-normal weights from a seed (nets.py), on [-1, 1]^d; those with six hidden layers of 50 units, the shape of
ACAS Xu, on the box of half-side `--radius` around (0.3, ..., 0.3).
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence

from nets import he_net, parsed, unit_box
from tables import Table, print_machine

import linregions

FULL = ["8-8-8-1", "10-8-8-1", "16-12-1", "12-20-1", "20-10-10-1"]
WIDE = ["784-8-8-1"]
SMALL = [f"{inputs}-50-50-50-50-50-50-5" for inputs in (5, 10, 20)]
COLUMNS = [
    "net",
    "domain",
    "engine",
    "threads",
    "regions",
    "kind",
    "exact decisions",
    "seconds",
    "fastest",
    "regions/s",
]


def measure(table: Table, net: linregions.Network, box: linregions.Box, args: argparse.Namespace) -> None:
    """Rows for every engine and number of threads; the counts must agree."""
    values = set()
    for engine in ("lp", "cells"):
        if engine == "cells" and box.dim > 8:
            continue
        for threads in args.threads:
            counts = [
                linregions.count(net, box, engine=engine, threads=threads, time_limit=args.time_limit)
                for _ in range(args.repeats)
            ]
            seconds = statistics.median(c.seconds for c in counts)
            fastest = min(c.seconds for c in counts)
            one = counts[0]
            if one.kind.value == "exact":
                values.add(one.value)
            rate = one.value / seconds
            row = [net.source.removeprefix("he-"), box, engine, threads, one.value, one.kind.value]
            table.row(*row, one.exact_decisions, seconds, fastest, rate)
    if len(values) > 1:
        raise SystemExit(f"{net!r}: engines disagree: {sorted(values)}")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nets", nargs="*", default=FULL + WIDE, help="widths on [-1, 1]^d")
    parser.add_argument("--small", nargs="*", default=SMALL, help="widths on the small box")
    parser.add_argument("--radius", type=float, default=0.01)
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--time-limit", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    print_machine()
    table = Table(f"lp engine, seed {args.seed}, median of {args.repeats}", COLUMNS)
    for text in args.nets:
        widths = parsed(text)
        measure(table, he_net(widths, args.seed), unit_box(widths), args)
    for text in args.small:
        widths = parsed(text)
        low, high = 0.3 - args.radius, 0.3 + args.radius
        measure(table, he_net(widths, args.seed), linregions.Box.cube(low, high, widths[0]), args)


if __name__ == "__main__":
    main()
