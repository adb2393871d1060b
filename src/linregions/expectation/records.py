"""The records of an expected number: estimates with their standard error, side by side."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..bounds.expected import GAUSSIAN, ICML_2019, Expected
from ..partition import Kind, Status


@dataclass(frozen=True)
class Estimate:
    """A mean over independent samples with its standard error.

    Example:
        >>> print(Estimate.of(np.array([1.0, 2.0, 3.0])))
        2.00 ± 0.58
    """

    mean: float
    error: float
    samples: int
    status: Status = Status.COMPLETE

    @classmethod
    def of(cls, values: np.ndarray, status: Status = Status.COMPLETE) -> Estimate:
        """The estimate from one value per sample."""
        error = float(values.std(ddof=1)) / math.sqrt(len(values))
        return cls(float(values.mean()), error, len(values), status)

    def __str__(self) -> str:
        digits = min(12, max(0, 1 - math.floor(math.log10(self.error)))) if self.error > 0 else 2
        return f"{self.mean:,.{digits}f} ± {self.error:.{digits}f}"

    def as_dict(self) -> dict[str, Any]:
        """The numbers as plain JSON types."""
        return {
            "mean": self.mean,
            "standard_error": self.error,
            "samples": self.samples,
            "kind": Kind.ESTIMATE.value,
            "status": self.status.value,
        }


@dataclass(frozen=True)
class Expectation:
    """An expected number over random weights: simulated, by the formula, and in closed form where there is one.

    `simulated` averages exact counts of drawn networks; `formula` estimates the integral from other draws, None where
    no formula is known for the domain; `closed` is an `Expected` or None.  All are of `quantity`.
    """

    quantity: str
    architecture: str
    domain: str
    weights: str
    seed: int
    simulated: Estimate
    formula: Estimate | None
    closed: Expected | None
    assumptions: tuple[str, ...] = GAUSSIAN
    reference: str = ICML_2019
    definition: str = "activation"

    @property
    def gap(self) -> float | None:
        """Simulated minus formula (the closed form, if there is one), in standard errors of the difference."""
        if self.closed is not None:
            return (self.simulated.mean - float(self.closed)) / self.simulated.error
        if self.formula is None:
            return None
        return (self.simulated.mean - self.formula.mean) / math.hypot(self.simulated.error, self.formula.error)

    def __str__(self) -> str:
        cut = "" if self.simulated.status is Status.COMPLETE else f", {self.simulated.status.value}"
        lines = [
            f"expected {self.quantity} of {self.architecture} on {self.domain}, {self.weights}",
            f"  simulated    {self.simulated} ({self.simulated.samples:,} networks, counted exactly{cut})",
        ]
        if self.formula is not None:
            lines.append(f"  formula      {self.formula} ({self.formula.samples:,} networks, integral estimated)")
        if self.closed is not None:
            lines.append(f"  closed form  {self.closed.value:,.6g} ({self.closed.formula})")
        if self.gap is not None:
            what = "closed form" if self.closed is not None else "formula"
            lines.append(f"  simulated - {what} = {self.gap:+.1f} standard errors")
        lines.append(f"  assumes {'; '.join(self.assumptions)}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        return {
            "quantity": self.quantity,
            "definition": self.definition,
            "architecture": self.architecture,
            "domain": self.domain,
            "weights": self.weights,
            "seed": self.seed,
            "simulated": self.simulated.as_dict(),
            "formula": self.formula.as_dict() if self.formula else None,
            "closed": self.closed.as_dict() if self.closed else None,
            "gap": self.gap,
            "assumptions": list(self.assumptions),
            "reference": self.reference,
        }
