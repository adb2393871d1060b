"""The supervised story: region counts through training, near the data and far from it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..checks import plural, seed_number, whole_number
from ..counting import enumerate_regions
from ..metrics import summary
from ..metrics.identities import identities
from ..metrics.local_complexity import local_complexity
from ..partition import Status
from ..readers.torch_live import LiveReader
from ..slicing import Slice
from .datasets import Images, load
from .filling import fill
from .fitting import TWO, batch_size, drawn, held_classes, slice_count
from .folder import Manifest, Row, StudyFolder
from .report import PAGE, REPORT
from .sessions import session
from .ssl.augment import Augmentation
from .ssl.checkpoint import finite
from .ssl.run import RADIUS, checkpoint_steps
from .ssl.training import pretrain
from .supervised_report import FAR, NEAR, NOISE, Story, write_report

__all__ = ["Story", "SupervisedStudy", "run", "write_report"]

REPORTING = 0.05  # of the progress
STEPS, BATCH, CHECKPOINTS, SLICES = 3000, 64, 12, 4
RATE = 1e-3  # AdamW's, of the encoder and the classifier
AWAY = 5.0  # how far the far slices are moved, in mean lengths of a data point
POINTS = 200
DIRECTIONS = 20


@dataclass(frozen=True)
class SupervisedStudy:
    """A study of supervised training: its folder, how far it is, and what it found.

    `done` counts the trainings with a row, of which `failed` could not be measured; `error` is what the first of these
    says.  `story` is None where the study was interrupted, or nothing could be measured.
    """

    folder: Path
    data: str
    status: Status
    done: int
    asked: int
    story: Story | None
    failed: int = 0
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        return {
            "folder": str(self.folder),
            "data": self.data,
            "status": self.status.value,
            "done": self.done,
            "asked": self.asked,
            "failed": self.failed,
            "error": self.error or None,
            "report": str(self.folder / REPORT) if self.story else None,
            "story": self.story.as_dict() if self.story else None,
        }

    def __str__(self) -> str:
        measured = self.done - self.failed
        lines = [f"{self.data}: {measured} of {plural(self.asked, 'training')} measured, in {self.folder}"]
        if self.status is Status.INTERRUPTED:
            lines.append("interrupted; the same command goes on from there")
        elif self.story is not None:
            lines += ["", str(self.story), "", f"report: {self.folder / REPORT} and {PAGE}"]
        return "\n".join(lines)


@dataclass(frozen=True)
class Task:
    """One training: what a worker needs."""

    seed: int
    images: Images
    slices: tuple[tuple[str, Slice], ...]  # with their kinds: near, noise, far
    points: dict[str, np.ndarray]
    settings: Row

    @property
    def key(self) -> str:
        """Of the row."""
        return f"supervised/{self.seed}"


def run(
    data: str | Images = "digits",
    *,
    out: str | Path,
    root: str | Path | None = None,
    seeds: int = 3,
    steps: int = STEPS,
    batch: int = BATCH,
    checkpoints: int | Sequence[int] = CHECKPOINTS,
    encoder: str | Sequence[int] = "mlp",
    slices: int = SLICES,
    seed: int = 0,
    train: int | None = None,
    held: int | None = None,
    workers: int = 1,
    resamples: int = 1000,
    command: str = "",
    progress: Callable[[float, int], None] | None = None,
) -> SupervisedStudy:
    """Train a classifier without augmentation, and count the regions of slices near the data and far from it.

    Near: planes through three held-out images of three classes; where they are of two classes, through two images, one
    of each, and a random direction.  Noise: planes through three points of uniform noise.
    Far: the near planes, moved by five mean lengths of a data point along a random direction, so that shape and size
    are the same.  Beside the counts stand the local complexity at training, held-out and random points, and accuracies.

    Args:
        data: "digits", "mnist", "fashion-mnist", a path for `load`, or `Images`.
        out: the study's folder, new, empty, or of this study.
        root: the folder with the files of a named data set.
        seeds: how many trainings, from `seed` on.
        steps: optimiser steps of each.
        batch: images in a step.
        checkpoints: how many, log-spaced from step 1 on, with step 0; or the steps themselves.
        encoder: for `build_encoder`; a linear classifier stands on it.
        slices: how many of each kind.
        seed: of slices, split and resamples, and the first seed of the trainings.
        train: images to train on; None takes all there are.
        held: held-out images; None takes all.
        workers: processes, of one thread each.
        resamples: bootstrap resamples of every interval.
        command: what to show in the report as the command that made it.
        progress: called with (fraction, trainings measured).

    Returns:
        A `SupervisedStudy`; the report lies in its folder.

    Raises:
        InputError: an argument cannot be used, or the folder holds another study.
        OutputError: the folder cannot be written; the rows before are kept.
        MissingExtraError: torch, matplotlib, scikit-learn or (for workers) joblib is not installed.

    Source: what is counted is that of Hanin and Rolnick, ICML 2019, and Humayun, Balestriero and Baraniuk, ICML 2024;
        data, networks and settings are this library's.

    Example:
        >>> run("digits", out="study", seeds=1, steps=100)  # doctest: +SKIP
    """
    from ..plot import canvas

    canvas.matplotlib()  # a missing matplotlib shows before the work, not after it
    seed, seeds, workers = seed_number(seed), whole_number(seeds, "seeds"), whole_number(workers, "workers")
    slices = slice_count(slices)
    images = data if isinstance(data, Images) else load(data, root=root, train=train, held=held, seed=seed)
    steps = whole_number(steps, "steps")
    settings: Row = {
        "data": images.name,
        "steps": steps,
        "batch": batch_size(batch, images, train),
        "checkpoints": list(checkpoint_steps(steps, spaced(steps, checkpoints))),
        "encoder": encoder if isinstance(encoder, str) else list(encoder),
        "slices": slices,
        "seed": seed,
        "away": AWAY,
        "points": min(POINTS, len(images.held), len(images.train)),
        "radius": RADIUS * (images.pixels**0.5 / 28),
        "checksum": images.checksum,
    }
    classes = held_classes(images, held)
    few = held is not None and slices == SLICES
    planes, points = _planes(images, settings, classes, few=few), _points(images, settings)
    tasks = [Task(number, images, planes, points, settings) for number in range(seed, seed + seeds)]
    facts = {"data": images.name, "about": str(images), "asked": [task.key for task in tasks]}
    facts |= {"instead": TWO} if classes == 2 else {}
    with StudyFolder(out, Manifest("supervised", settings, facts, (session(command, workers),))) as folder:
        todo = [task for task in tasks if task.key not in folder.rows]
        share = 1.0 - REPORTING
        status = fill(folder, measure, todo, workers=workers, asked=len(tasks), share=share, progress=progress)
        rows = [folder.rows[task.key] for task in tasks if task.key in folder.rows]
    errors = [row["error"] for row in rows if "error" in row]
    story = None
    if status is Status.COMPLETE and len(errors) < len(rows):
        story = write_report(out, resamples=resamples)
    return SupervisedStudy(
        Path(out), images.name, status, len(rows), len(tasks), story, len(errors), errors[0] if errors else ""
    )


def spaced(steps: int, checkpoints: int | Sequence[int]) -> Sequence[int]:
    """Step 0 and log-spaced steps from the first one on, where the fall of the counts is; given steps as they are.

    Example:
        >>> spaced(3000, 6)
        [0, 1, 7, 55, 405, 3000]
    """
    if not isinstance(checkpoints, int):
        return checkpoints
    count = whole_number(checkpoints, "checkpoints", least=2)
    return [0, *sorted({*np.geomspace(1, steps, count - 1).round().astype(int).tolist(), steps})]


def measure(task: Task) -> tuple[str, Row]:
    """The row of one training."""
    from ..errors import InputError

    s, points, cpu = task.settings, [], time.process_time()

    def look(step: int, learner: Any, moment: Any) -> None:
        points.append(finite(_checkpoint(task, step, learner, moment)))

    about: Row = {"method": "supervised", "family": "supervised", "seed": task.seed}
    try:
        done = pretrain(
            "supervised",
            task.images,
            seed=task.seed,
            steps=s["steps"],
            batch=s["batch"],
            checkpoints=s["checkpoints"],
            encoder=s["encoder"],
            rate=RATE,
            share=1.0,
            augmentation=Augmentation(rotation=0.0, scale=(1.0, 1.0), shift=0.0, brightness=0.0, noise=0.0),
            on_checkpoint=look,
        )
    except (InputError, ArithmeticError) as error:
        return task.key, {**about, "error": str(error)}
    kinds = [kind for kind, _ in task.slices]
    more = {"training": done.settings, "core_seconds": time.process_time() - cpu, "checkpoints": points}
    return task.key, {**about, "kinds": kinds, **more}


def _checkpoint(task: Task, step: int, learner: Any, moment: Any) -> dict[str, Any]:
    """Accuracies, counts of all slices, local complexity at all points."""
    network = LiveReader(learner.encoder, input_shape=(1, *task.images.shape)).read()
    point: dict[str, Any] = {"step": step, "loss": moment.loss, **_accuracies(learner, task.images)}
    found: list[dict[str, Any]] = []
    for _, each in task.slices:
        p = enumerate_regions(network, each.plane, threads=1).polygons
        tested = identities(p)
        if not tested.holds:
            raise ArithmeticError(f"identities of slice {each.name} at step {step}: {'; '.join(tested.failures)}")
        found.append({**summary(p), "identities_hold": tested.holds})
    names = ("n_regions", "area_median", "area_weighted", "boundary_length", "identities_hold")
    point["slices"] = {name: [row[name] for row in found] for name in names}
    for name, x in task.points.items():
        counts = local_complexity(network, x, radius=task.settings["radius"], directions=min(DIRECTIONS, x.shape[1]))
        point[f"complexity_{name}"] = float(counts.values.mean())
    return point


def _accuracies(learner: Any, images: Images) -> dict[str, float]:
    from ..scores.needs import torch
    from .ssl.evaluation import features

    found = {}
    for name, x, y in (("train", images.train, images.train_labels), ("held", images.held, images.held_labels)):
        with torch.no_grad():
            logits = learner.classifier(torch.from_numpy(features(learner.encoder, x)))
        found[f"accuracy_{name}"] = float((logits.argmax(1).numpy() == y).mean())
    return found


def _planes(images: Images, settings: Row, classes: int, *, few: bool = False) -> tuple[tuple[str, Slice], ...]:
    """Slices near the data, of noise, and the near ones moved away."""
    count, seed = settings["slices"], settings["seed"]
    near = drawn(images, "classes" if classes > 2 else "pair", count, seed=seed, few=few)
    noise = drawn(images, "noise", count, seed=seed)
    rng = np.random.default_rng([seed, 1])
    length = float(np.linalg.norm(images.held.reshape(len(images.held), -1).astype(np.float64), axis=1).mean())
    far = []
    for each in near:
        direction = rng.normal(size=each.anchors.shape[1])
        shift = settings["away"] * length * direction / np.linalg.norm(direction)
        lacking = None if len(each.anchors) == 3 else each.plane.r - each.plane.p
        moved = {"direction": lacking, "pad": each.pad, "shape": "diamond"}
        far.append(Slice.through(each.anchors + shift, **moved, name=f"{each.name} far"))
    return tuple((kind, each) for kind, group in ((NEAR, near), (NOISE, noise), (FAR, far)) for each in group)


def _points(images: Images, settings: Row) -> dict[str, np.ndarray]:
    n, rng = settings["points"], np.random.default_rng([settings["seed"], 2])
    flat = [x[:n].reshape(n, -1).astype(np.float64) for x in (images.train, images.held)]
    return {"train": flat[0], "held": flat[1], "random": rng.random(flat[0].shape)}
