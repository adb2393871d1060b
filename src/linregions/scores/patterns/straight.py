"""Values straight to packed patterns, in one pass of the compiled kernel: no byte per bit in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ... import _core
from ..needs import torch
from . import host
from .compare import Above

if TYPE_CHECKING:
    from ..capturing.observation import Observation

MOST_SAMPLES = 64

_TYPES = (torch.float32, torch.float64)


@dataclass(frozen=True)
class Form:
    """What a reader takes of packed patterns.

    Attributes:
        bits: of a unit's code, 32 or 64; 0 where it takes none.
        rows: whether it takes the rows.
    """

    bits: int = 0
    rows: bool = False


NOTHING, CODES_32, CODES_64, ROWS = Form(), Form(32), Form(64), Form(rows=True)


class Patterns(NamedTuple):
    """The patterns of one layer.

    Attributes:
        codes: (units,) of uint32 or uint64; bit s is what sample s shows.
        rows: the same bits by samples, (samples, ceil(units / 64)) of uint64; None where nobody takes them.
        alive: units that are 1 on some sample.
        always_on: units that are 1 on every sample.
    """

    codes: np.ndarray
    rows: np.ndarray | None
    alive: int
    always_on: int


def packable(observation: Observation) -> bool:
    """Whether the kernel can read an observation: one comparison of floating-point numbers on the CPU.

    Everything else (planes of another kind, half precision, an accelerator, over 64 samples) is read by blocks of bits.
    """
    values = observation.values
    return (
        isinstance(observation.planes, Above)
        and host.on_cpu(values)
        and values.dtype in _TYPES
        and values.shape[0] <= MOST_SAMPLES
        and (values.shape[1] < 2 or values.stride(1) == 1)
    )


def pack(observation: Observation, *forms: Form) -> Patterns:
    """The patterns of a layer that is `packable`, in all the forms that are asked for.

    Example:
        >>> from types import SimpleNamespace
        >>> signs = torch.tensor([[0.0, 1, 0, 1], [0, 1, 1, 0], [1, 1, 0, 1]])
        >>> found = pack(SimpleNamespace(values=signs, planes=Above()), Form(32, rows=True))
        >>> found.codes.tolist(), found.rows.tolist(), found.alive, found.always_on
        ([4, 7, 2, 5], [[10], [6], [11]], 4, 1)
    """
    values, planes = observation.values, observation.planes
    assert isinstance(planes, Above)
    samples, units = values.shape
    codes = np.empty(units, np.uint32 if samples <= 32 and all(form.bits != 64 for form in forms) else np.uint64)
    rows = np.empty((samples, -(-units // 64)), np.uint64) if any(form.rows for form in forms) else None
    alive, on = _core.pack_values(values.detach().numpy(), planes.bound, codes, rows)
    return Patterns(codes, rows, alive, on)
