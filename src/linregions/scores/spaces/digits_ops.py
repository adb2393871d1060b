"""The torch modules of the digits space: operations, the cell, the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..needs import nn, torch
from .digits import CLASSES, EDGES, NODES, DigitsNet

if TYPE_CHECKING:
    from torch import Tensor

MAKERS = {"relu": nn.ReLU, "relu6": nn.ReLU6, "gelu": nn.GELU, "silu": nn.SiLU}


def operation(name: str, width: int, activation: str) -> nn.Module | None:
    """The module on an edge; no module for the operation none, which adds nothing to its node."""
    if name == "none":
        return None
    if name == "skip":
        return nn.Identity()
    if name == "avgpool":
        return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
    kernel = int(name[-1])
    convolution = nn.Conv2d(width, width, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(MAKERS[activation](), convolution, nn.BatchNorm2d(width))


class CellNetwork(nn.Module):
    """One cell: each node is the sum of its edges; the output is node 3."""

    def __init__(self, architecture: DigitsNet):
        super().__init__()
        edges = zip(EDGES, architecture.cell, strict=True)
        made = {e: operation(name, architecture.width, architecture.activation) for e, name in edges}
        self.edges = nn.ModuleDict({f"{s}_{t}": module for (s, t), module in made.items() if module is not None})

    def forward(self, x: Tensor) -> Tensor:
        """(S, C, H, W) to the same shape."""
        states: list[Tensor | None] = [x]  # None: nothing reaches the node, so what leaves it adds nothing
        for node in range(1, NODES):
            terms = []
            for source, state in enumerate(states):
                if state is not None and f"{source}_{node}" in self.edges:
                    terms.append(self.edges[f"{source}_{node}"](state))
            states.append(sum(terms[1:], terms[0]) if terms else None)
        output = states[-1]
        return torch.zeros_like(x) if output is None else output


class DigitsNetwork(nn.Module):
    """A 3x3 convolution, the cells with 2x2 average pooling after the first, global pooling, a linear layer."""

    def __init__(self, architecture: DigitsNet):
        super().__init__()
        width = architecture.width
        self.stem = nn.Sequential(nn.Conv2d(1, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))
        first, *rest = (CellNetwork(architecture) for _ in range(architecture.depth))
        self.cells = nn.Sequential(first, nn.AvgPool2d(2), *rest)
        self.head = nn.Sequential(
            nn.BatchNorm2d(width),
            MAKERS[architecture.activation](),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(width, CLASSES),
        )

    def forward(self, images: Tensor) -> Tensor:
        """(S, 1, H, W) to (S, 10)."""
        return self.head(self.cells(self.stem(images)))
