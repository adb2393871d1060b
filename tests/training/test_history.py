"""Histories: columns, files that read back, tables."""

from __future__ import annotations

import csv
import io
import json
import math

import numpy as np
import pytest

from linregions import InputError
from linregions.training import History
from linregions.training.history import plain


def example():
    made = History()
    made.add(
        {"step": 0, "elapsed": 1.0, "seconds": 0.5, "status": "complete", "regions/n_regions": 10.0},
        [
            {"step": 0, "slice": "s0", "status": "complete", "n_regions": 8},
            {"step": 0, "slice": "s1", "status": "complete", "n_regions": 12},
        ],
    )
    made.add({"step": 4, "elapsed": 3.0, "seconds": 0.25, "status": "failed", "error": "ValueError: no", "loss": 0.5})
    made.add(
        {"step": 9, "elapsed": 5.0, "seconds": 0.25, "status": "budget", "points/dist_boundary": math.inf},
        [{"step": 9, "slice": "s0", "status": "budget"}],
        {"s0": "polygons"},
    )
    return made


def test_columns():
    made = example()
    assert np.array_equal(made.column("regions/n_regions"), [10.0, math.nan, math.nan], equal_nan=True)
    assert made.column("status").tolist() == ["complete", "failed", "budget"]
    assert np.array_equal(made.column("n_regions", slice="s0"), [8.0, math.nan], equal_nan=True)
    assert made.column("n_regions", slice="s1").tolist() == [12.0]
    assert made.steps.tolist() == [0, 4, 9]
    assert made.columns[:5] == ["step", "elapsed", "seconds", "status", "regions/n_regions"]
    assert (made.seconds, made.share) == (1.0, 0.2)
    assert (len(made), [row["step"] for row in made], made.kept) == (3, [0, 4, 9], {9: {"s0": "polygons"}})
    for name in ("regions", 3):
        with pytest.raises(InputError, match="there is no column"):
            made.column(name)
    with pytest.raises(InputError, match="there is no column 'n_regions'; there are none"):
        made.column("n_regions", slice="s7")


def test_json_reads_back(tmp_path):
    made = example()
    made.to_json(tmp_path / "history.json")
    back = History.from_json(tmp_path / "history.json")
    assert (back.rows, back.slices) == (made.rows, made.slices)
    json.loads(made.to_json(), parse_constant=pytest.fail)  # strict: no NaN, no Infinity
    (tmp_path / "other.json").write_text('{"rows": []}')
    with pytest.raises(InputError, match=r"expected what History\.as_dict gives"):
        History.from_json(tmp_path / "other.json")
    (tmp_path / "broken.json").write_text("{")
    for name in ("broken.json", "none.json"):
        with pytest.raises(InputError, match=name):
            History.from_json(tmp_path / name)


def test_csv(tmp_path):
    made = example()
    rows = list(csv.DictReader(io.StringIO(made.to_csv(tmp_path / "rows.csv"))))
    assert [r["step"] for r in rows] == ["0", "4", "9"]
    assert rows[1]["error"] == "ValueError: no"
    assert rows[0]["error"] == ""
    assert (tmp_path / "rows.csv").read_text() == made.to_csv()
    slices = list(csv.DictReader(io.StringIO(made.to_csv(slices=True))))
    assert [r["slice"] for r in slices] == ["s0", "s1", "s0"]


def test_frame():
    pandas = pytest.importorskip("pandas")
    frame = example().to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["step"].tolist() == [0, 4, 9]
    assert len(example().to_frame(slices=True)) == 3


def test_plot():
    pytest.importorskip("matplotlib").use("Agg")
    figure = example().plot(columns=["n_regions"])
    (line, *_) = figure.axes[0].get_lines()
    assert line.get_ydata()[0] == 10.0


def test_text():
    assert str(History()) == repr(History()) == "History: no rows"
    assert repr(example()) == "History: 3 rows, steps 0 to 9, 1 s of measuring"
    lines = str(example()).splitlines()
    assert lines[0].split() == ["step", "regions/n_regions", "seconds", "status"]
    assert [line.split()[-1] for line in lines[1:]] == ["complete", "failed", "budget"]


def test_values_of_rows_are_plain():
    assert plain(np.float32(0.5)) == 0.5
    assert type(plain(np.int64(3))) is int
    assert plain(math.nan) is None
    assert plain(np.array(2.0)) == 2.0
    assert plain("word") == "word"
    assert plain(np.zeros(2)) == "array([0., 0.])"
    torch = pytest.importorskip("torch")
    assert plain(torch.tensor(0.25, requires_grad=True)) == 0.25
    assert plain(torch.zeros(2)).startswith("tensor")
