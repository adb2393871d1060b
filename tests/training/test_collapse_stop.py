"""The rule for collapse: what it fires on, and what it does not."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions.errors import InputError
from linregions.training.collapse import Collapse, CollapseRule, RuleWatch, collapsed

N = "regions/n_regions"


def rows(numbers, *, every=100, **more):
    return [{"step": every * k, N: n, **more} for k, n in enumerate(numbers)]


def slow(numbers, *, every, share, warm_up, falling):
    """The rule in words, row by row: the last place where it fires and the first."""
    fired = []
    for k in range(len(numbers)):
        window = numbers[max(0, k - falling + 1) : k + 1]
        decreasing = all(window[i + 1] < window[i] for i in range(len(window) - 1))
        ratio = numbers[k] / numbers[0]
        fired.append(len(window) == falling and decreasing and ratio < share and every * k > warm_up)
    return fired


@given(
    numbers=st.lists(st.integers(1, 60), min_size=1, max_size=12),
    share=st.floats(0.1, 0.9),
    warm_up=st.integers(0, 500),
    falling=st.integers(2, 4),
)
@settings(max_examples=200, deadline=None)
def test_the_rule_is_what_it_says(numbers, share, warm_up, falling):
    found = collapsed(rows(numbers), share=share, warm_up=warm_up, falling=falling)
    fired = slow(numbers, every=100, share=share, warm_up=warm_up, falling=falling)
    assert bool(found) == fired[-1]
    assert found.step == (100 * fired.index(True) if any(fired) else None)
    assert found.start == numbers[0]
    assert found.ratio == (numbers[-1] / numbers[0] if len(numbers) > 1 else None)


@given(numbers=st.lists(st.integers(1, 60), min_size=1, max_size=10), scale=st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_the_rule_knows_ratios_only(numbers, scale):
    one, other = collapsed(rows(numbers)), collapsed(rows([scale * n for n in numbers]))
    assert (one.collapsed, one.step) == (other.collapsed, other.step)


def test_a_dip_that_recovers_does_not_stop_a_run():
    found = collapsed(rows([900, 460, 410, 629, 738]))
    assert not found
    assert "82 %" in str(found)
    assert "no collapse" in str(found)
    assert collapsed(rows([900, 405, 282, 107, 53]))


def test_partial_rows_say_nothing_of_a_fall():
    history = rows([900, 405, 282, 107])
    history[3] |= {"status": "max_regions"}
    assert not collapsed(history[:2])
    assert collapsed(history).ratio == 282 / 900
    assert not collapsed([{"step": 0, N: 900}, *rows([900, math.nan, 300])[1:]])
    failed = rows([900, 405, 282, 107])
    failed[2] |= {"error": "out of memory"}
    assert collapsed(failed)
    # A lower bound of N_0 makes the ratio only larger than it is.
    partial = rows([900, 405, 282, 107])
    partial[0] |= {"status": "time_limit"}
    assert collapsed(partial).start == 900


def test_words_and_errors():
    assert "not been measured twice" in str(collapsed([]))
    assert str(CollapseRule(warm_up=0)(rows([90, 40, 30]))).startswith("collapse: regions/n_regions is 33.3 %")
    assert isinstance(collapsed([]), Collapse)
    assert collapsed([]).as_dict()["collapsed"] is False
    with pytest.raises(InputError, match="no row has 'regions/m'"):
        collapsed(rows([3, 2]), column="regions/m")
    for wrong in ({"share": 1.5}, {"warm_up": -1}, {"falling": 1}, {"column": 3}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            CollapseRule(**wrong)
    with pytest.raises(InputError, match="rows that have a step"):
        collapsed([{"n": 3}])


def test_a_watch_asks_again_only_for_new_rows():
    class Counting(CollapseRule):
        asked = 0

        def __call__(self, history):
            Counting.asked += 1
            return super().__call__(history)

    history = rows([900, 400])
    watch = RuleWatch(history, Counting())
    before = Counting.asked
    assert not any(watch.fires() for _ in range(5))
    history += rows([900, 400, 300, 200])[2:]
    assert watch.fires()
    assert watch.fires()
    assert Counting.asked == before + 2
