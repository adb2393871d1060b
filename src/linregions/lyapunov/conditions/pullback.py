"""Discrete time, a network V and a nonlinear f: the cells of V are pulled back along f, simplex by simplex.

On a cell C of V write V = g.y + k.  V(f(x)) < V(x) holds on a simplex S if for each cell C either `g.f(x) + k - V(x)
< 0` on S, or some row of C is negative at f(x) for all x of S, so that f(S) and C do not meet.  Only cells near a
box that encloses f(S) are asked, and V is cut into cells on a bounded box: where f(S) may leave it, S is open.  A
simplex that this leaves open is bisected.  Derived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from ...domain import Box
from ...exact import nearest_float
from ...network import Network
from ...partition.rows import region_rows
from ..dynamics.dynamics import Smooth
from ..dynamics.expression import Expression
from ..dynamics.series import EnclosureError
from ..geometry.cells import cells_of
from ..proving.classify import Leaf
from ..proving.prove import prove
from ..proving.simplices import Simplices, Weights, homogeneous, inside_vertices, rounded, simplices_of
from ..verdict import Counterexample, Face, Left, Value
from .defined import check_defined
from .mesh_of import mesh_of
from .positive import positive
from .sliding import halves
from .tasks import ExpressionForms, Run, excluded, taken

Interval = tuple[Fraction, Fraction]
BATCH = 512  # simplices looked at together
CHUNK = 8192  # conditions asked at a time, between two looks at the clock
ROOM = 2.0**400  # V is cut into cells up to here, or to four times the domain


@dataclass(frozen=True, eq=False)
class _Pieces:
    """The affine pieces of V where f may lead: slopes, constants, rows `a.y + c >= 0`, and boxes around the cells."""

    table: list[list[Fraction]]  # the weights of (f, 1, V): first those of V on every cell, then the cells' rows
    floats: tuple[np.ndarray, np.ndarray]  # the same in float64 with bounds
    rows: list[range]  # where the rows of each cell are
    low: np.ndarray
    high: np.ndarray
    side: np.ndarray  # V is known on |y_k| <= side_k

    def near(self, known: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Which of these cells a box may meet; what is not a number says nothing against it."""
        return known[~np.any((self.low[known] > high) | (self.high[known] < low), axis=1)]

    def hold(self, low: np.ndarray, high: np.ndarray) -> bool:
        """Whether the cells cover a box."""
        return bool(np.all(low >= -self.side) and np.all(high <= self.side))


class _LateError(Exception):
    """The time is over."""


def pullback(run: Run) -> None:
    """Both conditions for a network V and a nonlinear map in discrete time."""
    problem = run.problem
    V, dynamics, controller = problem.candidate, problem.dynamics, problem.controller
    assert isinstance(V, Network)
    assert isinstance(dynamics, Smooth)
    cells = mesh_of(run, [V] if controller is None else [V, controller])
    check_defined(run, cells)
    run.prove(positive(run, cells, output=0))
    # The coordinates are (x, u, V): the value of V stands as one more input.
    lifted = cells.lifted([*range(1, cells.network.output_dim), 0])
    value = Expression.u(dynamics.inputs)
    forms = ExpressionForms((*dynamics.expressions, Expression.number(1), value), dynamics.dim, dynamics.inputs + 1)
    try:
        pieces = _pieces(run, V, dynamics, lifted)
    except _LateError:
        run.stop("time", "the time ran out")
        run.left += [Left(cell, "decrease") for cell in sorted(set(cells.owner.tolist()))]
        return
    _Search(run, cells, lifted, forms, pieces).work()


