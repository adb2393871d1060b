"""The command line: options, output, exit statuses.  Counting itself is replaced, except where a test says so."""

from __future__ import annotations

import errno
import json
import os
import shlex
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import linregions
from linregions import Box, Count, InputError, Kind, Network, Plane, Polytope, Segment, Status
from linregions.cli import main
from linregions.cli.progress import Progress

MOONS = Path(__file__).parent.parent / "examples" / "moons.onnx"
KEYS = [
    "count",
    "kind",
    "status",
    "definition",
    "engine",
    "exact_decisions",
    "doubtful",
    "seconds",
    "network",
    "domain",
]
NET = Network.from_arrays([(np.ones((3, 2)), np.zeros(3)), (np.ones((1, 3)), np.zeros(1))])


def result(value=412, kind=Kind.EXACT, status=Status.COMPLETE, **more) -> Count:
    facts = {"definition": "activation", "engine": "cells", "exact_decisions": 3, "doubtful": 0, "seconds": 0.5}
    return Count(value, kind, status, **{**facts, "network": "2-3-1", "domain": "box [-1, 1]^2", **more})


class Stand:
    """What the command line asked the library for, and what the library is to answer."""

    def __init__(self):
        self.answer = result()
        self.network = NET
        self.read = None
        self.domain = None
        self.options = None

    def on_read(self, model):
        self.read = model
        return self.network

    def on_count(self, model, domain, **options):
        assert model is self.network
        self.domain, self.options = domain, options
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@pytest.fixture
def stand(monkeypatch):
    stand = Stand()
    monkeypatch.setitem(vars(linregions), "read", stand.on_read)
    monkeypatch.setitem(vars(linregions), "count", stand.on_count)
    return stand


def refusal(capsys, *words) -> str:
    """The one line on standard error of a command that must be refused."""
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert captured.err.endswith("\n")
    return captured.err[len("error: ") : -1]


