"""Comparing every value with one bound, at the speed of memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..needs import torch
from . import host

Tensor = torch.Tensor

# numpy compares these with vector instructions; torch's own comparison into booleans took five to eight times as long.
_VECTORISED = (torch.float32, torch.float64)


def above(values: Tensor, bound: float = 0.0) -> Tensor:
    """[z > bound] for every value; the bound is rounded to the values' own type first, a zero of either sign is a zero.

    Example:
        >>> above(torch.tensor([[-0.0, 1e-30], [0.0, -2.0]])).tolist()
        [[False, True], [False, False]]
    """
    if _by_numpy(values):
        array = values.detach().numpy()
        return torch.from_numpy(np.greater(array, array.dtype.type(bound)))
    return torch.gt(values.detach(), bound)


def below(values: Tensor, bound: float = 0.0) -> Tensor:
    """[z < bound] for every value, in the same way.

    Example:
        >>> below(torch.tensor([[-0.0, 1e-30], [0.0, -2.0]])).tolist()
        [[False, False], [False, True]]
    """
    if _by_numpy(values):
        array = values.detach().numpy()
        return torch.from_numpy(np.less(array, array.dtype.type(bound)))
    return torch.lt(values.detach(), bound)


@dataclass(frozen=True)
class Above:
    """One plane of bits, [z > bound], in a form that tells its bound: such planes can be packed by the kernel.

    Example:
        >>> Above()(torch.tensor([[-0.0, 1.0]]))
        (tensor([[False,  True]]),)
    """

    bound: float = 0.0

    def __call__(self, values: Tensor) -> tuple[Tensor, ...]:
        """The plane of these values."""
        return (above(values, self.bound),)


def _by_numpy(values: Tensor) -> bool:
    return host.on_cpu(values) and values.dtype in _VECTORISED
