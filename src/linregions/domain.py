"""Domains: where the regions are counted.  Every description is read as the exact rational numbers it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from .checks import plural, real_number, shown, whole_number
from .errors import InputError
from .exact import fractions, rank
from .stage import Array, exact_float64

# A larger box is a mistake, and its ends would only take memory.
LARGEST_DIM = 10**7

# A half-space row is [a_1, ..., a_d, c]: the points t with a.t + c >= 0.
Rows = list[list[Fraction]]


class Domain:
    """A polyhedron of dimension `dim` and an affine map of it into the network's `input_dim` inputs.

    Subclasses give `halfspaces` (rows `[a..., c]`, meaning `a.t + c >= 0`) in their own coordinates `t`, and
    `embedding` (rows `[u..., o]`, one per input, `x = u.t + o`), or None where `x = t`.
    """

    dim: int
    input_dim: int

    @property
    def halfspaces(self) -> Rows:
        """Exact half-space rows."""
        raise NotImplementedError

    @property
    def embedding(self) -> Rows | None:
        """Exact affine map into the inputs; None is the identity."""
        return None

    @cached_property
    def corners(self) -> tuple[tuple[Fraction, Fraction], ...]:
        """Exact corners of a bounded domain of dimension 2, counter-clockwise."""
        from .planar import exact_corners

        return exact_corners(self)

    @cached_property
    def orthonormal(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Orthonormal coordinates s in dimension 2: `x = basis @ s + origin`, `s = turn @ t`; (basis, origin, turn)."""
        from .planar import orthonormal

        return orthonormal(self)

    def inputs(self, t: Any) -> np.ndarray:
        """The network inputs (..., inputs) at domain coordinates `t` (..., dim), in float64."""
        try:
            t = np.asarray(t, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"t: expected coordinates (..., dim), got {shown(t)}") from error
        if t.ndim == 0 or t.shape[-1] != self.dim:
            coordinates = plural(self.dim, "coordinate")
            raise InputError(f"t: the last axis must have the domain's {coordinates}, got shape {t.shape}")
        rows = self.embedding
        if rows is None:
            return t
        matrix = np.array([[float(v) for v in row] for row in rows])
        return t @ matrix[:, :-1].T + matrix[:, -1]


@dataclass(frozen=True, eq=False, repr=False)
class Box(Domain):
    """The box `lower <= x <= upper`.

    Example:
        >>> Box([-1, -1], [1, 1])
        box [-1, 1]^2
        >>> Box.cube(-1, 1, 3)
        box [-1, 1]^3
    """

    lower: Array
    upper: Array

    def __post_init__(self) -> None:
        lower = _vector(self.lower, "box: lower")
        upper = _vector(self.upper, "box: upper")
        if lower.shape != upper.shape:
            entries = plural(len(lower), "entry", "entries")
            raise InputError(f"box: lower has {entries} and upper {len(upper)}; give one of each per input")
        if len(lower) == 0:
            raise InputError("box: needs at least one coordinate, got none")
        for k in np.flatnonzero(lower > upper):
            raise InputError(f"box: lower exceeds upper in coordinate {k} ({lower[k]:g} > {upper[k]:g}); swap them")
        for k in np.flatnonzero(lower == upper):
            raise InputError(
                f"box: flat in coordinate {k} (lower = upper = {lower[k]:g}), so no region has full dimension; "
                "use a Segment or a Plane for a slice"
            )
        object.__setattr__(self, "lower", lower)
        object.__setattr__(self, "upper", upper)

    @classmethod
    def cube(cls, lower: float, upper: float, dim: int) -> Box:
        """The box with the same ends in every one of `dim` coordinates."""
        dim = whole_number(dim, "box: dim", most=LARGEST_DIM)
        low, high = real_number(lower, "box: lower"), real_number(upper, "box: upper")
        return cls(np.full(dim, low), np.full(dim, high))

    @property
    def dim(self) -> int:  # type: ignore[override]
        """Dimension."""
        return len(self.lower)

    @property
    def input_dim(self) -> int:  # type: ignore[override]
        """Number of network inputs."""
        return len(self.lower)

    @property
    def halfspaces(self) -> Rows:
        rows = []
        for k in range(self.dim):
            unit = [Fraction(int(j == k)) for j in range(self.dim)]
            rows.append([*unit, -Fraction(float(self.lower[k]))])
            rows.append([*(-v for v in unit), Fraction(float(self.upper[k]))])
        return rows

    def __repr__(self) -> str:
        if np.all(self.lower == self.lower[0]) and np.all(self.upper == self.upper[0]):
            power = f"^{self.dim}" if self.dim > 1 else ""
            return f"box [{self.lower[0]:g}, {self.upper[0]:g}]{power}"
        return "box " + " x ".join(f"[{a:g}, {b:g}]" for a, b in zip(self.lower, self.upper, strict=True))


