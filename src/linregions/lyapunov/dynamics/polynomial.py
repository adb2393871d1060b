"""Polynomials with rational coefficients, sparse and exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from ...errors import InputError
from .expression import MOST_NODES, Expression

Exponents = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Polynomial:
    """sum_a c_a y^a in `variables` variables: `terms` maps exponents (a_1, .., a_q) to rationals other than 0.

    Example:
        >>> p = Polynomial({(1, 0): Fraction(-1), (1, 2): Fraction(1, 3)}, 2)
        >>> p
        Polynomial(-y1 + 1/3*y1*y2^2)
        >>> p.derivative(1), p.evaluate([Fraction(3), Fraction(2)]), p.degree
        (Polynomial(2/3*y1*y2), Fraction(1, 1), 3)
    """

    terms: Mapping[Exponents, Fraction]
    variables: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "terms", {e: Fraction(c) for e, c in self.terms.items() if c})

    @classmethod
    def constant(cls, value: Fraction | int, variables: int) -> Polynomial:
        """A constant."""
        return cls({(0,) * variables: Fraction(value)}, variables)

    @classmethod
    def variable(cls, k: int, variables: int) -> Polynomial:
        """The variable y_{k+1}."""
        return cls({tuple(int(i == k) for i in range(variables)): Fraction(1)}, variables)

    @property
    def degree(self) -> int:
        """The largest total degree; 0 for the zero polynomial."""
        return max(map(sum, self.terms), default=0)

    def __eq__(self, other: object) -> bool:
        same = isinstance(other, Polynomial) and self.variables == other.variables
        return same and self.terms == other.terms  # type: ignore[union-attr]

    def __hash__(self) -> int:
        return hash((frozenset(self.terms.items()), self.variables))

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __add__(self, other: Polynomial | Fraction | int) -> Polynomial:
        out = dict(self.terms)
        for e, c in self._like(other).terms.items():
            out[e] = out.get(e, 0) + c
        return Polynomial(out, self.variables)

    __radd__ = __add__

    def __neg__(self) -> Polynomial:
        return Polynomial({e: -c for e, c in self.terms.items()}, self.variables)

    def __sub__(self, other: Polynomial | Fraction | int) -> Polynomial:
        return self + (-self._like(other))

    def __rsub__(self, other: Polynomial | Fraction | int) -> Polynomial:
        return -self + other

    def __mul__(self, other: Polynomial | Fraction | int) -> Polynomial:
        if not isinstance(other, Polynomial):
            return Polynomial({e: c * other for e, c in self.terms.items()}, self.variables)
        out: dict[Exponents, Fraction] = {}
        if len(self.terms) * len(other.terms) > 25 * MOST_NODES:
            raise InputError(f"polynomial: more than {25 * MOST_NODES} products of terms; split the system")
        for a, c in self.terms.items():
            for b, d in other.terms.items():
                e = tuple(map(int.__add__, a, b))
                out[e] = out.get(e, Fraction(0)) + c * d
            if len(out) > MOST_NODES:
                raise InputError(f"polynomial: more than {MOST_NODES} terms; simplify it or split the system")
        return Polynomial(out, self.variables)

    __rmul__ = __mul__

    def __pow__(self, exponent: int) -> Polynomial:
        out, square = Polynomial.constant(1, self.variables), self
        while exponent:
            if exponent & 1:
                out = out * square
            exponent >>= 1
            if exponent:
                square = square * square
        return out

    def derivative(self, k: int) -> Polynomial:
        """The partial derivative by y_{k+1}."""
        terms = {(*e[:k], e[k] - 1, *e[k + 1 :]): c * e[k] for e, c in self.terms.items() if e[k]}
        return Polynomial(terms, self.variables)

    def evaluate(self, point: Sequence[Fraction | int]) -> Fraction:
        """The exact value at a rational point (variables,)."""
        value = Fraction(0)
        for exponents, c in self.terms.items():
            for y, e in zip(point, exponents, strict=True):
                if e:
                    c *= Fraction(y) ** e
            value += c
        return value

    def substitute(self, values: Sequence[Polynomial]) -> Polynomial:
        """The polynomial of polynomials, all in the same variables."""
        q = values[0].variables
        out = Polynomial({}, q)
        for exponents, c in self.terms.items():
            term = Polynomial.constant(c, q)
            for p, e in zip(values, exponents, strict=True):
                if e:
                    term = term * p**e
            out = out + term
        return out

    def lifted(self, places: Sequence[int], variables: int) -> Polynomial:
        """The same polynomial among more variables: y_k becomes variable `places[k]` of `variables`."""
        terms: dict[Exponents, Fraction] = {}
        for exponents, c in self.terms.items():
            new = [0] * variables
            for k, e in zip(places, exponents, strict=True):
                new[k] += e
            terms[tuple(new)] = terms.get(tuple(new), Fraction(0)) + c
        return Polynomial(terms, variables)

    def __repr__(self) -> str:
        text = ""
        for exponents, c in sorted(self.terms.items(), key=lambda t: (sum(t[0]), [-e for e in t[0]])):
            word = "*".join(f"y{k + 1}" + (f"^{e}" if e > 1 else "") for k, e in enumerate(exponents) if e)
            size = "*".join(([] if word and abs(c) == 1 else [str(abs(c))]) + ([word] if word else []))
            sign = "-" if c < 0 else ""
            text += (f" {sign or '+'} " if text else sign) + size
        return f"Polynomial({text or '0'})"

    def _like(self, other: Polynomial | Fraction | int) -> Polynomial:
        return other if isinstance(other, Polynomial) else Polynomial.constant(other, self.variables)


def polynomial_of(expression: Expression, variables: int, *, dim: int | None = None) -> Polynomial | None:
    """The polynomial that an expression is, None where it is none.

    Args:
        expression: a term in x1..xn and u1..um.
        variables: q = n + m; y_k is x_k for k <= n, then come the inputs.
        dim: n; without it there are no inputs.

    Returns:
        A `Polynomial` in q variables.  What is no polynomial as it is written, such as a quotient that could be
        cancelled, gives None.

    Raises:
        InputError: it has more than 20,000 terms.

    Example:
        >>> from linregions.lyapunov.dynamics.parsing import parse
        >>> polynomial_of(parse("(x1 - x2)^2/2", dim=2), 2)
        Polynomial(1/2*y1^2 - y1*y2 + 1/2*y2^2)
        >>> polynomial_of(parse("sin(x1)", dim=2), 2) is None
        True
    """
    first = variables if dim is None else dim
    known: dict[Expression, Polynomial] = {}
    for e in expression.walk():
        args = [known[a] for a in e.args if isinstance(a, Expression)] if e.op in ("+", "*", "^", "/") else []
        if e.op == "number":
            known[e] = Polynomial.constant(e.args[0], variables)
        elif e.op in ("x", "u"):
            known[e] = Polynomial.variable(e.args[0] + (first if e.op == "u" else 0), variables)
        elif e.op == "^":
            known[e] = args[0] ** e.args[1]
        elif e.op == "+":
            known[e] = _sum(args, variables)
        elif e.op == "*":
            known[e] = _product(args)
        elif e.op == "/" and args[1].degree == 0 and args[1]:
            known[e] = args[0] * (1 / args[1].evaluate([Fraction(0)] * variables))
        else:
            return None
    return known[expression]


def _sum(parts: Sequence[Polynomial], variables: int) -> Polynomial:
    out: dict[Exponents, Fraction] = {}
    for p in parts:
        for e, c in p.terms.items():
            out[e] = out.get(e, Fraction(0)) + c
    return Polynomial(out, variables)


def _product(parts: Sequence[Polynomial]) -> Polynomial:
    out = parts[0]
    for p in parts[1:]:
        out = out * p
    return out
