"""Output weights by linear programming with cutting planes: only the conditions that a proposal violates are added."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import numpy as np

from .readout import Points, Readout

MOST_ROUNDS = 60
FIRST = 4_000
MOST_NEW = 400
# All weights 0 have the margin 0, so that a largest margin of rounding errors means that there is none.
NOTHING = 1e-9


@dataclass(frozen=True, eq=False)
class Proposal:
    """Output weights that satisfy the conditions at all points that were looked at, as far as float64 can say.

    Attributes:
        weights: (J,).
        margin: the least of `V / |x|_1` and `-Vdot / |x|_1` over the points; <= 0: no weights do.
        rounds: linear programmes that were solved.
        rows: conditions in the last of them.
        points: the points of these conditions, which the next call may start from.
        conflict: where the margin is <= 0, points whose conditions contradict each other.
        converged: whether no other weights have a margin larger by more than a tenth, as far as float64 can say.
    """

    weights: np.ndarray
    margin: float
    rounds: int
    rows: int
    points: Points
    conflict: Points | None = None
    converged: bool = True


def propose(
    readout: Readout,
    points: Points,
    *,
    near: np.ndarray | None = None,
    fraction: float = 0.25,
    start: Points | None = None,
    floor: float = 0.0,
    time_limit: float | None = None,
    on_round: Callable[[int, float], None] | None = None,
) -> Proposal:
    """Weights with the largest margin among those with `sum |a_j| <= size`; then the ones nearest to `near`.

    Args:
        readout: what the weights are of.
        points: where the conditions are asked.
        near: weights (J,) to stay near to, in the sum of absolute changes; None keeps those of the largest margin.
        fraction: the part of the largest margin that the nearest weights have to keep.
        start: conditions to begin with, added to those that are found.
        floor: give up as soon as the largest margin is seen to be at most this.
        time_limit: seconds; the best so far is returned.
        on_round: called with (programmes solved, margin over all points).
    """
    end = None if time_limit is None else monotonic() + time_limit
    cuts = _Cuts(readout, points, start, on_round, end)
    best = cuts.solve(lambda rows: _largest(rows, cuts.size), readout.weights, lambda top: max(floor, 0.9 * top))
    if best.margin <= 0 or near is None:
        return best
    own = cuts.margin(near)
    least = min(fraction * best.margin, own) if own > 0 else fraction * best.margin
    close = cuts.solve(lambda rows: _nearest(rows, near, least), best.weights, lambda _: 0.9 * least)
    return close if close.margin > 0 else replace(best, rounds=cuts.rounds)


class _Cuts:
    """The conditions found so far, and the loop that finds more of them."""

    def __init__(
        self,
        readout: Readout,
        points: Points,
        start: Points | None,
        on_round: Callable[[int, float], None] | None,
        end: float | None,
    ):
        self.readout, self.points, self.on_round, self.end = readout, points, on_round, end
        self.size = float(np.abs(readout.weights).sum()) or 1.0
        margins = readout.margins(points, readout.weights)
        self.chosen = np.zeros(len(points), dtype=bool)
        self.chosen[np.argsort(margins, kind="stable")[:FIRST]] = True
        first = points.take(np.flatnonzero(self.chosen))
        self.held = first if start is None else Points.join([first, start])
        self.rows, self.index = readout.rows(self.held)
        self.rounds = 0

    def solve(
        self,
        programme: Callable[[np.ndarray], tuple[np.ndarray, float, np.ndarray] | None],
        weights: np.ndarray,
        enough: Callable[[float], float],
    ) -> Proposal:
        """Solve, look where the weights fail, add these conditions, until the margin is `enough` of the programme's."""
        best = Proposal(weights, self.margin(weights), self.rounds, len(self.rows), self.held, converged=False)
        for _ in range(MOST_ROUNDS):
            if self.end is not None and monotonic() > self.end:
                return best
            answer = programme(self.rows)
            self.rounds += 1
            if answer is None:
                return best
            weights, top, duals = answer
            hopeless = top <= NOTHING * float(np.abs(self.rows).max()) * self.size
            margins = self.readout.margins(self.points, weights)
            margin = min(float(margins.min()), float((self.rows @ weights).min()))
            if self.on_round is not None:
                self.on_round(self.rounds, margin)
            needed = enough(top)
            if not hopeless and (margin > best.margin or margin >= needed > 0):
                best = Proposal(weights, margin, self.rounds, len(self.rows), self.held, converged=False)
            if hopeless or margin >= needed or top < needed:
                conflict = self.held.take(np.unique(self.index[duals > 1e-9])) if hopeless else None
                return replace(best, rounds=self.rounds, conflict=conflict, converged=True)
            if not self._add(margins, needed):
                return replace(best, rounds=self.rounds, converged=True)
        return best

    def margin(self, weights: np.ndarray) -> float:
        return min(float(self.readout.margins(self.points, weights).min()), float((self.rows @ weights).min()))

    def _add(self, margins: np.ndarray, needed: float) -> bool:
        """Add the worst point of each cell and kind that misses `needed`, the worst cells first."""
        low = np.flatnonzero((margins < needed) & ~self.chosen)
        if not len(low):
            return False
        low = low[np.argsort(margins[low], kind="stable")]
        group = 2 * self.points.cell[low] + self.points.decrease[low]
        _, first = np.unique(group, return_index=True)
        new = low[np.sort(first)[:MOST_NEW]]
        self.chosen[new] = True
        more = self.points.take(new)
        rows, index = self.readout.rows(more)
        self.index = np.concatenate([self.index, index + len(self.held)])
        self.held = Points.join([self.held, more])
        self.rows = np.concatenate([self.rows, rows])
        return True


def _largest(rows: np.ndarray, size: float) -> tuple[np.ndarray, float, np.ndarray]:
    """Max t with rows.a >= t and sum |a_j| <= size; a = p - q."""
    count = rows.shape[1]
    cost = np.zeros(2 * count + 1)
    cost[-1] = -1.0
    above = np.concatenate([-rows, rows, np.ones((len(rows), 1))], axis=1)
    total = np.ones((1, 2 * count + 1))
    total[0, -1] = 0.0
    limits = np.zeros(len(rows) + 1)
    limits[-1] = size
    found = _linprog(cost, np.concatenate([above, total]), limits, free_last=True)
    if found is None:  # the origin and a margin low enough satisfy all rows: it fails numerically only
        return np.zeros(count), 0.0, np.zeros(len(rows))
    x, duals = found
    return x[:count] - x[count:-1], float(x[-1]), -duals[:-1]


def _nearest(rows: np.ndarray, near: np.ndarray, least: float) -> tuple[np.ndarray, float, np.ndarray] | None:
    """Min sum |d_j| with rows.(near + d) >= least; d = p - q."""
    count = rows.shape[1]
    above = np.concatenate([-rows, rows], axis=1)
    found = _linprog(np.ones(2 * count), above, rows @ near - least, free_last=False)
    if found is None:
        return None
    x, duals = found
    return near + x[:count] - x[count:], least, -duals


def _linprog(cost: np.ndarray, above: np.ndarray, limits: np.ndarray, *, free_last: bool) -> Any:
    from scipy.optimize import linprog

    bounds: list[tuple[float | None, None]] = [(0.0, None)] * len(cost)
    if free_last:
        bounds[-1] = (None, None)
    result = linprog(cost, A_ub=above, b_ub=limits, bounds=bounds, method="highs")
    return (result.x, np.asarray(result.ineqlin.marginals)) if result.status == 0 else None
