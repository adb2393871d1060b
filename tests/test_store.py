"""Run folders: what is in them is checked, one process writes at a time, and a full disk loses nothing."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import known_nets
import numpy as np
import pytest
from hypothesis import given, settings
from strategies import Case, cases

import linregions
from linregions import Box, Partition, SavedPartition, Space, count, enumerate_regions, open_run, resume
from linregions.errors import InputError, OutputError
from linregions.partition import Kind, Status
from linregions.runs import writer
from linregions.store import DamageWarning, RunFolder, files, lock
from linregions.store.describe import describe_domain, describe_network, restore_domain, restore_network

NET, BOX = known_nets.he_net((3, 12, 12, 1), 5), Box.cube(-1, 1, 3)
REGIONS = 1963


def rows(listing: Partition | SavedPartition) -> np.ndarray:
    if isinstance(listing, Partition):
        return listing.packed
    return np.concatenate([c.packed for c in listing.chunks(700)])


@pytest.fixture(scope="module")
def whole() -> Partition:
    return enumerate_regions(NET, BOX)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A complete listing in three shards."""
    run = tmp_path / "run"
    for limit in (500, 1200, None):
        if limit == 500:
            enumerate_regions(NET, BOX, save=run, max_regions=limit)
        else:
            resume(run, max_regions=limit)
    assert len(list((run / "shards").glob("*.json"))) == 3
    return run


@settings(max_examples=60)
@given(cases())
def test_networks_and_domains_come_back_as_they_were(case: Case) -> None:
    import io

    record, weights = describe_network(case.network)
    again = restore_network(json.loads(json.dumps(record)), io.BytesIO(weights))
    assert again.hash == case.network.hash
    assert repr(again) == repr(case.network)
    domain = restore_domain(json.loads(json.dumps(describe_domain(case.domain))))
    assert domain.halfspaces == case.domain.halfspaces
    assert domain.embedding == case.domain.embedding
    assert repr(domain) == repr(case.domain)


def test_a_sparse_network_comes_back(tmp_path: Path) -> None:
    from scipy.sparse import csr_array

    from linregions.network import Network
    from linregions.stage import Stage

    stages = [Stage(csr_array(s.weight), s.bias, s.activation, name=s.name) for s in NET.stages]
    net = Network(tuple(stages), "sparse")
    found = count(net, BOX, save=tmp_path / "run")
    assert found.value == resume(tmp_path / "run").value == REGIONS


def broken_shard(run: Path, how: str) -> None:
    shard = run / "shards" / "0000002"
    table, regions, record = (shard.with_name(f"0000002.{end}") for end in ("pieces.npy", "regions.npy", "json"))
    match how:
        case "regions cut":
            os.truncate(regions, regions.stat().st_size - 5)
        case "regions empty":
            os.truncate(regions, 0)
        case "regions gone":
            regions.unlink()
        case "regions changed" | "table changed":
            file = regions if how == "regions changed" else table
            content = bytearray(file.read_bytes())
            content[-3] ^= 1
            file.write_bytes(content)
        case "table cut":
            os.truncate(table, 130)
        case "record cut":
            record.write_bytes(record.read_bytes()[:-20])
        case "record garbage":
            record.write_bytes(b"\xff\x00 nothing")
        case "record of another file":
            content = json.loads(record.read_text())
            content["files"]["../../../etc/passwd"] = content["files"].popitem()[1]
            record.write_text(json.dumps(content))
        case "shard twice":
            for end in ("pieces.npy", "regions.npy"):
                shutil.copy(shard.with_name(f"0000002.{end}"), shard.with_name(f"0000009.{end}"))
            text = record.read_text().replace("0000002", "0000009").replace(": 2,", ": 9,")
            record.with_name("0000009.json").write_text(text)


BREAKS = [
    "regions cut",
    "regions empty",
    "regions gone",
    "regions changed",
    "table changed",
    "table cut",
    "record cut",
    "record garbage",
    "record of another file",
    "shard twice",
]


@pytest.mark.parametrize("how", BREAKS)
def test_a_damaged_shard_is_reported_and_done_again(saved: Path, whole: Partition, how: str) -> None:
    broken_shard(saved, how)
    with pytest.warns(DamageWarning, match="run is damaged: 000000.*its pieces are done again"):
        again = resume(saved)
    assert isinstance(again, SavedPartition)
    assert (again.count.kind, again.count.status) == (Kind.EXACT, Status.COMPLETE)
    assert np.array_equal(rows(again), whole.packed)
    assert again.count.exact_decisions == whole.count.exact_decisions
    final = resume(saved)  # and stays whole
    assert np.array_equal(rows(final), whole.packed)


