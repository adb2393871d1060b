"""The report of the supervised story, made from its folder alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..checks import plural
from ..errors import InputError
from ..store.files import write_file
from .document import Bullets, Code, Grid, Heading, Paragraph, Part, Picture, html, markdown
from .folder import Manifest, read_study, writing
from .report import PAGE, REPORT
from .sessions import commands_of, machines_of, versions_of
from .ssl.claims.finding import agreement
from .ssl.claims.intervals import Estimate, Verdict, crossed, decide
from .ssl.claims.series import Run, logs

NEAR, NOISE, FAR = "near the data", "through noise", "far from the data"
KINDS = (NEAR, NOISE, FAR)
POINTS = {"train": "training points", "held": "held-out points", "random": "random points"}


@dataclass(frozen=True)
class Line:
    """One number of the story: what it is, its interval, and what it says of the expectation it was made for."""

    name: str
    expected: str
    estimate: Estimate
    verdict: Verdict
    bound: float = 1.0

    def as_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return {
            "name": self.name,
            "expected": self.expected,
            "estimate": self.estimate.as_dict(),
            "verdict": self.verdict,
            "bound": self.bound,
        }

    def __str__(self) -> str:
        return f"{self.name}: {self.estimate}; {self.expected} {self.verdict} ({agreement(self.estimate, self.bound)})."


@dataclass(frozen=True)
class Story:
    """What was found: ratios of counts and of local complexities, each with its interval."""

    lines: tuple[Line, ...]
    runs: int

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        return {"runs": self.runs, "lines": [line.as_dict() for line in self.lines]}

    def __str__(self) -> str:
        return "\n".join(map(str, self.lines))


def story(rows: Sequence[Mapping[str, Any]], *, resamples: int = 1000, level: float = 0.95, seed: int = 0) -> Story:
    """How counts and local complexities moved: ratios, as geometric means over seeds and slices.

    "lowest" is the checkpoint at which the mean over seeds and slices is lowest; as it was chosen by these numbers, a
    dip looks a little deeper than it is.  Verdicts are those of `decide`: the whole interval, and every seed alone.

    Args:
        rows: of the study; those with an error are left out.
        resamples: bootstrap resamples of seeds and slices.
        level: of the intervals.
        seed: of the resamples.

    Returns:
        A `Story`.

    Source: the expectations are of Hanin and Rolnick (counts stay near those of the start) and of Humayun, Balestriero
        and Baraniuk (local complexity at data falls, then rises), read as ratios here.
    """
    runs = [Run(row) for row in rows if "error" not in row]
    options: dict[str, Any] = {"resamples": resamples, "level": level, "seed": seed}
    lines = []
    if runs:
        counts = {kind: counts_of(runs, kind) for kind in KINDS}
        for kind in KINDS:
            lines += _moves(f"N {kind}", counts[kind], options)
        for k, when in ((0, "at the start"), (-1, "at the end")):
            for kind in (NOISE, FAR):
                ratio = crossed(counts[NEAR][k] - counts[kind][k], **options).exp()
                lines.append(Line(f"N {NEAR} / N {kind}, {when}", "above 1", ratio, decide(ratio, above=1.0)))
        for name, where in POINTS.items():
            table = np.stack([logs(run.column(f"complexity_{name}")) for run in runs], axis=1)[:, :, None]
            lines += _moves(f"local complexity at {where}", table, options)
    return Story(tuple(lines), len(runs))


def counts_of(runs: Sequence[Run], kind: str) -> np.ndarray:
    """Logarithms of the region counts of the slices of a kind, (checkpoints, seeds, slices)."""
    chosen = [k for k, each in enumerate(runs[0].row["kinds"]) if each == kind]
    tables = [[[point["slices"]["n_regions"][k] for k in chosen] for point in run.row["checkpoints"]] for run in runs]
    return np.log(np.array(tables, dtype=np.float64)).transpose(1, 0, 2)


def _moves(name: str, table: np.ndarray, options: dict[str, Any]) -> list[Line]:
    """The end against the start, the lowest checkpoint against the start, the end against the lowest."""
    low = int(np.nanargmin(np.nanmean(table, axis=(1, 2))))
    end = crossed(table[-1] - table[0], **options).exp()
    fall = crossed(table[low] - table[0], **options).exp()
    rise = crossed(table[-1] - table[low], **options).exp()
    return [
        Line(f"{name}: end / start", "growth", end, decide(end, above=1.0)),
        Line(f"{name}: lowest / start", "a descent", fall, decide(fall, below=1.0)),
        Line(f"{name}: end / lowest", "an ascent", rise, decide(rise, above=1.0)),
    ]


def write_report(
    folder: str | Path,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    progress: Callable[[float, int], None] | None = None,
) -> Story:
    """Write `report.md`, `report.html` and the pictures from what the folder holds.

    Args:
        folder: of a study of supervised training; it may be unfinished.
        resamples: bootstrap resamples of every interval.
        level: of the intervals.
        progress: called with (fraction, pictures done).

    Returns:
        The `Story`.

    Raises:
        InputError: the folder holds no such study, or no training that could be measured.
        OutputError: the files cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    folder = Path(folder)
    manifest, rows = read_study(folder)
    if manifest.kind != "supervised":
        raise InputError(f"study: {folder} holds a {manifest.kind} study, not a supervised one; give another folder")
    runs = [Run(row) for row in rows.values() if "error" not in row]
    if not runs:
        raise InputError(f"study: {folder} holds no training that could be measured; give the study's command again")
    told = story([run.row for run in runs], resamples=resamples, level=level, seed=manifest.settings["seed"])
    picture = Picture("story.png", _picture(runs), "Region counts, local complexity and accuracy through training")
    parts = _parts(manifest, runs, told, picture, f"{100 * level:g} %, {resamples:,} crossed resamples")
    files = {picture.name: picture.content, REPORT: markdown(parts).encode(), PAGE: html(parts).encode()}
    with writing(folder):
        for name, content in files.items():
            write_file(folder / name, content)
    if progress is not None:
        progress(1.0, 1)
    return told


