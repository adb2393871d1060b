"""Networks that others trained: ACAS Xu on a box, two MNIST classifiers on plane slices through three images.

The data is not part of the project; `--data` says where it lies.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import time
from pathlib import Path

import numpy as np
from tables import Table, print_machine

import linregions

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
CENTRE = (0.64, 0.0, 0.0, 0.475, -0.475)
HALF_SIDE = 0.05
MNIST_NETS = ("mnist-net_256x2.onnx", "mnist_0.1.onnx")
COLUMNS = ["net", "regions", "kind", "status", "exact decisions", "seconds", "regions/s"]


def acasxu(folder: Path, args: argparse.Namespace) -> None:
    """The exact count on the box of half-side 0.05, in the ONNX input's own coordinates."""
    paths = sorted(folder.glob("ACASXU_*.onnx"))
    if not paths:
        raise SystemExit(f"no ACASXU_*.onnx in {folder}; give the data folder by --data")
    centre = np.array(CENTRE)
    box = linregions.Box(centre - HALF_SIDE, centre + HALF_SIDE)
    table = Table(f"ACAS Xu, half-side {HALF_SIDE} around {CENTRE}, {_how(args)}", COLUMNS)
    for path in paths:
        _row(table, path.stem, linregions.read(path), box, args)


def mnist(nets: Path, images: Path, args: argparse.Namespace) -> None:
    """The square with three images as corners p, q, r (the fourth is q + r - p), pixels in [0, 1]."""
    pixels = read_images(images)
    title = f"MNIST, squares through three test images, seed {args.seed}, {_how(args)}"
    table = Table(title, ["net and images", *COLUMNS[1:]])
    for name in MNIST_NETS:
        net = linregions.read(nets / name)
        rng = np.random.default_rng(args.seed)  # the same slices for both networks
        for _ in range(args.slices):
            chosen = rng.choice(len(pixels), size=3, replace=False)
            plane = linregions.Plane.through(*(pixels[i] / 255.0 for i in chosen))
            _row(table, f"{name} {', '.join(map(str, chosen))}", net, plane, args)


def read_images(path: Path) -> np.ndarray:
    """(images, pixels) of bytes from a gzip-compressed IDX file: magic 2051, count, rows, columns, then the bytes."""
    raw = gzip.decompress(path.read_bytes())
    magic, number, rows, columns = np.frombuffer(raw, dtype=">u4", count=4).tolist()
    if magic != 2051 or len(raw) != 16 + number * rows * columns:
        raise SystemExit(f"{path} is not an IDX file of images (magic {magic}, {len(raw)} bytes)")
    return np.frombuffer(raw, dtype=np.uint8, offset=16).reshape(number, rows * columns)


def _row(table: Table, name: str, net: linregions.Network, domain: linregions.Domain, args: argparse.Namespace) -> None:
    counts, taken = [], []
    for _ in range(args.repeats):
        started = time.perf_counter()
        counts.append(linregions.count(net, domain, threads=args.threads, time_limit=args.time_limit))
        taken.append(time.perf_counter() - started)
    count, seconds = counts[-1], statistics.median(taken)
    status, kind = count.status.value, count.kind.value
    table.row(name, count.value, kind, status, count.exact_decisions, seconds, count.value / seconds)


def _how(args: argparse.Namespace) -> str:
    threads = "1 thread" if args.threads == 1 else f"{args.threads} threads"
    return f"{threads}, median of {args.repeats}"


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with acasxu, mnist-nets and mnist")
    parser.add_argument("--threads", type=_positive, default=1)
    parser.add_argument("--repeats", type=_positive, default=1)
    parser.add_argument("--slices", type=_positive, default=3, help="plane slices a network")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of images")
    parser.add_argument("--time-limit", type=float, default=120.0, help="seconds a run; beyond it, a lower bound")
    args = parser.parse_args()
    images = args.data / "mnist" / "t10k-images-idx3-ubyte.gz"
    needed = [args.data / "acasxu", images, *(args.data / "mnist-nets" / name for name in MNIST_NETS)]
    missing = [str(path) for path in needed if not path.exists()]
    if missing:
        raise SystemExit(f"real networks are not there: {', '.join(missing)}; give their folder by --data")
    print_machine()
    acasxu(args.data / "acasxu", args)
    mnist(args.data / "mnist-nets", images, args)


if __name__ == "__main__":
    main()
