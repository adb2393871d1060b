"""Decision boundaries: against a slow twin, known surfaces, duality with the complement, and crossings of segments."""

from __future__ import annotations

import itertools
import math
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from boundary_nets import Shape, norm, shapes, torus
from hypothesis import given, settings
from hypothesis import strategies as st
from known_nets import he_net
from slow_boundary import slow_boundary, slow_complex, zero_faces
from strategies import MODEST, Case, cases

from linregions import Box, Domain, InputError, Network, Plane, Polytope, Segment, Space, Stage, enumerate_regions
from linregions.activations import ABS, IDENTITY, MaxGroups, UnitActivations
from linregions.exact import dot
from linregions.partition import Partition
from linregions.partition.boundary import Boundary, Side
from linregions.partition.boundary.build import difference

SHAPES = shapes()
BOX = Box.cube(-1, 1, 2)


def linear(weight, bias, divisor=None) -> Stage:
    """An affine stage."""
    weight = np.asarray(weight, dtype=float)
    return Stage(weight, np.asarray(bias, float), UnitActivations.uniform(IDENTITY, len(weight)), divisor)


def centred(widths, seed, outputs=1) -> Network:
    """A He net whose first output is zero somewhere: its median on random points is subtracted."""
    net = he_net([*widths, outputs], seed)
    x = np.random.default_rng(seed).uniform(-1, 1, (101, widths[0]))
    last = net.stages[-1]
    return Network((*net.stages[:-1], linear(last.weight, last.bias - np.median(net(x), axis=0))))


@st.composite
def boundary_cases(draw, units: int = 6) -> Case:
    """A network whose outputs are zero, up to rounding, at some vertices of its partition, and a domain."""
    case = draw(cases(units, [*MODEST, "seeded integers", "seeded normal"]))
    stages = case.network.stages[:-1]
    width = stages[-1].units if stages else case.network.input_dim
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    outputs = draw(st.integers(1, 2))
    if draw(st.booleans()):
        weight = rng.integers(-2, 3, (outputs, width)).astype(float)
    else:
        weight = rng.normal(size=(outputs, width))
    net = Network((*stages, linear(weight, np.zeros(outputs))), "boundary")
    partition = enumerate_regions(net, case.domain)
    bias = np.zeros(outputs)
    for k in range(outputs):
        i = int(rng.integers(len(partition)))
        points = np.concatenate([partition.vertices(i), partition.witnesses[i : i + 1]])
        # Some lie beyond the largest float64.
        points = np.concatenate([points[np.all(np.abs(points) < 1e100, axis=1)], np.zeros((1, case.domain.dim))])
        with np.errstate(all="ignore"):
            value = net(case.domain.inputs(points[rng.integers(len(points))]))[k]
        bias[k] = -value if abs(value) < 1e6 else 0.0
    return Case(Network((*stages, linear(weight, bias)), "boundary"), case.domain)


def described(boundary: Boundary) -> dict:
    """Everything about a boundary that does not depend on an order."""
    pieces = []
    for p, ids in enumerate(
        boundary.cells.cells[boundary.dim - 1].take(boundary.pieces)[k] for k in range(len(boundary))
    ):
        finite = frozenset(tuple(boundary.exact_point(int(v))) for v in ids if not boundary.far[v])
        sides = tuple(sorted(zip(boundary.regions[p].tolist(), boundary.signs[p].tolist(), strict=True)))
        pieces.append((finite, int(boundary.far[ids].sum()), sides, boundary.kinds[p]))
    return {
        "function": boundary.function,
        "sizes": boundary.cells.sizes,
        "betti": boundary.betti,
        "pieces": sorted(pieces, key=repr),
        "fat": boundary.fat.tolist(),
        "stray": boundary.stray,
        "wall": [int(w.sum()) for w in boundary.on_wall],
        "neighbours": sorted(boundary.neighbours.sizes.tolist()),
    }


