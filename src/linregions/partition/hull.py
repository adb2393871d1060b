"""Whether the origin lies in a convex hull, in rational arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

Vector = Sequence[Fraction]


def meets_origin(points: Sequence[Vector], rays: Sequence[Vector] = ()) -> bool:
    """Whether `sum l_i points_i + sum m_j rays_j = 0` has a solution with `l, m >= 0` and `sum l = 1`.

    The first phase of the simplex method in exact rationals; Bland's rule makes it end.

    Example:
        >>> meets_origin([(1, 1), (-1, 1), (0, -1)]), meets_origin([(1, 1), (-1, 1)]), meets_origin([(0, 1)], [(0, -1)])
        (True, False, True)
    """
    if not points:
        return False
    columns = [[*map(Fraction, p), Fraction(1)] for p in points] + [[*map(Fraction, r), Fraction(0)] for r in rays]
    height, width = len(columns[0]), len(columns)
    # Artificial variables width..width+height-1 start in the basis; the right-hand side is (0, ..., 0, 1).
    table = [[c[i] for c in columns] + [Fraction(int(i == height - 1))] for i in range(height)]
    basis = list(range(width, width + height))
    while True:
        cost = [
            sum((row[j] for row, b in zip(table, basis, strict=True) if b >= width), Fraction(0)) for j in range(width)
        ]
        enter = next((j for j in range(width) if cost[j] > 0 and j not in basis), None)
        if enter is None:
            return all(row[-1] == 0 for row, b in zip(table, basis, strict=True) if b >= width)
        # A positive cost has a positive entry in a row that it comes from, so something always leaves.
        ratios = [
            (row[-1] / row[enter], b, i) for i, (row, b) in enumerate(zip(table, basis, strict=True)) if row[enter] > 0
        ]
        _, _, leave = min(ratios)
        _pivot(table, leave, enter)
        basis[leave] = enter


def _pivot(table: list[list[Fraction]], i: int, j: int) -> None:
    lead = table[i][j]
    table[i] = [v / lead for v in table[i]]
    for k, row in enumerate(table):
        if k != i and row[j]:
            factor = row[j]
            table[k] = [v - factor * w for v, w in zip(row, table[i], strict=True)]
