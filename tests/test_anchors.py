"""Slices through data: anchors exact and inside, frames orthonormal, choices as named, refusals in one sentence."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from linregions import InputError, Network, Plane, enumerate_regions
from linregions.slicing import Slice, slices
from linregions.slicing.anchors import KINDS

COORDINATES = st.floats(-8, 8, allow_subnormal=False).map(lambda v: round(v, 3))


def data(n=40, inputs=6, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((n, inputs)), np.arange(n) % classes


def inside(made, t):
    """Whether (s, t) lies in the slice's polygon, in rationals."""
    point = [Fraction(float(v)) for v in t]
    return all(row[0] * point[0] + row[1] * point[1] + row[2] >= 0 for row in made.plane.halfspaces)


@given(arrays(np.float64, (3, 5), elements=COORDINATES), st.sampled_from(["diamond", "square", "triangle"]))
def test_anchors_are_exact_and_inside(points, shape):
    try:
        made = Slice.through(points, shape=shape)
    except InputError:
        flat = np.linalg.matrix_rank(points[1:] - points[0], tol=1e-6) < 2
        assert flat  # nothing else may be refused
        return
    assert np.array_equal(made.anchors, points)
    u1, u2 = made.plane.q - made.plane.p, made.plane.r - made.plane.p
    assert np.allclose([u1 @ u1, u2 @ u2, u1 @ u2], [1, 1, 0], atol=1e-12)
    scale = np.abs(points).max()
    assert np.allclose(made.plane.inputs(made.coordinates), points, atol=1e-10 * scale)
    for t in made.coordinates:
        assert inside(made, t * (1 - 1e-9) if shape == "triangle" else t)
    if shape == "diamond":
        assert made.pad == pytest.approx(np.abs(made.coordinates).sum(axis=1).max())
    if shape == "triangle":
        sides = [np.linalg.norm(a - b) for a, b in zip(points, np.roll(points, 1, axis=0), strict=True)]
        flat = [np.linalg.norm(a - b) for a, b in zip(made.plane.region, np.roll(made.plane.region, 1, 0), strict=True)]
        assert sorted(flat) == pytest.approx(sorted(sides))


def test_equilateral_anchors_lie_inside_though_their_radius_is_no_pad():
    made = Slice.through(np.eye(3))
    radius = np.linalg.norm(np.eye(3)[0] - 1 / 3)
    assert made.pad / radius == pytest.approx(0.5 + np.sqrt(3) / 2)
    assert all(inside(made, t) for t in made.coordinates)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_takes_the_points_that_it_names(kind):
    x, y = data()
    found = slices(x, y, count=6, kind=kind, seed=5)
    assert [s.name for s in found] == [f"s{k}" for k in range(6)]
    assert len({s.anchors.tobytes() for s in found}) == 6 or kind == "pair"
    again = slices(x, y, count=6, kind=kind, seed=5)
    assert [s.as_dict() for s in found] == [s.as_dict() for s in again]
    for s in found:
        assert s.kind == kind
        assert s.plane.dim == 2
        if kind == "noise":
            assert s.indices == (-1, -1, -1)
            assert x.min() <= s.anchors.min() <= s.anchors.max() <= x.max()
            continue
        assert np.array_equal(x[list(s.indices)], s.anchors)
        assert list(s.labels) == y[list(s.indices)].tolist()
        if kind in ("classes", "pair"):
            assert len(set(s.labels)) == len(s.labels) == {"classes": 3, "pair": 2}[kind]


def test_nearest_by_brute_force():
    x, y = data(30, 5, 3, seed=2)
    for s in slices(x, y, count=6, kind="nearest"):
        a, (b, c) = s.labels[0], s.labels[1:]
        assert b == c != a
        gaps = np.linalg.norm(x[y == a][:, None] - x[y == b][None], axis=2)
        row = np.flatnonzero(y == a)[gaps.min(axis=1).argmin()]
        assert s.indices[0] == row
        order = np.argsort(np.linalg.norm(x[y == b] - x[row], axis=1))
        assert list(s.indices[1:]) == np.flatnonzero(y == b)[order[:2]].tolist()


def test_point_reaches_to_the_nearest_point_of_another_class():
    x, y = data()
    for s in slices(x, y, count=4, kind="point"):
        assert np.array_equal(s.plane.p, s.anchors[0])
        others = np.linalg.norm(x[y != s.labels[0]] - s.anchors[0], axis=1)
        assert s.pad == pytest.approx(others.min())
    assert slices(x, y, count=1, kind="point", pad=0.5)[0].pad == 0.5


def test_fixed_pad_gives_equal_areas():
    x, y = data()
    for s in slices(x, y, count=3, pad=2.0):
        assert s.plane.region.tolist() == [[2.0, 0.0], [0.0, 2.0], [-2.0, 0.0], [0.0, -2.0]]
    assert slices(x, y, count=1, pad=2.0, shape="square")[0].plane.region.max() == 2.0


