"""Polytopes into simplices that agree on common faces, and determinants whose signs are certain."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np

from ..geometry import determinant
from .cells import CellComplex, Lists

# Half the distance from 1 to the next float64.
UNIT = 2.0**-53

# A point x + y M, with M beyond every number.
FarPoint = tuple[Sequence[Fraction], Sequence[Fraction]]


def triangulate(cells: CellComplex, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All k-dimensional cells as simplices, without new vertices (pulling triangulation).

    A cell is the cone from its lowest-numbered vertex over its facets that do not have that vertex, each triangulated
    so.  It follows that two cells cut a common face in the same way.

    Returns:
        Vertices (simplices, k + 1), the cell of each simplex, and per simplex 1 or -1: times the orientation in which
        its vertices are listed it is the orientation of its cell (the one that the incidence numbers are of).
    """
    return pulling(cells.cells[0].items, cells.facets[: k + 1], cells.signs)


def pulling(
    points: np.ndarray, facets: Sequence[Lists], signs: Sequence[np.ndarray] | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same for the cells that `facets[-1]` lists the facets of; without incidence numbers all signs are 1.

    `points` (0-cells,) holds the vertex of every 0-cell; vertices are pulled in ascending order.
    """
    simplices = points.reshape(-1, 1)
    owner, sign = np.arange(len(simplices)), np.ones(len(simplices), dtype=np.int8)
    lowest = points
    for j in range(1, len(facets)):
        cell, items = facets[j].owners, facets[j].items
        incidence = np.ones(len(items), dtype=np.int8) if signs is None else signs[j]
        # The lowest vertex of a cell is that of every facet which has it.
        below = lowest
        lowest = np.full(len(facets[j]), np.iinfo(np.int64).max)
        np.minimum.at(lowest, cell, below[items])
        opposite = below[items] != lowest[cell]
        cell, facet, incidence = cell[opposite], items[opposite], incidence[opposite]
        order = np.argsort(owner, kind="stable")
        counts = np.bincount(owner, minlength=len(facets[j - 1]))
        start = np.concatenate([[0], np.cumsum(counts)])
        repeat = counts[facet]
        inside = np.arange(int(repeat.sum())) - np.repeat(np.cumsum(repeat) - repeat, repeat)
        taken = order[np.repeat(start[facet], repeat) + inside]
        owner = np.repeat(cell, repeat)
        simplices = np.concatenate([lowest[owner][:, None], simplices[taken]], axis=1)
        sign = np.repeat(incidence, repeat) * sign[taken]
    order = np.argsort(owner, kind="stable")
    return simplices[order], owner[order], sign[order]


def simplex_volumes(points: np.ndarray, simplices: np.ndarray) -> np.ndarray:
    """Volumes of simplices (simplices, k + 1) of points (points, dim) in their own dimension, float64.

    Infinite where a point or the volume is beyond float64.
    """
    k = simplices.shape[1] - 1
    if k == 0:
        return np.ones(len(simplices))
    with np.errstate(all="ignore"):
        edges = points[simplices[:, 1:]] - points[simplices[:, :1]]
        if k == 1:
            volumes = np.hypot.reduce(edges[:, 0], axis=1)
        else:
            # The product of the diagonal of R loses less than the root of the Gram determinant.
            r = np.linalg.qr(np.swapaxes(edges, 1, 2), mode="r")
            volumes = np.abs(np.prod(np.diagonal(r, axis1=1, axis2=2), axis=1)) / math.factorial(k)
    return np.where(np.isnan(volumes), math.inf, volumes)


def orientations(
    points: np.ndarray, radii: np.ndarray, simplices: np.ndarray, exact: Callable[[int], FarPoint]
) -> np.ndarray:
    """Signs of det(v1 - v0, ..., vd - v0) for simplices (simplices, d + 1) of points known up to `radii`.

    In float64 with a bound on the error where that is enough, else from the exact points.
    """
    dim = simplices.shape[1] - 1
    if not len(simplices):
        return np.zeros(0, dtype=np.int8)
    with np.errstate(all="ignore"):
        # A coordinate beyond float64 is infinite, and nothing that it takes part in is known.
        rows = points[simplices[:, 1:]] - points[simplices[:, :1]]
        slack = radii[simplices[:, 1:]] + radii[simplices[:, :1]]
        size = np.abs(rows).max(axis=2) * (1 + 4 * UNIT)
        value = laplace(rows)
        # Each of d! products of d entries: how far the entries may be off, and fewer than d (d + 1) roundings.
        off = slack + 2 * UNIT * size
        whole = np.prod(size + off, axis=1)
        error = (
            1.01 * math.factorial(dim) * (whole - np.prod(size, axis=1) + (dim * (dim + 1) + 8) * UNIT * whole) + 1e-290
        )
        known = (np.abs(value) > error) & np.isfinite(whole) & (whole < 1e290)
    out = np.where(known, np.sign(value), 0).astype(np.int8)
    for i in np.flatnonzero(~known):
        out[i] = exact_orientation([exact(int(v)) for v in simplices[i]])
    return out


def laplace(rows: np.ndarray) -> np.ndarray:
    """Determinants of matrices (..., d, d) by expansion: at most d! products, each of d factors."""
    d = rows.shape[-1]
    if d == 1:
        return rows[..., 0, 0]
    total = np.zeros(rows.shape[:-2])
    for j in range(d):
        rest = np.delete(rows[..., 1:, :], j, axis=-1)
        total = total + (-1) ** j * rows[..., 0, j] * laplace(rest)
    return total


def exact_orientation(simplex: Sequence[FarPoint]) -> int:
    """Sign of the determinant of a simplex whose points may lie at infinity."""
    dim = len(simplex) - 1
    (x0, y0), *rest = simplex

    def value(m: int) -> Fraction:
        return determinant([[a - b + m * (c - d) for a, b, c, d in zip(x, x0, y, y0, strict=True)] for x, y in rest])

    # A polynomial of degree at most `dim` in M: the sign is that of its highest difference which is not zero.
    values = [value(m) for m in range(dim + 1 if any(any(y) for _, y in simplex) else 1)]
    while values:
        high = _difference(values)
        if high != 0:
            return 1 if high > 0 else -1
        values.pop()
    return 0


def _difference(values: Sequence[Fraction]) -> Fraction:
    """The difference of the highest order: of n + 1 values of a polynomial of degree n, n! times its leading number."""
    while len(values) > 1:
        values = [b - a for a, b in pairwise(values)]
    return values[0]
