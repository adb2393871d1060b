"""The comparison: values against hand computations and the engine, budgets, interruption, files, words."""

from __future__ import annotations

import csv
import io
import json
import math
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions import Box, InputError, Kind, Segment, Space, Status, compare, constructions, count
from linregions.comparison import budget, record, verdict
from linregions.comparison import compare as verb
from linregions.comparison.budget import parameter_count, planned, widest


@pytest.fixture(scope="module")
def issue():
    return compare(2, 24, samples=3)


class TestValues:
    def test_the_comparison_of_the_issue(self, issue):
        # By hand: 1 + 24 + 276; (g(6))^2 Z(12,2) = 49 * 79; (5^2)^2 * 37; (4^2)^3 * 22.
        assert [(r.depth, r.shallow, r.proven) for r in issue.rows[:4]] == [
            (1, 301, 301),
            (2, 301, 49 * 79),
            (3, 301, 625 * 37),
            (4, 301, 4096 * 22),
        ]
        assert [sum(r.widths) for r in issue.rows] == [24] * 12
        assert all(max(r.widths) - min(r.widths) <= 1 for r in issue.rows)
        assert issue.rows[4].widths == (5, 5, 5, 5, 4)
        assert issue.status is Status.COMPLETE

    def test_every_construction_is_confirmed_by_the_engine(self, issue):
        for row in issue.rows:
            assert row.built.confirmed is True
            assert row.built.count.value == row.built.regions <= row.proven <= row.upper.value
            assert row.built.count.kind is Kind.EXACT

    def test_samples_are_the_counts_of_random_networks(self, issue):
        row = issue.rows[2]
        box = Box.cube(-1, 1, 2)
        alone = [count(constructions.random([2, 8, 8, 8, 1], seed=s), box).value for s in range(3)]
        assert row.random.values == tuple(alone)
        assert row.random.seeds == (0, 1, 2)
        assert row.random.mean == pytest.approx(statistics.mean(alone))
        assert row.random.deviation == pytest.approx(statistics.stdev(alone))
        assert row.random.kind is Kind.EXACT
        assert all(max(r.random.values) <= r.upper.value for r in issue.rows)

    def test_two_runs_agree(self):
        one, two = (compare(2, 8, samples=2, seed=5).as_dict()["rows"] for _ in range(2))
        assert [r["random"] for r in one] == [r["random"] for r in two]

    def test_parameters(self):
        # 2 inputs, 1 output: 4 n + 1 and n^2 + 5 n + 1 parameters.
        result = compare(2, parameters=200, depths=[1, 2], samples=0)
        assert [r.widths for r in result.rows] == [(49,), (11, 11)]
        assert [r.parameters for r in result.rows] == [197, 177]
        assert [r.shallow_units for r in result.rows] == [49, 49]
        assert result.rows[1].shallow == 1 + 49 + 49 * 24

    def test_widths(self):
        result = compare(2, widths=[[6], [4, 4], (3, 2)], samples=0)
        assert [r.shallow for r in result.rows] == [22, 37, 16]
        assert [r.proven for r in result.rows] == [22, 44, 12]
        assert [r.verdict for r in result.rows] == ["shallow", "more", "open"]

    def test_deep_can_lose_for_certain(self):
        # 10 units see 10 inputs: one layer has 2^10; two layers of 5 have at most 638 (spec 3.2: 0.623).
        row = compare(10, widths=[[5, 5]], samples=0).rows[0]
        assert (row.shallow, int(row.upper), row.verdict) == (1024, 638, "fewer")

    @settings(max_examples=40, deadline=None)
    @given(st.integers(1, 6), st.integers(1, 4), st.integers(1, 3), st.integers(1, 400))
    def test_the_widest_that_fits(self, inputs, depth, outputs, extra):
        limit = parameter_count(inputs, [1] * depth, outputs) + extra
        width = widest(inputs, depth, outputs, limit)
        assert parameter_count(inputs, [width] * depth, outputs) <= limit
        assert parameter_count(inputs, [width + 1] * depth, outputs) > limit

    @settings(max_examples=40, deadline=None)
    @given(st.integers(1, 9), st.integers(1, 3000))
    def test_default_depths(self, inputs, units):
        plan = planned(inputs, 1, units, None, None, None)
        depths = [len(w) for w in plan.networks]
        assert depths == sorted(set(depths))
        assert (depths[0], depths[-1]) == (1, max(1, units // inputs))
        assert len(depths) <= budget.MOST_ROWS
        assert bool(plan.notes) == (depths[-1] > len(depths))
        assert all(sum(w) == units for w in plan.networks)


class TestBudgets:
    def test_large_constructions_are_not_counted(self):
        row = compare(2, 8, depths=2, samples=0, max_regions=40).rows[0]
        assert row.built.count is None
        assert row.built.confirmed is None
        assert row.built.reason == "not counted: 44 regions exceed the limit of 40"

    def test_samples_stop_at_the_limit_and_say_so(self):
        result = compare(2, 40, depths=1, samples=2, max_regions=5)
        sample = result.rows[0].random
        assert (sample.kind, result.status) == (Kind.LOWER, Status.BUDGET)
        assert min(sample.values) >= 5
        assert ">= " in str(result)

    def test_time_runs_out(self):
        result = compare(3, 60, time_limit=1e-9)
        assert result.status is Status.BUDGET
        assert all(r.random.reason == "not counted: the time limit was reached" for r in result.rows)
        assert "the time limit was reached" in str(result)

    def test_many_inputs(self):
        row = compare(9, 9, samples=2).rows[0]
        assert row.built.confirmed is True
        assert len(row.random.values) == 2
        assert all(256 < v <= 512 for v in row.random.values)  # nine cuts, most of them crossing in the box

    def test_other_domains(self):
        ends = Segment([-1] * 9, [1] * 9)
        result = compare(9, 9, samples=1, domain=ends)
        assert result.rows[0].random.values == (count(constructions.random([9, 9, 1], seed=0), ends).value,)

    @pytest.mark.parametrize("calls", [0, 1, 3, 5])
    def test_interrupted_between_counts(self, monkeypatch, calls):
        seen = []

        def counting(*args, **options):
            if len(seen) == calls:
                raise KeyboardInterrupt
            seen.append(1)
            return count(*args, **options)

        monkeypatch.setattr("linregions.comparison.measure.count", counting)
        result = compare(2, 8, depths=[1, 2], samples=2)
        assert result.status is Status.INTERRUPTED
        done = sum(r.built.count is not None for r in result.rows) + sum(len(r.random.counts) for r in result.rows)
        assert done == calls
        assert "Interrupted" in str(result)
        assert result.rows[-1].random.reason == "not counted: interrupted"

    def test_progress_reaches_its_end(self):
        calls = []
        compare(2, 8, samples=1, progress=lambda part, regions: calls.append((part, regions)))
        parts = [part for part, _ in calls]
        assert parts == sorted(parts)
        assert parts[-1] == pytest.approx(1.0)


class TestForms:
    def test_json(self, issue, tmp_path):
        issue.to_json(tmp_path / "c.json")
        content = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))
        assert content == json.loads(json.dumps(issue.as_dict()))
        assert content["rows"][2]["construction"]["count"]["count"] == 23125
        assert content["rows"][2]["construction"]["confirmed"] is True
        assert [p.name for p in tmp_path.iterdir()] == ["c.json"]

    def test_csv(self, issue, tmp_path):
        issue.to_csv(tmp_path / "c.csv")
        text = io.StringIO()
        issue.to_csv(text)
        assert (tmp_path / "c.csv").read_text(encoding="utf-8") == text.getvalue()
        lines = list(csv.DictReader(io.StringIO(text.getvalue())))
        assert len(lines) == len(issue.rows)
        for line, row in zip(lines, issue.rows, strict=True):
            assert line["widths"].split() == [str(n) for n in row.widths]
            assert int(line["proven_lower"]) == row.proven
            assert (int(line["counted"]), line["counted_kind"], line["confirmed"]) == (row.proven, "exact", "yes")
            assert [int(v) for v in line["random_counts"].split()] == list(row.random.values)
            assert math.isclose(float(line["random_mean"]), row.random.mean)

    def test_numbers_of_any_size(self, tmp_path):
        result = compare(1, 20000, depths=[10000], samples=0)
        assert result.rows[0].proven > 10**3000
        wide = compare(20000 // 2, widths=[[20000]], samples=0)
        assert wide.rows[0].shallow > 10**4300
        wide.to_json(tmp_path / "c.json")
        wide.to_csv(tmp_path / "c.csv")
        assert (tmp_path / "c.csv").stat().st_size > 3 * 4300

    def test_a_folder_that_is_not_there(self, issue, tmp_path):
        with pytest.raises(InputError, match="cannot be written"):
            issue.to_json(tmp_path / "no" / "c.json")

    def test_rich_table(self, issue):
        from rich.console import Console

        out = io.StringIO()
        Console(file=out, width=160).print(issue)
        assert "90,112 ok" in out.getvalue()
        assert "299 times as many" in " ".join(out.getvalue().split())


class TestVerdict:
    def test_who_wins_and_by_how_much(self, issue):
        words = issue.verdict()
        assert words.startswith(
            "With 24 ReLU units on 2 inputs, a network with one hidden layer has at most 301 linear regions, and some "
            "network has that many. A network with 4 hidden layers of 6 units can have 90,112 (proven, and confirmed "
            "by counting): 299 times as many; more than 234,256 is proven to be impossible. Random networks"
        )
        assert "activation region" in words

    def test_where_deep_is_not_proven_to_win(self):
        words = compare(5, 20, samples=0).verdict()
        assert "The networks with 3 and 4 layers are not proven to beat one hidden layer" in words

    def test_where_no_deep_network_is_proven_to_win(self):
        # Spec, section 2: 21,700 against 20,416 with n0 = 5; here 18 units.
        words = compare(5, widths=[[9], [5, 4]], samples=0).verdict()
        assert "No deeper network of this comparison is proven to have more" in words

    def test_where_shallow_wins_for_certain(self):
        words = compare(10, widths=[[10], [5, 5]], samples=0).verdict()
        assert "No deeper network of this comparison has more, and that is proven." in words

    def test_a_wrong_count_is_shouted(self, issue):
        from dataclasses import replace

        row = issue.rows[1]
        wrong = replace(row, built=replace(row.built, regions=row.built.regions + 1))
        assert "CONTRADICTION" in verdict.sentences(replace(issue, rows=(issue.rows[0], wrong)))[-3]

    def test_a_sample_without_counts_has_no_mean(self):
        empty = record.Sample(reason="why")
        assert (empty.mean, empty.deviation, empty.as_dict()["kind"]) == (None, None, None)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "budget: give one of units, parameters and widths, got none"),
        ({"units": 4, "parameters": 5}, "got units and parameters"),
        ({"units": 0}, "units must be a whole number from 1"),
        ({"units": 2.0}, "units must be a whole number from 1"),
        ({"units": 4, "depths": [5]}, "depths: 5 layers need more units"),
        ({"units": 4, "depths": []}, "depths: expected at least one"),
        ({"units": 4, "depths": "2"}, "depths: expected a whole number or several"),
        ({"widths": [[4]], "depths": [1]}, "leave depths out"),
        ({"widths": []}, "widths: expected at least one list"),
        ({"widths": [[]]}, "widths: list 1 is empty"),
        ({"widths": [4, 4]}, "widths: entry 1 is no list"),
        ({"widths": "4,4"}, "widths: expected several lists"),
        ({"widths": [[4, -1]]}, "list 1: each width must be"),
        ({"parameters": 4}, "parameters: one unit between 2 inputs and 1 output takes 5, got 4"),
        ({"units": 4, "samples": -1}, "samples must be a whole number from 0"),
        ({"units": 4, "seed": -1}, "seed must be a whole number from 0"),
        ({"units": 4, "init": "best"}, "init: 'best' is not known"),
        ({"units": 4, "time_limit": 0}, "time_limit must be a positive number"),
        ({"units": 4, "max_regions": 0}, "max_regions must be"),
        ({"units": 4, "domain": Space(3)}, "gives 3 coordinates; give 2"),
        ({"units": 4, "domain": "box"}, "domain: expected a Box"),
        ({"units": 4, "threads": 0}, "threads must be"),
    ],
)
def test_refusals(options, words):
    with pytest.raises(InputError) as refused:
        compare(2, **options)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_module_and_the_verb_have_their_names():
    assert verb is compare
