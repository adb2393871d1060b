"""Modules and planes for the tests of slices."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from torch import nn

from linregions import Plane


def mlp(*widths: int, activation=nn.ReLU, seed: int = 0) -> nn.Sequential:
    """Linear layers with activations between them."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise(widths):
        layers += [nn.Linear(a, b), activation()]
    return nn.Sequential(*layers[:-1])


def convnet(
    *, channels: int = 1, size: int = 28, widths=(8, 16, 32), outputs: int = 10, seed: int = 0
) -> nn.Sequential:
    """Three convolutions of stride 2 and a linear layer."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Conv2d(channels, width, 3, 2, 1), nn.ReLU()]
        channels, size = width, (size + 1) // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * size * size, outputs))


class Block(nn.Module):
    """Two 3 x 3 convolutions and a shortcut: the basic block of residual networks (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.norm2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.short: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.short = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(y)) + self.short(x))


def resnet18(*, width: int = 64, channels: int = 3, classes: int = 10, blocks=(2, 2, 2, 2), seed: int = 0) -> nn.Module:
    """The network of 18 layers with the stem for 32 x 32 images; its batch statistics come from random images."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    inputs = width
    for stage, count in enumerate(blocks):
        for k in range(count):
            layers.append(Block(inputs, width * 2**stage, 2 if stage and not k else 1))
            inputs = width * 2**stage
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes))


def calibrated(module: nn.Module, shape: tuple[int, ...], *, seed: int = 0) -> nn.Module:
    """The module in eval mode, after its batch normalisations have seen some random images."""
    torch.manual_seed(seed)
    module.train()
    with torch.no_grad():
        for _ in range(3):
            module(torch.rand(16, *shape))
    return module.eval()


def plane(inputs: int, *, scale: float = 1.0, seed: int = 0, region="square", margin: float = 0.5) -> Plane:
    """A plane through three random points of [0, 1]^inputs, drawn together around the first by `scale`."""
    p, q, r = np.random.default_rng(seed).random((3, inputs)).astype(np.float32).astype(np.float64)
    return Plane.through(p, p + scale * (q - p), p + scale * (r - p), region=region, margin=margin)