def test_damage_is_seen_by_readers_too(saved: Path) -> None:
    broken_shard(saved, "regions changed")
    listing = open_run(saved)  # sizes are right, so it is seen when the shard is read
    with pytest.raises(InputError, match=r"regions.npy does not have the checksum that was recorded; resume the run"):
        rows(listing)
    with pytest.raises(InputError, match="checksum"):
        listing.verify()
    broken_shard(saved, "regions cut")
    with pytest.warns(DamageWarning, match="left out here"):
        less = open_run(saved)
    assert less.count.kind is Kind.LOWER
    assert 0 < len(less) < REGIONS
    assert "pieces are not done" in less.count.reason


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (None, b"garbage \xff", "manifest.json cannot be read"),
        (None, b"[]", "it is not the manifest of a run"),
        (None, b"{}", "manifest.json cannot be read"),
        (None, b"[" * 100_000, "manifest.json cannot be read"),
        (b'"version": 1', b'"version": 2', "format version 2, and this linregions reads version 1"),
        (b'"mode": "list"', b'"mode": "count"', "manifest.json does not have the checksum"),
        (b"-1.0", b"-2.0", "manifest.json does not have the checksum"),
    ],
)
def test_a_manifest_that_cannot_be_used(saved: Path, old: bytes | None, new: bytes, message: str) -> None:
    manifest = saved / "manifest.json"
    manifest.write_bytes(new if old is None else manifest.read_bytes().replace(old, new))
    with pytest.raises(InputError, match=message):
        resume(saved)


def test_the_network_of_another_run(saved: Path, tmp_path: Path) -> None:
    count(known_nets.he_net((3, 12, 12, 1), 6), BOX, save=tmp_path / "other")
    shutil.copy(tmp_path / "other" / "network.npz", saved / "network.npz")
    with pytest.raises(InputError, match=r"network.npz does not have the checksum"):
        resume(saved)
    (saved / "network.npz").unlink()
    with pytest.raises(InputError, match=r"network.npz cannot be read"):
        open_run(saved)


def test_the_shards_of_another_run(saved: Path, tmp_path: Path, whole: Partition) -> None:
    other = tmp_path / "other"
    enumerate_regions(known_nets.he_net((3, 9, 1), 0), BOX, save=other, max_regions=10)
    shutil.rmtree(saved / "shards")
    (saved / "shards").mkdir()
    resume(saved, max_regions=500)
    number = max(int(p.stem) for p in (saved / "shards").glob("*.json")) + 1
    for file in (other / "shards").glob("*"):
        text = file.read_bytes().replace(b"0000001", f"{number:07d}".encode())
        if file.suffix == ".json":
            text = json.dumps({**json.loads(text), "shard": number}).encode()
        (saved / "shards" / file.name.replace("0000001", f"{number:07d}")).write_bytes(text)
    with pytest.warns(DamageWarning):
        again = resume(saved)
    assert isinstance(again, SavedPartition)
    assert np.array_equal(rows(again), whole.packed)


