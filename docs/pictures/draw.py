"""Draw the pictures of the README and the pages beside this folder (needs matplotlib, torch and scikit-learn).

Usage: `python docs/pictures/draw.py [FOLDER]`
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from linregions import Box, Network, compare, constructions, plot
from linregions.lyapunov import candidates, system, verify

HERE = Path(__file__).resolve().parent

# 1/2 - max(|r - 2|, |z|) with r = max(|x|, |y|); docs/boundary.md explains the rows.
TORUS = [
    ([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], [0] * 6),
    ([[1, 1, -1, -1, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1]], [0] * 3),
    ([[1, 1, 0], [-1, -1, 0], [0, 0, 1]], [-2, 2, 0]),
    ([[1, 1, -1], [0, 0, 1]], [0, 0]),
    ([[-1, -1]], [0.5]),
]


def training(path: Path) -> None:
    """One slice of the network that `examples/track_digits.py` trains, at four checkpoints."""
    example = runpy.run_path(str(HERE.parents[1] / "examples" / "track_digits.py"))
    with TemporaryDirectory() as folder:
        tracker, _ = example["train"](Path(folder))
    first, kept = tracker.slices[0], tracker.history.kept
    chosen = {step: kept[step][first.name] for step in (0, 8, 64, 500)}
    plot.strip(chosen, anchors=first).savefig(path, dpi=75)


def main(folder: Path) -> None:
    square = Box.cube(0, 2, 2)
    plot.folding(constructions.pascanu_2014_special(2, [4, 4, 4]), square).savefig(folder / "folding.png", dpi=80)
    net = Path(__file__).resolve().parents[2] / "examples" / "moons.onnx"
    plot.partition(net, Box.cube(-2, 3, 2)).savefig(folder / "depth.png", dpi=90)
    plot.boundary(Network.from_arrays(TORUS), Box.cube(-3, 3, 3)).savefig(folder / "torus.png", dpi=80)
    plot.comparison(compare(2, 24), folder / "compare.png")
    reversed_oscillator = system("vanderpol")
    V = candidates.modal_zonotope(reversed_oscillator.linearization, 24)
    training(folder / "training.png")
    plot.lyapunov(verify(V, reversed_oscillator, Box.cube(-2, 2, 2))).savefig(folder / "lyapunov.png", dpi=80)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
