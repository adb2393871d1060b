"""Enclosures of smooth functions on dyadic boxes that many simplices share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from typing import Any

import numpy as np

from ...exact import nearest_float
from .bernstein import TINY, UNIT, Plan, plan_of
from .coefficients import Batch, ExactBatch, PolynomialTerms, integers, underflow
from .simplices import Simplices, homogeneous, rounded

Array = np.ndarray[Any, Any]
COARSE = 3  # the first boxes have sides of about 2^-3 of the domain's

Box = tuple[tuple[Fraction, Fraction], ...]


def terms_of(forms: Any, degree: int | None, shared: bool, simplices: Simplices) -> Any:
    """The source of coefficients that suits the forms: polynomials, or Taylor models on boxes."""
    polynomials, coordinates = getattr(forms, "polynomials", None), simplices.points.shape[2]
    if polynomials is not None:
        return PolynomialTerms([getattr(p, "terms", p) for p in polynomials], coordinates)
    return EnclosureTerms(forms, usual_degree(coordinates) if degree is None else degree, shared, simplices)


def usual_degree(coordinates: int) -> int:
    """The largest Taylor degree from 2 to 5 whose forms of one degree more have at most 130 coefficients."""
    return max([2, *(d for d in range(3, 6) if comb(coordinates + d + 1, d + 1) <= 130)])


def _zero(simplices: Simplices) -> tuple[Fraction, ...]:
    """The vertex 0 with its lifted coordinates, which all simplices share."""
    at = np.flatnonzero(np.asarray(simplices.origin) >= 0)
    if not len(at):
        return (Fraction(0),) * simplices.points.shape[2]
    vertex = simplices.exact(int(at[0]))[int(simplices.origin[at[0]])]
    return tuple(Fraction(int(c), int(vertex[-1])) for c in vertex[:-1])


@dataclass(frozen=True)
class Model:
    """The F_k over one box, exactly and in floats: `mids +- rads` (K, N) for the monomials in `rows`.

    `slips` bounds the errors of the float mids; float rads are rounded up. The centre (q,) has floats with bounds, too.
    """

    rows: Array
    mids: list[list[Fraction]]
    rads: list[list[Fraction]]
    centre: tuple[Fraction, ...]
    floats: tuple[Array, Array, Array]
    middle: tuple[Array, Array]


class EnclosureTerms:
    """Smooth F_k, enclosed as `sum_a (mid_a +- rad_a) (y - c)^a` over boxes with centre c.

    A simplex with the vertex 0 has that vertex as centre, so that its constant is p(0) = 0, and the box of all y with
    `|y_i - c_i| <= 2^e_i` as small as holds it. Any other simplex has boxes of a dyadic grid: coarse ones first, which
    many simplices share, then finer ones while it is the remainder that keeps it open. With `shared` False each simplex
    has the box of its vertices, and as centre the vertex 0 or the centroid: a rule by which one leaf can be checked.
    """

    def __init__(self, forms: Any, degree: int, shared: bool, simplices: Simplices):
        self.forms, self.taylor, self.degree, self.shared = forms, degree, degree + 1, shared
        self.models: list[Model | None] = []
        self.places: dict[Any, int] = {}
        constant = (0,) * simplices.points.shape[2]
        self.exponents, self.rows = [constant], {constant: 0}
        points = simplices.points
        self.coordinates = points.shape[2]
        self.zero = _zero(simplices)
        self.plan: Plan = plan_of(self.exponents, self.degree)
        size = np.abs(points).max(axis=(0, 1)) if len(points) else np.ones(points.shape[2])
        self.coarse = _exponent(np.where(np.isfinite(size) & (size > 0), size, 1.0)) + 1 - COARSE

    @property
    def rounds(self) -> int:
        """How many sizes of boxes there are to try on one simplex; `floats` says when the smallest is reached."""
        return 64 if self.shared else 1

    def floats(self, values: Array, errors: Array, *, part: Any, exact: Any, attempt: int = 0) -> Batch:
        """Coefficients of `sum_k w_k F_k` for weights (m, K) with errors, on the boxes of one size."""
        where, last = self._place(part, exact, attempt)
        used, at = np.unique(where, return_inverse=True)
        at = at.reshape(-1)
        (mids, slips, rads), middle, lost, known = self._tables(used, values.shape[1])
        out, slack, radii = (np.zeros((len(values), len(self.exponents))) for _ in range(3))
        gamma = (values.shape[1] + 4) * UNIT * 2
        with np.errstate(all="ignore"):
            for k in range(values.shape[1]):
                w, dw, mid = values[:, k, None], errors[:, k, None], mids[at, k]
                term = w * mid
                out += term
                slack += (np.abs(w) * slips[at, k] + dw * (np.abs(mid) + slips[at, k])) * (1 + gamma)
                slack += gamma * np.abs(term)
                slack += np.where(mid != 0, underflow(term, w), 0.0) + np.where(slips[at, k] + dw != 0, 16 * TINY, 0.0)
                radii += (np.abs(w) + dw) * rads[at, k] * (1 + gamma) + np.where(rads[at, k] != 0, 16 * TINY, 0.0)
        known_zero = (part.origin >= 0) & (np.abs(out[:, 0]) <= slack[:, 0] + radii[:, 0])
        for table in (out, slack, radii):  # the constant is p(0) where the centre is the vertex 0
            table[known_zero, 0] = 0.0
        turned = [np.ascontiguousarray(a.T) for a in (out, slack, radii)]
        return Batch(self.plan, turned[0], turned[1], turned[2], middle[at], lost[at], known[at], last)

    def exact(self, weights: Sequence[Sequence[Fraction]], *, part: Any, exact: Any) -> ExactBatch:
        """The same in integers, on the smallest boxes."""
        where, _ = self._place(part, exact, self.rounds)
        values = np.zeros((len(self.exponents), len(weights)), dtype=object)
        radii, centres = values.copy(), []
        for i, (row, place) in enumerate(zip(weights, where, strict=True)):
            model = self.models[int(place)]
            assert model is not None  # a simplex that has no enclosure is divided, not sent here
            mids = [
                sum((w * c for w, c in zip(row, column, strict=True)), Fraction(0))
                for column in zip(*model.mids, strict=True)
            ]
            rads = [
                sum((abs(w) * c for w, c in zip(row, column, strict=True)), Fraction(0))
                for column in zip(*model.rads, strict=True)
            ]
            scaled = integers([*mids, *rads])
            values[model.rows, i], radii[model.rows, i] = scaled[: len(mids)], scaled[len(mids) :]
            if part.origin[i] >= 0 and abs(values[0, i]) <= radii[0, i]:
                values[0, i] = radii[0, i] = 0
            centres.append(homogeneous(model.centre))
        return ExactBatch(self.plan, values, radii, np.array(centres, dtype=object))

    def value(self, weights: Sequence[Fraction], vertex: Sequence[int]) -> tuple[Fraction, Fraction]:
        """Bounds of p at a homogeneous integer point."""
        low = high = Fraction(0)
        for w, (a, b) in zip(weights, self.forms.at([Fraction(c, vertex[-1]) for c in vertex[:-1]]), strict=True):
            low, high = low + min(w * a, w * b), high + max(w * a, w * b)
        return low, high

    def _place(self, part: Any, exact: Any, attempt: int) -> tuple[Array, Array]:
        """The number of each simplex's box, and whether there is no smaller one to try."""
        if not self.shared:
            where = [self._apart(part, exact, i) for i in range(part.count)]
            return np.array(where, dtype=np.int64), np.ones(part.count, dtype=bool)
        low = np.nextafter((part.points - part.errors).min(axis=1), -np.inf)
        high = np.nextafter((part.points + part.errors).max(axis=1), np.inf)
        central = part.origin >= 0
        zero, lost = rounded([self.zero])
        reach = np.maximum(high - (zero - lost), (zero + lost) - low)
        own = _exponent(np.nextafter(np.where(central[:, None], reach * (1 + 4 * UNIT), high - low), np.inf))
        own = np.maximum(own, own.max(axis=1, keepdims=True) - 30)  # no box is flat
        wanted = np.where(central[:, None], own, np.maximum(own, self.coarse - 2 * attempt))
        scaled = np.ldexp(low, 1 - wanted)
        # A tiny number may become 0, which lies above it.
        floors = np.where((scaled == 0) & (low < -TINY), -1.0, np.floor(scaled))
        corner = np.where(central[:, None], 0.0, floors)
        keys = np.concatenate([central[:, None], wanted, corner], axis=1)
        fits = np.isfinite(np.concatenate([low, high, reach, high - low, corner], axis=1)).all(axis=1)
        where = np.zeros(part.count, dtype=np.int64)
        where[~fits] = [self._apart(part, exact, int(i)) for i in np.flatnonzero(~fits)]
        if fits.any():
            unique, inverse = np.unique(keys[fits], axis=0, return_inverse=True)
            places = np.array([self._number(row.tobytes(), *self._dyadic(row)) for row in unique], dtype=np.int64)
            where[fits] = places[inverse.reshape(-1)]
        return where, (wanted == own).all(axis=1) | ~fits

    def _apart(self, part: Any, exact: Any, i: int) -> int:
        """The number of a box for one simplex alone, found exactly."""
        number = self._number(("own", i), *_own(exact(i), int(part.origin[i])))
        del self.places["own", i]
        return number

    def _dyadic(self, key: Array) -> tuple[Box, tuple[Fraction, ...]]:
        """Box and centre of a key (central, exponents, corners in halves of the side)."""
        q = self.coordinates
        sides = [Fraction(2) ** int(e) for e in key[1 : 1 + q]]
        if key[0]:
            return tuple((c - s, c + s) for c, s in zip(self.zero, sides, strict=True)), self.zero
        lows = [int(k) * s / 2 for k, s in zip(key[1 + q :], sides, strict=True)]
        pairs = list(zip(lows, sides, strict=True))
        return tuple((a, a + 3 * s / 2) for a, s in pairs), tuple(a + 3 * s / 4 for a, s in pairs)

    def _number(self, key: Any, box: Box, centre: tuple[Fraction, ...]) -> int:
        """The number of a box, enclosed when it is met for the first time."""
        from ..dynamics.taylor import EnclosureError

        if key in self.places:
            return self.places[key]
        try:
            found = self.forms.enclosure(box, centre, self.taylor)
        except EnclosureError:
            model = None
        else:
            model = self._model(found, tuple(centre))
        self.places[key] = len(self.models)
        self.models.append(model)
        return self.places[key]

    def _model(self, found: Any, centre: tuple[Fraction, ...]) -> Model:
        """The record of an enclosure, without the monomials that it does not need; new ones are numbered."""
        columns = zip(*found.mid, *found.rad, strict=True)
        kept = [(tuple(int(e) for e in a), c) for a, c in zip(found.exponents, columns, strict=True) if any(c)]
        fresh = [a for a, _ in kept if a not in self.rows]
        if fresh:
            self.rows.update({a: len(self.exponents) + i for i, a in enumerate(fresh)})
            self.exponents += fresh
            self.plan = plan_of(self.exponents, self.degree)
        rows = np.array([self.rows[a] for a, _ in kept], dtype=np.intp)
        table = [[Fraction(c[k]) for _, c in kept] for k in range(len(found.mid) + len(found.rad))]
        mids, rads = table[: len(found.mid)], table[len(found.mid) :]
        up = np.array([[np.nextafter(nearest_float(c), np.inf) if c else 0.0 for c in row] for row in rads])
        middle, lost = rounded([centre])
        return Model(rows, mids, rads, centre, (*rounded(mids), up), (middle[0], lost[0]))

    def _tables(self, used: Array, count: int) -> tuple[tuple[Array, Array, Array], Array, Array, Array]:
        """Of these boxes: mids, their errors and rads (U, K, T), centres and their errors (U, q), which are known."""
        mids, slips, rads = (np.zeros((len(used), count, len(self.exponents))) for _ in range(3))
        middle, lost = np.zeros((len(used), self.coordinates)), np.zeros((len(used), self.coordinates))
        known = np.zeros(len(used), dtype=bool)
        for u, number in enumerate(used):
            model = self.models[number]
            if model is not None:
                for table, floats in zip((mids, slips, rads), model.floats, strict=True):
                    table[u][:, model.rows] = floats
                (middle[u], lost[u]), known[u] = model.middle, True
        return (mids, slips, rads), middle, lost, known


def _exponent(size: Array) -> Array:
    """The least e with `size <= 2^e`; -1000 for 0."""
    mantissa, e = np.frexp(size)
    return np.where(size > 0, np.maximum(e - (mantissa == 0.5), -1000), -1000)


def _own(vertices: Sequence[Sequence[int]], origin: int) -> tuple[Box, tuple[Fraction, ...]]:
    """The box of the vertices, and the base point: the vertex 0 if there is one, else the centroid."""
    points = [[Fraction(c, v[-1]) for c in v[:-1]] for v in vertices]
    columns = list(zip(*points, strict=True))
    base = points[origin] if origin >= 0 else [sum(c, Fraction(0)) / len(points) for c in columns]
    return tuple((min(c), max(c)) for c in columns), tuple(base)
