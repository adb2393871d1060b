"""The tracker: numbers equal to the engine's, training undisturbed, costs bounded, runs resumed, refusals."""

from __future__ import annotations

import json
import random
import sys
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from linregions import InputError, Plane, UnsupportedModelError, count, enumerate_regions, read  # noqa: E402
from linregions.metrics.identities import identities  # noqa: E402
from linregions.metrics.overlay import overlay, split_merge  # noqa: E402
from linregions.slicing import Slice, slices  # noqa: E402
from linregions.training import (  # noqa: E402
    History,
    RegionTracker,
    Schedule,
    measuring,
)

INPUTS = 6
RNG = np.random.default_rng(7)
X, Y = RNG.random((60, INPUTS)), np.arange(60) % 3
SLICES = slices(X, Y, count=2)


def mlp(seed=0, *, width=8, inputs=INPUTS):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 3))


def restless(seed=0):
    """A module with everything that a measurement could disturb."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(INPUTS, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3)
    )


def train(model, steps, watch=None, *, first=0, optimiser=None):
    """A plain loop: the batches are drawn from the global generators."""
    optimiser = optimiser or torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    x, y = torch.tensor(X, dtype=torch.float32), torch.tensor(Y)
    if not first:
        random.seed(1)
        np.random.seed(1)  # noqa: NPY002
        if watch is not None:
            watch(model, 0)
    for step in range(first + 1, first + steps + 1):
        batch = torch.randint(len(x), (16,))
        noise = 0.01 * random.random() * np.random.rand()  # noqa: NPY002
        loss = nn.functional.cross_entropy(model(x[batch] + noise), y[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if watch is not None:
            watch(model, step)
    return optimiser


def tracker(**options):
    return RegionTracker(**{"slices": SLICES, "schedule": 5, "share": None} | options)


def comparable(rows):
    """Rows without what a clock says."""
    return [
        {k: v for k, v in row.items() if k not in ("seconds", "elapsed", "share", "regions/seconds")} for row in rows
    ]


def test_numbers_are_those_of_the_engine_at_every_checkpoint():
    watch = tracker(jacobian=True, keep=True)
    model = mlp()
    nets = {}

    def step(model, number):
        row = watch.step(model, number)
        if row is not None:
            nets[number] = read(model)

    train(model, 10, step)
    assert watch.history.steps.tolist() == [0, 5, 10] == list(nets)
    for row in watch.history.slices:
        plane = next(s for s in SLICES if s.name == row["slice"]).plane
        net = nets[row["step"]]
        assert row["n_regions"] == count(net, plane).value
        polygons = enumerate_regions(net, plane).polygons
        assert (row["identities"], row["status"], row["kind"]) == (True, "complete", "exact")
        assert identities(polygons).holds
        assert row["area_median"] == pytest.approx(np.median(polygons.areas))
        assert row["edges_mean"] == pytest.approx(4.0)
        assert "gradient_variation" in row
        assert np.array_equal(watch.history.kept[row["step"]][row["slice"]].points, polygons.points)
    for row in watch.history.rows:
        mine = [r["n_regions"] for r in watch.history.slices if r["step"] == row["step"]]
        assert row["regions/n_regions"] == np.mean(mine)
        assert (row["status"], row["identities"], row["route"]) == ("complete", True, "matrices")
    assert watch.history.seconds > 0
    assert 0 < watch.history.share <= 1


@pytest.mark.parametrize("options", [{}, {"jacobian": True, "overlay": True, "points": X[:7], "keep": True}])
def test_a_tracked_run_has_the_weights_of_an_untracked_one(options):
    states = []
    for watched in (False, True):
        model = restless()
        model[1].eval()  # a flag of its own, which must stay
        watch = tracker(schedule=1, **options)
        optimiser = train(model, 6, watch.step if watched else None)
        draws = torch.rand(2), random.random(), np.random.rand()  # noqa: NPY002
        momenta = [s["momentum_buffer"] for s in optimiser.state.values()]
        states.append((model.state_dict(), momenta, draws, [m.training for m in model.modules()]))
        if watched:
            assert len(watch.history) == 7
    (plain_weights, plain_momenta, plain_draws, plain_flags), (weights, momenta, draws, flags) = states
    assert flags == plain_flags
    assert all(torch.equal(weights[k], v) for k, v in plain_weights.items())
    assert all(torch.equal(a, b) for a, b in zip(plain_momenta, momenta, strict=True))
    assert torch.equal(draws[0], plain_draws[0])
    assert draws[1:] == plain_draws[1:]


def test_gradients_hooks_and_attributes_stay_the_very_objects():
    model = restless()
    train(model, 1)
    calls = []
    model[0].register_forward_hook(lambda *a: calls.append(1))
    model[2].register_full_backward_hook(lambda *a: None)
    model.requires_grad_(True)
    model[0].weight.requires_grad_(False)
    gradients = [p.grad for p in model.parameters()]
    values = [None if g is None else g.clone() for g in gradients]
    hooks = [dict(m._forward_hooks) for m in model.modules()], [dict(m._backward_hooks) for m in model.modules()]
    keys = [set(vars(m)) for m in model.modules()]
    tracker().measure(model, 0)
    assert all(a is b for a, b in zip(gradients, (p.grad for p in model.parameters()), strict=True))
    assert all(a is None or torch.equal(a, b) for a, b in zip(values, gradients, strict=True))
    assert hooks == (
        [dict(m._forward_hooks) for m in model.modules()],
        [dict(m._backward_hooks) for m in model.modules()],
    )
    assert [p.requires_grad for p in model.parameters()] == [False] + [True] * 7
    assert keys == [set(vars(m)) for m in model.modules()]


def test_overlay_compares_with_the_measurement_before():
    watch = tracker(overlay=True)
    model, nets = mlp(), []
    train(model, 5, lambda m, s: watch.step(m, s) and nets.append(read(m)))
    first, last = (watch.history.slices[k * len(SLICES)] for k in range(2))
    assert "split_info" not in first
    assert watch.history.rows[1]["regions/split_info"] > 0
    expected = split_merge(overlay(nets[0], nets[1], SLICES[0].plane)).as_dict()
    assert {name: last[name] for name in expected} == pytest.approx(expected)


def test_points_have_their_distances():
    from linregions.metrics.distances import boundary_distance

    watch = tracker(slices=(), points=torch.tensor(X[:9]))
    model = mlp()
    row = watch.measure(model, 0)
    assert row["points/dist_boundary"] == np.median(boundary_distance(read(model), X[:9]).values)
    assert row["points/local_complexity"] >= 0
    assert row["status"] == "complete"


def test_schedules_and_numbers_of_steps():
    model = mlp()
    watch = tracker(schedule=Schedule.at([0, 2, 3, 9]))
    assert watch.step(model, 0)["step"] == 0
    assert watch.step(model) is None
    assert watch.step(model)["step"] == 2
    assert watch.step(model, 2) is None  # this one is done
    assert watch.step(model, 5)["step"] == 5  # makes up for 3
    assert watch.step(model, 8) is None
    assert watch.finish(model)["step"] == 8
    assert watch.finish(model) is watch.history.rows[-1]
    assert tracker(schedule="log").step(model)["step"] == 1  # nobody called it with step 0


def test_more_columns_of_a_row():
    watch = tracker()
    row = watch.measure(mlp(), 0, loss=torch.tensor(0.5, requires_grad=True), note="warm", rate=np.float32(0.25))
    assert [row[k] for k in ("loss", "note", "rate")] == [0.5, "warm", 0.25]
    json.dumps(watch.history.as_dict())
    with pytest.raises(InputError, match="seconds: the tracker has this column itself"):
        tracker().measure(mlp(), 0, seconds=3)
    with pytest.warns(UserWarning, match="a column is left out and training goes on .seconds: the tracker has"):
        assert watch.measure(mlp(), 1, seconds=3)["seconds"] != 3


class Clock:
    """A clock that training and measuring turn."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def timed(monkeypatch, watch, cost):
    """Every measurement takes `cost(step)` seconds on a clock of ours."""
    clock = Clock()
    watch.allowance.clock = watch._measurer._clock = clock
    measure = watch._measurer.measure

    def slow(module, time_limit=None):
        clock.now += cost
        return measure(module, time_limit)

    monkeypatch.setattr(watch._measurer, "measure", slow)
    return clock


