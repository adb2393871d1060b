"""The encoders of the study: small ReLU networks whose last layer ends with a ReLU too."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any

from ...checks import seed_number, shown, whole_number
from ...errors import InputError
from ...scores.needs import nn, torch

WIDTHS = {"mlp": (256, 256, 128), "small": (64, 64, 64), "deep": (64, 64, 64, 64, 64)}
"""Widths of the hidden layers by name; "mlp" means "small" for images of at most 256 pixels."""


class Encoder(nn.Sequential):
    """A backbone with the length of its features.

    Attributes:
        features: d, numbers that one image becomes.
        name: what made it.
    """

    def __init__(self, *layers: nn.Module, features: int, name: str):
        super().__init__(*layers)
        self.features = features
        self.name = name


def build_encoder(
    name: str | Sequence[int] = "mlp", shape: tuple[int, int] = (28, 28), *, seed: int = 0, norm: bool = False
) -> Encoder:
    """An encoder for grey images, initialised from a seed.

    "mlp": hidden layers of 256, 256 and 128 units for images of more than 256 pixels, else 64, 64 and 64 ("small");
    "deep": five of 64; "convnet": three convolutions of 3 x 3 with 16, 32 and 64 channels, the first two of stride 2,
    then a layer of 64 units; or a sequence of widths. Every layer ends with a ReLU, no two layers share weights, the
    weights are torch's default ones.

    Without `norm` the function is the same in training and in evaluation. With it each layer has a batch
    normalisation before its ReLU, and its linear regions are those of evaluation mode.

    Args:
        name: "mlp", "small", "deep", "convnet", or widths such as (128, 64).
        shape: height and width of an image.
        seed: of the weights; the global random state is not touched.
        norm: whether there is batch normalisation.

    Returns:
        An `Encoder`: takes (n, 1, height, width), or (n, height * width) for all but "convnet"; gives (n, features).

    Raises:
        InputError: the name is not known, or a number is out of range.

    Example:
        >>> build_encoder("mlp", (8, 8)).features
        64
    """
    height, width = (whole_number(n, "shape") for n in shape)
    with seeded(seed):
        if name == "convnet":
            return _convnet(height, width, norm)
        if isinstance(name, str):
            if name not in WIDTHS:
                raise InputError(
                    f"encoder: must be {', '.join(WIDTHS)}, convnet or a sequence of widths, got {shown(name)}"
                )
            widths: Sequence[int] = WIDTHS["small" if name == "mlp" and height * width <= 256 else name]
        else:
            widths = [whole_number(n, "encoder") for n in name]
            if not widths:
                raise InputError("encoder: a sequence of widths must name at least one layer, got none")
        layers: list[nn.Module] = [nn.Flatten()]
        before = height * width
        for units in widths:
            layers += [nn.Linear(before, units), *([nn.BatchNorm1d(units)] if norm else []), nn.ReLU()]
            before = units
        text = "-".join(map(str, (height * width, *widths)))
        return Encoder(*layers, features=before, name=text + (" with batch norm" if norm else ""))


def _convnet(height: int, width: int, norm: bool) -> Encoder:
    layers: list[nn.Module] = []
    channels = 1
    for out, stride in ((16, 2), (32, 2), (64, 1)):
        layers += [nn.Conv2d(channels, out, 3, stride, 1), *([nn.BatchNorm2d(out)] if norm else []), nn.ReLU()]
        channels = out
        height, width = (height - 1) // stride + 1, (width - 1) // stride + 1
    layers += [nn.Flatten(), nn.Linear(channels * height * width, 64), nn.ReLU()]
    return Encoder(*layers, features=64, name="convnet 16-32-64" + (" with batch norm" if norm else ""))


@contextmanager
def seeded(seed: int) -> Any:
    """Within it torch's global generator of the CPU starts from `seed`; afterwards it goes on where it stood."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_number(seed))
        yield
