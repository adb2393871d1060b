"""The published procedure for shallow ReLU candidates, written anew from its description; it decides with tolerances.

Cells are found by a breadth-first search over activation patterns (Chebyshev centre by linear programming, vertices by
Qhull, every tight neuron flipped); positivity is checked at vertices in float32; the decrease is checked in each cell
by SHGO, scipy's global optimiser, which samples.  A ball of radius `hole` around the origin is left out.  What this
certifies is not proved; it is here to be compared with.
"""

from __future__ import annotations

import time
import warnings
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

# The tolerances of the procedure: least radius of a cell, tight neuron, vanishing slope, V(0) = 0.
RADIUS = TIGHT = FLAT = 1e-6
SHARE_OF_HOLE = 1e-3  # of the smallest side of the box
ITERATIONS = 20
RANDOM_POINTS = 10_000


@dataclass
class Shallow:
    """`V(x) = a.relu(W x + b) + c`, in float64 and, where the procedure uses that, in float32."""

    weight: np.ndarray
    bias: np.ndarray
    out: np.ndarray
    shift: np.float32 = field(init=False)

    def __post_init__(self) -> None:
        self._single = tuple(array.astype(np.float32) for array in (self.weight, self.bias, self.out))
        self.shift = self._forward(np.zeros((1, self.weight.shape[1]), dtype=np.float32))[0]

    def _forward(self, x: np.ndarray) -> np.ndarray:
        w, b, a = self._single
        return np.maximum(x @ w.T + b, np.float32(0)) @ a

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """V - V(0) in float32."""
        return self._forward(np.atleast_2d(x).astype(np.float32)) - self.shift

    def patterns(self, x: np.ndarray) -> np.ndarray:
        return np.atleast_2d(x) @ self.weight.T + self.bias > 0

    def slope(self, pattern: np.ndarray) -> np.ndarray:
        return (self.out * pattern) @ self.weight


@dataclass
class Outcome:
    """What the procedure says: certified, or refuted by some cells; and what it never looked at."""

    cells: int
    dropped: int
    missed: int
    not_positive: int
    not_decreasing: int
    infeasible: int
    vacuous: int
    seconds: float
    complete: bool
    witness: np.ndarray | None = None

    @property
    def certified(self) -> bool:
        return self.complete and not (self.not_positive or self.not_decreasing or self.missed)

    @property
    def verdict(self) -> str:
        if not self.complete:
            return "out of time"
        return "certified" if self.certified else "refuted"


def check(
    net: Shallow,
    f: Callable[[np.ndarray], np.ndarray],
    lower: np.ndarray,
    upper: np.ndarray,
    *,
    jacobian: Callable[[np.ndarray], np.ndarray] | None = None,
    hole: float | None = None,
    time_limit: float = np.inf,
    seed: int = 0,
) -> Outcome:
    """The whole procedure on a box; `f` and its Jacobian take one point."""
    started = time.perf_counter()
    lower, upper = np.asarray(lower, dtype=float), np.asarray(upper, dtype=float)
    radius = SHARE_OF_HOLE * float((upper - lower).min()) if hole is None else hole
    cells, dropped, complete = enumerate_cells(net, lower, upper, started + time_limit)
    seen = {pattern.tobytes() for pattern, *_ in cells}
    points = np.random.default_rng(seed).uniform(lower, upper, (RANDOM_POINTS, len(lower)))
    missed = len({row.tobytes() for row in net.patterns(points)} - seen)
    outcome = Outcome(len(cells), dropped, missed, 0, 0, 0, 0, 0.0, complete)
    for pattern, rows, vertices, centre in cells:
        if time.perf_counter() > started + time_limit:
            outcome.complete = False
            break
        outside = vertices[np.linalg.norm(vertices, axis=1) >= radius]
        low = outside[net(outside) <= 0] if len(outside) else outside
        if len(low):
            outcome.not_positive += 1
            outcome.witness = low[0] if outcome.witness is None else outcome.witness
        where, looked = _increasing(net.slope(pattern), f, jacobian, rows, vertices, centre, radius)
        outcome.vacuous += int(not looked)
        if where is not None:
            outcome.not_decreasing += 1
            outcome.infeasible += int(np.linalg.norm(where) < radius)
            outcome.witness = where if outcome.witness is None else outcome.witness
    outcome.seconds = time.perf_counter() - started
    return outcome


