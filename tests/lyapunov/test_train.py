"""Training: from a system to a proof, the same for the same seed, and what it does where there is no proof."""

from __future__ import annotations

import numpy as np
import pytest

from linregions import Box
from linregions.errors import InputError
from linregions.lyapunov.dynamics.dynamics import dynamics_of
from linregions.lyapunov.trainer import Round, train
from linregions.lyapunov.training.exchange import prices
from linregions.lyapunov.training.flow import Flow
from linregions.lyapunov.training.readout import Points
from linregions.lyapunov.training.start import coordinates, jacobian, modal, scattered
from linregions.lyapunov.verifying import verify

DUFFING = ["x2", "-x2 - x1 - x1^3"]
BIL = ["-x1 + x1*x2", "-x2 - x1^2"]
SQUARE = Box.cube(-1, 1, 2)
CORNERS = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])


@pytest.mark.parametrize("system", [DUFFING, BIL])
@pytest.mark.parametrize("start", ["modal", "random"])
def test_from_a_system_to_a_proof(system: list[str], start: str) -> None:
    found = train(system, SQUARE, units=24, start=start, seed=3)
    assert found.proved
    assert found.stopped == "proved"
    again = verify(found.network, system, SQUARE)  # the network that is returned is the one that was verified
    assert again.status is found.verdict.status
    assert found.network.exact_values([0, 0]) == [0]


def test_a_seed_repeats_a_run_and_another_one_does_not() -> None:
    first, same, other = (train(DUFFING, SQUARE, units=24, seed=seed) for seed in (1, 1, 2))
    assert first.network.hash == same.network.hash != other.network.hash
    data = first.as_dict()
    assert data["verdict"]["status"] == "PROVED_STRICT"
    assert data["history"][0]["number"] == 0


def test_exchange_and_descent_prove_what_the_start_does_not() -> None:
    hard = {"units": 24, "start": "random", "seed": 0}
    domain = Box.cube(-2, 2, 2)
    assert not train(DUFFING, domain, rounds=0, **hard).proved
    heard: list[tuple[float, int]] = []
    rounds: list[Round] = []
    found = train(DUFFING, domain, progress=lambda *a: heard.append(a), on_round=rounds.append, **hard)
    assert found.proved
    assert len(found.history) > 1
    assert [n for _, n in heard] == list(range(1, len(heard) + 1))
    assert all(0 <= part <= 1 for part, _ in heard)
    assert tuple(rounds) == found.history
    assert "round 0" in str(rounds[0])


@pytest.mark.slow
def test_descent_lessens_the_loss() -> None:
    pytest.importorskip("torch")
    from linregions.lyapunov.training.fit import Samples, fit

    rng = np.random.default_rng(0)
    shape = scattered(CORNERS, 6, 6, rng)
    x = rng.uniform(-1, 1, (150, 2))
    samples = Samples(x, Flow(dynamics_of(DUFFING, dim=2))(x)[1])
    how = {"time": "continuous", "margin": 0.05, "rate": 0.02}
    _, before = fit(shape, samples, steps=1, **how)
    after, loss = fit(shape, samples, steps=60, **how)
    assert loss < 0.7 * before
    assert fit(after, samples, steps=1, **how)[1] == pytest.approx(
        loss
    )  # the parameters returned have the loss returned


@pytest.mark.slow
def test_training_by_descent_alone_proves_it_too() -> None:
    pytest.importorskip("torch")
    found = train(DUFFING, Box.cube(-2, 2, 2), units=24, start="random", learn="descent", seed=0)
    assert found.proved
    assert max(r.loss for r in found.history) > 0


def test_an_unstable_system_ends_without_a_proof() -> None:
    found = train(["x1", "-x2"], SQUARE, units=12, rounds=2)
    assert found.stopped == "rounds"
    assert len(found.history) == 3
    assert found.verdict.status.value == "REFUTED"
    assert "REFUTED" in str(found)


def test_ctrl_c_keeps_the_best() -> None:
    def interrupt(_: Round) -> None:
        raise KeyboardInterrupt

    found = train(["x1", "-x2"], SQUARE, units=12, on_round=interrupt)
    assert found.stopped == "interrupted"
    assert len(found.history) == 1
    assert found.verdict.status.value == "REFUTED"


def test_a_time_limit_ends_it() -> None:
    found = train(["x1", "-x2"], SQUARE, units=12, time_limit=0.3, rounds=10_000)
    assert found.stopped == "time limit"


def test_discrete_time_and_three_dimensions() -> None:
    assert train([[0.5, 0.25], [-0.25, 0.5]], SQUARE, time="discrete", units=12).proved
    assert train(["-x1 + x2*x3", "-x2", "-x3"], Box.cube(-0.5, 0.5, 3), units=12).proved


def test_the_linear_part_and_its_coordinates() -> None:
    flow = Flow(dynamics_of(DUFFING, dim=2))
    A = jacobian(flow, 2)
    assert np.allclose(A, [[0, 1], [-1, -1]], atol=1e-6)
    R = coordinates(A, time="continuous")
    inside = R @ A @ np.linalg.inv(R)  # a rotation and a decay: its symmetric part is -1/2
    assert np.allclose((inside + inside.T) / 2, -0.5 * np.eye(2), atol=1e-6)
    defective = coordinates(np.array([[-1.0, 1.0], [0.0, -1.0]]), time="continuous")
    form = defective.T @ defective
    assert (np.linalg.eigvalsh(form @ [[-1, 1], [0, -1]] + (form @ [[-1, 1], [0, -1]]).T) < 0).all()


def test_prices_are_what_a_unit_adds_to_the_conditions() -> None:
    rng = np.random.default_rng(1)
    flow = Flow(dynamics_of(DUFFING, dim=2))
    x = rng.uniform(-1, 1, (40, 2))
    points = Points(x, np.zeros(40, dtype=int), rng.uniform(size=40) < 0.5)
    pressure = rng.uniform(size=40)
    u, h = np.array([[0.75, -0.5]]), np.array([0.25])
    expected = 0.0
    for at, falls, weight in zip(x, points.decrease, pressure, strict=True):
        level = u[0] @ at - h[0]
        f = np.array([at[1], -at[1] - at[0] - at[0] ** 3])
        row = (-(u[0] @ f) * (level > 0) if falls else max(level, 0.0)) / np.abs(at).sum()
        expected += weight * row
    assert prices(u, h, points, pressure, flow, time="continuous")[0] == pytest.approx(expected)


def test_the_start_vanishes_around_zero_beyond_its_lines() -> None:
    shape = modal(np.eye(2), CORNERS, 5, 7, np.random.default_rng(0))
    net = shape.network()
    assert net.unit_count == 17
    assert (shape.offsets > 0).all()
    assert (shape.hinges @ CORNERS.T).max(axis=1) == pytest.approx(np.ones(7))
    x = np.array([0.001, -0.002])
    assert net(x)[0] == pytest.approx(np.abs(shape.lines @ x).sum(), rel=1e-3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"units": 3}, "units"),
        ({"lines": 40}, "lines"),
        ({"lines": 1}, "lines"),
        ({"start": "zero"}, "start"),
        ({"learn": "more"}, "learn"),
        ({"seed": -1}, "seed"),
        ({"rate": 0}, "rate"),
        ({"time_limit": 0}, "time_limit"),
    ],
)
def test_refused_arguments(change: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        train(DUFFING, SQUARE, **change)
