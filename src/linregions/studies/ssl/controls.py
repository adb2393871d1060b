"""Learners that exist to collapse; the other controls are healthy methods with a part taken out by an option."""

from __future__ import annotations

from ...scores.needs import nn, torch
from .learner import Learner, Views, head, unit


class PositivesOnly(Learner):
    """A contrastive method without its negatives: 1 - cos of the two projections, gradients through both."""

    def __init__(self, encoder: nn.Module, features: int, classes: int, *, hidden: int, out: int, norm: bool):
        super().__init__(encoder)
        self.projector = head((features, hidden, out), norm=norm)

    def loss(self, views: Views, labels: torch.Tensor) -> torch.Tensor:
        """Mean of 1 - cos."""
        a, b = (self.projector(h) for h in self.encoded(views))
        return 1 - (unit(a) * unit(b)).sum(1).mean()
