"""Normals of the boundaries around points, and what changes across the nearest one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..activations import MaxGroups
from ..checks import whole_number
from ..network import Network
from .distances import Hinges
from .points import jacobians_of
from .tracing import Trace, as_network, checked_points, traces


@dataclass(frozen=True, eq=False, repr=False)
class NormalAngles:
    """Angles between the normals of the boundaries nearest to points.

    Attributes:
        mean: (points,) mean angle of all pairs, radians; NaN where there are fewer than two boundaries.
        spread: (points,) their standard deviation, radians.
        pairs: (points,) how many pairs.
        dim: number of inputs, or of directions within a slice.
    """

    mean: np.ndarray
    spread: np.ndarray
    pairs: np.ndarray
    dim: int

    @property
    def deviation(self) -> np.ndarray:
        """(points,) mean angle minus the right angle that random normals have."""
        return self.mean - np.pi / 2

    @property
    def random_spread(self) -> float:
        """About the spread that random normals have, 1 / sqrt(dim)."""
        return float(1 / np.sqrt(self.dim))

    def as_dict(self) -> dict[str, float]:
        """Means over the points that have a pair."""
        seen = self.pairs > 0
        if not seen.any():
            return {}
        return {
            "normal_angles": float(self.mean[seen].mean()),
            "normal_angles_spread": float(self.spread[seen].mean()),
            "normal_angles_random_spread": self.random_spread,
        }

    def __repr__(self) -> str:
        seen = self.pairs > 0
        mean = f"mean {self.mean[seen].mean():.4g} rad" if seen.any() else "no two boundaries"
        return f"NormalAngles: {len(self.mean)} points, {mean}"


@dataclass(frozen=True, eq=False, repr=False)
class Across:
    """How the Jacobian changes across the boundary nearest to each point.

    Attributes:
        similarity: (points,) `<J, J'> / (|J| |J'|)`; NaN where one of them is zero.
        jump: (points,) `|J' - J|_F`.
        relative: (points,) `|J' - J|_F / (|J|_F + |J'|_F)`; 0 where both are zero.
    """

    similarity: np.ndarray
    jump: np.ndarray
    relative: np.ndarray

    def as_dict(self) -> dict[str, float]:
        """Means over the points where they are defined."""
        out = {"jump": self.jump, "relative_jump": self.relative, "neighbour_similarity": self.similarity}
        return {name: float(np.nanmean(v)) for name, v in out.items() if np.isfinite(v).any()}

    def __repr__(self) -> str:
        mean = f", mean relative jump {self.relative.mean():.4g}" if len(self.jump) else ""
        return f"Across: {len(self.jump)} points{mean}"


def normal_angles(model: Any, x: Any, *, nearest: int = 16, within: Any = None) -> NormalAngles:
    """Angles `arccos(n_i.n_j)` between the normals of the boundaries nearest to each point, in radians.

    A normal `n = grad z / |grad z|` points to where the unit's level grows, in a max group from the loser to the
    winner.  The boundaries are the zero sets of the point's own region, each as if it went on, in order of their
    distance; they need not all be facets.

    Args:
        model: a Network or what a reader takes.
        x: (points, inputs).
        nearest: how many boundaries; the pairs of them are taken.
        within: directions as in `boundary_distance`.

    Source: Zhang, Wu 2020 (2001.01072) for the angles; the choice of the nearest ones is ours.

    Example:
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> (normal_angles(net, [[1.0, 1.0]]).mean / np.pi).tolist()
        [0.5]
    """
    network = as_network(model)
    x, few = checked_points(network, x), whole_number(nearest, "nearest", least=2)
    hinges = Hinges(network, within)
    mean, spread, pairs = np.full(len(x), np.nan), np.full(len(x), np.nan), np.zeros(len(x), dtype=np.int64)
    for part, trace in traces(network, x, max(hinges.count, max(s.inputs for s in network.stages))):
        for i, normals in enumerate(_nearest_normals(hinges, trace, few)):
            a, b = np.triu_indices(len(normals), 1)
            if len(a):
                cosine = np.clip(np.sum(normals[a] * normals[b], axis=1), -1.0, 1.0)
                angle = np.arccos(cosine)
                at = part.start + i
                mean[at], spread[at], pairs[at] = angle.mean(), angle.std(), len(a)
    return NormalAngles(mean, spread, pairs, network.input_dim if hinges.basis is None else hinges.basis.shape[1])


def across_nearest(model: Any, x: Any) -> Across:
    """How the Jacobian of the network changes across the boundary nearest to each point.

    Where one unit switches, `J' = J + g (s' - s) grad z^T`: a matrix of rank one, with g the gradient of the outputs
    with respect to the unit and s, s' its slopes; in a max group `J' = J + g (grad z_other - grad z_winner)^T`.  Units
    that switch on the very same hyperplane are not followed.

    Args:
        model: a Network or what a reader takes.
        x: (points, inputs).

    Returns:
        `Across`; where there is no boundary, similarity 1 and no jump.

    Source: derived; similarity to neighbours as in Zhang, Wu 2020 (2001.01072).

    Example:
        >>> net = Network.from_arrays([([[1.0], [-1.0]], [0.0, 1.0]), ([[1.0, 1.0]], [0.0])])
        >>> across_nearest(net, [[-1.0]]).jump.tolist()
        [1.0]
    """
    network = as_network(model)
    x = checked_points(network, x)
    hinges, parts = Hinges(network), []
    widest = max(hinges.count, network.output_dim * max(s.inputs for s in network.stages))
    for _, trace in traces(network, x, widest):
        here, change = jacobians_of(trace, len(network.stages) - 1), _change(hinges, trace)
        parts.append(_compared(here, here + change, change))
    columns = [np.concatenate(c) for c in zip(*parts, strict=True)] if parts else [np.zeros(0)] * 3
    return Across(*columns)


def _nearest_normals(hinges: Hinges, trace: Trace, few: int) -> list[np.ndarray]:
    """Per point the normals (boundaries, .) of its nearest boundaries, not all of them facets."""
    levels = hinges.levels(trace)
    rows, columns = np.nonzero(np.isfinite(levels))
    distance = np.full(levels.shape, np.inf)
    distance[rows, columns] = hinges.distances(trace, levels, rows, columns)
    out = []
    for i in range(len(trace.x)):
        order = np.argsort(distance[i], kind="stable")[:few]
        order = order[np.isfinite(distance[i][order])]
        found = [
            hinges.gradients(trace, np.full(1, i), order[k : k + 1], int(hinges.stages[c])) for k, c in enumerate(order)
        ]
        table = np.concatenate(found) if found else np.zeros((0, 1))
        out.append(table / np.linalg.norm(table, axis=1, keepdims=True))
    return out


def _change(hinges: Hinges, trace: Trace) -> np.ndarray:
    """`J' - J` across the nearest boundary of every point, (points, outputs, inputs)."""
    network = trace.network
    out = np.zeros((len(trace.x), network.output_dim, network.input_dim))
    _, columns = hinges.nearest(trace)
    for k in np.unique(hinges.stages[columns[columns >= 0]]):
        points = np.flatnonzero((columns >= 0) & (np.append(hinges.stages, -1)[columns] == k))
        mine, units = columns[points], hinges.units[columns[points]]
        normal = hinges.gradients(trace, points, mine, int(k), full=True)
        gain = _downstream(trace, int(k), points, units) * _step(network, trace, int(k), points, units, hinges.at[mine])
        out[points] = gain[:, :, None] * normal[:, None, :]
    return out


