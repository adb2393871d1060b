"""Piecewise affine dynamics: polyhedral modes with an affine map each; and the rational matrices they are read from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from ...checks import plural, shown
from ...errors import InputError
from ...exact import dot, nearest_float, scaled_integers
from .expression import Expression, product, rational, total
from .polynomial import Polynomial

Matrix = tuple[tuple[Fraction, ...], ...]
Vector = tuple[Fraction, ...]
Interval = tuple[Fraction, Fraction]


@dataclass(frozen=True)
class Mode:
    """x -> A x + b where H x <= h, all rational: A (n, n), b (n,), H (rows, n), h (rows,)."""

    A: Matrix
    b: Vector
    H: Matrix
    h: Vector

    @classmethod
    def of(cls, given: Any, dim: int, number: int) -> Mode:
        """A mode from (A, b, H, h), each an array or nested lists."""
        if isinstance(given, Mode):
            given = (given.A, given.b, given.H, given.h)
        what = f"mode {number}"
        if not isinstance(given, Sequence) or isinstance(given, str) or len(given) != 4:
            raise InputError(f"{what}: expected (A, b, H, h), got {shown(given)}")
        H = matrix(given[2], f"{what}: H", columns=dim)
        b = vector(given[1], f"{what}: b", dim)
        return cls(matrix(given[0], f"{what}: A", dim, dim), b, H, vector(given[3], f"{what}: h", len(H)))

    def holds(self, point: Sequence[Fraction]) -> bool:
        """Whether the point lies in the mode."""
        return all(dot(row, point) <= c for row, c in zip(self.H, self.h, strict=True))

    def value(self, point: Sequence[Fraction]) -> list[Fraction]:
        """The value A x + b."""
        return [dot(row, point) + c for row, c in zip(self.A, self.b, strict=True)]

    @cached_property
    def expressions(self) -> tuple[Expression, ...]:
        """The map A x + b as expressions."""
        return affine(self.A, self.b, len(self.b))

    @cached_property
    def polynomials(self) -> tuple[Polynomial, ...]:
        """The map A x + b as polynomials of degree 1."""
        n = len(self.b)
        return tuple(
            Polynomial({**{_unit(k, n): a for k, a in enumerate(row)}, (0,) * n: c}, n)
            for row, c in zip(self.A, self.b, strict=True)
        )

    @property
    def rows(self) -> list[list[Fraction]]:
        """The mode as half-space rows [a.., c], meaning a.x + c >= 0, scaled to float64 numbers."""
        return [_scaled([*(-v for v in row), c]) for row, c in zip(self.H, self.h, strict=True)]


@dataclass(frozen=True, eq=False)
class Piecewise:
    """f affine in each of several polyhedral modes; on a common boundary every mode counts, so f may jump there.

    Example:
        >>> from linregions.lyapunov.dynamics.dynamics import dynamics_of
        >>> f = dynamics_of([([[-1]], [0], [[-1]], [0]), ([[-2]], [0], [[1]], [0])], dim=1)
        >>> f
        Piecewise(2 affine modes in dimension 1)
        >>> f.at([Fraction(-3)])
        [(Fraction(6, 1), Fraction(6, 1))]
    """

    modes: tuple[Mode, ...]
    dim: int
    inputs: int = 0

    def __post_init__(self) -> None:
        zero = (Fraction(0),) * self.dim
        here = [k for k, mode in enumerate(self.modes) if mode.holds(zero)]
        if not here:
            raise InputError(
                f"dynamics: none of {plural(len(self.modes), 'mode')} contains 0; add one, H x <= h means inside"
            )
        for k in here:
            if any(self.modes[k].b):
                b = ", ".join(map(str, self.modes[k].b))
                raise InputError(
                    f"dynamics: mode {k + 1} contains 0, but f(0) = b = ({b}) is not 0 there; move the equilibrium to 0"
                )

    @property
    def polynomials(self) -> None:
        """There is no one polynomial for all modes."""
        return None

    def at(self, point: Sequence[Any]) -> list[Interval]:
        """Value of f at a rational point (n,), in the first mode that contains it.

        Raises:
            InputError: no mode contains the point.
        """
        values = self.values(point)
        if not values:
            raise InputError(
                f"dynamics: no mode contains ({', '.join(map(str, point))}); the modes must cover the domain"
            )
        return [(v, v) for v in values[0][1]]

    def values(self, point: Sequence[Any]) -> list[tuple[int, list[Fraction]]]:
        """(number, A x + b) of every mode that contains the point."""
        x = point_of(point, self.dim)
        return [(k, mode.value(x)) for k, mode in enumerate(self.modes) if mode.holds(x)]

    def __call__(self, points: Any) -> np.ndarray:
        """Values of f in float64, without bounds: (..., n) to (..., n); NaN where no mode is.  Never for a proof."""
        x = np.asarray(points, dtype=np.float64)
        out = np.full(x.shape, np.nan)
        for mode in reversed(self.modes):
            A, b, H, h = (np.array(v, dtype=np.float64) for v in (mode.A, mode.b, mode.H, mode.h))
            inside = np.all(x @ H.reshape(-1, self.dim).T <= h, axis=-1)
            out[inside] = x[inside] @ A.T + b
        return out

    def describe(self) -> str:
        """The system on one line."""
        return f"{plural(len(self.modes), 'affine mode')} in dimension {self.dim}"

    def __repr__(self) -> str:
        return f"Piecewise({self.describe()})"

    def as_json(self) -> dict[str, Any]:
        """The system for a certificate."""

        def table(rows: Matrix) -> list[list[str]]:
            return [[str(v) for v in row] for row in rows]

        modes = [
            {"A": table(m.A), "b": [str(v) for v in m.b], "H": table(m.H), "h": [str(v) for v in m.h]}
            for m in self.modes
        ]
        return {"kind": "piecewise", "dim": self.dim, "modes": modes}


def matrix(given: Any, what: str, rows: int | None = None, columns: int | None = None) -> Matrix:
    """A rational matrix of the given shape, from an array or nested sequences."""
    given = given.tolist() if hasattr(given, "tolist") else given
    listed = [list(_entries(row, what)) for row in _entries(given, what)]
    wanted = f"({'rows' if rows is None else rows}, {columns})"
    if len({len(row) for row in listed}) > 1:
        raise InputError(f"{what}: the rows have unequal lengths; give a matrix of shape {wanted}")
    if (rows is not None and len(listed) != rows) or any(len(row) != columns for row in listed):
        shape = f"({len(listed)}, {len(listed[0]) if listed else 0})"
        raise InputError(f"{what}: expected shape {wanted}, got {shape}")
    return tuple(tuple(rational(v, what) for v in row) for row in listed)


def vector(given: Any, what: str, length: int) -> Vector:
    """A rational vector of the given length."""
    entries = list(_entries(given.tolist() if hasattr(given, "tolist") else given, what))
    if len(entries) != length:
        raise InputError(f"{what}: expected {plural(length, 'entry', 'entries')}, got {len(entries)}")
    return tuple(rational(v, what) for v in entries)


def affine(A: Matrix, b: Vector, dim: int) -> tuple[Expression, ...]:
    """The rows of A (x, u) + b as expressions; the columns of A after `dim` belong to the inputs."""
    names = [Expression.x(k) if k < dim else Expression.u(k - dim) for k in range(len(A[0]))]
    rows = zip(A, b, strict=True)
    return tuple(
        total(*(product(Expression.number(a), x) for a, x in zip(r, names, strict=True)), Expression.number(c))
        for r, c in rows
    )


def point_of(point: Sequence[Any], length: int) -> Vector:
    """A rational point of so many coordinates."""
    return vector(point, "point", length)


def _entries(values: Any, what: str) -> list[Any]:
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise InputError(f"{what}: expected an array of numbers, got {shown(values)}")
    return list(values)


def _unit(k: int, n: int) -> tuple[int, ...]:
    return tuple(int(i == k) for i in range(n))


def _scaled(row: Sequence[Fraction]) -> list[Fraction]:
    """A positive multiple whose entries are float64 numbers: itself where it is, else the least integers."""
    if all(nearest_float(v) == v for v in row):
        return list(row)
    (integers,), _ = scaled_integers([row])
    if any(nearest_float(Fraction(v)) != v for v in integers):
        raise InputError(f"mode: the row {shown([str(v) for v in row])} has no multiple in float64; round it")
    return [Fraction(v) for v in integers]
