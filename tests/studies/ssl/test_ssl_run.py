"""The study runs on digits: rows, resuming, Ctrl-C, and what it refuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")
from linregions import enumerate_regions
from linregions.errors import InputError
from linregions.partition import Status
from linregions.readers import read_torch
from linregions.studies.datasets import load
from linregions.studies.folder import read_study
from linregions.studies.ssl import run as study
from linregions.studies.ssl.checkpoint import finite
from linregions.studies.ssl.encoders import build_encoder

TINY = {
    "methods": ["supervised", "byol-collapse"],
    "seeds": 2,
    "steps": 20,
    "checkpoints": 4,
    "batch": 64,
    "encoder": [12, 12],
    "slices": {"classes": 2, "noise": 1},
    "train": 200,
    "held": 60,
    "resamples": 20,
}


def without_times(row):
    return {name: value for name, value in row.items() if name not in ("seconds", "core_seconds", "times")}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    path = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study, "write_report", _no_pictures)
        return study.run("digits", out=path, **TINY)


def _no_pictures(out, *, resamples, progress):
    from linregions.studies.ssl import report

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "_pictures", lambda *_: {})
        return report.write_report(out, resamples=resamples, progress=progress)


def test_a_study_has_all_rows_and_numbers(done):
    assert (done.status, done.done, done.asked, done.failed) == (Status.COMPLETE, 4, 4, 0)
    manifest, rows = read_study(done.folder)
    assert list(rows) == ["supervised/0", "byol-collapse/0", "supervised/1", "byol-collapse/1"]
    for row in rows.values():
        assert [point["step"] for point in row["checkpoints"]] == manifest.settings["checkpoints"]
        for k, point in enumerate(row["checkpoints"]):
            assert {"knn", "ncm", "probe", "std", "effective_rank", "dist_boundary", "local_complexity"} <= set(point)
            assert point["slices"]["identities_hold"] == [True] * 3
            assert len(point["overlay"]) == (k > 0)
            for each in point["overlay"]:
                assert each["merge"] - each["split"] == pytest.approx(each["h_before"] - each["h_after"], abs=1e-9)
            assert [value is None for value in point["slices"]["jump_relative"]] == [False, False, True]
        assert ["histograms" in point for point in row["checkpoints"]] == [True, False, False, True]
    assert (done.folder / "report.html").exists()
    assert (done.folder / "partitions" / "supervised-0.npz").exists()
    assert not (done.folder / "partitions" / "supervised-1.npz").exists()
    json.dumps(done.as_dict(), allow_nan=False)
    assert "4 of 4 runs measured" in str(done)


def test_all_methods_of_a_seed_begin_with_the_same_weights(done):
    rows = read_study(done.folder)[1]
    first = {key: row["checkpoints"][0] for key, row in rows.items()}
    a, b, c = first["supervised/0"], first["byol-collapse/0"], first["supervised/1"]
    assert a["slices"] == b["slices"]
    assert a["knn"] == b["knn"]
    assert a["slices"]["n_regions"] != c["slices"]["n_regions"]


def test_counts_are_those_of_the_engine(done):
    """The row of step 0 from the start: the encoder built again, read whole, enumerated on planes drawn again."""
    from linregions.slicing import slices

    images = load("digits", train=200, held=60, seed=0)
    network = read_torch(build_encoder([12, 12], images.shape, seed=1), input_shape=(1, 8, 8))
    planes = slices(images.held, images.held_labels, count=2, kind="classes", seed=0)
    counts = [len(enumerate_regions(network, each.plane)) for each in planes]
    assert read_study(done.folder)[1]["supervised/1"]["checkpoints"][0]["slices"]["n_regions"][:2] == counts


def test_a_study_goes_on_where_it_stopped(done, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "write_report", _no_pictures)
    seen, real = [], study.measure

    def stopped(task):
        seen.append(task.key)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return real(task)

    monkeypatch.setattr(study, "measure", stopped)
    first = study.run("digits", out=tmp_path, **TINY)
    assert (first.status, first.done, first.claims) == (Status.INTERRUPTED, 2, None)
    assert "the same command goes on" in str(first)
    again = study.run("digits", out=tmp_path, **TINY)
    assert seen == ["supervised/0", "byol-collapse/0", "supervised/1", "supervised/1", "byol-collapse/1"]
    assert again.status is Status.COMPLETE
    rows, whole = read_study(tmp_path)[1], read_study(done.folder)[1]
    assert {key: without_times(row) for key, row in rows.items()} == {k: without_times(r) for k, r in whole.items()}


@pytest.mark.slow
def test_a_killed_study_goes_on_with_the_same_rows(done, tmp_path):
    script = f"from linregions.studies.ssl import run\nrun.run('digits', out={str(tmp_path)!r}, **{TINY!r})"
    process = subprocess.Popen([sys.executable, "-c", script])
    rows = tmp_path / "rows.jsonl"
    for _ in range(600):
        if rows.exists() and rows.stat().st_size:
            break
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = rows.read_bytes()
    study.run("digits", out=tmp_path, **TINY)
    assert rows.read_bytes().startswith(before[: before.rfind(b"\n") + 1])
    whole = read_study(done.folder)[1]
    assert {k: without_times(r) for k, r in read_study(tmp_path)[1].items()} == {
        k: without_times(r) for k, r in whole.items()
    }


def test_what_cannot_be_measured_is_a_row_that_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(study, "write_report", _no_pictures)
    small = TINY | {"seeds": 1, "methods": ["supervised"]}
    monkeypatch.setattr("linregions.studies.ssl.checkpoint.identities", lambda p: Broken)
    found = study.run("digits", out=tmp_path, **small)
    assert (found.failed, found.claims) == (1, None)
    assert found.error == "identities of slice s0 at step 0: F = 2, but it is 3"


class Broken:
    holds, failures = False, ("F = 2, but it is 3",)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"data": "imagenet"}, "imagenet"),
        ({"methods": ["swav"]}, "swav"),
        ({"methods": []}, "methods: none was given"),
        ({"seeds": 0}, "seeds must be a positive whole number, got 0"),
        ({"steps": 0}, "steps must be"),
        ({"batch": 1}, "batch must be"),
        ({"checkpoints": [1, 20]}, "checkpoints: step 0 and the last one, 20, have to be among them"),
        ({"slices": {"noise": 2}}, "at least one has to go through the data"),
        ({"slices": {"cubes": 2}}, "cubes"),
        ({"workers": 0}, "workers must be"),
        ({"encoder": "resnet"}, "encoder"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, options, sentence):
    given = {"data": "digits", **TINY, **options}
    with pytest.raises(InputError, match=sentence):
        study.run(given.pop("data"), out=tmp_path / "s", **given)
    assert not (tmp_path / "s" / "rows.jsonl").exists()


def test_another_study_in_the_folder_is_refused(done, tmp_path):
    with pytest.raises(InputError, match=r"holds a study with steps 20, and 30 is asked for"):
        study.run("digits", out=done.folder, **TINY | {"steps": 30})
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(InputError, match="holds other files"):
        study.run("digits", out=tmp_path, **TINY)


def test_what_json_cannot_say_is_left_out():
    given = {"a": np.float64(1.5), "b": [np.nan, np.inf, np.int64(3)], "c": np.bool_(True), "d": None}
    assert finite(given) == {"a": 1.5, "b": [None, None, 3], "c": True, "d": None}


def test_checkpoints_are_spaced_in_the_logarithm():
    assert study.checkpoint_steps(600, 8) == (0, 6, 13, 28, 60, 129, 278, 600)
    assert study.checkpoint_steps(3, 12) == (0, 1, 2, 3)
    assert study.checkpoint_steps(9, [9, 0, 4]) == (0, 4, 9)
