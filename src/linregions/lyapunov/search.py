"""The search for levels between which a condition is proved, sharpened by refining the leaves that decide them.

Every bad leaf has rigorous bounds `low <= V <= high` and a level `enters` from which it counts.  A gap is a pair of
levels c1 < c2 such that no bad leaf that enters below c2 reaches above c1; whatever the search does, its gaps are
proved.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from .refine import Corner, Part, bad_parts, barycentric, lifted_point, refined, simplest, value_range

GUESSES = 4  # leaves of a round near which short rational points are tried
BATCH = 1500  # leaves refined in one round: enough to fill the arrays, few enough to look again soon
ZERO = Fraction(0)

Range = tuple[Fraction, Fraction]


@dataclass(frozen=True, eq=False)
class Leaf:
    """A bad part of a task and its levels."""

    task: int
    part: Part
    low: Fraction
    high: Fraction
    enters: Fraction


@dataclass(frozen=True)
class Gap:
    """Levels `low < high` between which every condition is proved."""

    low: Fraction
    high: Fraction


@dataclass(frozen=True, eq=False)
class Ground:
    """How levels are read off a task.

    Attributes:
        bounds: rigorous (low, high) of the level on the hull of some corners of a row.
        at: the exact level at a corner of a row.
        enters: the level from which a row counts; None where it never does.
        limit: the level at which everything ends.
    """

    bounds: Callable[[int, int, Sequence[Corner]], Range]
    at: Callable[[int, int, Corner], Fraction]
    enters: Callable[[int, int], Fraction | None]
    limit: Fraction


@dataclass(eq=False)
class Search:
    """The bad leaves that are left, and the exact witnesses that were met.

    Attributes:
        tasks: the conditions, each with its proof.
        ground: how levels are read off.
        deadline: `time.perf_counter()` at which to stop.
        leaves: the bad leaves that count below the limit.
        witnesses: (enters, level) of exact points at which a condition fails.
        rounds: how many rounds of refinement are left.
    """

    tasks: Sequence[Any]
    ground: Ground
    deadline: float = float("inf")
    rounds: int = 64
    leaves: list[Leaf] = field(default_factory=list)
    witnesses: list[Range] = field(default_factory=list)
    tested: set[tuple[int, int, Corner]] = field(default_factory=set)

    def start(self) -> None:
        """Take the bad leaves from the proofs."""
        for number, task in enumerate(self.tasks):
            self.take(number, bad_parts(task.proof, task.mask))

    def take(self, number: int, parts: Iterable[Part]) -> None:
        """Add bad parts of a task."""
        self.leaves += filter(None, (self._leaf(number, part) for part in parts))

    @property
    def lowest(self) -> Fraction:
        """The level below which nothing bad is left."""
        return min([self.ground.limit, *(leaf.enters for leaf in self.leaves)])

    @property
    def impossible(self) -> Fraction:
        """The least level known to be bad by an exact point, or the limit."""
        return min([self.ground.limit, *(enters for enters, _ in self.witnesses)])

    def gaps(self) -> list[Gap]:
        """All gaps, lowest first."""
        out, top = [], ZERO
        for leaf in sorted(self.leaves, key=lambda leaf: leaf.enters):
            if top < leaf.enters:
                out.append(Gap(top, leaf.enters))
            top = max(top, leaf.high)
        if top < self.ground.limit:
            out.append(Gap(top, self.ground.limit))
        return out

    def raise_lowest(self, gap: Fraction) -> None:
        """Refine until `lowest` is within `gap` of `impossible`, relatively, or nothing can be gained.

        Leaves below the middle of both are refined, lowest first.  Where a condition fails as near to 0 as one likes,
        `impossible` tends to 0; that is given up at a millionth of the limit.
        """
        while self._time():
            low, high = self.lowest, self.impossible
            if high - low <= gap * high or high * 10**6 < self.ground.limit:
                return
            chosen = sorted((x for x in self.leaves if x.enters < (low + high) / 2), key=lambda x: x.enters)
            if not self._improve(chosen[:BATCH]):
                return

    def widen(self, gap: Fraction) -> None:
        """Refine until both ends of the widest gap are within `gap` of exact witnesses, or nothing is gained."""
        while self._time():
            main = widest(self.gaps())
            if main is None:
                chosen = sorted(self.leaves, key=lambda x: x.low - x.high)
            else:
                chosen = self._around(main, gap)
            if not self._improve(chosen[:BATCH]):
                return

    def _around(self, main: Gap, gap: Fraction) -> list[Leaf]:
        """The leaves that decide the ends of a gap, where exact witnesses leave room to move them."""
        inner = max([v for enters, v in self.witnesses if enters < main.high and v <= main.low], default=ZERO)
        outer = min([self.ground.limit, *(enters for enters, _ in self.witnesses if enters >= main.high)])
        chosen: list[Leaf] = []
        if main.low - inner > gap * main.low and main.low * 10**6 > main.high:
            middle = (main.low + inner) / 2
            chosen += sorted(
                (x for x in self.leaves if x.enters < main.high and x.high > middle), key=lambda x: -x.high
            )
        if outer - main.high > gap * outer:
            middle = (main.high + outer) / 2
            above = (x for x in self.leaves if main.high <= x.enters < middle)
            chosen = chosen[: BATCH // 2] + sorted(above, key=lambda x: x.enters)
        return chosen

    def _improve(self, chosen: Sequence[Leaf]) -> bool:
        """Look for witnesses in some leaves and refine them; whether anything could be done."""
        groups: dict[int, list[Leaf]] = defaultdict(list)
        for leaf in chosen[:GUESSES]:
            self._guess(leaf)
        for leaf in chosen:
            self._test(leaf)
            if not leaf.part.final:
                groups[leaf.task].append(leaf)
        if not groups:
            return False
        self.rounds -= 1
        gone = {id(leaf) for group in groups.values() for leaf in group}
        self.leaves = [leaf for leaf in self.leaves if id(leaf) not in gone]
        for number, group in groups.items():
            parts = [leaf.part for leaf in group]
            self.take(number, refined(self.tasks[number], parts, depth=2, time_limit=self._left()))
        return True

    def _leaf(self, number: int, part: Part) -> Leaf | None:
        """A part with its levels; None where it does not count below the limit."""
        first = self.ground.enters(number, part.row)
        if first is None or first >= self.ground.limit:
            return None
        low, high = self.ground.bounds(number, part.row, [part.corners[k] for k in part.face])
        enters = max(first, low)
        return Leaf(number, part, low, high, enters) if enters < self.ground.limit else None

    def _test(self, leaf: Leaf) -> None:
        """Keep the corners of a leaf at which the condition fails exactly, by a 0 away from the origin too."""
        for k in leaf.part.face:
            self._try(leaf.task, leaf.part.row, leaf.part.corners[k], known=leaf.part.final)

    def _guess(self, leaf: Leaf) -> None:
        """Try the point with the shortest coordinates near a leaf: where a condition is only just met, it often is exact."""
        simplices = self.tasks[leaf.task].simplices
        dim = simplices.points.shape[1] - 1
        if leaf.part.final or len(leaf.part.face) <= dim:
            return
        corners = [lifted_point(simplices, leaf.part.row, c)[:dim] for c in leaf.part.corners]
        corner = barycentric(simplices, leaf.part.row, [simplest(min(x), max(x)) for x in zip(*corners, strict=True)])
        if corner is not None:
            self._try(leaf.task, leaf.part.row, corner)

    def _try(self, number: int, row: int, corner: Corner, *, known: bool = False) -> None:
        """Keep a point of a row, not the origin, if the condition fails there."""
        if (number, row, corner) in self.tested:
            return
        self.tested.add((number, row, corner))
        task = self.tasks[number]
        point = lifted_point(task.simplices, row, corner)
        dim = task.simplices.points.shape[1] - 1
        first = self.ground.enters(number, row)
        if first is not None and any(point[:dim]) and (known or value_range(task, row, point)[0] >= 0):
            level = self.ground.at(number, row, corner)
            self.witnesses.append((max(level, first), level))

    def _left(self) -> float | None:
        return None if self.deadline == float("inf") else max(self.deadline - time.perf_counter(), 1e-3)

    def _time(self) -> bool:
        return self.rounds > 0 and time.perf_counter() < self.deadline


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
