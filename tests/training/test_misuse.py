"""What a training can do wrong with a tracker, and what a wrong run looks like in the history."""

from __future__ import annotations

import copy
import csv
import io
import json
import math
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from linregions import InputError, Plane  # noqa: E402
from linregions.errors import OutputError  # noqa: E402
from linregions.training import CollapseRule, CSVSink, History, JSONLinesSink, RegionTracker  # noqa: E402

INPUTS = 4
POINTS = np.random.default_rng(3).random((8, INPUTS))
PLANE = Plane.through(*POINTS[:3])


def net(width=6, *, bend=nn.ReLU, inputs=INPUTS):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(inputs, width), bend(), nn.Linear(width, 2))


def tracker(**options):
    return RegionTracker(**{"slices": [PLANE], "schedule": 1, "share": None} | options)


def test_steps_do_not_fall():
    watch, model = tracker(), net()
    watch.step(model, 0)
    watch.step(model, 5)
    for call in (watch.step, watch.measure, watch.finish):
        with pytest.raises(InputError, match=r"step: the training has come to step 5, got 3; number on.*RegionTracker"):
            call(model, 3)
    assert watch.history.steps.tolist() == [0, 5]
    assert watch.last_step == 5
    assert watch.step(model)["step"] == 6
    later = tracker(schedule=10)
    assert later.last_step is None
    later.step(model, 0)
    later.step(model, 8)
    with pytest.raises(InputError, match="has come to step 8, got 7"):  # seen, though not measured
        later.measure(model, 7)
    again = tracker()
    again.load_state_dict(json.loads(json.dumps(later.state_dict())))
    with pytest.raises(InputError, match="has come to step 8, got 0"):
        again.step(model, 0)
    assert again.last_step == 8


def test_a_step_has_one_row(tmp_path):
    watch, model = tracker(sinks=tmp_path / "rows.csv"), net()
    row = watch.step(model, 5, loss=1.0)
    assert watch.step(model, 5) is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert watch.measure(model, 5) is row
        assert watch.finish(model, loss=1.0) is row
    with pytest.warns(UserWarning, match="step 5 has its row already; accuracy is not added"):
        assert watch.finish(model, accuracy=0.5) is row
    assert watch.history.steps.tolist() == [5]
    assert len((tmp_path / "rows.csv").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (lambda: net(16), r"0\.weight was 6x4 and is 16x4"),
        (lambda: net(bend=nn.LeakyReLU), "1 was ReLU and is LeakyReLU"),
        (lambda: nn.Sequential(*net(), nn.ReLU()), "3 was not there and is ReLU"),
    ],
)
def test_another_architecture_is_said_whenever_it_comes(other, difference):
    watch = tracker()
    watch.step(net(), 0)
    with pytest.warns(UserWarning, match=difference) as caught:
        rows = [watch.step(other(), k) for k in (1, 2)]
    assert len(caught) == 1  # and training goes on
    assert [row["status"] for row in rows] == ["failed", "failed"]
    assert "another architecture" in rows[0]["error"]
    assert "regions/n_regions" not in rows[0]
    assert watch.step(net(), 3)["status"] == "complete"
    again = tracker()
    again.load_state_dict(watch.state_dict())
    with pytest.raises(InputError, match=difference):
        again.step(other(), 4)


def test_the_wrappers_of_torch_are_no_other_architecture():
    model = nn.Sequential(net(), nn.ReLU())
    watch = tracker(part="0")
    watch.step(model, 0)
    model[0] = torch.compile(model[0], backend="eager")
    assert watch.step(model, 1)["status"] == "complete"
    watch = tracker()
    watch.step(net().double(), 0)
    assert watch.step(net().eval(), 1)["status"] == "complete"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (True, True),
        (3, 3),
        (0.5, 0.5),
        ("warm", "warm"),
        (None, None),
        (np.float32(0.25), 0.25),
        (np.int64(7), 7),
        (np.bool_(False), False),
        (np.array(2.0), 2.0),
        (np.array([2.5]), 2.5),
        (torch.tensor(0.5, requires_grad=True), 0.5),
        (torch.tensor([[3]]), 3),
        (torch.tensor(1.5, dtype=torch.bfloat16), 1.5),
        (math.inf, math.inf),
    ],
)
def test_what_a_column_may_hold(value, kept):
    row = tracker().step(net(), 0, loss=value)
    assert row["loss"] == kept
    assert type(row["loss"]) is type(kept)


