"""What is asked of `verify`, with every argument checked once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ..checks import plural, shown
from ..domain import Box, Polytope
from ..errors import InputError
from ..exact import dot, fractions
from ..network import Network
from ..readers import read
from .dynamics.dynamics import Dynamics, Networked, Piecewise, Smooth, dynamics_of
from .dynamics.expression import Expression, rational
from .dynamics.polynomial import Polynomial
from .geometry.cells import MAX_DIM
from .verdict import number_text

TIMES = ("continuous", "discrete")
CLAIMS = ("strict", "composite")
# A rational number in a string; a long exponent would take all memory.
NUMBER = re.compile(r"[+-]?(\d{1,400}/\d{1,400}|(\d{1,400}\.?\d{0,400}|\.\d{1,400})([eE][+-]?\d{1,4})?)", re.ASCII)
MODELS = (".onnx", ".npz", ".safetensors")


@dataclass(frozen=True, eq=False)
class Problem:
    """A candidate, a system and a domain, checked.

    Attributes:
        candidate: V as it was given, a network with one output or a polynomial in x.
        expression: the polynomial as an expression, None for a network.
        dynamics: the system, with inputs where there is a controller.
        domain: a box or a polytope with 0 strictly inside.
        time: "continuous" or "discrete".
        exclude: the set about which nothing is claimed, None for no set: a radius, or a box or polytope around 0.
        controller: the network that gives the inputs, or None.
        inputs_at_zero: the controller's outputs at 0.
        shift: V(0), which is subtracted from V.
        claim: "strict" or "composite".
    """

    candidate: Network | Polynomial
    expression: Expression | None
    dynamics: Dynamics
    domain: Box | Polytope
    time: str = "continuous"
    exclude: Fraction | Box | Polytope | None = None
    controller: Network | None = None
    inputs_at_zero: tuple[Fraction, ...] = ()
    shift: Fraction = Fraction(0)
    claim: str = "strict"

    @property
    def dim(self) -> int:
        """Dimension of the state."""
        return self.domain.dim

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        exclude = str(self.exclude) if isinstance(self.exclude, Fraction) else self.exclude
        return {
            "candidate": repr(self.candidate) if self.expression is None else str(self.expression),
            "dynamics": self.dynamics.describe(),
            "domain": repr(self.domain),
            "time": self.time,
            "exclude": None if exclude is None else str(exclude),
            "controller": None if self.controller is None else repr(self.controller),
            "shift": str(self.shift),
            "claim": self.claim,
        }

    def candidate_at(self, point: Sequence[Fraction]) -> Fraction:
        """V(x) - V(0) at a rational point."""
        if isinstance(self.candidate, Network):
            return self.candidate.exact_values(point)[0] - self.shift
        return self.candidate.evaluate(point) - self.shift

    def field_at(self, point: Sequence[Fraction]) -> list[tuple[Fraction, Fraction]]:
        """The dynamics at a rational point, the loop closed, as intervals (single numbers where rational)."""
        inputs = [] if self.controller is None else self.controller.exact_values(point)
        return self.dynamics.at([*point, *inputs])


def problem_of(
    V: Any,
    dynamics: Any,
    domain: Any,
    *,
    time: str | None = None,
    exclude: Any = None,
    controller: Any = None,
    shift: bool = False,
    claim: str = "strict",
) -> Problem:
    """Check the arguments of `verify`, which explains them.

    Raises:
        InputError: one of them does not fit; the message says which.
    """
    if time is not None:
        _one_of(time, TIMES, "time")
    _one_of(claim, CLAIMS, "claim")
    if not isinstance(shift, bool):
        raise InputError(f"shift must be True or False, got {shown(shift)}")
    _check_domain(domain)
    candidate, expression = _candidate(V, domain.dim)
    policy = None if controller is None else _controller(controller, domain.dim)
    dynamics, time = named_system(dynamics, time)
    system, at_zero = _system(dynamics, policy, domain.dim)
    offset = _offset(candidate, domain.dim, shift)
    return Problem(
        candidate, expression, system, domain, time, _exclude(exclude, domain), policy, at_zero, offset, claim
    )


def named_system(given: Any, time: str | None) -> tuple[Any, str]:
    """The dynamics of a `System`, or of one that is named, with its time; others are continuous unless said otherwise.

    Raises:
        InputError: the time is not the system's.

    Example:
        >>> named_system("linear-discrete", None)[1], named_system(["-x"], None)
        ('discrete', (['-x'], 'continuous'))
    """
    from .systems import System, system, systems

    if isinstance(given, str) and given in systems():
        given = system(given)
    if not isinstance(given, System):
        return given, time or "continuous"
    if time is not None and time != given.time:
        raise InputError(f"time: the system {given.name} is {given.time}, got {shown(time)}; leave time out")
    return given.dynamics, given.time


def _one_of(value: Any, known: Sequence[str], what: str) -> None:
    if value not in known:
        raise InputError(f"{what} must be {' or '.join(map(repr, known))}, got {shown(value)}")


def _check_domain(domain: Any) -> None:
    if not isinstance(domain, Box | Polytope):
        raise InputError(f"domain: expected a Box or a Polytope, got {type(domain).__name__}")
    for row in domain.halfspaces:
        if row[-1] <= 0:
            raise InputError(
                f"domain: the origin is not strictly inside {domain!r}; move the equilibrium to 0 and take a domain "
                "around it"
            )


def _candidate(V: Any, dim: int) -> tuple[Network | Polynomial, Expression | None]:
    if isinstance(V, str) and Path(V).suffix.lower() not in MODELS:
        return _polynomial(V, dim)
    if isinstance(V, Expression) or hasattr(V, "free_symbols"):
        return _polynomial(V, dim)
    if isinstance(V, np.ndarray | list | tuple):
        return _polynomial(_quadratic(V, dim), dim)
    net = read(V)
    if net.input_dim != dim:
        raise InputError(f"V: takes {plural(net.input_dim, 'input')}, but the domain has dimension {dim}")
    if net.output_dim != 1:
        raise InputError(f"V: must have one output, got {net.output_dim}; give the network of V alone")
    return net, None


def _polynomial(given: Any, dim: int) -> tuple[Polynomial, Expression]:
    from .dynamics.parsing import expression_of
    from .dynamics.polynomial import polynomial_of

    expression = expression_of(given, dim=dim)
    polynomial = polynomial_of(expression, dim)
    if polynomial is None:
        raise InputError(
            f"V: {shown(given)} is neither a network nor a polynomial in x1..x{dim}; give a network, a polynomial or a "
            "matrix P for x'Px"
        )
    return polynomial, expression


def _quadratic(P: Any, dim: int) -> Expression:
    """The form x' P x as an expression."""
    rows = [list(row) if isinstance(row, np.ndarray | list | tuple) else [row] for row in P]
    if len(rows) != dim or any(len(row) != dim for row in rows):
        shape = f"({len(rows)}, {len(rows[0]) if rows else 0})"
        raise InputError(f"V: a matrix P for x'Px must have shape ({dim}, {dim}), got {shape}")
    terms = []
    for i, row in enumerate(rows):
        for j, entry in enumerate(row):
            terms.append(rational(entry, "V: P") * Expression.x(i) * Expression.x(j))
    return sum(terms, Expression.number(0))


