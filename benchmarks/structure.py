"""The polyhedral complex: vertices and facets of all regions, then the faces of every dimension."""

from __future__ import annotations

import argparse
import statistics
import time

from nets import he_net, parsed, spelled, unit_box
from tables import Table, print_machine

from linregions import Partition, enumerate_regions
from linregions.partition.building import build

NETS = [(2, 16, 16, 1), (2, 64, 64, 64, 1), (3, 32, 32, 1), (4, 16, 16, 1), (5, 8, 8, 1), (6, 8, 4, 1)]


def seconds(partition: Partition, *, threads: int) -> tuple[float, float, tuple[int, ...]]:
    """Wall seconds of the complex with its facets, then of the faces of every dimension; and their numbers."""
    began = time.perf_counter()
    complex = build(partition, threads=threads)
    built = time.perf_counter()
    numbers = complex.f_vector  # checked against Euler's relation on the way
    return built - began, time.perf_counter() - built, numbers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nets", nargs="+", type=parsed, default=NETS, help="widths, such as 3-32-32-1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    args = parser.parse_args()
    print_machine()
    table = Table(
        f"Polyhedral complex, box [-1, 1]^d, seed {args.seed}, median of {args.repeats}",
        [
            "net",
            "threads",
            "listing, s",
            "vertices and facets, s",
            "all faces, s",
            "fastest of each, s",
            "faces f_0, ..., f_d",
        ],
    )
    for widths in args.nets:
        partition = enumerate_regions(he_net(widths, args.seed), unit_box(widths), threads=1)
        for threads in args.threads:
            taken = [seconds(partition, threads=threads) for _ in range(args.repeats)]
            first, second = [t[0] for t in taken], [t[1] for t in taken]
            table.row(
                spelled(widths),
                threads,
                f"{partition.count.seconds:.3f}",
                f"{statistics.median(first):.3f}",
                f"{statistics.median(second):.3f}",
                f"{min(first):.3f} {min(second):.3f}",
                " ".join(f"{n:,}" for n in taken[0][2]),
            )


if __name__ == "__main__":
    main()
