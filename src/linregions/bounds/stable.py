"""Which units stay in one piece on a domain, proven by interval arithmetic with rigorous rounding."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from ..activations import MaxGroups, PiecewiseLinear
from ..checks import shown
from ..domain import Box, Domain, Plane, Rows
from ..errors import InputError
from ..exact import fractions, nearest_float
from ..network import Network
from ..stage import Stage, is_sparse
from .architecture import Architecture, Reach, layer_of, up_to_the_last_split

# u = 2^-53; 1.01 covers the rounding of an error bound itself, 1e-300 covers underflow.
_U = 2.0**-53
_TINY = 1e-300
# Entries of the rows that may be evaluated again in rationals, in one stage: a fraction of a second.
_EXACT_ENTRIES = 10**5
# Half-space entries beyond which a polyhedron's bounding box is sought in one pass only.
_PASS_ENTRIES = 10**4

Ends = tuple[np.ndarray, np.ndarray]


def on_domain(network: Network, domain: Domain) -> Architecture:
    """The architecture of a network on a domain: units that provably stay in one piece there split nothing.

    An interval that holds every value on the domain is carried from stage to stage.  A unit whose interval lies in one
    piece is constant there (not counted) or linear (it carries a dimension on); the others keep the pieces that their
    interval meets, and rows of a max group that another row always beats drop out.  Intervals are sound, so every unit
    that is called stable is; they are not tight, so some stable units are not found.

    Args:
        network: the network.
        domain: where; of a polyhedron, a bounding box is used as far as its half-spaces tell one.

    Returns:
        An `Architecture` with the domain's dimension as its inputs.

    Raises:
        InputError: the domain is none, is empty, or has not the network's number of inputs.

    Example:
        >>> from linregions import Box, Network, bounds
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [0.0, 5.0, -9.0]), ([[1.0] * 3], [0.0])])
        >>> layer = on_domain(net, Box.cube(-1, 1, 2)).layers[0]
        >>> layer.units, layer.linear  # x may be negative; y + 5 is positive, x + y - 9 negative
        (1, 1)
    """
    lower, upper = _bounding_box(_checked(network, domain))
    embedding = domain.embedding
    layers, live = [], np.ones(network.input_dim, dtype=bool)
    with np.errstate(all="ignore"):  # an overflow ends in an infinite interval, which proves nothing
        for stage in network.stages:
            low, high = _preactivations(stage, lower, upper, embedding)
            layer, live = layer_of(stage, _reach(stage, low, high), live)
            layers.append(layer)
            lower, upper = _image(stage, low, high)
            embedding = None
    return Architecture(domain.dim, up_to_the_last_split(layers), network, domain)


def _checked(network: Network, domain: Any) -> Domain:
    if not isinstance(domain, Domain):
        raise InputError(f"domain: expected a Box, Polytope, Segment, Plane or Space, got {shown(domain)}")
    if domain.input_dim != network.input_dim:
        raise InputError(
            f"domain: the network takes {network.input_dim} inputs, and {domain!r} gives {domain.input_dim}; "
            "give the domain one coordinate per network input"
        )
    return domain


# -- The domain's bounding box, in its own coordinates --------------------------------------------------------------


def _bounding_box(domain: Domain) -> Ends:
    if isinstance(domain, Box):
        return domain.lower, domain.upper
    if isinstance(domain, Plane):
        return domain.region.min(axis=0), domain.region.max(axis=0)
    rows = domain.halfspaces
    lower, upper = np.full(domain.dim, -np.inf), np.full(domain.dim, np.inf)
    for _ in range(3 if len(rows) * domain.dim <= _PASS_ENTRIES else 1):
        for row in rows:
            _tighten(row, lower, upper)
    if np.any(lower > upper):
        raise InputError(f"domain: {domain!r} is empty; check the signs of its rows (A x <= b)")
    return lower, upper


def _tighten(row: list[Fraction], lower: np.ndarray, upper: np.ndarray) -> None:
    """Use one half-space a.t + c >= 0 to bound each coordinate by the others, in place, rounding outwards."""
    *normal, total = row
    terms = {}
    for k, a in enumerate(normal):
        if a:
            end = float(upper[k] if a > 0 else lower[k])
            terms[k] = a * Fraction(end) if math.isfinite(end) else None
    unbounded = [k for k, v in terms.items() if v is None]
    if len(unbounded) > 1:
        return
    total += sum((v for v in terms.values() if v is not None), Fraction(0))
    for k in unbounded or terms:
        # a_k t_k >= -(c + the most that the other terms can be)
        end = -(total - (terms[k] or 0)) / normal[k]
        if normal[k] > 0:
            lower[k] = max(lower[k], _rounded(end, -math.inf))
        else:
            upper[k] = min(upper[k], _rounded(end, math.inf))


def _rounded(value: Fraction, towards: float) -> float:
    """A float on the side of `value` that `towards` names, the value itself where it is one."""
    out = nearest_float(value)
    if math.isinf(out):
        return out if (out > 0) == (towards > 0) else math.copysign(np.finfo(float).max, out)
    beyond = Fraction(out) < value if towards > 0 else Fraction(out) > value
    return math.nextafter(out, towards) if beyond else out


# -- Through a stage -------------------------------------------------------------------------------------------------


def _preactivations(stage: Stage, lower: np.ndarray, upper: np.ndarray, embedding: Rows | None) -> Ends:
    """Ends of an interval for every row, given one for every input (or domain coordinate, under an embedding)."""
    no_lower, no_upper = ~np.isfinite(lower), ~np.isfinite(upper)
    lo, hi = np.where(no_lower, 0.0, lower), np.where(no_upper, 0.0, upper)
    size = np.maximum(np.abs(lo), np.abs(hi))
    slopes, offset, inherited = _affine(stage, embedding, size)
    plus, minus = _parts(slopes)
    # Terms of a sum in any order: gamma_n of their magnitudes; + 6 covers what is added to the sum.
    gamma = (slopes.shape[1] + 6) * _U
    error = 1.01 * (gamma * (abs(slopes) @ size + np.abs(offset)) + inherited) + _TINY
    low, high = plus @ lo + minus @ hi + offset, plus @ hi + minus @ lo + offset
    error_low = error_high = error
    if stage.divisor is not None:
        low, high = low / stage.divisor, high / stage.divisor
        error_low = 1.01 * error / stage.divisor + 4 * _U * np.abs(low) + _TINY
        error_high = 1.01 * error / stage.divisor + 4 * _U * np.abs(high) + _TINY
    open_low = (plus @ no_lower.astype(float) - minus @ no_upper.astype(float)) > 0
    open_high = (plus @ no_upper.astype(float) - minus @ no_lower.astype(float)) > 0
    low, high = np.where(open_low, -np.inf, low), np.where(open_high, np.inf, high)
    safe_low, safe_high = low - error_low, high + error_high
    safe_low[~np.isfinite(safe_low)], safe_high[~np.isfinite(safe_high)] = -np.inf, np.inf
    _settle(stage, embedding, (lower, upper), (low, high), (error_low, error_high), (safe_low, safe_high))
    return safe_low, safe_high


def _affine(stage: Stage, embedding: Rows | None, size: np.ndarray) -> tuple[Any, np.ndarray, Any]:
    """Slopes and offset of the rows before division, and what their own errors come to on inputs up to `size`."""
    if embedding is None:
        return stage.weight, stage.bias, 0.0
    rows = np.array([[nearest_float(v) for v in row] for row in embedding])
    slopes, offset = stage.weight @ rows[:, :-1], stage.weight @ rows[:, -1] + stage.bias
    magnitude = abs(stage.weight) @ np.abs(rows)
    error = magnitude[:, :-1] @ size + magnitude[:, -1] + np.abs(stage.bias)
    return slopes, offset, 1.01 * (stage.inputs + 8) * _U * error + _TINY * (1.0 + size.sum())


def _parts(weight: Any) -> tuple[Any, Any]:
    """The positive and the negative entries."""
    if is_sparse(weight):
        return weight.maximum(0.0), weight.minimum(0.0)
    return np.maximum(weight, 0.0), np.minimum(weight, 0.0)


def _settle(stage: Stage, embedding: Rows | None, inputs: Ends, ends: Ends, errors: Ends, safe: Ends) -> None:
    """Evaluate in rationals, in place, the ends that are a breakpoint up to their error.

    Such ends are common where weights are simple: a unit without bias that reads ReLUs with negative weights has the
    upper end 0 exactly, and is inactive.
    """
    act = stage.activation
    if isinstance(act, MaxGroups):
        return
    left = _EXACT_ENTRIES
    for side in range(2):
        close = np.zeros(stage.rows, dtype=bool)
        for k, f in enumerate(act.functions):
            for t in f.breakpoints:
                close |= (act.index == k) & (np.abs(ends[side] - t) <= 1.01 * errors[side] + 4 * _U * abs(t))
        for i in np.flatnonzero(close & np.isfinite(ends[side])).tolist():
            left -= len(stage.row(i)[0]) * (1 if embedding is None else len(embedding[0]))
            if left < 0:
                return
            value = _exact_end(stage, i, embedding, inputs, side)
            safe[side][i] = _rounded(value, math.inf if side else -math.inf)


def _exact_end(stage: Stage, i: int, embedding: Rows | None, inputs: Ends, side: int) -> Fraction:
    columns, weights = stage.row(i)
    slopes, total = fractions(weights), Fraction(float(stage.bias[i]))
    if embedding is not None:
        rows = [embedding[j] for j in columns]
        *slopes, shift = [
            sum((w * r[k] for w, r in zip(slopes, rows, strict=True)), Fraction(0)) for k in range(len(embedding[0]))
        ]
        total, columns = total + shift, np.arange(len(slopes))
    for s, j in zip(slopes, columns, strict=True):
        if s:
            total += s * Fraction(float(inputs[side if s > 0 else 1 - side][j]))
    return total if stage.divisor is None else total / Fraction(float(stage.divisor[i]))


# -- Activations -----------------------------------------------------------------------------------------------------


def _reach(stage: Stage, low: np.ndarray, high: np.ndarray) -> Reach:
    """The pieces that the intervals meet, and the rows of max groups that can win."""
    act, out = stage.activation, Reach.everything(stage)
    if isinstance(act, MaxGroups):
        starts = act.offsets[:-1]
        best = np.repeat(np.maximum.reduceat(low, starts), act.pieces)
        # A tie goes to the lowest row, so a row that can at most draw with an earlier one never wins.
        places = np.where(low == best, np.arange(stage.rows), stage.rows)
        first = np.repeat(np.minimum.reduceat(places, starts), act.pieces)
        beaten = (high < best) | ((high == best) & (first < np.arange(stage.rows)))
        return Reach(out.first, out.last, ~beaten)
    for k, f in enumerate(act.functions):
        mask = act.index == k
        out.first[mask], out.last[mask] = f.piece(low[mask]), f.piece(high[mask])
    return out


def _image(stage: Stage, low: np.ndarray, high: np.ndarray) -> Ends:
    """Intervals of the units' values."""
    act = stage.activation
    if isinstance(act, MaxGroups):
        return np.maximum.reduceat(low, act.offsets[:-1]), np.maximum.reduceat(high, act.offsets[:-1])
    lower, upper = np.empty(act.units), np.empty(act.units)
    for k, f in enumerate(act.functions):
        mask = act.index == k
        lower[mask], upper[mask] = _function_image(f, low[mask], high[mask])
    return lower, upper


