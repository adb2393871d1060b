"""One hidden layer: the number of regions from random intersections of its hyperplanes, in every dimension.

The regions inside an open convex set K are as many as the sets S of hyperplanes without a broken circuit whose flat
meets K (Whitney 1932, Zaslavsky 1977).  Of all C(m, k) sets of k hyperplanes a random one is such a set with a
probability p_k, so the number is sum_k C(m, k) p_k, and the hits among random sets are binomial.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from ..arrangements.interior import open_polyhedron_is_empty
from ..arrangements.rows import Row, pivot_of, primitive, restricted, shortened
from ..domain import Domain
from ..exact import scaled_integers
from ..partition import Kind
from .record import Estimate

PILOT = 5  # sets of every size, to see which sizes the variance comes from
FULL = 64  # sizes with so few sets are gone through
DEFAULT_SAMPLE = 2000
USED_SHARE = 0.7
LEAST = 20  # sets of every size
LARGEST = 10**300
PRIME = 2**31 - 1  # products of two residues fit into 64 bits


def estimate_flats(
    rows: Sequence[Row],
    dim: int,
    domain: Domain,
    rng: np.random.Generator,
    *,
    sample: int | None,
    level: float,
    time_limit: float | None,
) -> tuple[Estimate | None, str]:
    """An unbiased estimate of the regions of an arrangement in a domain, with an interval that holds at its level.

    How many sets of every size are drawn is fixed after a pilot, which is then forgotten.  Every size's hits are
    binomial, so Clopper and Pearson's limits, each at `1 - (1 - level) / sizes`, hold together with probability `level`
    at least, and their weighted sum is the interval.

    Args:
        rows: distinct primitive rows in domain coordinates; see `arrangements.hyperplanes`.
        dim: their dimension.
        domain: the domain, of which the interior counts.
        rng: random numbers.
        sample: sets to draw in all; None takes as many as the time allows.
        level: confidence of the interval.
        time_limit: seconds; None is no limit.

    Returns:
        An `Estimate`, or None and why there is none.
    """
    ends = math.inf if time_limit is None else time.perf_counter() + time_limit
    if math.comb(len(rows), min(dim, len(rows) // 2)) > LARGEST:
        return None, "the numbers of intersections of hyperplanes are beyond float64"
    halfspaces = [scaled_integers([row])[0][0] for row in domain.halfspaces if any(row[:-1]) or row[-1] < 0]
    sizes = [k for k in range(1, min(dim, len(rows)) + 1) if math.comb(len(rows), k) > FULL]
    certain = 1 + sum(
        counts(subset, rows, halfspaces)
        for k in range(1, min(dim, len(rows)) + 1)
        if k not in sizes
        for subset in combinations(range(len(rows)), k)
    )
    if not sizes:
        theory = "all intersections of hyperplanes gone through"
        return Estimate(certain, certain, certain, level, certain, certain, certain, theory, kind=Kind.EXACT), ""
    share, seconds = _pilot(sizes, rows, halfspaces, rng, ends)
    if share is None:
        return None, "a few intersections of hyperplanes took longer than the time limit"
    left = ends - time.perf_counter()
    wanted = sample or (DEFAULT_SAMPLE if time_limit is None else int(USED_SHARE * left / seconds))
    drawn = [max(LEAST, int(wanted * s)) for s in share]
    hits, tried = _draw(sizes, drawn, rows, halfspaces, rng, ends)
    if min(tried) == 0:
        return None, "intersections of hyperplanes of some size could not be tried in the time"
    return _sum(sizes, hits, tried, len(rows), certain, level, late=tried != drawn), ""


def counts(
    subset: Sequence[int],
    rows: Sequence[Row],
    halfspaces: Sequence[Sequence[int]],
    modular: np.ndarray | None = None,
) -> bool:
    """Whether a set of hyperplanes (increasing indices) has no broken circuit and its flat meets the open half-spaces.

    Going down from its largest index, each next hyperplane has to cut the flat so far, and no hyperplane before it
    may contain what is left.  `modular` holds the rows modulo `PRIME`.

    Example:
        >>> lines = [(0, 1, 0), (1, 0, 0), (1, 1, 0)]  # three lines through a point: mu = 2
        >>> [s for s in combinations(range(3), 2) if counts(s, lines, [])]
        [(0, 1), (0, 2)]
    """
    members = [rows[s] for s in subset]
    shadows = _modular(rows[: subset[-1] + 1]) if modular is None else modular[: subset[-1] + 1]
    inside = [list(row) for row in halfspaces]
    for place in reversed(range(len(members))):
        onto = members[place]
        pivot = pivot_of(onto)
        shadows = _shadows_on(shadows[: subset[place]], onto, pivot)
        for i in np.flatnonzero(~shadows.any(axis=1)).tolist():
            if _contains(rows[i], [rows[s] for s in subset[place:]]):
                return False
        cut = [restricted(row, onto, pivot) for row in members[:place]]
        if not all(any(row[:-1]) for row in cut):
            return False
        members = [primitive(row) for row in cut]
        inside = [shortened(restricted(row, onto, pivot)) for row in inside]
    return not open_polyhedron_is_empty(inside)


def _modular(rows: Sequence[Row]) -> np.ndarray:
    return np.array([[v % PRIME for v in row] for row in rows], dtype=np.int64).reshape(len(rows), -1)


def _shadows_on(shadows: np.ndarray, onto: Row, pivot: int) -> np.ndarray:
    """The traces of rows modulo a prime: zero wherever the traces are, and seldom elsewhere."""
    on = np.array([v % PRIME for v in onto], dtype=np.int64)
    cut = (on[pivot] * shadows % PRIME - shadows[:, pivot : pivot + 1] * on % PRIME) % PRIME
    return np.delete(cut, pivot, axis=1)


def _contains(row: Row, flat: Sequence[Row]) -> bool:
    """Whether a hyperplane contains the intersection of some others, which is not empty."""
    from flint import fmpz_mat

    return bool(fmpz_mat([list(r) for r in (*flat, row)]).rank() == fmpz_mat([list(r) for r in flat]).rank())


def _pilot(
    sizes: list[int], rows: Sequence[Row], halfspaces: list[list[int]], rng: np.random.Generator, ends: float
) -> tuple[np.ndarray | None, float]:
    """The share of the draws that each size should get (Neyman), and the seconds that a draw takes on average."""
    seconds, spread = [], []
    for k in sizes:
        start = time.perf_counter()
        hits, tried = _draw([k], [PILOT], rows, halfspaces, rng, ends)
        if tried[0] < PILOT:
            return None, 0.0
        seconds.append((time.perf_counter() - start) / PILOT)
        p = (hits[0] + 1) / (PILOT + 2)
        spread.append(math.log(math.comb(len(rows), k)) + 0.5 * math.log(p * (1 - p)))
    cost = np.maximum(np.array(seconds), 1e-6)
    weight = np.exp(np.array(spread) - max(spread)) / np.sqrt(cost)
    share = weight / weight.sum()
    return share, float(share @ cost) + 1e-9


def _draw(
    sizes: list[int],
    drawn: list[int],
    rows: Sequence[Row],
    halfspaces: list[list[int]],
    rng: np.random.Generator,
    ends: float,
) -> tuple[list[int], list[int]]:
    """Hits among random sets of every size, and how many were tried; the sizes take turns until the time ends."""
    hits, tried, modular = [0] * len(sizes), [0] * len(sizes), _modular(rows)
    turns = np.concatenate([np.full(n, i) for i, n in enumerate(drawn)])
    for i in rng.permutation(turns).tolist():
        if time.perf_counter() > ends:
            break
        subset = sorted(rng.choice(len(rows), size=sizes[i], replace=False).tolist())
        hits[i] += counts(subset, rows, halfspaces, modular)
        tried[i] += 1
    return hits, tried


def _sum(
    sizes: list[int], hits: list[int], tried: list[int], m: int, certain: int, level: float, *, late: bool
) -> Estimate:
    from scipy.special import betaincinv

    each = (1.0 - level) / (2 * len(sizes))
    value = low = high = float(certain)
    for k, h, n in zip(sizes, hits, tried, strict=True):
        weight = float(math.comb(m, k))
        value += weight * h / n
        low += weight * (float(betaincinv(h, n - h + 1, each)) if h else 0.0)
        high += weight * (float(betaincinv(h + 1, n - h, 1.0 - each)) if h < n else 1.0)
    doubts = ("the time ran out over some intersections, which favours quick ones",) if late else ()
    theory = f"{sum(tried):,} random intersections of hyperplanes, exact binomial limits"
    return Estimate(value, low, high, level, sum(math.comb(m, k) for k in sizes), sum(tried), low, theory, doubts)


def of_network(net: Any, domain: Domain) -> tuple[tuple[Row, ...], int] | None:
    """The hyperplanes of a network with one hidden layer in the domain's coordinates; None for other networks."""
    from ..arrangements import hyperplanes
    from ..errors import InputError

    try:
        return hyperplanes(net, domain)
    except InputError:
        return None
