"""Counting without listing: one hidden layer of any size, and the last stage of deep networks against listing them."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from nets import he_net, spelled, unit_box
from tables import Table, print_machine

import linregions
from linregions import Box, Network, Space

DEEP = ((3, 32, 32, 1), (4, 16, 16, 1), (5, 16, 16, 1), (2, 64, 64, 64, 1))


def hyperplanes(m: int, d: int, *, offset: float) -> Network:
    """Random unit normals (seed 0), offsets uniform in [-offset, offset]."""
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(m, d))
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    return Network.from_arrays([(normals, rng.uniform(-offset, offset, m)), (np.ones((1, m)), [0.0])])


def timed(run: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """The median of wall times, and the last result."""
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        out = run()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds), out


def layers(large: bool) -> list[tuple[str, Network, Any]]:
    """What is counted: a name, one hidden layer, a domain."""
    square, cube = Box.cube(-1, 1, 2), Box.cube(-1, 1, 3)
    out = [
        ("2,000 lines in a square", hyperplanes(2_000, 2, offset=0.5), square),
        ("20,000 lines in a square", hyperplanes(20_000, 2, offset=0.5), square),
        ("5,000 lines of the plane", hyperplanes(5_000, 2, offset=1.0), Space(2)),
        ("400 planes in a cube", hyperplanes(400, 3, offset=0.25), cube),
        ("6 inputs, 40 units", he_net((6, 40, 1), 0), unit_box((6, 40, 1))),
    ]
    return [*out, ("2,000 planes in a cube", hyperplanes(2_000, 3, offset=0.25), cube)] if large else out


def count_layers(repeats: int, large: bool) -> None:
    table = Table("One hidden layer", ["what", "regions", "1 thread, s", "2 threads, s", "exact decisions"])
    for name, net, domain in layers(large):
        one, found = timed(partial(linregions.count, net, domain, threads=1, engine="cells"), repeats)
        two, again = timed(partial(linregions.count, net, domain, threads=2, engine="cells"), repeats)
        if again.value != found.value:
            raise SystemExit(f"{name}: {found.value} with one thread and {again.value} with two")
        table.row(name, found.value, one, two, found.exact_decisions)


def count_deep(repeats: int) -> None:
    table = Table(
        "The last stage counted, against listing", ["network", "regions", "count, s", "list, s", "list / count"]
    )
    for widths in DEEP:
        net, box = he_net(widths, 0), unit_box(widths)
        short, found = timed(partial(linregions.count, net, box, threads=1), repeats)
        long, listed = timed(partial(linregions.enumerate_regions, net, box, threads=1), repeats)
        if len(listed) != found.value:
            raise SystemExit(f"{spelled(widths)}: counted {found.value}, listed {len(listed)}")
        table.row(spelled(widths), found.value, short, long, long / short)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="runs of which the median is shown")
    parser.add_argument("--large", action="store_true", help="also 2,000 planes in a cube, some 10 s a run")
    args = parser.parse_args()
    print_machine()
    count_layers(args.repeats, args.large)
    count_deep(args.repeats)


if __name__ == "__main__":
    main()
