"""Complexes of polytopes as sets of vertices: who lies in whom, and with which sign."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Lists:
    """Lists of different lengths, one after the other: list `i` is `items[indptr[i] : indptr[i + 1]]`."""

    indptr: np.ndarray
    items: np.ndarray

    @classmethod
    def of(cls, lists: Iterable[Sequence[int] | np.ndarray]) -> Lists:
        """From lists of numbers."""
        parts = [np.asarray(part, dtype=np.int64) for part in lists]
        items = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
        return cls(np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64), items)

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def __getitem__(self, i: int) -> np.ndarray:
        return self.items[self.indptr[i] : self.indptr[i + 1]]

    @property
    def sizes(self) -> np.ndarray:
        """Length of every list."""
        return np.diff(self.indptr)

    @property
    def owners(self) -> np.ndarray:
        """The list that every item stands in."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def all_of(self, flags: np.ndarray) -> np.ndarray:
        """Per list: whether `flags` holds for every item of it."""
        return np.bincount(self.owners, weights=~flags[self.items], minlength=len(self)) == 0

    def take(self, which: np.ndarray) -> Lists:
        """The lists of these numbers, in this order."""
        sizes = self.sizes[which]
        indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        at = np.arange(int(indptr[-1])) - np.repeat(indptr[:-1] - self.indptr[which], sizes)
        return Lists(indptr, self.items[at])


@dataclass(frozen=True, eq=False)
class CellComplex:
    """A complex of polytopes that meet in common faces, and all faces of which belong to it.

    `cells[k]` holds the vertices of every k-dimensional cell, `cells[0]` one vertex each; `facets[k]` the numbers of
    the (k-1)-cells in its boundary (none for k = 0) and `signs[k]`, beside the items of `facets[k]`, the incidence
    numbers 1 or -1 of a choice of orientations, so that the boundary of a boundary is zero.  0-cell `i` is the `i`-th
    of `cells[0]`, whatever its vertex is called.
    """

    cells: tuple[Lists, ...]
    facets: tuple[Lists, ...]
    signs: tuple[np.ndarray, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of cells of every dimension."""
        return tuple(len(c) for c in self.cells)


def cell_complex(cells: Sequence[Lists]) -> CellComplex:
    """The complex of the cells with these vertices: finds the facets of every cell and the incidence numbers."""
    vertices = 1 + max((int(c.items.max()) for c in cells if len(c.items)), default=-1)
    facets = [Lists.of([[]] * len(cells[0]) if cells else [])]
    signs = [np.zeros(0, dtype=np.int8)]
    for k in range(1, len(cells)):
        facets.append(contained(cells[k - 1], cells[k], vertices))
        signs.append(_ends(cells[0], facets[1]) if k == 1 else _incidence(facets[k], facets[k - 1], signs[k - 1]))
    return CellComplex(tuple(cells), tuple(facets), tuple(signs))


def contained(small: Lists, large: Lists, vertices: int) -> Lists:
    """For every set of `large`, the numbers of the sets of `small` that are subsets of it."""
    from scipy.sparse import csr_array

    def matrix(lists: Lists) -> csr_array:
        ones = np.ones(len(lists.items), dtype=np.int32)
        return csr_array((ones, lists.items, lists.indptr), shape=(len(lists), vertices))

    common = (matrix(large) @ matrix(small).T).tocsr()
    common.sort_indices()
    found = common.data == small.sizes[common.indices]
    owner = np.repeat(np.arange(len(large)), np.diff(common.indptr))[found]
    counts = np.bincount(owner, minlength=len(large))
    return Lists(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), common.indices[found].astype(np.int64))


def _ends(points: Lists, edges: Lists) -> np.ndarray:
    """Incidence numbers of edges: the end that is listed first is negative."""
    if not np.all(edges.sizes == 2) or not np.all(points.sizes == 1):
        raise AssertionError("an edge of the complex does not have two ends")
    return np.tile(np.array([-1, 1], dtype=np.int8), len(edges))


def _incidence(facets: Lists, ridges: Lists, ridge_signs: np.ndarray) -> np.ndarray:
    """Incidence numbers of cells: a ridge lies in two facets of its cell, which must cancel in it."""
    start, ridge, sign = ridges.indptr.tolist(), ridges.items.tolist(), ridge_signs.tolist()
    bounds, items = facets.indptr.tolist(), facets.items.tolist()
    out = np.zeros(len(items), dtype=np.int8)
    for cell in range(len(facets)):
        mine = items[bounds[cell] : bounds[cell + 1]]
        meeting: dict[int, list[tuple[int, int]]] = {}
        for place, facet in enumerate(mine):
            for at in range(start[facet], start[facet + 1]):
                meeting.setdefault(ridge[at], []).append((place, sign[at]))
        out[bounds[cell] : bounds[cell + 1]] = _propagate(len(mine), meeting)
    return out


def _propagate(count: int, meeting: dict[int, list[tuple[int, int]]]) -> list[int]:
    neighbours: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for pair in meeting.values():
        if len(pair) != 2:
            raise AssertionError("a ridge of the complex does not lie in two facets of its cell")
        (a, s), (b, t) = pair
        neighbours[a].append((b, -s * t))
        neighbours[b].append((a, -s * t))
    found = [0] * count
    found[0], queue = 1, [0]
    while queue:
        a = queue.pop()
        for b, ratio in neighbours[a]:
            if found[b] == 0:
                found[b] = found[a] * ratio
                queue.append(b)
            elif found[b] != found[a] * ratio:
                raise AssertionError("the boundary of a cell of the complex is not a sphere")
    if 0 in found:
        raise AssertionError("the boundary of a cell of the complex is not connected")
    return found
