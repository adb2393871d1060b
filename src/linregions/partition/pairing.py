"""Which edges of polygons are the two sides of one: by the patterns of regions, and by the sections of the search."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..activations import MaxGroups
from ..network import Network
from .count import Status
from .packing import field_widths

if TYPE_CHECKING:
    from .partition import Partition

INDEX_BITS = 22


@dataclass(frozen=True)
class Cuts:
    """What every place to split is, over all stages: its stage, its column of the patterns, the pieces on its sides.

    `low` is the piece where the cut is negative, `high` where it is positive; in a max group these are the two rows.
    """

    begin: np.ndarray
    stage: np.ndarray
    column: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, network: Network) -> Cuts:
        """The cuts of a network, in the order of the columns of its complex."""
        stages, columns, lows, highs, begin, at = [], [], [], [], [0], 0
        for s, stage in enumerate(network.stages):
            pieces = np.asarray(stage.activation.pieces, dtype=np.int64)
            split = pieces > 1
            column = np.where(split, at + np.cumsum(split) - 1, -1)
            at += int(split.sum())
            if isinstance(stage.activation, MaxGroups):
                unit, high, low = _pairs(pieces)
            else:
                unit = np.repeat(np.arange(len(pieces)), pieces - 1)
                low = np.arange(len(unit)) - np.repeat(np.cumsum(pieces - 1) - (pieces - 1), pieces - 1)
                high = low + 1
            stages.append(np.full(len(unit), s, dtype=np.int32))
            columns.append(column[unit])
            lows.append(low)
            highs.append(high)
            begin.append(begin[-1] + len(unit))
        join = [np.concatenate(c) for c in (stages, columns, lows, highs)]
        return cls(np.array(begin, dtype=np.int64), *join)

    def numbers(self, facets: np.ndarray) -> np.ndarray:
        """The cut of every facet of the engine; -1 for a half-space of the domain."""
        level = (facets >> INDEX_BITS).astype(np.int64)
        index = (facets & ((1 << INDEX_BITS) - 1)).astype(np.int64)
        return np.where(level > 0, self.begin[np.maximum(level - 1, 0)] + index, -1)


def _pairs(sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(group, first row, second row) of every pair of rows of every group, in order."""
    many = sizes * (sizes - 1) // 2
    unit = np.repeat(np.arange(len(sizes)), many)
    first, second = np.zeros(len(unit), dtype=np.int64), np.zeros(len(unit), dtype=np.int64)
    start = np.cumsum(many) - many
    for size in np.unique(sizes):
        i, j = np.triu_indices(size, 1)
        for array, values in ((first, i), (second, j)):
            array[(start[sizes == size][:, None] + np.arange(len(i))).ravel()] = np.tile(
                values, int((sizes == size).sum())
            )
    return unit, first, second


@dataclass
class Edges:
    """The edges of polygons, as the engine lists them; `cut` is -1 on the border of the domain."""

    partition: Partition
    indptr: np.ndarray
    points: np.ndarray
    radii: np.ndarray
    facets: np.ndarray
    cut: np.ndarray
    split: np.ndarray
    cuts: Cuts

    @cached_property
    def region(self) -> np.ndarray:
        """The region of every edge."""
        return np.repeat(np.arange(len(self.indptr) - 1), np.diff(self.indptr))

    @cached_property
    def following(self) -> np.ndarray:
        """The next corner of the same region."""
        return next_corners(self.indptr)

    @cached_property
    def _fields(self) -> tuple[np.ndarray, np.ndarray]:
        """First bit and width of every column in a packed pattern."""
        widths = field_widths(self.partition.network.pieces)
        return np.cumsum(widths) - widths, widths

    @cached_property
    def piece(self) -> np.ndarray:
        """The region's own piece of the unit whose boundary each edge lies on; 0 on the border."""
        inside = np.flatnonzero(self.cut >= 0)
        out = np.zeros(len(self.cut), dtype=np.int64)
        column, rows = self.cuts.column[self.cut[inside]], self.region[inside]
        begin, widths = self._fields
        for k in range(int(widths.max()) if len(widths) else 0):
            has = widths[column] > k
            bit = begin[column[has]] + k
            byte = self.partition.packed[rows[has], bit >> 3].astype(np.int64)
            out[inside[has]] |= (byte >> (bit & 7) & 1) << k
        return out

    def behind(self, edges: np.ndarray) -> np.ndarray:
        """The region whose pattern differs by the piece of the edge's unit alone, the one beyond; -1 where none is."""
        from .._core import rows_across

        cut = self.cut[edges]
        column = self.cuts.column[cut]
        begin, widths = self._fields
        new = self.cuts.low[cut] + self.cuts.high[cut] - self.piece[edges]
        return rows_across(self.partition.packed, self.region[edges], begin[column], widths[column], new)