@dataclass(frozen=True, eq=False, repr=False)
class Polytope(Domain):
    """The polyhedron `A x <= b`, bounded or not; an empty or flat one is refused by the engine, which says which it is.

    Example:
        >>> Polytope([[1, 1], [-1, 0], [0, -1]], [1, 0, 0])
        polytope of 3 half-spaces in dimension 2
    """

    A: Array
    b: Array

    def __post_init__(self) -> None:
        a = exact_float64(self.A, "polytope: A")
        b = _vector(self.b, "polytope: b")
        if a.ndim != 2 or a.shape[1] == 0:
            raise InputError(f"polytope: A must be (half-spaces, dim), got shape {a.shape}")
        if len(b) != len(a):
            rows, entries = plural(len(a), "row"), plural(len(b), "entry", "entries")
            raise InputError(f"polytope: A has {rows} and b {entries}; give one entry per row")
        object.__setattr__(self, "A", a)
        object.__setattr__(self, "b", b)

    @property
    def dim(self) -> int:  # type: ignore[override]
        """Dimension."""
        return self.A.shape[1]

    @property
    def input_dim(self) -> int:  # type: ignore[override]
        """Number of network inputs."""
        return self.A.shape[1]

    @property
    def halfspaces(self) -> Rows:
        return [[*(-v for v in fractions(a)), Fraction(float(b))] for a, b in zip(self.A, self.b, strict=True)]

    def __repr__(self) -> str:
        return f"polytope of {plural(len(self.A), 'half-space')} in dimension {self.dim}"


@dataclass(frozen=True, eq=False, repr=False)
class Segment(Domain):
    """The segment from `a` to `b`, `x = a + t (b - a)` with `0 <= t <= 1`.

    Example:
        >>> Segment([0, 0], [1, 2])
        segment in 2 inputs
    """

    a: Array
    b: Array

    def __post_init__(self) -> None:
        a, b = _vector(self.a, "segment: a"), _vector(self.b, "segment: b")
        if a.shape != b.shape:
            raise InputError(
                f"segment: a has {plural(len(a), 'entry', 'entries')} and b {len(b)}; both need one per input"
            )
        if np.array_equal(a, b):
            raise InputError("segment: a and b are the same point; choose two different points")
        object.__setattr__(self, "a", a)
        object.__setattr__(self, "b", b)

    @property
    def dim(self) -> int:  # type: ignore[override]
        """Dimension."""
        return 1

    @property
    def input_dim(self) -> int:  # type: ignore[override]
        """Number of network inputs."""
        return len(self.a)

    @property
    def halfspaces(self) -> Rows:
        return [[Fraction(1), Fraction(0)], [Fraction(-1), Fraction(1)]]

    @cached_property
    def _embedding(self) -> Rows:
        return [[q - p, p] for p, q in zip(fractions(self.a), fractions(self.b), strict=True)]

    @property
    def embedding(self) -> Rows:
        return self._embedding

    def __repr__(self) -> str:
        return f"segment in {plural(self.input_dim, 'input')}"


