"""Random nets: their distributions, what the seed fixes, and the small trained ones."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Sequence

import numpy as np
import pytest

from linregions import Box, InputError, MissingExtraError, count
from linregions.constructions.random import INITS, random, trained
from linregions.network import Network


def parameters(net: Network) -> list[np.ndarray]:
    return [v for stage in net.stages for v in (stage.weight, stage.bias)]


def design_net(widths: Sequence[int], seed: int) -> Network:
    """The reference nets by their description: He-normal, biases N(0, 0.1^2), layer by layer, weight first."""
    rng = np.random.default_rng(seed)
    layers = []
    for fan_in, out in itertools.pairwise(widths):
        weight = rng.normal(0, np.sqrt(2 / fan_in), (out, fan_in))
        layers.append((weight, rng.normal(0, 0.1, out)))
    return Network.from_arrays(layers)


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_he_is_the_reference_net(seed: int) -> None:
    for widths in ([2, 16, 16, 1], [3, 7, 5, 4, 2], [1, 1, 1]):
        assert random(widths, seed=seed).hash == design_net(widths, seed).hash
        assert (
            random("-".join(map(str, widths)), seed=np.random.default_rng(seed)).hash == design_net(widths, seed).hash
        )


def test_he_reference_count() -> None:
    assert count(random([2, 16, 16, 1], seed=0), Box.cube(-1, 1, 2)).value == 412


@pytest.mark.parametrize("init", INITS)
def test_shapes_and_seed(init: str) -> None:
    net = random([3, 8, 5, 2], init=init, seed=4)
    assert [v.shape for v in parameters(net)] == [(8, 3), (8,), (5, 8), (5,), (2, 5), (2,)]
    assert net.hash == random("3-8-5-2", init=init, seed=4).hash
    assert net.hash != random("3-8-5-2", init=init, seed=5).hash
    rng = np.random.default_rng(4)
    assert random("3-8-5-2", init=init, seed=rng).hash != random("3-8-5-2", init=init, seed=rng).hash


@pytest.mark.parametrize(
    ("init", "variance", "end"),
    [
        ("he", 2 / 300, None),
        ("glorot", 2 / 700, math.sqrt(6 / 700)),
        ("orthogonal", 2 / 400, None),
        ("torch", 1 / 900, 1 / math.sqrt(300)),
    ],
)
def test_distribution_of_the_weights(init: str, variance: float, end: float | None) -> None:
    weight = parameters(random([300, 400, 1], init=init, seed=2))[0]
    # 120,000 entries: the standard error of the mean square is at most sqrt(2 / 120000), 0.4 percent.
    assert np.mean(weight**2) == pytest.approx(variance, rel=0.02)
    assert abs(np.mean(weight)) < 5 * math.sqrt(variance / weight.size)
    if end is not None:
        assert 0.99 * end < np.abs(weight).max() <= end
    else:
        assert np.abs(weight).max() > 3.5 * math.sqrt(variance)


@pytest.mark.parametrize("widths", [[6, 9, 1], [9, 6, 1], [5, 5, 1]])
def test_orthogonal_weights_are_orthogonal(widths: list[int]) -> None:
    weight = parameters(random(widths, init="orthogonal", seed=3))[0]
    gram = weight.T @ weight if len(weight) >= weight.shape[1] else weight @ weight.T
    assert gram == pytest.approx(2 * np.eye(len(gram)), abs=1e-12)


def test_biases() -> None:
    def biases(**options) -> np.ndarray:
        return parameters(random([4, 20_000, 1], seed=1, **options))[1]

    assert not biases(bias="zero").any()
    assert not biases(bias=0).any()
    for init in ("he", "glorot", "orthogonal"):
        assert np.std(biases(init=init)) == pytest.approx(0.1, rel=0.03)
    assert np.std(biases(init="torch", bias=3)) == pytest.approx(3, rel=0.03)
    for options in ({"init": "torch"}, {"init": "he", "bias": "torch"}):
        assert 0.49 < np.abs(biases(**options)).max() <= 0.5
        assert np.std(biases(**options)) == pytest.approx(0.5 / math.sqrt(3), rel=0.03)


def test_zero_biases_give_an_even_count() -> None:
    """In one hidden layer without biases the regions come in opposite pairs."""
    net = random([3, 7, 1], bias="zero", seed=6)
    assert count(net, Box.cube(-1, 1, 3)).value == 2 * (1 + 6 + 15)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: random("2-x-1"), "widths: number 2 must be a positive whole number, got 'x'"),
        (lambda: random([2, 0, 1]), "widths: number 2"),
        (lambda: random([2, 2.0, 1]), "widths: number 2"),
        (lambda: random([2, 1]), "at least one hidden layer"),
        (lambda: random([]), "at least one hidden layer"),
        (lambda: random(5), "widths must be like"),
        (lambda: random("2-4-1", init="kaiming"), "init: 'kaiming' is not known; use one of he, glorot"),
        (lambda: random("2-4-1", init=""), "init: '' is not known"),
        (lambda: random("2-4-1", bias="one"), "bias: 'one' is not known"),
        (lambda: random("2-4-1", bias=-1), "standard deviation >= 0, got -1"),
        (lambda: random("2-4-1", bias=math.nan), "bias must be"),
        (lambda: random("2-4-1", seed=-1), "seed must be a whole number >= 0"),
        (lambda: random("2-4-1", seed=None), "seed must be"),
        (lambda: random("2-4-1", seed=True), "seed must be"),
        (lambda: trained("2-4-1", steps=-1), "steps must be"),
        (lambda: trained("2-4-1", samples=0), "samples must be"),
        (lambda: trained("2-4-1", learning_rate=0), "learning_rate must be"),
    ],
)
def test_bad_input(call, words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()


def test_training_needs_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'linregions\[torch\]'"):
        trained("2-4-1")


def target(x: np.ndarray, outputs: int) -> np.ndarray:
    out = [sum(np.sin(np.pi * (j + 1) * x[:, i] + i) for i in range(x.shape[1])) / x.shape[1] for j in range(outputs)]
    return np.stack(out, axis=1)


def test_trained_fits_the_waves() -> None:
    pytest.importorskip("torch")
    x = np.random.default_rng(99).uniform(-1, 1, (500, 2))
    before, after = (trained("2-16-2", seed=3, steps=steps, learning_rate=0.03) for steps in (0, 300))
    loss = [float(np.mean((net(x) - target(x, 2)) ** 2)) for net in (before, after)]
    assert loss[1] < 0.2 * loss[0]
    assert before.hash == random("2-16-2", seed=3).hash


def test_training_is_fixed_by_the_seed_and_leaves_torch_alone() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(5)
    state, kind = torch.get_rng_state(), torch.get_default_dtype()
    first = trained("2-6-6-1", seed=1, steps=20)
    with torch.no_grad():
        second = trained("2-6-6-1", seed=1, steps=20)
    with torch.inference_mode():
        third = trained("2-6-6-1", seed=np.random.default_rng(1), steps=20)
    assert torch.equal(state, torch.get_rng_state())
    assert torch.get_default_dtype() == kind
    assert first.hash == second.hash == third.hash
    assert first.hash != trained("2-6-6-1", seed=2, steps=20).hash
    assert first.hash != trained("2-6-6-1", seed=1, steps=21).hash
    assert count(first, Box.cube(-1, 1, 2)).value > 1


def test_one_step_is_adams() -> None:
    """The first step of Adam moves every parameter with a gradient by the learning rate, up to its epsilon."""
    pytest.importorskip("torch")
    before, after = (parameters(trained("2-5-1", seed=8, steps=steps, learning_rate=0.01)) for steps in (0, 1))
    moved = np.concatenate([np.abs(a - b).ravel() for a, b in zip(before, after, strict=True)])
    assert moved.max() <= 0.01 * (1 + 1e-9)
    assert moved[-1] == pytest.approx(0.01, rel=1e-4)


def test_divergence_is_named() -> None:
    pytest.importorskip("torch")
    with pytest.raises(InputError, match="the training diverged"):
        trained("1-4-4-4-1", seed=0, steps=30, learning_rate=1e200)
