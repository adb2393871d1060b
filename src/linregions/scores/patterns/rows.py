"""Distinct rows of the sign matrix: how many samples the network tells apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...checks import whole_number
from ..needs import torch
from .reading import read
from .straight import ROWS, Form, Patterns

if TYPE_CHECKING:
    from ..capturing.observation import Observation

Tensor = torch.Tensor

# Units looked at before asking whether all samples are told apart already.
_PIECE = 65536


class RowCounter:
    """Counts the distinct rows of the sign matrix: the standard activation patterns, one per sample.

    Samples are kept in classes that agree so far, which each block of units divides further.  A sample that is alone
    in its class needs no more reading, so in most networks the first units of the first layer settle everything.
    Rows are equal where all their bit planes are.

    Args:
        samples: S, the rows of every observation.
        width: bit planes of every observation; None: any number.

    Reference:
        Peng et al. 2024, definition 3.1; Chen, Gong, Wang 2021 (TE-NAS), Neural architecture search on
        ImageNet in four GPU hours, which calls it the number of linear regions.

    Example:
        >>> from types import SimpleNamespace
        >>> signs = torch.tensor([[0.0, 1, 0, 1], [0, 1, 1, 0], [1, 1, 0, 1]])
        >>> counter = RowCounter(3)
        >>> counter.add(SimpleNamespace(values=signs, planes=lambda z: (z > 0,), width=1))
        3
    """

    def __init__(self, samples: int, *, width: int | None = None) -> None:
        self.samples = whole_number(samples, "samples")
        self.width = None if width is None else whole_number(width, "width")
        self._classes = [0] * self.samples
        self._layer = self._classes

    @property
    def distinct(self) -> int:
        """Distinct rows over all layers so far; 1 as long as there was no unit."""
        return len(set(self._classes))

    def add(self, observation: Observation) -> int:
        """Divide the classes by one more layer; returns `distinct`."""
        return read(observation, self)[0]

    def begin(self, units: int) -> None:
        """A layer follows (`Reader`)."""
        self._layer = self._classes

    def take(self, bits: Tensor) -> None:
        """Bits (width * samples, some units) of the layer (`Reader`)."""
        planes = bits.unflatten(0, (-1, self.samples))
        for first in range(0, bits.shape[1], _PIECE):
            sizes = Counter(self._layer)
            together = [s for s, c in enumerate(self._layer) if sizes[c] > 1]
            if not together:
                return
            self._divide(together, planes[:, together, first : first + _PIECE])

    @property
    def packed(self) -> Form:
        """It takes rows (`Reader`)."""
        return ROWS

    def take_packed(self, patterns: Patterns) -> None:
        """The whole layer (`Reader`)."""
        assert patterns.rows is not None
        self._number(range(self.samples), patterns.rows)

    def end(self) -> int:
        """The layer is complete (`Reader`)."""
        self._classes = self._layer
        return self.distinct

    def _divide(self, together: list[int], planes: Tensor) -> None:
        """Classes of the samples `together` by their old class and their bits (width, samples of them, units)."""
        self._number(together, np.packbits(planes.transpose(0, 1).flatten(1).cpu().numpy(), axis=1))

    def _number(self, together: Sequence[int], packed: np.ndarray) -> None:
        """Classes of the samples `together` by their old class and what they show."""
        # A sample that is alone keeps a number of its own, below all new ones.
        classes: list[int] = [-1 - s for s in range(self.samples)]
        numbers: dict[tuple[int, bytes], int] = {}
        for sample, row in zip(together, packed, strict=True):
            key = (self._layer[sample], row.tobytes())
            classes[sample] = numbers.setdefault(key, len(numbers))
        self._layer = classes
