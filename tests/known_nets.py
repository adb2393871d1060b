"""Networks whose number of full-dimensional activation regions is known, beside that number.

The weights are exact floats.  Where a construction is usually written with numbers like 1/10, its input is rescaled
(the unit interval becomes [0, 10]), which changes no count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from linregions.constructions.random import random
from linregions.domain import Box, Domain, Space
from linregions.network import Network


@dataclass(frozen=True)
class Known:
    """A network, a domain and the number of regions."""

    name: str
    network: Network
    domain: Domain
    regions: int

    def __str__(self) -> str:
        return self.name


def he_net(widths: Sequence[int], seed: int) -> Network:
    """He-normal weights and biases N(0, 0.1^2), drawn layer by layer, weight first, output layer last."""
    return random(widths, init="he", bias=0.1, seed=seed)


def random_nets() -> list[Known]:
    """He nets, seed 0, on the box [-1, 1]^d, with the counts of several independent public tools."""
    table = {
        (2, 16, 16, 1): 412,
        (2, 32, 32, 1): 1_780,
        (2, 64, 64, 64, 1): 14_353,
        (3, 32, 32, 1): 40_141,
        (4, 16, 16, 1): 25_009,
    }
    return [
        Known("he-" + "-".join(map(str, widths)), he_net(widths, 0), Box.cube(-1, 1, widths[0]), regions)
        for widths, regions in table.items()
    ]


@dataclass(frozen=True)
class Fold:
    """One coordinate folded by ReLU units: `x -> read . relu(slope x + bias) + constant`."""

    slope: tuple[float, ...]
    bias: tuple[float, ...]
    read: tuple[float, ...]
    constant: float = 0.0

    def after(self, scale: float, shift: float) -> Fold:
        """The fold of `scale x + shift`."""
        bias = tuple(b + s * shift for s, b in zip(self.slope, self.bias, strict=True))
        return Fold(tuple(s * scale for s in self.slope), bias, self.read, self.constant)


ABS = Fold((1, -1), (0, 0), (1, 1))
SAWTOOTH = Fold((1, 1), (0, -0.5), (2, -4))
# The zig-zags map [0, 10] (three units) and [0, 20] (four units) onto themselves on each of their 4 or 5 pieces.
ZIGZAG_3 = Fold((1, 1, -1), (-1, -6, 8), (-12, 7, -10), 80)
ZIGZAG_4 = Fold((1, 1, -1, 1), (-1, -11, 13, -15), (-22, 12, -20, 14), 260)


def montufar(p: int) -> Fold:
    """Fold (0, p/2) onto (0, 1/2), p times: slopes +1, -1, +1, ..."""
    slope = (1.0, *[2.0] * (p - 1))
    return Fold(slope, tuple(-float(k) for k in range(p)), tuple((-1.0) ** k for k in range(p)))


def stacked(folds: Sequence[Fold], axes: int, last: tuple[Any, Any]) -> Network:
    """Folds of every coordinate, one layer each, followed by the ReLU layer `last` on the folded coordinates."""
    layers, read, constant = [], np.eye(axes), np.zeros(axes)
    for fold in folds:
        weight = np.kron(np.eye(axes), np.array(fold.slope)[:, None])
        layers.append((weight @ read, weight @ constant + np.tile(fold.bias, axes)))
        read, constant = np.kron(np.eye(axes), np.array(fold.read)[None, :]), np.full(axes, fold.constant)
    weight, bias = np.asarray(last[0], dtype=float), np.asarray(last[1], dtype=float)
    if len(weight):
        layers.append((weight @ read, weight @ constant + bias))
        read, constant = np.ones((1, len(weight))), np.zeros(1)
    return Network.from_arrays([*layers, (read, constant)], source="construction")


NO_UNITS = (np.zeros((0, 1)), np.zeros(0))


def crossing_lines(number: int, side: int | float) -> tuple[np.ndarray, np.ndarray]:
    """4 or 6 lines in general position whose crossings, so whose cells, all meet the open square (0, side)^2."""
    if side == 10:
        table = {
            4: [(-3, 4, -10), (-4, 2, 10), (5, 1, -17), (2, -5, 15)],
            6: [(-5, 1, 28), (-3, 5, -5), (-3, -4, 26), (0, -1, 5), (5, 3, -29), (2, -1, -7)],
        }
        scale = 1.0
    else:
        table = {
            4: [(-3, 4, -17), (-4, 2, 22), (5, 1, -40), (2, -5, 30)],
            6: [(-4, -5, 64), (-1, -2, 18), (4, -3, -12), (-4, -3, 48), (3, -3, 0), (2, 0, -22)],
        }
        scale = 16 / side
    rows = np.array(table[number], dtype=float)
    return rows[:, :2] * scale, rows[:, 2]


def sawtooth_nets() -> list[Known]:
    """Telgarsky's sawtooth, with and without the outer ReLU."""
    out = []
    for k in range(1, 7):
        layers: list[tuple[Any, Any]] = []
        for _ in range(k):
            layers += [([[1.0], [1.0]], [0.0, -0.5]), ([[2.0, -4.0]], [0.0])]
        net = Network.from_arrays([*layers, ([[1.0]], [0.0])])
        compact = stacked([SAWTOOTH] * k, 1, NO_UNITS)
        out += [
            Known(f"sawtooth-{k}-unit", net, Box([0], [1]), 2**k),
            Known(f"sawtooth-{k}-line", net, Space(1), 2**k + 2),
            Known(f"sawtooth-compact-{k}-unit", compact, Box([0], [1]), 2**k),
            Known(f"sawtooth-compact-{k}-line", compact, Space(1), 3 if k == 1 else 2**k + 2),
        ]
    return out