@pytest.mark.parametrize("value", [torch.randn(3), np.array([1, 2]), [1, 2], object(), b"x", 1j, {"a": 1}, np.zeros(0)])
def test_what_no_column_holds_is_refused_by_name_at_once(value):
    watch = tracker(schedule=[50])
    with pytest.raises(InputError, match=r"^loss: expected one number, a word, True, False or None, got"):
        watch.step(net(), 0, loss=value)
    with pytest.raises(InputError, match=r"^loss: "):
        watch.measure(net(), 0, loss=value)
    assert len(watch.history) == 0
    watch.measure(net(), 1, loss=1.0)
    with pytest.warns(UserWarning, match=r"loss: expected one number"):  # in mid-training it is left out
        row = watch.measure(net(), 2, loss=value)
    assert "loss" not in row
    assert row["status"] == "complete"


def test_a_diverged_loss_is_no_missing_one(tmp_path):
    sinks = [CSVSink(tmp_path / "rows.csv"), JSONLinesSink(tmp_path / "rows.jsonl")]
    watch = tracker(sinks=sinks)
    for step, loss in enumerate([0.5, None, math.nan, torch.tensor(math.nan), np.float32("nan"), math.inf]):
        watch.step(net(), step, loss=loss)
    watch.close()

    def check(values):
        assert [values[0], values[1], values[5]] == [0.5, None, math.inf]
        assert all(isinstance(v, float) and math.isnan(v) for v in values[2:5])

    check([row["loss"] for row in watch.history.rows])
    watch.history.to_json(tmp_path / "history.json")
    json.loads((tmp_path / "history.json").read_text(), parse_constant=pytest.fail)
    check([row["loss"] for row in History.from_json(tmp_path / "history.json").rows])
    again = tracker()
    again.load_state_dict(json.loads(json.dumps(watch.state_dict())))
    check([row["loss"] for row in again.history.rows])
    for text in (watch.history.to_csv(), (tmp_path / "rows.csv").read_text()):
        cells = [row["loss"] for row in csv.DictReader(io.StringIO(text))]
        check([float(cell) if cell else None for cell in cells])
    lines = [
        json.loads(line, parse_constant=pytest.fail) for line in (tmp_path / "rows.jsonl").read_text().splitlines()
    ]
    assert [line["loss"] for line in lines] == [0.5, None, "NaN", "NaN", "NaN", "Infinity"]
    assert np.isnan(watch.history.column("loss")).tolist() == [False, True, True, True, True, False]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"slices": [PLANE]}, "^slices: they lie in 4 inputs, but the model takes 5"),
        ({"slices": (), "points": POINTS}, "^points: they have 4 inputs, but the model takes 5"),
        ({"slices": (), "paths": [POINTS]}, "^paths: they have 4 inputs, but the model takes 5"),
    ],
)
def test_the_argument_of_another_width_is_named(options, message):
    with pytest.raises(InputError, match=message):
        tracker(**options).step(net(inputs=5), 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"points": np.ones((3, 5))}, "^points: they have 5 inputs, but the slices lie in 4"),
        ({"paths": [POINTS, np.eye(5)]}, "^paths: path 1 has 5 inputs, but the slices lie in 4"),
        ({"slices": (), "points": POINTS, "paths": [np.eye(5)]}, "^paths: path 0 has 5 inputs, but the points have 4"),
        ({"slices": (), "paths": [POINTS, np.eye(5)]}, "^paths: path 1 has 5 inputs, but path 0 has 4"),
        ({"paths": [POINTS, POINTS[:1]]}, "^paths: path 1 has one corner; give at least two"),
        ({"paths": [POINTS[[0, 1, 1]]]}, "^paths: corners 1 and 2 of path 0 are the same point"),
        ({"keep": "no"}, "^keep must be True or False, got 'no'"),
        ({"overlay": 1}, "^overlay must be True or False, got 1"),
        ({"jacobian": None}, "^jacobian must be True or False, got None"),
    ],
)
def test_arguments_that_do_not_fit(options, message):
    with pytest.raises(InputError, match=message):
        tracker(**options)


def test_an_input_shape_that_does_not_fit_is_named():
    with pytest.raises(InputError, match=r"^slices: they lie in 4 inputs, but input_shape \(5,\) has 5"):
        tracker(input_shape=5).step(net(), 0)


def test_a_layer_without_a_shape_is_named():
    with pytest.raises(InputError, match="has no shape yet"):
        tracker().step(nn.Sequential(nn.LazyLinear(8), nn.ReLU()), 0)


@pytest.mark.parametrize("overlay", [False, True])
@pytest.mark.parametrize("kind", ["collapsed", "linear", "one unit"])
def test_networks_without_boundaries_give_numbers_and_no_warning(kind, overlay):
    model = nn.Linear(INPUTS, 2) if kind == "linear" else net(1 if kind == "one unit" else 6)
    if kind == "collapsed":
        for p in model.parameters():
            nn.init.zeros_(p)
    watch = tracker(points=POINTS, paths=[POINTS], jacobian=True, overlay=overlay)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = [watch.step(model, k) for k in range(2)]
        print(watch.history)
        watch.history.to_json()
    assert rows[1]["status"] == "complete"
    if kind != "one unit":
        assert rows[0]["regions/n_regions"] == 1
        assert rows[0]["points/dist_boundary"] == rows[0]["points/dist_boundary_q10"] == math.inf


