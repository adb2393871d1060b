"""The networks that differ in the output weights only: one mesh for all of them, and conditions linear in the weights.

With hidden outputs phi_1, ..., phi_J a candidate is `V = sum_j a_j phi_j + c`.  Its cells do not depend on a; on a cell
every phi_j is affine with slope s_j, so V(x) and the derivative `sum_j a_j s_j.f(x)` are linear in a (and so is the
difference of V in discrete time).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from ...combining import joint
from ...domain import Domain
from ...errors import InputError
from ...network import Network
from ...stage import Stage
from ..geometry.cells import Cells, cells_of
from .flow import Flow, mode_rows

# So near to the origin that f is its linear part to eight digits, and so far that f(x) still has eight digits.
NEAR = 2.0**-24


@dataclass(frozen=True, eq=False)
class Points:
    """Points at which the conditions are asked: `x` (m, n), the cell of each (m,), and its kind.

    `decrease` (m,) bool: the derivative must be negative there, else V must be positive.
    """

    x: np.ndarray
    cell: np.ndarray
    decrease: np.ndarray

    def __len__(self) -> int:
        return len(self.x)

    def take(self, chosen: np.ndarray) -> Points:
        """Some of them."""
        return Points(self.x[chosen], self.cell[chosen], self.decrease[chosen])

    @classmethod
    def join(cls, parts: list[Points]) -> Points:
        """One after another."""
        return cls(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("x", "cell", "decrease")))


@dataclass(frozen=True, eq=False)
class Readout:
    """The hidden part of a network, its cells on a domain, and the system.

    Attributes:
        network: the network whose output weights are free.
        cells: cells of its hidden part; output j is phi_j.
        flow: the system.
        time: "continuous" or "discrete".
        weights: (J,) the output weights it has.
    """

    network: Network
    cells: Cells
    flow: Flow
    time: str
    weights: np.ndarray

    @property
    def count(self) -> int:
        """Number J of output weights."""
        return len(self.weights)

    def with_weights(self, weights: np.ndarray) -> Network:
        """The network with other output weights, and with the bias that makes it 0 at 0 where it was."""
        last = self.network.stages[-1]
        stage = Stage(np.asarray(weights, dtype=np.float64)[None, :], last.bias, last.activation, name=last.name)
        return Network((*self.network.stages[:-1], stage), source="repaired")

    def rows(self, points: Points) -> tuple[np.ndarray, np.ndarray]:
        """The conditions at points as rows: `rows @ weights` must be positive; one unit of |x|_1 each.

        Returns:
            The rows (k, J), and for each the number of its point (k,): a point between modes comes more than once.
        """
        index, values = self._moved(points)
        rows = np.empty((len(index), self.count))
        slopes = self.cells.slopes[:, : self.count]
        for part in np.array_split(np.arange(len(index)), 1 + len(index) * self.count // 4_000_000):
            at = index[part]
            if self.time == "discrete":
                rows[part] = self._features(points, at) - self._hidden(values[part])
            else:
                rows[part] = -np.einsum("kjn,kn->kj", slopes[points.cell[at]], values[part])
        still = np.flatnonzero(~points.decrease)
        index = np.concatenate([index, still])
        rows = np.concatenate([rows, self._features(points, still)])
        return rows / np.abs(points.x[index]).sum(axis=1)[:, None], index

    def margins(self, points: Points, weights: np.ndarray) -> np.ndarray:
        """How well the conditions hold at points in units of |x|_1, (m,): negative is a violation."""
        out = np.full(len(points), np.inf)
        index, values = self._moved(points)
        slope, offset = self._maps(weights)
        if self.time == "discrete":
            now = (slope[points.cell[index]] * points.x[index]).sum(axis=1) + offset[points.cell[index]]
            signed = now - self._hidden(values) @ weights
        else:
            signed = -(slope[points.cell[index]] * values).sum(axis=1)
        np.minimum.at(out, index, signed)
        still = ~points.decrease
        cell = points.cell[still]
        out[still] = (slope[cell] * points.x[still]).sum(axis=1) + offset[cell]
        return out / np.abs(points.x).sum(axis=1)

    def _moved(self, points: Points) -> tuple[np.ndarray, np.ndarray]:
        asked = np.flatnonzero(points.decrease)
        index, values = self.flow(points.x[asked])
        return asked[index], values

    def _maps(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Slope and offset of V on every cell, V(0) subtracted."""
        maps = np.einsum("cjn,j->cn", self.cells.maps[0][:, : self.count], weights)
        return maps[:, :-1], maps[:, -1] - self._at_zero @ weights

    @property
    def _at_zero(self) -> np.ndarray:
        return self._raw(np.zeros((1, self.cells.dim)))[0]

    def _raw(self, x: np.ndarray) -> np.ndarray:
        return self.cells.network(x)[:, : self.count]

    def _hidden(self, x: np.ndarray) -> np.ndarray:
        return self._raw(x) - self._at_zero

    def _features(self, points: Points, at: np.ndarray) -> np.ndarray:
        maps = self.cells.maps[0][points.cell[at]][:, : self.count]
        return np.einsum("kjn,kn->kj", maps[:, :, :-1], points.x[at]) + maps[:, :, -1] - self._at_zero


