"""Domains: exact half-spaces, embeddings, and one sentence for each misuse."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from linregions import Box, Domain, InputError, Plane, Polytope, Segment, Space

coordinate = st.floats(-1e3, 1e3, allow_nan=False)
rational = st.fractions(-3, 3, max_denominator=50)


def inside(domain: Domain, t) -> bool:
    """Whether the exact half-spaces all hold at the rational point t."""
    return all(sum(a * v for a, v in zip(row, [*t, 1], strict=True)) >= 0 for row in domain.halfspaces)


def embedded(domain: Domain, t) -> list[Fraction]:
    if domain.embedding is None:
        return list(t)
    return [sum((u * v for u, v in zip(row, [*t, 1], strict=True)), Fraction(0)) for row in domain.embedding]


@given(st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=4), st.data())
def test_box(ends, data):
    assume(all(a != b for a, b in ends))
    lower, upper = np.array([sorted(e) for e in ends]).T
    box = Box(lower, upper)
    assert box.dim == box.input_dim == len(ends)
    t = [Fraction(data.draw(coordinate)) for _ in ends]
    expected = all(Fraction(a) <= v <= Fraction(b) for a, v, b in zip(lower.tolist(), t, upper.tolist(), strict=True))
    assert inside(box, t) == expected
    assert inside(box, [Fraction(float(v)) for v in lower])
    assert box.embedding is None
    np.testing.assert_array_equal(box.inputs([float(v) for v in t]), [float(v) for v in t])


def test_a_box_is_what_its_floats_are():
    # 0.1 is not 1/10: the box ends at the double, exactly.
    box = Box([0.0], [0.1])
    assert inside(box, [Fraction(0.1)])
    assert not inside(box, [Fraction(0.1) + Fraction(1, 10**40)])
    assert inside(box, [Fraction(1, 10)])


@given(
    st.lists(st.lists(st.integers(-5, 5), min_size=2, max_size=2), min_size=1, max_size=5),
    st.data(),
    rational,
    rational,
)
def test_polytope(rows, data, x, y):
    b = [data.draw(st.integers(-5, 5)) for _ in rows]
    polytope = Polytope(rows, b)
    assert polytope.dim == polytope.input_dim == 2
    assert inside(polytope, [x, y]) == all(r[0] * x + r[1] * y <= c for r, c in zip(rows, b, strict=True))


@given(st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=5), rational)
def test_segment(ends, t):
    a, b = np.array(ends).T
    assume(not np.array_equal(a, b))
    segment = Segment(a, b)
    assert (segment.dim, segment.input_dim) == (1, len(ends))
    assert inside(segment, [t]) == (0 <= t <= 1)
    exact = [Fraction(p) + t * (Fraction(q) - Fraction(p)) for p, q in ends]
    assert embedded(segment, [t]) == exact
    np.testing.assert_allclose(segment.inputs([[float(t)]])[0], [float(v) for v in exact], rtol=1e-12, atol=1e-9)


@given(st.lists(st.tuples(*[st.integers(-9, 9)] * 3), min_size=3, max_size=5), rational, rational)
def test_plane(columns, s, t):
    p, q, r = (np.array(v, dtype=float) for v in zip(*columns, strict=True))
    assume(np.linalg.matrix_rank(np.stack([q - p, r - p])) == 2)
    plane = Plane.through(p, q, r)
    assert (plane.dim, plane.input_dim) == (2, len(columns))
    assert inside(plane, [s, t]) == (0 <= s <= 1 and 0 <= t <= 1)
    exact = [a + s * (b - a) + t * (c - a) for a, b, c in columns]
    assert embedded(plane, [s, t]) == exact
    triangle = Plane.through(p, q, r, region="triangle")
    assert inside(triangle, [s, t]) == (s >= 0 and t >= 0 and s + t <= 1)


@given(rational, rational)
def test_plane_margin_and_either_sense(s, t):
    points = [0, 0, 0], [1, 0, 0], [0, 1, 0]
    wide = Plane.through(*points, margin=0.5)
    assert inside(wide, [s, t]) == (-0.5 <= s <= 1.5 and -0.5 <= t <= 1.5)
    corners = [[0, 0], [2, 0], [2, 1], [1, 2]]
    assert inside(Plane.through(*points, region=corners), [s, t]) == inside(
        Plane.through(*points, region=corners[::-1]), [s, t]
    )


def test_space():
    assert Space(4).dim == Space(4).input_dim == 4
    assert Space(4).halfspaces == []
    assert inside(Space(2), [Fraction(10**40), Fraction(-1)])


def test_readable():
    assert repr(Box.cube(-1, 1, 2)) == "box [-1, 1]^2"
    assert repr(Box([-1], [1])) == "box [-1, 1]"
    assert repr(Box([-1, 0], [1, 0.5])) == "box [-1, 1] x [0, 0.5]"
    assert repr(Polytope([[1.0]], [0.0])) == "polytope of 1 half-space in dimension 1"
    assert repr(Segment([0, 0], [1, 0])) == "segment in 2 inputs"
    assert (
        repr(Plane.through([0, 0], [1, 0], [0, 1], region="triangle"))
        == "plane slice of 2 inputs, region with 3 corners"
    )
    assert repr(Space(3)) == "the whole space R^3"


def test_domains_are_read_only():
    box = Box([0.0], [1.0])
    with pytest.raises(ValueError, match="read-only"):
        box.lower[0] = 5.0
    source = np.array([0.0])
    Box(source, [1.0])
    source[0] = 0.5  # the caller's array is copied, not locked


P3 = [0, 0, 0], [1, 0, 0], [0, 1, 0]

REFUSED = [
    (lambda: Box([0, 0], [1]), "box: lower has 2 entries and upper 1; give one of each per input"),
    (lambda: Box([], []), "box: needs at least one coordinate, got none"),
    (lambda: Box([0, 2], [1, 1]), "box: lower exceeds upper in coordinate 1 (2 > 1); swap them"),
    (
        lambda: Box([0, 1], [1, 1]),
        "box: flat in coordinate 1 (lower = upper = 1), so no region has full dimension; "
        "use a Segment or a Plane for a slice",
    ),
    (lambda: Box([np.nan], [1]), "box: lower: contains NaN or infinity; every number must be finite"),
    (lambda: Box([0], [np.inf]), "box: upper: contains NaN or infinity; every number must be finite"),
    (lambda: Box([[0]], [[1]]), "box: lower must be a vector, got shape (1, 1)"),
    (lambda: Box(["a"], [1]), "box: lower: expected real numbers, got dtype <U1"),
    (lambda: Polytope([1.0], [1.0]), "polytope: A must be (half-spaces, dim), got shape (1,)"),
    (lambda: Polytope([[1.0]], [1.0, 2.0]), "polytope: A has 1 row and b 2 entries; give one entry per row"),
    (
        lambda: Polytope([[1.0], [1.0, 2.0]], [1.0]),
        "polytope: A: the rows have unequal lengths; give a rectangular array",
    ),
    (lambda: Segment([0], [1, 2]), "segment: a has 1 entry and b 2; both need one per input"),
    (lambda: Segment([0, 1], [0, 1]), "segment: a and b are the same point; choose two different points"),
    (lambda: Plane.through([0, 0], [1, 0], [0]), "plane: p, q and r have 2, 2 and 1 entries; need equal"),
    (
        lambda: Plane.through([0, 0], [1, 1], [2, 2]),
        "plane: p, q and r lie on one line; choose three points that span a plane",
    ),
    (
        lambda: Plane.through(*P3, region="disc"),
        "plane: region must be 'square', 'triangle' or corners (k, 2), got 'disc'",
    ),
    (lambda: Plane.through(*P3, margin=-0.5), "plane: margin must be above -0.5, got -0.5"),
    (
        lambda: Plane.through(*P3, region=[[0, 0], [1, 1]]),
        "plane: region must be at least 3 corners (s, t), got shape (2, 2)",
    ),
    (
        lambda: Plane.through(*P3, region=[[0, 0], [1, 1], [2, 2]]),
        "plane: region is flat, all its corners lie on one line; give three corners that do not",
    ),
    (
        lambda: Plane.through(*P3, region=[[0, 0], [2, 0], [1, 0.5], [0, 2]]),
        "plane: region must be a convex polygon with its corners in order; it turns both ways",
    ),
    (
        # A pentagram: it turns one way at every corner, and its edges cross.
        lambda: Plane.through(*P3, region=[[0, 3], [-2, -2], [3, 1], [-3, 1], [2, -2]]),
        "plane: region must be a convex polygon with its corners in order; its edges cross",
    ),
    (lambda: Box.cube(0, 1, -1), "box: dim must be a whole number from 1 to 10000000, got -1"),
    (lambda: Box.cube(0, 1, 2.5), "box: dim must be a whole number from 1 to 10000000, got 2.5"),
    (lambda: Box.cube(0, 1, 10**9), "box: dim must be a whole number from 1 to 10000000, got 1000000000"),
    (lambda: Box.cube("a", 1, 2), "box: lower must be a number, got 'a'"),
    (lambda: Box.cube(0, None, 2), "box: upper must be a number, got None"),
    (lambda: Box.cube(0, 2**53 + 1, 2), "box: upper must be a float64 exactly, got 9007199254740993; round it first"),
    (lambda: Plane.through(*P3, margin="a"), "plane: margin must be a number, got 'a'"),
    (lambda: Space(True), "space: dim must be a positive whole number, got True"),
    (
        lambda: Segment([0], [1]).inputs(0.5),
        "t: the last axis must have the domain's 1 coordinate, got shape ()",
    ),
    (lambda: Space(2).inputs(["a", "b"]), "t: expected coordinates (..., dim), got ['a', 'b']"),
    (lambda: Space(0), "space: dim must be a positive whole number, got 0"),
    (lambda: Space(1.5), "space: dim must be a positive whole number, got 1.5"),
]


@pytest.mark.parametrize(("build", "sentence"), REFUSED, ids=[s[:60] for _, s in REFUSED])
def test_refused(build, sentence):
    with pytest.raises(InputError) as caught:
        build()
    assert str(caught.value) == sentence
