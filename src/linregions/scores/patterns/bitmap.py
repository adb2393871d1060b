"""A table with one place for every pattern there can be: for up to 24 bits."""

from __future__ import annotations

from ..needs import torch
from .packing import codes
from .tally import Number, settled, tally

Tensor = torch.Tensor

MOST_BITS = 24
# A layer with fewer units than the table has places / 16 is sorted instead: clearing and counting the whole table
# would take longer.  Up to 2^18 places either takes some microseconds.
_SMALL_TABLE = 2**18
_SPARSE = 16


class Bitmap:
    """Presence of every pattern of `bits` bits; memory does not depend on the number of units.

    One table for the layer, one for the union, with a byte per place: a byte can be written without reading its
    neighbours, so the order of the units and the number of threads do not matter.
    """

    def __init__(self, bits: int, *, device: torch.device | None = None) -> None:
        self.places, self._device = 1 << bits, device
        self._union: Tensor | None = None
        self._layer: Tensor | None = None
        self._few: list[Tensor] | None = None

    @property
    def bytes(self) -> int:
        """Memory held."""
        return self.places * sum(table is not None for table in (self._union, self._layer))

    @property
    def distinct(self) -> int:
        """Patterns of all layers."""
        return 0 if self._union is None else settled(tally(self._union))[0]

    def begin(self, units: int) -> None:
        """A layer of `units` units follows."""
        self._few = [] if self.places > _SMALL_TABLE and units < self.places // _SPARSE else None
        if self._layer is not None and self._few is None:
            self._layer.zero_()

    def put(self, rows: Tensor) -> None:
        """Byte rows (bytes, some units)."""
        found = codes(rows)
        if self._few is not None:
            self._few.append(found)
            return
        if self._layer is None or self._layer.device != found.device:
            self._layer = torch.zeros(self.places, dtype=torch.bool, device=found.device)
        self._layer.index_fill_(0, found, True)

    def end(self) -> Number:
        """The layer's patterns, which now belong to the union."""
        if self._few is not None:
            return self._end_few()
        if self._layer is None:
            return 0
        union = self._table(self._layer.device)
        union.logical_or_(self._layer.to(union.device))
        return tally(self._layer)

    def merge(self, other: Bitmap) -> None:
        """The union of both."""
        if other._union is not None:
            union = self._table(other._union.device)
            union.logical_or_(other._union.to(union.device))

    def _end_few(self) -> int:
        few, self._few = self._few, None
        if not few:
            return 0
        found = torch.unique(torch.cat(few))
        union = self._table(found.device)
        union.index_fill_(0, found.to(union.device), True)
        return found.numel()

    def _table(self, device: torch.device) -> Tensor:
        if self._union is None:
            self._union = torch.zeros(self.places, dtype=torch.bool, device=self._device or device)
        return self._union