@contextmanager
def full_after(calls: int, monkeypatch: pytest.MonkeyPatch, code: int = errno.ENOSPC) -> Iterator[None]:
    """A disk that is full from the given write on, and writes half of what it is given then."""
    left = [calls]
    opened = open

    class Full:
        def __init__(self, file: Any):
            self._file = file

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self._file.close()

        def write(self, content: memoryview) -> int:
            left[0] -= 1
            if left[0] < 0:
                self._file.write(content[: len(content) // 2])
                raise OSError(code, os.strerror(code))
            return self._file.write(content)

        def fileno(self) -> int:
            return self._file.fileno()

    def fake(path: Any, mode: str = "r", **options: Any) -> Any:
        file = opened(path, mode, **options)
        return Full(file) if "w" in mode else file

    with monkeypatch.context() as patch:
        patch.setattr(files, "open", fake, raising=False)
        yield


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
def test_a_disk_that_is_full_at_any_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Partition, code: int
) -> None:
    monkeypatch.setattr(writer, "INTERVAL", 0.0)
    rng = random.Random(1)
    run, fails, regions = tmp_path / "run", 0, 0
    message, word = "", "cannot be written" if code == errno.EIO else "is full"
    listing = None
    while listing is None or listing.count.status is not Status.COMPLETE:
        regions += 200
        with full_after(rng.randint(0, 6), monkeypatch, code):
            try:
                if (run / "manifest.json").exists():
                    listing = resume(run, max_regions=regions)
                else:
                    listing = enumerate_regions(NET, BOX, save=run, max_regions=regions)
            except OutputError as error:
                fails += 1
                message = str(error)
        assert not list(run.rglob("*.part"))
    assert fails > 3
    assert message.startswith("save: ")
    assert word in message
    assert isinstance(listing, SavedPartition)
    assert np.array_equal(rows(listing), whole.packed)


def test_what_a_killed_process_left_is_tidied_up(saved: Path, whole: Partition) -> None:
    shards = saved / "shards"
    before = {p.name for p in shards.iterdir()}
    for name in ("0000004.pieces.npy", "0000004.regions.npy", "0000004.json.part", "0000002.regions.npy.part"):
        (shards / name).write_bytes(b"half")
    again = resume(saved)
    assert isinstance(again, SavedPartition)
    assert np.array_equal(rows(again), whole.packed)
    assert {p.name for p in shards.iterdir()} == before


def test_a_real_limit_on_the_size_of_files(tmp_path: Path) -> None:
    places = [str(Path(__file__).parent), str(Path(linregions.__file__).parent.parent)]
    code = f"""
    import resource, sys
    sys.path[:0] = {places}
    import known_nets
    from linregions import Box, OutputError, enumerate_regions, resume
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 10**9))
    try:
        enumerate_regions(known_nets.he_net((3, 12, 12, 1), 5), Box.cube(-1, 1, 3), save="run")
    except OutputError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10**9, 10**9))
    print(len(resume("run")))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert "the disk of run/shards is full" in first
    assert second == str(REGIONS)


def test_a_full_tmpfs(tmp_path: Path, whole: Partition) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True
    )
    if not mounted or mounted.returncode:
        pytest.skip("no tmpfs can be mounted here")
    try:
        with pytest.raises(OutputError, match="is full"):
            enumerate_regions(NET, BOX, save=disk / "run")
        shutil.copytree(disk / "run", tmp_path / "copy")
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    again = resume(tmp_path / "copy")
    assert isinstance(again, SavedPartition)
    assert np.array_equal(rows(again), whole.packed)


def test_a_second_process_is_refused(saved: Path) -> None:
    code = "import sys\nfrom linregions import resume\nresume(sys.argv[1])"
    with RunFolder.open(saved, write=True):
        done = subprocess.run([sys.executable, "-c", code, str(saved)], capture_output=True, text=True)
        assert done.returncode != 0
        assert f"is being written by process {os.getpid()} on" in done.stderr.splitlines()[-1]
        with pytest.raises(InputError, match="is being written by process"):
            resume(saved)
        assert len(open_run(saved)) == REGIONS  # reading goes on
    assert resume(saved)


def test_the_lock_of_a_dead_process_is_taken_over(saved: Path) -> None:
    code = """
    import os, sys
    from linregions.store import RunFolder
    folder = RunFolder.open(sys.argv[1], write=True)
    os.kill(os.getpid(), 9)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(saved)], capture_output=True)
    assert done.returncode == -9
    assert (saved / "lock").exists()
    assert resume(saved)


def test_locks_where_the_system_has_none(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "_flock", lambda handle: False)
    with RunFolder.open(saved, write=True):
        assert (saved / "lock.pid").exists()
        with pytest.raises(InputError, match=r"process \d+ on .* \(if it is gone for good, remove lock.pid there\)"):
            resume(saved)
    assert not (saved / "lock.pid").exists()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    host = lock.socket.gethostname()
    (saved / "lock.pid").write_text(f"{gone.pid} {host}\n")  # dead: taken over
    assert resume(saved)
    for text in (f"{gone.pid} another-{host}\n", "", "x y z"):  # who knows
        (saved / "lock.pid").write_text(text)
        with pytest.raises(InputError, match="is being written"):
            resume(saved)


def test_folders_that_cannot_be_used(tmp_path: Path, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="holds a run already; resume it"):
        count(NET, BOX, save=saved)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").touch()
    with pytest.raises(InputError, match=r"holds other files \(thesis.tex\)"):
        count(NET, BOX, save=tmp_path / "other")
    (tmp_path / "headless" / "shards").mkdir(parents=True)
    (tmp_path / "headless" / "shards" / "0000001.json").touch()
    with pytest.raises(InputError, match=r"holds shards of a run whose manifest.json is gone"):
        count(NET, BOX, save=tmp_path / "headless")
    for reader in (resume, open_run):
        with pytest.raises(InputError, match="is no run folder"):
            reader(tmp_path / "nothing")
        with pytest.raises(InputError, match="expected the path of a folder, got int"):
            reader(3)
    with pytest.raises(OutputError, match="cannot be written"):
        count(NET, BOX, save=saved / "manifest.json")
    count(NET, BOX, save=tmp_path / "number")
    with pytest.raises(InputError, match="holds a count without its regions"):
        open_run(tmp_path / "number")

    def refused(*_: Any) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(lock.os, "open", refused)
    with pytest.raises(OutputError, match="Read-only file system"):
        resume(saved)
    monkeypatch.undo()
    assert len(open_run(saved)) == REGIONS


def test_a_folder_of_another_domain_or_mode_keeps_what_it_has(tmp_path: Path) -> None:
    run = tmp_path / "with spaces and ünïcode" / "run"
    found = count(NET, Space(3), save=run, threads=1)
    assert found.value == resume(str(run)).value == count(NET, Space(3)).value
    assert found.kind is Kind.EXACT
