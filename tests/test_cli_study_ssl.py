"""`linregions study ssl` and `study supervised` on the command line."""

from __future__ import annotations

import csv
import json

import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")
from linregions.cli import main
from linregions.cli.arguments import parser
from linregions.cli.study import command_of
from linregions.studies.folder import read_study
from linregions.studies.ssl import report

SMALL = "--seeds 1 --steps 8 --batch 32 --checkpoints 3 --encoder 8,8 --slices 2 --train 100 --held 60 --resamples 20"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(report, "_pictures", lambda *_: {})
    monkeypatch.setattr("linregions.studies.supervised_report._picture", lambda *_: b"")


def run(capsys, line):
    code = main(["study", *line.split()])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_study_of_methods_and_its_report(tmp_path, capsys):
    line = f"ssl --data digits --out {tmp_path}/s --methods supervised,simclr {SMALL}"
    code, out, err = run(capsys, line)
    assert (code, err) == (0, "")
    assert "2 of 2 runs measured" in out
    code, out, _ = run(capsys, f"{line} --json")
    assert code == 0
    assert json.loads(out)["claims"]["runs"] == 2
    (tmp_path / "s" / "report.md").unlink()
    code, out, _ = run(capsys, f"report {tmp_path}/s")
    assert code == 0
    assert "(b) self-supervised methods make substantially fewer regions" in out
    assert f"linregions study {line}" in (tmp_path / "s" / "report.md").read_text()
    code, out, err = run(capsys, f"{line} --pad 1")
    assert (code, out) == (2, "")
    assert "holds a study with pad None, and 1.0 is asked for" in err
    code, out, err = run(capsys, f"supervised --data digits --out {tmp_path}/s {SMALL}")
    assert code == 2
    assert "holds a ssl study, not a supervised study" in err


def test_the_supervised_story_and_its_report(tmp_path, capsys):
    line = f"supervised --data digits --out {tmp_path}/s {SMALL}"
    code, out, err = run(capsys, line)
    assert (code, err) == (0, "")
    assert "N near the data: end / start" in out
    code, out, _ = run(capsys, f"report {tmp_path}/s --json")
    assert code == 0
    assert json.loads(out)["findings"]["runs"] == 1
    text = (tmp_path / "s" / "report.md").read_text()
    assert "hold in 18 of 18 partitions" in text
    assert "nothing here is a reproduction" in text
    table = list(csv.DictReader((tmp_path / "s" / "table.csv").open()))
    (row,) = read_study(tmp_path / "s")[1].values()
    assert [int(line["step"]) for line in table] == [point["step"] for point in row["checkpoints"]]
    for line, point in zip(table, row["checkpoints"], strict=True):
        assert (int(line["seed"]), float(line["accuracy_held"])) == (0, point["accuracy_held"])
        counts = point["slices"]["n_regions"]  # two slices of each kind: near, noise, far
        means = [float(line[f"n_regions{ending}"]) for ending in ("", "_noise", "_far")]
        assert means == pytest.approx([(counts[k] + counts[k + 1]) / 2 for k in (0, 2, 4)])


def test_interrupted(tmp_path, capsys, monkeypatch):
    def stop(task):
        raise KeyboardInterrupt

    monkeypatch.setattr("linregions.studies.ssl.run.measure", stop)
    code, out, _ = run(capsys, f"ssl --data digits --out {tmp_path}/s --methods supervised {SMALL}")
    assert code == 130
    assert "interrupted; the same command goes on from there" in out


def test_when_every_run_fails(tmp_path, capsys, monkeypatch):
    wrong = {"method": "simclr", "family": "contrastive", "seed": 0, "error": "loss: no number"}
    monkeypatch.setattr("linregions.studies.ssl.run.measure", lambda task: (task.key, wrong))
    code, out, err = run(capsys, f"ssl --data digits --out {tmp_path}/s --methods simclr {SMALL}")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "none of the 1 runs" in err


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("ssl --out x", "--data"),
        ("ssl --data digits", "--out"),
        ("ssl --data nowhere.npz --out x", "nowhere.npz"),
        ("ssl --data mnist --root nowhere --out x", "nowhere"),
        ("ssl --data digits --out x --methods swav", "swav"),
        ("ssl --data digits --out x --steps 0", "positive integer"),
        ("ssl --data digits --out x --encoder 8,zero", "widths such as 128,64"),
        ("supervised --data digits --out x --pad 3", "--pad"),
        ("supervised --data digits --out x --train 2 --batch 16", "--train: a batch of 16 does not fit into 2 images"),
        ("ssl --data digits --out x --train 2", "give --train 256 or more, or --batch 2 or less"),
        ("ssl --data digits --out x --train 9999", "--train must be a whole number from 1 to 1437, got 9999"),
        ("supervised --data digits --out x --held 1", "--held: 1 held-out image is of one class"),
        ("supervised --data digits --out x --held 1", "give a larger --held N"),
        ("supervised --data digits --out x --slices 99999", "--slices must be a whole number from 1 to 64, got 99999"),
        ("ssl --data digits --out x --slices 99999", "--slices must be a whole number from 1 to 64, got 99999"),
        ("ssl --data digits --out x --batch 1", "--batch must be a whole number from 2, got 1"),
        ("ssl --data digits --out x --methods swav", "--methods: must be one of"),
        ("ssl --data mnist --out x", "files: --root DIR"),
        ("ssl --data digits --out x --encoder resnet", "--encoder: must be"),
        ("swap --space digits --out x --samples 1", "--samples must be at least 2, got 1"),
    ],
)
def test_bad_input_is_one_line(capsys, line, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, line)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert not (tmp_path / "x").exists()


def test_the_command_in_the_report_is_the_one_given():
    line = (
        "study ssl --data mnist --root d --out o --methods supervised,simclr --seeds 3 --encoder 8,8 --pad 2.0 --seed 1"
    )
    assert command_of(parser().parse_args(line.split())) == f"linregions {line}"
