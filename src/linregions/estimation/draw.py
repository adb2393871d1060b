"""Random points of a domain, in its own coordinates: uniform, near given data, and on random lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..domain import Box, Domain, Plane, Segment, Space
from ..errors import InputError
from ..exact import dot, fractions

_U = 2.0**-53
# Draws from a polyhedron's bounding box, of which so many at least must fall into it.
TRIALS, ENOUGH = 20_000, 200
STEPS = 16  # of hit-and-run between two points that are used
WALKERS = 256

Draw = Callable[[np.random.Generator, int], np.ndarray]


@dataclass(frozen=True)
class Sampler:
    """`draw(rng, n)` gives points (n, dim) of the domain; `independent` says that they are independent and uniform."""

    draw: Draw
    how: str
    independent: bool

    def fork(self) -> Sampler:
        """One that draws by itself: a walk begins again, and its points depend on nothing else that was drawn."""
        return (
            Sampler(_Walk(self.draw.domain, self.draw.start, self.draw.far), self.how, False)
            if isinstance(self.draw, _Walk)
            else self
        )


def sampler(domain: Domain, rng: np.random.Generator) -> Sampler:
    """How random points of this domain are drawn; of an unbounded one, with a heavy tail."""
    if isinstance(domain, Box):
        low, high = domain.lower, domain.upper
        return Sampler(lambda r, n: _between(r.random((n, domain.dim)), low, high), "uniform points", True)
    if isinstance(domain, Segment):
        return Sampler(lambda r, n: r.random((n, 1)), "uniform points", True)
    if isinstance(domain, Plane):
        return Sampler(lambda r, n: _in_polygon(domain, r, n), "uniform points", True)
    if isinstance(domain, Space):
        return Sampler(lambda r, n: _cauchy(r, n, domain.dim), "points at all scales", False)
    return _of_polyhedron(domain, rng)


def within(domain: Domain, t: np.ndarray) -> np.ndarray:
    """Which points (points, dim) certainly lie in the domain."""
    if isinstance(domain, Box):
        return np.all((t >= domain.lower) & (t <= domain.upper), axis=1)
    rows = domain.halfspaces
    if not rows:
        return np.ones(len(t), dtype=bool)
    matrix = np.array([[float(v) for v in row] for row in rows])
    with np.errstate(all="ignore"):
        value = t @ matrix[:, :-1].T + matrix[:, -1]
        size = np.abs(t) @ np.abs(matrix[:, :-1]).T + np.abs(matrix[:, -1])
        room = 1.01 * (domain.dim + 6) * _U * size + 1e-300
        inside, close = np.all(value > room, axis=1), ~np.any(value < -room, axis=1)
    for i in np.flatnonzero(close & ~inside & np.isfinite(t).all(axis=1)):
        point = [*fractions(t[i]), 1]
        inside[i] = all(dot(row, point) >= 0 for row in rows)
    return inside & np.isfinite(t).all(axis=1)


def near(domain: Domain, data: np.ndarray, spread: float, rng: np.random.Generator, n: int) -> np.ndarray:
    """Data points, each moved by a Gaussian of that standard deviation; those that leave the domain are left out.

    In a box they are moved back to its sides, so none is lost there.
    """
    t = data[rng.integers(len(data), size=n)] + spread * rng.standard_normal((n, domain.dim))
    if isinstance(domain, Box):
        return np.clip(t, domain.lower, domain.upper)
    return t[within(domain, t)]


def checked_data(data: Any, domain: Domain) -> np.ndarray:
    """The rows of `data` that lie in the domain."""
    from ..stage import exact_float64

    points = exact_float64(data, "data")
    if points.ndim != 2 or points.shape[1] != domain.input_dim or not len(points):
        raise InputError(f"data must be (samples, {domain.input_dim}) points of the domain, got shape {points.shape}")
    if domain.embedding is not None:
        raise InputError(f"data: points of a {domain!r} cannot be told; give the Box or Polytope that the data lie in")
    kept = points[within(domain, points)]
    if not len(kept):
        raise InputError(f"data: none of the {len(points)} points lies in {domain!r}; give a domain around the data")
    return kept


def _between(u: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    # Not low + u (high - low): the difference of large ends may overflow.
    return np.clip((1.0 - u) * low + u * high, low, high)


def _cauchy(rng: np.random.Generator, n: int, dim: int) -> np.ndarray:
    return rng.standard_normal((n, dim)) / np.maximum(np.abs(rng.standard_normal((n, 1))), 1e-12)


def _in_polygon(plane: Plane, rng: np.random.Generator, n: int) -> np.ndarray:
    """Uniform in the triangles at the first corner; the few points that rounding puts outside are drawn again."""
    corner, sides = plane.region[0], plane.region[1:] - plane.region[0]
    areas = np.abs(sides[:-1, 0] * sides[1:, 1] - sides[:-1, 1] * sides[1:, 0])
    out = np.zeros((0, 2))
    while len(out) < n:
        more = n - len(out)
        which = rng.choice(len(areas), size=more, p=areas / areas.sum())
        s = np.sort(rng.random((2, more, 1)), axis=0)
        t = corner + s[0] * sides[which] + (s[1] - s[0]) * sides[which + 1]
        out = np.concatenate([out, t[within(plane, t)]])
    return out


# -- Polyhedra -------------------------------------------------------------------------------------------------------


def _of_polyhedron(domain: Domain, rng: np.random.Generator) -> Sampler:
    low, high, centre, far = _extent(domain)
    bounded = bool(np.all(np.isfinite(low)) and np.all(np.isfinite(high)))
    if bounded:
        share = np.mean(within(domain, _between(rng.random((TRIALS, domain.dim)), low, high)))
        if share * TRIALS >= ENOUGH:
            return Sampler(lambda r, n: _by_rejection(domain, low, high, float(share), r, n), "uniform points", True)
    if centre is None:
        raise InputError(f"domain: no point inside {domain!r} was found; describe it in fewer coordinates or as a Box")
    return Sampler(_Walk(domain, centre, far), "points of a hit-and-run walk", False)


def _by_rejection(
    domain: Domain, low: np.ndarray, high: np.ndarray, share: float, rng: np.random.Generator, n: int
) -> np.ndarray:
    out = np.zeros((0, domain.dim))
    while len(out) < n:
        t = _between(rng.random((int(1.1 * (n - len(out)) / share) + 10, domain.dim)), low, high)
        out = np.concatenate([out, t[within(domain, t)]])
    return out[:n]


def _extent(domain: Domain) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray]:
    """A bounding box that holds the polyhedron up to rounding, a point well inside, and points that the box touches."""
    from scipy.optimize import linprog

    matrix = np.array([[float(v) for v in row] for row in domain.halfspaces]).reshape(-1, domain.dim + 1)
    a, b, free = -matrix[:, :-1], matrix[:, -1], [(None, None)] * domain.dim
    low, high, far = np.full(domain.dim, -np.inf), np.full(domain.dim, np.inf), []
    for k in range(domain.dim):
        for side, sign in ((low, 1.0), (high, -1.0)):
            found = linprog(sign * np.eye(domain.dim)[k], A_ub=a, b_ub=b, bounds=free)
            if found.status == 0:
                # A little more, so that no part is left out: what lies outside is rejected anyway.
                side[k] = sign * found.fun - sign * 1e-9 * (1.0 + abs(found.fun))
                far.append(found.x)
    norms = np.linalg.norm(a, axis=1)
    ball = linprog(
        [*np.zeros(domain.dim), -1.0],
        A_ub=np.column_stack([a, norms]),
        b_ub=b,
        bounds=[*free, (0, 1)],
    )
    centre = np.asarray(ball.x[:-1]) if ball.status == 0 else None
    if centre is not None and not within(domain, centre[None])[0]:
        centre = None
    return low, high, centre, np.array(far).reshape(-1, domain.dim)


class _Walk:
    """Hit-and-run: from the point, along a random line, to a random place on it (Smith 1984).

    Its points are uniform in the limit only, and dependent.  Half of the lines follow the polyhedron's shape, which is
    told by points `far` out, so that a thin one is walked along too.  In an unbounded direction a step goes as far as a
    heavy-tailed draw.
    """

    def __init__(self, domain: Domain, start: np.ndarray, far: np.ndarray):
        self.domain, self.start, self.far = domain, start, far
        rows = np.array([[float(v) for v in row] for row in domain.halfspaces]).reshape(-1, domain.dim + 1)
        self.normals, self.offsets = rows[:, :-1], rows[:, -1]
        self.at: np.ndarray | None = None

    def __call__(self, rng: np.random.Generator, n: int) -> np.ndarray:
        if self.at is None:
            self.at = np.repeat(self.start[None], WALKERS, axis=0)
        out: list[np.ndarray] = []
        have = 0
        while have < n:
            for _ in range(STEPS):
                self._step(rng)
            out.append(self.at.copy())
            have += len(self.at)
        points = np.concatenate(out)[:n]
        return points[within(self.domain, points)]

    def _step(self, rng: np.random.Generator) -> None:
        assert self.at is not None
        direction = rng.standard_normal(self.at.shape)
        if len(self.far) and rng.random() < 0.5:
            direction = rng.standard_normal((len(self.at), len(self.far))) @ (self.far - self.start)
        low, high = self._chord(direction)
        reach = np.abs(rng.standard_cauchy((2, len(self.at))))
        low, high = np.where(np.isfinite(low), low, -reach[0]), np.where(np.isfinite(high), high, reach[1])
        s = low + (high - low) * rng.random(len(self.at))
        moved = self.at + s[:, None] * direction
        good = within(self.domain, moved)
        self.at = np.where(good[:, None], moved, self.at)

    def _chord(self, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        assert self.at is not None
        slope = direction @ self.normals.T
        room = np.maximum(self.at @ self.normals.T + self.offsets, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            end = -room / slope
        high = np.min(np.where(slope < 0, end, np.inf), axis=1, initial=np.inf)
        low = np.max(np.where(slope > 0, end, -np.inf), axis=1, initial=-np.inf)
        return low, high
