"""Whitney numbers by deletion and restriction, and what follows from them: the polynomial, regions, bounded regions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..checks import shown
from ..domain import Domain
from ..engines.arrangement import betti_numbers
from ..errors import InputError
from ..exact import pivot_columns
from .lattice import intersection_lattice
from .polynomial import CharacteristicPolynomial
from .rows import Row, hyperplanes, pivot_of, primitive, traces

# The compiled recursion takes 64-bit integers, which minors of the rows of up to so many bits stay within; its own long
# integers are slower than Python's.
SHORT = 62


def whitney_numbers(
    source: Any, domain: Domain | None = None, *, kind: str = "first", threads: int | None = None
) -> tuple[int, ...]:
    """The unsigned Whitney numbers of an arrangement: of the first kind, or of the second.

        first:   b_k = sum of |mu(F)| over the flats F of codimension k      (also called Betti numbers)
        second:  W_k = number of flats of codimension k

    Args:
        source: a `Network` with one hidden layer, or rows `[a_1, ..., a_n, c]`; see `hyperplanes`.
        domain: count only the flats that meet the interior of this domain; None is the whole space.
        kind: "first" or "second".
        threads: worker threads of the first kind on the whole space; None takes the cores of this process.

    Returns:
        n + 1 exact integers.  On the whole space the first kind is found by deletion and restriction, the rest from the
        `intersection_lattice`.

    Raises:
        InputError: an argument does not fit; the message says which.

    Reference:
        Zaslavsky 1975, Facing up to arrangements; Stanley, An introduction to hyperplane arrangements, lecture 2.

    Example:
        >>> lines = [[-1, 1, -1], [1, 0, 0], [1, 1, -1], [0, 1, 0]]
        >>> whitney_numbers(lines), whitney_numbers(lines, kind="second")
        ((1, 4, 5), (1, 4, 4))
    """
    if kind not in ("first", "second"):
        raise InputError(f"kind must be 'first' or 'second', got {shown(kind)}")
    if domain is not None or kind == "second":
        lattice = intersection_lattice(source, domain)
        return lattice.whitney_first if kind == "first" else lattice.whitney_second
    rows, dim = hyperplanes(source)
    found = _by_restriction(rows, threads)
    return (*found, *[0] * (dim + 1 - len(found)))


def characteristic_polynomial(source: Any, *, threads: int | None = None) -> CharacteristicPolynomial:
    """The characteristic polynomial `chi(t) = sum_k (-1)^k b_k t^(n-k)` of an arrangement in R^n.

    Arguments as for `whitney_numbers`.

    Example:
        >>> print(characteristic_polynomial([[1, -1, 0, 0], [0, 1, -1, 0], [1, 0, -1, 0]]))  # braid: t (t-1) (t-2)
        t^3 - 3 t^2 + 2 t
    """
    return CharacteristicPolynomial.of_whitney(whitney_numbers(source, threads=threads))


def regions(source: Any, domain: Domain | None = None, *, threads: int | None = None) -> int:
    """The number of regions of an arrangement, or of those that meet the interior of a convex domain.

        whole space: |chi(-1)| = sum_k b_k      convex domain: sum of |mu(F)| over the flats F that meet its interior

    Arguments as for `whitney_numbers`.

    Returns:
        An exact integer: for a network its activation regions on the domain.

    Reference:
        Zaslavsky 1975, Theorem A, and 1977 for convex domains.

    Example:
        >>> from linregions import Box
        >>> lines = [[1, 0, 0], [0, 1, 0], [1, 1, -3]]
        >>> regions(lines), regions(lines, Box.cube(-1, 1, 2))
        (7, 4)
    """
    return sum(whitney_numbers(source, domain, threads=threads))


def bounded_regions(source: Any, *, threads: int | None = None) -> int:
    """The number of relatively bounded regions of an arrangement: `|chi(1)|`.

    Relatively bounded is bounded up to the directions in which no hyperplane changes.  Arguments as for
    `whitney_numbers`.

    Reference:
        Zaslavsky 1975, Theorem C.

    Example:
        >>> bounded_regions([[1, 0, 0], [0, 1, 0], [1, 1, -3]])
        1
    """
    return characteristic_polynomial(source, threads=threads).bounded


def _by_restriction(rows: Sequence[Row], threads: int | None) -> tuple[int, ...]:
    if not rows:
        return (1,)
    bits = max(abs(v) for row in rows for v in row).bit_length()
    if bits * (len(rows[0]) - 1) <= SHORT:
        return betti_numbers([row[:-1] for row in rows], [row[-1] for row in rows], threads=threads)
    # Directions along which nothing changes are projected out: the recursion is as deep as the rank.
    keep = pivot_columns([list(row[:-1]) for row in rows])
    kept = {primitive([*(row[k] for k in keep), row[-1]]) for row in rows}
    return long_whitney(sorted(kept), len(keep))


def long_whitney(rows: Sequence[Row], dim: int) -> tuple[int, ...]:
    """The unsigned Whitney numbers of distinct primitive rows of any size: the compiled recursion in Python's integers.

    Adding a hyperplane adds as many flats of every codimension, weighted by |mu|, as the earlier ones cut into it, one
    codimension further.
    """
    if dim == 1:
        return (1, len(rows))
    out = [1] + [0] * dim
    for i, onto in enumerate(rows):
        cut = {row for row in traces(rows[:i], onto, pivot_of(onto)) if row is not None}
        for k, b in enumerate(long_whitney(sorted(cut), dim - 1), start=1):
            out[k] += b
    return tuple(out)
