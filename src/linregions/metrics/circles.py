"""Largest circle inside and smallest circle around every region of a slice.

Both programs are convex in the plane, so the optimum over a polygon is that over some triple of its edges (inside) or
of its corners (around): a minimum or a maximum over all triples is exact, and no iteration has to end.  With m edges
that takes m^3/6 steps, for all polygons of one m at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np

from .rings import Rings, rings

CHUNK = 2**16  # numbers in one array of triples: they stay in the cache


def inradius(p: Any) -> np.ndarray:
    """Radius r of a largest circle in every region, (regions,): max r with n_i.x + r <= b_i for all edges (Chebyshev).

    By duality of linear programming it is the least `l_i b_i + l_j b_j + l_k b_k` over the triples of edges for which
    some l >= 0 has `l_i + l_j + l_k = 1` and `l_i n_i + l_j n_j + l_k n_k = 0`: what three edges alone allow.

    Example:
        >>> inradius(Rings.of([[(0, 0), (3, 0), (0, 4)], [(0, 0), (9, 0), (9, 2), (0, 2)]])).round(9).tolist()
        [1.0, 1.0]
    """
    r = rings(p)
    (x, y), (ex, ey) = r.local, r.edges
    with np.errstate(all="ignore"):
        nx, ny = ey / r.lengths, -ex / r.lengths
    offsets = nx * x + ny * y
    out = np.full(len(r), np.inf)
    for members, at in _blocks(r):
        i, j = np.triu_indices(len(at), 1)
        u, v, d = nx[at], ny[at], offsets[at]
        turns = u[i] * v[j] - v[i] * u[j]
        for (a, b, c), (ab, bc, ac) in _triples(len(at), len(members)):
            la, lb, lc = turns[bc], -turns[ac], turns[ab]
            with np.errstate(all="ignore"):
                radius = (la * d[a] + lb * d[b] + lc * d[c]) / (la + lb + lc)
                least = np.minimum(np.minimum(la, lb), lc)
            # An edge of length 0 has no normal; it is no constraint either.
            radius[~(least >= 0)] = np.inf
            out[members] = np.fmin(out[members], np.fmin.reduce(radius, axis=0))
    return np.where(np.isfinite(out), out, np.nan)


def circumradius(p: Any) -> np.ndarray:
    """Radius R of the smallest circle around every region, (regions,).

    It is the largest, over the triples of corners, of the radius of the smallest circle around three points: half the
    longest side of an obtuse triangle, abc / (4 A) otherwise.

    Example:
        >>> circumradius(Rings.of([[(0, 0), (3, 0), (0, 4)], [(0, 0), (1, 0), (1, 1), (0, 1)]])).round(6).tolist()
        [2.5, 0.707107]
    """
    r = rings(p)
    x, y = r.local
    out = np.zeros(len(r))
    for members, at in _blocks(r):
        i, j = np.triu_indices(len(at), 1)
        dx, dy = x[at][j] - x[at][i], y[at][j] - y[at][i]
        squares = dx * dx + dy * dy
        for _, (ab, bc, ac) in _triples(len(at), len(members)):
            s, t, u = squares[ab], squares[bc], squares[ac]
            longest, total = np.maximum(np.maximum(s, t), u), s + t + u
            twice = dx[ab] * dy[ac] - dy[ab] * dx[ac]
            with np.errstate(all="ignore"):
                acute = s * t * u / (4.0 * twice * twice)
            found = np.where(2.0 * longest >= total, longest / 4.0, acute)
            out[members] = np.maximum(out[members], found.max(axis=0))
    return np.sqrt(out)


def roundness(p: Any) -> np.ndarray:
    """Inradius over circumradius of every region, r/R in (0, 1): 1/2 for an equilateral triangle, 0.707 for a square.

    Example:
        >>> roundness(Rings.of([[(0, 0), (1, 0), (1, 1), (0, 1)]])).round(3).tolist()
        [0.707]
    """
    r = rings(p)
    with np.errstate(all="ignore"):
        return inradius(r) / circumradius(r)


def _blocks(r: Rings) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Some regions of one number m of corners, and their corners (m, regions)."""
    for members, at in r.by_size():
        m = len(at)
        step = max(1, CHUNK // (m * (m - 1) * (m - 2) // 6))
        for k in range(0, len(members), step):
            yield members[k : k + step], at[:, k : k + step]


def _triples(m: int, regions: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """All triples a < b < c of m things, (3, triples), and the numbers of their pairs ab, bc, ac; in blocks."""
    of, pairs = _table(m)
    step = max(1, CHUNK // regions)
    for k in range(0, of.shape[1], step):
        yield of[:, k : k + step], pairs[:, k : k + step]


@cache
def _table(m: int) -> tuple[np.ndarray, np.ndarray]:
    number = np.zeros((m, m), dtype=np.int64)
    number[np.triu_indices(m, 1)] = np.arange(m * (m - 1) // 2)
    a, b, c = np.array(list(combinations(range(m), 3)), dtype=np.int64).T
    return np.array([a, b, c]), np.array([number[a, b], number[b, c], number[a, c]])
