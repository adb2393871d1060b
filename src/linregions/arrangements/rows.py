"""The hyperplanes of a network with one hidden layer, or of rows of numbers, as primitive integer rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import gcd
from typing import Any

import numpy as np

from ..activations import MaxGroups
from ..checks import plural, shown
from ..domain import Domain
from ..errors import InputError
from ..exact import scaled_integers
from ..network import Network

# Coprime integers (a_1, ..., a_d, c), the first that is not zero positive: the points with a.x + c = 0.
Row = tuple[int, ...]


def hyperplanes(source: Any, domain: Domain | None = None) -> tuple[tuple[Row, ...], int]:
    """The distinct hyperplanes `a.x + c = 0` of `source` as coprime integer rows `(a_1, ..., a_d, c)`, and d.

    Args:
        source: a `Network` with one hidden layer, whose hyperplanes are `w_i . x + b_i = t` for every breakpoint t of
            unit i; or rows `[a_1, ..., a_d, c]` of rational numbers (ints of any size, Fractions, floats taken as the
            rationals that they are); or an object with such rows as its `hyperplanes`.
        domain: rewrite them in the coordinates of this domain (of a plane or a segment those that it lies within or is
            parallel to drop out); None keeps the inputs.

    Returns:
        The rows in a fixed order, each hyperplane once, and the dimension d that they live in.

    Raises:
        InputError: the network has more than one layer that splits, or a max group; a row is no hyperplane.

    Example:
        >>> hyperplanes([[0.5, 0, 0.25], [2, 0, 1], [0, -3, 0]])
        (((0, 1, 0), (2, 0, 1)), 2)
    """
    rows, dim = _of_network(source) if isinstance(source, Network) else _of_rows(source)
    if domain is not None:
        if not isinstance(domain, Domain):
            raise InputError(f"domain: expected a Box, Polytope, Segment, Plane or Space, got {shown(domain)}")
        if domain.input_dim != dim:
            raise InputError(
                f"domain: the hyperplanes lie in dimension {dim}, and {domain!r} in {domain.input_dim}; "
                "give the domain one coordinate for each"
            )
        rows, dim = [_composed(row, domain.embedding) for row in rows], domain.dim
    distinct = {primitive(row) for row in rows if any(row[:-1])}
    return tuple(sorted(distinct)), dim


def primitive(row: Sequence[Fraction] | Sequence[int]) -> Row:
    """Coprime integers with the same ratios, the first that is not zero positive."""
    integers = [v for v in row if isinstance(v, int)]
    if len(integers) < len(row):
        integers = scaled_integers([[Fraction(v) for v in row]])[0][0]
    divisor = gcd(*integers) * (1 if next(v for v in integers if v) > 0 else -1)
    return tuple(v // divisor for v in integers)


def restricted(row: Sequence[int], onto: Row, pivot: int) -> list[int]:
    """A row on the hyperplane `onto`, times a positive number, in the coordinates other than `pivot`."""
    a, b = (onto[pivot], row[pivot]) if onto[pivot] > 0 else (-onto[pivot], -row[pivot])
    return [a * v - b * w for k, (v, w) in enumerate(zip(row, onto, strict=True)) if k != pivot]


def shortened(row: list[int]) -> list[int]:
    """The half-space `row >= 0` with coprime integers; its side stays."""
    divisor = gcd(*row)
    return [v // divisor for v in row] if divisor > 1 else row


def traces(rows: Iterable[Row], onto: Row, pivot: int) -> list[Row | None]:
    """What every row cuts into the hyperplane `onto`; None where it is parallel to it or the same."""
    cut = (restricted(row, onto, pivot) for row in rows)
    return [primitive(row) if any(row[:-1]) else None for row in cut]


def pivot_of(row: Row) -> int:
    """The coordinate whose coefficient is the smallest that is not zero: it makes the traces shortest."""
    return min((abs(v), k) for k, v in enumerate(row[:-1]) if v)[1]


def _of_network(net: Network) -> tuple[list[list[Fraction]], int]:
    splitting = [k for k, stage in enumerate(net.stages) if np.any(stage.activation.pieces > 1)]
    if not splitting:
        return [], net.input_dim
    stage, at = net.stages[splitting[0]], splitting[0]
    if len(splitting) > 1 or isinstance(stage.activation, MaxGroups):
        raise InputError(
            f"source: {net!r} is no arrangement, which is one hidden layer of scalar units; "
            "linregions.count counts the regions of every network"
        )
    n = net.input_dim
    slope = [[Fraction(int(i == j)) for j in range(n)] for i in range(n)]
    offset = [Fraction(0)] * n
    if at:
        slope, offset = Network(net.stages[:at]).exact_affine_map(np.zeros(0, dtype=int))
    before = [[*s, o] for s, o in zip(slope, offset, strict=True)]
    act, rows = stage.activation, []
    for i in range(stage.rows):
        columns, weights = stage.row(i)
        row = [Fraction(0)] * n + [Fraction(float(stage.bias[i]))]
        for j, w in zip(columns, weights, strict=True):
            row = [r + Fraction(float(w)) * v for r, v in zip(row, before[j], strict=True)]
        scale = Fraction(1) if stage.divisor is None else Fraction(float(stage.divisor[i]))
        rows += [[*row[:-1], row[-1] - Fraction(t) * scale] for t in act.functions[act.index[i]].breakpoints]
    return rows, n


def _of_rows(source: Any) -> tuple[list[list[Fraction]], int]:
    given = getattr(source, "hyperplanes", source)
    try:
        rows = [[_rational(v) for v in row] for row in given]
    except (TypeError, ValueError, ArithmeticError) as error:
        raise InputError(f"source: expected a Network or rows [a..., c] of numbers, got {shown(source)}") from error
    if not rows:
        raise InputError("source: at least one hyperplane is needed to know the dimension, got none")
    if len(rows[0]) < 2 or any(len(row) != len(rows[0]) for row in rows):
        lengths = shown([len(row) for row in rows])
        raise InputError(f"source: every row must be [a_1, ..., a_d, c] of one length from 2 on, got lengths {lengths}")
    for k, row in enumerate(rows):
        if not any(row[:-1]):
            raise InputError(f"source: row {k} has a zero normal, which is no hyperplane; leave it out")
    return rows, len(rows[0]) - 1


def _rational(value: Any) -> Fraction:
    if isinstance(value, bool | str):
        raise TypeError
    # numpy's integers would stay in 64 bits within a Fraction.
    return Fraction(value.item() if isinstance(value, np.generic) else value)


def _composed(row: Sequence[Fraction], embedding: list[list[Fraction]] | None) -> list[Fraction]:
    if embedding is None:
        return list(row)
    out = [Fraction(0)] * (len(embedding[0]) - 1) + [Fraction(row[-1])]
    for a, image in zip(row[:-1], embedding, strict=True):
        if a:
            out = [v + a * w for v, w in zip(out, image, strict=True)]
    return out


def describe(rows: Sequence[Row], dim: int) -> str:
    """`4 hyperplanes in dimension 2`."""
    return f"{plural(len(rows), 'hyperplane')} in dimension {dim}"
