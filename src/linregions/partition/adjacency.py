"""Which regions share a facet, and through which units one crosses it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..checks import shown
from ..errors import InputError, MissingExtraError
from .complex import Column


@dataclass(frozen=True, eq=False)
class Adjacency:
    """The graph of a partition: its nodes are the regions, its edges the facets that two regions share.

    Attributes:
        indptr, neighbours: CSR; the regions next to region `i` are `neighbours[indptr[i]:indptr[i + 1]]`, ascending.
        facets: the facet of the complex that each entry of `neighbours` lies behind.
        partition: the partition that the regions are numbered in.

    Example:
        >>> from linregions import Box, Network, enumerate_regions
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> graph = enumerate_regions(net, Box.cube(-1, 1, 2)).adjacency
        >>> graph
        Adjacency: 4 regions, 4 shared facets, average degree 2
        >>> len(graph.path([-0.5, -0.5], [0.5, 0.5]))
        3
    """

    indptr: np.ndarray
    neighbours: np.ndarray
    facets: np.ndarray
    partition: Any

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def __repr__(self) -> str:
        return (
            f"Adjacency: {len(self):,} regions, {self.edges:,} shared facets, average degree {self.average_degree:.4g}"
        )

    @property
    def edges(self) -> int:
        """Number of facets between two regions."""
        return len(self.neighbours) // 2

    @cached_property
    def degrees(self) -> np.ndarray:
        """Number of neighbours of every region."""
        return np.diff(self.indptr)

    @property
    def average_degree(self) -> float:
        """Mean number of neighbours; at most twice the number of inputs for a fully connected ReLU network.

        Source: Gaines, Bi 2026 (arXiv:2606.07728).
        """
        return len(self.neighbours) / max(1, len(self))

    def of(self, i: int) -> np.ndarray:
        """The regions that share a facet with region `i`, ascending."""
        i = self.partition._index(i)
        return self.neighbours[self.indptr[i] : self.indptr[i + 1]]

    def units(self, i: int, j: int) -> tuple[tuple[int, int], ...]:
        """The units that switch between neighbouring regions `i` and `j`: (stage, unit) pairs whose pieces differ.

        Raises:
            InputError: the regions share no facet.
        """
        i, j = self.partition._index(i), self.partition._index(j)
        self._facet(i, j)
        return self._switching(i, j)

    def columns(self, i: int, j: int) -> tuple[Column, ...]:
        """The columns of the complex that vanish on the facet between `i` and `j` and not on both regions.

        Besides the units that switch, those that only touch 0 there, as where a unit is 0 on one side and below on the
        other, both of which are its piece 0.

        Raises:
            InputError: the regions share no facet.
        """
        cells, facet = self.partition.complex, self._facet(self.partition._index(i), self.partition._index(j))
        a, b = cells.facet_columns_indptr[facet : facet + 2]
        return tuple(cells.columns[c] for c in cells.facet_columns[a:b])

    def path(self, x: Any, y: Any) -> list[int]:
        """A shortest way from the region of input `x` to that of input `y`, through facets; both ends are in it.

        Raises:
            InputError: no listed region has the pattern of `x` or `y`, or no path joins them.
        """
        from scipy.sparse.csgraph import breadth_first_order

        start, end = self._located(x, "x"), self._located(y, "y")
        # The search goes from the end, so that the predecessors lead from the start to it.
        _, before = breadth_first_order(self.to_scipy(), end, directed=False)
        out = [start]
        while out[-1] != end:
            step = int(before[out[-1]])
            if step < 0:
                raise InputError(f"y: no path leads from region {start} to region {end}; list all regions first")
            out.append(step)
        return out

    def diameter(self) -> int:
        """The largest number of facets that a shortest path between two regions crosses.

        One breadth-first search from every region: quadratic in their number.

        Raises:
            InputError: the regions are not connected, as in an incomplete list.
        """
        from scipy.sparse.csgraph import shortest_path

        graph, longest = self.to_scipy(), 0.0
        block = max(1, 2**22 // max(1, len(self)))
        for a in range(0, len(self), block):
            rows = np.arange(a, min(a + block, len(self)))
            longest = max(longest, float(shortest_path(graph, unweighted=True, directed=False, indices=rows).max()))
        if not np.isfinite(longest):
            raise InputError(f"partition: its {len(self):,} regions are not connected; list all regions first")
        return int(longest)

    def to_scipy(self) -> Any:
        """The adjacency matrix, a symmetric `scipy.sparse.csr_array` of ones (regions, regions)."""
        from scipy.sparse import csr_array

        ones = np.ones(len(self.neighbours), dtype=np.int8)
        return csr_array((ones, self.neighbours, self.indptr), shape=(len(self), len(self)))

    def to_networkx(self) -> Any:
        """A `networkx.Graph`: nodes carry `pattern` and `witness`, edges `units`, as `units` gives them.

        Raises:
            MissingExtraError: networkx is not installed.
        """
        try:
            from networkx import Graph
        except ImportError as error:
            raise MissingExtraError(
                "adjacency: networkx is not installed; install it with: pip install 'linregions[graph]'"
            ) from error
        graph, p = Graph(), self.partition
        graph.add_nodes_from((i, {"pattern": p.patterns[i], "witness": p.witnesses[i]}) for i in range(len(self)))
        first = np.repeat(np.arange(len(self)), self.degrees)
        for i, j in zip(first.tolist(), self.neighbours.tolist(), strict=True):
            if i < j:
                graph.add_edge(i, j, units=self._switching(i, j))
        return graph

    def _facet(self, i: int, j: int) -> int:
        found = np.flatnonzero(self.of(i) == j)
        if not len(found):
            raise InputError(f"regions: {i} and {j} share no facet; `of({i})` lists the neighbours of {i}")
        return int(self.facets[self.indptr[i] + found[0]])

    def _switching(self, i: int, j: int) -> tuple[tuple[int, int], ...]:
        patterns = self.partition.patterns
        return tuple(self._units[k] for k in np.flatnonzero(patterns[i] != patterns[j]))

    @cached_property
    def _units(self) -> list[tuple[int, int]]:
        """Stage and unit of every entry of a pattern."""
        stages = self.partition.network.stages
        return [(s, int(u)) for s, stage in enumerate(stages) for u in np.flatnonzero(stage.activation.pieces > 1)]

    def _located(self, x: Any, name: str) -> int:
        found = self.partition.locate(x)
        if found.ndim or found < 0:
            raise InputError(
                f"{name}: no listed region has the pattern of {shown(x)}; take one input strictly inside a region"
            )
        return int(found)


def adjacency(partition: Any) -> Adjacency:
    """The graph of a partition, from the facets of its complex."""
    pairs = partition.complex.facet_regions
    inner = np.flatnonzero((pairs >= 0).all(axis=1))
    ends = pairs[inner]
    first, second = np.concatenate([ends[:, 0], ends[:, 1]]), np.concatenate([ends[:, 1], ends[:, 0]])
    facets = np.concatenate([inner, inner])
    order = np.lexsort((second, first))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(first, minlength=len(partition)))]).astype(np.int64)
    return Adjacency(indptr, second[order].astype(np.int64), facets[order], partition)
