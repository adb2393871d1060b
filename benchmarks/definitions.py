"""What the other definitions and the graph cost on top of listing: CPU seconds, median of three.

    python benchmarks/definitions.py

He networks of benchmarks/nets.py on [-1, 1]^d, and networks with entries -1, 0, 1 (seed 1) on the whole space, where
maps are equal and pieces touch.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from nets import he_net

from linregions import Box, Network, Space, enumerate_regions
from linregions.partition.definitions import patterns_attained

STEPS: dict[str, Callable[[Any], Any]] = {
    "complex": lambda p: p.complex,
    "R6": lambda p: p.merged("affine").max() + 1,
    "R4": lambda p: p.merged("linear").max() + 1,
    "R5": lambda p: p.merged("closed").max() + 1,
    "R1": lambda p: len(patterns_attained(p)),
    "graph": lambda p: p.adjacency,
    "region": lambda p: [p[len(p) * k // 20].facets for k in range(20)],
}


def integer_net(*widths: int) -> Network:
    """Weights and biases from {-1, 0, 1}."""
    rng = np.random.default_rng(1)
    shapes = list(zip(widths[1:], widths, strict=False))
    return Network.from_arrays([(rng.integers(-1, 2, s).astype(float), rng.integers(-1, 2, s[0])) for s in shapes])


def measured(net: Network, domain: Any) -> tuple[list[float], list[Any]]:
    """CPU seconds of listing and of every step on a fresh partition, and what the steps found."""
    seconds, found = [], []
    started = time.process_time()
    partition = enumerate_regions(net, domain, threads=1)
    seconds.append(time.process_time() - started)
    for step in STEPS.values():
        started = time.process_time()
        found.append(step(partition))
        seconds.append(time.process_time() - started)
    return seconds, [len(partition), *found[1:5], found[5].average_degree]


def main() -> None:
    """Print the table."""
    cases = [(f"he {'-'.join(map(str, w))}", he_net(w, 0), Box.cube(-1, 1, w[0])) for w in HE]
    cases += [(f"integer {'-'.join(map(str, w))}", integer_net(*w), Space(w[0])) for w in INTEGER]
    print(
        f"{'network':<22}{'R2':>8}{'R6':>8}{'R4':>8}{'R5':>8}{'R1':>8}{'degree':>8}   " + "seconds: list",
        *STEPS,
        sep="  ",
    )
    for name, net, domain in cases:
        runs = [measured(net, domain) for _ in range(3)]
        times = [statistics.median(column) for column in zip(*(r[0] for r in runs), strict=True)]
        *counts, degree = runs[0][1]
        numbers = "".join(f"{int(c):>8,}" for c in counts) + f"{degree:>8.3f}"
        print(f"{name:<22}{numbers}   " + "  ".join(f"{t:.3f}" for t in times), flush=True)


HE = [(2, 16, 16, 1), (2, 64, 64, 64, 1), (3, 32, 32, 1), (4, 16, 16, 1)]
INTEGER = [(2, 24, 24, 1), (3, 10, 10, 1), (3, 12, 12, 2)]

if __name__ == "__main__":
    main()
