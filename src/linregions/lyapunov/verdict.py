"""The verdict: what was proved, or what refutes it, in exact numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, overload

from ..checks import plural
from ..errors import InputError
from ..exact import nearest_float

Point = tuple[Fraction, ...]
# A rational number, or the two ends of an interval that holds a number which is not rational.
Value = Fraction | tuple[Fraction, Fraction]
# What ended a run early: "" nothing, Ctrl-C, the time limit, or another limit of the list of cells.
Stop = Literal["", "interrupted", "time", "cells"]


class Outcome(str, Enum):
    """What `verify` can find.

    PROVED_STRICT: positive definite and decreasing on the whole domain, the origin included.
    PROVED_OUTSIDE: the same outside the excluded set.
    PROVED_COMPOSITE: a quadratic function inside, the candidate outside.
    REFUTED: a rational point violates a condition.
    MARGINAL: every condition holds, one of them with equality on a face away from the origin.
    UNKNOWN: the budget ran out; nothing found so far violates a condition.
    """

    PROVED_STRICT = "PROVED_STRICT"
    PROVED_OUTSIDE = "PROVED_OUTSIDE"
    PROVED_COMPOSITE = "PROVED_COMPOSITE"
    REFUTED = "REFUTED"
    MARGINAL = "MARGINAL"
    UNKNOWN = "UNKNOWN"

    @property
    def proved(self) -> bool:
        """Whether the claim holds."""
        return self.value.startswith("PROVED")


def rounded_text(value: Fraction) -> str:
    """About how much a number is: six digits, beyond float64's range as well.

    Example:
        >>> rounded_text(Fraction(2, 3)), rounded_text(Fraction(-2, 3) * 10**400), rounded_text(Fraction(1, 10**400))
        ('0.666667', '-6.66667e+399', '1e-400')
    """
    near = nearest_float(value)
    if not value or 1e-300 < abs(near) < 1e300:
        return f"{near:.6g}"
    context = Context(prec=6, Emax=MAX_EMAX, Emin=MIN_EMIN)
    return f"{context.divide(Decimal(value.numerator), Decimal(value.denominator)).normalize(context):e}"


def number_text(value: Value) -> str:
    """A number as a person reads it: the fraction where it is short, else about how much it is."""
    if isinstance(value, tuple):
        low, high = value
        if low == high:
            return number_text(low)
        ends = rounded_text(low), rounded_text(high)
        return ends[0] if ends[0] == ends[1] else f"in [{ends[0]}, {ends[1]}]"
    short = value.numerator.bit_length() + value.denominator.bit_length() < 64
    text = str(value) if short else ""
    return text if 0 < len(text) <= 16 else rounded_text(value)


def equation_text(quantity: str, value: Value) -> str:
    """What a quantity is, or in which interval it lies.

    Example:
        >>> equation_text("V'", Fraction(1, 2)), equation_text("V'", (Fraction(0), Fraction(1)))
        ("V' = 1/2", "V' in [0, 1]")
    """
    text = number_text(value)
    return f"{quantity} {text}" if text.startswith("in ") else f"{quantity} = {text}"


def point_text(point: Point) -> str:
    """A point as a person reads it."""
    return "(" + ", ".join(number_text(v) for v in point) + ")"


def plain_number(value: Value) -> Any:
    """A number as JSON keeps it exactly: `"p/q"`, or a list of two of them."""
    return [str(v) for v in value] if isinstance(value, tuple) else str(value)


@dataclass(frozen=True)
class Counterexample:
    """A point at which a condition fails in one cell.

    Attributes:
        cell: number of the cell whose affine piece of V, or whose mesh for a polynomial V, is meant; -1 for a cone.
        condition: "positive" (V > 0), "decrease" (derivative or difference of V < 0).
        witness: the point, rational.
        value: V there, or its derivative along the dynamics with the cell's slope, or its difference in discrete time;
            an interval where it is not rational.
        kind: "violation" where the wrong sign is strict, "equality" where it is 0.
        note: the mode or the images it is about, "" where there is only one.
        quantity: what `value` is the value of: "V", "V'" or "V(f(x)) - V(x)"; "" where nobody said.
    """

    cell: int
    condition: str
    witness: Point
    value: Value
    kind: str = "violation"
    note: str = ""
    quantity: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types; numbers as fractions."""
        return {
            "cell": self.cell,
            "condition": self.condition,
            "witness": [str(v) for v in self.witness],
            "value": plain_number(self.value),
            "kind": self.kind,
            "note": self.note,
        }

    def __str__(self) -> str:
        tail = f", {self.note}" if self.note else ""
        quantity = self.quantity or ("V" if self.condition == "positive" else "change of V")
        where = f" in cell {self.cell}" if self.cell >= 0 else ""
        return f"{equation_text(quantity, self.value)} at {point_text(self.witness)}{where}{tail}"


class Counterexamples(Sequence[Counterexample]):
    """Counterexamples in a row, each made in exact numbers when it is first looked at."""

    def __init__(self, makers: Sequence[Callable[[], Counterexample]]):
        self._makers = tuple(makers)
        self._made: dict[int, Counterexample] = {}

    def __len__(self) -> int:
        return len(self._makers)

    @overload
    def __getitem__(self, i: int) -> Counterexample: ...
    @overload
    def __getitem__(self, i: slice) -> tuple[Counterexample, ...]: ...
    def __getitem__(self, i: int | slice) -> Counterexample | tuple[Counterexample, ...]:
        if isinstance(i, slice):
            return tuple(self[k] for k in range(len(self))[i])
        k = range(len(self))[i]
        if k not in self._made:
            self._made[k] = self._makers[k]()
        return self._made[k]

    def __repr__(self) -> str:
        return f"Counterexamples: {len(self):,}"


