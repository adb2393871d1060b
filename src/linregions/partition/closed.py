"""Closed connected regions: which regions with equal affine maps hang together as closed sets.

For an affine function g, the set {f = g} is a union of convex polyhedra, one for each region P with map h: P itself
where h = g, and otherwise the slice of P where h - g vanishes (mostly empty).  The closed connected regions are the
connected components of such sets that contain a full-dimensional piece.  Components are found in two steps: regions of
equal maps that share a vertex are together; and where the pieces of one map are still apart, slices of other regions
may link them.

Two pieces meet in a common face F of their regions, and F meets {f = g} only if a face of F of low dimension does: with
one output, a vertex or an edge, where the signs of f - g at the ends decide.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .hull import meets_origin
from .levels import Levels


def closed_classes(partition: Any, labels: np.ndarray) -> np.ndarray:
    """Number the closed connected regions.

    Args:
        partition: a complete partition with its complex.
        labels: one number per region, equal where the affine maps are.

    Returns:
        One number per region, equal where two regions belong to one closed connected region.
    """
    cells = partition.complex
    owner = np.repeat(np.arange(len(labels)), np.diff(cells.region_indptr))
    corner = labels[owner].astype(np.int64) * len(cells.points) + cells.region_vertices
    parts = components(len(labels), owner, np.unique(corner, return_inverse=True)[1])
    if partition.domain.dim == 1:
        return parts  # a slice of an interval is one point, which links nothing
    pairs = np.unique(np.stack([labels, parts]), axis=1)
    classes, size = np.unique(pairs[0], return_counts=True)
    if np.all(size == 1):
        return parts
    levels = Levels(partition)
    for label in classes[size > 1]:
        members = np.flatnonzero(labels == label)
        parts[members] = parts[members][0] + len(labels) * (1 + _linked(partition, levels, members))
    return np.unique(parts, return_inverse=True)[1]


def components(n: int, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Connected components of `n` things, two of which are joined where they have a column in common."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = n + int(columns.max(initial=-1)) + 1
    graph = coo_array((np.ones(len(rows), dtype=np.int8), (rows, n + columns)), shape=(size, size))
    return connected_components(graph, directed=False)[1][:n].astype(np.int64)


def _linked(partition: Any, levels: Levels, members: np.ndarray) -> np.ndarray:
    """For the regions of one map g: which component of {f = g} each lies in."""
    cells = partition.complex
    signs = levels.signs(members)  # (vertices, outputs)
    lowest = levels.lowest
    rows, columns, at = [], [], 0
    for k in range(lowest, min(lowest + signs.shape[1], partition.domain.dim) + 1):
        faces = cells.faces(k)
        hit = _hit(faces, signs)
        if k and signs.shape[1] > 1:
            hit = [i for i in hit if _vanishes(levels, int(members[0]), faces, i, signs)]
        indptr, regions = cells.face_regions(k)
        for i in hit:
            own = regions[indptr[i] : indptr[i + 1]]
            rows.append(own)
            columns.append(np.full(len(own), at))
            at += 1
    return components(len(partition), np.concatenate(rows), np.concatenate(columns))[members]


def _hit(faces: Any, signs: np.ndarray) -> np.ndarray:
    """Faces on which no output of f - g has one strict sign."""
    if not len(faces.bounded):
        return np.zeros(0, dtype=np.int64)
    low = np.minimum.reduceat(signs[faces.vertices], faces.indptr[:-1], axis=0)
    high = np.maximum.reduceat(signs[faces.vertices], faces.indptr[:-1], axis=0)
    return np.flatnonzero(np.all((low <= 0) & (high >= 0), axis=1))


def _vanishes(levels: Levels, member: int, faces: Any, i: int, signs: np.ndarray) -> bool:
    """Whether f - g vanishes somewhere on a face; with several outputs the signs at its vertices do not tell."""
    own = faces.vertices[faces.indptr[i] : faces.indptr[i + 1]]
    return bool(np.any(np.all(signs[own] == 0, axis=1))) or meets_origin(*levels.image(member, own))
