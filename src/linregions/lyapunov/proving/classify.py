"""What the signs of the coefficients say about each simplex."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np

from .bernstein import Bounded, corners, supports

Array = np.ndarray[Any, Any]


class Leaf(IntEnum):
    """What is known of p on a simplex.

    PROVED: p < 0 except at the origin (p <= 0 where only that was claimed). ZERO: p <= 0, and p = 0 somewhere else too.
    VIOLATED: p > 0 at a vertex. UNKNOWN: not decided within the budget. EXCLUDED: the simplex lies in the set where
    nothing is claimed.
    """

    PROVED = 0
    ZERO = 1
    VIOLATED = 2
    UNKNOWN = 3
    EXCLUDED = 4


DIVIDE = 5
DOUBT = 6


def classify(
    form: Bounded, degree: int, origin: Array, mask: Array, held: Array | None, strict: bool
) -> tuple[Array, Array]:
    """The verdict on each simplex from its coefficients.

    p <= 0 on the claimed face as soon as the coefficients that it holds are <= 0; then p = 0 at a point only if all
    coefficients of the smallest face around it are 0, so p < 0 off the origin as soon as the other corners are < 0.

    Args:
        form: coefficients with error bounds, (N, m).
        degree: of the form.
        origin: (m,) the vertex where p = 0 is known, or -1.
        mask: (m, n+1) the claimed face.
        held: (m, n+1) vertices in the excluded set; None for no such set.
        strict: whether p < 0 is claimed, or p <= 0.

    Returns:
        codes (m,), of `Leaf` or DIVIDE (a coefficient is certainly positive) or DOUBT (no sign speaks against p <= 0,
        but not all are certain), and the violated corners (m, n+1).
    """
    m, variables = mask.shape
    rows = corners(variables, degree)
    exempt = np.arange(variables)[None, :] == origin[:, None]
    with np.errstate(invalid="ignore"):
        good = form.upper <= -form.error
        positive = form.upper > form.error
        exempt &= ~(form.low > 0).T  # p(0) = 0 is the caller's word, but never against a sign that is certain
        spared = exempt if held is None else exempt | held
        if strict:
            good[rows] &= (form.upper[rows] < -form.error[rows]) | spared.T
        violated = (form.low > 0).T & mask & ~spared
    good[rows] |= exempt.T
    positive[rows] &= ~exempt.T
    if not mask.all():
        unclaimed = (supports(variables, degree).astype(np.int64) @ (~mask).T.astype(np.int64)) > 0
        good |= unclaimed
        positive &= ~unclaimed
    codes = np.full(m, DOUBT)
    codes[positive.any(axis=0)] = DIVIDE
    codes[violated.any(axis=1)] = Leaf.VIOLATED
    codes[good.all(axis=0)] = Leaf.PROVED
    if held is not None:
        codes[(held | ~mask).all(axis=1)] = Leaf.EXCLUDED
    return codes, violated


def zero_faces(
    signs: Array, variables: int, degree: int, origin: int, mask: Array, held: Array | None
) -> tuple[tuple[int, ...], ...]:
    """The largest faces on which a form with coefficients <= 0 is 0, as vertex positions.

    The face of the vertices T is one of them if every coefficient whose variables lie in T is 0; the origin alone, and
    faces in the excluded set, do not count.

    Args:
        signs: (N,) signs of the coefficients.
        variables: of the form, n+1.
        degree: of the form.
        origin: the vertex where p = 0 is known, or -1.
        mask: (n+1,) the claimed face.
        held: (n+1,) vertices in the excluded set, or None.
    """
    spared = None if held is None else np.asarray(held, dtype=bool).tobytes()
    return _zero_faces(signs.astype(np.int8).tobytes(), variables, degree, origin, mask.astype(bool).tobytes(), spared)


@lru_cache(maxsize=4096)  # a symmetric mesh has the same signs on thousands of simplices
def _zero_faces(
    signs_: bytes, variables: int, degree: int, origin: int, mask_: bytes, held_: bytes | None
) -> tuple[tuple[int, ...], ...]:
    signs, mask = np.frombuffer(signs_, dtype=np.int8), np.frombuffer(mask_, dtype=bool)
    held = None if held_ is None else np.frombuffer(held_, dtype=bool)
    support = supports(variables, degree)
    negative = [frozenset(np.flatnonzero(row).tolist()) for row in support[signs < 0]]
    at_corner = signs[corners(variables, degree)] == 0
    candidates = [j for j in range(variables) if mask[j] and (at_corner[j] or j == origin)]
    found: list[frozenset[int]] = []
    for size in range(len(candidates), 0, -1):
        for chosen in combinations(candidates, size):
            face = frozenset(chosen)
            if face == {origin} or any(face <= other for other in found) or any(n <= face for n in negative):
                continue
            if held is None or not all(held[j] for j in face):
                found.append(face)
    return tuple(tuple(sorted(face)) for face in found)