def readout(network: Network, flow: Flow, domain: Domain, *, time: str, threads: int = 1) -> Readout:
    """Enumerate the cells of the hidden part of a network, refined by the controller and the modes of the system.

    Raises:
        InputError: the network has no hidden layer, or its last layer is more than a sum of one output.
    """
    last = network.stages[-1]
    plain = len(network.stages) > 1 and last.units == 1 and last.activation.is_identity and last.divisor is None
    if not plain:
        raise InputError(f"V: {network!r} has no free output weights; repair takes hidden layers and one linear output")
    rows = mode_rows(flow.dynamics)
    parts = [Network(network.stages[:-1]), *([] if flow.controller is None else [flow.controller])]
    cells = cells_of(joint(parts, rows=rows) if rows.size else joint(parts), domain, threads=threads)
    weight = last.weight.toarray() if hasattr(last.weight, "toarray") else last.weight
    return Readout(network, cells, flow, time, np.array(weight, dtype=np.float64)[0])


def lattice(
    cells: Cells, *, order: int | None = None, keep: Callable[[np.ndarray], np.ndarray] | None = None
) -> Points:
    """Points in every simplex of a mesh: the lattice of an order, and near the origin the rays of its simplices.

    Args:
        cells: the mesh.
        order: how many parts an edge has; by default 3 in the plane, 2 up to dimension 4, else 1.
        keep: of points (m, n), which ones to keep (m,); None keeps all but the origin.
    """
    order = order or (3 if cells.dim <= 2 else 2 if cells.dim <= 4 else 1)
    corners = cells.points[cells.simplices]
    weights = np.array([w for w in product(range(order + 1), repeat=cells.dim + 1) if sum(w) == order]) / order
    inner = np.einsum("lv,svn->sln", weights, corners)
    parts = [_asked(inner, cells.owner, decrease=True)]
    at_origin = cells.origin >= 0
    if at_origin:
        touching = cells.simplices[:, 0] == cells.origin
        parts.append(_asked(NEAR * corners[touching][:, 1:], cells.owner[touching], decrease=True))
    others = np.flatnonzero(np.arange(len(cells.points)) != cells.origin)
    parts.append(Points(cells.points[others], cells.cell_of[others], np.zeros(len(others), dtype=bool)))
    points = Points.join(parts)
    wanted = np.abs(points.x).sum(axis=1) > 0
    if keep is not None:
        wanted &= keep(points.x)
    return points.take(np.flatnonzero(wanted))


def _asked(x: np.ndarray, owner: np.ndarray, *, decrease: bool) -> Points:
    cell = np.repeat(owner, x.shape[1])
    flat = x.reshape(-1, x.shape[2])
    return Points(flat, cell, np.full(len(flat), decrease))


def outside(exclude: Any) -> Callable[[np.ndarray], np.ndarray] | None:
    """Which points lie outside an excluded set: a radius, or a Box or Polytope."""
    if exclude is None:
        return None
    if isinstance(exclude, Domain):
        rows = np.array([[float(v) for v in row] for row in exclude.halfspaces])
        return lambda x: np.any(x @ rows[:, :-1].T + rows[:, -1] < 0, axis=1)
    radius = float(exclude)
    return lambda x: np.asarray((x * x).sum(axis=1) > radius * radius)
