"""Networks and domains as plain lists of rationals, read from their public numbers only."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpq

from linregions.activations import MaxGroups, PiecewiseLinear
from linregions.domain import Box, Domain, Plane, Polytope, Segment, Space
from linregions.network import Network
from linregions.stage import Stage

from .rows import ONE, ZERO, Row, rational


@dataclass(frozen=True)
class Scalar:
    """A unit that applies a function to one row; its piece j is `slope * z + intercept` on (t_j, t_{j+1}]."""

    row: int
    breakpoints: tuple[fmpq, ...]
    pieces: tuple[tuple[fmpq, fmpq], ...]


@dataclass(frozen=True)
class Largest:
    """A unit that is the largest of some rows."""

    rows: tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """Affine rows, and the units that read them."""

    weights: list[list[fmpq]]
    biases: list[fmpq]
    units: list[Scalar | Largest]


def read_network(net: Network) -> list[Step]:
    """Every stage in rationals."""
    return [_read_stage(stage) for stage in net.stages]


def _read_stage(stage: Stage) -> Step:
    dense = stage.weight.toarray() if hasattr(stage.weight, "toarray") else np.asarray(stage.weight)
    divisor = [ONE] * len(dense) if stage.divisor is None else [rational(v) for v in stage.divisor]
    weights = [[rational(v) / q for v in row] for row, q in zip(dense, divisor, strict=True)]
    biases = [rational(v) / q for v, q in zip(stage.bias, divisor, strict=True)]
    act = stage.activation
    if isinstance(act, MaxGroups):
        ends = [int(v) for v in act.offsets]
        return Step(weights, biases, [Largest(tuple(range(a, b))) for a, b in itertools.pairwise(ends)])
    return Step(weights, biases, [_read_function(i, act.functions[int(k)]) for i, k in enumerate(act.index)])


def _read_function(row: int, function: PiecewiseLinear) -> Scalar:
    ts = tuple(rational(t) for t in function.breakpoints)
    slopes = [rational(s) for s in function.slopes]
    # The function's value is known at the first breakpoint (at 0 if there is none) and goes on continuously.
    intercepts = [rational(function.value) - (slopes[0] * ts[0] if ts else ZERO)]
    for t, left, right in zip(ts, slopes, slopes[1:], strict=False):
        intercepts.append(intercepts[-1] + left * t - right * t)
    return Scalar(row, ts, tuple(zip(slopes, intercepts, strict=True)))


def read_domain(domain: Domain) -> tuple[list[Row], list[Row]]:
    """Half-space rows in the domain's coordinates, and one row per network input."""
    if isinstance(domain, Box):
        d = len(domain.lower)
        below = [[*_unit(d, k), -rational(v)] for k, v in enumerate(domain.lower)]
        above = [[*(-u for u in _unit(d, k)), rational(v)] for k, v in enumerate(domain.upper)]
        return below + above, _identity(d)
    if isinstance(domain, Polytope):
        rows = [[*(-rational(v) for v in a), rational(c)] for a, c in zip(domain.A, domain.b, strict=True)]
        return rows, _identity(domain.A.shape[1])
    if isinstance(domain, Segment):
        a, b = _vector(domain.a), _vector(domain.b)
        return [[ONE, ZERO], [-ONE, ONE]], [[q - p, p] for p, q in zip(a, b, strict=True)]
    if isinstance(domain, Plane):
        p, q, r = _vector(domain.p), _vector(domain.q), _vector(domain.r)
        inputs = [[v - u, w - u, u] for u, v, w in zip(p, q, r, strict=True)]
        return _polygon_sides([_vector(c) for c in domain.region]), inputs
    if isinstance(domain, Space):
        return [], _identity(domain.dim)
    raise TypeError(f"domain: {domain!r} is of no known kind")


def _polygon_sides(corners: list[list[fmpq]]) -> list[Row]:
    """One half-plane per side of a convex polygon, on the side where the corners' mean lies."""
    mean = [sum((c[k] for c in corners), ZERO) / len(corners) for k in range(2)]
    rows = []
    for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
        row = [y1 - y2, x2 - x1, (y2 - y1) * x1 - (x2 - x1) * y1]
        side = row[0] * mean[0] + row[1] * mean[1] + row[2]
        if side != 0:
            rows.append(row if side > 0 else [-v for v in row])
    return rows


def _unit(d: int, k: int) -> Row:
    return [ONE if j == k else ZERO for j in range(d)]


def _identity(d: int) -> list[Row]:
    return [[*_unit(d, k), ZERO] for k in range(d)]


def _vector(values: Any) -> list[fmpq]:
    return [rational(v) for v in values]
