"""Exact constants: which of them are rational, decided by a normal form and never by their size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from .expression import Expression

# A monomial is a sorted tuple of (atom, power); a form maps monomials to rationals other than 0.  Atoms are ("pi",) and
# (function, argument), the argument a form as a sorted tuple; all powers of e in a monomial are one atom.
Monomial = tuple
Form = dict[Monomial, Fraction]

MOST_TERMS = 200
PI = ((("pi",), 1),)
HALF = Fraction(1, 2)


class _TooLargeError(Exception):
    """The normal form is given up; the constant is then not known to be rational."""


def exact_value(expression: Expression, point: Sequence[Fraction], *, dim: int) -> Fraction | None:
    """The value at a rational point (x, u) where the normal form shows that it is rational, None where it does not.

    Sums and products are expanded over pi, sin, cos, exp, tanh and reciprocals of normal forms, using that sin and tanh
    are odd, cos is even, exp turns sums into products, sin^2 + cos^2 = 1, and the values at multiples of pi/6 and pi/4.
    Two equal constants may still have different normal forms: None says nothing.

    Example:
        >>> from linregions.lyapunov.dynamics.parsing import parse
        >>> f = parse("sin(x1 + pi/3) - sin(pi/3)", dim=1)
        >>> exact_value(f, [Fraction(0)], dim=1), exact_value(f, [Fraction(1)], dim=1)
        (Fraction(0, 1), None)
    """
    known: dict[Expression, Form] = {}
    try:
        for e in expression.walk():
            known[e] = _form(e, known, point, dim)
            if len(known[e]) > MOST_TERMS:
                return None
    except _TooLargeError:
        return None
    form = known[expression]
    return form.get((), Fraction(0)) if set(form) <= {()} else None


def _form(e: Expression, known: Mapping[Expression, Form], point: Sequence[Fraction], dim: int) -> Form:
    args = [known[a] for a in e.args if isinstance(a, Expression)]
    if e.op == "number":
        return _constant(e.args[0])
    if e.op in ("x", "u"):
        return _constant(point[e.args[0] + (dim if e.op == "u" else 0)])
    if e.op == "pi":
        return {PI: Fraction(1)}
    if e.op == "+":
        return _sum(args)
    if e.op == "*":
        return _product(args)
    if e.op == "^":
        return _product([args[0]] * e.args[1])
    if e.op == "/":
        return _times(args[0], _inverse(args[1]))
    return {"sin": _sin, "cos": _cos, "exp": _exp, "tanh": _tanh}[e.op](args[0])


def _constant(value: Fraction) -> Form:
    return {(): value} if value else {}


def _sum(forms: Sequence[Form]) -> Form:
    out: Form = {}
    for form in forms:
        for m, c in form.items():
            out[m] = out.get(m, Fraction(0)) + c
    return {m: c for m, c in out.items() if c}


def _scaled(form: Form, factor: Fraction) -> Form:
    return {m: c * factor for m, c in form.items()}


def _product(forms: Sequence[Form]) -> Form:
    out = _constant(Fraction(1))
    for form in forms:
        out = _times(out, form)
    return out


def _times(a: Form, b: Form) -> Form:
    if len(a) * len(b) > MOST_TERMS**2:
        raise _TooLargeError
    parts = [_scaled(_merged(m, n), c * d) for m, c in a.items() for n, d in b.items()]
    out = _sum(parts)
    if len(out) > MOST_TERMS:
        raise _TooLargeError
    return out


def _merged(m: Monomial, n: Monomial) -> Form:
    """The product of two monomials, reduced."""
    powers: dict = {}
    exponent: Form = {}
    for atom, p in (*m, *n):
        if atom[0] == "exp":
            exponent = _sum([exponent, _scaled(dict(atom[1]), Fraction(p))])
        else:
            powers[atom] = powers.get(atom, 0) + p
    if exponent:
        powers[("exp", _key(exponent))] = 1
    for atom, p in powers.items():
        if p >= 2 and (square := _square(atom)) is not None:
            rest = _sorted({**powers, atom: p - 2})
            return _times({rest: Fraction(1)}, square)
    return {_sorted(powers): Fraction(1)}


def _square(atom: tuple) -> Form | None:
    """What the square of an atom is reduced to, None where it stays."""
    if atom[0] == "cos":
        return {(): Fraction(1), ((("sin", atom[1]), 2),): Fraction(-1)}
    if atom[0] == "sin" and len(atom[1]) == 1 and atom[1][0][0] == PI:
        value = {Fraction(1, 4): HALF, Fraction(1, 3): Fraction(3, 4)}.get(atom[1][0][1])
        return None if value is None else _constant(value)
    return None


def _sorted(powers: Mapping) -> Monomial:
    return tuple(sorted(((a, p) for a, p in powers.items() if p), key=repr))


def _key(form: Form) -> tuple:
    return tuple(sorted(form.items(), key=repr))


def _leads_negative(form: Form) -> bool:
    return bool(form) and _key(form)[0][1] < 0


def _exp(a: Form) -> Form:
    return {((("exp", _key(a)), 1),): Fraction(1)} if a else _constant(Fraction(1))


def _tanh(a: Form) -> Form:
    if not a:
        return {}
    sign = -1 if _leads_negative(a) else 1
    return {((("tanh", _key(_scaled(a, Fraction(sign)))), 1),): Fraction(sign)}


def _sin(a: Form) -> Form:
    return _wave(a, 0)


def _cos(a: Form) -> Form:
    return _wave(a, 1)


def _wave(a: Form, turns: int) -> Form:
    """sin(a + turns pi/2), its argument brought to a standard one."""
    rest = {m: c for m, c in a.items() if m != PI}
    angle = a.get(PI, Fraction(0))  # in units of pi
    sign = Fraction(1)
    if _leads_negative(rest):  # sin(b + t pi/2) = -sin(-b - t pi/2)
        rest, angle, turns, sign = _scaled(rest, Fraction(-1)), -angle, -turns, Fraction(-1)
    quarters = angle // HALF
    angle, turns = angle - quarters * HALF, (turns + quarters) % 4
    if turns >= 2:
        sign, turns = -sign, turns - 2
    if not rest:
        if turns:  # cos(b) = sin(pi/2 - b)
            angle = HALF - angle
        value = {Fraction(0): Fraction(0), Fraction(1, 6): HALF, HALF: Fraction(1)}.get(angle)
        if value is not None:
            return _constant(sign * value)
        return {((("sin", ((PI, angle),)), 1),): sign}
    full = _sum([rest, {PI: angle}])
    return {((("cos" if turns else "sin", _key(full)), 1),): sign}


def _inverse(a: Form) -> Form:
    """1 / a, where a is known not to be 0."""
    if not a:
        raise _TooLargeError
    if len(a) == 1:
        ((m, c),) = a.items()
        flipped = [(("exp", _key(_scaled(dict(t[1]), Fraction(-1)))), p) if t[0] == "exp" else (t, -p) for t, p in m]
        return {tuple(sorted(flipped, key=repr)): 1 / c}
    lead = _key(a)[0][1]
    return {((("/", _key(_scaled(a, 1 / lead))), 1),): 1 / lead}
