"""By which route `verify` decides, how much work it may take, and what it says about how it ended."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from linregions import Box, Network
from linregions.errors import InputError
from linregions.lyapunov import Outcome, System, system, verify
from linregions.lyapunov.conditions import mesh_of
from linregions.lyapunov.geometry.fan import Fan


def one_norm(n):
    rows = np.concatenate([np.eye(n), -np.eye(n)])
    return Network.from_arrays([(rows, np.zeros(2 * n)), (np.ones((1, 2 * n)), [0.0])])


def cubic(n):
    return [f"-x{k} + x{k}^3" for k in range(1, n + 1)]


@pytest.mark.parametrize("n", range(2, 11))
def test_decay_is_proved_by_the_fan_where_the_mesh_is_large(n):
    verdict = verify(one_norm(n), -np.eye(n), Box.cube(-3, 3, n))
    assert verdict.status is Outcome.PROVED_STRICT
    assert isinstance(verdict.mesh, Fan) == (n >= 5)
    assert verdict.sublevel.c == 3


def test_fan_and_mesh_agree_on_random_linear_systems(monkeypatch):
    rng = np.random.default_rng(0)
    n, found = 5, set()
    for size in (0.1, 0.2, 0.3, 0.5):
        A = -np.eye(n) + np.round(rng.uniform(-size, size, size=(n, n)) * 8) / 8
        by_fan = verify(one_norm(n), A, Box.cube(-0.25, 0.25, n), levels=False)
        with monkeypatch.context() as patch:
            patch.setattr(mesh_of, "has_fan", lambda problem: False)
            by_mesh = verify(one_norm(n), A, Box.cube(-0.25, 0.25, n), levels=False)
        assert isinstance(by_fan.mesh, Fan)
        assert not isinstance(by_mesh.mesh, Fan)
        worst = max(A[j, j] + np.abs(np.delete(A[:, j], j)).sum() for j in range(n))
        expected = [Outcome.PROVED_STRICT, Outcome.MARGINAL, Outcome.REFUTED][1 + int(np.sign(worst))]
        assert by_fan.status is by_mesh.status is expected
        found.add(expected)
        if by_fan.witness is not None:
            assert all(abs(v) <= Fraction(1, 4) for v in by_fan.witness)
            assert any(by_fan.witness)
    assert len(found) > 1


def test_a_network_with_a_bias_takes_the_mesh():
    rows = np.concatenate([np.eye(5), -np.eye(5), np.eye(1, 5)])
    V = Network.from_arrays([(rows, np.append(np.zeros(10), -0.5)), (np.ones((1, 11)), [0.0])])
    verdict = verify(V, -np.eye(5), Box.cube(-1, 1, 5), levels=False)
    assert verdict.status is Outcome.PROVED_STRICT
    assert not isinstance(verdict.mesh, Fan)


@pytest.mark.slow
def test_a_mesh_that_does_not_fit_is_refused_before_it_is_made():
    with pytest.raises(InputError, match="10,321,920 simplices, about"):
        verify(one_norm(8), cubic(8), Box.cube(-0.5, 0.5, 8))


def test_seconds_count_everything_and_nothing_stopped():
    from time import perf_counter

    begun = perf_counter()
    verdict = verify(one_norm(2), cubic(2), Box.cube(-2, 2, 2))
    spent = perf_counter() - begun
    assert verdict.stopped == verdict.as_dict()["stopped"] == ""
    assert 0 < verdict.seconds <= spent


def test_a_time_limit_is_kept_and_named():
    verdict = verify(one_norm(2), "-x1; -x2*exp(30*x1)", Box.cube(-1, 1, 2), time_limit=0.3)
    assert verdict.stopped == "time" or verdict.proved


def test_ctrl_c_is_named(monkeypatch):
    from linregions.lyapunov.levels import regions
    from linregions.lyapunov.proving import prove

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(prove._Run, "_decide", interrupt)
        verdict = verify(one_norm(2), cubic(2), Box.cube(-2, 2, 2))
    assert (verdict.status, verdict.stopped) == (Outcome.UNKNOWN, "interrupted")
    with monkeypatch.context() as patch:
        patch.setattr(regions, "levels", interrupt)
        verdict = verify(one_norm(2), cubic(2), Box.cube(-0.5, 0.5, 2))
    assert (verdict.status, verdict.stopped, verdict.sublevel) == (Outcome.PROVED_STRICT, "interrupted", None)


def test_systems_bring_their_time():
    known = system("linear-discrete")
    assert isinstance(known, System)
    domain = Box.cube(-1, 1, known.dim)
    for given in (known, "linear-discrete"):
        assert verify(one_norm(known.dim), given, domain, levels=False).problem.time == "discrete"
        with pytest.raises(InputError, match="time: the system linear-discrete is discrete, got 'continuous'"):
            verify(one_norm(known.dim), given, domain, time="continuous")
    assert verify(one_norm(2), "duffing", Box.cube(-1, 1, 2), levels=False).problem.time == "continuous"
    with pytest.raises(InputError, match="time must be"):
        verify(one_norm(2), "duffing", Box.cube(-1, 1, 2), time="never")


@pytest.mark.slow
def test_levels_take_the_same_work_on_every_machine(monkeypatch):
    from time import sleep

    from linregions.lyapunov.levels import search

    rng = np.random.default_rng(3)
    V = Network.from_arrays([(rng.normal(size=(12, 2)), rng.normal(size=12)), (rng.normal(size=(1, 12)), [0.0])])
    quick = verify(V, ["x1", "-x2"], Box.cube(-3, 3, 2), shift=True)

    found = ["-x1 + 3*sin(x1)", "-x2"]
    fast = verify(one_norm(2), found, Box.cube(-4, 4, 2)).ultimate
    true_refined = search.refined

    def slowly(*args, **kwargs):
        sleep(0.1)
        return true_refined(*args, **kwargs)

    monkeypatch.setattr(search, "refined", slowly)
    slow = verify(one_norm(2), found, Box.cube(-4, 4, 2)).ultimate
    assert quick.status is Outcome.REFUTED
    assert (fast.c1, fast.c2) == (slow.c1, slow.c2)
    assert fast.annuli == slow.annuli


@pytest.mark.parametrize("first", ["trainer", "repairing", "certificates.certificate", "training.flow"])
def test_verbs_are_functions_whatever_was_imported_first(first):
    code = (
        f"import linregions.lyapunov.{first}\n"
        "from linregions import lyapunov\n"
        "import types\n"
        "verbs = [lyapunov.train, lyapunov.repair, lyapunov.verify, lyapunov.check, lyapunov.save_certificate]\n"
        "assert all(isinstance(verb, types.FunctionType) for verb in verbs)\n"
        "assert set(lyapunov.__all__) <= set(dir(lyapunov))\n"
        "assert all(getattr(lyapunov, name) is not None for name in lyapunov.__all__)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
