"""Names of corners and edges: 128 bits made from the history of cuts, equal on both sides of an edge.

The function before an activation is continuous, so a unit crosses an edge at the same point whichever of the two cells
is cut.  Cells on either side are cut at different times; that they name a point alike is what joins them, and
no coordinate is compared.  Two different things share a name with a probability below 1e-20 for 10^8 names.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_LANES = np.array([0x9E3779B97F4A7C15, 0xD1B54A32D192ED03], dtype=np.uint64)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def name(base: np.ndarray, *parts: Any) -> np.ndarray:
    """Names (..., 2) uint64 from other names and whole numbers (...)."""
    out = base.copy()
    for part in parts:
        out = _mixed(out * _LANES + np.asarray(part, dtype=np.int64).astype(np.uint64)[..., None] + _LANES)
    return out


def _mixed(x: np.ndarray) -> np.ndarray:
    # The finaliser of the generator SplitMix64 (Steele, Lea, Flood 2014).
    x = (x ^ (x >> np.uint64(30))) * _FIRST
    x = (x ^ (x >> np.uint64(27))) * _SECOND
    return x ^ (x >> np.uint64(31))


def numbered(names: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Equal names (count, 2) get equal numbers, in order of first occurrence; and where each number occurs first."""
    keys = np.ascontiguousarray(names).view([("a", np.uint64), ("b", np.uint64)]).ravel()
    _, first, number = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[number.ravel()], first[order]
