"""The report of a study of scores, made from its folder alone: Markdown, HTML, table and picture."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..scores.correlation import Correlation
from ..store.files import write_file
from .document import Bullets, Code, Grid, Heading, Paragraph, Part, Picture, html, markdown
from .folder import Manifest, Row, read_study, writing
from .ranking import SCORE, TRUTH, Column, Findings, findings
from .sentences import sentences
from .sessions import commands_of, machines_of, versions_of

LABELS = {
    "swap": "SWAP",
    "swap_1": "SWAP, one draw",
    "swap_noise": "SWAP on noise",
    "standard": "standard patterns",
    "nwot": "NWOT",
    "units": "units V",
    "parameters": "parameters",
    "flops": "FLOPs",
    "depth": "depth",
    "synflow": "synflow (log)",
    "jacobian_covariance": "Jacobian covariance",
    "grad_norm": "gradient norm",
}
REPORT, PAGE, TABLE, PICTURE = "report.md", "report.html", "table.csv", "scatter.png"


def write_report(
    folder: str | Path, *, resamples: int = 1000, level: float = 0.95, progress: Callable[..., None] | None = None
) -> Findings:
    """Write `report.md`, `report.html`, `table.csv` and `scatter.png` from what the folder holds.

    Args:
        folder: of a study; it may be unfinished.
        resamples: bootstrap resamples of every interval.
        level: of the intervals.
        progress: called with (fraction, columns done).

    Returns:
        What the study found.

    Raises:
        InputError: the folder holds no study of scores, or fewer than five rows.
        OutputError: the files cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    folder = Path(folder)
    manifest, rows = read_study(folder)
    facts = manifest.facts
    found = findings(
        list(rows.values()),
        facts["roles"],
        labels=LABELS,
        resamples=resamples,
        level=level,
        seed=manifest.settings["seed"],
        progress=progress,
    )
    picture = _picture(rows, manifest, found)
    parts = _parts(manifest, found, rows, picture)
    files = {
        TABLE: _table(rows).encode(),
        PICTURE: picture,
        REPORT: markdown(parts).encode(),
        PAGE: html(parts).encode(),
    }
    with writing(folder):
        for name, content in files.items():
            write_file(folder / name, content)
    return found


def _parts(manifest: Manifest, found: Findings, rows: dict[str, Row], picture: bytes) -> list[Part]:
    facts, s = manifest.facts, manifest.settings
    asked = facts["asked"]
    done = f"{found.n:,} networks" + (f" of {asked:,} asked for" if found.n < asked else "")
    failed = [f"{found.failed:,} could not be scored: {_first(rows, 'error')}"] if found.failed else []
    failed += [
        f"No {LABELS.get(name, name)}: {_first(rows, f'why_{name}')}" for name in facts["roles"] if name not in found
    ]
    return [
        Heading(f"SWAP-Score on {s['space']}: {done}", 1),
        Bullets([*sentences(found), *failed]),
        Grid(*_ranks(found)),
        Paragraph(_note(found)),
        Picture(PICTURE, picture, f"SWAP against {facts['truth']}, coloured by parameters"),
        Heading("What was done"),
        Bullets(_setting(facts, s)),
        Code(commands_of(manifest)),
        Paragraph(f"Versions: {versions_of(manifest)}. Times: medians, {machines_of(manifest)}."),
    ]


def _ranks(found: Findings) -> tuple[list[str], list[list[str]]]:
    """The table, in groups by role, each best first."""
    order = {"score": 0, "ablation": 1, "control": 2, "baseline": 3}
    columns = sorted(found.columns, key=lambda c: (order[c.role], -(c.spearman.value or -2.0)))
    k = next((c.top.k for c in columns if c.top), 0)
    head = ["", "Spearman", "Kendall", "given V", "given V and parameters", "given all controls", "better half"]
    head += [f"mean of top {k}", f"regret of top {k}", "SWAP less this", "s per net"]
    return head, [_rank(column) for column in columns]


