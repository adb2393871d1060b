"""What a rank correlation and a choice by score are: numbers with their intervals."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Correlation:
    """A correlation, or a difference of two, with its bootstrap interval.

    Example:
        >>> str(Correlation(value=0.934, low=0.923, high=0.942, level=0.95, n=1000, method="Spearman", resamples=1000))
        '0.93 (95 % 0.92 to 0.94)'
    """

    value: float | None  # None: undefined, `reason` says why
    low: float | None  # the interval's ends; None where there is none
    high: float | None
    level: float
    n: int  # how many objects were ranked
    method: str
    resamples: int  # how many resamples the interval rests on: those for which the value is defined
    reason: str = ""

    @property
    def defined(self) -> bool:
        """Whether there is a value."""
        return self.value is not None

    @property
    def decided(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low is not None and self.high is not None and (self.low > 0.0 or self.high < 0.0)

    def as_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        if self.value is None:
            return f"undefined ({self.reason})"
        if self.low is None or self.high is None:
            return f"{self.value:.2f} (no interval: {self.reason})"
        return f"{self.value:.2f} ({100 * self.level:g} % {self.low:.2f} to {self.high:.2f})"


@dataclass(frozen=True)
class TopK:
    """What choosing the k objects of best score gives, beside the best choice and a blind one.

    `best` is the best truth among the chosen k, `regret` is by how much the best truth of all exceeds it, `mean` is the
    mean truth of the chosen k; `oracle` is that mean for the k truly best and `random` for k drawn blindly.
    """

    k: int
    n: int
    regret: float
    regret_low: float | None  # the intervals' ends; None where there is none
    regret_high: float | None
    best: float
    mean: float
    mean_low: float | None
    mean_high: float | None
    oracle: float
    random: float
    level: float
    resamples: int  # how many the intervals rest on
    reason: str = ""  # why there are none

    def as_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        interval = f"no interval: {self.reason}"
        if self.mean_low is not None and self.mean_high is not None:
            interval = f"{100 * self.level:g} % {self.mean_low:.2f} to {self.mean_high:.2f}"
        return (
            f"mean of the {self.k} best scored {self.mean:.2f} ({interval}), oracle {self.oracle:.2f}, "
            f"random {self.random:.2f}; regret {self.regret:.2f}"
        )
