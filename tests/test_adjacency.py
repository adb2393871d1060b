"""The graph of a partition: which regions share a facet, through which units, and the way from one to another."""

from __future__ import annotations

import itertools
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from known_nets import he_net
from slow_complex import SlowComplex
from strategies import cases

from linregions import Box, InputError, MissingExtraError, Network, Space, enumerate_regions

SQUARES = Network.from_arrays([(np.eye(2), np.zeros(2)), (np.ones((1, 2)), np.zeros(1))])
BOX = Box.cube(-1, 1, 2)


@pytest.fixture(scope="module")
def net():
    return enumerate_regions(he_net((2, 16, 16, 1), 0), BOX)


@pytest.fixture(scope="module")
def graph(net):
    return net.adjacency


def edges(graph) -> set[tuple[int, int]]:
    first = np.repeat(np.arange(len(graph)), graph.degrees)
    return {(int(i), int(j)) for i, j in zip(first, graph.neighbours, strict=True)}


def test_four_squares():
    graph = enumerate_regions(SQUARES, BOX).adjacency
    assert edges(graph) == {(0, 1), (1, 0), (0, 2), (2, 0), (1, 3), (3, 1), (2, 3), (3, 2)}
    assert repr(graph) == "Adjacency: 4 regions, 4 shared facets, average degree 2"
    assert {graph.units(0, 1), graph.units(0, 2)} == {((0, 0),), ((0, 1),)}
    assert graph.diameter() == 2
    assert graph.path([-0.5, -0.5], [0.5, 0.5]) in ([0, 1, 3], [0, 2, 3])


@settings(max_examples=30)
@given(cases(units=6))
def test_it_is_that_of_the_slow_complex(case):
    partition = enumerate_regions(case.network, case.domain)
    if len(partition) > 40:
        return
    walls = SlowComplex(partition).all_faces[case.domain.dim - 1].values()
    expected = {(a, b) for r in walls for a in r for b in r if a != b}
    graph = partition.adjacency
    assert edges(graph) == expected
    assert all(len(r) in (1, 2) for r in walls)
    for i, j in expected:
        vanishing = {(c.stage, c.unit) for c in graph.columns(i, j)}
        assert set() < set(graph.units(i, j)) <= vanishing


def test_it_is_symmetric_and_sorted(graph):
    assert {(j, i) for i, j in edges(graph)} == edges(graph)
    assert all(np.all(np.diff(graph.of(i)) > 0) for i in range(len(graph)))
    matrix = graph.to_scipy()
    assert (matrix != matrix.T).nnz == 0
    assert matrix.nnz == 2 * graph.edges


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("widths", [(1, 8, 8, 1), (2, 10, 10, 1), (3, 7, 6, 1), (4, 5, 4, 1)])
def test_the_average_degree_is_at_most_twice_the_inputs(widths, seed):
    for domain in (Box.cube(-1, 1, widths[0]), Space(widths[0])):
        assert enumerate_regions(he_net(widths, seed), domain).adjacency.average_degree <= 2 * widths[0]


def test_crossing_a_generic_facet_switches_one_unit_of_the_earlier_stage(net, graph):
    # Beyond it, units of later stages keep their signs near the facet: a generic facet lies on one hyperplane only.
    for i, j in sorted(edges(graph))[:200]:
        (unit,), (column,) = graph.units(i, j), graph.columns(i, j)
        changed = np.flatnonzero(net.patterns[i] != net.patterns[j])
        assert changed.tolist() == [column.pattern]
        assert unit == (column.stage, column.unit)


def test_a_path_crosses_facets_and_is_shortest(net, graph):
    import networkx

    whole = graph.to_networkx()
    rng = np.random.default_rng(0)
    for _ in range(20):
        x, y = rng.uniform(-1, 1, (2, 2))
        path = graph.path(x, y)
        assert (path[0], path[-1]) == (net.locate(x), net.locate(y))
        assert all(step in edges(graph) for step in itertools.pairwise(path))
        assert len(path) == len(networkx.shortest_path(whole, path[0], path[-1]))
    assert graph.path([0.3, 0.3], [0.3, 0.3]) == [int(net.locate([0.3, 0.3]))]


def test_networkx(net, graph):
    import networkx

    whole = graph.to_networkx()
    assert (whole.number_of_nodes(), whole.number_of_edges()) == (412, graph.edges)
    np.testing.assert_array_equal(whole.nodes[7]["pattern"], net.patterns[7])
    np.testing.assert_array_equal(whole.nodes[7]["witness"], net.witnesses[7])
    i, j, units = next(iter(whole.edges(data="units")))
    assert units == graph.units(i, j)
    assert networkx.is_connected(whole)
    assert networkx.diameter(whole) == graph.diameter()


def test_without_networkx(graph, monkeypatch):
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(MissingExtraError) as caught:
        graph.to_networkx()
    assert str(caught.value) == "adjacency: networkx is not installed; install it with: pip install 'linregions[graph]'"


@pytest.mark.parametrize(
    ("use", "sentence"),
    [
        (lambda g: g.units(0, 3), "regions: 0 and 3 share no facet; `of(0)` lists the neighbours of 0"),
        (lambda g: g.of(9), "region: index 9 is outside the partition, which has 4 regions"),
        (
            lambda g: g.path([[0.5, 0.5]], [0.5, 0.5]),
            "x: no listed region has the pattern of [[0.5, 0.5]]; take one input strictly inside a region",
        ),
        (lambda g: g.path([0.5, 0.5], [0.5]), "x: the last axis must have the network's 2 inputs, got shape (1,)"),
    ],
)
def test_refused(use, sentence):
    with pytest.raises(InputError) as caught:
        use(enumerate_regions(SQUARES, BOX).adjacency)
    assert str(caught.value) == sentence


def test_one_region_has_no_neighbours():
    graph = enumerate_regions(Network.from_arrays([([[1.0, 2.0]], [0.0])]), BOX).adjacency
    assert (len(graph), graph.edges, graph.average_degree, graph.diameter()) == (1, 0, 0.0, 0)
    assert graph.path([0.1, 0.1], [0.2, 0.2]) == [0]


def test_an_incomplete_list_is_refused():
    part = enumerate_regions(he_net((2, 16, 16, 1), 0), BOX, max_regions=50)
    with pytest.raises(InputError, match="the list of regions is not complete"):
        part.adjacency  # noqa: B018
