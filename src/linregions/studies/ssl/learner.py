"""What a method is: a learner that owns an encoder, and the parts that several methods share."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from ...errors import InputError
from ...scores.needs import nn, torch
from .encoders import seeded

FAMILIES = ("supervised", "contrastive", "self-distillation", "cca", "control")

Views = tuple[torch.Tensor, ...]


class Learner(nn.Module):
    """An encoder, what a method puts on top of it, and the method's loss.

    Attributes:
        encoder: the backbone: what is measured.
        views: how many views of a batch the loss takes.
    """

    views = 2

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.encoder = encoder

    def loss(self, views: Views, labels: torch.Tensor) -> torch.Tensor:
        """The loss of one batch.

        Args:
            views: tensors (n, 1, height, width), as many as `self.views`.
            labels: (n,); only the supervised method looks at them.

        Returns:
            A scalar with a gradient.
        """
        raise NotImplementedError

    def after_step(self, step: int, total: int) -> None:
        """What follows the optimiser's step `step` (from 1) of `total`: moving averages, for example."""

    def encoded(self, views: Views) -> tuple[torch.Tensor, ...]:
        """The features of all views, in one pass of the encoder."""
        return self.encoder(torch.cat(views)).chunk(len(views))


@dataclass(frozen=True)
class Method:
    """A way to train an encoder, with this library's defaults.

    The defaults are chosen for networks of a few hundred units and a few hundred steps; they are not those of the
    methods' papers.

    Attributes:
        name: what the command line and the registry call it.
        family: "supervised", "contrastive", "self-distillation", "cca" or "control" (made to collapse).
        summary: one line.
        learner: called with (encoder, features, classes, **options).
        options: of the learner.
        rate: AdamW's learning rate for what is put on top of the encoder.
        decay: AdamW's weight decay.
        healthy: for a control, the method that it is made from.
    """

    name: str
    family: str
    summary: str
    learner: Callable[..., Learner] = field(repr=False)
    options: dict[str, Any] = field(default_factory=dict)
    rate: float = 2e-3
    decay: float = 1e-4
    healthy: str = ""

    @property
    def views(self) -> int:
        """How many views of each image the loss takes."""
        return getattr(self.learner, "views", 2)

    def build(
        self, encoder: nn.Module, *, features: int | None = None, classes: int = 10, seed: int = 0, **options: Any
    ) -> Learner:
        """A learner around an encoder.

        Args:
            encoder: the backbone; the learner trains this very module.
            features: length of its features; None asks the encoder's attribute `features`.
            classes: number of labels.
            seed: of the weights of what is put on top.
            **options: instead of the method's own.

        Raises:
            InputError: the encoder does not say how many features it has, or an option is not known.
        """
        features = features if features is not None else getattr(encoder, "features", None)
        if features is None:
            raise InputError("features: the encoder has no attribute of this name; pass the length of its features")
        unknown = set(options) - set(self.options)
        if unknown:
            names = ", ".join(sorted(self.options)) or "none"
            raise InputError(f"{self.name}: has no option {sorted(unknown)[0]!r}; its options are: {names}")
        with seeded(seed):
            return self.learner(encoder, features, classes, **{**self.options, **options})

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain JSON types."""
        return {
            "name": self.name,
            "family": self.family,
            "options": dict(self.options),
            "rate": self.rate,
            "decay": self.decay,
            "views": self.views,
        }

    def __str__(self) -> str:
        return f"{self.name} ({self.family}): {self.summary}"


def head(widths: tuple[int, ...], *, norm: bool = True, last_norm: bool = False) -> nn.Sequential:
    """A projector or predictor: linear layers with batch normalisation and ReLU between.

    Args:
        widths: of the input, the hidden layers and the output.
        norm: whether the hidden layers are normalised.
        last_norm: whether the output is, without a scale of its own.
    """
    layers: list[nn.Module] = []
    for k, (before, after) in enumerate(pairwise(widths)):
        hidden = k < len(widths) - 2
        layers.append(nn.Linear(before, after, bias=not (norm if hidden else last_norm)))
        if hidden:
            layers += [nn.BatchNorm1d(after), nn.ReLU()] if norm else [nn.ReLU()]
        elif last_norm:
            layers.append(nn.BatchNorm1d(after, affine=False))
    return nn.Sequential(*layers)


def frozen_copy(module: nn.Module) -> Any:
    """A copy that no gradient reaches: a teacher."""
    teacher = copy.deepcopy(module)
    for p in teacher.parameters():
        p.requires_grad_(False)
    return teacher


def rising(base: float, step: int, total: int) -> float:
    """The momentum of a teacher: from `base` to 1 along half a cosine.

    1 - (1 - base) (cos(pi step / total) + 1) / 2.

    Example:
        >>> rising(0.99, 0, 100), rising(0.99, 50, 100), rising(0.99, 100, 100)
        (0.99, 0.995, 1.0)
    """
    return 1 - (1 - base) * (math.cos(math.pi * step / total) + 1) / 2


@torch.no_grad()
def follow(teacher: nn.Module, student: nn.Module, momentum: float) -> None:
    """Teacher = momentum * teacher + (1 - momentum) * student, for every parameter."""
    for mine, theirs in zip(teacher.parameters(), student.parameters(), strict=True):
        mine.lerp_(theirs, 1 - momentum)


def unit(z: torch.Tensor) -> torch.Tensor:
    """Rows of length one."""
    return nn.functional.normalize(z, dim=1)
