"""Local complexity: how many units change their sign within a small cross-polytope around a point.

A frame of P orthonormal directions v_p and a radius r give the 2P vertices `x +- r v_p`; a unit counts at x when its
sign is not the same at all of them.  Beyond the first layer the vertices see only a part of what happens between them,
so that the number is an estimate there; `local_complexity_exact` is the count by the engine, in dimension 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ..activations import MaxGroups
from ..checks import plural, real_number, seed_number, shown, whole_number
from ..counting import enumerate_regions
from ..domain import Plane
from ..errors import InputError
from ..exact import dot, fractions
from ..stage import Stage, exact_float64
from .norms import row_norms
from .star import Star, linear_part, shift_of
from .tracing import as_network, checked_points, is_module

_U = 2.0**-53
USUAL = 25  # directions, where there are as many inputs


@dataclass(frozen=True, eq=False, repr=False)
class LocalCounts:
    """Units that change their sign around points.

    Attributes:
        layers: (points, layers) how many of each layer.
        widths: (layers,) how many there are.
        radius: of the cross-polytope, in units of the inputs.
        directions: their number P.
        exact_decisions: signs that float64 could not tell and rationals did.
    """

    layers: np.ndarray
    widths: tuple[int, ...]
    radius: float
    directions: int
    exact_decisions: int = 0

    @property
    def values(self) -> np.ndarray:
        """(points,) the sum over the layers."""
        return self.layers.sum(axis=1)

    @property
    def shares(self) -> np.ndarray:
        """(points, layers) counts over widths."""
        return self.layers / np.maximum(1, self.widths)

    def as_dict(self) -> dict[str, float]:
        """Means over the points: in all, by layer, and by layer over its width."""
        if not len(self.layers):
            return {}
        out = {"local_complexity": float(self.values.mean())}
        for k in range(len(self.widths)):
            out[f"local_complexity_layer_{k + 1}"] = float(self.layers[:, k].mean())
            out[f"local_complexity_share_{k + 1}"] = float(self.shares[:, k].mean())
        return out

    def __repr__(self) -> str:
        if not len(self.layers):
            return "LocalCounts: no points"
        return (
            f"LocalCounts: mean {self.values.mean():.4g} of {sum(self.widths)} units at {len(self.layers)} points, "
            f"radius {self.radius:g}, {plural(self.directions, 'direction')}"
        )


@dataclass(frozen=True, eq=False, repr=False)
class ExactCounts:
    """Exact counts inside the two-dimensional diamonds around points.

    Attributes:
        regions: (points,) activation regions.
        units: (points,) units that are not the same on the whole diamond.
        complete: (points,) whether everything was listed; where not, both are lower bounds.
    """

    regions: np.ndarray
    units: np.ndarray
    complete: np.ndarray

    def __repr__(self) -> str:
        return f"ExactCounts: {len(self.regions)} diamonds, regions {shown(self.regions.tolist())}"


def frame(inputs: int, count: int, *, seed: int = 0) -> np.ndarray:
    """Orthonormal directions (count, inputs): rows of a random orthogonal matrix, uniformly distributed.

    Raises:
        InputError: more directions than inputs.

    Example:
        >>> v = frame(5, 2, seed=1)
        >>> np.allclose(v @ v.T, np.eye(2))
        True
    """
    count = whole_number(count, "directions", most=whole_number(inputs, "inputs"))
    q, r = np.linalg.qr(np.random.default_rng(seed_number(seed)).normal(size=(inputs, count)))
    return np.ascontiguousarray((q * np.where(np.diag(r) < 0, -1.0, 1.0)).T)


def local_complexity(
    model: Any,
    x: Any,
    *,
    radius: float,
    directions: Any = None,
    seed: int = 0,
    centre: bool = False,
    logits: bool = False,
) -> LocalCounts:
    """How many units change their sign between the vertices `x +- r v_p` of a cross-polytope, layer by layer.

    `LC_l(x) = #{units k of layer l: sign(z_k - t) is not constant over the vertices}` for a breakpoint t of the unit;
    0 is a sign of its own.  A max group counts where not the same row wins everywhere.  Signs at the vertices, taken as
    the real points that they are, are exact.

    Args:
        model: a Network, a path, or a torch module (then in its own precision, by one forward pass a vertex).
        x: (points, inputs).
        radius: r > 0.
        directions: P, for `frame(inputs, P, seed=seed)`, one frame for all points; or the directions (P, inputs); None
            takes 25, or as many as there are inputs.
        seed: of the frame.
        centre: x itself is one more vertex.
        logits: the outputs count as a layer too, by their own signs, as in the published code.

    Returns:
        `LocalCounts`; layers are those with breakpoints.

    Raises:
        InputError: an argument does not fit.

    Source: Humayun, Balestriero, Baraniuk 2024 (ICML), section 3; details as in its published code.

    Example:
        >>> from linregions import Network
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, -3.0]), ([[1.0, 1.0]], [0.0])])
        >>> local_complexity(net, [[0.5, 0.0], [2.0, 2.5]], radius=1.0, directions=np.eye(2)).values.tolist()
        [1, 1]
    """
    radius = _positive(radius, "radius")
    if is_module(model):
        from .torch_points import local_complexity as by_torch

        return by_torch(model, x, radius=radius, directions=directions, seed=seed, centre=centre, logits=logits)
    network = as_network(model)
    x = checked_points(network, x)
    v = chosen_directions(directions, network.input_dim, seed)
    with np.errstate(all="ignore"):  # a bound that overflows leaves the sign to rationals
        star = Star(network, v, radius, centre, logits)
        layers = star.all_counts(x)
    return LocalCounts(layers, star.widths, radius, len(v), star.exact_decisions)


def local_complexity_layer1(model: Any, x: Any, *, radius: float, directions: Any = None, seed: int = 0) -> np.ndarray:
    """The exact form for the first stage: `#{k: |w_k.x + b_k - t| < r max_p |w_k.v_p|}`, (points,).

    These are the hyperplanes that meet the inside of the cross-polytope.  It differs from `local_complexity`'s first
    layer only where a hyperplane touches the cross-polytope in a face: touching is no crossing here.

    Raises:
        InputError: an argument does not fit, or the first stage is a max.

    Example:
        >>> from linregions import Network
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, -3.0]), ([[1.0, 1.0]], [0.0])])
        >>> local_complexity_layer1(net, [[0.5, 0.0], [1.0, 2.0]], radius=1.0, directions=np.eye(2)).tolist()
        [1, 0]
    """
    network, radius = as_network(model), _positive(radius, "radius")
    x = checked_points(network, x)
    v = chosen_directions(directions, network.input_dim, seed)
    stage = network.stages[0]
    act = stage.activation
    if isinstance(act, MaxGroups):
        raise InputError("model: its first stage is a max, which has no hyperplanes of units; use local_complexity")
    z, reach = stage.preactivation(x), radius * np.max(np.abs(linear_part(stage, v)), axis=0)
    size = row_norms(stage)
    gamma = 4 * (network.input_dim + 8) * _U
    error = gamma * (size * (np.linalg.norm(x, axis=1)[:, None] + radius) + np.abs(shift_of(stage)))
    crossed = np.zeros(z.shape, dtype=bool)
    for k, f in enumerate(act.functions):
        mine = np.flatnonzero(act.index == k)
        for t in f.breakpoints:
            gap = np.abs(z[:, mine] - t) - reach[mine]
            hit = gap < 0
            for i, j in zip(*np.nonzero(np.abs(gap) <= error[:, mine] + 4 * _U * abs(t)), strict=True):
                hit[i, j] = _meets(stage, int(mine[j]), x[i], v, radius, t)
            crossed[:, mine] |= hit
    return crossed.sum(axis=1)


def local_complexity_exact(
    model: Any,
    x: Any,
    *,
    radius: float,
    directions: Any = 2,
    seed: int = 0,
    threads: int | None = 1,
    max_regions: int | None = None,
) -> ExactCounts:
    """Activation regions and non-constant units in the diamond `x + s v_1 + t v_2, |s| + |t| <= r`, by the engine.

    The plane is the one through the float64 points x, x + v_1 and x + v_2.

    Args:
        model: a Network or what a reader takes.
        x: (points, inputs).
        radius: half of the diamond's diagonal.
        directions: 2, for a random frame; or two directions (2, inputs).
        seed: of the frame.
        threads: of the engine.
        max_regions: per diamond.

    Example:
        >>> from linregions import Network
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, -3.0]), ([[1.0, 1.0]], [0.0])])
        >>> local_complexity_exact(net, [[0.5, 0.0], [0.0, 2.5]], radius=1.0, directions=np.eye(2)).regions.tolist()
        [2, 4]
    """
    network, radius = as_network(model), _positive(radius, "radius")
    x = checked_points(network, x)
    v = chosen_directions(directions, network.input_dim, seed)
    if len(v) != 2:
        raise InputError(f"directions: the exact count takes two directions, got {len(v)}; give 2 or two vectors")
    corners = [[radius, 0.0], [0.0, radius], [-radius, 0.0], [0.0, -radius]]
    regions, units, complete = [], [], []
    for point in x:
        plane = Plane(point, point + v[0], point + v[1], corners)
        found = enumerate_regions(network, plane, threads=threads, max_regions=max_regions)
        regions.append(len(found))
        units.append(int(np.sum(np.any(found.patterns != found.patterns[:1], axis=0))))
        complete.append(found.count.kind.value == "exact")
    return ExactCounts(
        np.array(regions, dtype=np.int64), np.array(units, dtype=np.int64), np.array(complete, dtype=bool)
    )


def _positive(value: Any, what: str) -> float:
    number = real_number(value, what)
    if not 0.0 < number < np.inf:
        raise InputError(f"{what}: must be a positive number, got {shown(value)}")
    return number


def chosen_directions(directions: Any, inputs: int, seed: int) -> np.ndarray:
    """A random frame of so many directions (None: USUAL, or one for each input), or the directions that were given."""
    if directions is None:
        directions = min(USUAL, inputs)
    if np.ndim(directions) == 0:
        return frame(inputs, directions, seed=seed)
    v = exact_float64(directions, "directions")
    if v.ndim != 2 or v.shape[1] != inputs or not len(v):
        raise InputError(f"directions: expected a number or vectors (P, {inputs}), got shape {v.shape}")
    return v


def _meets(stage: Stage, unit: int, x: np.ndarray, v: np.ndarray, radius: float, t: float) -> bool:
    """`|w.x + b - t| < r max_p |w.v_p|` for one unit, in rationals."""
    columns, weights = stage.row(unit)
    w = fractions(weights)
    scale = Fraction(1) if stage.divisor is None else Fraction(float(stage.divisor[unit]))
    level = (dot(w, fractions(x[columns])) + Fraction(float(stage.bias[unit]))) / scale - Fraction(t)
    reach = max(abs(dot(w, fractions(row[columns]))) for row in v) / scale
    return abs(level) < Fraction(radius) * reach
