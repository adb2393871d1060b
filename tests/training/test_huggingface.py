"""Hugging Face: the callback in the order of the real Trainer's events, and in the Trainer itself where it can run."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
import torch
from standin import Watch
from torch import nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import CallbackHandler, DefaultFlowCallback

from linregions import Plane, enumerate_regions
from linregions.errors import InputError
from linregions.training import RegionTracker
from linregions.training.collapse import CollapseRule
from linregions.training.huggingface import HuggingFaceCallback, HuggingFaceCollapseStop


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Dropout(0.2), nn.Linear(6, 5), nn.ReLU())
        self.head = nn.Linear(5, 3)

    def forward(self, x, labels=None):
        out = self.head(self.backbone(x))
        return {"loss": nn.functional.cross_entropy(out, labels), "logits": out}


def events(callbacks, *, steps=6, epochs=2, state=None, model=None):
    """The Trainer's own handler, called in the order in which the Trainer calls it, with a step of SGD in each."""
    torch.manual_seed(0)
    model = model or Tiny()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.5)
    with_state = [c for c in callbacks if hasattr(c, "state")]
    state = state or TrainerState(stateful_callbacks=with_state)
    state.max_steps = 1000
    control = TrainerControl()
    handler = CallbackHandler([DefaultFlowCallback(), *callbacks], model, None, optimiser, None)
    args = SimpleNamespace(
        logging_first_step=False, logging_strategy="no", eval_strategy="epoch", save_strategy="no", eval_delay=0
    )
    handler.on_train_begin(args, state, control)
    x, y = torch.rand(16, 8), torch.randint(0, 3, (16,))
    for epoch in range(epochs):
        for _ in range(steps):
            handler.on_step_begin(args, state, control)
            optimiser.zero_grad()
            model(x, y)["loss"].backward()
            optimiser.step()
            state.global_step += 1
            state.epoch = epoch + 1.0
            handler.on_step_end(args, state, control)
            if control.should_training_stop:
                return state, model
        handler.on_epoch_end(args, state, control)
        handler.on_evaluate(args, state, control, metrics={})
    return state, model


def test_rows_follow_the_steps_and_stand_in_the_log():
    watch = Watch(every=2)
    state, _ = events([HuggingFaceCallback(watch)])
    assert [r["step"] for r in watch.history.rows] == [0, 2, 4, 6, 8, 10, 12]
    assert watch.asked == list(range(1, 13))
    logged = [(r["step"], r["regions/n_regions"]) for r in state.log_history]
    assert logged == [(r["step"], r["regions/n_regions"]) for r in watch.history.rows]
    part = Watch(part="backbone")
    assert events([HuggingFaceCallback(part)])[0].log_history


def test_weights_are_those_of_the_untracked_run():
    _, plain = events([])
    _, tracked = events([HuggingFaceCallback(Watch())])
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), tracked.parameters(), strict=True))


@pytest.mark.parametrize("when", ["epochs", "validation"])
def test_other_moments(when):
    watch = Watch()
    events([HuggingFaceCallback(watch, when=when)])
    assert [r["step"] for r in watch.history.rows] == [0, 6, 12]
    assert watch.asked == []


def test_a_saved_state_brings_back_slices_and_history(tmp_path):
    first = Watch(every=2)
    callback = HuggingFaceCallback(first)
    state, model = events([callback], epochs=1)
    state.stateful_callbacks["HuggingFaceCallback"] = callback.state()
    state.save_to_json(tmp_path / "trainer_state.json")  # as the Trainer does with a checkpoint

    again = Watch(every=2)
    again.points = np.zeros_like(again.points)
    before = copy.deepcopy(first.history.rows)
    loaded = TrainerState.load_from_json(tmp_path / "trainer_state.json")
    events([HuggingFaceCallback(again)], epochs=1, state=loaded, model=model)
    assert again.points.tobytes() == first.points.tobytes()
    assert [r["step"] for r in again.history.rows] == [0, 2, 4, 6, 8, 10, 12]
    assert again.history.rows[: len(before)] == before


