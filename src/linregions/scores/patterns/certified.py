"""Distinct units of more than 64 bits, by hashes that are checked: the answer is exact."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..needs import torch
from . import host

Tensor = torch.Tensor

# Odd numbers without structure (the first 64 bits after the point of the square roots of 2, 3, 5, 7, made odd).
# Which they are decides about speed alone: equal hashes are never believed.
_FACTORS = (0x6A09E667F3BCC909, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1)


def mixed(words: Tensor) -> Tensor:
    """A hash of 64 bits per unit: (units, words) to (units,).

    Every step is a bijection of the hash so far, so units that differ in one word only have different hashes.
    """
    found = words[:, 0] * _signed(_FACTORS[0])
    for place in range(1, words.shape[1]):
        found = (folded(found) + words[:, place]) * _signed(_FACTORS[place % 4])
    return found


def distinct_words(words: Tensor, *, mix: Callable[[Tensor], Tensor] = mixed) -> Tensor:
    """Distinct rows of words, in no particular order: (units, words) to (fewer, words).

    What is sorted is one number per unit: the upper bits of its hash, then the unit's place.  Equal units become
    neighbours, unless a unit with another pattern and the same hash bits stands between.  Neighbours with equal hash
    bits are therefore compared word by word; where they differ, a collision has been found, and all units with these
    hash bits are told apart by their words alone.  The rows are exact whatever `mix` does.

    Args:
        words: one row of packed bits per unit.
        mix: hash of every row.

    Example:
        >>> distinct_words(torch.tensor([[1, 2], [1, 3], [1, 2]])).tolist()
        [[1, 2], [1, 3]]
        >>> distinct_words(torch.tensor([[1, 2], [1, 3], [1, 2]]), mix=lambda w: w[:, 0]).shape[0]
        2
    """
    units = words.shape[0]
    if units < 2:
        return words
    bits = (units - 1).bit_length()
    low = (1 << bits) - 1
    # Places in the keys save sorting with a permutation, which takes several times as long as sorting numbers.
    keys = _sorted(mix(words).bitwise_and(~low).bitwise_or_(torch.arange(units, device=words.device)))
    same = ((keys[1:] ^ keys[:-1]) >> bits) == 0
    again = _places(same)
    before, after = _pick(keys, again) & low, _pick(keys, again + 1) & low
    collided = (_pick(words, before) != _pick(words, after)).any(1)
    keep = torch.ones(units, dtype=torch.bool, device=words.device)
    keep[after] = False
    if not bool(collided.any()):
        return _pick(words, _places(keep))
    run = torch.cat((torch.zeros_like(keys[:1]), torch.cumsum(~same, 0)))
    doubtful = torch.zeros_like(keep)
    doubtful[run[again[collided]]] = True
    doubted = keys[doubtful[run]] & low
    keep[doubted] = False
    return torch.cat((_pick(words, _places(keep)), torch.unique(words[doubted], dim=0)))


def folded(hashes: Tensor) -> Tensor:
    """The upper half of every number joined to its lower half: a bijection, because the shift fills in zeros."""
    return hashes ^ (hashes >> 32 & 0xFFFFFFFF)


# On a CPU numpy sorts, finds and gathers in a tenth to a third of torch's time.


def _sorted(keys: Tensor) -> Tensor:
    """The keys in ascending order; `keys` itself is used up."""
    if host.on_cpu(keys):
        keys.numpy().sort()
        return keys
    return torch.sort(keys).values


def _pick(rows: Tensor, places: Tensor) -> Tensor:
    """Rows by their places."""
    if host.on_cpu(rows):
        return torch.from_numpy(np.take(rows.numpy(), places.numpy(), axis=0))
    return rows.index_select(0, places)


def _places(mask: Tensor) -> Tensor:
    """Where a mask is true."""
    if host.on_cpu(mask):
        return torch.from_numpy(np.flatnonzero(mask.numpy()))
    return torch.nonzero(mask).squeeze(1)


def _signed(value: int) -> int:
    """The same 64 bits as a signed number."""
    return value - (1 << 64) if value >> 63 else value