def _rank(c: Column) -> list[str]:
    top = [f"{c.top.mean:.2f}", f"{c.top.regret:.2f}"] if c.top and c.spearman.defined else ["", ""]
    seconds = "" if c.seconds is None else f"{c.seconds:.3g}"
    given = [_short(c.given_units), _short(c.given_sizes), _short(c.given_controls)]
    behind = [_short(c.behind), seconds]
    return [c.label, _short(c.spearman), _short(c.kendall), *given, _short(c.top_half), *top, *behind]


def _short(c: Correlation | None) -> str:
    if c is None:
        return ""
    if c.value is None:
        return "undefined"
    return f"{c.value:.3f}" + ("" if c.low is None else f" ({c.low:.3f} to {c.high:.3f})")


def _note(found: Findings) -> str:
    score = found[SCORE]
    level, resamples = score.spearman.level, score.spearman.resamples
    text = (
        f"Intervals: {100 * level:g} %, percentiles of {resamples:,} bootstrap resamples of the networks. "
        if score.spearman.low is not None
        else f"No intervals: {score.spearman.reason}. "
    )
    text += (
        "Given: partial Spearman. Better half: Spearman among networks of at least median accuracy. SWAP less this: "
        "the difference of Spearman on the same resamples; where it includes 0, neither is proven better. "
    )
    if score.top is not None:
        text += (
            f"Top {score.top.k}: the best {score.top.k} by each column; their mean could be {score.top.oracle:.2f} at "
            f"best and is {score.top.random:.2f} for a blind choice. "
        )
    undefined = sorted({f"{c.label}: {c.spearman.reason}" for c in found.columns if not c.spearman.defined})
    return text + (f"Undefined: {'; '.join(undefined)}." if undefined else "")


def _setting(facts: Row, s: Row) -> list[str]:
    lines = [f"Truth: {facts['truth']}; {facts['source']}."]
    lines.append(f"Probe: {facts['probe']}. The score reads no labels.")
    lines.append(
        f"Protocol: {s['samples']} samples, {s['repeats']} draws of weights for each network (init {s['init']}, mode "
        f"{s['mode']}), every network with a seed of its own that follows from seed {s['seed']}."
    )
    lines.append(
        "SWAP, NWOT and standard patterns come from the same passes, all draws of them; their s per net is what these "
        "passes take for SWAP alone."
    )
    if s["baselines"]:
        lines.append("Baselines: the space's own initialisation, random labels, the same inputs.")
    return lines


def _first(rows: dict[str, Row], field: str) -> str:
    return next((row[field] for row in rows.values() if field in row), "no network has a value")


def _table(rows: dict[str, Row]) -> str:
    """One line for each network, all columns; lists within a cell are separated by spaces."""
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n", restval="")
    writer.writeheader()
    for row in rows.values():
        writer.writerow({name: " ".join(map(str, v)) if isinstance(v, list) else v for name, v in row.items()})
    return out.getvalue()


def _picture(rows: dict[str, Row], manifest: Manifest, found: Findings) -> bytes:
    from .. import plot
    from ..plot import canvas

    good = [row for row in rows.values() if "error" not in row and row.get(TRUTH) is not None]
    values: dict[str, list[Any]] = {name: [row[name] for row in good] for name in (SCORE, TRUTH, "parameters")}
    truth = manifest.facts["truth"]
    title = f"{manifest.settings['space']}, Spearman {found[SCORE].spearman}"
    figure, (left, right) = canvas.panels(None, 2, size=(5.6, 4.4))
    pair, size = (values[SCORE], values[TRUTH]), values["parameters"]
    plot.scatter(*pair, size=size, labels=("SWAP", truth, ""), title=title, axes=left)
    plot.scatter(*pair, size=size, labels=("SWAP", truth, "parameters"), ranks=True, title="ranks", axes=right)
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})  # no version: the same data give the same bytes
    return out.getvalue()
