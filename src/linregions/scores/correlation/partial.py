"""Partial rank correlation: what a score knows beyond its controls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...errors import InputError
from .record import Correlation
from .resampling import Ranking, bootstrapped, sample, settings
from .spearman import constant

EXPLAINED = 1e-9  # a residual variance below this share is rounding: the controls explain everything


def partial_spearman(
    score: Any, truth: Any, controls: Any, *, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> Correlation:
    """Spearman's partial correlation of score and truth, given the controls.

    All columns become midranks; score and truth are regressed on the controls by least squares; the value is Pearson's
    correlation of the two residuals.  A control that is constant, or a combination of others, changes nothing.

    Args:
        score: one number for each object, shape (n,).
        truth: what it should rank, shape (n,).
        controls: columns of shape (n,): a sequence of them, or a mapping from names to them.
        resamples: bootstrap resamples of the objects for the interval; ranks and regressions are made anew in each.
        level: of the interval.
        seed: of the resamples.

    Returns:
        A `Correlation`; its value is None where score or truth is constant, or is a function of the controls' ranks.
        It has no interval for fewer than ten objects, or than 5 (controls + 1).

    Raises:
        InputError: the lengths differ, a number is NaN, or an option cannot be used.

    Source: the usual partial correlation, of ranks: Kendall and Stuart, The Advanced Theory of Statistics, volume 2.

    Example:
        >>> partial_spearman([1, 2, 3, 4], [1, 3, 2, 4], [[1, 2, 3, 4]]).reason
        'the controls determine the score'
    """
    truth = sample(truth, "truth")
    score = sample(score, "score", like=len(truth))
    named = controls.items() if isinstance(controls, Mapping) else enumerate(_columns(controls))
    others = [sample(column, f"controls[{name!r}]", like=len(truth)) for name, column in named]
    options = settings(resamples, level, seed)
    rankings = [Ranking(column) for column in (score, truth, *others)]

    def statistic(w: np.ndarray) -> np.ndarray:
        return _partial(_matrix(rankings, w))

    why = _why(score, truth, rankings)
    method = f"Spearman given {len(others)}"
    return bootstrapped(statistic, len(truth), method, why, options, controls=len(others))


def _columns(controls: Any) -> list[Any]:
    try:
        return list(controls)
    except TypeError:
        raise InputError(f"controls must be columns of numbers, got {type(controls).__name__}") from None


def _matrix(rankings: list[Ranking], w: np.ndarray) -> np.ndarray:
    """Rank correlations of all columns: (resamples, columns, columns); the row of a constant column is zero."""
    ranks = [ranking.centred(w) for ranking in rankings]
    size = len(ranks)
    out = np.empty((len(w), size, size))
    for i in range(size):
        weighted = w * ranks[i]
        for j in range(i, size):
            out[:, i, j] = out[:, j, i] = np.einsum("ij,ij->i", weighted, ranks[j])
    scale = np.sqrt(np.einsum("ijj->ij", out))
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
    return out * inverse[:, :, None] * inverse[:, None, :]


def _partial(r: np.ndarray) -> np.ndarray:
    """The correlation of the first two columns given the rest, NaN where a residual vanishes."""
    rest = r[:, :2, 2:]
    residual = r[:, :2, :2]
    if rest.shape[2]:
        inner = np.linalg.pinv(r[:, 2:, 2:], rcond=EXPLAINED, hermitian=True)
        residual = residual - rest @ inner @ rest.transpose(0, 2, 1)
    x, y, both = residual[:, 0, 0], residual[:, 1, 1], residual[:, 0, 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where((x > EXPLAINED) & (y > EXPLAINED), np.clip(both / np.sqrt(x * y), -1.0, 1.0), np.nan)


def _why(score: np.ndarray, truth: np.ndarray, rankings: list[Ranking]) -> str:
    if any(len(ranking.starts) < 2 for ranking in rankings[:2]):
        return constant(score)
    # The partial correlation of a column with itself is 1, or undefined where the controls leave nothing of it.
    with_itself = _partial(_matrix([rankings[0], rankings[0], *rankings[2:]], np.ones((1, len(truth)))))
    return "the controls determine the " + ("score" if np.isnan(with_itself[0]) else "truth")
