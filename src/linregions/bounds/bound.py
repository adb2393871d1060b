"""The record of one bound, and the decorator that makes one of a formula."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import wraps
from typing import Any

from ..domain import Domain
from ..errors import InputError
from .architecture import Architecture, architecture_of

UPPER, LOWER, EXPECTED = "upper", "lower", "expected"
PUBLISHED, DERIVED, CONJECTURED = "published", "derived", "conjectured"

# From the fewest pieces to the most: R6 <= R5 <= R4 <= R3 <= R2 <= R1.
DEFINITIONS = ("affine", "closed", "linear", "convex", "activation", "patterns")

Value = int | Fraction | float


class ConditionError(InputError):
    """A bound was asked where one of its conditions fails; the message names it."""


@dataclass(frozen=True)
class Bound:
    """One bound on a number of regions, with everything that is needed to use it.

    `value` is exact: an int, or a Fraction; a float only where `direction` is "expected".  `direction` is "upper",
    "lower" (some network of the architecture has at least so many) or "expected" (an average over random networks).
    `definition` says what is bounded: an upper bound on one definition bounds all that never count more, a lower bound
    all that never count less (`bounds_definition`).  `status` is "published" (stated in the cited paper), "derived"
    (with an argument in the docstring of its function) or "conjectured", which proves nothing.  `attained` says that
    some network of the architecture has exactly `value` regions.
    """

    name: str
    value: Value
    direction: str
    definition: str
    status: str
    formula: str
    reference: str
    conditions: tuple[str, ...]
    architecture: str
    attained: bool = False
    assumptions: tuple[str, ...] = ()

    @property
    def proven(self) -> bool:
        """Whether the bound may serve as a certificate."""
        return self.status != CONJECTURED and self.direction != EXPECTED

    def bounds_definition(self, definition: str) -> bool:
        """Whether the bound holds for the count under `definition`, one of DEFINITIONS.

        Example:
            >>> from linregions import bounds
            >>> bounds.serra_2018("2;4,4").bounds_definition("linear")
            True
        """
        if definition not in DEFINITIONS:
            raise InputError(f"definition: {definition!r} is not known; use one of {', '.join(DEFINITIONS)}")
        place, own = DEFINITIONS.index(definition), DEFINITIONS.index(self.definition)
        return place <= own if self.direction == UPPER else place >= own

    @property
    def log10(self) -> float:
        """Decimal logarithm of the value, which may be too long to print; -inf for 0."""
        return log10(self.value)

    def __int__(self) -> int:
        return math.floor(self.value)

    def __str__(self) -> str:
        words = {UPPER: "at most", LOWER: "some network has at least", EXPECTED: "on average at most"}[self.direction]
        words = "at most (attained)" if self.attained and self.direction == UPPER else words
        mark = " (conjectured, proves nothing)" if self.status == CONJECTURED else ""
        return f"{self.name}: {words} {short(self.value)} regions for {self.architecture}{mark}"

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types; a Fraction becomes the string "p/q"."""
        return {
            "name": self.name,
            "value": str(self.value) if isinstance(self.value, Fraction) else self.value,
            "log10": self.log10,
            "direction": self.direction,
            "definition": self.definition,
            "status": self.status,
            "proven": self.proven,
            "attained": self.attained,
            "formula": self.formula,
            "reference": self.reference,
            "conditions": list(self.conditions),
            "assumptions": list(self.assumptions),
            "architecture": self.architecture,
        }


def log10(value: Value) -> float:
    """Decimal logarithm of a non-negative number of any size."""
    if isinstance(value, Fraction):
        return math.log10(value.numerator) - math.log10(value.denominator) if value else -math.inf
    return math.log10(value) if value > 0 else -math.inf


def short(value: Value) -> str:
    """A number as a person reads it: all digits up to 10^15, then four of them and the power of ten.

    Example:
        >>> short(12345), short(3 * 10**5000)
        ('12,345', '3.000e5000')
    """
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1e6 else f"{value:.4g}"
    if isinstance(value, Fraction) and value.denominator != 1:
        return f"{float(value):,.4g}" if value < 10**15 else short(math.floor(value))
    value = int(value)
    if value < 10**15:
        return f"{value:,}"
    digits = math.floor(math.log10(value))
    if value >= 10 ** (digits + 1):
        digits += 1
    elif value < 10**digits:
        digits -= 1
    lead = round(Fraction(value, 10**digits) * 1000)
    if lead == 10_000:
        lead, digits = 1000, digits + 1
    return f"{lead // 1000}.{lead % 1000:03d}e{digits}"


BoundFunction = Callable[..., Bound]


def bound(
    *,
    direction: str,
    definition: str,
    status: str,
    formula: str,
    reference: str,
    conditions: tuple[str, ...] = (),
    covers: tuple[str, ...] = ("relu",),
    attained: Callable[[Architecture], bool] | None = None,
) -> Callable[[Callable[..., Value]], BoundFunction]:
    """Make a bound of a formula `f(architecture, **parameters) -> value`.

    The result takes whatever names an architecture (see `architecture_of`) and returns a `Bound`.  `covers` names the
    kinds of units that the formula is for: "relu", "scalar" (any piecewise-linear function of one variable), "maxout".
    """

    def make(f: Callable[..., Value]) -> BoundFunction:
        @wraps(f)
        def call(
            architecture: Any,
            *,
            activation: Any = "relu",
            rank: int | None = None,
            domain: Domain | None = None,
            **parameters: Any,
        ) -> Bound:
            a = architecture_of(architecture, activation=activation, rank=rank, domain=domain)
            _check_kinds(f.__name__, covers, a)
            value = f(a, **parameters)
            return Bound(
                name=f.__name__,
                value=value,
                direction=direction,
                definition=definition,
                status=status,
                formula=formula,
                reference=reference,
                conditions=conditions,
                architecture=str(a),
                attained=attained is not None and attained(a),
            )

        call.__dict__["direction"] = direction
        call.__dict__["status"] = status
        return call

    return make


def _check_kinds(name: str, covers: tuple[str, ...], a: Architecture) -> None:
    for number, layer in enumerate(a.layers, start=1):
        if layer.units and layer.kind not in covers:
            wanted = " or ".join({"relu": "ReLU", "scalar": "piecewise-linear", "maxout": "maxout"}[k] for k in covers)
            raise ConditionError(
                f"{name}: covers {wanted} units, but hidden layer {number} has {layer.describe()}; "
                "bounds.general covers every piecewise-linear unit"
            )


def require(holds: bool, message: str) -> None:
    """Raise the `message` of a condition that fails."""
    if not holds:
        raise ConditionError(message)
