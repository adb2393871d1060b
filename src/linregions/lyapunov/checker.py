r"""Checks a Lyapunov certificate by itself: integers and fractions, no float decides, nothing shared with the prover.

Only the standard library is used, and `linregions.readers.read` (in the last function) to get the numbers of a network.
A point is a row of integers [X_1, .., X_q, w] with w > 0 that stands for X / w.  Why an accepted file is a proof:

* **Mesh.**  Let U be the union of the simplices; all lie in the convex D.  Were int D \ U not empty, take a segment in
  int D from inside a simplex to a point outside U that meets no face of dimension n - 2 and runs in no facet.  Where it
  leaves U for the first time it is inside a facet F of a simplex S.  F lies on no side of D, so a simplex on the other
  side of F shares F: the segment stays in U, a contradiction.  U is closed, so U = D.  How many simplices cover a point
  is constant off the facets (crossing F leaves one and enters one); it is 1 at a centroid, so interiors are disjoint
  and the mesh is face to face.  A fan is the same with the facets through 0, and covers the space by cones.
* **Network.**  If at the corners of a simplex the pre-activations of a unit lie in one closed piece, they do so on all
  of it, and the unit is affine there; layer by layer, so is the network, and its values at the corners say all.
* **Signs.**  y = sum mu_j Y_j makes a polynomial a form in mu >= 0.  Are its coefficients <= 0, it is <= 0 on the
  simplex; is moreover mu_j^d's coefficient < 0 for every corner but 0, it is zero at 0 only.  A tree of bisections
  splits a simplex where that does not settle it.  A smooth f is its Taylor polynomial at a point of a box that
  holds the simplex, plus terms of degree d + 1 whose coefficients lie in their range over that box.
* **Levels.**  V is affine on each simplex, so a component of {V <= c} is known by its corners: they are joined where
  they share a simplex.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import math
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

FORMAT = "linregions lyapunov certificate 1"
BITS = 128  # intervals have ends k / 2^128
Poly = dict[tuple[int, ...], Fraction]


class CheckError(Exception):
    """What is wrong with a certificate, in one sentence."""


@dataclass(frozen=True)
class Report:
    """What the checker says of a certificate: accepted or not, what it then proves in words, or why it was rejected."""

    accepted: bool
    claim: str
    statement: str
    reason: str = ""
    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"accepted: {self.statement}" if self.accepted else f"rejected: {self.reason}"

    def as_dict(self) -> dict[str, Any]:
        """The record as plain data."""
        return asdict(self)


def need(condition: Any, sentence: str) -> None:
    """Reject the certificate with one sentence unless the condition holds."""
    if not condition:
        raise CheckError(sentence)


def number(value: Any) -> Fraction:
    """A rational from "p/q", "p" or an integer; floats are refused."""
    need(isinstance(value, str | int) and not isinstance(value, bool), f"{value!r} is no rational number")
    return Fraction(value)


def whole(value: Any, below: int, what: str) -> int:
    """An integer from 0 to `below` - 1."""
    need(type(value) is int and 0 <= value < below, f"{what} {value!r} is out of range")
    return value


def integers(values: Iterable[Any]) -> list[int]:
    """The row [X.., w] of a rational point."""
    values = list(values)
    w = math.lcm(1, *(v.denominator for v in values))
    return [v.numerator * (w // v.denominator) for v in values] + [w]


# Networks ------------------------------------------------------------------------------------------------------------


def network_hash(stages: list[dict[str, Any]]) -> str:
    """SHA-256 of a network's content, from its plain numbers."""
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
    """The stages in integers: row_i . X + bias_i w over `scale` w is the pre-activation; activations over `gain`."""
    out = []
    for s in stages:
        divisors = s["divisor"] or [1.0] * len(s["rows"])
        rows, units = [], []
        for (columns, values), b, d in zip(s["rows"], s["bias"], divisors, strict=True):
            rows.append((columns, [Fraction(v) / Fraction(d) for v in (*values, b)]))
        scale = math.lcm(1, *(v.denominator for _, values in rows for v in values))
        rows = [(columns, [int(v * scale) for v in values]) for columns, values in rows]
        for ts, slopes, value in s["units"]:
            at = [Fraction(t) for t in ts]
            pieces = [(Fraction(slopes[0]), Fraction(value) - Fraction(slopes[0]) * (at[0] if at else 0))]
            for t, slope in zip(at, slopes[1:], strict=True):
                pieces.append((Fraction(slope), pieces[-1][1] + (pieces[-1][0] - Fraction(slope)) * t))
            units.append(([(t.numerator, t.denominator) for t in at], pieces))
        gain = math.lcm(1, *(v.denominator for _, pieces in units for p in pieces for v in p))
        units = [(at, [(int(a * gain), int(c * gain)) for a, c in pieces]) for at, pieces in units]
        out.append({"rows": rows, "scale": scale, "units": units, "gain": gain, "groups": s["groups"]})
    return out


