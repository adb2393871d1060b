"""The study of SWAP: what is measured, resumed and reported; on made-up rows, and on real networks of a toy space."""

from __future__ import annotations

import csv
import itertools
import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from studies.toy import Table, Toy, fake, table

from linregions.errors import InputError
from linregions.partition import Status
from linregions.studies import report, swap
from linregions.studies.folder import read_study
from linregions.studies.ranking import findings
from linregions.studies.report import LABELS, write_report
from linregions.studies.sentences import sentences

pytest.importorskip("torch")
pytest.importorskip("matplotlib")
FAST = {"resamples": 30}


@pytest.fixture
def quick(monkeypatch):
    """Rows in no time; says how many were measured."""
    measured = []

    def count(task):
        measured.append(task.key)
        return fake(task)

    monkeypatch.setattr(swap, "measure", count)
    return measured


@pytest.fixture
def drawn():
    """Asked for by the test that looks at the picture."""


@pytest.fixture(autouse=True)
def undrawn(request, monkeypatch):
    """Pictures take most of a report's time; one test draws its own."""
    if "drawn" not in request.fixturenames:
        monkeypatch.setattr(report, "_picture", lambda *_: b"\x89PNG")


@pytest.mark.usefixtures("drawn")
def test_a_study_leaves_rows_a_report_a_table_and_a_picture(tmp_path, quick):
    seen = []
    done = swap.run(
        Toy(), table=table(), out=tmp_path / "s", command="linregions x", progress=lambda *a: seen.append(a), **FAST
    )
    assert done.status is Status.COMPLETE
    assert (done.done, done.asked, len(quick)) == (40, 40, 40)
    assert [f for f, _ in seen] == sorted(f for f, _ in seen)
    assert seen[-1] == (1.0, 40)
    folder = tmp_path / "s"
    names = {p.name for p in folder.iterdir()}
    assert names >= {"manifest.json", "rows.jsonl", "report.md", "report.html", "table.csv", "scatter.png"}
    with open(folder / "table.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    truth = {Toy().text(net): value for net, value in zip(*table()[:2], strict=True)}
    assert {line["architecture"]: float(line["accuracy"]) for line in lines} == truth
    assert (folder / "scatter.png").read_bytes()[:4] == b"\x89PNG"
    text, page = (folder / "report.md").read_text(), (folder / "report.html").read_text()
    for content in (text, page):
        assert "linregions x" in content
        assert all(sentence.split()[0] in content for sentence in sentences(done.findings))
    assert 'src="data:image/png;base64,' in page
    assert not re.search(r"(src|href)=\"(?!data:)", page)  # needs no other file
    assert str(done).count("\n") > 10
    json.dumps(done.as_dict(), allow_nan=False)


def test_correlations_of_the_report_are_those_of_the_rows(tmp_path, quick):
    stats = pytest.importorskip("scipy.stats")
    found = swap.run(Toy(), table=table(), out=tmp_path, **FAST).findings
    rows = read_study(tmp_path)[1].values()
    for name in ("swap", "units", "nwot", "parameters", "width"):
        columns = [[row[key] for row in rows] for key in (name, "accuracy")]
        ranks = [stats.rankdata(c) for c in columns]
        assert found[name].spearman.value == pytest.approx(np.corrcoef(*ranks)[0, 1])
        assert found[name].kendall.value == pytest.approx(stats.kendalltau(*ranks)[0])
    assert found["standard"].spearman.reason == "the score is constant"
    assert found["swap"].given_units.defined
    assert found["units"].given_units is None
    with pytest.raises(InputError, match="'nothing' is not in the study"):
        found["nothing"]


def test_a_stopped_study_goes_on(tmp_path, monkeypatch):
    whole = swap_with(monkeypatch, tmp_path / "a", None)
    stopped = swap_with(monkeypatch, tmp_path / "b", 7)
    assert stopped.status is Status.INTERRUPTED
    assert stopped.done == 7
    assert stopped.findings is None
    assert "interrupted; the same command goes on" in str(stopped)
    resumed = swap_with(monkeypatch, tmp_path / "b", None)
    assert read_study(tmp_path / "a")[1] == read_study(tmp_path / "b")[1]
    assert resumed.findings == whole.findings
    for name in ("report.md", "report.html", "table.csv", "scatter.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def swap_with(monkeypatch, out, stop):
    left = [stop]

    def one(task):
        if left[0] is not None:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
        return fake(task)

    monkeypatch.setattr(swap, "measure", one)
    return swap.run(Toy(), table=table(), out=out, **FAST)


def test_a_larger_limit_goes_on_and_nothing_is_measured_twice(tmp_path, quick):
    small = swap.run(Toy(), table=table(), out=tmp_path, limit=10, **FAST)
    assert (small.asked, len(quick)) == (10, 10)
    large = swap.run(Toy(), table=table(), out=tmp_path, limit=25, **FAST)
    assert (large.asked, len(quick), len(set(quick))) == (25, 25, 25)
    assert large.findings.n == 25
    swap.run(Toy(), table=table(), out=tmp_path, limit=25, **FAST)
    assert len(quick) == 25


def test_the_report_is_made_again_from_the_folder(tmp_path, quick):
    swap.run(Toy(), table=table(), out=tmp_path, **FAST)
    before = (tmp_path / "report.md").read_bytes()
    (tmp_path / "report.md").unlink()
    write_report(tmp_path, **FAST)
    assert (tmp_path / "report.md").read_bytes() == before


def test_architectures_that_stand_twice_are_two_rows(tmp_path, quick):
    nets, truth, source = table(10)
    swap.run(Toy(), table=Table(nets + nets[:3], np.concatenate([truth, truth[:3] + 1]), source), out=tmp_path, **FAST)
    rows = read_study(tmp_path)[1]
    assert len(rows) == 13
    assert rows[f"{Toy().text(nets[0])} #2"]["accuracy"] == truth[0] + 1


def test_a_network_that_cannot_be_scored_is_counted(tmp_path, monkeypatch):
    bad = Toy().text(table().architectures[3])

    class Half(Toy):
        def build(self, architecture, *, seed=0):
            raise InputError("model: no activation was captured")

    from linregions.studies.measure import measure

    def one(task):
        return measure(replace(task, space=Half())) if task.text == bad else fake(task)

    monkeypatch.setattr(swap, "measure", one)
    done = swap.run(Toy(), table=table(), out=tmp_path, **FAST)
    assert (done.findings.n, done.findings.failed) == (39, 1)
    assert "1 could not be scored: model: no activation was captured" in (tmp_path / "report.md").read_text()
    assert (done.failed, done.as_dict()["failed"]) == (1, 1)
    assert done.as_dict()["error"] == "model: no activation was captured"
    assert "39 of 40 networks measured" in str(done)
    assert "1 network could not be scored, the first one because of model: no activation was captured" in str(done)


def test_a_study_of_networks_that_all_fail_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(swap, "measure", lambda task: (task.key, {"architecture": task.text, "error": "data: bad"}))
    done = swap.run(Toy(), table=table(), out=tmp_path, limit=6, **FAST)
    assert (done.failed, done.done, done.findings) == (6, 6, None)
    assert "0 of 6 networks measured" in str(done)
    assert "6 networks could not be scored, the first one because of data: bad" in str(done)


def test_any_other_error_is_passed_on_and_names_the_network(tmp_path):
    class Broken(Toy):
        def build(self, architecture, *, seed=0):
            raise ZeroDivisionError("in build")

    with pytest.raises(ZeroDivisionError) as caught:
        swap.run(Broken(), table=table(), out=tmp_path, **FAST)
    assert "while measuring" in caught.value.__notes__[0]
    assert read_study(tmp_path)[1] == {}


def test_a_space_that_trains_needs_no_table(tmp_path, quick):
    class Trained(Toy):
        def train(self, architecture, *, seed=0):
            return 20.0 * architecture.depth + architecture.width + seed

    def one(task):
        key, row = fake(task)
        return key, row | task.train(task.space.parse(task.text))

    swap.measure = one  # restored by the fixture
    done = swap.run(Trained(), out=tmp_path, limit=20, trainings=3, **FAST)
    assert done.asked == 20
    row = next(iter(read_study(tmp_path)[1].values()))
    assert row["accuracy"] == pytest.approx(np.mean(row["accuracies"]))
    assert len(row["accuracies"]) == 3
    assert done.findings.ceiling.value == pytest.approx(1.0)
    assert "Two trainings from different seeds rank the networks alike" in str(done)
    few = swap.run(Trained(), out=tmp_path / "few", limit=6, trainings=2, **FAST).findings.ceiling
    assert (few.low, few.high, few.reason) == (None, None, "6 objects are too few")
    with pytest.raises(InputError, match="holds a study with trainings 3, and 2 is asked for"):
        swap.run(Trained(), out=tmp_path, limit=20, trainings=2, **FAST)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"space": "darts2"}, "space: 'darts2' is not known"),
        ({"table": None}, "the study of toy compares with accuracies of trained networks; give a table"),
        ({"limit": 0}, "limit must be a positive whole number, got 0"),
        ({"samples": 1.5}, "samples must be a positive whole number"),
        ({"samples": 1}, "samples must be at least 2, got 1; one sample shows nothing to tell apart"),
        ({"repeats": 0}, "repeats must be"),
        ({"workers": 0}, "workers must be"),
        ({"seed": -1}, "seed must be a whole number from 0 to 9223372036854775807, got -1"),
        ({"ablate": "colour"}, "ablate must be one of noise, got 'colour'"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, quick, options, sentence):
    given = {"space": Toy(), "table": table(), "out": tmp_path / "s", **FAST} | options
    with pytest.raises(InputError, match=sentence):
        swap.run(given.pop("space"), **given)
    assert not quick