def _controller(controller: Any, dim: int) -> Network:
    policy = read(controller)
    if policy.input_dim != dim:
        raise InputError(
            f"controller: takes {plural(policy.input_dim, 'input')}, but the domain has dimension {dim}; give a "
            "network from the state to the inputs"
        )
    return policy


def _system(given: Any, policy: Network | None, dim: int) -> tuple[Dynamics, tuple[Fraction, ...]]:
    """The dynamics, and the controller's outputs at 0, which must hold the state there."""
    if policy is None:
        return dynamics_of(given, dim=dim), ()
    rest = tuple(policy.exact_values([Fraction(0)] * dim))
    if isinstance(given, Piecewise | Networked | Network):
        raise InputError(
            f"controller: closes the loop of dynamics in x and u, but {shown(given)} takes no inputs; give "
            "expressions in x and u, or leave the controller out"
        )
    try:
        system = dynamics_of(given, dim=dim, inputs=policy.output_dim, rest=rest)
    except InputError as error:
        if any(rest) and "rest" in str(error):
            shown_rest = ", ".join(map(number_text, rest))
            raise InputError(f"controller: gives u = ({shown_rest}) at x = 0, and there {error}") from None
        raise
    return system, rest


def _offset(candidate: Network | Polynomial, dim: int, shift: bool) -> Fraction:
    origin = [Fraction(0)] * dim
    value = candidate.exact_values(origin)[0] if isinstance(candidate, Network) else candidate.evaluate(origin)
    if value != 0 and not shift:
        raise InputError(f"V: V(0) = {number_text(value)} is not 0; pass shift=True to verify V - V(0) instead")
    return value


