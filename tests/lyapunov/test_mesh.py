"""The mesh covers the domain once: volumes in rationals, and facets that are shared with the opposite side."""

from __future__ import annotations

import math
from collections import defaultdict
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from origin_cases import origin_cases, rational
from test_cells import one_norm, random_net

from linregions import Box, InputError, Polytope, enumerate_regions
from linregions.activations import MaxGroups
from linregions.exact import dot
from linregions.lyapunov.geometry.cells import cells_of
from linregions.partition.geometry import determinant


def signed_volume(points):
    """n! times the signed volume of a simplex."""
    first, *rest = points
    return determinant([[a - b for a, b in zip(p, first, strict=True)] for p in rest])


def one_side(stage, states):
    """Whether every unit of a stage stays on one piece at all of these states; and the states after it."""
    z = [stage.exact_preactivation(x) for x in states]
    act = stage.activation
    if isinstance(act, MaxGroups):
        for a, b in pairwise(act.offsets.tolist()):
            if not any(all(row[i] == max(row[a:b]) for row in z) for i in range(a, b)):
                return False, []
    else:
        for i, k in enumerate(act.index):
            for t in map(Fraction, act.functions[k].breakpoints):
                if not (all(row[i] <= t for row in z) or all(row[i] >= t for row in z)):
                    return False, []
    return True, [stage.exact_step(x)[1] for x in states]


def check_mesh(cells):
    points = [rational(cells.exact_vertex(v)) for v in range(len(cells.points))]
    volumes = [signed_volume([points[v] for v in simplex]) for simplex in cells.simplices]
    assert all(volumes)  # no flat simplex
    # By facets: the other vertex lies on opposite sides, or the facet lies on a side of the domain.
    facets = defaultdict(list)
    for simplex in cells.simplices.tolist():
        for k, apex in enumerate(simplex):
            facets[tuple(sorted(simplex[:k] + simplex[k + 1 :]))].append(apex)
    for facet, apexes in facets.items():
        corners = [points[v] for v in facet]
        if len(apexes) == 1:
            sides = cells.domain.halfspaces
            assert any(all(dot(row[:-1], x) + row[-1] == 0 for x in corners) for row in sides)
            continue
        a, b = (signed_volume([*corners, points[v]]) for v in apexes)
        assert a * b < 0
    return sum(map(abs, volumes)) / math.factorial(cells.dim)


@given(origin_cases(units=6))
@settings(max_examples=22)
def test_it_covers_the_domain_and_no_unit_changes_inside(case):
    cells = cells_of(case.network, case.domain)
    assert cells.simplex_count == len(cells.simplices)
    volume = check_mesh(cells)
    assert volume == sum(cells.partition.exact_volume(i) for i in range(len(cells)))
    if isinstance(case.domain, Box):
        sides = zip(case.domain.lower, case.domain.upper, strict=True)
        assert volume == math.prod(Fraction(float(b)) - Fraction(float(a)) for a, b in sides)
    assert np.all(np.diff(cells.owner) >= 0)
    for simplex, cell in zip(cells.simplices, cells.owner, strict=True):
        own = cells.complex.region_vertices[cells.complex.region_indptr[cell] : cells.complex.region_indptr[cell + 1]]
        assert set(simplex) <= set(own)
        if cells.origin in own:
            assert simplex[0] == cells.origin
        states = [rational(cells.exact_vertex(v)) for v in simplex]
        for stage in case.network.stages:
            fits, states = one_side(stage, states)
            assert fits


@pytest.mark.parametrize(("n", "simplices"), [(1, 2), (2, 8), (3, 48), (4, 384)])
def test_cubes_are_pulled_from_the_origin(n, simplices):
    cells = cells_of(one_norm(n), Box.cube(-1, 1, n))
    # Pulling a vertex of a cube gives n! simplices, all with that vertex.
    assert len(cells.simplices) == simplices == 2**n * math.factorial(n)
    assert np.all(cells.simplices[:, 0] == cells.origin)
    assert check_mesh(cells) == 2**n


def test_too_many_simplices_are_refused(monkeypatch):
    from linregions.lyapunov.geometry import mesh

    cells = cells_of(one_norm(6), Box.cube(-1, 1, 6))
    assert cells.simplex_count == 2**6 * math.factorial(6)
    monkeypatch.setattr(mesh, "memory", lambda: 10**6)
    with pytest.raises(InputError, match=r"make 46,080 simplices, which do not fit .* \(fan_of\)"):
        cells.simplices  # noqa: B018


def test_dimension_four_and_a_cut_off_corner():
    corner = Polytope(np.concatenate([np.eye(4), -np.eye(4), np.ones((1, 4))]), [1.0] * 8 + [2.5])
    cells = cells_of(random_net([4, 4, 1], 1), corner)
    domain = enumerate_regions(random_net([4, 1], 0), corner)
    assert check_mesh(cells) == domain.exact_volume(0)


def test_a_fan_of_simplices_is_left_as_it_is():
    # |x1|, |x2|, |x1 - x2|, |x1 + x2| on the square: eight triangles.
    rows = np.array([[1, 0], [0, 1], [1, -1], [1, 1]], dtype=float)
    net = one_norm(2)
    from linregions.combining import joint

    cells = cells_of(joint([net], rows=np.concatenate([rows, np.zeros((4, 1))], axis=1)), Box.cube(-1, 1, 2))
    assert len(cells) == len(cells.simplices) == 8
    assert check_mesh(cells) == 4