def test_settings_that_differ_are_refused(tmp_path, quick):
    swap.run(Toy(), table=table(), out=tmp_path, limit=6, **FAST)
    for options, name in (
        ({"samples": 8}, "samples 16, and 8 is asked for"),
        ({"repeats": 3}, "repeats 8, and 3"),
        ({"seed": 1}, "seed 0, and 1"),
        ({"ablate": "noise"}, "ablate None, and 'noise'"),
        ({"table": table(seed=1)}, "table"),
    ):
        with pytest.raises(InputError, match=name):
            swap.run(Toy(), out=tmp_path, **{"table": table(), "limit": 6, **FAST, **options})


def rows_of(columns):
    names = list(columns)
    return [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def made(swap_values, truth, units, **more):
    n = len(truth)
    columns = {"swap": swap_values, "accuracy": truth, "units": units, "limit": [10**6] * n, "seconds_pass": [0.1] * n}
    return rows_of({**columns, "per_repeat": [[v, v] for v in swap_values], **more})


ROLES = {"swap": "score", "units": "control", "parameters": "control"}
NAMES = {"labels": LABELS, **FAST}


def test_sentences_say_who_wins():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=200)
    good, bad = truth + 0.1 * rng.normal(size=200), truth + 2 * rng.normal(size=200)
    shift = 100.0
    first = sentences(findings(made(good + shift, truth, bad + shift, parameters=bad), ROLES, **NAMES))
    assert first[0].startswith("SWAP ranks better than every control")
    assert "not a count of units" in first[1]
    assert first[2].startswith("The score knows what the controls do not")
    worse = sentences(findings(made(bad + shift, truth, good + shift, parameters=bad), ROLES, **NAMES))
    assert worse[0].startswith("SWAP ranks worse than units V")
    same = sentences(findings(made(good + shift, truth, 2 * good + 2 * shift, parameters=bad), ROLES, **NAMES))
    assert same[0].startswith("No winner: on these 200 networks SWAP")
    assert "cannot be told apart" in same[0]
    assert same[1].startswith("Here the score is a count of units")
    assert "the controls determine the score" in same[1]


