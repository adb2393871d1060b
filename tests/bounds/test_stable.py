"""Stable units: bounds on a domain are bounds, units called stable are, and what the rules give on known nets."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import cases, high_cases

from linregions import Box, Network, Plane, Polytope, Segment, Space, bounds, count, enumerate_regions
from linregions.activations import IDENTITY, RELU, MaxGroups, PiecewiseLinear, UnitActivations
from linregions.bounds import architecture_of
from linregions.bounds.stable import on_domain
from linregions.errors import InputError
from linregions.stage import Stage

UPPER = (bounds.trivial, bounds.general, bounds.montufar_2017, bounds.serra_2018)


def uppers(network, domain=None):
    """Every upper bound that covers the network's units."""
    table = bounds.all(network, domain=domain)
    return [b for b in table if b.direction == "upper" and b.proven]


def random_net(seed, *widths, scale=1.0):
    rng = np.random.default_rng(seed)
    return Network.from_arrays([(scale * rng.normal(size=(m, n)), rng.normal(size=m)) for n, m in pairwise(widths)])


@given(cases())
@settings(max_examples=80)
def test_bounds_on_a_domain_are_never_below_the_count(case):
    regions = count(case.network, case.domain).value
    for b in uppers(case.network, case.domain):
        assert b.value >= regions, b


@given(high_cases())
@settings(max_examples=25)
def test_bounds_hold_in_higher_dimensions(case):
    regions = count(case.network, case.domain).value
    assert all(b.value >= regions for b in uppers(case.network, case.domain))


@given(cases())
@settings(max_examples=60)
def test_bounds_with_ranks_alone_are_never_below_the_count_on_any_domain(case):
    regions = count(case.network, case.domain).value
    for b in uppers(case.network):
        assert b.value >= regions, b


@given(cases())
@settings(max_examples=60)
def test_the_pieces_that_are_left_hold_every_pattern(case):
    """Number of pieces and, layer by layer, of splitting units: never fewer than the regions show."""
    a = on_domain(case.network, case.domain)
    patterns = enumerate_regions(case.network, case.domain).patterns
    at, shown = 0, []
    for stage in case.network.stages:
        units = int((stage.activation.pieces > 1).sum())
        seen = sorted(len(np.unique(patterns[:, i])) for i in range(at, at + units))
        shown.append([n for n in seen if n > 1])
        at += units
    for layer, seen in zip(a.layers, shown, strict=False):
        allowed = sorted(k for k, n in layer.pieces for _ in range(n))
        assert len(seen) <= len(allowed)
        # The i-th largest number of pieces that is seen is allowed to the i-th largest unit.
        assert all(s <= k for s, k in zip(reversed(seen), reversed(allowed), strict=False))
    assert not any(shown[len(a.layers) :])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["box", "segment", "plane", "polytope"])
def test_random_nets_have_stable_units_and_smaller_bounds(seed, kind):
    net = random_net(seed, 3, 8, 8, 1, scale=0.5)
    domain = {
        "box": Box.cube(-0.5, 0.5, 3),
        "segment": Segment([-0.5, 0.1, 0.3], [0.5, 0.2, -0.3]),
        "plane": Plane.through([0, 0, 0], [0.5, 0.1, 0], [0.1, 0.5, 0.2]),
        "polytope": Polytope(np.vstack([np.eye(3), -np.eye(3), np.ones((1, 3))]), [0.5] * 6 + [0.2]),
    }[kind]
    a = on_domain(net, domain)
    assert a.inputs == domain.dim
    assert a.units < architecture_of(net).units
    on, everywhere = bounds.serra_2018(net, domain=domain).value, bounds.serra_2018(net).value
    assert count(net, domain).value <= on < everywhere


def test_the_worked_value():
    """(2; 6 undecided; 4 undecided and 2 always active): 242 regions instead of 484."""
    rng = np.random.default_rng(1)
    first = (rng.normal(size=(6, 2)), 0.1 * rng.normal(size=6))
    second = rng.normal(size=(6, 6))
    shift = np.array([0.1, -0.1, 0.2, -0.2, 1000.0, 1000.0])
    net = Network.from_arrays([first, (second, shift), (np.ones((1, 6)), [0.0])])
    box = Box.cube(-1, 1, 2)
    a = architecture_of(net, domain=box)
    assert [(layer.units, layer.linear) for layer in a.layers] == [(6, 0), (4, 2)]
    assert bounds.serra_2018(net, domain=box).value == 242
    assert bounds.serra_2018(net).value == 484
    assert count(net, box).value <= 242


