"""Exact affine functions on one region, in the domain's coordinates: the network itself, and what bounds the region."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ..activations import MaxGroups
from ..exact import fractions, scaled_integers
from ..stage import Stage
from .complex import Column

# An affine function of the domain's coordinates: [a_1, ..., a_d, c] is t -> a.t + c.
Row = list[Fraction]


def region_rows(partition: Any, i: int) -> tuple[list[tuple[Column, Row]], list[Row]]:
    """Every column that can bound region `i`, with a row that is >= 0 on the region; and the network's map there.

    Columns are the domain's half-spaces; each breakpoint of every unit; in a max group, the winner against each other
    row.  Both are in the domain's coordinates, the map with one row per output.
    """
    network, domain = partition.network, partition.domain
    bounds = [(Column("domain", index=k), list(row)) for k, row in enumerate(domain.halfspaces)]
    state = domain.embedding
    if state is None:
        n = network.input_dim
        state = [[Fraction(int(a == b)) for b in range(n + 1)] for a in range(n)]
    at = 0
    for number, (stage, pieces) in enumerate(zip(network.stages, network._split(partition.patterns[i]), strict=True)):
        z, state = _preactivations(stage, state), []
        counts = stage.activation.pieces
        for unit in range(stage.units):
            where = at if counts[unit] > 1 else -1
            at += int(counts[unit] > 1)
            own, out = _unit(stage, z, unit, int(pieces[unit]))
            state.append(out)
            bounds += [(Column("unit", stage=number, unit=unit, pattern=where, **name), row) for name, row in own]
    return bounds, state


def _preactivations(stage: Stage, state: list[Row]) -> list[Row]:
    # Sums are taken in integers over common denominators; in fractions every term would take a gcd.
    integers, scale = scaled_integers(state)
    width, out = len(state[0]), []
    for i in range(stage.rows):
        index, weights = stage.row(i)
        (factors,), share = scaled_integers([fractions(weights)])
        used = [(f, integers[j]) for f, j in zip(factors, index, strict=True)]
        row = [Fraction(sum(f * v[k] for f, v in used), share * scale) for k in range(width)]
        row[-1] += Fraction(float(stage.bias[i]))
        out.append(row if stage.divisor is None else [a / Fraction(float(stage.divisor[i])) for a in row])
    return out


def _unit(stage: Stage, z: list[Row], unit: int, piece: int) -> tuple[list[tuple[dict[str, Any], Row]], Row]:
    """What bounds a unit's piece, and the unit's output on it."""
    act, bounds = stage.activation, []
    if isinstance(act, MaxGroups):
        first, end = int(act.offsets[unit]), int(act.offsets[unit + 1])
        for other in range(end - first):
            if other != piece:
                row = [a - b for a, b in zip(z[first + piece], z[first + other], strict=True)]
                bounds.append(({"rows": (min(piece, other), max(piece, other))}, row))
        return bounds, z[first + piece]
    f, row = act.functions[act.index[unit]], z[unit]
    for level, t in enumerate(f.breakpoints):
        above = [*row[:-1], row[-1] - Fraction(t)]
        bounds.append(({"breakpoint": level}, above if level < piece else [-a for a in above]))
    gain = Fraction(f.slopes[piece])
    return bounds, [*(gain * a for a in row[:-1]), gain * row[-1] + f.intercepts[piece]]


def exact_ends(partition: Any, v: int, bounds: list[tuple[Column, Row]]) -> tuple[Row, Row]:
    """Vertex `v` of the complex, a corner of the region that has these `bounds`, as exact p and q of p + q M.

    q is zero for a finite vertex.
    """
    cells, dim = partition.complex, partition.domain.dim
    zero = {cells.columns[c] for c in np.flatnonzero(cells.signs[v] == 0)}
    # One system for both: a.(p + q M) + c = 0 for every row through the vertex, and x_k = -M or M on the box's sides.
    system = [(row[:-1], -row[-1], Fraction(0)) for column, row in bounds if column in zero]
    for column in zero:
        if column.kind == "infinity":
            side = [Fraction(int(k == column.index // 2)) for k in range(dim)]
            system.append((side, Fraction(0), Fraction(1 if column.index % 2 else -1)))
    return _solved(system)


def _solved(system: list[tuple[Row, Fraction, Fraction]]) -> tuple[Row, Row]:
    """The one solution of `a.p = u, a.q = v` over all (a, u, v)."""
    from flint import fmpq, fmpq_mat

    table = [[fmpq(x.numerator, x.denominator) for x in (*a, u, v)] for a, u, v in system]
    reduced, size = fmpq_mat(table).rref()
    dim = len(system[0][0])
    assert size == dim, "a vertex is where its columns meet in one point"
    values = [[reduced[i, dim + k] for i in range(dim)] for k in range(2)]
    p, q = ([Fraction(int(x.p), int(x.q)) for x in row] for row in values)
    return p, q
