"""`linregions search`."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from linregions.cli import main

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from linregions.scores.searching import SwapObjective, search
from linregions.scores.spaces import find_space


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["search", *words])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up table of all cells: 90 percent and a little more for every convolution."""
    rows = ["op_0_1,op_0_2,op_1_2,op_0_3,op_1_3,op_2_3,seeds,mean_test_acc,test_accs"]
    for cell in find_space("nb201").all():
        accuracy = 90 + 0.5 * sum("conv" in operation for operation in cell)
        rows.append(f"{','.join(cell)},1,{accuracy},{accuracy}")
    path = tmp_path_factory.mktemp("tables") / "all.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def test_a_search_and_its_files(capsys, tmp_path):
    out_dir = tmp_path / "found"
    words = ("--space", "digits", "--evaluations", "6", "--seed", "3", "--size-target", "2e3", "--out", str(out_dir))
    code, out, err = told(capsys, *words)
    assert (code, err) == (0, "")
    expected = search(find_space("digits"), evaluations=6, seed=3, size_target=2e3)
    assert out.splitlines()[0] == f"found   {expected.text}"
    facts = json.loads((out_dir / "result.json").read_text())
    assert (facts["architecture"], facts["evaluations"], facts["table"]) == (expected.text, 6, None)
    assert facts["settings"]["size_target"] == {"target": 2000.0, "width": 500.0, "network": "full"}
    with (out_dir / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(r["architecture"], float(r["score"])) for r in rows] == [(s.text, s.score) for s in expected.history]
    before = {path.name: path.read_bytes() for path in out_dir.iterdir()}
    code, out, err = told(capsys, *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "is not empty, and nothing in it is overwritten; give a new or an empty folder" in err
    assert {path.name: path.read_bytes() for path in out_dir.iterdir()} == before
    code, out, _ = told(capsys, *words[:-1], str(tmp_path / "again"), "--json")
    assert json.loads(out)["score"] == expected.score


def test_looked_up_in_a_table(capsys, table):
    code, out, err = told(capsys, "--space", "nb201", "--evaluations", "4", "--table", str(table), "--json")
    assert (code, err) == (0, "")
    facts = json.loads(out)
    cell = find_space("nb201").parse(facts["architecture"])
    assert facts["table"]["accuracy"] == 90 + 0.5 * sum("conv" in operation for operation in cell)
    assert facts["table"]["of"] == 15625


def test_a_table_that_does_not_hold_it(capsys, tmp_path):
    file = tmp_path / "digits.csv"
    net = "none|none|none|skip|none|none width 4 depth 1 relu"
    file.write_text(f"architecture,seeds,mean_test_acc,test_accs\n{net},1,20.0,20.0\n")
    code, out, _ = told(capsys, "--space", "digits", "--evaluations", "2", "--table", str(file))
    assert code == 0
    assert "table   does not hold it: 1 architectures" in out


def test_a_comparison(capsys, table, tmp_path):
    out_dir = tmp_path / "compared"
    words = ("--space", "nb201", "--table", str(table), "--compare", "--seeds", "2", "--evaluations", "3")
    code, out, err = told(capsys, *words, "--out", str(out_dir))
    assert (code, err) == (0, "")
    for name in ("SWAP-NAS", "random search by SWAP", "evolution by parameters", "the best of the table"):
        assert f"\n{name} " in out
    facts = json.loads((out_dir / "result.json").read_text())
    assert (facts["best"], facts["seeds"], len(facts["methods"])) == (93.0, [0, 1], 3)
    means = [np.mean([s["table"]["accuracy"] for s in m["searches"]]) for m in facts["methods"]]
    assert [m["accuracy"] for m in facts["methods"]] == pytest.approx(means)
    with (out_dir / "history.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 3 * 2 * 3


def test_the_time_limit_has_its_exit_status(capsys):
    code, out, _ = told(capsys, "--space", "digits", "--time-limit", "1e-6", "--json")
    facts = json.loads(out)
    assert (code, facts["status"], facts["evaluations"]) == (3, "budget", 1)


def test_a_comparison_that_runs_out_of_time(capsys, table, tmp_path):
    words = ("--space", "nb201", "--table", str(table), "--compare", "--time-limit", "1e-6")
    code, out, err = told(capsys, *words, "--out", str(tmp_path / "found"))
    assert (code, err) == (3, "")
    assert "SWAP-NAS, seed 0 (1 architecture scored, cut short): best so far, accuracy" in out
    assert out.rstrip().endswith("; budget")
    assert json.loads((tmp_path / "found" / "result.json").read_text())["status"] == "budget"
    code, out, _ = told(capsys, *words, "--json")
    assert (code, json.loads(out)["unfinished"][0]["evaluations"]) == (3, 1)


def test_ctrl_c_prints_what_was_found(capsys, monkeypatch):
    scores = iter([3.0, 5.0, 4.0])

    def interrupted(objective: SwapObjective, architecture: object) -> float:
        try:
            return next(scores)
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr(SwapObjective, "__call__", interrupted)
    code, out, _ = told(capsys, "--space", "digits", "--json")
    facts = json.loads(out)
    assert (code, facts["status"], facts["evaluations"], facts["score"]) == (130, "interrupted", 3, 5.0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "--space"),
        (["--space", "resnet"], "invalid choice"),
        (["--space", "nb201", "--compare"], "--compare needs --table FILE"),
        (["--space", "nb201", "--seeds", "2"], "--seeds goes with --compare"),
        (["--space", "nb201", "--size-width", "2"], "--size-width goes with --size-target N"),
        (["--space", "nb201", "--size-network", "full"], "--size-network goes with --size-target N"),
        (["--space", "nb201", "--evaluations", "0"], "expected a positive integer"),
        (["--space", "nb201", "--table", "nothing.csv"], "nothing.csv: cannot be read"),
        (["--space", "digits", "--out", "no/such/place"], "--out: no/such/place cannot be made a folder"),
    ],
)
def test_mistakes(capsys, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    code, out, err = told(capsys, *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_help(capsys):
    code, out, err = told(capsys, "--help")
    assert (code, err) == (0, "")
    assert "--size-target" in out
