"""Positively homogeneous functions of the plane from their pieces: gauges of polygons, and interpolation on rays."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from ...activations import RELU, MaxGroups, UnitActivations
from ...checks import plural, real_number, whole_number
from ...errors import InputError
from ...network import Network
from ...stage import Stage, exact_float64
from .forms import BITS, binary_places, matrix, maximum_of_forms, rounded, total


def polygon_gauge(normals: Any) -> Network:
    """The gauge `V(x) = max_k a_k.x` of the polytope `{x : a_k.x <= 1}`, as one max group.

    Args:
        normals: (K, n) rows a_k; the polytope is bounded with 0 inside where they positively span the space.

    Returns:
        A network with one output, convex and linear on at most K cones.

    Raises:
        InputError: not a matrix.

    Example:
        >>> float(polygon_gauge([[1, 0], [0, 1], [-1, -1]])([-2.0, 0.5])[0])
        1.5
    """
    normals = matrix(normals, "normals")
    return maximum_of_forms(normals, f"gauge of {plural(len(normals), 'linear form')}")


def rays(count: int, *, start: float = 45.0, bits: int = BITS) -> np.ndarray:
    """Evenly spaced directions round the plane, `(cos, sin)(start + 360 k / N)` in degrees, to multiples of 2^-bits.

    Args:
        count: N.
        start: the angle of the first one in degrees.
        bits: binary places.

    Returns:
        (N, 2) float64 array, counter-clockwise.

    Raises:
        InputError: a number is out of range.

    Example:
        >>> rays(4, bits=2)
        array([[ 0.75,  0.75],
               [-0.75,  0.75],
               [-0.75, -0.75],
               [ 0.75, -0.75]])
    """
    count = whole_number(count, "count")
    first = math.radians(real_number(start, "start"))
    angles = first + 2.0 * math.pi * np.arange(count) / count
    return rounded(np.stack([np.cos(angles), np.sin(angles)], axis=1), binary_places(bits))


def interpolation(rays: Any, values: Any) -> Network:
    """The positively homogeneous function that is linear between neighbouring rays and has the given values on them.

    `V(x) = sum_j v_j B_j(x)`, where the hat `B_j = max(0, min(a_j, b_j))` is 1 on ray j and 0 from ray j - 1 and ray
    j + 1 on: `a_j` is the linear form that is 0 on r_(j-1) and 1 on r_j, `b_j` the one that is 0 on r_(j+1) and 1 on
    r_j.  Where the two sectors at r_j make at most a half-plane, `{a_j > 0, b_j > 0}` is just these two, and between
    them the hats of r_j and r_(j+1) add up to the interpolation (derived).  A break on one side of the origin only
    needs the second layer.  The coefficients are rationals, kept exactly as whole multiples over a divisor.

    Args:
        rays: (N, 2) directions in any order, one for each angle; dyadic numbers of few bits (`rays` makes such).
        values: (N,) values at these points.

    Returns:
        A network with two inputs, N max groups, N ReLUs and one output, equal to the interpolation everywhere.

    Raises:
        InputError: two neighbouring sectors make more than a half-plane, a direction occurs twice, or an exact
            coefficient is no float64.

    Example:
        >>> V = interpolation([[1, 0], [0, 1], [-1, 0], [0, -1]], [1, 2, 3, 4])
        >>> [float(V(p)[0]) for p in ([1.0, 1.0], [-1.0, 1.0], [-2.0, -1.0])]
        [3.0, 5.0, 10.0]
    """
    points = matrix(rays, "rays", columns=2)
    heights = exact_float64(values, "values")
    if heights.shape != (len(points),):
        raise InputError(f"values must be one number for each of {plural(len(points), 'ray')}, got {heights.shape}")
    order = np.argsort(np.arctan2(points[:, 1], points[:, 0]), kind="stable")
    points, heights = points[order], heights[order]
    exact = [(Fraction(float(x)), Fraction(float(y))) for x, y in points]
    count = len(exact)
    weight, divisor = [], []
    for j in range(count):
        before, here, after = exact[j - 1], exact[j], exact[(j + 1) % count]
        left, right = _cross(before, here), _cross(here, after)
        if left <= 0 or right <= 0 or _cross(before, after) < 0:
            raise InputError(
                f"rays: the two sectors at ray {points[j].tolist()} must be there and make at most a half-plane; "
                "give directions that go round the origin, each once"
            )
        # The stage gives max(-a, -b), of which the next ReLU takes the negative.
        weight += [[before[1], -before[0]], [-after[1], after[0]]]
        divisor += [left, right]
    return _hats(weight, divisor, heights)


def _hats(weight: list[list[Fraction]], divisor: list[Fraction], heights: np.ndarray) -> Network:
    floats, below = np.array(weight, dtype=np.float64), np.array(divisor, dtype=np.float64)
    for number, kept in zip(divisor, below.tolist(), strict=True):
        if Fraction(kept) != number:
            raise InputError("rays: a determinant of two neighbours is no float64; round the rays to 20 binary places")
    count = len(heights)
    smaller = Stage(floats, np.zeros(2 * count), MaxGroups(np.arange(0, 2 * count + 1, 2)), below, name="1")
    positive = Stage(-np.eye(count), np.zeros(count), UnitActivations.uniform(RELU, count), name="2")
    return Network((smaller, positive, total(heights, name="3")), source=f"interpolation on {plural(count, 'ray')}")


def _cross(p: tuple[Fraction, Fraction], q: tuple[Fraction, Fraction]) -> Fraction:
    return p[0] * q[1] - p[1] * q[0]
