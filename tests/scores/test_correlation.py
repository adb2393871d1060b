"""Rank correlations against scipy, against slow definitions, and their intervals against explicit resampling."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from linregions.errors import InputError
from linregions.scores.correlation import (
    Correlation,
    difference_of,
    kendall,
    partial_spearman,
    spearman,
    top_k_regret,
)
from linregions.scores.correlation.resampling import Ranking, weights

stats = pytest.importorskip("scipy.stats")

VALUES = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e6, 1e6), st.just(-math.inf), st.just(math.inf))
FEW = {"resamples": 5}


@st.composite
def columns(draw, count=2, low=2, high=24):
    n = draw(st.integers(low, high))
    return [draw(st.lists(VALUES, min_size=n, max_size=n)) for _ in range(count)]


def varies(*values):
    return all(len(set(v)) > 1 for v in values)


def tied(values, seed, kinds=6):
    return np.random.default_rng(seed).integers(0, kinds, size=values).astype(float)


@settings(max_examples=40)
@given(columns())
def test_spearman_is_scipys(pair):
    x, y = pair
    found = spearman(x, y, **FEW)
    if varies(x, y):
        ranks = [stats.rankdata(v) for v in (x, y)]  # scipy's own spearmanr takes no infinities in every version
        assert found.value == pytest.approx(np.corrcoef(*ranks)[0, 1], abs=1e-9)
    else:
        assert found.value is None
        assert "constant" in str(found)


@settings(max_examples=40)
@given(columns())
def test_kendall_is_scipys_and_the_slow_definition(pair):
    x, y = pair
    found = kendall(x, y, **FEW)
    if not varies(x, y):
        assert found.value is None
        return
    sign = lambda a, b: (a > b) - (a < b)  # noqa: E731
    pairs = [(sign(x[i], x[j]), sign(y[i], y[j])) for i, j in itertools.combinations(range(len(x)), 2)]
    excess = sum(a * b for a, b in pairs)
    slow = excess / math.sqrt(sum(a != 0 for a, _ in pairs) * sum(b != 0 for _, b in pairs))
    assert found.value == pytest.approx(slow, abs=1e-12)
    assert found.value == pytest.approx(stats.kendalltau(x, y)[0], abs=1e-9)


@settings(max_examples=40)
@given(st.integers(2, 40), st.integers(0, 1000), st.integers(1, 8))
def test_a_row_of_weights_is_the_sample_drawn_again(n, seed, kinds):
    x, y, z = (tied(n, seed + k, kinds) for k in range(3))
    from linregions.scores.correlation.kendall import _Pairs
    from linregions.scores.correlation.partial import _matrix, _partial
    from linregions.scores.correlation.spearman import rank_correlation

    w = next(weights(n, 5, seed))
    assert np.all(w.sum(axis=1) == n)
    rho = rank_correlation(Ranking(x), Ranking(y), w)
    tau = _Pairs(x, y).tau(w)
    part = _partial(_matrix([Ranking(v) for v in (x, y, z)], w))
    for k, row in enumerate(w.astype(int)):
        a, b, c = (np.repeat(v, row) for v in (x, y, z))
        for values, single in (
            (rho, spearman(a, b, **FEW)),
            (tau, kendall(a, b, **FEW)),
            (part, partial_spearman(a, b, [c], **FEW)),
        ):
            if single.value is None:
                assert np.isnan(values[k])
            else:
                assert values[k] == pytest.approx(single.value, abs=1e-9)


@settings(max_examples=40)
@given(columns(3, low=5))
def test_partial_given_one_control_is_the_textbook_formula(three):
    assume(varies(*three))
    x, y, z = three
    xy, xz, yz = (spearman(a, b, **FEW).value for a, b in ((x, y), (x, z), (y, z)))
    assert xz is not None
    assert yz is not None
    assume(max(abs(xz), abs(yz)) < 0.999)
    formula = (xy - xz * yz) / math.sqrt((1 - xz**2) * (1 - yz**2))
    assert partial_spearman(x, y, {"z": z}, **FEW).value == pytest.approx(formula, abs=1e-6)


@settings(max_examples=40)
@given(st.integers(0, 500), st.integers(1, 3))
def test_partial_is_least_squares_on_ranks(seed, count):
    rng = np.random.default_rng(seed)
    x, y, *controls = (rng.integers(0, 30, size=40).astype(float) for _ in range(2 + count))
    design = np.column_stack([np.ones(40), *(stats.rankdata(c) for c in controls)])
    residuals = []
    for v in (x, y):
        ranks = stats.rankdata(v)
        residuals.append(ranks - design @ np.linalg.lstsq(design, ranks, rcond=None)[0])
    expected = np.corrcoef(*residuals)[0, 1]
    assert partial_spearman(x, y, controls, **FEW).value == pytest.approx(expected, abs=1e-9)


def test_partial_with_useless_controls_and_none():
    x, y, z = (tied(50, k, 20) for k in range(3))
    plain = spearman(x, y, **FEW).value
    for controls in ([], [np.ones(50)], [np.ones(50), np.zeros(50)]):
        assert partial_spearman(x, y, controls, **FEW).value == pytest.approx(plain, abs=1e-12)
    once, twice = (partial_spearman(x, y, c, **FEW).value for c in ([z], [z, 3 * z + 1, np.ones(50)]))
    assert once == pytest.approx(twice, abs=1e-9)


def test_partial_is_undefined_where_controls_say_everything():
    x, y = tied(50, 0, 20), tied(50, 1, 20)
    assert partial_spearman(x, y, [np.exp(x)]).reason == "the controls determine the score"
    assert partial_spearman(x, y, [-y]).reason == "the controls determine the truth"
    assert partial_spearman(np.ones(50), y, [x]).reason == "the score is constant"
    assert partial_spearman(x, np.ones(50), [y]).reason == "the truth is constant"


@settings(max_examples=40)
@given(columns(), st.floats(0.1, 10))
def test_ranks_are_all_that_counts(pair, factor):
    x, y = pair
    stretched = np.arctan(np.asarray(x) / 1e6) * factor
    assume(len(set(stretched)) == len(set(x)))
    for f in (spearman, kendall):
        assert f(x, y, **FEW).value == f(stretched, y, **FEW).value
        assert f(x, y, **FEW).value == f(y, x, **FEW).value


def test_a_singular_kernel_ranks_last():
    nwot = [-math.inf, -math.inf, 3.0, 5.0]
    assert spearman(nwot, [1, 2, 3, 4], **FEW).value == spearman([0, 0, 3, 5], [1, 2, 3, 4], **FEW).value


def test_the_interval_is_the_percentile_interval_of_scipy():
    rng = np.random.default_rng(5)
    x = rng.normal(size=200)
    y = x + rng.normal(size=200)
    draws = rng.integers(0, 200, size=(300, 200))
    for f, other in ((spearman, stats.spearmanr), (kendall, stats.kendalltau)):
        ends = np.quantile([other(x[d], y[d])[0] for d in draws], [0.025, 0.975])
        found = f(x, y, resamples=2000)
        assert [found.low, found.high] == pytest.approx(list(ends), abs=0.03)
        assert found.low < found.value < found.high


@pytest.mark.slow
def test_intervals_cover_the_true_value():
    # Of two normals with correlation r, Spearman's population value is 6/pi asin(r/2), Kendall's 2/pi asin(r).
    r, hits = 0.6, {spearman: 0, kendall: 0}
    truth = {spearman: 6 / math.pi * math.asin(r / 2), kendall: 2 / math.pi * math.asin(r)}
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=150)
        y = r * x + math.sqrt(1 - r * r) * rng.normal(size=150)
        for f in hits:
            found = f(x, y, resamples=300)
            hits[f] += found.low <= truth[f] <= found.high
    assert all(hit >= 180 for hit in hits.values()), hits  # 95 % of 200 is 190; 180 is 3 deviations lower


def test_seeds_settle_the_interval():
    x, y = tied(60, 0, 30), tied(60, 1, 30)
    assert kendall(x, y, seed=3) == kendall(x, y, seed=3)
    assert kendall(x, y, seed=3) != kendall(x, y, seed=4)
    wide, narrow = spearman(x, y, level=0.99), spearman(x, y, level=0.5)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_blocks_of_resamples_do_not_matter(monkeypatch):
    from linregions.scores.correlation import resampling

    x, y = tied(50, 0, 30), tied(50, 1, 30)
    whole = spearman(x, y, resamples=100)
    monkeypatch.setattr(resampling, "ENTRIES", 7 * 50)
    assert spearman(x, y, resamples=100) == whole


def test_difference_is_paired():
    rng = np.random.default_rng(0)
    y = rng.normal(size=300)
    good, bad = y + 0.2 * rng.normal(size=300), y + 2.0 * rng.normal(size=300)
    found = difference_of(good, bad, y)
    assert found.value == pytest.approx(spearman(good, y).value - spearman(bad, y).value, abs=1e-12)
    assert found.decided
    assert difference_of(good, good, y).low == difference_of(good, good, y).high == 0.0
    # Paired: two nearly equal scores are told apart better than by their own intervals.
    near = good + 0.01 * rng.normal(size=300)
    paired, own = difference_of(good, near, y), spearman(good, y)
    assert paired.high - paired.low < 0.5 * (own.high - own.low)
    assert difference_of(good, np.ones(300), y).reason == "the other score is constant"


def draws_of(score, truth, k):
    """Every way of choosing k best: the sure ones, and any of the tied at the border."""
    border = sorted(score, reverse=True)[k - 1]
    sure = [t for s, t in zip(score, truth, strict=True) if s > border]
    ties = [t for s, t in zip(score, truth, strict=True) if s == border]
    return [sure + list(c) for c in itertools.combinations(ties, k - len(sure))]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20)), min_size=1, max_size=8), st.data())
def test_top_k_is_the_mean_over_all_ways_to_break_ties(points, data):
    score, truth = [s for s, _ in points], [float(t) for _, t in points]
    k = data.draw(st.integers(1, len(points)))
    ways = draws_of(score, truth, k)
    found = top_k_regret(score, truth, k, resamples=5)
    assert found.mean == pytest.approx(np.mean([np.mean(w) for w in ways]))
    assert found.best == pytest.approx(np.mean([max(w) for w in ways]))
    assert found.regret == pytest.approx(max(truth) - found.best)
    assert found.oracle == pytest.approx(np.mean(sorted(truth)[-k:]))
    assert found.random == pytest.approx(np.mean(truth))
    assert found.mean <= found.oracle + 1e-9


def test_top_k_of_a_perfect_and_of_a_blind_score():
    truth = np.random.default_rng(0).normal(size=100)
    perfect = top_k_regret(truth, truth, 10, resamples=50)
    assert perfect.regret == perfect.regret_high == 0.0
    assert perfect.mean == pytest.approx(perfect.oracle)
    blind = top_k_regret(np.zeros(100), truth, 10, resamples=50)
    assert blind.mean == pytest.approx(blind.random)
    assert blind.mean_low < blind.mean < blind.mean_high
    assert "mean of the 10 best scored" in str(blind)


def test_what_a_correlation_says():
    assert str(Correlation(0.934, 0.923, 0.942, 0.95, 1000, "Spearman", 1000)) == "0.93 (95 % 0.92 to 0.94)"
    assert str(spearman([1, 1], [1, 2])) == "undefined (the score is constant)"
    assert spearman([1], [1]).reason == "1 object cannot be ranked"
    assert spearman([], []).reason == "0 objects cannot be ranked"
    assert set(spearman([1, 2], [1, 2]).as_dict()) >= {"value", "low", "high", "level", "n", "method"}
    assert str(spearman([1, 2], [2, 1])) == "-1.00 (no interval: 2 objects are too few)"
    # One object that differs from the rest is missing from a third of the resamples, where nothing is defined.
    assert 200 < spearman([0] * 11 + [1], range(12), resamples=400, seed=0).resamples < 300


def test_few_objects_have_no_interval():
    rng = np.random.default_rng(0)
    for n in (2, 5, 9, 10, 14, 15, 40):
        x, y, z, u = rng.normal(size=(4, n))
        plain = [spearman(x, y, **FEW), kendall(x, y, **FEW), difference_of(x, z, y, **FEW)]
        assert [(c.low is None, c.high is None, c.resamples == 0) for c in plain] == [(n < 10,) * 3] * 3
        assert not any(c.decided for c in plain if n < 10)
        assert (partial_spearman(x, y, [z], **FEW).low is None) == (n < 10)
        assert (partial_spearman(x, y, [z, u], **FEW).low is None) == (n < 15)
        top = top_k_regret(x, y, 2, **FEW)
        ends = (top.mean_low, top.mean_high, top.regret_low, top.regret_high)
        assert [end is None for end in ends] == [n < 10] * 4
        assert ("no interval" in str(top)) == (n < 10)
    assert partial_spearman(*rng.normal(size=(2, 12)), rng.normal(size=(2, 12))).reason == (
        "12 objects are too few for 2 controls"
    )


SEED = "seed must be a whole number from 0 to 9223372036854775807, got "


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: spearman([1, math.nan], [1, 2]), "score must have a rank for every object, but entry 1 is NaN"),
        (lambda: kendall([1, 2], [1, math.nan]), "truth must have a rank"),
        (lambda: spearman([1, 2, 3], [1, 2]), "score must have 2 numbers, one for each object, got 3"),
        (lambda: spearman([[1, 2]], [1, 2]), r"an array of shape \(1, 2\)"),
        (lambda: spearman(["a", "b"], [1, 2]), "score must be a sequence of numbers"),
        (lambda: spearman([1, 2], [1, 2], level=1), "level must lie between 0 and 1, got 1"),
        (lambda: spearman([1, 2], [1, 2], seed=-1), SEED + "-1"),
        (lambda: kendall([1, 2], [1, 2], seed=0.5), SEED + "0.5"),
        (lambda: partial_spearman([1, 2], [1, 2], [], seed="a"), SEED + "'a'"),
        (lambda: difference_of([1, 2], [1, 2], [1, 2], seed=True), SEED + "True"),
        (lambda: top_k_regret([1, 2], [1, 2], 1, seed=-1), SEED + "-1"),
        (lambda: spearman([1, 2], [1, 2], resamples=0), "resamples must be a positive whole number"),
        (lambda: partial_spearman([1, 2], [1, 2], {"V": [1]}), r"controls\['V'\] must have 2 numbers"),
        (lambda: partial_spearman([1, 2], [1, 2], 3), "controls must be columns of numbers, got int"),
        (lambda: difference_of([1, 2], [1], [1, 2]), "other must have 2 numbers"),
        (lambda: top_k_regret([1, 2], [1, 2], 3), "k must be a whole number from 1 to 2, got 3"),
        (lambda: top_k_regret([1, 2], [1, math.inf], 1), "truth must be finite, got inf"),
        (lambda: top_k_regret([], [], 1), "score and truth are empty"),
    ],
)
def test_bad_input_is_one_sentence(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()


def test_a_thousand_points_take_seconds_only():
    import time

    x, y, z = np.random.default_rng(0).integers(0, 500, size=(3, 1000))
    start = time.process_time()
    kendall(x, y)
    partial_spearman(x, y, [z])
    assert time.process_time() - start < 4.0  # 0.6 s on an idle core
