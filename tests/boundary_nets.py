"""ReLU networks whose zero sets are known surfaces and curves, all weights small dyadic numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from linregions import Box, Network

Layer = tuple[list[list[float]], list[float]]


@dataclass(frozen=True)
class Shape:
    """A network, a box that its zero set lies inside, and the zero set's Betti numbers."""

    name: str
    network: Network
    domain: Box
    betti: tuple[int, ...]

    def __str__(self) -> str:
        return self.name


def absolute(rows: Sequence[Sequence[float]], bias: Sequence[float], carried: Sequence[Sequence[float]] = ()) -> Layer:
    """ReLUs of z and -z for every row z; |z| is their sum; `carried` rows, which are never negative, pass through."""
    both = [list(s * np.array(row)) for row in rows for s in (1.0, -1.0)]
    return both + [list(row) for row in carried], [s * b for b in bias for s in (1.0, -1.0)] + [0.0] * len(carried)


def norm(dim: int, level: float, sign: float = -1.0) -> Network:
    """level - (|x_1| + ... + |x_dim|): a diamond, an octahedron, ..."""
    return Network.from_arrays([absolute(np.eye(dim), [0.0] * dim), ([[sign] * (2 * dim)], [-sign * level])])


def nested(dim: int) -> Network:
    """1/2 - | |x_1| + ... + |x_dim| - 2 |: two spheres around the origin."""
    shell = absolute([[1.0] * (2 * dim)], [-2.0])
    return Network.from_arrays([absolute(np.eye(dim), [0.0] * dim), shell, ([[-1.0, -1.0]], [0.5])])


def twins(dim: int) -> Network:
    """1 - | |x_1| - 3 | - |x_2| - ...: two spheres beside each other."""
    first = absolute(np.eye(dim), [0.0] * dim)
    left = [[1.0, 1.0, *[0.0] * (2 * dim - 2)]]
    others = [[float(j in (2 * k, 2 * k + 1)) for j in range(2 * dim)] for k in range(1, dim)]
    last = ([[-1.0] * (dim + 1)], [1.0])
    return Network.from_arrays([first, absolute(left, [-3.0], others), last])


def torus(*, handles: int = 1) -> Network:
    """1/2 - max(|r - 2|, |z|) with r = max(|x|, |y|); for two handles with |x| - 2 in place of x."""
    layers = []
    rows = np.eye(3)
    bias = [0.0, 0.0, 0.0]
    if handles == 2:
        # |x|, y + 8 and z + 8 are never negative in the box, so they pass; the shifts are taken back.
        layers.append(([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, 0, 1]], [0, 0, 8, 8]))
        rows = np.array([[1.0, 1.0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
        bias = [-2.0, -8.0, -8.0]
    layers.append(absolute(rows, bias))
    # |x| - |y|, |y|, |z|; r is the sum of the first two.
    layers.append(([[1, 1, -1, -1, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1]], [0.0] * 3))
    layers.append(absolute([[1.0, 1.0, 0.0]], [-2.0], [[0.0, 0.0, 1.0]]))
    # |r - 2| - |z|, |z|
    layers.append(([[1.0, 1.0, -1.0], [0.0, 0.0, 1.0]], [0.0, 0.0]))
    layers.append(([[-1.0, -1.0]], [0.5]))
    return Network.from_arrays(layers)


def shapes() -> list[Shape]:
    """Closed curves, surfaces and a 3-sphere."""
    return [
        Shape("point pair", norm(1, 1.0), Box.cube(-2, 2, 1), (2, 0)),
        Shape("four points", nested(1), Box.cube(-4, 4, 1), (4, 0)),
        Shape("diamond", norm(2, 1.0), Box.cube(-2, 2, 2), (1, 1, 0)),
        Shape("nested diamonds", nested(2), Box.cube(-3, 3, 2), (2, 2, 0)),
        Shape("two diamonds", twins(2), Box.cube(-5, 5, 2), (2, 2, 0)),
        Shape("octahedron", norm(3, 1.0), Box.cube(-2, 2, 3), (1, 0, 1, 0)),
        Shape("nested octahedra", nested(3), Box.cube(-3, 3, 3), (2, 0, 2, 0)),
        Shape("two octahedra", twins(3), Box.cube(-5, 5, 3), (2, 0, 2, 0)),
        Shape("torus", torus(), Box.cube(-3, 3, 3), (1, 2, 1, 0)),
        Shape("two handles", torus(handles=2), Box.cube(-6, 6, 3), (1, 4, 1, 0)),
        Shape("16-cell", norm(4, 1.0), Box.cube(-2, 2, 4), (1, 0, 0, 1, 0)),
    ]
