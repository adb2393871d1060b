"""Estimates of numbers of regions: how often the intervals hold, and what a bracket says of networks of all sizes."""

from __future__ import annotations

import argparse
import math

import numpy as np
from nets import he_net, parsed, spelled, unit_box
from tables import Table, print_machine

import linregions
from linregions.engines import cells
from linregions.estimation.interval import mean_interval

KNOWN = ["2-64-64-64-1", "3-32-32-1", "3-24-24-24-1", "4-16-16-1", "5-16-16-1", "6-12-12-1"]
LARGE = ["6-16-16-1", "3-64-64-64-1", "5-32-32-1", "8-12-12-1", "8-64-64-1", "10-8-8-1", "16-64-64-64-1"]


def all_pieces(widths: tuple[int, ...], depth: int) -> np.ndarray:
    """Regions in every piece of the search of the network with seed 0, cut at a depth."""
    engine = cells.open_engine(he_net(widths, 0), unit_box(widths))
    engine.prepare()
    finish(engine)
    engine.start_survey(False, True, depth)
    finish(engine)
    total = int(engine.frontier()[0])
    engine.start(False, True, 1, 0, np.arange(total, dtype=np.int64), depth)
    finish(engine)
    return np.asarray(engine.finished()[0])[:, 1].astype(float)


def finish(engine) -> None:
    while not engine.wait(0.05):
        pass


def intervals(widths: tuple[int, ...], depth: int, sizes: list[int], draws: int, table: Table) -> None:
    """How often Hall's and Student's 95 % intervals hold the known number, over random samples of its pieces."""
    from scipy.special import stdtrit

    population = all_pieces(widths, depth)
    rng = np.random.default_rng(0)
    for k in sizes:
        if k > len(population) / 2:
            continue
        hall = student = 0
        width, error = [], []
        for _ in range(draws):
            values = rng.choice(population, k, replace=False)
            found = mean_interval(values, len(population), 0.95)
            truth = population.mean()
            holds = found.low <= truth <= found.high
            half = stdtrit(k - 1, 0.975) * values.std(ddof=1) * math.sqrt((1 - k / len(population)) / k)
            hall, student = hall + holds, student + (abs(values.mean() - truth) <= half)
            width.append((found.high - found.low) / (2 * truth))
            error.append(values.mean() / truth - 1)
        table.row(
            f"{spelled(widths)}, depth {depth}",
            int(population.sum()),
            len(population),
            k,
            f"{100 * hall / draws:.1f} %",
            f"{100 * student / draws:.1f} %",
            f"{100 * float(np.mean(error)):+.1f} %",
            f"{100 * float(np.median(width)):.0f} %",
        )


def unseen(widths: tuple[int, ...], samples: list[int], seeds: int, table: Table) -> None:
    """The bound on the volume that was not met against the volumes of the exact partition."""
    net, box = he_net(widths, 0), unit_box(widths)
    partition = linregions.enumerate_regions(net, box)
    volume = dict(
        zip((row.tobytes() for row in partition.packed), partition.volumes / partition.volumes.sum(), strict=True)
    )
    for n in samples:
        held, met, estimates, truths = 0, [], [], []
        for seed in range(seeds):
            found = linregions.sample_regions(net, box, samples=n, lines=0, seed=seed)
            assert found.coverage is not None
            truth = 1.0 - met_volume(net, box, partition, volume, n, seed)
            held += truth <= found.coverage.unseen_most
            met.append(found.coverage.met)
            estimates.append(found.coverage.unseen)
            truths.append(truth)
        table.row(
            spelled(widths),
            len(partition),
            n,
            f"{np.mean(met):,.0f}",
            f"{100 * np.mean(truths):.2f} %",
            f"{100 * np.mean(estimates):.2f} %",
            f"{held}/{seeds}",
        )


def met_volume(net, box, partition, volume: dict[bytes, float], samples: int, seed: int) -> float:
    """Share of the volume of the regions that the same draws meet."""
    from linregions.estimation.sampling import Run
    from linregions.partition.packing import pack

    run = Run(net, box, np.random.default_rng(seed), None, None)
    run.add_sources(None, 0.1, samples, 0)
    points = np.concatenate([run.sources[0].draw(min(run.batch, samples - k)) for k in range(0, samples, run.batch)])
    packed = pack(net.pattern(points), net.pieces)
    return sum(volume[row] for row in {row.tobytes() for row in packed})


def brackets(nets: list[str], limit: float, threads: int, table: Table) -> None:
    """What `estimate` says within a time limit."""
    for text in nets:
        widths = parsed(text)
        found = linregions.estimate(he_net(widths, 0), unit_box(widths), time_limit=limit, threads=threads)
        middle, interval = "-", "-"
        if found.estimate is not None:
            middle = f"{found.estimate.value:,.0f}" + (" ?" if found.estimate.doubts else "")
            interval = f"{found.estimate.low:,.0f} to {found.estimate.high:,.0f}"
        upper = f"{int(found.upper):,}" if int(found.upper) < 10**15 else f"{float(int(found.upper)):.3g}"
        table.row(text, found.lower.kind.value, found.lower.value, middle, interval, upper, found.seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--known", nargs="+", default=KNOWN, help="networks whose pieces are all counted")
    parser.add_argument("--depths", type=int, nargs="+", default=[10, 14])
    parser.add_argument("--sizes", type=int, nargs="+", default=[30, 100, 300, 1000])
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--large", nargs="+", default=LARGE, help="networks that are bracketed")
    parser.add_argument("--time-limit", type=float, default=10.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=40, help="of the samples whose unseen volume is measured")
    parser.add_argument("--only", choices=["intervals", "unseen", "brackets"])
    args = parser.parse_args()
    print_machine()
    if args.only in (None, "intervals"):
        columns = [
            "network",
            "regions",
            "pieces",
            "counted",
            "holds",
            "Student",
            "bias",
            "half-width",
        ]
        table = Table(f"How often the 95 % interval holds, {args.draws:,} samples of the pieces", columns)
        for text in args.known:
            for depth in args.depths:
                intervals(parsed(text), depth, args.sizes, args.draws, table)
    if args.only in (None, "unseen"):
        columns = ["network", "regions", "samples", "met", "unseen volume", "estimated", "bound holds"]
        table = Table("The share of the volume that was not met, bound at 95 %", columns)
        for text in ("2-16-16-1", "3-16-16-1"):
            unseen(parsed(text), [1000, 10_000], args.seeds, table)
    if args.only in (None, "brackets"):
        columns = ["network", "lower is", "lower", "estimate", "95 % interval", "upper", "seconds"]
        table = Table(f"Brackets within {args.time_limit:g} s, threads: {args.threads}", columns)
        brackets(args.large, args.time_limit, args.threads, table)


if __name__ == "__main__":
    main()
