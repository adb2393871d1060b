"""Expressions: the right-hand sides of dynamics, kept exactly as they were written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from numbers import Rational
from typing import Any

from ...checks import shown
from ...errors import InputError

FUNCTIONS = ("sin", "cos", "exp", "tanh")

# Larger expressions are mistakes or attacks; these leave room for every system in the literature.
MOST_NODES = 20_000
MOST_DEPTH = 80
MOST_POWER = 64
MOST_BITS = 8192


def rational(value: Any, what: str) -> Fraction:
    """The rational that a number is: a float is the binary fraction that it stores.

    Takes int, float, Fraction, Decimal, numpy's scalars and sympy's numbers.

    Raises:
        InputError: `value` is no finite rational number.

    Example:
        >>> rational(0.5, "b"), rational(3, "b")
        (Fraction(1, 2), Fraction(3, 1))
    """
    try:
        if isinstance(value, bool | str | bytes):
            raise TypeError
        if hasattr(value, "p") and hasattr(value, "q"):  # sympy
            return Fraction(int(value.p), int(value.q))
        if isinstance(value, Rational):  # numpy's integers too, whose parts are numpy's
            return Fraction(int(value.numerator), int(value.denominator))
        if hasattr(value, "as_integer_ratio"):
            return Fraction(*(int(v) for v in value.as_integer_ratio()))
        if hasattr(value, "_mpf_"):
            sign, mantissa, exponent, _ = value._mpf_
            return Fraction(-int(mantissa) if sign else int(mantissa)) * Fraction(2) ** int(exponent)
    except (TypeError, ValueError, ArithmeticError):
        pass
    raise InputError(f"{what}: expected a finite number, got {shown(value)}")


@dataclass(frozen=True)
class Expression:
    """A term in x1..xn (the state) and u1..um (the inputs), as a tree.

    `op` and `args` are: "number" (a Fraction) · "x" or "u" (an index from 0) · "pi" () · "+" and "*" (two or more
    expressions) · "^" (an expression, an int >= 0) · "/" (two expressions) · "sin" "cos" "exp" "tanh" (an expression).

    Arithmetic on expressions collects numbers and flattens sums and products, nothing else.

    Example:
        >>> x, y = Expression.x(0), Expression.x(1)
        >>> print(-x + x * y**2 / 3)
        -x1 + 1/3*x1*x2^2
        >>> (x / y).tree()
        ['/', ['x', 0], ['x', 1]]
    """

    op: str
    args: tuple[Any, ...] = ()
    size: int = field(init=False, repr=False, compare=False)
    depth: int = field(init=False, repr=False, compare=False)
    degree: int = field(init=False, repr=False, compare=False)
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        children = [a for a in self.args if isinstance(a, Expression)]
        size = 1 + sum(a.size for a in children)
        depth = 1 + max((a.depth for a in children), default=0)
        if size > MOST_NODES or depth > MOST_DEPTH:
            raise InputError(
                f"expression: {size} parts nested {depth} deep are too many, the most are {MOST_NODES} "
                f"and {MOST_DEPTH}; simplify it or split the system"
            )
        degree = self._degree(children)
        if degree > MOST_POWER:
            raise InputError(f"expression: its degree is {degree}, the largest is {MOST_POWER}; simplify it")
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "degree", degree)
        object.__setattr__(self, "depth", depth)
        object.__setattr__(self, "_hash", hash((self.op, self.args)))

    def __hash__(self) -> int:
        return self._hash

    def _degree(self, children: list[Expression]) -> int:
        """How many factors multiply each other at most, which bounds the size of exact values."""
        if self.op in ("*", "/"):
            return sum(a.degree for a in children)
        if self.op == "^":
            return children[0].degree * self.args[1]
        if self.op == "+":
            return max((a.degree for a in children), default=0)
        return int(self.op != "number")

    @classmethod
    def number(cls, value: Any) -> Expression:
        """A rational constant."""
        return cls("number", (rational(value, "number"),))

    @classmethod
    def x(cls, k: int) -> Expression:
        """The state x_{k+1}."""
        return cls("x", (k,))

    @classmethod
    def u(cls, j: int) -> Expression:
        """The input u_{j+1}."""
        return cls("u", (j,))

    def __add__(self, other: Any) -> Expression:
        return total(self, _operand(other))

    def __radd__(self, other: Any) -> Expression:
        return total(_operand(other), self)

    def __sub__(self, other: Any) -> Expression:
        return total(self, negative(_operand(other)))

    def __rsub__(self, other: Any) -> Expression:
        return total(_operand(other), negative(self))

    def __mul__(self, other: Any) -> Expression:
        return product(self, _operand(other))

    def __rmul__(self, other: Any) -> Expression:
        return product(_operand(other), self)

    def __truediv__(self, other: Any) -> Expression:
        return quotient(self, _operand(other))

    def __rtruediv__(self, other: Any) -> Expression:
        return quotient(_operand(other), self)

    def __pow__(self, exponent: int) -> Expression:
        return power(self, exponent)

    def __neg__(self) -> Expression:
        return negative(self)

    def walk(self) -> Iterator[Expression]:
        """Every part once, each after the parts that it is made of, itself last."""
        done: set[Expression] = set()
        stack: list[tuple[Expression, bool]] = [(self, False)]
        while stack:
            e, ready = stack.pop()
            if e in done:
                continue
            if ready:
                done.add(e)
                yield e
            else:
                stack.append((e, True))
                stack.extend((a, False) for a in reversed(e.args) if isinstance(a, Expression))

    def substitute(self, leaf: Callable[[Expression], Expression]) -> Expression:
        """The expression with every "x" and "u" replaced by `leaf` of it."""
        new: dict[Expression, Expression] = {}
        for e in self.walk():
            new[e] = leaf(e) if e.op in "xu" else _rebuilt(e, [new[a] for a in e.args if isinstance(a, Expression)])
        return new[self]

    def tree(self) -> Any:
        """The expression as nested JSON lists; a number is a string "p/q"."""
        if self.op == "number":
            return str(self.args[0])
        if self.op == "^":
            return ["^", self.args[0].tree(), str(self.args[1])]
        return [self.op, *(a.tree() if isinstance(a, Expression) else a for a in self.args)]

    @classmethod
    def from_tree(cls, tree: Any) -> Expression:
        """The expression that `tree()` wrote, every part checked.

        Raises:
            InputError: it is not such a tree.
        """
        return _from_tree(tree, MOST_DEPTH)

    def __str__(self) -> str:
        return _infix(self)[0]

    def __repr__(self) -> str:
        return f"Expression({shown(str(self))[1:-1]})"


ZERO = Expression("number", (Fraction(0),))
ONE = Expression("number", (Fraction(1),))
PI = Expression("pi")


def total(*terms: Expression) -> Expression:
    """The sum, flat, its number last."""
    number, rest = Fraction(0), []
    for term in _flat("+", terms):
        if term.op == "number":
            number = _small(number + term.args[0])
        else:
            rest.append(term)
    if number or not rest:
        rest.append(Expression("number", (number,)))
    return rest[0] if len(rest) == 1 else Expression("+", tuple(rest))


def product(*factors: Expression) -> Expression:
    """The product, flat, its number first."""
    number, rest = Fraction(1), []
    for factor in _flat("*", factors):
        if factor.op == "number":
            number = _small(number * factor.args[0])
        else:
            rest.append(factor)
    if number == 0:
        return ZERO
    if number != 1 or not rest:
        rest.insert(0, Expression("number", (number,)))
    return rest[0] if len(rest) == 1 else Expression("*", tuple(rest))


def quotient(a: Expression, b: Expression) -> Expression:
    """The quotient; a number below the line becomes a factor."""
    if b.op == "number":
        if b.args[0] == 0:
            raise InputError(f"expression: {shown(str(a))[1:-1]} is divided by zero; correct the divisor")
        return product(Expression("number", (1 / b.args[0],)), a)
    return Expression("/", (a, b))


def negative(a: Expression) -> Expression:
    """The negative."""
    return product(Expression("number", (Fraction(-1),)), a)


def power(base: Expression, exponent: Any) -> Expression:
    """A power with a whole exponent; a negative one is a reciprocal."""
    if isinstance(exponent, bool) or not isinstance(exponent, int):
        raise InputError(
            f"expression: an exponent must be a whole number, got {shown(exponent)}; write exp(...) instead"
        )
    if abs(exponent) > MOST_POWER:
        raise InputError(f"expression: an exponent must be at most {MOST_POWER} in size, got {shown(exponent)}")
    if exponent < 0:
        return quotient(ONE, power(base, -exponent))
    if exponent < 2:
        return base if exponent else ONE
    if base.op == "number":
        _small(Fraction(1 << (exponent * max(map(int.bit_length, base.args[0].as_integer_ratio())))))
        return Expression("number", (base.args[0] ** exponent,))
    return Expression("^", (base, exponent))


def apply(name: str, a: Expression) -> Expression:
    """One of the functions sin, cos, exp, tanh of an expression.

    Quarter turns leave sin and cos, and values that are rational at 0 and at multiples of pi/6 become numbers, so that
    f(0) = 0 follows from the expression as it stands.

    >>> print(apply("sin", Expression.x(0) - PI), apply("cos", PI / 3), apply("exp", ZERO))
    -sin(x1) 1/2 1
    """
    if a == ZERO:
        return ZERO if name in ("sin", "tanh") else ONE
    if name not in ("sin", "cos"):
        return Expression(name, (a,))
    turn, rest = _turn(a)
    quarters = 2 * turn
    if turn and quarters.denominator == 1:
        phase = (int(quarters) + (name == "cos")) % 4
        turned = apply("cos" if phase % 2 else "sin", rest)
        return negative(turned) if phase > 1 else turned
    sixths = 6 * turn + (3 if name == "cos" else 0)
    if rest == ZERO and sixths.denominator == 1:
        sign = {1: 1, 5: 1, 7: -1, 11: -1}.get(int(sixths) % 12, 0)
        if sign:
            return Expression("number", (Fraction(sign, 2),))
    return Expression(name, (a,))


def _turn(a: Expression) -> tuple[Fraction, Expression]:
    """The multiple of pi in an argument, and the rest."""
    turn, rest = Fraction(0), []
    for term in a.args if a.op == "+" else (a,):
        if term == PI:
            turn += 1
        elif term.op == "*" and len(term.args) == 2 and term.args[0].op == "number" and term.args[1] == PI:
            turn += term.args[0].args[0]
        else:
            rest.append(term)
    return turn, total(*rest)


def _operand(value: Any) -> Expression:
    return value if isinstance(value, Expression) else Expression.number(value)


def _small(number: Fraction) -> Fraction:
    if max(map(int.bit_length, number.as_integer_ratio())) > MOST_BITS:
        raise InputError(f"expression: a number has more than {MOST_BITS} bits; scale the system")
    return number


def _flat(op: str, parts: tuple[Expression, ...]) -> list[Expression]:
    flat = [a for part in parts for a in (part.args if part.op == op else (part,))]
    if len(flat) > MOST_NODES:
        raise InputError(f"expression: a sum or product has more than {MOST_NODES} parts; simplify it")
    return flat


def _rebuilt(e: Expression, args: list[Expression]) -> Expression:
    """`e` with other arguments, numbers collected again."""
    if e.op in ("number", "pi"):
        return e
    if e.op == "^":
        return power(args[0], e.args[1])
    make = {"+": total, "*": product, "/": quotient}.get(e.op)
    return make(*args) if make else apply(e.op, args[0])


def _from_tree(tree: Any, depth: int) -> Expression:
    if depth < 1:
        raise InputError(f"expression: a tree may be nested {MOST_DEPTH} deep at most")
    if isinstance(tree, str):
        return Expression("number", (_number_of(tree),))
    if not isinstance(tree, list | tuple) or not tree or not isinstance(tree[0], str):
        raise InputError(f"expression: expected a tree like ['+', ['x', 0], '1/2'], got {shown(tree)}")
    op, args = tree[0], list(tree[1:])
    if op in ("x", "u"):
        if len(args) != 1 or type(args[0]) is not int or args[0] < 0:
            raise InputError(f"expression: [{op!r}, k] needs one index k >= 0, got {shown(tree)}")
        return Expression(op, (args[0],))
    if op == "^" and len(args) == 2:
        exponent = _number_of(args[1]) if isinstance(args[1], str) else args[1]
        if isinstance(exponent, bool) or exponent not in range(MOST_POWER + 1):
            raise InputError(f"expression: an exponent in a tree must be 0 to {MOST_POWER}, got {shown(args[1])}")
        return Expression("^", (_from_tree(args[0], depth - 1), int(exponent)))
    counts = {"pi": (0, 0), "+": (1, MOST_NODES), "*": (1, MOST_NODES), "/": (2, 2), **dict.fromkeys(FUNCTIONS, (1, 1))}
    least, most = counts.get(op, (1, 0))
    if not least <= len(args) <= most:
        raise InputError(f"expression: a tree has no part {op!r} with {len(args)} arguments, got {shown(tree)}")
    return Expression(op, tuple(_from_tree(a, depth - 1) for a in args))


def _number_of(text: str) -> Fraction:
    parts = text.lstrip("-").split("/")
    if len(text) > MOST_BITS or len(parts) > 2 or not all(p.isascii() and p.isdigit() for p in parts):
        raise InputError(f"expression: a number in a tree must be 'p' or 'p/q', got {shown(text)}")
    try:
        return _small(Fraction(text))
    except (ValueError, ZeroDivisionError) as error:
        raise InputError(f"expression: {shown(text)} is no rational number") from error


# How tightly a text binds: a sum, a product, a signed number or product, a power, an atom.
_SUM, _PRODUCT, _POWER, _ATOM = range(4)


def _infix(e: Expression) -> tuple[str, int]:
    """The expression as text that parses back, and how tightly it binds."""
    if e.op == "number":
        return _number_text(e.args[0])
    if e.op in ("x", "u"):
        return f"{e.op}{e.args[0] + 1}", _ATOM
    if e.op == "pi":
        return "pi", _ATOM
    if e.op == "^":
        return f"{_bracketed(e.args[0], _ATOM)}^{e.args[1]}", _POWER
    if e.op == "/":
        return f"{_bracketed(e.args[0], _POWER)}/{_bracketed(e.args[1], _POWER)}", _PRODUCT
    if e.op == "*":
        return _product_text(e.args), _PRODUCT
    if e.op != "+":
        return f"{e.op}({_infix(e.args[0])[0]})", _ATOM
    text = _bracketed(e.args[0], _PRODUCT)
    for term in e.args[1:]:
        word = _bracketed(term, _PRODUCT)
        text += f" - {word[1:]}" if word.startswith("-") else f" + {word}"
    return text, _SUM


def _number_text(value: Fraction) -> tuple[str, int]:
    return str(value), _ATOM if value >= 0 and value.denominator == 1 else _PRODUCT


def _product_text(factors: tuple[Expression, ...]) -> str:
    head, rest = factors[0], factors[1:]
    if head.op != "number":
        return "*".join(_bracketed(f, _POWER) for f in factors)
    if head.args[0] == -1 and rest:
        return "-" + _product_text(rest) if rest[0].op != "number" else "-1*" + _product_text(rest)
    return "*".join([str(head.args[0]), *(_bracketed(f, _POWER) for f in rest)])


def _bracketed(e: Expression, tight: int) -> str:
    text, binds = _infix(e)
    return text if binds >= tight else f"({text})"