def test_the_real_tracker_goes_through_a_saved_state(tmp_path):
    points = np.random.default_rng(7).random((3, 8))
    first = RegionTracker(slices=Plane.through(*points), schedule=3, share=None)
    callback = HuggingFaceCallback(first)
    state, model = events([callback], epochs=1)
    state.stateful_callbacks["HuggingFaceCallback"] = callback.state()
    state.save_to_json(tmp_path / "trainer_state.json")
    again = RegionTracker(slices=Plane.through(*np.eye(8)[:3]), share=None)
    loaded = TrainerState.load_from_json(tmp_path / "trainer_state.json")
    _, model = events([HuggingFaceCallback(again)], epochs=1, state=loaded, model=model)
    assert again.history.steps.tolist() == [0, 3, 6, 9, 12]
    assert again.history.rows[:3] == first.history.rows
    last = enumerate_regions(copy.deepcopy(model.backbone).eval(), Plane.through(*points)).count.value
    assert again.history.rows[-1]["regions/n_regions"] == last
    assert [r["step"] for r in loaded.log_history] == [0, 3, 6, 9, 12]
    json.dumps(callback.state(), allow_nan=False)


@pytest.mark.parametrize("when", ["steps", "epochs", "validation"])
def test_a_second_training_numbers_on(when, tmp_path):
    real = RegionTracker(slices=Plane.through(*np.eye(8)[:3]), schedule=3, share=None)
    callback = HuggingFaceCallback(real, when=when)
    _, model = events([callback], epochs=1)
    state, model = events([callback], epochs=1, model=model)
    expected = [0, 3, 6, 9, 12] if when == "steps" else [0, 6, 12]
    assert real.history.steps.tolist() == expected
    assert state.log_history[-1]["step"] == 6  # the trainer's own number
    state.stateful_callbacks["HuggingFaceCallback"] = callback.state()
    state.save_to_json(tmp_path / "trainer_state.json")
    # The second training goes on from its checkpoint: in another process, and in this one after more of it.
    again = RegionTracker(slices=Plane.through(*np.eye(8)[:3]), share=None)
    events([callback], epochs=1, model=model)
    for resumed in (HuggingFaceCallback(again, when=when), callback):
        loaded = TrainerState.load_from_json(tmp_path / "trainer_state.json")
        events([resumed], epochs=1, state=loaded, model=model)
        steps = resumed.tracker.history.steps.tolist()
        assert steps == expected + ([15, 18] if when == "steps" else [18])


def test_a_training_without_evaluations_says_that_nothing_will_be_measured():
    callback = HuggingFaceCallback(Watch(), when="validation")
    state, control = TrainerState(), TrainerControl()
    for strategy in ("no", TrainingArguments(output_dir="unused", use_cpu=True, report_to=[]).eval_strategy):
        with pytest.warns(UserWarning, match="when='validation', but .* no evaluation .*eval_strategy"):
            callback.on_train_begin(SimpleNamespace(eval_strategy=strategy), state, control, model=Tiny())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        callback.on_train_begin(SimpleNamespace(eval_strategy="epoch"), state, control, model=Tiny())


def test_numbers_go_through_the_trainer_and_do_not_swallow_its_own():
    class Reporting:
        """What `Trainer.log` does: the handler that it calls sets should_log to False."""

        def __init__(self):
            self.seen, self.control = [], None

        def log(self, values):
            self.seen.append(dict(values))
            self.control.should_log = False

    trainer = Reporting()
    callback = HuggingFaceCallback(Watch(), trainer=trainer)
    control = trainer.control = TrainerControl(should_log=True)
    state = TrainerState(global_step=3)
    callback.on_step_end(None, state, control, model=Tiny())
    assert [list(values) for values in trainer.seen] == [["regions/n_regions", "regions/seconds"]]
    assert control.should_log
    assert state.log_history == []


def test_only_the_first_process_measures():
    watch = Watch()
    callback = HuggingFaceCallback(watch)
    state = TrainerState(is_world_process_zero=False)
    callback.on_train_begin(None, state, TrainerControl(), model=Tiny())
    callback.on_step_end(None, state, TrainerControl(), model=Tiny())
    assert watch.history.rows == []


def test_collapse_stops_training():
    class Falling(Watch):
        def measure(self, model, step, **extra):
            row = {"step": step, "status": "complete", "regions/n_regions": 100 - 10 * step}
            self.history.rows.append(row)
            return row

    watch = Falling()
    stop = HuggingFaceCollapseStop(watch, rule=CollapseRule(warm_up=2))
    state, _ = events([HuggingFaceCallback(watch), stop])
    assert state.global_step == stop.verdict.step == 6