def twins(edges: Edges) -> np.ndarray:
    """The other side of every edge, as the number of its corner; -1 on the border and where it is not listed.

    Across an edge only the unit that it belongs to changes its piece, in general position.  A listed region with that
    pattern is the one behind the edge, whatever else vanishes there: up to the first stage in which another region
    behind it differed, both would share a cell; a unit that differs is affine on it, and at its breakpoint along the
    edge, so it has one sign on all of it.  Where no such region is listed, several units change together.
    """
    out = np.full(len(edges.cut), -1, dtype=np.int64)
    by_pattern(edges, out)
    left = np.flatnonzero((edges.cut >= 0) & (out < 0))
    if len(left):
        by_section(edges, out, left)
    return out


def by_pattern(edges: Edges, out: np.ndarray) -> None:
    """Pair edges by the pattern with one unit's piece changed."""
    inside = np.flatnonzero(edges.cut >= 0)
    behind = edges.behind(inside)
    _join(edges, out, inside[behind >= 0], behind[behind >= 0])


def _join(edges: Edges, out: np.ndarray, which: np.ndarray, behind: np.ndarray) -> None:
    """Pair the edges whose regions lie behind one another; two convex regions share one edge at most."""
    own = edges.region[which]
    key = np.minimum(own, behind) * len(edges.indptr) + np.maximum(own, behind)
    order = np.argsort(key, kind="stable")
    key = key[order]
    pair = np.flatnonzero((key[1:] == key[:-1]) & (own[order[1:]] == behind[order[:-1]]))
    a, b = which[order[pair]], which[order[pair + 1]]
    out[a], out[b] = b, a


def by_section(edges: Edges, out: np.ndarray, left: np.ndarray) -> None:
    """Pair the edges on both sides of one section of one cell of the search, in the order along it.

    The regions on both sides of a section cut it alike: a unit that changes its piece along the section does so on both
    sides, since its value is continuous.  So in a complete list the edges on both sides, those aside that are paired
    already, are as many and in the same order.
    """
    order = left[np.argsort(edges.split[left], kind="stable")]
    cut, split = edges.cut[order], edges.split[order]
    start = np.flatnonzero(np.concatenate([[True], split[1:] != split[:-1]]))
    group = np.cumsum(np.isin(np.arange(len(order)), start)) - 1
    span = edges.points[edges.following[order]] - edges.points[order]
    # The direction of a section is that of its longest edge; only its order along the section counts.
    by_length = np.lexsort((-np.abs(span).max(axis=1), group))
    direction = span[by_length[start]][group]
    middle = (edges.points[order] + edges.points[edges.following[order]]) / 2
    place = ((middle - middle[start][group]) * direction).sum(axis=1)
    radius = np.maximum(edges.radii[order], edges.radii[edges.following[order]])
    radius = 1.01 * radius * np.abs(direction).sum(axis=1) + 1e-15 * np.abs(middle * direction).sum(axis=1) + 1e-300
    upper = edges.piece[order] == edges.cuts.high[cut]
    # The mates of a group: sorted by side, then by place.
    ranked = np.lexsort((place, upper, group))
    certain = _certain(place[ranked], radius[ranked], upper[ranked], group[ranked])
    ends = np.append(start[1:], len(order))
    halves = np.bincount(group, weights=upper).astype(np.int64)
    even = (2 * halves == ends - start) & (edges.partition.count.status is Status.COMPLETE)
    # Where more than two rows of a max group tie along a line, its sides have different names.
    sure = even & certain & (np.maximum.reduceat(cut, start) == np.minimum.reduceat(cut, start))
    lower = ranked[(~upper & sure[group])[ranked]]
    higher = ranked[(upper & sure[group])[ranked]]
    out[order[lower]], out[order[higher]] = order[higher], order[lower]
    for g in np.flatnonzero(~sure):
        _exactly(edges, out, order[start[g] : ends[g]])


