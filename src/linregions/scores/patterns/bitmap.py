"""A table with one place for every pattern there can be: for up to 24 bits."""

from __future__ import annotations

import numpy as np

from ... import _core
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
        self._clear = False  # whether the layer's table holds nothing of another layer
        self._codes: np.ndarray | None = None
        self._stamps: np.ndarray | None = None  # the table of a layer of codes: those there bear the layer's stamp
        self._stamp = 0

    @property
    def bytes(self) -> int:
        """Memory held."""
        return self.places * sum(table is not None for table in (self._union, self._layer, self._stamps))

    @property
    def code_bits(self) -> int:
        """The width of the codes that `put_codes` takes; 0 while the union is on an accelerator."""
        place = self._device if self._union is None else self._union.device
        return 32 if place is None or torch.device(place).type == "cpu" else 0

    @property
    def distinct(self) -> int:
        """Patterns of all layers."""
        return 0 if self._union is None else settled(tally(self._union))[0]

    def begin(self, units: int) -> None:
        """A layer of `units` units follows."""
        self._few = [] if self.places > _SMALL_TABLE and units < self.places // _SPARSE else None
        self._clear, self._codes = False, None

    def put(self, rows: Tensor) -> None:
        """Byte rows (bytes, some units)."""
        found = codes(rows)
        if self._few is not None:
            self._few.append(found)
            return
        if self._layer is None or self._layer.device != found.device:
            self._layer = torch.zeros(self.places, dtype=torch.bool, device=found.device)
        elif not self._clear:
            self._layer.zero_()
        self._clear = True
        self._layer.index_fill_(0, found, True)

    def put_codes(self, codes: np.ndarray) -> None:
        """One code per unit, (units,) of uint32, of all units of the layer."""
        self._codes = codes

    def end(self) -> Number:
        """The layer's patterns, which now belong to the union."""
        if self._codes is not None:
            codes, self._codes = self._codes, None
            return self._end_codes(codes)
        if self._few is not None:
            return self._end_few()
        if self._layer is None or not self._clear:
            return 0
        union = self._table(self._layer.device)
        union.logical_or_(self._layer.to(union.device))
        return tally(self._layer)

    def merge(self, other: Bitmap) -> None:
        """The union of both."""
        if other._union is not None:
            union = self._table(other._union.device)
            union.logical_or_(other._union.to(union.device))

    def _end_codes(self, codes: np.ndarray) -> int:
        if self._stamps is None or self._stamp == 255:
            self._stamps, self._stamp = np.zeros(self.places, np.uint8), 0
        self._stamp += 1
        union = self._table(torch.device("cpu")).view(torch.uint8).numpy()
        return _core.mark_codes(codes, union, self._stamps, self._stamp, self.places.bit_length() - 1)

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