def test_a_due_measurement_waits_until_its_share_of_time_is_there(monkeypatch):
    watch = tracker(schedule=[0, 1, 2], share=0.1)
    clock = timed(monkeypatch, watch, 1.0)
    model = mlp()
    steps = []
    for step in range(40):
        if watch.step(model, step):
            steps.append(step)
        clock.now += 1.0
    # Step 0 costs 1 s; the second, for 1 and 2 together, is affordable when 2 s are a tenth of the time with it.
    assert steps == [0, 18]
    assert watch.history.share <= 0.1 + 1e-12
    assert watch.history.rows[-1]["share"] == pytest.approx(2 / 20)


def test_the_first_measurement_is_always_made_and_a_budget_ends(monkeypatch):
    watch = tracker(schedule=1, share=0.001, budget_seconds=100.0)
    timed(monkeypatch, watch, 200.0)
    model = mlp()
    assert watch.step(model, 0)["status"] == "complete"
    assert watch.step(model, 1) is None
    row = watch.measure(model, 2)
    assert row["status"] == "budget"
    assert "regions/n_regions" not in row


def test_what_is_done_once_is_not_expected_again():
    def bent():
        module = mlp()
        module[1] = nn.LeakyReLU()  # a chain of linear layers and ReLUs would need no graph
        return module

    watch = tracker(schedule=1)
    first, second = (watch.step(bent(), k)["seconds"] for k in range(2))
    assert watch._cost == second
    assert watch._measurer._reader.exports == 1
    again = tracker()
    row = again.measure(bent(), 0)
    assert 0 < again._cost < row["seconds"]  # without the export
    assert first > 0


