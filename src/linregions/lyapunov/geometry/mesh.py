"""Cells cut into simplices without new vertices, so that two cells cut a common face in the same way."""

from __future__ import annotations

import numpy as np

from ...errors import InputError
from ...machine import memory
from ...partition.boundary.cells import Lists
from ...partition.boundary.triangulation import pulling
from ...partition.complex import Complex

# Bytes for each vertex of a simplex: its number, and what it takes on the way.
NUMBERS = 40


def triangulated(complex: Complex, first: int) -> tuple[np.ndarray, np.ndarray]:
    """The pulling triangulation of a bounded complex that pulls vertex `first` before all others.

    A cell is the cone from the earliest of its vertices over its facets that do not have it, each triangulated so; the
    order is `first` (none for -1), then ascending numbers.  So every simplex that touches `first` begins with it, and
    the simplices of a cell that has it are cones from it.

    Returns:
        Vertices (simplices, n + 1) in that order, and the cell of each simplex, ascending.

    Raises:
        InputError: the simplices do not fit into memory.

    Example:
        >>> from linregions import Box, Network, enumerate_regions
        >>> net = Network.from_arrays([([[1.0, 0.0]], [0.0]), ([[1.0]], [0.0])])
        >>> simplices, owner = triangulated(enumerate_regions(net, Box.cube(-1, 1, 2)).complex, -1)
        >>> simplices.shape, owner.tolist()
        ((4, 3), [0, 0, 1, 1])
    """
    rank = _ranks(complex, first)
    number = np.argsort(rank)
    dim, sizes = complex.dim, np.diff(complex.region_indptr)
    if np.all(sizes == dim + 1):
        simplices = np.sort(rank[complex.region_vertices].reshape(-1, dim + 1), axis=1)
        return number[simplices], np.arange(len(simplices))
    if dim > 2 and (count := simplex_count(complex, first)) * (dim + 1) * NUMBERS > memory():
        raise InputError(
            f"domain: its cells in dimension {dim} make {count:,} simplices, which do not fit into memory; take "
            "a network of fewer units, or without biases the fan (fan_of)"
        )
    simplices, owner = _polygons(complex, rank) if dim == 2 else _polytopes(complex, rank)
    return number[simplices], owner


def simplex_count(complex: Complex, first: int) -> int:
    """How many simplices `triangulated` gives, found without making them.

    Example:
        >>> from linregions import Box, Network, enumerate_regions
        >>> net = Network.from_arrays([(np.eye(3), np.zeros(3)), (np.ones((1, 3)), [0.0])])
        >>> simplex_count(enumerate_regions(net, Box.cube(-1, 1, 3)).complex, -1)
        48
    """
    if np.all(np.diff(complex.region_indptr) == complex.dim + 1):
        return len(complex.region_indptr) - 1
    lowest = _ranks(complex, first)[complex.faces(0).vertices]
    counts = np.ones(len(lowest), dtype=np.int64)
    for k in range(1, complex.dim + 1):
        facets = Lists(*complex.boundary(k))
        below, lowest = lowest, np.full(len(facets), np.iinfo(np.int64).max)
        np.minimum.at(lowest, facets.owners, below[facets.items])
        opposite = below[facets.items] != lowest[facets.owners]
        above = np.zeros(len(facets), dtype=np.int64)
        np.add.at(above, facets.owners[opposite], counts[facets.items[opposite]])
        counts = above
    return int(counts.sum())


def _ranks(complex: Complex, first: int) -> np.ndarray:
    """The place of every vertex in the order of pulling."""
    rank = np.arange(len(complex.points))
    if first > 0:
        rank[first] = 0
        rank[:first] += 1
    return rank


def _polygons(complex: Complex, rank: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fans: an edge and the earliest vertex of a polygon on either side that the edge does not have."""
    edges = np.sort(rank[complex.facet_vertices].reshape(-1, 2), axis=1)
    facet, side = np.nonzero(complex.facet_regions >= 0)
    owner = complex.facet_regions[facet, side]
    apex = np.minimum.reduceat(rank[complex.region_vertices], complex.region_indptr[:-1])[owner]
    simplices = np.concatenate([apex[:, None], edges[facet]], axis=1)
    use = simplices[:, 0] != simplices[:, 1]
    simplices, owner = simplices[use], owner[use]
    order = np.argsort(owner, kind="stable")
    return simplices[order], owner[order]


def _polytopes(complex: Complex, rank: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By the faces of all dimensions."""
    facets = [Lists(np.zeros(len(complex.faces(0)) + 1, dtype=np.int64), np.zeros(0, dtype=np.int64))]
    facets += [Lists(*complex.boundary(k)) for k in range(1, complex.dim + 1)]
    simplices, owner, _ = pulling(rank[complex.faces(0).vertices], facets)
    return simplices, owner
