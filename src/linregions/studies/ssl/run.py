"""The study of self-supervised learning: what do the linear regions do while an encoder is trained without labels?"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...checks import plural, real_number, seed_number, shown, whole_number
from ...errors import InputError
from ...partition import Status
from ...slicing import Slice
from ..datasets import Images, load
from ..filling import fill
from ..fitting import TWO, batch_size, drawn, held_classes, most_nearest, slice_count
from ..folder import Manifest, Row, StudyFolder
from ..sessions import session
from . import pictures
from .checkpoint import Watch
from .claims import Claims
from .claims.series import NOISE
from .registry import METHODS, find_method
from .report import PAGE, REPORT, write_report
from .training import pretrain

REPORTING = 0.03  # of the progress
# Planes through neighbours of two classes first: they are small and near the data, and Jacobians, overlays and
# pictures, which cost most, are of the first ones.  Two wide ones between three classes, and one away from the data.
SLICES: dict[str, int] = {"nearest": 4, "classes": 2, NOISE: 1}
CHECKPOINTS = 10
JACOBIANS, OVERLAYS, POINTS = 2, 1, 100
MERGED_BELOW = 1e-3  # neighbours whose Jacobians differ by less, relatively, count as one region of the merged count
# Of local complexity at 28 x 28 pixels, in units of the inputs; on other images times sqrt(pixels) / 28, so that it is
# the same share of a pixel's change in all pixels.
RADIUS = 0.05


@dataclass(frozen=True)
class SslStudy:
    """A study of self-supervised learning: its folder, how far it is, and what it found.

    `done` counts the runs with a row, of which `failed` could not be measured; `error` is what the first of these says.
    `claims` is None where the study was interrupted, or nothing could be measured.
    """

    folder: Path
    data: str
    status: Status
    done: int
    asked: int
    claims: Claims | None
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
            "report": str(self.folder / REPORT) if self.claims else None,
            "claims": self.claims.as_dict() if self.claims else None,
        }

    def __str__(self) -> str:
        lines = [f"{self.data}: {self.done - self.failed} of {plural(self.asked, 'run')} measured, in {self.folder}"]
        if self.failed:
            lines.append(f"{plural(self.failed, 'run')} could not be measured, the first one because of {self.error}")
        if self.status is Status.INTERRUPTED:
            lines.append("interrupted; the same command goes on from there")
        elif self.claims is not None:
            lines += ["", *(f"({a.letter}) {a.claim}: {a.verdict}" for a in self.claims.answers), ""]
            lines.append(f"report: {self.folder / REPORT} and {PAGE}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Task:
    """One run: what a worker needs."""

    method: str
    seed: int
    images: Images
    slices: tuple[Slice, ...]
    points: np.ndarray
    settings: Row
    folder: Path
    keep: tuple[int, ...]  # steps whose partition of the first slice is kept for the pictures

    @property
    def key(self) -> str:
        """Of the row."""
        return f"{self.method}/{self.seed}"


def run(
    data: str | Images = "digits",
    *,
    out: str | Path,
    root: str | Path | None = None,
    methods: Sequence[str] | None = None,
    seeds: int = 3,
    steps: int = 600,
    batch: int = 256,
    checkpoints: int | Sequence[int] = CHECKPOINTS,
    encoder: str | Sequence[int] = "mlp",
    slices: int | Mapping[str, int] | None = None,
    pad: float | None = None,
    seed: int = 0,
    train: int | None = None,
    held: int | None = None,
    workers: int = 1,
    resamples: int = 1000,
    command: str = "",
    progress: Callable[[float, int], None] | None = None,
) -> SslStudy:
    """Train encoders by supervised and self-supervised methods, and measure their linear regions on the way.

    One row for each method and seed, on disk as soon as it is done: the same call with the same `out` goes on where
    another one stopped, and more methods or seeds may be asked for later.  All methods of a seed begin with the same
    weights, and all runs are measured on the same slices at the same checkpoints.

    Args:
        data: "digits", "mnist", "fashion-mnist", a path for `load`, or `Images`.
        out: the study's folder, new, empty, or of this study.
        root: the folder with the files of a named data set.
        methods: names of `METHODS`; None takes all of them, controls that collapse included.
        seeds: how many, from `seed` on.
        steps: optimiser steps of each run.
        batch: images in a step.
        checkpoints: how many (see `checkpoint_steps`), or the steps themselves.
        encoder: for `build_encoder`.
        slices: how many planes through an image and its two nearest ones of another class, all held out, beside two
            through images of three classes and one through noise; or how many of each kind of
            `linregions.slicing.slices`.  None takes 4.  Where the held-out images are of two classes, which have two
            of the first and none of the second, planes through two images and a random direction take their place.
        pad: of all slices, in units of the inputs; None takes for each slice the smallest that holds its anchors.
        seed: of slices, split and resamples, and the first seed of the runs.
        train: images to train on; None takes all there are.
        held: held-out images; None takes all.
        workers: processes, of one thread each; 1 works in this one.
        resamples: bootstrap resamples of every interval of the report.
        command: what to show in the report as the command that made it.
        progress: called with (fraction, runs measured).

    Returns:
        An `SslStudy`; the report lies in its folder.

    Raises:
        InputError: an argument cannot be used, or the folder holds another study.
        OutputError: the folder cannot be written; the rows before are kept.
        MissingExtraError: torch, matplotlib, scikit-learn or (for workers) joblib is not installed.

    Example:
        >>> run("digits", out="study", methods=["supervised", "simclr"], seeds=1)  # doctest: +SKIP
    """
    _check_matplotlib()
    names = tuple(METHODS) if methods is None else tuple(dict.fromkeys(find_method(name).name for name in methods))
    if not names:
        raise InputError("methods: none was given; name at least one, or leave them out for all")
    seeds, seed, workers = whole_number(seeds, "seeds"), seed_number(seed), whole_number(workers, "workers")
    kinds = _kinds(slices)
    images = data if isinstance(data, Images) else load(data, root=root, train=train, held=held, seed=seed)
    two = not isinstance(slices, Mapping) and held_classes(images, held) == 2
    kinds = _of_two(images, kinds) if two else kinds
    settings = _settings(images, steps, batch_size(batch, images, train), checkpoints, encoder, kinds, pad, seed)
    tasks = _tasks(images, names, seeds, settings, Path(out), few=slices is None and held is not None)
    facts = _facts(images, settings, [task.key for task in tasks]) | ({"instead": TWO} if two else {})
    with StudyFolder(out, Manifest("ssl", settings, facts, (session(command, workers),))) as folder:
        # Seed by seed, so that what is done when a study is stopped can be compared.
        todo = [task for task in tasks if task.key not in folder.rows]
        share = 1.0 - REPORTING
        status = fill(folder, measure, todo, workers=workers, asked=len(tasks), share=share, progress=progress)
        rows = [folder.rows[task.key] for task in tasks if task.key in folder.rows]
    errors = [row["error"] for row in rows if "error" in row]
    found = None
    if status is Status.COMPLETE and len(errors) < len(rows):
        status, found = _reported(out, resamples, len(rows), progress)
    first = errors[0] if errors else ""
    return SslStudy(Path(out), images.name, status, len(rows), len(tasks), found, len(errors), first)


def measure(task: Task) -> tuple[str, Row]:
    """The row of one run; what cannot be trained or measured becomes a row that says why."""
    method, started, cpu = find_method(task.method), time.perf_counter(), time.process_time()
    s = task.settings
    watch = Watch(task.images, task.slices, task.points, s, task.keep)
    about: Row = {"method": method.name, "family": method.family, "seed": task.seed}
    try:
        done = pretrain(
            method,
            task.images,
            seed=task.seed,
            steps=s["steps"],
            batch=s["batch"],
            checkpoints=s["checkpoints"],
            encoder=s["encoder"],
            on_checkpoint=watch.look,
        )
    except (InputError, ArithmeticError) as error:
        return task.key, {**about, "error": str(error)}
    except Exception as error:
        error.add_note(f"while measuring {task.key}")
        raise
    if watch.polygons:
        pictures.keep(task.folder, f"{task.method}-{task.seed}", watch.polygons, task.slices[0].coordinates)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    return task.key, {
        **about,
        "training": done.settings,
        "kinds": [each.kind for each in task.slices],
        "seconds": seconds,
        "core_seconds": cpu,
        "times": {"training": cpu - sum(watch.times.values()), **watch.times},
        "checkpoints": watch.checkpoints,
    }


def _settings(
    images: Images,
    steps: Any,
    batch: int,
    checkpoints: Any,
    encoder: Any,
    slices: dict[str, int],
    pad: Any,
    seed: int,
) -> Row:
    """What the rows depend on; what a user chose first."""
    steps = whole_number(steps, "steps")
    return {
        "data": images.name,
        "steps": steps,
        "batch": batch,
        "checkpoints": list(checkpoint_steps(steps, checkpoints)),
        "encoder": encoder if isinstance(encoder, str) else list(encoder),
        "slices": slices,
        "pad": None if pad is None else real_number(pad, "pad"),
        "seed": seed,
        "jacobians": JACOBIANS,
        "overlays": OVERLAYS,
        "points": min(POINTS, len(images.held)),
        "radius": RADIUS * (images.pixels**0.5 / 28),
        "merged_below": MERGED_BELOW,
        "images": [len(images.train), len(images.held)],
        "checksum": images.checksum,
    }


def checkpoint_steps(steps: int, checkpoints: int | Sequence[int] = CHECKPOINTS) -> tuple[int, ...]:
    """Step 0, and then log-spaced steps from a hundredth of the training to its end: half of them in its first tenth.

    Where log-spaced steps fall together after rounding, there are fewer.

    Example:
        >>> checkpoint_steps(600, 8)
        (0, 6, 13, 28, 60, 129, 278, 600)
    """
    if isinstance(checkpoints, int):
        count = whole_number(checkpoints, "checkpoints", least=2)
        spaced = np.geomspace(max(1, steps / 100), steps, count - 1).round().astype(int)
        return (0, *sorted(set(spaced.tolist())))
    marks = {whole_number(step, "checkpoints", least=0, most=steps) for step in checkpoints}
    if not {0, steps} <= marks:
        raise InputError(
            f"checkpoints: step 0 and the last one, {steps}, have to be among them, got {shown(checkpoints)}"
        )
    return tuple(sorted(marks))


def _kinds(slices: int | Mapping[str, int] | None) -> dict[str, int]:
    if slices is None:
        return dict(SLICES)
    if isinstance(slices, Mapping):
        kinds = {str(kind): slice_count(count, f"slices: {kind}") for kind, count in slices.items()}
    else:
        kinds = SLICES | {"nearest": slice_count(slices)}
    if not any(kind != NOISE for kind in kinds):
        raise InputError(f"slices: at least one has to go through the data, got {shown(slices)}")
    return kinds


def _of_two(images: Images, kinds: dict[str, int]) -> dict[str, int]:
    """As many slices where the held-out images are of two classes, which have no three of three classes."""
    nearest = min(kinds["nearest"], most_nearest(images))
    pairs = kinds["nearest"] - nearest + kinds["classes"]
    return ({"nearest": nearest} if nearest else {}) | {"pair": pairs, NOISE: kinds[NOISE]}


def _tasks(images: Images, methods: Sequence[str], seeds: int, settings: Row, folder: Path, *, few: bool) -> list[Task]:
    """The runs, seed by seed; the slices near the data come first, because Jacobians and pictures are of the first."""
    kinds = sorted(settings["slices"].items(), key=lambda item: item[0] == NOISE)
    pad, seed = settings["pad"], settings["seed"]
    planes = [each for kind, count in kinds for each in drawn(images, kind, count, seed=seed, pad=pad, few=few)]
    points = images.held[: settings["points"]].reshape(settings["points"], -1).astype(np.float64)
    kept = pictures.chosen_steps(settings["checkpoints"])
    return [
        Task(name, number, images, tuple(planes), points, settings, folder, kept if number == seed else ())
        for number in range(seed, seed + seeds)
        for name in methods
    ]


def _facts(images: Images, settings: Row, keys: list[str]) -> Row:
    from .encoders import build_encoder

    return {
        "data": images.name,
        "about": str(images),
        "encoder": build_encoder(settings["encoder"], images.shape).name,
        "asked": keys,
        "images": images.as_dict(),
    }


def _reported(
    out: str | Path, resamples: int, done: int, progress: Callable[[float, int], None] | None
) -> tuple[Status, Claims | None]:
    def on(fraction: float, _: int) -> None:
        if progress is not None:
            progress(1.0 - REPORTING + REPORTING * fraction, done)

    try:
        return Status.COMPLETE, write_report(out, resamples=resamples, progress=on)
    except KeyboardInterrupt:
        return Status.INTERRUPTED, None


def _check_matplotlib() -> None:
    """A missing matplotlib shows before the work, not after it."""
    from ...plot import canvas

    canvas.matplotlib()
