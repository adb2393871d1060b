"""Dynamics: what the state does, x' = f(x, u) or x+ = f(x, u), as a checked and exact record."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from ...checks import plural, shown, whole_number
from ...errors import InputError
from ...network import Network
from .expression import Expression, rational
from .modes import Interval, Mode, Piecewise, Vector, affine, matrix, point_of, vector
from .parsing import check_names, expression_of
from .polynomial import Polynomial, polynomial_of
from .taylor import Enclosure, Taylor

FORMS = "give expressions such as ['x2', '-x1 - x2'], a matrix A, a pair (A, b), modes [(A, b, H, h), ..] or a Network"


@dataclass(frozen=True, eq=False)
class Smooth:
    """f given by expressions in x1..xn and u1..um, smooth wherever no divisor is 0, with f(0, `rest`) = 0.

    Args:
        expressions: one per state.
        dim: n.
        inputs: m.
        rest: the inputs that hold the state at 0; zeros where it is empty.

    Raises:
        InputError: a wrong number of expressions, an unknown variable, or f(0, rest) = 0 is not provable.

    Example:
        >>> from linregions.lyapunov.dynamics.parsing import parse
        >>> f = Smooth((parse("x2", dim=2), parse("-sin(x1) - x2/2", dim=2)), 2)
        >>> f.describe()
        'x1 -> x2, x2 -> -sin(x1) - 1/2*x2'
        >>> f.jacobian()[1]
        [(Fraction(-1, 1), Fraction(-1, 1)), (Fraction(-1, 2), Fraction(-1, 2))]
    """

    expressions: tuple[Expression, ...]
    dim: int
    inputs: int = 0
    rest: Vector = ()

    def __post_init__(self) -> None:
        if len(self.expressions) != self.dim:
            given = plural(len(self.expressions), "expression")
            raise InputError(f"dynamics: {given} for a state of dimension {self.dim}; give one per state")
        for e in self.expressions:
            expression_of(e, dim=self.dim, inputs=self.inputs)
        rest = tuple(rational(v, "rest") for v in self.rest) or (Fraction(0),) * self.inputs
        if len(rest) != self.inputs:
            raise InputError(
                f"dynamics: rest has {plural(len(rest), 'entry', 'entries')}, but there are {self.inputs} inputs"
            )
        object.__setattr__(self, "rest", rest)
        _check_zero(self.at(self.equilibrium), self.inputs)

    @property
    def variables(self) -> int:
        """The number of coordinates (x, u) of f, n + m."""
        return self.dim + self.inputs

    @property
    def equilibrium(self) -> Vector:
        """(0, rest): where f is 0."""
        return (Fraction(0),) * self.dim + self.rest

    @cached_property
    def polynomials(self) -> tuple[Polynomial, ...] | None:
        """The components of f as polynomials in (x, u), None where one of them is not."""
        found = [polynomial_of(e, self.variables, dim=self.dim) for e in self.expressions]
        return tuple(p for p in found if p is not None) if all(p is not None for p in found) else None

    @cached_property
    def _taylor(self) -> Taylor:
        return Taylor(self.expressions, self.dim, self.inputs)

    def at(self, point: Sequence[Any]) -> list[Interval]:
        """Values of f at a rational point (x, u), (n + m,): intervals (lo, hi), lo = hi where known to be rational.

        Raises:
            InputError: the point has another length, or a divisor is 0 there.
        """
        return self._taylor.at(point_of(point, self.variables))

    def jacobian(self) -> list[list[Interval]]:
        """Df at the equilibrium, n rows of n + m intervals."""
        return self._taylor.jacobian(self.equilibrium)

    def enclosure(self, box: Sequence[tuple[Any, Any]], centre: Sequence[Any], degree: int) -> Enclosure:
        """Taylor polynomials of f at `centre` and the range of the terms of degree `degree` + 1 over `box`.

        Args:
            box: (lo, hi) for each of the n + m coordinates, rationals.
            centre: a rational point of the box.
            degree: d >= 0.

        Returns:
            An `Enclosure`.

        Raises:
            EnclosureError: a divisor could be 0 in the box, which must be cut further.
        """
        return self._taylor.enclosure(box, centre, degree)

    def __call__(self, points: Any) -> np.ndarray:
        """Values of f in float64, without bounds: (..., n + m) to (..., n).  Never for a proof."""
        return self._taylor.sampled(np.asarray(points, dtype=np.float64))

    def describe(self) -> str:
        """The system on one line."""
        return ", ".join(f"x{k + 1} -> {e}" for k, e in enumerate(self.expressions))

    def __repr__(self) -> str:
        return f"Smooth({self.describe()})"

    def as_json(self) -> dict[str, Any]:
        """The system for a certificate."""
        out = {
            "kind": "smooth",
            "dim": self.dim,
            "inputs": self.inputs,
            "expressions": [e.tree() for e in self.expressions],
        }
        return out | ({"rest": [str(v) for v in self.rest]} if any(self.rest) else {})


@dataclass(frozen=True, eq=False)
class Networked:
    """f is a network with n inputs and n outputs.

    Example:
        >>> net = Network.from_arrays([([[0.5, 0.25], [0.0, 0.5]], [0.0, 0.0])])
        >>> dynamics_of(net, dim=2).at([1, 1])
        [(Fraction(3, 4), Fraction(3, 4)), (Fraction(1, 2), Fraction(1, 2))]
    """

    network: Network
    inputs: int = 0

    def __post_init__(self) -> None:
        net = self.network
        if net.input_dim != net.output_dim:
            raise InputError(
                f"dynamics: a network of the state needs as many outputs as inputs, got {net!r}; pass a controller "
                "as `controller` and give expressions in x and u"
            )
        _check_zero([(v, v) for v in net.exact_values([Fraction(0)] * net.input_dim)], 0)

    @property
    def dim(self) -> int:
        """n, the dimension of the state."""
        return self.network.input_dim

    @property
    def polynomials(self) -> None:
        """A network is no polynomial."""
        return None

    def at(self, point: Sequence[Any]) -> list[Interval]:
        """Value of f at a rational point (n,), exactly."""
        return [(v, v) for v in self.network.exact_values(point_of(point, self.dim))]

    def __call__(self, points: Any) -> np.ndarray:
        """Values of f in float64, without bounds: (..., n) to (..., n)."""
        return self.network(points)

    def describe(self) -> str:
        """The system on one line."""
        return repr(self.network)

    def __repr__(self) -> str:
        return f"Networked({self.network!r})"

    def as_json(self) -> dict[str, Any]:
        """The system for a certificate: the network by its hash."""
        return {"kind": "network", "dim": self.dim, "network": self.network.hash}


Dynamics = Smooth | Piecewise | Networked


def dynamics_of(given: Any, *, dim: int, inputs: int = 0, rest: Sequence[Any] = ()) -> Dynamics:
    """The dynamics that somebody states, in any of the usual ways, checked.

    Args:
        given: expressions (text, sympy, `Expression`; a list, or one text with `;` in between, each with or without
            `x1' =` before it), a matrix A (n, n + m),
            a pair (A, b) with b (n,) or (A, B) with B (n, m), modes [(A, b, H, h), ..] that say A x + b where H x <= h,
            a `Network` from the state to the state, or dynamics already read.
        dim: n, the dimension of the state.
        inputs: m, the number of inputs.
        rest: the inputs that hold the state at 0 (m,); zeros by default.

    Returns:
        `Smooth`, `Piecewise` or `Networked`.

    Raises:
        InputError: a dimension does not fit, f(0) is not 0, or a symbol, function or number is not known.

    Example:
        >>> dynamics_of("x2; -x1 - x2 - x1^3", dim=2)
        Smooth(x1 -> x2, x2 -> -x1 - x2 - x1^3)
        >>> dynamics_of([[0, 1], [-2, -3]], dim=2)
        Smooth(x1 -> x2, x2 -> -2*x1 - 3*x2)
    """
    dim = whole_number(dim, "dim")
    inputs = whole_number(inputs, "inputs", least=0)
    system = _read(given, dim, inputs, tuple(rest))
    if system.dim != dim:
        raise InputError(
            f"dynamics: the system has dimension {system.dim}, but {dim} is needed; take a domain of that dimension"
        )
    if system.inputs != inputs:
        raise InputError(f"dynamics: the system has {plural(system.inputs, 'input')}, but {inputs} are needed")
    return system


def from_json(data: Any, *, network: Network | None = None) -> Dynamics:
    """The dynamics that `as_json` wrote; a network's are completed by the `network` itself, checked by its hash.

    Raises:
        InputError: the data are not such a record, or the network is another one.
    """
    if not isinstance(data, Mapping) or data.get("kind") not in ("smooth", "piecewise", "network"):
        raise InputError(f"dynamics: expected a record of kind smooth, piecewise or network, got {shown(data)}")
    dim = whole_number(data.get("dim"), "dynamics: dim")
    if data["kind"] == "network":
        if network is None or network.hash != data.get("network"):
            raise InputError(f"dynamics: the network {shown(data.get('network'))} is needed; pass it as network=")
        return dynamics_of(Networked(network), dim=dim)
    if data["kind"] == "piecewise":
        keys = ("A", "b", "H", "h")
        modes = data.get("modes")
        if not isinstance(modes, Sequence) or not all(isinstance(m, Mapping) for m in modes):
            raise InputError(f"dynamics: expected a list of modes with A, b, H, h, got {shown(modes)}")
        return dynamics_of([tuple(_fractions(m.get(k)) for k in keys) for m in modes], dim=dim)
    trees = data.get("expressions")
    if not isinstance(trees, Sequence) or isinstance(trees, str):
        raise InputError(f"dynamics: expected a list of expressions, got {shown(trees)}")
    inputs = whole_number(data.get("inputs", 0), "dynamics: inputs", least=0)
    expressions = [Expression.from_tree(t) for t in trees]
    return dynamics_of(expressions, dim=dim, inputs=inputs, rest=_fractions(data.get("rest", [])))


def _read(given: Any, dim: int, inputs: int, rest: Vector) -> Dynamics:
    if isinstance(given, Smooth) and rest and rest != given.rest:
        return Smooth(given.expressions, given.dim, given.inputs, rest)
    if isinstance(given, Smooth | Piecewise | Networked):
        return given
    if isinstance(given, Network):
        return Networked(given)
    if hasattr(given, "free_symbols") and hasattr(given, "shape"):  # a sympy matrix: numbers, or a column of terms
        rows = given.tolist()
        given = rows if dim > 1 and len(rows[:1]) and len(rows[0]) > 1 else [v for row in rows for v in row]
    if isinstance(given, str):
        parts = [part for part in given.replace("\n", ";").split(";") if part.strip()]
        given = [_right_side(part, k + 1) for k, part in enumerate(parts)]
    elif callable(given) or not isinstance(given, Iterable) or isinstance(given, bytes | Mapping):
        hint = "a Python function cannot be proved about" if callable(given) else f"got {shown(given)}"
        raise InputError(f"dynamics: {hint}; {FORMS}")
    if isinstance(given, tuple) and len(given) == 2 and _axes(given[0]) == 2:
        return _pair(given[0], given[1], dim, inputs, rest)
    items = list(given)
    if items and all(isinstance(v, Mode) or _is_mode(v) for v in items):
        return Piecewise(tuple(Mode.of(v, dim, k + 1) for k, v in enumerate(items)), dim)
    if _axes(given) == 2:
        A = matrix(given, "dynamics: A", dim, dim + inputs)
        return Smooth(affine(A, (Fraction(0),) * dim, dim), dim, inputs, rest)
    check_names(items)
    return Smooth(tuple(expression_of(v, dim=dim, inputs=inputs) for v in items), dim, inputs, rest)


def _right_side(text: str, number: int) -> str:
    """What stands after `x1' =`, `dx1/dt =` or `x1+ =`, where that is written; equations come in order."""
    left, equals, right = text.partition("=")
    if not equals:
        return text
    name = re.fullmatch(r"\s*(?:x_?(\d{1,9})\s*['+]|dx_?(\d{1,9})\s*/\s*dt)\s*", left, re.ASCII)
    if not name or int(name[1] or name[2]) != number:
        raise InputError(f"dynamics: equation {number} must start with x{number}' = or x{number}+ =, got {shown(text)}")
    return right


def _pair(A: Any, b: Any, dim: int, inputs: int, rest: Vector) -> Smooth:
    """(A, b), or (A, B) with a matrix B for the inputs."""
    if _axes(b) == 2:
        left, right = matrix(A, "dynamics: A", dim, dim), matrix(b, "dynamics: B", dim, inputs)
        joined = tuple((*x, *u) for x, u in zip(left, right, strict=True))
        return Smooth(affine(joined, (Fraction(0),) * dim, dim), dim, inputs, rest)
    table = matrix(A, "dynamics: A", dim, dim + inputs)
    return Smooth(affine(table, vector(b, "dynamics: b", dim), dim), dim, inputs, rest)


def _is_mode(value: Any) -> bool:
    return isinstance(value, tuple | list) and len(value) == 4 and _axes(value[0]) == 2


def _axes(value: Any) -> int:
    """How deep numbers are nested: 0 a number, 1 a vector, 2 a matrix; -1 where there are none."""
    if hasattr(value, "ndim") and not hasattr(value, "free_symbols"):
        return int(value.ndim)
    if isinstance(value, list | tuple):
        inner = _axes(value[0]) if value else -1
        return -1 if inner < 0 else inner + 1
    symbolic = hasattr(value, "free_symbols") and not getattr(value, "is_Number", False)
    return -1 if symbolic or isinstance(value, str | Expression) else 0


def _check_zero(values: Sequence[Interval], inputs: int) -> None:
    where = "f(0, u) at rest" if inputs else "f(0)"
    if all(low == high == 0 for low, high in values):
        return
    for k, (low, high) in enumerate(values):
        if low > 0 or high < 0:
            text = str(low) if low == high and len(str(low)) < 30 else f"about {float(low):.6g}"
            raise InputError(
                f"dynamics: {where} must be 0, but its component {k + 1} is {text}; move the equilibrium to 0"
            )
    k = next(k for k, (low, high) in enumerate(values) if not low == high == 0)
    raise InputError(
        f"dynamics: whether component {k + 1} of {where} is 0 can be neither proved nor refuted; write it such that it "
        "cancels, like sin(x1 + 1) - sin(1)"
    )


def _fractions(value: Any) -> Any:
    """Nested lists of "p/q" as fractions."""
    if isinstance(value, list):
        return [_fractions(v) for v in value]
    try:
        return Fraction(value)
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise InputError(f"dynamics: expected a number 'p/q', got {shown(value)}") from error
