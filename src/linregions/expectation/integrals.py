"""The integrals of Hanin and Rolnick's formula, for drawn networks at drawn points, in float64."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..bounds.architecture import Architecture
from ..domain import Domain

POINTS = 16  # where the integrand is evaluated in each network that is drawn for the formula

Layers = list[tuple[np.ndarray, np.ndarray]]  # (nets, out, in), (nets, out)


@dataclass(frozen=True)
class Law:
    """How weights and biases are drawn: Gaussian, centred, independent."""

    init: str
    weight_std: float | None
    bias_std: float

    def std(self, fan_in: int, fan_out: int) -> float:
        """Standard deviation of the weights of a layer."""
        if self.weight_std is not None:
            return self.weight_std
        return math.sqrt({"he": 2 / fan_in, "glorot": 2 / (fan_in + fan_out), "lecun": 1 / fan_in}[self.init])

    def draw(self, a: Architecture, nets: int, rng: np.random.Generator) -> Layers:
        """Weights and biases of so many networks, layer by layer."""
        out, fan_in = [], a.inputs
        for n in a.widths:
            w = rng.normal(0.0, self.std(fan_in, n), (nets, n, fan_in))
            out.append((w, rng.normal(0.0, self.bias_std, (nets, n))))
            fan_in = n
        return out

    def density(self, z: np.ndarray) -> np.ndarray:
        """Density of a bias at z, which is that at -z."""
        return np.exp(-0.5 * (z / self.bias_std) ** 2) / (math.sqrt(2.0 * math.pi) * self.bias_std)

    def __str__(self) -> str:
        weights = f"{self.init} weights" if self.weight_std is None else f"weights N(0, {self.weight_std:g}^2)"
        return f"{weights}, biases N(0, {self.bias_std:g}^2)"


@dataclass(frozen=True)
class State:
    """Values and derivatives of a layer at some points: (nets, points, units) and (nets, points, units, dim)."""

    x: np.ndarray
    jacobian: np.ndarray

    def through(self, w: np.ndarray) -> State:
        """Pre-activations without the biases."""
        x = self.x @ w.transpose(0, 2, 1)
        return State(x, w[:, None] @ self.jacobian)

    def relu(self, b: np.ndarray) -> State:
        """What the next layer sees: biases added, ReLU applied."""
        z = self.x + b[:, None]
        return State(np.maximum(z, 0.0), self.jacobian * (z > 0.0)[..., None])

    def pinned(self, unit: int) -> State:
        """With one unit at its kink, where its output is 0; its gradient then cancels in the Jacobian."""
        x, jacobian = self.x.copy(), self.jacobian.copy()
        x[..., unit], jacobian[..., unit, :] = 0.0, 0.0
        return State(x, jacobian)


@dataclass(frozen=True)
class Integrals:
    """The integrals of the formula over a segment or polygon with these corners, one value for each network."""

    domain: Domain
    corners: np.ndarray

    def regions(self, layers: Layers, law: Law, rng: np.random.Generator) -> np.ndarray:
        """The number of regions: 1 + changes on a segment, 1 + vertices + ends / 2 in a polygon."""
        if len(self.corners) == 2:
            p, q = self.corners
            return 1.0 + self._on_edge(p, q, layers, law, rng)
        edges = zip(self.corners, np.roll(self.corners, -1, axis=0), strict=True)
        ends = sum(self._on_edge(p, q, layers, law, rng) for p, q in edges)
        return 1.0 + self.second(layers, law, rng) + ends / 2.0

    def first(self, layers: Layers, law: Law, rng: np.random.Generator) -> np.ndarray:
        """The case k = 1 over the polygon."""
        state, area = self._inside(len(layers[0][0]), rng)
        return area * _once(state, layers, law)

    def second(self, layers: Layers, law: Law, rng: np.random.Generator) -> np.ndarray:
        """The case k = 2 over the polygon."""
        state, area = self._inside(len(layers[0][0]), rng)
        return area * _twice(state, layers, law)

    def _on_edge(self, p: np.ndarray, q: np.ndarray, layers: Layers, law: Law, rng: np.random.Generator) -> Any:
        """The case k = 1 over the segment from p to q, with one point in each of equal parts."""
        nets = len(layers[0][0])
        s = (np.arange(POINTS) + rng.random((nets, POINTS))) / POINTS
        return _once(self._at(p + s[..., None] * (q - p), (q - p)[:, None]), layers, law)

    def _inside(self, nets: int, rng: np.random.Generator) -> tuple[State, float]:
        """Uniform points of the polygon, by the triangles at its first corner, and its area."""
        p, sides = self.corners[0], self.corners[1:] - self.corners[0]
        areas = np.abs(sides[:-1, 0] * sides[1:, 1] - sides[:-1, 1] * sides[1:, 0]) / 2.0
        which = rng.choice(len(areas), size=(nets, POINTS), p=areas / areas.sum())
        s = np.sort(rng.random((2, nets, POINTS)), axis=0)
        t = p + s[0][..., None] * sides[which] + (s[1] - s[0])[..., None] * sides[which + 1]
        return self._at(t, np.eye(2)), float(areas.sum())

    def _at(self, t: np.ndarray, directions: np.ndarray) -> State:
        """The inputs at domain coordinates t, with their derivatives along the columns of `directions`."""
        rows = self.domain.embedding
        slope = np.eye(self.domain.dim) if rows is None else np.array([[float(v) for v in r[:-1]] for r in rows])
        jacobian = slope @ directions
        return State(self.domain.inputs(t), np.broadcast_to(jacobian, (*t.shape[:2], *jacobian.shape)))


def _once(state: State, layers: Layers, law: Law) -> np.ndarray:
    """sum_z |grad z(x)| rho_b(z(x)), averaged over the points."""
    total = np.zeros(state.x.shape[:2])
    for w, b in layers:
        z = state.through(w)
        total += (np.linalg.norm(z.jacobian, axis=-1) * law.density(z.x)).sum(axis=-1)
        state = z.relu(b)
    return total.mean(axis=1)


def _twice(state: State, layers: Layers, law: Law) -> np.ndarray:
    """sum_{y<z} |det(grad y, grad z)| rho_b(y(x)) rho_b(z(x)), averaged over the points.

    Where y stands in an earlier layer, z(x) depends on the bias of y.  The formula is about points on the boundary of
    y, so that bias is the one for which y is at its kink there, not the one that was drawn.
    """
    total = np.zeros(state.x.shape[:2])
    for at, (w, b) in enumerate(layers):
        z = state.through(w)
        density, after = law.density(z.x), z.relu(b)
        for unit in range(w.shape[1]):
            gradient = z.jacobian[..., unit, :]
            partners = _crossing(gradient, z.jacobian[..., :unit, :], density[..., :unit])
            later = after.pinned(unit)
            for deeper_w, deeper_b in layers[at + 1 :]:
                deeper = later.through(deeper_w)
                partners += _crossing(gradient, deeper.jacobian, law.density(deeper.x))
                later = deeper.relu(deeper_b)
            total += density[..., unit] * partners
        state = after
    return total.mean(axis=1)


def _crossing(gradient: np.ndarray, others: np.ndarray, density: np.ndarray) -> np.ndarray:
    """sum_z |det(gradient, grad z)| rho_b(z) over the units of `others`."""
    det = gradient[..., None, 0] * others[..., 1] - gradient[..., None, 1] * others[..., 0]
    return (np.abs(det) * density).sum(axis=-1)