def _pieces(run: Run, V: Network, dynamics: Smooth, lifted: Simplices) -> _Pieces:
    """The cells of V on a box around the domain and its image."""
    dim = run.problem.dim
    low, high = _image(run, dynamics, lifted, np.arange(lifted.count))
    reach = np.concatenate([np.abs(low), np.abs(high), np.abs(lifted.points[:, :, :dim]).reshape(-1, dim)])
    within = np.abs(lifted.points[:, :, :dim]).max(axis=(0, 1))
    # Any box will do: one around 0 somewhat larger than the image, as long as float64 has room for it.
    with np.errstate(over="ignore"):
        side = np.nextafter(reach.max(axis=0) * 1.01 + 1e-9, np.inf)
        most = np.minimum(np.maximum(ROOM, within * 4), np.finfo(float).max)
    side = np.where(side <= most, side, most)
    threads: Any = run.threads
    there = cells_of(V, Box(-side, side), threads=threads, time_limit=run.remaining)
    weights, bounding, rows, boxes = [], [], [], []
    for cell in range(len(there)):
        if run.late:
            raise _LateError
        weights.append([*there.exact_slope(cell, 0), there.exact_offset(cell, 0), Fraction(-1)])
        bounds, _ = region_rows(there.partition, cell)
        own = [[*row, Fraction(0)] for column, row in bounds if column.kind == "unit" and any(row[:-1])]
        rows.append(range(len(there) + len(bounding), len(there) + len(bounding) + len(own)))
        bounding += own
        a, b = there.complex.region_indptr[cell : cell + 2]
        corners = there.complex.region_vertices[a:b]
        points, radii = there.points[corners], there.radii[corners, None]
        with np.errstate(all="ignore"):  # what is not a number is near everything
            boxes.append(((points - radii).min(axis=0), (points + radii).max(axis=0)))
    table = [*weights, *bounding]
    return _Pieces(table, rounded(table), rows, np.array([b[0] for b in boxes]), np.array([b[1] for b in boxes]), side)


