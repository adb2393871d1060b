"""Float64 evaluation of a stage with a rigorous bound on its error, so that a doubtful sign is known to be one."""

from __future__ import annotations

import numpy as np

from .activations import RELU, MaxGroups
from .stage import Stage

# Running error bounds: `error` bounds |computed - exact| entry by entry.  u = 2^-53; the factor 1.01 covers the
# rounding of the bound itself, 1e-300 covers underflow.
_U = 2.0**-53
_TINY = 1e-300


def bounded_preactivation(stage: Stage, x: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The affine part (points, rows) of inputs known up to `error`, and a bound on its own error."""
    z = stage.preactivation(x)
    gamma = (stage.inputs + 6) * _U
    magnitude = abs(stage.weight) @ (error + gamma * np.abs(x)).T
    # Underflow happens before the division, so its share is divided too.
    bound = 1.01 * (magnitude.T + gamma * np.abs(stage.bias)) + _TINY
    if stage.divisor is not None:
        bound = bound / stage.divisor
    return z, bound + 4 * _U * np.abs(z) + _TINY


def doubtful(stage: Stage, z: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Per point: whether some unit's piece is not certain from `z` up to `error`."""
    return np.any(doubtful_units(stage, z, error), axis=1) | ~np.all(np.isfinite(error) & np.isfinite(z), axis=1)


def doubtful_units(stage: Stage, z: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Per point and unit: whether its piece is not certain from `z` up to `error`, which are finite."""
    act = stage.activation
    bad = np.zeros((len(z), stage.units), dtype=bool)
    if isinstance(act, MaxGroups):
        for g in np.flatnonzero(act.pieces > 1):
            part = slice(act.offsets[g], act.offsets[g + 1])
            top = np.argmax(z[:, part], axis=1)[:, None]
            gap = np.take_along_axis(z[:, part], top, 1) - z[:, part]
            room = np.take_along_axis(error[:, part], top, 1) + error[:, part]
            close = gap <= 1.01 * room
            np.put_along_axis(close, top, False, 1)
            bad[:, g] = np.any(close, axis=1)
        return bad
    for k, f in enumerate(act.functions):
        mask = act.index == k
        for t in f.breakpoints:
            bad[:, mask] |= np.abs(z[:, mask] - t) <= 1.01 * error[:, mask] + 4 * _U * abs(t)
    return bad


def bounded_activation(stage: Stage, z: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The activations (points, units) where every piece is certain, and a bound on their error."""
    act = stage.activation
    y = stage.activate(z)
    if isinstance(act, MaxGroups):
        return y, np.maximum.reduceat(error, act.offsets[:-1], axis=-1)
    gain = np.array([max(abs(s) for s in f.slopes) for f in act.functions])[act.index]
    shift = np.array([max(abs(float(c)) for c in f.intercepts) for f in act.functions])[act.index]
    plain = np.array([f.is_identity or f == RELU for f in act.functions])[act.index]
    rounding = np.where(plain, 0.0, 4 * _U * (gain * np.abs(z) + shift))
    return y, 1.01 * gain * error + rounding
