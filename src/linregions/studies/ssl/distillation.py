"""Self-distillation: one view predicts what a copy of the network says about the other; nothing repels."""

from __future__ import annotations

from ...scores.needs import nn, torch
from .learner import Learner, Views, follow, frozen_copy, head, rising, unit


def cosine_loss(predictions: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean of 1 - cos(p, t); the targets get no gradient.

    BYOL's loss is twice this, 2 - 2 cos; SimSiam's -cos differs from it by a constant.

    Args:
        predictions: (n, d).
        targets: (n, d).

    Returns:
        A scalar from 0 to 2.

    Example:
        >>> import torch
        >>> cosine_loss(torch.eye(2), 3 * torch.eye(2)).item()
        0.0
    """
    return 1 - (unit(predictions) * unit(targets.detach())).sum(1).mean()


def dino_loss(
    student: torch.Tensor, teacher: torch.Tensor, centre: torch.Tensor, *, sharp: float = 0.04, soft: float = 0.1
) -> torch.Tensor:
    """Cross entropy of two softmaxes: mean of - sum_k softmax((t - centre) / sharp)_k log softmax(s / soft)_k.

    Args:
        student: (n, k) logits.
        teacher: (n, k) logits; they get no gradient.
        centre: (k,) or a number.
        sharp: the teacher's temperature.
        soft: the student's.

    Returns:
        A scalar. The form is the literature's, unverified in detail.

    Example:
        >>> import torch
        >>> dino_loss(torch.zeros(1, 4), torch.ones(1, 4), torch.zeros(4)).exp().item()
        4.0
    """
    aim = torch.softmax((teacher.detach() - centre) / sharp, 1)
    return -(aim * torch.log_softmax(student / soft, 1)).sum(1).mean()


class BYOL(Learner):
    """A predictor on the online projection aims at the projection of a moving average of the network.

    With `momentum` 0 the target is the network itself of the step before; without a predictor the projection aims.
    """

    def __init__(
        self,
        encoder: nn.Module,
        features: int,
        classes: int,
        *,
        hidden: int,
        out: int,
        momentum: float,
        predictor: bool,
        norm: bool,
    ):
        super().__init__(encoder)
        self.projector = head((features, hidden, out), norm=norm)
        self.predictor = head((out, hidden, out), norm=norm) if predictor else nn.Identity()
        self.target_encoder, self.target_projector = frozen_copy(encoder), frozen_copy(self.projector)
        self.momentum = momentum

    def loss(self, views: Views, labels: torch.Tensor) -> torch.Tensor:
        """2 - 2 cos, mean over both directions."""
        with torch.no_grad():
            targets = [self.target_projector(h) for h in self.target_encoder(torch.cat(views)).chunk(2)]
        p = [self.predictor(self.projector(h)) for h in self.encoded(views)]
        return cosine_loss(p[0], targets[1]) + cosine_loss(p[1], targets[0])

    def after_step(self, step: int, total: int) -> None:
        """The target follows, ever more slowly."""
        momentum = rising(self.momentum, step, total) if self.momentum else 0.0
        follow(self.target_encoder, self.encoder, momentum)
        follow(self.target_projector, self.projector, momentum)


class SimSiam(Learner):
    """A predictor aims at the other view's projection, through which no gradient flows.

    Without `stop` the gradient flows through both sides, without `predictor` the projections meet directly: then
    nothing keeps them apart.
    """

    def __init__(
        self,
        encoder: nn.Module,
        features: int,
        classes: int,
        *,
        hidden: int,
        out: int,
        narrow: int,
        stop: bool,
        predictor: bool,
        norm: bool,
    ):
        super().__init__(encoder)
        self.projector = head((features, hidden, out), norm=norm, last_norm=norm)
        self.predictor = head((out, narrow, out), norm=norm) if predictor else nn.Identity()
        self.stop = stop

    def loss(self, views: Views, labels: torch.Tensor) -> torch.Tensor:
        """-1/2 cos(p1, z2) - 1/2 cos(p2, z1)."""
        a, b = (self.projector(h) for h in self.encoded(views))
        p, q = self.predictor(a), self.predictor(b)
        if self.stop:
            a, b = a.detach(), b.detach()
        return -((unit(p) * unit(b)).sum(1).mean() + (unit(q) * unit(a)).sum(1).mean()) / 2


class DINO(Learner):
    """The student's softmax of one view aims at the centred, sharpened softmax of a teacher on the other.

    With `centring` False the centre stays 0; a teacher temperature equal to the student's does not sharpen.
    """

    centre: torch.Tensor

    def __init__(
        self,
        encoder: nn.Module,
        features: int,
        classes: int,
        *,
        hidden: int,
        narrow: int,
        out: int,
        momentum: float,
        sharp: float,
        soft: float,
        centring: bool,
        centre_momentum: float,
        norm: bool,
    ):
        super().__init__(encoder)
        self.projector = head((features, hidden, narrow), norm=norm)
        self.prototypes = nn.Linear(narrow, out, bias=False)
        self.teacher_encoder, self.teacher_projector = frozen_copy(encoder), frozen_copy(self.projector)
        self.teacher_prototypes = frozen_copy(self.prototypes)
        self.register_buffer("centre", torch.zeros(out))
        self.momentum, self.sharp, self.soft = momentum, sharp, soft
        self.centring, self.centre_momentum = centring, centre_momentum

    def loss(self, views: Views, labels: torch.Tensor) -> torch.Tensor:
        """Cross entropy, mean over both directions; the centre then follows the teacher's logits."""
        with torch.no_grad():
            hidden = self.teacher_encoder(torch.cat(views)).chunk(2)
            t = [_logits(self.teacher_projector(h), self.teacher_prototypes) for h in hidden]
        s = [_logits(self.projector(h), self.prototypes) for h in self.encoded(views)]
        centre = self.centre.clone()
        temperatures = {"sharp": self.sharp, "soft": self.soft}
        value = (dino_loss(s[0], t[1], centre, **temperatures) + dino_loss(s[1], t[0], centre, **temperatures)) / 2
        if self.centring:
            self.centre.lerp_(torch.cat(t).mean(0), 1 - self.centre_momentum)
        return value

    def after_step(self, step: int, total: int) -> None:
        """The teacher follows, ever more slowly."""
        momentum = rising(self.momentum, step, total)
        for teacher, student in (
            (self.teacher_encoder, self.encoder),
            (self.teacher_projector, self.projector),
            (self.teacher_prototypes, self.prototypes),
        ):
            follow(teacher, student, momentum)


def _logits(z: torch.Tensor, prototypes: nn.Linear) -> torch.Tensor:
    """Cosines with the prototypes."""
    return unit(z) @ unit(prototypes.weight).T
