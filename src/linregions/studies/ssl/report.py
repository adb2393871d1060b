"""The report of the study of self-supervised learning, made from its folder alone: Markdown, HTML, table, pictures."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...checks import plural
from ...errors import InputError
from ...store.files import write_file
from ..document import Bullets, Code, Grid, Heading, Paragraph, Part, Picture, html, markdown
from ..folder import Manifest, Row, read_study, writing
from ..sessions import commands_of, machines_of, versions_of
from . import figures, pictures, tables
from .claims import Claims, Runs, claims

REPORT, PAGE, TABLE, FOUND = "report.md", "report.html", "table.csv", "claims.json"
INTRODUCTION = (
    "The claims are those of the abstract of Muthivhi and van Zyl, Complexity of Linear Regions in Self-supervised "
    "Deep ReLU Networks, 2026 (arXiv 2604.24393), in short words. What follows is our protocol, no reproduction; the "
    "settings of the paper are unknown here: its encoder, data preparation, methods, optimiser, slices, formulas, "
    "evaluation and seeds. A claim that does not hold here may hold there, and the other way round."
)
RULE = (
    "A verdict is 'holds' or 'does not hold' where the whole interval and every seed alone lie on one side, and "
    "'undecided' otherwise and with fewer than three seeds. Intervals: {level:g} %, the union of percentiles of "
    "{resamples:,} crossed bootstrap resamples of seeds, methods and slices and of Student's interval of the seeds (T1 "
    "to T3); the same with methods for seeds within runs, and percentiles of resampled methods and seeds with a "
    "permutation test of the methods across runs, both at a level corrected for the number of metrics and with at "
    "least five methods (T4); percentiles of resampled methods (T5). Verdicts of single methods are not corrected for "
    "their number: of 20 that are true of nothing, one would be called a finding."
)
SELF_TESTS = (
    "The mean area is the slice's area divided by N, and the mean number of edges on a slice of four corners is "
    "exactly 4, whatever the network: both are tests of the instrument and say nothing of a method, so neither is "
    "drawn or correlated."
)

CAPTIONS = {
    "partitions": "One slice of one seed: methods down, checkpoints across; a square window around the middle of the "
    "slice, regions coloured by area in one scale, above each how many reach into the window, dots: data points",
    "counts": "N, regions of a slice (geometric mean over slices), through training; right: controls. Here and below: "
    "mean and range over seeds, no confidence interval",
    "accuracies": "kNN accuracy on held-out images through training; right: controls",
    "quality": "kNN accuracy against N, one line a seed, coloured by step",
    "areas": "Median area and area-weighted mean area of regions",
    "eccentricities": "Median eccentricity of regions, by both definitions",
    "boundaries": "Boundary length, and relative Jacobian jump across an edge (mean by length)",
    "points": "At held-out points: distance to the nearest boundary in input space, and local complexity",
    "histograms": "Log areas and edge counts of regions at the last checkpoint",
    "rates": "Split and merge information between consecutive checkpoints",
    "collapse": "Controls that are made to collapse: N, std of features, kNN",
    "roc": "Detectors of collapse at the early checkpoint: ROC curves, and the areas under them with intervals; "
    "dashed or square: cheap numbers of features",
}


def write_report(
    folder: str | Path,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    progress: Callable[[float, int], None] | None = None,
) -> Claims:
    """Write `report.md`, `report.html`, `table.csv`, `claims.json` and the pictures from what the folder holds.

    Args:
        folder: of a study of self-supervised learning; it may be unfinished.
        resamples: bootstrap resamples of every interval.
        level: of the intervals.
        progress: called with (fraction, pictures done).

    Returns:
        What the tests found.

    Raises:
        InputError: the folder holds no such study, or no run that could be measured.
        OutputError: the files cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    folder = Path(folder)
    manifest, rows = read_study(folder)
    if manifest.kind != "ssl":
        raise InputError(f"study: {folder} holds a {manifest.kind} study, not a ssl study; give another folder")
    runs = Runs(_in_order(manifest, rows))
    if not len(runs):
        raise InputError(f"study: {folder} holds no run that could be measured; give the command of the study again")
    found = claims([run.row for run in runs.all], resamples=resamples, level=level, seed=manifest.settings["seed"])
    drawn = _pictures(folder, runs, found, progress)
    parts = _parts(manifest, rows, runs, found, drawn, {"level": 100 * level, "resamples": resamples})
    files = {picture.name: picture.content for picture in drawn.values()} | {
        TABLE: _table(runs).encode(),
        FOUND: (json.dumps(found.as_dict(), indent=1) + "\n").encode(),
        REPORT: markdown(parts).encode(),
        PAGE: html(parts).encode(),
    }
    with writing(folder):
        for name, content in files.items():
            write_file(folder / name, content)
    return found


