"""The vertices of cross-polytopes around points, pushed through a network, with every sign decided exactly."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from ..activations import RELU, MaxGroups
from ..exact import fractions
from ..network import Network
from ..stage import Stage, is_sparse
from .norms import operator_norm, row_norms

_U, _TINY = 2.0**-53, 1e-300
CACHED = 2**18  # numbers in one array: what stays near the processor


class Star:
    """The vertices of a cross-polytope around points, pushed through a network, with a bound on all errors.

    The state of a vertex is known up to an error whose Euclidean length is bounded by one number, so that the bound
    costs one product with a vector and not one with a matrix: `|W e|_k <= |w_k| |e|`, `|W e| <= |W| |e|`.
    """

    def __init__(self, network: Network, v: np.ndarray, radius: float, centre: bool, logits: bool):
        self.network, self.v, self.radius, self.centre = network, v, radius, centre
        self.vertices = 2 * len(v) + int(centre)
        self.exact_decisions = 0
        last = len(network.stages) - 1
        plain = logits and not bool(np.any(network.stages[last].activation.pieces > 1))
        self.layers = [
            k for k, s in enumerate(network.stages) if bool(np.any(s.activation.pieces > 1)) or (k == last and plain)
        ]
        self.widths = tuple(
            int(np.sum(network.stages[k].activation.pieces > 1)) or network.stages[k].units for k in self.layers
        )
        self.around = radius * linear_part(network.stages[0], v)  # (P, rows)
        self.norms = [(row_norms(s), operator_norm(s), float(np.linalg.norm(shift_of(s)))) for s in network.stages]

    def all_counts(self, x: np.ndarray) -> np.ndarray:
        """(points, layers), a few points at a time."""
        chunk = max(1, CACHED // (self.vertices * max(s.rows for s in self.network.stages)))
        middle = self.network.stages[0].preactivation(x)
        parts = [self.counts(x[a : a + chunk], middle[a : a + chunk]) for a in range(0, len(x), chunk)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.layers)), dtype=np.int64)

    def counts(self, x: np.ndarray, middle: np.ndarray) -> np.ndarray:
        """(points, layers) of one chunk; `middle` (points, rows) is what the first stage makes of the points."""
        first = self.network.stages[0]
        z = np.concatenate([middle[:, None] + self.around, middle[:, None] - self.around], axis=1)
        if self.centre:
            z = np.concatenate([z, middle[:, None]], axis=1)
        gamma = 2 * (first.inputs + 10) * _U
        rows, _, _ = self.norms[0]
        size = np.linalg.norm(x, axis=1) + 1.01 * self.radius
        error = 1.01 * gamma * (rows * size[:, None] + np.abs(shift_of(first))) + _TINY
        length = np.repeat(np.linalg.norm(error, axis=1)[:, None], self.vertices, axis=1)
        out: list[np.ndarray] = []
        for k, stage in enumerate(self.network.stages[: max(self.layers, default=-1) + 1]):
            if k:
                z, error, length = self._next(k, z, length)
            if k in self.layers:
                out.append(self._changes(k, z, error, x))
            z, length = self._activated(stage, z, length)
        return np.stack(out, axis=1) if out else np.zeros((len(x), 0), dtype=np.int64)

    def _next(self, k: int, state: np.ndarray, length: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pre-activations, a bound (points, rows) on the errors at all vertices, and one on their lengths."""
        stage, (rows, norm, shift) = self.network.stages[k], self.norms[k]
        gamma = 2 * (stage.inputs + 8) * _U
        # As one matrix: a stack of small products is several times slower.
        flat = state.reshape(-1, stage.inputs)
        own = np.sqrt(np.einsum("ij,ij->i", flat, flat)).reshape(length.shape)
        error = 1.01 * (np.max(length + gamma * own, axis=1)[:, None] * rows + gamma * np.abs(shift_of(stage)))
        steep = 1.01 * (norm * length + gamma * (np.linalg.norm(rows) * own + shift))
        return stage.preactivation(flat).reshape(*state.shape[:-1], stage.rows), error, steep

    def _activated(self, stage: Stage, z: np.ndarray, length: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        act = stage.activation
        if isinstance(act, MaxGroups) or act.is_identity:
            return stage.activate(z), length
        if act.functions == (RELU,):
            return np.maximum(z, 0.0), length
        y = stage.activate(z)
        # The pieces' slopes are in the operator norm already, where it is above 1; their rounding is not.
        steepest = max((abs(s) for f in act.functions for s in f.slopes), default=1.0)
        shift = max((abs(float(c)) for f in act.functions for c in f.intercepts), default=0.0)
        rounding = 8 * _U * (np.linalg.norm(z, axis=-1) * steepest + shift * np.sqrt(stage.rows))
        return y, 1.01 * (max(1.0, steepest) * length + rounding)

    def _changes(self, k: int, z: np.ndarray, error: np.ndarray, x: np.ndarray) -> np.ndarray:
        """How many units of a layer change, (points,)."""
        act = self.network.stages[k].activation
        if isinstance(act, MaxGroups):
            return self._other_winners(k, act, z, error, x)
        changed = np.zeros((len(x), act.units), dtype=bool)
        functions = [(np.flatnonzero(act.index == i), f.breakpoints or (0.0,)) for i, f in enumerate(act.functions)]
        plain = not bool(np.any(act.pieces > 1))  # the outputs: their own signs
        for mine, breakpoints in functions:
            if act.functions[act.index[mine[0]]].pieces == 1 and not plain:
                continue
            part, room = (z, error) if len(mine) == act.units else (z[..., mine], error[:, mine])
            low, high = part.min(axis=1), part.max(axis=1)
            for t in breakpoints:
                slack = room + 4 * _U * abs(t)
                apart = (low - t < -slack) & (high - t > slack)
                unsure = ~apart & ~((low - t > slack) | (high - t < -slack))
                for i, j in zip(*np.nonzero(unsure), strict=True):
                    apart[i, j] = self._exactly(k, int(mine[j]), t, x[i], part[i, :, j] - t, float(slack[i, j]))
                changed[:, mine] |= apart
        return changed.sum(axis=1)

    def _other_winners(self, k: int, act: MaxGroups, z: np.ndarray, error: np.ndarray, x: np.ndarray) -> np.ndarray:
        count = np.zeros(len(x), dtype=np.int64)
        for g in np.flatnonzero(act.pieces > 1):
            part = slice(act.offsets[g], act.offsets[g + 1])
            rows, room = z[..., part], error[:, None, part]
            top = np.argmax(rows, axis=-1)
            gap = np.take_along_axis(rows, top[..., None], -1) - rows
            wide = 2.02 * np.max(room, axis=-1, keepdims=True)
            close = np.sum(gap <= wide, axis=-1) > 1
            for i, j in zip(*np.nonzero(close), strict=True):
                top[i, j] = self._pieces(k, x[i], int(j))[0][g]
                self.exact_decisions += 1
            count += np.any(top != top[:, :1], axis=1)
        return count

    def _exactly(self, k: int, unit: int, t: float, point: np.ndarray, levels: np.ndarray, slack: float) -> bool:
        """Whether a unit's sign changes: signs of its levels at the vertices, in rationals where within the slack."""
        unsure = ~(np.abs(levels) > slack)
        signs = {int(s) for s in np.sign(levels[~unsure])}
        for vertex in np.flatnonzero(unsure):
            if len(signs) > 1:
                break
            level = self._pieces(k, point, int(vertex))[1][unit] - Fraction(t)
            self.exact_decisions += 1
            signs.add((level > 0) - (level < 0))
        return len(signs) > 1

    def _pieces(self, k: int, point: np.ndarray, vertex: int) -> tuple[list[int], list[Fraction]]:
        """Pieces and pre-activations of stage `k` at a vertex, in rationals."""
        state: Sequence[Fraction] = fractions(point)
        if vertex < 2 * len(self.v):
            step = Fraction(self.radius) * (1 if vertex < len(self.v) else -1)
            state = [a + step * Fraction(float(b)) for a, b in zip(state, self.v[vertex % len(self.v)], strict=True)]
        for stage in self.network.stages[:k]:
            _, state = stage.exact_step(state)
        last = self.network.stages[k]
        return last.exact_step(state)[0], last.exact_preactivation(state)


def linear_part(stage: Stage, v: np.ndarray) -> np.ndarray:
    """The stage's rows on directions (P, rows), without the bias."""
    out = np.asarray((stage.weight @ v.T).T) if is_sparse(stage.weight) else v @ stage.weight.T
    return out if stage.divisor is None else out / stage.divisor


def shift_of(stage: Stage) -> np.ndarray:
    """The bias (rows,), divided by the divisor."""
    return np.asarray(stage.bias) if stage.divisor is None else np.asarray(stage.bias) / np.asarray(stage.divisor)