@dataclass(frozen=True)
class Face:
    """A face on which a condition that holds is attained with equality: the hull of `vertices`, in cell `cell`."""

    cell: int
    condition: str
    vertices: tuple[Point, ...]
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types; numbers as fractions."""
        return {
            "cell": self.cell,
            "condition": self.condition,
            "vertices": [[str(v) for v in point] for point in self.vertices],
            "note": self.note,
        }

    def __str__(self) -> str:
        hull = ", ".join(point_text(v) for v in self.vertices)
        return f"equality of {self.condition!r} on the hull of {hull} in cell {self.cell}"


@dataclass(frozen=True)
class Left:
    """What was not decided: a cell, and the condition that is open there."""

    cell: int
    condition: str
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        return {"cell": self.cell, "condition": self.condition, "note": self.note}


@dataclass(frozen=True, eq=False, repr=False)
class Verdict:
    """What `verify` found.

    Attributes:
        status: the outcome.
        condition: the condition that fails, is marginal, or is open: "positive", "decrease"; "" where all hold.
        witness: a point that refutes the condition, or at which equality holds; None where there is none.
        value: the value of the condition's quantity there.
        face: the face of equality of a marginal verdict.
        counterexamples: one for each violating cell and condition, made when looked at.
        faces: all faces of equality that were found.
        reason: one sentence on why it is that outcome.
        left: the cells and conditions that are not decided.
        stopped: "interrupted" (Ctrl-C), "time" (the time limit) or "cells" (another limit of their list) where that
            ended the work early, "" where nothing did.
        sublevel: the largest certified sub-level set, where there is one.
        ultimate: the ultimate bound (c1, c2), where there is one.
        cells, simplices, leaves: how many there were.
        exact_decisions: how many simplices went to rational arithmetic.
        seconds: wall time of all that `verify` did.
        problem: what was asked, with every argument checked.
        mesh: the cells (or the fan) and their triangulation, for figures and certificates.
        tasks: the conditions with their proofs, for figures and certificates.
    """

    status: Outcome
    condition: str = ""
    witness: Point | None = None
    value: Value | None = None
    face: Face | None = None
    counterexamples: Sequence[Counterexample] = ()
    faces: tuple[Face, ...] = ()
    reason: str = ""
    left: tuple[Left, ...] = ()
    stopped: Stop = ""
    sublevel: Any = None
    ultimate: Any = None
    composite: Any = None
    cells: int = 0
    simplices: int = 0
    leaves: int = 0
    exact_decisions: int = 0
    seconds: float = 0.0
    problem: Any = None
    mesh: Any = None
    tasks: tuple[Any, ...] = field(default=())

    @property
    def proved(self) -> bool:
        """Whether the claim holds."""
        return self.status.proved

    def __bool__(self) -> bool:
        raise TypeError("a verdict has more than two outcomes; ask for `verdict.proved` or compare `verdict.status`")

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types; numbers as fractions."""
        return {
            "status": self.status.value,
            "condition": self.condition,
            "witness": None if self.witness is None else [str(v) for v in self.witness],
            "value": None if self.value is None else plain_number(self.value),
            "face": None if self.face is None else self.face.as_dict(),
            "counterexamples": [c.as_dict() for c in self.counterexamples],
            "reason": self.reason,
            "left": [part.as_dict() for part in self.left],
            "stopped": self.stopped,
            "sublevel": _plain(self.sublevel),
            "ultimate": _plain(self.ultimate),
            "composite": _plain(self.composite),
            "cells": self.cells,
            "simplices": self.simplices,
            "leaves": self.leaves,
            "exact_decisions": self.exact_decisions,
            "seconds": self.seconds,
            "problem": None if self.problem is None else self.problem.as_dict(),
        }

    def certificate(self) -> Any:
        """The proof as a certificate that the independent checker takes (JSON types).

        Raises:
            InputError: the verdict proves nothing, so there is nothing to certify.
        """
        if self.status is Outcome.UNKNOWN:
            raise InputError(f"certificate: the verdict is {self.status.value}, which proves nothing; verify it first")
        from .certificates.certificate import certificate

        return certificate(self)

    def save_certificate(self, path: str | Path) -> Path:
        """Write the certificate to a file, which is there whole or not at all, and return its path.

        Raises:
            InputError: the verdict proves nothing, so there is nothing to certify.
            OutputError: the file cannot be written.
        """
        from .certificates.certificate import save_certificate

        return save_certificate(self.certificate(), path)

    def __repr__(self) -> str:
        return f"Verdict: {self.status.value}, {plural(self.cells, 'cell')}"

    def __str__(self) -> str:
        parts = [f"{self.status.value}: {self.reason}"]
        if self.sublevel is not None:
            parts.append(str(self.sublevel))
        expression = None if self.problem is None else self.problem.expression
        if expression is not None:
            parts.append("level sets are looked for where V is a network, not for a polynomial V")
        # A strict one says of the trajectories what the sub-level set has just said.
        if self.ultimate is not None and not (self.ultimate.strict and self.sublevel is not None):
            parts.append(str(self.ultimate))
        work = [plural(self.cells, "cell"), plural(self.simplices, "simplex", "simplices")]
        work.append(f"{self.leaves:,} {'leaf' if self.leaves == 1 else 'leaves'}")
        parts.append(f"{', '.join(work)}, {self.exact_decisions:,} in rationals, {self.seconds:.2f} s")
        return "\n".join(parts)


def _plain(record: Any) -> Any:
    return None if record is None else record.as_dict()
