"""Sinks: what goes in comes out, and a killed, full or foreign file loses nothing."""

from __future__ import annotations

import csv
import json
import math
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions.errors import InputError, OutputError
from linregions.training.sinks import (
    CSVSink,
    FunctionSink,
    JSONLinesSink,
    Sink,
    TensorBoardSink,
    WandbSink,
    as_sink,
)

NAMES = st.sampled_from(["n", "regions/area", "loss", "status", "a,b", 'quote"d', "seconds"])
VALUES = st.one_of(
    st.integers(-(10**6), 10**6),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.lists(st.integers(0, 9), max_size=3),
)
ROWS = st.lists(st.dictionaries(NAMES, VALUES, max_size=5), min_size=1, max_size=6)


def table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def expected_cell(value):
    if value is None:
        return ""
    if isinstance(value, list):
        return json.dumps(value)
    return " ".join(value.split()) if isinstance(value, str) else str(value)


@given(rows=ROWS)
@settings(max_examples=40, deadline=None)
def test_csv_holds_every_value_whatever_columns_come(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("csv") / "run.csv"
    sink = CSVSink(path)
    for step, row in enumerate(rows):
        sink.write(step, row)
        # Read after every row: the file is whole at each moment.
        read = table(path)
        assert [r["step"] for r in read] == [str(k) for k in range(step + 1)]
        for before, there in zip(rows, read, strict=False):
            for name in there.keys() - {"step"}:
                assert there[name] == expected_cell(before.get(name))
            assert before.keys() <= there.keys()
    sink.close()


def test_csv_columns_never_move(tmp_path):
    sink = CSVSink(tmp_path / "run.csv")
    heads = []
    for step, row in enumerate([{"b": 1}, {"a": 2}, {"b": 3, "a": 4, "c": 5}, {}]):
        sink.write(step, row)
        heads.append((tmp_path / "run.csv").read_text().splitlines()[0].split(","))
    assert heads == [["step", "b"], ["step", "b", "a"], ["step", "b", "a", "c"], ["step", "b", "a", "c"]]


@given(rows=ROWS)
@settings(max_examples=40, deadline=None)
def test_json_lines_are_strict_and_equal(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("jsonl") / "run.jsonl"
    sink = JSONLinesSink(path)
    for step, row in enumerate(rows):
        sink.write(step, row)
        read = [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]
        assert read == [{"step": k, **r} for k, r in enumerate(rows[: step + 1])]
    sink.close()


def test_json_lines_spell_what_json_lacks(tmp_path):
    sink = JSONLinesSink(tmp_path / "run.jsonl")
    sink.write(3, {"nan": math.nan, "inf": -math.inf, "array": np.array([1.5, 2.5]), "scalar": np.int64(7)})

    def refuse(text):
        raise AssertionError(text)

    line = json.loads((tmp_path / "run.jsonl").read_text(), parse_constant=refuse)
    assert line == {"step": 3, "nan": "NaN", "inf": "-Infinity", "array": [1.5, 2.5], "scalar": 7}


@pytest.mark.parametrize("kind", [CSVSink, JSONLinesSink])
@pytest.mark.parametrize("torn", [b"", b'{"step": 3, "n"', b"3,12"])
def test_a_resumed_file_goes_on_without_repeating_steps(kind, torn, tmp_path):
    path = tmp_path / "run"
    first = kind(path)
    for step in (0, 1, 2):
        first.write(step, {"n": 10 * step})
    first.close()
    with open(path, "ab") as file:
        file.write(torn)
    again = kind(path, existing="append")
    for step in (1, 2, 3, 4):
        again.write(step, {"n": 10 * step, "m": 1})
    again.close()
    if kind is CSVSink:
        assert [(r["step"], r["n"], r["m"]) for r in table(path)] == [
            ("0", "0", ""),
            ("1", "10", ""),
            ("2", "20", ""),
            ("3", "30", "1"),
            ("4", "40", "1"),
        ]
    else:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert [(r["step"], r["n"]) for r in lines] == [(k, 10 * k) for k in range(5)]


@pytest.mark.parametrize("kind", [CSVSink, JSONLinesSink])
def test_a_file_that_is_there_is_refused_or_replaced(kind, tmp_path):
    path = tmp_path / "deep" / "run"
    kind(path).write(0, {"n": 1})
    with pytest.raises(InputError, match="existing='append'"):
        kind(path)
    with pytest.raises(InputError, match="expected 'refuse'"):
        kind(path, existing="maybe")
    before = path.read_bytes()
    other = kind(path, existing="replace")
    assert path.read_bytes() == before  # until there is something to put there
    other.write(5, {"n": 2})
    assert b"5" in path.read_bytes()
    assert len(path.read_text().splitlines()) == len(before.splitlines())


@pytest.mark.parametrize("kind", [CSVSink, JSONLinesSink])
def test_a_foreign_file_is_not_continued(kind, tmp_path):
    path = tmp_path / "notes"
    path.write_text("dear diary\n")
    with pytest.raises(InputError, match="give another name"):
        kind(path, existing="append")
    assert path.read_text() == "dear diary\n"


@pytest.mark.parametrize("kind", [CSVSink, JSONLinesSink])
def test_a_folder_that_cannot_be_is_said_at_once(kind, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot be written"):
        kind(tmp_path / "file" / "run")
    with pytest.raises(OutputError, match="no regular file"):
        kind(tmp_path)
    with pytest.raises(InputError, match="name of a file"):
        kind(3)


@pytest.mark.parametrize("kind", [CSVSink, JSONLinesSink])
def test_a_full_disk_keeps_the_lines_before(kind, tmp_path):
    resource = pytest.importorskip("resource", reason="no limit on the size of files here")
    path = tmp_path / "run"
    sink = kind(path)
    sink.write(0, {"text": "short"})
    whole = path.read_bytes()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 20, before[1]))
    try:
        with pytest.raises(OutputError, match="free some space"):
            sink.write(1, {"text": "long" * 30})
        with pytest.raises(OutputError, match="free some space"):
            sink.write(1, {"text": "x", "another": "long" * 30})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == whole
    sink.write(2, {"text": "again"})
    assert len(path.read_text().splitlines()) == len(whole.splitlines()) + 1


@pytest.mark.parametrize("name", ["CSVSink", "JSONLinesSink"])
def test_a_killed_process_leaves_what_it_wrote(name, tmp_path):
    code = f"""
import os, signal
from linregions.training.sinks import {name}
sink = {name}({str(tmp_path / "run")!r})
for step in range(5):
    sink.write(step, {{"n": step}})
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGKILL
    lines = (tmp_path / "run").read_text().splitlines()
    assert len(lines) == 5 + (name == "CSVSink")


def test_importing_sinks_loads_no_framework():
    code = "import linregions.training.sinks, sys; assert not {'torch', 'tensorboard', 'wandb'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


class Run:
    """What a run of wandb does, as far as the sink knows it."""

    def __init__(self):
        self.logged, self.defined = [], []

    def log(self, values):
        self.logged.append(values)

    def define_metric(self, name, **options):
        self.defined.append((name, options))


def test_wandb_gets_numbers_and_its_own_axis():
    run = Run()
    sink = WandbSink(run, histogram=len)
    sink.write(0, {"n": 4, "regions/area": np.float64(0.5), "status": "complete", "bad": math.nan, "log": [1.0, 2.0]})
    sink.write(8, {"n": 5})
    assert run.logged == [
        {"trainer/global_step": 0, "regions/n": 4.0, "regions/area": 0.5, "regions/log": 2},
        {"trainer/global_step": 8, "regions/n": 5.0},
    ]
    assert run.defined == [("trainer/global_step", {}), ("regions/*", {"step_metric": "trainer/global_step"})]
    with pytest.raises(InputError, match="log"):
        WandbSink(3)


def test_tensorboard_reads_back_what_was_written(tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    sink = TensorBoardSink(tmp_path)
    assert not list(tmp_path.iterdir())  # only the process that writes makes a file
    for step in (0, 4):
        sink.write(step, {"step": step, "n": 10 + step, "log_areas": np.linspace(-3, 0, 7), "status": "complete"})
    found = EventAccumulator(os.fspath(tmp_path), size_guidance={"histograms": 0})
    found.Reload()  # before close: every row is flushed
    assert [(e.step, e.value) for e in found.Scalars("regions/n")] == [(0, 10.0), (4, 14.0)]
    assert [e.histogram_value.num for e in found.Histograms("regions/log_areas")] == [7.0, 7.0]
    assert found.Tags()["scalars"] == ["regions/n"]
    sink.close()
    with pytest.raises(InputError, match="SummaryWriter"):
        TensorBoardSink(3)


def test_a_given_writer_is_left_open():
    class Writer:
        closed = flushed = False

        def add_scalar(self, *args):
            pass

        def add_histogram(self, *args):
            pass

        def flush(self):
            self.flushed = True

        def close(self):
            self.closed = True

    writer = Writer()
    sink = as_sink(writer)
    sink.write(0, {"n": 1})
    sink.close()
    assert isinstance(sink, TensorBoardSink)
    assert writer.flushed
    assert not writer.closed


def test_what_can_be_a_sink(tmp_path):
    rows = []
    assert isinstance(as_sink(tmp_path / "a.csv"), CSVSink)
    assert isinstance(as_sink(str(tmp_path / "a.JSONL")), JSONLinesSink)
    assert isinstance(as_sink(Run()), WandbSink)
    sink = as_sink(lambda step, row: rows.append((step, row)))
    assert isinstance(sink, FunctionSink)
    assert as_sink(sink) is sink
    given = {"n": 1}
    sink.write(2, given)
    assert rows == [(2, {"n": 1})]
    assert rows[0][1] is not given
    for kind in (CSVSink(tmp_path / "b"), JSONLinesSink(tmp_path / "c"), sink, WandbSink(Run())):
        assert isinstance(kind, Sink)
    for wrong in ("run.txt", 3, CSVSink, sys.stdout):
        with pytest.raises(InputError, match="sinks"):
            as_sink(wrong)