@dataclass(frozen=True, eq=False, repr=False)
class Plane(Domain):
    """A convex polygon in the plane through three points: `x = p + s (q - p) + t (r - p)`, `(s, t)` in the region.

    `region` holds the polygon's corners `(s, t)` in order (either sense); `(0, 0)`, `(1, 0)`, `(0, 1)` are p, q, r.

    Example:
        >>> Plane.through([0, 0, 0], [1, 0, 0], [0, 1, 0])
        plane slice of 3 inputs, region with 4 corners
    """

    p: Array
    q: Array
    r: Array
    region: Array

    def __post_init__(self) -> None:
        for name in "pqr":
            object.__setattr__(self, name, _vector(getattr(self, name), f"plane: {name}"))
        if not self.p.shape == self.q.shape == self.r.shape:
            sizes = f"{len(self.p)}, {len(self.q)} and {len(self.r)}"
            raise InputError(f"plane: p, q and r have {sizes} entries; need equal")
        slopes = [row[:2] for row in self._embedding]
        if rank(slopes) < 2:
            raise InputError("plane: p, q and r lie on one line; choose three points that span a plane")
        corners = exact_float64(self.region, "plane: region")
        if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3:
            raise InputError(f"plane: region must be at least 3 corners (s, t), got shape {corners.shape}")
        object.__setattr__(self, "region", _counter_clockwise(corners))

    @classmethod
    def through(cls, p: Any, q: Any, r: Any, *, region: Any = "square", margin: float = 0.0) -> Plane:
        """The plane through p, q, r; `region` is "square", "triangle" or the corners (k, 2) of a convex polygon.

        "square" is `[-margin, 1 + margin]^2` in the coordinates (s, t); "triangle" has the corners p, q, r.
        """
        if isinstance(region, str):
            margin = real_number(margin, "plane: margin")
            lo, hi = -margin, 1.0 + margin
            known = {
                "square": [[lo, lo], [hi, lo], [hi, hi], [lo, hi]],
                "triangle": [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]],
            }
            if region not in known:
                raise InputError(f"plane: region must be 'square', 'triangle' or corners (k, 2), got {region!r}")
            if region == "square" and not lo < hi:
                raise InputError(f"plane: margin must be above -0.5, got {margin:g}")
            region = known[region]
        return cls(p, q, r, region)

    @property
    def dim(self) -> int:  # type: ignore[override]
        """Dimension."""
        return 2

    @property
    def input_dim(self) -> int:  # type: ignore[override]
        """Number of network inputs."""
        return len(self.p)

    @property
    def halfspaces(self) -> Rows:
        corners = [fractions(c) for c in self.region]
        rows = []
        for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
            a, b = y1 - y2, x2 - x1
            rows.append([a, b, -(a * x1 + b * y1)])
        return rows

    @cached_property
    def _embedding(self) -> Rows:
        points = zip(fractions(self.p), fractions(self.q), fractions(self.r), strict=True)
        return [[q - p, r - p, p] for p, q, r in points]

    @property
    def embedding(self) -> Rows:
        return self._embedding

    def __repr__(self) -> str:
        return f"plane slice of {self.input_dim} inputs, region with {len(self.region)} corners"


@dataclass(frozen=True, repr=False)
class Space(Domain):
    """The whole space of `dim` inputs.

    Example:
        >>> Space(3)
        the whole space R^3
    """

    dim: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "dim", whole_number(self.dim, "space: dim"))

    @property
    def input_dim(self) -> int:  # type: ignore[override]
        """Number of network inputs."""
        return self.dim

    @property
    def halfspaces(self) -> Rows:
        return []

    def __repr__(self) -> str:
        return f"the whole space R^{self.dim}"


def _vector(values: Any, what: str) -> np.ndarray:
    out = exact_float64(values, what)
    if out.ndim != 1:
        raise InputError(f"{what} must be a vector, got shape {out.shape}")
    out.flags.writeable = False
    return out


def _counter_clockwise(corners: np.ndarray) -> np.ndarray:
    """The corners of a strictly convex polygon in counter-clockwise order; refuses anything else, exactly."""
    pts = [fractions(c) for c in corners]
    n = len(pts)

    def turn(a: list[Fraction], b: list[Fraction], c: list[Fraction]) -> Fraction:
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    turns = [turn(pts[i], pts[(i + 1) % n], pts[(i + 2) % n]) for i in range(n)]
    if all(t == 0 for t in turns):
        raise InputError("plane: region is flat, all its corners lie on one line; give three corners that do not")
    if not (all(t >= 0 for t in turns) or all(t <= 0 for t in turns)):
        raise InputError("plane: region must be a convex polygon with its corners in order; it turns both ways")
    sign = 1 if any(t > 0 for t in turns) else -1
    # A star polygon turns one way too: every corner must lie on the inner side of every edge.
    for i in range(n):
        if any(sign * turn(pts[i], pts[(i + 1) % n], c) < 0 for c in pts):
            raise InputError("plane: region must be a convex polygon with its corners in order; its edges cross")
    return corners if sign > 0 else corners[::-1].copy()
