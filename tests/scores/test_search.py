"""Searches by score: the account of what was scored, the budget, and what a table says of the result."""

from __future__ import annotations

import csv
import io
import json
import math
import time
from collections import Counter
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions.errors import InputError
from linregions.partition import Status

torch = pytest.importorskip("torch")

from linregions.scores.scoring.score import swap_score  # noqa: E402
from linregions.scores.searching import (  # noqa: E402 - after the check for torch
    ParameterObjective,
    SizeTarget,
    SwapObjective,
    compare_searches,
    network_parameters,
    random_search,
    report,
    search,
)
from linregions.scores.spaces import Table, find_space, read_table  # noqa: E402

NB201 = Path(__file__).parents[2] / "../shared/data/nas/nasbench201_cifar10.csv"


@dataclass(frozen=True)
class Toy:
    """Words of `places` letters 0 to `letters` - 1; the network of a word is a hidden layer as wide as its sum."""

    places: int = 6
    letters: int = 3
    name = "toy"

    @property
    def size(self) -> int:
        return self.letters**self.places

    def all(self) -> list[tuple[int, ...]]:
        return list(product(range(self.letters), repeat=self.places))

    def sample(self, rng: np.random.Generator) -> tuple[int, ...]:
        return tuple(int(i) for i in rng.integers(self.letters, size=self.places))

    def neighbours(self, architecture: tuple[int, ...]) -> list[tuple[int, ...]]:
        a = architecture
        return [(*a[:i], o, *a[i + 1 :]) for i in range(self.places) for o in range(self.letters) if o != a[i]]

    def mutate(self, architecture: tuple[int, ...], rng: np.random.Generator) -> tuple[int, ...]:
        others = self.neighbours(architecture)
        return others[rng.integers(len(others))]

    def crossover(self, first: tuple[int, ...], second: tuple[int, ...], rng: np.random.Generator) -> tuple[int, ...]:
        return tuple(b if c else a for a, b, c in zip(first, second, rng.integers(2, size=self.places), strict=True))

    def build(self, architecture: tuple[int, ...], *, proxy: bool = True, seed: int = 0) -> Any:
        width = 1 + sum(architecture) * (1 if proxy else 10)
        return torch.nn.Sequential(torch.nn.Linear(2, width), torch.nn.ReLU(), torch.nn.Linear(width, 1))

    def text(self, architecture: tuple[int, ...]) -> str:
        return "".join(map(str, architecture))

    def parse(self, text: str) -> tuple[int, ...]:
        return tuple(map(int, text))

    def controls(self, architecture: tuple[int, ...]) -> dict[str, int]:
        return {}

    def probe(self, samples: int, *, seed: int = 0) -> Any:
        return torch.linspace(-1, 1, 2 * samples).reshape(samples, 2)

    def read_table(self, path: str | Path) -> Table:
        raise NotImplementedError


class Counted:
    """A score that remembers what it was asked for."""

    def __init__(self, of: Any = sum):
        self.calls: Counter[Any] = Counter()
        self.of = of

    def __call__(self, architecture: Any) -> float:
        self.calls[architecture] += 1
        return self.of(architecture)


VERBS = [search, random_search]
budgets = st.integers(1, 120)


@given(budgets, st.integers(0, 2**32), st.sampled_from(VERBS), st.integers(1, 4), st.integers(2, 3))
def test_the_account_of_every_search(budget, seed, verb, places, letters):
    space, score = Toy(places, letters), Counted(lambda a: sum(a) % 4)
    found = verb(space, score=score, evaluations=budget, seed=seed)
    assert set(score.calls.values()) == {1}, "an architecture was scored twice"
    assert [step.architecture for step in found.history] == list(score.calls)
    assert found.evaluations == min(budget, space.size) or found.stopped_by == "exhausted"
    assert found.requests >= found.evaluations
    scores = [step.score for step in found.history]
    assert scores == [sum(a) % 4 for a in score.calls]
    assert [step.best for step in found.history] == list(np.maximum.accumulate(scores))
    assert found.score == max(scores)
    assert found.architecture == found.history[scores.index(max(scores))].architecture
    assert found.tied == tuple(a for a in score.calls if sum(a) % 4 == max(scores))
    assert [step.evaluation for step in found.history] == list(range(1, len(scores) + 1))
    assert found.curve() == ([s.evaluation for s in found.history], [s.best for s in found.history])
    again = verb(space, score=Counted(lambda a: sum(a) % 4), evaluations=budget, seed=seed)
    assert again == found


