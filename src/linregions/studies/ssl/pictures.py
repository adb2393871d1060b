"""Partitions of one slice, kept in a file for each run, and drawn as methods x checkpoints."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...domain import Box
from ...partition import Count, Kind, Status
from ...partition.polygons import Polygons
from ...plot.strip import strip as plot_strip
from ...store.files import write_file
from .claims.finding import name_of
from .figures import grid, png

FOLDER = "partitions"
MOST = 6  # checkpoints in a strip
WINDOW = 0.25  # half the width of what is drawn, over half the diagonal of the slice


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
    """Methods x checkpoints on one slice: a window of it, regions coloured by area in one scale for all.

    The window is a square around the middle of the slice, a quarter as wide as the slice; above each picture stands
    how many regions reach into it.

    Args:
        kept: what `read` gave, by method.
    """
    steps = [int(step) for step in next(iter(kept.values()))["steps"]]
    first = next(iter(kept.values()))
    reach = WINDOW * max(float(np.abs(arrays[f"xy_{steps[0]}"]).max()) for arrays in kept.values())
    table = {name_of(m): {step: window(arrays, step, reach) for step in steps} for m, arrays in kept.items()}
    figure, axes = grid(len(kept) * len(steps), columns=len(steps), size=(1.95, 1.75), dpi=90)
    anchors = first["anchors"][(np.abs(first["anchors"]) <= reach).all(axis=1)]
    plot_strip(table, colour="area", anchors=anchors if len(anchors) else None, axes=axes)
    for ax in axes:
        ax.set_title(ax.get_title(), fontsize=7, pad=2)
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach))
        for text in ax.texts:
            text.set_fontsize(8)
    return png(figure)


def window(arrays: Mapping[str, np.ndarray], step: int, reach: float) -> Polygons | None:
    """The polygons of a step that reach into the square [-reach, reach]^2; None where the step was not kept.

    What was kept are corners alone, so that the polygons know nothing of neighbours, units and layers.
    """
    if f"xy_{step}" not in arrays:
        return None
    xy, indptr = arrays[f"xy_{step}"].astype(np.float64), arrays[f"indptr_{step}"]
    low, high = (f.reduceat(xy, indptr[:-1], axis=0) for f in (np.minimum, np.maximum))
    near = ((low <= reach) & (high >= -reach)).all(axis=1)
    sizes = np.diff(indptr)
    corners = xy[np.repeat(near, sizes)]
    unknown, n, box = np.full(len(corners), -1), int(near.sum()), Box.cube(-reach, reach, 2)
    return Polygons(
        domain=box,
        count=Count(n, Kind.EXACT, Status.COMPLETE, "patterns", "kept", 0, 0, 0.0, "", str(box)),
        indptr=np.concatenate([[0], np.cumsum(sizes[near])]),
        points=corners,
        radii=np.zeros(len(corners)),
        neighbours=np.full(len(corners), -2),
        units=unknown,
        layers=unknown,
        vertices=np.arange(len(corners)),
    )
