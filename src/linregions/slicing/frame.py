"""A slice in the coordinates of its bounding box, [-1, 1]^2, where the search works."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ..domain import Box, Domain, Plane
from ..errors import InputError
from ..exact import fractions
from .cells import Cells
from .names import name

_U = 2.0**-53


@dataclass(frozen=True, eq=False)
class Frame:
    """Domain coordinates are `middle + half * sigma` with sigma in [-1, 1]^2, exactly."""

    domain: Domain
    middle: np.ndarray
    half: np.ndarray
    corners: np.ndarray  # (corners, 2) in domain coordinates, counter-clockwise

    @classmethod
    def of(cls, domain: Any) -> Frame:
        """The frame of a plane slice or of a box with two inputs."""
        if isinstance(domain, Plane):
            corners = np.asarray(domain.region)
        elif isinstance(domain, Box) and domain.dim == 2:
            (a, c), (b, d) = domain.lower, domain.upper
            corners = np.array([[a, c], [b, c], [b, d], [a, d]])
        else:
            raise InputError(f"plane: expected a Plane or a Box with two inputs, got {domain!r}; use Plane.through")
        low, high = corners.min(axis=0), corners.max(axis=0)
        middle = low / 2 + high / 2
        # A power of two, so that going back and forth rounds only once; the box is at most twice too large.
        half = 2.0 ** np.ceil(np.log2(np.maximum(high - middle, middle - low)))
        if not np.all(np.isfinite(half) & (half > 0)):
            raise InputError(f"plane: its region spans {low.tolist()} to {high.tolist()}, which is too large or small")
        return cls(domain, middle, half, corners)

    @property
    def area(self) -> float:
        """Area of the whole domain in its own coordinates."""
        x, y = (self.corners - self.middle).T
        return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) / 2)

    def rows(self, unit: float) -> np.ndarray:
        """Inputs as rows c, a, b rounded to unit roundoff `unit`, and a bound on their errors, (4, inputs)."""
        (m1, m2), (h1, h2) = fractions(self.middle), fractions(self.half)
        embedding = self.domain.embedding
        if embedding is None:
            exact = [[m1, h1, Fraction(0)], [m2, Fraction(0), h2]]
        else:
            exact = [[o + u * m1 + v * m2, u * h1, v * h2] for u, v, o in embedding]
        out = np.zeros((4, len(exact)))
        kind = np.float64 if unit < 1e-10 else np.float32
        for k, row in enumerate(exact):
            rounded = [float(kind(float(v))) for v in row]
            out[:3, k] = rounded
            error = sum(abs(v - Fraction(r)) for v, r in zip(row, rounded, strict=True))
            out[3, k] = 1.0 * float(kind(float(error) * 1.01 + (1e-40 if error else 0.0)))
        return out

    def whole(self) -> Cells:
        """The domain as one cell."""
        count = len(self.corners)
        (m1, m2), (h1, h2) = fractions(self.middle), fractions(self.half)
        xy = np.array([[float((s - m1) / h1), float((t - m2) / h2)] for s, t in map(fractions, self.corners)])
        lines = np.zeros((1, count, 4))
        points = [fractions(c) for c in self.corners]
        for k, ((s, t), (s2, t2)) in enumerate(zip(points, points[1:] + points[:1], strict=True)):
            a, b = (t - t2) * h1, (s2 - s) * h2
            row = [-(t - t2) * (s - m1) - (s2 - s) * (t - m2), a, b]
            largest = max(map(abs, row)) or Fraction(1)
            lines[0, k, :3] = [float(v / largest) for v in row]
            lines[0, k, 3] = 4 * _U
        numbers = np.arange(count)
        return Cells(
            count=np.array([count]),
            xy=xy[None],
            radius=np.full((1, count), 2 * _U),
            lines=lines,
            corners=name(np.zeros((count, 2), np.uint64), numbers, 1)[None],
            edges=name(np.zeros((count, 2), np.uint64), numbers, 2)[None],
            units=np.full((1, count), -1, dtype=np.int64),
            layers=np.full((1, count), -1, dtype=np.int32),
        )

    def points(self, xy: np.ndarray) -> np.ndarray:
        """Points (..., 2) in domain coordinates."""
        return self.middle + self.half * xy

    def radii(self, radius: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Bounds on the errors of coordinates in the domain."""
        return 1.01 * radius * self.half.max() + 4 * _U * np.abs(points).max(axis=-1, initial=0.0)

    def maps(self, rows: np.ndarray) -> np.ndarray:
        """Rows c, a, b (cells, 3, outputs) as maps of domain coordinates (cells, outputs, 3), offset last."""
        c, slopes = rows[:, 0], rows[:, 1:] / self.half[:, None]
        offset = c - slopes[:, 0] * self.middle[0] - slopes[:, 1] * self.middle[1]
        return np.stack([slopes[:, 0], slopes[:, 1], offset], axis=-1)
