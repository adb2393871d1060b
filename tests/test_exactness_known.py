"""The engine against counts that are known: random nets counted by other tools, arrangements, constructions."""

from __future__ import annotations

import arrangements
import known_nets
import oracle
import pytest
from oracle.compare import exact_count

from linregions.domain import Space
from linregions.network import Network

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