def _exclude(exclude: Any, domain: Box | Polytope) -> Fraction | Box | Polytope | None:
    if exclude is None:
        return None
    if isinstance(exclude, Box | Polytope):
        if exclude.dim != domain.dim:
            raise InputError(f"exclude: has dimension {exclude.dim}, but the domain has dimension {domain.dim}")
        if any(row[-1] <= 0 for row in exclude.halfspaces):
            raise InputError(f"exclude: the origin is not strictly inside {exclude!r}; take a set around it")
    else:
        exclude = _radius(exclude)
    known = isinstance(domain, Box) or domain.dim <= MAX_DIM
    if known and all(_within(corner, exclude) for corner in _corners(domain, exclude)):
        what = f"the ball of radius {number_text(exclude)}" if isinstance(exclude, Fraction) else repr(exclude)
        raise InputError(f"exclude: {what} covers all of {domain!r}, so nothing is left to prove; take a smaller set")
    return exclude


def _radius(given: Any) -> Fraction:
    """A positive radius; in a string "1/100" is exactly that."""
    if isinstance(given, bool | bytes) or not (isinstance(given, str) or hasattr(given, "__float__")):
        raise InputError(f"exclude must be a radius, a Box or a Polytope around 0, got {shown(given)}")
    try:
        if isinstance(given, str):
            if not NUMBER.fullmatch(given.strip()):
                raise ValueError
            radius = Fraction(given.strip())
        else:
            (radius,) = [given] if isinstance(given, Fraction) else fractions([given])
    except (TypeError, ValueError, ArithmeticError) as error:
        what = (
            "a finite radius"
            if not isinstance(given, str)
            else 'a radius such as "1/100" or "0.01", a Box or a Polytope'
        )
        raise InputError(f"exclude must be {what}, got {shown(given)}") from error
    if radius <= 0:
        raise InputError(f"exclude must be a positive radius, got {shown(given)}; leave it out to exclude nothing")
    return radius


def _corners(domain: Box | Polytope, exclude: Any) -> Iterable[Sequence[Fraction]]:
    """Points of the domain that all lie in a convex set around 0 exactly where the whole domain does."""
    if not isinstance(domain, Box):
        return _vertices(domain)
    lower, upper = fractions(domain.lower), fractions(domain.upper)
    if isinstance(exclude, Fraction):
        return [[max(abs(a), abs(b)) for a, b in zip(lower, upper, strict=True)]]
    # For every side the corner that goes furthest beyond it.
    return [[a if v > 0 else b for v, a, b in zip(row[:-1], lower, upper, strict=True)] for row in exclude.halfspaces]


def _vertices(domain: Polytope) -> Iterable[Sequence[Fraction]]:
    """The vertices of a polytope, exactly."""
    from .geometry.cells import cells_of

    whole = Network.from_arrays([(np.zeros((1, domain.dim)), [0.0])])
    for *x, w in cells_of(whole, domain).exact_vertices_all():
        yield [Fraction(v, w) for v in x]


def _within(point: Sequence[Fraction], exclude: Fraction | Box | Polytope) -> bool:
    if isinstance(exclude, Fraction):
        return dot(point, point) <= exclude * exclude
    return all(dot(row[:-1], point) + row[-1] >= 0 for row in exclude.halfspaces)


def is_linear(system: Dynamics) -> bool:
    """Whether the system is x' = A x, or x+ = A x."""
    polynomials = system.polynomials if isinstance(system, Smooth) else None
    return polynomials is not None and all(p.degree <= 1 for p in polynomials)
