"""The report of the study: every section and picture from rows alone, the same bytes every time."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from studies.ssl.made_rows import STEPS, rows

pytest.importorskip("matplotlib")
from linregions.errors import InputError
from linregions.studies.folder import Manifest, StudyFolder
from linregions.studies.ssl import figures, pictures, report
from linregions.studies.ssl.claims import Runs
from linregions.studies.ssl.claims.finding import percent
from linregions.studies.ssl.report import write_report

SETTINGS = {
    "data": "made up",
    "seed": 0,
    "steps": 600,
    "batch": 256,
    "checkpoints": list(STEPS),
    "encoder": "mlp",
    "slices": {"classes": 6},
    "pad": None,
    "jacobians": 2,
    "overlays": 1,
    "points": 100,
    "merged_below": 1e-3,
}
SESSION = {
    "command": "linregions study ssl --data made --out o",
    "versions": {"linregions": "0"},
    "machine": "m",
    "workers": 1,
    "threads": 1,
}


class Square:
    """Enough of `Polygons` to be kept: four squares."""

    indptr = np.array([0, 4, 8, 12, 16])
    xy = np.concatenate([np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) + d for d in ([-1, -1], [-1, 0], [0, -1], [0, 0])])


def study(path, made):
    asked = [f"{row['method']}/{row['seed']}" for row in made]
    facts = {"data": "made up", "about": "made up, 10 images", "encoder": "64-64-64-64", "asked": asked}
    with StudyFolder(path, Manifest("ssl", SETTINGS, facts, (SESSION,))) as folder:
        for key, row in zip(asked, made, strict=True):
            folder.add(key, row)


def test_a_report_has_every_part(tmp_path):
    made = rows(seeds=2, start={"simclr": 2.0}, methods=("supervised", "simclr", "byol-collapse"))
    for row in made:
        for point in row["checkpoints"]:
            point["slices"]["identities_hold"] = [True] * len(row["kinds"])
            point["histograms"] = {
                "log_area": {"at": [-3.0, -2.0], "counts": [5, 2]},
                "edges": {"at": [3, 4, 5], "counts": [1, 5, 1]},
            }
    study(tmp_path, made)
    anchors = np.array([[0.1, 0.2], [0.3, -0.1]])
    for row in made:
        pictures.keep(tmp_path, f"{row['method']}-{row['seed']}", {0: Square, 600: Square}, anchors)
    found = write_report(tmp_path, resamples=50)
    text = (tmp_path / "report.md").read_text()
    assert "e+0" not in text
    for name in [
        "partitions",
        "counts",
        "accuracies",
        "quality",
        "areas",
        "eccentricities",
        "boundaries",
        "histograms",
        "rates",
        "collapse",
        "roc",
    ]:
        assert f"({name}.png)" in text
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    for test in ("T1", "T2", "T3", "T4", "T5"):
        assert f"## {test}" in text
    checked = 6 * len(STEPS) * 6
    assert f"hold in {checked:,} of {checked:,} partitions" in text
    assert "no reproduction" in text
    assert "linregions study ssl --data made" in text
    for answer in found.answers:
        assert answer.verdict in text
    assert "Slices: 6 through held-out images of three classes." in text
    page = (tmp_path / "report.html").read_text()
    assert "http" not in page.replace("arxiv.org", "")
    assert page.count("data:image/png;base64,") == text.count(".png)")
    assert json.loads((tmp_path / "claims.json").read_text()) == json.loads(json.dumps(found.as_dict()))
    lines = (tmp_path / "table.csv").read_text().splitlines()
    assert len(lines) == 1 + 6 * len(STEPS)


def test_pictures_are_the_same_every_time_and_a_report_of_rows_too(tmp_path, monkeypatch):
    runs = Runs(rows(seeds=2, methods=("supervised", "simclr", "byol-collapse")))
    assert figures.counts(runs) == figures.counts(runs)
    monkeypatch.setattr(report, "_pictures", lambda *_: {})
    study(tmp_path, rows(seeds=2))
    first = [write_report(tmp_path, resamples=20), (tmp_path / "report.md").read_bytes()]
    assert first == [write_report(tmp_path, resamples=20), (tmp_path / "report.md").read_bytes()]


def test_an_unfinished_study_has_a_report_too(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "_pictures", lambda *_: {})
    made = rows(seeds=1, methods=("supervised", "simclr"))
    study(
        tmp_path,
        [*made, {"method": "byol", "family": "self-distillation", "seed": 0, "error": "loss: it is no number"}],
    )
    write_report(tmp_path, resamples=20)
    text = (tmp_path / "report.md").read_text()
    assert "2 of 3 runs" in text
    assert "byol/0 could not be measured: loss: it is no number" in text


def test_another_study_and_an_empty_one_are_refused(tmp_path):
    with StudyFolder(tmp_path / "a", Manifest("swap", {}, {})):
        pass
    with pytest.raises(InputError, match="holds a swap study"):
        write_report(tmp_path / "a")
    study(tmp_path / "b", [])
    with pytest.raises(InputError, match="no run that could be measured"):
        write_report(tmp_path / "b")


def test_a_window_holds_what_reaches_into_it():
    arrays = {"xy_5": np.asarray(Square.xy, dtype=np.float32), "indptr_5": Square.indptr}
    whole, none = pictures.window(arrays, 5, 2.0), pictures.window(arrays, 6, 2.0)
    assert (len(whole), none) == (4, None)
    assert whole.areas.tolist() == [1.0] * 4
    shifted = {**arrays, "xy_5": arrays["xy_5"] + np.float32(0.5)}  # from -0.5 to 1.5
    assert len(pictures.window(shifted, 5, 0.25)) == 1
    assert len(pictures.window(shifted, 5, 0.6)) == 4


def test_polygons_come_back(tmp_path):
    pictures.keep(tmp_path, "simclr-0", {5: Square}, np.zeros((3, 2)))
    back = pictures.read(tmp_path, "simclr-0")
    assert np.array_equal(back["xy_5"], Square.xy)
    assert np.array_equal(back["indptr_5"], Square.indptr)
    assert pictures.read(tmp_path, "byol-0") is None
    assert pictures.chosen_steps(range(11), 3) == (0, 5, 10)
    assert pictures.chosen_steps((0, 4), 6) == (0, 4)


@given(low=st.floats(-4.0, 4.0), decades=st.floats(0.02, 6.0))
def test_a_logarithmic_axis_has_three_marks_at_least(low, decades):
    low, high = 10.0**low, 10.0 ** (low + decades)
    marks = figures._locator(low, high).tick_values(low, high)
    assert 3 <= sum(low <= mark <= high for mark in marks) <= 20


def test_an_axis_to_a_half_is_marked_above_its_middle():
    marks = figures._locator(0.08, 0.45).tick_values(0.08, 0.45)
    assert max(mark for mark in marks if mark <= 0.45) == pytest.approx(0.4)


def test_a_share_is_written_as_people_do():
    assert [percent(k / 120) for k in (120, 119, 60, 12, 1)] == ["100 %", "99 %", "50 %", "10 %", "0.83 %"]
    assert percent(0.999) == "99.9 %"
