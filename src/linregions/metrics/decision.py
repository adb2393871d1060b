"""Where the decision changes on a slice: zero lines of differences of outputs, and the border between classes."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from ..checks import whole_number
from ..errors import InputError
from .rings import Rings, rings

if TYPE_CHECKING:
    from ..partition.polygons import Polygons

CHUNK = 2**20  # numbers in one array of values


def decision_boundary_length(p: Polygons, maps: np.ndarray, i: int | None = None, j: int | None = None) -> float:
    """Length of the set of the slice where the decision changes, in float64.

    Without `i`, the border between the classes of argmax: where the two largest outputs agree.  With `i` and `j`, where
    f_i = f_j; with `i` alone, where f_i = 0.  Outputs are counted from 0.  The network is affine on every region, so in
    a region it is a segment (for the argmax, segments), found from the values at the corners.  It is the border of the
    part of a region where the difference is positive: a difference that vanishes along an edge counts once if it
    changes sign there and twice if it is positive on both sides, and one that vanishes on a whole region has no line
    in it.  Where three or more largest outputs agree along a whole line, every pair of them counts.

    Args:
        p: polygons of a slice.
        maps: (regions, outputs, 3), as `slice_maps` gives them.
        i: an output; None for the argmax.
        j: another output, or None.

    Returns:
        Length in units of the input space.  `Partition.decision_boundary` is the exact route for one pair.

    Raises:
        InputError: an output does not exist, both are the same, `maps` does not fit, or there is only one class.

    Example:
        >>> from linregions import Box, Network, enumerate_regions
        >>> from linregions.metrics import slice_maps
        >>> diamond = [([[1, 0], [-1, 0], [0, 1], [0, -1]], [0, 0, 0, 0]), ([[-1, -1, -1, -1]], [1])]
        >>> partition = enumerate_regions(Network.from_arrays(diamond), Box.cube(-2, 2, 2))
        >>> round(decision_boundary_length(partition.polygons, slice_maps(partition), 0), 6)
        5.656854
    """
    r, maps = rings(p), np.asarray(maps)
    if maps.ndim != 3 or maps.shape[0] != len(r) or maps.shape[2] != 3:
        raise InputError(f"maps: expected ({len(r)}, outputs, 3) as slice_maps gives them, got shape {maps.shape}")
    outputs = maps.shape[1]
    if i is None:
        if j is not None or outputs < 2:
            raise InputError("i: must be an output where j is given or where there is one class, got None")
        return _argmax_length(r, maps)
    i = whole_number(i, "i", least=0, most=outputs - 1)
    rows = maps[:, i]
    if j is not None:
        j = whole_number(j, "j", least=0, most=outputs - 1)
        if i == j:
            raise InputError(f"j: is the output {i} itself, and f_i = f_i everywhere; give another one")
        rows = rows - maps[:, j]
    _, start, end = _segments(r, np.arange(len(r)), rows)
    return float(np.hypot(*(end - start).T).sum())


def _segments(r: Rings, cells: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where a line rows[k].(x, y, 1) = 0 passes through region cells[k]: the regions (as k), and both ends (n, 2)."""
    sizes = r.sizes[cells]
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    number = np.repeat(np.arange(len(cells)), sizes)
    at = r.indptr[cells][number] + np.arange(len(number)) - first[number]
    after = r.following[at]
    values, following = (_values(r, number, where, rows) for where in (at, after))
    crossing = np.flatnonzero((values > 0) != (following > 0))
    part = (values / np.where(values == following, 1.0, values - following))[crossing, None]
    points = r.xy[at[crossing]] + part * (r.xy[after[crossing]] - r.xy[at[crossing]])
    owner = number[crossing]
    # A line enters and leaves a convex polygon once.
    found, begin, count = np.unique(owner, return_index=True, return_counts=True)
    two = count == 2
    return found[two], points[begin[two]], points[begin[two] + 1]


def _values(r: Rings, number: np.ndarray, at: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->i", r.xy[at], rows[number, :2]) + rows[number, 2]


def _argmax_length(r: Rings, maps: np.ndarray) -> float:
    """Over pairs of classes: the segments on which they agree, cut to where no other class is larger."""
    cells = _undecided(r, maps)
    total = 0.0
    step = max(1, CHUNK // maps.shape[1])
    for a in range(0, len(cells), step):
        some = cells[a : a + step]
        for i, j in combinations(range(maps.shape[1]), 2):
            total += _pair_length(r, some, maps[some], i, j)
    return total


def _undecided(r: Rings, maps: np.ndarray) -> np.ndarray:
    """The regions whose corners do not all have one largest output; in all others one class is largest throughout."""
    mixed = np.zeros(len(r), dtype=bool)
    step = max(1, CHUNK // maps.shape[1])
    winners = np.empty(len(r.xy), dtype=np.int64)
    for a in range(0, len(r.xy), step):
        of = maps[r.owner[a : a + step]]
        winners[a : a + step] = np.argmax(
            np.einsum("ijk,ik->ij", of[:, :, :2], r.xy[a : a + step]) + of[:, :, 2], axis=1
        )
    mixed[r.owner[winners != winners[r.following]]] = True
    return np.flatnonzero(mixed)


def _pair_length(r: Rings, cells: np.ndarray, maps: np.ndarray, i: int, j: int) -> float:
    """Length of f_i = f_j >= all others in the regions `cells`, whose maps these are."""
    found, start, end = _segments(r, cells, maps[:, i] - maps[:, j])
    if not len(found):
        return 0.0
    others = [k for k in range(maps.shape[1]) if k not in (i, j)]
    lead = maps[found, i][:, None] - maps[found][:, others]
    one, two = (np.einsum("ijk,ik->ij", lead[:, :, :2], point) + lead[:, :, 2] for point in (start, end))
    with np.errstate(all="ignore"):
        zero = one / (one - two)
    low = np.where((one < 0) & (two >= 0), zero, 0.0).max(axis=1, initial=0.0)
    high = np.where((one >= 0) & (two < 0), zero, 1.0).min(axis=1, initial=1.0)
    high = np.where(((one < 0) & (two < 0)).any(axis=1), 0.0, high)
    return float(np.hypot(*(end - start).T) @ np.maximum(high - low, 0.0))
