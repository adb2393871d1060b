"""Slices of image networks: count, list and polygons, in seconds of one core.

    python benchmarks/slices.py [--data shared/data/mnist] [--trained] [NAME ...]

Three images of different classes span the slice: the origin in their mean, the region the smallest square on a corner
that holds them.  Without `--data` the images are scikit-learn's digits, scaled to 28 x 28.
Networks have He-normal weights and biases of standard deviation 0.1; `--trained` trains them for 200 steps of Adam.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from linregions import Plane, count, enumerate_regions
from linregions.readers import read_torch

SEED = 0


def mlp(*widths: int) -> nn.Module:
    layers: list[nn.Module] = [nn.Flatten()]
    for fan_in, out in itertools.pairwise(widths):
        layers += [nn.Linear(fan_in, out), nn.ReLU()]
    return nn.Sequential(*layers)


class Residual(nn.Module):
    """A convolution, one block with a shortcut, and a linear output."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.a, self.b = nn.Conv2d(1, 8, 3, 4, 1), nn.Conv2d(8, 8, 3, 1, 1), nn.Conv2d(8, 8, 3, 1, 1)
        self.last = nn.Linear(8 * 49, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.first(x))
        return self.last(torch.relu(x + self.b(torch.relu(self.a(x)))).flatten(1))


def convolutions(*layers: nn.Module, outputs: int) -> nn.Module:
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(outputs, 10))


NETS = {
    "784-64-64-64": lambda: mlp(784, 64, 64, 64),
    "784-256-256-128": lambda: mlp(784, 256, 256, 128),
    "conv stride 2": lambda: convolutions(
        *(nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU()),
        *(nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU()),
        outputs=512,
    ),
    "conv max-pool": lambda: convolutions(
        *(nn.Conv2d(1, 4, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 8, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2)),
        outputs=392,
    ),
    "conv mean-pool": lambda: convolutions(
        *(nn.Conv2d(1, 4, 3, 1, 1), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(4, 8, 3, 1, 1), nn.ReLU(), nn.AvgPool2d(2)),
        outputs=392,
    ),
    "residual": Residual,
}


def images(data: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 28, 28) in [0, 1] and labels."""
    if data is None:
        from sklearn.datasets import load_digits

        digits = load_digits()
        return np.pad(np.kron(digits.images / 16, np.ones((3, 3))), ((0, 0), (2, 2), (2, 2))), digits.target
    root = Path(data)
    raw = gzip.decompress((root / "t10k-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((root / "t10k-labels-idx1-ubyte.gz").read_bytes())
    x = np.frombuffer(raw[16:], np.uint8).reshape(-1, 28, 28) / 255.0
    return x, np.frombuffer(labels[8:], np.uint8).astype(np.int64)


def slice_through(anchors: np.ndarray) -> Plane:
    """The square on a corner around the mean of three points that holds them all."""
    origin = anchors.mean(axis=0)
    u = anchors[0] - origin
    u /= np.linalg.norm(u)
    v = anchors[1] - origin
    v -= v @ u * u
    v /= np.linalg.norm(v)
    pad = max(abs((a - origin) @ u) + abs((a - origin) @ v) for a in anchors)
    return Plane(origin, origin + u, origin + v, [[pad, 0], [0, pad], [-pad, 0], [0, -pad]])


def prepared(module: nn.Module, x: np.ndarray, y: np.ndarray, *, trained: bool) -> nn.Module:
    for layer in module.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.normal_(layer.bias, std=0.1)
    if trained:
        inputs, labels = torch.tensor(x, dtype=torch.float32)[:, None], torch.tensor(y, dtype=torch.long)
        adam = torch.optim.Adam(module.parameters(), 1e-3)
        for _ in range(200):
            batch = torch.randint(0, len(x), (128,))
            adam.zero_grad()
            nn.functional.cross_entropy(module(inputs[batch]), labels[batch]).backward()
            adam.step()
    return module.double().eval()


def seconds(verb):
    """Processor time of a call, and its result."""
    start = time.process_time()
    out = verb()
    return time.process_time() - start, out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="networks; all by default")
    parser.add_argument("--data", help="folder with t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz")
    parser.add_argument("--trained", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    x, y = images(options.data)
    plane = slice_through(np.array([x[np.flatnonzero(y == k)[0]].ravel() for k in range(3)]))
    print("| network | units | regions | count, s | list, s | polygons, s |\n|---|---:|---:|---:|---:|---:|")
    for name in options.names or NETS:
        torch.manual_seed(SEED)
        net = read_torch(prepared(NETS[name](), x, y, trained=options.trained), input_shape=(1, 28, 28))
        counting, total = seconds(lambda net=net: count(net, plane, threads=1))
        listing, found = seconds(lambda net=net: enumerate_regions(net, plane, threads=1))
        drawing, polygons = seconds(lambda found=found: found.polygons)
        whole = polygons.areas.sum() / polygons.area_domain
        assert abs(whole - 1) < 1e-9, whole
        times = f"{counting:.2f} | {listing:.2f} | {drawing:.2f}"
        print(f"| {name} | {len(net.pieces):,} | {total.value:,} | {times} |", flush=True)


if __name__ == "__main__":
    main()