def zigzag_nets() -> list[Known]:
    """Serra's zig-zag, which attains prod (n_l + 1) in one dimension."""
    out = []
    for fold, side, depths in ((ZIGZAG_3, 10, range(1, 6)), (ZIGZAG_4, 20, range(1, 5))):
        for depth in depths:
            net, regions = stacked([fold] * depth, 1, NO_UNITS), (len(fold.slope) + 1) ** depth
            name = f"zigzag-{len(fold.slope)}x{depth}"
            out += [
                Known(f"{name}-interval", net, Box([0], [side]), regions),
                Known(f"{name}-line", net, Space(1), regions),
            ]
    return out


def plane_nets() -> list[Known]:
    """The product constructions in two dimensions: folds of both coordinates, then lines in general position."""
    abs_again = ABS.after(2, -1)
    fold_2 = [montufar(2), montufar(2).after(2, 0)]
    square, fold_box, zig_box = Box.cube(-1, 1, 2), Box.cube(0, 1, 2), Box.cube(0, 10, 2)
    pascanu_2 = stacked([ABS], 2, crossing_lines(4, 1))
    pascanu_3 = stacked([ABS, abs_again], 2, crossing_lines(4, 1))
    serra_64 = stacked([ZIGZAG_3], 2, crossing_lines(4, 10))
    serra_66 = stacked([ZIGZAG_3], 2, crossing_lines(6, 10))
    serra_666 = stacked([ZIGZAG_3] * 2, 2, crossing_lines(6, 10))
    bounded = [
        Known("pascanu-4-4-box", pascanu_2, square, 44),
        Known("pascanu-4-4-4-box", pascanu_3, square, 176),
        Known("montufar-4-4-box", stacked(fold_2[:1], 2, crossing_lines(4, 0.5)), fold_box, 44),
        Known("montufar-4-4-4-box", stacked(fold_2, 2, crossing_lines(4, 0.5)), fold_box, 176),
        Known("montufar-6-6-box", stacked([montufar(3)], 2, crossing_lines(6, 0.5)), Box.cube(0, 1.5, 2), 198),
        Known("montufar-4-6-box", stacked(fold_2[:1], 2, crossing_lines(6, 0.5)), fold_box, 88),
        Known("serra-6-4-box", serra_64, zig_box, 176),
        Known("serra-6-6-box", serra_66, zig_box, 352),
        Known("serra-6-6-6-box", serra_666, zig_box, 5_632),
    ]
    whole = [
        Known("pascanu-4-4-plane", pascanu_2, Space(2), 44),
        Known("pascanu-4-4-4-plane", pascanu_3, Space(2), 176),
        Known("serra-6-4-plane", serra_64, Space(2), 176),
        Known("serra-6-6-plane", serra_66, Space(2), 352),
    ]
    return bounded + whole


def montufar_plane_nets() -> list[tuple[str, Network]]:
    """The folding nets on the whole plane, where the count depends on the lines and is left to an oracle."""
    folds = [montufar(2), montufar(2).after(2, 0)]
    return [
        ("montufar-4-4", stacked(folds[:1], 2, crossing_lines(4, 0.5))),
        ("montufar-4-4-4", stacked(folds, 2, crossing_lines(4, 0.5))),
        ("montufar-6-6", stacked([montufar(3)], 2, crossing_lines(6, 0.5))),
    ]


def example_nets() -> list[Known]:
    """Small published examples that tell the definitions of a region apart; the counts are of activation regions."""
    a = Network.from_arrays(
        [
            ([[1, 0], [0, 1], [0, -1]], [0, 0, 0]),
            ([[-1, 1, -1], [0, 1, 0], [0, 0, 1]], [0, 0, 0]),
            ([[1, -1, 1]], [0]),
        ]
    )
    c = Network.from_arrays(
        [
            ([[1, 0], [-1, 0], [1, 1], [-1, -1]], [0] * 4),
            ([[1, -1, -1, 0], [-1, 1, 0, -1]], [0, 0]),
            ([[1, 1]], [0]),
        ]
    )
    e = Network.from_arrays([([[1], [-1]], [0, 1]), ([[4, 2]], [-3]), ([[1]], [0])])
    nets = [("max-min-of-halfplanes", a, 5), ("two-opposite-quadrants", c, 6), ("disconnected-boundary", e, 5)]
    return [Known(name, net, Space(net.input_dim), regions) for name, net, regions in nets]


def all_constructions() -> list[Known]:
    """Everything but the random nets."""
    return example_nets() + sawtooth_nets() + zigzag_nets() + plane_nets()
