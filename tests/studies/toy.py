"""A search space of tiny perceptrons whose accuracies are made up, and studies of it without torch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from linregions.studies import measure


class Net(NamedTuple):
    width: int
    depth: int


class Toy:
    """Perceptrons on eight inputs: width 2 to 41, one to three hidden layers."""

    name = "toy"
    size = 120

    def sample(self, rng):
        return Net(int(rng.integers(2, 42)), int(rng.integers(1, 4)))

    def text(self, architecture):
        return f"{architecture.width}x{architecture.depth}"

    def parse(self, text):
        return Net(*map(int, text.split("x")))

    def controls(self, architecture):
        return {"width": architecture.width, "depth": architecture.depth}

    def build(self, architecture, *, seed=0):
        import torch
        from torch import nn

        with torch.random.fork_rng():
            torch.manual_seed(seed)
            layers, inputs = [], 8
            for _ in range(architecture.depth):
                layers += [nn.Linear(inputs, architecture.width), nn.ReLU()]
                inputs = architecture.width
            return nn.Sequential(*layers, nn.Linear(inputs, 3))

    def probe(self, samples, *, seed=0):
        import torch

        return torch.from_numpy(np.random.default_rng(seed).normal(size=(samples, 8))).float()


class Table(NamedTuple):
    architectures: tuple
    accuracy: np.ndarray
    source: str = "toy table"


def table(count=40, seed=0):
    """Accuracies that follow depth, a little of width, and noise."""
    rng = np.random.default_rng(seed)
    nets = list(dict.fromkeys(Toy().sample(rng) for _ in range(4 * count)))[:count]
    truth = [20 * net.depth + 0.3 * net.width + float(rng.normal()) for net in nets]
    return Table(tuple(nets), np.array(truth))


def fake(task):
    """A row in no time: the score ranks as depth and width do."""
    net = task.space.parse(task.text)
    seed = measure.seed_of(task.settings["seed"], task.text)
    noise = np.random.default_rng(seed).normal()
    swap = 100.0 * net.depth + net.width + noise
    return task.key, {
        "architecture": task.text,
        **task.known,
        "swap": swap,
        "swap_1": swap + 5 * noise,
        "per_repeat": [swap + 5 * noise, swap - 5 * noise],
        "units": 50 * net.depth * net.width,
        "limit": min(50 * net.depth * net.width, 2 ** task.settings["samples"]),
        "kind": "exact",
        "standard": 16.0,
        "nwot": float("-inf") if net.width < 4 else 3.0 * net.width,
        "parameters": net.width**2 * net.depth,
        "flops": 2.0 * net.width**2 * net.depth,
        "depth": net.depth + 1,
        "width": net.width,
        "depth_of_architecture": net.depth,
        "seconds_pass": 0.01,
        "seconds_sizes": 0.002,
    }
