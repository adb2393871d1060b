"""Reading expressions: from text by a small grammar, from sympy by the names of its classes; nothing is evaluated."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from ...checks import plural, shown, whole_number
from ...errors import InputError
from .expression import (
    FUNCTIONS,
    MOST_DEPTH,
    ONE,
    PI,
    ZERO,
    Expression,
    apply,
    negative,
    power,
    product,
    quotient,
    rational,
    total,
)

MOST_TEXT = 100_000
MOST_EXPONENT = 400  # of a decimal such as 1e-30
HALF = Expression.number(Fraction(1, 2))


def _tan(a: Expression) -> Expression:
    return quotient(apply("sin", a), apply("cos", a))


def _sinh(a: Expression) -> Expression:
    return product(HALF, total(apply("exp", a), negative(apply("exp", negative(a)))))


def _cosh(a: Expression) -> Expression:
    return product(HALF, total(apply("exp", a), apply("exp", negative(a))))


def _sigmoid(a: Expression) -> Expression:
    return total(product(HALF, apply("tanh", product(HALF, a))), HALF)


REWRITTEN: Mapping[str, Callable[[Expression], Expression]] = {
    "tan": _tan,
    "sinh": _sinh,
    "cosh": _cosh,
    "sigmoid": _sigmoid,
}
KNOWN = f"known functions are {', '.join([*FUNCTIONS, *REWRITTEN])}"
ROOTS = (
    "roots, real powers and logarithms of the state are not supported yet, so state the system by polynomials or "
    "fractions, or write a constant as its decimal"
)
ADVICE = {
    "abs": "give its pieces as modes (A, b, H, h)",
    "sign": "give its pieces as modes (A, b, H, h)",
    "max": "give its pieces as modes (A, b, H, h)",
    "min": "give its pieces as modes (A, b, H, h)",
    "relu": "give a Network or modes (A, b, H, h)",
    **dict.fromkeys(("sqrt", "log", "ln", "cbrt"), ROOTS),
    "piecewise": "give its pieces as modes (A, b, H, h), affine each",
    "i": "only real systems are verified, so write real and imaginary parts as states of their own",
    "j": "only real systems are verified, so write real and imaginary parts as states of their own",
    "e": "write exp(1)",
    "t": "only systems without explicit time are verified",
}

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<sign>\*\*|[-+*/^()]))", re.ASCII
)


def parse(text: str, *, dim: int, inputs: int = 0) -> Expression:
    """Read one expression.

    Numbers are exact decimals (0.1 is 1/10), `^` and `**` are powers with a whole exponent up to 64, `pi` is the
    number; sin, cos, exp, tanh are kept, tan, sinh, cosh, sigmoid are rewritten in them.  The state is x1..xn (x, y, z
    too where n <= 3), the inputs are u1..um (u where m = 1).

    Args:
        text: the expression; at most 100,000 characters.
        dim: n, the dimension of the state.
        inputs: m, the number of inputs.

    Raises:
        InputError: the text is not such an expression.

    Example:
        >>> parse("-x1 + 0.5*x2**3 - 9.81*sin(x1)", dim=2)
        Expression(-x1 + 1/2*x2^3 - 981/100*sin(x1))
        >>> parse("tan(x)", dim=1)
        Expression(sin(x1)/cos(x1))
    """
    dim = whole_number(dim, "dim")
    inputs = whole_number(inputs, "inputs", least=0)
    if not isinstance(text, str):
        raise InputError(f"expression: expected text, got {shown(text)}")
    if len(text) > MOST_TEXT:
        raise InputError(f"expression: {len(text)} characters are too many, the most are {MOST_TEXT}")
    return _Reader(text, variables(dim, inputs), f"x1..x{dim}" + (f", u1..u{inputs}" if inputs else "")).whole()


def variables(dim: int, inputs: int = 0) -> Callable[[str], Expression | None]:
    """Which state or input a name stands for, None where it is none of them."""

    def find(name: str) -> Expression | None:
        match = re.fullmatch(r"([xu])_?([1-9]\d{0,8})", name, re.ASCII)
        if match:
            kind, k = match[1], int(match[2]) - 1
            return Expression(kind, (k,)) if k < (dim if kind == "x" else inputs) else None
        if name == "u":
            return Expression.u(0) if inputs == 1 else None
        k = "xyz".find(name) if len(name) == 1 else -1
        return Expression.x(k) if 0 <= k < dim <= 3 else None

    return find


class _Reader:
    """Recursive descent.

    sum = term (+- term)*, term = signed (*/ signed)*, signed = [+-] signed | power, power = atom [^ signed].
    """

    def __init__(self, text: str, find: Callable[[str], Expression | None], known: str):
        self.text, self.find, self.known = text.strip(), find, known
        self.tokens = list(self._split())
        self.at = 0
        self.depth = 0

    def _split(self) -> Iterator[tuple[str, str]]:
        at, end = 0, len(self.text.rstrip())
        while at < end:
            match = _TOKEN.match(self.text, at)
            if not match:
                raise self.error(f"cannot be read from {shown(self.text[at:].strip()[:20])} on")
            yield match.lastgroup or "", match[match.lastgroup or 0]
            at = match.end()
        yield "end", ""

    def error(self, what: str) -> InputError:
        return InputError(f"expression {shown(self.text)}: {what}")

    def next(self, *signs: str) -> str:
        """Take the next token if it is one of these signs."""
        kind, word = self.tokens[self.at]
        if kind != "sign" or word not in signs:
            return ""
        self.at += 1
        return word

    def whole(self) -> Expression:
        e = self.sum()
        kind, word = self.tokens[self.at]
        if kind != "end":
            hint = "; write products with *" if kind in ("name", "number") or word == "(" else ""
            raise self.error(f"{word!r} is not expected there{hint}")
        return e

    def sum(self) -> Expression:
        terms = [self.term()]
        while sign := self.next("+", "-"):
            terms.append(self.term() if sign == "+" else negative(self.term()))
        return total(*terms) if len(terms) > 1 else terms[0]

    def term(self) -> Expression:
        e, factors = self.signed(), []
        while sign := self.next("*", "/"):
            if sign == "*":
                factors.append(self.signed())
            else:
                e, factors = quotient(product(e, *factors) if factors else e, self.signed()), []
        return product(e, *factors) if factors else e

    def signed(self) -> Expression:
        minus = False
        while sign := self.next("+", "-"):
            minus ^= sign == "-"
        e = self.power()
        return negative(e) if minus else e

    def power(self) -> Expression:
        base = self.atom()
        if not self.next("^", "**"):
            return base
        with _Nested(self):
            exponent = self.signed()
        if exponent.op != "number" or exponent.args[0].denominator != 1:
            raise self.error(f"the exponent {exponent} is no whole number; {ROOTS}")
        return power(base, int(exponent.args[0]))

    def atom(self) -> Expression:
        kind, word = self.tokens[self.at]
        self.at += kind != "end"
        if kind == "number":
            return Expression("number", (self.decimal(word),))
        if kind == "name":
            return self.call(word) if self.next("(") else self.name(word)
        if word == "(":
            return self.inside()
        raise self.error("it ends too early" if kind == "end" else f"{word!r} is not expected there")

    def inside(self) -> Expression:
        """What follows an opening bracket, up to the closing one."""
        with _Nested(self):
            e = self.sum()
        if not self.next(")"):
            raise self.error("a bracket is not closed")
        return e

    def call(self, name: str) -> Expression:
        if name in FUNCTIONS:
            return apply(name, self.inside())
        if name in REWRITTEN:
            return REWRITTEN[name](self.inside())
        raise self.error(f"unknown function {name!r}; {ADVICE.get(name.lower(), KNOWN)}")

    def name(self, name: str) -> Expression:
        e = PI if name == "pi" else self.find(name)
        if e is None:
            advice = ADVICE.get(name.lower()) or f"the variables here are {self.known}"
            raise self.error(f"unknown symbol {name!r}; {advice}")
        return e

    def decimal(self, word: str) -> Fraction:
        exponent = re.split("[eE]", word)[1] if re.search("[eE]", word) else "0"
        if len(word) > 1000 or len(exponent) > 6 or abs(int(exponent)) > MOST_EXPONENT:
            raise self.error(f"the number {shown(word)} has too many digits; scale the system")
        return Fraction(word)


class _Nested:
    """Counts how deep a reader is nested, which bounds its recursion."""

    def __init__(self, reader: _Reader):
        self.reader = reader

    def __enter__(self) -> None:
        self.reader.depth += 1
        if self.reader.depth > MOST_DEPTH:
            raise self.reader.error(f"brackets and powers are nested more than {MOST_DEPTH} deep")

    def __exit__(self, *_: object) -> None:
        self.reader.depth -= 1


def expression_of(given: Any, *, dim: int, inputs: int = 0) -> Expression:
    """An expression from whatever states one: text, a number, an `Expression`, a sympy expression.

    sympy is not imported: its objects are known by their class names.  Its floats are the binary numbers they store.

    Raises:
        InputError: it has symbols or functions that are not known.

    Example:
        >>> expression_of(0.5, dim=1), expression_of("x1*x2", dim=2)
        (Expression(1/2), Expression(x1*x2))
    """
    if isinstance(given, str):
        return parse(given, dim=dim, inputs=inputs)
    if isinstance(given, Expression):
        return _checked(given, dim, inputs)
    if hasattr(given, "free_symbols") and hasattr(given, "args"):
        return _from_sympy(given, variables(dim, inputs), MOST_DEPTH)
    return Expression("number", (rational(given, "expression"),))


def _checked(e: Expression, dim: int, inputs: int) -> Expression:
    for part in e.walk():
        most = {"x": dim, "u": inputs}.get(part.op)
        if most is not None and part.args[0] >= most:
            what = "state" if part.op == "x" else "input"
            raise InputError(f"expression: {part} is not known, the system has {plural(most, what)}")
    return e


def _from_sympy(given: Any, find: Callable[[str], Expression | None], depth: int) -> Expression:
    if depth < 1:
        raise InputError(f"expression: a sympy expression may be nested {MOST_DEPTH} deep at most")
    name = type(given).__name__
    if name in ("Symbol", "Dummy"):
        e = find(str(given.name))
        if e is None:
            raise InputError(
                f"expression: unknown symbol {given.name!r}; name the state x1, x2, .. and the inputs u1, .."
            )
        return e
    if name == "Pi":
        return PI
    if name == "Exp1":
        return apply("exp", ONE)
    if getattr(given, "is_Number", False):
        return Expression("number", (rational(given, "expression"),))
    if name == "Pow" and type(given.args[0]).__name__ != "Exp1":
        return _sympy_power(given, find, depth)
    if name == "Piecewise":
        raise InputError(f"expression: unknown function {name!r}; {ADVICE['piecewise']}")
    args = [_from_sympy(a, find, depth - 1) for a in given.args]
    if name == "Pow":
        return apply("exp", args[1])
    if name in ("Add", "Mul"):
        return total(*args) if name == "Add" else product(*args)
    if name in FUNCTIONS and len(args) == 1:
        return apply(name, args[0])
    if name in REWRITTEN and len(args) == 1:
        return REWRITTEN[name](args[0])
    if name == "ImaginaryUnit":
        raise InputError(f"expression: I is the imaginary unit; {ADVICE['i']}")
    raise InputError(f"expression: unknown function {name!r}; {ADVICE.get(name.lower(), KNOWN)}")


def _sympy_power(given: Any, find: Callable[[str], Expression | None], depth: int) -> Expression:
    exponent = given.args[1]
    whole = rational(exponent, "expression") if getattr(exponent, "is_Number", False) else Fraction(1, 2)
    if whole.denominator != 1:
        raise InputError(f"expression: the exponent of {shown(given)} is no whole number; {ROOTS}")
    return power(_from_sympy(given.args[0], find, depth - 1), int(whole))


def names_of(given: Any) -> set[str]:
    """The names in a text or in a sympy expression, as they are written there."""
    if isinstance(given, str):
        return set(re.findall(r"(?<![\w.])[A-Za-z_]\w*", given, re.ASCII))
    found = getattr(given, "free_symbols", None)
    return {str(s) for s in found} if isinstance(found, set | frozenset) else set()


def check_names(given: Iterable[Any]) -> None:
    """Refuse a system that names one variable in two ways, like x and x1: two variables may be meant.

    Raises:
        InputError: it does.
    """
    names = set().union(*map(names_of, given))
    for letter, own in (("x", "x"), ("y", "x"), ("z", "x"), ("u", "u")):
        if letter in names:
            other = sorted(name for name in names if re.fullmatch(rf"{own}_?[1-9]\d{{0,8}}", name, re.ASCII))
            if other:
                raise InputError(
                    f"dynamics: both {letter!r} and {other[0]!r} are variables of it; name all states x1, x2, .. and "
                    "all inputs u1, .."
                )


__all__ = ["ZERO", "check_names", "expression_of", "parse", "variables"]
