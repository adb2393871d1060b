"""The arrangement engine: one hidden layer on the whole space, counted by deletion-restriction in integers alone."""

from __future__ import annotations

from fractions import Fraction
from math import gcd
from typing import Any

import numpy as np

from ..activations import MaxGroups
from ..domain import Domain, Space
from ..exact import pivot_columns, scaled_integers
from ..network import Network
from ..stage import Stage

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
    matrix = np.array(rows, dtype=np.int64)
    # Directions along which nothing changes are projected out: the recursion is as deep as the rank.
    keep = pivot_columns(matrix[:, :-1].tolist())
    from .._core import Hyperplanes

    return Hyperplanes(np.ascontiguousarray(matrix[:, [*keep, matrix.shape[1] - 1]]))


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
            integers = scaled_integers([row])[0][0]
            common = gcd(*integers)
            integers = [v // common for v in integers]
            if max(abs(v) for v in integers) > largest:
                return None
            if next(v for v in integers if v) < 0:
                integers = [-v for v in integers]
            out.add(tuple(integers))
    return [list(row) for row in sorted(out)]
