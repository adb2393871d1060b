"""Sizes and distances of a polyhedron `A t <= b` in float64."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

BITS = 120  # of the square root, more than a float64 keeps


def inverse_norm(a: Sequence[int]) -> Fraction:
    """1 / |a| as a rational number, with a relative error below 2^-100."""
    square = sum(v * v for v in a)
    shift = max(0, 2 * BITS - square.bit_length())
    shift += shift % 2
    return Fraction(2 ** (shift // 2), math.isqrt(square << shift))


def ball_inside(a: np.ndarray, b: np.ndarray) -> np.ndarray | None:
    """Centre of a largest ball in `A t <= b`, the rows of A of length 1; None where the program finds none.

    It finds none where balls of every size fit, and takes what is beyond 1e20 or so for that.

    The linear program max r, a_i.t + r <= b_i.
    """
    from scipy.optimize import linprog

    dim = a.shape[1]
    if not len(a):
        return None
    cost = np.concatenate([np.zeros(dim), [-1.0]])
    done = linprog(cost, A_ub=np.column_stack([a, np.ones(len(a))]), b_ub=b, bounds=[(None, None)] * dim + [(0, None)])
    if done.status == 3 or done.x is None:
        return None
    return done.x[:dim]


def distance_to(a: np.ndarray, excess: np.ndarray) -> float:
    """Distance of the origin from `A s <= -excess`, by the dual problem of least distance programming.

    Source: Lawson, Hanson 1974, chapter 23: with G s >= h, solve min |E u - f|, u >= 0, for E = [G^T; h^T] and
    f = (0, ..., 0, 1); then s = -r_{1..d} / r_{d+1} for the residual r = E u - f.
    """
    from scipy.optimize import nnls

    # Scaled so that the distance is near one: a residual of length 1 / sqrt(1 + distance^2) is what is resolved.
    scale = float(np.max(excess))
    u, _ = nnls(np.vstack([-a.T, excess / scale]), np.concatenate([np.zeros(a.shape[1]), [1.0]]))
    residual = np.vstack([-a.T, excess / scale]) @ u - np.concatenate([np.zeros(a.shape[1]), [1.0]])
    return scale * float(np.linalg.norm(residual[:-1] / residual[-1]))
