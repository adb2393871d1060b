"""Where an estimated number of patterns lies."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Between:
    """Where the true number lies, with a probability of at least `level`."""

    low: int
    high: int
    level: float

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        return asdict(self)

    def __str__(self) -> str:
        return f"between {self.low:,} and {self.high:,} with probability {self.level:.12g}"