def test_wrong_arguments_are_one_sentence():
    with pytest.raises(InputError, match="restore_callback_states_from_checkpoint"):
        HuggingFaceCallback()
    with pytest.raises(InputError, match="tracker"):
        HuggingFaceCallback(3)
    with pytest.raises(InputError, match="when"):
        HuggingFaceCallback(Watch(), when="always")
    assert isinstance(HuggingFaceCallback(Watch()), TrainerCallback)


def test_a_missing_package_is_one_sentence():
    code = """
import sys
sys.modules["transformers"] = None
from linregions.errors import MissingExtraError
try:
    import linregions.training.huggingface
except MissingExtraError as error:
    assert "pip install transformers accelerate" in str(error), error
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-c", code], check=True)


class Rows(torch.utils.data.Dataset):
    def __init__(self):
        generator = torch.Generator().manual_seed(1)
        self.x = torch.rand(64, 8, generator=generator)
        self.y = torch.randint(0, 3, (64,), generator=generator)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return {"x": self.x[i], "labels": self.y[i]}


def train(folder, callbacks=(), *, epochs=2, resume=None, prepare=None, **options):
    """A real Trainer on the tiny model."""
    from transformers import Trainer

    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=epochs,
        per_device_train_batch_size=8,
        use_cpu=True,
        report_to=[],
        disable_tqdm=True,
        seed=5,
        **{"save_strategy": "no", "logging_strategy": "no", **options},
    )
    torch.manual_seed(0)
    model = Tiny()
    trainer = Trainer(model=model, args=arguments, train_dataset=Rows(), callbacks=list(callbacks))
    if prepare:
        prepare(trainer)
    trainer.train(resume_from_checkpoint=resume)
    return trainer, model


class TestRealTrainer:
    """The Trainer itself, which does not run without accelerate."""

    @pytest.fixture(autouse=True)
    def _accelerate(self):
        pytest.importorskip("accelerate", reason="transformers.Trainer does not run without accelerate")

    def test_a_tracked_run_is_the_untracked_one(self, tmp_path):
        _, plain = train(tmp_path)
        watch = Watch(every=4)
        trainer, tracked = train(tmp_path, [HuggingFaceCallback(watch)])
        assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), tracked.parameters(), strict=True))
        assert [r["step"] for r in watch.history.rows] == [0, 4, 8, 12, 16]
        ours = [r for r in trainer.state.log_history if "regions/n_regions" in r]
        assert [r["step"] for r in ours] == [0, 4, 8, 12, 16]

    def test_reporters_get_our_numbers_and_theirs(self, tmp_path):
        class Reporter(TrainerCallback):
            def __init__(self):
                self.seen = []

            def on_log(self, args, state, control, logs=None, **_more):
                self.seen.append((state.global_step, sorted(logs)))

        callback, reporter = HuggingFaceCallback(Watch(every=4)), Reporter()

        def prepare(trainer):
            callback.trainer = trainer

        train(tmp_path, [reporter, callback], prepare=prepare, logging_strategy="steps", logging_steps=4)
        assert [s for s, keys in reporter.seen if "regions/n_regions" in keys] == [0, 4, 8, 12, 16]
        assert [s for s, keys in reporter.seen if "loss" in keys] == [4, 8, 12, 16]

    def test_a_resumed_run_keeps_the_history(self, tmp_path):
        first = Watch(every=4)
        train(tmp_path, [HuggingFaceCallback(first)], epochs=1, save_strategy="epoch")
        again = Watch(every=4)
        again.points = np.zeros_like(again.points)
        train(tmp_path, [HuggingFaceCallback(again)], resume=str(tmp_path / "checkpoint-8"))
        assert again.points.tobytes() == first.points.tobytes()
        assert [r["step"] for r in again.history.rows] == [0, 4, 8, 12, 16]
        assert again.history.rows[:3] == first.history.rows

    def test_a_second_train_numbers_on(self, tmp_path):
        real = RegionTracker(slices=Plane.through(*np.eye(8)[:3]), schedule=5, share=None)
        callback = HuggingFaceCallback(real)
        trainer, _ = train(tmp_path, [callback], epochs=1)
        assert real.history.steps.tolist() == [0, 5]
        trainer.train()
        train(tmp_path, [callback], epochs=1)
        assert real.history.steps.tolist() == [0, 5, 8, 10, 15, 16, 20]