def test_limits_give_a_part_and_say_so():
    watch = tracker(max_regions=3)
    row = watch.measure(mlp(), 0)
    assert row["status"] == "budget"
    assert row["identities"] is None
    assert all(r["kind"] == "lower" for r in watch.history.slices)
    late = tracker(budget_seconds=1e-9).measure(mlp(), 0)
    assert late["status"] == "budget"


def test_a_resumed_run_is_the_whole_run():
    options = {"schedule": "log", "overlay": True, "points": X[:5], "paths": [X[:3]], "jacobian": True}
    whole = tracker(**options)
    train(restless(), 12, whole.step)
    first = tracker(**options)
    model = restless()
    optimiser = train(model, 7, first.step)
    state = json.loads(json.dumps(first.state_dict()))
    again = RegionTracker(slices=[Plane.through(*np.eye(3))], overlay=True, jacobian=True, share=None)
    again.load_state_dict(state)
    assert [s.as_dict() for s in again.slices] == [s.as_dict() for s in SLICES]
    train(model, 5, again.step, first=7, optimiser=optimiser)
    assert comparable(again.history.rows) == comparable(whole.history.rows)
    assert comparable(again.history.slices) == comparable(whole.history.slices)
    times = again.history.column("elapsed")
    assert np.all(np.diff(times) > 0)


def test_a_checkpoint_of_another_architecture_is_refused_in_one_sentence():
    first = tracker()
    first.measure(mlp(), 0)
    again = tracker()
    again.load_state_dict(first.state_dict())
    sentence = (
        r"another architecture, Sequential of 155 parameters \(8x6, 8x8, 3x8\), than this model, "
        r"Sequential of 435 parameters \(16x6, 16x16, 3x16\)"
    )
    for _ in range(2):
        with pytest.raises(InputError, match=sentence):
            again.measure(mlp(width=16), 1)
    assert again.measure(mlp(), 1)["status"] == "complete"
    with pytest.raises(InputError, match=r"expected what RegionTracker\.state_dict gives"):
        again.load_state_dict({"rows": []})


