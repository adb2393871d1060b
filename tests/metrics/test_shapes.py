"""Shapes of polygons: known values, slow twins, scipy, and how they change when polygons are turned and scaled."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from linregions import InputError, metrics
from linregions.metrics import Rings

SQUARE = [(0, 0), (1, 0), (1, 1), (0, 1)]
TWO_TO_ONE = [(0, 0), (2, 0), (2, 1), (0, 1)]
SLIVER = [(0, 0), (100, 0), (100, 1), (0, 1)]


def regular(n: int, radius: float = 1.0) -> np.ndarray:
    angle = 2 * np.pi * np.arange(n) / n
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def hull(points: np.ndarray) -> np.ndarray:
    return points[ConvexHull(points).vertices]


@st.composite
def polygons(draw: st.DrawFn) -> np.ndarray:
    """A convex polygon, round or thin, near the origin or far from it."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    points = rng.normal(size=(draw(st.integers(3, 16)), 2))
    if draw(st.booleans()):
        points /= np.linalg.norm(points, axis=1, keepdims=True)
    thin, angle = draw(st.sampled_from([1.0, 0.3, 1e-3])), draw(st.floats(0, 6.3))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return hull(points) * [1.0, thin] @ turn.T * draw(st.sampled_from([1.0, 1e-4, 1e3])) + draw(
        st.sampled_from([0.0, 1.0, 30.0])
    )


LENGTHS = ("perimeters", "diameter", "width", "inradius", "circumradius")
RATIOS = ("ecc_moment", "aspect", "isoperimetric", "roundness")
several = st.lists(polygons(), min_size=1, max_size=4)
few = settings(max_examples=30)


def test_reference_values():
    rings = Rings.of([SQUARE, TWO_TO_ONE, SLIVER, regular(6), regular(3), regular(9), regular(12)])
    expected = {
        "areas": [1, 2, 100, 1.5 * np.sqrt(3), 0.75 * np.sqrt(3), 4.5 * np.sin(2 * np.pi / 9), 3],
        "ecc_moment": [0, np.sqrt(0.75), np.sqrt(1 - 1e-4), 0, 0, 0, 0],
        "aspect": [1, 2, 100, 1, 1, 1, 1],
        "diameter": [np.sqrt(2), np.sqrt(5), np.sqrt(10001), 2, np.sqrt(3), 2 * np.sin(4 * np.pi / 9), 2],
        "width": [1, 1, 1, np.sqrt(3), 1.5, 1 + np.cos(np.pi / 9), 2 * np.cos(np.pi / 12)],
        "inradius": [0.5, 0.5, 0.5, np.sqrt(0.75), 0.5, np.cos(np.pi / 9), np.cos(np.pi / 12)],
        "circumradius": [np.sqrt(0.5), np.sqrt(1.25), np.sqrt(2500.25), 1, 1, 1, 1],
        "triangles": [2, 2, 2, 4, 1, 7, 10],
    }
    for name, values in expected.items():
        assert getattr(metrics, name)(rings) == pytest.approx(values, abs=2e-7), name
    assert metrics.ecc_splinecam(rings)[[0, 1, 3, 4]] == pytest.approx([np.sqrt(2), np.sqrt(5), 2, 1])
    assert metrics.ecc_splinecam(rings)[6] == pytest.approx(1 / np.sin(np.pi / 12))
    assert metrics.isoperimetric(rings)[[0, 2, 3]] == pytest.approx([0.785, 0.031, 0.907], abs=5e-4)


