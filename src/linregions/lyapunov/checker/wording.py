"""What a certificate is about, in words: the system, the domain, the excluded set, the networks, and its numbers."""

from __future__ import annotations

import json
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

from .arithmetic import parts_of

SHORT, LONG = 9, 40  # characters of a fraction that is read at a glance, and of one that still says something


def decimal(value: Fraction, digits: int = 6) -> str:
    """A rational rounded to some digits, as a decimal."""
    near = Context(prec=digits).divide(Decimal(value.numerator), Decimal(value.denominator))
    return f"{near.normalize():g}"


def exact(value: Fraction) -> str | None:
    """A rational as a short decimal, None where there is none that is exact."""
    if value.numerator.bit_length() + value.denominator.bit_length() > 64:
        return None
    text = str(value) if value.denominator == 1 else decimal(value)
    return text if len(text) <= SHORT and Fraction(text) == value else None


def spoken(value: Fraction) -> str:
    """A number for a person: exact where it is short, else a decimal with the fraction or "about" beside it."""
    if (short := exact(value)) is not None:
        return short
    if value.numerator.bit_length() + value.denominator.bit_length() > 4 * LONG or len(str(value)) > LONG:
        return f"about {decimal(value)}"
    return str(value) if len(str(value)) <= SHORT else f"{decimal(value)} ({value})"


def infix(tree: Any) -> str:
    """An expression as one writes it, with its numbers exact."""
    if not isinstance(tree, list):
        return exact(Fraction(tree)) or (str(tree) if "/" not in str(tree) else f"({tree})")
    op, args = parts_of(tree)[0], tree[1:]
    if op in ("x", "u"):
        return f"{op}{args[0] + 1}"
    texts = [infix(a) for a in args]
    return f"({f' {op} '.join(texts)})" if op in "+*^/" else op if op == "pi" else f"{op}({texts[0]})"


def told(given: dict[str, Any]) -> str:
    """The dynamics as one writes them."""
    if given["kind"] == "smooth":
        return "; ".join(infix(tree) for tree in given["expressions"])
    if given["kind"] == "network":
        return f"the network {given['network'][:12]}"
    modes = json.dumps(read(given["modes"])).replace('"', "")
    return f"{len(given['modes'])} affine modes {modes}"


def read(tree: Any) -> Any:
    """Lists and records with the numbers in them as one writes them."""
    if isinstance(tree, dict):
        return {key: read(v) for key, v in tree.items()}
    return [read(v) for v in tree] if isinstance(tree, list) else exact(Fraction(tree)) or str(tree)


def about(case: Any, *, bounded: bool = True) -> str:
    """V, the controller, the domain where it bounds the claim, and the excluded set."""
    data = case.data
    V = f"the network {data['network'][:12]}" if data["network"] else infix(data["candidate"])
    parts = [f"V = {V}" + (f" - {spoken(case.shift)}" if case.shift else "")]
    if data["controller"]:
        parts.append(f"u = the network {data['controller'][:12]}")
    if bounded:
        parts.append(f"the domain {{{region(case.domain)}}}")
    if data["exclude"] is not None:
        ball = data["exclude"].get("ball")
        rows = [[Fraction(v) for v in row] for row in data["exclude"].get("rows", [])]
        parts.append(f"the excluded set {{{f'|x| <= {spoken(Fraction(ball))}' if ball else region(rows)}}}")
    return ", ".join(parts)


def region(rows: list[list[Fraction]]) -> str:
    """The points with a.x + c >= 0 for all rows (a, c): the ends of each coordinate if it is a box."""
    low, high = {}, {}
    for *a, c in rows:
        axes = [k for k, v in enumerate(a) if v]
        if len(axes) != 1:
            return ", ".join(map(side, rows))
        (k,) = axes
        ends, end = (low, -c / a[k]) if a[k] > 0 else (high, -c / a[k])
        ends[k] = max(ends.get(k, end), end) if ends is low else min(ends.get(k, end), end)
    if not low.keys() == high.keys() == set(range(len(rows[0]) - 1)):
        return ", ".join(map(side, rows))
    return ", ".join(f"{spoken(low[k])} <= x{k + 1} <= {spoken(high[k])}" for k in sorted(low))


def side(row: list[Fraction]) -> str:
    """One side a.x + c >= 0 of a domain, as one writes it."""
    *a, c = row
    terms = " + ".join(f"{spoken(v)}*x{k + 1}" for k, v in enumerate(a) if v) or "0"
    return f"{terms} >= {spoken(-c)}".replace("+ -", "- ")
