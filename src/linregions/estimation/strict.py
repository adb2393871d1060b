"""Which sampled points lie inside a full-dimensional region, and in which: decided exactly.

A point of a domain lies inside an activation region if around it no unit changes its piece: its pre-activation is off
every breakpoint, or is constant around the point (a unit that reads only inactive ones).  Then the region contains a
ball around the point, and a part of full dimension of every convex domain that contains the point and has an interior.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from ..activations import MaxGroups
from ..domain import Domain
from ..enclosure import bounded_activation, bounded_preactivation, doubtful_units
from ..exact import dot, fractions
from ..network import Network
from ..stage import Stage, is_sparse

_U = 2.0**-53
_TINY = 1e-300


def strict_patterns(
    net: Network, domain: Domain, t: np.ndarray, *, until: float = math.inf
) -> tuple[np.ndarray, np.ndarray, int]:
    """Patterns at points of a domain, and which of the points lie inside a region of full dimension.

    Args:
        net: the network.
        domain: the domain; a region has full dimension if it has that of the domain.
        t: float64 points (points, dim) of the domain, in its own coordinates.
        until: time (of `time.perf_counter`) at which to leave the points that would need rational arithmetic: they are
            then said to be inside no region.

    Returns:
        Patterns (points, units); a mask (points,) of the points that lie inside their region, the patterns of the
        others being those at the point; and how many points were decided in rational arithmetic.
    """
    patterns, unsure = _float_patterns(net, domain, t)
    inside = np.ones(len(t), dtype=bool)
    for i in np.flatnonzero(unsure):
        late = time.perf_counter() > until
        patterns[i], inside[i] = (patterns[i], False) if late else exact_strict(net, domain, fractions(t[i]))
    return patterns, inside, int(unsure.sum())


def _float_patterns(net: Network, domain: Domain, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Patterns in float64 and, per point, whether it is not certain that the point lies inside a region."""
    with np.errstate(all="ignore"):
        x, error = _inputs(domain, t)
        unsure = np.zeros(len(t), dtype=bool)
        # Where a state is exactly 0 all around the point.
        dead = np.zeros(x.shape, dtype=bool)
        out = []
        for stage in net.stages:
            z, error = bounded_preactivation(stage, x, error)
            bad = doubtful_units(stage, z, error)
            _settle_dead(stage, dead, bad, z, error)
            unsure |= bad.any(axis=1) | ~np.all(np.isfinite(error) & np.isfinite(z), axis=1)
            pieces = stage.piece(z)
            out.append(pieces[:, stage.activation.pieces > 1])
            x, error = bounded_activation(stage, z, error)
            dead = _dead(stage, pieces, bad)
            error[dead] = 0.0
        unsure |= ~np.isfinite(x).all(axis=1)
    return np.concatenate(out, axis=1), unsure


