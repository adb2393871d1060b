"""Proofs that functions are negative on simplices, level by level: floats first, integers where floats cannot say."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ...checks import whole_number
from ...errors import InputError
from .bernstein import Bounded, bounded_form, corners, integer_form, monomials
from .boxes import terms_of
from .classify import DIVIDE, DOUBT, Leaf, classify
from .coefficients import Batch
from .edges import focus_of, longest_edges
from .proof import Level, Proof
from .simplices import Ball, Rows, Simplices, Weights, inside_vertices
from .subdivision import Active, bisected, integer_vertices

Array = np.ndarray[Any, Any]
BLOCK = 1 << 17  # coefficients worked on at a time: they stay in the cache


def prove(
    simplices: Simplices,
    weights: Weights,
    forms: Any,
    *,
    inside: Ball | Rows | None = None,
    mask: Array | None = None,
    degree: int | None = None,
    shared: bool = True,
    max_depth: int = 40,
    max_active: int = 1_000_000,
    max_parts: int = 20_000,
    time_limit: float | None = None,
    stop_at_violation: bool = True,
    refine: int = 8,
    strict: bool = True,
    progress: Callable[[float, int], None] | None = None,
) -> Proof:
    """Decide for each simplex whether `p = sum_k w_k F_k < 0` on it, except at the origin where p = 0 is known.

    On a simplex p becomes a form in barycentric coordinates. All coefficients <= 0 and the corners other than the
    origin < 0 prove the claim; a corner > 0 refutes it at that vertex; otherwise an edge is bisected. Signs are taken
    from float64 where a rigorous error bound allows it and from integers elsewhere. A simplex at the origin needs no
    hole around it: its coefficients of the lowest degree are the cone check, the others the radial blow-up. Derived
    from the convex-hull property of the Bernstein form.

    Args:
        simplices: m `Simplices`.
        weights: their `Weights`, (m, K).
        forms: K polynomials (`.polynomials`) or enclosures of smooth functions (`.enclosure(box, centre, degree)`).
        inside: a closed set where nothing is claimed.
        mask: (m, n+1) bool; only the face of the marked vertices is claimed.
        degree: of the Taylor polynomials of smooth F_k; None for one that suits the dimension.
        shared: False gives each simplex an enclosure of its own, on the box of its vertices, round the origin if that
            is a vertex, else round the centroid.
        max_depth: bisections from a simplex to its smallest parts, 60 at most.
        max_active: parts of all simplices that may wait at a time, never fewer than four for each.
        max_parts: parts of one simplex that may wait at a time; beyond, it is given up and the others go on.
        time_limit: seconds.
        stop_at_violation: False goes on inside a violating simplex, `refine` bisections below each violation found.
        refine: see there.
        strict: False claims p <= 0 only.
        progress: called with the share of simplices decided and the number that wait.

    Returns:
        A `Proof`. Work that a budget or Ctrl-C ends is UNKNOWN there, what was decided is kept.

    Raises:
        InputError: `max_depth` is beyond 60, or the arrays' sizes differ.

    >>> from fractions import Fraction
    >>> from types import SimpleNamespace
    >>> from linregions.lyapunov.proving.simplices import simplices_of, weights_of
    >>> forms = SimpleNamespace(polynomials=[{(1,): Fraction(-1), (3,): Fraction(1)}])  # -x + x^3
    >>> prove(simplices_of([[(0,), (Fraction(9, 10),)], [(0,), (1,)], [(0,), (2,)]]), weights_of([[1]] * 3), forms)
    Proof(proved=1, zero=1, violated=1, leaves=3, complete=True)
    """
    whole_number(max_depth, "max_depth", least=0, most=60)
    if len(weights.values) != simplices.count:
        raise InputError(
            f"weights: {len(weights.values)} rows for {simplices.count} simplices; give one row per simplex"
        )
    run = _Run(simplices, weights, terms_of(forms, degree, shared, simplices), inside, strict)
    run.limits(max_depth, max_active, max_parts, time_limit)
    run.refine, run.progress = None if stop_at_violation else refine, progress
    try:
        with np.errstate(all="ignore"):  # what overflows goes to exact arithmetic
            run.work(np.ones(simplices.points.shape[:2], dtype=bool) if mask is None else np.asarray(mask, dtype=bool))
    except KeyboardInterrupt:
        run.complete, run.interrupted = False, True
    return run.proof()


class _OutOfTime(Exception):
    """The time limit is over."""


class _Run:
    """The state of one call of `prove`."""

    def __init__(self, simplices: Simplices, weights: Weights, terms: Any, inside: Ball | Rows | None, strict: bool):
        self.simplices, self.weights, self.terms, self.inside, self.strict = simplices, weights, terms, inside, strict
        self.start = time.perf_counter()
        self.levels: list[Level] = []
        self.corners: dict[int, Array] = {}
        self.zeros: dict[int, list[Any]] = {}
        self.exact_decisions, self.complete, self.interrupted = 0, True, False
        self.refine: int | None = None  # None: stop at violations
        self.progress: Callable[[float, int], None] | None = None
        points = np.abs(simplices.points[:, :, : simplices.points.shape[1] - 1])
        spread = points.max(axis=(0, 1)) if simplices.count else np.ones(points.shape[2])
        self.scale = np.where(np.isfinite(spread) & (spread > 0), spread, 1.0)

    def limits(self, depth: int, active: int, parts: int, seconds: float | None) -> None:
        """The budgets."""
        self.max_depth, self.max_active, self.max_parts = depth, max(active, 4 * self.simplices.count), parts
        self.deadline = None if seconds is None else self.start + seconds

    def work(self, mask: Array) -> None:
        """Level by level until nothing waits."""
        m, v, _ = self.simplices.points.shape
        parts = np.broadcast_to(np.eye(v, dtype=np.int64), (m, v, v))
        every = np.arange(m)
        arrays = self.simplices.points, self.simplices.errors, parts
        active = Active(every, every, *arrays, np.asarray(self.simplices.origin), mask, mask.copy(), np.full(m, -1))
        first = 0
        for depth in range(self.max_depth + 1):
            level = Level(first, active.root, *(np.full(active.count, k) for k in (-1, -1, -1, int(Leaf.UNKNOWN))))
            self.levels.append(level)
            codes, late = np.full(active.count, int(Leaf.UNKNOWN)), False
            try:
                self._decide(active, codes, depth)
            except _OutOfTime:
                self.complete, late = False, True
            finally:
                level.status[:] = np.where(codes >= DIVIDE, Leaf.UNKNOWN, codes)
            again = self._again(active, codes)
            if not len(again) or late:
                break
            if depth == self.max_depth or 2 * len(again) > self.max_active:
                self.complete = self.complete and depth == self.max_depth
                break
            first += active.count
            active = self._divide(active[again], again, level, first, codes[again])

    def _again(self, active: Active, codes: Array) -> Array:
        """Which simplices to divide: the undecided ones, unless their root is refuted and that ends it."""
        divide = (codes == DIVIDE) & (active.mask.sum(axis=1) > 1)
        if self.refine is None:
            refuted = np.zeros(self.simplices.count, dtype=bool)
            refuted[list(self.corners)] = True
            divide &= ~refuted[active.root]
        crowded = 2 * np.bincount(active.root[divide], minlength=self.simplices.count) > self.max_parts
        if crowded.any():
            self.complete = False
            divide &= ~crowded[active.root]
        if self.progress is not None:
            waiting = int(divide.sum())
            self.progress(1.0 - len(np.unique(active.root[divide])) / max(1, self.simplices.count), waiting)
        return np.flatnonzero(divide)

    def _divide(self, chosen: Active, again: Array, level: Level, first: int, codes: Array) -> Active:
        """Bisect the simplices and write it into the trees."""
        i, j = longest_edges(chosen.points, chosen.focus, self.scale)
        left = first + 2 * np.arange(chosen.count)
        level.i[again], level.j[again], level.child[again] = i, j, left
        deeper = np.where(chosen.extra >= 0, chosen.extra + 1, -1)
        chosen = replace(chosen, extra=deeper)
        halves = bisected(chosen, i, j, left, left + 1)
        return halves[np.argsort(halves.node, kind="stable")]

    def _decide(self, active: Active, codes: Array, depth: int) -> None:
        """Fill in the codes of one level: by floats, then by integers what is in doubt."""
        v = active.points.shape[1]
        size = max(16, BLOCK // len(monomials(v, self.terms.degree)))
        for begin in range(0, active.count, size):
            self._on_time()
            block = np.arange(begin, min(begin + size, active.count))
            part = active[block]
            held = self._held(part)
            codes[block] = self._by_floats(part, held, depth)
            active.extra[block], active.focus[block] = part.extra, part.focus
        doubtful = np.flatnonzero(codes == DOUBT)
        for begin in range(0, len(doubtful), size):
            self._on_time()
            block = doubtful[begin : begin + size]
            part = active[block]
            codes[block] = self._exactly(part, depth)
            active.extra[block], active.focus[block] = part.extra, part.focus

    def _on_time(self) -> None:
        if self.deadline is not None and time.perf_counter() > self.deadline:
            raise _OutOfTime

    def _vertices(self, part: Active, i: int) -> list[list[int]]:
        return integer_vertices(self.simplices.exact(int(part.root[i])), part.parts[i])

    def _held(self, part: Active) -> Array | None:
        if self.inside is None:
            return None
        return inside_vertices(self.inside, part.points, part.errors, lambda i: self._vertices(part, i))

    def _by_floats(self, part: Active, held: Array | None, depth: int) -> Array:
        """Codes of a block from floats, on smaller boxes where it is a remainder that keeps a simplex open."""
        codes, todo = np.full(part.count, DIVIDE), np.arange(part.count)
        for attempt in range(self.terms.rounds):
            self._on_time()
            some = part[todo]
            form, batch = self._floats(some, attempt)
            spared = None if held is None else held[todo]
            found, violated = classify(form, self.terms.degree, some.origin, some.mask, spared, self.strict)
            if batch.settled is not None:
                violated &= batch.settled[:, None]
                found[~batch.settled & (found != Leaf.EXCLUDED)] = DIVIDE
            again = np.zeros(some.count, dtype=bool)
            if batch.last is not None and batch.settled is not None:
                clear = (form.lower > form.error).any(axis=0) & batch.settled
                again = (found >= DIVIDE) & ~batch.last & ~clear
            done = np.flatnonzero(~again)
            ended, final = some[done], found[done]
            self._violations(ended, final, violated[done], form.low[:, done])
            codes[todo[done]], part.extra[todo[done]] = final, ended.extra
            self._focus(part, todo, done[final == DIVIDE], form, depth)
            todo = todo[again]
            if not len(todo):
                break
        return codes

    def _focus(self, part: Active, todo: Array, open_: Array, form: Bounded, depth: int) -> None:
        """Say where the simplices that stay open are to be bisected."""
        if len(open_):
            at = todo[open_]
            # Narrow cones do not help where p is positive near 0, in a set that is left out or a core that is searched.
            round_origin = self.inside is None and depth % 4 != 3
            origin = part.origin[at] if round_origin else np.full(len(at), -1)
            facts = form.upper[:, open_], form.error[:, open_], self.terms.degree, origin, part.mask[at]
            part.focus[at] = focus_of(*facts, widely=depth % 2 == 1 or depth > 24)

    def _floats(self, part: Active, attempt: int) -> tuple[Bounded, Batch]:
        """The forms of a block with bounds."""
        values, errors = self.weights.values[part.root], self.weights.errors[part.root]
        batch = self.terms.floats(values, errors, part=part, exact=lambda i: self._vertices(part, i), attempt=attempt)
        points, spread = part.points, part.errors
        if batch.centres is not None and batch.lost is not None:
            centres = np.broadcast_to(batch.centres[:, None, :], points.shape)
            moved = points - centres
            back = moved - points  # two-sum: what the subtraction rounds off
            off = np.abs((points - (moved - back)) - (centres + back))
            points, spread = moved, (spread + off + batch.lost[:, None, :]) * (1 + 2.0**-50)
        turned = np.ascontiguousarray(points.transpose(1, 2, 0))
        wide = np.ascontiguousarray(spread.transpose(1, 2, 0)) if spread.any() else None
        return bounded_form(batch.plan, turned, wide, batch.values, batch.slack, batch.radii), batch

    def _exactly(self, part: Active, depth: int) -> Array:
        """Codes of the simplices that floats left in doubt."""
        self.exact_decisions += part.count
        rows = np.array([self._vertices(part, i) for i in range(part.count)], dtype=object)
        weights = [list(self.weights.exact(int(r))) for r in part.root]
        batch = self.terms.exact(weights, part=part, exact=lambda i: self._vertices(part, i))
        points, one = rows[:, :, :-1].transpose(1, 2, 0), rows[:, :, -1].T
        if batch.centres is not None:
            centre, unit = batch.centres[:, :-1].T, batch.centres[:, -1]
            points, one = points * unit - centre[None] * one[:, None], one * unit
        value = integer_form(batch.plan, points, one, batch.values[None])[0]
        upper = lower = value
        if batch.radii is not None:
            more = integer_form(batch.plan, abs(points), one, batch.radii[None])[0]
            value, more = _whole(value), _whole(more)
            upper, lower = value + more, value - more
        signs = (upper > 0).astype(np.int8) - (upper < 0).astype(np.int8)
        low = ((lower > 0).astype(np.int8) - (lower < 0).astype(np.int8))[_corner_rows(part, batch.plan.degree)]
        form = Bounded(signs, np.zeros_like(signs), low, signs)
        held = self._held(part)
        codes, violated = classify(form, batch.plan.degree, part.origin, part.mask, held, self.strict)
        self._violations(part, codes, violated, form.low)
        self._zeros(part, codes, form, held, batch.plan.degree)
        self._focus(part, np.arange(part.count), np.flatnonzero(codes == DIVIDE), form, depth)
        return codes

    def _zeros(self, part: Active, codes: Array, form: Bounded, held: Array | None, degree: int) -> None:
        """Turn what is still in doubt, p <= 0 with corners that are 0, into ZERO; its faces wait until asked for."""
        v = part.points.shape[1]
        for i in np.flatnonzero(codes == DOUBT):
            spared = ~part.mask[i] | (np.arange(v) == part.origin[i])
            spared = spared if held is None else spared | held[i]
            corner = form.upper[_corner_rows(part, degree), i]
            if ((corner == 0) & (form.low[:, i] < 0) & ~spared).any():
                codes[i] = DIVIDE  # only the upper bound is 0 there
                continue
            outside = None if held is None else held[i]
            facts = form.upper[:, i].copy(), v, degree, int(part.origin[i]), part.mask[i], outside
            self.zeros.setdefault(int(part.root[i]), []).append((part.parts[i].copy(), facts))
            codes[i] = Leaf.ZERO

    def _violations(self, part: Active, codes: Array, violated: Array, low: Array) -> None:
        """Keep one witness per root; when refining, divide violating simplices that may hold proved parts."""
        for i in np.flatnonzero(codes == Leaf.VIOLATED):
            best = int(np.argmax(np.where(violated[i], low[:, i], -np.inf)))
            self.corners.setdefault(int(part.root[i]), part.parts[i, best])
        if self.refine is None:
            return
        near = (codes == Leaf.VIOLATED) & (part.extra < 0)
        part.extra[near] = 0
        open_ = (codes == Leaf.VIOLATED) & ~(violated | ~part.mask).all(axis=1)
        codes[open_] = DIVIDE
        codes[(part.extra >= self.refine) & (codes == DIVIDE)] = Leaf.UNKNOWN
        codes[(part.extra >= self.refine) & open_] = Leaf.VIOLATED

    def proof(self) -> Proof:
        """The record of what was found."""
        self.levels[-1].child[:] = -1  # Ctrl-C may have come between the bisection and its children
        status = np.full(self.simplices.count, int(Leaf.PROVED))
        for leaf in (Leaf.ZERO, Leaf.UNKNOWN, Leaf.VIOLATED):
            for level in self.levels:
                status[level.root[(level.child < 0) & (level.status == leaf)]] = leaf
        status[list(self.corners)] = Leaf.VIOLATED
        exact, terms = self.simplices.exact, self.terms

        def value(root: int, vertex: list[int]) -> Any:
            return terms.value(list(self.weights.exact(root)), vertex)

        seconds = time.perf_counter() - self.start
        degree = getattr(terms, "taylor", None)
        v = self.simplices.points.shape[1]
        facts = status, tuple(self.levels), self.exact_decisions, seconds, self.complete, degree, v
        return Proof(*facts, exact, value, self.corners, self.zeros, self.interrupted)


def _corner_rows(part: Active, degree: int) -> Array:
    return corners(part.points.shape[1], degree)


def _whole(values: Array) -> Array:
    """Integers kept in float64 as Python integers, so that they mix with longer ones."""
    return values if values.dtype == object else values.astype(np.int64).astype(object)
