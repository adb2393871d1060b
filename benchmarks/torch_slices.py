"""Regions a second of slices that are evaluated in batches, by net and chunk size, beside the exact engine.

    python benchmarks/torch_slices.py [--device cpu] [--dtype float64] [--seconds 20] [--large]

Nets: an MLP 784-256-256-128-10, a convnet of three layers on 28 x 28, residual nets of 18 layers on 3 x 32 x 32 with
widths 2, 16 and 64; random weights of torch's own initialisation, slices through random images.  Of the nets of width
16 and 64 there is a tiny slice, which is done to the end where the time allows, and a larger one, which the limit ends.
`--large` adds width 64.  The exact engine reads the small ones as matrices.  On a terminal the progress is shown.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "slicing"))
from slicing_nets import calibrated, convnet, mlp, plane, resnet18

from linregions import enumerate_regions
from linregions.readers import read
from linregions.slicing.batched import enumerate_slice


def main() -> None:
    """Print one line per net and chunk size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float64")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--large", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(
        f"{'net':24} {'engine':10} {'batch':>6} {'regions':>9} {'doubtful':>9} {'seconds':>8} {'regions/s':>10}  status"
    )
    for name, module, shape, domain, exact in nets(args.large):
        if exact:
            start = time.perf_counter()
            network = read(module, input_shape=shape)
            reading = time.perf_counter() - start
            count = enumerate_regions(network, domain, threads=args.threads, time_limit=args.seconds).count
            line(name, "cells", "", count, f"and {reading:.1f} s for reading")
        for batch in (16, 128, None):
            how = {"device": args.device, "dtype": args.dtype, "batch": batch, "time_limit": args.seconds}
            found = enumerate_slice(module, domain, input_shape=shape, progress=shown, **how)
            line(name, "batched", batch or "auto", found.count)


def nets(large: bool):
    """Name, module, input shape, slice, and whether it is small enough for matrices."""
    yield "mlp 784-256-256-128", mlp(784, 256, 256, 128, 10), (784,), plane(784, scale=0.5), True
    yield "convnet 28x28", convnet(), (1, 28, 28), plane(784, scale=0.1), True
    for width in (2, 16, 64) if large else (2, 16):
        module = calibrated(resnet18(width=width), (3, 32, 32))
        scales = {2: (0.01,), 16: (0.0001, 0.0005), 64: (0.00002, 0.0001)}[width]
        for scale in scales:
            name = f"resnet-18 width {width}" + (" tiny" if scale < scales[-1] else "")
            yield name, module, (3, 32, 32), plane(3072, scale=scale), width == 2


def shown(share: float, regions: int) -> None:
    """Progress on one line of a terminal."""
    if sys.stderr.isatty():
        print(f"\r{share:7.1%} of the area, {regions:,} regions ", end="\r", file=sys.stderr, flush=True)


def line(name: str, engine: str, batch: object, count, note: str = "") -> None:
    """One measurement."""
    rate = count.value / count.seconds
    print(
        f"{name:24} {engine:10} {batch!s:>6} {count.value:9,} {count.doubtful:9,} {count.seconds:8.2f} {rate:10,.0f}  "
        f"{count.status.value} {note}",
        flush=True,
    )


if __name__ == "__main__":
    main()
