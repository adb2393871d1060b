"""Piecewise affine dynamics in continuous time: modes, seams, and what slides along them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions import Box, Network
from linregions.errors import InputError
from linregions.lyapunov import Outcome, verify
from linregions.lyapunov.conditions.farkas import separation
from linregions.lyapunov.conditions.sliding import normals_of

PROVED, REFUTED, MARGINAL = Outcome.PROVED_STRICT, Outcome.REFUTED, Outcome.MARGINAL
ONE = Network.from_arrays([([[1, 0], [-1, 0], [0, 1], [0, -1]], [0] * 4), ([[1, 1, 1, 1]], [0])])


def square(r):
    return Box.cube(-r, r, 2)


def halves(left, right):
    """Two modes: `right` where x >= 0, `left` where x <= 0."""
    return [(right, [0, 0], [[-1, 0]], [0]), (left, [0, 0], [[1, 0]], [0])]


def test_two_modes_that_agree_on_their_seam():
    slow, fast = [[-1, 0], [0, -1]], [[-3, 0], [0, -1]]
    verdict = verify(ONE, halves(slow, fast), square(1))
    assert verdict.status is PROVED
    assert verdict.sublevel.c == 1
    bad = verify(ONE, halves([[1, 0], [0, -1]], fast), square(1))
    assert bad.status is REFUTED
    assert bad.witness[0] < 0
    assert "mode 2" in bad.reason


def test_sliding_up_a_seam_is_found():
    # Both fields point at the seam x = 0 and V = |x| + |y| falls along each, but what slides moves up: the first modes
    # push into the seam, near it with speed 3y, and rise with y.
    into = [
        ([[-1, -3], [0, 1]], [0, 0], [[-1, 0], [0, -1]], [0, 0]),
        ([[-1, 3], [0, 1]], [0, 0], [[1, 0], [0, -1]], [0, 0]),
    ]
    down = [([[-1, 0], [0, -1]], [0, 0], [[0, 1]], [0])]
    refuted = verify(ONE, into + down, square(1))
    assert refuted.status is REFUTED
    sliding = [c for c in refuted.counterexamples if "sliding" in c.note]
    assert sliding
    for c in sliding:
        assert c.witness[0] == 0
        assert c.value == c.witness[1] > 0  # the velocity that slides is (0, y)
    assert all("sliding" in c.note for c in refuted.counterexamples)  # nothing else is wrong
    # What slides down is as it should be.
    falling = [
        ([[-1, -3], [0, -1]], [0, 0], [[-1, 0], [0, -1]], [0, 0]),
        ([[-1, 3], [0, -1]], [0, 0], [[1, 0], [0, -1]], [0, 0]),
    ]
    assert verify(ONE, falling + down, square(1)).status is PROVED


def test_crossing_a_seam_with_a_kink_is_no_violation():
    # Everything moves to the right through the seam; V rises in x slowly on the right and falls on the left, y decays.
    V = Network.from_arrays([([[1, 0], [-1, 0], [0, 1], [0, -1]], [0] * 4), ([[1, 4, 8, 8]], [0])])
    right = [[-1, 0.5], [0, -1]]
    left = [[-1, 1], [0, -1]]
    assert verify(V, halves(left, right), square(1)).status is PROVED


def test_modes_have_to_cover_the_domain():
    modes = [([[-1, 0], [0, -1]], [0, 0], [[-1, 0]], [0]), ([[-1, 0], [0, -1]], [0, 0], [[1, 0]], [-0.5])]
    with pytest.raises(InputError, match="no mode holds at") as caught:
        verify(ONE, modes, square(1))
    where = str(caught.value).split("(")[1].split(")")[0].split(",")
    assert Fraction(-1, 2) < Fraction(where[0]) < 0


def test_an_offset_mode_away_from_the_origin():
    modes = [([[-1, 0], [0, -1]], [0, 0], [[1, 0]], [0.5]), ([[-1, 0], [0, -1]], [0.25, 0], [[-1, 0]], [-0.5])]
    assert verify(ONE, modes, square(1)).status is PROVED
    modes[1] = ([[-1, 0], [0, -1]], [0.75, 0], [[-1, 0]], [-0.5])
    refuted = verify(ONE, modes, square(1))
    assert refuted.status is REFUTED
    assert refuted.witness[0] >= Fraction(1, 2)


def test_a_polynomial_candidate_and_modes():
    assert verify("x^2 + y^2", halves([[-1, 1], [-1, -1]], [[-2, 1], [-1, -2]]), square(1)).status is PROVED
    assert verify("x^2 + y^2", halves([[-1, 4], [0, -1]], [[-2, 1], [-1, -2]]), square(1)).status is REFUTED


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(-6, 6), min_size=8, max_size=8))
def test_random_modes_agree_with_sampled_velocities(entries):
    left, right = np.array(entries[:4]).reshape(2, 2) / 2.0, np.array(entries[4:]).reshape(2, 2) / 2.0
    left, right = left - 2 * np.eye(2), right - 2 * np.eye(2)
    verdict = verify(ONE, halves(left.tolist(), right.tolist()), square(1), levels=False)
    assert verdict.status in (PROVED, REFUTED, MARGINAL)
    rng = np.random.default_rng(0)
    worst = -np.inf
    for x in rng.integers(-16, 17, size=(60, 2)) / 16:
        if x[0] and x[1]:
            velocity = (right if x[0] > 0 else left) @ x
            worst = max(worst, float(np.sign(x) @ velocity) / float(np.abs(x).sum()))
    for y in (-0.5, 0.5):
        a, b = left @ [0, y], right @ [0, y]
        if a[0] > 0 > b[0]:  # both push into the seam: what slides is the mean without x
            share = a[0] / (a[0] - b[0])
            worst = max(worst, np.sign(y) * (share * b[1] + (1 - share) * a[1]) / abs(y))
    if verdict.status is PROVED:
        assert worst < 0
    if worst > 1e-9:
        assert verdict.status is REFUTED


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 3).flatmap(
        lambda k: st.lists(
            st.tuples(st.lists(st.integers(-3, 3), min_size=k, max_size=k), st.integers(-3, 3)), min_size=1, max_size=5
        )
    )
)
def test_separation_gives_a_point_or_multipliers(rows):
    a, b = [[Fraction(v) for v in row] for row, _ in rows], [Fraction(v) for _, v in rows]
    found = separation(a, b)
    if found.found:
        assert all(sum(x * t for x, t in zip(row, found.point, strict=True)) > c for row, c in zip(a, b, strict=True))
    else:
        shares = found.multipliers
        assert all(s >= 0 for s in shares)
        assert sum(shares) == 1
        assert all(sum(s * row[k] for s, row in zip(shares, a, strict=True)) == 0 for k in range(len(a[0])))
        assert sum(s * c for s, c in zip(shares, b, strict=True)) == found.value >= 0


def test_normals_are_normal():
    corners = [(Fraction(1), Fraction(0), Fraction(0)), (Fraction(0), Fraction(1, 3), Fraction(2))]
    normals = normals_of(corners)
    assert len(normals) == 2
    edge = [p - q for p, q in zip(*corners, strict=True)]
    assert all(sum(n * e for n, e in zip(normal, edge, strict=True)) == 0 for normal in normals)
