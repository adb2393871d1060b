"""The pictures of the study's report, from its rows alone; each function gives the bytes of a PNG."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...plot import canvas
from .claims.collapse import Record
from .claims.finding import name_of
from .claims.intervals import crossed
from .claims.series import CONTROL, SUPERVISED, Runs, logs

DASHES = ("-", "--", ":")
STEPS = "optimiser steps"


def counts(runs: Runs) -> bytes:
    """N(step) of every method: geometric mean over slices and seeds, with intervals; controls beside the others."""
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
    figure, axes = _grid(len(methods), columns=4, size=(2.6, 2.3))
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
        if ax is not axes[0]:
            ax.sharex(axes[0])
            ax.sharey(axes[0])
        ax.set_xscale("log")
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
    """ROC curves of the detectors at the early checkpoint; geometric ones solid, cheap ones dashed."""
    figure, (ax,) = canvas.panels(None, 1, size=(5.0, 4.0))
    for k, record in enumerate(record for record in records if record.roc):
        x, y = np.array(record.roc).T
        auc = "" if record.auc.value is None else f" ({record.auc.value:.2f})"
        ax.plot(x, y, "-" if record.geometric else "--", color=canvas.colour(k), label=record.name + auc)
    ax.plot([0, 1], [0, 1], color=canvas.GREY, linewidth=0.8)
    ax.set(xlabel="healthy runs that fire", ylabel="collapsed runs that fire", title="early ROC (AUC)")
    _legend(ax)
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
                ax.plot(*last, _dash(k), color=canvas.colour(k), linewidth=1.2, label=name_of(method))
    left.set(xlabel="log10 of area / area of the slice", ylabel="share of regions")
    right.set(xlabel="edges of a region", ylabel="share of regions")
    _legend(left)
    return png(figure)


def rates(runs: Runs) -> bytes:
    """Split and merge information between consecutive checkpoints, for each e-fold of step, in nats."""
    figure, axes = canvas.panels(None, 2, size=(5.6, 4.0))
    methods = [m for m in runs.methods if runs.family(m) != CONTROL]
    for ax, name in zip(axes, ("split", "merge"), strict=True):
        for k, method in enumerate(methods):
            drawn = [_rate(run, name) for run in runs.of(method)]
            drawn = [y for y in drawn if np.isfinite(y).any()]
            if drawn:
                steps = runs.of(method)[0].steps
                ax.plot(steps[1:], np.mean(drawn, axis=0), _dash(k), color=canvas.colour(k), label=name_of(method))
        ax.set(xlabel=STEPS, ylabel=f"{name}, nats for each e-fold of step", title=name)
        ax.set_xscale("log")
    _legend(axes[0])
    return png(figure)


def png(figure: Any) -> bytes:
    """The picture without a version in it: the same data give the same bytes."""
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _lines(
    runs: Runs, columns: Sequence[tuple[str, str, bool]], *, split: bool = False, methods: Sequence[str] | None = None
) -> bytes:
    """One panel for each column (name, label, logarithmic); with `split` controls get a panel of their own."""
    healthy = [m for m in runs.methods if runs.family(m) != CONTROL]
    sick = [m for m in runs.methods if runs.family(m) in (CONTROL, SUPERVISED)]
    groups = [healthy] if methods is None else [list(methods)]
    if split and any(runs.family(m) == CONTROL for m in sick):
        groups.append(sick)
    figure, axes = canvas.panels(None, len(columns) * len(groups), size=(5.2, 3.9))
    each = iter(axes)
    for group in groups:
        for name, label, log in columns:
            ax = next(each)
            for k, method in enumerate(group):
                _band(ax, runs, method, name, k, log)
            ax.set(xlabel=STEPS, ylabel=label)
            ax.set_xscale("symlog", linthresh=max(1.0, _first_step(runs)))
            if log:
                ax.set_yscale("log")
    for k in range(0, len(axes), len(columns)):
        _legend(axes[k])
    return png(figure)


def _band(ax: Any, runs: Runs, method: str, name: str, k: int, log: bool) -> None:
    """A line and its interval over seeds and slices, at every checkpoint."""
    group = runs.of(method)
    steps = group[0].steps
    if any(name in point["slices"] for point in group[0].row["checkpoints"]):
        tables = np.stack([run.sliced(name) for run in group], axis=1)  # (checkpoints, seeds, slices)
    else:
        tables = np.stack([run.column(name) for run in group], axis=1)[:, :, None]
    found = [crossed(logs(table) if log else table, resamples=400) for table in tables]
    back: Callable[[float], float] = np.exp if log else float
    there = [k for k, e in enumerate(found) if e.value is not None]
    if not there:
        return
    y = [back(found[j].value) for j in there]  # type: ignore[arg-type]
    ax.plot(steps[there], y, _dash(k), color=canvas.colour(k), linewidth=1.3, label=name_of(method))
    if all(found[j].low is not None for j in there):
        ends = [[back(getattr(found[j], end)) for j in there] for end in ("low", "high")]
        ax.fill_between(steps[there], *ends, color=canvas.colour(k), alpha=0.12, linewidth=0)


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


def _rate(run: Any, name: str) -> np.ndarray:
    """Nats for each e-fold of step between consecutive checkpoints, mean of the slices with an overlay."""
    clock = np.diff(np.log1p(run.steps))
    values = []
    for point in run.row["checkpoints"][1:]:
        each = [overlay[name] for overlay in point.get("overlay", [])]
        values.append(float(np.mean(each)) if each else np.nan)
    return np.array(values) / clock


def _first_step(runs: Runs) -> float:
    return min((float(run.steps[1]) for run in runs.all if len(run.steps) > 1), default=1.0)


def _grid(count: int, *, columns: int, size: tuple[float, float]) -> tuple[Any, list[Any]]:
    """A figure of `count` panels, in rows of `columns`."""
    canvas.matplotlib()
    from matplotlib.figure import Figure

    rows = max(1, -(-count // columns))
    figure = Figure(figsize=(size[0] * columns, size[1] * rows), dpi=120, layout="constrained")
    axes = list(np.ravel(figure.subplots(rows, columns, squeeze=False)))
    for ax in axes[count:]:
        ax.set_axis_off()
    return figure, axes


def _dash(k: int) -> str:
    return DASHES[(k // len(canvas.COLOURS)) % len(DASHES)]


def _legend(ax: Any) -> None:
    if ax.get_legend_handles_labels()[1]:
        ax.legend(fontsize=7, frameon=False)
