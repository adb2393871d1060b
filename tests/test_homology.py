"""Betti numbers and incidence numbers of small complexes against known spaces and dense ranks."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

from linregions.exact import rank
from linregions.partition.boundary.cells import CellComplex, Lists, cell_complex
from linregions.partition.boundary.homology import betti_numbers, components, eliminate, euler_characteristic
from linregions.partition.boundary.triangulation import exact_orientation, orientations, simplex_volumes, triangulate

PROJECTIVE_PLANE = [
    (0, 1, 4),
    (0, 1, 5),
    (0, 2, 3),
    (0, 2, 5),
    (0, 3, 4),
    (1, 2, 3),
    (1, 2, 4),
    (1, 3, 5),
    (2, 4, 5),
    (3, 4, 5),
]


def closure(tops) -> CellComplex:
    """The simplicial complex of some simplices and all their faces."""
    sets = {frozenset(f) for t in tops for k in range(1, len(t) + 1) for f in itertools.combinations(t, k)}
    dim = max(map(len, sets)) - 1
    return cell_complex([Lists.of(sorted(sorted(s) for s in sets if len(s) == k + 1)) for k in range(dim + 1)])


def grid_surface(n: int, m: int, *, twist: bool) -> CellComplex:
    """A torus, or with a twist a Klein bottle, of n x m squares cut in two; n and m at least 3."""

    def number(i: int, j: int) -> int:
        if i >= n:
            i, j = i - n, -j if twist else j
        return i * m + j % m

    tops = []
    for i, j in itertools.product(range(n), range(m)):
        a, b, c, d = number(i, j), number(i + 1, j), number(i, j + 1), number(i + 1, j + 1)
        tops += [(a, b, d), (a, c, d)]
    return closure(tops)


def boundary_matrix(cells: CellComplex, k: int) -> np.ndarray:
    out = np.zeros((cells.sizes[k - 1], cells.sizes[k]), dtype=np.int64)
    out[cells.facets[k].items, cells.facets[k].owners] = cells.signs[k]
    return out


def dense_betti(cells: CellComplex) -> tuple[int, ...]:
    """By the rank of every whole boundary matrix."""
    ranks = [0]
    for k in range(1, len(cells.sizes)):
        ranks.append(rank([[Fraction(int(v)) for v in row] for row in boundary_matrix(cells, k)]))
    ranks.append(0)
    return tuple(n - ranks[k] - ranks[k + 1] for k, n in enumerate(cells.sizes))


@pytest.mark.parametrize(
    ("cells", "betti"),
    [
        (closure([(0,)]), (1,)),
        (closure([(0,), (1,), (2,)]), (3,)),
        (closure([(0, 1), (1, 2), (0, 2), (3, 4)]), (2, 1)),
        (closure([(0, 1, 2, 3)]), (1, 0, 0, 0)),
        (closure(itertools.combinations(range(4), 3)), (1, 0, 1)),
        (closure(itertools.combinations(range(6), 5)), (1, 0, 0, 0, 1)),
        (grid_surface(3, 4, twist=False), (1, 2, 1)),
        (grid_surface(5, 5, twist=True), (1, 1, 0)),
        # Modulo 2 these two have (1, 2, 1) and (1, 1, 1): the ranks are over the rationals.
        (closure(PROJECTIVE_PLANE), (1, 0, 0)),
    ],
)
def test_betti_numbers_of_known_spaces(cells, betti):
    assert betti_numbers(cells) == betti == dense_betti(cells)
    assert euler_characteristic(cells) == sum((-1) ** k * b for k, b in enumerate(betti))
    assert components(cells).max() + 1 == betti[0]


def test_betti_numbers_of_random_complexes():
    rng = np.random.default_rng(0)
    for _ in range(60):
        vertices = int(rng.integers(4, 9))
        sizes = rng.integers(1, min(vertices, 5) + 1, rng.integers(1, 25))
        cells = closure([tuple(rng.choice(vertices, s, replace=False).tolist()) for s in sizes])
        # Vertices that no simplex has are no vertices: closure numbers 0-cells by place, not by name.
        found = betti_numbers(cells)
        assert found == dense_betti(cells)
        assert components(cells).max() + 1 == found[0]
        for k in range(1, len(cells.sizes) - 1):
            assert not np.any(boundary_matrix(cells, k) @ boundary_matrix(cells, k + 1))


def test_elimination_without_unit_entries():
    rng = np.random.default_rng(1)
    for _ in range(200):
        shape = rng.integers(1, 9, 2)
        matrix = rng.integers(-3, 4, shape) * rng.choice([1, 2, 3, 0, 0], shape)
        columns = {c: {r: int(v) for r, v in enumerate(col) if v} for c, col in enumerate(matrix.T)}
        pivots = eliminate(columns)
        whole = [[Fraction(int(v)) for v in row] for row in matrix]
        assert len(set(pivots)) == len(pivots) == rank(whole)
        # The rows of the pivots alone have that rank.
        assert rank([whole[p] for p in pivots]) == len(pivots)


def test_a_family_of_sets_that_is_no_complex_is_noticed():
    with pytest.raises(AssertionError, match="two facets"):
        cell_complex([Lists.of([[0], [1], [2]]), Lists.of([[0, 1], [1, 2]]), Lists.of([[0, 1, 2]])])
    with pytest.raises(AssertionError, match="two ends"):
        cell_complex([Lists.of([[0], [1], [2]]), Lists.of([[0, 1, 2]])])


def cube(dim: int) -> tuple[CellComplex, np.ndarray]:
    """The unit cube with all its faces, and its corners."""
    corners = list(itertools.product((0, 1), repeat=dim))
    faces: list[list[list[int]]] = [[] for _ in range(dim + 1)]
    for fixed in itertools.product((0, 1, None), repeat=dim):
        inside = [v for v, x in enumerate(corners) if all(f is None or f == c for f, c in zip(fixed, x, strict=True))]
        faces[fixed.count(None)].append(inside)
    return cell_complex([Lists.of(f) for f in faces]), np.array(corners, dtype=float)


@pytest.mark.parametrize("dim", [1, 2, 3, 4, 5])
def test_a_cube_is_triangulated(dim):
    cells, corners = cube(dim)
    assert betti_numbers(cells) == (1,) + (0,) * dim
    rng = np.random.default_rng(dim)
    shuffled = corners @ rng.normal(size=(dim, dim)).T
    for k in range(dim + 1):
        simplices, owner, _ = triangulate(cells, k)
        assert np.allclose(np.bincount(owner, weights=simplex_volumes(corners, simplices)), 1)
    simplices, _, sign = triangulate(cells, dim)
    signs = orientations(shuffled, np.full(len(corners), 1e-12), simplices, lambda v: pytest.fail("clear in float64"))
    # All simplices of a cell agree on its orientation.
    assert len(set((signs * sign).tolist())) == 1


@pytest.mark.parametrize("dim", [1, 2, 3, 4])
def test_orientations_that_float64_cannot_tell(dim):
    rng = np.random.default_rng(dim)
    for _ in range(50):
        exact = [[Fraction(int(v)) for v in row] for row in rng.integers(-1, 2, (dim + 1, dim))]
        tilt = Fraction(int(rng.integers(-1, 2)), 10**40)
        exact[-1] = [a + tilt for a in exact[-1]]
        points = np.array([[float(v) for v in row] for row in exact])
        asked = []

        def position(v, exact=exact, asked=asked):
            asked.append(v)
            return exact[v], [0] * dim

        radii = np.full(dim + 1, 1e-30)
        (found,) = orientations(points, radii, np.arange(dim + 1)[None], position)
        assert found == exact_orientation([(p, [0] * dim) for p in exact])
        if round(abs(np.linalg.det(points[1:] - points[0]))) == 0:
            assert asked


def test_orientation_with_vertices_at_infinity():
    o, x, y = ([0, 0], [0, 0]), ([0, 0], [1, 0]), ([0, 0], [0, 1])
    assert exact_orientation([o, x, y]) == 1
    assert exact_orientation([o, y, x]) == -1
    # Parallel rays: what is finite decides.
    assert exact_orientation([o, x, ([0, 3], [1, 0])]) == 1
    assert exact_orientation([o, x, ([0, -3], [1, 0])]) == -1
    assert exact_orientation([o, x, ([5, 0], [2, 0])]) == 0
