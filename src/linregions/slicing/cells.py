"""Many convex polygons as padded arrays, and cutting them by lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True, eq=False)
class Cells:
    """Convex polygons with at most K corners each, counter-clockwise; what stands after a polygon's last is padding.

    Edge k runs from corner k to the next.  `radius` bounds the distance of a corner (largest coordinate) from the true
    one; `lines` are the edges' functions [c, a, b, error], the line being c + a s + b t = 0 with c + a s + b t known up
    to `error` on the slice; `corners` and `edges` are names; `units` and `layers` what the edge lies on (-1: border).
    """

    count: np.ndarray  # (cells,)
    xy: np.ndarray  # (cells, K, 2)
    radius: np.ndarray  # (cells, K)
    lines: np.ndarray  # (cells, K, 4)
    corners: np.ndarray  # (cells, K, 2) uint64
    edges: np.ndarray  # (cells, K, 2) uint64
    units: np.ndarray  # (cells, K)
    layers: np.ndarray  # (cells, K)

    def __len__(self) -> int:
        return len(self.count)

    @property
    def width(self) -> int:
        """K."""
        return self.xy.shape[1]

    @property
    def inside(self) -> np.ndarray:
        """Which entries are corners, (cells, K)."""
        return np.arange(self.width) < self.count[:, None]

    def take(self, which: np.ndarray | slice) -> Cells:
        """Some of the polygons, with no more padding than they need."""
        count = self.count[which]
        width = int(count.max(initial=0))
        return Cells(count, *(getattr(self, f.name)[which, :width] for f in fields(self)[1:]))

    def basis(self) -> np.ndarray:
        """[1, s, t] of every corner, (cells, K, 3); the first corner where there is padding."""
        xy = np.where(self.inside[:, :, None], self.xy, self.xy[:, :1])
        return np.concatenate([np.ones((*xy.shape[:2], 1)), xy], axis=2)

    def areas(self) -> np.ndarray:
        """Areas (cells,), by the shoelace formula around the first corner."""
        xy = np.where(self.inside[:, :, None], self.xy, self.xy[:, :1]) - self.xy[:, :1]
        after = np.roll(xy, -1, axis=1)
        return (xy[:, :, 0] * after[:, :, 1] - after[:, :, 0] * xy[:, :, 1]).sum(axis=1) / 2

    def nbytes(self) -> int:
        """Bytes that they take."""
        return sum(getattr(self, f.name).nbytes for f in fields(self))


def joined(parts: Sequence[Cells]) -> Cells:
    """All polygons of the parts, in order."""
    if len(parts) == 1:
        return parts[0]
    width = max(p.width for p in parts)
    columns = []
    for f in fields(Cells):
        arrays = [getattr(p, f.name) for p in parts]
        if f.name != "count":
            arrays = [np.pad(a, [(0, 0), (0, width - a.shape[1]), *[(0, 0)] * (a.ndim - 2)]) for a in arrays]
        columns.append(np.concatenate(arrays))
    return Cells(*columns)