def check(boundary: Boundary, partition: Partition) -> None:
    """What holds of every boundary."""
    assert boundary.euler_characteristic == sum((-1) ** k * b for k, b in enumerate(boundary.betti))
    assert boundary.components.max(initial=-1) + 1 == boundary.betti[0]
    # First sides: larger signs first, never outside.
    assert np.all(boundary.regions[:, 0] >= 0)
    assert np.all(boundary.signs[:, 0] != 0)
    kinds = {Side.CROSSING: [(1, -1)], Side.TOUCHING: [(1, 1), (-1, -1)], Side.RIM: [(1, 0), (-1, 0)]}
    for kind, (a, b), (_, other) in zip(
        boundary.kinds, boundary.signs.tolist(), boundary.regions.tolist(), strict=True
    ):
        assert (a, b) in kinds.get(kind, [(1, 0), (-1, 0)])
        assert (other < 0) == (kind is Side.WALL)
        assert kind is not Side.RIM or other in boundary.fat
    check_values(boundary, partition)
    if boundary.dim < 4:
        check_orientation(boundary, partition)


def g(boundary: Boundary, partition: Partition, point) -> Fraction:
    """The function whose zero set it is, at a point of the domain, in rationals."""
    into = partition.domain.embedding
    x = point if into is None else [dot(row[:-1], point) + row[-1] for row in into]
    values = partition.network.exact_values(x)
    first, *second = [int(part[2:]) for part in boundary.function.split(" - ")]
    return values[first] - (values[second[0]] if second else 0)


def check_values(boundary: Boundary, partition: Partition, most: int = 30) -> None:
    for v in np.flatnonzero(~boundary.far)[:most]:
        assert g(boundary, partition, boundary.exact_point(int(v))) == 0


def check_orientation(boundary: Boundary, partition: Partition, most: int = 20) -> None:
    """A step from a piece along its normal leads to the first side, one back to the second."""
    simplices, owner = boundary.simplices
    assert np.array_equal(np.unique(owner), np.arange(len(boundary)))
    if boundary.dim == 1:
        return
    for simplex, piece in list(zip(simplices, owner, strict=True))[:most]:
        corners = [far_out(*boundary.exact_vertex(int(v))) for v in simplex]
        middle = [sum(column) / len(corners) for column in zip(*corners, strict=True)]
        normal = normal_of(corners)
        sides = []
        for way, region in zip((1, -1), boundary.regions[piece], strict=True):
            step = Fraction(1)
            while region >= 0:
                point = [m + way * step * n for m, n in zip(middle, normal, strict=True)]
                into = partition.domain.embedding
                x = point if into is None else [dot(row[:-1], point) + row[-1] for row in into]
                inside = all(dot(h[:-1], point) + h[-1] > 0 for h in partition.domain.halfspaces)
                pattern = partition.network.exact_pattern(x)
                if inside and np.array_equal(pattern, partition.patterns[region]):
                    break
                step /= 64
                assert step > Fraction(1, 64**400), "the region is not on this side"
            if region >= 0:
                value = g(boundary, partition, point)
                sides.append((value > 0) - (value < 0))
            else:
                sides.append(0)
        assert sides == boundary.signs[piece].tolist()


def far_out(fixed, growth) -> list[Fraction]:
    """A vertex, or a point of the piece on the way to it."""
    return [a + 2**200 * b for a, b in zip(fixed, growth, strict=True)]


def normal_of(corners) -> list[Fraction]:
    """det(corners[1] - corners[0], ..., p - corners[0]) as a function of p."""
    rows = [[a - b for a, b in zip(c, corners[0], strict=True)] for c in corners[1:]]
    if len(rows) == 1:
        return [-rows[0][1], rows[0][0]]
    a, b = rows
    return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]


def complement_components(partition: Partition, boundary: Boundary) -> int:
    """Connected components of the space around a compact zero set, by merging regions; the outside is one of them."""

    first, *second = [int(part[2:]) for part in boundary.function.split(" - ")]
    network, _ = difference(partition.network, first, second[0] if second else None)
    refined = enumerate_regions(network, partition.domain)
    whole = slow_complex(refined)
    zero, signs = zero_faces(whole, refined)
    groups = {r: {r} for r in range(-1, len(refined)) if r < 0 or signs[r]}
    for facet, sides in whole.faces[whole.dim - 1].items():
        if facet in zero[whole.dim - 1]:
            continue
        a, b = (groups[r] for r in [*sides, -1][:2])
        if a is not b:
            a |= b
            for r in b:
                groups[r] = a
    return len({id(group) for group in groups.values()})