def test_inactive_units_are_constant_and_take_their_readers_with_them():
    """A layer-2 unit that reads dead units alone is constant, and neither counts."""
    net = Network.from_arrays(
        [
            ([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [0.0, -5.0, -5.0]),
            ([[0.0, 1.0, 2.0], [1.0, 3.0, 0.0]], [1.0, -0.5]),
            ([[1.0, 1.0]], [0.0]),
        ]
    )
    a = on_domain(net, Box.cube(-1, 1, 2))
    assert [(v.units, v.linear, v.rank, v.split_rank) for v in a.layers] == [(1, 0, 1, 1), (1, 0, 1, 1)]
    assert bounds.serra_2018(net, domain=Box.cube(-1, 1, 2)).value == 3 == count(net, Box.cube(-1, 1, 2)).value


def test_ends_on_a_breakpoint_are_settled_exactly():
    """Thirds and tenths are no floats: only rationals see on which side of 0 the interval ends."""
    box = Box([0.0, 0.0], [1.0, 1.0])
    for weight, bias, stable in [
        ([[-0.1, -0.2]], 0.0, True),  # at most 0: inactive
        ([[0.1, 0.2]], 0.0, False),  # 0 belongs to the inactive side, so both patterns occur
        ([[0.1, 0.2]], 2.0**-60, True),
        ([[-0.1, -0.2]], 0.1 + 0.2, True),  # the rounded sum of the floats is above the true one
        ([[-0.1, -0.2]], 0.3, False),  # and 0.3 is below the sum of 0.1 and 0.2, but positive at the origin
        ([[0.1, 0.2]], -0.3, False),
        ([[0.1, 0.2]], -(0.1 + 0.2), True),  # the sum of the two floats is below the rounded one
    ]:
        net = Network.from_arrays([(weight, [bias]), ([[1.0]], [0.0])])
        assert (on_domain(net, box).units == 0) == stable, (weight, bias)


def test_intervals_without_ends_still_tell_signs():
    """ReLUs are not negative on the whole space: a unit that adds them with negative weights is inactive."""
    net = Network.from_arrays(
        [(np.eye(2), [0.0, 0.0]), ([[-1.0, -2.0], [1.0, 1.0]], [0.0, 1.0]), ([[1.0, 1.0]], [0.0])]
    )
    a = on_domain(net, Space(2))
    assert [(layer.units, layer.linear) for layer in a.layers] == [(2, 0)]
    assert bounds.serra_2018(net, domain=Space(2)).value == 4 == count(net, Space(2)).value


def test_only_pieces_that_occur_are_counted():
    steps = PiecewiseLinear((0.0, 1.0, 2.0), (0.0, 1.0, -1.0, 3.0), 0.0)
    for low, high, kind, pieces in [
        (-1.0, 0.5, "relu", ((2, 1),)),  # flat and rising: a ReLU
        (0.5, 1.5, "scalar", ((2, 1),)),
        (0.5, 2.5, "scalar", ((3, 1),)),
        (-1.0, 2.5, "scalar", ((4, 1),)),
    ]:
        net = Network((Stage([[1.0]], [0.0], UnitActivations.of([steps])), linear(1)))
        domain = Box([low], [high])
        layer = on_domain(net, domain).layers[0]
        assert (layer.kind, layer.pieces) == (kind, pieces)
        assert bounds.general(net, domain=domain).value == count(net, domain).value == pieces[0][0]


def linear(width):
    return Stage(np.ones((1, width)), np.zeros(1), UnitActivations.uniform(IDENTITY, 1))


def test_rows_of_a_max_that_never_win_drop_out():
    # Over [0, 1]^2: x, y, -1 - x (below the others), and in the second group 2, x (always beaten), 2 again (a draw).
    weight = [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, 0.0], [1.0, 0.0], [0.0, 0.0]]
    net = Network((Stage(weight, [0.0, 0.0, -1.0, 2.0, 0.0, 2.0], MaxGroups(np.array([0, 3, 6]))), linear(2)))
    box = Box.cube(0, 1, 2)
    layer = on_domain(net, box).layers[0]
    assert (layer.units, layer.linear, layer.pieces, layer.split_rank) == (1, 0, ((2, 1),), 2)
    assert bounds.general(net, domain=box).value == 2 == count(net, box).value
    assert bounds.general(net).value > 2


@pytest.mark.parametrize("seed", range(6))
def test_serra_with_ranks_is_never_below_the_count(seed):
    """Rank-deficient and masked weights, with many regions."""
    rng = np.random.default_rng(seed)
    low = rng.normal(size=(8, 1)) @ rng.normal(size=(1, 8)) + rng.normal(size=(8, 1)) @ rng.normal(size=(1, 8))
    masked = rng.normal(size=(8, 8)) * (rng.random((8, 8)) < 0.3)
    low = np.round(2**20 * low) / 2**20 if seed % 2 else np.outer(np.arange(1, 9), rng.integers(-4, 5, size=8))
    net = Network.from_arrays(
        [
            (rng.normal(size=(8, 2)), rng.normal(size=8)),
            (low, rng.normal(size=8)),
            (masked, rng.normal(size=8)),
            (np.ones((1, 8)), [0.0]),
        ]
    )
    box = Box.cube(-3, 3, 2)
    regions = count(net, box).value
    assert regions <= bounds.serra_2018(net, domain=box).value <= bounds.serra_2018(net).value
    assert bounds.serra_2018(net).value <= bounds.serra_2018("2;8,8,8").value


