"""Trees of bisections that the checker's arithmetic agrees with, grown from those of the prover."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ...errors import InputError
from ..checker.composite import least
from ..checker.kernel import Case, leaves
from ..checker.levels import Levels

DEEPEST = 60
Row = list[int]


@dataclass(frozen=True)
class Wanted:
    """What a certificate is to prove: everything, or what matters for a level of V.

    Attributes:
        may_stay_open: whether a part (number of the simplex, corners) does not matter.
        high: the level that the verdict found, None where there is none.
    """

    may_stay_open: Callable[[int, list[Row]], bool] = lambda s, rows: False
    high: Fraction | None = None

    @classmethod
    def between(cls, levels: Levels, low: Fraction, high: Fraction) -> Wanted:
        """What is met below `high` and rises above `low`."""

        def free(s: int, rows: list[Row]) -> bool:
            first, most = levels.span(s, rows)
            return first >= high or most <= low

        return cls(free, high)

    @classmethod
    def within(cls, case: Case, level: Fraction) -> Wanted:
        """The ellipsoid {x'Px < level} of a quadratic candidate."""
        return cls(lambda s, rows: least(case, rows) >= level, level)


def grown(case: Case, s: int, job: Sequence[Any], tree: Any, wanted: Wanted) -> Any:
    """The tree with every leaf bisected until the checker accepts it, or it may stay open.

    Args:
        case: the certificate.
        s: the number of the simplex.
        job: corners, weights and functions, as `Case.decrease` gives them.
        tree: the prover's.
        wanted: the claim.

    Raises:
        InputError: a leaf is not accepted after 60 bisections.
    """
    rows, weights, functions = job

    def accepted(part: list[Row]) -> bool:
        zeros = functions.zeros(part, weights)
        if zeros is None:
            return all(case.exclude(r) for r in part)
        spared = not zeros or case.claim == "marginal" or all(case.exclude(r) for r in zeros)
        return spared or wanted.may_stay_open(s, zeros)

    return _grow(tree, rows, s, accepted, wanted, 0)


def _grow(tree: Any, rows: list[Row], s: int, accepted: Callable[[list[Row]], bool], wanted: Wanted, depth: int) -> Any:
    if not isinstance(tree, list):
        if wanted.may_stay_open(s, rows):
            return 1
        if accepted(rows):
            return 0
        if depth >= DEEPEST:
            raise InputError(
                f"certificate: simplex {s} is not proved after {DEEPEST} bisections; verify a smaller domain, or leave "
                "out a set around the points where the decrease is nearly zero"
            )
        i, j = longest(rows, len(rows[0]) - 1)
        tree = [i, j, 0, 0]
    i, j, left, right = tree
    (left_rows, _), (right_rows, _) = leaves([i, j, 0, 0], rows)
    halves = ((left, left_rows), (right, right_rows))
    return [i, j, *(_grow(sub, half, s, accepted, wanted, depth + 1) for sub, half in halves)]


def longest(rows: list[Row], dim: int) -> tuple[int, int]:
    """The longest edge of a simplex; any would be sound."""
    points = [[Fraction(c, r[-1]) for c in r[:dim]] for r in rows]
    pairs = [(i, j) for j in range(len(rows)) for i in range(j)]
    return max(pairs, key=lambda p: sum((a - b) ** 2 for a, b in zip(points[p[0]], points[p[1]], strict=True)))
