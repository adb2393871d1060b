"""A quadratic Lyapunov function x'Px near the origin, and the largest ellipsoid on which it provably decreases."""

from __future__ import annotations

import math
import time as clock
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ...checks import shown
from ...errors import InputError
from ...exact import inverse, nearest_float
from ..proving.simplices import Simplices, Weights, simplices_of, weights_of
from ..verdict import rounded_text
from .forms import QuadraticForms, difference_form, lie_form
from .refine import EPS, Corner, Leaves, lifted_point, roots
from .search import Ground, Search
from .units import TINY, exponent_of, power, rounded

ZERO = Fraction(0)
BITS = 20  # of an entry of P after rounding, relative to the largest one

Matrix = tuple[tuple[Fraction, ...], ...]


@dataclass(frozen=True)
class Quadratic:
    """x'Px > 0 and its strict decrease on 0 < x'Px < rho, proved.

    Every ellipsoid {x'Px <= r} with r < rho is compact in the domain and forward invariant, and every trajectory in it
    tends to the origin.

    Attributes:
        P: a positive definite rational matrix.
        rho: the certified level; None where the whole space is certified.
        upper: a level that cannot be exceeded: an exact point refutes a larger one, or the domain ends; None where
            nothing does.
        time: "continuous" or "discrete".
        linear: whether the decrease follows from the linearisation alone, so that the system is linear where it counts.
        seconds: wall time.
    """

    P: Matrix
    rho: Fraction | None
    upper: Fraction | None
    time: str
    linear: bool
    seconds: float = 0.0

    @property
    def dim(self) -> int:
        """Dimension of the state."""
        return len(self.P)

    def value(self, x: Sequence[Fraction]) -> Fraction:
        """x'Px, exactly."""
        return form(self.P, x, x)

    @property
    def volume(self) -> float:
        """Volume of {x'Px < rho} in float64: pi^(n/2) rho^(n/2) / (Gamma(n/2 + 1) sqrt(det P))."""
        if self.rho is None:
            return math.inf
        ball = math.pi ** (self.dim / 2) / math.gamma(self.dim / 2 + 1)
        return ball * math.sqrt(nearest_float(self.rho**self.dim / math.prod(pivots(self.P), start=Fraction(1))))

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types; numbers as fractions."""
        return {
            "P": [[str(v) for v in row] for row in self.P],
            "rho": None if self.rho is None else str(self.rho),
            "upper": None if self.upper is None else str(self.upper),
            "time": self.time,
            "linear": self.linear,
            "volume": self.volume,
            "seconds": self.seconds,
        }

    def __str__(self) -> str:
        where = "everywhere" if self.rho is None else f"on 0 < x'Px < {rounded_text(self.rho)}"
        most = f", at most {rounded_text(self.upper)} is possible" if self.upper not in (None, self.rho) else ""
        return f"x'Px decreases {where}{most}; P = {np.array(self.P, dtype=float).round(6).tolist()}"


def form(P: Matrix, x: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
    """The bilinear form x'Py.

    Example:
        >>> form(((Fraction(2), Fraction(1)), (Fraction(1), Fraction(3))), [1, 2], [1, 0])
        Fraction(4, 1)
    """
    return sum((a * p * b for row, a in zip(P, x, strict=True) if a for p, b in zip(row, y, strict=True) if b), ZERO)


def pivots(P: Matrix) -> list[Fraction]:
    """The pivots of elimination without exchanges, up to the first that is not positive; n of them mean P > 0.

    Example:
        >>> pivots(((Fraction(2), Fraction(1)), (Fraction(1), Fraction(3))))
        [Fraction(2, 1), Fraction(5, 2)]
    """
    rows, out = [list(row) for row in P], []
    for k in range(len(rows)):
        if rows[k][k] <= 0:
            break
        out.append(rows[k][k])
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / rows[k][k]
            rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k], strict=True)]
    return out


def positive_definite(P: Matrix) -> bool:
    """Whether a symmetric rational matrix is positive definite, exactly."""
    return len(pivots(P)) == len(P)


def quadratic_certificate(
    dynamics: Any,
    domain: Any = None,
    *,
    time: str = "continuous",
    P: Any = None,
    Q: Any = None,
    gap: float = 0.001,
    rounds: int = 200,
    time_limit: float | None = None,
    dim: int | None = None,
) -> Quadratic:
    """Certify x'Px near the origin, and how far.

    P solves A'P + PA = -Q, or A'PA - P = -Q in discrete time, for the linearisation A at 0; it is rounded to rationals
    and then taken as given.  P > 0 is decided exactly.  The decrease is proved, or refuted, by subdivision of simplices
    around the origin, the part with the least x'Px first, until the certified level is within `gap` of one that an
    exact point refutes.

    Args:
        dynamics: what `dynamics_of` takes: an array A, expressions, modes.
        domain: Box or Polytope with the origin inside; the ellipsoid has to lie in it.  None only for linear systems.
        time: "continuous" or "discrete".
        P: (n, n) symmetric, instead of a solution.
        Q: (n, n) positive definite; the identity by default.
        gap: relative distance from the best possible level at which refinement stops; it steers the work only.
        rounds: most rounds of refinement.
        time_limit: seconds for refinement.
        dim: dimension of the state where neither the dynamics nor the domain tell it.

    Returns:
        A `Quadratic`.

    Raises:
        InputError: the linearisation has no such P, or P is not positive definite, or x'Px does not decrease near 0.

    Source:
        Lyapunov's equation; the level by subdivision is derived (convex-hull property of the Bernstein form).

    Example:
        >>> quadratic_certificate([[-1.0, 0.0], [0.0, -2.0]]).P
        ((Fraction(1, 2), Fraction(0, 1)), (Fraction(0, 1), Fraction(1, 4)))
    """
    begun = clock.perf_counter()
    system = _system(dynamics, domain, dim)
    jacobian = system.jacobian()
    matrix = _given(P, len(jacobian)) if P is not None else _solution(jacobian, time, Q)
    if not positive_definite(matrix):
        raise InputError(
            f"P: {_text(matrix)} is not positive definite; give another P or Q, or a system that is stable at 0"
        )
    inner = _reach(matrix, system, domain)
    decreasing = _linear_decrease(matrix, jacobian, time)
    if _is_linear(system) and decreasing:
        return Quadratic(matrix, inner, inner, time, True, clock.perf_counter() - begun)
    if isinstance(system, _Linear):
        raise InputError(f"P: x'Px with P = {_text(matrix)} does not decrease strictly near 0; give another P")
    if inner is None:
        raise InputError(
            "domain: the system is not linear, so the ellipsoid needs a bound; give a Box or a Polytope around 0"
        )
    search = _searched(matrix, system, inner, time, deadline=begun + (time_limit or math.inf), rounds=rounds, gap=gap)
    unit = search.ground.unit
    rho, upper = search.lowest() * unit, search.impossible() * unit
    if rho <= 0:
        raise InputError(
            f"P: x'Px with P = {_text(matrix)} is not certified near 0 (refuted from {rounded_text(upper)} on); "
            "give another P, or more rounds"
        )
    return Quadratic(matrix, rho, upper, time, False, clock.perf_counter() - begun)


def _text(P: Matrix) -> str:
    return shown([[nearest_float(v) for v in row] for row in P])


def _system(dynamics: Any, domain: Any, dim: int | None) -> Any:
    """The system near 0 as expressions: a smooth one, or the mode that has 0 in its interior."""
    from ..dynamics.dynamics import Piecewise, Smooth, dynamics_of

    if not isinstance(dynamics, Smooth | Piecewise):
        given = domain.dim if domain is not None else len(dynamics)
        dynamics = dynamics_of(dynamics, dim=given if dim is None else dim)
    if isinstance(dynamics, Smooth):
        return dynamics
    if isinstance(dynamics, Piecewise):
        for mode in dynamics.modes:
            if all(h > 0 for h in mode.h):
                return _Linear(mode)
    raise InputError(
        f"dynamics: {dynamics.describe()} has no single smooth piece around 0; a quadratic certificate needs one there"
    )


@dataclass(frozen=True)
class _Linear:
    """A mode x' = Ax of a piecewise affine system, valid where Hx <= h."""

    mode: Any

    def jacobian(self) -> list[list[tuple[Fraction, Fraction]]]:
        return [[(Fraction(v), Fraction(v)) for v in row] for row in self.mode.A]

    @property
    def sides(self) -> list[tuple[list[Fraction], Fraction]]:
        return [([Fraction(v) for v in row], Fraction(h)) for row, h in zip(self.mode.H, self.mode.h, strict=True)]


