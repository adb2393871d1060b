"""The record of a score: its size term against decimal arithmetic, its warnings, and its forms."""

from __future__ import annotations

import json
import math
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from linregions import InputError  # noqa: E402
from linregions.partition import Kind  # noqa: E402
from linregions.scores.scoring.record import LayerScore, Pass, Score, limit_of, summarise  # noqa: E402
from linregions.scores.scoring.regularise import UNITS, Regularisation  # noqa: E402
from linregions.scores.scoring.score import swap_score  # noqa: E402

nn = torch.nn


def mlp(seed: int, widths: list[int]) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        hidden = [layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), nn.ReLU())]
        return nn.Sequential(*hidden, nn.Linear(widths[-1], 1))


def normal(seed: int, *shape: int) -> Any:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def refused(match: str, model: Any, inputs: Any, **options: Any) -> None:
    with pytest.raises(InputError, match=match) as caught:
        swap_score(model, inputs, **options)
    assert "\n" not in str(caught.value)


# --- the size term ----------------------------------------------------------------------------------------------------


@given(
    st.integers(0, 10**9),
    st.floats(-1e3, 1e4),
    st.floats(0.01, 1e6),
    st.sampled_from(sorted(UNITS)),
)
def test_the_size_term_is_its_formula_in_decimals(parameters: int, mu: float, sigma: float, unit: str) -> None:
    size = Regularisation(mu, sigma, unit)
    with localcontext(prec=60):
        theta = Decimal(parameters) / UNITS[unit]
        log = -((theta - Decimal(mu)) ** 2) / Decimal(sigma)
        factor = log.exp() if log > -800 else Decimal(0)
        # theta and mu are rounded once each, so what cancels between them shows in the logarithm.
        slack = float(2 * abs(theta - Decimal(mu)) * max(abs(theta), abs(Decimal(mu))) / Decimal(sigma)) * 2**-52
        assert size.log_factor(parameters) == pytest.approx(float(log), rel=1e-14, abs=slack)
        assert size.factor(parameters) == pytest.approx(
            float(factor), rel=1e-12 + 2 * slack + 1e-15 * abs(float(log)), abs=5e-324
        )


def test_sigma_is_not_squared_and_there_is_no_two() -> None:
    model, x = mlp(0, [3, 40]), normal(0, 6, 3)  # 3 * 40 + 40 + 40 + 1 parameters
    score = swap_score(model, x, regularised=True, mu=0.1, sigma=0.5)
    assert score.parameters == 201
    assert score.value == pytest.approx(score.swap * math.exp(-(0.101**2) / 0.5), rel=1e-12)
    assert score.log_regularised == pytest.approx(math.log(score.value), rel=1e-12)
    assert score.value == pytest.approx(score.swap * score.factor, rel=1e-14)
    in_params = swap_score(model, x, regularised=True, mu=100, sigma=0.5e6, unit="params")
    assert in_params.value == pytest.approx(score.value, rel=1e-12)
    raw = swap_score(model, x, mu=0.1, sigma=0.5)
    assert (raw.value, raw.log_regularised, raw.factor) == (score.swap, score.log_regularised, 1.0)


def test_a_size_term_that_underflows_is_told() -> None:
    model, x = mlp(0, [3, 40]), normal(0, 6, 3)
    far = swap_score(model, x, regularised=True, mu=0.5, sigma=1.5, unit="params")
    assert far.value == 0.0
    assert any("rank by log_regularised" in text for text in far.warnings)
    assert far.log_regularised == pytest.approx(math.log(far.swap) - 200.5**2 / 1.5, rel=1e-12)
    near = swap_score(model, x, regularised=True, mu=0.5, sigma=1.5)
    assert not any("underflows" in text for text in near.warnings)


