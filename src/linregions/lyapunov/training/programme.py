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
# Weights that cancel each other would need many digits: their sum may be this many times that of the given ones.
LARGEST = 10.0
# A margin of this many times the mean of V / |x|_1 is rounding error.
NOTHING = 1e-8


@dataclass(frozen=True, eq=False)
class Proposal:
    """Output weights, and how well they satisfy the conditions at all points that were looked at, in float64.

    Attributes:
        weights: (J,).
        margin: the least of `V / |x|_1` and `-Vdot / |x|_1` over the points.
        rounds: linear programmes that were solved.
        rows: conditions in the last of them.
        points: the points of these conditions, which the next call may start from.
        conflict: points whose conditions contradict each other, where no weights have a margin above 0.
        pressure: (points of the conflict,) how much each weighs in the contradiction; the sum is 1.
        converged: whether no other weights have a margin larger by more than a tenth, as far as float64 can say.
    """

    weights: np.ndarray
    margin: float
    rounds: int
    rows: int
    points: Points
    conflict: Points | None = None
    pressure: np.ndarray | None = None
    converged: bool = True


def propose(
    readout: Readout,
    points: Points,
    *,
    near: np.ndarray | None = None,
    fraction: float = 0.25,
    start: Points | None = None,
    patience: int = 0,
    time_limit: float | None = None,
    on_round: Callable[[int, float], None] | None = None,
) -> Proposal:
    """Weights with the largest margin, V of the given mean size; then the ones nearest to `near` that have some of it.

    Args:
        readout: what the weights are of.
        points: where the conditions are asked.
        near: weights (J,) to stay near to, in the sum of absolute changes; None keeps those of the largest margin.
        fraction: the part of the largest margin that the nearest weights have to keep.
        start: conditions to begin with, added to those that are found.
        patience: programmes that are solved after it is clear that no margin is above 0, for the least violation.
        time_limit: seconds; the best so far is returned.
        on_round: called with (programmes solved, margin over all points).
    """
    end = None if time_limit is None else monotonic() + time_limit
    cuts = _Cuts(readout, points, start, on_round, end)
    best = cuts.solve(lambda rows: _largest(rows, cuts.mean, cuts.size), readout.weights, 0.9, patience)
    if best.margin <= 0 or near is None:
        return best
    own = cuts.margin(near)
    least = min(fraction * best.margin, own) if own > 0 else fraction * best.margin
    close = cuts.solve(lambda rows: _nearest(rows, near, least), best.weights, 0.9, 0)
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
        self.size = LARGEST * (float(np.abs(readout.weights).sum()) or 1.0)
        mean = readout.rows(_around_zero(points))[0].mean(axis=0)
        self.scale = abs(float(mean @ readout.weights)) or 1.0
        self.mean = mean / self.scale
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
        part: float,
        patience: int,
    ) -> Proposal:
        """Solve, look where the weights fail, add these conditions, until the margin is a `part` of the programme's."""
        best, conflict, pressure = self._proposal(weights, self.margin(weights)), None, None
        for _ in range(MOST_ROUNDS):
            if self.end is not None and monotonic() > self.end:
                break
            answer = programme(self.rows)
            self.rounds += 1
            if answer is None:
                break
            weights, top, duals = answer
            margins = self.readout.margins(self.points, weights)
            margin = min(float(margins.min()), float((self.rows @ weights).min()))
            if self.on_round is not None:
                self.on_round(self.rounds, margin)
            needed = top - (1.0 - part) * abs(top)
            if margin > best.margin or margin >= needed > 0:
                best = self._proposal(weights, margin)
            if top <= NOTHING * self.scale:
                pressed = np.flatnonzero(duals > 1e-9)
                conflict, pressure = self.held.take(self.index[pressed]), duals[pressed]
                patience -= 1
            if margin >= needed or patience < 0 or not self._add(margins, needed):
                return replace(best, rounds=self.rounds, conflict=conflict, pressure=pressure, converged=True)
        return replace(best, rounds=self.rounds, conflict=conflict, pressure=pressure)

    def _proposal(self, weights: np.ndarray, margin: float) -> Proposal:
        return Proposal(weights, margin, self.rounds, len(self.rows), self.held, converged=False)

    def margin(self, weights: np.ndarray) -> float:
        """The least margin of weights over all points."""
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


def _around_zero(points: Points) -> Points:
    """Where V is to have its size: at the points near 0, because it must not vanish there; else at all vertices."""
    length = np.abs(points.x).sum(axis=1)
    chosen = np.flatnonzero(length < 2.0**-16 * length.max())
    if not len(chosen):
        chosen = np.flatnonzero(~points.decrease)
    return Points(points.x[chosen], points.cell[chosen], np.zeros(len(chosen), dtype=bool))


def _largest(rows: np.ndarray, mean: np.ndarray, size: float) -> tuple[np.ndarray, float, np.ndarray] | None:
    """Max t with rows.a >= t, mean.a = 1 and sum |a_j| <= size; a = p - q.

    The equation fixes the size of V, so that t may be negative: then it is the least violation.
    """
    count = rows.shape[1]
    cost = np.zeros(2 * count + 1)
    cost[-1] = -1.0
    above = np.concatenate([-rows, rows, np.ones((len(rows), 1))], axis=1)
    total = np.ones((1, 2 * count + 1))
    total[0, -1] = 0.0
    limits = np.zeros(len(rows) + 1)
    limits[-1] = size
    found = _linprog(cost, np.concatenate([above, total]), limits, equal=np.concatenate([mean, -mean, [0.0]]))
    if found is None:
        return None
    x, duals = found
    return x[:count] - x[count:-1], float(x[-1]), -duals[:-1]


def _nearest(rows: np.ndarray, near: np.ndarray, least: float) -> tuple[np.ndarray, float, np.ndarray] | None:
    """Min sum |d_j| with rows.(near + d) >= least; d = p - q."""
    count = rows.shape[1]
    above = np.concatenate([-rows, rows], axis=1)
    found = _linprog(np.ones(2 * count), above, rows @ near - least)
    if found is None:
        return None
    x, duals = found
    return near + x[:count] - x[count:], least, -duals


def _linprog(cost: np.ndarray, above: np.ndarray, limits: np.ndarray, *, equal: np.ndarray | None = None) -> Any:
    """Solution and multipliers; with an equation `equal.x = 1` the last variable is free."""
    from scipy.optimize import linprog

    bounds: list[tuple[float | None, None]] = [(0.0, None)] * len(cost)
    if equal is not None:
        bounds[-1] = (None, None)
    equation = {} if equal is None else {"A_eq": equal[None, :], "b_eq": [1.0]}
    result = linprog(cost, A_ub=above, b_ub=limits, bounds=bounds, method="highs", **equation)
    return (result.x, np.asarray(result.ineqlin.marginals)) if result.status == 0 else None
