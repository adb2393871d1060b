"""Callbacks for the `Trainer` of Hugging Face's transformers."""

from __future__ import annotations

import warnings
from typing import Any

from ..errors import InputError, MissingExtraError
from .adapting import Numbering, checked_tracker, checked_when, last_step, measured_part, packed, unpacked
from .collapse import Collapse, CollapseRule, RuleWatch
from .sinks.values import numbers

try:
    from transformers.trainer_callback import ExportableState, TrainerCallback
except ImportError as error:
    raise MissingExtraError(
        "training: transformers is not installed; install it with: pip install transformers accelerate"
    ) from error


class HuggingFaceCallback(TrainerCallback, ExportableState):
    """Measures regions while a `transformers.Trainer` trains.

    Step 0 is measured when training begins; a resumed run goes on in its schedule.  Only the first process measures.
    Each row goes to the tracker's sinks; and to `trainer.log`, so to the trainer's reporters, if `trainer` is set
    (`callback.trainer = trainer`), else into `state.log_history`: what a callback adds in `on_log` comes too late for
    the reporters.  The tracker's state is saved in each checkpoint's `trainer_state.json`, from which a resumed run
    takes slices and history; leave `restore_callback_states_from_checkpoint` off, it would make a new callback.

    A tracker watches one training.  A second `train` with the same callback numbers on: its step 0 is the last step of
    the first, so that steps never fall; give a training of its own a tracker of its own.

    Args:
        tracker: the `RegionTracker`.  If it has no `part`, the model's `backbone` is measured where there is one, else
            the whole model.
        when: "steps" asks the tracker's schedule after each optimiser step, "epochs" measures at the end of every
            epoch, "validation" after every evaluation.
        trainer: the `Trainer`, if its reporters are to get the numbers; it can be set later.

    Raises:
        InputError: an argument is not what it should be.
    """

    def __init__(self, tracker: Any = None, *, when: str = "steps", trainer: Any = None):
        if tracker is None:
            raise InputError(
                "tracker: expected a RegionTracker, got None; if the Trainer made this callback, leave "
                "restore_callback_states_from_checkpoint off, because the tracker's state comes back without it"
            )
        self.tracker, self.when, self.trainer = checked_tracker(tracker), checked_when(when), trainer
        self._number = Numbering(tracker)

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_more: Any) -> None:
        """Take back the state of a resumed run, and measure before the first batch."""
        saved = (state.stateful_callbacks or {}).get(type(self).__name__)
        if state.global_step and saved:
            saved = (saved[0] if isinstance(saved, list) else saved)["attributes"]
            self.tracker.load_state_dict(unpacked(saved["tracker"]))
            self._number.restore(saved.get("offset", 0))
        self._number.begin(state.global_step)
        if state.global_step == 0 or last_step(self.tracker) is None:
            self._measure(state, control, model)
        if self.when == "validation" and getattr(args, "eval_strategy", None) == "no":
            warnings.warn(
                "HuggingFaceCallback: when='validation', but there is no evaluation in this training, so that nothing "
                "is measured after its start; set eval_strategy, or take when='epochs'",
                stacklevel=2,
            )

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **_more: Any) -> None:
        """Let the schedule say whether to measure."""
        if self.when == "steps" and state.is_world_process_zero:
            number = self._number(state.global_step)
            self._leave(state, control, self.tracker.step(measured_part(self.tracker, model), number))

    def on_epoch_end(self, args: Any, state: Any, control: Any, model: Any = None, **_more: Any) -> None:
        """Measure if this is asked for."""
        if self.when == "epochs":
            self._measure(state, control, model)

    def on_evaluate(self, args: Any, state: Any, control: Any, model: Any = None, **_more: Any) -> None:
        """Measure if this is asked for."""
        if self.when == "validation":
            self._measure(state, control, model)

    def _measure(self, state: Any, control: Any, model: Any) -> None:
        number = self._number(state.global_step)
        if state.is_world_process_zero and last_step(self.tracker) != number:
            self._leave(state, control, self.tracker.measure(measured_part(self.tracker, model), number))

    def _leave(self, state: Any, control: Any, row: Any) -> None:
        values = {} if row is None else numbers(row)
        if not values:
            return
        if self.trainer is None:
            state.log_history.append({**values, "epoch": state.epoch, "step": state.global_step})
            return
        wanted = control.should_log
        self.trainer.log(values)
        control.should_log = wanted  # logging our numbers must not swallow the trainer's own

    def state(self) -> dict[str, Any]:
        """The tracker's state, for a checkpoint."""
        return {"args": {}, "attributes": {"tracker": packed(self.tracker.state_dict()), "offset": self._number.offset}}


class HuggingFaceCollapseStop(TrainerCallback):
    """Stops a `transformers.Trainer` when the number of regions collapses.

    Put it after the `HuggingFaceCallback` of the same tracker.  It stops the process that measures; with several
    processes stop from an evaluation that all of them run.

    Args:
        tracker: the `RegionTracker`, or a `History`.
        rule: when to stop.
    """

    def __init__(self, tracker: Any, *, rule: CollapseRule | None = None):
        self.watch = RuleWatch(tracker, rule)

    @property
    def verdict(self) -> Collapse:
        """What the rule last said."""
        return self.watch.verdict

    def on_step_end(self, args: Any, state: Any, control: Any, **_more: Any) -> None:
        """Ask the rule."""
        if self.watch.fires():
            control.should_training_stop = True
