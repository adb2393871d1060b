"""Plain rational arithmetic: numbers of a file, determinants, networks, polynomials.  No float decides anything."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import reduce
from typing import Any

Poly = dict[tuple[int, ...], Any]  # {sorted numbers of the variables of a monomial: coefficient}
Row = list[int]


class CheckError(Exception):
    """What is wrong with a certificate, in one sentence."""


def need(condition: Any, sentence: str) -> None:
    """Reject the certificate with one sentence unless the condition holds."""
    if not condition:
        raise CheckError(sentence)


# Numbers and rows -----------------------------------------------------------------------------------------------------


def number(value: Any) -> Fraction:
    """A rational from "p/q", "p" or an integer; floats are refused."""
    need(isinstance(value, str | int) and not isinstance(value, bool), f"{value!r:.60} is no rational number")
    return Fraction(value)


def whole(value: Any, below: int, what: str) -> int:
    """An integer from 0 to `below` - 1."""
    need(type(value) is int and 0 <= value < below, f"{what} {value!r:.60} is out of range")
    return value


def table(rows: Any, width: int, what: str) -> list[list[Fraction]]:
    """Rows of rationals of one width."""
    good = isinstance(rows, list) and all(isinstance(r, list) and len(r) == width for r in rows)
    need(good, f"{what} must be rows of {width} numbers")
    return [[number(v) for v in r] for r in rows]


def integers(values: Iterable[Any]) -> Row:
    """The row [X.., w] of a rational point."""
    values = list(values)
    w = math.lcm(1, *(v.denominator for v in values))
    return [v.numerator * (w // v.denominator) for v in values] + [w]


def fractions(row: Row) -> list[Fraction]:
    """The rational point of a row."""
    return [Fraction(c, row[-1]) for c in row[:-1]]


def dot(a: Iterable[Any], b: Iterable[Any]) -> Any:
    """The sum of products."""
    return sum(x * y for x, y in zip(a, b, strict=True))


def eliminate(matrix: list[Row]) -> tuple[int, list[Row]]:
    """Determinant d of the square part, and the other columns times d times its inverse (fraction-free elimination)."""
    rows, size, previous, sign = list(matrix), len(matrix), 1, 1
    begin = 0 if len(rows[0]) > size else 1  # a determinant alone needs no substitution back
    for p in range(size):
        pivot = next((i for i in range(p, size) if rows[i][0]), None)
        if pivot is None:
            return 0, []
        if pivot != p:
            rows[p], rows[pivot], sign = rows[pivot], rows[p], -sign
        first, *top = rows[p]
        for i in range(begin * p, size):
            c, *rest = rows[i]
            if i != p and (c or first != previous):
                rest = [(first * a - c * b) // previous for a, b in zip(rest, top, strict=True)]
            rows[i] = rest
        previous = first
    return sign * previous, [[sign * v for v in r] for r in rows] if begin == 0 else []


def excluded(given: Any, n: int) -> Callable[[Row], bool]:
    """The closed convex set about which nothing is claimed, as a predicate of points in its first n coordinates."""
    if given is None:
        return lambda p: False
    need(isinstance(given, dict) and set(given) in ({"ball"}, {"rows"}), "the excluded set must be a ball or rows")
    if "ball" in given:
        radius = number(given["ball"])
        need(radius > 0, "the excluded ball needs a positive radius")
        return lambda p: sum(c * c for c in p[:n]) <= radius**2 * p[-1] ** 2
    rows = table(given["rows"], n + 1, "the excluded set")
    need(rows and all(r[-1] > 0 for r in rows), "the origin is not inside the excluded set")
    return lambda p: all(dot(row, [*p[:n], p[-1]]) >= 0 for row in rows)


# Networks: plain numbers, stage by stage ------------------------------------------------------------------------------


def network_hash(stages: list[dict[str, Any]]) -> str:
    """SHA-256 of a network's content."""
    digest = hashlib.sha256(b"linregions network 1\n")
    for s in stages:
        digest.update(f"{len(s['rows'])} {s['inputs']}\n".encode())
        for columns, values in s["rows"]:
            digest.update(struct.pack(f"<{len(columns)}q", *columns) + struct.pack(f"<{len(values)}d", *values))
        digest.update(struct.pack(f"<{len(s['bias'])}d", *(b + 0.0 for b in s["bias"])))
        if s["divisor"] is not None:
            digest.update(b"/" + struct.pack(f"<{len(s['divisor'])}d", *s["divisor"]))
        if s["groups"] is not None:
            digest.update(b"max" + struct.pack(f"<{len(s['groups'])}q", *s["groups"]))
        for breakpoints, slopes, value in s["units"]:
            digest.update(repr((breakpoints, slopes, value + 0.0)).encode())
    return digest.hexdigest()


