"""Decision boundaries: pieces, Betti numbers and meshes of random networks and of a lattice of octahedra."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from nets import he_net, spelled
from tables import Table, print_machine

from linregions import Box, Network, enumerate_regions
from linregions.activations import ABS, IDENTITY, UnitActivations
from linregions.stage import Stage

RANDOM = [(2, 32, 32, 1), (2, 64, 64, 64, 1), (3, 16, 16, 1), (3, 32, 32, 1), (4, 16, 16, 1)]


def centred(widths: tuple[int, ...], seed: int = 0) -> tuple[Network, Box]:
    """A He net less its median on 1,001 uniform points (numpy's default_rng(seed)), so that it has zeros; [-1, 1]^d."""
    net, last = he_net(widths, seed), he_net(widths, seed).stages[-1]
    middle = np.median(net(np.random.default_rng(seed).uniform(-1, 1, (1001, widths[0]))), axis=0)
    stages = (*net.stages[:-1], Stage(last.weight, last.bias - middle, last.activation))
    return Network(stages, f"he-{spelled(widths)}"), Box.cube(-1, 1, widths[0])


def lattice(folds: int) -> tuple[Network, Box]:
    """The box [0, 2^folds]^3 folded to the unit cube, an octahedron of radius 1/4 in its middle: 8^folds of them."""
    eye, absolute = np.eye(3), UnitActivations.uniform(ABS, 3)
    shifts = [2.0**k for k in reversed(range(folds))] + [0.5]
    stages = [Stage(eye, np.full(3, -shift), absolute) for shift in shifts]
    last = Stage(-np.ones((1, 3)), np.array([0.25]), UnitActivations.uniform(IDENTITY, 1))
    return Network((*stages, last), f"{8**folds} octahedra"), Box.cube(0, 2.0**folds, 3)


def timed(action: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    found = action()
    return found, time.perf_counter() - started


def measure(table: Table, net: Network, box: Box, runs: int) -> None:
    """Every step on a fresh partition, `runs` times; medians."""
    seconds: list[list[float]] = []
    for _ in range(runs):
        partition, listing = timed(lambda: enumerate_regions(net, box))
        boundary, pieces = timed(partition.decision_boundary)
        betti, ranks = timed(lambda b=boundary: b.betti)
        mesh, meshing = timed(lambda b=boundary: b.mesh()) if boundary.dim == 3 else (None, 0.0)
        seconds.append([listing, pieces, ranks, meshing])
    table.row(
        net.source,
        len(partition),
        len(boundary),
        len(mesh.triangles) if mesh else "",
        " ".join(map(str, betti[: boundary.dim])),
        *(statistics.median(column) or "" for column in zip(*seconds, strict=True)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="runs of every step (3)")
    parser.add_argument("--folds", type=int, default=4, help="folds of the largest lattice, 8^folds octahedra (4)")
    options = parser.parse_args()
    print_machine()
    columns = ["network", "regions", "pieces", "triangles", "Betti", "list s", "boundary s", "Betti s", "mesh s"]
    table = Table(f"Decision boundaries f_0 = 0, all cores, median of {options.runs}", columns)
    for widths in RANDOM:
        measure(table, *centred(widths), options.runs)
    for folds in range(2, options.folds + 1):
        measure(table, *lattice(folds), options.runs)


if __name__ == "__main__":
    main()