class TestOutput:
    def test_json_is_one_object_and_nothing_else(self, stand, capsys):
        assert main(["count", "m.onnx", "--box", "-1", "1", "--json"]) == 0
        captured = capsys.readouterr()
        assert captured.err == ""
        assert captured.out.count("\n") == 1
        assert list(json.loads(captured.out)) == KEYS
        assert json.loads(captured.out) == result().as_dict()

    def test_counts_of_any_size(self, stand, capsys):
        stand.answer = result(10**5000)
        assert main(["count", "m.onnx", "--space", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["count"] == 10**5000

    def test_for_a_person(self, stand, capsys):
        assert main(["count", "m.onnx", "--box", "-1", "1"]) == 0
        first, second = capsys.readouterr().out.splitlines()
        assert first == "412 activation regions on box [-1, 1]^2"
        assert second == "0.500 s, 824 regions/s, 3 decisions settled in rational arithmetic"

    def test_doubtful_decisions_are_told(self, stand, capsys):
        stand.answer = result(1, exact_decisions=1, doubtful=7, seconds=0.0)
        assert main(["count", "m.onnx", "--space", "--no-exact"]) == 0
        second = capsys.readouterr().out.splitlines()[1]
        assert second == "0.000 s, 1 decision settled in rational arithmetic, 7 decisions left to floating point"

    @pytest.mark.parametrize("flag", [[], ["--json"]])
    @pytest.mark.parametrize(("status", "code"), [(Status.BUDGET, 3), (Status.INTERRUPTED, 130)])
    def test_a_partial_result_is_printed(self, stand, capsys, status, code, flag):
        stand.answer = result(99, Kind.LOWER, status, reason="the time limit of 1 s ran out")
        assert main(["count", "m.onnx", "--space", *flag]) == code
        captured = capsys.readouterr()
        assert captured.err == ""
        if flag:
            assert json.loads(captured.out)["kind"] == "lower"
        else:
            assert captured.out.startswith(
                "at least 99 activation regions on box [-1, 1]^2 (the time limit of 1 s ran out)\n"
            )

    def test_interrupted_before_any_result(self, stand, capsys):
        stand.answer = KeyboardInterrupt()
        assert main(["count", "m.onnx", "--space"]) == 130
        assert capsys.readouterr().err == "error: interrupted before there was any result\n"

    def test_a_bug_is_not_a_refutation(self, stand, capsys):
        stand.answer = ZeroDivisionError("oops")
        assert main(["count", "m.onnx", "--space"]) == 70
        assert "ZeroDivisionError" in capsys.readouterr().err

    def test_messages_are_one_line(self, stand, capsys):
        stand.answer = InputError("first\nsecond\n  third")
        assert refusal(capsys, "count", "m.onnx", "--space") == "first second third"

    def test_control_characters_are_escaped(self, stand, capsys):
        name = "a\nb\x1b[31m.onnx"
        stand.answer = InputError(f"{name}: no such\nfile \x07")
        assert refusal(capsys, "count", name, "--space") == "a\\nb\\x1b[31m.onnx: no such file \\x07"


class TestOptions:
    def test_they_reach_the_library(self, stand):
        words = "count m.onnx --space --definition patterns --threads 3 --time-limit 2.5 --max-regions 10 --no-exact"
        words += " --engine cells"
        assert main(words.split()) == 0
        assert stand.read == "m.onnx"
        assert stand.options == {
            "definition": "patterns",
            "exact": False,
            "threads": 3,
            "time_limit": 2.5,
            "max_regions": 10,
            "progress": None,
            "engine": "cells",
            "parallel": "threads",
            "save": None,
            "part": None,
        }

    def test_defaults(self, stand):
        assert main(["count", "--space", "m.onnx"]) == 0
        expected = {"definition": "activation", "exact": True, "threads": None, "time_limit": None}
        expected |= {"max_regions": None, "progress": None, "engine": "auto"}
        assert stand.options == {**expected, "parallel": "threads", "save": None, "part": None}

    def test_limits_of_any_size(self, stand):
        assert main(["count", "m", "--space", "--max-regions", "9" * 5000, "--time-limit", "inf"]) == 0
        assert stand.options["max_regions"] == 10**5000 - 1
        assert stand.options["time_limit"] == float("inf")

    @pytest.mark.parametrize(
        ("words", "text"),
        [
            (["--box", "-2", "3"], "box [-2, 3]^2"),
            (["--box", "-1,-1", "1,1"], "box [-1, 1]^2"),
            (["--box", "-1,-.5", "1,2.5"], "box [-1, 1] x [-0.5, 2.5]"),
            (["--box", "-1e-3", "1e3"], "box [-0.001, 1000]^2"),
            (["--space"], "the whole space R^2"),
            (["--segment", "-1,0", "1,1"], "segment in 2 inputs"),
            (["--plane", "-1,0", "1,1", "-2,-3"], "plane slice of 2 inputs, region with 4 corners"),
        ],
    )
    def test_domains(self, stand, words, text):
        assert main(["count", "m.onnx", *words]) == 0
        assert repr(stand.domain) == text
        assert main(["count", *words, "m.onnx"]) == 0
        assert repr(stand.domain) == text

    def test_points_are_read_as_given(self, stand):
        assert main(["count", "m", "--segment", "-1,0.25", "1,-2"]) == 0
        assert isinstance(stand.domain, Segment)
        assert (stand.domain.a.tolist(), stand.domain.b.tolist()) == ([-1.0, 0.25], [1.0, -2.0])
        assert main(["count", "m", "--plane", "0,0", "1,0", "0,-1"]) == 0
        assert isinstance(stand.domain, Plane)
        assert stand.domain.r.tolist() == [0.0, -1.0]

    def test_points_from_npy(self, stand, tmp_path):
        np.save(tmp_path / "a.npy", np.array([0.0, 1.0], np.float32))
        assert main(["count", "m", "--segment", str(tmp_path / "a.npy"), "1,2"]) == 0
        assert stand.domain.a.tolist() == [0.0, 1.0]


def domain_file(path: Path, content) -> str:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


class TestDomainFiles:
    def test_json(self, stand, tmp_path):
        def read(content):
            assert main(["count", "m", "--domain", domain_file(tmp_path / "d.json", content)]) == 0
            return stand.domain

        box = read({"lower": [-1, 0], "upper": [1, 2]})
        assert isinstance(box, Box)
        assert box.lower.tolist() == [-1.0, 0.0]
        polytope = read({"A": [[1, 1], [-1, 0], [0, -1]], "b": [1, 0, 0]})
        assert isinstance(polytope, Polytope)
        assert polytope.A.shape == (3, 2)
        assert isinstance(read({"segment": [[0, 0], [1, 1]]}), Segment)
        assert len(read({"plane": [[0, 0], [1, 0], [0, 1]]}).region) == 4
        assert read({"plane": [[0, 0], [1, 0], [0, 1]], "region": [[0, 0], [1, 0], [0, 2]]}).region.tolist()[2] == [
            0.0,
            2.0,
        ]
        assert len(read({"plane": [[0, 0], [1, 0], [0, 1]], "region": "triangle"}).region) == 3

    def test_npz(self, stand, tmp_path):
        np.savez_compressed(tmp_path / "d.npz", A=np.eye(2), b=np.ones(2))
        assert main(["count", "m", "--domain", str(tmp_path / "d.npz")]) == 0
        assert isinstance(stand.domain, Polytope)

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            ("{", "is not valid JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))"),
            ("[" * 100_000, "is not valid JSON ("),
            ([1, 2], 'must hold one JSON object; give "lower" and "upper", "A" and "b"'),
            ({}, 'holds nothing; give "lower" and "upper"'),
            ({"lower": [0]}, 'holds lower; give "lower" and "upper"'),
            ({"lower": [0], "upper": [1], "A": []}, 'holds A, lower, upper; give "lower" and "upper"'),
            ({"lower": [2], "upper": [1]}, "box: lower exceeds upper in coordinate 0 (2 > 1); swap them"),
            ({"lower": ["a"], "upper": [1]}, "box: lower: expected real numbers, got dtype <U1"),
            ({"lower": {"x": 1}, "upper": [1]}, "box: lower: expected real numbers, got dtype object"),
            ('{"lower": [NaN], "upper": [1]}', "box: lower: contains NaN or infinity; every number must be finite"),
            (
                '{"lower": [0.5, 1%s], "upper": [1, 1]}' % ("0" * 400),
                "box: lower: expected real numbers, got dtype object",
            ),
            ({"segment": [[0, 0]]}, "segment: needs 2 points, each a list of numbers"),
            ({"plane": "through"}, "plane: needs 3 points, each a list of numbers"),
            (
                {"plane": [[0, 0], [1, 0], [0, 1]], "region": [[0, 0]]},
                "plane: region must be at least 3 corners (s, t)",
            ),
            ({"A": [[1, 2], [3]], "b": [1, 2]}, "polytope: A: the rows have unequal lengths; give a rectangular array"),
        ],
        ids=range(15),
    )
    def test_refused(self, stand, capsys, tmp_path, content, sentence):
        path = domain_file(tmp_path / "d.json", content)
        message = refusal(capsys, "count", "m", "--domain", path)
        assert message.startswith(f"--domain: {path}")
        assert sentence in message

    def test_a_missing_file(self, stand, capsys):
        expected = f"--domain: cannot read nowhere.json ({os.strerror(errno.ENOENT)})"
        assert refusal(capsys, "count", "m", "--domain", "nowhere.json") == expected

    def test_an_unknown_kind_of_file(self, stand, capsys):
        expected = "--domain: d.txt must be a .json or .npz file"
        assert refusal(capsys, "count", "m", "--domain", "d.txt") == expected

    def test_a_file_that_is_too_large(self, stand, capsys, tmp_path):
        path = tmp_path / "d.json"
        with path.open("wb") as file:
            file.truncate(2**28 + 1)  # sparse: takes no room
        assert refusal(capsys, "count", "m", "--domain", str(path)).endswith("a domain's file may have 268,435,456")

    def test_damaged_and_hostile_arrays(self, stand, capsys, tmp_path):
        np.save(tmp_path / "objects.npy", np.array([{}, None], dtype=object), allow_pickle=True)
        np.savez(tmp_path / "objects.npz", A=np.array([[None]], dtype=object), b=np.zeros(1))
        np.save(tmp_path / "matrix.npy", np.eye(2))
        np.save(tmp_path / "claims.npy", np.zeros(3))
        claims = (tmp_path / "claims.npy").read_bytes()
        (tmp_path / "claims.npy").write_bytes(claims.replace(b"(3,), }           ", b"(300000000000,), }"))
        (tmp_path / "header.npy").write_bytes(claims.replace(b"(3,), }", b"(3,),  "))
        (tmp_path / "short.npy").write_bytes(claims[:-8])
        (tmp_path / "text.npz").write_text("not an archive")
        np.savez(tmp_path / "cut.npz", A=np.eye(2), b=np.ones(2))
        (tmp_path / "cut.npz").write_bytes((tmp_path / "cut.npz").read_bytes()[:100])
        for name in ("objects.npz", "text.npz", "cut.npz"):
            message = refusal(capsys, "count", "m", "--domain", str(tmp_path / name))
            assert message.startswith(f"--domain: cannot read {tmp_path / name} as NumPy arrays (")
        for name in ("objects.npy", "claims.npy", "short.npy", "header.npy"):
            message = refusal(capsys, "count", "m", "--segment", str(tmp_path / name), "1,2")
            assert message.startswith(f"--segment: A: cannot read {tmp_path / name} as NumPy arrays (")
        message = refusal(capsys, "count", "m", "--segment", "1,2", str(tmp_path / "matrix.npy"))
        assert message == f"--segment: B: {tmp_path / 'matrix.npy'} must hold one vector, got shape (2, 2)"


