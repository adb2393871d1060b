"""What tracking costs a training: the same run with and without a RegionTracker, in turns.

    python benchmarks/tracker.py [--seconds 10] [--repeats 5] [--slices 1 4 16]

An MLP 64-64-64-10 on scikit-learn's digits, plain loop, Adam, batch 64, one thread.  The first lines say what one
measurement takes and of what it is made; the table, medians of `--repeats` runs each, what the default cadence (log
schedule, share 0.05) does to a training of about `--seconds` seconds.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

from linregions import enumerate_regions
from linregions.metrics import identities, summary
from linregions.readers import read_torch
from linregions.readers.torch_live import LiveReader
from linregions.slicing import slices
from linregions.training import RegionTracker

WIDTHS = (64, 64, 64, 10)
HELD = 360


def model_of(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise(WIDTHS):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def digits():
    data = load_digits()
    return (data.data / 16).astype(np.float32), data.target


def train(steps: int, tracker: RegionTracker | None) -> tuple[float, float, nn.Sequential]:
    """Wall time, processor time and the model after a training."""
    images, labels = digits()
    x, y = torch.from_numpy(images[HELD:]), torch.from_numpy(labels[HELD:])
    model = model_of(0)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    torch.manual_seed(1)
    start, processor = time.perf_counter(), time.process_time()
    if tracker is not None:
        tracker.step(model, 0)
    for _ in range(steps):
        batch = torch.randint(len(x), (64,))
        loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if tracker is not None:
            tracker.step(model)
    return time.perf_counter() - start, time.process_time() - processor, model


def median_ms(function, count: int = 15) -> float:
    times = []
    for _ in range(count):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


def parts(model: nn.Sequential) -> None:
    """What one measurement is made of, in milliseconds."""
    images, labels = digits()
    plane = slices(images[:HELD], labels[:HELD], count=1)[0].plane
    reader = LiveReader(model)
    net = reader.read()
    found = enumerate_regions(net, plane, threads=1)
    print(f"one slice of {len(found)} regions, ms (medians of 15):")
    rows = {
        "read_torch, exporting": lambda: read_torch(model),
        "LiveReader.read": reader.read,
        "enumerate_regions": lambda: enumerate_regions(net, plane, threads=1),
        "enumerate_regions, polygons": lambda: enumerate_regions(net, plane, threads=1).polygons,
        "summary": lambda: summary(found.polygons),
        "identities": lambda: identities(found.polygons),
    }
    for name, function in rows.items():
        print(f"  {name:<28} {median_ms(function):8.2f}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=10.0)
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument("--slices", type=int, nargs="+", default=[1, 4, 16])
    given = options.parse_args()
    torch.set_num_threads(1)
    images, labels = digits()

    first = RegionTracker(slices=slices(images[:HELD], labels[:HELD], count=1))
    *_, model = train(200, first)
    print(f"the first measurement of the process, imports included: {first.history.rows[0]['seconds']:.2f} s")
    parts(model)
    plain, *_ = train(300, None)
    steps = max(100, round(given.seconds / plain * 300))
    print(f"a step without tracking: {plain / 300 * 1e3:.3f} ms; {steps} steps a run")
    print("slices  untracked s  tracked s  slower %  processor %  measured  ms a measurement  share %  weights")
    for count in given.slices:
        compare(slices(images[:HELD], labels[:HELD], count=count), steps, given.repeats)


def compare(chosen, steps: int, repeats: int) -> None:
    """A line of the table."""
    runs = []
    for _ in range(repeats):
        *without, bare = train(steps, None)
        tracker = RegionTracker(slices=chosen)
        *watched, model = train(steps, tracker)
        runs.append((without, watched))
    same = all(torch.equal(a, b) for a, b in zip(bare.parameters(), model.parameters(), strict=True))
    held = all(row["identities"] for row in tracker.history.rows)
    wall, processor = (statistics.median(100 * (b[k] / a[k] - 1) for a, b in runs) for k in range(2))
    untracked, tracked = (statistics.median(run[k][0] for run in runs) for k in range(2))
    each = statistics.median(row["seconds"] for row in tracker.history.rows) * 1e3
    print(
        f"{len(chosen):6d}  {untracked:11.2f}  {tracked:9.2f}  {wall:8.1f}  {processor:11.1f}  "
        f"{len(tracker.history):8d}  {each:16.1f}  {100 * tracker.history.share:7.1f}  "
        f"{'the same' if same else 'OTHERS'}, {'identities hold' if held else 'AN IDENTITY FAILS'}"
    )


if __name__ == "__main__":
    main()