def test_few_networks_decide_nothing_given_the_units():
    truth = [1.0, 2, 3, 4, 5, 6]
    found = findings(made([10.0, 20, 30, 40, 60, 50], truth, [11, 21, 31, 41, 51, 61]), ROLES, **NAMES)
    assert found.with_units.value == pytest.approx(0.942857, abs=1e-6)
    assert sentences(found)[:3] == [
        "6 networks are too few for any conclusion: what follows describes them, and no others.",
        "6 networks are too few to say what ranks better: Spearman of SWAP 0.94 and units V 1.00.",
        "These 6 networks do not tell whether the score is a count of units: its Spearman correlation with V is 0.94 "
        "(no interval: 6 objects are too few).",
    ]
    found = replace(found, with_units=replace(found.with_units, value=0.99))
    column = replace(found["swap"], given_units=replace(found["swap"].top_half, value=0.3, low=None, high=None))
    found = replace(found, columns=(column, *found.columns[1:]))
    assert "too few to say what is left" in sentences(found)[2]


def test_a_wide_interval_does_not_deny_that_units_are_counted():
    rng = np.random.default_rng(0)
    truth, units, sizes = rng.normal(size=(3, 12))
    rows = made(10 + units + 0.4 * rng.normal(size=12), truth, 10 + units, parameters=sizes)
    found = findings(rows, ROLES, **NAMES)
    assert found.with_units.value < 0.95 < found.with_units.high
    text = "\n".join(sentences(found))
    assert "not a count" not in text
    assert f"count of units: its Spearman correlation with V, {found.with_units}, may be above 0.95." in text
    assert "12 networks are too few to say what the score knows beyond 2 controls" in text
    assert found["swap"].given_controls.low is None
    assert found["swap"].given_units.low is not None  # one control asks for ten