def test_rank_deficiency_lowers_the_bound():
    rng = np.random.default_rng(0)
    first = (rng.normal(size=(5, 3)), rng.normal(size=5))
    second = (np.outer([1.0, -2.0, 3.0, 0.5], [1.0, 1.0, -1.0, 2.0, 0.0]), rng.normal(size=4))
    net = Network.from_arrays([first, second, (np.ones((1, 4)), [0.0])])
    assert architecture_of(net).layers[1].rank == 1
    # Every cell of the first layer is cut by parallel hyperplanes: at most 5 slices each.
    assert bounds.serra_2018(net).value <= 26 * 5 < bounds.serra_2018("3;5,4").value
    assert count(net, Space(3)).value <= bounds.serra_2018(net).value


@pytest.mark.parametrize("seed", range(5))
def test_residual_networks(seed):
    """x -> x + W relu(V x + b), three times: the carried part splits nothing and keeps all dimensions."""
    rng = np.random.default_rng(seed)
    d, width, stages = 2, 4, []
    for block in range(3):
        carried = UnitActivations.of([RELU] * width + [IDENTITY] * d)
        into = np.vstack([rng.normal(size=(width, d)), np.eye(d)])
        if block:  # the sum that ends the block before is composed with the rows that read it
            into = into @ np.hstack([rng.normal(size=(d, width)), np.eye(d)])
        stages.append(Stage(into, np.concatenate([rng.normal(size=width), np.zeros(d)]), carried))
    net = Network((*stages, linear(width + d)))
    box = Box.cube(-1, 1, d)
    a = on_domain(net, box)
    assert [layer.linear >= d for layer in a.layers] == [True] * 3
    regions = count(net, box).value
    on, everywhere = bounds.serra_2018(net, domain=box).value, bounds.serra_2018(net).value
    assert regions <= on <= everywhere
    # A residual net keeps dimensions that a plain one of the same widths may lose.
    assert everywhere == bounds.montufar_2017(f"2;{width},{width},{width}").value
    assert everywhere >= bounds.serra_2018(f"2;{width},{width},{width}").value


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 3.0))
@settings(max_examples=40)
def test_a_smaller_box_has_no_larger_bound(seed, scale):
    net = random_net(seed, 2, 5, 5, 1)
    small, large = (Box.cube(-s, s, 2) for s in (scale / 2, scale))
    for bound in UPPER:
        assert bound(net, domain=small).value <= bound(net, domain=large).value <= bound(net).value


def test_a_polyhedron_that_tells_no_box_proves_less():
    net = Network.from_arrays([(np.eye(2), [9.0, 9.0]), ([[1.0, 1.0]], [0.0])])
    diamond = Polytope([[1, 1], [1, -1], [-1, 1], [-1, -1]], [1, 1, 1, 1])
    simplex = Polytope([[-1, 0], [0, -1], [1, 1]], [0, 0, 1])
    assert on_domain(net, diamond).units == 2
    assert on_domain(net, simplex).units == 0


def test_sparse_and_dense_weights_tell_the_same():
    from scipy.sparse import csr_array

    rng = np.random.default_rng(3)
    weight = rng.normal(size=(6, 4)) * (rng.random((6, 4)) < 0.5)
    bias = rng.normal(size=6)
    relu = UnitActivations.uniform(RELU, 6)
    nets = [Network((Stage(w, bias, relu), linear(6))) for w in (weight, csr_array(weight))]
    box = Box.cube(-0.7, 0.7, 4)
    assert on_domain(nets[0], box).layers == on_domain(nets[1], box).layers
    assert architecture_of(nets[0]).layers == architecture_of(nets[1]).layers


def test_a_name_makes_no_relu():
    named = PiecewiseLinear((0.0,), (0.5, 1.0), 0.0, "relu")
    net = Network((Stage([[1.0]], [0.0], UnitActivations.of([named])), linear(1)))
    assert architecture_of(net).layers[0].kind == "scalar"


@pytest.mark.parametrize(
    ("domain", "message"),
    [
        (Box.cube(0, 1, 3), "the network takes 2 inputs"),
        ([0, 1], "expected a Box, Polytope, Segment, Plane or Space"),
        (Polytope([[1, 0], [-1, 0]], [-1, 0]), "is empty"),
    ],
)
def test_refusals(domain, message):
    with pytest.raises(InputError, match=message):
        on_domain(random_net(0, 2, 3, 1), domain)