def _is_linear(system: Any) -> bool:
    if isinstance(system, _Linear):
        return True
    return system.polynomials is not None and all(p.degree <= 1 for p in system.polynomials)


def _given(P: Any, n: int) -> Matrix:
    try:
        rows = tuple(tuple(Fraction(v.item() if isinstance(v, np.generic) else v) for v in row) for row in P)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"P: expected a symmetric matrix of numbers, got {shown(P)}") from error
    if (
        len(rows) != n
        or any(len(row) != n for row in rows)
        or any(rows[i][j] != rows[j][i] for i in range(n) for j in range(i))
    ):
        raise InputError(f"P: expected a symmetric ({n}, {n}) matrix, got {shown(P)}")
    return rows


def _solution(jacobian: Any, time: str, Q: Any) -> Matrix:
    """The solution of Lyapunov's (Stein's) equation, rounded to rationals."""
    from scipy.linalg import solve_continuous_lyapunov, solve_discrete_lyapunov

    a = np.array([[float(low + high) / 2 for low, high in row] for row in jacobian])
    right = np.eye(len(a)) if Q is None else np.asarray(Q, dtype=np.float64)
    if right.shape != a.shape:
        raise InputError(f"Q: expected a symmetric {a.shape} matrix, got shape {right.shape}")
    rates = np.linalg.eigvals(a)
    if (rates.real.max() if time == "continuous" else np.abs(rates).max() - 1) >= 0:
        raise InputError(
            "dynamics: the linearisation at 0 is not asymptotically stable, so Lyapunov's equation gives no P; give one"
        )
    p = solve_continuous_lyapunov(a.T, -right) if time == "continuous" else solve_discrete_lyapunov(a.T, right)
    unit = Fraction(2) ** (math.frexp(float(np.abs(p).max()))[1] - BITS)
    rounded = [[round(Fraction(float(v)) / unit) * unit for v in row] for row in (p + p.T) / 2]
    return tuple(tuple(row) for row in rounded)


