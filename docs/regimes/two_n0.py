"""Small k with n = 2 n0: print the tables of `two-n0.md` and draw its figure (needs matplotlib).

Usage: `python docs/regimes/two_n0.py [OUT.png]`
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

from linregions import bounds, plot

HERE = Path(__file__).resolve().parent
INPUTS = (1, 2, 3, 5, 10)
DEPTHS = (1, 2, 3, 4, 5)


def shallow(inputs: int, depth: int) -> int:
    """The most that one layer with the units of all layers can have: attained."""
    return bounds.montufar_2017((inputs, [2 * inputs * depth])).value


def special(inputs: int, depth: int) -> int:
    """What the paper's absolute-value class has."""
    return bounds.pascanu_2014_special((inputs, [2 * inputs] * depth)).value


def zigzags(inputs: int, depth: int) -> int:
    """What zig-zags on as many axes as pay reach with the same widths."""
    return bounds.zigzag_product((inputs, [2 * inputs] * depth)).value


def markdown(entry, corner: str = "n0") -> str:
    """A table with a row for each number of inputs and a column for each depth."""
    head = "| " + " | ".join([corner, *(f"k={k}" for k in DEPTHS)]) + " |"
    rows = ["| " + " | ".join([str(n0), *(entry(n0, k) for k in DEPTHS)]) + " |" for n0 in INPUTS]
    return "\n".join([head, "|" + "---|" * (1 + len(DEPTHS)), *rows])


def tables() -> list[str]:
    """What the page shows."""
    return [
        markdown(lambda n0, k: f"{shallow(n0, k):,}/{special(n0, k):,}"),
        markdown(lambda n0, k: f"{shallow(n0, k):,}/{zigzags(n0, k):,}"),
    ]


def draw(path: Path) -> None:
    """Deep divided by shallow, on a logarithmic scale."""
    ratios = {f"n0 = {n0}": [Fraction(special(n0, k), shallow(n0, k)) for k in DEPTHS] for n0 in INPUTS}
    figure = plot.growth(
        DEPTHS, lines=ratios, x_label="hidden layers k, of 2 n0 units each", y_label="special class / shallow maximum"
    )
    axes = figure.axes[0]
    axes.axhline(0.0, color="black", linewidth=1.0, linestyle="--")
    axes.set_xticks(DEPTHS)
    axes.text(5.05, 0.08, "equal", ha="right", va="bottom")
    figure.savefig(path)


if __name__ == "__main__":
    print("\n\n".join(tables()))
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "two-n0.png")
