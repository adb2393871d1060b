"""The right-hand side of a system in float64 at many points at once, for proposals that `verify` then judges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...network import Network
from ..dynamics.dynamics import Dynamics, Piecewise


@dataclass(frozen=True, eq=False)
class Flow:
    """A system whose loop a controller may close, as a function of arrays.

    Example:
        >>> from linregions.lyapunov.dynamics.dynamics import dynamics_of
        >>> index, values = Flow(dynamics_of(["x2", "-x1 - x2"], dim=2))(np.array([[1.0, 2.0]]))
        >>> index, values
        (array([0]), array([[ 2., -3.]]))
    """

    dynamics: Dynamics
    controller: Network | None = None

    def __call__(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where a trajectory goes from each of `points` (m, n).

        Returns:
            The numbers of the points (k,) and the values (k, n); a point on the border of several modes comes once for
            each of them, a point at which a value is not finite does not come.
        """
        if isinstance(self.dynamics, Piecewise):
            index, values = _in_modes(self.dynamics, points)
        else:
            index, values = np.arange(len(points)), self._plain(points)
        fine = np.isfinite(values).all(axis=1)
        return index[fine], values[fine]

    def _plain(self, points: np.ndarray) -> np.ndarray:
        if self.controller is not None:
            points = np.concatenate([points, self.controller(points)], axis=1)
        with np.errstate(all="ignore"):
            return self.dynamics(points)


def _in_modes(dynamics: Piecewise, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    indices, values = [], []
    for mode in dynamics.modes:
        a, b, h, k = (np.array(part, dtype=np.float64) for part in (mode.A, mode.b, mode.H, mode.h))
        left = points @ h.reshape(-1, points.shape[1]).T
        near = 1e-12 * (1.0 + np.abs(left) + np.abs(k))
        inside = np.flatnonzero((left <= k + near).all(axis=1))
        indices.append(inside)
        values.append(points[inside] @ a.T + b)
    return np.concatenate(indices), np.concatenate(values)


def mode_rows(dynamics: Dynamics) -> np.ndarray:
    """The hyperplanes between the modes of a piecewise affine system as rows `(a, c)`: `a.x + c = 0`."""
    if not isinstance(dynamics, Piecewise):
        return np.zeros((0, 0))
    rows = [[*map(float, h), -float(k)] for mode in dynamics.modes for h, k in zip(mode.H, mode.h, strict=True)]
    return np.unique(np.array(rows), axis=0) if rows else np.zeros((0, 0))