def _image(run: Run, dynamics: Smooth, lifted: Simplices, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boxes that enclose f of some simplices, (m, n) each, by the mean-value form on the boxes around them.

    They are infinite where f has no bound that float64 can hold.
    """
    q = dynamics.dim + dynamics.inputs
    points, errors = lifted.points[which][:, :, :q], lifted.errors[which][:, :, :q]
    with np.errstate(all="ignore"):
        low, high = (points - errors).min(axis=1), (points + errors).max(axis=1)
        rough = errors.any(axis=1)  # these sums are rounded, those with 0 are not
        low, high = np.where(rough, np.nextafter(low, -np.inf), low), np.where(rough, np.nextafter(high, np.inf), high)
    out = np.empty((2, len(which), dynamics.dim))
    out[0], out[1] = -np.inf, np.inf
    for i in np.flatnonzero(np.isfinite(low).all(axis=1) & np.isfinite(high).all(axis=1)):
        if run.late:
            raise _LateError
        box = [(Fraction(x), Fraction(y)) for x, y in zip(low[i].tolist(), high[i].tolist(), strict=True)]
        try:
            found = _range(dynamics, box)
        except EnclosureError:
            continue
        for k, (x, y) in enumerate(found):
            out[0, i, k] = np.nextafter(nearest_float(x), -np.inf)
            out[1, i, k] = np.nextafter(nearest_float(y), np.inf)
    return out[0], out[1]


def _range(dynamics: Smooth, box: Sequence[Interval]) -> list[Interval]:
    centre = [(a + b) / 2 for a, b in box]
    found = dynamics.enclosure(box, centre, 0)
    reach = [(b - a) / 2 for a, b in box]
    out = []
    for mid, rad in zip(found.mid, found.rad, strict=True):
        middle = radius = Fraction(0)
        for exponents, m, r in zip(found.exponents, mid, rad, strict=True):
            size = Fraction(1)
            for h, e in zip(reach, exponents, strict=True):
                size *= h ** int(e)
            if np.any(exponents):
                radius += (abs(Fraction(m)) + Fraction(r)) * size
            else:
                middle, radius = middle + Fraction(m), radius + Fraction(r)
        out.append((middle - radius, middle + radius))
    return out


@dataclass(frozen=True, eq=False)
class _Item:
    """A simplex in a cell of the mesh, its corners (x, u, V), with the cells of V that its image may meet."""

    cell: int
    corners: tuple[tuple[Fraction, ...], ...]
    pieces: tuple[int, ...]
    depth: int
    beyond: bool = False  # whether f may lead from it to where V is not cut into cells
    level: bool = False  # whether V(f(x)) <= V(x) is proved on it


@dataclass(eq=False)
class _Search:
    """The simplices that wait."""

    run: Run
    cells: Any
    lifted: Simplices
    forms: ExpressionForms
    pieces: _Pieces

    def work(self) -> None:
        """Decide every simplex, or note what is left."""
        every = tuple(range(len(self.pieces.rows)))
        waiting = []
        for row, cell in enumerate(self.cells.owner.tolist()):
            corners = (tuple(Fraction(int(v), int(y[-1])) for v in y[:-1]) for y in self.lifted.exact(row))
            waiting.append(_Item(cell, tuple(corners), every, 0))
        refuted: set[int] = set()
        while waiting:
            batch, waiting = waiting[-BATCH:], waiting[:-BATCH]
            batch = [item for item in batch if item.cell not in refuted]
            try:
                undecided = self._undecided(batch)
            except _LateError:
                self._late({item.cell for item in (*batch, *waiting)} - refuted)
                return
            for k, item in enumerate(undecided):
                if item.cell in refuted:
                    continue
                if self.run.late:
                    self._late({item.cell for item in (*undecided[k:], *waiting)} - refuted)
                    return
                if self._refuted(item):
                    refuted.add(item.cell)
                elif item.level and self._equal(item):
                    continue
                elif item.depth >= self.run.max_depth or (item.beyond and self._leaves(item)):
                    refuted.add(item.cell)
                    self.run.left.append(Left(item.cell, "decrease"))
                else:
                    both = halves(item.corners, self.run.problem.dim)
                    waiting += [replace(item, corners=tuple(c), depth=item.depth + 1) for c in both]

    def _late(self, cells: set[int]) -> None:
        self.run.stop("time", "the time ran out")
        self.run.left += [Left(cell, "decrease") for cell in sorted(cells)]

    def _leaves(self, item: _Item) -> bool:
        """Whether f leads from a corner to where V is not cut into cells: no part of the simplex there is decided."""
        dynamics, n = self.run.problem.dynamics, self.run.problem.dim
        assert isinstance(dynamics, Smooth)
        side = [Fraction(float(v)) for v in self.pieces.side]
        images = (self.run.problem.field_at(corner[:n]) for corner in item.corners)
        return any(low > s or high < -s for image in images for (low, high), s in zip(image, side, strict=True))

    def _undecided(self, batch: Sequence[_Item]) -> list[_Item]:
        """The simplices of a batch that are not proved, each with the cells that are open."""
        self.run.leaves += len(batch)
        if not batch:
            return []
        if self.run.late:
            raise _LateError
        parts = simplices_of([item.corners for item in batch])
        region = excluded(self.run.problem)
        if region is not None:
            held = inside_vertices(region, parts.points, parts.errors, parts.exact).all(axis=1)
            keep = np.flatnonzero(~held)
            if not len(keep):
                return []
            batch, parts = [batch[i] for i in keep.tolist()], taken(parts, keep)
        dynamics = self.run.problem.dynamics
        assert isinstance(dynamics, Smooth)
        low, high = _image(self.run, dynamics, parts, np.arange(parts.count))
        pairs: list[tuple[int, int]] = []
        beyond = {i for i in range(len(batch)) if not self.pieces.hold(low[i], high[i])}
        for i, item in enumerate(batch):
            if i not in beyond:
                pairs += [(i, int(k)) for k in self.pieces.near(np.array(item.pieces), low[i], high[i])]
        pairs, zero = self._open(parts, pairs, [k for _, k in pairs])
        asked = [(i, k, row) for i, k in pairs for row in self.pieces.rows[k]]
        apart = {(i, k) for i, k in pairs}
        ask = [(i, k) for i, k, _ in asked]
        apart &= set(self._open(parts, ask, [row for _, _, row in asked], every=True)[0])
        # A cell without rows is all of space.
        apart |= {(i, k) for i, k in pairs if not self.pieces.rows[k]}
        left: dict[int, list[int]] = {}
        for i, k in sorted(apart):
            left.setdefault(i, []).append(k)
        level = {i: all((i, k) in zero for k in ks) for i, ks in left.items()}
        # A simplex from which f may lead beyond all cells keeps those that it has.
        open_ = [replace(batch[i], beyond=True, level=False) for i in sorted(beyond)]
        return open_ + [replace(batch[i], pieces=tuple(ks), beyond=False, level=level[i]) for i, ks in left.items()]

    def _open(
        self,
        parts: Simplices,
        pairs: list[tuple[int, int]],
        numbers: list[int],
        *,
        every: bool = False,
    ) -> tuple[list[tuple[int, int]], set[tuple[int, int]]]:
        """The pairs for which `sum_k w_k F_k < 0` is not proved, and of them those for which `<= 0` is.

        The weights of each are a row of the table.  With `every` a pair may come several times, and counts as open if
        none of its weights is proved.
        """
        status = np.concatenate(
            [np.zeros(0, dtype=int)]
            + [
                self._status(parts, [i for i, _ in pairs[a : a + CHUNK]], numbers[a : a + CHUNK])
                for a in range(0, len(pairs), CHUNK)
            ]
        )
        if not every:
            zero = {pairs[j] for j in np.flatnonzero(status == Leaf.ZERO)}
            return [pairs[j] for j in np.flatnonzero(status != Leaf.PROVED)], zero
        done = {pairs[j] for j in np.flatnonzero(status == Leaf.PROVED)}
        return [pair for pair in dict.fromkeys(pairs) if pair not in done], set()

    def _status(self, parts: Simplices, which: list[int], numbers: list[int]) -> np.ndarray:
        """What is known of `sum_k w_k F_k` on these simplices with these rows of the table."""
        if self.run.late:
            raise _LateError
        dim, table = self.run.problem.dim, self.pieces.table
        simplices = taken(parts, np.array(which))
        # At the vertex 0 the value is known to be 0 only where the constant is that of V, or none.
        rest = self.run.problem.shift
        known = np.array([table[k][dim] == (rest if table[k][dim + 1] else 0) for k in numbers])
        simplices = replace(simplices, origin=np.where(known, simplices.origin, -1))
        values, errors = (floats[numbers] for floats in self.pieces.floats)
        weights = Weights(values, errors, lambda i: table[numbers[i]])
        proof = prove(simplices, weights, self.forms, max_depth=0, time_limit=self.run.remaining)
        self.run.exact_decisions += proof.exact_decisions
        return proof.status

    def _equal(self, item: _Item) -> bool:
        """Whether V(f(x)) = V(x) at a corner but 0; the run gets it as a face."""
        n = self.run.problem.dim
        points = [x[:n] for x in item.corners if any(x[:n]) and change(self.run, x[:n]) == 0]
        known = {face.vertices for face in self.run.faces}
        self.run.faces += [Face(item.cell, "decrease", (x,)) for x in points if (x,) not in known]
        return bool(points)

    def _refuted(self, item: _Item) -> bool:
        """Whether a corner is an exact counterexample; it goes to the run."""
        n, cell = self.run.problem.dim, item.cell
        region = excluded(self.run.problem)
        for corner in item.corners:
            x = corner[:n]
            if not any(x) or (region is not None and region.holds(homogeneous(x), n)):
                continue
            value = change(self.run, x)
            low = value[0] if isinstance(value, tuple) else value
            if low > 0:
                self.run.counterexamples.append(Counterexample(cell, "decrease", x, value))
                return True
        return False


def change(run: Run, point: Sequence[Fraction]) -> Value:
    """V(f(x)) - V(x) at a rational point: exactly where f is rational there, else in an interval."""
    V = run.problem.candidate
    assert isinstance(V, Network)
    low, high = network_range(V, run.problem.field_at(point))
    here = V.exact_values(point)[0]
    return low - here if low == high else (low - here, high - here)


def network_range(network: Network, box: Sequence[Interval]) -> Interval:
    """Bounds of a network's first output over a small box.

    Example:
        >>> size = Network.from_arrays([([[1.0], [-1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> network_range(size, [(Fraction(-3), Fraction(-2))])
        (Fraction(3, 2), Fraction(7, 2))
    """
    if all(a == b for a, b in box):
        value = network.exact_values([a for a, _ in box])[0]
        return value, value
    centre = [(a + b) / 2 for a, b in box]
    reach = max((b - a) / 2 for a, b in box)
    value, bound = network.exact_values(centre)[0], reach * _lipschitz(network)
    return value - bound, value + bound


def _lipschitz(network: Network) -> Fraction:
    """A Lipschitz constant of a network in the largest coordinate: the product over its stages."""
    out = Fraction(1)
    for stage in network.stages:
        rows = []
        for i in range(stage.rows):
            size = sum((abs(Fraction(float(v))) for v in stage.row(i)[1]), Fraction(0))
            rows.append(size if stage.divisor is None else size / Fraction(float(stage.divisor[i])))
        functions = getattr(stage.activation, "functions", ())
        steep = max((abs(Fraction(s)) for f in functions for s in f.slopes), default=Fraction(1))
        out *= max(rows) * (steep if functions else 1)
    return out