def scaled(stages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The stages in integers: row . X + bias w over `scale` w is the input of a unit; activations over `gain`."""
    out = []
    for s in stages:
        rows, units = [], []
        for (columns, values), b, d in zip(s["rows"], s["bias"], s["divisor"] or [1.0] * len(s["rows"]), strict=True):
            rows.append((columns, [Fraction(v) / Fraction(d) for v in (*values, b)]))
        scale = math.lcm(1, *(v.denominator for _, values in rows for v in values))
        for ts, slopes, value in s["units"]:  # each piece is slope z + constant, equal at the breakpoints
            at = [Fraction(t) for t in ts]
            pieces = [(Fraction(slopes[0]), Fraction(value) - Fraction(slopes[0]) * (at[0] if at else 0))]
            for t, slope in zip(at, slopes[1:], strict=True):
                pieces.append((Fraction(slope), pieces[-1][1] + (pieces[-1][0] - Fraction(slope)) * t))
            units.append((at, pieces))
        gain = math.lcm(1, *(v.denominator for _, pieces in units for p in pieces for v in p))
        rows = [(columns, [int(v * scale) for v in values]) for columns, values in rows]
        units = [
            ([t.as_integer_ratio() for t in at], [(int(a * gain), int(c * gain)) for a, c in ps]) for at, ps in units
        ]
        out.append({"rows": rows, "scale": scale, "units": units, "gain": gain, "groups": s["groups"]})
    return out


Marks = list[tuple[int, dict[int, int]]]  # per stage: how many units, {piece: bit mask of the units that are in it}


def forward(stages: list[dict[str, Any]], point: Row) -> tuple[Row, Marks]:
    """The network at [X.., w], and the pieces of its units there: two at a breakpoint."""
    marks = []
    for s in stages:
        w = point[-1]
        z = [sum(v * point[c] for c, v in zip(cs, vs, strict=False)) + vs[-1] * w for cs, vs in s["rows"]]
        w *= s["scale"]
        out, mark = [], {}
        if s["groups"] is not None:
            for g, (a, b) in enumerate(zip(s["groups"], s["groups"][1:], strict=False)):
                out.append(max(z[a:b]))
                for k in range(b - a):
                    if z[a + k] == out[-1]:
                        mark[k] = mark.get(k, 0) | 1 << g
        else:
            for i, (v, (at, pieces)) in enumerate(zip(z, s["units"], strict=True)):
                low, high = sum(v * q > p * w for p, q in at), sum(v * q >= p * w for p, q in at)
                for k in range(low, high + 1):
                    mark[k] = mark.get(k, 0) | 1 << i
                out.append(pieces[low][0] * v + pieces[low][1] * w)
            w *= s["gain"]
        common = math.gcd(w, *out)
        point = [v // common for v in (*out, w)]
        marks.append((len(out), mark))
    return point, marks


def one_piece(corners: list[Marks]) -> bool:
    """Whether every unit has a piece that is common to all corners."""
    for stage in zip(*corners, strict=True):
        together = 0
        for k in stage[0][1]:
            together |= reduce(int.__and__, (mark.get(k, 0) for _, mark in stage))
        if together != (1 << stage[0][0]) - 1:
            return False
    return True


# Expressions and polynomials ------------------------------------------------------------------------------------------

ARGUMENTS = {"x": 1, "u": 1, "^": 2, "/": 2, "sin": 1, "cos": 1, "exp": 1, "tanh": 1, "pi": 0}


def add(a: Poly, b: Poly, factor: Any = 1) -> Poly:
    """The sum a + factor b."""
    out = dict(a)
    for e, c in b.items():
        out[e] = out[e] + factor * c if e in out else factor * c
    return {e: c for e, c in out.items() if c}


def times(a: Poly, b: Poly, order: int = 1 << 30) -> Poly:
    """The product a b, without the terms of more than `order` factors."""
    out: Poly = {}
    for e, c in a.items():
        for f, d in b.items():
            if len(e) + len(f) <= order:
                key = tuple(sorted(e + f))
                out[key] = out[key] + c * d if key in out else c * d
    return {e: c for e, c in out.items() if c}


def value_of(form: Poly, y: list[Fraction]) -> Fraction:
    """A polynomial at a point."""
    return sum((c * math.prod((y[k] for k in m), start=Fraction(1)) for m, c in form.items()), Fraction(0))


def parts_of(tree: Any) -> tuple[str, list[Any], int]:
    """Operation, operands and exponent (else 1) of "p/q" | ["x", k] | ["+", ..] | ["*", ..] | ["^", a, k] | .."""
    need(isinstance(tree, list) and tree and isinstance(tree[0], str), f"{tree!r:.60} is no expression")
    op, args, power = tree[0], tree[1:], Fraction(1)
    need(op in ("+", "*") or op in ARGUMENTS, f"the function {op!r:.60} is not known")
    need(len(args) == ARGUMENTS.get(op, len(args) or -1), f"{op!r} has {len(args)} arguments")
    if op == "^":
        args, power = args[:1], number(args[1])
        need(power.denominator == 1 and 0 <= power <= 64, f"the exponent {power} is no whole number from 0 to 64")
    return op, args, int(power)


def no_polynomial(op: str, forms: list[Poly]) -> Poly:
    """What `normal` does with other operations."""
    raise CheckError(f"{op!r} makes no polynomial")


def normal(tree: Any, variable: Callable[[str, Any], Poly], other: Callable = no_polynomial) -> Poly:
    """An expression as a polynomial, `variable` giving ["x", k] and ["u", k] and `other` what is not + * ^."""
    if not isinstance(tree, list):
        return {(): number(tree)} if number(tree) else {}
    op, args, power = parts_of(tree)
    if op in ("x", "u"):
        return variable(op, args[0])
    forms = [normal(a, variable, other) for a in args]
    if op == "+":
        return reduce(add, forms, {})
    return reduce(times, forms * power, {(): Fraction(1)}) if op in ("*", "^") else other(op, forms)


Form = dict[int, int]  # of a polynomial in mu_0, mu_1, ..: {sum of 256^j over the factors mu_j: coefficient}


def multiplied(form: Form, column: list[tuple[int, int]]) -> Form:
    """A form times sum_j v_j mu_j, given as pairs (256^j, v_j)."""
    out: Form = {}
    for key, c in form.items():
        for step, v in column:
            out[key + step] = out.get(key + step, 0) + c * v
    return out


def expanded(bounds: dict[tuple, tuple], rows: list[Row], degree: int) -> Form:
    """Upper bounds of the coefficients of a polynomial of x, made homogeneous with w > 0, as a form in mu.

    Its coefficients lie in `bounds`; going up the degrees, what is there is multiplied by w before more is added.
    """
    need(degree < 256, "the degree is beyond 255")
    known: dict[tuple, Form] = {(): {0: 1}}
    columns = [[(1 << 8 * j, v) for j, v in enumerate(column) if v] for column in zip(*rows, strict=True)]
    out: Form = {}
    for m in bounds:
        for k in range(1, len(m) + 1):
            if m[:k] not in known:
                known[m[:k]] = multiplied(known[m[: k - 1]], columns[m[k - 1]])
    for order in range(degree + 1):
        out = multiplied(out, columns[-1])
        for m, (low, high) in bounds.items():
            if len(m) == order:
                for key, c in known[m].items():
                    out[key] = out.get(key, 0) + c * (high if c > 0 else low)
    return out
