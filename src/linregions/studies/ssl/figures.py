"""The pictures of the study's report, from its rows alone; each function gives the bytes of a PNG."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...plot import canvas
from ...plot.history import LINES, history
from .claims.collapse import Record
from .claims.finding import name_of
from .claims.series import CONTROL, SUPERVISED, Run, Runs

STEPS = "optimiser steps"
Columns = Sequence[tuple[str, str, bool]]  # name, label, logarithmic


def counts(runs: Runs) -> bytes:
    """N(step) of every method, geometric mean over slices; controls beside the others."""
    return _lines(runs, [("n_regions", "regions of a slice", True)], split=True)


def areas(runs: Runs) -> bytes:
    """Median area and area-weighted mean area."""
    return _lines(runs, [("area_median", "median area", True), ("area_weighted", "area-weighted mean area", True)])


def eccentricities(runs: Runs) -> bytes:
    """Both eccentricities, medians over the regions of a slice."""
    columns = [("ecc_moment", "eccentricity, moments", False), ("ecc_splinecam", "eccentricity, SplineCam", False)]
    return _lines(runs, columns)


def boundaries(runs: Runs) -> bytes:
    """Boundary length, and the relative Jacobian jump across it."""
    columns = [("boundary_length", "boundary length", True), ("jump_relative", "relative jump", False)]
    return _lines(runs, columns)


def accuracies(runs: Runs) -> bytes:
    """KNN accuracy of every method, controls beside the others."""
    return _lines(runs, [("knn", "kNN accuracy", False)], split=True)


def points(runs: Runs) -> bytes:
    """Numbers at held-out points: distance to the nearest boundary in input space, and local complexity."""
    columns = [("dist_boundary", "distance to the boundary", True), ("local_complexity", "local complexity", True)]
    return _lines(runs, columns)


def quality_against_count(runs: Runs) -> bytes:
    """KNN accuracy against N, coloured by step, one panel for each method that is no control."""
    methods = [m for m in runs.methods if runs.family(m) != CONTROL]
    figure, axes = grid(len(methods), columns=4, size=(2.6, 2.3), share=True)
    steps = [run.steps for run in runs.all]
    top = max(float(s[-1]) for s in steps) if steps else 1.0
    drawn = None
    for ax, method in zip(axes, methods, strict=False):
        for run in runs.of(method):
            x, y = np.exp(run.averaged("n_regions", log=True)), run.column("knn")
            ax.plot(x, y, color=canvas.GREY, linewidth=0.6, zorder=1)
            colour = np.log1p(run.steps) / np.log1p(top)
            drawn = ax.scatter(x, y, c=colour, cmap="cividis", vmin=0, vmax=1, s=12, zorder=2)
        ax.set_title(name_of(method), fontsize=9)
        ax.tick_params(labelsize=7)
        ax.locator_params(axis="x", nbins=4)
        ax.xaxis.set_major_formatter(lambda v, _: f"{v:,.0f}")
    if drawn is not None:
        bar = figure.colorbar(drawn, ax=list(axes), label="step", ticks=[0, 0.5, 1])
        bar.ax.set_yticklabels([f"{np.expm1(t * np.log1p(top)):.0f}" for t in (0, 0.5, 1)])
    figure.supxlabel("regions of a slice", fontsize=9)
    figure.supylabel("kNN accuracy", fontsize=9)
    return png(figure)


def collapse_panel(runs: Runs) -> bytes:
    """N, std and kNN accuracy of the controls, each beside the method it is made from."""
    columns = [("n_regions", "regions of a slice", True), ("std", "std of features", False), ("knn", "kNN", False)]
    chosen = [m for m in runs.methods if runs.family(m) in (CONTROL, SUPERVISED)]
    return _lines(runs, columns, methods=chosen)


def roc(records: Sequence[Record]) -> bytes:
    """ROC curves of the detectors at the early checkpoint, and their areas with intervals; cheap ones dashed."""
    figure, (left, right) = canvas.panels(None, 2, size=(5.0, 4.0))
    shown = [record for record in records if record.roc]
    for k, record in enumerate(shown):
        x, y = np.array(record.roc).T
        shift = 0.004 * (k - 0.5 * len(shown))  # so that equal curves are all seen
        left.plot(x + shift, y + shift, "-" if record.geometric else "--", color=canvas.colour(k), linewidth=1.2)
        auc, place = record.auc, len(shown) - k
        if auc.low is not None:
            right.plot([auc.low, auc.high], [place, place], color=canvas.colour(k), linewidth=1.5)
        right.plot([auc.value], [place], "o" if record.geometric else "s", color=canvas.colour(k), markersize=5)
    left.plot([0, 1], [0, 1], color=canvas.GREY, linewidth=0.8)
    left.set(xlabel="healthy runs that fire", ylabel="collapsed runs that fire", title="early ROC, a little apart")
    right.axvline(0.5, color=canvas.GREY, linewidth=0.8)
    right.set(xlim=(-0.03, 1.03), title="area under it (AUC)")
    right.set_yticks(range(len(shown), 0, -1), [record.name for record in shown])
    return png(figure)


def histograms(runs: Runs) -> bytes:
    """Log areas and edge counts of all slices, at the start and at the end, one line for each method."""
    figure, (left, right) = canvas.panels(None, 2, size=(5.6, 4.0))
    methods = [m for m in runs.methods if runs.family(m) != CONTROL]
    for name, ax in (("log_area", left), ("edges", right)):
        start = _histogram(runs, methods, name, 0)
        if start is not None:
            ax.plot(*start, color="black", linewidth=2.0, label="step 0, all")
        for k, method in enumerate(methods):
            last = _histogram(runs, [method], name, -1)
            if last is not None:
                style = LINES[k // len(canvas.COLOURS) % len(LINES)]
                ax.plot(*last, style, color=canvas.colour(k), linewidth=1.2, label=name_of(method))
    left.set(xlabel="log10 of area / area of the slice", ylabel="share of regions", xlim=(-10.0, 0.0))
    right.set(xlabel="edges of a region", ylabel="share of regions")
    _legend(left)
    return png(figure)


def rates(runs: Runs) -> bytes:
    """Split and merge information between consecutive checkpoints, for each e-fold of step, in nats."""
    methods = [m for m in runs.methods if runs.family(m) != CONTROL]
    rows = {name_of(m): [_rates(run) for run in runs.of(m)] for m in methods}
    figure, axes = canvas.panels(None, 2, size=(5.2, 4.2))
    columns = [(name, f"{name}, nats for each e-fold of step", False) for name in ("split", "merge")]
    lines(axes, rows, columns)
    return png(figure)


def png(figure: Any, *, colours: int = 256) -> bytes:
    """The picture in 256 colours, which halves the file, without a version: the same data give the same bytes."""
    from PIL import Image

    out, small = io.BytesIO(), io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    Image.open(out).convert("RGB").quantize(colours, dither=Image.Dither.NONE).save(small, format="png", optimize=True)
    return small.getvalue()


def _lines(runs: Runs, columns: Columns, *, split: bool = False, methods: Sequence[str] | None = None) -> bytes:
    """One panel for each column; with `split` controls get a panel of their own."""
    healthy = [m for m in runs.methods if runs.family(m) != CONTROL]
    sick = [m for m in runs.methods if runs.family(m) in (CONTROL, SUPERVISED)]
    groups = [healthy] if methods is None else [list(methods)]
    if split and any(runs.family(m) == CONTROL for m in sick):
        groups.append(sick)
    canvas.matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2 * len(columns) * len(groups), 4.2), dpi=110, layout="constrained")
    for part, group in zip(beside(figure, len(groups)), groups, strict=True):
        axes = list(np.ravel(part.subplots(1, len(columns), squeeze=False)))
        lines(axes, {name_of(m): [_rows(run, columns) for run in runs.of(m)] for m in group}, columns)
    return png(figure)


def lines(axes: list[Any], rows: Mapping[str, Any], columns: Columns) -> None:
    """The rows of methods, by `plot.history`, with the scales and labels of the columns."""
    known = [any(column[0] in point for group in rows.values() for run in group for point in run) for column in columns]
    chosen = [column for column, there in zip(columns, known, strict=True) if there]
    for ax in axes[len(chosen) :]:
        ax.set_axis_off()
    if not chosen:
        return
    from matplotlib.ticker import NullFormatter

    history(dict(rows), columns=[name for name, _, _ in chosen], axes=axes[: len(chosen)])
    for ax, (_, label, log) in zip(axes, chosen, strict=False):
        ax.set(xlabel=STEPS, ylabel=label, ylim=(None, None))
        ax.set_yscale("log" if log else "linear")
        ax.relim()
        ax.autoscale(axis="y")
        if log:
            ax.yaxis.set_major_locator(_locator(*ax.get_ylim()))
            ax.yaxis.set_minor_formatter(NullFormatter())
            ax.yaxis.set_major_formatter(lambda v, _: f"{v:,.0f}" if v >= 100 else f"{v:.3g}")


def _locator(low: float, high: float) -> Any:
    """Where a logarithmic axis is marked: the coarsest marks of which three are seen, evenly spaced ones if need be."""
    from matplotlib.ticker import LogLocator, MaxNLocator

    coarse = (1.0, 2.0, 5.0) if high < 200 * low else (1.0,)
    for subs in (coarse, (1.0, 2.0, 3.0, 4.0, 6.0, 8.0)):
        locator = LogLocator(subs=subs)
        if sum(low <= mark <= high for mark in locator.tick_values(low, high)) >= 3:
            return locator
    return MaxNLocator(4)


def _rows(run: Run, columns: Columns) -> list[dict[str, float]]:
    """Rows of one run: means over the slices near the data, geometric ones where the axis is logarithmic."""
    found: dict[str, np.ndarray] = {"step": run.steps}
    for name, _, log in columns:
        sliced = any(name in point["slices"] for point in run.row["checkpoints"])
        values = run.averaged(name, log=log) if sliced else run.column(name)
        found[name] = np.exp(values) if sliced and log else values
    rows = [dict(zip(found, map(float, line), strict=True)) for line in zip(*found.values(), strict=True)]
    return [{name: value for name, value in row.items() if np.isfinite(value)} for row in rows]


def _rates(run: Run) -> list[dict[str, float]]:
    """Split and merge for each e-fold of step, mean of the slices with an overlay, at the later checkpoint."""
    clock, rows = np.diff(np.log1p(run.steps)), []
    for k, point in enumerate(run.row["checkpoints"][1:]):
        each = point.get("overlay", [])
        if each:
            mean = {name: float(np.mean([o[name] for o in each]) / clock[k]) for name in ("split", "merge")}
            rows.append({"step": float(point["step"])} | mean)
    return rows or [{"step": 0.0}]


def _histogram(runs: Runs, methods: Sequence[str], name: str, k: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Middles of the bins, and shares; None where no row has it."""
    total: dict[float, float] = {}
    for method in methods:
        for run in runs.of(method):
            histogram = run.row["checkpoints"][k].get("histograms", {}).get(name)
            if histogram:  # of edge counts, which end where a run has no more of them
                for place, count in zip(histogram["at"], histogram["counts"], strict=True):
                    total[place] = total.get(place, 0.0) + count
    if not sum(total.values()):
        return None
    places = np.array(sorted(total))
    counts = np.array([total[place] for place in places])
    return places, counts / counts.sum()


def beside(figure: Any, count: int) -> list[Any]:
    """Parts of a figure beside each other, each with a legend of its own."""
    return list(figure.subfigures(1, count, squeeze=False)[0])


def grid(
    count: int, *, columns: int, size: tuple[float, float], share: bool = False, dpi: int = 120
) -> tuple[Any, list[Any]]:
    """A figure of `count` panels, in rows of `columns`, with scales of its own each, or one for all."""
    canvas.matplotlib()
    from matplotlib.figure import Figure

    rows = max(1, -(-count // columns))
    figure = Figure(figsize=(size[0] * columns, size[1] * rows), dpi=dpi, layout="constrained")
    axes = list(np.ravel(figure.subplots(rows, columns, squeeze=False, sharex=share, sharey=share)))
    for ax in axes[count:]:
        ax.set_axis_off()
    return figure, axes[:count]


def _legend(ax: Any) -> None:
    if ax.get_legend_handles_labels()[1]:
        ax.legend(fontsize=7, frameon=False)
