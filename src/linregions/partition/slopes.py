"""The affine maps of a network on many cells in float64, with bounds on the errors.

The bounds are running error bounds: each product and sum adds its share, `k u` of the magnitudes that enter a sum of k
terms (u = 2^-53), and an absolute share that covers underflow.  What overflows has an infinite bound.
"""

from __future__ import annotations

import numpy as np

from ..activations import MaxGroups, UnitActivations
from ..network import Network
from ..stage import Stage, is_sparse

_U = 2.0**-53
_TINY = 1e-300
_CHUNK = 2**20  # numbers in one array of states


def affine_maps(network: Network, patterns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slopes and offsets of the network where it has these patterns, with rigorous error bounds.

    Args:
        network: n inputs, any stages.
        patterns: (cells, units) piece indices, in the order of `Network.pattern`.

    Returns:
        maps (cells, outputs, n + 1), the offset in the last column, and bounds of the same shape on their errors.

    Example:
        >>> net = Network.from_arrays([([[1.0], [-1.0]], [0.0, 0.5]), ([[0.1, 1.0]], [0.0])])
        >>> maps, errors = affine_maps(net, np.array([[1, 0], [1, 1]], dtype=np.uint8))
        >>> maps.tolist(), bool(errors.max() < 1e-14)
        ([[[0.1, 0.0]], [[-0.9, 0.5]]], True)
    """
    with np.errstate(all="ignore"):
        found = _shallow(network, patterns) if is_shallow(network) else _composed(network, patterns)
    maps, errors = found
    bad = ~np.isfinite(maps) | ~np.isfinite(errors)
    if bad.any():
        maps, errors = np.where(bad, 0.0, maps), np.where(bad, np.inf, errors)
    return maps, errors


def stage_pieces(network: Network, patterns: np.ndarray) -> list[np.ndarray]:
    """Patterns (cells, units) by stage: (cells, units of the stage), units of one piece included."""
    out, at = [], 0
    for stage in network.stages:
        keep = stage.activation.pieces > 1
        count = int(keep.sum())
        if count == len(keep):
            out.append(patterns[:, at : at + count])
        else:
            pieces = np.zeros((len(patterns), stage.units), dtype=patterns.dtype)
            pieces[:, keep] = patterns[:, at : at + count]
            out.append(pieces)
        at += count
    return out


def is_shallow(network: Network) -> bool:
    """Whether a map is a sum over the units of one layer, each of its terms one product of two weights."""
    if len(network.stages) != 2 or any(is_sparse(s.weight) or s.divisor is not None for s in network.stages):
        return False
    first, last = (stage.activation for stage in network.stages)
    return isinstance(first, UnitActivations) and isinstance(last, UnitActivations) and last.is_identity


def _shallow(network: Network, patterns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gains (cells, units) times the units' shares in each output: two matrix products in all."""
    first, last = network.stages
    n = first.inputs
    rows = np.concatenate([first.weight, np.asarray(first.bias)[:, None]], axis=1)
    shares = (last.weight.T[:, :, None] * rows[:, None, :]).reshape(len(rows), -1)  # (units, outputs (n + 1))
    gains, shifts = unit_gains(first, stage_pieces(network, patterns)[0])
    gamma = (first.rows + 16) * _U
    maps = (gains @ shares).reshape(len(patterns), last.units, n + 1)
    errors = (np.abs(gains) @ (gamma * np.abs(shares) + _TINY)).reshape(maps.shape)
    if shifts is not None:
        maps[:, :, n] += shifts @ last.weight.T
        # 1e-320 is for intercepts that are too small to be rounded to a relative error.
        errors[:, :, n] += (gamma * np.abs(shifts) + 1e-320) @ np.abs(last.weight.T)
    maps[:, :, n] += last.bias
    errors[:, :, n] += 4 * _U * np.abs(last.bias)
    return maps, 1.01 * (errors + 4 * _U * np.abs(maps)) + _TINY


def unit_gains(stage: Stage, pieces: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Slope and intercept of every unit on its piece, (cells, units); None where all intercepts are 0."""
    act = stage.activation
    assert isinstance(act, UnitActivations)
    if all(f.slopes == (0.0, 1.0) and not any(f.intercepts) for f in act.functions):
        return pieces.astype(np.float64), None
    most = max(f.pieces for f in act.functions)
    slopes, shifts = (
        np.array([[*map(float, row), *[0.0] * (most - len(row))] for row in table])[act.index]
        for table in ([f.slopes for f in act.functions], [f.intercepts for f in act.functions])
    )
    units = np.arange(stage.rows)
    return slopes[units, pieces], shifts[units, pieces] if shifts.any() else None


def _composed(network: Network, patterns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Stage by stage, for a block of cells at a time; a state is (width, cells, n + 1)."""
    n = network.input_dim
    widest = max(max(stage.rows, stage.inputs) for stage in network.stages)
    block = max(1, _CHUNK // (widest * (n + 1)))
    maps = np.empty((len(patterns), network.output_dim, n + 1))
    errors = np.empty_like(maps)
    for a in range(0, len(patterns), block):
        part = patterns[a : a + block]
        state = np.repeat(np.eye(n, n + 1)[:, None, :], len(part), axis=1)
        error = np.zeros_like(state)
        for stage, pieces in zip(network.stages, stage_pieces(network, part), strict=True):
            state, error = _affine(stage, state, error)
            state, error = _activated(stage, pieces.T, state, error)
        maps[a : a + block] = state.transpose(1, 0, 2)
        errors[a : a + block] = error.transpose(1, 0, 2)
    return maps, errors


def _affine(stage: Stage, state: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    width, count, columns = state.shape
    gamma = (width + 8) * _U
    out = (stage.weight @ state.reshape(width, -1)).reshape(stage.rows, count, columns)
    entering = (error + gamma * np.abs(state)).reshape(width, -1)
    bound = 1.01 * (abs(stage.weight) @ entering).reshape(out.shape) + _TINY
    bias = np.asarray(stage.bias)[:, None]
    out[:, :, -1] += bias
    bound[:, :, -1] += gamma * np.abs(bias)
    if stage.divisor is not None:
        divisor = np.asarray(stage.divisor)[:, None, None]
        out, bound = out / divisor, bound / divisor
    return out, 1.01 * bound + 4 * _U * np.abs(out) + _TINY


def _activated(stage: Stage, pieces: np.ndarray, state: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    act = stage.activation
    if isinstance(act, MaxGroups):
        rows = act.offsets[:-1, None] + pieces
        cells = np.arange(state.shape[1])
        return state[rows, cells], error[rows, cells]
    if act.is_identity:
        return state, error
    gains, shifts = unit_gains(stage, pieces.T)
    gain = gains.T[:, :, None]
    out, bound = state * gain, 1.01 * error * np.abs(gain)
    if shifts is not None:
        out[:, :, -1] += shifts.T
        bound[:, :, -1] += 2 * _U * np.abs(shifts.T)
    return out, bound + 4 * _U * np.abs(out) + 4 * _U * np.abs(state * gain) + _TINY
