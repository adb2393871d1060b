"""In how many units do two samples agree: the Hamming kernel, and the two scores that are read off it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ... import _core
from ...checks import whole_number
from ..needs import torch
from .reading import read
from .straight import ROWS, Form, Patterns

if TYPE_CHECKING:
    from ..capturing.observation import Observation

Tensor = torch.Tensor

# A sum of so many zeros and ones is exact in float32, in whatever order it is added.
_EXACT = 2**23


class HammingKernel:
    """Counts for every pair of samples the units on which they agree.

        K = sum over layers of B B^T + (1 - B) (1 - B)^T        (samples x samples, whole numbers)

    It costs S^2 V operations, where counting patterns costs S V: leave it out where it is not needed.  With several bit
    planes (any number, also different ones), K counts agreeing bits: B has a column for every unit and plane.

    Args:
        samples: S, the rows of every observation.
        width: bit planes of every observation; None: any number.

    Reference:
        Mellor, Turner, Storkey, Crowley 2021, Neural architecture search without training, equation 2.

    Example:
        >>> from types import SimpleNamespace
        >>> signs = torch.tensor([[0.0, 1, 0, 1], [0, 1, 1, 0], [1, 1, 0, 1]])
        >>> kernel = HammingKernel(3)
        >>> kernel.add(SimpleNamespace(values=signs, planes=lambda z: (z > 0,), width=1))
        >>> kernel.matrix.tolist()
        [[4, 2, 3], [2, 4, 1], [3, 1, 4]]
        >>> kernel.standard, round(math.exp(kernel.nwot))
        (3, 20)
    """

    def __init__(self, samples: int, *, width: int | None = None) -> None:
        self.samples = whole_number(samples, "samples")
        self.width = None if width is None else whole_number(width, "width")
        self._total: Tensor | None = None
        self._layer: Tensor | None = None
        self._packed: Patterns | None = None
        self._sum = np.zeros((self.samples, self.samples), np.int64)  # of the packed layers

    @property
    def matrix(self) -> np.ndarray:
        """K, (samples, samples) of int64."""
        return self._sum.copy() if self._total is None else self._total.cpu().numpy() + self._sum

    @property
    def standard(self) -> int:
        """Distinct rows of the sign matrix: samples that agree everywhere are one pattern."""
        matrix = self.matrix
        same = matrix == matrix.diagonal()
        # The first sample of every class of equal ones.
        return int(np.count_nonzero(same.argmax(axis=1) == np.arange(self.samples)))

    @property
    def nwot(self) -> float:
        """The natural logarithm of det K; -inf exactly where K is singular.

        The rank is that of the matrix of whole numbers, in exact arithmetic: K is singular when two samples agree on
        every unit, when there are more samples than units + 1, and whenever else the rows of [B, 1 - B] are dependent.
        """
        import flint

        matrix = self.matrix
        exact = flint.fmpz_mat(matrix.tolist())
        if exact.rank() < self.samples:
            return -math.inf
        sign, log = np.linalg.slogdet(matrix.astype(np.float64))
        return float(log) if sign > 0 else math.log(int(exact.det()))

    def add(self, observation: Observation) -> None:
        """Add the agreement on one more layer."""
        read(observation, self)

    @property
    def packed(self) -> Form:
        """It takes rows (`Reader`)."""
        return ROWS

    def begin(self, units: int) -> None:
        """A layer follows (`Reader`)."""
        self._layer = self._packed = None

    def take(self, bits: Tensor) -> None:
        """Bits (width * samples, some units) of the layer (`Reader`)."""
        for plane in bits.unflatten(0, (-1, self.samples)):
            for piece in plane.split(_EXACT, dim=1):
                agreement = _agreement(piece)
                self._layer = agreement if self._layer is None else self._layer + agreement

    def take_packed(self, patterns: Patterns) -> None:
        """The whole layer (`Reader`)."""
        self._packed = patterns

    def end(self) -> None:
        """The layer is complete (`Reader`)."""
        if self._packed is not None:
            _core.agree_rows(self._packed.rows, len(self._packed.codes), self._sum)
            self._packed = None
        if self._layer is not None:
            layer, self._layer = self._layer, None
            self._total = layer if self._total is None else self._total + layer.to(self._total.device)


def _agreement(bits: Tensor) -> Tensor:
    """(samples, units) of 0 and 1 to (samples, samples): on how many units they agree."""
    ones = bits.to(torch.float32)
    # Mixed precision around the network must not round these sums.
    with torch.autocast(bits.device.type, enabled=False):
        both = (ones @ ones.T).to(torch.int64)
    own = both.diagonal()
    return bits.shape[1] - own.unsqueeze(0) - own.unsqueeze(1) + 2 * both