def _certain(place: np.ndarray, radius: np.ndarray, upper: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Per group whether the order of its edges is beyond doubt."""
    same = (group[1:] == group[:-1]) & (upper[1:] == upper[:-1])
    doubt = same & ~(place[1:] - place[:-1] > radius[1:] + radius[:-1])
    out = np.ones(group[-1] + 1, dtype=bool)
    out[group[1:][doubt]] = False
    return out


def _exactly(edges: Edges, out: np.ndarray, group: np.ndarray) -> None:
    """Pair edges by their ends as rational numbers."""
    if len(set(edges.region[group].tolist())) < 2:
        return
    ends: dict[tuple[tuple[Fraction, ...], ...], int] = {}
    for e in group.tolist():
        first, last = exact_ends(edges, e)
        mate = ends.pop((last, first), None)
        if mate is None:
            ends[first, last] = e
        else:
            out[e], out[mate] = mate, e


def exact_ends(edges: Edges, edge: int) -> tuple[tuple[Fraction, ...], ...]:
    """Both ends of an edge as rational numbers, known by the facets that meet there."""
    region, partition = int(edges.region[edge]), edges.partition
    first, last = edges.indptr[region : region + 2]
    shape = partition._shape(region, exact=True)
    points = partition._bounded(shape, region)
    size = int(last - first)
    on = [set(f) for f in shape["facets"]]
    facet = edges.facets[first:last]
    out = []
    for k in (edge - first, (edge + 1 - first) % size):
        here = {int(facet[(k - 1) % size]), int(facet[k])}
        out.append(tuple(points[next(v for v, f in enumerate(on) if here <= f)]))
    return tuple(out)


def next_corners(indptr: np.ndarray) -> np.ndarray:
    """The next corner of the same polygon, for every corner."""
    out = np.arange(1, int(indptr[-1]) + 1)
    some = np.diff(indptr) > 0
    out[indptr[1:][some] - 1] = indptr[:-1][some]
    return out


def joint_vertices(twin: np.ndarray, following: np.ndarray) -> np.ndarray:
    """The vertex of every corner: the corners that are reached from it by turning around it have the same.

    Turning goes from a corner to the one of the region behind its edge, which starts where that edge's twin ends.
    """
    corners = np.arange(len(twin))
    once = step = np.where(twin >= 0, following[np.maximum(twin, 0)], corners)
    label, ended = corners, once == corners
    # Twice as far in every round.  An orbit is a cycle, labelled by its least corner, or a path, labelled by its end on
    # the border; as long as some path is not at its end, another of its corners gets there in the next round.
    while True:
        nearer, further = np.minimum(label, label[step]), step[step]
        there = once[further] == further
        if np.array_equal(there, ended) and np.array_equal(nearer[~there], label[~there]):
            return numbered(np.where(ended, step, label))
        label, step, ended = nearer, further, there


def numbered(label: np.ndarray) -> np.ndarray:
    """Labels as numbers from 0."""
    return np.unique(label, return_inverse=True)[1].astype(np.int64)