def _linear_decrease(P: Matrix, jacobian: Any, time: str) -> bool:
    """Whether -(A'P + PA), or P - A'PA, is positive definite for every A in the intervals, decided exactly."""
    n = len(P)
    middle = [[(low + high) / 2 for low, high in row] for row in jacobian]
    radius = [[(high - low) / 2 for low, high in row] for row in jacobian]
    size = tuple(tuple(abs(v) for v in row) for row in P)
    columns = [[row[j] for row in middle] for j in range(n)]
    widths = [[row[j] for row in radius] for j in range(n)]
    unit = [[Fraction(int(i == j)) for j in range(n)] for i in range(n)]
    table, blur = [], []
    for i in range(n):
        if time == "continuous":
            table.append([-form(P, columns[i], unit[j]) - form(P, unit[i], columns[j]) for j in range(n)])
            blur.append(sum((form(size, widths[i], unit[j]) + form(size, unit[i], widths[j]) for j in range(n)), ZERO))
        else:
            wide = [[abs(v) + w for v, w in zip(columns[j], widths[j], strict=True)] for j in range(n)]
            table.append([P[i][j] - form(P, columns[i], columns[j]) for j in range(n)])
            near = [form(size, [abs(v) for v in columns[i]], [abs(v) for v in columns[j]]) for j in range(n)]
            blur.append(sum((form(size, wide[i], wide[j]) - near[j] for j in range(n)), ZERO))
    for i in range(n):
        table[i][i] -= blur[i]  # a symmetric error with these row sums of absolute values is below this diagonal
    return positive_definite(tuple(map(tuple, table)))


def _reach(P: Matrix, system: Any, domain: Any) -> Fraction | None:
    """The largest level whose open ellipsoid fits: the least h^2 / a'P^-1 a over sides a.x <= h of domain and mode."""
    sides = list(system.sides) if isinstance(system, _Linear) else []
    if domain is not None:
        sides += [([-v for v in row[:-1]], row[-1]) for row in domain.halfspaces]
    for _, h in sides:
        if h <= 0:
            raise InputError(f"domain: {shown(domain)} does not have the origin strictly inside; take a set around it")
    if not sides:
        return None
    inv = inverse(P)
    return min(h * h / form(inv, a, a) for a, h in sides)


@dataclass(eq=False)
class _Task:
    """The decrease of x'Px on simplices around the origin, as the search takes it."""

    simplices: Simplices
    weights: Weights
    forms: Any
    mask: None = None


def _searched(
    P: Matrix, system: Any, inner: Fraction, time: str, *, deadline: float, rounds: int, gap: float
) -> Search:
    """Look for the largest level with decrease, starting from one simplex for each orthant."""
    n = len(P)
    simplices = simplices_of(orthants(P, inner))
    make = lie_form if time == "continuous" else difference_form
    forms: Any = make(P, system.polynomials) if system.polynomials is not None else QuadraticForms(P, system, time)
    task = _Task(simplices, weights_of([[Fraction(1)]] * simplices.count), forms)

    search = Search([task], _ground(P, simplices, inner), deadline, rounds)
    search.take(0, roots(0, simplices.count, n + 1))
    search.raise_lowest(gap)
    return search


