"""Jacobians at points: their norms and ranks."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ..activations import MaxGroups
from ..checks import shown, whole_number
from ..errors import InputError
from ..network import Network
from ..stage import Stage
from .norms import operator_norm, row_norms
from .tracing import Trace, as_network, checked_points, is_module, traces

_U = 2.0**-53
PRIME = 2**61 - 1  # ranks are taken modulo it where float64 cannot tell


@dataclass(frozen=True, eq=False, repr=False)
class Ranks:
    """Ranks of Jacobians.

    Attributes:
        values: (points,) ranks.
        certified: (points,) whether the rank is proved: as many singular values, or columns modulo a prime, as units
            are on in some layer.  Elsewhere it is a lower bound, below the rank in about one case of 10^15 only.
    """

    values: np.ndarray
    certified: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype=dtype)

    def as_dict(self) -> dict[str, float]:
        """Their mean, E_x rank."""
        return {"local_rank": float(self.values.mean())} if len(self) else {}

    def __repr__(self) -> str:
        if not len(self):
            return "Ranks: no points"
        return f"Ranks: {len(self)} points, mean {self.values.mean():.4g}, {int(self.certified.sum())} certified"


def jacobians(model: Any, x: Any, *, stage: int | None = None) -> np.ndarray:
    """Jacobian of the outputs, or of what a stage gives, at each point, (points, outputs, inputs), float64.

    The pieces are decided exactly; at a point on a boundary it is the affine map of the point's own pattern.

    Args:
        model: a Network or what a reader takes.
        x: (points, inputs).
        stage: from 0, or from the end where negative; None is the last.

    Example:
        >>> net = Network.from_arrays([([[1.0], [-2.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> jacobians(net, [[2.0], [-1.0]]).tolist()
        [[[1.0]], [[-2.0]]]
    """
    network = as_network(model)
    x = checked_points(network, x)
    number = _number(network, stage)
    outputs = network.stages[number].units
    out = np.empty((len(x), outputs, network.input_dim))
    for part, trace in traces(network, x, outputs * max(s.inputs for s in network.stages)):
        out[part] = jacobians_of(trace, number)
    return out


def jac_norm(model: Any, x: Any, *, order: Any = "fro", stage: int | None = None) -> np.ndarray:
    """Norm of the Jacobian at each point: `|J|_F`, or the largest singular value with `order=2`; (points,).

    Args:
        model: a Network, a path, or a torch module (then by automatic differentiation, order "fro").
        x: (points, inputs).
        order: "fro" or 2.
        stage: of which stage's outputs; None is the last.

    Example:
        >>> net = Network.from_arrays([([[3.0, 4.0]], [0.0])])
        >>> jac_norm(net, [[1.0, 1.0]]).tolist()
        [5.0]
    """
    if order not in ("fro", 2):
        raise InputError(f"order: must be 'fro' or 2, got {shown(order)}")
    if is_module(model):
        from .torch_points import jac_norm as by_torch

        return by_torch(model, x, order=order)
    network = as_network(model)
    x = checked_points(network, x)
    number = _number(network, stage)
    out = np.empty(len(x))
    for part, trace in traces(network, x, network.stages[number].units * max(s.inputs for s in network.stages)):
        out[part] = np.linalg.norm(jacobians_of(trace, number), ord=order, axis=(1, 2))
    return out


def local_rank(model: Any, x: Any, *, stage: int | None = None) -> Ranks:
    """Rank of the Jacobian at each point, of the real-valued network: no tolerance says what a small singular value is.

    Singular values above a bound on all rounding count; where they are fewer than the units that are on in every layer,
    the rank is that of the Jacobian modulo a prime of 61 bits, never above the true one.

    Args:
        model: a Network, a path, or a torch module (then from its last outputs, numerically).
        x: (points, inputs).
        stage: of which stage's outputs (after their activations), from 0; None is the last.

    Returns:
        `Ranks`.

    Source: Patel, Montufar 2025 (2412.18283), E_x rank of the Jacobian to a layer.

    Example:
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0], [1.0, 1.0]], [0.0, 0.0])])
        >>> local_rank(net, [[1.0, 1.0], [-1.0, -1.0]]).values.tolist()
        [1, 0]
        >>> local_rank(net, [[1.0, 1.0]], stage=0).values.tolist()
        [2]
    """
    if is_module(model):
        from .torch_points import local_rank as by_torch

        return by_torch(model, x)
    network = as_network(model)
    x = checked_points(network, x)
    number = _number(network, stage)
    values, most = np.zeros(len(x), dtype=np.int64), np.zeros(len(x), dtype=np.int64)
    error = _rounding(network, number)
    for part, trace in traces(network, x, network.stages[number].units * max(s.inputs for s in network.stages)):
        most[part] = _on(trace, number)
        values[part] = _certain(jacobians_of(trace, number), error)
        for i in np.flatnonzero(values[part] < most[part]):
            pieces = [p[i] for p in trace.pieces[: number + 1]]
            values[part][i] = max(values[part][i], modular_rank(network, pieces))
    return Ranks(values, values == most)


def modular_rank(network: Network, pieces: list[np.ndarray]) -> int:
    """Rank modulo a prime of the Jacobian of the first stages where their units have these pieces."""
    from flint import nmod_mat

    state = None
    for stage, chosen in zip(network.stages, pieces, strict=False):
        table = _modular(stage, chosen)
        matrix = nmod_mat(len(table), stage.inputs, [v for row in table for v in row], PRIME)
        state = matrix if state is None else matrix * state
    return 0 if state is None else int(state.rank())


def _modular(stage: Stage, pieces: np.ndarray) -> list[list[int]]:
    """Rows of a stage, times the slopes of their pieces, modulo the prime."""
    act, out = stage.activation, []
    for unit, piece in enumerate(pieces.tolist()):
        winner = isinstance(act, MaxGroups)
        row = int(act.offsets[unit]) + piece if isinstance(act, MaxGroups) else unit
        gain = 1 if winner else _residue(act.functions[act.index[unit]].slopes[piece])  # type: ignore[union-attr]
        if stage.divisor is not None:
            gain = gain * pow(_residue(float(stage.divisor[row])), -1, PRIME) % PRIME
        values = [0] * stage.inputs
        if gain:
            for j, w in zip(*stage.row(row), strict=True):
                values[int(j)] = gain * _residue(float(w)) % PRIME
        out.append(values)
    return out


def _residue(value: float) -> int:
    exact = Fraction(value)
    return exact.numerator * pow(exact.denominator, -1, PRIME) % PRIME


def _number(network: Network, stage: Any) -> int:
    count = len(network.stages)
    if stage is None:
        return count - 1
    number = stage + count if isinstance(stage, int) and not isinstance(stage, bool) and stage < 0 else stage
    return whole_number(number, "stage", least=0, most=count - 1)


def jacobians_of(trace: Trace, number: int) -> np.ndarray:
    """Jacobians of what a stage gives, (points, units, inputs)."""
    outputs = trace.network.stages[number].units
    points = np.repeat(np.arange(len(trace.x)), outputs)
    seeds = np.tile(np.eye(outputs), (len(trace.x), 1))
    return trace.pulled_back(number + 1, seeds, points).reshape(len(trace.x), outputs, -1)


def _on(trace: Trace, number: int) -> np.ndarray:
    """The least number of units that are on in a stage, and of inputs: no rank is larger, (points,)."""
    most = np.full(len(trace.x), trace.network.input_dim)
    for stage, gain in zip(trace.network.stages[: number + 1], trace.gains, strict=False):
        on = stage.units if gain is None else np.sum(gain != 0, axis=1)
        most = np.minimum(most, on)
    return most


def _rounding(network: Network, number: int) -> float:
    """A bound on the length of the rounding error of a Jacobian pulled back through the stages up to `number`."""
    error, size = 0.0, 1.0
    for stage in network.stages[: number + 1]:
        whole = max(float(np.linalg.norm(row_norms(stage))), operator_norm(stage))
        steep = 1.0
        if not isinstance(stage.activation, MaxGroups):
            steep = max((abs(s) for f in stage.activation.functions for s in f.slopes), default=1.0)
        gamma = (stage.rows + stage.inputs + 16) * _U
        error = steep * whole * (error + gamma * (size + error))
        size *= steep * whole
    return 2 * error


def _certain(table: np.ndarray, error: float) -> np.ndarray:
    """How many singular values are certainly not zero, (points,)."""
    count, rows, columns = table.shape
    if not (count and rows and columns):
        return np.zeros(count, dtype=np.int64)
    values = np.linalg.svd(table, compute_uv=False)
    own = 8 * (rows + columns) * _U * values[:, :1]  # of the singular values themselves
    return np.sum(values > error + own, axis=1)
