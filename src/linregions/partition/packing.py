"""Patterns as packed bytes."""

from __future__ import annotations

import numpy as np


def field_widths(pieces: np.ndarray) -> np.ndarray:
    """Bits that hold each unit's piece index."""
    return np.array([max(1, int(p - 1).bit_length()) for p in pieces], dtype=np.int64)


def pack(patterns: np.ndarray, pieces: np.ndarray) -> np.ndarray:
    """Patterns (points, units) as packed bytes: per unit the fewest bits that hold its pieces, lowest bit first."""
    widths = field_widths(pieces)
    total = int(widths.sum())
    bits = np.zeros((len(patterns), total), dtype=np.uint8)
    at = np.concatenate([[0], np.cumsum(widths)]).astype(np.int64)
    for k in range(int(widths.max()) if len(widths) else 0):
        has = widths > k
        bits[:, at[:-1][has] + k] = (patterns[:, has] >> k) & 1
    return np.packbits(bits, axis=1, bitorder="little")