def forward(stages: list[dict[str, Any]], point: list[int]) -> tuple[list[int], list[dict[int, int]]]:
    """The network at [X.., w], and per stage {piece: bit mask of the units of which it is a piece there}."""
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
                low = sum(v * q > p * w for p, q in at)
                high = sum(v * q >= p * w for p, q in at)
                for k in range(low, high + 1):
                    mark[k] = mark.get(k, 0) | 1 << i
                out.append(pieces[low][0] * v + pieces[low][1] * w)
            w *= s["gain"]
        common = math.gcd(w, *out)
        point = [v // common for v in (*out, w)]
        marks.append((len(out), mark))
    return point, marks


def one_piece(corners: list[list[tuple[int, dict[int, int]]]]) -> bool:
    """Whether every unit has a piece that is common to all corners."""
    for stage in zip(*corners, strict=True):
        together = 0
        for k in stage[0][1]:
            shared = -1
            for _, mark in stage:
                shared &= mark.get(k, 0)
            together |= shared
        if together != (1 << stage[0][0]) - 1:
            return False
    return True


# Expressions: "p/q" | ["pi"] | ["x", k] | ["u", k] | ["+", ..] | ["*", ..] | ["^", a, k] | ["/", a, b] | ["sin", a] ..
# A polynomial is {monomial: coefficient}, a monomial the sorted tuple of its factors: variables (their numbers, states
# first, then inputs) and, where the expression is no polynomial, atoms (strings such as "sin[..]").


def add(a: dict, b: dict, factor: Any = 1) -> dict:
    """The sum a + factor b."""
    out = dict(a)
    for e, c in b.items():
        out[e] = out[e] + factor * c if e in out else factor * c
    return {e: c for e, c in out.items() if c}


def times(a: dict, b: dict, order: int = 1 << 30) -> dict:
    """The product a b, without the terms of more than `order` factors."""
    out: dict = {}
    for e, c in a.items():
        for f, d in b.items():
            if len(e) + len(f) <= order:
                key = tuple(sorted(e + f, key=str))
                out[key] = out[key] + c * d if key in out else c * d
    return {e: c for e, c in out.items() if c}


def power(value: Any) -> int:
    """The exponent of ["^", a, k]."""
    k = number(value)
    need(k.denominator == 1 and 0 <= k <= 64, f"the exponent {value!r} is no whole number from 0 to 64")
    return int(k)


def parts_of(tree: Any) -> tuple[str, list[Any]]:
    """Operation and arguments; rejects what is no expression."""
    need(isinstance(tree, list) and tree and isinstance(tree[0], str), f"{tree!r:.60} is no expression")
    op, args = tree[0], tree[1:]
    sizes = {"pi": 0, "x": 1, "u": 1, "sin": 1, "cos": 1, "exp": 1, "tanh": 1, "^": 2, "/": 2}
    need(op in ("+", "*") or op in sizes, f"the function {op!r} is not known")
    need(len(args) == sizes.get(op, len(args)) and (args or op == "pi"), f"{op!r} has {len(args)} arguments")
    return op, args


def normal(tree: Any, variable: Callable[[str, Any], dict]) -> dict:
    """The normal form of an expression, `variable` giving that of ["x", k] and ["u", k]; equal atoms cancel."""
    if not isinstance(tree, list):
        return {(): number(tree)} if number(tree) else {}
    op, args = parts_of(tree)
    if op in ("x", "u"):
        return variable(op, args[0])
    forms = [normal(a, variable) for a in (args[:1] if op == "^" else args)]
    if op == "+":
        out: dict = {}
        for form in forms:
            out = add(out, form)
        return out
    if op in ("*", "^"):
        out = {(): Fraction(1)}
        for form in forms * power(args[1]) if op == "^" else forms:
            out = times(out, form)
        return out
    if op == "/":
        need(forms[1], "an expression divides by zero")
        if set(forms[1]) == {()}:
            return times(forms[0], {(): 1 / forms[1][()]})
        return times(forms[0], {(f"1/{sorted(forms[1].items(), key=str)}",): Fraction(1)})
    if op != "pi" and not forms[0]:
        return {} if op in ("sin", "tanh") else {(): Fraction(1)}
    return {(f"{op}{sorted(forms[0].items(), key=str) if forms else ''}",): Fraction(1)}


def infix(tree: Any) -> str:
    """An expression as one writes it."""
    if not isinstance(tree, list):
        return str(tree) if "/" not in str(tree) else f"({tree})"
    op, args = parts_of(tree)
    if op in ("x", "u"):
        return f"{op}{args[0] + 1}"
    texts = [infix(a) for a in args]
    return f"({f' {op} '.join(texts)})" if op in "+*^/" else op if op == "pi" else f"{op}({texts[0]})"


# Intervals [lo, hi] / 2^BITS, and Taylor series whose coefficients are intervals --------------------------------------


class Interval:
    """Two integers lo <= hi: the reals from lo / 2^BITS to hi / 2^BITS; every operation rounds outwards."""

    __slots__ = ("hi", "lo")

    def __init__(self, lo: int, hi: int):
        self.lo, self.hi = lo, hi

    @classmethod
    def of(cls, low: Fraction, high: Fraction) -> Interval:
        """The hull of two rationals."""
        return cls(math.floor(low * (1 << BITS)), math.ceil(high * (1 << BITS)))

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.lo + other.lo, self.hi + other.hi)

    def __sub__(self, other: Interval) -> Interval:
        return Interval(self.lo - other.hi, self.hi - other.lo)

    def __mul__(self, other: Interval) -> Interval:
        ends = (self.lo * other.lo, self.lo * other.hi, self.hi * other.lo, self.hi * other.hi)
        return Interval(min(ends) >> BITS, -(-max(ends) >> BITS))

    __rmul__ = __mul__

    def inverse(self) -> Interval:
        """1 / self."""
        need(self.lo > 0 or self.hi < 0, "an expression divides by an interval that holds zero; bisect further")
        return Interval((1 << 2 * BITS) // self.hi, -((-1 << 2 * BITS) // self.lo))

    def __bool__(self) -> bool:
        return bool(self.lo or self.hi)


ONE = Interval(1 << BITS, 1 << BITS)


def sums(x: Interval, halvings: int, terms: int = 40) -> tuple[Interval, Interval, Interval]:
    """exp, cos and sin of x / 2^halvings, |that| <= 1/2: 40 terms, and 2 |x|^40 / 40! < 2^-BITS bounds the rest."""
    step = Interval(x.lo >> halvings, -(-x.hi >> halvings))
    need(max(-step.lo, step.hi) <= 1 << (BITS - 1), "an argument is not reduced")
    term, totals = ONE, [Interval(-1, 1) for _ in range(4)]
    for k in range(terms):
        totals[k % 4] = totals[k % 4] + term
        term = term * step * Interval((1 << BITS) // (k + 1), -(-(1 << BITS) // (k + 1)))
    a, b, c, d = totals
    return a + b + c + d, a - c, b - d


def halvings_of(x: Interval) -> int:
    """How often x must be halved to be at most 1/2 in size."""
    need(max(-x.lo, x.hi) >> BITS <= 4096, "an argument of exp, sin, cos or tanh is beyond 4096")
    return max(0, max(-x.lo, x.hi).bit_length() + 2 - BITS)


def exp_at(t: int) -> Interval:
    """exp(t / 2^BITS)."""
    k = halvings_of(Interval(t, t))
    value = sums(Interval(t, t), k)[0]
    for _ in range(k):
        value = value * value
    return value


def sin_at(t: int) -> Interval:
    """sin(t / 2^BITS), by doubling the angle."""
    k = halvings_of(Interval(t, t))
    _, c, s = sums(Interval(t, t), k)
    for _ in range(k):
        c, s = c * c - s * s, (s + s) * c
    return Interval(max(s.lo, -ONE.hi), min(s.hi, ONE.hi))


def pi() -> Interval:
    """Pi by Machin's formula 16 atan(1/5) - 4 atan(1/239), alternating sums."""

    def atan(n: int) -> tuple[int, int]:
        total, k, scale = 0, 0, 1 << (BITS + 32)
        while (term := scale // ((2 * k + 1) * n ** (2 * k + 1))) > 0:
            total, k = total + (-1) ** k * term, k + 1
        return total - k - 1, total + k + 1  # every term was rounded by less than one unit

    (a, b), (c, d) = atan(5), atan(239)
    return Interval((16 * a - 4 * d) >> 32, -(-(16 * b - 4 * c) >> 32))


PI = pi()


def sin_over(x: Interval) -> Interval:
    """The range of sin over an interval: its ends, and the extrema pi (m + 1/2) that may lie in it."""
    a, b = sin_at(x.lo), sin_at(x.hi)
    low, high = min(a.lo, b.lo), max(a.hi, b.hi)
    for m in range(x.lo // PI.lo - 2, x.hi // PI.lo + 3):
        if (PI.lo if m >= 0 else PI.hi) * (2 * m + 1) <= 2 * x.hi and (PI.hi if m >= 0 else PI.lo) * (
            2 * m + 1
        ) >= 2 * x.lo:
            low, high = (low, ONE.hi) if m % 2 == 0 else (-ONE.hi, high)
    return Interval(low, high)


def coefficients(op: str, x: Interval, order: int) -> list[Interval]:
    """The Taylor coefficients up to `order` of a function at every point of x."""
    out: list[Interval] = []
    if op == "tanh":  # t' = 1 - t^2
        ends = [exp_at(2 * v) for v in (x.lo, x.hi)]
        low, high = ((e - ONE) * (e + ONE).inverse() for e in ends)
        out = [Interval(low.lo, high.hi)]
    quarter = Interval(PI.lo // 2, -(-PI.hi // 2))
    for k in range(len(out), order + 1):
        share = Interval.of(Fraction(1, k or 1), Fraction(1, k or 1))
        if op == "exp":
            out.append(out[-1] * share if k else Interval(exp_at(x.lo).lo, exp_at(x.hi).hi))
        elif op == "/":
            out.append(out[-1] * out[0] * Interval(-ONE.hi, -ONE.hi) if k else x.inverse())
        elif op == "tanh":
            square = Interval(0, 0)
            for i in range(k):
                square = square + out[i] * out[k - 1 - i]
            out.append(((ONE if k == 1 else Interval(0, 0)) - square) * share)
        else:  # the k-th derivative of sin is sin(x + k pi / 2)
            turned = x
            for _ in range(k % 4 + (op == "cos")):
                turned = turned + quarter
            whole_ = sin_over(turned)
            out.append(whole_ * Interval.of(*[Fraction(1, math.factorial(k))] * 2))
    return out


def series(tree: Any, at: list[Interval], n: int, order: int, rest: Sequence[Any] = ()) -> dict[Any, Interval]:
    """The Taylor coefficients up to `order` of an expression at every point of a box, {(i, j, ..): interval}.

    The expressions of `rest` are known to be 0 at the (single) point.
    """
    if any(tree is known for known in rest):
        return {m: c for m, c in series(tree, at, n, order).items() if m}
    if not isinstance(tree, list):
        value = number(tree)
        return {(): Interval.of(value, value)} if value else {}
    op, args = parts_of(tree)
    if op in ("x", "u"):
        k = args[0] + (n if op == "u" else 0)
        return {(): at[k], (k,): ONE} if order else {(): at[k]}
    if op == "pi":
        return {(): PI}
    forms = [series(a, at, n, order, rest) for a in (args[:1] if op == "^" else args)]
    if op == "+":
        total: dict[tuple[int, ...], Interval] = {}
        for form in forms:
            total = add(total, form, ONE)
        return total
    if op in ("*", "^"):
        total = {(): ONE}
        for form in forms * power(args[1]) if op == "^" else forms:
            total = times(total, form, order)
        return total
    inner_ = dict(forms[-1])
    outer = coefficients(op, inner_.pop((), Interval(0, 0)), order)
    total = {}
    for c in reversed(outer):  # Horner in the part without constant term
        total = add(times(total, inner_, order), {(): c}, ONE)
    return times(forms[0], total, order) if op == "/" else total


# Linear algebra, forms and trees --------------------------------------------------------------------------------------


def eliminate(matrix: list[list[int]]) -> tuple[int, list[list[int]]]:
    """Determinant d of the square part, and the other columns times d times its inverse (fraction-free elimination)."""
    rows, size, previous, sign = [list(r) for r in matrix], len(matrix), 1, 1
    for p in range(size):
        pivot = next((i for i in range(p, size) if rows[i][p]), None)
        if pivot is None:
            return 0, []
        if pivot != p:
            rows[p], rows[pivot], sign = rows[pivot], rows[p], -sign
        top = rows[p]
        for i in range(size):
            if i != p:
                rows[i] = [(top[p] * a - rows[i][p] * b) // previous for a, b in zip(rows[i], top, strict=True)]
        previous = top[p]
    return sign * previous, [[sign * v for v in r[size:]] for r in rows]


def expanded(monomials: Iterable[tuple[int, ...]], rows: list[list[int]], degree: int) -> dict[tuple, dict[int, int]]:
    """Each monomial of y, made homogeneous with w, as a form in mu: {sum of 256^j over factors mu_j: coefficient}."""
    known: dict[tuple, dict[int, int]] = {(): {0: 1}}

    def build(m: tuple[int, ...]) -> dict[int, int]:
        if m not in known:
            out: dict[int, int] = {}
            for key, c in build(m[:-1]).items():
                for j, row in enumerate(rows):
                    if row[m[-1]]:
                        out[key + (1 << 8 * j)] = out.get(key + (1 << 8 * j), 0) + c * row[m[-1]]
            known[m] = out
        return known[m]

    last = len(rows[0]) - 1
    return {m: build(tuple(sorted(m)) + (last,) * (degree - len(m))) for m in monomials}


@dataclass(frozen=True)
class Functions:
    """F_1, .., F_K in the coordinates y of a lifted corner: as polynomials where they are, else as expressions."""

    polynomials: list[Poly] | None
    trees: list[Any]
    states: int
    degree: int
    rest: Sequence[Any] = ()  # parts of the expressions that are known to be 0 at the origin

    def form(self, rows: list[list[int]], weights: list[Fraction]) -> tuple[dict[int, int], int]:
        """Upper bounds (exact for polynomials) of the coefficients of sum_k w_k F_k in mu, and the degree."""
        if self.polynomials is not None:
            total: Poly = {}
            for w, p in zip(weights, self.polynomials, strict=True):
                total = add(total, p, w)
            degree = max(map(len, total), default=0)
            scale = math.lcm(1, *(c.denominator for c in total.values()))
            bounds = {m: (int(c * scale),) * 2 for m, c in total.items()}
        else:
            rows, bounds = self.taylor(rows, weights)
            degree = self.degree + 1
        out: dict[int, int] = {}
        for m, form in expanded(bounds, rows, degree).items():
            low, high = bounds[m]
            for key, c in form.items():
                out[key] = out.get(key, 0) + c * (high if c > 0 else low)
        return out, degree

    def taylor(self, rows: list[list[int]], weights: list[Fraction]) -> tuple[list[list[int]], dict]:
        """Corners relative to the base point, and the bounds of the coefficients of the Taylor model there."""
        zero = next((r for r in rows if not any(r[: self.states])), None)
        base = zero or integers(sum(Fraction(r[i], r[-1]) for r in rows) / len(rows) for i in range(len(rows[0]) - 1))
        ends = [sorted(Fraction(r[i], r[-1]) for r in rows) for i in range(len(base) - 1)]
        box = [Interval.of(e[0], e[-1]) for e in ends]
        point = [Interval.of(*[Fraction(v, base[-1])] * 2) for v in base[:-1]]
        total: dict = {}
        for at, order in ((point, self.degree), (box, self.degree + 1)):
            for w, tree in zip(weights, self.trees, strict=True):
                known = self.rest if zero and at is point else ()
                terms = series(tree, at, self.states, order, known) if w else {}
                terms = {m: c for m, c in terms.items() if at is point or len(m) == order}
                total = add(total, terms, Interval.of(w, w))
        moved = [[a * base[-1] - r[-1] * b for a, b in zip(r[:-1], base, strict=False)] for r in rows]
        moved = [[*m, r[-1] * base[-1]] for m, r in zip(moved, rows, strict=True)]
        return moved, {m: (c.lo, c.hi) for m, c in total.items()}

    def zeros(self, rows: list[list[int]], weights: list[Fraction]) -> list[list[int]] | None:
        """Where besides 0 sum_k w_k F_k may be 0 on a simplex on which it is proved <= 0: the hull of these corners.

        None where a coefficient is positive.  A face of zeros has zero coefficients only, those of its corners too.
        """
        form, degree = self.form(rows, weights)
        if any(c > 0 for c in form.values()):
            return None
        found = [r for j, r in enumerate(rows) if form.get(degree << 8 * j, 0) == 0]
        return found if any(any(r[: self.states]) for r in found) else []


def leaves(tree: Any, rows: list[list[int]]) -> Iterator[tuple[list[list[int]], bool]]:
    """The parts (corners, claimed) of a simplex, from its tree of bisections.

    A node is 0: a part, 1: a part about which nothing is claimed, [i, j, left, right]: a cut at the midpoint of corners
    i and j, which replaces j on the left and i on the right.
    """
    if not isinstance(tree, list):
        need(type(tree) is int and tree in (0, 1), f"{tree!r:.40} is no leaf of a tree")
        yield rows, tree == 0
        return
    need(len(tree) == 4, f"a node of a tree has {len(tree)} entries, not 4")
    i, j = (whole(v, len(rows), "a tree's corner") for v in tree[:2])
    need(i != j, "a tree cuts an edge from a corner to itself")
    a, b = rows[i], rows[j]
    g = math.gcd(a[-1], b[-1])
    middle = [p * (b[-1] // g) + q * (a[-1] // g) for p, q in zip(a, b, strict=True)]
    middle[-1] = 2 * a[-1] * (b[-1] // g)
    g = math.gcd(*middle)
    middle = [v // g for v in middle]
    for k, sub in ((j, tree[2]), (i, tree[3])):
        yield from leaves(sub, [middle if r == k else row for r, row in enumerate(rows)])


# The certificate ------------------------------------------------------------------------------------------------------

KEYS = {"format", "network", "candidate", "controller", "time", "dynamics", "shift", "domain", "exclude", "claim"}
KEYS |= {"mesh", "vertices", "simplices", "degree", "proofs", "levels", "composite", "witness"}
PARTIAL = ("sublevel", "ultimate", "composite")  # claims for which some parts of the domain may stay open
CLAIMS = ("strict", "outside", *PARTIAL, "marginal", "refuted")


def table(rows: Any, width: int, what: str) -> list[list[Fraction]]:
    """Rows of rationals of one width."""
    need(isinstance(rows, list), f"{what} is no list of rows")
    need(all(isinstance(r, list) and len(r) == width for r in rows), f"{what} needs rows of {width} numbers")
    return [[number(v) for v in r] for r in rows]


def value_at(row: list[Fraction], point: list[int]) -> Fraction:
    """a.x + c, times the point's w > 0."""
    return sum(a * x for a, x in zip(row, point, strict=True))  # type: ignore[return-value]


class Mesh:
    """Corners, simplices, and what was recomputed of them: values of V, lifted coordinates, slopes."""

    def __init__(self, data: dict[str, Any], n: int, domain: list[list[Fraction]]):
        self.n, self.fan, self.domain = n, data["mesh"] == "fan", domain
        need(data["mesh"] in ("domain", "fan"), f"the mesh {data['mesh']!r} is neither 'domain' nor 'fan'")
        self.points = []
        for v in data["vertices"]:
            need(isinstance(v, list) and len(v) == n + 1, f"a vertex needs {n + 1} whole numbers")
            row = [number(c) for c in v]
            need(all(c.denominator == 1 for c in row) and row[-1] > 0, f"{v!r:.60} is no vertex X / w with w > 0")
            self.points.append([int(c) for c in row])
        zeros = [v for v, p in enumerate(self.points) if not any(p[:-1])]
        need(len(zeros) < 2, "the origin is there twice")
        self.origin = zeros[0] if zeros else -1
        self.simplices = []
        for s in data["simplices"]:
            need(isinstance(s, list) and len(s) == n + 1, f"a simplex needs {n + 1} corners")
            self.simplices.append([whole(v, len(self.points), "a corner") for v in s])
            need(len(set(s)) == n + 1, "a simplex has a corner twice")
            need(eliminate([self.points[v] for v in s])[0], f"the simplex {s} is flat")
        need(self.simplices, "there is no simplex")

    def cover(self) -> None:
        """The simplices fill the domain (the cones fill the space) once."""
        on = [[value_at(row, p) for row in self.domain] for p in self.points]
        if self.fan:
            need(self.origin >= 0 and all(self.origin in s for s in self.simplices), "a cone does not start at 0")
        else:
            need(all(v >= 0 for values in on for v in values), "a vertex lies outside the domain")
        sides: dict[tuple[int, ...], list[int]] = {}
        for s in self.simplices:
            order = sorted(s)
            sign = 1 if eliminate([self.points[v] for v in order])[0] > 0 else -1
            for k in range(self.n + 1):
                facet = (*order[:k], *order[k + 1 :])
                side = any(all(on[v][row] == 0 for v in facet) for row in range(len(self.domain)))
                if (self.origin in facet) if self.fan else not side:
                    sides.setdefault(facet, []).append(sign * (-1) ** k)
        for facet, found in sides.items():
            need(sorted(found) == [-1, 1], f"the facet {list(facet)} is not shared by two simplices on its two sides")
        centre = [
            sum(Fraction(self.points[v][i], self.points[v][-1]) for v in self.simplices[0]) for i in range(self.n)
        ]
        row = integers(c / (self.n + 1) for c in centre)
        held = sum(self.holds(s, row, cone=self.fan) for s in self.simplices)
        need(held == 1, "the simplices overlap")

    def along(self, m: list[Fraction], v: int) -> Fraction:
        """m.x at a vertex."""
        return value_at([*m, Fraction(0)], self.points[v]) / self.points[v][-1]

    def holds(self, s: list[int], point: list[int], cone: bool = False) -> bool:
        """Whether a simplex (or the cone from 0 over it) contains a point, its boundary included."""
        rows = [self.points[v] for v in s]
        det, shares = eliminate([[r[i] for r in rows] + [point[i]] for i in range(self.n + 1)])
        return all(c[0] * det >= 0 for v, c in zip(s, shares, strict=True) if not (cone and v == self.origin))


class Case:
    """One certificate against its models: the parts that every claim shares."""

    def __init__(self, data: dict[str, Any], nets: dict[str, Any]):
        self.data, self.claim, self.discrete = data, data["claim"], data["time"] == "discrete"
        need(data["time"] in ("continuous", "discrete"), f"the time {data['time']!r} is not known")
        rows = data["domain"]
        need(isinstance(rows, list) and rows and isinstance(rows[0], list) and len(rows[0]) > 1, "there is no domain")
        self.n = n = len(rows[0]) - 1
        self.domain = table(rows, n + 1, "the domain")
        need(all(r[-1] > 0 for r in self.domain), "the origin is not strictly inside the domain")
        self.nets: dict[str, Any] = {key: None if net is None else scaled(net) for key, net in nets.items()}
        need((data["network"] is None) != (data["candidate"] is None), "V must be a network or a polynomial, not both")
        for key, hashed in (("network", data["network"]), ("controller", data["controller"])):
            need(
                (hashed is None) == (nets[key] is None), f"the certificate has {'no' if hashed is None else 'a'} {key}"
            )
            need(hashed is None or hashed == network_hash(nets[key]), f"the {key} is another one: its hash differs")
            need(hashed is None or nets[key][0]["inputs"] == n, f"the {key} does not take {n} inputs")
        self.shift = number(data["shift"])
        self.exclude = self.read_exclude(data["exclude"])
        self.inputs = 0 if nets["controller"] is None else len(forward(self.nets["controller"], [0] * n + [1])[0]) - 1
        self.read_dynamics(data["dynamics"], nets)
        zero = [0] * n + [1]
        if self.nets["network"]:
            value, _ = forward(self.nets["network"], zero)
            need(len(value) == 2, "V must have one output")
            need(Fraction(value[0], value[1]) == self.shift, "V(0) is not the shift")
        else:
            self.V = self.polynomial(data["candidate"], n)
            need(self.V.get((), 0) == self.shift, "V(0) is not the shift")
            self.V = add(self.V, {(): self.shift}, -1)
        self.cache: dict[int, tuple] = {}
        self.whole: Functions | None = None
        self.degree = data["degree"]
        need(type(self.degree) is int and 1 <= self.degree <= 12, "the Taylor degree must be from 1 to 12")

    def polynomial(self, tree: Any, variables: int) -> Poly:
        """A tree that must be a polynomial."""
        form = normal(tree, self.variable)
        need(all(isinstance(k, int) and k < variables for m in form for k in m), "V is no polynomial in x")
        return form

    def variable(self, op: str, k: Any) -> Poly:
        """["x", k] and ["u", k]; the inputs come after the states."""
        k = whole(k, self.n if op == "x" else self.inputs, f"the variable {op}")
        return {(k if op == "x" else self.n + k,): Fraction(1)}

    def read_exclude(self, given: Any) -> Callable[[list[int]], bool] | None:
        """The closed convex set about which nothing is claimed, as a predicate of points."""
        if given is None:
            return None
        need(isinstance(given, dict) and set(given) in ({"ball"}, {"rows"}), "the excluded set must be a ball or rows")
        if "ball" in given:
            square = number(given["ball"]) ** 2
            need(number(given["ball"]) > 0, "the excluded ball needs a positive radius")
            return lambda p: sum(c * c for c in p[: self.n]) <= square * p[-1] ** 2
        rows = table(given["rows"], self.n + 1, "the excluded set")
        need(rows and all(r[-1] > 0 for r in rows), "the origin is not inside the excluded set")
        return lambda p: all(value_at(row, [*p[: self.n], p[-1]]) >= 0 for row in rows)

    def excluded(self, point: list[int]) -> bool:
        """Whether a point is in the excluded set, outside of which the claim holds."""
        return self.exclude is not None and self.exclude(point)

    def read_dynamics(self, given: Any, nets: dict[str, Any]) -> None:
        """Dynamics: expressions, modes {x : H x <= h} with x' = A x + b, or a network; f(0) = 0 exactly."""
        need(isinstance(given, dict), "the dynamics are no record")
        self.kind, n, zero = given.get("kind"), self.n, [0] * self.n + [1]
        need((self.kind == "network") == (nets["dynamics"] is not None), "dynamics as a network need that network")
        if self.kind == "smooth":
            self.f = given["expressions"]
            need(set(given) - {"rest"} == {"kind", "dim", "inputs", "expressions"}, "the dynamics have unknown entries")
            need(given["inputs"] == self.inputs, "the dynamics and the controller have different inputs")
            need(isinstance(self.f, list) and len(self.f) == given["dim"] == n, f"the dynamics need {n} components")
            u = forward(self.nets["controller"], zero)[0] if self.inputs else [1]
            held = table([given.get("rest", ["0"] * self.inputs)], self.inputs, "the inputs at rest")[0]
            need(held == [Fraction(c, u[-1]) for c in u[:-1]], "the controller has other inputs at 0")
            at = [Fraction(0)] * n + [Fraction(c, u[-1]) for c in u[:-1]]

            def constant(op: str, k: Any) -> Poly:
                ((place,),) = self.variable(op, k)
                return {(): at[place]} if at[place] else {}

            need(not any(normal(tree, constant) for tree in self.f), "f(0) = 0 does not follow from the expressions")
            forms = [normal(tree, self.variable) for tree in self.f]
            exact = all(isinstance(k, int) for form in forms for m in form for k in m)
            self.poly = forms if exact else None
            self.text = "; ".join(infix(tree) for tree in self.f)
        elif self.kind == "piecewise":
            need(set(given) == {"kind", "dim", "modes"} and not self.inputs, "the dynamics have unknown entries")
            need(given["dim"] == n, f"the dynamics need dimension {n}")
            self.modes = []
            for mode in given["modes"]:
                need(set(mode) == {"A", "b", "H", "h"}, "a mode needs A, b, H, h")
                A, H = table(mode["A"], n, "A"), table(mode["H"], n, "H")
                b, h = (table([mode[k]], size, k)[0] for k, size in (("b", n), ("h", len(H))))
                need(len(A) == n, "A is not square")
                need(any(c < 0 for c in h) or not any(b), "a mode at the origin has b != 0")
                self.modes.append(
                    ([[*r, c] for r, c in zip(A, b, strict=True)], [[*r, -c] for r, c in zip(H, h, strict=True)])
                )
            self.text = f"{len(self.modes)} affine modes {json.dumps(given['modes'])}"
        else:
            known = self.kind == "network" and set(given) == {"kind", "dim", "network"} and given["dim"] == n
            need(known, f"the dynamics {self.kind!r} are not known")
            need(given["network"] == network_hash(nets["dynamics"]), "the network of the dynamics is another one")
            need(
                nets["dynamics"][0]["inputs"] == n and not self.inputs,
                f"the dynamics' network does not take {n} inputs",
            )
            image, _ = forward(self.nets["dynamics"], zero)
            need(len(image) == n + 1 and not any(image[:-1]), "f(0) is not 0")
            self.text = f"the network {given['network'][:12]}"

    # Lifting: what is affine on a simplex is known by its corners

    def at(self, p: list[int]) -> tuple[Fraction, list[Fraction], list[Fraction], list[list]]:
        """V - shift, u, f (where it is affine), and the pieces of every network; in discrete time f ends with V(f)."""
        marks, u, f = [], [], []
        V = self.value(p, marks)
        if self.inputs:
            u = self.run("controller", p, marks)
        if self.kind == "network":
            f = self.run("dynamics", p, marks)
        elif self.kind == "smooth" and self.poly and all(len(m) <= 1 for form in self.poly for m in form):
            y = [Fraction(c, p[-1]) for c in p[:-1]] + u
            f = [sum((c * (y[m[0]] if m else 1) for m, c in form.items()), Fraction(0)) for form in self.poly]
        if self.discrete and self.nets["network"] and f:
            f = [*f, self.value(integers(f), marks)]
        return V, u, f, marks

    def run(self, key: str, p: list[int], marks: list) -> list[Fraction]:
        """One of the networks at a point; its pieces there go to `marks`."""
        value, mark = forward(self.nets[key], p)
        marks.append(mark)
        return [Fraction(c, value[-1]) for c in value[:-1]]

    def value(self, p: list[int], marks: list) -> Fraction:
        """V - shift at a point."""
        if self.nets["network"]:
            return self.run("network", p, marks)[0] - self.shift
        total = Fraction(0)
        for m, c in self.V.items():
            total += c * math.prod((Fraction(p[k], p[-1]) for k in m), start=Fraction(1))
        return total

    def lift(self, mesh: Mesh, s: int) -> tuple[list[Fraction], list[list[Fraction]], list[list[Fraction]]]:
        """V, u and f at the corners of a simplex, after checking that every unit has one piece on it."""
        for v in mesh.simplices[s]:
            if v not in self.cache:
                self.cache[v] = self.at(mesh.points[v])
        corners = [self.cache[v] for v in mesh.simplices[s]]
        for marks in zip(*(c[3] for c in corners), strict=True):
            need(one_piece(list(marks)), f"simplex {s} is cut by a unit: a network is not affine on it")
        return [c[0] for c in corners], [c[1] for c in corners], [c[2] for c in corners]

    def slope(self, mesh: Mesh, s: int, values: list[Fraction]) -> list[Fraction]:
        """The slope and the offset of what is affine on a simplex and has these values at its corners."""
        rows = [mesh.points[v] for v in mesh.simplices[s]]
        scale = math.lcm(*(v.denominator for v in values))
        det, solved = eliminate([[*r, int(v * scale) * r[-1]] for r, v in zip(rows, values, strict=True)])
        return [Fraction(c[0], det * scale) for c in solved]

    # What must be negative

    def decrease(self, mesh: Mesh, s: int) -> Iterator[tuple[int, list[list[int]], list[Fraction], Functions]]:
        """The decrease on simplex s: (mode, corners, weights, functions) with sum_k w_k F_k < 0 on their hull."""
        n, (V, u, f) = self.n, self.lift(mesh, s)
        points = [mesh.points[v] for v in mesh.simplices[s]]
        if self.kind == "piecewise":
            yield from self.decrease_in_modes(mesh, s, points, V)
            return
        if self.nets["network"] and self.discrete:
            need(f[0], "V is piecewise linear and f is not affine on the simplices: this needs another certificate")
            rows = [lifted(p, [image[-1] - value]) for p, image, value in zip(points, f, V, strict=True)]
            yield 0, rows, [Fraction(1)], single(n)
        elif self.nets["network"]:
            g = self.slope(mesh, s, V)[:n]
            if self.kind == "network":
                rows = [
                    lifted(p, [sum(a * b for a, b in zip(g, image, strict=True))])
                    for p, image in zip(points, f, strict=True)
                ]
                yield 0, rows, [Fraction(1)], single(n)
            else:
                rows = [lifted(p, inputs) for p, inputs in zip(points, u, strict=True)]
                yield 0, rows, g, Functions(self.poly, self.f, n, self.degree, self.f)
        else:
            extra = f if self.kind == "network" else u
            rows = [lifted(p, more) for p, more in zip(points, extra, strict=True)]
            if self.whole is None:
                images = [["u", k] for k in range(n)] if self.kind == "network" else self.f
                self.whole = self.change(images, n if self.kind == "network" else self.inputs)
            yield 0, rows, [Fraction(1)], self.whole

    def change(self, f: list[Any], extra: int) -> Functions:
        """For a polynomial V, grad V . f or in discrete time V(f) - V as one function of x and `extra` coordinates."""
        x = [["x", k] for k in range(self.n)]
        terms: list[Any] = []
        for m, c in self.V.items():
            if self.discrete:
                terms += [["*", str(c), *(f[k] for k in m)], ["*", str(-c), *(x[k] for k in m)]]
            else:
                terms += [["*", str(c), f[m[i]], *(x[k] for k in m[:i] + m[i + 1 :])] for i in range(len(m))]
        form = normal(["+", *terms], lambda op, k: {(k if op == "x" else self.n + k,): Fraction(1)})
        exact = all(isinstance(k, int) and k < self.n + extra for m in form for k in m)
        return Functions([form] if exact else None, [["+", *terms]], self.n, self.degree, f)

    def decrease_in_modes(self, mesh: Mesh, s: int, points: list, V: list) -> Iterator[tuple]:
        """The same for every mode that holds on the simplex, or on a face of it; see `Proofs.seams` for the rest."""
        n, held = self.n, [self.held(j, points, s) for j in range(len(self.modes))]
        need(any(len(here) > n for here in held), f"simplex {s} lies in no mode")
        for j, ((A, _), here) in enumerate(zip(self.modes, held, strict=True)):
            if not here or (len(here) <= n and self.nets["network"] and not self.discrete):
                continue
            corners = [points[i] for i in here]
            trees = [["+", *(["*", str(a), ["x", k]] for k, a in enumerate(row[:-1])), str(row[-1])] for row in A]
            if not self.nets["network"]:
                yield j, corners, [Fraction(1)], self.change(trees, 0)
            elif not self.discrete:
                forms = [normal(tree, self.variable) for tree in trees]
                yield j, corners, self.slope(mesh, s, V)[:n], Functions(forms, [], n, 1)
            else:
                marks: list[list] = [[] for _ in here]
                images = [integers(value_at(row, p) / p[-1] for row in A) for p in corners]
                after = [self.value(y, m) - V[i] for i, y, m in zip(here, images, marks, strict=True)]
                need(one_piece([m[0] for m in marks]), f"V after mode {j} is not affine on simplex {s}")
                yield j, [lifted(p, [a]) for p, a in zip(corners, after, strict=True)], [Fraction(1)], single(n)

    def held(self, j: int, points: list[list[int]], s: int) -> list[int]:
        """The corners at which mode j holds: they span what the mode has of the simplex, as no row cuts it."""
        signs = [[value_at(row, p) for p in points] for row in self.modes[j][1]]
        need(all(max(v) <= 0 or min(v) >= 0 for v in signs), f"simplex {s} is cut by the boundary of mode {j}")
        return [i for i in range(len(points)) if all(v[i] <= 0 for v in signs)]


def single(n: int) -> Functions:
    """The coordinate after the n states."""
    return Functions([{(n,): Fraction(1)}], [], n, 1)


def lifted(point: list[int], more: list[Any]) -> list[int]:
    """[X.., w] with further coordinates."""
    return integers([Fraction(c, point[-1]) for c in point[:-1]] + more) if more else point


# Claims ---------------------------------------------------------------------------------------------------------------


class Proofs:
    """The conditions of a certificate on its mesh, checked leaf by leaf."""

    def __init__(self, case: Case, mesh: Mesh, trees: Any):
        self.case, self.mesh, self.trees, self.leaves = case, mesh, trees, 0
        self.open: list[tuple[int, list[list[int]]]] = []  # hulls in simplices where the condition may fail
        named = isinstance(trees, dict) and set(trees) == {"positive", "decrease", "seams"}
        need(named, "the proofs are incomplete")

    def settle(self, s: int, rows: list, weights: list, functions: Functions, tree: Any, what: str) -> None:
        """One condition on one simplex."""
        for part, claimed in leaves(tree, rows):
            self.leaves += 1
            need(claimed or self.case.claim in PARTIAL, f"simplex {s} has a part about which nothing is claimed")
            bad = functions.zeros(part, weights) if claimed else part
            bad = part if bad is None and all(self.case.excluded(r) for r in part) else bad
            need(bad is not None, f"{what} is not proved on a part of simplex {s}")
            equal = self.case.claim == "marginal" or all(self.case.excluded(r) for r in bad or ())
            need(equal or self.case.claim in PARTIAL, f"{what} is not strict on a part of simplex {s}")
            if bad:
                self.open.append((s, bad))

    def positive(self) -> None:
        """V > 0 but at 0 (V >= 0 for a marginal claim); levels of V see to it themselves."""
        case, mesh, trees = self.case, self.mesh, self.trees["positive"]
        if case.claim in PARTIAL:
            need(trees is None, "the claim needs no proof of positivity on the domain")
            return
        need(isinstance(trees, list) and len(trees) == len(mesh.simplices), "positivity needs one tree per simplex")
        for s, tree in enumerate(trees):
            self.settle(s, *self.positive_job(s), tree, "V > 0")
        self.open = []

    def positive_job(self, s: int) -> tuple[list[list[int]], list[Fraction], Functions]:
        """Corners, weights and functions of -V < 0."""
        case, points = self.case, [self.mesh.points[v] for v in self.mesh.simplices[s]]
        if not case.nets["network"]:
            return points, [Fraction(-1)], Functions([case.V], [], case.n, 1)
        V = case.lift(self.mesh, s)[0]
        return [lifted(p, [value]) for p, value in zip(points, V, strict=True)], [Fraction(-1)], single(case.n)

    def decrease(self) -> None:
        """V decreases but at 0 (V does not grow for a marginal claim)."""
        trees, simplices = self.trees["decrease"], self.mesh.simplices
        need(isinstance(trees, list) and len(trees) == len(simplices), "the decrease needs one tree per simplex")
        for s, given in enumerate(trees):
            if self.case.kind != "piecewise":
                ((_, rows, weights, functions),) = self.case.decrease(self.mesh, s)
                self.settle(s, rows, weights, functions, given, "the decrease")
                continue
            found = {
                str(j): (rows, weights, functions) for j, rows, weights, functions in self.case.decrease(self.mesh, s)
            }
            need(
                isinstance(given, dict) and set(given) == set(found),
                f"simplex {s} needs one tree for each of its modes",
            )
            for j, job in found.items():
                self.settle(s, *job, given[j], f"the decrease in mode {j}")
        if self.case.kind == "piecewise" and self.case.nets["network"] and not self.case.discrete:
            self.seams()
        else:
            need(self.trees["seams"] is None, "there are no seams to slide on")

    def seams(self) -> None:
        """On every face where modes with different fields meet, V falls along each tangent velocity of their hull.

        A vector m with V(x) - V(y) = m.(x - y) on the face and m.f_j < 0 at its corners, for every mode j that holds on
        all of it, proves that: a tangent velocity v = sum a_j f_j has V' = m.v < 0.  The slopes of the simplices around
        the face are tried, and the vectors of the certificate.
        """
        case, mesh = self.case, self.mesh
        vectors: dict[int, list[tuple[frozenset[int], list[Fraction]]]] = {}
        for s, corners in enumerate(mesh.simplices):
            m = case.slope(mesh, s, case.lift(mesh, s)[0])[: case.n]
            for v in corners:
                vectors.setdefault(v, []).append((frozenset(corners), m))
        need(isinstance(self.trees["seams"], list), "the seams are no list")
        for entry in self.trees["seams"]:
            need(isinstance(entry, list) and len(entry) == 2, "a seam needs a face and a vector")
            face = frozenset(whole(v, len(mesh.points), "a corner") for v in entry[0])
            (m,) = table([entry[1]], case.n, "a vector")
            rest = {case.cache[v][0] - mesh.along(m, v) for v in face}
            need(len(rest) == 1, "the vector of a seam does not agree with V on its face")
            for v in face:
                vectors.setdefault(v, []).append((face, m))
        done = set()
        for s, corners in enumerate(mesh.simplices):
            held = [
                {mesh.simplices[s][i] for i in case.held(j, [mesh.points[v] for v in corners], s)}
                for j in range(len(case.modes))
            ]
            for size, bits in ((b.bit_count(), b) for b in range(1, 1 << len(corners))):
                face = frozenset(v for i, v in enumerate(corners) if bits >> i & 1)
                here = [j for j, h in enumerate(held) if face <= h]
                if face in done or size > case.n or face == {mesh.origin} or len(here) < 2:
                    continue
                done.add(face)
                fields = {
                    (j, v): [value_at(row, mesh.points[v]) for row in case.modes[j][0]] for j in here for v in face
                }
                if all(fields[j, v] == fields[here[0], v] for j in here for v in face):
                    continue
                excluded = all(case.excluded(mesh.points[v]) for v in face)
                moving = [fields[j, v] for j in here for v in face if v != mesh.origin]
                good = any(
                    face <= larger and all(sum(a * b for a, b in zip(m, f, strict=True)) < 0 for f in moving)
                    for larger, m in vectors[min(face)]
                )
                need(excluded or good, f"solutions may slide on the face {sorted(face)} and V is not proved to fall")


class Levels:
    """At which level of a piecewise linear V everything joins the component of {V <= c} that holds the origin."""

    def __init__(self, case: Case, mesh: Mesh):
        self.case, self.mesh, n = case, mesh, case.n
        need(case.nets["network"], "levels need V to be a network")
        self.V = {v: c for s, at in enumerate(mesh.simplices) for v, c in zip(at, case.lift(mesh, s)[0], strict=True)}
        around: dict[int, set[int]] = {v: set() for v in self.V}
        for s in mesh.simplices:
            for v in s:
                around[v].update(s)
        # A jump may leave a component, but not the level set: then everything counts from its own level.
        every = case.discrete and case.kind == "piecewise"
        start = self.V if every else {v for s in mesh.simplices if mesh.holds(s, [0] * n + [1]) for v in s}
        self.joins: dict[int, Fraction] = {}
        waiting = [(max(self.V[v], Fraction(0)), v) for v in start]
        while waiting:
            level, v = heapq.heappop(waiting)
            if v not in self.joins:
                self.joins[v] = level
                for other in around[v]:
                    heapq.heappush(waiting, (max(level, self.V[other]), other))
        if (
            mesh.fan
        ):  # {V <= c} is spanned by the points c v / V(v), and meets a side a.x + d = 0 first with one of them
            slants = [(v, row[-1], mesh.along(row[:-1], v)) for v in self.V for row in case.domain]
            ends = [-d * self.V[v] / across for v, d, across in slants if across < 0]
        else:
            rim = [any(value_at(row, p) == 0 for row in case.domain) for p in mesh.points]
            ends = [level for v, level in self.joins.items() if rim[v]]
        need(ends, "the level sets do not end")
        self.boundary = min(ends)

    def span(self, s: int, rows: list[list[int]]) -> tuple[Fraction, Fraction]:
        """The level at which a part of simplex s is met, and the greatest value of V on it."""
        slope = self.case.slope(self.mesh, s, self.case.lift(self.mesh, s)[0])
        values = [value_at(slope, [*r[: self.case.n], r[-1]]) / r[-1] for r in rows]
        return max(min(self.joins[v] for v in self.mesh.simplices[s]), min(values)), max(values)

    def sublevel(self, proofs: Proofs) -> Fraction:
        """The c below which the component is inside the domain and everything is proved on it."""
        zeros = [level for v, level in self.joins.items() if self.V[v] <= 0 and v != self.mesh.origin]
        return min([self.boundary, *(self.span(*part)[0] for part in proofs.open), *zeros])

    def annulus(self, proofs: Proofs, c2: Fraction) -> tuple[Fraction, Fraction]:
        """c1, and c2 made as large as it can be: between them, in the component, everything is proved."""
        spans = [self.span(*part) for part in proofs.open]
        c1 = max([Fraction(0), *(high for low, high in spans if low < c2)])
        return c1, min([self.boundary, *(low for low, _ in spans if low >= c2)])

    def check(self, proofs: Proofs, stated: Any) -> str:
        """Compare with what the certificate states; the sentence that it proves."""
        need(isinstance(stated, dict), "the levels are no record")
        given = {k: number(v) for k, v in stated.items()}
        need(given.get("boundary") == self.boundary, "the level of the domain's boundary is another one")
        if set(given) == {"c1", "c2", "boundary"}:
            c1, c2 = given["c1"], given["c2"]
            need(not self.case.discrete, "an ultimate bound is claimed for continuous time only")
            need((c1, c2) == self.annulus(proofs, c2) and c1 < c2, "the levels c1 and c2 are others")
            return (
                f"for all c1' > {c1} and c2' < {c2}, every solution from the component of {{V <= c2'}} at the origin "
                "stays in it, reaches {V <= c1'} in finite time and stays there"
            )
        need(set(given) == {"c", "boundary"} and self.mesh.origin >= 0, "the levels must be c, or c1 and c2")
        need(given["c"] == self.sublevel(proofs) and given["c"] > 0, "the level c is another one")
        self.stay(given["c"])
        return f"for every c' < {given['c']} the component of {{V <= c'}} at the origin is a region of attraction"

    def stay(self, c: Fraction) -> None:
        """In discrete time the image of the component must be in the domain; f is affine on each part of it."""
        case, mesh = self.case, self.mesh
        for s, corners in enumerate(mesh.simplices if case.discrete else []):
            if min(self.joins[v] for v in corners) >= c:
                continue
            points = [mesh.points[v] for v in corners]
            images = [f[: case.n] for f in case.lift(mesh, s)[2]]
            if case.kind == "piecewise":
                held = [(A, points[i]) for j, (A, _) in enumerate(case.modes) for i in case.held(j, points, s)]
                images = [[value_at(r, p) / p[-1] for r in A] for A, p in held]
            inside = all(value_at(row, integers(f)) >= 0 for f in images for row in case.domain)
            need(inside and all(images), f"the image of simplex {s} is not proved to stay in the domain")


def quadratic_level(case: Case, proofs: Proofs) -> Fraction:
    """The level rho of V = x'Px below which {V <= c} is in the domain and everything is proved on it.

    A side a.x + d >= 0 of the domain is met at the level d^2 / a'inv(P)a.
    """
    n, P = case.n, quadratic(case)
    scale = math.lcm(*(v.denominator for row in P for v in row))
    whole_P = [[int(v * scale) for v in row] for row in P]
    need(
        all(eliminate([row[: k + 1] for row in whole_P[: k + 1]])[0] > 0 for k in range(n)),
        "P is not positive definite",
    )
    lows = []
    for row in case.domain:
        *a, d = integers(row)[:-1]
        det, solved = eliminate([[*r, v] for r, v in zip(whole_P, a, strict=True)])
        across = sum(v * c[0] for v, c in zip(a, solved, strict=True))
        lows += [Fraction(d * d * det, across * scale)] if across else []
    return min([*lows, *(least(case, rows) for _, rows in proofs.open)])


def least(case: Case, rows: list[list[int]]) -> Fraction:
    """A lower bound of x'Px on a simplex: the least v'Pw over its corners v, w."""
    P = quadratic(case)
    points = [[Fraction(c, r[-1]) for c in r[: case.n]] for r in rows]
    return min(product_of(P, x, y) for x in points for y in points)


def quadratic(case: Case) -> list[list[Fraction]]:
    """P of V = x'Px."""
    need(all(len(m) == 2 for m in case.V), "the levels of a polynomial V are known for x'Px only")
    half = [[case.V.get((min(i, j), max(i, j)), Fraction(0)) / 2 for j in range(case.n)] for i in range(case.n)]
    return [[2 * v if i == j else v for j, v in enumerate(row)] for i, row in enumerate(half)]


def product_of(P: list[list[Fraction]], x: list[Fraction], y: list[Fraction]) -> Fraction:
    """The bilinear form of P at x and y."""
    return sum((a * p * b for row, a in zip(P, x, strict=True) for p, b in zip(row, y, strict=True)), Fraction(0))


def reach(levels: Levels, inner: Case, c1: Fraction, c2: Fraction) -> Fraction:
    """The largest x'Px on {V <= c1} in the component of {V < c2}: at corners, and where V = c1 on edges."""
    P, best, mesh = quadratic(inner), Fraction(0), levels.mesh
    for s in mesh.simplices:
        if min(levels.joins[v] for v in s) < c2:
            points = [([Fraction(c, mesh.points[v][-1]) for c in mesh.points[v][:-1]], levels.V[v]) for v in s]
            for x, a in points:
                best = max(best, product_of(P, x, x)) if a <= c1 else best
                for y, b in points:
                    if a <= c1 < b:
                        t = (c1 - a) / (b - a)
                        z = [p + t * (q - p) for p, q in zip(x, y, strict=True)]
                        best = max(best, product_of(P, z, z))
    return best


def inner(mesh: Mesh, s: int, rows: list[list[int]], point: list[int]) -> list[int]:
    """A point of simplex s with the further coordinates that the rows of its corners have."""
    need(mesh.holds(mesh.simplices[s], point), "the simplex does not hold the point")
    corners = [mesh.points[v] for v in mesh.simplices[s]]
    det, shares = eliminate([[r[i] for r in corners] + [point[i]] for i in range(mesh.n + 1)])
    parts = [Fraction(c[0] * r[-1], det * point[-1]) for c, r in zip(shares, corners, strict=True)]
    return integers(
        sum(a * Fraction(r[i], r[-1]) for a, r in zip(parts, rows, strict=True)) for i in range(len(rows[0]) - 1)
    )


def check_point(case: Case, mesh: Mesh) -> str:
    """A refutation: a point with V <= 0, or without decrease for the slope and the mode of the simplex that holds it.

    A marginal claim: a face that is not only 0, in one simplex, on the whole of which equality holds.
    """
    given = case.data["witness"]
    need(
        isinstance(given, dict) and set(given) == {"points", "condition", "mode", "simplex"},
        "the witness is incomplete",
    )
    points = [integers(p) for p in table(given["points"], case.n, "the witness")]
    need(any(any(p[:-1]) for p in points), "the witness is the origin")
    need(all(value_at(row, p) >= 0 for row in case.domain for p in points), "the witness lies outside the domain")
    need(not all(case.excluded(p) for p in points), "the witness lies in the excluded set")
    s = whole(given["simplex"], len(mesh.simplices), "the witness's simplex")
    need(given["condition"] in ("positive", "decrease"), "the witness names no condition")
    if given["condition"] == "positive":
        values = [case.value(p, []) for p in points]
        if case.claim == "refuted":
            need(len(points) == 1 and values[0] <= 0, "V > 0 at the witness")
        else:
            need(case.nets["network"] and all(v == 0 for v in values), "V is not 0 on the face")
            need(all(mesh.holds(mesh.simplices[s], p) for p in points), "the face leaves its simplex")
    else:
        jobs = {j: (rows, weights, functions) for j, rows, weights, functions in case.decrease(mesh, s)}
        need(given["mode"] in jobs, "the mode of the witness does not hold there")
        rows, weights, functions = jobs[given["mode"]]
        need(len(rows) > case.n, "the mode of the witness holds on a face only")
        part = [inner(mesh, s, rows, p) for p in points]
        if case.claim == "refuted":
            against = functions.zeros(part, [-w for w in weights])
            need(len(part) == 1 and against is not None, "V decreases at the witness")
        else:
            need(functions.polynomials is not None, "equality cannot be checked for functions that are no polynomials")
            need(not any(functions.form(part, weights)[0].values()), "equality does not hold on the face")
    hull = ", ".join("(" + ", ".join(str(Fraction(c, p[-1])) for c in p[:-1]) + ")" for p in points)
    what = "V" if given["condition"] == "positive" else "the change of V"
    return (
        f"{what} is not {'positive' if what == 'V' else 'negative'} at {hull}"
        if case.claim == "refuted"
        else (f"{what} is 0 on the hull of {hull}")
    )


def homogeneous(case: Case) -> bool:
    """Whether V(t x) = t V(x) and f(t x) = t f(x) for t > 0: no bias, breakpoints at 0, f linear."""
    stages = case.nets["network"] or []
    linear = (
        case.kind == "smooth" and case.poly and all(len(m) == 1 and m[0] < case.n for form in case.poly for m in form)
    )
    flat = all(v[-1] == 0 for s in stages for _, v in s["rows"])
    kinks = all(p == 0 for s in stages for at, _ in s["units"] for p, _ in at)
    through = all(c == 0 for s in stages for _, pieces in s["units"] for _, c in pieces)
    return bool(stages and linear and flat and kinks and through and case.exclude is None)


def examine(data: Any, nets: dict[str, Any]) -> tuple[str, str, dict[str, int]]:
    """Claim, what it says, and counts; raises where the certificate does not prove it."""
    need(isinstance(data, dict) and data.get("format") == FORMAT, f"this is no file of the format {FORMAT!r}")
    need(set(data) == KEYS, f"entries are missing or unknown: {', '.join(sorted(KEYS ^ set(data)))}")
    claim = data["claim"]
    need(claim in CLAIMS, f"the claim {claim!r} is not known")
    case = Case(data, nets)
    mesh = Mesh(data, case.n, case.domain)
    need((claim == "outside") <= (case.exclude is not None), "the claim needs an excluded set")
    need(claim in ("outside", "refuted", "ultimate", "marginal") or case.exclude is None, "the claim excludes nothing")
    need((data["witness"] is not None) == (claim in ("refuted", "marginal")), "the witness is missing or has no use")
    need(data["levels"] is not None or claim not in PARTIAL, "the levels are missing")
    need(claim not in ("ultimate", "composite") or "c1" in data["levels"], "the claim needs the levels c1 and c2")
    need(claim not in ("strict", "sublevel") or "c" in (data["levels"] or "c"), "the claim needs the level c")
    need(claim != "marginal" or data["levels"] is None, "a marginal claim has no levels")
    need((data["composite"] is not None) == (claim == "composite"), "the inner function is missing or has no use")
    parts, proofs, levels = [], None, data["levels"]
    if claim == "refuted":
        need(data["proofs"] is None and levels is None, "a refutation has no proofs")
        parts.append(check_point(case, mesh))
    else:
        need(not mesh.fan or homogeneous(case), "a fan needs V and f that scale with x and no excluded set")
        mesh.cover()
        proofs = Proofs(case, mesh, data["proofs"])
        proofs.positive()
        need(claim != "strict" or mesh.origin >= 0, "the origin is no vertex")
        proofs.decrease()
        if claim == "marginal":
            parts.append(check_point(case, mesh))
        if levels is not None and case.nets["network"]:
            found = Levels(case, mesh)
            parts.append(found.check(proofs, levels))
            if claim == "composite":
                parts.append(join(data, nets, found))
        elif levels is not None:
            need(isinstance(levels, dict) and set(levels) == {"c"}, "the level of a quadratic V is c alone")
            rho = quadratic_level(case, proofs)
            need(number(levels["c"]) == rho > 0, "the level c is another one")
            parts.append(f"for every c' < {rho} the set {{V <= c'}} is a region of attraction")
    f = f"x[t+1] = f(x), f = ({case.text})" if case.discrete else f"x' = f(x), f = ({case.text})"
    where = "the whole space" if mesh.fan else "the domain"
    said = {
        "strict": f"V > 0 and V decreases everywhere in {where} but at 0",
        "outside": "V > 0 and V decreases everywhere in the domain outside the excluded set",
        "marginal": "V >= 0 and V does not grow in the domain, with equality away from 0",
        "refuted": "V is no strict Lyapunov function on the domain",
    }
    parts.insert(0, said.get(claim, "V decreases as far as the levels say"))
    leaves_ = 0 if proofs is None else proofs.leaves
    counts = {"vertices": len(mesh.points), "simplices": len(mesh.simplices), "leaves": leaves_}
    return claim, f"for {f}: {'; '.join(parts)}", counts


def join(data: dict[str, Any], nets: dict[str, Any], levels: Levels) -> str:
    """The inner function x'Px of a composite claim: a certificate of its own, whose ellipsoid holds {V <= c1}."""
    given = data["composite"]
    need(isinstance(given, dict) and set(given) == {"inner", "reach"}, "the inner function is incomplete")
    inner = given["inner"]
    claim, text, _ = examine(inner, {**nets, "network": None})
    need(claim == "sublevel", "the inner certificate must claim a sub-level set")
    same = all(inner[key] == data[key] for key in ("dynamics", "time", "controller"))
    need(same and set(data["levels"]) == {"c1", "c2", "boundary"}, "the inner certificate is about another system")
    far = reach(levels, Case(inner, {**nets, "network": None}), *(number(data["levels"][k]) for k in ("c1", "c2")))
    need(number(given["reach"]) == far < number(inner["levels"]["c"]), "{V <= c1} does not reach where the claim says")
    return f"there x'Px <= {far}; {text}; so every solution from there tends to 0"


def check(certificate: Any, model: Any = None, *, controller: Any = None, dynamics: Any = None) -> Report:
    """Check a Lyapunov certificate against the models it speaks of; every number is recomputed in rational arithmetic.

    Args:
        certificate: a path, or the certificate as plain JSON data.
        model: V's network (a path or anything that `linregions.readers.read` takes); None where V is a polynomial.
        controller: the controller's network, where there is one.
        dynamics: the network of the dynamics, where they are one.

    Returns:
        A `Report`; `accepted` is True only if the file proves its claim, else `reason` says what is wrong.

    Example:
        >>> from linregions import Network
        >>> size = Network.from_arrays([([[1.0], [-1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> check({"format": "something else"}, size).reason
        "this is no file of the format 'linregions lyapunov certificate 1'"
    """
    begun = time.perf_counter()
    claim = ""
    try:
        data = json.loads(Path(certificate).read_text("utf-8")) if isinstance(certificate, str | Path) else certificate
        claim = str(data.get("claim", "")) if isinstance(data, dict) else ""
        given = {"network": model, "controller": controller, "dynamics": dynamics}
        nets = {key: None if net is None else plain_numbers(net) for key, net in given.items()}
        claim, statement, counts = examine(data, nets)
    except CheckError as error:
        return Report(False, claim, "", str(error), time.perf_counter() - begun)
    except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError, OSError) as error:
        text = " ".join(str(error).split())[:120]
        reason = f"the file cannot be read as a certificate ({type(error).__name__}: {text})"
        return Report(False, claim, "", reason, time.perf_counter() - begun)
    return Report(True, claim, statement, "", time.perf_counter() - begun, counts)


def plain_numbers(model: Any) -> list[dict[str, Any]]:
    """The numbers of a network, stage by stage; the one place that uses the library."""
    from linregions.readers import read

    stages = []
    for s in read(model).stages:
        act: Any = s.activation
        rows = [s.row(i) for i in range(s.rows)]
        functions = [] if hasattr(act, "offsets") else [act.functions[k] for k in act.index]
        stages.append(
            {
                "inputs": int(s.inputs),
                "rows": [([int(c) for c in columns], [float(v) for v in values]) for columns, values in rows],
                "bias": [float(b) for b in s.bias],
                "divisor": None if s.divisor is None else [float(d) for d in s.divisor],
                "groups": [int(g) for g in act.offsets] if hasattr(act, "offsets") else None,
                "units": [(f.breakpoints, f.slopes, f.value) for f in functions],
            }
        )
    return stages
