"""A network at given points: pre-activations, pieces, and gradients pulled back through the stages in batches.

What the point metrics stand on.  Pieces are decided exactly (`Network.pattern`); levels and gradients are float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from ..activations import MaxGroups, UnitActivations
from ..checks import plural, shown
from ..errors import InputError
from ..network import Network
from ..partition.slopes import stage_pieces
from ..stage import Stage, exact_float64, is_sparse

CHUNK = 2**21  # numbers in one array


def as_network(model: Any) -> Network:
    """A network as it is, and what a reader takes as the network that it reads.

    Raises:
        InputError: it is neither.
    """
    if isinstance(model, Network):
        return model
    from ..readers import read

    return read(model)


def is_module(model: Any) -> bool:
    """Whether `model` is a torch module (looked up without importing torch)."""
    return any(c.__module__ == "torch.nn.modules.module" and c.__name__ == "Module" for c in type(model).__mro__)


def checked_points(network: Network, x: Any, what: str = "x") -> np.ndarray:
    """The points (points, inputs) as float64; a single one may come without the first axis."""
    x = np.atleast_2d(exact_float64(x, what))
    if x.ndim != 2 or x.shape[-1] != network.input_dim:
        inputs = plural(network.input_dim, "input")
        raise InputError(f"{what}: expected (points, inputs) with the network's {inputs}, got shape {x.shape}")
    return x


@dataclass(frozen=True, eq=False)
class Trace:
    """What a network does at some points.

    Attributes:
        network: the network.
        x: (points, inputs).
        levels: per stage the pre-activations (points, rows), float64.
        pieces: per stage the pieces (points, units), decided exactly.
        outputs: (points, outputs), float64.
    """

    network: Network
    x: np.ndarray
    levels: tuple[np.ndarray, ...]
    pieces: tuple[np.ndarray, ...]
    outputs: np.ndarray

    @classmethod
    def of(cls, network: Network, x: np.ndarray) -> Trace:
        """Evaluate a network at points (points, inputs)."""
        pieces = stage_pieces(network, network.pattern(x))
        levels, state = [], x
        for stage, chosen in zip(network.stages, pieces, strict=True):
            z = stage.preactivation(state)
            levels.append(z)
            state = on_pieces(stage, z, chosen)
        return cls(network, x, tuple(levels), tuple(p.astype(np.int64) for p in pieces), state)

    @cached_property
    def gains(self) -> tuple[np.ndarray | None, ...]:
        """Per stage the slopes (points, units) of the units on their pieces; None for max groups."""
        return tuple(slopes(s.activation, p) for s, p in zip(self.network.stages, self.pieces, strict=True))

    def pulled_back(
        self, number: int, seeds: np.ndarray, points: np.ndarray, first: Any = None, *, absolute: bool = False
    ) -> np.ndarray:
        """Gradients of combinations of what goes into stage `number`.

        Args:
            number: stage; the combinations are of its inputs, the outputs of the stage before.
            seeds: (pairs, inputs of the stage) coefficients.
            points: (pairs,) at which point each is taken.
            first: (rows of stage 0, columns) in the place of the first stage's weight.
            absolute: with every weight and slope made positive.

        Returns:
            (pairs, inputs), or (pairs, columns) with `first`.
        """
        v = seeds
        for s in range(number - 1, -1, -1):
            stage = self.network.stages[s]
            v = self._through(s, v, points, absolute)
            if stage.divisor is not None:
                v = v / stage.divisor
            weight = stage.weight if s or first is None else first
            v = times(v, abs(weight) if absolute else weight)
        return np.abs(v) if absolute else v

    def _through(self, s: int, v: np.ndarray, points: np.ndarray, absolute: bool) -> np.ndarray:
        act, gain = self.network.stages[s].activation, self.gains[s]
        if isinstance(act, MaxGroups):
            rows = np.zeros((len(v), int(act.offsets[-1])))
            rows[np.arange(len(v))[:, None], act.offsets[:-1] + self.pieces[s][points]] = v
            return rows
        if act.is_identity or gain is None:
            return v
        return v * (np.abs(gain[points]) if absolute else gain[points])


def traces(network: Network, x: np.ndarray, width: int | None = None) -> Iterator[tuple[slice, Trace]]:
    """The points in chunks that keep arrays of `width` numbers a point small, each with its trace."""
    widest = width or max(max(s.rows, s.inputs) for s in network.stages)
    step = max(1, CHUNK // max(1, widest))
    for a in range(0, len(x), step):
        part = slice(a, min(a + step, len(x)))
        yield part, Trace.of(network, x[part])


def on_pieces(stage: Stage, z: np.ndarray, pieces: np.ndarray) -> np.ndarray:
    """The stage's outputs (points, units) from pre-activations and the pieces decided exactly."""
    act = stage.activation
    if isinstance(act, MaxGroups):
        return np.take_along_axis(z, act.offsets[:-1] + pieces.astype(np.int64), axis=1)
    if act.is_identity:
        return z
    gain, shift = piece_tables(act)
    units = np.arange(stage.rows)
    return gain[units, pieces] * z + shift[units, pieces]