@given(st.integers(0, 2**32), st.sampled_from(VERBS))
def test_a_whole_space_gives_its_best(seed, verb):
    space = Toy(3, 2)
    values = {a: float(v) for a, v in zip(space.all(), np.random.default_rng(seed).normal(size=8), strict=True)}
    found = verb(space, score=values.__getitem__, evaluations=100, seed=seed)
    assert (found.stopped_by, found.evaluations, found.status) == ("exhausted", 8, Status.COMPLETE)
    assert found.score == max(values.values())


def test_children_differ_from_a_scored_parent_in_one_choice():
    space = Toy(8, 4)
    found = search(space, score=sum, evaluations=200, seed=3)
    origins = Counter(step.origin for step in found.history)
    assert set(origins) == {"random", "mutation", "crossover"}
    assert [step.origin for step in found.history[:30]] == ["random"] * 30
    for i, step in enumerate(found.history):
        if step.origin == "mutation":
            near = set(space.neighbours(step.architecture))
            assert any(before.architecture in near for before in found.history[:i])


def test_evolution_is_better_than_chance_where_neighbours_are_alike():
    space = Toy(12, 4)
    pairs = [[verb(space, score=sum, evaluations=300, seed=seed).score for verb in VERBS] for seed in range(5)]
    assert all(evolved > drawn for evolved, drawn in pairs)
    assert max(evolved for evolved, _ in pairs) == 36


def test_the_settings_are_used():
    space, calls = Toy(10, 3), Counted()
    search(space, score=calls, evaluations=5, population=5, tournament=1, mutations=1, seed=0)
    rng = np.random.default_rng(0)
    assert list(calls.calls) == [space.sample(rng) for _ in range(5)]
    greedy = search(space, score=sum, evaluations=60, population=1, tournament=1, mutations=18, seed=1)
    assert greedy.settings["population"] == 1
    assert greedy.history[0].origin == "random"
    assert greedy.score > greedy.history[0].score


@pytest.mark.parametrize("verb", VERBS)
def test_the_time_limit_keeps_what_was_done(verb):
    def slow(architecture: Any) -> float:
        time.sleep(0.03)
        return float(sum(architecture))

    found = verb(Toy(), score=slow, evaluations=700, time_limit=0.1)
    assert (found.status, found.stopped_by) == (Status.BUDGET, "time")
    assert 1 <= found.evaluations <= 4
    assert verb(Toy(), score=slow, time_limit=1e-9).evaluations == 1
    assert verb(Toy(), score=sum, evaluations=3, time_limit=math.inf).evaluations == 3


@pytest.mark.parametrize("verb", VERBS)
def test_ctrl_c_keeps_what_was_done(verb):
    def interrupted(at: int) -> Any:
        def score(architecture: Any) -> float:
            if len(seen) == at:
                raise KeyboardInterrupt
            seen.append(architecture)
            return float(sum(architecture))

        seen: list[Any] = []
        return score

    found = verb(Toy(), score=interrupted(40), evaluations=100)
    assert (found.status, found.stopped_by, found.evaluations) == (Status.INTERRUPTED, "interrupted", 40)
    whole = verb(Toy(), score=sum, evaluations=100)
    assert found.history == whole.history[:40]
    assert "interrupted" in str(found)
    with pytest.raises(KeyboardInterrupt):
        verb(Toy(), score=interrupted(0))


