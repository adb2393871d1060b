"""Exact answers in the plane without the geometry of the library: sectors between rays, slopes, f from text."""

from __future__ import annotations

import re
from fractions import Fraction


def right_hand_side(lines):
    """The function that polynomial expression strings describe, on rational points."""
    code = [re.sub(r"(?<![\w.])(\d+(?:\.\d+)?)", r"Fraction('\1')", line).replace("^", "**") for line in lines]

    def f(point):
        names = {f"x{k}": Fraction(v) for k, v in enumerate(point, start=1)} | {"Fraction": Fraction}
        return [eval(line, {}, names) for line in code]

    return f


def cross(p, q):
    return p[0] * q[1] - p[1] * q[0]


def around(rays):
    """Rational rays counter-clockwise, one for each direction."""
    import math
    from itertools import groupby

    ordered = sorted(rays, key=lambda r: math.atan2(float(r[1]), float(r[0])))
    return [next(group) for _, group in groupby(ordered, key=_direction)]


def _direction(ray):
    size = max(abs(ray[0]), abs(ray[1]))
    return (ray[0] / size, ray[1] / size)


def kernel_rays(forms):
    """The two rays of every line w.x = 0."""
    rows = [[Fraction(float(v)) for v in row] for row in forms]
    return around([ray for a, b in rows for ray in ((-b, a), (b, -a))])


def sectors(V, rays, *, values=None):
    """For every sector between neighbouring rays: both rays and the slope of V there, from its values on them.

    That V does not break in between is checked in every sector, or in every twentieth where the values are given.
    """
    known = [V.exact_values(p)[0] for p in rays] if values is None else values
    out = []
    for k, p in enumerate(rays):
        q = rays[(k + 1) % len(rays)]
        d = cross(p, q)
        assert d > 0, "neighbouring rays must be less than a half-plane apart"
        vp, vq = known[k], known[(k + 1) % len(rays)]
        slope = ((vp * q[1] - vq * p[1]) / d, (vq * p[0] - vp * q[0]) / d)
        if values is None or k % 20 == 0:
            middle = (p[0] + q[0], p[1] + q[1])
            assert V.exact_values(middle)[0] == slope[0] * middle[0] + slope[1] * middle[1], "V breaks between the rays"
        out.append((p, q, slope))
    return out


def worst_rate(V, rays, matrix, *, values=None):
    """The largest of slope.(A r) / V(r) over the rays of every sector: below 0 means strict decrease."""
    worst = None
    for p, q, slope in sectors(V, rays, values=values):
        for r in (p, q):
            A = matrix(r, (p[0] + q[0], p[1] + q[1]))
            rate = sum(slope[i] * sum(A[i][j] * r[j] for j in range(2)) for i in range(2))
            rate /= slope[0] * r[0] + slope[1] * r[1]
            worst = rate if worst is None or rate > worst else worst
    return worst
