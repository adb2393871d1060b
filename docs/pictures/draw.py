"""Draw the pictures of `docs/index.md` and `docs/constructions.md` (needs matplotlib).

Usage: `python docs/pictures/draw.py [FOLDER]`
"""

from __future__ import annotations

import sys
from pathlib import Path

from linregions import Box, compare, constructions, plot

HERE = Path(__file__).resolve().parent


def main(folder: Path) -> None:
    square = Box.cube(0, 2, 2)
    plot.folding(constructions.pascanu_2014_special(2, [4, 4, 4]), square).savefig(folder / "folding.png", dpi=80)
    net = Path(__file__).resolve().parents[2] / "examples" / "moons.onnx"
    plot.partition(net, Box.cube(-2, 3, 2)).savefig(folder / "depth.png", dpi=90)
    plot.comparison(compare(2, 24), folder / "compare.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
