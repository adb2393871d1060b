"""Draw the picture of the README: the linear regions of `examples/moons.onnx` on [-2, 3]^2 (needs matplotlib).

Usage: `python docs/draw_moons.py [OUT.png]`
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure

import linregions

HERE = Path(__file__).resolve().parent
MODEL = HERE.parent / "examples" / "moons.onnx"


def zero_chord(corners: np.ndarray, slope: np.ndarray, offset: float) -> np.ndarray | None:
    """Where the network is zero in one region: the two ends (2, 2) of a chord, or None."""
    value = corners @ slope + offset
    ends = []
    for i, j in zip(range(len(corners)), np.roll(np.arange(len(corners)), -1), strict=True):
        if (value[i] > 0.0) != (value[j] > 0.0):
            t = value[i] / (value[i] - value[j])
            ends.append(corners[i] + t * (corners[j] - corners[i]))
    return np.array(ends) if len(ends) == 2 else None


def in_order(corners: np.ndarray) -> np.ndarray:
    """The corners of a convex polygon, counter-clockwise."""
    middle = corners.mean(axis=0)
    return corners[np.argsort(np.arctan2(*(corners - middle).T[::-1]))]


def main() -> None:
    partition = linregions.enumerate_regions(MODEL, linregions.Box.cube(-2, 3, 2))
    cells, colours, boundary = [], [], []
    for i in range(len(partition)):
        corners = in_order(np.asarray(partition.vertices(i)))
        slope, offset = partition.affine_map(i)
        value = float(np.mean(corners @ slope[0] + offset[0]))
        # Half of the colour is the value, half of it the direction in which the value grows: neighbours differ.
        turn = 0.5 + 0.5 * np.sin(np.arctan2(slope[0, 1], slope[0, 0]) + 0.7)
        shade = 0.5 + 0.5 * np.tanh(value / 12.0)
        cells.append(corners)
        colours.append(mpl.colormaps["Spectral"](0.06 + 0.88 * (0.72 * shade + 0.28 * turn)))
        chord = zero_chord(corners, slope[0], float(offset[0]))
        if chord is not None:
            boundary.append(chord)

    figure = Figure(figsize=(8, 8), dpi=150)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(-2, 3), ylim=(-2, 3), aspect="equal")
    axes.set_axis_off()
    axes.add_collection(
        PolyCollection(cells, facecolors=colours, edgecolors="white", linewidths=0.6, joinstyle="round")
    )
    axes.add_collection(LineCollection(boundary, colors="#222233", linewidths=2.2, capstyle="round"))
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "moons.png"
    figure.savefig(out)
    print(f"{len(partition)} regions drawn to {out}")


if __name__ == "__main__":
    main()
