"""Lengths of rows and norms of matrices that neither overflow nor vanish, as bounds where they are used as such."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..activations import MaxGroups
from ..stage import Stage, is_sparse


def operator_norm(stage: Stage) -> float:
    """An upper bound on how much longer the stage makes a vector: its matrix's norm times the steepest slope."""
    weight = stage.weight
    if is_sparse(weight):
        rows, columns = abs(weight).sum(axis=1), abs(weight).sum(axis=0)
        norm = float(np.sqrt(np.max(rows, initial=0.0) * np.max(columns, initial=0.0)))
    else:
        norm = _spectral(weight)
    if stage.divisor is not None:
        norm /= float(np.min(stage.divisor))
    act = stage.activation
    # A max takes each row into one group only, so it makes no difference of two vectors longer.
    steepest = 1.0 if isinstance(act, MaxGroups) else max((abs(s) for f in act.functions for s in f.slopes), default=1)
    return norm * steepest * (1 + 1e-9)


def _spectral(weight: np.ndarray) -> float:
    """An upper bound on the spectral norm, at most n^(1/32) times it: |W|^32 <= trace((W W^T)^16); products only."""
    size = float(np.max(np.abs(weight), initial=0.0))
    if not size:
        return 0.0
    weight = weight / size
    gram, power = weight @ weight.T if weight.shape[0] <= weight.shape[1] else weight.T @ weight, 1
    scale = float(np.max(np.abs(gram)))
    gram, log = gram / scale, np.log(scale) + 2 * np.log(size)
    for _ in range(3):
        gram, power = gram @ gram, 2 * power
        top = float(np.max(np.abs(gram)))
        gram, log = gram / top, log + np.log(top) / power
    # The last power is a sum of squares.
    log += np.log(np.sum(gram**2)) / (2 * power)
    return float(np.exp(log / 2)) * (1 + 1e-6)


def lengths_of(rows: np.ndarray) -> np.ndarray:
    """Lengths of rows whose squares may overflow or vanish."""
    top = np.max(np.abs(rows), axis=1, initial=0.0)
    safe = np.where((top > 0) & np.isfinite(top), top, 1.0)
    return safe * np.linalg.norm(rows / safe[:, None], axis=1)


def row_norms(stage: Stage) -> np.ndarray:
    """Length of every row of the stage's affine map."""
    square, size = squares(stage.weight)
    norms = size * np.sqrt(np.asarray(square.sum(axis=1)).ravel())
    return norms if stage.divisor is None else norms / np.asarray(stage.divisor)


def squares(weight: Any) -> tuple[Any, float]:
    """The squares of a matrix's entries over that of a size, so that they do not overflow; and the size."""
    size = float(abs(weight).max()) if weight.size else 0.0
    scaled = weight / (size or 1.0)
    return scaled.power(2) if is_sparse(scaled) else scaled**2, size
