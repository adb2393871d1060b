"""Convex polygons in one array: what every metric of a slice's regions is computed from, without a loop over them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..checks import shown
from ..errors import InputError

BLOCK = 2**14  # corners in one group


@dataclass(frozen=True, eq=False, repr=False)
class Rings:
    """Convex polygons as one list of corners: polygon `i` is `xy[indptr[i]:indptr[i + 1]]`, counter-clockwise.

    Corner k also stands for the edge from it to the next corner of its polygon.

    Attributes:
        xy: (corners, 2) float64, in orthonormal coordinates.
        indptr: (polygons + 1,) int64.

    Example:
        >>> Rings.of([[(0, 0), (2, 0), (2, 1), (0, 1)], [(0, 0), (1, 0), (0, 1)]]).areas.tolist()
        [2.0, 0.5]
    """

    xy: np.ndarray
    indptr: np.ndarray

    @classmethod
    def of(cls, polygons: Iterable[Any]) -> Rings:
        """Rings of polygons given one by one, each (corners, 2) and counter-clockwise.

        Raises:
            InputError: a polygon has another shape.
        """
        arrays = [np.asarray(corners, dtype=np.float64) for corners in polygons]
        for k, array in enumerate(arrays):
            if array.ndim != 2 or array.shape[1] != 2 or len(array) < 3:
                raise InputError(f"polygons: number {k} must be (corners, 2) with 3 corners or more, got {array.shape}")
        indptr = np.concatenate([[0], np.cumsum([len(a) for a in arrays])]).astype(np.int64)
        return cls(np.concatenate(arrays) if arrays else np.zeros((0, 2)), indptr)

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def __repr__(self) -> str:
        return f"Rings: {len(self):,} polygons, {len(self.xy):,} corners"

    @cached_property
    def sizes(self) -> np.ndarray:
        """Number of corners of every polygon."""
        return np.diff(self.indptr)

    @cached_property
    def owner(self) -> np.ndarray:
        """The polygon that each corner belongs to."""
        return np.repeat(np.arange(len(self)), self.sizes)

    @cached_property
    def following(self) -> np.ndarray:
        """The corner after each corner."""
        out = np.arange(1, len(self.xy) + 1)
        out[self.indptr[1:] - 1] = self.indptr[:-1]
        return out

    @cached_property
    def means(self) -> np.ndarray:
        """Mean of the corners of every polygon, (polygons, 2)."""
        return self.each(lambda group: group.means, results=2).T

    @cached_property
    def local(self) -> tuple[np.ndarray, np.ndarray]:
        """Both coordinates of every corner, from the mean of its polygon: small polygons keep their digits."""
        x, y = np.ascontiguousarray(self.xy.T)
        return x - self.means[self.owner, 0], y - self.means[self.owner, 1]

    @cached_property
    def edges(self) -> tuple[np.ndarray, np.ndarray]:
        """Both coordinates of the vector from every corner to the next."""
        x, y = self.xy[self.following].T - self.xy.T
        return x, y

    @cached_property
    def lengths(self) -> np.ndarray:
        """Length of every edge."""
        x, y = self.edges
        return np.sqrt(x * x + y * y)

    @cached_property
    def areas(self) -> np.ndarray:
        """Area of every polygon, A = 1/2 sum (x_i y_{i+1} - x_{i+1} y_i)."""
        return self.each(lambda group: group.areas)[0]

    @cached_property
    def perimeters(self) -> np.ndarray:
        """Perimeter of every polygon."""
        return self.each(lambda group: group.lengths.sum(axis=0))[0]

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sum over the corners of every polygon."""
        return np.add.reduceat(values, self.indptr[:-1]) if len(self) else np.zeros(0, dtype=values.dtype)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The polygons by number of corners, few to many, in blocks that stay in the cache."""
        order = np.argsort(self.sizes, kind="stable")
        sizes, starts = np.unique(self.sizes[order], return_index=True)
        x, y = np.ascontiguousarray(self.xy.T)
        out = []
        for m, members in zip(sizes.tolist(), np.split(order, starts[1:]) if len(order) else [], strict=True):
            step = max(1, BLOCK // m)
            for some in (members[k : k + step] for k in range(0, len(members), step)):
                out.append(Group.of(some, x, y, self.indptr[some] + np.arange(m)[:, None]))
        return tuple(out)

    def each(self, measure: Callable[[Group], Any], *, results: int = 1) -> np.ndarray:
        """`measure` of every group, as one array (results, polygons)."""
        out = np.empty((results, len(self)))
        for group in self.groups:
            out[:, group.members] = measure(group)
        return out


@dataclass(frozen=True, eq=False)
class Group:
    """Polygons with one number m of corners: `members` (n,) says which, `x` and `y` (m, n) are their corners.

    Coordinates are taken from `means` (2, n), those of a polygon's corners, so that small polygons keep their digits.
    """

    members: np.ndarray
    means: np.ndarray
    x: np.ndarray
    y: np.ndarray

    @classmethod
    def of(cls, members: np.ndarray, x: np.ndarray, y: np.ndarray, at: np.ndarray) -> Group:
        """Polygons `members`, whose corners are number `at` (m, n) of `x` and `y`."""
        x, y = x[at], y[at]
        means = np.array([x.mean(axis=0), y.mean(axis=0)])
        return cls(members, means, x - means[0], y - means[1])

    @cached_property
    def edges(self) -> tuple[np.ndarray, np.ndarray]:
        """Both coordinates of the vector from every corner to the next, (m, n)."""
        return following(self.x) - self.x, following(self.y) - self.y

    @cached_property
    def lengths(self) -> np.ndarray:
        """Length of every edge, (m, n)."""
        ex, ey = self.edges
        return np.sqrt(ex * ex + ey * ey)

    @cached_property
    def crosses(self) -> np.ndarray:
        """c_i = x_i y_{i+1} - x_{i+1} y_i, (m, n)."""
        return self.x * following(self.y) - following(self.x) * self.y

    @cached_property
    def areas(self) -> np.ndarray:
        """Area of every polygon, 1/2 sum c_i."""
        return self.crosses.sum(axis=0) / 2.0

    @cached_property
    def pairs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of every pair of corners i < j, in the order of `np.triu_indices`: both differences, squared distance."""
        i, j = np.triu_indices(len(self.x), 1)
        dx, dy = self.x[j] - self.x[i], self.y[j] - self.y[i]
        return dx, dy, dx * dx + dy * dy


def following(values: np.ndarray) -> np.ndarray:
    """The rows one further on, the first one last."""
    return np.concatenate([values[1:], values[:1]])


def rings(p: Any) -> Rings:
    """The rings of `Polygons` (or of anything with `xy` and `indptr`); rings themselves as they are.

    Raises:
        InputError: it is none of these.
    """
    if isinstance(p, Rings):
        return p
    if not hasattr(p, "xy") or not hasattr(p, "indptr"):
        raise InputError(f"polygons: expected the polygons of a partition (`.polygons`) or Rings, got {shown(p)}")
    return Rings(p.xy, p.indptr)
