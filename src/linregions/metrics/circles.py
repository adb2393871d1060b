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

from .rings import Group, rings

CHUNK = 2**16  # numbers in one array of triples: they stay in the cache


def inradius(p: Any) -> np.ndarray:
    """Radius r of a largest circle in every region, (regions,): max r with n_i.x + r <= b_i for all edges (Chebyshev).

    By duality of linear programming it is the least `l_i b_i + l_j b_j + l_k b_k` over the triples of edges for which
    some l >= 0 has `l_i + l_j + l_k = 1` and `l_i n_i + l_j n_j + l_k n_k = 0`: what three edges alone allow.

    Example:
        >>> from linregions.metrics import Rings
        >>> inradius(Rings.of([[(0, 0), (3, 0), (0, 4)], [(0, 0), (9, 0), (9, 2), (0, 2)]])).round(9).tolist()
        [1.0, 1.0]
    """
    return rings(p).each(_inradius)[0]


def circumradius(p: Any) -> np.ndarray:
    """Radius R of the smallest circle around every region, (regions,).

    It is the largest, over the triples of corners, of the radius of the smallest circle around three points: half the
    longest side of an obtuse triangle, abc / (4 A) otherwise.

    Example:
        >>> from linregions.metrics import Rings
        >>> circumradius(Rings.of([[(0, 0), (3, 0), (0, 4)], [(0, 0), (1, 0), (1, 1), (0, 1)]])).round(6).tolist()
        [2.5, 0.707107]
    """
    return rings(p).each(_circumradius)[0]


def roundness(p: Any) -> np.ndarray:
    """Inradius over circumradius of every region, r/R in (0, 1): 1/2 for an equilateral triangle, 0.707 for a square.

    Example:
        >>> from linregions.metrics import Rings
        >>> roundness(Rings.of([[(0, 0), (1, 0), (1, 1), (0, 1)]])).round(3).tolist()
        [0.707]
    """
    return rings(p).each(roundness_of)[0]


def roundness_of(g: Group) -> np.ndarray:
    """Inradius over circumradius of a group of polygons."""
    with np.errstate(all="ignore"):
        return _inradius(g) / _circumradius(g)


def _inradius(g: Group) -> np.ndarray:
    i, j = np.triu_indices(len(g.x), 1)
    ex, ey = g.edges
    with np.errstate(all="ignore"):
        nx, ny = ey / g.lengths, -ex / g.lengths
    offsets = nx * g.x + ny * g.y
    out = np.full(len(g.members), np.inf)
    for some, (a, b, c), (ab, bc, ac) in _triples(g):
        u, v, d = nx[:, some], ny[:, some], offsets[:, some]
        turns = u[i] * v[j] - v[i] * u[j]
        la, lb, lc = turns[bc], -turns[ac], turns[ab]
        with np.errstate(all="ignore"):
            radius = (la * d[a] + lb * d[b] + lc * d[c]) / (la + lb + lc)
            least = np.minimum(np.minimum(la, lb), lc)
        # An edge of length 0 has no normal; it is no constraint either.
        radius[~(least >= 0)] = np.inf
        out[some] = np.fmin(out[some], np.fmin.reduce(radius, axis=0))
    return np.where(np.isfinite(out), out, np.nan)


def _circumradius(g: Group) -> np.ndarray:
    out = np.zeros(len(g.members))
    for some, _, (ab, bc, ac) in _triples(g):
        dx, dy, squares = (v[:, some] for v in g.pairs)
        s, t, u = squares[ab], squares[bc], squares[ac]
        longest = np.maximum(np.maximum(s, t), u)
        twice = dx[ab] * dy[ac] - dy[ab] * dx[ac]
        with np.errstate(all="ignore"):
            acute = s * t * u / (4.0 * twice * twice)
        found = np.where(2.0 * longest >= s + t + u, longest / 4.0, acute)
        out[some] = np.maximum(out[some], found.max(axis=0))
    return np.sqrt(out)


def _triples(g: Group) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Some polygons of a group, triples a < b < c of their m corners (3, triples), and the numbers of the pairs.

    The pairs are ab, bc, ac; in blocks, all polygons with all triples.
    """
    of, pairs = _table(len(g.x))
    wide = max(1, CHUNK // of.shape[1])
    high = max(1, CHUNK // wide)
    for first in range(0, len(g.members), wide):
        some = slice(first, first + wide)
        for k in range(0, of.shape[1], high):
            yield some, of[:, k : k + high], pairs[:, k : k + high]


@cache
def _table(m: int) -> tuple[np.ndarray, np.ndarray]:
    number = np.zeros((m, m), dtype=np.int64)
    number[np.triu_indices(m, 1)] = np.arange(m * (m - 1) // 2)
    a, b, c = np.array(list(combinations(range(m), 3)), dtype=np.int64).T
    return np.array([a, b, c]), np.array([number[a, b], number[b, c], number[a, c]])
