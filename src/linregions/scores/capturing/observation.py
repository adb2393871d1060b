"""What one activation call shows of its units: values, and the bit planes that an indicator makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..needs import torch
from ..patterns.compare import Above, above, below
from .kinds import Pieces

Tensor = torch.Tensor

INDICATORS = ("positive", "sign", "piece")


@dataclass(frozen=True)
class Layer:
    """One activation call: the module that made it and the kind of activation.

    `name` is the dotted path of the innermost module that made the call, "(model)" for the model itself; a module's
    second call ends in "#2", its third in "#3".
    """

    name: str
    kind: str

    def as_dict(self) -> dict[str, Any]:
        """The layer in plain values."""
        return {"name": self.name, "kind": self.kind}

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})"


@dataclass(frozen=True)
class Observation:
    """The units of one activation call, on every sample.

    Attributes:
        layer: which call it was.
        values: (samples, units), what the planes are made of: usually the activation's output. It is a view of the
            network's own tensor where that is possible, and valid during the visit only: the network may
            overwrite it afterwards.
        planes: makes of the values (samples, some units) `width` tensors of booleans of the same shape. Together they
            encode what the indicator says of each unit and sample; equal codes mean the same in every layer.
        width: how many planes; the same for all layers of a pass.
    """

    layer: Layer
    values: Tensor
    planes: Callable[[Tensor], tuple[Tensor, ...]]
    width: int


@dataclass(frozen=True)
class Ignored:
    """An activation call that was left out, because its units do not depend on the inputs."""

    layer: Layer
    shape: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        """The layer in plain values."""
        return {**self.layer.as_dict(), "shape": list(self.shape)}

    def __str__(self) -> str:
        return f"{self.layer}: {'x'.join(map(str, self.shape))}, does not depend on the inputs"


def plane_count(indicator: str, *, max_pool: bool = False) -> int:
    """How many planes every observation of a pass has.

    One for "positive"; two for "sign" and "piece", which have at most three values; eight for "piece" with
    max-pools, whose windows have up to 256 places.

    Example:
        >>> plane_count("sign")
        2
    """
    if indicator == "positive":
        return 1
    return 8 if indicator == "piece" and max_pool else 2


positive = Above(0.0)
"""[z > 0]; zero of either sign is not positive."""


def sign(values: Tensor) -> tuple[Tensor, ...]:
    """The sign, in two planes: 1 is (1, 0), -1 is (0, 1), and zero of either sign is (0, 0)."""
    return above(values), below(values)


def piece_planes(pieces: Pieces | None, dtype: torch.dtype) -> Callable[[Tensor], tuple[Tensor, ...]]:
    """The index of the piece, in two planes: 0 is (0, 0), 1 is (1, 0), 2 is (0, 1).

    The breakpoints are rounded to `dtype` first, as the activation itself rounds them.
    """
    if pieces is None:
        return sign
    lower, upper = _rounded(pieces.lower, dtype), None if pieces.upper is None else _rounded(pieces.upper, dtype)

    def planes(values: Tensor) -> tuple[Tensor, ...]:
        active = above(values, lower)
        if upper is None:
            return active, torch.zeros_like(active)
        below_upper = below(values, upper)
        return active & below_upper, ~below_upper

    return planes


def _rounded(number: float, dtype: torch.dtype) -> float:
    return torch.tensor(number, dtype=torch.float64).to(dtype).item()


def place_planes(width: int) -> Callable[[Tensor], tuple[Tensor, ...]]:
    """The binary digits of an index, lowest first."""
    return lambda values: tuple((values >> digit & 1).bool() for digit in range(width))


def widened(planes: Callable[[Tensor], tuple[Tensor, ...]], width: int) -> Callable[[Tensor], tuple[Tensor, ...]]:
    """The same code in more planes: the others are zero."""

    def wide(values: Tensor) -> tuple[Tensor, ...]:
        first = planes(values)
        return (*first, *(torch.zeros_like(first[0]) for _ in range(width - len(first))))

    return wide


def per_sample(tensor: Tensor, samples: int, batch_dim: int) -> Tensor | None:
    """(samples, units), a view where the layout allows one; None if the batch axis does not hold the samples.

    A batch axis of k * samples entries holds k rows of each sample, those of one sample side by side.

    Example:
        >>> per_sample(torch.zeros(6, 5), 3, 0).shape
        torch.Size([3, 10])
    """
    if tensor.dim() <= batch_dim or tensor.shape[batch_dim] % samples:
        return None
    moved = tensor.movedim(batch_dim, 0) if batch_dim else tensor
    return moved.reshape(samples, tensor.numel() // samples)
