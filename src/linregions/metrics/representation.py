"""What features say about the data and about themselves: neighbours, linear probe, spread, rank.

Pure functions of arrays: features are (n, d), one row for a sample, of any real type.  Nothing here needs torch.
These are the cheap baselines beside which a geometric measure has to stand.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks import real_number, shown, whole_number
from ..errors import InputError


def std_normalised(features: Any, *, scaled: bool = False) -> float:
    """Standard deviation of the features on the unit sphere, mean over the d coordinates.

    mean_j std_i( z_ij / |z_i| ), with n - 1 in the variance.  0 for a constant representation; about 1/sqrt(d) for
    directions that are spread evenly.  A row of zeros stays zero.

    Args:
        features: (n, d), n from 2.
        scaled: multiply by sqrt(d), so that even spread is 1 whatever d.

    Returns:
        The number, from 0 up; no unit.

    Raises:
        InputError: the features are no finite (n, d) array.

    Source: as `std_of_l2_normalized` of lightly computes it (published in code).

    Example:
        >>> std_normalised([[3.0, 4.0], [6.0, 8.0]])
        0.0
        >>> round(std_normalised([[1.0, 0], [-1, 0], [0, 1], [0, -1]], scaled=True), 4)
        1.1547
    """
    unit = _unit(_features(features, least=2))
    spread = float(unit.std(axis=0, ddof=1, dtype=np.float64).mean())
    return spread * float(np.sqrt(unit.shape[1])) if scaled else spread


def effective_rank(features: Any) -> float:
    """Exp of the entropy of the singular values of the centred features: how many directions are in use.

    exp(- sum_k p_k log p_k), p = s / sum s.  From 1 to min(n - 1, d).  It has no scale: features that shrink to a
    point keep it, so that it misses that kind of collapse.

    Args:
        features: (n, d), n from 2.

    Returns:
        The number; 0 where all rows are equal (there is no singular value but zero), no unit.

    Raises:
        InputError: the features are no finite (n, d) array.

    Source: Q. Garrido et al., RankMe (2023), here with the mean subtracted.

    Example:
        >>> round(effective_rank([[1.0, 0], [-1, 0], [0, 1], [0, -1]]), 4)
        2.0
    """
    z = _features(features, least=2).astype(np.float64)
    z = z - z.mean(axis=0)
    # The singular values are the roots of the smaller Gram matrix' eigenvalues: a hundred times faster where n >> d.
    gram = z.T @ z if z.shape[1] <= z.shape[0] else z @ z.T
    eigenvalues = np.linalg.eigvalsh(gram)
    # Rounding leaves eigenvalues of either sign near zero, whose roots would count as directions.
    eigenvalues[eigenvalues <= len(gram) * np.finfo(np.float64).eps * max(eigenvalues[-1], 0)] = 0
    s = np.sqrt(eigenvalues)
    if not s.any():
        return 0.0
    p = s[s > 0] / s.sum()
    return float(np.exp(-(p * np.log(p)).sum()))


def alignment(first: Any, second: Any) -> float:
    """Mean squared distance on the unit sphere between two views of the same samples: E |z - z'|^2.

    Args:
        first: (n, d) features of one view of n samples.
        second: (n, d) features of another view of the same samples, in the same order.

    Returns:
        From 0 (equal directions) to 4; no unit.

    Raises:
        InputError: the arrays are not (n, d) and finite, or differ in shape.

    Source: T. Wang, P. Isola, Understanding contrastive representation learning (2020), exponent 2.

    Example:
        >>> alignment([[1.0, 0.0], [0.0, 2.0]], [[0.0, 1.0], [0.0, 5.0]])
        1.0
    """
    a, b = _features(first), _features(second)
    if a.shape != b.shape:
        raise InputError(f"second: must have the shape of first, {a.shape}, got {b.shape}")
    return float(((_unit(a) - _unit(b)).astype(np.float64) ** 2).sum(axis=1).mean())


def uniformity(features: Any) -> float:
    """How evenly the features fill the unit sphere: log of the mean of exp(-2 |z_i - z_j|^2) over pairs i < j.

    Args:
        features: (n, d), n from 2.

    Returns:
        From -8 (impossible for many points) to 0, where all directions are equal; no unit.

    Raises:
        InputError: the features are no finite (n, d) array.

    Source: T. Wang, P. Isola (2020), t = 2.

    Example:
        >>> round(uniformity([[1.0, 0.0], [0.0, 1.0]]), 12)
        -4.0
    """
    unit = _unit(_features(features, least=2))
    n = len(unit)
    squares = 2 - 2 * _pairs(unit)
    # |z|^2 is 0 for a row of zeros, not 1.
    norms = (unit.astype(np.float64) ** 2).sum(axis=1)
    squares += (norms[:, None] - 1) + (norms - 1)
    return float(np.log(np.exp(-2 * np.maximum(squares[np.triu_indices(n, 1)], 0)).mean()))


def mean_cosine(features: Any) -> float:
    """Mean cosine between different samples: 1 where all point one way.

    (|sum_i u_i|^2 - sum_i |u_i|^2) / (n (n - 1)), u = z / |z|: the mean over all pairs without making them.

    Args:
        features: (n, d), n from 2.

    Returns:
        From -1 / (n - 1) to 1; no unit.

    Raises:
        InputError: the features are no finite (n, d) array.

    Example:
        >>> mean_cosine([[1.0, 0.0], [0.0, 2.0], [-1.0, 0.0]])
        -0.3333333333333333
    """
    unit = _unit(_features(features, least=2)).astype(np.float64)
    n = len(unit)
    return float(((unit.sum(axis=0) ** 2).sum() - (unit**2).sum()) / (n * (n - 1)))


def dead_units(features: Any) -> float:
    """Share of the d coordinates that are the same number for all samples: for ReLU units, mostly always zero.

    Args:
        features: (n, d).

    Returns:
        From 0 to 1; no unit.

    Raises:
        InputError: the features are no finite (n, d) array.

    Example:
        >>> dead_units([[0.0, 1.0], [0.0, 2.0]])
        0.5
    """
    z = _features(features)
    return float((z == z[0]).all(axis=0).mean())


def knn_accuracy(
    train: Any, train_labels: Any, test: Any, test_labels: Any, *, k: int = 20, temperature: float = 0.1
) -> float:
    """Accuracy of the weighted vote of the k most similar training samples.

    Similarity is the cosine; a neighbour votes for its class with exp(cosine / temperature).  Equal votes go to the
    smaller class.

    Args:
        train: (n, d) features.
        train_labels: (n,) whole numbers from 0.
        test: (m, d) features.
        test_labels: (m,).
        k: neighbours, cut to n; 20 for small sets, 200 for thousands of samples a class.
        temperature: the smaller, the more the nearest one decides.

    Returns:
        From 0 to 1.

    Raises:
        InputError: shapes do not fit, or a number is out of range.

    Source: Z. Wu et al., Instance discrimination (2018), as commonly used with k = 200, temperature 0.1.

    Example:
        >>> knn_accuracy([[1.0, 0], [0, 1.0]], [0, 1], [[2.0, 1.0], [1.0, 3.0]], [0, 1], k=1)
        1.0
    """
    a, ya, b, yb = _labelled(train, train_labels, test, test_labels)
    k = min(whole_number(k, "k"), len(a))
    if not (real_number(temperature, "temperature") > 0):
        raise InputError(f"temperature must be positive, got {shown(temperature)}; 0.1 is usual")
    a, b = _unit(a), _unit(b)
    classes = int(max(ya.max(), yb.max())) + 1
    right = 0
    for rows in range(0, len(b), 500):  # blocks that stay in the cache
        cosines = b[rows : rows + 500] @ a.T
        near = np.argpartition(cosines, len(a) - k, axis=1)[:, len(a) - k :]
        values = np.take_along_axis(cosines, near, axis=1).astype(np.float64)
        # The largest is subtracted so that no temperature overflows; the votes keep their order.
        weights = np.exp((values - values.max(axis=1, keepdims=True)) / temperature)
        cells = np.arange(len(values))[:, None] * classes + ya[near]
        votes = np.bincount(cells.ravel(), weights.ravel(), minlength=len(values) * classes).reshape(-1, classes)
        right += int((votes.argmax(axis=1) == yb[rows : rows + 500]).sum())
    return right / len(b)


def ncm_accuracy(train: Any, train_labels: Any, test: Any, test_labels: Any) -> float:
    """Accuracy of the nearest class mean: the class whose mean feature is closest on the unit sphere.

    The features are put on the unit sphere first; distances to the means are Euclidean.

    Args:
        train: (n, d) features.
        train_labels: (n,) whole numbers from 0.
        test: (m, d) features.
        test_labels: (m,).

    Returns:
        From 0 to 1.

    Raises:
        InputError: shapes do not fit.

    Example:
        >>> ncm_accuracy([[1.0, 0], [0, 1.0]], [0, 1], [[2.0, 1.0], [1.0, 3.0]], [0, 0])
        0.5
    """
    a, ya, b, yb = _labelled(train, train_labels, test, test_labels)
    a, b = _unit(a).astype(np.float64), _unit(b).astype(np.float64)
    there = np.unique(ya)
    means = np.stack([a[ya == c].mean(axis=0) for c in there])
    distances = (means**2).sum(axis=1) - 2 * b @ means.T
    return float((there[distances.argmin(axis=1)] == yb).mean())


def linear_probe(train: Any, train_labels: Any, test: Any, test_labels: Any, *, penalty: float = 1e-3) -> float:
    """Accuracy of a linear classifier on the features: ridge regression on one-hot labels, in closed form.

    Features are standardised by the training set, Z (n, d); W = (Z'Z / n + penalty I)^-1 Z'(Y - mean Y) / n, and the
    class is the largest of z W + mean Y.  No iteration, no random number: the same features give the same accuracy.
    It is a least-squares probe; a logistic one, which takes minutes of steps elsewhere, may differ by a few points.

    Args:
        train: (n, d) features.
        train_labels: (n,) whole numbers from 0.
        test: (m, d) features.
        test_labels: (m,).
        penalty: of the squared weights, for standardised features; positive.

    Returns:
        From 0 to 1.

    Raises:
        InputError: shapes do not fit, or the penalty is not positive.

    Example:
        >>> linear_probe([[1.0], [2.0], [5.0], [6.0]], [0, 0, 1, 1], [[0.0], [9.0]], [0, 1])
        1.0
    """
    a, ya, b, yb = _labelled(train, train_labels, test, test_labels)
    if not (real_number(penalty, "penalty") > 0):
        raise InputError(f"penalty must be positive, got {shown(penalty)}; 0.001 is the default")
    a, b = a.astype(np.float64), b.astype(np.float64)
    mean, spread = a.mean(axis=0), a.std(axis=0)
    spread[spread == 0] = 1  # dead units say nothing
    a, b = (a - mean) / spread, (b - mean) / spread
    classes = int(ya.max()) + 1
    targets = np.eye(classes)[ya]
    share = targets.mean(axis=0)
    weights = np.linalg.solve(a.T @ a / len(a) + penalty * np.eye(a.shape[1]), a.T @ (targets - share) / len(a))
    scores = b @ weights + share
    scores[:, share == 0] = -np.inf
    return float((scores.argmax(axis=1) == yb).mean())


def _features(features: Any, *, what: str = "features", least: int = 1) -> np.ndarray:
    """(n, d) as float32 or float64."""
    z = np.asarray(features)
    if z.ndim != 2 or z.dtype.kind not in "fiub" or z.shape[0] < least or not z.shape[1]:
        raise InputError(
            f"{what} must be numbers of shape (samples, features) with at least {least} rows, got shape {z.shape} of "
            f"{z.dtype}"
        )
    z = z if z.dtype in (np.float32, np.float64) else z.astype(np.float64)
    if not np.isfinite(z).all():
        raise InputError(f"{what} must be finite, but row {int(np.argwhere(~np.isfinite(z))[0][0])} is not")
    return z


def _labelled(train: Any, ya: Any, test: Any, yb: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Features and labels of both parts, in fitting shapes."""
    a, b = _features(train, what="train"), _features(test, what="test")
    if a.shape[1] != b.shape[1]:
        raise InputError(f"test: has {b.shape[1]} features where train has {a.shape[1]}")
    labels = []
    for z, y, what in ((a, ya, "train_labels"), (b, yb, "test_labels")):
        y = np.asarray(y)
        if y.shape != (len(z),) or y.dtype.kind not in "iu" or y.min() < 0:
            raise InputError(f"{what} must be {len(z)} whole numbers from 0, got shape {y.shape} of {y.dtype}")
        labels.append(y.astype(np.int64))
    return a, labels[0], b, labels[1]


def _unit(z: np.ndarray) -> np.ndarray:
    """Rows of length one; rows of zeros stay."""
    # Scaled by the largest entry first, so that squares neither overflow nor vanish.
    largest = np.abs(z).max(axis=1, keepdims=True)
    z = z / np.where(largest > 0, largest, 1)
    norms = np.sqrt((z * z).sum(axis=1, keepdims=True))
    return z / np.where(norms > 0, norms, 1)


def _pairs(unit: np.ndarray) -> np.ndarray:
    z = unit.astype(np.float64)
    return z @ z.T
