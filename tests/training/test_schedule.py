"""Schedules: `after` and `due` against the steps written out, and the allowance of time by hand."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linregions import InputError
from linregions.training import Schedule
from linregions.training.allowance import Allowance

SCHEDULES = st.one_of(
    st.builds(Schedule.log, st.integers(1, 8)),
    st.builds(Schedule.every, st.integers(1, 40)),
    st.builds(Schedule.at, st.lists(st.integers(0, 300), min_size=1, max_size=12)),
    st.builds(Schedule.grok, st.one_of(st.none(), st.integers(1, 10**6))),
)


def written_out(schedule, end):
    """The steps below `end`, each found by the definition."""
    if schedule.kind == "at":
        return [s for s in schedule.steps if s < end]
    if schedule.kind == "every":
        return list(range(0, end, schedule.number))
    if schedule.kind == "log":
        per = schedule.number
        return sorted({0} | {round(2 ** (k / per)) for k in range(per * end.bit_length() + 1)} & set(range(end)))
    out = []
    for s in range(end):
        period = 1 if s < 30 else 10 if s < 150 else 100 if s < 1000 else 1000
        if s % period == 0:
            out.append(s)
    return out


@given(SCHEDULES, st.integers(1, 400))
def test_due_and_after_are_the_steps_written_out(schedule, end):
    steps = written_out(schedule, end)
    assert [s for s in range(end) if schedule.due(s)] == steps
    walked, at = [], -1
    while (at := schedule.after(at)) is not None and at < end:
        walked.append(at)
    assert walked == steps


@given(SCHEDULES, st.integers(-1, 300), st.integers(0, 100))
def test_due_since_is_any_step_between(schedule, since, gap):
    steps = written_out(schedule, since + gap + 1)
    assert schedule.due(since + gap, since=since) == any(since < s <= since + gap for s in steps)


@given(SCHEDULES)
def test_records_read_back(schedule):
    assert Schedule.from_dict(json.loads(json.dumps(schedule.as_dict()))) == schedule


def test_grok_beyond_ten_thousand():
    assert Schedule.grok().after(12_345) == 13_000
    assert Schedule.grok(1_500_000).after(12_345) == 20_000
    assert Schedule.grok(1_500_000).after(9_000) == 10_000
    assert Schedule.grok(100).after(10_000) == 10_001


def test_what_means_a_schedule():
    assert Schedule.of("log") == Schedule.log()
    assert Schedule.of("grok") == Schedule.grok()
    assert Schedule.of(7) == Schedule.every(7)
    assert Schedule.of(range(3)) == Schedule.at([2, 1, 0, 0])
    assert Schedule.of(Schedule.every(2)) == Schedule.every(2)
    assert [repr(Schedule.of(v)) for v in ("log", 5, [3, 1], "grok")] == [
        "Schedule.log(2)",
        "Schedule.every(5)",
        "Schedule.at([1, 3])",
        "Schedule.grok()",
    ]


@pytest.mark.parametrize("bad", ["often", 0, -1, 2.5, None, [1.5], [-1], True])
def test_refused_schedules(bad):
    with pytest.raises(InputError, match="schedule"):
        Schedule.of(bad)


@pytest.mark.parametrize("bad", [{}, {"kind": "often", "number": 1, "steps": []}, None, {"kind": "at"}])
def test_refused_records(bad):
    with pytest.raises(InputError, match="schedule"):
        Schedule.from_dict(bad)


class Clock:
    """A clock that a test turns."""

    def __init__(self):
        self.now = 5.0

    def __call__(self):
        return self.now


@given(st.floats(0.01, 1.0), st.lists(st.tuples(st.floats(0, 100), st.floats(0, 5)), max_size=20))
def test_the_share_is_never_passed_by_what_is_affordable(share, events):
    clock = Clock()
    allowed = Allowance(share, None, clock=clock)
    allowed.start()
    for training, cost in events:
        clock.now += training
        if allowed.affords(cost):
            clock.now += cost
            allowed.spend(cost)
            assert allowed.spent <= share * allowed.elapsed * (1 + 1e-9) + 1e-9


def test_a_budget_ends_and_a_resumed_run_goes_on_counting():
    clock = Clock()
    allowed = Allowance(None, 3.0, clock=clock)
    allowed.start()
    clock.now += 10
    assert allowed.affords(100.0)  # nobody knows what it will take; it ends when the budget does
    allowed.spend(2.0)
    assert allowed.left == 1.0
    again = Allowance(None, 3.0, clock=clock)
    again.restore(json.loads(json.dumps(allowed.state())))
    assert again.elapsed == 10
    clock.now += 50  # between the two runs
    again.start()
    clock.now += 1
    assert again.elapsed == 11
    again.spend(1.5)
    assert not again.affords(0.0)


@pytest.mark.parametrize("share", [0, -0.1, 1.5, "half"])
def test_refused_shares(share):
    with pytest.raises(InputError, match="share"):
        Allowance(share, None)


@pytest.mark.parametrize("budget", [0, -1.0, "long"])
def test_refused_budgets(budget):
    with pytest.raises(InputError, match="budget_seconds"):
        Allowance(None, budget)


def test_no_steps_are_refused():
    with pytest.raises(InputError, match="schedule: got no steps"):
        Schedule.of([])
