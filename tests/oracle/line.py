"""A second slow counter, for domains of dimension one: sort the exact breakpoints, stage by stage."""

from __future__ import annotations

from fractions import Fraction

from linregions.domain import Domain
from linregions.network import Network

from .describe import Largest, Scalar, Step, read_domain, read_network
from .rows import fraction

# A function of t is a pair (slope, constant); an open interval is a pair of ends, None for an infinite one.
Line = tuple[Fraction, Fraction]
Interval = tuple[Fraction | None, Fraction | None]


def line_patterns(net: Network, domain: Domain) -> list[tuple[int, ...]]:
    """The patterns along a one-dimensional domain, from left to right."""
    sides, inputs = read_domain(domain)
    assert domain.dim == 1
    low: Fraction | None = None
    high: Fraction | None = None
    for a, c in ((fraction(r[0]), fraction(r[1])) for r in sides):
        if a > 0:
            low = -c / a if low is None else max(low, -c / a)
        elif a < 0:
            high = -c / a if high is None else min(high, -c / a)
        elif c < 0:
            return []
    if low is not None and high is not None and low >= high:
        return []
    state = [(fraction(r[0]), fraction(r[1])) for r in inputs]
    along = _walk((low, high), state, read_network(net), ())
    return [p for k, p in enumerate(along) if k == 0 or p != along[k - 1]]


def _walk(interval: Interval, state: list[Line], steps: list[Step], done: tuple[int, ...]) -> list[tuple[int, ...]]:
    if not steps:
        return [done]
    step, out = steps[0], []
    z = [_apply(w, state, b) for w, b in zip(step.weights, step.biases, strict=True)]
    for part in _pieces(interval, _crossings(step, z)):
        at = _middle(part)
        pieces, outputs = [], []
        for unit in step.units:
            piece, y, pieces_of_unit = _choose(unit, z, at)
            outputs.append(y)
            pieces += [piece] if pieces_of_unit > 1 else []
        out += _walk(part, outputs, steps[1:], (*done, *pieces))
    return out


def _apply(weights: list, state: list[Line], bias) -> Line:
    w = [fraction(v) for v in weights]
    slope = sum((a * s for a, (s, _) in zip(w, state, strict=True)), Fraction(0))
    return slope, sum((a * c for a, (_, c) in zip(w, state, strict=True)), fraction(bias))


def _crossings(step: Step, z: list[Line]) -> set[Fraction]:
    """Where a unit can change its piece: a function meets a breakpoint, or two rows of a group meet."""
    zeros: list[Line] = []
    for unit in step.units:
        if isinstance(unit, Scalar):
            slope, constant = z[unit.row]
            zeros += [(slope, constant - fraction(t)) for t in unit.breakpoints]
        else:
            zeros += [(z[i][0] - z[j][0], z[i][1] - z[j][1]) for i in unit.rows for j in unit.rows if i < j]
    return {-c / s for s, c in zeros if s != 0}


def _pieces(interval: Interval, points: set[Fraction]) -> list[Interval]:
    low, high = interval
    inside = sorted(p for p in points if (low is None or p > low) and (high is None or p < high))
    return list(zip([low, *inside], [*inside, high], strict=True))


def _middle(interval: Interval) -> Fraction:
    low, high = interval
    if low is None:
        return Fraction(0) if high is None else high - 1
    return low + 1 if high is None else (low + high) / 2


def _choose(unit: Scalar | Largest, z: list[Line], at: Fraction) -> tuple[int, Line, int]:
    """Piece, output and number of pieces of a unit around a point that is no crossing."""
    if isinstance(unit, Largest):
        values = [z[i][0] * at + z[i][1] for i in unit.rows]
        best = values.index(max(values))
        return best, z[unit.rows[best]], len(unit.rows)
    slope, constant = z[unit.row]
    piece = sum(1 for t in unit.breakpoints if slope * at + constant > fraction(t))
    gain, shift = (fraction(v) for v in unit.pieces[piece])
    return piece, (gain * slope, gain * constant + shift), len(unit.pieces)