def _function_image(f: PiecewiseLinear, low: np.ndarray, high: np.ndarray) -> Ends:
    """Least and largest value on an interval: taken at its ends or at a breakpoint within."""
    least, most = np.full(low.shape, np.inf), np.full(low.shape, -np.inf)
    points = [(low, True), (high, True), *((np.full(low.shape, t), (low < t) & (t < high)) for t in f.breakpoints)]
    for z, counts in points:
        below, above = _values(f, z)
        least, most = np.where(counts, np.minimum(least, below), least), np.where(counts, np.maximum(most, above), most)
    return least, most


def _values(f: PiecewiseLinear, z: np.ndarray) -> Ends:
    """Enclosures of f at each z, infinite ones included; exact where no operation rounds."""
    piece = f.piece(z)
    slope = np.array(f.slopes)[piece]
    constant = np.array([float(c) for c in f.intercepts])[piece]
    known = np.array([Fraction(float(c)) == c for c in f.intercepts])[piece]
    flat = slope == 0.0
    part = np.where(flat, 0.0, slope * z)
    value = part + constant
    exact = known & (flat | ((np.abs(slope) == 1.0) & (constant == 0.0)))
    error = np.where(exact | np.isinf(z), 0.0, 4 * _U * (np.abs(part) + np.abs(constant)) + _TINY)
    below, above = value - error, value + error
    lost = ~np.isfinite(value) & np.isfinite(z)  # the value overflows, but is no infinity
    return np.where(lost, -np.inf, below), np.where(lost, np.inf, above)
