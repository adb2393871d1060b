"""Which edge of a simplex to bisect: any choice is sound, this one decides how many parts a proof takes.

A strict margin away from the origin is decided once the parts are small: longest edges. At the origin small is not
enough, since bisecting longest edges repeats a few shapes, and p looks alike on all sizes of a cone. There the terms of
p of lowest degree must become negative first, which takes narrow cones, edges between rays; the terms of higher degree
then yield to short ones. So where a coefficient of the lowest degree that occurs is positive, the edge is chosen
between the rays that it spans. Elsewhere the longest edge takes turns with the longest edge in the support of the
largest positive coefficient.
"""

from __future__ import annotations

from functools import cache
from math import factorial, prod
from typing import Any

import numpy as np

from .bernstein import monomials, supports

Array = np.ndarray[Any, Any]


@cache
def _shares(variables: int, degree: int) -> Array:
    """Multinomial coefficients: a form's coefficient over its own is the Bernstein coefficient."""
    return np.array([factorial(degree) / prod(map(factorial, a)) for a in monomials(variables, degree)])[:, None]


def focus_of(upper: Array, error: Array, degree: int, origin: Array, mask: Array, widely: bool) -> Array:
    """The vertices (m, n+1) among which the edge to bisect is chosen.

    Args:
        upper: coefficients (N, m) of upper forms.
        error: their bounds.
        degree: of the form.
        origin: (m,) the vertex 0, or -1.
        mask: (m, n+1) the claimed face.
        widely: whether it is the turn of the longest edge.
    """
    m, variables = mask.shape
    support = supports(variables, degree)
    with np.errstate(invalid="ignore"):
        sizes = np.where(upper > error, upper / _shares(variables, degree), -np.inf)
        present = np.abs(upper) > error
    sizes[(support.astype(np.int64) @ (~mask).T.astype(np.int64)) > 0] = -np.inf
    narrow = np.zeros(m, dtype=bool)
    powers = np.array(monomials(variables, degree))
    for o in np.unique(origin[origin >= 0]):
        at = np.flatnonzero(origin == o)
        level = degree - powers[:, o]
        lowest = np.where(present[:, at], level[:, None], degree + 1).min(axis=0)
        first = level[:, None] == lowest
        narrow[at] = (np.isfinite(sizes[:, at]) & first).any(axis=0)
        some = at[narrow[at]]
        sizes[:, some] = np.where(first[:, narrow[at]], sizes[:, some], -np.inf)
    worst = sizes.argmax(axis=0)
    focus = support[worst] & mask & np.isfinite(sizes.max(axis=0))[:, None]
    rays = focus & (np.arange(variables)[None, :] != origin[:, None])
    focus = np.where((narrow & (rays.sum(axis=1) >= 2))[:, None], rays, focus)
    if widely:
        focus[~narrow] = mask[~narrow]
    few = focus.sum(axis=1) < 2
    focus[few] = mask[few]
    return focus


def longest_edges(points: Array, focus: Array, scale: Array) -> tuple[Array, Array]:
    """The longest edge i < j among the vertices in focus, measured in the x coordinates over `scale` (n,)."""
    v = points.shape[1]
    x = points[:, :, : v - 1] / scale
    i, j = np.triu_indices(v, 1)
    size = ((x[:, i] - x[:, j]) ** 2).sum(axis=-1)
    best = np.where(focus[:, i] & focus[:, j], size, -1.0).argmax(axis=1)
    return i[best], j[best]