def test_parts_and_wrappers():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.head = mlp(), nn.Sequential(nn.GELU(), nn.Linear(3, 2))

        def forward(self, x):
            return self.head(self.encoder(x))

    model = Model()
    expected = tracker().measure(model.encoder, 0)["regions/n_regions"]
    assert tracker(part="encoder").measure(model, 0)["regions/n_regions"] == expected
    assert tracker(part=lambda m: m.encoder).measure(model, 0)["regions/n_regions"] == expected
    assert tracker(part="encoder").measure(nn.DataParallel(model), 0)["regions/n_regions"] == expected
    assert tracker(part="encoder").measure(torch.compile(model, backend="eager"), 0)["regions/n_regions"] == expected
    head = tracker(part=lambda m: nn.Sequential(*m.encoder[:4]))
    assert [head.measure(model, k)["units"] for k in range(2)] == [16, 16]
    assert head._measurer._reader.exports == 0
    with pytest.raises(InputError, match="part: 'decoder' is no submodule of Model; there are encoder, head"):
        tracker(part="decoder").measure(model, 0)
    with pytest.raises(InputError, match="part: the function must give"):
        tracker(part=lambda m: 3).measure(model, 0)


def test_a_layer_that_is_not_piecewise_linear_is_named_at_the_first_measurement():
    model = nn.Sequential(nn.Linear(INPUTS, 4), nn.GELU(), nn.Linear(4, 2))
    with pytest.raises(
        UnsupportedModelError, match=r"of layer '1' \(GELU\): gelu is not piecewise linear; .*local_complexity"
    ):
        tracker().step(model, 0)


def test_later_failures_are_recorded_and_warned_of_once():
    watch = tracker(schedule=1)
    model = mlp()
    watch.step(model, 0)
    good = model[0].weight.detach().clone()
    with torch.no_grad():
        model[0].weight[0, 0] = float("nan")
    with pytest.warns(UserWarning, match="a measurement failed and training goes on"):
        row = watch.step(model, 1)
    assert row["status"] == "failed"
    assert "NaN" in row["error"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        watch.step(model, 2)
        with torch.no_grad():
            model[0].weight.copy_(good)
        assert watch.step(model, 3)["status"] == "complete"
    assert watch.history.column("status").tolist() == ["complete", "failed", "failed", "complete"]


def test_the_first_failure_is_raised():
    with pytest.raises(InputError, match="input"):
        tracker().measure(mlp(inputs=INPUTS + 1), 0)
    with pytest.raises(InputError, match=r"expected a torch nn\.Module"):
        tracker().measure(np.zeros(3), 0)


def test_a_broken_identity_is_recorded_and_warned_of(monkeypatch):
    from types import SimpleNamespace

    module = sys.modules["linregions.metrics.identities"]  # as an attribute of the package it is the function
    broken = SimpleNamespace(holds=False, generic=True, failures=("V - E + F = 0, not 1",))
    monkeypatch.setattr(module, "identities", lambda polygons: broken)
    with pytest.warns(UserWarning, match="an identity of regions fails .V - E . F = 0, not 1"):
        row = tracker().measure(mlp(), 0)
    assert row["identities"] is False


def test_sinks_get_every_row_and_their_failures_do_not_stop_training(tmp_path):
    class Sink:
        def __init__(self, broken=False):
            self.rows, self.closed, self.broken = [], 0, broken

        def write(self, step, row):
            if self.broken and step:
                raise OSError("disk full")
            self.rows.append((step, dict(row)))

        def close(self):
            self.closed += 1

    good, bad = Sink(), Sink(broken=True)
    with (
        pytest.warns(UserWarning, match="disk full"),
        tracker(schedule=1, sinks=[bad, good, tmp_path / "rows.csv"]) as watch,
    ):
        train(mlp(), 2, watch.step)
    assert [(row["step"], row) for row in watch.history.rows] == good.rows
    assert (good.closed, bad.closed) == (1, 1)
    assert len((tmp_path / "rows.csv").read_text().splitlines()) >= 4


def test_only_the_first_process_measures(monkeypatch):
    import torch.distributed as distributed

    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed, "get_rank", lambda: 1)
    watch = tracker()
    assert watch.step(mlp(), 0) is None
    monkeypatch.setattr(distributed, "get_rank", lambda: 0)
    assert watch.step(mlp(), 5) is not None


