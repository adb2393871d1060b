"""Betti numbers: ranks of boundary matrices over the rationals, exactly."""

from __future__ import annotations

import heapq
from collections.abc import Collection
from itertools import pairwise

import numpy as np

from .cells import CellComplex, Lists

Column = dict[int, int]


def betti_numbers(cells: CellComplex) -> tuple[int, ...]:
    """Betti numbers of a complex of polytopes over the rationals.

    `b_k = n_k - rank(d_k) - rank(d_(k+1))` with `n_k` cells of dimension k and the boundary matrices `d_k`.  The ranks
    are found by elimination in integers, without any rounding and modulo nothing.

    Returns:
        One number for every dimension of a cell, `b_0` first: the components, then the independent loops, cavities, ...
    """
    sizes = cells.sizes
    ranks = [0] * (len(sizes) + 1)
    cleared: Collection[int] = ()
    for k in range(len(sizes) - 1, 0, -1):
        # What a boundary of the dimension above was reduced to is no new column: its own boundary is zero.
        pivots = eliminate(_columns(cells.facets[k], cells.signs[k], cleared))
        ranks[k], cleared = len(pivots), pivots
    return tuple(n - ranks[k] - ranks[k + 1] for k, n in enumerate(sizes))


def euler_characteristic(cells: CellComplex) -> int:
    """Alternating sum of the numbers of cells."""
    return sum((-1) ** k * n for k, n in enumerate(cells.sizes))


def components(cells: CellComplex) -> np.ndarray:
    """Component of every 0-cell, numbered from 0 in the order of their first ones (by merging the ends of edges)."""
    parent = list(range(cells.sizes[0] if cells.cells else 0))

    def root(v: int) -> int:
        while parent[v] != v:
            parent[v] = parent[parent[v]]
            v = parent[v]
        return v

    edges = cells.facets[1].items.reshape(-1, 2).tolist() if len(cells.cells) > 1 else []
    for a, b in edges:
        a, b = root(a), root(b)
        parent[max(a, b)] = min(a, b)
    roots = np.array([root(v) for v in range(len(parent))], dtype=np.int64)
    return np.unique(roots, return_inverse=True)[1]


def eliminate(columns: dict[int, Column]) -> list[int]:
    """Rows that carry the pivots of an integer matrix, as many as its rank over the rationals; uses `columns` up.

    Pivots of 1 and -1 first, where the row has the fewest entries and then the column; what has none left, if anything
    does, goes to dense elimination by FLINT.
    """
    rows: dict[int, set[int]] = {}
    for c, column in columns.items():
        for r in column:
            rows.setdefault(r, set()).add(c)
    queue = [(len(cs), r) for r, cs in rows.items()]
    heapq.heapify(queue)
    pivots: list[int] = []
    while queue:
        count, r = heapq.heappop(queue)
        if r not in rows or len(rows[r]) != count:
            continue  # changed since; the new count stands in the queue, too
        unit = [c for c in rows[r] if columns[c][r] in (1, -1)]
        if not count or not unit:
            continue
        for changed in _pivot(columns, rows, r, min(unit, key=lambda c: len(columns[c]))):
            heapq.heappush(queue, (len(rows[changed]), changed))
        pivots.append(r)
    return pivots + _dense([c for c in columns.values() if c])


def _pivot(columns: dict[int, Column], rows: dict[int, set[int]], r: int, c: int) -> set[int]:
    """Take row `r` and column `c` out of the matrix; gives the rows whose number of entries changed."""
    column = columns.pop(c)
    sign = column.pop(r)
    others = rows.pop(r) - {c}
    for row in column:
        rows[row].discard(c)
    for other in others:
        target = columns[other]
        factor = -target.pop(r) * sign
        for row, value in column.items():
            new = target.get(row, 0) + factor * value
            if new:
                target[row] = new
                rows[row].add(other)
            else:
                del target[row]
                rows[row].discard(other)
    return set(column)


def _dense(columns: list[Column]) -> list[int]:
    from ...exact import pivot_columns

    if not columns:
        return []
    rows = sorted({r for column in columns for r in column})
    # The pivot columns of the transpose are the rows wanted.
    return [rows[p] for p in pivot_columns([[column.get(r, 0) for r in rows] for column in columns])]


def _columns(facets: Lists, signs: np.ndarray, without: Collection[int]) -> dict[int, Column]:
    indptr, items, values = facets.indptr.tolist(), facets.items.tolist(), signs.tolist()
    skip = set(without)
    return {
        c: dict(zip(items[a:b], values[a:b], strict=True)) for c, (a, b) in enumerate(pairwise(indptr)) if c not in skip
    }