@pytest.mark.parametrize(
    ("shape", "domain"),
    # The shifts of the shape with two handles are for its box only.
    [(s, s.domain) for s in SHAPES] + [(s, Space(s.domain.dim)) for s in SHAPES if s.name != "two handles"],
    ids=str,
)
def test_known_shapes(shape: Shape, domain: Domain):
    partition = enumerate_regions(shape.network, domain)
    boundary = partition.decision_boundary()
    assert boundary.betti == shape.betti
    assert set(boundary.kinds) == {Side.CROSSING}
    assert not len(boundary.fat)
    assert boundary.bounded.all()
    assert not any(w.any() for w in boundary.on_wall)
    assert set(boundary.stray) <= {0}
    check(boundary, partition)


@pytest.mark.parametrize("shape", [s for s in SHAPES if s.domain.dim == 3], ids=str)
def test_known_surfaces_are_watertight(shape: Shape):
    boundary = enumerate_regions(shape.network, shape.domain).decision_boundary()
    mesh = boundary.mesh()
    assert mesh.is_watertight
    assert mesh.is_watertight_inside
    assert mesh.is_oriented
    assert (
        mesh.euler_characteristic
        == boundary.euler_characteristic
        == sum((-1) ** k * b for k, b in enumerate(shape.betti))
    )
    assert mesh.area == pytest.approx(boundary.measure)
    assert len(mesh.triangles) == sum(len(boundary.vertices(p)) - 2 for p in range(len(boundary)))
    for p in range(len(boundary)):
        around = boundary.exact_vertices(p)
        for corners in zip(around, around[1:] + around[:1], around[2:] + around[:2], strict=True):
            # Convex and seen from the first side: every turn has the piece's normal.
            first = boundary.simplices[0][np.searchsorted(boundary.simplices[1], p)]
            normal = normal_of([boundary.exact_point(int(v)) for v in first])
            assert dot(normal_of(corners), normal) > 0


def test_measures_of_known_shapes():
    by_name = {s.name: enumerate_regions(s.network, s.domain).decision_boundary() for s in SHAPES}
    assert by_name["diamond"].measure == pytest.approx(4 * math.sqrt(2))
    assert by_name["octahedron"].measure == pytest.approx(4 * math.sqrt(3))
    # Walls of height 1 around squares of sides 5 and 3, floor and lid of area 25 - 9.
    assert by_name["torus"].measure == pytest.approx(20 + 12 + 32)
    assert by_name["16-cell"].measure == pytest.approx(16 * 2 / 6)
    curves = by_name["nested diamonds"].curves()
    assert [c.length for c in curves] == pytest.approx([6 * math.sqrt(2), 10 * math.sqrt(2)])
    assert [(c.closed, len(c.points)) for c in curves] == [(True, 4)] * 2


@settings(max_examples=25)
@given(boundary_cases())
def test_agrees_with_the_slow_twin(case):
    partition = enumerate_regions(case.network, case.domain)
    for i, j in [(0, None), (0, 1), (1, 0)][: 1 if case.network.output_dim == 1 else 3]:
        boundary = partition.decision_boundary(i, j)
        assert described(boundary) == described(slow_boundary(partition, i, j))
        check(boundary, partition)


@pytest.mark.slow
@settings(max_examples=250)
@given(boundary_cases(7))
def test_agrees_with_the_slow_twin_at_length(case):
    partition = enumerate_regions(case.network, case.domain)
    boundary = partition.decision_boundary()
    assert described(boundary) == described(slow_boundary(partition))
    check(boundary, partition)


@pytest.mark.parametrize(
    ("widths", "domain"),
    [
        ((2, 8, 8), BOX),
        ((3, 5, 4), Box.cube(-1, 1, 3)),
        ((2, 6, 6), Polytope([[1, 1], [-1, 0], [0, -1]], [1, 0.5, 0.5])),
        ((3, 8, 8), Plane.through([0, 0, 0], [1, 0, 0.5], [0, 1, -0.5], margin=0.5)),
        ((3, 8, 8), Segment([-1, -1, -1], [1, 1, 0.5])),
        ((4, 4, 2), Box.cube(-1, 1, 4)),
    ],
)
def test_random_nets_agree_with_the_slow_twin(widths, domain):
    partition = enumerate_regions(centred(widths, 3), domain)
    boundary = partition.decision_boundary()
    assert len(boundary) > 0
    assert described(boundary) == described(slow_boundary(partition))
    check(boundary, partition)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("widths", [(1, 6, 6), (2, 6, 5), (3, 4, 3)])
