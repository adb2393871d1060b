"""Simplices under bisection: where their vertices are, floats with bounds, and dyadic parts of the root's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import gcd, lcm
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Active:
    """Simplices not yet decided, all at the same number of bisections.

    Args:
        root: (m,) the simplex given to `prove` that each one is a part of.
        node: (m,) its node in the trees.
        points, errors: (m, n+1, q) vertices and bounds of their errors.
        parts: (m, n+1, n+1) int64: row i holds the barycentric coordinates of vertex i in the root, times the sum of
            the row, which is a power of two.
        origin: (m,) position of the vertex 0, or -1.
        mask: (m, n+1) bool, the vertices of the face that is claimed.
        focus: (m, n+1) bool, the vertices among which the edge to bisect is chosen.
        extra: (m,) levels spent below the simplex where a violation was found, -1 where none was.
    """

    root: Array
    node: Array
    points: Array
    errors: Array
    parts: Array
    origin: Array
    mask: Array
    focus: Array
    extra: Array

    @property
    def count(self) -> int:
        """How many simplices."""
        return len(self.root)

    def __getitem__(self, chosen: Any) -> Active:
        return Active(*(getattr(self, f.name)[chosen] for f in fields(self)))


def joined(pieces: Sequence[Active]) -> Active:
    """Several blocks as one."""
    return Active(*(np.concatenate([getattr(p, f.name) for p in pieces]) for f in fields(Active)))


def bisected(active: Active, i: Array, j: Array, left: Array, right: Array) -> Active:
    """Both halves of every simplex: the midpoint of the edge (i, j) replaces j in the left half, i in the right half.

    The midpoint's float is `(a + b) / 2`; what the sum rounds off is computed exactly (two-sum) and added to the error
    bound, so that vertices that are floats stay known without error.
    """
    every = np.arange(active.count)
    a, b = active.points[every, i], active.points[every, j]
    total = a + b
    part = total - a
    lost = np.abs((a - (total - part)) + (b - part))
    middle = total / 2
    errors = (active.errors[every, i] + active.errors[every, j] + lost) * (0.5 * (1 + 2.0**-50))
    errors += np.where(np.abs(total) < 2.0**-1000, np.where(total == 0, 0.0, 2.0**-1074), 0.0)  # halving may underflow
    rows = middle_row(active.parts[every, i], active.parts[every, j])
    halves = []
    for node, replaced in ((left, j), (right, i)):
        points, spread, parts = active.points.copy(), active.errors.copy(), active.parts.copy()
        points[every, replaced], spread[every, replaced], parts[every, replaced] = middle, errors, rows
        origin = np.where(active.origin == replaced, -1, active.origin)
        halves.append(
            Active(active.root, node, points, spread, parts, origin, active.mask, active.mask.copy(), active.extra)
        )
    return joined(halves)


def middle_row(a: Array, b: Array) -> Array:
    """Barycentric integers of midpoints, from rows with sums that are powers of two."""
    sums = a.sum(axis=1), b.sum(axis=1)
    common = np.maximum(*sums)
    return a * (common // sums[0])[:, None] + b * (common // sums[1])[:, None]


def integer_vertices(root: Sequence[Sequence[int]], parts: Array) -> list[list[int]]:
    """Homogeneous integer vertices of a part of a simplex.

    Args:
        root: the vertices `[Y_1, ..., Y_q, w]` of the whole.
        parts: (n+1, n+1) barycentric integers of the part's vertices.
    """
    if np.array_equal(parts.sum(axis=1), np.ones(len(parts))):  # corners of the whole, as in every undivided simplex
        return [list(map(int, root[k])) for k in parts.argmax(axis=1).tolist()]
    common = lcm(*(int(row[-1]) for row in root))
    scaled = [[int(c) * (common // int(row[-1])) for c in row] for row in root]
    out = []
    for weights in parts.tolist():
        if sum(weights) == 1:
            out.append([int(c) for c in root[weights.index(1)]])
        else:
            row = [sum(b * row[c] for b, row in zip(weights, scaled, strict=True) if b) for c in range(len(scaled[0]))]
            common_factor = gcd(*row)
            out.append([c // common_factor for c in row])
    return out
