"""Sums of absolute values of linear forms: zonotope gauges made from a quadratic form or from the modes of a matrix."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...checks import plural, real_number, whole_number
from ...errors import InputError
from ...network import Network
from .forms import BITS, binary_places, matrix, rounded, square, sum_of_forms

# Eigenvectors that are nearer to dependence than this give no usable coordinates.
LARGEST_CONDITION = 1e10


def directions(dim: int, count: int | str) -> np.ndarray:
    """Directions for `zonotope`: evenly spread in the plane, or the hyperplanes of B_n in any dimension.

    Args:
        dim: number of states n.
        count: a whole number K, in the plane: `u_k = (cos, sin)(pi (k + 1/2) / K)`; or "B": all `e_i` and
            `(e_i +- e_j) / sqrt 2`, which are n^2 hyperplanes with 2^n n! cones.

    Returns:
        (K, n) float64 array of directions of length 1.

    Raises:
        InputError: a whole number outside the plane, or another word.

    Example:
        >>> directions(4, "B").shape, directions(2, 3).shape
        ((16, 4), (3, 2))
    """
    dim = whole_number(dim, "dim")
    if isinstance(count, str):
        if count != "B":
            raise InputError(f'directions: the only word is "B", got {count!r}; or give a whole number, or an array')
        eye = np.eye(dim)
        pairs = [(eye[i] + s * eye[j]) / math.sqrt(2.0) for i in range(dim) for j in range(i) for s in (1.0, -1.0)]
        return np.array([*eye, *pairs])
    count = whole_number(count, "directions")
    if dim != 2:
        raise InputError(f'directions: a number of directions is for the plane, got dimension {dim}; use "B" or rows')
    angles = math.pi * (np.arange(count) + 0.5) / count
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def zonotope(
    P: Any, directions: Any, *, scale: float | None = None, bits: int = BITS, activation: str = "relu"
) -> Network:
    """The zonotope gauge `V(x) = sum_k |w_k.x|`, `w_k = s P^(1/2) u_k`, near `sqrt(x^T P x)` for many directions.

    Linear on the cones of the hyperplanes `w_k.x = 0`, all through 0, so that 0 is a vertex of the arrangement and
    strict claims hold at the origin too.  The weights are rounded to multiples of 2^-bits, and the network is exactly
    what the rounded numbers say.

    Args:
        P: (n, n) symmetric positive definite; None is the unit matrix, with the size of the directions.
        directions: a whole number K (evenly spread, in the plane), "B" (all `e_i`, `(e_i +- e_j) / sqrt 2`) or an
            array (K, n) of u_k.
        scale: the factor s; None makes V the mean of `|u.y|` over the sphere of u, times what it is for `|y|`:
            `pi / (2K)` in the plane, and the value that makes V(e) = 1 on average over the axes elsewhere.
        bits: binary places of the weights.
        activation: "relu" (two units a direction) or "abs" (one).

    Returns:
        A network with one output.

    Raises:
        InputError: P is not symmetric or not positive definite, or sizes do not match.

    Example:
        >>> V = zonotope([[1.5, 0.5], [0.5, 1.0]], 16)
        >>> bool(abs(V([1.0, 0.0])[0] - 1.5**0.5) < 0.01)
        True
    """
    u, root = _chosen(P, directions)
    if scale is None:
        # In the plane the mean of |cos| is 2 / pi; elsewhere the mean over the axes, which any set of directions has.
        factor = math.pi / (2 * len(u)) if u.shape[1] == 2 else u.shape[1] / float(np.abs(u).sum())
    else:
        factor = real_number(scale, "scale")
        if not (math.isfinite(factor) and factor > 0):
            raise InputError(f"scale must be a positive number, got {factor}")
    name = f"zonotope of {plural(len(u), 'direction')}, dimension {u.shape[1]}"
    return sum_of_forms(rounded(factor * (u @ root), binary_places(bits)), name, activation=activation)


def regular_polygon(sides: int, *, bits: int = BITS, activation: str = "relu") -> Network:
    """The gauge of a regular polygon with an even number N of corners, as a sum of N/2 absolute values.

    V is linear on N equal sectors.  For `x' = [[-s, w], [-w, -s]] x` it is a strict Lyapunov function if and only if
    `tan(pi / N) < s / w` (derived; the rounding moves the threshold by about 2^-bits).

    Args:
        sides: N, even, at least 4.
        bits: binary places of the weights.
        activation: "relu" or "abs".

    Returns:
        A network with two inputs and one output.

    Raises:
        InputError: N is odd or below 4.

    Example:
        >>> regular_polygon(8, activation="abs")
        Network 2-4-1, 4 units with pieces (4 abs)
    """
    sides = whole_number(sides, "sides", least=4)
    if sides % 2:
        raise InputError(f"sides must be even, got {sides}; for other polygons give the normals to polygon_gauge")
    return zonotope(None, sides // 2, bits=bits, activation=activation)


def modal_zonotope(A: Any, count: int, *, bits: int = BITS, activation: str = "relu") -> Network:
    """The zonotope gauge in modal coordinates of A: regular polygons there, one for each pair of complex eigenvalues.

    With `A T = T J`, J the real Jordan form (blocks `[[-s, w], [-w, -s]]` and real eigenvalues), `V` is the sum over
    blocks of `sum_k |u_k.y|` (K directions, y the two modal coordinates) and of `|y|` for real eigenvalues.  For
    `x' = A x` in the plane it is strict if and only if `tan(pi / 2K) < s / w`, and no candidate with fewer pieces is
    (derived).

    Args:
        A: (n, n), the Jacobian at 0, diagonalisable.
        count: K, the number of directions for each complex pair.
        bits: binary places of the weights, whose largest is about 1.
        activation: "relu" or "abs".

    Returns:
        A network with n inputs and one output.

    Raises:
        InputError: A is not square, or its eigenvectors are dependent.

    Example:
        >>> modal_zonotope([[-0.25, 3.0], [-3.0, -0.25]], 20, activation="abs")
        Network 2-20-1, 20 units with pieces (20 abs)
    """
    A, count = square(A, "A"), whole_number(count, "count")
    values, vectors = np.linalg.eig(A)
    columns, sizes = [], []
    for value, vector in zip(values, vectors.T, strict=True):
        if value.imag < 0:
            continue  # the conjugate of one that is there
        # The phase of an eigenvector is free; a real largest entry makes the polygon's position reproducible.
        largest = vector[np.argmax(np.abs(vector))]
        vector = vector * np.conj(largest) / abs(largest)
        parts = [vector.real, vector.imag] if value.imag > 0 else [vector.real]
        columns.extend(parts)
        sizes.append(len(parts))
    basis = np.stack(columns, axis=1)
    if np.linalg.cond(basis) > LARGEST_CONDITION:
        raise InputError(
            "A: its eigenvectors are nearly dependent, so it has no modal coordinates; use zonotope(P, ...)"
        )
    inverse, forms, at = np.linalg.inv(basis), [], 0
    for size in sizes:
        block = inverse[at : at + size]
        forms.append(directions(2, count) @ block if size == 2 else block)
        at += size
    stacked = np.concatenate([form / np.abs(form).max() for form in forms])
    return sum_of_forms(rounded(stacked, binary_places(bits)), f"modal zonotope, K = {count}", activation=activation)


def _chosen(P: Any, given: Any) -> tuple[np.ndarray, np.ndarray]:
    """The directions (K, n) and the symmetric square root of P."""
    form = None if P is None else square(P, "P")
    if isinstance(given, int | np.integer | str):
        chosen = given if isinstance(given, str) else int(given)
        u = directions(2 if form is None else len(form), chosen)
    else:
        u = matrix(given, "directions", columns=None if form is None else len(form))
    return u, np.eye(u.shape[1]) if form is None else _root(form)


def _root(P: np.ndarray) -> np.ndarray:
    if not np.array_equal(P, P.T):
        raise InputError("P must be symmetric; give (P + P.T) / 2")
    values, vectors = np.linalg.eigh(P)
    if values[0] <= 0:
        raise InputError(f"P must be positive definite, its least eigenvalue is {values[0]:g}")
    return vectors * np.sqrt(values) @ vectors.T