def _inputs(domain: Domain, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The network's inputs at domain coordinates, and a bound on their error."""
    rows = domain.embedding
    if rows is None:
        return t, np.zeros_like(t)
    matrix = np.abs(np.array([[float(v) for v in row] for row in rows]))
    size = np.abs(t) @ matrix[:, :-1].T + matrix[:, -1]
    return domain.inputs(t), 1.01 * (domain.dim + 6) * _U * size + _TINY * (1.0 + np.abs(t).sum(axis=1, keepdims=True))


def _settle_dead(stage: Stage, dead: np.ndarray, bad: np.ndarray, z: np.ndarray, error: np.ndarray) -> None:
    """Rows that read only zeros are their bias exactly, all around the point: certain, in place."""
    act = stage.activation
    if stage.divisor is not None or isinstance(act, MaxGroups):
        return
    points = np.flatnonzero(bad.any(axis=1) & dead.any(axis=1))
    if not len(points):
        return
    used = abs(stage.weight).sign() if is_sparse(stage.weight) else (stage.weight != 0.0).astype(np.float64)
    constant = ((used @ (~dead[points]).astype(np.float64).T).T == 0.0) & bad[points]
    at, unit = np.nonzero(constant)
    z[points[at], unit] = stage.bias[unit]
    error[points[at], unit] = 0.0
    bad[points[at], unit] = False


def _dead(stage: Stage, pieces: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """Units that are exactly 0 all around each point: in a piece that is 0, for certain."""
    act = stage.activation
    out = np.zeros(pieces.shape, dtype=bool)
    if isinstance(act, MaxGroups):
        return out
    for k, f in enumerate(act.functions):
        zero = np.array([s == 0.0 and c == 0 for s, c in zip(f.slopes, f.intercepts, strict=True)])
        if zero.any():
            mask = act.index == k
            out[:, mask] = zero[pieces[:, mask]] & ~bad[:, mask]
    return out


# -- In rationals ----------------------------------------------------------------------------------------------------


def exact_strict(net: Network, domain: Domain, point: Sequence[Fraction]) -> tuple[np.ndarray, bool]:
    """The pattern at one rational point of the domain, and whether the point lies inside a region of full dimension."""
    embedding = domain.embedding
    state = list(point) if embedding is None else [dot(row, [*point, Fraction(1)]) for row in embedding]
    chosen: list[list[int]] = []
    tied: list[tuple[int, list[tuple[int, int | None]]]] = []
    for k, stage in enumerate(net.stages):
        ties = _ties(stage, stage.exact_preactivation(state))
        if ties:
            tied.append((k, ties))
        pieces, state = stage.exact_step(state)
        chosen.append(pieces)
    kept = [np.array(p)[s.activation.pieces > 1] for p, s in zip(chosen, net.stages, strict=True)]
    pattern = np.concatenate(kept).astype(np.int32)
    return pattern, not tied or _all_constant(net, domain, chosen, dict(tied))


def _ties(stage: Stage, z: list[Fraction]) -> list[tuple[int, int | None]]:
    """Rows at a breakpoint as (row, None), and rows that draw with their max group's winner as (row, winner)."""
    act = stage.activation
    if not isinstance(act, MaxGroups):
        return [
            (i, None) for i, v in enumerate(z) if any(v == Fraction(t) for t in act.functions[act.index[i]].breakpoints)
        ]
    out: list[tuple[int, int | None]] = []
    for a, b in zip(act.offsets[:-1].tolist(), act.offsets[1:].tolist(), strict=True):
        winner = max(range(a, b), key=lambda i: (z[i], -i))
        out += [(i, winner) for i in range(a, b) if i != winner and z[i] == z[winner]]
    return out


def _all_constant(
    net: Network, domain: Domain, chosen: list[list[int]], tied: dict[int, list[tuple[int, int | None]]]
) -> bool:
    """Whether every tie holds all around the point: the slope of the row, or of the difference, is zero."""
    embedding = domain.embedding
    n = domain.dim
    slopes = (
        [[Fraction(int(i == j)) for j in range(n)] for i in range(n)]
        if embedding is None
        else [list(row[:-1]) for row in embedding]
    )
    for k, stage in enumerate(net.stages):
        if not any(j >= k for j in tied):
            return True
        rows = [_slope(stage, i, slopes, n) for i in range(stage.rows)]
        for row, other in tied.get(k, ()):
            if rows[row] != ([Fraction(0)] * n if other is None else rows[other]):
                return False
        slopes = _after(stage, rows, chosen[k])
    return True


def _slope(stage: Stage, i: int, slopes: list[list[Fraction]], n: int) -> list[Fraction]:
    out = [Fraction(0)] * n
    for j, w in zip(*stage.row(i), strict=True):
        if any(slopes[j]):
            out = [a + Fraction(float(w)) * b for a, b in zip(out, slopes[j], strict=True)]
    return out if stage.divisor is None else [v / Fraction(float(stage.divisor[i])) for v in out]


def _after(stage: Stage, rows: list[list[Fraction]], pieces: list[int]) -> list[list[Fraction]]:
    act = stage.activation
    if isinstance(act, MaxGroups):
        return [rows[a + p] for a, p in zip(act.offsets[:-1].tolist(), pieces, strict=True)]
    gains = [Fraction(act.functions[k].slopes[p]) for k, p in zip(act.index, pieces, strict=True)]
    return [[g * v for v in row] for g, row in zip(gains, rows, strict=True)]
