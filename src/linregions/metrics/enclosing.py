"""The smallest rectangle and the smallest ellipse around one polygon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..checks import real_number, shown, whole_number
from ..errors import InputError


@dataclass(frozen=True)
class Rectangle:
    """A rectangle: its centre, the two sides (long, short), and the angle of the long one with the first axis."""

    centre: tuple[float, float]
    sides: tuple[float, float]
    angle: float

    @property
    def area(self) -> float:
        """Area of the rectangle."""
        return self.sides[0] * self.sides[1]

    @property
    def aspect(self) -> float:
        """Long side over short side."""
        return self.sides[0] / self.sides[1]


@dataclass(frozen=True)
class Ellipse:
    """An ellipse: its centre, the semi-axes (a, b) with a >= b, and the angle of the long one with the first axis.

    `steps` is how many steps it took; `excess` bounds by how much its area exceeds the smallest possible, relatively.
    """

    centre: tuple[float, float]
    axes: tuple[float, float]
    angle: float
    steps: int
    excess: float

    @property
    def eccentricity(self) -> float:
        """sqrt(1 - b^2/a^2)."""
        return float(np.sqrt(1.0 - (self.axes[1] / self.axes[0]) ** 2))

    @property
    def area(self) -> float:
        """Area pi a b."""
        return float(np.pi * self.axes[0] * self.axes[1])


def bounding_rectangle(polygon: Any) -> Rectangle:
    """The rectangle of least area around a convex polygon (corners, 2).

    One of its sides lies on an edge of the polygon, so the least over the edges is exact.

    Raises:
        InputError: it is no array of 3 corners or more.

    Example:
        >>> box = bounding_rectangle([(0, 0), (2, 2), (1, 3), (-1, 1)])
        >>> round(box.sides[0], 6), round(box.sides[1], 6), round(box.angle, 6)
        (2.828427, 1.414214, 0.785398)
    """
    corners = _corners(polygon)
    vectors = np.roll(corners, -1, axis=0) - corners
    lengths = np.hypot(*vectors.T)
    along = vectors[lengths > 0] / lengths[lengths > 0][:, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    extents = [(corners @ direction.T).T for direction in (along, across)]
    low, high = (np.array([f(e, axis=1) for e in extents]) for f in (np.min, np.max))
    sides = high - low
    k = int(np.argmin(sides[0] * sides[1]))
    middle = (low[:, k] + high[:, k]) / 2
    centre = middle[0] * along[k] + middle[1] * across[k]
    direction = along[k] if sides[0, k] >= sides[1, k] else across[k]
    angle = float(np.arctan2(direction[1], direction[0]) % np.pi)
    return Rectangle(tuple(centre.tolist()), tuple(sorted(sides[:, k].tolist(), reverse=True)), angle)


def bounding_ellipse(polygon: Any, *, tolerance: float = 1e-9, steps: int = 100_000) -> Ellipse:
    """The ellipse of least area around a polygon (corners, 2), the Loewner-John ellipse, by Khachiyan's algorithm.

    Weights u on the corners maximise log det sum u_i q_i q_i^T, q_i = (p_i, 1).  Every step moves weight to the corner
    that lies farthest out, or away from the one that lies farthest in (the away steps of Todd and Yildirim).  The
    ellipse that is returned holds all corners; the gap of the two programs bounds how much too large it is.

    Args:
        polygon: (corners, 2).
        tolerance: it ends when the largest violation is below this, relatively.
        steps: it ends after as many steps at the latest; `excess` says what was reached.

    Raises:
        InputError: it is no array of 3 corners or more that span the plane.

    Source: Khachiyan 1996; Todd, Yildirim 2007.

    Example:
        >>> ellipse = bounding_ellipse([(-2, -1), (2, -1), (2, 1), (-2, 1)])
        >>> round(ellipse.axes[0], 6), round(ellipse.axes[1], 6), round(ellipse.eccentricity, 3)
        (2.828427, 1.414214, 0.866)
    """
    corners = _corners(polygon)
    tolerance, steps = real_number(tolerance, "tolerance"), whole_number(steps, "steps")
    mean, spread = corners.mean(axis=0), np.cov(corners.T, bias=True)
    values, vectors = np.linalg.eigh(spread)
    if not values[0] > 1e-28 * values[1]:
        raise InputError("polygon: its corners lie on one line, or nearly so; an ellipse needs three that do not")
    # In whitened coordinates thin polygons are as easy as round ones.
    root = vectors * np.sqrt(values)
    white = (corners - mean) @ (vectors / np.sqrt(values))
    weights, violation, done = _khachiyan(white, tolerance, steps)
    centre = weights @ white
    matrix = (white - centre).T @ (weights[:, None] * (white - centre)) * 2.0
    reach = np.einsum("ij,jk,ik->i", white - centre, np.linalg.inv(matrix), white - centre).max()
    shape = root @ matrix @ root.T * reach
    squares, axes = np.linalg.eigh(shape)
    place = mean + root @ centre
    angle = float(np.arctan2(axes[1, 1], axes[0, 1]) % np.pi)
    halves = (float(np.sqrt(squares[1])), float(np.sqrt(squares[0])))
    return Ellipse((float(place[0]), float(place[1])), halves, angle, done, float((1.0 + violation) ** 1.5 - 1.0))


def _khachiyan(points: np.ndarray, tolerance: float, steps: int) -> tuple[np.ndarray, float, int]:
    """Weights of the points, by how much the farthest violates its constraint, relatively, and the number of steps."""
    lifted = np.column_stack([points, np.ones(len(points))])
    n = lifted.shape[1]
    weights = np.full(len(points), 1.0 / len(points))
    violation, done = np.inf, 0
    for done in range(steps):  # noqa: B007
        inverse = np.linalg.inv(lifted.T @ (weights[:, None] * lifted))
        sizes = np.einsum("ij,jk,ik->i", lifted, inverse, lifted)
        far = int(np.argmax(sizes))
        near = int(np.argmin(np.where(weights > 0, sizes, np.inf)))
        violation = float(sizes[far] / n - 1.0)
        if violation < tolerance:
            break
        if violation >= 1.0 - sizes[near] / n:
            at, step = far, (sizes[far] - n) / (n * (sizes[far] - 1.0))
        else:
            at = near
            least = -weights[near] / (1.0 - weights[near])
            step = max((sizes[near] - n) / (n * (sizes[near] - 1.0)), least) if sizes[near] > 1.0 else least
        weights = (1.0 - step) * weights
        weights[at] = max(0.0, weights[at] + step)
    return weights, max(violation, 0.0), done


def _corners(polygon: Any) -> np.ndarray:
    try:
        corners = np.asarray(polygon, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"polygon: expected corners (corners, 2), got {shown(polygon)}") from None
    if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3:
        raise InputError(f"polygon: expected 3 corners or more (corners, 2), got shape {corners.shape}")
    return corners