def test_progress_is_told():
    told: list[tuple[float, int]] = []
    search(Toy(), score=sum, evaluations=40, progress=lambda *facts: told.append(facts))
    assert told == [(k / 40, k) for k in range(1, 41)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"evaluations": 0}, "evaluations must be a positive whole number, got 0"),
        ({"evaluations": 10, "population": 11}, r"population must be at most evaluations \(10\), got 11"),
        ({"population": 4, "tournament": 5}, "tournament must be a whole number from 1 to 4, got 5"),
        ({"mutations": 0}, "mutations must be a positive whole number, got 0"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"seed": True}, "seed must be a whole number from 0"),
        ({"time_limit": 0}, "time_limit must be a positive number of seconds, got 0"),
        ({"time_limit": "1"}, "time_limit must be a number, got '1'"),
        ({"score": 3}, "score must be a function of an architecture or None, got 3"),
        ({"progress": 3}, "progress must be a function"),
        ({"score": lambda a: math.nan}, "score: it is not a number for the architecture '"),
        ({"score": lambda a: "much"}, "score must be a number, got 'much'"),
        ({"size_target": -3}, "size_target must be a positive number of parameters, got -3"),
        ({"size_target": 10, "size_width": 0}, "size_width must be a positive number of parameters, got 0"),
        ({"size_width": 10}, "size_width goes with size_target, got 10 alone"),
        ({"size_target": 10, "size_network": "all"}, "size_network must be one of full, proxy, got 'all'"),
        ({"size_target": 10, "score": lambda a: 0.0}, "score: 0.0 has no logarithm"),
    ],
)
def test_mistakes(arguments, message):
    with pytest.raises(InputError, match=message):
        search(Toy(), **({"score": sum} | arguments))


@settings(max_examples=20)
@given(st.integers(1, 300), st.none() | st.integers(1, 300), st.sampled_from(["full", "proxy"]), st.integers(0, 99))
def test_a_size_target_is_the_logarithm_of_the_regularised_score(target, width, network, seed):
    space = Toy()
    size = {"size_target": target, "size_width": width, "size_network": network}
    found = random_search(space, score=lambda a: 1 + sum(a), evaluations=12, seed=seed, **size)
    sigma = (target / 4 if width is None else width) ** 2
    for step in found.history:
        model = space.build(step.architecture, proxy=network == "proxy")
        theta = sum(p.numel() for p in model.parameters())
        assert step.score == pytest.approx(math.log(1 + sum(step.architecture)) - (theta - target) ** 2 / sigma)
    assert found.settings["size_target"] == {"target": target, "width": sigma**0.5, "network": network}


def test_a_far_target_still_ranks():
    # exp(-(Theta - mu)^2 / sigma) is 0 in float64 for every one of these; the logarithm is not.
    found = search(Toy(), score=lambda a: 1 + sum(a), size_target=1e9, size_width=1.0, evaluations=300, seed=0)
    assert found.architecture == (2,) * 6
    assert found.parameters == network_parameters(Toy(), (2,) * 6) == 4 * 121 + 1
    assert found.proxy_parameters == 4 * 13 + 1


def test_a_size_target_leads_to_the_size():
    sizes = [search(Toy(), score=lambda a: 2, size_target=t, evaluations=150).parameters for t in (85, 405)]
    assert sizes == [85, 405]
    assert SizeTarget(200).term(250) == -1.0


@pytest.mark.parametrize("name", ["nb201", "darts", "digits"])
def test_parameters_are_counted_on_the_network_that_is_scored(name):
    space = find_space(name)
    for seed in range(3):
        architecture = space.sample(np.random.default_rng(seed))
        state = torch.get_rng_state()
        assert ParameterObjective(space)(architecture) == sum(p.numel() for p in space.build(architecture).parameters())
        assert torch.equal(torch.get_rng_state(), state)


def test_the_full_network_of_a_space_with_proxies():
    space = find_space("nb201")
    cell = space.sample(np.random.default_rng(0))
    full = sum(p.numel() for p in space.build(cell, proxy=False).parameters())
    assert network_parameters(space, cell) == full > network_parameters(space, cell, network="proxy")


def test_the_score_by_default():
    space = find_space("digits")
    numpy_before, torch_before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    found = search(space, evaluations=4, seed=7)
    assert (np.random.get_state()[1] == numpy_before).all()  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torch_before)
    assert found.objective == "SWAP-Score"
    for step in found.history[::-1]:  # in another order
        model = space.build(step.architecture)
        score = swap_score(model, space.probe(32), init="gaussian", repeats=2, seed=7, companions=False)
        assert step.score == score.value
    assert SwapObjective(space, samples=4, repeats=1)(found.architecture) <= 16