@few
@given(several)
def test_areas_perimeters_centroids_and_angles_agree_with_scipy(found):
    rings = Rings.of(found)
    scale = np.array([np.ptp(p, axis=0).max() for p in found])
    far = np.array([np.abs(p).max() for p in found])
    # Corners are rounded to the grid of float64 at their distance from the origin.
    slack = 1e-12 * scale**2 + 4e-16 * far * scale
    for k, p in enumerate(found):
        # In two dimensions scipy's area is the perimeter and its volume the area.
        other = ConvexHull(p - p.mean(axis=0))
        assert metrics.areas(rings)[k] == pytest.approx(other.volume, rel=1e-9, abs=10 * slack[k])
        assert metrics.perimeters(rings)[k] == pytest.approx(other.area, rel=1e-9)
        angles = metrics.angles(rings)[rings.indptr[k] : rings.indptr[k + 1]]
        assert angles.sum() == pytest.approx((len(p) - 2) * np.pi, rel=1e-9)
        assert angles[1] == pytest.approx(corner_angle(p[0], p[1], p[2]), abs=1e-5)


def corner_angle(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
    u, v = (a - b) / np.linalg.norm(a - b), (c - b) / np.linalg.norm(c - b)
    return float(2 * np.arctan2(np.linalg.norm(u - v), np.linalg.norm(u + v)))


@few
@given(several)
def test_distances_agree_with_all_pairs(found):
    rings = Rings.of(found)
    assert metrics.diameter(rings) == pytest.approx([pdist(p).max() for p in found], rel=1e-9)
    twin = [pdist(p).max() / (pdist(p).min() + 1e-10) for p in found]
    assert metrics.ecc_splinecam(rings) == pytest.approx(twin, rel=1e-6)


@few
@given(several)
def test_the_width_is_the_least_extent_over_directions(found):
    for p, w in zip(found, metrics.width(Rings.of(found)), strict=True):
        q = p - p.mean(axis=0)
        edges = np.roll(q, -1, axis=0) - q
        normals = np.stack([edges[:, 1], -edges[:, 0]], axis=1) / np.linalg.norm(edges, axis=1, keepdims=True)
        assert w == pytest.approx(np.ptp(q @ normals.T, axis=0).min(), rel=1e-6, abs=1e-13)
        some = 2 * np.pi * np.arange(720) / 720
        assert np.ptp(q @ np.stack([np.cos(some), np.sin(some)]), axis=0).min() >= w * (1 - 1e-9) - 1e-13


@few
@given(several)
def test_the_inradius_is_that_of_the_linear_program(found):
    for p, r in zip(found, metrics.inradius(Rings.of(found)), strict=True):
        q = p - p.mean(axis=0)
        size = np.abs(q).max()
        q = q / size
        edges = np.roll(q, -1, axis=0) - q
        normals = np.stack([edges[:, 1], -edges[:, 0]], axis=1) / np.linalg.norm(edges, axis=1, keepdims=True)
        rows = np.column_stack([normals, np.ones(len(q))])
        done = linprog([0, 0, -1], A_ub=rows, b_ub=(normals * q).sum(axis=1), bounds=[(None, None)] * 2 + [(0, None)])
        assert r / size == pytest.approx(done.x[2], rel=1e-6, abs=1e-7)


@few
@given(several)
def test_the_circumradius_is_that_of_some_circle_that_holds_all_corners(found):
    for p, r in zip(found, metrics.circumradius(Rings.of(found)), strict=True):
        assert r == pytest.approx(slow_circle(p - p.mean(axis=0)), rel=1e-6)


def slow_circle(p: np.ndarray) -> float:
    """The smallest circle on two corners as a diameter, or through three, that holds all of them."""
    a, b = p[np.array(list(combinations(range(len(p)), 2))).T]
    u, v, w = p[np.array(list(combinations(range(len(p)), 3))).T]
    rows, right = (
        2 * np.stack([v - u, w - u], axis=1),
        np.stack([(v * v - u * u).sum(1), (w * w - u * u).sum(1)], axis=1),
    )
    some = np.abs(np.linalg.det(rows)) > 1e-300
    through = np.linalg.solve(rows[some], right[some][:, :, None])[:, :, 0]
    centres = np.concatenate([(a + b) / 2, through])
    radii = np.concatenate([np.linalg.norm(a - b, axis=1) / 2, np.linalg.norm(u[some] - through, axis=1)])
    held = (np.linalg.norm(p[None] - centres[:, None], axis=2) <= radii[:, None] * (1 + 1e-7)).all(axis=1)
    return float(radii[held].min())


@few
@given(several)
def test_moments_are_those_of_a_triangulation(found):
    m = metrics.moments(Rings.of(found))
    for k, p in enumerate(found):
        total, first, second = 0.0, np.zeros(2), np.zeros((2, 2))
        base = p.mean(axis=0)
        q = p - base
        for b, c in pairwise(q[1:]):
            # A simplex of volume V: the integral of x x^T is V / 12 (sum v v^T + (sum v)(sum v)^T).
            corners = np.array([q[0], b, c])
            area = abs(np.linalg.det(corners[1:] - corners[0])) / 2
            s = corners.sum(axis=0)
            total, first = total + area, first + area * s / 3
            second += area / 12 * (corners.T @ corners + np.outer(s, s))
        g = first / total
        covariance = second / total - np.outer(g, g)
        scale = np.trace(covariance)
        assert m.centroids[k] == pytest.approx(base + g, abs=1e-9 * np.abs(p).max())
        mine = np.array([[m.xx[k], m.xy[k]], [m.xy[k], m.yy[k]]])
        assert mine == pytest.approx(covariance, abs=1e-8 * scale)
        assert m.large[k] == pytest.approx(np.linalg.eigvalsh(covariance)[1], rel=1e-8)
        assert m.small[k] == pytest.approx(np.linalg.eigvalsh(mine)[0], abs=1e-8 * scale)


@pytest.mark.parametrize("thin", [1e-3, 1e-6, 1e-9, 1e-12])
@pytest.mark.parametrize("angle", [0.0, 0.3, 2.0])
def test_the_aspect_of_thin_rectangles_keeps_its_digits(thin, angle):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    rectangle = np.array(TWO_TO_ONE) * [0.5, thin] @ turn.T
    slack = 1e-15 / thin  # what rounding the corners changes
    assert metrics.aspect(Rings.of([rectangle]))[0] == pytest.approx(1 / thin, rel=1e-9 + slack)
    assert metrics.width(Rings.of([rectangle]))[0] == pytest.approx(thin, rel=1e-9 + slack)
    assert metrics.inradius(Rings.of([rectangle]))[0] == pytest.approx(thin / 2, rel=1e-9 + slack)


@few
@given(polygons(), st.floats(0, 6.3), st.floats(0.1, 10), st.integers(0, 50))
def test_turning_changes_nothing_and_scaling_only_lengths(p, angle, factor, shift):
    q = p - p.mean(axis=0)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    one, other = Rings.of([q]), Rings.of([np.roll(factor * q @ turn.T, shift, axis=0)])
    for name in LENGTHS:
        f = getattr(metrics, name)
        assert f(other)[0] == pytest.approx(factor * f(one)[0], rel=1e-8), name
    for name in ("aspect", "isoperimetric", "roundness"):
        f = getattr(metrics, name)
        assert f(other)[0] == pytest.approx(f(one)[0], rel=1e-8), name
    # Near a disc the square root takes the last eight digits.
    assert metrics.ecc_moment(other)[0] == pytest.approx(metrics.ecc_moment(one)[0], abs=1e-6)
    assert metrics.areas(other)[0] == pytest.approx(factor**2 * metrics.areas(one)[0], rel=1e-8)


@few
@given(several)
def test_inequalities_between_the_shapes(found):
    r = Rings.of(found)
    d, w, inner, outer = (getattr(metrics, name)(r) for name in ("diameter", "width", "inradius", "circumradius"))
    more = 1 + 1e-9
    assert np.all(2 * inner <= w * more)
    assert np.all(w <= 3 * inner * more)  # Blaschke: the equilateral triangle has equality
    assert np.all(d <= 2 * outer * more)
    assert np.all(outer <= d / np.sqrt(3) * more)  # Jung
    assert np.all((metrics.isoperimetric(r) > 0) & (metrics.isoperimetric(r) < 1))
    assert np.all(metrics.roundness(r) <= 1)
    assert np.all(metrics.aspect(r) >= 1)


@few
@given(several)
def test_a_polygon_has_the_same_shape_among_others(found):
    together = Rings.of(found)
    for name in (*LENGTHS, *RATIOS, "areas"):
        f = getattr(metrics, name)
        assert f(together) == pytest.approx([f(Rings.of([p]))[0] for p in found], rel=1e-12, nan_ok=True), name


@few
@given(polygons())
def test_a_corner_without_a_turn_changes_no_shape(p):
    q = p - p.mean(axis=0)
    more = np.insert(q, 1, (q[0] + q[1]) / 2, axis=0)
    for name in (*LENGTHS, "areas", "aspect"):
        f = getattr(metrics, name)
        assert f(Rings.of([more]))[0] == pytest.approx(f(Rings.of([q]))[0], rel=1e-7), name


@few
@given(polygons())
def test_the_rectangle_holds_the_polygon_and_none_is_smaller(p):
    q = p - p.mean(axis=0)
    box = metrics.bounding_rectangle(q)
    long, across = np.array([np.cos(box.angle), np.sin(box.angle)]), np.array([-np.sin(box.angle), np.cos(box.angle)])
    for direction, side in ((long, box.sides[0]), (across, box.sides[1])):
        assert np.abs((q - box.centre) @ direction).max() <= side / 2 + 1e-9 * box.sides[0]
    for angle in np.pi * np.arange(360) / 360:
        direction = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        assert np.prod(np.ptp(q @ direction, axis=0)) >= box.area * (1 - 1e-9)


@few
@given(polygons())
def test_the_ellipse_holds_the_polygon_and_obeys_john(p):
    q = p - p.mean(axis=0)
    ellipse = metrics.bounding_ellipse(q, tolerance=1e-7)
    a, b = ellipse.axes
    turn = np.array([[np.cos(ellipse.angle), np.sin(ellipse.angle)], [-np.sin(ellipse.angle), np.cos(ellipse.angle)]])
    local = (q - ellipse.centre) @ turn.T / [a, b]
    assert np.linalg.norm(local, axis=1).max() <= 1 + 1e-6
    assert ellipse.excess < 1e-5
    # John: shrunk to half its size in the plane, the ellipse lies inside.
    assert metrics.inradius(Rings.of([local]))[0] > 0
    edges = np.roll(local, -1, axis=0) - local
    normals = np.stack([edges[:, 1], -edges[:, 0]], axis=1) / np.linalg.norm(edges, axis=1, keepdims=True)
    assert (normals * local).sum(axis=1).min() >= 0.5 - 1e-4


def test_ellipses_that_are_known():
    assert metrics.bounding_ellipse(regular(5, 3.0)).axes == pytest.approx((3, 3), rel=1e-6)
    rectangle = metrics.bounding_ellipse(np.array(SLIVER, dtype=float))
    assert rectangle.axes == pytest.approx((100 / np.sqrt(2), 1 / np.sqrt(2)), rel=1e-6)
    assert rectangle.eccentricity == pytest.approx(np.sqrt(1 - 1e-4), rel=1e-6)
    assert metrics.bounding_ellipse([(0, 0), (1, 0), (0, 1)]).area == pytest.approx(0.5 * 4 * np.pi / np.sqrt(27))


def test_no_polygons_have_no_shapes():
    empty = Rings.of([])
    for name in (*LENGTHS, *RATIOS, "areas", "ecc_splinecam", "edges"):
        assert getattr(metrics, name)(empty).shape == (0,), name


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Rings.of([SQUARE, [(0, 0), (1, 1)]]), r"polygons: number 1 must be .*got \(2, 2\)"),
        (lambda: metrics.areas([SQUARE]), "polygons: expected the polygons of a partition"),
        (lambda: metrics.bounding_ellipse([(0, 0), (1, 1), (2, 2)]), "polygon: its corners lie on one line"),
        (lambda: metrics.bounding_rectangle([(0, 0)]), "polygon: expected 3 corners"),
        (lambda: metrics.bounding_ellipse("abc"), "polygon: expected"),
    ],
)
def test_bad_polygons_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
