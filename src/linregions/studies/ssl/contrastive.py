"""Contrastive methods: two views of one image attract each other, those of different images repel."""

from __future__ import annotations

from ...scores.needs import nn, torch
from .learner import Learner, Views, follow, frozen_copy, head, unit


def nt_xent(first: torch.Tensor, second: torch.Tensor, *, temperature: float = 0.5) -> torch.Tensor:
    """NT-Xent: mean over all 2n views i, with partner p, of -log( exp(s_ip / t) / sum over j != i of exp(s_ij / t) ).

    s is the cosine. The form is the literature's; details of a particular implementation are unverified.

    Args:
        first: (n, d), one view of n images.
        second: (n, d), the other.
        temperature: t.

    Returns:
        A scalar.

    Example:
        >>> import torch
        >>> round(nt_xent(torch.eye(2), torch.eye(2), temperature=1.0).item(), 4)
        0.5514
    """
    n = len(first)
    z = unit(torch.cat([first, second]))
    logits = z @ z.T / temperature
    logits = logits.masked_fill(torch.eye(2 * n, dtype=torch.bool, device=z.device), -torch.inf)
    partner = torch.arange(2 * n, device=z.device).roll(n)
    return nn.functional.cross_entropy(logits, partner)


def info_nce(
    queries: torch.Tensor, keys: torch.Tensor, queue: torch.Tensor, *, temperature: float = 0.2
) -> torch.Tensor:
    """InfoNCE with a queue: mean over i of -log( exp(q_i k_i / t) / ( exp(q_i k_i / t) + sum_j exp(q_i u_j / t) ) ).

    Args:
        queries: (n, d), normalised here.
        keys: (n, d), the partners, normalised here; they get no gradient.
        queue: (m, d), rows of length one: keys of earlier batches.
        temperature: t.

    Returns:
        A scalar. The form is the literature's, unverified in detail.

    Example:
        >>> import torch
        >>> round(info_nce(torch.eye(2), torch.eye(2), torch.eye(2), temperature=1.0).item(), 4)
        0.862
    """
    q, k = unit(queries), unit(keys.detach())
    own = (q * k).sum(1, keepdim=True)
    logits = torch.cat([own, q @ queue.T], 1) / temperature
    return nn.functional.cross_entropy(logits, torch.zeros(len(q), dtype=torch.long, device=q.device))


class SimCLR(Learner):
    """NT-Xent on a projector of two layers."""

    def __init__(self, encoder: nn.Module, features: int, classes: int, *, hidden: int, out: int, temperature: float):
        super().__init__(encoder)
        self.projector = head((features, hidden, out))
        self.temperature = temperature

    def loss(self, views: Views, labels: torch.Tensor) -> torch.Tensor:
        """NT-Xent of the two projections."""
        a, b = (self.projector(h) for h in self.encoded(views))
        return nt_xent(a, b, temperature=self.temperature)


class MoCo(Learner):
    """InfoNCE against a queue of keys, which a slowly moving copy of encoder and projector makes."""

    queue: torch.Tensor

    def __init__(
        self,
        encoder: nn.Module,
        features: int,
        classes: int,
        *,
        hidden: int,
        out: int,
        temperature: float,
        queue: int,
        momentum: float,
    ):
        super().__init__(encoder)
        self.projector = head((features, hidden, out))
        self.key_encoder, self.key_projector = frozen_copy(encoder), frozen_copy(self.projector)
        self.temperature, self.momentum = temperature, momentum
        self.register_buffer("queue", unit(torch.randn(queue, out)))
        self.at = 0

    def loss(self, views: Views, labels: torch.Tensor) -> torch.Tensor:
        """InfoNCE of the first view against the second one's keys; the keys then enter the queue."""
        queries = self.projector(self.encoder(views[0]))
        with torch.no_grad():
            keys = unit(self.key_projector(self.key_encoder(views[1])))
        # The queue changes in place below, which the graph of this loss must not see.
        value = info_nce(queries, keys, self.queue.clone(), temperature=self.temperature)
        self.enter(keys)
        return value

    @torch.no_grad()
    def enter(self, keys: torch.Tensor) -> None:
        """Put keys in the place of the oldest ones."""
        places = (self.at + torch.arange(len(keys), device=keys.device)) % len(self.queue)
        self.queue[places] = keys
        self.at = (self.at + len(keys)) % len(self.queue)

    def after_step(self, step: int, total: int) -> None:
        """The copies follow."""
        follow(self.key_encoder, self.encoder, self.momentum)
        follow(self.key_projector, self.projector, self.momentum)