def test_records_as_text_and_json():
    found = search(Toy(), score=sum, evaluations=60, seed=0)
    facts = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert facts["architecture"] == found.text
    assert facts["evaluations"] == 60
    assert facts["settings"]["population"] == 30
    rows = list(csv.DictReader(io.StringIO(found.to_csv())))
    assert [r["architecture"] for r in rows] == [s.text for s in found.history]
    assert [float(r["best"]) for r in rows] == [s.best for s in found.history]
    lines = str(found).splitlines()
    assert lines[0] == f"found   {found.text}"
    assert f"{found.parameters:,} parameters" in lines[2]
    assert "60 architectures scored" in lines[3]
    assert lines[4] == "status  complete: all evaluations were used"
    minus = random_search(Toy(), score=lambda a: -math.inf, evaluations=2)
    assert json.loads(json.dumps(minus.as_dict(), allow_nan=False))["score"] is None
    assert "2 architectures tie" in str(minus)


accuracies = st.lists(st.integers(0, 12), min_size=9, max_size=9)


@settings(max_examples=50)
@given(accuracies, accuracies, st.integers(1, 9), st.integers(0, 99))
def test_a_report_against_its_definitions(truth, scores, evaluations, seed):
    space = Toy(2, 3)
    members = tuple(space.all())
    table = Table("toy", members, np.array(truth, dtype=float))
    found = random_search(
        space, score=dict(zip(members, scores, strict=True)).__getitem__, evaluations=evaluations, seed=seed
    )
    tied = [truth[members.index(s.architecture)] for s in found.history if s.score == found.score]
    said = report(found, table)
    assert said.tied == len(tied)
    assert said.accuracy == pytest.approx(np.mean(tied))
    assert said.rank == pytest.approx(np.mean([1 + sum(t > a for t in truth) for a in tied]))
    percentiles = [100 * (sum(t < a for t in truth) + sum(t == a for t in truth) / 2) / 9 for a in tied]
    assert said.percentile == pytest.approx(np.mean(percentiles))
    assert said.regret == pytest.approx(max(truth) - np.mean(tied))
    assert (said.of, said.best, said.missing) == (9, max(truth), 0)


def test_a_report_of_what_the_table_lacks():
    space = Toy(2, 2)
    found = random_search(space, score=lambda a: 1.0, evaluations=4)
    said = report(found, Table("toy", ((0, 1), (5, 5)), np.array([50.0, 90.0])))
    assert (said.accuracy, said.tied, said.missing, said.rank) == (50.0, 4, 3, 2.0)
    assert "(3 are not)" in str(said)
    with pytest.raises(InputError, match="table: it does not hold '"):
        report(found, Table("toy", ((5, 5),), np.array([1.0])))
    with pytest.raises(InputError, match="table: holds architectures of nb201, but the search was in toy"):
        report(found, Table("nb201", ((0, 1),), np.array([1.0])))


def toy_table(space: Toy) -> Table:
    truth = np.array([100 - abs(sum(a) - 8) - 0.1 * a[0] for a in space.all()])
    return Table("toy", tuple(space.all()), truth, source="toys")


def test_a_comparison_of_searches():
    space = Toy(6, 3)
    table, told = toy_table(space), []
    found = compare_searches(
        space,
        table,
        score=lambda seed: lambda a: table.accuracy[table.row(a)] if sum(a) % 2 else 95.0,
        evaluations=60,
        seeds=(5, 6),
        progress=lambda *facts: told.append(facts),
        population=10,
    )
    swap, drawn, size = found.methods
    assert [s.seed for s in swap.results] == [5, 6]
    assert {r.evaluations for s in found.methods for r in s.results} == {60}
    assert (drawn.results[0].method, size.results[0].objective) == ("random", "parameters")
    assert swap.results[0].settings["population"] == size.results[0].settings["population"] == 10
    assert size.results[0].score == max(step.score for step in size.results[0].history)
    assert swap.mean("accuracy") == pytest.approx(np.mean([r.accuracy for r in swap.reports]))
    assert swap.deviation("rank") == pytest.approx(np.std([r.rank for r in swap.reports], ddof=1))
    assert (found.best, found.rows, found.status) == (table.accuracy.max(), 729, Status.COMPLETE)
    assert found.average == pytest.approx(table.accuracy.mean())
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)
    facts = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert facts["methods"][0]["searches"][1]["table"]["accuracy"] == swap.reports[1].accuracy
    assert len(list(csv.reader(io.StringIO(found.to_csv())))) == 1 + 2 * 3 * 60
    assert "the best of the table" in str(found)
    one = compare_searches(space, table, score=lambda seed: sum, evaluations=20, seeds=(0,))
    json.dumps(one.as_dict(), allow_nan=False)
    assert "nan" not in str(one)


