"""Cutting polygons by the zero lines of units, all polygons at once and each by its own units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .cells import Cells, joined
from .names import name

_U = 2.0**-53
# Polygons that wait are cut in blocks of this many, the last first, so that few wait at a time.
_BLOCK = 4096


@dataclass(frozen=True, eq=False)
class Cutters:
    """Lines that cut: `rows` [c, a, b, error] of the function before the activation less the breakpoint.

    Line k cuts polygon `root[k]` (ascending); it belongs to unit `unit[k]` of the network and to its breakpoint
    `at[k]`; `column[k]` counts the lines of one polygon from 0.
    """

    root: np.ndarray
    unit: np.ndarray
    at: np.ndarray
    rows: np.ndarray
    column: np.ndarray
    layer: int

    @property
    def most(self) -> int:
        """The largest number of lines of one polygon."""
        return int(self.column.max(initial=-1)) + 1


@dataclass(frozen=True, eq=False)
class Pieces:
    """Polygons, the polygon that each was cut from, and on which side of that one's lines it lies."""

    cells: Cells
    root: np.ndarray
    positive: np.ndarray  # (polygons, most) bool; False where there are fewer lines

    def __len__(self) -> int:
        return len(self.root)


@dataclass(frozen=True, eq=False)
class _Open:
    """Polygons that some lines still cut: pair j is line `line[j]` on polygon `owner[j]` with values at its corners."""

    pieces: Pieces
    owner: np.ndarray
    line: np.ndarray
    values: np.ndarray  # (pairs, K), 0 where a corner lies on the line as far as floating point can tell


class Doubt:
    """Counts the signs that an error bound left open."""

    def __init__(self) -> None:
        self.signs = 0


def evaluated(rows: np.ndarray, xy: np.ndarray, radius: np.ndarray, doubt: Doubt, inside: np.ndarray) -> np.ndarray:
    """Values of functions (pairs, 4) at points (pairs, K, 2) known up to `radius`.

    What the bound leaves open is counted, and is 0 if not even the rounding of this evaluation allows a sign.
    """
    c, a, b, error = (rows[:, k, None] for k in range(4))
    s, t = xy[..., 0], xy[..., 1]
    values = c + a * s + b * t
    noise = 8 * _U * (np.abs(c) + np.abs(a * s) + np.abs(b * t))
    bound = 1.01 * (error + noise + radius * (np.abs(a) + np.abs(b)))
    size = np.abs(values)
    open_ = ~(size > bound) & inside
    doubt.signs += int(open_.sum())
    return np.where(open_ & (size <= 4 * noise), 0.0, values)


def cut(cells: Cells, cutters: Cutters, doubt: Doubt, chunk: int) -> Iterator[Pieces]:
    """The pieces of polygons under the lines that cut them, in chunks of about `chunk`.

    A line cuts where it has corners on both sides.  Polygons are taken in the order in which they wait, so the memory
    is that of a block and of what waits, not that of all pieces.
    """
    whole = np.ones(len(cells), dtype=bool)
    whole[cutters.root] = False
    none = np.zeros((len(cells), cutters.most), dtype=bool)
    done = [Pieces(cells.take(whole), np.flatnonzero(whole), none[whole])] if whole.any() else []
    waiting: list[_Open] = []
    if len(cutters.root):
        some, owner = np.unique(cutters.root, return_inverse=True)
        part = cells.take(some)
        inside = part.inside[owner]
        values = evaluated(cutters.rows, part.xy[owner], part.radius[owner], doubt, inside)
        pieces = Pieces(part, some, none[some])
        finished, left = _sorted(pieces, owner, np.arange(len(owner)), np.where(inside, values, 0.0), cutters)
        done += finished
        waiting += _blocks(left)
    while waiting or done:
        have = sum(map(len, done))
        if not waiting or have >= chunk:
            yield from _chunks(done, chunk, all_=not waiting)
            rest = [] if not waiting else _rest(done, chunk)
            done = rest
            continue
        finished, left = _round(waiting.pop(), cutters, doubt)
        done += finished
        waiting += _blocks(left)


def _chunks(done: list[Pieces], chunk: int, *, all_: bool) -> Iterator[Pieces]:
    pieces = _together(done)
    parts = max(1, round(len(pieces) / chunk)) if all_ else len(pieces) // chunk
    ends = np.linspace(0, len(pieces) if all_ else parts * chunk, parts + 1).astype(int)
    for a, b in pairwise(ends):
        yield _taken(pieces, slice(int(a), int(b)))


def _rest(done: list[Pieces], chunk: int) -> list[Pieces]:
    pieces = _together(done)
    left = len(pieces) % chunk
    return [_taken(pieces, slice(len(pieces) - left, len(pieces)))] if left else []