def test_duality_with_the_complement(widths, seed):
    """Alexander duality: the highest Betti number of a compact set of codimension one counts the cavities."""
    rng = np.random.default_rng(seed)
    for net in (centred(widths, seed), integers(widths, rng)):
        partition = enumerate_regions(net, Box.cube(-1, 1, widths[0]))
        boundary = partition.decision_boundary()
        dim = boundary.dim
        around = complement_components(partition, boundary)
        assert boundary.betti[dim] == 0
        if dim == 1:
            # On a line closed to a circle, n points or intervals leave n gaps.
            assert boundary.betti[0] == (around if len(boundary.points) else 0)
        else:
            assert boundary.betti[dim - 1] == around - 1
        if dim == 3:
            assert boundary.betti[1] == boundary.betti[0] + boundary.betti[2] - boundary.euler_characteristic


def integers(widths, rng) -> Network:
    """Small integer weights: parallel, repeated and dead units, zero sets with fat and touching parts."""
    layers = [
        (rng.integers(-2, 3, (b, a)).astype(float), rng.integers(-1, 2, b).astype(float))
        for a, b in itertools.pairwise([*widths, 1])
    ]
    return Network.from_arrays(layers)


@pytest.mark.parametrize("seed", range(3))
def test_crossings_of_random_segments(seed):
    """As many crossings as the engine finds on the segment itself, whose partition is another one."""
    net = centred((2, 12, 12), seed)
    boundary = enumerate_regions(net, BOX).decision_boundary()
    ends = [boundary.exact_vertices(p) for p in range(len(boundary))]
    rng = np.random.default_rng(seed)
    total = 0
    for a, b in rng.uniform(-1, 1, (12, 2, 2)):
        along = enumerate_regions(net, Segment(a, b)).decision_boundary()
        start, stop = ([Fraction(float(v)) for v in x] for x in (a, b))
        crossed = sum(crosses(start, stop, p, q) for p, q in ends)
        assert (len(along), set(along.kinds) <= {Side.CROSSING}) == (crossed, True)
        total += crossed
    assert total > 5


def crosses(a, b, p, q) -> bool:
    def turn(x, y, z) -> Fraction:
        return (y[0] - x[0]) * (z[1] - x[1]) - (y[1] - x[1]) * (z[0] - x[0])

    return turn(a, b, p) * turn(a, b, q) < 0 and turn(p, q, a) * turn(p, q, b) < 0


@pytest.mark.parametrize("seed", range(3))
def test_meshes_of_random_nets(seed):
    net = centred((3, 8, 8), seed)
    boundary = enumerate_regions(net, Box.cube(-1, 1, 3)).decision_boundary()
    mesh = boundary.mesh()
    edges, counts = mesh.edges
    assert mesh.is_watertight_inside
    assert mesh.is_oriented
    assert counts.max() == 2
    # The open edges, and no others, lie in the wall.
    wall = set(map(tuple, mesh.wall_edges.tolist()))
    assert {tuple(e) for e in edges[counts == 1].tolist()} == wall
    assert mesh.area == pytest.approx(boundary.measure)
    check_values(boundary, enumerate_regions(net, Box.cube(-1, 1, 3)))


@pytest.mark.parametrize("seed", range(3))
def test_curves_of_random_nets(seed):
    net = centred((2, 16, 16), seed)
    boundary = enumerate_regions(net, BOX).decision_boundary()
    curves = boundary.curves()
    assert sorted(p for c in curves for p in c.pieces.tolist()) == list(range(len(boundary)))
    assert sum(c.length for c in curves) == pytest.approx(boundary.measure)
    assert len(curves) == boundary.betti[0]
    assert sum(c.closed for c in curves) == boundary.betti[1]
    for c in curves:
        assert c.closed or np.all(np.abs(np.abs(c.points[[0, -1]]).max(axis=1) - 1) < 1e-12)
        assert np.allclose(net(c.points), 0, atol=1e-9)


