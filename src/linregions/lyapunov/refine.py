"""Finer leaves where it matters: what a proof left open is bisected and proved again.

A leaf is a simplex inside a row of a task, its corners in exact barycentric coordinates of that row.  It is *bad* where
the condition is not proved on it: violated, undecided, or zero on a face that is more than the origin.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from .prove import prove
from .simplices import Simplices, Weights

Corner = tuple[int, ...]  # barycentric numerators; their sum is the denominator


@dataclass(frozen=True, eq=False)
class Part:
    """A bad part of a leaf.

    Attributes:
        row: the row of the task.
        corners: the n + 1 corners of the leaf.
        face: the corners whose hull may be bad.
        final: whether the hull is known to be bad as a whole, so that bisection gains nothing.
    """

    row: int
    corners: tuple[Corner, ...]
    face: tuple[int, ...]
    final: bool


def shares(corner: Corner) -> list[Fraction]:
    """Barycentric coordinates of a corner.

    Example:
        >>> shares((1, 0, 3))
        [Fraction(1, 4), Fraction(0, 1), Fraction(3, 4)]
    """
    total = sum(corner)
    return [Fraction(v, total) for v in corner]


def mixture(parts: Sequence[int], corners: Sequence[Corner]) -> Corner:
    """The point with barycentric numerators `parts` in the simplex of `corners`, in the coordinates of their row.

    Example:
        >>> mixture((1, 1, 0), [(1, 0, 0), (1, 1, 0), (0, 0, 1)])
        (3, 1, 0)
    """
    scale = math.lcm(*(sum(c) for p, c in zip(parts, corners, strict=True) if p))
    used = [(p * (scale // sum(c)), c) for p, c in zip(parts, corners, strict=True) if p]
    mixed = [sum(p * c[k] for p, c in used) for k in range(len(corners[0]))]
    common = math.gcd(*mixed)
    return tuple(v // common for v in mixed)


def lifted_point(simplices: Simplices, row: int, corner: Corner) -> list[Fraction]:
    """The exact lifted coordinates of a corner."""
    rows = simplices.exact(row)
    parts = [(Fraction(int(v), sum(corner) * int(y[-1])), y) for v, y in zip(corner, rows, strict=True) if v]
    return [sum((s * int(y[k]) for s, y in parts), Fraction(0)) for k in range(len(rows[0]) - 1)]


def barycentric(simplices: Simplices, row: int, point: Sequence[Fraction]) -> Corner | None:
    """The corner that a point (n,) of a row is; None where the point lies outside."""
    from flint import fmpq, fmpq_mat

    rows, n = simplices.exact(row), len(point)
    matrix = [[fmpq(int(y[k]), int(y[-1])) for y in rows] for k in range(n)] + [[fmpq(1)] * (n + 1)]
    right = [[fmpq(v.numerator, v.denominator)] for v in point] + [[fmpq(1)]]
    found = [Fraction(int(v.p), int(v.q)) for (v,) in fmpq_mat(matrix).solve(fmpq_mat(right)).table()]
    if min(found) < 0:
        return None
    scale = math.lcm(*(v.denominator for v in found))
    return tuple(int(v * scale) for v in found)


def simplest(low: Fraction, high: Fraction) -> Fraction:
    """The rational number of least denominator from `low` to `high`, and of least size among the integers there.

    Example:
        >>> simplest(Fraction(31, 10), Fraction(32, 10)), simplest(Fraction(-2), Fraction(1))
        (Fraction(16, 5), Fraction(0, 1))
    """
    if low <= 0 <= high:
        return Fraction(0)
    if high < 0:
        return -simplest(-high, -low)
    whole = -(-low.numerator // low.denominator)
    if whole <= high:
        return Fraction(whole)
    floor = whole - 1
    return floor + 1 / simplest(1 / (high - floor), 1 / (low - floor))


def value_range(task: Any, row: int, point: Sequence[Fraction]) -> tuple[Fraction, Fraction]:
    """What the task claims to be negative, at a lifted point of a row: exactly, or in a rigorous interval."""
    weights = task.weights.exact(row)
    polynomials = getattr(task.forms, "polynomials", None)
    if polynomials is not None:
        value = sum((w * p.evaluate(point) for w, p in zip(weights, polynomials, strict=True) if w), Fraction(0))
        return value, value
    here = task.forms.enclosure([(v, v) for v in point], list(point), 0)
    constant = next(i for i, e in enumerate(here.exponents) if not np.any(e))
    middle = sum((w * Fraction(m[constant]) for w, m in zip(weights, here.mid, strict=True)), Fraction(0))
    radius = sum((abs(w) * Fraction(r[constant]) for w, r in zip(weights, here.rad, strict=True)), Fraction(0))
    return middle - radius, middle + radius


def halves(part: Part, places: np.ndarray) -> Iterator[tuple[Corner, ...]]:
    """Both halves of a leaf, cut at the middle of the longest edge of its face; `places` (n + 1, n) is the row."""
    points = np.array([[v / sum(part.corners[j]) for v in part.corners[j]] for j in part.face]) @ places
    gaps = np.abs(points[:, None] - points[None]).max(axis=2)
    i, j = (part.face[int(k)] for k in np.unravel_index(np.argmax(gaps), gaps.shape))
    middle = mixture([1, 1], [part.corners[i], part.corners[j]])
    for k in (i, j):
        yield (*part.corners[:k], middle, *part.corners[k + 1 :])


def subdivided(task: Any, rows: Sequence[int], leaves: Sequence[tuple[Corner, ...]]) -> tuple[Simplices, Weights]:
    """Simplices inside rows of a task, as `prove` takes them."""
    at = np.array(rows, dtype=np.int64)
    given = task.simplices
    share = np.array([[[v / sum(c) for v in c] for c in corners] for corners in leaves])
    points, errors = given.points[at], given.errors[at]
    rounding = (share.shape[1] + 4) * np.finfo(np.float64).eps
    blur = (share @ errors) * (1 + rounding) + rounding * (share @ np.abs(points)) + 2.0**-1000

    def exact(i: int) -> list[list[int]]:
        whole = given.exact(rows[i])
        scale = math.lcm(*(int(y[-1]) for y in whole))
        even = [[int(v) * (scale // int(y[-1])) for v in y] for y in whole]
        return [
            [sum(p * y[k] for p, y in zip(c, even, strict=True) if p) for k in range(len(even[0]))] for c in leaves[i]
        ]

    origins = [_position(int(given.origin[row]), corners) for row, corners in zip(rows, leaves, strict=True)]
    simplices = Simplices(share @ points, blur, exact, np.array(origins, dtype=np.int64))
    weights = task.weights
    return simplices, Weights(weights.values[at], weights.errors[at], lambda i: weights.exact(rows[i]))


def _position(origin: int, corners: tuple[Corner, ...]) -> int:
    """Which corner of a leaf is the origin vertex of its row; -1 where none is."""
    if origin < 0:
        return -1
    return next((k for k, c in enumerate(corners) if c[origin] and sum(map(bool, c)) == 1), -1)


def bad_parts(proof: Any, mask: np.ndarray | None = None) -> Iterator[Part]:
    """The parts of a proof that are not proved, leaf by leaf; where nothing was claimed, nothing is proved."""
    from .prove import Leaf

    leaves = proof.leaves()
    for k in np.flatnonzero((leaves.status != Leaf.PROVED) & (leaves.status != Leaf.ZERO)):
        row = int(leaves.root[k])
        face = range(leaves.parts.shape[1]) if mask is None else np.flatnonzero(mask[row])
        yield Part(row, _corners(leaves.parts[k]), tuple(int(j) for j in face), False)
    for row in np.unique(leaves.root[leaves.status == Leaf.ZERO]).tolist():
        for parts, faces in proof._zeros.get(row, []):
            yield from (Part(row, _corners(parts), tuple(face), True) for face in faces)


def _corners(parts: np.ndarray) -> tuple[Corner, ...]:
    return tuple(tuple(corner) for corner in parts.tolist())


def refined(task: Any, parts: Sequence[Part], *, depth: int, time_limit: float | None = None) -> Iterator[Part]:
    """What is still bad of parts that are not final: each is halved once, and at most `depth` times more by `prove`."""
    dim = task.simplices.points.shape[1] - 1
    rows, leaves, faces = [], [], []
    for part in parts:
        for half in halves(part, task.simplices.points[part.row][:, :dim]):
            rows.append(part.row)
            leaves.append(half)
            faces.append(part.face)
    simplices, weights = subdivided(task, rows, leaves)
    mask = None
    if task.mask is not None:
        mask = np.array([[k in face for k in range(dim + 1)] for face in faces])
    proof = prove(
        simplices, weights, task.forms, mask=mask, max_depth=depth, time_limit=time_limit, stop_at_violation=False
    )
    for part in bad_parts(proof, mask):
        corners = tuple(mixture(c, leaves[part.row]) for c in part.corners)
        yield Part(rows[part.row], corners, part.face, part.final)
