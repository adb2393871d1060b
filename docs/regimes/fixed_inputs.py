"""n0 fixed and n to infinity: print the tables of `fixed-inputs.md` and draw its figure (needs matplotlib).

Usage: `python docs/regimes/fixed_inputs.py [OUT.png]`
"""

from __future__ import annotations

import sys
from pathlib import Path

from linregions import bounds, plot

HERE = Path(__file__).resolve().parent
INPUTS = 2
WIDTHS = (4, 8, 16, 32, 64, 128)
DEPTHS = (2, 3)
MOST = 200  # how far the second table looks


def shallow(inputs: int, units: int) -> int:
    """The most that one layer can have: attained."""
    return bounds.montufar_2017((inputs, [units])).value


def theorem_1(inputs: int, width: int, depth: int) -> int:
    """What Theorem 1 promises of `depth` layers."""
    return bounds.pascanu_2014((inputs, [width] * depth)).value


def lower(inputs: int, width: int, depth: int) -> int:
    """What zig-zags on as many axes as pay reach."""
    return bounds.zigzag_product((inputs, [width] * depth)).value


def upper(inputs: int, width: int, depth: int) -> int:
    """What no network exceeds."""
    return bounds.serra_2018((inputs, [width] * depth)).value


def growth_table() -> str:
    """Shallow maximum, proven lower and upper bound for growing widths."""
    head = "| n | " + " | ".join(f"one layer of {k}n | {k} layers of n: at least | at most" for k in DEPTHS) + " |"
    rows = []
    for n in WIDTHS:
        cells = [str(n)]
        for k in DEPTHS:
            cells += [f"{shallow(INPUTS, k * n):,}", f"{lower(INPUTS, n, k):,}", f"{upper(INPUTS, n, k):,}"]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join([head, "|" + "---:|" * (1 + 3 * len(DEPTHS)), *rows])


def wins_from(count, inputs: int, depth: int) -> str:
    """The width from which on, up to MOST, `count` exceeds the shallow maximum of as many units."""
    losing = [n for n in range(inputs, MOST + 1) if count(inputs, n, depth) <= shallow(inputs, depth * n)]
    first = max(losing, default=inputs - 1) + 1
    return str(first) if first <= MOST else f"> {MOST}"


def crossing_table() -> str:
    """From which width on depth is proven to win."""
    head = "| n0 | " + " | ".join(f"k = {k}: Theorem 1 | k = {k}: zig-zags" for k in DEPTHS) + " |"
    rows = [
        f"| {n0} | " + " | ".join(wins_from(f, n0, k) for k in DEPTHS for f in (theorem_1, lower)) + " |"
        for n0 in (1, 2, 3, 4, 5, 6, 8, 10)
    ]
    return "\n".join([head, "|" + "---:|" * (1 + 2 * len(DEPTHS)), *rows])


def tables() -> list[str]:
    """What the page shows."""
    return [growth_table(), crossing_table()]


def draw(path: Path) -> None:
    """One panel for each depth: the band of the deep maximum beside the shallow one."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), dpi=110, layout="constrained")
    widths = range(2, 129, 2)
    for axes, k in zip(figure.subplots(1, len(DEPTHS)), DEPTHS, strict=True):
        band = [lower(INPUTS, n, k) for n in widths], [upper(INPUTS, n, k) for n in widths]
        plot.growth(
            widths,
            bands={f"{k} layers of n: the maximum lies here": band},
            lines={f"one layer of {k}n: the maximum": [shallow(INPUTS, k * n) for n in widths]},
            x_label="units per layer n",
            axes=axes,
        )
        axes.legend(loc="lower right", frameon=False)
    figure.savefig(path)


if __name__ == "__main__":
    print("\n\n".join(tables()))
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "fixed-inputs.png")
