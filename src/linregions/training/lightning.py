"""Callbacks for Lightning, for both of its names: `lightning.pytorch` and `pytorch_lightning`.

The two packages have different base classes.  A callback here is one of the package that is in use, or of both.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from contextlib import suppress
from functools import cache
from typing import Any

from ..checks import shown
from ..errors import InputError, MissingExtraError
from .adapting import Numbering, checked_tracker, checked_when, last_step, measured_part, packed, unpacked
from .collapse import Collapse, CollapseRule, RuleWatch
from .sinks.values import numbers

NAMESPACES = ("lightning.pytorch", "pytorch_lightning")


def _bases(namespace: str | None) -> tuple[type, ...]:
    """The class `Callback` of the namespace asked for; or of those in use; or of one that is installed."""
    if namespace is not None and namespace not in NAMESPACES:
        raise InputError(f"namespace: expected 'lightning.pytorch' or 'pytorch_lightning', got {shown(namespace)}")
    used = [namespace] if namespace else [n for n in NAMESPACES if sys.modules.get(n) is not None]
    bases: tuple[type, ...] = ()
    for name in used or NAMESPACES:
        with suppress(ImportError):
            bases += (importlib.import_module(name).Callback,)
        if bases and not used:
            break
    if not bases:
        package = "pytorch-lightning" if namespace == "pytorch_lightning" else "lightning"
        raise MissingExtraError(f"training: {package} is not installed; install it with: pip install {package}")
    return bases


@cache
def _class(kind: type, bases: tuple[type, ...]) -> type:
    """`kind` as a callback of those packages."""
    return type(kind.__name__, (kind, *bases), {"__doc__": kind.__doc__, "__module__": kind.__module__})


class _OfEitherName:
    """Makes an object of a class that is also the `Callback` of the package in use."""

    def __new__(cls, *_args: Any, namespace: str | None = None, **_options: Any) -> Any:
        ready = any(base.__module__.split(".")[0] in ("lightning", "pytorch_lightning") for base in cls.__mro__)
        return object.__new__(cls if ready else _class(cls, _bases(namespace)))


class LightningCallback(_OfEitherName):
    """Measures regions while a Lightning `Trainer` fits.

    Step 0 is measured when training starts, before any batch; a resumed run goes on in its schedule.  Only the
    first process measures, never in the sanity check.  Each row goes to the tracker's sinks, to all loggers of the
    trainer at once with its step (whatever `log_every_n_steps` is), and to `trainer.callback_metrics`, where
    `EarlyStopping` and `ModelCheckpoint` find it.  The tracker's state is part of every checkpoint: slices and history
    are those of the run that is resumed.

    A tracker watches one training.  A second `fit` with the same callback numbers on: its step 0 is the last step of
    the first, so that steps never fall; give a training of its own a tracker of its own.

    Args:
        tracker: the `RegionTracker`.  If it has no `part`, the module's `backbone` is measured where there is one,
            else the whole module.
        when: "steps" asks the tracker's schedule after each optimiser step, "epochs" measures at the end of every
            training epoch, "validation" at the end of every validation epoch.
        log: whether the trainer's loggers and `callback_metrics` get the numbers too.
        name: tells several of these callbacks apart in a checkpoint.
        namespace: "lightning.pytorch" or "pytorch_lightning"; None takes those that are imported.

    Raises:
        InputError: an argument is not what it should be.
        MissingExtraError: Lightning is not installed.
    """

    def __init__(
        self,
        tracker: Any,
        *,
        when: str = "steps",
        log: bool = True,
        name: str = "regions",
        namespace: str | None = None,
    ):
        super().__init__()
        self.tracker, self.when = checked_tracker(tracker), checked_when(when)
        self.log_values, self.name = log, name
        self._seen: int | None = None
        self._number = Numbering(tracker)

    @property
    def state_key(self) -> str:
        """The key of the state in a checkpoint."""
        return f"linregions/{self.name}"

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Measure before the first batch, unless the run is resumed: then the schedule goes on."""
        self._number.begin(trainer.global_step)
        last, number = last_step(self.tracker), self._number(trainer.global_step)
        if trainer.is_global_zero and (last is None or (trainer.global_step == 0 and last != number)):
            self._leave(trainer, self.tracker.measure(self._part(pl_module), number))
        if trainer.is_global_zero and self.when == "validation" and not getattr(trainer, "enable_validation", True):
            warnings.warn(
                "LightningCallback: when='validation', but this run has no validation, so that nothing is measured "
                "after its start; give it validation data, or take when='epochs'",
                stacklevel=2,
            )
        self._seen = trainer.global_step

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *_batch: Any, **_more: Any) -> None:
        """Let the schedule say whether to measure, once for each optimiser step."""
        if self.when != "steps" or trainer.global_step == self._seen:
            return  # batches that are accumulated leave the weights as they were
        self._seen = trainer.global_step
        if trainer.is_global_zero:
            row = self.tracker.step(self._part(pl_module), self._number(trainer.global_step))
            self._leave(trainer, row, pl_module, on_step=True, on_epoch=False)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Measure if this is asked for."""
        self._at_end_of("epochs", trainer, pl_module)

    def on_validation_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Measure if this is asked for, and this is no sanity check and no `trainer.validate`."""
        if not trainer.sanity_checking and trainer.state.fn == "fit":
            self._at_end_of("validation", trainer, pl_module)

    def _at_end_of(self, what: str, trainer: Any, pl_module: Any) -> None:
        number = self._number(trainer.global_step)
        if self.when == what and trainer.is_global_zero and last_step(self.tracker) != number:
            row = self.tracker.measure(self._part(pl_module), number)
            self._leave(trainer, row, pl_module, on_step=False, on_epoch=True)

    def _part(self, pl_module: Any) -> Any:
        return measured_part(self.tracker, pl_module)

    def _leave(self, trainer: Any, row: Any, pl_module: Any = None, **options: Any) -> None:
        """Hand the numbers of a row on; `log_dict` is not allowed when training starts."""
        values = {} if row is None or not self.log_values else numbers(row)
        if not values:
            return
        for logger in trainer.loggers:
            logger.log_metrics(values, step=trainer.global_step)
        if pl_module is not None:
            pl_module.log_dict(values, logger=False, rank_zero_only=True, **options)

    def state_dict(self) -> dict[str, Any]:
        """The tracker's state, for a checkpoint."""
        return {"tracker": packed(self.tracker.state_dict()), "offset": self._number.offset}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Give the tracker the state of a checkpoint."""
        self.tracker.load_state_dict(unpacked(state_dict["tracker"]))
        self._number.restore(state_dict.get("offset", 0))


class LightningCollapseStop(_OfEitherName):
    """Stops a Lightning `Trainer` when the number of regions collapses.

    Put it after the `LightningCallback` of the same tracker.  With several processes the one that measures tells the
    others at the end of each training epoch, else it stops at once.

    Args:
        tracker: the `RegionTracker`, or a `History`.
        rule: when to stop.
        namespace: "lightning.pytorch" or "pytorch_lightning"; None takes those that are imported.

    Raises:
        MissingExtraError: Lightning is not installed.
    """

    def __init__(self, tracker: Any, *, rule: CollapseRule | None = None, namespace: str | None = None):
        super().__init__()
        self.watch = RuleWatch(tracker, rule)

    @property
    def verdict(self) -> Collapse:
        """What the rule last said."""
        return self.watch.verdict

    @property
    def state_key(self) -> str:
        """The key of the (empty) state in a checkpoint."""
        return f"linregions/collapse/{self.watch.rule.column}"

    def on_train_batch_end(self, trainer: Any, *_more: Any, **_options: Any) -> None:
        """Ask the rule, where there is one process."""
        if trainer.world_size == 1:
            trainer.should_stop |= self.watch.fires()

    def on_train_epoch_end(self, trainer: Any, _module: Any) -> None:
        """Ask the rule, and tell all processes."""
        trainer.should_stop |= bool(
            trainer.strategy.reduce_boolean_decision(trainer.is_global_zero and self.watch.fires(), all=False)
        )