def _step(network: Network, trace: Trace, k: int, points: Any, units: Any, at: Any) -> np.ndarray:
    """Slope beyond minus slope here; -1 in a max group, whose gradient is the winner's lead."""
    act, pieces = network.stages[k].activation, trace.pieces[k][points, units]
    if isinstance(act, MaxGroups):
        return np.full((len(points), 1), -1.0)
    steps = []
    for unit, piece, t in zip(units, pieces, at, strict=True):
        f = act.functions[act.index[unit]]
        beyond = piece - 1 if piece > 0 and f.breakpoints[piece - 1] == t else piece + 1
        steps.append(f.slopes[beyond] - f.slopes[piece])
    return np.array(steps)[:, None]


def _downstream(trace: Trace, k: int, points: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Gradient of the outputs with respect to one unit of stage `k` at each point, (pairs, outputs)."""
    state = np.zeros((len(points), trace.network.stages[k].units))
    state[np.arange(len(points)), units] = 1.0
    for s in range(k + 1, len(trace.network.stages)):
        stage, gain = trace.network.stages[s], trace.gains[s]
        state = stage.preactivation(state) - stage.preactivation(np.zeros((1, stage.inputs)))
        if isinstance(stage.activation, MaxGroups):
            state = np.take_along_axis(state, stage.activation.offsets[:-1] + trace.pieces[s][points], axis=1)
        elif gain is not None:
            state = state * gain[points]
    return state


def _compared(here: np.ndarray, beyond: np.ndarray, change: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    a, b, jump = (np.linalg.norm(v, axis=(1, 2)) for v in (here, beyond, change))
    with np.errstate(invalid="ignore", divide="ignore"):
        similarity = np.sum(here * beyond, axis=(1, 2)) / (a * b)
        relative = np.where(a + b > 0, jump / (a + b), 0.0)
    return similarity, jump, relative
