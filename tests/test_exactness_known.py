"""The engine against counts that are known: random nets counted by other tools, arrangements, constructions."""

from __future__ import annotations

import arrangements
import known_nets
import oracle
import pytest
from oracle.compare import exact_count

from linregions.activations import IDENTITY, RELU, UnitActivations, leaky_relu
from linregions.domain import Space
from linregions.network import Network
from linregions.stage import Stage

# Arrangements with more chambers than this take their time and are marked slow.
SLOW_ABOVE = 50_000


@pytest.mark.parametrize("known", known_nets.random_nets(), ids=str)
def test_random_nets(known: known_nets.Known) -> None:
    assert exact_count(known.network, known.domain) == known.regions


@pytest.mark.parametrize(
    "arrangement",
    [
        pytest.param(a, id=str(a), marks=[pytest.mark.slow] if a.chambers > SLOW_ABOVE else [])
        for a in arrangements.all_arrangements()
    ],
)
@pytest.mark.parametrize("engine", ["cells", "arrangement"])
def test_arrangements_in_the_whole_space(arrangement: arrangements.Arrangement, engine: str) -> None:
    assert exact_count(arrangement.network(), Space(arrangement.dim), engine=engine) == arrangement.chambers


@pytest.mark.parametrize("known", known_nets.all_constructions(), ids=str)
def test_constructions(known: known_nets.Known) -> None:
    assert exact_count(known.network, known.domain) == known.regions


@pytest.mark.parametrize(
    ("name", "net"), known_nets.montufar_plane_nets(), ids=lambda v: v if isinstance(v, str) else ""
)
def test_folding_nets_on_the_whole_plane(name: str, net: Network) -> None:
    assert exact_count(net, Space(2)) == oracle.count(net, Space(2)), name


def test_weights_that_underflow_once_scaled() -> None:
    """The engine scales rows by powers of two; a weight lost on the way must count as an error, not as nothing.

    Here 1e150 * relu(3e-150 h) and 3e-150 * (1e150 h) cancel exactly, and h + 1e150 is positive everywhere.
    """
    h = UnitActivations.of([RELU, leaky_relu(-1e150), IDENTITY])
    net = Network(
        (
            Stage([[3e-150]], [0.0], UnitActivations.uniform(RELU, 1)),
            Stage([[3e-150], [-1.0], [1.0]], [0.0, 0.0, 0.0], h),
            Stage([[-1e150, 3e-150, 1.0]], [1e150], UnitActivations.uniform(RELU, 1)),
            Stage([[1.0]], [0.0], UnitActivations.uniform(IDENTITY, 1)),
        )
    )
    assert exact_count(net, Space(1)) == oracle.count(net, Space(1)) == 2