def _parts(manifest: Manifest, runs: list[Run], told: Story, picture: Picture, intervals: str) -> list[Part]:
    s, facts = manifest.settings, manifest.facts
    checked = [
        bool(held) for run in runs for point in run.row["checkpoints"] for held in point["slices"]["identities_hold"]
    ]
    cells = [[line.name, str(line.estimate), line.expected, line.verdict] for line in told.lines]
    training = runs[0].row["training"]
    core = float(np.median([run.row["core_seconds"] for run in runs]))
    return [
        Heading(f"Linear regions through supervised training on {facts['data']}: {plural(len(runs), 'seed')}", 1),
        Paragraph(
            "Counts of linear regions on planes near the data and far from it, after the questions of Hanin and "
            "Rolnick (2019) and of Humayun, Balestriero and Baraniuk (2024). Data, networks and settings are this library's own: "
        ),
        picture,
        Grid(["ratio", f"value ({intervals})", "expected", "here"], cells),
        Paragraph(
            f"Identities F = 1 + V_i + V_b / 2, mean edges 4 - (4 - c) / F and the sum of areas hold in "
            f"{sum(checked):,} of {len(checked):,} partitions."
        ),
        Heading("What was done"),
        Bullets(
            [
                f"Data: {facts['about']}, no augmentation.",
                f"Encoder {training['encoder']}, all ReLU, with a linear classifier on it, cross entropy, AdamW at "
                f"{training['rate']:g}; {s['steps']:,} steps of {s['batch']} images; the partition is that of the encoder.",
                f"Slices: {s['slices']} of each kind; far: moved by {s['away']:g} mean lengths of a data point.",
                f"Local complexity: cross-polytopes of radius {s['radius']:.3g} at {s['points']} points of each kind.",
                f"Checkpoints: {', '.join(f'{step:,}' for step in s['checkpoints'])}.",
            ]
        ),
        Code(commands_of(manifest)),
        Paragraph(
            f"Versions: {versions_of(manifest)}. Core seconds of a training: {core:.1f}. {machines_of(manifest)}."
        ),
    ]


def _picture(runs: list[Run]) -> bytes:
    from ..plot import canvas
    from .ssl.figures import png

    figure, (counts, complexity, accuracy) = canvas.panels(None, 3, size=(4.8, 3.8))
    steps = runs[0].steps
    for k, kind in enumerate(KINDS):
        table = counts_of(runs, kind)
        _band(counts, steps, [crossed(each, resamples=400) for each in table], canvas.colour(k), kind)
    for k, (name, where) in enumerate(POINTS.items()):
        table = np.stack([logs(run.column(f"complexity_{name}")) for run in runs], axis=1)[:, :, None]
        _band(complexity, steps, [crossed(each, resamples=400) for each in table], canvas.colour(k), where)
    for k, name in enumerate(("train", "held")):
        y = np.mean([run.column(f"accuracy_{name}") for run in runs], axis=0)
        accuracy.plot(steps, y, color=canvas.colour(k), label=POINTS[name].replace("points", "images"))
    for ax, label in ((counts, "regions of a slice"), (complexity, "local complexity"), (accuracy, "accuracy")):
        ax.set(xlabel="optimiser steps", ylabel=label)
        ax.set_xscale("symlog", linthresh=max(1.0, float(steps[1]) if len(steps) > 1 else 1.0))
        ax.legend(fontsize=7, frameon=False)
    for ax in (counts, complexity):
        ax.set_yscale("log")
    return png(figure)


def _band(ax: Any, steps: np.ndarray, found: list[Estimate], colour: Any, label: str) -> None:
    there = [k for k, e in enumerate(found) if e.value is not None]
    ax.plot(steps[there], [np.exp(found[k].value or 0.0) for k in there], color=colour, label=label)
    ends = [k for k in there if found[k].low is not None]
    if ends:
        low, high = ([np.exp(getattr(found[k], end)) for k in ends] for end in ("low", "high"))
        ax.fill_between(steps[ends], low, high, color=colour, alpha=0.12, linewidth=0)