def test_bad_size_terms() -> None:
    model, x = mlp(0, [3, 4]), normal(0, 6, 3)
    refused("mu and sigma: a regularised score needs", model, x, regularised=True)
    refused("give sigma", model, x, mu=1.0)
    refused("give mu", model, x, regularised=True, sigma=1.0)
    refused("mu must be finite", model, x, mu=math.nan, sigma=1)
    refused("sigma must be positive", model, x, mu=1, sigma=0)
    refused("sigma must be positive", model, x, mu=1, sigma=math.inf)
    refused("mu must be a number", model, x, mu="1", sigma=1)
    refused("unit must be one of params, kparams, Mparams", model, x, mu=1, sigma=1, unit="MB")
    refused("unit must be one of", model, x, unit="MB")


# --- the record -------------------------------------------------------------------------------------------------------


def a_pass(distinct: int, units: int, *, standard: int | None = None, nwot: float | None = None) -> Pass:
    return Pass(distinct, Kind.EXACT, (LayerScore("0", "relu", units, distinct, 0, 0),), standard, nwot)


def warnings(*passes: Pass, samples: int, **more: Any) -> str:
    return " / ".join(summarise(passes, samples=samples, **more).warnings)


def test_warnings_appear_when_they_should_and_only_then() -> None:
    assert warnings(a_pass(50, 100), samples=16) == ""
    assert "count of units" in warnings(a_pass(91, 100), samples=16)
    assert warnings(a_pass(90, 100), samples=16) == ""
    assert "take more samples" in warnings(a_pass(16, 100), samples=4)
    assert "count of units" not in warnings(a_pass(16, 100), samples=4)
    assert warnings(a_pass(16, 100), samples=4, symbols=3) == ""
    assert "each sample its own" in str(summarise([a_pass(5, 100, standard=7)], samples=7))
    assert "each sample its own" not in str(summarise([a_pass(5, 100, standard=6)], samples=7))
    assert "10 to 11 units" in warnings(a_pass(5, 10), a_pass(5, 11), samples=7)
    assert "2 activations (a, b)" in warnings(a_pass(5, 100), samples=7, ignored=("a", "b"))


@given(st.integers(1, 10**6), st.integers(2, 256), st.integers(2, 40))
def test_the_limit_is_its_formula(units: int, symbols: int, samples: int) -> None:
    assert limit_of(units, symbols, samples) == min(units, symbols**samples)


def test_a_score_is_json_and_readable() -> None:
    score = swap_score(mlp(0, [3, 50, 50]), normal(1, 4, 3), init="gaussian", repeats=3, mu=1, sigma=2, eps=1e-3)
    facts = json.loads(json.dumps(score.as_dict(), allow_nan=False))
    assert facts["per_repeat"] == list(score.per_repeat)
    assert facts["limit"] == score.limit
    assert [layer["units"] for layer in facts["layers"]] == [layer.units for layer in score.layers]
    text = str(score)
    assert f"mean of {score.repeats} repeats" in text
    assert "2^4" in text
    assert len({line[11] for line in text.splitlines()}) == 1
    assert "SWAP" in repr(score)
    assert float(score) == score.value
    assert "distinct of" in str(score.layers[0])
    with pytest.raises(AttributeError):
        score.value = 3.0  # type: ignore[misc]


def test_a_singular_kernel_is_null_in_json() -> None:
    score = summarise([a_pass(5, 100, standard=2, nwot=-math.inf)], samples=7)
    assert score.as_dict()["nwot"] is None
    assert "singular" in str(score)


def test_companions_can_be_left_out() -> None:
    score = swap_score(mlp(0, [3, 10]), normal(0, 6, 3), companions=False)
    assert (score.standard, score.nwot) == (None, None)
    assert isinstance(score, Score)


def test_entries_near_zero_are_counted() -> None:
    model = nn.Sequential(nn.Linear(1, 3), nn.LeakyReLU())
    with torch.no_grad():
        model[0].weight.fill_(1.0)
        model[0].bias.copy_(torch.tensor([0.0, 1.0, -1.0]))
    x = torch.tensor([[1e-9], [2.0]])
    assert swap_score(model, x).near_zero is None
    assert swap_score(model, x, eps=1e-6).near_zero == 1
