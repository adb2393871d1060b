"""Distinct units of more than 64 bits, by hashes that are checked: the answer is exact."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..needs import torch

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
        found = ((found ^ (found >> 32)) + words[:, place]) * _signed(_FACTORS[place % 4])
    return found


def distinct_words(words: Tensor, *, mix: Callable[[Tensor], Tensor] = mixed) -> Tensor:
    """Distinct rows of words, in no particular order: (units, words) to (fewer, words).

    Sorted by hash, equal units are neighbours, unless a unit with another pattern and the same hash stands between.
    Neighbours with equal hashes are therefore compared word by word; where they differ, a collision has been found, and
    all units with that hash are told apart by their words alone.  The number of rows is exact whatever `mix` does.

    Args:
        words: one row of packed bits per unit.
        mix: hash of every row.

    Example:
        >>> distinct_words(torch.tensor([[1, 2], [1, 3], [1, 2]])).shape[0]
        2
        >>> distinct_words(torch.tensor([[1, 2], [1, 3], [1, 2]]), mix=lambda w: w[:, 0]).shape[0]
        2
    """
    if words.shape[0] < 2:
        return words
    hashes = mix(words)
    order = _order(hashes)
    hashes = hashes[order]
    first = torch.ones_like(hashes, dtype=torch.bool)
    torch.ne(hashes[1:], hashes[:-1], out=first[1:])
    again = torch.nonzero(~first).squeeze(1)
    wrong = again[(words[order[again]] != words[order[again - 1]]).any(1)]
    if not wrong.numel():
        return words[order[first]]
    run = torch.cumsum(first, 0) - 1
    doubtful = torch.zeros(int(run[-1]) + 1, dtype=torch.bool, device=words.device)
    doubtful[run[wrong]] = True
    doubted = doubtful[run]
    apart = torch.unique(words[order[doubted]], dim=0)
    return torch.cat((words[order[first & ~doubted]], apart))


def _order(hashes: Tensor) -> Tensor:
    """A permutation that sorts the hashes; equal ones in any order."""
    if hashes.device.type == "cpu":
        return torch.from_numpy(np.argsort(hashes.numpy()))
    return torch.argsort(hashes)


def _signed(value: int) -> int:
    """The same 64 bits as a signed number."""
    return value - (1 << 64) if value >> 63 else value
