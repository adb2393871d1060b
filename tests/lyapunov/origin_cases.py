"""Random networks on domains that have the origin strictly inside."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st
from strategies import MODEST, Case, networks

from linregions import Box, Polytope

LOWER = st.sampled_from([-2.0, -1.0, -0.7, -0.25, -3.0])


@st.composite
def origin_boxes(draw, dim):
    lower = [draw(LOWER) for _ in range(dim)]
    return Box(lower, [-draw(LOWER) for _ in range(dim)])


@st.composite
def origin_polytopes(draw, dim):
    """A simplex or box round the origin, with a few more half-spaces that keep it strictly inside."""
    rows = [[-float(j == k) for j in range(dim)] for k in range(dim)] + [[1.0] * dim]
    sides = [1.0, 2.0, 0.7]
    bounds = [draw(st.sampled_from(sides)) for _ in rows]
    for _ in range(draw(st.integers(0, 3))):
        rows.append([float(draw(st.integers(-2, 2))) for _ in range(dim)])
        bounds.append(draw(st.sampled_from(sides)))
    return Polytope(np.array(rows), np.array(bounds))


@st.composite
def origin_cases(draw, dims=(1, 2, 2, 2, 3), units=7, styles=MODEST):
    dim = draw(st.sampled_from(dims))
    domain = draw(st.one_of(origin_boxes(dim), origin_boxes(dim), origin_polytopes(dim)))
    return Case(draw(networks(dim, domain, units if dim < 3 else units - 2, styles)), domain)


def rational(point):
    """`(X_1, ..., X_n, w)` as rational coordinates."""
    return [Fraction(v, point[-1]) for v in point[:-1]]


def near(value, exact, error):
    """Whether a float is within its error bound of a rational."""
    return error == np.inf or abs(Fraction(float(value)) - exact) <= Fraction(float(error))
