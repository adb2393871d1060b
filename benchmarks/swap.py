"""Counting sample-wise patterns: packing, counting, whole networks, and memory.

The literal definition is the yardstick: keep every activation, take the signs of the whole matrix, and let
`torch.unique(dim=0)` sort its columns.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

# No torch here: on Linux a child's peak starts from its parent's size at the fork.
from memory import peak_megabytes
from tables import Table, print_machine

SIZES = [(16, 40_000), (16, 400_000), (32, 400_000), (64, 40_000), (64, 400_000), (128, 40_000), (128, 400_000)]
LARGE = [(16, 6_000_000), (32, 6_000_000), (64, 6_000_000), (128, 6_000_000)]
# Sorting the columns as they are takes minutes and gigabytes beyond this.
LITERAL_MOST = 60_000_000
LITERAL, PACKED = "torch.unique of columns", "torch.unique of words"
METHODS = {LITERAL: None, PACKED: None} | {name: name for name in ("bitmap", "words", "certified", "hashed", "sketch")}
WAYS = ("forward", "literal", "hooks", "capture", "swap_score")
FASTER = ("forward", "hooks", "capture", "swap_score")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["packing", "counting", "cells", "memory"], help="one of the four tables")
    parser.add_argument("--large", action="store_true", help="6 million units too (3 GB of memory)")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cells", type=int, default=5, help="how many DARTS cells")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.child, args)
        return
    print_machine()
    sizes = SIZES + (LARGE if args.large else [])
    if args.only in (None, "memory"):
        memory(args)  # first: a parent that has done nothing yet is small
    import torch

    torch.set_num_threads(args.threads)
    print(f"\ntorch {torch.__version__}, {args.threads} thread(s), seed {args.seed}")
    if args.only in (None, "packing"):
        packing(sizes, args)
    if args.only in (None, "counting"):
        counting(sizes, args)
    if args.only in (None, "cells"):
        cells(args)


# -- packing -----------------------------------------------------------------------------------------------------------


def packing(sizes: list[tuple[int, int]], args: Any) -> None:
    """Milliseconds from stored activations to packed bits; `read` only adds the numbers up."""
    names = list(packers())
    table = Table("From activations to packed bits, ms", ["samples, units", *names])
    for samples, units in sizes:
        values = activations(samples, units, args.seed)
        times = in_turn({name: lambda f=f, v=values: f(v) for name, f in packers().items()}, args.repeats)
        table.row(f"{samples}, {units:,}", *(1e3 * times[name] for name in names))


def packers() -> dict[str, Callable[[Any], Any]]:
    """Ways to pack the signs of a matrix (samples, units) along the samples."""
    import numpy as np
    import torch

    from linregions.scores.patterns import above
    from linregions.scores.patterns.packing import byte_rows
    from linregions.scores.patterns.reading import blocks

    def loop(values: Any) -> Any:
        packed = torch.zeros((-(-values.shape[0] // 8), values.shape[1]), dtype=torch.uint8)
        for s in range(values.shape[0]):
            packed[s // 8].add_((values[s] > 0).view(torch.uint8), alpha=1 << s % 8)
        return packed

    def product(values: Any) -> Any:
        weights = torch.tensor([float(1 << s % 16) for s in range(16)])
        signs = (values > 0).float()
        return [(weights @ signs[s : s + 16]).to(torch.int32) for s in range(0, values.shape[0], 16)]

    return {
        "read": lambda values: values.sum(),
        "torch's z > 0": lambda values: values > 0,
        "numpy's z > 0": above,
        "ours": lambda values: [byte_rows(bits) for bits in blocks(observation(values))],
        "loop over samples": loop,
        "matrix product": product,
        "numpy.packbits": lambda values: np.packbits(values.numpy() > 0, axis=0),
    }


# -- counting ----------------------------------------------------------------------------------------------------------


def counting(sizes: list[tuple[int, int]], args: Any) -> None:
    """Milliseconds from stored activations to the number; every exact method must agree."""
    table = Table("From activations to the number of patterns, ms", ["samples, units", "patterns", *METHODS, "ratio"])
    for samples, units in sizes:
        values = activations(samples, units, args.seed)
        runs = {name: counted(name, values) for name in METHODS}
        runs = {name: run for name, run in runs.items() if run is not None}
        found = {run() for name, run in runs.items() if name not in ("hashed", "sketch")}
        if len(found) != 1:
            raise SystemExit(f"samples {samples}, units {units}: the exact methods disagree: {sorted(found)}")
        times = in_turn(runs, min(3, args.repeats) if samples * units > 5e6 else args.repeats)
        best = min(t for name, t in times.items() if name in ("bitmap", "words", "certified"))
        ratio = times[LITERAL] / best if LITERAL in times else "-"
        row = (1e3 * times[name] if name in times else "-" for name in METHODS)
        table.row(f"{samples}, {units:,}", found.pop(), *row, ratio)


def counted(name: str, values: Any) -> Callable[[], int] | None:
    """One way to count, None where it cannot."""
    import torch

    from linregions.errors import InputError
    from linregions.scores.patterns import PatternCounter
    from linregions.scores.patterns.packing import byte_rows, words

    if name == LITERAL:
        if values.numel() > LITERAL_MOST:
            return None
        return lambda: torch.unique(values.sign().T, dim=0).shape[0]
    if name == PACKED:
        if values.shape[0] > 64:
            return None
        return lambda: torch.unique(words(byte_rows((values > 0).view(torch.uint8)))).shape[0]

    def count() -> int:
        counter = PatternCounter(values.shape[0], method=name)
        counter.add(observation(values))
        return counter.distinct

    try:
        PatternCounter(values.shape[0], method=name)
    except InputError:
        return None
    return count


def observation(values: Any) -> Any:
    """Stored activations as a network shows them."""
    from linregions.scores.capturing.observation import Layer, Observation, positive

    return Observation(Layer("stored", "relu"), values, positive, 1)


def activations(samples: int, units: int, seed: int) -> Any:
    """Rectified activations (samples, units) of rank 12 before rectifying, some units dead and some repeated."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    base = torch.randn(samples, 12, generator=generator)
    values = (base @ torch.randn(12, units, generator=generator)).relu_()
    values[:, : units // 20] = 0
    values[:, units // 20 : units // 5] = values[:, units // 5 : 2 * (units // 5) - units // 20]
    return values


# -- whole networks ----------------------------------------------------------------------------------------------------


def cells(args: Any) -> None:
    """Milliseconds for whole DARTS cells; `hooks` counts in hooks on nn.ReLU, which is what the literal way hooks."""
    import numpy as np

    from linregions.scores.spaces.darts import Darts

    space, rng = Darts(), np.random.default_rng(args.seed)
    inputs = space.probe(16, seed=args.seed)
    columns = ["cell", "units", "activations", "patterns", *WAYS, *(f"literal / {way}" for way in FASTER)]
    table = Table("One DARTS cell, 16 samples, ms", columns)
    ratios = []
    for number in range(args.cells):
        model = space.build(space.sample(rng), seed=number)
        shapes = shapes_of(model, inputs)
        runs = ways(model, inputs)
        found = {runs[way]() for way in ("literal", "hooks", "capture")}
        if len(found) != 1:
            raise SystemExit(f"cell {number}: the ways disagree: {sorted(found)}")
        times = in_turn(runs, args.repeats)
        ratios.append([times["literal"] / times[way] for way in FASTER])
        row = (1e3 * times[way] for way in WAYS)
        table.row(str(number), sum(shapes), len(shapes), found.pop(), *row, *ratios[-1])
    medians = [median(column) for column in zip(*ratios, strict=True)]
    print(
        f"\nMedians, {args.threads} thread(s): "
        + ", ".join(f"{w} {m:.1f}" for w, m in zip(FASTER, medians, strict=True))
    )


def shapes_of(model: Any, inputs: Any) -> list[int]:
    """Units of every activation."""
    from linregions.scores.capturing.forward import capture

    units: list[int] = []
    capture(model, inputs, lambda seen: units.append(seen.values.shape[1]))
    return units


def ways(model: Any, inputs: Any) -> dict[str, Callable[[], Any]]:
    """The ways to score one model."""
    import torch

    from linregions.scores.capturing.forward import capture
    from linregions.scores.patterns import PatternCounter
    from linregions.scores.scoring.score import swap_score

    def hooked(see: Callable[[Any], None]) -> None:
        def after(_module: Any, _inputs: Any, output: Any) -> None:
            see(output.flatten(1))

        handles = [
            module.register_forward_hook(after) for module in model.modules() if isinstance(module, torch.nn.ReLU)
        ]
        try:
            forward()
        finally:
            for handle in handles:
                handle.remove()

    def forward() -> None:
        with torch.no_grad():
            model(inputs)

    def literal() -> int:
        kept: list[Any] = []
        hooked(kept.append)
        return torch.unique(torch.cat(kept, 1).sign().T, dim=0).shape[0]

    def in_hooks() -> int:
        counter = PatternCounter(len(inputs))
        hooked(lambda values: counter.add(observation(values)))
        return counter.distinct

    def captured() -> int:
        counter = PatternCounter(len(inputs))
        capture(model, inputs, counter.add)
        return counter.distinct

    def score() -> Any:
        return swap_score(model, inputs, mode="train", companions=False)

    return dict(zip(WAYS, (forward, literal, in_hooks, captured, score), strict=True))


# -- memory ------------------------------------------------------------------------------------------------------------


def memory(args: Any) -> None:
    """Peak resident memory of a large encoder, each way in a process of its own."""
    columns = ["samples", "way", "units", "seconds", "peak, MB", "above forward, MB", "under"]
    table = Table("An encoder of 512 tokens, 12 layers of 1,024 units each: peak resident memory", columns)
    for samples in (16, 128):
        base = 0.0
        for way in ("forward", "capture"):
            got = measured(f"{way}:{samples}", args)
            base = base or got["peak"]
            more = got["peak"] - base if way != "forward" else "-"
            under = 1500 if way == "capture" and samples == 128 else ""
            table.row(str(samples), way, got["units"], got["seconds"], got["peak"], more, under)


def child(task: str, args: Any) -> None:
    """Run the encoder once, one way, and print one JSON object."""
    import torch
    from nets_torch import big_encoder

    from linregions.scores.capturing.forward import capture
    from linregions.scores.patterns import PatternCounter

    torch.set_num_threads(args.threads)
    way, samples = task.split(":")
    model, inputs = big_encoder(int(samples))
    begin, units, counter = time.perf_counter(), 0, PatternCounter(int(samples))
    if way == "capture":
        capture(model, inputs, counter.add)
        units, patterns = counter.units, counter.distinct
    else:
        with torch.no_grad():
            model(inputs)
        patterns = 0
    done = {"units": units, "patterns": patterns, "seconds": time.perf_counter() - begin, "peak": peak_megabytes()}
    print(json.dumps(done))


def measured(task: str, args: Any) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", task, "--threads", str(args.threads), "--seed", str(args.seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise SystemExit(f"{task} failed with status {done.returncode}: {last}")
    return json.loads(done.stdout.splitlines()[-1])


def in_turn(runs: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Median seconds of every run; they take turns, so that a slow spell of the machine does not fall on one."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for repeat in range(repeats + 1):
        for name, run in runs.items():
            begin = time.perf_counter()
            run()
            if repeat:  # the first turn warms up
                times[name].append(time.perf_counter() - begin)
    return {name: median(seconds) for name, seconds in times.items()}


if __name__ == "__main__":
    main()