def slopes(act: Any, pieces: np.ndarray) -> np.ndarray | None:
    """Slope of every unit on its piece, (points, units); None for max groups."""
    if isinstance(act, MaxGroups):
        return None
    return piece_tables(act)[0][np.arange(act.units), pieces]


def piece_tables(act: UnitActivations) -> tuple[np.ndarray, np.ndarray]:
    """Slope and intercept of every unit on each of its pieces, two arrays (units, pieces)."""
    most = max(f.pieces for f in act.functions)
    gain, shift = (
        np.array([[*map(float, row), *[0.0] * (most - len(row))] for row in table])[act.index]
        for table in ([f.slopes for f in act.functions], [f.intercepts for f in act.functions])
    )
    return gain, shift


def times(v: np.ndarray, weight: Any) -> np.ndarray:
    """`v @ weight` for a dense or sparse weight, dense."""
    return np.asarray((weight.T @ v.T).T) if is_sparse(weight) else v @ weight


def weight_rows(stage: Stage, rows: np.ndarray, weight: Any = None) -> np.ndarray:
    """Some rows of the stage's affine map, or of `weight` in its place, divided by its divisor, dense."""
    picked = (stage.weight if weight is None else weight)[rows]
    picked = picked.toarray() if is_sparse(picked) else np.array(picked)
    return picked if stage.divisor is None else picked / np.asarray(stage.divisor)[rows, None]


def directions_matrix(directions: Any, inputs: int) -> tuple[np.ndarray, list[list[Fraction]]]:
    """A basis of the span of `directions`: orthonormal (inputs, k) in float64, and the given one in rationals.

    Args:
        directions: a Plane, a Segment, or rows (k, inputs).
        inputs: number of inputs.

    Raises:
        InputError: they depend on each other, or have the wrong number of inputs.
    """
    from ..domain import Domain
    from ..exact import fractions, rank

    if isinstance(directions, Domain):
        rows = directions.embedding
        exact = [list(r) for r in zip(*(row[:-1] for row in rows), strict=True)] if rows is not None else []
        if rows is None or directions.input_dim != inputs:
            raise InputError(
                f"within: {directions!r} is no slice of {plural(inputs, 'input')}; give a Plane, a Segment or rows"
            )
        table = np.array([[float(v) for v in row] for row in exact])
    else:
        table = np.atleast_2d(exact_float64(directions, "within"))
        if table.ndim != 2 or table.shape[1] != inputs:
            raise InputError(f"within: expected directions (k, {inputs}), got shape {table.shape}")
        exact = [fractions(row) for row in table]
    if rank(exact) < len(exact):
        raise InputError(f"within: the directions depend on each other, got {shown(table.tolist())}; leave some out")
    return np.linalg.qr(table.T)[0], exact