def test_a_comparison_that_is_cut_short():
    space = Toy(6, 3)
    table = toy_table(space)

    def late(seed: int) -> Any:
        def score(architecture: Any) -> float:
            if seed == 1:
                raise KeyboardInterrupt
            return float(sum(architecture))

        return score

    found = compare_searches(space, table, score=late, evaluations=20, seeds=(0, 1, 2))
    assert (found.status, found.seeds) == (Status.INTERRUPTED, (0,))
    with pytest.raises(KeyboardInterrupt):
        compare_searches(space, table, score=late, evaluations=20, seeds=(1,))
    assert found.unfinished == ()  # Ctrl-C came before the second seed's first score
    with pytest.raises(InputError, match="seeds must be different numbers"):
        compare_searches(space, table, seeds=(1, 1))
    with pytest.raises(InputError, match=r"table: holds 3 of the 729 architectures of toy"):
        compare_searches(space, table.take([0, 1, 2]))


def test_a_comparison_tells_what_the_time_was_enough_for():
    space = Toy(6, 3)
    table = toy_table(space)
    short = compare_searches(space, table, score=lambda seed: sum, time_limit=1e-9)
    assert (short.status, short.seeds, short.methods) == (Status.BUDGET, (), ())
    (part,) = short.unfinished
    assert (part.method, part.result.evaluations, part.result.seed) == ("SWAP-NAS", 1, 0)
    assert part.report == report(part.result, table)
    assert "no seed finished" in str(short)
    assert "SWAP-NAS, seed 0 (1 architecture scored, cut short): best so far, accuracy" in str(short)
    facts = json.loads(json.dumps(short.as_dict(), allow_nan=False))
    assert facts["unfinished"][0]["table"]["accuracy"] == part.report.accuracy
    assert len(list(csv.reader(io.StringIO(short.to_csv())))) == 2

    def slow_from(second: int) -> Any:
        return lambda seed: lambda a: time.sleep(0.02 if seed >= second else 0) or float(sum(a))

    began = time.monotonic()
    found = compare_searches(
        space, table, score=slow_from(1), evaluations=20, seeds=(0, 1, 2), time_limit=0.6, population=5
    )
    assert time.monotonic() - began < 2.0
    assert (found.status, found.seeds) == (Status.BUDGET, (0,))
    assert [part.method for part in found.unfinished] == ["SWAP-NAS", "random search by SWAP"]
    whole, cut = (part.result.status for part in found.unfinished)
    assert (whole, cut) == (Status.COMPLETE, Status.BUDGET)
    assert "SWAP-NAS, seed 1 (20 architectures scored): accuracy" in str(found)
    lines = list(csv.reader(io.StringIO(found.to_csv())))
    assert len(lines) == 1 + 3 * 20 + sum(part.result.evaluations for part in found.unfinished)


def test_ctrl_c_in_a_comparison_keeps_the_searches_before_it():
    space, calls = Toy(6, 3), []

    def score(architecture: Any) -> float:
        calls.append(architecture)
        if len(calls) > 27:
            raise KeyboardInterrupt
        return float(sum(architecture))

    found = compare_searches(space, toy_table(space), score=lambda seed: score, evaluations=20, seeds=(3,))
    assert (found.status, found.seeds) == (Status.INTERRUPTED, ())
    assert [part.result.evaluations for part in found.unfinished] == [20, 7]


@pytest.mark.skipif(not NB201.exists(), reason="the NAS-Bench-201 table is not here")
def test_the_largest_cell_of_nb201_and_its_rank():
    space, table = find_space("nb201"), read_table("nb201", NB201)
    found = search(space, score=lambda cell: 8.0 * cell.count("nor_conv_3x3") + cell.count("nor_conv_1x1"))
    assert found.architecture == ("nor_conv_3x3",) * 6
    said = report(found, table)
    accuracy = table.accuracy[table.architectures.index(found.architecture)]
    assert (said.accuracy, said.tied) == (accuracy, 1)
    assert said.rank == 1 + sum(a > accuracy for a in table.accuracy)
    oracle = report(search(space, score=lambda cell: table.accuracy[table.row(cell)]), table)
    assert oracle.rank < 100
