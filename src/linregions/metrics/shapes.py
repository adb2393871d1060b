"""Shape of every region of a slice: one number per polygon, all polygons at once.

Every function takes the polygons of a partition (`Partition.polygons`) or `Rings`, and returns an array (regions,).
Lengths are in units of the network's input space, areas in their square.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .rings import Rings, rings

if TYPE_CHECKING:
    from ..partition.polygons import Polygons

Shapes: TypeAlias = "Polygons | Rings | Any"
SPLINECAM_OFFSET = 1e-10  # what SplineCam adds to the shortest distance


@dataclass(frozen=True, eq=False)
class Moments:
    """Second moments of polygons about their centroids, divided by the area.

    Attributes:
        large, small: (regions,) eigenvalues l1 >= l2 of the covariance of a uniform point of the polygon; the ellipse
            of the same moments has semi-axes 2 sqrt(l1) and 2 sqrt(l2).
        centroids: (regions, 2).
        matrices: (regions, 2, 2), the covariances.
    """

    large: np.ndarray
    small: np.ndarray
    centroids: np.ndarray
    matrices: np.ndarray


def areas(p: Shapes) -> np.ndarray:
    """Area of every region, A = 1/2 sum (x_i y_{i+1} - x_{i+1} y_i).

    Example:
        >>> areas(Rings.of([[(0, 0), (3, 0), (0, 4)]])).tolist()
        [6.0]
    """
    return rings(p).areas


def perimeters(p: Shapes) -> np.ndarray:
    """Perimeter of every region, L = sum |p_{i+1} - p_i|.

    Example:
        >>> perimeters(Rings.of([[(0, 0), (3, 0), (0, 4)]])).tolist()
        [12.0]
    """
    return rings(p).perimeters


def edges(p: Shapes) -> np.ndarray:
    """Number of edges m of every region; a polygon with m edges falls into m - 2 triangles.

    Example:
        >>> edges(Rings.of([[(0, 0), (3, 0), (0, 4)]])).tolist()
        [3]
    """
    return rings(p).sizes


def triangles(p: Shapes) -> np.ndarray:
    """Number of triangles of a triangulation of every region, m - 2: nothing that the number of edges does not say.

    Example:
        >>> triangles(Rings.of([[(0, 0), (1, 0), (1, 1), (0, 1)]])).tolist()
        [2]
    """
    return rings(p).sizes - 2


def centroids(p: Shapes) -> np.ndarray:
    """Centroid of every region, g = (1/6A) sum (p_i + p_{i+1}) c_i, (regions, 2); not the mean of the corners.

    Example:
        >>> centroids(Rings.of([[(0, 0), (3, 0), (0, 3)]])).tolist()
        [[1.0, 1.0]]
    """
    r = rings(p)
    return r.means + np.stack(_local_centroids(r), axis=1)


def moments(p: Shapes) -> Moments:
    """Second moments of every region, S = I/A - g g^T, from the integrals of x^2, y^2 and xy over it.

    They are computed in coordinates along the longest edge, where the small eigenvalue of a thin region is not the
    difference of two large numbers.

    Example:
        >>> square = moments(Rings.of([[(0, 0), (6, 0), (6, 6), (0, 6)]]))
        >>> square.large.round(9).tolist(), square.small.round(9).tolist()
        ([3.0], [3.0])
    """
    r = rings(p)
    cos, sin = _longest_edge(r)
    x, y = r.local
    c, s = cos[r.owner], sin[r.owner]
    u, v = c * x + s * y, c * y - s * x
    un, vn, cross = u[r.following], v[r.following], r.crosses
    with np.errstate(all="ignore"):
        gx, gy = (r.sums((a + b) * cross) / (6.0 * r.areas) for a, b in ((u, un), (v, vn)))
        xx = r.sums((u * u + u * un + un * un) * cross) / (12.0 * r.areas) - gx * gx
        yy = r.sums((v * v + v * vn + vn * vn) * cross) / (12.0 * r.areas) - gy * gy
        xy = r.sums((u * (vn + 2 * v) + un * (2 * vn + v)) * cross) / (24.0 * r.areas) - gx * gy
        large = (xx + yy) / 2 + np.hypot((xx - yy) / 2, xy)
        small = np.minimum((xx * yy - xy * xy) / large, large)
    turn = np.array([[cos, -sin], [sin, cos]]).transpose(2, 0, 1)
    matrices = turn @ np.array([[xx, xy], [xy, yy]]).transpose(2, 0, 1) @ turn.transpose(0, 2, 1)
    found = r.means + np.stack([cos * gx - sin * gy, sin * gx + cos * gy], axis=1)
    return Moments(large, small, found, matrices)


def ecc_moment(p: Shapes) -> np.ndarray:
    """Eccentricity of the ellipse of the same second moments, sqrt(1 - l2/l1), in [0, 1).

    A square has 0, a 2:1 rectangle 0.866, a 100:1 rectangle 0.99995: it saturates, and `aspect` does not.

    Example:
        >>> ecc_moment(Rings.of([[(0, 0), (2, 0), (2, 1), (0, 1)]])).round(3).tolist()
        [0.866]
    """
    return _eccentricity(moments(p))


def aspect(p: Shapes) -> np.ndarray:
    """Ratio of the axes of the ellipse of the same second moments, sqrt(l1/l2), 1 or more.

    A square has 1, an a:1 rectangle a.  Report its logarithm.

    Example:
        >>> aspect(Rings.of([[(0, 0), (100, 0), (100, 1), (0, 1)]])).round(6).tolist()
        [100.0]
    """
    return _aspect(moments(p))


def ecc_splinecam(p: Shapes) -> np.ndarray:
    """The eccentricity of SplineCam, (largest distance of two corners) / (smallest distance of two corners + 1e-10).

    For comparison with published numbers only: it mixes elongation with the number of corners (square 1.414, regular
    hexagon 2, even n-gon 1/sin(pi/n)), and one tiny edge makes it huge.  Report the median.

    Source: SplineCam's public code (Humayun et al. 2023).

    Example:
        >>> ecc_splinecam(Rings.of([[(0, 0), (2, 0), (2, 1), (0, 1)]])).round(3).tolist()
        [2.236]
    """
    most, least = _distances(rings(p))
    return most / (least + SPLINECAM_OFFSET)


def diameter(p: Shapes) -> np.ndarray:
    """Diameter D of every region, the largest distance of two corners.

    Example:
        >>> diameter(Rings.of([[(0, 0), (3, 0), (0, 4)]])).tolist()
        [5.0]
    """
    return _distances(rings(p))[0]


def width(p: Shapes) -> np.ndarray:
    """Width w of every region: the least, over its edges, of the largest distance of a corner from the edge's line.

    Example:
        >>> width(Rings.of([[(0, 0), (3, 0), (0, 4)]])).round(9).tolist()
        [2.4]
    """
    r = rings(p)
    out = np.empty(len(r))
    for members, x, y, ex, ey in _grouped(r):
        across = ex[:, None] * (y[None] - y[:, None]) - ey[:, None] * (x[None] - x[:, None])
        with np.errstate(all="ignore"):
            out[members] = np.fmin.reduce(across.max(axis=1) / np.hypot(ex, ey), axis=0)
    return out


def isoperimetric(p: Shapes) -> np.ndarray:
    """Isoperimetric quotient 4 pi A / L^2, in (0, 1): a disc has 1, a square 0.785, a 100:1 rectangle 0.031.

    Example:
        >>> isoperimetric(Rings.of([[(0, 0), (1, 0), (1, 1), (0, 1)]])).round(3).tolist()
        [0.785]
    """
    r = rings(p)
    with np.errstate(all="ignore"):
        return 4.0 * np.pi * r.areas / r.perimeters**2


def angles(p: Shapes) -> np.ndarray:
    """Interior angle at every corner in radians, (corners,): pi minus the turn from the edge before to the edge after.

    Example:
        >>> np.degrees(angles(Rings.of([[(0, 0), (1, 0), (0, 1)]]))).round(6).tolist()
        [90.0, 45.0, 45.0]
    """
    r = rings(p)
    x, y = r.edges
    out = np.empty(len(x))
    xn, yn = x[r.following], y[r.following]
    out[r.following] = np.pi - np.arctan2(x * yn - y * xn, x * xn + y * yn)
    return out


def _grouped(r: Rings) -> Any:
    """By number of corners m: which regions; x, y of corners and of edges, each (m, regions)."""
    (x, y), (ex, ey) = r.local, r.edges
    for members, at in r.by_size():
        yield members, x[at], y[at], ex[at], ey[at]


def _distances(r: Rings) -> tuple[np.ndarray, np.ndarray]:
    """Largest and smallest distance of two corners of every region."""
    most, least = np.empty(len(r)), np.empty(len(r))
    for members, x, y, _, _ in _grouped(r):
        i, j = np.triu_indices(len(x), 1)
        squares = (x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2
        most[members], least[members] = np.sqrt(squares.max(axis=0)), np.sqrt(squares.min(axis=0))
    return most, least


def _longest_edge(r: Rings) -> tuple[np.ndarray, np.ndarray]:
    """Cosine and sine of the direction of a longest edge of every region."""
    if not len(r):
        return np.zeros(0), np.zeros(0)
    longest = np.maximum.reduceat(r.lengths, r.indptr[:-1])
    at = np.zeros(len(r), dtype=np.int64)
    ties = np.flatnonzero(r.lengths == longest[r.owner])
    at[r.owner[ties]] = ties
    x, y = r.edges
    with np.errstate(all="ignore"):
        return x[at] / longest, y[at] / longest


def _local_centroids(r: Rings) -> tuple[np.ndarray, np.ndarray]:
    with np.errstate(all="ignore"):
        gx, gy = (r.sums((v + v[r.following]) * r.crosses) / (6.0 * r.areas) for v in r.local)
    return gx, gy


def _eccentricity(m: Moments) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.sqrt(1.0 - m.small / m.large)


def _aspect(m: Moments) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.sqrt(m.large / m.small)
