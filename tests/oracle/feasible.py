"""Does an open polyhedron, of which one point is known, reach into one more open half-space?

Exact simplex method in dictionary form.  Rows are `[a..., c]`, meaning `a.y + c`, and the origin is strictly inside
all of them (c > 0), so the start is feasible and there is no first phase.  Variables 0..d-1 are the coordinates of y,
which are free; variable d + i is the slack `rows[i](y) >= 0`.  Bland's rule (lowest index) makes it end.
"""

from __future__ import annotations

from collections.abc import Sequence

from flint import fmpq

from .rows import ZERO, Row, combine, value


def reach(rows: Sequence[Row], target: Row) -> list[fmpq] | None:
    """A point y with `target(y) > 0` and all `rows(y) >= 0`; None where a checked combination rules it out."""
    d = len(target) - 1
    table, objective = [list(r) for r in rows], list(target)
    columns, basis = list(range(d)), [d + i for i in range(len(rows))]
    while objective[-1] <= 0:
        entering = [(columns[j], j) for j in range(d) if _improves(objective[j], columns[j] < d)]
        if not entering:
            _check_refutation(rows, target, objective, columns)
            return None
        _, j = min(entering)
        up = 1 if objective[j] > 0 else -1
        blocking = [
            (row[-1] / (-up * row[j]), variable, i)
            for i, (row, variable) in enumerate(zip(table, basis, strict=True))
            if variable >= d and up * row[j] < 0
        ]
        if not blocking:
            # Nothing stops the move: go until the target is 1.
            step = up * (1 - objective[-1]) / abs(objective[j])
            return _coordinates(d, table, basis, columns, {j: step})
        _, _, i = min(blocking)
        _pivot(table, objective, i, j)
        columns[j], basis[i] = basis[i], columns[j]
    return _coordinates(d, table, basis, columns, {})


def _improves(coefficient: fmpq, free: bool) -> bool:
    return coefficient > 0 or (free and coefficient != 0)


def _pivot(table: list[Row], objective: Row, i: int, j: int) -> None:
    """Solve row i for column variable j and substitute it everywhere, in place."""
    old = table[i]
    new = [-v / old[j] for v in old]
    new[j] = 1 / old[j]
    table[i] = new
    for row in [*table[:i], *table[i + 1 :], objective]:
        factor = row[j]
        if factor != 0:
            row[j] = ZERO
            for k, v in enumerate(new):
                row[k] += factor * v


def _coordinates(d: int, table: list[Row], basis: list[int], columns: list[int], moved: dict[int, fmpq]) -> list[fmpq]:
    """The point y when the column variables are zero, but for `moved` ones."""
    y = [ZERO] * d
    for j, step in moved.items():
        if columns[j] < d:
            y[columns[j]] = step
    for row, variable in zip(table, basis, strict=True):
        if variable < d:
            y[variable] = row[-1] + sum((row[j] * step for j, step in moved.items()), ZERO)
    return y


def _check_refutation(rows: Sequence[Row], target: Row, objective: Row, columns: list[int]) -> None:
    """`target = constant + sum m_i rows[i]`, nothing positive: it is never > 0 where all rows are >= 0."""
    d = len(target) - 1
    used = [(m, rows[v - d]) for m, v in zip(objective, columns, strict=False) if v >= d]
    assert objective[-1] <= 0
    assert all(m <= 0 for m, _ in used)
    assert combine([m for m, _ in used], [r for _, r in used], objective[-1], d + 1) == target


def strictly_inside(rows: Sequence[Row], start: Sequence[fmpq], target: Row) -> list[fmpq] | None:
    """A point where all `rows` and `target` are > 0, from a `start` where all `rows` are; None if there is none."""
    at_start = value(target, start)
    if at_start > 0:
        return list(start)
    moved = [[*row[:-1], value(row, start)] for row in rows]
    y = reach(moved, [*target[:-1], at_start])
    if y is None:
        return None
    # At start + y the target is > 0 and rows are >= 0; halfway back to where the target is 0, both are > 0.
    at_end = value([*target[:-1], at_start], y)
    share = 1 - at_end / (at_end - at_start) / 2
    return short_point([*rows, target], [s + share * v for s, v in zip(start, y, strict=True)])


def short_point(rows: Sequence[Row], point: Sequence[fmpq]) -> list[fmpq]:
    """A point near the given one, strictly inside all rows, with as few binary digits as will do."""
    assert all(value(row, point) > 0 for row in rows)
    bits = 2
    while True:
        scale = fmpq(2) ** bits
        candidate = [fmpq((v * scale).floor()) / scale for v in point]
        if all(value(row, candidate) > 0 for row in rows):
            return candidate
        if bits > 20_000:
            return list(point)
        bits *= 2
