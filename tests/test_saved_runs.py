"""Saved runs end as undisturbed ones do, whatever happens in between; merged ones count nothing twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import known_nets
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import Case, cases, networks

import linregions
from linregions import (
    Box,
    Network,
    Partition,
    Polytope,
    SavedPartition,
    Segment,
    Space,
    count,
    enumerate_regions,
    merge,
    open_run,
    resume,
)
from linregions.errors import InputError
from linregions.partition import Kind, Status
from linregions.runs import merging, writer
from linregions.store import lazy

NET, BOX = known_nets.he_net((3, 12, 12, 1), 5), Box.cube(-1, 1, 3)
REGIONS = 1963


def rows(listing: Any, size: int = 700) -> np.ndarray:
    if isinstance(listing, Partition):
        return listing.packed
    chunks = [c.packed for c in listing.chunks(size)]
    return np.concatenate(chunks) if chunks else np.zeros((0, 1), np.uint8)


def same(listing: Any, whole: Partition) -> bool:
    """The same regions with the same witnesses in the same order."""
    witnesses = np.concatenate([c.witnesses for c in listing.chunks()])
    return bool(np.array_equal(rows(listing), whole.packed) and np.array_equal(witnesses, whole.witnesses))


@pytest.fixture(scope="module")
def whole() -> Partition:
    return enumerate_regions(NET, BOX)


@settings(max_examples=10)
@given(cases(), st.integers(1, 3))
def test_a_saved_run_is_an_undisturbed_one(case: Case, threads: int) -> None:
    net, domain = case.network, case.domain
    with tempfile.TemporaryDirectory() as folder:
        expected = count(net, domain, engine="cells", threads=1)
        found = count(net, domain, save=f"{folder}/count", threads=threads)
        assert (found.value, found.kind, found.status) == (expected.value, Kind.EXACT, Status.COMPLETE)
        listed = enumerate_regions(net, domain, threads=1)
        saved = enumerate_regions(net, domain, save=f"{folder}/list", threads=threads)
        assert same(saved, listed)
        assert saved.count.exact_decisions == listed.count.exact_decisions
        assert np.array_equal(saved[-1].pattern, listed[-1].pattern)
        shares = [f"{folder}/{k}" for k in (1, 2, 3)]
        for k in (3, 1, 2):
            part = enumerate_regions(net, domain, save=shares[k - 1], part=(k, 3), threads=threads)
            assert part.count.kind is Kind.LOWER
        assert same(merge(*shares, out=f"{folder}/all"), listed)


@pytest.mark.parametrize("domain", [Box.cube(-1, 1, 2), Space(2)])
def test_lines_in_shares(tmp_path: Path, domain: linregions.Domain) -> None:
    """The sections of one hidden layer are pieces of their own; many of these lines meet in one point."""
    rows = np.array([[1.0, 0.0]] * 20 + [[0.0, 1.0]] * 20 + [[1.0, 1.0]] * 40)
    offsets = np.r_[np.linspace(-0.9, 0.9, 20), np.linspace(-0.9, 0.9, 20), np.linspace(-1.8, 1.8, 40)]
    net = Network.from_arrays([(rows, offsets), (np.ones((1, 80)), [0.0])])
    expected = count(net, domain, engine="cells", threads=1)
    for k in (1, 2):
        count(net, domain, save=tmp_path / str(k), part=(k, 2), threads=2 * k - 1)
    found: Any = merge(tmp_path / "1", tmp_path / "2", out=tmp_path / "all")
    assert found.value == expected.value
    assert found.kind is Kind.EXACT


@pytest.mark.parametrize("threads", [1, 2])
def test_resuming_after_limits(tmp_path: Path, whole: Partition, threads: int) -> None:
    run, regions = tmp_path / "run", 0
    listing = enumerate_regions(NET, BOX, save=run, max_regions=250, threads=threads)
    for turn in range(100):
        if listing.count.status is Status.COMPLETE:
            break
        assert listing.count.kind is Kind.LOWER
        assert len(listing) == listing.count.value == len(open_run(run)) >= min(250 * turn, regions + 1)
        assert set(map(bytes, rows(listing))) <= set(map(bytes, whole.packed))
        regions = len(listing)
        listing = resume(run, max_regions=regions + 250, threads=1 + turn % 3)
    assert turn > 2
    assert same(listing, whole)
    assert listing.count.kind is Kind.EXACT


def test_resuming_after_time_limits(tmp_path: Path) -> None:
    net = known_nets.he_net((3, 24, 24, 1), 0)
    run, values = tmp_path / "run", []
    found = count(net, BOX, save=run, time_limit=2.0, max_regions=1)
    while found.status is not Status.COMPLETE:
        found = resume(run, time_limit=0.01, threads=1)
        assert isinstance(found, linregions.Count)
        values.append(found.value)
        assert len(values) < 500
    assert found.value == 13573
    assert found.kind is Kind.EXACT
    assert resume(run).value == 13573


def test_progress_goes_on_from_what_is_done(tmp_path: Path) -> None:
    net = known_nets.he_net((4, 16, 16, 1), 0)
    seen: list[tuple[float, int]] = []
    count(net, Box.cube(-1, 1, 4), save=tmp_path / "run", max_regions=20_000, threads=1)
    found = resume(tmp_path / "run", progress=lambda *now: seen.append(now), threads=1)
    assert found.value == 25009
    assert seen[-1] == (1.0, 25009)
    assert all(0.3 < fraction <= 1 and regions >= 20_000 for fraction, regions in seen)


@pytest.mark.parametrize("listing", [False, True])
def test_interrupts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Partition, listing: bool) -> None:
    """Ctrl-C in whatever Python does during a run; the compiled part does not hear it."""
    monkeypatch.setattr(writer, "INTERVAL", 0.0)
    left = [0]

    def progress(*_: object) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt

    run = tmp_path / "run"
    verb = enumerate_regions if listing else count
    found = verb(NET, BOX, save=run, max_regions=1, threads=1)
    monkeypatch.setattr("linregions.runs.searching._shower", lambda *_: progress)
    interrupted = 0
    for turn in range(60):
        left[0] = turn // 2
        found = resume(run, threads=1)
        how = found.count if isinstance(found, SavedPartition) else found
        if how.status is Status.COMPLETE:
            break
        interrupted += 1
        assert (how.status, how.kind, how.reason) == (Status.INTERRUPTED, Kind.LOWER, "interrupted")
    assert interrupted or turn == 0
    how = found.count if isinstance(found, SavedPartition) else found
    assert how.value == REGIONS
    if listing:
        assert same(found, whole)


# For every line that it reads, a child does the run or goes on with it; what is slow, the imports, is done once.
SESSIONS = """
    import os, sys
    sys.path[:0] = {places}
    import known_nets
    from linregions import Box, count, enumerate_regions, resume
    from linregions.runs import writer
    writer.INTERVAL = 0.01
    net, box = known_nets.he_net({widths}, 0), Box.cube(-1, 1, {dim})
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            resume("run", threads=2) if os.path.exists("run/manifest.json") else {verb}(net, box, save="run", threads=2)
            os._exit(0)
        print(pid, flush=True)
        print(os.waitpid(pid, 0)[1], flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
@pytest.mark.parametrize(("verb", "widths"), [("count", (5, 16, 16, 1)), ("enumerate_regions", (4, 16, 16, 1))])
def test_killed_at_twenty_random_moments(tmp_path: Path, verb: str, widths: tuple[int, ...]) -> None:
    places = [str(Path(__file__).parent), str(Path(linregions.__file__).parent.parent)]
    code = textwrap.dedent(SESSIONS.format(places=places, widths=widths, dim=widths[0], verb=verb))
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": tmp_path}
    rng, ends, run = random.Random(verb), [], tmp_path / "run"
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(20):
            print("go", file=process.stdin, flush=True)
            pid = int(process.stdout.readline())
            time.sleep(rng.choice([0.01, 0.05, 0.1, 0.2]) * rng.random())
            with suppress(ProcessLookupError):  # it may have come to its end
                os.kill(pid, signal.SIGKILL)
            ends.append(int(process.stdout.readline()))
        process.stdin.close()
    assert set(ends) <= {0, signal.SIGKILL}
    assert signal.SIGKILL in ends
    net, box = known_nets.he_net(widths, 0), Box.cube(-1, 1, widths[0])
    started = (run / "manifest.json").exists()
    if verb == "count":
        found: Any = resume(run) if started else count(net, box, save=run)
        assert (found.value, found.kind) == (count(net, box).value, Kind.EXACT)
    else:
        found = resume(run) if started else enumerate_regions(net, box, save=run)
        assert same(found, enumerate_regions(net, box))


def test_lazily_read(tmp_path: Path, whole: Partition, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lazy, "CHUNK", 300)
    enumerate_regions(NET, BOX, save=tmp_path / "run", max_regions=900)
    resume(tmp_path / "run")
    listing = open_run(tmp_path / "run")
    assert (len(listing), listing.count.kind, listing.network.hash) == (REGIONS, Kind.EXACT, NET.hash)
    assert "1,963 activation regions" in repr(listing)
    for i in (0, 17, 1000, -1):
        region, expected = listing[i], whole[i]
        assert region.number == expected.number == expected.index
        for name in ("pattern", "witness", "slope", "offset"):
            assert np.array_equal(getattr(region, name), getattr(expected, name))
        assert np.array_equal(listing.vertices(i), whole.vertices(i))
        assert np.array_equal(listing.affine_map(i)[0], whole.affine_map(i)[0])
    for size in (1, 7, 299, 5000):
        chunks = list(listing.chunks(size))[:300]
        assert [len(c) for c in chunks][:-1] == [size] * (len(chunks) - 1)
    assert [r.number for r in listing] == list(range(REGIONS))
    volumes = np.concatenate([c.volumes for c in listing.chunks(1000)])
    assert np.array_equal(volumes, whole.volumes)
    points = np.random.default_rng(0).uniform(-1, 1, (2, 50, 3))
    assert np.array_equal(listing.locate(points), whole.locate(points))
    assert np.array_equal(listing.locate(whole.witnesses), np.arange(REGIONS))
    assert listing.locate(np.zeros((0, 3))).shape == (0,)
    assert listing.locate([50.0, 1.0, 2.0]).shape == ()
    assert len(listing.read(5, 5)) == 0
    part = listing.read(5, 9)
    assert (part.count.value, part.count.kind, part.count.reason) == (4, Kind.LOWER, "regions 5 to 8 of 1,963")
    assert listing.read(0, REGIONS).count == listing.count
    listing.verify()
    for wrong in (REGIONS, -REGIONS - 1, "a", 1.5):
        with pytest.raises(InputError, match="region: index"):
            listing[wrong]
    with pytest.raises(InputError, match="outside the partition"):
        listing.read(0, REGIONS + 1)
    with pytest.raises(InputError, match="size"):
        next(listing.chunks(0))


def test_regions_without_a_float_point_in_them(tmp_path: Path) -> None:
    net = Network.from_arrays([([[1.0], [3.0]], [-1.0 / 3, -1.0]), ([[1.0, 1.0]], [0.0])])
    thin = Network.from_arrays([([[1.0, 0.0], [1.0, 2.0**-60]], [-1.0, -1.0]), ([[1.0, 1.0]], [0.0])])
    for model, domain in ((net, Box([0.0], [2.0])), (thin, Box([0.0, 0.5], [2.0, 1.0]))):
        name = f"run{domain.dim}"
        saved, plain = enumerate_regions(model, domain, save=tmp_path / name), enumerate_regions(model, domain)
        assert same(saved, plain)
        chunk = next(saved.chunks())
        assert np.array_equal(chunk.certified, plain.certified)
        for i in range(len(plain)):
            assert chunk.exact_witness(i) == plain.exact_witness(i)


def test_inexact_runs(tmp_path: Path) -> None:
    layers = [(np.eye(2), np.zeros(2)), ([[1.0, -1.0], [1.0, 1.0]], np.zeros(2)), ([[1.0, 1.0]], [0.0])]
    zero = Network.from_arrays(layers)
    plain = count(zero, Box.cube(-1, 1, 2), exact=False, threads=1)
    found = count(zero, Box.cube(-1, 1, 2), exact=False, save=tmp_path / "run")
    assert (found.value, found.kind, found.doubtful) == (plain.value, plain.kind, plain.doubtful)
    assert found.doubtful > 0
    assert resume(tmp_path / "run").kind is Kind.ESTIMATE


@settings(max_examples=10)
@given(st.data())
def test_boxes_cut_in_parts(data: st.DataObject) -> None:
    dim = data.draw(st.sampled_from([1, 2, 2, 3]))
    box = Box.cube(-1, 1, dim)
    net = data.draw(networks(dim, box, 8 if dim < 3 else 5))
    parts = [box]
    for _ in range(data.draw(st.integers(1, 3))):
        part = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
        axis, at = data.draw(st.integers(0, dim - 1)), data.draw(st.sampled_from([0.25, 0.5, 0.3, 0.75]))
        cut = float(part.lower[axis] + at * (part.upper[axis] - part.lower[axis]))
        upper, lower = part.upper.copy(), part.lower.copy()
        upper[axis] = lower[axis] = cut
        parts += [Box(part.lower, upper), Box(lower, part.upper)]
    with tempfile.TemporaryDirectory() as folder:
        for k, part in enumerate(parts):
            enumerate_regions(net, part, save=f"{folder}/{k}")
        merged: Any = merge(*(f"{folder}/{k}" for k in range(len(parts))), out=f"{folder}/all")
        expected = enumerate_regions(net, box)
        assert (merged.count.value, merged.count.kind) == (len(expected), Kind.EXACT)
        assert repr(merged.domain) == repr(box)
        assert sorted(map(bytes, rows(merged))) == sorted(map(bytes, expected.packed))
        for chunk in merged.chunks():
            sure = chunk.certified
            assert np.array_equal(net.pattern(chunk.witnesses[sure]), chunk.patterns[sure])
        assert same_set(resume(f"{folder}/all"), merged)


def same_set(a: Any, b: Any) -> bool:
    return sorted(map(bytes, rows(a))) == sorted(map(bytes, rows(b)))


@pytest.mark.parametrize("normals", [[[1.0, 1.0]], [[1.0, 0.5], [0.25, -1.0]], [[1.0, 0.0], [0.0, 1.0]]])
def test_half_planes_and_wedges_fill_the_plane(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, normals: list[list[float]]
) -> None:
    monkeypatch.setattr(merging, "MEMORY", 2000)  # many shares of hashes
    monkeypatch.setattr(merging, "BLOCK", 64)
    net = known_nets.he_net((2, 10, 8, 1), 3)
    normal = np.array(normals)
    for k in range(2 ** len(normal)):
        signs = np.array([1.0 if k >> i & 1 else -1.0 for i in range(len(normal))])
        enumerate_regions(net, Polytope(signs[:, None] * normal, signs * 0.125), save=tmp_path / str(k))
    names = [tmp_path / str(k) for k in range(2 ** len(normal))]
    merged: Any = merge(*names, out=tmp_path / "all")
    expected = enumerate_regions(net, Space(2))
    assert merged.count.value == len(expected) < sum(len(open_run(n)) for n in names)
    assert same_set(merged, expected)
    if len(names) > 2:
        with pytest.raises(InputError, match="do not fill a convex domain"):
            merge(*names[:3], out=tmp_path / "less")
    half: Any = merge(*names[:2], out=tmp_path / "half")  # the first cut is undone
    left = Space(2) if len(names) == 2 else Polytope([-normal[-1]], [-0.125])
    assert half.count.value == count(net, left).value


def test_what_is_not_merged(tmp_path: Path) -> None:
    def save(name: str, domain: Any, net: Network = NET, verb: Any = enumerate_regions, **how: Any) -> Path:
        verb(net, domain, save=tmp_path / name, **how)
        return tmp_path / name

    left, right = save("left", Box([-1, -1, -1], [0, 1, 1])), save("right", Box([0, -1, -1], [1, 1, 1]))
    for other, message in [
        (save("overlapping", Box([-0.001, -1, -1], [1, 1, 1])), "domains of .*left and .*overlapping overlap"),
        (save("apart", Box([0.001, -1, -1], [1, 1, 1])), "do not fill a convex domain"),
        (save("lower", Box([0, -1, -1], [1, 1, 0.5])), "do not fill a convex domain"),
        (
            save("another", Box([0, -1, -1], [1, 1, 1]), known_nets.he_net((3, 12, 12, 1), 6)),
            "is about another network",
        ),
        (save("number", Box([0, -1, -1], [1, 1, 1]), verb=count), "was run with another mode"),
        (save("inexact", Box([0, -1, -1], [1, 1, 1]), exact=False), "was run with another exact"),
        (save("some", Box([0, -1, -1], [1, 1, 1]), max_regions=10), "some is not complete; resume it"),
        (save("share", Box([0, -1, -1], [1, 1, 1]), part=(1, 2)), "share is not complete; resume it"),
        (save("slice", Segment([0, 0, 0], [1, 1, 1])), "is on a segment in 3 inputs; parts of a domain must be boxes"),
    ]:
        with pytest.raises(InputError, match=message):
            merge(left, other, out=tmp_path / "out")
    halves = Box([-1, -1, -1], [0, 1, 1]), Box([0, -1, -1], [1, 1, 1])
    numbers = [save(f"n{k}", half, verb=count) for k, half in enumerate(halves)]
    with pytest.raises(InputError, match="holds a count without its regions, and a region may cross the cut"):
        merge(*numbers, out=tmp_path / "out")
    with pytest.raises(InputError, match="two or more runs"):
        merge(left, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert merge(left, right, out=tmp_path / "out").count.value == REGIONS  # type: ignore[union-attr]
    with pytest.raises(InputError, match="holds a run already"):
        merge(left, right, out=tmp_path / "out")
    next((tmp_path / "out" / "shards").glob("*.json")).unlink()
    with pytest.raises(InputError, match="unfinished merge"):
        resume(tmp_path / "out")


def test_shares_of_a_count(tmp_path: Path) -> None:
    shares = [tmp_path / str(k) for k in range(3)]
    for k in (0, 2):
        count(NET, BOX, save=shares[k], part=(k + 1, 3))
    some: Any = merge(shares[0], shares[2], shares[0], out=tmp_path / "some")
    assert (some.kind, some.status) == (Kind.LOWER, Status.INTERRUPTED)
    assert "pieces are not done" in some.reason
    assert resume(tmp_path / "some").value == REGIONS  # does what no share has
    for part in ((0, 2), (3, 2), (1,), 5, (1.5, 2)):
        with pytest.raises(InputError, match="part"):
            count(NET, BOX, save=tmp_path / "wrong", part=part)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="give save a folder"):
        count(NET, BOX, part=(1, 2))
    with pytest.raises(InputError, match="has no pieces"):
        count(NET, BOX, save=tmp_path / "wrong", engine="arrangement")


def test_saved_by_worker_processes(tmp_path: Path, whole: Partition) -> None:
    pytest.importorskip("joblib")
    listing = enumerate_regions(NET, BOX, save=tmp_path / "run", max_regions=300, threads=1)
    assert len(listing) >= 300
    assert same(resume(tmp_path / "run", parallel="processes", threads=2), whole)
