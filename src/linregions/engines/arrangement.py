"""The arrangement engine: one hidden layer on the whole space, counted by deletion-restriction in integers alone."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd
from typing import Any

import numpy as np

from ..activations import MaxGroups
from ..checks import plural, shown, whole_number
from ..domain import Domain, Space
from ..errors import InputError
from ..exact import pivot_columns, scaled_integers
from ..network import Network
from ..stage import Stage
from .cells import cores

NAME = "arrangement"
# Rows with larger entries are left to the cells engine: its filters suit generic weights better than long integers do.
SMALL = 2**20
LARGEST = 2**62


def open_engine(net: Network, domain: Domain, *, largest: int = SMALL) -> Any | None:
    """A compiled counter for a network with one hidden layer on the whole space; None where it does not apply.

    The regions are those of the arrangement of all hyperplanes `row_i . x + offset_i = breakpoint`; repeated ones count
    once.  It applies when exactly one stage has activations, these are scalar, nothing precedes it, and the hyperplanes
    have integer coefficients of at most `largest`.
    """
    if not isinstance(domain, Space) or domain.input_dim != net.input_dim:
        return None
    splitting = [s for s in net.stages if not _affine(s)]
    if len(splitting) != 1 or splitting[0] is not net.stages[0] or isinstance(splitting[0].activation, MaxGroups):
        return None
    rows = _hyperplanes(splitting[0], largest)
    if rows is None or not rows:
        return None
    return _opened(rows)


def betti_numbers(
    normals: Sequence[Sequence[Any]], offsets: Sequence[Any], *, threads: int | None = None
) -> tuple[int, ...]:
    """The unsigned Whitney numbers b_0, ..., b_n of the hyperplanes `normals[i] . x + offsets[i] = 0` in R^n.

    They are the Betti numbers of the complement of the complexified arrangement: `b_k` is the sum of `|mu(F)|` over the
    flats F of codimension k, and the characteristic polynomial is `sum_k (-1)^k b_k t^(n-k)`.  Their sum is the number
    of regions and `|sum_k (-1)^k b_k|` the number of relatively bounded ones.  Repeated hyperplanes count once.

    Args:
        normals: one row of rational numbers (ints, Fractions, or floats taken as the rationals that they are) for each
            hyperplane, not all zero.
        offsets: one rational number for each hyperplane.
        threads: worker threads; None takes the cores of this process.

    Returns:
        n + 1 integers, found by deletion-restriction in integers alone.

    Raises:
        InputError: the shapes do not fit, a normal is zero, or a hyperplane has no equation in integers up to 2^62.

    Reference:
        Zaslavsky 1975, Facing up to arrangements, Theorems A and C.

    Example:
        >>> betti_numbers([[-1, 1], [1, 0], [1, 1], [0, 1]], [-1, 0, -1, 0])  # 10 regions, 2 of them bounded
        (1, 4, 5)
    """
    rows, dim = _rational_rows(normals, offsets)
    threads = cores() if threads is None else whole_number(threads, "threads", most=1024)
    engine = _opened(rows)
    engine.start_whitney(threads)
    while True:
        try:
            if engine.wait(0.02):
                break
        except KeyboardInterrupt:
            engine.stop()
            raise
    found = [int(b) for b in engine.whitney()]
    return (*found, *[0] * (dim + 1 - len(found)))


def _opened(rows: list[list[int]]) -> Any:
    matrix = np.array(rows, dtype=np.int64)
    # Directions along which nothing changes are projected out: the recursion is as deep as the rank.
    keep = pivot_columns(matrix[:, :-1].tolist())
    from .._core import Hyperplanes

    return Hyperplanes(np.ascontiguousarray(matrix[:, [*keep, matrix.shape[1] - 1]]))


def _rational_rows(normals: Any, offsets: Any) -> tuple[list[list[int]], int]:
    """Distinct primitive integer rows `[normal..., offset]`, and the dimension."""
    try:
        given = [[_rational(v) for v in row] for row in normals]
        ends = [_rational(v) for v in offsets]
    except (TypeError, ValueError, ArithmeticError) as error:
        raise InputError(f"normals and offsets must hold finite rational numbers, got {shown(normals)}") from error
    if not given:
        raise InputError("normals: at least one hyperplane is needed to know the dimension, got none")
    dim = len(given[0])
    if not dim or any(len(row) != dim for row in given) or len(ends) != len(given):
        raise InputError(
            f"normals must be {plural(len(ends), 'row')} of one length, one for each offset, "
            f"got lengths {shown([len(row) for row in given])}"
        )
    out = set()
    for k, (row, offset) in enumerate(zip(given, ends, strict=True)):
        if not any(row):
            raise InputError(f"normals: row {k} is zero, which is no hyperplane; leave it out")
        integers = _primitive([*row, offset])
        if max(abs(v) for v in integers) > LARGEST:
            raise InputError(f"normals: row {k} with its offset needs integers beyond 2^62; round its numbers first")
        out.add(tuple(integers))
    return [list(row) for row in sorted(out)], dim


def _rational(value: Any) -> Fraction:
    if isinstance(value, bool | str):
        raise TypeError
    # numpy's integers would stay in 64 bits within a Fraction.
    return Fraction(value.item() if isinstance(value, np.generic) else value)


def _primitive(row: list[Fraction]) -> list[int]:
    """Coprime integers, the first that is not zero positive."""
    integers = scaled_integers([row])[0][0]
    common = gcd(*integers) * (1 if next(v for v in integers if v) > 0 else -1)
    return [v // common for v in integers]


def _affine(stage: Stage) -> bool:
    return bool(np.all(stage.activation.pieces == 1))


def _hyperplanes(stage: Stage, largest: int) -> list[list[int]] | None:
    """Primitive integer rows `[normal..., offset]`; None as soon as one is too large."""
    act = stage.activation
    assert not isinstance(act, MaxGroups)
    out: set[tuple[int, ...]] = set()
    for i in range(stage.rows):
        columns, weights = stage.row(i)
        if not len(columns):
            continue
        scale = Fraction(1) if stage.divisor is None else Fraction(float(stage.divisor[i]))
        for t in act.functions[act.index[i]].breakpoints:
            row = [Fraction(0)] * stage.inputs + [Fraction(float(stage.bias[i])) - Fraction(t) * scale]
            for j, w in zip(columns, weights, strict=True):
                row[j] = Fraction(float(w))
            integers = _primitive(row)
            if max(abs(v) for v in integers) > largest:
                return None
            out.add(tuple(integers))
    return [list(row) for row in sorted(out)]