HELP = "; `linregions count --help` shows what there is"

USAGE = [
    (
        [],
        "a command is needed: count, estimate, info, bounds, compare, construct, merge, score, study, search, "
        "lyapunov; `linregions --help` lists them",
    ),
    (["cuont"], "argument COMMAND: invalid choice: 'cuont' (choose from "),
    (["count"], "MODEL is needed: give the network's file, or --resume RUN to go on with a saved run"),
    (
        ["count", "m"],
        "a domain is needed: give one of --box LO HI, --segment A B, --plane P Q R, --domain FILE or --space",
    ),
    (["count", "m", "--box", "-1"], "argument --box: expected 2 arguments" + HELP),
    (["count", "m", "--box", "1", "2", "3"], "unrecognized arguments: 3"),
    (["count", "m", "--boxes", "1", "2"], "unrecognized arguments: --boxes"),
    (["count", "m", "--box", "0", "1", "--space"], "argument --space: not allowed with argument --box" + HELP),
    (
        ["count", "m", "--box", "a", "1"],
        "--box: LO: expected a number, comma-separated numbers or a .npy file, got 'a'",
    ),
    (
        ["count", "m", "--box", "0", "1,"],
        "--box: HI: expected a number, comma-separated numbers or a .npy file, got '1,'",
    ),
    (["count", "m", "--box", "0,0", "1"], "box: lower has 2 entries and upper 1; give one of each per input"),
    (["count", "m", "--box", "3", "-2"], "box: lower exceeds upper in coordinate 0 (3 > -2); swap them"),
    (["count", "m", "--box", "-inf", "0"], "box: lower: contains NaN or infinity; every number must be finite"),
    (["count", "m", "--segment", "0,0", "0,0"], "segment: a and b are the same point; choose two different points"),
    (["count", "m", "--space", "--threads", "0"], "argument --threads: expected a positive integer, got '0'" + HELP),
    (["count", "m", "--space", "--threads", "-1"], "argument --threads: expected a positive integer, got '-1'" + HELP),
    (
        ["count", "m", "--space", "--max-regions", "1.5"],
        "argument --max-regions: expected a positive integer, got '1.5'",
    ),
    (["count", "m", "--space", "--time-limit", "nan"], "argument --time-limit: expected a positive number, got 'nan'"),
    (["count", "m", "--space", "--time-limit", "-2"], "argument --time-limit: expected a positive number, got '-2'"),
    (["count", "m", "--space", "--engine", "magic"], "argument --engine: invalid choice: 'magic'"),
    (["count", "", "--space"], "argument MODEL: '' is no path; give the path of a file" + HELP),
    (["count", "m", "--domain", ""], "argument --domain: '' is no path; give the path of a file" + HELP),
    (["count", "m", "--space", "--threads", "1_0"], "argument --threads: expected a positive integer, got '1_0'"),
    (
        ["count", "m", "--box", "1_0", "2_0"],
        "--box: LO: expected a number, comma-separated numbers or a .npy file, got '1_0'",
    ),
    (["info", "m", "--box", "0", "1"], "unrecognized arguments: --box 0 1"),
]


