"""`linregions count --save/--resume` and `linregions merge`."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import known_nets
import numpy as np
import pytest

import linregions
from linregions import OutputError, open_run
from linregions.cli import main
from linregions.store import RunFolder

REGIONS = 1963


@pytest.fixture(autouse=True)
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arrays: dict[str, np.ndarray] = {}
    for k, stage in enumerate(known_nets.he_net((3, 12, 12, 1), 5).stages):
        arrays[f"W{k}"], arrays[f"b{k}"] = stage.weight, stage.bias
    np.savez("net.npz", **arrays)  # type: ignore[arg-type]


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(list(words))
    out, err = capsys.readouterr()
    return code, out, err


COUNT = ("count", "net.npz", "--box", "-1", "1")


def test_save_and_resume(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = told(capsys, *COUNT, "--save", "my run", "--max-regions", "100")
    assert (code, err) == (3, "")
    assert "at least" in out
    code, out, err = told(capsys, "count", "--resume", "my run", "--json")
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert (answer["count"], answer["kind"], answer["status"]) == (REGIONS, "exact", "complete")
    code, _, err = told(capsys, *COUNT, "--save", "my run")
    assert (code, err) == (2, "error: save: my run holds a run already; resume it, or give another folder\n")


def test_a_listing_with_a_damaged_shard(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, *COUNT, "--save", "run", "--list")[0] == 0
    file = Path("run/shards/0000001.regions.npy")
    os.truncate(file, file.stat().st_size - 1)
    code, out, err = told(capsys, "count", "--resume", "run")
    assert code == 0
    assert out.startswith("1,963 activation regions")
    assert err.count("\n") == 1
    assert err.startswith("warning: run: run is damaged: 0000001.regions.npy has ")
    assert len(open_run("run")) == REGIONS


def test_shares_and_parts(capsys: pytest.CaptureFixture[str]) -> None:
    for k in (1, 2):
        assert told(capsys, *COUNT, "--save", f"share{k}", "--part", f"{k}/2")[0] == 0
    code, out, _ = told(capsys, "merge", "share1", "share2", "--out", "both", "--json")
    assert (code, json.loads(out)["count"]) == (0, REGIONS)
    code, out, _ = told(capsys, "merge", "share1", "share1", "--out", "one")
    assert code == 3
    assert "pieces are not done" in out
    for name, low, high in (("left", "-1,-1,-1", "1,1,0.25"), ("right", "-1,-1,0.25", "1,1,1")):
        assert told(capsys, "count", "net.npz", "--box", low, high, "--save", name, "--list")[0] == 0
    code, out, _ = told(capsys, "merge", "left", "right", "--out", "whole")
    assert code == 0
    assert out.startswith("1,963 activation regions on box [-1, 1]^3\n")
    code, _, err = told(capsys, "merge", "left", "whole", "--out", "no")
    assert (code, err.count("\n")) == (2, 1)


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_keeps_what_is_done(tmp_path: Path) -> None:
    widths, arrays = (6, 24, 24, 1), {}
    for k, stage in enumerate(known_nets.he_net(widths, 0).stages):
        arrays[f"W{k}"], arrays[f"b{k}"] = stage.weight, stage.bias
    np.savez("wide.npz", **arrays)  # type: ignore[arg-type]
    source = str(Path(linregions.__file__).parent.parent)
    code = f"import sys; sys.path.insert(0, {source!r}); from linregions.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "count", "wide.npz", "--box", "-1", "1", "--save", "run", "--json"]
    # A shell that runs the tests in the background has them ignore SIGINT, and children inherit that.
    heard: dict[str, Any] = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **heard)
    try:
        while not list(Path("run").glob("shards/*.json")):
            assert child.poll() is None
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    finally:
        child.kill()
    assert (child.returncode, err) == (130, "")
    facts = json.loads(out)
    assert (facts["kind"], facts["status"]) == ("lower", "interrupted")
    with RunFolder.open("run") as folder:
        assert 0 < folder.sums()[0] <= facts["count"]
        assert 0 < len(folder.left) < len(folder.manifest.pieces)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["count", "--box", "-1", "1"], "MODEL is needed"),
        ([*COUNT, "--list"], "--list goes with --save RUN"),
        ([*COUNT, "--part", "1/2"], "--part goes with --save RUN"),
        ([*COUNT, "--save", "a", "--resume", "b"], "not allowed with"),
        ([*COUNT, "--save", "a", "--part", "3/2"], "expected K/N"),
        ([*COUNT, "--save", "a", "--part", "half"], "expected K/N with K from 1 to N"),
        (["count", "--resume", "nothing"], "nothing is no run folder"),
        (["count", "net.npz", "--resume", "run"], "MODEL cannot go with --resume"),
        (["count", "--box", "-1", "1", "--resume", "run"], "--box cannot go with --resume"),
        (["count", "--no-exact", "--resume", "run"], "--no-exact cannot go with --resume"),
        (["merge", "run", "--out", "other"], "two or more runs are needed"),
        (["merge", "a", "b"], "--out"),
    ],
)
def test_mistakes(capsys: pytest.CaptureFixture[str], words: list[str], message: str) -> None:
    code, out, err = told(capsys, *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_a_full_disk_has_its_own_exit_status(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OutputError("save: the disk of run is full (No space left on device)", errno.ENOSPC)

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "append", full)
        code, out, err = told(capsys, *COUNT, "--save", "run")
    assert (code, out) == (74, "")
    assert "the disk of run is full" in err
    assert told(capsys, "count", "--resume", "run")[0] == 0
