"""Whether finitely many open half-spaces have a common point, decided by an exact simplex method."""

from __future__ import annotations

from collections.abc import Sequence


def open_polyhedron_is_empty(rows: Sequence[Sequence[int]]) -> bool:
    """Whether no point t has `a.t + c > 0` for all rows `[a..., c]` of integers.

    The largest s with `a.t + c >= s` for all rows is sought from the feasible start t = 0, s = min c, until s is
    positive, in rationals.  Bland's rule (the lowest variable that improves, the lowest that blocks) makes it end.

    Example:
        >>> open_polyhedron_is_empty([[1, 0], [-1, 1]]), open_polyhedron_is_empty([[1, 0], [-1, 0]])
        (False, True)
    """
    if not rows:
        return False
    least = min(rows, key=lambda row: row[-1])
    if least[-1] > 0:
        return False
    return _largest_slack_is_not_positive(rows, least)


def _largest_slack_is_not_positive(rows: Sequence[Sequence[int]], least: Sequence[int]) -> bool:
    """The search: dictionary rows are affine in the columns, which are the free t_k and then the slack of `least`."""
    from flint import fmpq

    free = len(least) - 1
    # s = least(t) - w, and every other slack is row(t) - s.
    objective = [*map(fmpq, least[:-1]), fmpq(-1), fmpq(least[-1])]
    others = [row for row in rows if row is not least]
    table = [
        [*(fmpq(a - b) for a, b in zip(row[:-1], least[:-1], strict=True)), fmpq(1), fmpq(row[-1] - least[-1])]
        for row in others
    ]
    columns = list(range(free + 1))
    basis = [free + 1 + i for i in range(len(others))]
    while objective[-1] <= 0:
        able = [(v, j) for j, v in enumerate(columns) if objective[j] > 0 or (v < free and objective[j] != 0)]
        if not able:
            return True
        _, j = min(able)
        up = 1 if objective[j] > 0 else -1
        blocking = [
            (row[-1] / (-up * row[j]), variable, i)
            for i, (row, variable) in enumerate(zip(table, basis, strict=True))
            if up * row[j] < 0
        ]
        if not blocking:
            return False
        _, _, i = min(blocking)
        _exchange(table, objective, i, j)
        entered, columns[j] = columns[j], basis[i]
        basis[i] = entered
        if entered < free:  # a free variable never blocks, so it never comes back
            del table[i], basis[i]
    return False


def _exchange(table: list[list], objective: list, i: int, j: int) -> None:
    """Solve row i for column j and put it into every other row, in place."""
    old = table[i]
    new = [-v / old[j] for v in old]
    new[j] = 1 / old[j]
    table[i] = new
    for row in [*table[:i], *table[i + 1 :], objective]:
        factor = row[j]
        if factor != 0:
            row[j] = 0 * factor
            for k, v in enumerate(new):
                row[k] += factor * v