def _together(done: list[Pieces]) -> Pieces:
    if len(done) == 1:
        return done[0]
    root, positive = (np.concatenate([getattr(d, f) for d in done]) for f in ("root", "positive"))
    return Pieces(joined([d.cells for d in done]), root, positive)


def _taken(pieces: Pieces, which: np.ndarray | slice) -> Pieces:
    return Pieces(pieces.cells.take(which), pieces.root[which], pieces.positive[which])


def _sorted(
    pieces: Pieces, owner: np.ndarray, line: np.ndarray, values: np.ndarray, cutters: Cutters
) -> tuple[list[Pieces], _Open | None]:
    """Set aside the lines that do not cut, noting their sides, and then the polygons that nothing cuts."""
    high, low = values.max(axis=1, initial=-np.inf), values.min(axis=1, initial=np.inf)
    cuts = (high > 0) & (low < 0)
    above = ~cuts & (high > -low)
    pieces.positive[owner[above], cutters.column[line[above]]] = True
    still = np.zeros(len(pieces), dtype=bool)
    still[owner[cuts]] = True
    finished = [_taken(pieces, ~still)] if not still.all() else []
    if not still.any():
        return finished, None
    number = np.cumsum(still) - 1
    left = _taken(pieces, still)
    return finished, _Open(left, number[owner[cuts]], line[cuts], values[cuts, : left.cells.width])


def _blocks(left: _Open | None) -> list[_Open]:
    """Blocks in reverse order, so that the last of a list is the first to be cut."""
    if left is None:
        return []
    blocks = []
    for a in range(0, len(left.pieces), _BLOCK):
        b = min(a + _BLOCK, len(left.pieces))
        mine = slice(*np.searchsorted(left.owner, [a, b]))
        part = _taken(left.pieces, slice(a, b))
        blocks.append(_Open(part, left.owner[mine] - a, left.line[mine], left.values[mine, : part.cells.width]))
    return blocks[::-1]


def _round(block: _Open, cutters: Cutters, doubt: Doubt) -> tuple[list[Pieces], _Open | None]:
    """Cut every polygon of a block by its first line, and see which of the others cut the two halves."""
    cells, owner = block.pieces.cells, block.owner
    first = np.searchsorted(owner, np.arange(len(cells)))
    line = block.line[first]
    sides = _two_runs(block.values[first] > 0, block.values[first], cells)
    points = _crossings(cells, sides, cutters.rows[line], block.values[first])
    others = np.ones(len(owner), dtype=bool)
    others[first] = False
    mine, lines = owner[others], block.line[others]
    fresh = evaluated(cutters.rows[lines], points.xy[mine], points.radius[mine], doubt, np.ones((len(mine), 2), bool))
    known = np.concatenate([block.values[others], fresh], axis=1)
    halves, pairs, values = [], [], []
    for positive in (True, False):
        cells_, index = _half(cells, sides, points, cutters, line, positive)
        flags = block.pieces.positive.copy()
        flags[np.arange(len(cells)), cutters.column[line]] = positive
        halves.append(Pieces(cells_, block.pieces.root, flags))
        inside = cells_.inside[mine]
        values.append(np.where(inside, np.take_along_axis(known, index[mine], axis=1), 0.0))
        pairs.append(mine)
    width = max(v.shape[1] for v in values)
    values = np.concatenate([np.pad(v, [(0, 0), (0, width - v.shape[1])]) for v in values])
    pieces = _together(halves)
    owners = np.concatenate([mine, mine + len(cells)])
    return _sorted(pieces, owners, np.concatenate([lines, lines]), values, cutters)


def _two_runs(positive: np.ndarray, values: np.ndarray, cells: Cells) -> np.ndarray:
    """Corners on the positive side, made one run: rounding alone can give more, and then the largest value decides."""
    positive = positive & cells.inside
    before = _before(cells)
    starts = positive & ~np.take_along_axis(positive, before, axis=1)
    for i in np.flatnonzero(starts.sum(axis=1) > 1):
        count = int(cells.count[i])
        top = int(np.argmax(values[i, :count]))
        run = np.zeros(cells.width, dtype=bool)
        for step in (1, -1):
            k = top
            while positive[i, k] and not (run[k] and k != top):
                run[k] = True
                k = (k + step) % count
        positive[i] = run
    return positive


def _before(cells: Cells) -> np.ndarray:
    """Index of the corner before each, (cells, K)."""
    return (np.arange(cells.width) - 1) % cells.count[:, None]


@dataclass(frozen=True, eq=False)
class _Points:
    """Where a line crosses the border of its polygon: entering the positive side (0) and leaving it (1)."""

    edge: np.ndarray  # (cells, 2) the edge that is crossed
    xy: np.ndarray  # (cells, 2, 2)
    radius: np.ndarray  # (cells, 2)
    run: np.ndarray  # (cells,) number of corners on the positive side