def _in_order(manifest: Manifest, rows: dict[str, Row]) -> list[Row]:
    """Rows in the order in which methods and seeds were asked for, whatever ended first."""
    asked = [key for key in manifest.facts["asked"] if key in rows]
    return [rows[key] for key in [*asked, *(key for key in rows if key not in asked)]]


def _pictures(
    folder: Path, runs: Runs, found: Claims, progress: Callable[[float, int], None] | None
) -> dict[str, Picture]:
    drawing: dict[str, Callable[[], bytes]] = {
        "partitions": lambda: _strip(folder, runs),
        "counts": lambda: figures.counts(runs),
        "accuracies": lambda: figures.accuracies(runs),
        "quality": lambda: figures.quality_against_count(runs),
        "areas": lambda: figures.areas(runs),
        "eccentricities": lambda: figures.eccentricities(runs),
        "boundaries": lambda: figures.boundaries(runs),
        "points": lambda: figures.points(runs),
        "histograms": lambda: figures.histograms(runs),
        "rates": lambda: figures.rates(runs),
        "collapse": lambda: figures.collapse_panel(runs),
        "roc": lambda: figures.roc(found.detectors),
    }
    drawn = {}
    for k, (name, draw) in enumerate(drawing.items(), start=1):
        content = draw()
        if content:
            drawn[name] = Picture(f"{name}.png", content, CAPTIONS[name])
        if progress is not None:
            progress(k / len(drawing), k)
    return drawn


def _strip(folder: Path, runs: Runs) -> bytes:
    """The partitions of the first seed that all methods with a file have; nothing where there are none."""
    seed = min((run.seed for run in runs.all), default=0)
    kept = {m: arrays for m in runs.methods if (arrays := pictures.read(folder, f"{m}-{seed}")) is not None}
    return pictures.strip(kept) if kept else b""


def _parts(
    manifest: Manifest, rows: dict[str, Row], runs: Runs, found: Claims, drawn: dict[str, Picture], rule: dict[str, Any]
) -> list[Part]:
    facts = manifest.facts
    missing = [key for key in facts["asked"] if key not in rows]
    failed = [f"{key} could not be measured: {row['error']}" for key, row in rows.items() if "error" in row]
    done = f"{len(runs)} of {len(facts['asked'])} runs" if missing or failed else plural(len(runs), "run")
    parts: list[Part] = [
        Heading(f"Linear regions in self-supervised training on {facts['data']}: {done}", 1),
        Paragraph(INTRODUCTION),
        Heading("What the claims come to here"),
        Grid(*tables.answers(found)),
        *(Paragraph(f"({a.letter}) {' '.join(a.sentences)}") for a in found.answers),
        Heading("What this study cannot decide"),
        Bullets([*tables.limits(manifest, found), *failed]),
    ]
    parts += _section("Partitions", drawn, "partitions", "counts")
    parts += [Paragraph(tables.identities(runs)), Paragraph(SELF_TESTS)]
    parts += _section("T1: fewer regions?", drawn, "accuracies", "quality", grid=tables.findings(found, "T1"))
    parts += _section("T2: expansion?", drawn, "areas", grid=tables.findings(found, "T2"))
    parts += _section("T3: merging?", drawn, "rates", "boundaries", grid=tables.findings(found, "T3"))
    shapes = ("eccentricities", "points", "histograms")
    parts += _section("T4: quality?", drawn, *shapes, grid=tables.findings(found, "T4"))
    parts += _section("T5: early collapse?", drawn, "collapse", "roc", grid=tables.detectors(found))
    parts += [
        Paragraph(RULE.format(**rule)),
        Heading("Numbers at the end"),
        Grid(*tables.ends(runs)),
        Paragraph(tables.ENDS),
        Heading("What was done"),
        Bullets(tables.settings(manifest, runs)),
        Code(commands_of(manifest)),
        Paragraph(f"Versions: {versions_of(manifest)}. {tables.seconds(runs)} Machine: {machines_of(manifest)}."),
    ]
    return parts


def _section(
    title: str, drawn: dict[str, Picture], *names: str, grid: tuple[list[str], list[list[str]]] | None = None
) -> list[Part]:
    parts: list[Part] = [Heading(title)]
    if grid is not None and grid[1]:
        parts.append(Grid(*grid))
    for name in names:
        if name in drawn:
            parts += [drawn[name], Paragraph(f"{drawn[name].text}.")]
    return parts


def _table(runs: Runs) -> str:
    """One line for each run and checkpoint; numbers of slices as their mean over the slices near the data."""
    lines = []
    for run in runs.all:
        for k, point in enumerate(run.row["checkpoints"]):
            scalars = {name: value for name, value in point.items() if not isinstance(value, list | dict)}
            sliced = {name: run.averaged(name)[k] for name in point["slices"]}
            lines.append({"method": run.method, "family": run.family, "seed": run.seed} | scalars | sliced)
    names = list(dict.fromkeys(name for line in lines for name in line))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue()
