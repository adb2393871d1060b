"""Shape of every region of a slice: one number per polygon, all polygons at once.

Every function takes the polygons of a partition (`Partition.polygons`) or `Rings`, and returns an array (regions,).
Lengths are in units of the network's input space, areas in their square.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .circles import roundness_of
from .rings import Group, Rings, following, rings

if TYPE_CHECKING:
    from ..partition.polygons import Polygons

Shapes: TypeAlias = "Polygons | Rings | Any"
SPLINECAM_OFFSET = 1e-10  # what SplineCam adds to the shortest distance


@dataclass(frozen=True, eq=False)
class Moments:
    """Second moments of polygons about their centroids, divided by the area: covariances of a uniform point.

    Attributes:
        large, small: (regions,) eigenvalues l1 >= l2; the ellipse of the same moments has semi-axes 2 sqrt(l1) and
            2 sqrt(l2).
        centroids: (regions, 2).
        xx, xy, yy: (regions,) entries of the covariance in the coordinates of the polygons.
    """

    large: np.ndarray
    small: np.ndarray
    centroids: np.ndarray
    xx: np.ndarray
    xy: np.ndarray
    yy: np.ndarray


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
    return moments(p).centroids


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
    large, small, gx, gy, xx, xy, yy = r.each(_moments, results=7)
    return Moments(large, small, r.means + np.stack([gx, gy], axis=1), xx, xy, yy)


def ecc_moment(p: Shapes) -> np.ndarray:
    """Eccentricity of the ellipse of the same second moments, sqrt(1 - l2/l1), in [0, 1).

    A square has 0, a 2:1 rectangle 0.866, a 100:1 rectangle 0.99995: it saturates, and `aspect` does not.

    Example:
        >>> ecc_moment(Rings.of([[(0, 0), (2, 0), (2, 1), (0, 1)]])).round(3).tolist()
        [0.866]
    """
    large, small, *_ = rings(p).each(_moments, results=7)
    return _ellipse(large, small)[0]


def aspect(p: Shapes) -> np.ndarray:
    """Ratio of the axes of the ellipse of the same second moments, sqrt(l1/l2), 1 or more.

    A square has 1, an a:1 rectangle a.  Report its logarithm.

    Example:
        >>> aspect(Rings.of([[(0, 0), (100, 0), (100, 1), (0, 1)]])).round(6).tolist()
        [100.0]
    """
    large, small, *_ = rings(p).each(_moments, results=7)
    return _ellipse(large, small)[1]


def ecc_splinecam(p: Shapes) -> np.ndarray:
    """The eccentricity of SplineCam, (largest distance of two corners) / (smallest distance of two corners + 1e-10).

    For comparison with published numbers only: it mixes elongation with the number of corners (square 1.414, regular
    hexagon 2, even n-gon 1/sin(pi/n)), and one tiny edge makes it huge.  Report the median.

    Source: SplineCam's public code (Humayun et al. 2023).

    Example:
        >>> ecc_splinecam(Rings.of([[(0, 0), (2, 0), (2, 1), (0, 1)]])).round(3).tolist()
        [2.236]
    """
    return rings(p).each(_splinecam)[0]


def diameter(p: Shapes) -> np.ndarray:
    """Diameter D of every region, the largest distance of two corners.

    Example:
        >>> diameter(Rings.of([[(0, 0), (3, 0), (0, 4)]])).tolist()
        [5.0]
    """
    return rings(p).each(lambda g: np.sqrt(g.pairs[2].max(axis=0)))[0]


def width(p: Shapes) -> np.ndarray:
    """Width w of every region: the least, over its edges, of the largest distance of a corner from the edge's line.

    Example:
        >>> width(Rings.of([[(0, 0), (3, 0), (0, 4)]])).round(9).tolist()
        [2.4]
    """
    return rings(p).each(_width)[0]


def isoperimetric(p: Shapes) -> np.ndarray:
    """Isoperimetric quotient 4 pi A / L^2, in (0, 1): a disc has 1, a square 0.785, a 100:1 rectangle 0.031.

    Example:
        >>> isoperimetric(Rings.of([[(0, 0), (1, 0), (1, 1), (0, 1)]])).round(3).tolist()
        [0.785]
    """
    return rings(p).each(_isoperimetric)[0]


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


def _moments(g: Group) -> np.ndarray:
    """Eigenvalues, centroid from the mean of the corners, covariance: (7, regions)."""
    cos, sin = _longest_edge(g)
    u, v = cos * g.x + sin * g.y, cos * g.y - sin * g.x
    un, vn, cross = following(u), following(v), g.crosses
    with np.errstate(all="ignore"):
        over = 1.0 / g.areas
        gu, gv = (((a + b) * cross).sum(axis=0) * over / 6.0 for a, b in ((u, un), (v, vn)))
        uu = ((u * (u + un) + un * un) * cross).sum(axis=0) * over / 12.0 - gu * gu
        vv = ((v * (v + vn) + vn * vn) * cross).sum(axis=0) * over / 12.0 - gv * gv
        uv = ((u * (vn + 2 * v) + un * (2 * vn + v)) * cross).sum(axis=0) * over / 24.0 - gu * gv
        large = (uu + vv) / 2 + np.hypot((uu - vv) / 2, uv)
        small = np.minimum((uu * vv - uv * uv) / large, large)
    both, mixed = 2.0 * cos * sin * uv, cos * sin * (uu - vv) + (cos * cos - sin * sin) * uv
    xx, yy = cos * cos * uu + sin * sin * vv - both, sin * sin * uu + cos * cos * vv + both
    return np.array([large, small, cos * gu - sin * gv, sin * gu + cos * gv, xx, mixed, yy])


def _longest_edge(g: Group) -> tuple[np.ndarray, np.ndarray]:
    """Cosine and sine of the direction of a longest edge of every polygon."""
    k, all_of = np.argmax(g.lengths, axis=0), np.arange(len(g.members))
    with np.errstate(all="ignore"):
        return tuple(e[k, all_of] / g.lengths[k, all_of] for e in g.edges)  # type: ignore[return-value]


def _splinecam(g: Group) -> np.ndarray:
    squares = g.pairs[2]
    return np.sqrt(squares.max(axis=0)) / (np.sqrt(squares.min(axis=0)) + SPLINECAM_OFFSET)


def _width(g: Group) -> np.ndarray:
    (ex, ey), x, y = g.edges, g.x, g.y
    across = ex[:, None] * (y[None] - y[:, None]) - ey[:, None] * (x[None] - x[:, None])
    with np.errstate(all="ignore"):
        return np.fmin.reduce(across.max(axis=1) / g.lengths, axis=0)


def _isoperimetric(g: Group) -> np.ndarray:
    with np.errstate(all="ignore"):
        return 4.0 * np.pi * g.areas / g.lengths.sum(axis=0) ** 2


def _ellipse(large: np.ndarray, small: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eccentricity and ratio of the axes."""
    with np.errstate(all="ignore"):
        ratio = small / large
        return np.sqrt(1.0 - ratio), np.sqrt(1.0 / ratio)


def ratios(g: Group) -> np.ndarray:
    """`ecc_moment`, `ecc_splinecam`, `aspect`, `roundness` and `isoperimetric` of a group, (5, polygons)."""
    large, small, *_ = _moments(g)
    ecc, axes = _ellipse(large, small)
    return np.array([ecc, _splinecam(g), axes, roundness_of(g), _isoperimetric(g)])