def test_images_labels_of_words_and_tensors_are_taken_as_they_are():
    torch = pytest.importorskip("torch")
    x, y = data(30, 8, 3)
    flat = [s.as_dict() for s in slices(x, y, count=3)]
    assert [s.as_dict() for s in slices(x.reshape(30, 2, 2, 2), y, count=3)] == flat
    assert [s.as_dict() for s in slices(torch.from_numpy(x).requires_grad_(), torch.from_numpy(y), count=3)] == flat
    half = torch.from_numpy(x).to(torch.bfloat16)
    assert np.array_equal(slices(half, y, count=1)[0].anchors, half.double()[list(slices(half, y)[0].indices)].numpy())
    named = slices(x, np.array(["cat", "dog", "owl"])[y], count=1)[0]
    assert set(named.labels) == {"cat", "dog", "owl"}
    assert "of classes" in str(named)


def test_records_are_lossless():
    x, y = data()
    for kind in KINDS:
        for s in slices(x, y, count=2, kind=kind):
            back = Slice.from_dict(json.loads(json.dumps(s.as_dict())))
            assert back.as_dict() == s.as_dict()
            for part in ("p", "q", "r", "region"):
                assert np.array_equal(getattr(back.plane, part), getattr(s.plane, part))
    bare = Slice.of(Plane.through([0, 0], [1, 0], [0, 1]))
    assert Slice.from_dict(bare.as_dict()).as_dict() == bare.as_dict()
    with pytest.raises(InputError, match=r"Slice\.as_dict"):
        Slice.from_dict({"name": "s0"})


def test_the_regions_of_a_slice_are_those_of_its_anchors():
    x, y = data(30, 4, 3)
    rng = np.random.default_rng(1)
    net = Network.from_arrays([(rng.normal(size=(6, 4)), rng.normal(size=6)), (np.ones((1, 6)), [0.0])])
    made = slices(x, y, count=1)[0]
    found = enumerate_regions(net, made.plane)
    patterns = {tuple(p) for p in found.patterns}
    # The plane passes through the anchors up to rounding, and none of them lies that close to a boundary.
    assert {tuple(p) for p in net.pattern(made.anchors)} <= patterns
    assert found.volumes.sum() == pytest.approx(2 * made.pad**2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y": None}, "y: kind 'classes' needs the points' classes"),
        ({"y": np.zeros(40)}, "at least 3 classes, got 1 class"),
        ({"y": np.zeros(3)}, "expected one class for each of 40 points, got 3"),
        ({"y": np.zeros((40, 1))}, "expected one class per point"),
        ({"x": np.zeros((40, 1))}, "at least 2 numbers"),
        ({"x": np.zeros(40)}, "expected data"),
        ({"x": np.full((40, 3), np.nan)}, "NaN"),
        ({"x": np.ones((40, 3))}, "only 0 slices of kind 'classes' found"),
        ({"x": np.ones((40, 3)), "kind": "noise"}, "no range to draw noise from"),
        ({"kind": "best"}, "kind: 'best' is not one of classes, nearest"),
        ({"shape": "disc"}, "shape: 'disc' is not one of"),
        ({"shape": "triangle", "pad": 1.0}, "a triangle ends at its anchors"),
        ({"shape": "triangle", "kind": "pair"}, "a triangle needs three anchors"),
        ({"pad": 0}, "pad must be a positive number"),
        ({"count": 0}, "count must be a positive whole number"),
        ({"seed": -1}, "seed"),
        ({"count": 20, "kind": "nearest"}, "at most 12 slices of kind 'nearest', got 20"),
    ],
)
def test_refusals(arguments, message):
    x, y = data()
    given = {"x": x, "y": y} | arguments
    with pytest.raises(InputError, match=message):
        slices(given.pop("x"), given.pop("y"), **given)


def test_points_that_span_no_plane():
    with pytest.raises(InputError, match="on one line, so they span no plane; choose others"):
        Slice.through([[0, 0, 0], [1, 2, 3], [2, 4, 6]])
    with pytest.raises(InputError, match="same point"):
        Slice.through([[0, 0, 0], [1, 2, 3], [1, 2, 3]])
    with pytest.raises(InputError, match="with 1 anchor a plane takes 2 directions of 3 numbers, got 0"):
        Slice.through([[0, 0, 0]])
    with pytest.raises(InputError, match="on one line"):
        Slice.through([[0, 0, 0], [1, 2, 3]], direction=[2.0, 4.0, 6.0])
    with pytest.raises(InputError, match="one label and one index"):
        Slice.through(np.eye(3), labels=[1])
    with pytest.raises(InputError, match="expected Slice or Plane"):
        Slice.of("s0")


def test_more_slices_than_there_are_are_refused_at_once():
    x, y = np.random.default_rng(0).random((12, 5)), np.arange(12) % 4
    with pytest.raises(InputError, match="count: these data give at most 108 slices of kind 'classes', got 1000000"):
        slices(x, y, count=10**6)
    with pytest.raises(InputError, match="at most 12 slices of kind 'nearest'"):
        slices(x, y, count=13, kind="nearest")
    assert len({part.indices and tuple(sorted(part.indices)) for part in slices(x, y, count=90)}) == 90
