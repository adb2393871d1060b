"""How runs end and what they cost: budgets, threads, ill-conditioned cells, cells with many facets."""

from __future__ import annotations

import math

import known_nets
import numpy as np
import pytest

from linregions import Box, Network, Polytope, Space, count, enumerate_regions
from linregions.errors import InputError
from linregions.partition import Kind, Status


def one_layer(rows: np.ndarray, offsets: np.ndarray) -> Network:
    return Network.from_arrays([(rows, offsets), (np.ones((1, len(rows))), [0.0])])


@pytest.mark.parametrize("dim", [1, 2, 3, 4])
def test_general_position_on_the_whole_space(dim: int) -> None:
    rng = np.random.default_rng(dim)
    n = {1: 300, 2: 200, 3: 40, 4: 16}[dim]
    net = one_layer(rng.normal(size=(n, dim)), rng.normal(size=n))
    assert count(net, Space(dim)).value == sum(math.comb(n, j) for j in range(dim + 1))


def test_counting_and_listing_agree_with_any_number_of_threads() -> None:
    net, box = known_nets.he_net((3, 12, 12, 1), 5), Box.cube(-1, 1, 3)
    lists = [enumerate_regions(net, box, threads=t) for t in (1, 2, 3)]
    for other in lists[1:]:
        assert np.array_equal(lists[0].packed, other.packed)
        assert np.array_equal(lists[0].witnesses, other.witnesses)
    results = [count(net, box, threads=t) for t in (1, 2, 5)]
    assert {r.value for r in results} == {len(lists[0])}
    assert len({r.exact_decisions for r in results}) == 1
    assert lists[0].volumes.sum() == pytest.approx(8.0, rel=1e-12)


def test_a_limit_on_regions_gives_a_lower_bound() -> None:
    net, box = known_nets.he_net((2, 16, 16, 1), 0), Box.cube(-1, 1, 2)
    found = count(net, box, max_regions=50, threads=1)
    assert found.kind is Kind.LOWER
    assert found.status is Status.BUDGET
    assert 50 <= found.value < 412
    some = enumerate_regions(net, box, max_regions=50, threads=1)
    assert some.count.kind is Kind.LOWER
    assert len(some) == some.count.value
    assert np.array_equal(net.pattern(some.witnesses), some.patterns)


def test_a_time_limit_also_holds_while_the_domain_is_prepared() -> None:
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(100, 8))
    ball = Polytope(normals / np.linalg.norm(normals, axis=1)[:, None], np.ones(100))
    found = count(one_layer(rng.normal(size=(3, 8)), np.zeros(3)), ball, time_limit=0.3, engine="cells")
    assert (found.kind, found.status) == (Kind.LOWER, Status.BUDGET)
    assert found.seconds < 30  # without the limit it takes hours


def test_a_cell_with_more_facets_than_one_machine_word() -> None:
    angle = np.linspace(0, 2 * np.pi, 150, endpoint=False)
    tangents = one_layer(np.c_[np.cos(angle), np.sin(angle)], -np.ones(150))
    small = count(tangents, Box.cube(-2, 2, 2), threads=1)
    assert small.value == len(enumerate_regions(tangents, Box.cube(-2, 2, 2), threads=2))
    polygon = Polytope(np.c_[np.cos(angle), np.sin(angle)], np.ones(150))
    assert count(one_layer(np.array([[1.0, 0.1]]), np.zeros(1)), polygon).value == 2


def test_a_domain_with_too_many_facets_is_refused() -> None:
    angle = np.linspace(0, 2 * np.pi, 1100, endpoint=False)
    polygon = Polytope(np.c_[np.cos(angle), np.sin(angle)], np.ones(1100))
    with pytest.raises(InputError, match="1,024 facets"):
        count(one_layer(np.eye(2), np.zeros(2)), polygon)


@pytest.mark.parametrize("gap", [1e-12, 1e-14])
def test_nearly_parallel_lines_have_right_volumes(gap: float) -> None:
    third = 1 / 3
    net = one_layer(
        np.array([[1, third], [1, third + gap], [1, third - 2 * gap]]),
        np.array([-0.5, -0.5 - 0.3 * gap, -0.5 + 0.2 * gap]),
    )
    partition = enumerate_regions(net, Box.cube(0, 1, 2))
    exact = [partition.exact_volume(i) for i in range(len(partition))]
    assert sum(exact) == 1
    for found, true in zip(partition.volumes, exact, strict=True):
        assert abs(found - float(true)) <= 1e-6 * float(true) + 1e-11
    for i in range(len(partition)):
        near = {tuple(float(v) for v in point) for point in partition.exact_vertices(i)}
        for corner in partition.vertices(i):
            assert min(max(abs(a - b) for a, b in zip(corner, p, strict=True)) for p in near) < 1e-14
