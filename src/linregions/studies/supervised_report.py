"""The report of the supervised story, made from its folder alone."""

from __future__ import annotations

import csv
import io
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
from .report import PAGE, REPORT, TABLE
from .sessions import commands_of, machines_of, versions_of
from .ssl.claims.finding import agreement
from .ssl.claims.intervals import FAILS, FEWEST_SEEDS, Estimate, Verdict, crossed, decide
from .ssl.claims.series import Run, logs

NEAR, NOISE, FAR = "near the data", "through noise", "far from the data"
KINDS = (NEAR, NOISE, FAR)
ENDINGS = {NEAR: "", NOISE: "_noise", FAR: "_far"}  # of the columns of the table
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

    "lowest" is, for every seed, the checkpoint at which the mean over the other seeds and the slices is lowest: chosen
    by the seed's own numbers it would find a dip in any noise.  A descent does not hold, either, where this is the
    first checkpoint for every seed, nor an ascent where it is the last.  Verdicts are those of `decide`: the whole
    interval, and every seed alone, of three at least.

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
    low = lowest(table)
    bottom = np.stack([table[k, s] for s, k in enumerate(low)])
    end = crossed(table[-1] - table[0], **options).exp()
    fall = crossed(bottom - table[0], **options).exp()
    rise = crossed(table[-1] - bottom, **options).exp()
    down, up = decide(fall, below=1.0), decide(rise, above=1.0)
    if len(low) >= FEWEST_SEEDS and (low == 0).all():
        down = FAILS
    if len(low) >= FEWEST_SEEDS and (low == len(table) - 1).all():
        up = FAILS
    return [
        Line(f"{name}: end / start", "growth", end, decide(end, above=1.0)),
        Line(f"{name}: lowest / start", "a descent", fall, down),
        Line(f"{name}: end / lowest", "an ascent", rise, up),
    ]


def lowest(table: np.ndarray) -> np.ndarray:
    """The checkpoint at which the other seeds are lowest, (seeds,); that of the seed itself where it is alone.

    Args:
        table: logarithms (checkpoints, seeds, slices).
    """
    means = np.nan_to_num(table.mean(axis=2), nan=-np.inf)  # a count of nothing has no logarithm
    others = (means.sum(axis=1, keepdims=True) - means) if means.shape[1] > 1 else means
    return others.argmin(axis=0)


def write_report(
    folder: str | Path,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    progress: Callable[[float, int], None] | None = None,
) -> Story:
    """Write `report.md`, `report.html`, `table.csv` and the picture from what the folder holds.

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
    picture = Picture(
        "story.png",
        _picture(runs),
        "Region counts, local complexity and accuracy through training: mean and range over seeds",
    )
    parts = _parts(manifest, runs, told, picture, f"{100 * level:g} %, {resamples:,} crossed resamples")
    files = {
        picture.name: picture.content,
        TABLE: table(runs).encode(),
        REPORT: markdown(parts).encode(),
        PAGE: html(parts).encode(),
    }
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
            "Rolnick (2019) and of Humayun, Balestriero and Baraniuk (2024). Data, networks and settings "
            "are this library's own; nothing here is a reproduction."
        ),
        picture,
        Paragraph(f"{picture.text}."),
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
                f"{training['rate']:g}; {s['steps']:,} steps of {s['batch']} images; the partition is the encoder's.",
                f"Slices: {s['slices']} of each kind; far: moved by {s['away']:g} mean lengths of a data point.",
                *([f"{facts['instead']}."] if "instead" in facts else []),
                f"Local complexity: cross-polytopes of radius {s['radius']:.3g} at {s['points']} points of each kind.",
                f"Checkpoints: {', '.join(f'{step:,}' for step in s['checkpoints'])}.",
            ]
        ),
        Code(commands_of(manifest)),
        Paragraph(
            f"Versions: {versions_of(manifest)}. Core seconds of a training: {core:.1f}. {machines_of(manifest)}."
        ),
    ]


def table(runs: Sequence[Run]) -> str:
    """CSV, one line for each run and checkpoint; numbers of slices as their mean over those of a kind.

    What is of slices through noise and far from the data ends in _noise and _far; near the data it has no ending.
    """
    lines = []
    for run in runs:
        kinds = run.row["kinds"]
        for point in run.row["checkpoints"]:
            line = {"seed": run.seed} | {name: value for name, value in point.items() if name != "slices"}
            for kind, ending in ENDINGS.items():
                chosen = [k for k, each in enumerate(kinds) if each == kind]
                for name, values in point["slices"].items():
                    there = [float(values[k]) for k in chosen if values[k] is not None]
                    line[name + ending] = sum(there) / len(there) if there else None
            lines.append(line)
    out = io.StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(name for line in lines for name in line)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue()


def _picture(runs: list[Run]) -> bytes:
    """Counts by kind of slice, local complexity by kind of point, accuracies: mean and range over seeds."""
    from ..plot import canvas
    from .ssl.figures import beside, lines, png

    canvas.matplotlib()
    from matplotlib.figure import Figure

    counts = {kind: np.exp(counts_of(runs, kind).mean(axis=2)) for kind in KINDS}
    complexity = {where: _columns(runs, f"complexity_{name}") for name, where in POINTS.items()}
    accuracy = {f"{POINTS[name].split()[0]} images": _columns(runs, f"accuracy_{name}") for name in ("train", "held")}
    panels = (("regions of a slice", True, counts), ("local complexity", True, complexity))
    panels = (*panels, ("accuracy", False, accuracy))
    figure = Figure(figsize=(14.4, 4.2), dpi=100, layout="constrained")
    for part, (label, log, tables) in zip(beside(figure, len(panels)), panels, strict=True):
        lines([part.subplots()], {name: _rows(runs, table) for name, table in tables.items()}, [("y", label, log)])
    return png(figure)


def _columns(runs: list[Run], name: str) -> np.ndarray:
    """A number of each checkpoint and seed, (checkpoints, seeds)."""
    return np.stack([run.column(name) for run in runs], axis=1)


def _rows(runs: list[Run], table: np.ndarray) -> list[list[dict[str, float]]]:
    """Rows of each seed, from a table (checkpoints, seeds)."""
    return [
        [{"step": float(step), "y": float(y)} for step, y in zip(run.steps, column, strict=True)]
        for run, column in zip(runs, table.T, strict=True)
    ]
