"""`linregions score`: a file's network, a module that the user's code builds, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from linregions import Network
from linregions.cli import main
from linregions.readers import write_npz
from linregions.scores.scoring.score import swap_score

NETS = '''
"""Networks of a user."""
import torch
from torch import nn

print("importing")


def small():
    print("building")
    return nn.Sequential(nn.Linear(3, 20), nn.BatchNorm1d(20), nn.ReLU(), nn.Linear(20, 2))


class Fails(nn.Module):
    def forward(self, x):
        raise RuntimeError("no\\nway")


def fails():
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), Fails())


def breaks():
    raise KeyError("config")


def exits():
    raise SystemExit(5)


def number():
    return 3


class Space:
    cell = nn.ReLU
    constant = 5
'''


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    Path("score_nets.py").write_text(NETS)
    rng = np.random.default_rng(0)
    net = Network.from_arrays([(rng.normal(size=(9, 3)), rng.normal(size=9)), (rng.normal(size=(1, 9)), [0.0])])
    write_npz(net, "net.npz")
    np.save("x.npy", rng.normal(size=(12, 3)))


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["score", *words])
    out, err = capsys.readouterr()
    return code, out, err


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    code, out, _ = told(capsys, *words, "--json")
    assert code == 0
    return json.loads(out)


def refused(capsys: pytest.CaptureFixture[str], match: str, *words: str) -> None:
    code, out, err = told(capsys, *words)
    assert (code, out) == (2, "")
    assert match in err
    assert [line.startswith("error: ") for line in err.splitlines() if line not in ("importing", "building")] == [True]


def test_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    want = swap_score("net.npz", np.load("x.npy")[:5])
    facts = answer(capsys, "net.npz", "--data", "x.npy", "--samples", "5")
    assert facts == {**want.as_dict(), "model": "net.npz", "data": "x.npy", "seconds": facts["seconds"]}
    code, out, err = told(capsys, "net.npz", "--data", "x.npy", "--layers")
    assert (code, err) == (0, "")
    assert "distinct patterns" in out
    assert "distinct of 9 units" in out


def test_the_options_of_the_score(capsys: pytest.CaptureFixture[str]) -> None:
    x = np.load("x.npy")
    words = (
        "--regularised",
        "--mu",
        "-0.5",
        "--sigma",
        "2",
        "--unit",
        "params",
        "--indicator",
        "sign",
        "--eps",
        "1e-3",
    )
    facts = answer(capsys, "net.npz", "--data", "x.npy", *words)
    want = swap_score("net.npz", x, regularised=True, mu=-0.5, sigma=2, unit="params", indicator="sign", eps=1e-3)
    assert facts["value"] == want.value
    assert facts["near_zero"] == want.near_zero
    assert (facts["indicator"], facts["unit"], facts["mu"]) == ("sign", "params", -0.5)


def test_a_module(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--module", "score_nets:small", "--data", "x.npy")
    code, out, err = told(capsys, *words, "--json")
    assert code == 0
    facts = json.loads(out)  # what the user's code prints does not get in between
    assert err.split() == ["importing", "building"] or err.split() == ["building"]
    assert answer(capsys, *words)["per_repeat"] == facts["per_repeat"]
    many = answer(capsys, *words, "--init", "gaussian", "--repeats", "3", "--seed", "4")
    assert many["repeats"] == 3
    assert (
        many["per_repeat"]
        == answer(capsys, *words, "--init", "gaussian", "--repeats", "3", "--seed", "4")["per_repeat"]
    )
    assert answer(capsys, *words, "--init", "default")["repeats"] == 8
    evaluated = answer(capsys, *words, "--mode", "eval", "--device", "cpu")
    assert evaluated["mode"] == "eval"


def test_without_companions(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("net.npz",), ("--module", "score_nets:small")):
        with_them = answer(capsys, *words, "--data", "x.npy")
        without = answer(capsys, *words, "--data", "x.npy", "--no-companions")
        assert without["value"] == with_them["value"]
        assert with_them["standard"] is not None
        assert without["nwot"] is without["standard"] is None


def test_the_factory_draws_by_the_seed(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--module", "score_nets:small", "--data", "x.npy")
    scores = [answer(capsys, *words, "--seed", str(k))["layers"][0] for k in range(4)]
    assert any(layer != scores[0] for layer in scores)
    assert answer(capsys, *words, "--seed", "2")["layers"][0] == scores[2]


def test_a_class_inside_a_class_is_a_factory(capsys: pytest.CaptureFixture[str]) -> None:
    facts = answer(capsys, "--module", "score_nets:Space.cell", "--data", "x.npy")
    assert (facts["units"], facts["layers"][0]["name"]) == (3, "(model)")


def test_what_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    data = ("--data", "x.npy")
    refused(capsys, "neither is given", *data)
    refused(capsys, "both are given", "net.npz", "--module", "score_nets:small", *data)
    refused(capsys, "--data", "net.npz")
    refused(capsys, "12 samples, 13 were asked for", "net.npz", *data, "--samples", "13")
    refused(capsys, "must be a .npy file", "net.npz", "--data", "net.npz")
    refused(capsys, "cannot read none.npy", "net.npz", "--data", "none.npy")
    refused(capsys, "no such file", "none.npz", *data)
    for name in ("init gaussian", "repeats 2", "mode train", "device cuda"):
        refused(capsys, f"--{name.split()[0]}: a file is scored", "net.npz", *data, *f"--{name}".split())
    refused(capsys, "give mu and sigma", "net.npz", *data, "--regularised")
    refused(capsys, "expected a number, got 'x'", "net.npz", *data, "--mu", "x", "--sigma", "1")
    refused(capsys, "all 2 passes would be the same", "--module", "score_nets:small", *data, "--repeats", "2")
    np.save("one.npy", np.zeros(3))
    refused(capsys, "(n, ...), got an array of shape (3,)", "net.npz", "--data", "one.npy")
    Path("text.npy").write_text("1 2 3\n4 5 6\n")
    refused(capsys, "text.npy is no .npy file; write it with numpy.save", "net.npz", "--data", "text.npy")
    np.save("objects.npy", np.array([{}, {}]), allow_pickle=True)
    refused(capsys, "--data", "net.npz", "--data", "objects.npy")


def test_bad_modules(capsys: pytest.CaptureFixture[str]) -> None:
    data = ("--data", "x.npy")
    for name in (
        "score_nets",
        "score_nets:",
        ":small",
        "score nets:small",
        "score_nets:small()",
        "./score_nets.py:small",
    ):
        refused(capsys, "expected PACKAGE.MODULE:FACTORY", "--module", name, *data)
    refused(capsys, "no module no_such to import", "--module", "no_such.thing:build", *data)
    refused(capsys, "score_nets has no large", "--module", "score_nets:large", *data)
    refused(capsys, "must give a torch nn.Module, got 3", "--module", "score_nets:number", *data)
    refused(capsys, "must be a function that returns the model", "--module", "score_nets:Space.constant", *data)
    refused(capsys, "fails with KeyError: 'config'", "--module", "score_nets:breaks", *data)
    refused(capsys, "score_nets:exits ends the program (sys.exit with 5)", "--module", "score_nets:exits", *data)
    refused(capsys, "fails with RuntimeError: no way in layer 2", "--module", "score_nets:fails", *data)


def test_help_says_that_it_runs_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "--help"]) == 0
    assert "IMPORTS AND RUNS" in capsys.readouterr().out