def test_two_outputs():
    net = centred((2, 8), 0, outputs=3)
    partition = enumerate_regions(net, BOX)
    forward, backward = partition.decision_boundary(0, 2), partition.decision_boundary(2, 0)
    assert (forward.function, backward.function) == ("f_0 - f_2", "f_2 - f_0")
    assert described(forward)["betti"] == described(backward)["betti"]
    assert forward.measure == pytest.approx(backward.measure)
    swapped = {
        frozenset(map(tuple, backward.exact_vertices(p))): backward.regions[p, ::-1].tolist()
        for p in range(len(backward))
    }
    for p in range(len(forward)):
        other = swapped[frozenset(map(tuple, forward.exact_vertices(p)))]
        assert sorted(other) == sorted(forward.regions[p].tolist())
    assert partition.decision_boundary(1).function == "f_1"
    # The weights of two outputs differ by no float64: 1 - 2^-60 = f_0 - f_1 at (1, 0).
    fine = Network.from_arrays([([[1.0, 0.0], [2.0**-60, 0.0]], [0.0, 2.0**-61])])
    boundary = enumerate_regions(fine, BOX).decision_boundary(0, 1)
    x = Fraction(1, 2**61) / (1 - Fraction(1, 2**60))
    assert {tuple(p) for p in boundary.exact_vertices(0)} == {(x, Fraction(-1)), (x, Fraction(1))}


def test_activation_after_the_last_layer():
    net = Network.from_arrays([([[1.0, 0.0]], [0.5])], output="abs")
    boundary = enumerate_regions(net, BOX).decision_boundary()
    assert boundary.kinds == [Side.TOUCHING]
    assert sorted(boundary.regions[0].tolist()) == [0, 1]
    assert boundary.signs.tolist() == [[1, 1]]


def test_a_zero_set_that_touches():
    """|x| + |y| vanishes at the origin only, |x| on a line, along which two regions lie."""
    point = enumerate_regions(norm(2, 0.0, sign=1.0), BOX).decision_boundary()
    assert (len(point), point.stray, point.betti) == (0, (1,), (1, 0, 0))
    assert point.exact_point(0) == [0, 0]
    assert point.measure == 0
    assert point.curves() == []
    line = enumerate_regions(
        Network.from_arrays([([[1, 0], [-1, 0]], [0, 0]), ([[1, 1]], [0])]), BOX
    ).decision_boundary()
    assert line.kinds == [Side.TOUCHING]
    assert line.of_kind("crossing").tolist() == []
    assert len(line.curves(["touching"])) == 1


def test_a_zero_set_with_fat_regions():
    """relu(x) vanishes on half of the box; relu(x) - relu(-x) is x; a dead net vanishes everywhere."""
    half = enumerate_regions(Network.from_arrays([([[1.0, 0.0]], [0.0]), ([[1.0]], [0.0])]), BOX)
    boundary = half.decision_boundary()
    assert len(boundary.fat) == 1
    assert boundary.kinds == [Side.RIM]
    assert boundary.regions[0, 1] == boundary.fat[0] == half.locate([-0.5, 0.0])
    assert boundary.betti == (1, 0, 0)
    assert boundary.cells.sizes == (4, 4, 1)
    dead = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [-5.0, -5.0]), ([[1.0, 1.0]], [0.0])])
    boundary = enumerate_regions(dead, BOX).decision_boundary()
    assert (len(boundary), boundary.fat.tolist(), boundary.betti) == (0, [0], (1, 0, 0))
    assert repr(boundary) == "Boundary: f_0 = 0 on box [-1, 1]^2, 0 pieces, 1 region on which it vanishes"
    # A disc cut out of the plane: max(1 - |x| - |y|, 0) is fat around a hole.
    ring = Network(
        (*norm(2, 1.0).stages[:-1], Stage(np.full((1, 4), -1.0), np.ones(1), UnitActivations.uniform(ABS, 1)))
    )
    fat = Network((*ring.stages, linear([[1.0]], [0.0])))
    assert enumerate_regions(fat, Box.cube(-2, 2, 2)).decision_boundary().betti == (1, 1, 0)
    relu = Network.from_arrays([*pairs(norm(2, 1.0)), ([[1.0]], [0.0])])
    boundary = enumerate_regions(relu, Box.cube(-2, 2, 2)).decision_boundary()
    assert (set(boundary.kinds), boundary.betti) == ({Side.RIM}, (1, 1, 0))


