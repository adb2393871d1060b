"""Distance of points from the nearest boundary between activation regions.

In the region of x every unit's level is affine, so the boundaries of the region lie on its zero sets there, and the
distance of x from the region's complement is `min_k |z_k(x) - t_k| / |grad z_k(x)|` over all breakpoints; in a max
group `(z_winner - z_other) / |grad z_winner - grad z_other|`.  No redundant one can be smaller than the minimum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..activations import MaxGroups
from ..domain import Space
from ..exact import dot, nearest_float
from ..network import Network
from ..partition.rows import region_rows
from ..stage import Stage
from .norms import lengths_of, operator_norm, row_norms, squares
from .tracing import (
    Trace,
    as_network,
    checked_points,
    directions_matrix,
    is_module,
    times,
    traces,
    weight_rows,
)

FIRST = 8  # candidates a point of whose gradients are taken at once; most others are then too far away to matter
PAIRS = 2**12  # gradients that are pulled back together
NOISE = 1e-9  # a gradient that is this small beside its bound may be rounding only, and is looked at in rationals


@dataclass(frozen=True, eq=False, repr=False)
class Distances:
    """Distances of points from their nearest boundaries.

    Attributes:
        values: (points,) in the units of the inputs; infinite where the region of the point is the whole space.
        stages: (points,) stage, from 0, of the unit whose boundary is nearest; -1 where there is none.
        units: (points,) which unit of that stage.
    """

    values: np.ndarray
    stages: np.ndarray
    units: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype=dtype)

    def as_dict(self) -> dict[str, float]:
        """Mean, median, least and quartile of the distances."""
        v = self.values
        if not len(v):
            return {}
        return {
            "dist_boundary": float(np.median(v)),
            "dist_boundary_mean": float(np.mean(v)),
            "dist_boundary_min": float(np.min(v)),
            "dist_boundary_q10": _quantile(v, 0.1),
        }

    def __repr__(self) -> str:
        if not len(self):
            return "Distances: no points"
        return f"Distances: {len(self)} points, median {np.median(self.values):.4g}, least {self.values.min():.4g}"


def _quantile(values: np.ndarray, share: float) -> float:
    """As `np.quantile` has it; infinite where one of its two values is, which there gives inf - inf."""
    if np.isfinite(values).all():
        return float(np.quantile(values, share))
    place = share * (len(values) - 1)
    low, high = np.sort(values)[[math.floor(place), math.ceil(place)]]
    return float(low if low == high else low + (high - low) * (place - math.floor(place)))


def boundary_distance(model: Any, x: Any, *, within: Any = None) -> Distances:
    """Distance of each point from the nearest boundary of its activation region, `min_k |z_k| / |grad z_k|`.

    The pieces are decided exactly; levels and gradients are float64, so that a distance is good to about 1e-12 of the
    size of the numbers that enter it.  `exact_boundary_distance` has no error.  Gradients are taken of those units only
    that a bound on their length does not rule out.

    Args:
        model: a Network, a path, or a torch module (then by automatic differentiation, for what no reader takes).
        x: (points, inputs).
        within: measure inside the slice through each point that these directions span: a `Plane`, a `Segment`, or rows
            (k, inputs); gradients are projected on it.

    Returns:
        `Distances`, in units of the inputs.

    Raises:
        InputError: the points or directions do not fit.

    Source: the definition; the same as the radius of Region.distance (docs/structure.md).

    Example:
        >>> net = Network.from_arrays([([[3.0, 4.0], [0.0, 1.0]], [0.0, -2.0]), ([[1.0, 1.0]], [0.0])])
        >>> found = boundary_distance(net, [[1.0, 1.0], [5.0, 2.5]])
        >>> found.values.tolist(), found.units.tolist()
        ([1.0, 0.5], [1, 1])
    """
    if is_module(model):
        from .torch_points import boundary_distance as by_torch

        return by_torch(model, x, within=within)
    network = as_network(model)
    x = checked_points(network, x)
    hinges = Hinges(network, within)
    values, slots = np.full(len(x), np.inf), np.full(len(x), -1, dtype=np.int64)
    for part, trace in traces(network, x, max(hinges.count, max(s.inputs for s in network.stages))):
        values[part], slots[part] = hinges.nearest(trace)
    # The last entry stands for "none".
    return Distances(values, np.append(hinges.stages, -1)[slots], np.append(hinges.units, -1)[slots])


def boundary_distances(model: Any, x: Any, *, within: Any = None) -> np.ndarray:
    """Distance of each point from the hyperplane of every breakpoint, taken as if the region went on for ever.

    Returns:
        (points, breakpoints): stage by stage, unit by unit, a unit with several breakpoints once for each, and a max
        group once for each of its rows; infinite where a unit is constant on the region, and for the winner itself.

    Example:
        >>> net = Network.from_arrays([([[3.0, 4.0], [0.0, 1.0]], [0.0, -2.0]), ([[1.0, 1.0]], [0.0])])
        >>> boundary_distances(net, [1.0, 1.0]).tolist()
        [[1.4, 1.0]]
    """
    network = as_network(model)
    x = checked_points(network, x)
    hinges = Hinges(network, within)
    out = np.full((len(x), hinges.count), np.inf)
    for part, trace in traces(network, x, max(hinges.count, max(s.inputs for s in network.stages))):
        levels = hinges.levels(trace)
        rows, columns = np.nonzero(np.isfinite(levels))
        out[part][rows, columns] = hinges.distances(trace, levels, rows, columns)
    return out


def exact_boundary_distance(network: Network, point: Sequence[Any]) -> tuple[Fraction, tuple[int, int]]:
    """The square of one point's distance from its nearest boundary as a rational number, and (stage, unit).

    Every half-space of the point's region is made in rational arithmetic, so this is for some hundred units.

    Args:
        network: any network.
        point: one number for each input, floats or rationals.

    Returns:
        The squared distance and the first unit that attains it; a network without boundaries gives (-1, (-1, -1)).

    Example:
        >>> net = Network.from_arrays([([[3.0, 4.0], [0.0, 1.0]], [0.0, -2.0]), ([[1.0, 1.0]], [0.0])])
        >>> exact_boundary_distance(net, [0.5, Fraction(1, 3)])
        (Fraction(289, 900), (0, 0))
    """
    pattern = network.exact_pattern(point)
    here = SimpleNamespace(network=network, domain=Space(network.input_dim), patterns=pattern[None, :])
    exact = [Fraction(v.item() if isinstance(v, np.generic) else v) for v in point]
    best, who = Fraction(-1), (-1, -1)
    for column, row in region_rows(here, 0)[0]:
        if any(row[:-1]):
            square = (dot(row[:-1], exact) + row[-1]) ** 2 / sum(a * a for a in row[:-1])
            if who[0] < 0 or square < best:
                best, who = square, (column.stage, column.unit)
    return best, who


class Hinges:
    """Every breakpoint of a network as a column: its stage, its unit, the row that it belongs to and its level.

    A max group has one column for each row: the winner's lead over it.
    """

    def __init__(self, network: Network, within: Any = None):
        self.network = network
        columns = [_columns(k, stage.activation) for k, stage in enumerate(network.stages)]
        self.stages, self.units, self.rows = (
            np.concatenate([np.asarray(c[i], dtype=np.int64) for c in columns]) for i in range(3)
        )
        self.at = np.concatenate([c[3] for c in columns])
        self.count = len(self.stages)
        self.basis, self.directions = (None, None) if within is None else directions_matrix(within, network.input_dim)
        weight = network.stages[0].weight
        self.row_norms = [row_norms(stage) for stage in network.stages]
        norms = [operator_norm(stage) for stage in network.stages]
        self.scales = np.cumprod([1.0, *norms[:-1]])  # how long a unit vector can become up to each stage
        self.first = None if self.basis is None else np.asarray(weight @ self.basis)

    def levels(self, trace: Trace) -> np.ndarray:
        """`|z - t|`, or the winner's lead, (points, columns); infinite for the winner itself."""
        out = np.empty((len(trace.x), self.count))
        for k, stage in enumerate(self.network.stages):
            mine = np.flatnonzero(self.stages == k)
            if not len(mine):
                continue
            z = trace.levels[k][:, self.rows[mine]]
            if isinstance(stage.activation, MaxGroups):
                winners = self._winners(trace, k, np.arange(len(z))[:, None], mine[None, :])
                lead = np.take_along_axis(trace.levels[k], winners, axis=1) - z
                out[:, mine] = np.where(winners == self.rows[mine], np.inf, np.maximum(lead, 0.0))
            else:
                out[:, mine] = np.abs(z - self.at[mine])
        return out

    def nearest(self, trace: Trace) -> tuple[np.ndarray, np.ndarray]:
        """The least distance of every point and the column that attains it, -1 where there is none."""
        best, who = np.full(len(trace.x), np.inf), np.full(len(trace.x), -1, dtype=np.int64)
        if not self.count or not len(trace.x):
            return best, who
        levels = self.levels(trace)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            least = levels / self.bounds(trace)
        # A unit whose gradient is bounded by zero is constant: 0/0 where it rests at its breakpoint.
        least[np.isnan(least)] = np.inf
        few = min(FIRST, self.count)
        columns = np.argpartition(least, few - 1, axis=1)[:, :few] if few < self.count else np.argsort(least, axis=1)
        rows = np.repeat(np.arange(len(trace.x)), columns.shape[1])
        columns = columns.ravel()
        go = np.isfinite(least[rows, columns])
        self._improve(trace, levels, rows[go], columns[go], best, who)
        least[rows, columns] = np.inf
        rows, columns = np.nonzero(least < best[:, None])
        self._improve(trace, levels, rows, columns, best, who)
        return best, who

    def _improve(self, trace: Trace, levels: Any, rows: Any, columns: Any, best: Any, who: Any) -> None:
        distance = self.distances(trace, levels, rows, columns)
        order = np.lexsort((columns, distance, rows))
        rows, columns, distance = rows[order], columns[order], distance[order]
        lead = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]]) if len(rows) else np.zeros(0, np.int64)
        closer = lead[(distance[lead] < best[rows[lead]]) & np.isfinite(distance[lead])]
        best[rows[closer]], who[rows[closer]] = distance[closer], columns[closer]

    def bounds(self, trace: Trace) -> np.ndarray:
        """Upper bounds on the lengths of the gradients, (points, columns): rows' lengths times operator norms."""
        out = np.empty((len(trace.x), self.count))
        for k, stage in enumerate(self.network.stages):
            mine = np.flatnonzero(self.stages == k)
            if len(mine):
                length = self.scales[k] * self._row_lengths(trace, k)
                if isinstance(stage.activation, MaxGroups):
                    winners = self._winners(trace, k, np.arange(len(length))[:, None], mine[None, :])
                    out[:, mine] = np.take_along_axis(length, winners, axis=1) + length[:, self.rows[mine]]
                else:
                    out[:, mine] = length[:, self.rows[mine]]
        return out * (1 + 1e-9)

    def _row_lengths(self, trace: Trace, k: int) -> np.ndarray:
        """Upper bounds on the lengths of the rows of stage `k`, weighted with the slopes before it, (points, rows)."""
        stage = self.network.stages[k]
        weight: Any = stage.weight if k or self.first is None else self.first
        square, size = squares(weight)
        gain = trace.gains[k - 1] if k else None
        if gain is None:
            sums = np.broadcast_to(np.asarray(square.sum(axis=1)).ravel(), (len(trace.x), stage.rows))
        else:
            sums = times(gain**2, square.T)
        # What is added stands for squares too small for a float64.
        out = size * (np.sqrt(sums) + 1e-150)
        return out if stage.divisor is None else out / np.asarray(stage.divisor)

    def distances(self, trace: Trace, levels: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Distances of (point, column) pairs; infinite where the unit is constant on the point's region."""
        lengths = np.empty(len(rows))
        for k in np.unique(self.stages[columns]):
            mine = np.flatnonzero(self.stages[columns] == k)
            for a in range(0, len(mine), PAIRS):
                some = mine[a : a + PAIRS]
                gradient = self.gradients(trace, rows[some], columns[some], int(k))
                lengths[some] = self._settled(trace, rows[some], columns[some], int(k), gradient)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.where(lengths > 0, levels[rows, columns] / lengths, np.inf)

    def gradients(
        self, trace: Trace, rows: np.ndarray, columns: np.ndarray, k: int, *, full: bool = False
    ) -> np.ndarray:
        """Gradients of pairs whose columns are all of stage `k`, (pairs, .).

        Lengths and inner products are right; the coordinates are those of the inputs with `full` only.
        """
        stage, first = self.network.stages[k], None if full else self.first
        winners = self._winners(trace, k, rows, columns) if _is_max(stage) else None

        def picked(numbers: np.ndarray) -> np.ndarray:
            return weight_rows(stage, numbers, None if k or full else self.first)

        seeds = picked(self.rows[columns]) if winners is None else picked(winners) - picked(self.rows[columns])
        return trace.pulled_back(k, seeds, rows, first)

    def _winners(self, trace: Trace, k: int, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Row of the winner of each column's max group."""
        act, units = self.network.stages[k].activation, self.units[columns]
        assert isinstance(act, MaxGroups)
        return act.offsets[units] + trace.pieces[k][rows, units]

    def _settled(self, trace: Trace, rows: Any, columns: Any, k: int, gradient: np.ndarray) -> np.ndarray:
        """Lengths of the gradients; 0 where the unit is constant, which rationals decide where rounding may hide it."""
        lengths = lengths_of(gradient)
        size = self.row_norms[k][self.rows[columns]] * self.scales[k]
        for i in np.flatnonzero(lengths <= NOISE * size):
            row, column = rows[i : i + 1], columns[i : i + 1]
            magnitude = self._magnitude(trace, row, column, k)
            if magnitude == 0.0:
                lengths[i] = 0.0
            elif lengths[i] <= NOISE * magnitude:
                lengths[i] = self._exact_length(trace, int(row[0]), int(column[0]), k)
        return lengths

    def _magnitude(self, trace: Trace, row: np.ndarray, column: np.ndarray, k: int) -> float:
        """Length of the sum of all terms of a gradient taken as positive; 0 where every path to the inputs is off."""
        stage = self.network.stages[k]
        seed = np.abs(weight_rows(stage, self.rows[column]))
        if _is_max(stage):
            seed = seed + np.abs(weight_rows(stage, self._winners(trace, k, row, column)))
        return float(np.linalg.norm(trace.pulled_back(k, seed, row, absolute=True)))

    def _exact_length(self, trace: Trace, row: int, column: int, k: int) -> float:
        seed = {int(self.rows[column]): Fraction(1)}
        if _is_max(self.network.stages[k]):
            winner = int(self._winners(trace, k, np.array(row), np.array(column)))
            if winner == self.rows[column]:
                return 0.0
            seed = {winner: Fraction(1), int(self.rows[column]): Fraction(-1)}
        exact = exact_gradient(self.network, [p[row] for p in trace.pieces], k, seed)
        if self.directions is not None and not any(dot(d, exact) for d in self.directions):
            return 0.0
        gradient = np.array([nearest_float(v) for v in exact])
        return float(np.linalg.norm(gradient if self.basis is None else gradient @ self.basis))


def exact_gradient(network: Network, pieces: Sequence[np.ndarray], k: int, seed: dict[int, Fraction]) -> list[Fraction]:
    """Gradient of a combination of the rows of stage `k` where all units have these pieces, in rationals."""
    v = seed
    for s in range(k, -1, -1):
        stage, before = network.stages[s], {}
        for row, factor in v.items():
            share = factor if stage.divisor is None else factor / Fraction(float(stage.divisor[row]))
            for j, w in zip(*stage.row(row), strict=True):
                before[int(j)] = before.get(int(j), Fraction(0)) + share * Fraction(float(w))
        v = before if s == 0 else _through(network.stages[s - 1], pieces[s - 1], before)
    return [v.get(j, Fraction(0)) for j in range(network.input_dim)]


def _through(stage: Stage, pieces: np.ndarray, v: dict[int, Fraction]) -> dict[int, Fraction]:
    act = stage.activation
    if isinstance(act, MaxGroups):
        return {int(act.offsets[u] + pieces[u]): w for u, w in v.items() if w}
    gained = {u: w * Fraction(act.functions[act.index[u]].slopes[pieces[u]]) for u, w in v.items()}
    return {u: w for u, w in gained.items() if w}


def _is_max(stage: Stage) -> bool:
    return isinstance(stage.activation, MaxGroups)


def _columns(k: int, act: Any) -> tuple[list[int], list[int], list[int], list[float]]:
    """Stage, unit, row and level of every breakpoint of a stage."""
    if isinstance(act, MaxGroups):
        found = [
            (k, unit, row, 0.0)
            for unit, (a, b) in enumerate(pairwise(act.offsets.tolist()))
            if b - a > 1
            for row in range(a, b)
        ]
    else:
        found = [(k, unit, unit, t) for unit, f in enumerate(act.index) for t in act.functions[f].breakpoints]
    return tuple([entry[i] for entry in found] for i in range(4))  # pyright: ignore[reportReturnType]
