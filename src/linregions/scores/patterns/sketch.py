"""The k smallest hashes: an estimate of the number of distinct patterns in memory that never grows."""

from __future__ import annotations

import math

from ..needs import torch
from .certified import folded
from .hashed import RandomSums
from .packed import distinct_single

Tensor = torch.Tensor

LEVEL = 0.95


class Sketch:
    """The `minima` smallest distinct hashes of each layer and of all layers (k minimum values).

    With D distinct patterns and U the k-th smallest of their hashes, as a fraction of the range of hashes, the estimate
    is (k - 1) / U, with a relative error of about 1 / sqrt(k - 2).  With fewer than k hashes, their number.

    Args:
        sums: the hash.
        minima: k, at least 3.

    Reference:
        Bar-Yossef, Jayram, Kumar, Sivakumar, Trevisan 2002, Counting distinct elements in a data stream, algorithm 1;
        Beyer, Haas, Reinwald, Sismanis, Gemulla 2007, On synopses for distinct-value estimation under multiset
        operations (the unbiased estimate and its error).
    """

    def __init__(self, sums: RandomSums, *, minima: int) -> None:
        self._sums, self._minima = sums, minima
        self._layer: Tensor | None = None
        self._union: Tensor | None = None

    @property
    def bytes(self) -> int:
        """Memory held."""
        return sum(8 * t.numel() for t in (self._layer, self._union) if t is not None)

    @property
    def distinct(self) -> int:
        """The estimate over all layers."""
        return round(self._estimate(self._union))

    @property
    def ends(self) -> tuple[int, int]:
        """An interval for the number of distinct patterns, of confidence `LEVEL`.

        D U is distributed as the k-th arrival of a Poisson process where D is large.
        """
        from scipy.special import gammaincinv

        kept = self._union
        if kept is None or kept.numel() < self._minima:
            return self.distinct, self.distinct
        low, high = gammaincinv(self._minima, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) / _fraction(kept[-1])
        return max(self._minima, math.floor(low)), math.ceil(high)

    def begin(self, units: int) -> None:
        """A layer of `units` units follows."""
        self._layer = None

    def put(self, rows: Tensor) -> None:
        """Byte rows (bytes, some units)."""
        found = _scrambled(self._sums(rows).flatten())
        if self._layer is not None and self._layer.numel() == self._minima:
            found = found[found < self._layer[-1]]
        self._layer = self._smallest(self._layer, found)

    def end(self) -> int:
        """The estimate for the layer, which now belongs to the union."""
        layer, self._layer = self._layer, None
        if layer is not None:
            self._union = self._smallest(self._union, layer)
        return round(self._estimate(layer))

    def merge(self, other: Sketch) -> None:
        """The union of both; they must have the same seed and `minima`."""
        if other._union is not None:
            self._union = self._smallest(self._union, other._union)

    def _smallest(self, kept: Tensor | None, found: Tensor) -> Tensor:
        every = found if kept is None else torch.cat((kept, found.to(kept.device)))
        return distinct_single(every.unsqueeze(1)).flatten()[: self._minima].clone()

    def _estimate(self, kept: Tensor | None) -> float:
        if kept is None or kept.numel() < self._minima:
            return 0 if kept is None else kept.numel()
        return (self._minima - 1) / _fraction(kept[-1])


def _fraction(value: Tensor) -> float:
    """A signed hash as a fraction of the range of hashes."""
    return (int(value) + 2**63 + 1) / 2**64


def _scrambled(hashes: Tensor) -> Tensor:
    """A bijection that takes the structure out of random sums: x + y = z + w would otherwise hold for their hashes."""
    for factor in (0x6A09E667F3BCC909, 0x3C6EF372FE94F82B):
        hashes = folded(hashes) * factor
    return folded(hashes)
