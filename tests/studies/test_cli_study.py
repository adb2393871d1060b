"""`linregions study` on the command line."""

from __future__ import annotations

import functools
import json
import subprocess
import sys

import pytest
from studies.toy import Toy, fake, table

pytest.importorskip("torch")
pytest.importorskip("matplotlib")
from linregions import cli
from linregions.cli import main
from linregions.cli.arguments import parser
from linregions.cli.study import command_of
from linregions.studies import report, swap


@pytest.fixture
def toy(monkeypatch):
    """`--space darts` is the toy, and its table is made up."""

    class Named(Toy):
        name = "darts"

        def read_table(self, path):
            return table()

    monkeypatch.setattr(swap, "_found", lambda space: Named())
    monkeypatch.setattr(swap, "measure", fake)
    monkeypatch.setattr(report, "_picture", lambda *_: b"")
    few = functools.partial(report.write_report, resamples=30)
    monkeypatch.setattr(swap, "write_report", lambda out, resamples, progress: few(out, progress=progress))
    monkeypatch.setattr(cli.study, "write_report", few)


def run(capsys, *argv):
    code = main(["study", *argv])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_study_and_its_report(tmp_path, capsys, toy):
    (tmp_path / "t.csv").write_text("x")
    words = [
        "swap",
        "--space",
        "darts",
        "--table",
        str(tmp_path / "t.csv"),
        "--out",
        str(tmp_path / "s"),
        "--limit",
        "8",
    ]
    code, out, err = run(capsys, *words)
    assert (code, err) == (0, "")
    assert "8 of 8 networks measured" in out
    assert "SWAP" in out
    code, out, _ = run(capsys, *words, "--json")
    assert code == 0
    assert json.loads(out)["findings"]["n"] == 8
    (tmp_path / "s" / "report.md").unlink()
    code, out, _ = run(capsys, "report", str(tmp_path / "s"))
    assert code == 0
    assert "report: " in out
    assert "linregions study swap --space darts" in (tmp_path / "s" / "report.md").read_text()
    code, out, _ = run(capsys, "report", str(tmp_path / "s"), "--json")
    assert json.loads(out)["findings"]["n"] == 8
    code, _, err = run(capsys, *words, "--samples", "4")
    assert code == 2
    assert "asked for" in err


def test_interrupted(tmp_path, capsys, toy, monkeypatch):
    def stop(task):
        raise KeyboardInterrupt

    monkeypatch.setattr(swap, "measure", stop)
    (tmp_path / "t.csv").write_text("x")
    words = ["swap", "--space", "darts", "--table", str(tmp_path / "t.csv"), "--out", str(tmp_path / "s")]
    code, out, _ = run(capsys, *words)
    assert code == 130
    assert "interrupted; the same command goes on from there" in out


def test_when_every_network_fails(tmp_path, capsys, toy, monkeypatch):
    monkeypatch.setattr(swap, "measure", lambda task: (task.key, {"architecture": task.text, "error": "data: bad"}))
    (tmp_path / "t.csv").write_text("x")
    words = ["swap", "--space", "darts", "--table", str(tmp_path / "t.csv"), "--out", str(tmp_path / "s")]
    code, out, err = run(capsys, *words, "--limit", "5")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "none of the 5 networks" in err
    assert "the first one because of data: bad" in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["swap", "--out", "x"], "--space"),
        (["swap", "--space", "imagenet", "--out", "x"], "invalid choice"),
        (["swap", "--space", "darts", "--out", "x", "--samples", "0"], "positive integer"),
        ([], "STUDY"),
        (["report", "nowhere"], "holds no study"),
    ],
)
def test_bad_input_is_one_line(capsys, words, sentence):
    code, out, err = run(capsys, *words)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


def test_the_command_in_the_report_is_the_one_given():
    line = "study swap --space darts --table t.csv --out o --limit 9 --seed 3 --ablate noise --workers 2 --baselines"
    assert command_of(parser().parse_args(line.split())) == f"linregions {line}"


def test_help_imports_nothing_heavy():
    code = "from linregions.cli import main; main(['study', 'swap', '--help'])"
    script = f"{code}\nimport sys\nassert not {{'numpy', 'torch', 'matplotlib'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
