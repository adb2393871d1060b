"""Which units an affine map depends on: a dead unit hides all that only it sees."""

from __future__ import annotations

import numpy as np

from ..activations import MaxGroups
from ..network import Network
from ..stage import Stage, is_sparse


def essential_patterns(network: Network, patterns: np.ndarray) -> np.ndarray:
    """The patterns (regions, units) with 0 for every unit that the network's affine map does not depend on there.

    Backwards from the outputs: a unit that is needed needs its inputs with a weight that is not zero, unless its piece
    has slope 0.  Equal results have equal maps, which saves comparing numbers.

    Example:
        >>> net = Network.from_arrays([([[1.0], [2.0]], [0.0, 0.0]), ([[1.0, 1.0]], [-1.0]), ([[1.0]], [0.0])])
        >>> essential_patterns(net, np.array([[1, 0, 0], [1, 1, 1]]))  # a dead last unit hides all the others
        array([[0, 0, 0],
               [1, 1, 1]])
    """
    out = np.zeros_like(patterns)
    needed = np.ones((len(patterns), network.output_dim), dtype=bool)
    at = patterns.shape[1]
    for stage in reversed(network.stages):
        keep = stage.activation.pieces > 1
        at -= int(keep.sum())
        pieces = np.zeros((len(patterns), stage.units), dtype=np.int64)
        pieces[:, keep] = patterns[:, at : at + int(keep.sum())]
        out[:, at : at + int(keep.sum())] = np.where(needed, pieces, 0)[:, keep]
        needed = _inputs(stage, _rows(stage, pieces, needed))
    return out


def _rows(stage: Stage, pieces: np.ndarray, needed: np.ndarray) -> np.ndarray:
    """The rows of a stage that its needed units depend on, (regions, rows)."""
    act = stage.activation
    if isinstance(act, MaxGroups):
        rows = np.zeros((len(pieces), stage.rows), dtype=bool)
        np.put_along_axis(rows, act.offsets[:-1] + pieces, needed, axis=1)
        return rows
    most = max((f.pieces for f in act.functions), default=1)
    slopes = np.array([[*f.slopes, *[0.0] * (most - f.pieces)] for f in act.functions]).reshape(-1, most)
    return needed & (slopes[act.index[None, :], pieces] != 0)


def _inputs(stage: Stage, rows: np.ndarray) -> np.ndarray:
    """The inputs of a stage that some rows depend on."""
    if is_sparse(stage.weight):
        weight = abs(stage.weight.sign()).astype(np.float32)
        return np.asarray(weight.T @ rows.T.astype(np.float32)).T > 0
    return rows.astype(np.float32) @ (stage.weight != 0).astype(np.float32) > 0
