"""The torch modules of DARTS: operations, cells, the proxy of one cell, and the whole network.

Written after the description in Liu, Simonyan, Yang, "DARTS: Differentiable Architecture Search" (ICLR 2019),
section 3.1.1 and appendix A.1.  As in its networks of a finished genotype, no batch normalisation follows a pool: one
does so only while DARTS searches, to make the operations that it weighs comparable (quark0/darts, issue 10).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..needs import nn, torch
from .darts import NODES, Cell, Genotype

if TYPE_CHECKING:
    from torch import Tensor


class Zero(nn.Module):
    """Zeros of the size that the other operations give."""

    def __init__(self, stride: int):
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Zeros, (S, C, H, W) to (S, C, ceil(H / stride), ceil(W / stride))."""
        return torch.zeros_like(x[:, :, :: self.stride, :: self.stride])


class FactorisedReduction(nn.Module):
    """ReLU, then two 1x1 convolutions at stride 2, the second shifted by one pixel, each of half the channels; BN."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.relu = nn.ReLU()
        self.even = nn.Conv2d(inputs, outputs // 2, 1, stride=2, bias=False)
        self.odd = nn.Conv2d(inputs, outputs - outputs // 2, 1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Halve both sides, rounded up."""
        x = self.relu(x)
        # A row and a column of zeros where a side is odd, so that both halves have one size.
        shifted = nn.functional.pad(x, (-1, x.shape[3] % 2, -1, x.shape[2] % 2))
        return self.norm(torch.cat((self.even(x), self.odd(shifted)), dim=1))


def relu_conv_norm(inputs: int, outputs: int) -> nn.Module:
    """ReLU, 1x1 convolution, batch normalisation: how a cell prepares its inputs."""
    return nn.Sequential(nn.ReLU(), nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))


def _depthwise(channels: int, kernel: int, stride: int, dilation: int) -> list[nn.Module]:
    """ReLU, a convolution of each channel by itself, a 1x1 convolution across them, batch normalisation."""
    return [
        nn.ReLU(),
        nn.Conv2d(
            channels,
            channels,
            kernel,
            stride=stride,
            padding=dilation * (kernel - 1) // 2,
            dilation=dilation,
            groups=channels,
            bias=False,
        ),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
    ]


def _separable(kernel: int) -> Callable[[int, int], nn.Module]:
    return lambda channels, stride: nn.Sequential(
        *_depthwise(channels, kernel, stride, 1), *_depthwise(channels, kernel, 1, 1)
    )


def _dilated(kernel: int) -> Callable[[int, int], nn.Module]:
    return lambda channels, stride: nn.Sequential(*_depthwise(channels, kernel, stride, 2))


def _skip(channels: int, stride: int) -> nn.Module:
    return nn.Identity() if stride == 1 else FactorisedReduction(channels, channels)


# name: (channels, stride) -> module
OPS: dict[str, Callable[[int, int], nn.Module]] = {
    "none": lambda channels, stride: Zero(stride),
    "max_pool_3x3": lambda channels, stride: nn.MaxPool2d(3, stride=stride, padding=1),
    "avg_pool_3x3": lambda channels, stride: nn.AvgPool2d(3, stride=stride, padding=1, count_include_pad=False),
    "skip_connect": _skip,
    "sep_conv_3x3": _separable(3),
    "sep_conv_5x5": _separable(5),
    "dil_conv_3x3": _dilated(3),
    "dil_conv_5x5": _dilated(5),
}


class CellNetwork(nn.Module):
    """One cell: two inputs are brought to `channels`, each node adds two operations, the nodes are concatenated.

    Args:
        cell: its eight edges.
        before: channels of the output before the last.
        last: channels of the last output.
        channels: of each node.
        reduction: the edges from the two inputs have stride 2.
        shrink: the output before the last has twice the side of the last one.
    """

    def __init__(self, cell: Cell, before: int, last: int, channels: int, *, reduction: bool, shrink: bool = False):
        super().__init__()
        self.before = FactorisedReduction(before, channels) if shrink else relu_conv_norm(before, channels)
        self.last = relu_conv_norm(last, channels)
        self.sources = tuple(source for _, source in cell)
        self.edges = nn.ModuleList(
            OPS[operation](channels, 2 if reduction and source < 2 else 1) for operation, source in cell
        )
        self.outputs = NODES * channels

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        """The nodes, concatenated along the channels."""
        states = [self.before(before), self.last(last)]
        for node in range(NODES):
            first, second = 2 * node, 2 * node + 1
            states.append(
                self.edges[first](states[self.sources[first]]) + self.edges[second](states[self.sources[second]])
            )
        return torch.cat(states[2:], dim=1)


class DartsNetwork(nn.Module):
    """A stem, cells, global pooling and a linear layer."""

    def __init__(self, stem: nn.Module, cells: list[CellNetwork], classes: int):
        super().__init__()
        self.stem = stem
        self.cells = nn.ModuleList(cells)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(cells[-1].outputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of the classes, (S, 3, H, W) to (S, classes)."""
        before = last = self.stem(x)
        for cell in self.cells:
            before, last = last, cell(before, last)
        return self.classifier(self.pool(last).flatten(1))


def proxy_network(cell: Cell, classes: int) -> DartsNetwork:
    """The score's proxy: one reduction cell of 6 channels on the image itself."""
    return DartsNetwork(nn.Identity(), [CellNetwork(cell, 3, 3, 6, reduction=True)], classes)


def network(genotype: Genotype, *, channels: int, layers: int, classes: int) -> DartsNetwork:
    """A whole network: a stem of 3 * `channels`, and reduction cells at one and two thirds of the layers."""
    width = 3 * channels
    stem = nn.Sequential(nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))
    before, last, shrink = width, width, False
    cells = []
    for i in range(layers):
        reduction = i in (layers // 3, 2 * layers // 3)
        channels *= 2 if reduction else 1
        shape = genotype.reduce if reduction else genotype.normal
        cells.append(CellNetwork(shape, before, last, channels, reduction=reduction, shrink=shrink))
        before, last, shrink = last, cells[-1].outputs, reduction
    return DartsNetwork(stem, cells, classes)
