"""The search for levels between which a condition is proved, sharpened by refining the leaves that decide them.

Every bad leaf has rigorous bounds `low <= V <= high` and a level `enters` from which it counts.  A gap is a pair of
levels c1 < c2 such that no bad leaf that enters below c2 reaches above c1; whatever the search does, its gaps are
proved.  Floats with error bounds find the leaves that matter, and steer; the levels that come out are exact.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from ...exact import nearest_float
from .refine import (
    FINEST,
    Corner,
    Leaves,
    bad_leaves,
    barycentric,
    is_strict,
    joined,
    lifted_point,
    refined,
    simplest,
    value_range,
)
from .units import common_exponent, power

GUESSES = 4  # leaves of a round near which short rational points are tried
TESTED = 64  # leaves of a round whose corners are tried
BATCH = 2000  # leaves refined in one round: enough to fill the arrays, few enough to look again soon
HOPELESS = 2.0**-12  # share of the limit below which a level counts as 0 for the steering
PATIENCE = 6  # rounds after which a search that sees no gap at all ends
PASSES = 4  # how often all leaves may be refined, where that is at most `MOST_WORK`
MOST_WORK = 100_000
ZERO = Fraction(0)

Range = tuple[Fraction, Fraction]


@dataclass(frozen=True)
class Gap:
    """Levels `low < high` between which every condition is proved."""

    low: Fraction
    high: Fraction


@dataclass(frozen=True, eq=False)
class Ground:
    """How levels are read off a task, all of them in units.

    The floats are finite, but for those of `first`; what float64 cannot hold has an error beyond the limit.

    Attributes:
        floats: (low, high, error) of the level on the face of every leaf of one task, in float64.
        bounds: the exact bounds of which those are roundings, for a row and corners in integers over a power of two.
        at: the exact level at a corner of a row.
        first: level from which each row of a task counts, and bounds of the errors; infinite where it never does.
        enters: the exact level from which a row counts; None where it never does.
        limit: the level at which everything ends, from 1 to 2, or 0.
        unit: what a level is to be multiplied by.
    """

    floats: Callable[[int, Leaves], tuple[np.ndarray, np.ndarray, np.ndarray]]
    bounds: Callable[[int, int, Sequence[Sequence[int]], int], Range]
    at: Callable[[int, int, Corner], Fraction]
    first: Callable[[int, np.ndarray], tuple[np.ndarray, np.ndarray]]
    enters: Callable[[int, int], Fraction | None]
    limit: Fraction
    unit: Fraction


@dataclass(eq=False)
class Search:
    """The bad leaves that are left, and the exact witnesses that were met.

    Attributes:
        tasks: the conditions, each with its proof.
        ground: how levels are read off.
        deadline: `time.perf_counter()` at which to stop.
        rounds: how many rounds of refinement are left.
        work: how many leaves may still be refined; beyond the plane each counts for more.
        leaves: the bad leaves that count below the limit, None as long as there are none.
        low, high, enters, error: their levels in float64; `error` bounds the errors of all three.
        witnesses: (enters, level) of exact points at which a condition fails.
    """

    tasks: Sequence[Any]
    ground: Ground
    deadline: float = float("inf")
    rounds: int = 64
    work: float = float("inf")
    leaves: Leaves | None = None
    low: np.ndarray = field(default_factory=lambda: np.empty(0))
    high: np.ndarray = field(default_factory=lambda: np.empty(0))
    enters: np.ndarray = field(default_factory=lambda: np.empty(0))
    error: np.ndarray = field(default_factory=lambda: np.empty(0))
    witnesses: list[Range] = field(default_factory=list)
    tested: set[tuple[int, int, Corner]] = field(default_factory=set)
    _known: dict[int, Range] = field(default_factory=dict, repr=False)

    def start(self) -> None:
        """Take the bad leaves from the proofs."""
        for number, task in enumerate(self.tasks):
            self.take(number, bad_leaves(number, task.proof, task.mask))
        if self.leaves is not None:
            # Below the first simplices that were refuted nothing is known until each of them has been cut a few times.
            all_of_them = PASSES * len(self.leaves) * _share(self.leaves)
            self.work = max(self.work, all_of_them if all_of_them <= MOST_WORK else 0)

    def take(self, number: int, leaves: Leaves) -> None:
        """Add bad leaves of one task; those that do not count below the limit are dropped."""
        first, doubt = self.ground.first(number, leaves.row)
        near = np.flatnonzero(first - doubt < nearest_float(self.ground.limit) * (1 + 2.0**-50))
        leaves, first, doubt = leaves[near], first[near], doubt[near]
        low, high, error = self.ground.floats(number, leaves)
        enters, error = np.maximum(first, low), np.maximum(error, doubt)
        use = np.flatnonzero(enters - error < nearest_float(self.ground.limit) * (1 + 2.0**-50))
        self.leaves = leaves[use] if self.leaves is None else joined([self.leaves, leaves[use]])
        new = {"low": low, "high": high, "enters": enters, "error": error}
        for name, values in new.items():
            setattr(self, name, np.concatenate([getattr(self, name), values[use]]))

    def lowest(self) -> Fraction:
        """The level below which nothing bad is left, exactly."""
        found = self._least(np.arange(len(self.enters)))
        if found > self.impossible():
            raise ArithmeticError(f"levels: {found} is refuted by an exact point; please report this")
        return found

    def impossible(self) -> Fraction:
        """The least level known to be bad by an exact point, or the limit."""
        return min([self.ground.limit, *(enters for enters, _ in self.witnesses)])

    def gaps(self) -> list[Gap]:
        """All gaps that floats can tell from none, lowest first, their ends exact."""
        out = []
        for count, order in self._float_gaps():
            high = self._least(order[count:])
            low = self._largest(order[:count])
            if low < high:
                out.append(Gap(low, high))
        return out

    def _float_gaps(self) -> list[tuple[int, np.ndarray]]:
        """Where gaps are: after how many leaves in ascending order of their levels, and that order."""
        order = np.argsort(self.enters - self.error, kind="stable")
        first = np.concatenate([(self.enters - self.error)[order], [nearest_float(self.ground.limit)]])
        top = np.maximum.accumulate(np.concatenate([[0.0], (self.high + self.error)[order]]))
        return [(int(k), order) for k in np.flatnonzero(top < first)]

    def _least(self, which: np.ndarray) -> Fraction:
        """The exact least level at which one of some leaves counts, or the limit."""
        if not len(which):
            return self.ground.limit
        low, high = (self.enters - self.error)[which], (self.enters + self.error)[which]
        least = self.ground.limit
        for k in which[low <= high.min()].tolist():
            least = min(least, self._exact(k)[0])
            if least <= 0:
                break
        return least

    def _largest(self, which: np.ndarray) -> Fraction:
        """The exact largest level that some leaves reach, 0 at least."""
        if not len(which):
            return ZERO
        low, high = (self.high - self.error)[which], (self.high + self.error)[which]
        return max([ZERO, *(self._exact(int(k))[1] for k in which[high >= low.max()])])

    def _exact(self, leaf: int) -> Range:
        """The exact level from which a leaf counts, and the largest that it reaches."""
        assert self.leaves is not None
        if leaf not in self._known:
            number, row = int(self.leaves.task[leaf]), int(self.leaves.row[leaf])
            first = self.ground.enters(number, row)
            low, high = self.ground.bounds(number, row, self.leaves.whole(leaf), int(self.leaves.bits[leaf]))
            self._known[leaf] = (self.ground.limit if first is None else max(first, low)), high
        return self._known[leaf]

    def raise_lowest(self, gap: float) -> None:
        """Refine until `lowest` is within `gap` of `impossible`, relatively, or nothing can be gained.

        Leaves below the middle of both are refined, lowest first.  Where a condition fails as near to 0 as one likes,
        `impossible` tends to 0; that is given up at a small share of the limit.
        """
        limit = nearest_float(self.ground.limit)
        while self._time() and len(self.enters):
            low, high = min(limit, float(self.enters.min())), nearest_float(self.impossible())
            if high - low <= gap * high or high <= HOPELESS * limit:
                return
            order = np.argsort(self.enters, kind="stable")
            if not self._improve(order[self.enters[order] < (low + high) / 2]):
                return

    def widen(self, gap: float) -> None:
        """Refine until both ends of the widest gap are within `gap` of exact witnesses, or nothing is gained."""
        blind = 0
        while self._time() and len(self.enters):
            found = self._float_gaps()
            blind = 0 if found else blind + 1
            if blind > PATIENCE:
                return
            if not found:
                chosen = np.argsort(self.low - self.high, kind="stable")
            else:
                chosen = self._around(found, gap)
            if not self._improve(chosen):
                return

    def _around(self, found: list[tuple[int, np.ndarray]], gap: float) -> np.ndarray:
        """The leaves that decide the ends of the widest gap, where exact witnesses leave room to move them."""
        limit = nearest_float(self.ground.limit)
        ends = []
        for count, order in found:
            inside, outside = order[:count], order[count:]
            ends.append((max(0.0, self.high[inside].max(initial=0.0)), self.enters[outside].min(initial=limit)))
        low, high = max(ends, key=lambda pair: pair[1] / max(pair[0], HOPELESS * limit))
        levels = [(nearest_float(a), nearest_float(b)) for a, b in self.witnesses]
        inner = max([b for a, b in levels if a < high and b <= low], default=0.0)
        outer = min([limit, *(a for a, _ in levels if a >= high)])
        chosen = []
        if low - inner > gap * low and low > HOPELESS * high:
            part = np.flatnonzero((self.enters < high) & (self.high > (low + inner) / 2))
            chosen.append(part[np.argsort(-self.high[part], kind="stable")][: BATCH // 2])
        if outer - high > gap * outer:
            part = np.flatnonzero((self.enters >= high) & (self.enters < (high + outer) / 2))
            chosen.append(part[np.argsort(self.enters[part], kind="stable")][: BATCH // 2])
        # Both ends take turns, so that the first few leaves, which are looked at more closely, decide either.
        turns = np.concatenate([2 * np.arange(len(part)) + k for k, part in enumerate(chosen)]) if chosen else []
        return np.concatenate([*chosen, np.empty(0, dtype=np.int64)])[np.argsort(turns)].astype(np.int64)

    def _improve(self, chosen: np.ndarray) -> bool:
        """Look for witnesses in some leaves and refine them; whether anything could be done."""
        leaves = self.leaves
        if leaves is None:
            return False
        chosen = chosen[:BATCH]
        for leaf in chosen[:GUESSES].tolist():
            self._guess(leaves, leaf)
        for leaf in chosen[:TESTED].tolist():
            for corner in leaves.corners(leaf):
                self._try(int(leaves.task[leaf]), int(leaves.row[leaf]), corner, known=bool(leaves.known[leaf]))
        chosen = chosen[~leaves.known[chosen] & (leaves.bits[chosen] <= FINEST)]
        if not len(chosen):
            return False
        self.rounds -= 1
        self.work -= _share(leaves) * len(chosen)
        self._known.clear()
        stay = np.ones(len(leaves), dtype=bool)
        stay[chosen] = False
        self.leaves = leaves[stay]
        for name in ("low", "high", "enters", "error"):
            setattr(self, name, getattr(self, name)[stay])
        part = leaves[chosen]
        for number in np.unique(part.task).tolist():
            some = part[part.task == number]
            self.take(number, refined(self.tasks[number], some, depth=2, time_limit=self._left()))
        return True

    def _guess(self, leaves: Leaves, leaf: int) -> None:
        """Try the point with the shortest coordinates near a leaf: a condition is often only just met at such a one."""
        number, row = int(leaves.task[leaf]), int(leaves.row[leaf])
        simplices = self.tasks[number].simplices
        dim = simplices.points.shape[1] - 1
        if leaves.known[leaf] or not leaves.face[leaf].all():
            return
        corners = [lifted_point(simplices, row, c)[:dim] for c in leaves.corners(leaf)]
        # Very large or small numbers are short in units only.
        unit = power(common_exponent([v for x in corners for v in x]))
        short = [unit * simplest(min(x) / unit, max(x) / unit) for x in zip(*corners, strict=True)]
        corner = barycentric(simplices, row, short)
        if corner is not None:
            self._try(number, row, corner)

    def _try(self, number: int, row: int, corner: Corner, *, known: bool = False) -> None:
        """Keep a point of a row, not the origin, if the condition fails there."""
        if (number, row, corner) in self.tested:
            return
        self.tested.add((number, row, corner))
        task = self.tasks[number]
        point = lifted_point(task.simplices, row, corner)
        dim = task.simplices.points.shape[1] - 1
        first = self.ground.enters(number, row)
        if first is None or not any(point[:dim]):
            return
        least = ZERO if known else value_range(task, row, point)[0]
        if least > 0 or (least == 0 and is_strict(task)):
            level = self.ground.at(number, row, corner)
            self.witnesses.append((max(level, first), level))

    def _left(self) -> float | None:
        return None if self.deadline == float("inf") else max(self.deadline - time.perf_counter(), 1e-3)

    def _time(self) -> bool:
        return self.rounds > 0 and self.work > 0 and time.perf_counter() < self.deadline


def _share(leaves: Leaves) -> float:
    """How much more work a leaf is than one in the plane: it has (n + 1)^2 barycentric coordinates."""
    return (leaves.share.shape[1] / 3) ** 2


def widest(gaps: Sequence[Gap]) -> Gap | None:
    """The gap with the largest ratio of its levels; a gap from 0 comes before all others.

    Example:
        >>> widest([Gap(Fraction(1), Fraction(3)), Gap(Fraction(4), Fraction(8))])
        Gap(low=Fraction(1, 1), high=Fraction(3, 1))
    """
    if not gaps:
        return None
    strict = [gap for gap in gaps if gap.low == 0]
    return strict[0] if strict else max(gaps, key=lambda gap: gap.high / gap.low)