@pytest.mark.parametrize(("words", "sentence"), USAGE, ids=[" ".join(w) or "nothing" for w, _ in USAGE])
def test_misuse_is_one_line_and_status_2(stand, capsys, words, sentence):
    assert sentence in refusal(capsys, *words)


@pytest.mark.parametrize("words", [["--help"], ["count", "--help"], ["info", "--help"]])
def test_help(capsys, words):
    assert main(words) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("usage: linregions")
    assert captured.err == ""


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"linregions {linregions.__version__}\n"


class TestInfo:
    def test_json(self, stand, capsys):
        assert main(["info", "m.onnx", "--json"]) == 0
        facts = json.loads(capsys.readouterr().out)
        assert facts["hash"] == NET.hash
        assert (facts["inputs"], facts["outputs"], facts["units"], facts["parameters"]) == (2, 1, 3, 13)
        assert [s["activations"] for s in facts["stages"]] == [{"relu": 3}, {"identity": 1}]

    def test_for_a_person(self, stand, capsys):
        dead = np.array([[1.0, 0.0], [0.0, 0.0]])
        stand.network = Network.from_arrays([(dead, np.ones(2)), (np.ones((1, 2)), np.zeros(1))])
        assert main(["info", "m.onnx"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "Network 2-2-1, 2 units with pieces (2 relu)"
        assert lines[1] == "inputs 2, outputs 1, parameters 9"
        assert lines[2] == f"hash {stand.network.hash}"
        assert lines[3] == "1 of the 2 units has a constant input"
        assert lines[4:] == ["    1  2 x 2 dense, 2 relu", "    2  1 x 2 dense, 1 identity"]


class TestProgress:
    def test_none_when_piped(self):
        assert Progress().callback is None

    def test_a_bar_on_a_terminal(self, monkeypatch, capsys):
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        monkeypatch.setattr(Progress, "DELAY", 0.0)
        with Progress() as progress:
            assert progress.callback is not None
            progress.callback(0.25, 1234)
        captured = capsys.readouterr()
        assert captured.out == ""
        assert "1,234 regions" in captured.err

    def test_a_short_run_shows_nothing(self, monkeypatch, capsys):
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        with Progress() as progress:
            assert progress.callback is not None
            progress.callback(1.0, 5)
        assert capsys.readouterr().err == ""


def run(*words, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "linregions", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


def run_shell(words: str, **variables: str) -> subprocess.CompletedProcess:
    command = f"{shlex.quote(sys.executable)} -m linregions {words}"
    environment = {**os.environ, **variables}
    return subprocess.run(command, shell=True, stderr=-1, text=True, timeout=120, check=False, env=environment)


class TestForReal:
    """The whole program in a process of its own."""

    def test_the_readme_command(self):
        done = run("count", MOONS, "--box", "-2", "3", "--json")
        assert (done.returncode, done.stderr) == (0, "")
        facts = json.loads(done.stdout)
        assert list(facts) == KEYS
        assert (facts["count"], facts["kind"], facts["status"]) == (447, "exact", "complete")

    def test_boxes_in_every_spelling(self):
        lists = run("count", MOONS, "--box", "-2,-2", "3,3", "--json", "--threads", "1")
        assert json.loads(lists.stdout)["count"] == 447

    def test_a_budget(self):
        done = run("count", MOONS, "--box", "-2", "3", "--max-regions", "10", "--json")
        assert (done.returncode, done.stderr) == (3, "")
        facts = json.loads(done.stdout)
        assert (facts["kind"], facts["status"]) == ("lower", "budget")
        assert 10 <= facts["count"] < 447

    def test_info(self):
        done = run("info", MOONS)
        assert done.returncode == 0
        assert done.stdout.startswith("Network 2-16-16-1, 32 units with pieces (32 relu)\n")

    @pytest.mark.parametrize("words", [["nowhere.onnx", "--space"], [MOONS, "--box", "0,0,0", "1,1,1"], [MOONS]])
    def test_bad_input(self, words):
        done = run("count", *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("error: ")
        assert done.stderr.count("\n") == 1

    @pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
    def test_ctrl_c_prints_what_is_known(self, tmp_path):
        rng = np.random.default_rng(0)
        widths = [6, 40, 40, 40, 1]
        layers = {}
        for k, (m, n) in enumerate(pairwise(widths)):
            layers[f"W{k}"], layers[f"b{k}"] = rng.normal(size=(n, m)), rng.normal(size=n)
        np.savez(tmp_path / "wide.npz", **layers)
        command = [sys.executable, "-m", "linregions", "count", tmp_path / "wide.npz", "--box", "-1", "1", "--json"]
        # A shell that runs the tests in the background has them ignore SIGINT, and children inherit that.
        heard = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **heard)
        try:
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(timeout=4)
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=30)
        finally:
            child.kill()
        assert (child.returncode, err) == (130, "")
        facts = json.loads(out)
        assert (facts["kind"], facts["status"]) == ("lower", "interrupted")
        assert facts["count"] > 0

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="/dev/full")
    @pytest.mark.parametrize("words", [f"count {MOONS} --box -2 3", f"info {MOONS} --json", "--help"])
    @pytest.mark.parametrize("unbuffered", ["", "1"])
    def test_a_full_disk(self, words, unbuffered):
        done = run_shell(f"{words} > /dev/full", PYTHONUNBUFFERED=unbuffered)
        assert done.returncode == 74
        assert done.stderr.startswith("error: the result could not be written to standard output (")
        assert done.stderr.count("\n") == 1

    @pytest.mark.skipif(os.name == "nt", reason="POSIX shells")
    def test_a_closed_output(self):
        done = run_shell(f"info {MOONS} >&-")
        assert done.returncode == 74
        assert done.stderr.startswith("error: standard output is closed")
        assert done.stderr.count("\n") == 1

    @pytest.mark.skipif(os.name == "nt", reason="POSIX pipes")
    def test_a_reader_that_leaves(self):
        read_end, write_end = os.pipe()
        os.close(read_end)
        done = subprocess.run(
            [sys.executable, "-m", "linregions", "info", MOONS], stdout=write_end, stderr=subprocess.PIPE, check=False
        )
        os.close(write_end)
        assert done.stderr == b""
