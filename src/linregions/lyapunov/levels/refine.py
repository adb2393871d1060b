"""Finer leaves where it matters: what a proof left open is bisected and proved again.

A leaf is a simplex inside a row of a task.  It is *bad* where the condition is not proved on it: violated, undecided,
excluded, or zero on a face that is more than the origin.  Its corners are dyadic combinations of the row's
vertices with at most 52 bits, so that float64 holds them exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any

import numpy as np

from ..proving.proof import Proof
from ..proving.prove import Leaf, prove
from ..proving.simplices import Simplices, Weights

FINEST = 44  # bits of corners of leaves that may still be halved; halving and proving again adds a few
EPS = 2.0**-52

Corner = tuple[Fraction, ...]  # barycentric coordinates in a row


@dataclass(frozen=True, eq=False)
class Leaves:
    """Bad leaves of several tasks.

    Attributes:
        task: (L,) number of the task.
        row: (L,) row of the task.
        share: (L, n + 1, n + 1) exact barycentric coordinates of the corners.
        face: (L, n + 1) bool, the corners whose hull may be bad.
        known: (L,) bool, whether the hull is known to be bad as a whole, so that bisection gains nothing.
        bits: (L,) binary places of the corners.
    """

    task: np.ndarray
    row: np.ndarray
    share: np.ndarray
    face: np.ndarray
    known: np.ndarray
    bits: np.ndarray

    def __len__(self) -> int:
        return len(self.row)

    def __getitem__(self, chosen: Any) -> Leaves:
        return Leaves(*(getattr(self, f.name)[chosen] for f in fields(self)))

    def corner(self, leaf: int, k: int) -> Corner:
        """One corner as rationals."""
        return tuple(Fraction(v) for v in self.share[leaf, k].tolist())

    def whole(self, leaf: int) -> list[list[int]]:
        """The corners of the face as integers over `2^bits`."""
        return np.ldexp(self.share[leaf][self.face[leaf]], int(self.bits[leaf])).astype(np.int64).tolist()

    def corners(self, leaf: int) -> list[Corner]:
        """The corners of the face as rationals."""
        return [self.corner(leaf, k) for k in np.flatnonzero(self.face[leaf]).tolist()]


def joined(pieces: Sequence[Leaves]) -> Leaves:
    """Several lists as one."""
    return Leaves(*(np.concatenate([getattr(p, f.name) for p in pieces]) for f in fields(Leaves)))


def roots(number: int, count: int, corners: int) -> Leaves:
    """All rows of a task as leaves, nothing proved."""
    share = np.broadcast_to(np.eye(corners), (count, corners, corners))
    every, nothing = np.ones((count, corners), dtype=bool), np.zeros(count, dtype=np.int64)
    return Leaves(np.full(count, number), np.arange(count), share, every, nothing.astype(bool), nothing)


def bad_leaves(number: int, proof: Proof, mask: np.ndarray | None = None) -> Leaves:
    """The leaves of a proof that are not proved."""
    leaves = proof.leaves()
    open_ = (leaves.status != Leaf.PROVED) & (leaves.status != Leaf.ZERO)
    row, parts = leaves.root[open_], leaves.parts[open_]
    face = np.ones(parts.shape[:2], dtype=bool) if mask is None else np.asarray(mask, dtype=bool)[row]
    pieces = [_leaves(number, row, parts, face, known=False)]
    # The hull of the corners of a zero face is the zero set, so the rest of the leaf is proved.
    zeros = [
        (zero, part, corners)
        for zero in np.unique(leaves.root[leaves.status == Leaf.ZERO]).tolist()
        for part, faces in proof.zero_parts(zero)
        for corners in faces
    ]
    if zeros:
        flat = np.zeros((len(zeros), parts.shape[1]), dtype=bool)
        for k, (_, _, corners) in enumerate(zeros):
            flat[k, list(corners)] = True
        table = np.array([part for _, part, _ in zeros])
        pieces.append(_leaves(number, np.array([zero for zero, _, _ in zeros]), table, flat, known=True))
    return joined(pieces)


def _leaves(number: int, row: np.ndarray, parts: np.ndarray, face: np.ndarray, *, known: bool) -> Leaves:
    sums = parts.sum(axis=2)
    bits = np.log2(sums.max(axis=1, initial=1)).astype(np.int64)
    share = parts / sums[:, :, None]
    return Leaves(np.full(len(row), number), row, share, face, np.full(len(row), known), bits)


def lifted_point(simplices: Simplices, row: int, corner: Sequence[Fraction]) -> list[Fraction]:
    """The exact lifted coordinates of a corner."""
    rows = simplices.exact(row)
    parts = [(v / int(y[-1]), y) for v, y in zip(corner, rows, strict=True) if v]
    return [sum((s * int(y[k]) for s, y in parts), Fraction(0)) for k in range(len(rows[0]) - 1)]


def barycentric(simplices: Simplices, row: int, point: Sequence[Fraction]) -> Corner | None:
    """The corner that a point (n,) of a row is; None where the point lies outside."""
    from flint import fmpq, fmpq_mat

    rows, n = simplices.exact(row), len(point)
    matrix = [[fmpq(int(y[k]), int(y[-1])) for y in rows] for k in range(n)] + [[fmpq(1)] * (n + 1)]
    right = [[fmpq(v.numerator, v.denominator)] for v in point] + [[fmpq(1)]]
    found = [Fraction(int(v.p), int(v.q)) for (v,) in fmpq_mat(matrix).solve(fmpq_mat(right)).table()]
    return tuple(found) if min(found) >= 0 else None


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
    polynomials = task.forms.polynomials
    if polynomials is not None:
        value = sum((w * p.evaluate(point) for w, p in zip(weights, polynomials, strict=True) if w), Fraction(0))
        return value, value
    at = getattr(task.forms, "at", None)
    values = at(point) if at else task.forms.enclosure([(v, v) for v in point], point, 0).bounds(point)
    low = high = Fraction(0)
    for w, (a, b) in zip(weights, values, strict=True):
        low, high = low + min(w * a, w * b), high + max(w * a, w * b)
    return low, high


def is_strict(task: Any) -> bool:
    """Whether the task claims < 0, or only <= 0."""
    return getattr(task, "strict", True)


def halved(task: Any, leaves: Leaves) -> Leaves:
    """Both halves of every leaf, cut at the middle of the longest edge of its face."""
    places = task.simplices.points[leaves.row][:, :, : leaves.share.shape[1] - 1]
    with np.errstate(all="ignore"):
        points = leaves.share @ places
    with np.errstate(all="ignore"):
        gaps = np.abs(points[:, :, None] - points[:, None]).max(axis=3)
    # Where float64 does not tell the corners apart, their shares of the row do.
    blind = ~(np.isfinite(gaps).all(axis=(1, 2)) & gaps.any(axis=(1, 2)))
    gaps[blind] = np.abs(leaves.share[blind][:, :, None] - leaves.share[blind][:, None]).max(axis=3)
    gaps[~(leaves.face[:, :, None] & leaves.face[:, None])] = -1.0
    i, j = np.unravel_index(gaps.reshape(len(leaves), -1).argmax(axis=1), gaps.shape[1:])
    every = np.arange(len(leaves))
    middle = (leaves.share[every, i] + leaves.share[every, j]) / 2
    both = []
    for k in (i, j):
        share = leaves.share.copy()
        share[every, k] = middle
        both.append(Leaves(leaves.task, leaves.row, share, leaves.face, leaves.known, leaves.bits + 1))
    return joined(both)


def subdivided(task: Any, leaves: Leaves) -> tuple[Simplices, Weights]:
    """Leaves as simplices with weights, as `prove` takes them."""
    given, weights, rows = task.simplices, task.weights, leaves.row
    points, errors = given.points[rows], given.errors[rows]
    rounding = (points.shape[1] + 4) * EPS
    with np.errstate(all="ignore"):
        blur = (leaves.share @ errors) * (1 + rounding) + rounding * (leaves.share @ np.abs(points)) + 2.0**-1000
        places = leaves.share @ points
    bad = ~(np.isfinite(places) & np.isfinite(blur))
    places, blur = np.where(bad, 0.0, places), np.where(bad, np.inf, blur)

    def exact(i: int) -> list[list[int]]:
        vertices = given.exact(int(rows[i]))
        scale = math.lcm(*(int(y[-1]) for y in vertices))
        even = [[int(v) * (scale // int(y[-1])) for v in y] for y in vertices]
        numerators = np.ldexp(leaves.share[i], int(leaves.bits[i])).tolist()
        return [
            [sum(int(p) * y[k] for p, y in zip(c, even, strict=True)) for k in range(len(even[0]))] for c in numerators
        ]

    origin = np.asarray(given.origin)[rows]
    at_origin = (origin >= 0)[:, None] & (leaves.share[np.arange(len(rows)), :, origin] == 1)
    position = np.where(at_origin.any(axis=1), at_origin.argmax(axis=1), -1)
    simplices = Simplices(places, blur, exact, position)
    return simplices, Weights(weights.values[rows], weights.errors[rows], lambda i: weights.exact(int(rows[i])))


def refined(task: Any, leaves: Leaves, *, depth: int, time_limit: float | None = None) -> Leaves:
    """What is still bad of leaves of one task: each is halved once, and at most `depth` times more by `prove`."""
    halves = halved(task, leaves)
    simplices, weights = subdivided(task, halves)
    mask = None if halves.face.all() else halves.face
    proof = prove(
        simplices,
        weights,
        task.forms,
        mask=mask,
        max_depth=depth,
        time_limit=time_limit,
        stop_at_violation=False,
        strict=is_strict(task),
    )
    if proof.interrupted:
        raise KeyboardInterrupt
    left = bad_leaves(0, proof, mask)
    inside = halves[left.row]
    share = left.share @ inside.share  # exact: sums of numbers with few bits
    return Leaves(inside.task, inside.row, share, left.face, left.known, left.bits + inside.bits)
