"""Supervised cross entropy: what the self-supervised methods are compared with."""

from __future__ import annotations

from typing import Any

from ...scores.needs import nn, torch
from .learner import Learner, Views


class Supervised(Learner):
    """A linear classifier on the features, trained with them."""

    views = 1

    def __init__(self, encoder: nn.Module, features: int, classes: int, **_: Any):
        super().__init__(encoder)
        self.classifier = nn.Linear(features, classes)

    def loss(self, views: Views, labels: torch.Tensor) -> torch.Tensor:
        """Mean of -log softmax(W h + b) at the label."""
        return nn.functional.cross_entropy(self.classifier(self.encoder(views[0])), labels)
