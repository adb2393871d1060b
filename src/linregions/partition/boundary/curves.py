"""Boundaries in the plane as curves: segments joined end to end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError

if TYPE_CHECKING:
    from .record import Boundary


@dataclass(frozen=True, eq=False)
class Curve:
    """A polygonal curve: `points` (points, 2) in domain coordinates and in order, and the `pieces` along it.

    A closed curve comes back from its last point to its first.  The first side of the pieces (g > 0, where they
    cross) is on the left.  An open one ends at the domain's wall, where several curves meet, or at infinity: `start` is
    the direction from the first point to infinity and `end` that from the last, None where the curve ends in a point.
    """

    points: np.ndarray
    closed: bool
    pieces: np.ndarray
    start: np.ndarray | None = None
    end: np.ndarray | None = None

    @property
    def length(self) -> float:
        """Length in domain coordinates, float64; infinite with an end at infinity."""
        if self.start is not None or self.end is not None:
            return float("inf")
        around = np.concatenate([self.points, self.points[: int(self.closed)]])
        return float(np.sqrt((np.diff(around, axis=0) ** 2).sum(axis=1)).sum())


def trace(boundary: Boundary, wanted: np.ndarray) -> list[Curve]:
    """The pieces `wanted` joined into curves; a curve goes on where exactly one piece comes in and one goes out."""
    if boundary.dim != 2:
        raise InputError(f"curves: need a domain of dimension 2, got {boundary.domain!r}; dimension 3 has mesh()")
    segments, piece = boundary.simplices
    keep = np.isin(piece, wanted)
    ends, piece = segments[keep], piece[keep]
    count = len(boundary.points)
    passing = (np.bincount(ends[:, 0], minlength=count) == 1) & (np.bincount(ends[:, 1], minlength=count) == 1)
    leaving = np.full(count, -1)
    leaving[ends[:, 0]] = np.arange(len(ends))
    used = np.zeros(len(ends), dtype=bool)
    # Open curves first, from where they begin; what remains are closed ones.
    begins = np.flatnonzero(~passing[ends[:, 0]])
    found = []
    for first in [*begins.tolist(), *range(len(ends))]:
        if not used[first]:
            chain = _follow(first, ends, leaving, passing, used)
            found.append(_curve(boundary, ends[chain], piece[chain]))
    return found


def _follow(first: int, ends: np.ndarray, leaving: np.ndarray, passing: np.ndarray, used: np.ndarray) -> list[int]:
    chain, at = [], first
    while not used[at]:
        used[at] = True
        chain.append(at)
        to = ends[at, 1]
        if not passing[to]:
            break
        at = int(leaving[to])
    return chain


def _curve(boundary: Boundary, ends: np.ndarray, pieces: np.ndarray) -> Curve:
    order = np.concatenate([ends[:, 0], ends[-1:, 1]])
    # A loop that begins and ends in a meeting point of several curves is closed, too.
    closed = len(order) > 2 and order[0] == order[-1]
    order = order[:-1] if closed else order
    far = boundary.far[order]
    start = boundary.directions[order[0]] if far[0] else None
    end = boundary.directions[order[-1]] if far[-1] else None
    return Curve(boundary.points[order[~far]], bool(closed), pieces, start, end)
