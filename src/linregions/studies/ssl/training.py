"""One run: an encoder trained by a method for a number of steps, with checkpoints on the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...checks import plural, real_number, seed_number, shown, whole_number
from ...errors import InputError
from ...scores.needs import nn, torch
from ..datasets import Images
from .augment import Augmentation, usual_augmentation
from .encoders import build_encoder
from .learner import Learner, Method
from .registry import find_method

STEPS, BATCH = 800, 256


@dataclass(frozen=True)
class Moment:
    """Where a run stands.

    Attributes:
        step: optimiser steps done.
        steps: of the whole run.
        epoch: passes over the training images.
        loss: mean over the steps since the last checkpoint; None at step 0.
        seconds: spent on training so far, without what checkpoints cost.
    """

    step: int
    steps: int
    epoch: float
    loss: float | None
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        return {name: getattr(self, name) for name in ("step", "steps", "epoch", "loss", "seconds")}


@dataclass(frozen=True, eq=False)
class Run:
    """A run that is done.

    Attributes:
        method: what trained.
        learner: with the trained encoder as `learner.encoder`, in evaluation mode.
        settings: what was asked for, as plain JSON types.
        moments: one for each checkpoint.
        seconds: of training, without checkpoints.
    """

    method: Method
    learner: Learner
    settings: dict[str, Any]
    moments: tuple[Moment, ...]
    seconds: float

    @property
    def encoder(self) -> nn.Module:
        """The trained backbone."""
        return self.learner.encoder

    def as_dict(self) -> dict[str, Any]:
        """The record without the weights."""
        return {
            "settings": self.settings,
            "checkpoints": [moment.as_dict() for moment in self.moments],
            "seconds": self.seconds,
        }

    def __str__(self) -> str:
        loss = self.moments[-1].loss if self.moments else None
        end = "" if loss is None else f", loss {loss:.4g}"
        steps = self.settings["steps"]
        return f"{self.method.name}: {plural(steps, 'step')} in {self.seconds:.1f} s{end}"

    __repr__ = __str__


def log_steps(steps: int, count: int = 20) -> tuple[int, ...]:
    """Steps at equal distances of their logarithm, with 0, 1 and the last one.

    Args:
        steps: of the run.
        count: how many at most; fewer where rounding makes two the same.

    Example:
        >>> log_steps(1000, 5)
        (0, 1, 10, 100, 1000)
    """
    steps, count = whole_number(steps, "steps"), whole_number(count, "count", least=2)
    return (0, *sorted({round(s) for s in np.geomspace(1, steps, count - 1).tolist()} | {steps}))


def usual_share(shape: tuple[int, int]) -> float:
    """The encoder's rate as a share of that of what is on top: a tenth, on images of at most 256 pixels a half.

    Heads begin anew and have to follow the features; an encoder that moves as fast as they do forgets the images before
    they have learned anything. Small images have a small encoder with larger first weights (they go like the root of
    one over the inputs), which the same rate changes less: with a tenth the controls do not collapse there.

    Args:
        shape: height and width of an image.

    Example:
        >>> usual_share((28, 28)), usual_share((8, 8))
        (0.1, 0.5)
    """
    return 0.5 if shape[0] * shape[1] <= 256 else 0.1


def pretrain(
    method: str | Method,
    images: Images,
    *,
    seed: int = 0,
    steps: int = STEPS,
    batch: int = BATCH,
    checkpoints: int | Sequence[int] = 20,
    encoder: str | Sequence[int] | nn.Module = "mlp",
    norm: bool = False,
    augmentation: Augmentation | None = None,
    options: dict[str, Any] | None = None,
    rate: float | None = None,
    share: float | None = None,
    decay: float | None = None,
    device: str = "cpu",
    on_checkpoint: Callable[[int, Learner, Moment], Any] | None = None,
    on_step: Callable[[int, Learner], Any] | None = None,
) -> Run:
    """Train an encoder by a method; AdamW at constant rates, the same number of steps for every method.

    The encoder's first weights depend on `seed` and not on the method, and so do the order of the images; views are
    drawn from a stream of the same seed. Each pass is a new permutation, its rest that fills no batch left out. On the
    CPU one thread is used, and the same seed gives the same run on one machine, whatever checkpoints do. The global
    random state is not used.

    Args:
        method: a name of `METHODS`, or a `Method`.
        images: what `load` returned; the held-out part is not touched.
        seed: of everything random.
        steps: optimiser steps.
        batch: images in a step, at most as many as there are.
        checkpoints: steps at which `on_checkpoint` is called, or how many log-spaced ones; 0 is before the first step.
        encoder: for `build_encoder`, or a module with the attribute `features`, which is trained itself.
        norm: batch normalisation in the encoder.
        augmentation: how views are drawn; None takes the usual one of the data set.
        options: of the method, instead of its own.
        rate: AdamW's learning rate for what is put on top of the encoder; None takes the method's.
        share: the encoder's rate as a share of `rate`; None takes `usual_share`, 1 trains all alike.
        decay: AdamW's weight decay; None takes the method's.
        device: where to train.
        on_checkpoint: called as (step, learner, moment), the learner in evaluation mode.
        on_step: called as (step, learner) after each step, the learner in training mode.

    Returns:
        A `Run`.

    Raises:
        InputError: an argument is out of range, or the loss is no finite number any more.

    Example:
        >>> from linregions.studies.datasets import load
        >>> pretrain("simclr", load("digits"), steps=2, checkpoints=[0, 2]).moments[-1].step
        2
    """
    method, seed, steps = find_method(method), seed_number(seed), whole_number(steps, "steps")
    batch = whole_number(batch, "batch", most=len(images.train))
    if batch < 2:
        raise InputError("batch must be at least 2, got 1: batch normalisation needs two images")
    marks = _marks(checkpoints, steps)
    augmentation = augmentation or usual_augmentation(images.name, images.shape)
    rate = _positive(method.rate if rate is None else rate, "rate")
    share = _positive(usual_share(images.shape) if share is None else share, "share")
    decay = _least(method.decay if decay is None else decay, "decay")
    built = encoder if isinstance(encoder, nn.Module) else build_encoder(encoder, images.shape, seed=seed, norm=norm)
    learner = method.build(built, classes=images.classes, seed=seed + 1 & 2**63 - 1, **(options or {})).to(device)
    settings = {
        **method.as_dict(),
        "options": {**method.options, **(options or {})},
        "rate": rate,
        "share": share,
        "decay": decay,
        "seed": seed,
        "steps": steps,
        "batch": batch,
        "checkpoints": list(marks),
        "encoder": getattr(built, "name", type(built).__name__),
        "augmentation": augmentation.as_dict(),
    }
    loop = _Loop(learner, images, seed, batch, augmentation, rate, share, decay, device)
    with _one_thread(device), torch.enable_grad():
        moments = loop.run(method.name, steps, marks, on_checkpoint, on_step)
    learner.eval()
    return Run(method, learner, settings, tuple(moments), loop.seconds)


class _Loop:
    """The state of a run."""

    def __init__(
        self,
        learner: Learner,
        images: Images,
        seed: int,
        batch: int,
        augmentation: Augmentation,
        rate: float,
        share: float,
        decay: float,
        device: str,
    ):
        self.learner, self.batch, self.augmentation = learner, batch, augmentation
        self.x = torch.tensor(images.train, device=device)  # a copy: workers share the arrays, read-only
        self.y = torch.tensor(images.train_labels, device=device)
        self.order = torch.Generator().manual_seed(seed)
        # Another stream for the views: methods with one view and with two see the images in the same order.
        self.views = torch.Generator().manual_seed((seed + 2**32) % 2**63)
        below = [p for p in learner.encoder.parameters() if p.requires_grad]
        own = {id(p) for p in below}
        above = [p for p in learner.parameters() if p.requires_grad and id(p) not in own]
        groups = [{"params": below, "lr": rate * share}, *([{"params": above}] if above else [])]
        self.optimizer = torch.optim.AdamW(groups, lr=rate, weight_decay=decay, fused=True)
        self.seconds = 0.0

    def run(self, name: str, steps: int, marks: tuple[int, ...], on_checkpoint: Any, on_step: Any) -> list[Moment]:
        moments: list[Moment] = []
        losses: list[torch.Tensor] = []
        batches = self._batches()
        for step in range(steps + 1):
            if step:
                started = time.perf_counter()
                losses.append(self._step(next(batches), step, steps))
                self.seconds += time.perf_counter() - started
                if on_step is not None:
                    on_step(step, self.learner)
            if step in marks:
                loss = torch.stack(losses).double().mean().item() if losses else None
                if loss is not None and not np.isfinite(loss):
                    raise InputError(f"{name}: the loss is {loss} by step {step}; take a smaller rate")
                losses.clear()
                epoch = step / (len(self.x) // self.batch)
                moments.append(Moment(step, steps, epoch, loss, self.seconds))
                if on_checkpoint is not None:
                    self.learner.eval()
                    on_checkpoint(step, self.learner, moments[-1])
        return moments

    def _batches(self) -> Iterator[torch.Tensor]:
        while True:
            shuffled = torch.randperm(len(self.x), generator=self.order)
            for k in range(len(shuffled) // self.batch):
                yield shuffled[k * self.batch : (k + 1) * self.batch]

    def _step(self, rows: torch.Tensor, step: int, steps: int) -> torch.Tensor:
        self.learner.train()
        rows = rows.to(self.x.device)
        x = self.x[rows].repeat(self.learner.views, 1, 1)
        views = self.augmentation(x, generator=self.views)[:, None].chunk(self.learner.views)
        loss = self.learner.loss(views, self.y[rows])
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.learner.after_step(step, steps)
        return loss.detach()


def _marks(checkpoints: int | Sequence[int], steps: int) -> tuple[int, ...]:
    if isinstance(checkpoints, int):
        return log_steps(steps, checkpoints)
    marks = sorted({whole_number(s, "checkpoints", least=0, most=steps) for s in checkpoints})
    return tuple(marks)


def _positive(value: Any, what: str) -> float:
    number = real_number(value, what)
    if not 0 < number < float("inf"):
        raise InputError(f"{what} must be a positive finite number, got {shown(value)}")
    return number


def _least(value: Any, what: str) -> float:
    number = real_number(value, what)
    if not 0 <= number < float("inf"):
        raise InputError(f"{what} must be a finite number from 0, got {shown(value)}")
    return number


def _one_thread(device: str) -> Any:
    """One thread on the CPU: faster on networks this small, and the same sums on every machine's cores."""
    from contextlib import nullcontext

    from ...scores.spaces.digits_training import single_thread

    return single_thread() if device == "cpu" else nullcontext()
