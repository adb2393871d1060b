"""The records of an estimation: what was sampled, what was estimated and by which theory, and the bracket of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..bounds.bound import Bound, short
from ..partition import Count, Kind, Status


@dataclass(frozen=True)
class Coverage:
    """How much of the domain's volume lies in the regions that independent uniform points met.

    `unseen` is Good and Turing's estimate of the share of the volume in other regions, `unseen_most` an upper bound on
    it that holds with probability `level`, whatever the regions are: fresh points met so few new ones (Clopper and
    Pearson).  `chao1` estimates from the regions met once and twice a number that the total exceeds in expectation: not
    the total itself, which has many regions too small ever to be met.
    """

    samples: int
    met: int
    once: int
    twice: int
    fresh: int
    fresh_new: int
    unseen: float
    unseen_most: float
    level: float
    chao1: float

    def __str__(self) -> str:
        return (
            f"the {self.met:,} regions that uniform points met hold about "
            f"{100 * (1 - self.unseen):.4g} % of the volume, "
            f"at least {100 * (1 - self.unseen_most):.4g} % at {100 * self.level:g} % confidence"
        )

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        return {
            "kind": Kind.ESTIMATE.value,
            "samples": self.samples,
            "met": self.met,
            "once": self.once,
            "twice": self.twice,
            "unseen_volume": self.unseen,
            "unseen_volume_at_most": self.unseen_most,
            "level": self.level,
            "chao1": self.chao1,
        }


@dataclass(frozen=True)
class Sampling:
    """Distinct regions among sampled points: a `count` of kind lower, what was drawn, and how much it covers.

    `drawn` says how many points each way of drawing gave and how many regions they met; `coverage` is None where
    the points are not independent and uniform.
    """

    count: Count
    drawn: dict[str, tuple[int, int]]
    on_boundaries: int
    coverage: Coverage | None
    seed: int

    def __str__(self) -> str:
        lines = [str(self.count)]
        lines += [f"  {how}: {n:,} points in {met:,} regions" for how, (n, met) in self.drawn.items()]
        return "\n".join([*lines, f"  {self.coverage}"] if self.coverage else lines)

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        return {
            **self.count.as_dict(),
            "drawn": {how: {"points": n, "regions": met} for how, (n, met) in self.drawn.items()},
            "on_boundaries": self.on_boundaries,
            "coverage": self.coverage.as_dict() if self.coverage else None,
            "seed": self.seed,
        }


@dataclass(frozen=True)
class Estimate:
    """An unbiased estimate of the number of regions with an interval, and what the two rest on.

    The number is a sum over `pieces`, of which a random `counted` were looked at: pieces of the search, or, for one
    hidden layer, sets of hyperplanes.  `low` and `high` are the ends of an interval at confidence `level` by the
    `theory`, which for pieces of the search is about many of them; `doubts` says what speaks against trusting it, and
    is empty if nothing does.  The true number exceeds `at_least` with probability `level` whatever the pieces are.
    """

    value: float
    low: float
    high: float
    level: float
    pieces: int
    counted: int
    at_least: float
    theory: str
    doubts: tuple[str, ...] = ()
    kind: Kind = Kind.ESTIMATE

    def __str__(self) -> str:
        if self.kind is Kind.EXACT:
            return f"exactly {round(self.value):,} regions ({self.theory})"
        doubt = f"; doubtful: {'; '.join(self.doubts)}" if self.doubts else ""
        return (
            f"about {short(round(self.value))} regions, {short(round(self.low))} to {short(round(self.high))} at "
            f"{100 * self.level:g} % ({self.theory}{doubt})"
        )

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        return {
            "kind": self.kind.value,
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "level": self.level,
            "pieces": self.pieces,
            "pieces_counted": self.counted,
            "at_least": self.at_least,
            "theory": self.theory,
            "doubts": list(self.doubts),
        }


@dataclass(frozen=True)
class Bracket:
    """What is known of a number of regions that is too large to count: lower bound, estimate, upper bound.

    `lower` is a `Count` of kind lower (exact where the run happened to count everything), `estimate` an `Estimate` or
    None (`no_estimate` says why), `upper` a proven `Bound`.  `sampling` holds the details of the samples.

    Example:
        >>> from linregions import Box, Network
        >>> from linregions.estimation import estimate
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> found = estimate(net, Box([-1, -1], [1, 1]), samples=1000)
        >>> found.lower.value, found.upper.value
        (4, 4)
    """

    lower: Count
    lower_how: str
    estimate: Estimate | None
    upper: Bound
    sampling: Sampling | None
    status: Status
    seconds: float
    no_estimate: str = ""

    @property
    def exact(self) -> bool:
        """Whether the number of regions is known: it was counted, or the bounds meet."""
        return self.lower.kind is Kind.EXACT or self.lower.value == int(self.upper)

    def __str__(self) -> str:
        known = "exactly" if self.lower.kind is Kind.EXACT else "at least"
        below = f"lower     {known} {self.lower.value:,} {self.lower.definition} regions ({self.lower_how})"
        middle = f"estimate  {self.estimate or 'none: ' + self.no_estimate}"
        above = f"upper     at most {short(self.upper.value)} regions ({self.upper.name})"
        return "\n".join([below, middle, above])

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        return {
            "lower": {**self.lower.as_dict(), "how": self.lower_how},
            "estimate": self.estimate.as_dict() if self.estimate else None,
            "no_estimate": self.no_estimate,
            "upper": {**self.upper.as_dict(), "kind": Kind.UPPER.value},
            "exact": self.exact,
            "status": self.status.value,
            "sampling": self.sampling.as_dict() if self.sampling else None,
            "seconds": self.seconds,
        }
