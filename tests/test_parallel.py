"""Processes and clusters: the same regions in the same order as in one thread, whatever dies on the way."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from dataclasses import replace

import joblib
import numpy as np
import pytest
from known_nets import he_net

import linregions
from linregions import Box, InputError, Network, Plane, Space, Status, count, enumerate_regions
from linregions.cli import main
from linregions.engines import pieces, workers

NET, BOX = he_net((4, 12, 12, 1), 0), Box.cube(-1, 1, 4)
BOX2 = Box.cube(-1, 1, 2)


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def same(a: linregions.Partition, b: linregions.Partition) -> None:
    assert a.count.value == b.count.value == len(a)
    assert a.count.kind is b.count.kind
    assert np.array_equal(a.packed, b.packed)
    assert np.array_equal(a.witnesses, b.witnesses)
    assert np.array_equal(a.certified, b.certified)


def kill_one_worker() -> None:
    """Send SIGKILL to one process of joblib's pool, as soon as there is one."""
    from joblib.externals.loky import reusable_executor

    for _ in range(500):
        executor = reusable_executor._executor
        if executor is not None and executor._processes:
            os.kill(next(iter(executor._processes)), signal.SIGKILL)
            return
        time.sleep(0.01)


@pytest.mark.parametrize("domain", [BOX, Space(4), Plane.through(np.zeros(4), np.eye(4)[0], np.ones(4))], ids=repr)
def test_processes_list_the_same_regions_in_the_same_order(domain):
    alone = enumerate_regions(NET, domain, threads=1)
    same(enumerate_regions(NET, domain, parallel="processes", threads=2), alone)
    found = count(NET, domain, parallel="processes", threads=2)
    assert (found.value, found.kind, found.status) == (len(alone), alone.count.kind, Status.COMPLETE)


def test_doubtful_and_exact_decisions_are_counted_once():
    rng = np.random.default_rng(0)
    layers = [(rng.integers(-2, 3, shape).astype(float), np.zeros(shape[0])) for shape in ((12, 2), (12, 12), (1, 12))]
    net = Network.from_arrays(layers)
    assert count(net, BOX2).exact_decisions > 0
    for exact in (True, False):
        alone = count(net, BOX2, exact=exact, threads=1)
        found = count(net, BOX2, exact=exact, parallel="processes", threads=2)
        assert (found.value, found.kind) == (alone.value, alone.kind)
        assert bool(found.exact_decisions) == exact  # how many depends on how the last stage was divided
        listed = enumerate_regions(net, BOX2, exact=exact, parallel="processes", threads=2).count
        alone = enumerate_regions(net, BOX2, exact=exact, threads=1).count
        assert (listed.exact_decisions, listed.doubtful) == (alone.exact_decisions, alone.doubtful)


def test_limits_end_in_lower_bounds():
    whole = count(NET, BOX).value
    some = enumerate_regions(NET, BOX, parallel="processes", threads=2, max_regions=50)
    assert some.count.status is Status.BUDGET
    assert 50 <= len(some) < whole
    assert "50 regions" in some.count.reason
    none = count(he_net((6, 16, 16, 1), 0), Box.cube(-1, 1, 6), parallel="processes", threads=2, time_limit=1e-3)
    assert (none.status, none.kind.value) == (Status.BUDGET, "lower")


def test_a_killed_worker_process_loses_nothing():
    net, box = he_net((5, 14, 14, 1), 0), Box.cube(-1, 1, 5)
    alone = enumerate_regions(net, box)
    enumerate_regions(NET, BOX, parallel="processes", threads=2, max_regions=1)  # the pool is there
    killer = threading.Timer(0.1, kill_one_worker)
    killer.start()
    same(enumerate_regions(net, box, parallel="processes", threads=2), alone)
    killer.join()


def test_workers_that_always_die_end_in_one_sentence(monkeypatch):
    def die(*_):
        raise joblib.externals.loky.process_executor.TerminatedWorkerError("killed")

    monkeypatch.setattr(workers.Workers, "_dispatch", die)
    with pytest.raises(workers.WorkersError, match=r"died 5 times in a row .* use threads"):
        count(NET, BOX, parallel="processes")


def test_another_search_tree_is_refused(monkeypatch):
    survey = pieces.survey

    def another(*arguments, **options):
        frontier, status = survey(*arguments, **options)
        return replace(frontier, digest=f"{int(frontier.digest, 16) ^ 1:016x}"), status

    monkeypatch.setattr(pieces, "survey", another)
    with pytest.raises(workers.WorkersError, match="same linregions everywhere"):
        count(NET, BOX, parallel="processes", threads=2)


def test_a_cluster_lists_the_same_regions(client):
    same(enumerate_regions(NET, BOX, parallel=client), enumerate_regions(NET, BOX))


def test_a_killed_cluster_worker_loses_nothing(client):
    net, box = he_net((5, 14, 14, 1), 0), Box.cube(-1, 1, 5)
    alone = enumerate_regions(net, box)
    pid = next(iter(client.run(os.getpid).values()))
    killer = threading.Timer(0.3, os.kill, (pid, signal.SIGKILL))
    killer.start()
    same(enumerate_regions(net, box, parallel=client), alone)
    killer.join()
    assert pid not in client.run(os.getpid).values()


@pytest.mark.parametrize("parallel", ["cores", 2, True, object()])
def test_what_parallel_takes(parallel):
    with pytest.raises(InputError, match=r"parallel: expected 'threads', 'processes' or a dask.distributed.Client"):
        count(NET, BOX, parallel=parallel)


def test_only_one_engine_has_pieces():
    with pytest.raises(InputError, match="has no pieces"):
        count(NET, BOX, parallel="processes", engine="arrangement")


def test_the_command_line_takes_processes_and_clusters(client, capsys, tmp_path):
    file = tmp_path / "net.npz"
    rng = np.random.default_rng(0)
    np.savez(file, W0=rng.normal(size=(9, 2)), b0=rng.normal(size=9), W1=np.ones((1, 9)), b1=np.zeros(1))
    numbers = []
    for how in ("threads", "processes", client.scheduler.address):
        assert main(["count", str(file), "--box", "-1", "1", "--parallel", how, "--threads", "2", "--json"]) == 0
        numbers.append(json.loads(capsys.readouterr().out)["count"])
    assert len(set(numbers)) == 1
    assert main(["count", str(file), "--box", "-1", "1", "--parallel", "nowhere"]) == 2
    assert "no dask scheduler answers at 'nowhere'" in capsys.readouterr().err