@pytest.mark.parametrize("n", [5, 9, 12, 19, 20])
def test_a_report_of_few_networks_begins_with_that(tmp_path, quick, n):
    done = swap.run(Toy(), table=table(), out=tmp_path, limit=n, **FAST)
    first = f"{n} networks are too few for any conclusion"
    assert sentences(done.findings)[0].startswith(first) == (n < 20)
    text = (tmp_path / "report.md").read_text()
    assert (first in text) == (n < 20)
    assert ("No intervals: " in text) == (n < 10)


def test_sentences_on_noise_and_saturation():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=200)
    good, bad = 100 + truth + 0.1 * rng.normal(size=200), truth + 3 * rng.normal(size=200)
    roles = ROLES | {"swap_noise": "ablation"}
    rows = made(good, truth, good / 0.95, parameters=truth, swap_noise=bad)
    found = findings([row | {"limit": row["units"]} for row in rows], roles, **NAMES)
    text = "\n".join(sentences(found))
    assert "the probe's structure matters" in text
    assert "on noise it lies below" in text
    assert "nearly every unit has a pattern of its own" in text
    rows = [row | {"limit": row["swap"] / 0.95, "units": 1e5 + row["swap"]} for row in made(good, truth, good)]
    assert "nearly all patterns that so few samples can show are there" in "\n".join(
        sentences(findings(rows, ROLES, **NAMES))
    )


def test_a_constant_score_and_too_few_rows():
    truth = np.arange(10.0)
    found = findings(made([5] * 10, truth, truth + 1, parameters=truth), ROLES, **NAMES)
    assert sentences(found)[1] == "The score has no rank correlation: the score is constant."
    with pytest.raises(InputError, match="4 networks are measured, and a report needs 5"):
        findings(made([1] * 4, truth[:4], truth[:4]), ROLES)


