"""The torch modules of NAS-Bench-201: operations, the cell, the residual block, the skeleton.

Written after the description in Dong, Yang, "NAS-Bench-201" (ICLR 2020), section 2.1.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from ..needs import nn, torch
from .nb201 import EDGES, NODES, Cell

if TYPE_CHECKING:
    from torch import Tensor


def relu_conv_norm(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Module:
    """ReLU, convolution, batch normalisation."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
    return nn.Sequential(nn.ReLU(), conv, nn.BatchNorm2d(outputs))


def operation(name: str, channels: int) -> nn.Module | None:
    """The module on an edge; no module for the operation none, which adds nothing to its node."""
    if name == "none":
        return None
    if name == "skip_connect":
        return nn.Identity()
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
    return relu_conv_norm(channels, channels, int(name[-1]))


class CellNetwork(nn.Module):
    """One cell: each node is the sum of its edges; the output is node 3."""

    def __init__(self, cell: Cell, channels: int):
        super().__init__()
        made = {f"{s}_{t}": operation(name, channels) for (s, t), name in zip(EDGES, cell, strict=True)}
        self.edges = nn.ModuleDict({name: module for name, module in made.items() if module is not None})

    def forward(self, x: Tensor) -> Tensor:
        """(S, C, H, W) to the same shape."""
        states = [x]
        for node in range(1, NODES):
            names = [(source, f"{source}_{node}") for source in range(node)]
            terms = [self.edges[name](states[source]) for source, name in names if name in self.edges]
            states.append(reduce(torch.add, terms) if terms else torch.zeros_like(x))
        return states[-1]


class ResidualReduction(nn.Module):
    """Two 3x3 convolutions, the first at stride 2, and beside them 2x2 average pooling with a 1x1 convolution."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.block = nn.Sequential(relu_conv_norm(inputs, outputs, 3, stride=2), relu_conv_norm(outputs, outputs, 3))
        # ceil_mode: the convolution rounds an odd side up as well
        pool = nn.AvgPool2d(2, stride=2, ceil_mode=True)
        self.shortcut = nn.Sequential(pool, nn.Conv2d(inputs, outputs, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """Halve both sides, rounded up."""
        return self.block(x) + self.shortcut(x)


class NB201Network(nn.Module):
    """Stem, three stages of cells with reductions between, batch normalisation and ReLU, pooling, a linear layer."""

    def __init__(self, cell: Cell, *, channels: int, cells: int, classes: int):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))
        body: list[nn.Module] = []
        for stage in range(3):
            width = channels * 2**stage
            if stage:
                body.append(ResidualReduction(width // 2, width))
            body += [CellNetwork(cell, width) for _ in range(cells)]
        self.body = nn.Sequential(*body)
        self.head = nn.Sequential(nn.BatchNorm2d(4 * channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.classifier = nn.Linear(4 * channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of the classes, (S, 3, H, W) to (S, classes)."""
        return self.classifier(self.head(self.body(self.stem(x))))
