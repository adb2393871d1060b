"""Bits of many units packed into bytes and words, vectorised along the units."""

from __future__ import annotations

import numpy as np

from ..needs import torch
from . import host
from .tally import Number, tally

Tensor = torch.Tensor

# Below so many bits numpy's smaller cost of a call outweighs torch's faster additions.
_FEW = 2**17


def byte_rows(bits: Tensor) -> Tensor:
    """Eight rows of bits in one row of bytes: (rows, units) of 0 and 1 to (ceil(rows / 8), units).

    Bit k of byte row j is row 8 j + k.  Three additions, each of half the rows, whatever their number; a few more for
    the rows beyond the last multiple of eight.

    Example:
        >>> byte_rows(torch.tensor([[1, 0], [1, 1], [0, 1]], dtype=torch.uint8)).tolist()
        [[3, 6]]
    """
    full = bits.shape[0] // 8 * 8
    parts = []
    if full:
        few = bits.numel() < _FEW and host.on_cpu(bits)
        parts.append(torch.from_numpy(_halved(bits[:full].numpy())) if few else _added(bits[:full]))
    if full < bits.shape[0]:
        last = bits[full]
        for place in range(1, bits.shape[0] - full):
            last = torch.add(last, bits[full + place], alpha=1 << place)
        parts.append(last.unsqueeze(0))
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _added(bits: Tensor) -> Tensor:
    for weight in (2, 4, 16):
        bits = torch.add(bits[0::2], bits[1::2], alpha=weight)
    return bits


def _halved(bits: np.ndarray) -> np.ndarray:
    """The same by numpy: doubling is an addition, because its shifts of bytes are slower."""
    for doublings in (1, 2, 4):
        upper = bits[1::2] + bits[1::2]
        for _ in range(doublings - 1):
            upper += upper
        upper += bits[0::2]
        bits = upper
    return bits


def codes(rows: Tensor) -> Tensor:
    """One whole number per unit, byte row j times 256^j: (byte rows, units) to (units,), at most seven rows.

    Example:
        >>> codes(torch.tensor([[3, 6], [1, 0]], dtype=torch.uint8)).tolist()
        [259, 6]
    """
    if host.on_cpu(rows):
        array = rows.numpy()
        code = array[-1].astype(np.int64)
        for row in array[-2::-1]:
            code <<= 8
            code |= row
        return torch.from_numpy(code)
    number = rows[0].to(torch.int64)
    for place in range(1, rows.shape[0]):
        number = torch.add(number, rows[place], alpha=256**place)
    return number


def word_count(bits: int) -> int:
    """How many words of 64 bits so many bits take."""
    return -(-bits // 64)


def words(rows: Tensor) -> Tensor:
    """All bytes of a unit side by side, in words of 64 bits: (byte rows, units) to (units, words).

    Bits that no row fills are 0.  The order of the bytes in a word is the machine's; equal units have equal words,
    which is all that counting needs.

    Example:
        >>> words(torch.tensor([[3, 6], [0, 0]], dtype=torch.uint8)).shape
        torch.Size([2, 1])
    """
    missing = -rows.shape[0] % 8
    columns = [*rows.unbind()]
    if missing:
        columns += [torch.zeros_like(rows[0])] * missing
    return torch.stack(columns, 1).view(torch.int64)


def alive_and_on(rows: Tensor, samples: int) -> tuple[Number, Number]:
    """How many units have any bit, and how many have each of the first `samples` bits.

    Example:
        >>> alive_and_on(torch.tensor([[7, 6, 0], [0, 0, 0]], dtype=torch.uint8), 3)
        (2, 1)
    """
    whole, rest = divmod(samples, 8)
    mask = (1 << rest) - 1
    if host.on_cpu(rows):
        # Layers may be small: numpy's calls cost a fraction of torch's.
        array = rows.numpy()
        full = np.bitwise_and.reduce(array[:whole], axis=0)
        if rest:
            full &= array[whole] | np.uint8(255 - mask)
        return int(np.count_nonzero(np.bitwise_or.reduce(array, axis=0))), int(np.count_nonzero(full == 255))
    last = [rows[whole : whole + 1] | (255 - mask)] if rest else []
    return tally(rows.amax(0)), tally(torch.cat([rows[:whole], *last]).amin(0) == 255)
