"""Which data points a slice goes through: one generator of choices for every kind of slice."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..checks import plural
from ..errors import InputError

# Distances are taken between so many numbers at a time.
_BLOCK = 1 << 22


@dataclass(frozen=True, eq=False)
class Choice:
    """Anchors (k, inputs) for a slice, where they are from, and the directions (3 - k, inputs) that they lack."""

    anchors: np.ndarray
    labels: Any = None
    indices: Any = None
    direction: np.ndarray | None = None
    pad: float | None = None


def classes(x: np.ndarray, y: np.ndarray | None, rng: np.random.Generator) -> Iterator[Choice]:
    """Three points of three classes, all drawn at random."""
    members = _members(y, 3, "classes")
    while True:
        chosen = rng.choice(len(members), size=3, replace=False)
        yield _points(x, y, [int(rng.choice(members[k])) for k in chosen])


def pair(x: np.ndarray, y: np.ndarray | None, rng: np.random.Generator) -> Iterator[Choice]:
    """Two points of two classes, and a normal random direction."""
    members = _members(y, 2, "pair")
    while True:
        chosen = rng.choice(len(members), size=2, replace=False)
        rows = [int(rng.choice(members[k])) for k in chosen]
        yield _points(x, y, rows, direction=rng.standard_normal((1, x.shape[1])))


def nearest(x: np.ndarray, y: np.ndarray | None, rng: np.random.Generator) -> Iterator[Choice]:
    """For two classes: the point of the first that is closest to the second, and its two nearest points there."""
    members = _members(y, 2, "nearest")
    pairs = [(a, b) for a in range(len(members)) for b in range(len(members)) if a != b and len(members[b]) > 1]
    for k in rng.permutation(len(pairs)):
        mine, theirs = (members[c] for c in pairs[k])
        first = int(mine[np.argmin(_distances(x[mine], x[theirs]))])
        order = np.argsort(((x[theirs] - x[first]) ** 2).sum(axis=1), kind="stable")
        yield _points(x, y, [first, *(int(theirs[j]) for j in order[:2])])


def point(x: np.ndarray, y: np.ndarray | None, rng: np.random.Generator) -> Iterator[Choice]:
    """One point, and two normal random directions; as wide as the way to the nearest point of another class."""
    for k in rng.permutation(len(x)):
        gaps = np.sqrt(((x - x[k]) ** 2).sum(axis=1))
        others = gaps[(gaps > 0) if y is None else (y != y[k]) & (gaps > 0)]
        reach = float(others.min()) if len(others) else None
        yield _points(x, y, [int(k)], direction=rng.standard_normal((2, x.shape[1])), pad=reach)


def noise(x: np.ndarray, y: np.ndarray | None, rng: np.random.Generator) -> Iterator[Choice]:
    """Three points, uniform in the cube that holds the data."""
    low, high = float(x.min()), float(x.max())
    if not low < high:
        raise InputError(f"x: all its numbers are {low:g}, so there is no range to draw noise from; give real data")
    while True:
        yield Choice(rng.uniform(low, high, (3, x.shape[1])))


CHOICES: dict[str, Callable[[np.ndarray, np.ndarray | None, np.random.Generator], Iterator[Choice]]] = {
    "classes": classes,
    "nearest": nearest,
    "pair": pair,
    "point": point,
    "noise": noise,
}


def most(kind: str, x: np.ndarray, y: np.ndarray | None) -> float:
    """At most so many different choices of a kind there are."""
    if kind == "point":
        return len(x)
    if y is None or kind not in ("classes", "nearest"):
        return math.inf
    sizes = np.unique(y, return_counts=True)[1].tolist()
    if kind == "nearest":
        return len(sizes) * (len(sizes) - 1)
    sums = [1, 0, 0, 0]  # of the products of k sizes
    for size in sizes:
        sums = [1, *(sums[k] + sums[k - 1] * size for k in (1, 2, 3))]
    return sums[3]


def _points(x: np.ndarray, y: np.ndarray | None, rows: list[int], **more: Any) -> Choice:
    return Choice(x[rows], None if y is None else y[rows], rows, **more)


def _members(y: np.ndarray | None, least: int, kind: str) -> list[np.ndarray]:
    """The rows of every class."""
    if y is None:
        raise InputError(f"y: kind {kind!r} needs the points' classes; give y, or use kind 'point' or 'noise'")
    names, which = np.unique(y, return_inverse=True)
    if len(names) < least:
        known = plural(len(names), "class", "classes")
        raise InputError(
            f"y: kind {kind!r} needs points of at least {least} classes, got {known}; give more, or another kind"
        )
    return [np.flatnonzero(which == k) for k in range(len(names))]


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared distance of every row of `a` to the nearest row of `b`."""
    step = max(1, _BLOCK // max(1, b.size))
    return np.concatenate([((a[k : k + step, None] - b) ** 2).sum(axis=2).min(axis=1) for k in range(0, len(a), step)])
