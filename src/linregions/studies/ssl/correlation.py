"""The CCA family: coordinates of the two views' embeddings shall agree, and say different things."""

from __future__ import annotations

from ...scores.needs import nn, torch
from .learner import Learner, Views, head


def barlow_loss(
    first: torch.Tensor, second: torch.Tensor, *, redundancy: float = 5e-3, invariance: float = 1.0
) -> torch.Tensor:
    """Barlow Twins: invariance * sum_i (1 - C_ii)^2 + redundancy * sum over i != j of C_ij^2.

    C is the (d, d) correlation matrix between the two views over the batch (variances with n, 1e-5 added).

    Args:
        first: (n, d).
        second: (n, d).
        redundancy: lambda.
        invariance: 0 leaves the first term out.

    Returns:
        A scalar. The form is the literature's, unverified in detail.

    Example:
        >>> import torch
        >>> z = torch.tensor([[1.0, 1], [1, -1], [-1, 1], [-1, -1]])
        >>> round(barlow_loss(z, z).item(), 6)
        0.0
    """
    a, b = (_standardised(z) for z in (first, second))
    c = a.T @ b / len(a)
    diagonal = c.diagonal()
    off = (c**2).sum() - (diagonal**2).sum()
    return invariance * ((1 - diagonal) ** 2).sum() + redundancy * off


def vicreg_loss(
    first: torch.Tensor,
    second: torch.Tensor,
    *,
    invariance: float = 25.0,
    variance: float = 25.0,
    covariance: float = 1.0,
) -> torch.Tensor:
    """VICReg: invariance * MSE + variance * mean relu(1 - sqrt(var + 1e-4)) + covariance * sum off-diagonal cov^2 / d.

    The variance term is the mean over both views, the covariance term their sum; variances and covariances have
    n - 1.

    Args:
        first: (n, d).
        second: (n, d).
        invariance: weight of the mean squared difference.
        variance: weight of the hinge on each coordinate's standard deviation.
        covariance: weight of the covariances.

    Returns:
        A scalar. The form is the literature's, unverified in detail.

    Example:
        >>> import torch
        >>> z = 3 * torch.tensor([[1.0, 1], [1, -1], [-1, 1], [-1, -1]])
        >>> vicreg_loss(z, z).item()
        0.0
    """
    value = invariance * nn.functional.mse_loss(first, second)
    for z in (first, second):
        n, d = z.shape
        centred = z - z.mean(0)
        square = centred.T @ centred / (n - 1)
        spread = torch.sqrt(square.diagonal() + 1e-4)
        off = (square**2).sum() - (square.diagonal() ** 2).sum()
        value = value + variance * torch.relu(1 - spread).mean() / 2 + covariance * off / d
    return value


class BarlowTwins(Learner):
    """Barlow Twins' loss on a projector."""

    def __init__(
        self,
        encoder: nn.Module,
        features: int,
        classes: int,
        *,
        hidden: int,
        out: int,
        redundancy: float,
        invariance: float,
    ):
        super().__init__(encoder)
        self.projector = head((features, hidden, out))
        self.weights = {"redundancy": redundancy, "invariance": invariance}

    def loss(self, views: Views, labels: torch.Tensor) -> torch.Tensor:
        """The loss of the two projections."""
        a, b = (self.projector(h) for h in self.encoded(views))
        return barlow_loss(a, b, **self.weights)


class VICReg(Learner):
    """VICReg's loss on a projector."""

    def __init__(
        self,
        encoder: nn.Module,
        features: int,
        classes: int,
        *,
        hidden: int,
        out: int,
        invariance: float,
        variance: float,
        covariance: float,
    ):
        super().__init__(encoder)
        self.projector = head((features, hidden, out))
        self.weights = {"invariance": invariance, "variance": variance, "covariance": covariance}

    def loss(self, views: Views, labels: torch.Tensor) -> torch.Tensor:
        """The loss of the two projections."""
        a, b = (self.projector(h) for h in self.encoded(views))
        return vicreg_loss(a, b, **self.weights)


def _standardised(z: torch.Tensor) -> torch.Tensor:
    centred = z - z.mean(0)
    return centred / torch.sqrt((centred**2).mean(0) + 1e-5)
