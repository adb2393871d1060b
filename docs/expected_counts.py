"""Print the tables of `docs/expected.md`: simulated means of exact counts beside the formula of Hanin and Rolnick.

Usage: `python docs/expected_counts.py [--samples N]` (with the default 4,000, a few minutes)
"""

from __future__ import annotations

import argparse

from linregions import Box, Plane, Segment
from linregions.expectation import Expectation, expected_boundary, expected_regions

LINE = Segment([-2.0], [2.0])
SQUARE = Box.cube(-1, 1, 2)
SLICE = Plane.through([-1, -1, -1], [1, -1, 1], [-1, 1, 1])


def row(found: Expectation, where: str) -> str:
    closed = f"{found.closed.value:,.3f}" if found.closed else ""
    return (
        f"| {found.architecture} | {where} | {found.quantity} | {found.simulated} | {found.formula} | {closed} "
        f"| {found.gap:+.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=4000)
    samples = parser.parse_args().samples
    print(
        "| network | domain | quantity | simulated | formula | closed form | gap |\n|---|---|---|---:|---:|---:|---:|"
    )
    for widths in ("1;8", "1;8,8", "1;8,8,8"):
        print(
            row(expected_regions(widths, LINE, bias_std=0.5, samples=samples, formula_samples=10 * samples), "[-2, 2]")
        )
    fifty = expected_regions("1;50", LINE, weight_std=1.0, bias_std=0.7, samples=samples)
    print(row(fifty, "[-2, 2], s_w = 1, s_b = 0.7"))
    for widths in ("2;8", "2;6,6", "2;4,4,4"):
        print(row(expected_regions(widths, SQUARE, bias_std=0.5, samples=samples), "[-1, 1]^2"))
        for k in (1, 2):
            found = expected_boundary(
                widths, SQUARE, k=k, bias_std=0.5, samples=samples // 4, formula_samples=4 * samples
            )
            print(row(found, "[-1, 1]^2"))
    print(row(expected_regions("3;6,6", SLICE, bias_std=0.5, samples=samples), "plane slice of [-1, 1]^3"))


if __name__ == "__main__":
    main()
