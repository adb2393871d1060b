"""Polygons found one after the other, joined to a complex by the names of their edges and corners."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..partition import Count
from ..partition.polygons import Polygons
from .cells import Cells
from .frame import Frame
from .names import numbered


def polygons_from(parts: Sequence[Cells], frame: Frame, count: Count) -> Polygons:
    """The polygons with their neighbours and joint vertices, in the order of the parts.

    An edge has the same name on both sides and a corner in all polygons that share it; the coordinates of a joint
    vertex are those with the smallest error bound.
    """
    empty = np.zeros(0)
    indptr = np.concatenate([[0], np.cumsum(np.concatenate([p.count for p in parts] or [empty]))]).astype(np.int64)

    def column(field: str, shape: tuple[int, ...], dtype: type) -> np.ndarray:
        rows = [getattr(p, field)[p.inside] for p in parts]
        return np.concatenate(rows or [np.zeros((0, *shape))]).astype(dtype, copy=False)

    units, layers = column("units", (), np.int64), column("layers", (), np.int32)
    vertices, _ = numbered(column("corners", (2,), np.uint64))
    radius = column("radius", (), np.float64)
    best = _best(vertices, radius)
    points = frame.points(column("xy", (2,), np.float64))[best]
    columns = {
        "indptr": indptr,
        "points": points,
        "radii": frame.radii(radius[best], points),
        "neighbours": neighbours(column("edges", (2,), np.uint64), indptr, units),
        "units": units,
        "layers": layers,
        "vertices": vertices,
    }
    for array in columns.values():
        array.flags.writeable = False
    return Polygons(frame.domain, count, **columns)


def neighbours(edges: np.ndarray, indptr: np.ndarray, units: np.ndarray) -> np.ndarray:
    """The region behind every edge: -1 on the border, -2 where no listed region has an edge of that name."""
    numbers, _ = numbered(edges)
    region = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    behind = np.where(units < 0, -1, -2).astype(np.int64)
    inner = np.flatnonzero(units >= 0)
    order = inner[np.argsort(numbers[inner], kind="stable")]
    same = numbers[order[1:]] == numbers[order[:-1]]
    # Exactly two: after doubtful signs an edge can occur more often, and then none of them is sure.
    alone = same & ~np.r_[False, same[:-1]] & ~np.r_[same[1:], False] if len(same) else same
    a, b = order[:-1][alone], order[1:][alone]
    behind[a], behind[b] = region[b], region[a]
    return behind


def _best(vertices: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """For every corner the one of its vertex with the smallest radius."""
    order = np.lexsort((radius, vertices))
    firsts = order[np.r_[True, vertices[order][1:] != vertices[order][:-1]]] if len(order) else order
    return firsts[vertices]
