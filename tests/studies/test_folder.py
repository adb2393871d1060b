"""A study's folder survives kills, refuses strangers, and gives back what it was given."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions.errors import InputError, OutputError
from linregions.studies.folder import Manifest, StudyFolder, read_study

ASKED = Manifest("swap", {"samples": 16, "seed": 0}, {"truth": "accuracy"}, ({"command": "a"},))
VALUES = st.one_of(
    st.integers(-(2**60), 2**60),
    st.floats(allow_nan=False),
    st.text(max_size=9),
    st.none(),
    st.lists(st.integers(0, 9)),
)
# A text that reads like an infinity is no value of any study.
ROWS = st.dictionaries(
    st.text(max_size=20),
    st.dictionaries(st.text(max_size=5).filter(lambda k: k != "key"), VALUES, max_size=4),
    max_size=5,
)


@settings(max_examples=20)
@given(ROWS)
def test_rows_come_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("study")
    with StudyFolder(path, ASKED) as folder:
        for key, row in rows.items():
            folder.add(key, row)
    assert read_study(path) == (ASKED, rows)
    with StudyFolder(path, ASKED) as folder:
        assert folder.rows == rows


def test_infinities_are_kept_and_nan_is_refused(tmp_path):
    with StudyFolder(tmp_path, ASKED) as folder:
        folder.add("a", {"nwot": -math.inf, "up": math.inf})
        with pytest.raises(ValueError, match="JSON"):
            folder.add("b", {"nwot": math.nan})
    text = (tmp_path / "rows.jsonl").read_text()
    json.loads(text, parse_constant=pytest.fail)
    assert read_study(tmp_path)[1] == {"a": {"nwot": -math.inf, "up": math.inf}}


@settings(max_examples=20)
@given(st.integers(1, 200))
def test_a_torn_last_line_is_dropped(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("study")
    with StudyFolder(path, ASKED) as folder:
        for k in range(3):
            folder.add(f"net {k}", {"swap": 10 * k, "text": "é" * k})
    file = path / "rows.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[: max(0, len(whole) - cut)])
    left = whole[: max(0, len(whole) - cut)].count(b"\n")
    with StudyFolder(path, ASKED) as folder:
        assert list(folder.rows) == [f"net {k}" for k in range(left)]
        folder.add("again", {"swap": 1})
    assert len(read_study(path)[1]) == left + 1


def test_a_row_measured_twice_counts_once(tmp_path):
    with StudyFolder(tmp_path, ASKED) as folder:
        folder.add("a", {"swap": 1})
        folder.add("a", {"swap": 2})
    assert read_study(tmp_path)[1] == {"a": {"swap": 2}}


def test_other_settings_are_refused_and_facts_are_not(tmp_path):
    StudyFolder(tmp_path, ASKED).close()
    other = Manifest("swap", {"samples": 32, "seed": 0}, {}, ())
    with pytest.raises(InputError, match="holds a study with samples 16, and 32 is asked for; give another folder"):
        StudyFolder(tmp_path, other)
    with pytest.raises(InputError, match="holds a swap study, not a ssl study"):
        StudyFolder(tmp_path, Manifest("ssl", {}, {}))
    again = Manifest("swap", ASKED.settings, {"truth": "b"}, ({"command": "b"},))
    StudyFolder(tmp_path, again).close()
    StudyFolder(tmp_path, again).close()
    found = read_study(tmp_path)[0]
    assert found.facts == {"truth": "b"}
    assert found.sessions == ({"command": "a"}, {"command": "b"})


def test_strangers_are_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(InputError, match="holds other files and no study"):
        StudyFolder(tmp_path, ASKED)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]  # no lock either
    with pytest.raises(InputError, match="is a file; give a folder"):
        StudyFolder(tmp_path / "thesis.tex", ASKED)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder that nobody can write")
def test_a_place_that_cannot_be_written_is_named_by_its_option():
    with pytest.raises(OutputError, match=r"^out: /proc/study cannot be written \(.+\); name a folder that can be$"):
        StudyFolder("/proc/study", ASKED)


def test_a_folder_that_died_before_its_manifest_is_taken(tmp_path):
    (tmp_path / "manifest.json.part").write_text("{")
    (tmp_path / "lock").write_text("")
    StudyFolder(tmp_path, ASKED).close()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "is no JSON"),
        ("[]", "is not the manifest of a study"),
        ('{"format": "other"}', "is not the manifest of a study"),
        ('{"format": "linregions study", "version": 99}', "is of version 99"),
    ],
)
def test_a_broken_manifest_is_one_sentence(tmp_path, content, sentence):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(InputError, match=sentence):
        read_study(tmp_path)


def test_no_study_and_a_damaged_line(tmp_path):
    with pytest.raises(InputError, match="holds no study"):
        read_study(tmp_path)
    with StudyFolder(tmp_path, ASKED) as folder:
        folder.add("a", {"swap": 1})
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b"\0\0\0\n" + file.read_bytes())
    with pytest.raises(InputError, match="line 1 is damaged; remove that line"):
        StudyFolder(tmp_path, ASKED)
    # The lock was given back.
    file.unlink()
    StudyFolder(tmp_path, ASKED).close()


def swapped(**changed):
    return {"swap": 1668.625, "per_repeat": [1668, 1669.25], "limit": 21504, "nwot": -math.inf} | changed


@pytest.mark.parametrize("name", ["swap", "per_repeat", "limit", "nwot", "key", "checksum"])
def test_a_line_that_was_edited_is_refused(tmp_path, name):
    with StudyFolder(tmp_path, ASKED) as folder:
        folder.add("a", swapped())
        folder.add("b", swapped())
    file = tmp_path / "rows.jsonl"
    first, second = file.read_text().splitlines()
    row = json.loads(second)
    row[name] = "c" if isinstance(row[name], str) else 0
    file.write_text(f"{first}\n{json.dumps(row)}\n")
    for reading in (read_study, lambda path: StudyFolder(path, ASKED)):
        with pytest.raises(InputError, match=r"rows.jsonl: line 2 was changed after it was written .*; remove that"):
            reading(tmp_path)
    file.write_text(f"{first}\n{json.dumps(json.loads(second), indent=None, sort_keys=True)}\n")
    assert read_study(tmp_path)[1] == {"a": swapped(), "b": swapped()}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"swap": 91668.625}, "swap is 91668.6, the mean of per_repeat 1668.6"),
        ({"per_repeat": []}, "the mean of per_repeat nan"),
        ({"limit": 1000}, "swap is 1668.62, more than its limit 1000"),
        ({"swap": "many"}, "is damaged"),
        ({}, None),
        ({"error": "data: bad", "swap": None, "per_repeat": None}, "is damaged"),
    ],
)
def test_lines_without_a_checksum_must_not_contradict_themselves(tmp_path, changed, sentence):
    StudyFolder(tmp_path, ASKED).close()
    row = {"key": "a"} | swapped(nwot=1.5) | changed
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    if sentence is None:
        assert read_study(tmp_path)[1] == {"a": swapped(nwot=1.5)}
        return
    with pytest.raises(InputError, match=f"line 1 .*{sentence}.*; remove that line"):
        read_study(tmp_path)


def test_one_process_writes(tmp_path):
    with StudyFolder(tmp_path, ASKED), pytest.raises(InputError, match="is being written by process"):
        StudyFolder(tmp_path, ASKED)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a full device")
def test_a_full_disk_is_one_sentence(tmp_path):
    with StudyFolder(tmp_path, ASKED) as folder:
        folder.add("a", {"swap": 1})
        kept = folder._file
        with open("/dev/full", "ab", buffering=0) as full:
            folder._file = full
            with pytest.raises(
                OutputError, match=r"^out: the disk of .* is full .*; what was measured is kept, .* same command again$"
            ):
                folder.add("b", {"swap": 2})
        folder._file = kept
    assert list(read_study(tmp_path)[1]) == ["a"]


def test_rows_survive_a_kill(tmp_path):
    script = f"""
from linregions.studies.folder import Manifest, StudyFolder
folder = StudyFolder({str(tmp_path)!r}, Manifest("swap", {{}}, {{}}))
for k in range(10**9):
    folder.add(str(k), {{"swap": k, "text": "x" * 500}})
"""
    with subprocess.Popen([sys.executable, "-c", script]) as process:
        while not (tmp_path / "rows.jsonl").exists() or (tmp_path / "rows.jsonl").stat().st_size < 50_000:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    with StudyFolder(tmp_path, Manifest("swap", {}, {})) as folder:
        assert len(folder.rows) > 50
        assert all(folder.rows[str(k)]["swap"] == k for k in range(len(folder.rows)))