def pairs(net: Network):
    return [(s.weight, s.bias) for s in net.stages]


def test_a_zero_set_in_the_wall():
    net = Network.from_arrays([([[1.0, 0.0]], [1.0])])
    boundary = enumerate_regions(net, BOX).decision_boundary()
    assert boundary.kinds == [Side.WALL]
    assert boundary.regions.tolist() == [[0, -1]]
    assert boundary.signs.tolist() == [[1, 0]]
    assert boundary.on_wall[1].all()
    corner = enumerate_regions(Network.from_arrays([([[1.0, 1.0]], [2.0])]), BOX).decision_boundary()
    assert (len(corner), corner.stray) == (0, (1,))


def test_other_activations():
    """A maxout norm: the square max(|x|, |y|) = 1, where two groups tie along the diagonals."""
    stages = (
        Stage(np.eye(2), np.zeros(2), UnitActivations.uniform(ABS, 2)),
        Stage(np.eye(2), np.zeros(2), MaxGroups(np.array([0, 2]))),
        linear([[-1.0]], [1.0]),
    )
    partition = enumerate_regions(Network(stages), Box.cube(-2, 2, 2))
    boundary = partition.decision_boundary()
    assert boundary.betti == (1, 1, 0)
    assert boundary.measure == 8
    assert len(boundary) == 8
    check(boundary, partition)


def test_unbounded_boundaries():
    cross = Network.from_arrays([([[1, 0], [-1, 0], [0, 1], [0, -1]], [0] * 4), ([[1, 1, -1, -1]], [0])])
    boundary = enumerate_regions(cross, Space(2)).decision_boundary()
    assert len(boundary) == 4
    assert not boundary.bounded.any()
    assert boundary.measure == math.inf
    assert boundary.betti == (1, 0, 0)
    curves = boundary.curves()
    assert len(curves) == 4
    assert sorted((c.start is None, c.end is None) for c in curves) == [(False, True)] * 2 + [(True, False)] * 2
    with pytest.raises(InputError, match="is unbounded; use a bounded domain"):
        boundary.exact_vertices(0)
    with pytest.raises(InputError, match="lies at infinity"):
        boundary.exact_point(int(np.flatnonzero(boundary.far)[0]))
    # A plane without any vertex of its own, and two parallel ones.
    for net, pieces in [(Network.from_arrays([([[1.0, 2.0, 3.0]], [1.0])]), 1), (slab(), 2)]:
        boundary = enumerate_regions(net, Space(3)).decision_boundary()
        assert (len(boundary), boundary.betti) == (pieces, (pieces, 0, 0, 0))
        with pytest.raises(InputError) as caught:
            boundary.mesh()
        assert str(caught.value).startswith(f"mesh: {pieces} of {pieces} piece")


@pytest.mark.parametrize("widths", [(2, 5), (3, 4)])
@pytest.mark.parametrize("seed", range(3))
def test_unbounded_pieces_know_their_sides(widths, seed):
    partition = enumerate_regions(centred(widths, seed), Space(widths[0]))
    boundary = partition.decision_boundary()
    assert not boundary.bounded.all()
    assert described(boundary) == described(slow_boundary(partition))
    check_orientation(boundary, partition, most=100)
    if boundary.dim == 2:
        for curve in boundary.curves():
            for end, direction in ((curve.points[0], curve.start), (curve.points[-1], curve.end)):
                if direction is not None:
                    # Far out on the ray, next to it on the left for one that leaves, on the right for one that comes.
                    left = np.array([-direction[1], direction[0]]) * (1 if direction is curve.end else -1)
                    values = partition.network(end + 1e4 * direction + 1e3 * np.array([left, -left]))[:, 0]
                    assert values[0] > 0 > values[1]


def slab() -> Network:
    return Network.from_arrays([([[1.0, 2.0, 3.0], [-1.0, -2.0, -3.0]], [0.0, 0.0]), ([[1.0, 1.0]], [-1.0])])


