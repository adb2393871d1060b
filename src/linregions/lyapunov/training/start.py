"""Where training starts: lines through 0 and hinges away from it, from the linear part of the system or at random.

`V(x) = sum_k (l_k relu(w_k.x) + r_k relu(-w_k.x)) + sum_j c_j relu(u_j.x - h_j)` with h_j > 0: the second sum vanishes
around 0, so that V(0) = 0 exactly and 0 is a vertex of the cells as soon as the lines span the space.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...network import Network
from .flow import Flow

BITS = 20
# Eigenvectors nearer to dependence than this give coordinates in which the domain is a needle.
LARGEST_CONDITION = 1e3


@dataclass(frozen=True, eq=False)
class Shape:
    """The parameters of a candidate.

    Attributes:
        lines: (K, n) w_k.
        sides: (2, K) l_k and r_k.
        hinges: (M, n) u_j.
        offsets: (M,) h_j > 0.
        weights: (M,) c_j.
    """

    lines: np.ndarray
    sides: np.ndarray
    hinges: np.ndarray
    offsets: np.ndarray
    weights: np.ndarray

    @property
    def output(self) -> np.ndarray:
        """(2K + M,) the output weights, in the order of the units of the network."""
        return np.concatenate([self.sides.ravel(), self.weights])

    def with_output(self, output: np.ndarray) -> Shape:
        """The same hyperplanes with other output weights."""
        k = len(self.lines)
        return Shape(
            self.lines, output[: 2 * k].reshape(2, k).copy(), self.hinges, self.offsets, output[2 * k :].copy()
        )

    def network(self, *, bits: int = BITS) -> Network:
        """The candidate with every number rounded to a multiple of 2^-bits, and exactly what these numbers say."""
        lines, hinges = rounded(self.lines, bits), rounded(self.hinges, bits)
        offsets = np.maximum(rounded(self.offsets, bits), 2.0**-bits)  # a hinge through 0 would be a line
        weight = np.concatenate([lines, -lines, hinges])
        bias = np.concatenate([np.zeros(2 * len(lines)), -offsets])
        layers = [(weight, bias), (rounded(self.output, bits)[None, :], np.zeros(1))]
        return Network.from_arrays(layers, source="trained")


def rounded(values: np.ndarray, bits: int) -> np.ndarray:
    """`values` to the nearest multiple of 2^-bits."""
    return np.ldexp(np.rint(np.ldexp(values, bits)), -bits) + 0.0


def jacobian(flow: Flow, dim: int) -> np.ndarray:
    """Central differences of the closed loop at 0, (n, n); where it is not smooth, a linear map near it."""
    step = 2.0**-20
    columns = []
    for k in range(dim):
        ends = np.zeros((2, dim))
        ends[:, k] = step, -step
        index, values = flow(ends)
        forth, back = values[index == 0], values[index == 1]
        columns.append((forth.mean(axis=0) - back.mean(axis=0)) / (2 * step))
    return np.stack(columns, axis=1)


def coordinates(A: np.ndarray, *, time: str) -> np.ndarray:
    """Coordinates `y = R x` (n, n) in which the linear part contracts: modal ones, else a root of a Lyapunov form.

    In modal coordinates `|y|` decays along `x' = A x` at the rate of the slowest mode, and no other norm does better.
    Where A has no n independent eigenvectors R is the root of P with `A'P + PA = -1` (or `A'PA - P = -1`); where A is
    not stable the unit matrix.
    """
    values, vectors = np.linalg.eig(A)
    columns = []
    for value, vector in zip(values, vectors.T, strict=True):
        if value.imag >= 0:
            columns += [vector.real, vector.imag] if value.imag > 0 else [vector.real]
    basis = np.stack(columns, axis=1)
    if basis.shape == A.shape and np.linalg.cond(basis) < LARGEST_CONDITION:
        return np.linalg.inv(basis)
    slowest = np.abs(values).max() - 1.0 if time == "discrete" else np.real(values).max()
    if slowest >= 0:
        return np.eye(len(A))
    from scipy.linalg import solve_continuous_lyapunov, solve_discrete_lyapunov

    solve = solve_discrete_lyapunov if time == "discrete" else lambda a, q: solve_continuous_lyapunov(a, -q)
    form = solve(A.T, np.eye(len(A)))
    return np.linalg.cholesky((form + form.T) / 2).T


def modal(R: np.ndarray, corners: np.ndarray, lines: int, hinges: int, rng: np.random.Generator) -> Shape:
    """The zonotope of directions that are spread in the coordinates `y = R x`, and hinges of weight 0.

    Args:
        R: (n, n) coordinates.
        corners: (m, n) points whose hull is the domain.
        lines: K.
        hinges: M.
        rng: the directions are turned, and the hinges placed, at random.
    """
    dim = R.shape[0]
    if dim == 2:
        angles = np.pi * (np.arange(lines) + rng.uniform()) / lines
        u = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    else:
        u = np.concatenate([np.eye(dim), directions(max(lines - dim, 0), dim, rng)])[:lines]
    return _scaled(u @ R, directions(hinges, dim, rng) @ R, corners, rng)


def scattered(corners: np.ndarray, lines: int, hinges: int, rng: np.random.Generator) -> Shape:
    """Directions at random, without a look at the system."""
    dim = corners.shape[1]
    return _scaled(directions(lines, dim, rng), directions(hinges, dim, rng), corners, rng)


def directions(count: int, dim: int, rng: np.random.Generator) -> np.ndarray:
    """`count` unit vectors, evenly distributed, (count, dim)."""
    normal = rng.standard_normal((count, dim))
    return normal / np.linalg.norm(normal, axis=1, keepdims=True)


def _scaled(lines: np.ndarray, hinges: np.ndarray, corners: np.ndarray, rng: np.random.Generator) -> Shape:
    """Lines so that V is about 1 at the corners on average; hinges that cross the domain."""
    height = np.abs(corners @ lines.T).sum(axis=1).mean()
    reach = (corners @ hinges.T).max(axis=0) if len(hinges) else np.zeros(0)
    hinges = hinges / np.where(reach > 0, reach, 1.0)[:, None]
    offsets = rng.uniform(0.1, 0.9, len(hinges))
    return Shape(lines / height, np.ones((2, len(lines))), hinges, offsets, np.zeros(len(hinges)))