def _crossings(cells: Cells, positive: np.ndarray, rows: np.ndarray, values: np.ndarray) -> _Points:
    before = _before(cells)
    previous = np.take_along_axis(positive, before, axis=1)
    enter = np.argmax(positive & ~previous, axis=1)
    leave = np.argmax(~positive & previous & cells.inside, axis=1)
    count = cells.count
    ends = np.stack([enter, leave], axis=1)  # the corner after the crossing
    edge = (ends - 1) % count[:, None]
    i = np.arange(len(cells))[:, None]
    v0, v1 = values[i, edge], values[i, ends]
    p0, p1 = cells.xy[i, edge], cells.xy[i, ends]
    with np.errstate(all="ignore"):
        share = np.clip(np.nan_to_num(v0 / (v0 - v1), nan=0.5), 0.0, 1.0)
    xy = p0 + share[:, :, None] * (p1 - p0)
    radius = np.minimum(_radius(cells.lines[i, edge], rows[:, None], xy), _reach(cells, i, edge, ends, xy))
    return _Points(edge, xy, radius, positive.sum(axis=1))


def _radius(f: np.ndarray, g: np.ndarray, xy: np.ndarray) -> np.ndarray:
    """Bound on the distance of `xy` from the point where two functions [c, a, b, error] vanish.

    Both are known up to `error` all over the slice, so there the known ones are at most `error`; the known ones at `xy`
    are evaluated, and the 2 x 2 system between the two is solved.
    """
    s, t = xy[..., 0], xy[..., 1]

    def off(h: np.ndarray) -> np.ndarray:
        terms = np.abs(h[..., 0]) + np.abs(h[..., 1] * s) + np.abs(h[..., 2] * t)
        return np.abs(h[..., 0] + h[..., 1] * s + h[..., 2] * t) + h[..., 3] + 8 * _U * terms

    left, right = f[..., 1] * g[..., 2], f[..., 2] * g[..., 1]
    with np.errstate(all="ignore"):
        det = np.abs(left - right) - 4 * _U * (np.abs(left) + np.abs(right))
        x = (np.abs(g[..., 2]) * off(f) + np.abs(f[..., 2]) * off(g)) / det
        y = (np.abs(g[..., 1]) * off(f) + np.abs(f[..., 1]) * off(g)) / det
        out = 1.01 * np.maximum(x, y) + 4 * _U
    return np.where((det > 0) & np.isfinite(out), out, 4.0)


def _reach(cells: Cells, i: np.ndarray, edge: np.ndarray, ends: np.ndarray, xy: np.ndarray) -> np.ndarray:
    """The true crossing lies on the edge, so no farther than its ends."""
    far = [np.abs(cells.xy[i, k] - xy).max(axis=-1) + cells.radius[i, k] for k in (edge, ends)]
    return 1.01 * np.maximum(*far) + 4 * _U


def _half(
    cells: Cells, positive: np.ndarray, points: _Points, cutters: Cutters, line: np.ndarray, side: bool
) -> tuple[Cells, np.ndarray]:
    """The half of every polygon on one side, and for its corners where they come from (K and K + 1: the crossings)."""
    width, count = cells.width, cells.count
    enter, leave = ((points.edge + 1) % count[:, None]).T
    start = enter if side else leave
    length = points.run if side else count - points.run
    k = np.arange(int(length.max()) + 2)
    source = (start[:, None] + k) % count[:, None]
    at_cut, last = k == length[:, None], k == length[:, None] + 1
    # Along the positive side: corners, the crossing that leaves, the crossing that enters.
    corner = np.where(at_cut, width + side, np.where(last, width + (not side), source))
    edge = np.where(last, points.edge[:, [0 if side else 1]], source)
    halved = (k == length[:, None] - 1) | last
    i = np.arange(len(cells))[:, None]
    unit, at, rows = cutters.unit[line], cutters.at[line], cutters.rows[line]
    made = name(cells.edges[i, points.edge], unit[:, None], at[:, None], 7)
    edges = cells.edges[i, edge]
    edges = np.where(halved[..., None], name(edges, unit[:, None], at[:, None], int(side)), edges)
    new = name(made[:, 0] + made[:, 1], unit, at, 9)
    new_edge = at_cut[..., None]
    return Cells(
        length + 2,
        np.concatenate([cells.xy, points.xy], axis=1)[i, corner],
        np.concatenate([cells.radius, points.radius], axis=1)[i, corner],
        np.where(new_edge, rows[:, None], cells.lines[i, edge]),
        np.concatenate([cells.corners, made], axis=1)[i, corner],
        np.where(new_edge, new[:, None], edges),
        np.where(at_cut, unit[:, None], cells.units[i, edge]),
        np.where(at_cut, cutters.layer, cells.layers[i, edge]).astype(np.int32),
    ), corner