@pytest.mark.parametrize("ending", [".obj", ".ply", ".stl"])
def test_files(tmp_path, ending):
    mesh = enumerate_regions(torus(), Box.cube(-3, 3, 3)).decision_boundary().mesh()
    path = mesh.save(tmp_path / f"torus{ending}")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    words = [line.split() for line in path.read_text().splitlines()]
    if ending == ".obj":
        points = [list(map(float, w[1:])) for w in words if w[0] == "v"]
        faces = [[int(v) - 1 for v in w[1:]] for w in words if w[0] == "f"]
    elif ending == ".ply":
        head = words.index(["end_header"]) + 1
        points = [list(map(float, w)) for w in words[head : head + len(mesh.vertices)]]
        faces = [list(map(int, w[1:])) for w in words[head + len(mesh.vertices) :]]
    else:
        corners = [list(map(float, w[1:])) for w in words if w[0] == "vertex"]
        assert np.array_equal(np.reshape(corners, (-1, 3, 3)), mesh.vertices[mesh.triangles])
        normals = np.array([list(map(float, w[2:])) for w in words if w[0] == "facet"])
        assert np.allclose(np.linalg.norm(normals, axis=1), 1)
        return
    assert np.array_equal(points, mesh.vertices)
    assert np.array_equal(faces, mesh.triangles)


def test_more_dimensions_than_a_complex_has_are_refused():
    partition = enumerate_regions(centred((10, 3), 0), Box.cube(-1, 1, 10))
    with pytest.raises(InputError, match=r"engine .lp. finds no vertices"):
        partition.decision_boundary()


def test_a_part_of_a_saved_run_is_refused(tmp_path):
    saved = enumerate_regions(norm(2, 1.0), BOX, save=tmp_path / "run")
    with pytest.raises(InputError, match=r"^partition: is read from a saved run, and a boundary needs all regions"):
        next(iter(saved.chunks())).decision_boundary()


def test_refused():
    partition = enumerate_regions(norm(2, 1.0), BOX)
    boundary = partition.decision_boundary()
    for call, sentence in [
        (lambda: partition.decision_boundary(1), "i: expected an output of the network, 0 to 0 (1 output), got 1"),
        (lambda: partition.decision_boundary(0, -1), "j: expected an output of the network, 0 to 0 (1 output), got -1"),
        (lambda: partition.decision_boundary(0.0), "i: expected an output of the network, 0 to 0 (1 output), got 0.0"),
        (
            lambda: partition.decision_boundary(0, 0),
            "j: f_0 - f_0 is zero everywhere; give another output than i, or None",
        ),
        (
            lambda: enumerate_regions(norm(2, 1.0), BOX, max_regions=1).decision_boundary(),
            "partition: has at least ",
        ),
        (boundary.mesh, "mesh: needs a domain of dimension 3, got box [-1, 1]^2; dimension 2 has curves()"),
        (
            enumerate_regions(norm(3, 1.0), Box.cube(-2, 2, 3)).decision_boundary().curves,
            "curves: need a domain of dimension 2, got box [-2, 2]^3; dimension 3 has mesh()",
        ),
        (
            lambda: boundary.curves(["inner"]),
            "kinds: expected some of 'crossing', 'touching', 'rim', 'wall', or None for all, got ['inner']",
        ),
        (lambda: boundary.vertices(99), "piece: expected a number from 0 to 3, got 99"),
    ]:
        with pytest.raises(InputError) as caught:
            call()
        assert str(caught.value).startswith(sentence)
    mesh = enumerate_regions(norm(3, 1.0), Box.cube(-2, 2, 3)).decision_boundary().mesh()
    for path, sentence in [
        ("a.txt", "path: expected a name that ends in .obj, .ply or .stl, got 'a.txt'"),
        ("no/such/folder/a.obj", "path: no/such/folder/a.obj cannot be written (No such file or directory)"),
    ]:
        with pytest.raises(InputError) as caught:
            mesh.save(path)
        assert str(caught.value).startswith(sentence)


def test_the_page_on_boundaries(tmp_path, capsys):
    """The examples of docs/boundary.md run and print what they say."""
    root = Path(__file__).parent.parent
    text = (root / "docs" / "boundary.md").read_text(encoding="utf-8")
    moons, surface = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    exec(moons.replace("examples/", f"{root}/examples/"), {})
    first, *rest = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"Boundary: f_0 = 0 on box \[-2, 3\]\^2, \d+ pieces", first)
    assert len(rest) > 2
    exec(surface, {})
    said = [line.split("  # ")[1] for line in surface.splitlines() if line.startswith("print")]
    assert capsys.readouterr().out.splitlines() == said