def enumerate_cells(net: Shallow, lower: np.ndarray, upper: np.ndarray, deadline: float) -> tuple[list, int, bool]:
    """Breadth first over patterns from 2^n seeds; (pattern, half-spaces, vertices, centre) of each, and how many fell.

    Half-spaces are rows [a..., c] for `a.x + c <= 0`, as Qhull has them.
    """
    n = len(lower)
    middle, quarter = (lower + upper) / 2, (upper - lower) / 4
    corners = np.array(np.meshgrid(*[(-1.0, 1.0)] * n, indexing="ij")).reshape(n, -1).T
    queue = deque(net.patterns(middle + corners * quarter))
    known = {pattern.tobytes() for pattern in queue}
    box = np.concatenate([np.c_[np.eye(n), -upper], np.c_[-np.eye(n), lower]])
    cells, dropped, visited = [], 0, set()
    while queue:
        if time.perf_counter() > deadline:
            return cells, dropped, False
        pattern = queue.popleft()
        if pattern.tobytes() in visited:
            continue
        visited.add(pattern.tobytes())
        sign = np.where(pattern, -1.0, 1.0)
        rows = np.concatenate([sign[:, None] * np.c_[net.weight, net.bias], box])
        found = _polytope(rows)
        if found is None:
            dropped += 1
            continue
        vertices, centre = found
        cells.append((pattern, rows, vertices, centre))
        tight = np.any(np.abs(vertices @ net.weight.T + net.bias) < TIGHT, axis=0)
        for k in np.flatnonzero(tight):
            neighbour = pattern.copy()
            neighbour[k] = not neighbour[k]
            if neighbour.tobytes() not in known:
                known.add(neighbour.tobytes())
                queue.append(neighbour)
    return cells, dropped, True


def _polytope(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Vertices and Chebyshev centre, None where the ball is too small or Qhull gives up."""
    from scipy.optimize import linprog
    from scipy.spatial import HalfspaceIntersection, QhullError

    n = rows.shape[1] - 1
    size = np.linalg.norm(rows[:, :-1], axis=1)
    ball = linprog(
        np.r_[np.zeros(n), -1.0],
        A_ub=np.c_[rows[:, :-1], size],
        b_ub=-rows[:, -1],
        bounds=[(None, None)] * n + [(0, None)],
        method="highs",
    )
    if ball.status != 0 or ball.x[-1] <= RADIUS:
        return None
    try:
        vertices = HalfspaceIntersection(rows, ball.x[:-1]).intersections
    except QhullError:
        return None
    vertices = vertices[np.all(np.isfinite(vertices), axis=1)]
    # Noise of 1e-16 in the corners makes SHGO ten times slower; without it the procedure is at its best.
    return np.round(vertices, 12) + 0.0, ball.x[:-1]


def _increasing(
    slope: np.ndarray,
    f: Callable[[np.ndarray], np.ndarray],
    jacobian: Callable[[np.ndarray], np.ndarray] | None,
    rows: np.ndarray,
    vertices: np.ndarray,
    centre: np.ndarray,
    hole: float,
) -> tuple[np.ndarray | None, bool]:
    """A point of increase in this cell, or None: certified; and whether the procedure saw any of it."""
    size = float(np.linalg.norm(slope))
    if size < FLAT:
        return centre, True
    direction = slope / size
    probes = np.concatenate([vertices, centre[None]])
    outside = probes[np.linalg.norm(probes, axis=1) >= hole]
    if not len(outside):
        return None, False
    rates = np.array([direction @ f(x) for x in outside])
    if np.any(rates >= 0):
        return outside[int(np.argmax(rates))], True
    return _search(direction, f, jacobian, rows, vertices, hole)


def _search(
    direction: np.ndarray,
    f: Callable[[np.ndarray], np.ndarray],
    jacobian: Callable[[np.ndarray], np.ndarray] | None,
    rows: np.ndarray,
    vertices: np.ndarray,
    hole: float,
) -> tuple[np.ndarray | None, bool]:
    """SHGO over the bounding box with the cell as constraints; it minimises minus the normalised rate."""
    from scipy.optimize import shgo

    low, high = vertices.min(axis=0), vertices.max(axis=0)
    constraints = [{"type": "ineq", "fun": lambda x: -(rows[:, :-1] @ x + rows[:, -1])}]
    if np.linalg.norm(np.clip(0.0, low, high)) < hole:
        constraints.append({"type": "ineq", "fun": lambda x: float(x @ x) - hole**2})
    minimizer: dict = {"method": "SLSQP"}
    if jacobian is not None:
        # The slope of the objective in float32, as automatic differentiation gives it.
        minimizer["jac"] = lambda x: -(direction @ jacobian(x)).astype(np.float32).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = shgo(
            lambda x: -float(direction @ f(x)),
            list(zip(low, high, strict=True)),
            constraints=constraints,
            sampling_method="simplicial",
            minimizer_kwargs=minimizer,
            options={"maxiter": ITERATIONS},
        )
    # No feasible point found, or none that is bad: the cell counts as certified.
    seen = found.x is not None and found.fun is not None
    return (found.x if seen and found.fun < 0 else None), seen
