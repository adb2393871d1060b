"""Counts of faces in general position: relations between them, and the engine's counts."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from flint import fmpz_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions import Network, Space, count
from linregions.bounds.arrangements import (
    bounded_faces,
    bounded_regions,
    central_regions,
    faces,
    parallel_families,
    regions,
)
from linregions.errors import InputError

SIZES = st.tuples(st.integers(0, 12), st.integers(1, 7))


def cyclic(m, n):
    """Hyperplanes (1, s, ..., s^(n-1)) x = s^n: by Vandermonde, no n + 1 of them share a point."""
    s = np.arange(m) - m // 2
    return np.array([[int(v) ** k for k in range(n)] for v in s], dtype=float), np.array(
        [-(int(v) ** n) for v in s], float
    )


def engine(normals, offsets):
    """Number of regions of an arrangement; none of it is the whole space."""
    if len(normals) == 0:
        return 1
    net = Network.from_arrays([(normals, offsets), (np.ones((1, len(normals))), [0.0])])
    return count(net, Space(net.input_dim)).value


def on_flat(normals, offsets, chosen):
    """The other hyperplanes on the flat where the chosen ones meet, in coordinates of the flat."""
    n = normals.shape[1]
    rows = [[*map(int, normals[i]), int(offsets[i])] for i in chosen]
    kernel, nullity = fmpz_mat(rows).nullspace() if rows else (fmpz_mat(np.eye(n + 1, dtype=int).tolist()), n + 1)
    # Columns span the cone over the flat; in general position one can be told apart as its point.
    vectors = [[int(kernel[i, j]) for i in range(n + 1)] for j in range(nullity)]
    point = next(v for v in vectors if v[n])
    vectors.remove(point)
    directions = [[point[n] * a - v[n] * b for a, b in zip(v, point, strict=True)] for v in vectors]
    rest = [i for i in range(len(normals)) if i not in chosen]
    new = [[sum(int(normals[i][k]) * d[k] for k in range(n)) for d in directions] for i in rest]
    # The point is point / w with w its last entry: all is multiplied by w, which scales the coordinates of the flat.
    shift = [sum(int(normals[i][k]) * point[k] for k in range(n)) + int(offsets[i]) * point[n] for i in rest]
    return np.array(new, dtype=float).reshape(len(rest), len(directions)), np.array(shift, dtype=float)


def test_published_values():
    assert [regions(4, 2), regions(10, 3), regions(100, 10)] == [11, 176, 19415908147836]
    assert [bounded_regions(4, 2), bounded_regions(10, 3)] == [3, 84]
    assert [central_regions(4, 2), central_regions(10, 3)] == [8, 92]
    assert [faces(4, 2, k) for k in range(3)] == [6, 16, 11]
    assert [bounded_faces(4, 2, k) for k in range(3)] == [6, 8, 3]
    assert [faces(5, 3, k) for k in range(4)] == [10, 40, 55, 26]
    assert [bounded_faces(5, 3, k) for k in range(4)] == [10, 20, 15, 4]


@given(SIZES)
def test_alternating_sums(size):
    """Euler's relation of space, and of the bounded faces, which together have no holes."""
    m, n = size
    assert sum((-1) ** k * faces(m, n, k) for k in range(n + 1)) == (-1) ** n
    bounded = sum((-1) ** k * bounded_faces(m, n, k) for k in range(n + 1))
    assert bounded == (1 if m >= n else 0)


@given(SIZES)
def test_the_formulas_agree_with_each_other(size):
    m, n = size
    assert faces(m, n, n) == regions(m, n)
    assert bounded_faces(m, n, n) == bounded_regions(m, n)
    assert faces(m, n, 0) == bounded_faces(m, n, 0) == math.comb(m, n)
    # Far away only the directions matter: what is not bounded is a region of the arrangement through the origin.
    assert bounded_regions(m, n) + central_regions(m, n) == regions(m, n)
    assert parallel_families([1] * m, n) == regions(m, n)
    assert all(bounded_faces(m, n, k) <= faces(m, n, k) for k in range(n + 1))
    assert regions(m, n, rank=n) == regions(m, n)
    assert regions(m, n, rank=0) == 1
    # Adding a hyperplane cuts as many regions as it is cut into.
    assert regions(m + 1, n) == regions(m, n) + (regions(m, n - 1) if n > 1 else 1)


@pytest.mark.parametrize(("m", "n"), [(1, 1), (5, 1), (4, 2), (7, 2), (3, 3), (6, 3), (6, 4), (7, 5), (2, 4)])
def test_regions_are_the_count_of_the_engine(m, n):
    normals, offsets = cyclic(m, n)
    assert engine(normals, offsets) == regions(m, n)
    assert engine(normals, 0 * offsets) == central_regions(m, n)
    assert engine(normals, offsets) - engine(normals, 0 * offsets) == bounded_regions(m, n)


@pytest.mark.parametrize(("m", "n"), [(4, 2), (5, 3), (6, 3), (5, 4), (3, 4)])
def test_faces_are_regions_on_flats(m, n):
    """The engine counts the regions of the other hyperplanes on every flat, and through the origin the unbounded."""
    normals, offsets = cyclic(m, n)
    for k in range(1, n + 1):
        flats = [on_flat(normals, offsets, chosen) for chosen in combinations(range(m), n - k)]
        assert sum(engine(a, b) for a, b in flats) == faces(m, n, k)
        unbounded = sum(engine(a, 0 * b) for a, b in flats)
        assert faces(m, n, k) - unbounded == bounded_faces(m, n, k)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=4), st.integers(1, 3), st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_parallel_families_are_the_count_of_the_engine(sizes, n, seed):
    rng = np.random.default_rng(seed)
    normals, _ = cyclic(len(sizes), n)
    rows = np.array([normals[i] for i, size in enumerate(sizes) for _ in range(size)]).reshape(-1, n)
    offsets = rng.permutation(10**6)[: len(rows)].astype(float)
    assert engine(rows, offsets) == parallel_families(sizes, n)


@given(st.integers(1, 6), st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_no_arrangement_has_more_than_its_rank_allows(m, n, r, seed):
    rng = np.random.default_rng(seed)
    normals = (rng.integers(-3, 4, size=(m, r)) @ rng.integers(-3, 4, size=(r, n))).astype(float)
    offsets = rng.integers(-9, 10, size=m).astype(float)
    assert engine(normals, offsets) <= regions(m, n, rank=int(np.linalg.matrix_rank(normals))) <= regions(m, n, rank=r)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: regions(-1, 2), "hyperplanes must be a whole number from 0"),
        (lambda: regions(3, 0), "dim must be"),
        (lambda: regions(3.0, 2), "hyperplanes must be"),
        (lambda: regions(3, 2, rank=-1), "rank must be"),
        (lambda: faces(3, 2, 3), "face_dim must be from 0 to the dimension 2, got 3"),
        (lambda: parallel_families("22", 2), "expected a list"),
        (lambda: parallel_families([2, True], 2), "every family"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(InputError, match=message):
        call()
