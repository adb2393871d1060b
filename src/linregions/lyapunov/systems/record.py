"""What a system of the catalogue is, and how its numbers are written."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from ...checks import real_number, shown
from ...domain import Domain
from ...errors import InputError
from ...network import Network


@dataclass(frozen=True, eq=False, repr=False)
class System:
    """A dynamical system `x' = f(x)` or `x+ = f(x)` with its source and what is known about it.

    Attributes:
        name: its name in the catalogue.
        row: where the specification of this project lists it.
        dim: number of states n.
        inputs: number of inputs m that a controller gives; 0 for a system of its own.
        given: the right-hand side as `dynamics_of` takes it: expression strings, modes, or a `Network`.
        time: "continuous" or "discrete".
        domains: suggested domains, the first one the usual one.
        source: where the system comes from.
        facts: what is known about it, one sentence each, with how well it is known.

    Example:
        >>> from linregions.lyapunov.systems import system
        >>> duffing = system("duffing")
        >>> duffing
        System duffing: x1' = x2; x2' = -x2 - x1 - x1^3
        >>> duffing.domains[0], duffing.time
        (box [-2, 2]^2, 'continuous')
    """

    name: str
    row: str
    dim: int
    given: Any
    domains: tuple[Domain, ...]
    source: str
    facts: tuple[str, ...] = ()
    time: str = "continuous"
    inputs: int = 0

    @cached_property
    def dynamics(self) -> Any:
        """The right-hand side as a `Dynamics` record."""
        from ..dynamics.dynamics import dynamics_of  # the expressions are parsed only where they are needed

        return dynamics_of(self.given, dim=self.dim, inputs=self.inputs)

    @property
    def linearization(self) -> np.ndarray:
        """The Jacobian at 0 with respect to the states, (n, n), to float64; for candidates, not for proofs."""
        rows = self.dynamics.jacobian()
        return np.array([[float((low + high) / 2) for low, high in row[: self.dim]] for row in rows])

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        return {
            "name": self.name,
            "row": self.row,
            "dim": self.dim,
            "inputs": self.inputs,
            "time": self.time,
            "dynamics": self._text(),
            "domains": [repr(domain) for domain in self.domains],
            "source": self.source,
            "facts": list(self.facts),
        }

    def _text(self) -> str:
        if isinstance(self.given, Network):
            return f"x+ = {self.given!r}"
        if all(isinstance(line, str) for line in self.given):
            mark = "'" if self.time == "continuous" else "+"
            return "; ".join(f"x{k}{mark} = {line}" for k, line in enumerate(self.given, start=1))
        return f"{len(self.given)} affine modes"

    def __repr__(self) -> str:
        return f"System {self.name}: {self._text()}"


def number(value: Any, what: str) -> Fraction:
    """A parameter as a rational: a whole number, a Fraction, a decimal or a ratio in a string, or a float as it is."""
    if isinstance(value, Fraction):
        return value
    if isinstance(value, str):
        try:
            return Fraction(value)
        except (ValueError, ZeroDivisionError) as error:
            raise InputError(f'{what} must be a number such as "9.81" or "1/3", got {shown(value)}') from error
    real = real_number(value, what)
    if not np.isfinite(real):
        raise InputError(f"{what} must be a finite number, got {shown(value)}")
    return Fraction(value) if isinstance(value, int) else Fraction(real)


def positive(value: Any, what: str) -> Fraction:
    """A parameter that must be above 0."""
    out = number(value, what)
    if out <= 0:
        raise InputError(f"{what} must be positive, got {shown(value)}")
    return out


def text(value: Fraction) -> str:
    """A rational as the expression parser reads it, a decimal where it is a short one."""
    if value.denominator == 1:
        return f"({value})" if value < 0 else str(value)
    shifted = value * 10**6
    if shifted.denominator == 1:
        digits = f"{abs(shifted.numerator):07d}"
        decimal = f"{digits[:-6]}.{digits[-6:].rstrip('0')}"
        return f"(-{decimal})" if value < 0 else decimal
    return f"({value.numerator}/{value.denominator})"
