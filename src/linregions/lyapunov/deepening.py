"""Trees of bisections that the checker's arithmetic agrees with, grown from those of the prover."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..errors import InputError
from . import checker

DEEPEST = 60
Row = list[int]


@dataclass(frozen=True)
class Wanted:
    """What a certificate is to prove: everything, or what lies between two levels of V.

    Attributes:
        claim: the claim.
        levels: the levels of V on the mesh, None where they are not needed.
        low, high: parts on which V stays at or below `low`, or which are not met below `high`, may stay open.
    """

    claim: str
    levels: checker.Levels | None = None
    low: Fraction | None = None
    high: Fraction | None = None

    @classmethod
    def of(cls, claim: str, verdict: Any, levels: checker.Levels | None) -> Wanted:
        """The levels that a verdict found for a claim."""
        if claim == "sublevel":
            return cls(claim, levels, Fraction(-1), verdict.sublevel.c)
        if claim == "ultimate":
            return cls(claim, levels, verdict.ultimate.c1, verdict.ultimate.c2)
        if claim == "composite":
            return cls(claim, levels, verdict.composite.c1, verdict.composite.c2)
        return cls(claim, levels)

    def may_stay_open(self, s: int, rows: list[Row]) -> bool:
        """Whether a part of simplex s does not matter."""
        if self.claim not in checker.PARTIAL or self.levels is None or self.low is None or self.high is None:
            return False
        first, most = self.levels.span(s, rows)
        return first >= self.high or most <= self.low


def grown(case: checker.Case, s: int, job: list[Any], tree: Any, wanted: Wanted) -> Any:
    """The tree with every leaf bisected until the checker accepts it, or it may stay open.

    Args:
        case, s: the certificate and the simplex.
        job: corners, weights and functions, as `checker.Case.decrease` gives them.
        tree: the prover's.
        wanted: the claim.

    Raises:
        InputError: a leaf is not accepted after 60 bisections.
    """
    rows, weights, functions = job

    def accepted(part: list[Row]) -> bool:
        return all(case.excluded(r) for r in part) or functions.negative(part, weights, case.spared)

    return _grow(tree, rows, s, accepted, wanted, 0)


def _grow(tree: Any, rows: list[Row], s: int, accepted: Callable[[list[Row]], bool], wanted: Wanted, depth: int) -> Any:
    if not isinstance(tree, list):
        if wanted.may_stay_open(s, rows):
            return 1
        if accepted(rows):
            return 0
        if depth >= DEEPEST:
            raise InputError(
                f"certificate: simplex {s} is not proved after {DEEPEST} bisections; verify a smaller domain, or leave out a "
                "set around the points where the decrease is nearly zero"
            )
        i, j = longest(rows, len(rows[0]) - 1)
        tree = [i, j, 0, 0]
    i, j, left, right = tree
    (left_rows, _), (right_rows, _) = checker.leaves([i, j, 0, 0], rows)
    found = [
        _grow(left, left_rows, s, accepted, wanted, depth + 1),
        _grow(right, right_rows, s, accepted, wanted, depth + 1),
    ]
    return [i, j, *found]


def longest(rows: list[Row], dim: int) -> tuple[int, int]:
    """The longest edge of a simplex; any would be sound."""
    points = [[Fraction(c, r[-1]) for c in r[:dim]] for r in rows]
    pairs = [(i, j) for j in range(len(rows)) for i in range(j)]
    return max(pairs, key=lambda p: sum((a - b) ** 2 for a, b in zip(points[p[0]], points[p[1]], strict=True)))
