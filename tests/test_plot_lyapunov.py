"""The picture of a verdict: its colours against slow values, its levels, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the plots need matplotlib")

from linregions import Box, InputError, plot
from linregions.lyapunov import candidates, verify
from linregions.plot.lyapunov import _divided, _largest

DUFFING = ["x2", "-x2 - x1 - x1^3"]


@pytest.fixture(scope="module")
def refuted():
    return verify(candidates.zonotope([[1.5, 0.5], [0.5, 1.0]], 8), DUFFING, Box.cube(-2, 2, 2))


def test_colours_are_rates_by_differences(refuted):
    cells = refuted.mesh
    corners, owners = _divided(cells.points[cells.simplices], cells.owner)
    rates = _largest(refuted, cells, corners, owners)
    assert 4 * len(corners) > 20_000
    some = np.linspace(0, len(corners) - 1, 60).astype(int)
    corners, rates = corners[some], rates[some]
    V, step = refuted.problem.candidate, 1e-7
    rng = np.random.default_rng(0)
    for corner, rate in zip(corners, rates, strict=True):
        x = rng.dirichlet(np.ones(3), 50) @ corner
        f = np.stack([x[:, 1], -x[:, 1] - x[:, 0] - x[:, 0] ** 3], axis=1)
        slow = (V(x + step * f) - V(x))[:, 0] / step / np.linalg.norm(x, axis=1)
        assert slow.max() <= rate + 0.2 * max(1.0, abs(rate))
    assert (rates > 0).any()
    assert (rates < 0).any()


def test_levels_and_witnesses_are_named(refuted):
    figure = plot.lyapunov(refuted)
    names = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert "region of attraction" in names
    assert "V does not fall" in names
    assert figure.axes[0].get_title() == "REFUTED, 16 cells"


@pytest.mark.parametrize(
    ("V", "dynamics", "more"),
    [
        ([[1, 0], [0, 1]], ["-x1", "-x2"], {}),
        ([[1, 0], [0, 1]], [[0.5, -0.5], [0.5, 0.0]], {"time": "discrete"}),
        (candidates.one_norm(2), ["-x1", "-x2"], {"exclude": 0.25}),
    ],
)
def test_every_kind_is_drawn(V, dynamics, more):
    figure = plot.lyapunov(verify(V, dynamics, Box.cube(-1, 1, 2), **more))
    assert figure.axes[0].get_title().startswith("PROVED")


def test_other_things_are_refused(refuted):
    with pytest.raises(InputError, match="verdict"):
        plot.lyapunov(3)
    solid = verify(candidates.one_norm(3), ["-x1", "-x2", "-x3"], Box.cube(-1, 1, 3))
    with pytest.raises(InputError, match="two states"):
        plot.lyapunov(solid)
