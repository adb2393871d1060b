"""Networks that other people trained, counted by several routes that share little."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import oracle
import pytest
from oracle.compare import assert_same, exact_count

from linregions import Box, Domain, Network, Plane, Segment, count, enumerate_regions, read

DATA = Path(__file__).resolve().parents[1] / "../shared/data"
CENTRE = np.array([0.64, 0.0, 0.0, 0.475, -0.475])
# Counted by deletion-restriction; listed and measured below by other routes.
ACAS_XU = {"1_1": 17849, "1_2": 22518, "1_9": 56414, "2_1": 66159, "3_3": 62216, "4_5": 84509, "5_9": 207511}

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the folder shared/data with real networks is absent")


def acas(name: str) -> Network:
    return read(DATA / "acasxu" / f"ACASXU_run2a_{name}_batch_2000.onnx")


def around(half: float) -> Box:
    return Box(CENTRE - half, CENTRE + half)


def images(count: int, seed: int) -> np.ndarray:
    raw = gzip.decompress((DATA / "mnist" / "t10k-images-idx3-ubyte.gz").read_bytes())
    pixels = np.frombuffer(raw, dtype=np.uint8, offset=16).reshape(-1, 784)
    return pixels[np.random.default_rng(seed).integers(0, len(pixels), count)] / 256.0


def check_cover(net: Network, domain: Domain, volume: float) -> int:
    """The listed regions are different, real, and fill the domain: nothing invented, nothing missed."""
    partition = enumerate_regions(net, domain)
    assert len({row.tobytes() for row in partition.packed}) == len(partition)
    assert partition.certified.all()
    points = domain.inputs(partition.witnesses) if domain.embedding is None else None
    if points is not None:
        assert np.array_equal(net.pattern(points), partition.patterns)
    assert partition.volumes.sum() == pytest.approx(volume, rel=1e-9)
    return len(partition)


@pytest.mark.parametrize("name", list(ACAS_XU))
def test_acas_xu_counted_and_listed(name: str) -> None:
    net = acas(name)
    assert exact_count(net, around(0.05)) == ACAS_XU[name] == len(enumerate_regions(net, around(0.05)))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["1_1", "1_2", "1_9"])
def test_acas_xu_regions_fill_the_box(name: str) -> None:
    assert check_cover(acas(name), around(0.05), 0.1**5) == exact_count(acas(name), around(0.05)) == ACAS_XU[name]


def test_acas_xu_on_a_small_box_by_the_oracle() -> None:
    assert assert_same(acas("5_9"), around(0.001)) > 1


def test_acas_xu_on_a_segment_by_the_second_oracle() -> None:
    net, segment = acas("3_3"), Segment(CENTRE - 0.05, CENTRE + 0.05)
    assert exact_count(net, segment) == len(oracle.line_patterns(net, segment)) > 10


@pytest.mark.parametrize("seed", [0, 1])
def test_slice_of_a_dense_mnist_net(seed: int) -> None:
    net = read(DATA / "mnist-nets" / "mnist-net_256x2.onnx")
    plane = Plane.through(*images(3, seed))
    assert check_cover(net, plane, 1.0) == exact_count(net, plane) > 1000


def test_small_slice_of_a_dense_mnist_net_by_the_oracle() -> None:
    net = read(DATA / "mnist-nets" / "mnist-net_256x2.onnx")
    p, q, r = images(3, 2)
    assert assert_same(net, Plane.through(p, q, r, region=[[0.5, 0.5], [0.53, 0.5], [0.5, 0.53]])) > 1


def test_small_slice_of_a_convolutional_mnist_net() -> None:
    net = read(DATA / "mnist-nets" / "mnist_0.1.onnx")
    p, q, r = images(3, 3)
    plane = Plane.through(p, q, r, region=[[0.5, 0.5], [0.52, 0.5], [0.52, 0.52], [0.5, 0.52]])
    assert check_cover(net, plane, 0.0004) == exact_count(net, plane) > 10


@pytest.mark.slow
def test_slice_of_a_convolutional_mnist_net() -> None:
    net = read(DATA / "mnist-nets" / "mnist_0.1.onnx")
    plane = Plane.through(*images(3, 0))
    assert exact_count(net, plane) == len(enumerate_regions(net, plane)) > 10_000


PROPERTY_1 = Box([0.6, -0.5, -0.5, 0.45, -0.5], [0.679857769, 0.5, 0.5, 0.5, -0.45])


def test_the_whole_box_of_property_1() -> None:
    net = acas("1_1")
    assert exact_count(net, PROPERTY_1) == len(enumerate_regions(net, PROPERTY_1)) == 39835


@pytest.mark.slow
def test_the_regions_fill_the_whole_box_of_property_1() -> None:
    assert check_cover(acas("1_1"), PROPERTY_1, float(np.prod(PROPERTY_1.upper - PROPERTY_1.lower))) == 39835


def test_a_budget_on_a_box_that_takes_longer() -> None:
    model = DATA / "acasxu" / "ACASXU_run2a_5_9_batch_2000.onnx"
    box = ["--box", "0.6,-0.5,-0.5,0.45,-0.5", "0.679857769,0.5,0.5,0.5,-0.45"]
    command = [sys.executable, "-m", "linregions", "count", str(model), *box, "--time-limit", "0.2", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3, done.stderr
    found = json.loads(done.stdout)
    assert (found["kind"], found["status"]) == ("lower", "budget")
    assert 0 < found["count"] < 619281
    assert count(read(model), around(0.01)).value > 1
