"""Draw the pictures of the README, `docs/index.md`, `docs/constructions.md` and `docs/boundary.md` (needs matplotlib).

Usage: `python docs/pictures/draw.py [FOLDER]`
"""

from __future__ import annotations

import sys
from pathlib import Path

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


def main(folder: Path) -> None:
    square = Box.cube(0, 2, 2)
    plot.folding(constructions.pascanu_2014_special(2, [4, 4, 4]), square).savefig(folder / "folding.png", dpi=80)
    net = Path(__file__).resolve().parents[2] / "examples" / "moons.onnx"
    plot.partition(net, Box.cube(-2, 3, 2)).savefig(folder / "depth.png", dpi=90)
    plot.boundary(Network.from_arrays(TORUS), Box.cube(-3, 3, 3)).savefig(folder / "torus.png", dpi=80)
    plot.comparison(compare(2, 24), folder / "compare.png")
    reversed_oscillator = system("vanderpol")
    V = candidates.modal_zonotope(reversed_oscillator.linearization, 24)
    plot.lyapunov(verify(V, reversed_oscillator, Box.cube(-2, 2, 2))).savefig(folder / "lyapunov.png", dpi=80)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