def test_hooks_fire_in_a_measurement_as_documented():
    model, calls = net(), []
    model[0].register_forward_hook(lambda *a: calls.append(model.training))
    tracker().step(model, 0)
    assert calls
    assert not any(calls)  # in evaluation mode
    assert model.training
    assert "forward hooks fire" in " ".join((RegionTracker.__doc__ or "").split())
    changed = net()
    changed[0].register_forward_hook(lambda module, args, out: 0 * out)  # this one is part of the function
    assert tracker().step(changed, 0)["regions/n_regions"] == 1 < tracker().step(net(), 0)["regions/n_regions"]


def saved():
    watch = tracker(overlay=True, points=POINTS, paths=[POINTS])
    watch.step(net(), 0)
    return watch.state_dict()


@pytest.mark.parametrize("key", [key for key in saved() if key != "format"])
@pytest.mark.parametrize("damage", ["gone", "word", "list", "number"])
def test_a_damaged_state_is_refused_and_changes_nothing(key, damage):
    state = saved()
    if damage == "gone":
        del state[key]
    else:
        state[key] = {"word": "zz", "list": [1, 2], "number": 1e400}[damage]
    watch = tracker(overlay=True)
    watch.step(net(), 3)
    watch.allowance.clock = lambda: 1e6  # it stands
    before = copy.deepcopy(watch.state_dict())
    with pytest.raises(InputError, match=rf"^state: its part '{key}' is (missing|damaged)"):
        watch.load_state_dict(state)
    assert watch.state_dict() == before


def test_a_rule_that_cannot_fall_says_so():
    rows = [{"step": k, "regions/n_regions": 0.0} for k in range(4)]
    assert str(CollapseRule()(rows)) == "no collapse seen: regions/n_regions was 0 at the start, so that it cannot fall"


def test_a_slice_of_which_nothing_was_listed_has_no_number():
    row = tracker(budget_seconds=1e-6).step(net(), 0)
    assert row["status"] == "budget"
    assert row.get("regions/n_regions") is None


def test_a_bound_of_zero_is_no_count():
    for _ in range(30):  # how far the engine comes in no time differs
        watch = tracker(budget_seconds=1e-9, keep=True)
        watch._measurer._clock = lambda: 0.0  # reading takes no time, listing does
        row = watch.step(net(64), 0)
        (part,) = watch.history.slices
        assert (row["status"], part["kind"]) in (("budget", "lower"), ("complete", "exact"))
        assert row["regions/n_regions"] == part["n_regions"] != 0
        if part["n_regions"] is None:
            assert not {"area_mean", "boundary_length"} & set(part)
            assert watch.history.kept == {}


def test_a_row_without_a_number_is_no_start_of_a_collapse():
    rows = [{"step": k, "status": "complete", "regions/n_regions": n} for k, n in enumerate((None, 9.0, 8.0))]
    assert CollapseRule()([rows[0] | {"status": "budget"}, *rows[1:]]).start == 9.0


def test_a_sink_that_fails_in_the_first_row_is_an_error(tmp_path):
    class Sink:
        def __init__(self):
            self.rows = []

        def write(self, step, row):
            self.rows.append(step)

        def close(self):
            pass

    file, good = tmp_path / "made" / "rows.csv", Sink()
    watch = tracker(sinks=[file, good])
    (tmp_path / "made").rmdir()
    with pytest.raises(OutputError, match="cannot be written"):
        watch.step(net(), 0)
    assert watch.history.steps.tolist() == good.rows == [0]  # nothing is lost but that sink
    with pytest.warns(UserWarning, match="fails and training goes on"):
        watch.step(net(), 1)
    assert good.rows == [0, 1]


@pytest.mark.parametrize("finite", range(13))
def test_quantiles_of_partly_infinite_distances(finite):
    from linregions.metrics.distances import Distances

    values = np.array([*np.arange(1.0, 1 + finite), *[math.inf] * (12 - finite)])[::-1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = Distances(*[values] * len(Distances.__dataclass_fields__)).as_dict()
    # The tenth part of the way along 12 values is 1.1: between the second and the third.
    assert found["dist_boundary_q10"] == (pytest.approx(2.1) if finite >= 3 else math.inf)
    assert found["dist_boundary"] == (6.5 if finite == 12 else math.inf if finite < 7 else 6.5)
