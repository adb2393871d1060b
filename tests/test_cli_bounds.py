"""The commands bounds, compare and construct: output, files, errors, exit statuses."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

import linregions
from linregions import Box, Kind, Status, bounds, constructions, count, read
from linregions.cli import main

MOONS = Path(__file__).parent.parent / "examples" / "moons.onnx"
COMPARE = ("compare", "--inputs", "2", "--units", "8", "--samples", "1")


def printed(capsys, *words, code=0) -> str:
    assert main([str(w) for w in words]) == code
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def refusal(capsys, *words) -> str:
    """The one line on standard error of a command that must be refused."""
    assert main([str(w) for w in words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    return captured.err[len("error: ") : -1]


class TestBounds:
    def test_for_a_person(self, capsys):
        out = printed(capsys, "bounds", "2-4-4-1")
        assert out.splitlines()[0] == "architecture (2; 4, 4)"
        assert "44" in out
        assert "maximum <= 121" in out
        assert "not applicable:" in out
        assert "\n  serra_2018_lower: hidden layer 1 needs at least 6 units" in out

    def test_both_ways_to_write_an_architecture(self, capsys):
        assert printed(capsys, "bounds", "2;4,4") == printed(capsys, "bounds", "2-4-4-1")

    def test_a_known_maximum(self, capsys):
        assert "best proven: the maximum is exactly 11 (" in printed(capsys, "bounds", "2-4-1")

    def test_json(self, capsys):
        content = json.loads(printed(capsys, "bounds", "2;4,4", "--json"))
        assert content == json.loads(json.dumps(bounds.all("2;4,4").as_dict()))

    def test_integers_of_any_size(self, capsys):
        content = json.loads(printed(capsys, "bounds", "500-" + "500-" * 50 + "1", "--json"))
        found = {b["name"]: b["value"] for b in content["bounds"]}
        assert found["trivial"] == 2**25000

    def test_maxout(self, capsys):
        # Montúfar, Ren, Zhang 2022: two units of rank 4 on two inputs have 16 regions, so all pairs of pieces.
        content = json.loads(printed(capsys, "bounds", "2;2", "--activation", "maxout", "--rank", "4", "--json"))
        assert min(b["value"] for b in content["bounds"] if b["direction"] == "upper") == 16

    def test_a_file_and_a_box(self, capsys):
        wide = json.loads(printed(capsys, "bounds", MOONS, "--json"))
        near = json.loads(printed(capsys, "bounds", MOONS, "--box", "-1", "1", "--json"))
        value = {
            name: next(b["value"] for b in t["bounds"] if b["name"] == "serra_2018")
            for name, t in (("wide", wide), ("near", near))
        }
        known = count(read(str(MOONS)), Box.cube(-1, 1, 2)).value
        assert known <= value["near"] <= value["wide"]

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("2-0-1",), "width of hidden layer 1"),
            (("abc",), "architecture: cannot read 'abc'"),
            (("2-1",), "names no hidden layer"),
            (("none.onnx",), "none.onnx: no such file"),
            (("2-4-1", "--box", "0", "1"), "--box: only a network's file"),
            ((MOONS, "--activation", "abs"), "leave --activation out"),
            ((MOONS, "--rank", "3"), "leave --rank out"),
            (("2-4-1", "--activation", "sine"), "activation: expected"),
            (("2-4-1", "--activation", "maxout"), "rank: a maxout unit needs"),
            (("2-4-1", "--rank", "2"), "rank: only maxout units have one"),
            ((), "ARCH"),
        ],
    )
    def test_refusals(self, capsys, words, said):
        assert said in refusal(capsys, "bounds", *words)


class TestCompare:
    def test_for_a_person(self, capsys):
        out = printed(capsys, *COMPARE)
        assert "hidden layers" in out
        assert "With 8 ReLU units on 2 inputs, a network with one hidden layer has at most 37 linear regions" in (
            " ".join(out.split())
        )
        assert "\x1b" not in out

    def test_on_a_terminal(self, capsys, monkeypatch):
        monkeypatch.setattr("linregions.cli.render.on_terminal", lambda: True)
        assert "┃" in printed(capsys, *COMPARE)

    def test_json_and_csv(self, capsys, tmp_path):
        file = tmp_path / "c.csv"
        content = json.loads(printed(capsys, *COMPARE, "--json", "--csv", file))
        assert [r["lower"]["value"] for r in content["rows"]] == [37, 44, 48, 24]
        lines = list(csv.DictReader(file.open(encoding="utf-8")))
        assert [int(line["proven_lower"]) for line in lines] == [37, 44, 48, 24]

    def test_options_reach_the_library(self, capsys, monkeypatch):
        seen = {}

        def asked(*args, **options):
            seen.update(options, args=args)
            return linregions.comparison.compare(2, 4, samples=0)

        monkeypatch.setitem(vars(linregions), "compare", asked)
        words = "--depths 1,2 --outputs 3 --samples 0 --trained 2 --init torch --bias 0.5 --seed 7 --threads 1"
        printed(capsys, *COMPARE, *words.split(), "--time-limit", "3", "--max-regions", "9", "--box", "-2", "2")
        domain = seen.pop("domain")
        assert repr(domain) == "box [-2, 2]^2"
        assert seen == {
            "args": (2, 8), "parameters": None, "widths": None, "depths": [1, 2], "outputs": 3, "samples": 0,
            "init": "torch", "bias": 0.5, "trained": 2, "seed": 7, "threads": 1, "progress": None, "time_limit": 3.0,
            "max_regions": 9,
        }  # fmt: skip

    @pytest.mark.parametrize("words", [["24 12,12 8,8,8"], ["24", "12,12", "8,8,8"]])
    def test_widths(self, capsys, words):
        out = printed(capsys, "compare", "--inputs", "2", "--samples", "0", "--json", "--widths", *words)
        assert [r["widths"] for r in json.loads(out)["rows"]] == [[24], [12, 12], [8, 8, 8]]

    def test_parameters(self, capsys):
        out = printed(capsys, "compare", "--inputs", 2, "--parameters", 50, "--samples", 0, "--json")
        assert json.loads(out)["rows"][0]["widths"] == [12]  # 4 * 12 + 1 = 49

    def test_a_budget_that_runs_out_is_marked_and_no_failure(self, capsys):
        out = printed(capsys, *COMPARE, "--max-regions", "5")
        assert "A budget ran out" in out
        assert "exceed the limit of 5" in out

    def test_interrupted(self, capsys, monkeypatch):
        done = replace(linregions.compare(2, 4, samples=0), status=Status.INTERRUPTED)
        monkeypatch.setitem(vars(linregions), "compare", lambda *_, **__: done)
        assert "hidden layers" in printed(capsys, *COMPARE, code=130)

    def test_figure(self, capsys, monkeypatch, tmp_path):
        drawn = []
        monkeypatch.setattr(linregions.plot, "comparison", lambda result, path: drawn.append((len(result.rows), path)))
        printed(capsys, *COMPARE, "--figure", tmp_path / "c.png")
        assert drawn == [(4, str(tmp_path / "c.png"))]

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("--inputs", "2"), "--units"),
            (("--units", "8"), "--inputs"),
            (("--inputs", "2", "--units", "8", "--parameters", "9"), "not allowed with"),
            (("--inputs", "0", "--units", "8"), "expected a positive integer"),
            (("--inputs", "2", "--widths", "8,x"), "--widths: expected whole numbers such as 12,12, got '8,x'"),
            (("--inputs", "2", "--widths", "8,0"), "widths: list 1: each width must be"),
            (("--inputs", "2", "--units", "8", "--depths", "a"), "--depths: expected whole numbers"),
            (("--inputs", "2", "--units", "8", "--depths", "9"), "depths: 9 layers need more units"),
            (("--inputs", "2", "--units", "8", "--init", "best"), "init: 'best' is not known"),
            (("--inputs", "2", "--units", "8", "--bias", "big"), "bias"),
            (("--inputs", "2", "--units", "8", "--samples", "-1"), "expected a whole number from 0 on"),
            (("--inputs", "2", "--units", "8", "--box", "1", "0"), "lower exceeds upper"),
            (("--inputs", "2", "--units", "8", "--csv", "no/such/c.csv"), "--csv: the folder of no/such/c.csv"),
            (("--inputs", "2", "--units", "8", "--figure", "no/such/c.png"), "--figure: the folder"),
        ],
    )
    def test_refusals(self, capsys, words, said):
        assert said in refusal(capsys, "compare", *words)


class TestConstruct:
    def test_the_list(self, capsys):
        out = printed(capsys, "construct")
        names = [entry["name"] for entry in json.loads(printed(capsys, "construct", "--json"))["constructions"]]
        assert {"zigzag_product", "pascanu_2014", "shallow", "arrangement", "random"} <= set(names)
        assert all(f"\n{name} " in out for name in names)

    @pytest.mark.parametrize(
        "words", [["2-6-6-1"], ["2;6,6"], ["2", "6,6"], ["inputs=2", "widths=6,6"], ["widths=6,6", "2"]]
    )
    def test_build_confirm_and_write(self, capsys, tmp_path, words):
        file = tmp_path / "net.npz"
        out = printed(capsys, "construct", "zigzag_product", *words, "--out", file, "--confirm", "--json")
        content = json.loads(out)
        assert (content["regions"], content["count"]["count"], content["confirmed"]) == (352, 352, True)
        assert read(file).hash == content["hash"] == constructions.zigzag_product(2, [6, 6]).network.hash

    def test_for_a_person(self, capsys):
        out = printed(capsys, "construct", "zigzag_product", "2-6-6-1", "--confirm")
        for said in ("352 activation regions on the whole space R^2", "formula: ", "reference: ", "confirmed: counted"):
            assert said in out

    @pytest.mark.parametrize(
        ("words", "regions"),
        [
            (["shallow", "2", "4"], 11),
            (["arrangement", "shi", "3"], 16),
            (["arrangement", "generic", "10", "dim=3"], 176),
            (["arrangement", "graphical", "4", "edges=0-1,1-2,2-3,3-0,0-2"], 18),
            (["serra_2018_line", "3"], 4),
            (["telgarsky_2016", "3", "on=line"], 10),
        ],
    )
    def test_arguments(self, capsys, words, regions):
        content = json.loads(printed(capsys, "construct", *words, "--confirm", "--json"))
        assert (content["regions"], content["confirmed"]) == (regions, True)

    def test_random_networks(self, capsys):
        content = json.loads(printed(capsys, "construct", "random", "2-16-16-1", "seed=0", "--confirm", "--json"))
        assert (content["regions"], content["count"]["count"], content["confirmed"]) == (None, 412, None)
        assert "not known beforehand" in printed(capsys, "construct", "random", "2-4-1")

    def test_another_count_is_a_refutation(self, capsys, monkeypatch):
        wrong = replace(constructions.zigzag_product(2, [4, 4]), regions=45)

        def zigzag_product(inputs, widths):
            return wrong

        monkeypatch.setattr(constructions, "zigzag_product", zigzag_product)
        assert "NOT confirmed: counted 44" in printed(
            capsys, "construct", "zigzag_product", "2-4-4-1", "--confirm", code=1
        )

    @pytest.mark.parametrize(("status", "code"), [(Status.BUDGET, 3), (Status.INTERRUPTED, 130)])
    def test_a_count_cut_short(self, capsys, monkeypatch, status, code):
        cut = replace(constructions.shallow(2, 4).count(), value=5, kind=Kind.LOWER, status=status)
        monkeypatch.setitem(vars(linregions), "count", lambda *_, **__: cut)
        out = printed(capsys, "construct", "shallow", "2", "4", "--confirm", "--json", code=code)
        assert json.loads(out)["confirmed"] is None

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("folding",), "'folding' is no construction; use one of"),
            (("--confirm",), "NAME: a construction is needed"),
            (("shallow",), "shallow: inputs and units must be given; it takes inputs units"),
            (("shallow", "2"), "shallow: units must be given"),
            (("shallow", "2", "3", "4"), "'4' is one too many"),
            (("shallow", "2", "size=3"), "shallow: takes inputs units, got 'size=3'"),
            (("shallow", "units=2", "units=3"), "units is given twice"),
            (("shallow", "2", "x"), "units must be"),
            (("zigzag_product", "2-0-1"), "width of hidden layer 1"),
            (("zigzag_product", "2", "6,x"), "widths"),
            (("arrangement", "dense", "3"), "'dense' is not known"),
            (("shallow", "2", "3", "--out", "net.onnx"), "ends in .npz"),
            (("shallow", "2", "3", "--out", "no/such/net.npz"), "cannot be written"),
            (("maxout_parallel", "2", "3,3", "--out", "net.npz"), "which is all that .npz holds"),
        ],
    )
    def test_refusals(self, capsys, words, said):
        assert said in refusal(capsys, "construct", *words)


@pytest.mark.parametrize("command", ["bounds", "compare", "construct"])
def test_help(capsys, command):
    assert "Exit status" in printed(capsys, command, "--help")


def test_the_parts_load_when_they_are_used():
    import subprocess
    import sys

    script = (
        "import sys, linregions\n"
        "assert not {'numpy', 'linregions.bounds'} & set(sys.modules)\n"
        "linregions.bounds.all, linregions.constructions.shallow, linregions.plot, linregions.expectation\n"
        "assert 'matplotlib' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
