"""Levels of V: the largest sub-level set on which it decreases, and the levels between which it does."""

from __future__ import annotations

import math
import time as clock
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from operator import mul
from typing import Any

import numpy as np

from ...exact import nearest_float, scaled_integers
from ..verdict import number_text, rounded_text
from .flood import FAR, Flood, Heights, around_origin, flood, whole
from .refine import EPS, Corner, Leaves
from .search import Gap, Ground, Search, widest
from .units import TINY, exponent_of, in_units, power
from .volume import volume_below

ZERO = Fraction(0)


def level_text(value: Fraction) -> str:
    """A level as a person reads it."""
    text = number_text(value)
    return text if len(text) <= 9 else rounded_text(value)


@dataclass(frozen=True, eq=False, repr=False)
class SubLevel:
    """A certified sub-level set: for c' < c the component of {V <= c'} with the origin is a region of attraction.

    There V > 0 and V decreases strictly, except at the origin, and the component is compact and inside the domain, so
    it is forward invariant and every trajectory in it tends to the origin.

    Attributes:
        c: the certified level.
        upper: a level that cannot be exceeded: an exact point refutes a larger one, or the boundary does.
        c_boundary: the least level whose component meets the boundary of the domain, exactly.
        c_bad: the least level of what is not proved; None where everything is, up to `c_boundary`.
        alone: whether {V < c} has no other component in the domain.
        simplices: how many simplices of the mesh meet the component.
    """

    c: Fraction
    upper: Fraction
    c_boundary: Fraction
    c_bad: Fraction | None
    alone: bool
    simplices: int
    basin: Basin = field(repr=False)

    @property
    def tight(self) -> bool:
        """Whether no larger level is possible."""
        return self.c == self.upper

    @cached_property
    def volume(self) -> Fraction:
        """Exact volume of the component of {V < c}, computed when it is asked for."""
        return self.basin.volume(self.c)

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types; levels as fractions."""
        return {
            "c": str(self.c),
            "upper": str(self.upper),
            "c_boundary": str(self.c_boundary),
            "c_bad": None if self.c_bad is None else str(self.c_bad),
            "alone": self.alone,
            "simplices": self.simplices,
            "volume": str(self.volume),
            "volume_float": nearest_float(self.volume),
        }

    def __repr__(self) -> str:
        return f"SubLevel: {self}"

    def __str__(self) -> str:
        most = "no larger level is possible" if self.tight else f"at most {level_text(self.upper)} is possible"
        return f"{{V < {level_text(self.c)}}} is a region of attraction ({most})"


@dataclass(frozen=True, eq=False, repr=False)
class Ultimate:
    """An ultimate bound: V decreases strictly on {c1 < V < c2} in the component of {V < c2} that holds the origin.

    For all c1 < c1' and c2' < c2, every trajectory that starts in the component of {V <= c2'} stays in it, reaches
    {V <= c1'} in finite time, and stays there.

    Attributes:
        c1, c2: the levels of the widest annulus; c1 = 0 where V decreases all the way down.
        annuli: all pairs of levels between which every condition is proved, lowest first.
        strict: whether c1 is 0 and V is positive, so that every such trajectory tends to the origin.
        c_boundary: the least level whose component meets the boundary of the domain, exactly.
    """

    c1: Fraction
    c2: Fraction
    annuli: tuple[tuple[Fraction, Fraction], ...]
    strict: bool
    c_boundary: Fraction
    basin: Basin = field(repr=False)

    @cached_property
    def volume(self) -> Fraction:
        """Exact volume of the component of {V < c2}, computed when it is asked for."""
        return self.basin.volume(self.c2)

    @cached_property
    def core_volume(self) -> Fraction:
        """Exact volume of {V <= c1} in that component."""
        return self.basin.volume(self.c1, within=self.c2)

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types; levels as fractions."""
        return {
            "c1": str(self.c1),
            "c2": str(self.c2),
            "annuli": [[str(a), str(b)] for a, b in self.annuli],
            "strict": self.strict,
            "c_boundary": str(self.c_boundary),
            "volume": str(self.volume),
            "volume_float": nearest_float(self.volume),
            "core_volume": str(self.core_volume),
            "core_volume_float": nearest_float(self.core_volume),
        }

    def __repr__(self) -> str:
        return f"Ultimate: {self}"

    def __str__(self) -> str:
        if self.strict:
            return f"every trajectory that starts in {{V < {level_text(self.c2)}}} tends to the origin"
        return (
            f"every trajectory that starts in {{V < {level_text(self.c2)}}} enters {{V <= c}} in finite time and stays "
            f"there, for every c > {level_text(self.c1)}"
        )


@dataclass(frozen=True, eq=False)
class Levels:
    """What `levels` found: a sub-level set around the origin and an ultimate bound, each None where there is none."""

    sublevel: SubLevel | None
    ultimate: Ultimate | None
    c_boundary: Fraction
    rounds: int
    seconds: float


@dataclass(frozen=True, eq=False)
class Basin:
    """The flooded mesh: V at the vertices, and when each simplex joins the component of the origin."""

    cells: Any
    flood: Flood

    def pieces(self, level: Fraction, *, strictly: bool = True) -> np.ndarray:
        """Numbers of the simplices that meet the component of {V < level}, or of {V <= level}."""
        return self.flood.component(level, strictly=strictly)

    def volume(self, level: Fraction, *, within: Fraction | None = None) -> Fraction:
        """Exact volume of {V <= level} in the component of {V < within}, by default of {V < level}."""
        heights, simplices = self.flood.heights, self.flood.simplices
        met = simplices[self.pieces(level if within is None else within)]
        below = np.asarray(heights.ranks[met] <= heights.below(level))
        some = below.any(axis=1)
        met, all_below = met[some], np.all(below[some], axis=1, keepdims=True)[:, 0]
        place = {v: self.cells.exact_vertex(v) for v in np.unique(met).tolist()}
        pieces = (
            ([place[v] for v in s], None if full else [heights.at(v) for v in s])
            for s, full in zip(met.tolist(), all_below.tolist(), strict=True)
        )
        return volume_below(pieces, level)


def basin_of(cells: Any, *, output: int = 0, shift: Fraction = ZERO, everywhere: bool = False) -> Basin:
    """Flood the mesh from the origin; `everywhere` takes all components of {V <= c} instead of one.

    Args:
        cells: the mesh, as `cells_of` gives it.
        output: which output of its network V is.
        shift: V(0), which is subtracted.
        everywhere: whether all of {V <= c} counts, as a discontinuous map in discrete time needs it.
    """
    values, errors = cells.values[:, output], cells.value_errors[:, output]
    if shift:
        values, errors = _shifted(values, errors, shift)
    heights = Heights(values, errors, lambda v: cells.exact_values(v)[output] - shift)
    if everywhere:
        return Basin(cells, whole(heights, cells.simplices, boundary=cells.boundary))
    if cells.origin >= 0:
        start = np.flatnonzero((cells.simplices == cells.origin).any(axis=1))
    else:
        start = around_origin(cells.simplices, cells.points, cells.radii, cells.exact_vertex)
    return Basin(cells, flood(heights, cells.simplices, boundary=cells.boundary, start=start))


def _shifted(values: np.ndarray, errors: np.ndarray, shift: Fraction) -> tuple[np.ndarray, np.ndarray]:
    """The values less a number, with bounds on the errors, which are infinite where float64 does not hold them."""
    offset = nearest_float(shift)
    if math.isinf(offset):
        return np.zeros_like(values), np.full_like(errors, np.inf)
    with np.errstate(all="ignore"):
        rounding = nearest_float(abs(shift - Fraction(offset))) * 2 + np.spacing(np.abs(values) + abs(offset))
        values, errors = values - offset, errors + rounding
    bad = ~(np.isfinite(values) & np.isfinite(errors))
    return np.where(bad, 0.0, values), np.where(bad, np.inf, errors)


def levels(
    cells: Any,
    tasks: Sequence[Any],
    *,
    time: str,
    output: int = 0,
    shift: Fraction = ZERO,
    everywhere: bool = False,
    gap: float = 0.01,
    rounds: int = 64,
    work: int = 20_000,
    time_limit: float | None = None,
) -> Levels:
    """The largest certified sub-level set, and the levels between which V decreases.

    A bad leaf is one on which a task is not proved.  The component of {V <= c} grows with c; a bad leaf counts from the
    level at which the component reaches it.  Below the lowest such level, and below the boundary's, everything is
    proved.  Bad leaves that decide the levels are bisected and proved again until the levels are within `gap` of exact
    witnesses.

    Args:
        cells: the mesh, as `cells_of` gives it.
        tasks: conditions with their proofs: `simplices`, `weights`, `forms`, `mask`, `proof`, and `numbers`, the
            simplex of the mesh that each row is, its vertices in the same order.
        time: "continuous" or "discrete".  A step may jump from {V <= c1} across an annulus, so in discrete time there
            is an ultimate bound only where c1 = 0 is the origin.
        output: which output of the mesh's network V is.
        shift: V(0), which is subtracted.
        everywhere: whether all of {V <= c} counts, as a discontinuous map in discrete time needs it.
        gap: relative distance from the best possible level at which refinement stops.  It steers the work only: what is
            returned is proved.
        rounds: most rounds of refinement.
        work: most leaves that are refined in the plane, where it takes about a second; a leaf counts for more in higher
            dimensions.  So what is found does not depend on how fast the machine is.
        time_limit: seconds for refinement.

    Returns:
        A `Levels`.

    Source:
        Derived: a compact sub-level set on whose boundary V decreases is forward invariant; strict decrease on a
        compact annulus is bounded away from 0.  In discrete time a continuous f maps the component into itself: its
        image is connected, holds 0 and lies in {V <= c}, of which a component inside the open domain is one on the
        whole space.  Where f jumps, use `everywhere` and the tasks of `stays`.
    """
    begun = clock.perf_counter()
    basin = basin_of(cells, output=output, shift=shift, everywhere=everywhere)
    limit = basin.flood.boundary_level
    if limit is None:
        raise ValueError("no vertex of the mesh lies on the boundary of the domain")
    deadline = float("inf") if time_limit is None else begun + time_limit
    ground = _ground(basin, tasks, limit)
    search = Search(tasks, ground, deadline, rounds, work)
    search.start()
    positive = _positive_below(basin, limit)
    if positive > 0:
        search.raise_lowest(gap)
    sublevel = _sublevel(basin, search, positive)
    if sublevel is None and time == "continuous":
        search.widen(gap)
    gaps = [Gap(gap.low * ground.unit, gap.high * ground.unit) for gap in search.gaps()]
    ultimate = _ultimate(basin, gaps, positive)
    if time == "discrete" and ultimate is not None and not ultimate.strict:
        ultimate = None
    return Levels(sublevel, ultimate, limit, rounds - search.rounds, clock.perf_counter() - begun)


def _ground(basin: Basin, tasks: Sequence[Any], limit: Fraction) -> Ground:
    """Levels on the mesh, in units of the limit: V is affine on a row, so its bounds on a hull are at corners."""
    heights, simplices, flooded = basin.flood.heights, basin.flood.simplices, basin.flood
    k = exponent_of(limit)
    scaled, blurs = in_units(heights.values, heights.errors, heights.at, k)
    firsts = flooded.float_levels(scaled, blurs)
    share_of_unit = power(-k)

    def floats(number: int, leaves: Leaves) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        vertices = simplices[tasks[number].numbers[leaves.row]]
        values, errors = scaled[vertices][:, :, None], blurs[vertices][:, :, None]
        rounding = (simplices.shape[1] + 4) * EPS
        blur = (leaves.share @ errors) * (1 + rounding) + rounding * (leaves.share @ np.abs(values)) + TINY
        level = (leaves.share @ values)[:, :, 0]
        low = np.where(leaves.face, level, np.inf).min(axis=1)
        return low, np.where(leaves.face, level, -np.inf).max(axis=1), blur[:, :, 0].max(axis=1)

    def at(number: int, row: int, corner: Corner) -> Fraction:
        vertices = simplices[tasks[number].numbers[row]].tolist()
        return share_of_unit * sum((s * heights.at(v) for s, v in zip(corner, vertices, strict=True) if s), ZERO)

    whole: dict[int, tuple[list[int], int]] = {}

    def bounds(number: int, row: int, corners: Sequence[Sequence[int]], bits: int) -> tuple[Fraction, Fraction]:
        simplex = int(tasks[number].numbers[row])
        if simplex not in whole:
            exact = [heights.at(v) * share_of_unit for v in simplices[simplex].tolist()]
            (integers,), scale = scaled_integers([exact])
            whole[simplex] = integers, scale
        integers, scale = whole[simplex]
        found = [sum(map(mul, corner, integers)) for corner in corners]
        return Fraction(min(found), scale << bits), Fraction(max(found), scale << bits)

    def first(number: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        at_rows = tasks[number].numbers[rows]
        return firsts[0][at_rows], firsts[1][at_rows]

    def enters(number: int, row: int) -> Fraction | None:
        level = flooded.level(int(tasks[number].numbers[row]))
        return None if level is None else level * share_of_unit

    return Ground(floats, bounds, at, first, enters, limit * share_of_unit, power(k))


def _positive_below(basin: Basin, limit: Fraction) -> Fraction:
    """The level up to which V > 0 in the component but at the origin: vertices decide, and 0 must be one of them."""
    if basin.cells.origin < 0:
        return ZERO
    heights, first = basin.flood.heights, basin.flood.vertex_enters
    low = (heights.ranks <= max(0, heights.below(ZERO))) & (first != FAR)
    low[basin.cells.origin] = False
    bad = np.flatnonzero(low)
    bad = [v for v in bad if heights.at(int(v)) <= 0]
    return min([limit, *(max(ZERO, heights.value(int(first[v]))) for v in bad)])


def _sublevel(basin: Basin, search: Search, positive: Fraction) -> SubLevel | None:
    """The strict claim, where there is one."""
    unit = search.ground.unit
    limit, bad = search.ground.limit * unit, search.lowest() * unit
    c = min(bad, positive, limit)
    if c <= 0:
        return None
    return SubLevel(
        c=c,
        upper=min(search.impossible() * unit, positive),
        c_boundary=limit,
        c_bad=bad if bad < limit else None,
        alone=basin.flood.alone(c),
        simplices=len(basin.pieces(c)),
        basin=basin,
    )


def _ultimate(basin: Basin, gaps: Sequence[Gap], positive: Fraction) -> Ultimate | None:
    """The widest annulus, where there is one."""
    main = widest(gaps)
    if main is None:
        return None
    strict = main.low == 0 and main.high <= positive
    pairs = tuple((gap.low, gap.high) for gap in gaps)
    return Ultimate(main.low, main.high, pairs, strict, basin.flood.boundary_level or ZERO, basin)