def _ground(P: Matrix, simplices: Simplices, limit: Fraction) -> Ground:
    """Levels of x'Px in units: the least of its Bernstein coefficients x_i'Px_j is not above its minimum on the hull.

    Coordinate k is in units of its own as well, and P in those that fit.
    """
    n, k = len(P), exponent_of(limit)
    rows = [[[Fraction(int(v), int(y[-1])) for v in y[:n]] for y in simplices.exact(i)] for i in range(simplices.count)]
    sizes = [exponent_of(max(abs(y[j]) for row in rows for y in row)) for j in range(n)]
    pairs = [[rounded(v[j], sizes[j]) for j in range(n)] for row in rows for v in row]
    known = np.array(pairs).reshape(simplices.count, n + 1, n, 2)
    entries = np.array([[rounded(P[i][j], k - sizes[i] - sizes[j]) for j in range(n)] for i in range(n)])
    table, doubt = entries[:, :, 0], np.abs(entries[:, :, 0]) + entries[:, :, 1]
    share_of_unit = power(-k)

    def floats(_: int, leaves: Leaves) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        places, errors = known[leaves.row][..., 0], known[leaves.row][..., 1]
        x, size = leaves.share @ places, leaves.share @ np.abs(places)
        wide = size * (1 + (n + 5) * EPS) + (leaves.share @ errors) * (1 + (n + 5) * EPS) + TINY
        products = x @ table @ x.transpose(0, 2, 1)
        heavy = wide @ doubt @ wide.transpose(0, 2, 1)
        light = size @ np.abs(table) @ size.transpose(0, 2, 1)
        error = np.abs(heavy - light) + (4 * n + 16) * EPS * heavy + TINY
        pairs = leaves.face[:, :, None] & leaves.face[:, None]
        low = np.maximum(0.0, np.where(pairs, products, np.inf).min(axis=(1, 2)))
        high = np.where(leaves.face, products.diagonal(axis1=1, axis2=2), 0.0).max(axis=1)
        return low, high, error.max(axis=(1, 2))

    def bounds(_: int, row: int, corners: Sequence[Sequence[int]], bits: int) -> tuple[Fraction, Fraction]:
        x = [lifted_point(simplices, row, [Fraction(v, 1 << bits) for v in corner]) for corner in corners]
        found = [form(P, x[i], x[j]) for i in range(len(x)) for j in range(i + 1)]
        return max(ZERO, min(found)) * share_of_unit, max(form(P, v, v) for v in x) * share_of_unit

    def at(_: int, row: int, corner: Corner) -> Fraction:
        x = lifted_point(simplices, row, corner)
        return form(P, x, x) * share_of_unit

    def first(_: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(len(rows)), np.zeros(len(rows))

    return Ground(floats, bounds, at, first, lambda *_: ZERO, limit * share_of_unit, power(k))


def orthants(P: Matrix, level: Fraction) -> list[list[tuple[Fraction, ...]]]:
    """One simplex per orthant that contains its part of {x'Px <= level}: the origin and a point on every half-axis.

    The half-widths of the ellipsoid are h_k = sqrt(level (P^-1)_kk), rounded up; the corner of their box has
    sum_k x_k / h_k = n, so the points n h_k e_k are far enough out.

    Example:
        >>> orthants(((Fraction(1),),), Fraction(4))
        [[(Fraction(0, 1),), (Fraction(2, 1),)], [(Fraction(0, 1),), (Fraction(-2, 1),)]]
    """
    n, inv = len(P), inverse(P)
    widths = [n * _root_above(level * inv[k][k]) for k in range(n)]
    out = []
    for code in range(2**n):
        corners = [(ZERO,) * n]
        for k in range(n):
            far = -widths[k] if code >> k & 1 else widths[k]
            corners.append(tuple(far if i == k else ZERO for i in range(n)))
        out.append(corners)
    return out


def _root_above(value: Fraction) -> Fraction:
    """A short rational at least the square root, exact where the root has 20 bits after the point."""
    places = BITS - min(0, exponent_of(value) // 2)  # a small root needs more of them
    scaled = value * 4**places
    whole = -(-scaled.numerator // scaled.denominator)
    root = math.isqrt(whole)
    return Fraction(root + (root * root < whole), 2**places)
