"""What saving costs: a count and a listing with and without a run folder, and resuming a run that is complete."""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nets import he_net, parsed, unit_box
from tables import Table, print_machine

import linregions

NETS = ["3-32-32-1", "5-16-16-1", "3-64-64-1"]


def seconds(work: Callable[[], Any]) -> tuple[float, float]:
    """Wall and processor time."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def size(run: Path) -> float:
    """Megabytes in a folder."""
    return sum(file.stat().st_size for file in run.rglob("*") if file.is_file()) / 1e6


def measured(net: str, verb: Callable[..., Any], *, repeat: int, threads: int, folder: Path) -> list[Any]:
    """One row: plain and saved in turn, so that what drifts slowly meets both."""
    model, box = he_net(parsed(net), 0), unit_box(parsed(net))
    plain, saved, again, run = [], [], [], folder
    for turn in range(repeat):
        run = folder / f"{verb.__name__}-{net}-{turn}"
        plain.append(seconds(lambda: verb(model, box, threads=threads)))
        saved.append(seconds(lambda run=run: verb(model, box, threads=threads, save=run)))
        again.append(seconds(lambda run=run: linregions.resume(run)))
    regions = linregions.count(model, box).value
    wall = [statistics.median(w for w, _ in times) for times in (plain, saved, again)]
    extra = statistics.median(s[1] - p[1] for s, p in zip(saved, plain, strict=True))
    return [
        f"{verb.__name__} {net}",
        regions,
        *wall[:2],
        wall[1] - wall[0],
        extra,
        wall[2],
        size(run),
    ]


def synced(folder: Path, *, repeat: int = 50) -> float:
    """Milliseconds to write 4 kB and sync them."""
    times = []
    for _ in range(repeat):
        started = time.perf_counter()
        with open(folder / "sync", "wb", buffering=0) as file:
            file.write(bytes(4096))
            os.fsync(file.fileno())
        times.append(time.perf_counter() - started)
    return 1e3 * statistics.median(times)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nets", nargs="+", default=NETS, metavar="W-W")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="samples of each (5)")
    parser.add_argument("--threads", type=int, default=1, metavar="N")
    parser.add_argument("--folder", metavar="PATH", help="a folder on the disk to measure (default: a temporary one)")
    options = parser.parse_args()
    print_machine()
    columns = ["run", "regions", "plain s", "saved s", "more wall", "more processor", "resumed complete s", "MB"]
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        print(f"write and sync of 4 kB: {synced(Path(folder)):.2f} ms (median of 50); {options.threads} threads")
        table = Table("With and without a run folder", columns)
        for net in options.nets:
            for verb in (linregions.count, linregions.enumerate_regions):
                table.row(*measured(net, verb, repeat=options.repeat, threads=options.threads, folder=Path(folder)))


if __name__ == "__main__":
    main()
