"""Words of 64 bits per unit: each layer's distinct ones, and their union."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np

from ..needs import torch
from . import host
from .tally import Number

Tensor = torch.Tensor

# The union is put in order when so many words, and as many as it has, wait outside it: each word is then sorted a
# logarithmic number of times, and memory stays within twice the distinct words.
_WAITING = 2**20


class Packed:
    """A set of words; a unit has one or several.

    Args:
        encode: byte rows (bytes, units) to (units, words) of int64.
        distinct: (units, words) to the distinct ones among them; it may use its argument up.
        device: where the union is kept; None: where the first layer is.
        one_word: units are their bits, in one word.
    """

    def __init__(
        self,
        encode: Callable[[Tensor], Tensor],
        distinct: Callable[[Tensor], Tensor],
        *,
        device: torch.device | None = None,
        one_word: bool = False,
    ) -> None:
        self._one_word = one_word
        self._encode, self._distinct, self._device = encode, distinct, device
        self._units = self._filled = 0
        self._layer: Tensor | None = None
        self._union: Tensor | None = None
        self._waiting: list[Tensor] = []

    @property
    def bytes(self) -> int:
        """Memory held."""
        held = [*self._waiting, *(t for t in (self._union, self._layer) if t is not None)]
        return sum(tensor.numel() * tensor.element_size() for tensor in held)

    @property
    def distinct(self) -> int:
        """Patterns of all layers."""
        self._gather()
        return 0 if self._union is None else self._union.shape[0]

    def begin(self, units: int) -> None:
        """A layer of `units` units follows."""
        self._units, self._filled, self._layer = units, 0, None

    def put(self, rows: Tensor) -> None:
        """Byte rows (bytes, some units)."""
        found = self._encode(rows)
        if self._layer is None:
            self._layer = torch.empty((self._units, found.shape[1]), dtype=torch.int64, device=found.device)
        self._layer[self._filled : self._filled + found.shape[0]] = found
        self._filled += found.shape[0]

    @property
    def code_bits(self) -> int:
        """The width of the codes that `put_codes` takes; 0 if it takes none."""
        # Elsewhere the bytes of a word lie in another order than those of a code.
        return 64 if self._one_word and sys.byteorder == "little" else 0

    def put_codes(self, codes: np.ndarray) -> None:
        """One code per unit, of all units of the layer."""
        self._layer = torch.from_numpy(codes.view(np.int64)).unsqueeze(1)

    def end(self) -> Number:
        """The layer's patterns, which now belong to the union."""
        if self._layer is None:
            return 0
        layer, self._layer = self._layer, None
        return self._take(self._distinct(layer))

    def merge(self, other: Packed) -> None:
        """The union of both."""
        for tensor in (other._union, *other._waiting):
            if tensor is not None:
                self._take(tensor)

    def _take(self, found: Tensor) -> int:
        self._device = self._device or found.device
        self._waiting.append(found.to(self._device))
        held = 0 if self._union is None else self._union.shape[0]
        if sum(tensor.shape[0] for tensor in self._waiting) > max(held, _WAITING):
            self._gather()
        return found.shape[0]

    def _gather(self) -> None:
        if not self._waiting:
            return
        every = [*self._waiting] if self._union is None else [self._union, *self._waiting]
        self._waiting = []
        self._union = every[0] if len(every) == 1 else self._distinct(torch.cat(every))


def distinct_single(words: Tensor) -> Tensor:
    """Distinct ones among words, (units, 1) to (fewer, 1), ascending; `words` itself is sorted.

    Example:
        >>> distinct_single(torch.tensor([[5], [-1], [5]])).tolist()
        [[-1], [5]]
    """
    if not host.on_cpu(words):
        return torch.unique(words.flatten()).unsqueeze(1)
    # numpy sorts whole numbers with vector instructions: 6 million in a tenth of torch's time.
    array = words.numpy().reshape(-1)
    array.sort()
    first = np.empty(array.size, dtype=bool)
    first[:1] = True
    np.not_equal(array[1:], array[:-1], out=first[1:])
    return torch.from_numpy(array[first]).unsqueeze(1)
