"""How many regions and faces hyperplane arrangements have, where a formula knows it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ..checks import shown, whole_number
from ..combinatorics import central, elementary_symmetric, zaslavsky
from ..errors import InputError

# More hyperplanes or dimensions are a mistake, and the integers would only take memory.
MOST = 10**6


def regions(hyperplanes: int, dim: int, *, rank: int | None = None) -> int:
    """Regions of m hyperplanes in general position in R^n: `sum_{j=0}^{n} C(m, j)`, the most that m can have.

    Args:
        hyperplanes: m, from 0 on.
        dim: n.
        rank: of the normals, if it is known; the sum then ends at the rank and bounds the number from above.

    Raises:
        InputError: a number is not whole or out of range.

    Reference:
        Zaslavsky 1975; rank-aware: Serra, Tjandraatmadja, Ramalingam 2018, Lemma 2.

    Example:
        >>> regions(4, 2), regions(10, 3), regions(100, 10), regions(4, 2, rank=1)
        (11, 176, 19415908147836, 5)
    """
    m, n = _checked(hyperplanes, dim)
    return zaslavsky(m, n if rank is None else min(n, whole_number(rank, "rank", least=0, most=MOST)))


def bounded_regions(hyperplanes: int, dim: int) -> int:
    """Bounded regions of m hyperplanes in general position in R^n: `C(m-1, n)`.

    Reference:
        Zaslavsky 1975.

    Example:
        >>> bounded_regions(4, 2), bounded_regions(10, 3)
        (3, 84)
    """
    m, n = _checked(hyperplanes, dim)
    return math.comb(m - 1, n) if m else 0


def central_regions(hyperplanes: int, dim: int) -> int:
    """Regions of m hyperplanes in general position through the origin of R^n: `2 sum_{s<n} C(m-1, s)`.

    Example:
        >>> central_regions(4, 2), central_regions(10, 3)
        (8, 92)
    """
    m, n = _checked(hyperplanes, dim)
    return central(m, n) if m else 1


def faces(hyperplanes: int, dim: int, face_dim: int) -> int:
    """Faces of dimension k of m hyperplanes in general position in R^n: `C(m, n-k) sum_{j=0}^{k} C(m-n+k, j)`.

    Every n - k hyperplanes meet in a flat of dimension k, which the other m - n + k cut in general position.

    Args:
        hyperplanes: m, from 0 on.
        dim: n.
        face_dim: k, from 0 (vertices) to n (regions).

    Raises:
        InputError: a number is not whole or out of range.

    Reference:
        Zaslavsky 1975.

    Example:
        >>> [faces(4, 2, k) for k in range(3)], [faces(5, 3, k) for k in range(4)]
        ([6, 16, 11], [10, 40, 55, 26])
    """
    m, n, k = *_checked(hyperplanes, dim), _face_dim(face_dim, dim)
    return math.comb(m, n - k) * zaslavsky(m - n + k, k) if n - k <= m else 0


def bounded_faces(hyperplanes: int, dim: int, face_dim: int) -> int:
    """Bounded faces of dimension k: `C(m, n-k) C(m-n+k-1, k)`; arguments as for `faces`.

    Example:
        >>> [bounded_faces(4, 2, k) for k in range(3)], [bounded_faces(5, 3, k) for k in range(4)]
        ([6, 8, 3], [10, 20, 15, 4])
    """
    m, n, k = *_checked(hyperplanes, dim), _face_dim(face_dim, dim)
    if k == 0:
        return math.comb(m, n)
    # A flat that no other hyperplane cuts is not bounded.
    return math.comb(m, n - k) * math.comb(m - n + k - 1, k) if n - k < m else 0


def parallel_families(sizes: Iterable[int], dim: int) -> int:
    """Regions of families of parallel hyperplanes, their normals in general position: `sum_{j=0}^{n} e_j(sizes)`.

    Args:
        sizes: how many parallel hyperplanes each family has; a maxout or scalar unit with k pieces is one of k - 1.
        dim: n.

    Raises:
        InputError: a number is not whole or out of range.

    Reference:
        Montúfar, Ren, Zhang 2022.

    Example:
        >>> parallel_families([2, 2, 2], 2), parallel_families([1, 1, 1, 1], 2)
        (19, 11)
    """
    if not isinstance(sizes, Iterable) or isinstance(sizes, str):
        raise InputError(f"sizes: expected a list of whole numbers, got {shown(sizes)}")
    counts: dict[int, int] = {}
    for size in sizes:
        size = whole_number(size, "sizes: every family", least=0, most=MOST)
        counts[size] = counts.get(size, 0) + 1
    n = whole_number(dim, "dim", most=MOST)
    return sum(elementary_symmetric(counts.items(), min(n, sum(counts.values()))))


def _checked(hyperplanes: Any, dim: Any) -> tuple[int, int]:
    return whole_number(hyperplanes, "hyperplanes", least=0, most=MOST), whole_number(dim, "dim", most=MOST)


def _face_dim(face_dim: Any, dim: int) -> int:
    k = whole_number(face_dim, "face_dim", least=0, most=MOST)
    if k > dim:
        raise InputError(f"face_dim must be from 0 to the dimension {dim}, got {k}")
    return k
