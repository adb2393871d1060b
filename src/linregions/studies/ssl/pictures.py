"""Partitions of one slice, kept in a file for each run, and drawn as methods x checkpoints."""

from __future__ import annotations

import io
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...plot import canvas
from ...store.files import write_file
from .claims.finding import name_of
from .figures import png

FOLDER = "partitions"
MOST = 6  # checkpoints in a strip


def keep(folder: Path, name: str, polygons: Mapping[int, Any], anchors: np.ndarray) -> None:
    """Write the polygons of one slice, by step, to `partitions/NAME.npz`, by rename.

    Args:
        folder: of the study.
        name: of the run.
        polygons: `Polygons` by step; corners in orthonormal coordinates of the slice are kept, as float32.
        anchors: the data points that the slice goes through, in the same coordinates, (k, 2).
    """
    arrays: dict[str, np.ndarray] = {
        "steps": np.array(sorted(polygons)),
        "anchors": np.asarray(anchors, dtype=np.float32),
    }
    for step, p in polygons.items():
        arrays[f"xy_{step}"] = np.asarray(p.xy, dtype=np.float32)
        arrays[f"indptr_{step}"] = np.asarray(p.indptr, dtype=np.int64)
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)  # type: ignore[arg-type]
    (folder / FOLDER).mkdir(exist_ok=True)
    write_file(folder / FOLDER / f"{name}.npz", out.getvalue())


def read(folder: Path, name: str) -> dict[str, np.ndarray] | None:
    """What `keep` wrote; None where there is nothing."""
    file = folder / FOLDER / f"{name}.npz"
    if not file.exists():
        return None
    with np.load(file, allow_pickle=False) as content:
        return {key: content[key] for key in content.files}


def chosen_steps(steps: Sequence[int], most: int = MOST) -> tuple[int, ...]:
    """The checkpoints that are drawn: the first, the last, and some between, evenly in number."""
    places = np.unique(np.linspace(0, len(steps) - 1, min(most, len(steps))).round().astype(int))
    return tuple(steps[k] for k in places)


def strip(kept: Mapping[str, Mapping[str, np.ndarray]]) -> bytes:
    """Methods x checkpoints on one slice: the middle of it, regions coloured by the logarithm of their area.

    Args:
        kept: what `read` gave, by method.
    """
    steps = [int(step) for step in next(iter(kept.values()))["steps"]]
    canvas.matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1.7 * len(steps) + 1.0, 1.75 * len(kept)), dpi=110, layout="constrained")
    axes = figure.subplots(len(kept), len(steps), squeeze=False)
    for row, (method, arrays) in zip(axes, kept.items(), strict=True):
        for ax, step in zip(row, steps, strict=True):
            _draw(ax, arrays, step)
        row[0].set_ylabel(name_of(method), fontsize=8)
    for ax, step in zip(axes[0], steps, strict=True):
        ax.set_title(f"step {step}", fontsize=8)
    return png(figure)


def _draw(ax: Any, arrays: Mapping[str, np.ndarray], step: int) -> None:
    from matplotlib.collections import PolyCollection

    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_aspect("equal")
    if f"xy_{step}" not in arrays:
        return
    xy, indptr = arrays[f"xy_{step}"].astype(float), arrays[f"indptr_{step}"]
    anchors = arrays["anchors"]
    reach = 0.5 * float(np.abs(xy).max())
    polygons = [xy[a:b] for a, b in itertools.pairwise(indptr)]
    near = [p for p in polygons if (np.abs(p).min(axis=0) <= reach).all()]
    sizes = np.log10([max(_area(p), 1e-30) for p in near]) - np.log10(reach**2)
    shown = PolyCollection(near, array=sizes, cmap="cividis", edgecolors="white", linewidths=0.1, rasterized=True)
    shown.set_clim(-5, -1)
    ax.add_collection(shown)
    inside = anchors[(np.abs(anchors) <= reach).all(axis=1)]
    ax.plot(*inside.T, "o", color=canvas.COLOURS[1], markersize=2)
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach))


def _area(p: np.ndarray) -> float:
    x, y = p.T
    return 0.5 * abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))))