def test_ctrl_c_in_a_measurement_is_recorded_and_reaches_the_training(monkeypatch):
    watch = tracker()
    measured = measuring.Measured({"status": "interrupted"}, interrupted=True)
    monkeypatch.setattr(watch._measurer, "measure", lambda *a: measured)
    with pytest.raises(KeyboardInterrupt):
        watch.measure(mlp(), 0)
    assert watch.history.column("status").tolist() == ["interrupted"]


def test_networks_whose_matrices_would_not_fit_go_another_way(monkeypatch):
    class Conv(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.head = nn.Conv2d(1, 2, 2), nn.Linear(4, 2)

        def forward(self, x):
            return self.head(torch.relu(self.conv(x)).flatten(1))

    torch.manual_seed(0)
    model = Conv()
    part = slices(RNG.random((9, 1, 3, 2)), np.arange(9) % 3, count=1)
    watch = tracker(slices=part, input_shape=(1, 3, 2))
    row = watch.measure(model, 0)
    reader = watch._measurer._reader
    # 2 x 1 places, 2 channels, 4 weights each; ReLU, moves of 4 numbers; 2 x 4 weights.
    dense = 2 * 2 * 4 + 4 + 4 + 8
    assert dense - 8 <= reader.matrix_entries(model) <= dense + 8
    monkeypatch.setattr(measuring, "memory", lambda: 96 * 10)
    other = tracker(slices=part, input_shape=(1, 3, 2), jacobian=True).measure(model, 0)
    assert (row["route"], other["route"]) == ("matrices", "batches")
    for name in ("n_regions", "area_median", "boundary_length", "edges_mean"):
        assert other[f"regions/{name}"] == pytest.approx(row[f"regions/{name}"])
    assert other["identities"] is True
    assert other["regions/gradient_variation"] > 0


def test_what_needs_matrices_is_named_where_there_are_none(monkeypatch):
    monkeypatch.setattr(measuring, "memory", lambda: 0)
    watch = tracker(slices=SLICES[:1], points=X[:3], paths=[X[:2]], overlay=True)
    with pytest.warns(UserWarning, match="points, paths, overlay need matrices and are not measured") as caught:
        rows = [watch.measure(mlp(), k) for k in range(2)]
    assert sum("need matrices" in str(w.message) for w in caught) == 1
    for row in rows:
        assert (row["route"], row["status"], row["skipped"]) == ("batches", "complete", "points, paths, overlay")
        assert row["regions/n_regions"] == count(read(mlp()), SLICES[0].plane).value
        assert not any(name.startswith(("points/", "paths/")) or "split" in name for name in row)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "skipped" not in tracker(slices=SLICES[:1]).measure(mlp(), 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"slices": ()}, "nothing to measure"),
        ({"slices": "s0"}, "expected Slice or Plane"),
        ({"slices": [SLICES[0], SLICES[0]]}, "the name 's0' occurs 2 times"),
        ({"slices": [SLICES[0], Plane.through([0, 0], [1, 0], [0, 1])]}, "different numbers of inputs"),
        ({"schedule": "often"}, "schedule: 'often'"),
        ({"share": 2.0}, "share must be above 0 and at most 1"),
        ({"budget_seconds": -1}, "budget_seconds must be positive"),
        ({"max_regions": 0}, "max_regions must be"),
        ({"threads": 0}, "threads must be"),
        ({"exact": 1}, "exact must be True or False"),
        ({"part": 3}, "part: expected a dotted name"),
        ({"points": [1.0]}, "points: expected data"),
        ({"paths": "p"}, "paths: expected a sequence"),
        ({"radius": 0}, "radius must be a positive number"),
        ({"sinks": [3]}, "sinks"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(InputError, match=message):
        tracker(**options)


def test_reprs():
    watch = tracker(points=X[:4])
    assert repr(watch) == "RegionTracker: 2 slices, 4 points, Schedule.every(5), 0 rows"
    assert isinstance(watch.history, History)
    assert isinstance(watch.slices[0], Slice)


def test_a_polyline_that_is_in_no_list_is_refused():
    with pytest.raises(InputError, match="put a single one into a list"):
        RegionTracker(paths=np.zeros((3, INPUTS)))
