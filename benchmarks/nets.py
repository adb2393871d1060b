"""The networks that are measured: He-normal weights from a seed, so that anybody can make the same ones."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from linregions import Box, Network


def he_net(widths: Sequence[int], seed: int) -> Network:
    """Weights N(0, 2/fan_in), biases N(0, 0.1^2): numpy's default_rng(seed), layer by layer, W before b, output last.

    ReLU after every layer but the last.
    """
    rng = np.random.default_rng(seed)
    layers = []
    for fan_in, out in itertools.pairwise(widths):
        weight = rng.normal(0.0, np.sqrt(2 / fan_in), (out, fan_in))
        layers.append((weight, rng.normal(0.0, 0.1, out)))
    return Network.from_arrays(layers, source=f"he-{spelled(widths)}")


def unit_box(widths: Sequence[int]) -> Box:
    """The box [-1, 1]^d of a network's inputs."""
    return Box.cube(-1, 1, widths[0])


def spelled(widths: Sequence[int]) -> str:
    """(2, 16, 1) as 2-16-1."""
    return "-".join(map(str, widths))


def parsed(text: str) -> tuple[int, ...]:
    """2-16-1 as (2, 16, 1); for argparse."""
    widths = tuple(int(part) for part in text.split("-"))
    if len(widths) < 2 or min(widths) < 1:
        raise ValueError(f"widths like 2-16-1 expected, got {text!r}")
    return widths
