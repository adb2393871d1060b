"""The signs of f - g at the vertices of a complex, g the affine map of one region: filtered in float64, then exact."""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from ..enclosure import bounded_activation, bounded_preactivation
from ..exact import dot, nearest_float
from .complex import Column
from .rows import Row, exact_ends, region_rows

_U = 2.0**-53
_TINY = 1e-323  # of numbers too small to have a relative error


class Levels:
    """Values of a partition's network at its vertices, computed once for many functions g."""

    def __init__(self, partition: Any):
        self.partition, self.cells = partition, partition.complex
        self._rows: dict[int, tuple[list[tuple[Column, Row]], list[Row]]] = {}
        self._ends: dict[int, tuple[Row, Row]] = {}
        first = np.full(len(self.cells.points), -1, dtype=np.int64)
        owner = np.repeat(np.arange(len(partition)), np.diff(self.cells.region_indptr))
        first[self.cells.region_vertices[::-1]] = owner[::-1]
        self._region_of = first

    def signs(self, members: np.ndarray) -> np.ndarray:
        """Signs of f - g at all vertices, (vertices, outputs), where g is the map on the regions `members`."""
        rows = self.map(int(members[0]))
        values, errors = self._values
        slope = np.array([[nearest_float(v) for v in row] for row in rows])
        points, radii = self.cells.points, self.cells.radii[:, None]
        with np.errstate(all="ignore"):
            level = points @ slope[:, :-1].T + slope[:, -1]
            size = np.abs(points) @ np.abs(slope[:, :-1]).T + np.abs(slope[:, -1])
            reach = radii * np.abs(slope[:, :-1]).sum(axis=1)
            room = 1.01 * (errors + reach + (points.shape[1] + 8) * _U * (size + np.abs(values)))
            room += 1e-300 + _TINY * np.abs(points).sum(axis=1, keepdims=True)
            gap = values - level
            sure = np.isfinite(gap) & np.isfinite(room) & (np.abs(gap) > room) & ~self.cells.far[:, None]
        out = np.where(sure, np.sign(gap), 0).astype(np.int8)
        at = np.concatenate([_slice(self.cells, i) for i in members])
        own = np.zeros(len(points), dtype=bool)
        own[at] = True
        out[own] = 0
        for v in np.flatnonzero(~own & ~sure.all(axis=1)):
            out[v] = [_sign(pair) for pair in self._differences(rows, int(v), self._region_of[v])]
        return out

    def image(self, member: int, vertices: np.ndarray) -> tuple[list[Row], list[Row]]:
        """Points and rays whose hull is the image under f - g of the face with these vertices."""
        # The face as points plus rays: points on its least faces, and the directions of its far vertices.
        owner = self._common_region(vertices)
        rows = self.map(member)
        least = ~self.cells.far[vertices]
        if not least.any():
            least = np.isin(vertices, self.cells.faces(self.lowest).vertices)
        pairs = [self._differences(rows, int(v), owner) for v in vertices]
        points = [[p for _, p in pair] for pair, use in zip(pairs, least, strict=True) if use]
        rays = [[q for q, _ in pair] for pair, v in zip(pairs, vertices, strict=True) if self.cells.far[v]]
        return points, rays

    def map(self, i: int) -> list[Row]:
        """The exact affine map on region `i` in the domain's coordinates, one row per output."""
        return self._region(i)[1]

    def _region(self, i: int) -> tuple[list[tuple[Column, Row]], list[Row]]:
        if i not in self._rows:
            self._rows[i] = region_rows(self.partition, i)
        return self._rows[i]

    @cached_property
    def lowest(self) -> int:
        """Dimension of the least faces: 0, or that of the lines that every region is a union of."""
        return next(k for k in range(self.partition.domain.dim + 1) if len(self.cells.faces(k).bounded))

    @cached_property
    def _values(self) -> tuple[np.ndarray, np.ndarray]:
        """The network at all vertices in float64, and bounds on the errors; far vertices have none."""
        points, radii, domain = self.cells.points, self.cells.radii[:, None], self.partition.domain
        x, error = points, np.broadcast_to(radii, points.shape)
        with np.errstate(all="ignore"):
            if domain.embedding is not None:
                rows = np.array([[nearest_float(v) for v in row] for row in domain.embedding])
                x = points @ rows[:, :-1].T + rows[:, -1]
                size = np.abs(points) @ np.abs(rows[:, :-1]).T + np.abs(rows[:, -1])
                error = 1.01 * (radii * np.abs(rows[:, :-1]).sum(axis=1) + (points.shape[1] + 8) * _U * size)
                error += 1e-300 + _TINY * np.abs(points).sum(axis=1, keepdims=True)
            for stage in self.partition.network.stages:
                z, error = bounded_preactivation(stage, x, error)
                x, error = bounded_activation(stage, z, error)
        return x, error

    def _differences(self, rows: list[Row], v: int, region: int) -> list[tuple[Fraction, Fraction]]:
        """(q, p) per output: f - g is p + q M at vertex v, by the map of a region that has it."""
        if v not in self._ends:
            self._ends[v] = exact_ends(self.partition, v, self._region(int(region))[0])
        p, q = self._ends[v]
        out = []
        for own, row in zip(self.map(int(region)), rows, strict=True):
            gap = [a - b for a, b in zip(own, row, strict=True)]
            out.append((dot(gap[:-1], q), dot(gap[:-1], p) + gap[-1]))
        return out

    def _common_region(self, vertices: np.ndarray) -> int:
        wanted = set(vertices.tolist())
        return next(i for i in self._around[int(vertices[0])] if wanted <= set(_slice(self.cells, i).tolist()))

    @cached_property
    def _around(self) -> dict[int, list[int]]:
        out: dict[int, list[int]] = {}
        for i in range(len(self.partition)):
            for v in _slice(self.cells, i):
                out.setdefault(int(v), []).append(i)
        return out


def _slice(cells: Any, i: int) -> np.ndarray:
    return cells.region_vertices[cells.region_indptr[i] : cells.region_indptr[i + 1]]


def _sign(pair: tuple[Fraction, Fraction]) -> int:
    value = pair[0] or pair[1]
    return (value > 0) - (value < 0)
