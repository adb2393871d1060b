"""Partitions as containers, and the arguments of counting and listing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from linregions import Box, InputError, Network, Segment, Space, count, enumerate_regions
from linregions.partition import pack

NET = Network.from_arrays([(np.eye(2), np.zeros(2)), (np.ones((1, 2)), np.zeros(1))])
LINEAR = Network.from_arrays([([[1.0, 2.0]], [0.0])])
BOX = Box.cube(-1, 1, 2)


@pytest.fixture(scope="module")
def partition():
    return enumerate_regions(NET, BOX, threads=1)


def test_it_is_a_sequence_of_regions(partition):
    regions = list(partition)
    assert [r.index for r in regions] == [0, 1, 2, 3] == [r.index for r in partition]
    assert [r.index for r in reversed(partition)] == [3, 2, 1, 0]
    assert partition[-1].index == partition[np.int64(3)].index == 3
    assert regions[0] in regions
    assert len(set(regions)) == 4


@pytest.mark.parametrize(
    ("use", "sentence"),
    [
        (lambda p: p[4], "region: index 4 is outside the partition, which has 4 regions"),
        (lambda p: p[-5], "region: index -5 is outside the partition, which has 4 regions"),
        (lambda p: p[1.5], "region: index must be an integer, got 1.5"),
        (lambda p: p.vertices(1.5), "region: index must be an integer, got 1.5"),
        (lambda p: p.vertices("a"), "region: index must be an integer, got 'a'"),
        (lambda p: p.exact_witness(None), "region: index must be an integer, got None"),
        (lambda p: p.locate([math.nan, 0.0]), "x: contains NaN or infinity; every number must be finite"),
        (lambda p: p.locate([0.0]), "x: the last axis must have the network's 2 inputs, got shape (1,)"),
    ],
)
def test_refused(partition, use, sentence):
    with pytest.raises(InputError) as caught:
        use(partition)
    assert str(caught.value) == sentence


def test_locate(partition):
    found = partition.locate(partition.network.pattern(BOX.inputs(partition.witnesses)) * 1.0 - 0.5)
    np.testing.assert_array_equal(found, range(4))
    assert partition.locate(np.zeros((0, 2))).shape == (0,)


def test_a_network_without_units_has_one_region():
    whole = enumerate_regions(LINEAR, BOX)
    assert len(whole) == len(list(whole)) == 1
    assert whole.patterns.shape == (1, 0)
    assert whole.locate([0.5, 0.5]).tolist() == 0
    assert whole.locate(np.zeros((2, 3, 2))).tolist() == [[0] * 3] * 2
    assert pack(np.zeros((3, 0), dtype=np.int32), LINEAR.pieces).shape == (3, 0)


@pytest.mark.parametrize("engine", ["cells", "arrangement"])
@pytest.mark.parametrize("options", [{"max_regions": 2**63}, {"max_regions": 10**5000}, {"time_limit": math.inf}])
def test_limits_of_any_size(engine, options):
    done = count(NET, Space(2), engine=engine, **options)
    assert (int(done), done.kind, done.status) == (4, "exact", "complete")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"threads": 2.0}, "threads must be a whole number from 1 to 1024, got 2.0"),
        ({"threads": True}, "threads must be a whole number from 1 to 1024, got True"),
        ({"threads": 1025}, "threads must be a whole number from 1 to 1024, got 1025"),
        ({"max_regions": 0}, "max_regions must be a positive whole number, got 0"),
        ({"max_regions": "9"}, "max_regions must be a positive whole number, got '9'"),
        ({"exact": "no"}, "exact must be True or False, got 'no'"),
        ({"exact": None}, "exact must be True or False, got None"),
        ({"time_limit": "a"}, "time_limit must be a number, got 'a'"),
        ({"time_limit": math.nan}, "time_limit must be a positive number of seconds, got nan"),
        ({"time_limit": -1}, "time_limit must be a positive number of seconds, got -1.0"),
        ({"progress": 3}, "progress must be a function of (fraction, regions) or None, got 3"),
    ],
)
@pytest.mark.parametrize("verb", [count, enumerate_regions])
def test_refused_options(verb, options, sentence):
    with pytest.raises(InputError) as caught:
        verb(NET, BOX, **options)
    assert str(caught.value) == sentence


def test_an_inexact_listing_of_slivers_is_a_listing():
    """A sign that was guessed may describe a cell that does not exist; there is no exact point in it to look for."""
    thin = np.random.default_rng(0)
    uncertain = 0
    for k in range(300):
        weights = thin.integers(-2, 3, (4, 2)) * thin.choice([1, 1e-9, 1e-17], (4, 2))
        biases = thin.integers(-2, 3, 4) * thin.choice([1, 1e-17], 4)
        activation = ["relu", "hardtanh"][k % 2]
        net = Network.from_arrays([(weights, biases), (np.ones((1, 4)), [0.0])], activation=activation)
        listed = enumerate_regions(net, Segment([-1.0, 0.5], [1.5, -2.0]), exact=False)
        assert len(listed) == listed.count.value
        uncertain += int(np.sum(~listed.certified))
    assert uncertain > 0
