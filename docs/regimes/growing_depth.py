"""k to infinity: print the tables of `growing-depth.md` and draw its figure (needs matplotlib).

Usage: `python docs/regimes/growing_depth.py [OUT.png]`
"""

from __future__ import annotations

import sys
from pathlib import Path

from linregions import bounds, plot
from linregions.bounds.bound import short

HERE = Path(__file__).resolve().parent
DEPTHS = (1, 2, 3, 5, 10, 20, 50)
CASES = ((2, 4), (2, 8), (5, 10), (10, 20))
NARROW = ((2, 1), (2, 2), (2, 3), (5, 2), (5, 5), (5, 8))


def shallow(inputs: int, units: int) -> int:
    """The most that one layer can have: attained."""
    return bounds.montufar_2017((inputs, [units])).value


def lower(inputs: int, width: int, depth: int) -> int:
    """What zig-zags on as many axes as pay reach."""
    return bounds.zigzag_product((inputs, [width] * depth)).value


def upper(inputs: int, width: int, depth: int) -> int:
    """What no network exceeds."""
    return bounds.serra_2018((inputs, [width] * depth)).value


def markdown(cases) -> str:
    """A row for each n0 and n: shallow maximum / deep lower bound, for each depth."""
    head = "| n0, n | " + " | ".join(f"k={k}" for k in DEPTHS) + " |"
    rows = []
    for n0, n in cases:
        cells = [f"{short(shallow(n0, k * n))}/{short(lower(n0, n, k))}" for k in DEPTHS]
        rows.append(f"| {n0}, {n} | " + " | ".join(cells) + " |")
    return "\n".join([head, "|" + "---|" * (1 + len(DEPTHS)), *rows])


def wins_from(inputs: int, width: int, most: int = 200) -> str:
    """The depth from which on, up to `most`, the deep lower bound exceeds the shallow maximum of as many units."""
    losing = [k for k in range(1, most + 1) if lower(inputs, width, k) <= shallow(inputs, k * width)]
    return str(losing[-1] + 1) if losing[-1] < most else f"not up to k = {most}"


def narrow_table() -> str:
    """Layers narrower than 2 n0: where depth is proven to win all the same."""
    rows = [f"| {n0} | {n} | {wins_from(n0, n)} |" for n0, n in NARROW]
    return "\n".join(["| n0 | n | depth is proven to win from k |", "|---:|---:|---:|", *rows])


def tables() -> list[str]:
    """What the page shows."""
    return [markdown(CASES), narrow_table()]


def draw(path: Path) -> None:
    """One panel for n0 = 2 and one for n0 = 5, layers of 2 n0 units."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), dpi=110, layout="constrained")
    depths = range(1, 21)
    for axes, n0 in zip(figure.subplots(1, 2), (2, 5), strict=True):
        n = 2 * n0
        band = [lower(n0, n, k) for k in depths], [upper(n0, n, k) for k in depths]
        plot.growth(
            depths,
            bands={f"k layers of {n}: the maximum lies here": band},
            lines={f"one layer of {n}k: the maximum": [shallow(n0, n * k) for k in depths]},
            x_label="hidden layers k",
            axes=axes,
        )
        axes.set_title(f"{n0} inputs")
        axes.set_xticks(range(2, 21, 2))
    figure.savefig(path)


if __name__ == "__main__":
    print("\n\n".join(tables()))
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "growing-depth.png")
