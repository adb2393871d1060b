"""`linregions lyapunov`: verdicts, certificates, figures and sentences, as a person at the command line meets them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from linregions import Box, Network
from linregions.cli import main
from linregions.errors import OutputError
from linregions.lyapunov import candidates, verify
from linregions.readers import write_npz

DUFFING = "x2; -x2 - x1 - x1^3"


@pytest.fixture
def V(tmp_path: Path) -> str:
    path = str(tmp_path / "V.npz")
    write_npz(candidates.zonotope([[1.5, 0.5], [0.5, 1.0]], 8), path)
    return path


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["lyapunov", *words])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_proof_is_written_and_checked(V, tmp_path, capsys):
    proof, picture = str(tmp_path / "proof.json"), str(tmp_path / "roa.png")
    ask = ("verify", V, "--dynamics", DUFFING, "--box", "-1", "1")
    code, out, _ = said(capsys, *ask, "--certificate", proof, "--figure", picture)
    assert code == 0
    assert out.startswith("PROVED_STRICT")
    assert Path(picture).stat().st_size > 10_000
    code, out, _ = said(capsys, "check", proof, V)
    assert (code, out.startswith("accepted")) == (0, True)
    write_npz(candidates.zonotope([[1.5, 0.5], [0.5, 1.0]], 7), V)
    code, out, _ = said(capsys, "check", proof, V)
    assert (code, out.startswith("rejected")) == (1, True)


def test_a_refutation_has_its_witnesses(V, capsys):
    code, out, _ = said(capsys, "verify", V, "--system", "duffing", "--box", "-2", "2", "--counterexamples", "2")
    assert code == 1
    assert out.startswith("REFUTED")
    assert "and 4 more" in out


def test_json_holds_what_the_library_says(V, capsys):
    code, out, _ = said(capsys, "verify", V, "--dynamics", DUFFING, "--box", "-1,-1", "1,1", "--json")
    facts = json.loads(out)
    verdict = verify(V, DUFFING, Box.cube(-1, 1, 2))
    assert code == 0
    assert facts["status"] == verdict.status.value
    assert facts["sublevel"]["c"] == str(verdict.sublevel.c)


def test_a_system_brings_its_domain_and_its_time(tmp_path, capsys):
    path = str(tmp_path / "norm.npz")
    write_npz(candidates.one_norm(2), path)
    code, out, _ = said(capsys, "verify", path, "--system", "linear-discrete", "--json")
    assert (code, json.loads(out)["problem"]["time"]) == (1, "discrete")
    assert json.loads(out)["status"] == "MARGINAL"


def test_matrices_and_networks_are_dynamics(V, tmp_path, capsys):
    A = np.array([[0.0, 1.0], [-1.0, -1.0]])
    np.save(tmp_path / "A.npy", A)
    write_npz(Network.from_arrays([(A, [0.0, 0.0])]), str(tmp_path / "f.npz"))
    for option, name in (("--matrix", "A.npy"), ("--network", "f.npz")):
        code, out, _ = said(capsys, "verify", V, option, str(tmp_path / name), "--box", "-1", "1", "--no-levels")
        assert (code, out.startswith("PROVED_STRICT")) == (0, True)


def test_a_network_is_repaired(V, tmp_path, capsys):
    out_file, proof = str(tmp_path / "W.npz"), str(tmp_path / "proof.json")
    wrong = str(tmp_path / "wrong.npz")
    write_npz(candidates.zonotope([[1.0, 0.0], [0.0, 1.0]], 8), wrong)
    code, out, _ = said(
        capsys, "repair", wrong, "--dynamics", DUFFING, "--box", "-1", "1", "--out", out_file, "--certificate", proof
    )
    assert code == 0, out
    assert said(capsys, "check", proof, out_file)[0] == 0


def test_a_network_is_trained(tmp_path, capsys):
    out_file = str(tmp_path / "W.npz")
    code, out, _ = said(
        capsys, "train", "--dynamics", DUFFING, "--box", "-1", "1", "--units", "24", "--out", out_file, "--json"
    )
    assert (code, json.loads(out)["verdict"]["status"]) == (0, "PROVED_STRICT")
    assert verify(out_file, DUFFING, Box.cube(-1, 1, 2)).proved


def test_systems_are_listed(capsys):
    code, out, _ = said(capsys, "systems")
    assert code == 0
    assert "duffing\n    x1' = x2; x2' = -x2 - x1 - x1^3" in out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--box", "-1", "1"], "one of the arguments --system --dynamics --matrix --network is required"),
        (["--system", "duffin", "--box", "-1", "1"], "duffin"),
        (["--dynamics", "x2; -x1 - y7", "--box", "-1", "1"], "y7"),
        (["--dynamics", "x2; -x1 - cosh2(x1)", "--box", "-1", "1"], "cosh2"),
        (["--dynamics", "x2; -x1; x1", "--box", "-1", "1"], "dimension 2"),
        (["--dynamics", "x2 + 1; -x1", "--box", "-1", "1"], "f(0)"),
        (["--dynamics", DUFFING, "--box", "0.5", "1"], "origin"),
        (["--dynamics", DUFFING], "a domain is needed"),
        (["--dynamics", DUFFING, "--box", "-1", "1", "--parameter", "mu=3"], "--parameter goes with --system"),
        (["--dynamics", DUFFING, "--box", "-1", "1", "--exclude", "-1"], "positive number"),
        (["--system", "duffing", "--figure", "a.txt"], "--figure: a.txt must end in one of .png, .svg, .pdf"),
        (["--system", "duffing", "--counterexamples", "-1"], "expected a whole number from 0 on, got '-1'"),
        (["--system", "duffing", "--certificate", "no/such/folder/c.json"], "--certificate"),
    ],
)
def test_bad_input_is_one_sentence(V, capsys, words, sentence):
    code, out, err = said(capsys, "verify", V, *words)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert sentence in err


def test_v_of_zero_is_not_zero(tmp_path, capsys):
    path = str(tmp_path / "shifted.npz")
    write_npz(Network.from_arrays([(np.eye(2), [0.0, 0.0]), ([[1.0, 1.0]], [0.25])]), path)
    ask = ("verify", path, "--dynamics", "-x1; -x2", "--box", "-1", "1")
    code, _, err = said(capsys, *ask)
    assert (code, "V(0) = 1/4" in err, "shift" in err) == (2, True, True)
    assert said(capsys, *ask, "--shift")[0] == 1


def test_a_certificate_that_is_none_is_refused(V, tmp_path, capsys):
    broken = tmp_path / "broken.json"
    broken.write_text('{"format": "linregions lyapunov certificate 1"}')
    code, out, _ = said(capsys, "check", str(broken), V)
    assert (code, out.startswith("rejected")) == (1, True)


def test_a_verdict_outlives_its_certificate(tmp_path, capsys):
    path, proof = str(tmp_path / "norm.npz"), str(tmp_path / "proof.json")
    write_npz(candidates.one_norm(2), path)
    f = "0.5*x1+0.3*x2^2; 0.4*x2*sin(x1)"
    ask = ("verify", path, "--dynamics", f, "--discrete", "--box", "-1", "1", "--certificate", proof)
    code, out, err = said(capsys, *ask)
    assert (code, out.startswith("PROVED_STRICT"), "written" in out) == (0, True, False)
    assert err.count("\n") == 1
    assert "network V with nonlinear dynamics in discrete time" in err
    assert not Path(proof).exists()
    code, out, _ = said(capsys, *ask, "--json")
    assert (code, json.loads(out)["status"]) == (0, "PROVED_STRICT")
    code, out, err = said(capsys, *ask, "--max-depth", "1", "--time-limit", "1e-9")
    assert (code, out.startswith("UNKNOWN"), "proves nothing" in err) == (3, True, True)


def test_links_and_devices_are_not_replaced(V, tmp_path, capsys):
    target, link, hole = tmp_path / "proof.json", tmp_path / "link.json", tmp_path / "pipe.json"
    target.write_text("before")
    link.symlink_to(target)
    os.mkfifo(hole)
    ask = ("verify", V, "--dynamics", DUFFING, "--box", "-1", "1", "--no-levels", "--certificate")
    assert said(capsys, *ask, str(link))[0] == 0
    assert link.is_symlink()
    assert json.loads(target.read_text())["claim"] == "strict"
    for path in (hole, tmp_path, "/dev/full"):
        code, out, err = said(capsys, *ask, str(path))
        assert (code, out, "is no regular file" in err) == (74, "", True)
    assert hole.is_fifo()
    weights = tmp_path / "weights.npz"
    weights.symlink_to(V)
    write_npz(candidates.one_norm(2), weights)
    assert weights.is_symlink()
    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(OutputError, match="no regular file"):
        write_npz(candidates.one_norm(2), tmp_path / "pipe.npz")


def test_a_verdict_outlives_its_figure(tmp_path, capsys):
    path, picture = str(tmp_path / "norm.npz"), str(tmp_path / "a.png")
    write_npz(candidates.one_norm(3), path)
    ask = ("verify", path, "--dynamics", "-x1; -x2; -x3", "--box", "-1", "1", "--figure", picture)
    code, out, err = said(capsys, *ask)
    assert (code, out.startswith("PROVED_STRICT"), err.count("\n")) == (0, True, 1)
    assert not Path(picture).exists()


def test_files_that_cannot_be_read_are_no_rejection(V, tmp_path, capsys):
    proof, missing = str(tmp_path / "proof.json"), str(tmp_path / "missing")
    ask = ("verify", V, "--dynamics", DUFFING, "--box", "-1", "1", "--certificate", proof)
    assert said(capsys, *ask)[0] == 0
    for words in ((missing, V), (proof, missing + ".npz"), (proof, proof), (str(tmp_path), V)):
        code, out, err = said(capsys, "check", *words)
        assert (code, out, err.count("\n")) == (2, "", 1), words
        assert err.startswith("error: ")
    code, out, _ = said(capsys, "check", proof, V)
    assert (code, "the domain {-1 <= x1 <= 1, -1 <= x2 <= 1}" in out) == (0, True)