def test_missing_values_are_left_out_of_their_column_only():
    truth = np.arange(20.0)
    nwot = [None, -math.inf, *range(18)]
    found = findings(
        made(truth + 1, truth, truth + 1, parameters=truth, nwot=nwot), ROLES | {"nwot": "baseline"}, **NAMES
    )
    assert found["nwot"].spearman.n == 19
    assert found["nwot"].spearman.value == pytest.approx(1.0)
    assert found["swap"].spearman.n == 20


# From here on real networks are scored.


def test_real_networks_are_measured(tmp_path):
    small = {"samples": 6, "repeats": 2, "limit": 8, "ablate": "noise", "baselines": True, **FAST}
    swap.run(Toy(), table=table(), out=tmp_path / "a", **small)
    manifest, rows = read_study(tmp_path / "a")
    assert len(rows) == 8
    assert {"swap", "swap_1", "swap_noise", "units", "parameters", "flops", "depth", "nwot"} <= set(
        manifest.facts["roles"]
    )
    for row in rows.values():
        net = Toy().parse(row["architecture"])
        assert row["units"] == net.width * net.depth
        widths = [8] + [net.width] * net.depth + [3]
        assert row["parameters"] == sum((a + 1) * b for a, b in itertools.pairwise(widths))
        assert row["depth"] == net.depth + 1
        assert row["depth_of_architecture"] == net.depth
        assert row["limit"] == min(row["units"], 2**6)
        assert len(row["per_repeat"]) == 2
        assert row["swap"] == np.mean(row["per_repeat"]) <= row["limit"]
        assert row["swap_1"] == row["per_repeat"][0]
        assert all(name in row for name in ("synflow", "grad_norm", "snip", "jacobian_covariance"))
    swap.run(Toy(), table=table(), out=tmp_path / "b", **small)
    same = read_study(tmp_path / "b")[1]
    for key, row in rows.items():
        assert without_times(row) == without_times(same[key])


def without_times(row):
    return {name: value for name, value in row.items() if not name.startswith("seconds")}


def test_a_score_of_the_study_is_that_of_the_function(tmp_path):
    from linregions.scores.scoring.score import swap_score
    from linregions.studies.measure import seed_of

    swap.run(Toy(), table=table(), out=tmp_path, samples=6, repeats=3, limit=5, **FAST)
    for row in read_study(tmp_path)[1].values():
        seed = seed_of(0, row["architecture"])
        model = Toy().build(Toy().parse(row["architecture"]), seed=1)  # gaussian weights replace those of the build
        score = swap_score(model, Toy().probe(6, seed=0), repeats=3, init="gaussian", seed=seed)
        assert list(score.per_repeat) == row["per_repeat"]
        assert score.nwot == row["nwot"]


def test_own_weights_are_those_of_the_space(tmp_path, monkeypatch):
    from linregions.scores.scoring.score import swap_score
    from linregions.studies.measure import seed_of
    from linregions.studies.protocols import PROTOCOLS, Protocol

    monkeypatch.setitem(PROTOCOLS, "toy", Protocol(6, 2, "own", "eval", None, "accuracy", "noise"))
    swap.run(Toy(), table=table(), out=tmp_path, limit=5, **FAST)
    for row in read_study(tmp_path)[1].values():
        net, seed = Toy().parse(row["architecture"]), seed_of(0, row["architecture"])
        models = (Toy().build(net, seed=seed + k) for k in range(2))
        assert row["per_repeat"] == [swap_score(m, Toy().probe(6, seed=0)).per_repeat[0] for m in models]


@pytest.mark.slow
def test_worker_processes_find_the_same(tmp_path):
    pytest.importorskip("joblib")
    small = {"samples": 6, "repeats": 2, "limit": 6, **FAST}
    swap.run(Toy(), table=table(), out=tmp_path / "a", **small)
    swap.run(Toy(), table=table(), out=tmp_path / "b", workers=2, **small)
    one, two = (read_study(tmp_path / name)[1] for name in "ab")
    assert {key: without_times(row) for key, row in one.items()} == {
        key: without_times(row) for key, row in two.items()
    }
