"""Grow the list of regions unit by unit, with one exact feasibility question per half-space."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from flint import fmpq

from linregions.domain import Domain
from linregions.network import Network

from .describe import Largest, Scalar, Step, read_domain, read_network
from .feasible import strictly_inside
from .rows import Row, combine, fraction, is_constant, minus, primitive, shifted, value


@dataclass(frozen=True)
class Cell:
    """The open polyhedron where all `rows` are > 0, a point of it, and the pieces chosen so far."""

    rows: tuple[Row, ...]
    point: list[fmpq]
    pattern: tuple[int, ...] = ()

    def cut(self, row: Row) -> Cell | None:
        """The part of the cell where `row` is > 0, None if there is no such point."""
        if is_constant(row):
            return self if row[-1] > 0 else None
        row = primitive(row)
        point = strictly_inside(self.rows, self.point, row)
        return None if point is None else replace(self, rows=(*self.rows, row), point=point)

    def chose(self, piece: int) -> Cell:
        """The cell with one more entry in its pattern."""
        return replace(self, pattern=(*self.pattern, piece))


@dataclass(frozen=True)
class Region:
    """A full-dimensional activation region: pattern, and a witness (network input, and domain coordinates)."""

    pattern: tuple[int, ...]
    witness: list[Fraction]
    coordinates: list[Fraction]


def regions(net: Network, domain: Domain) -> list[Region]:
    """All activation regions of full dimension within the domain (none where the domain is empty or flat)."""
    sides, inputs = read_domain(domain)
    whole: Cell | None = Cell((), [fmpq(0)] * domain.dim)
    for side in sides:
        # A side 0 >= 0 holds everywhere.
        if whole is not None and not all(v == 0 for v in side):
            whole = whole.cut(side)
    if whole is None:
        return []
    grown = [(whole, inputs)]
    for step in read_network(net):
        grown = [part for cell, state in grown for part in enter(cell, state, step)]
    return [_finish(cell, inputs) for cell, _ in grown]


def _finish(cell: Cell, inputs: list[Row]) -> Region:
    assert all(value(row, cell.point) > 0 for row in cell.rows)
    return Region(cell.pattern, [fraction(value(x, cell.point)) for x in inputs], [fraction(v) for v in cell.point])


def enter(cell: Cell, state: list[Row], step: Step) -> list[tuple[Cell, list[Row]]]:
    """The parts of a cell after one stage, each with the state that leaves the stage there."""
    width = len(cell.point) + 1
    z = [combine(w, state, b, width) for w, b in zip(step.weights, step.biases, strict=True)]
    parts: list[tuple[Cell, list[Row]]] = [(cell, [])]
    for unit in step.units:
        parts = [(new, [*out, y]) for old, out in parts for new, y in unit_parts(old, unit, z)]
    return parts


def unit_parts(cell: Cell, unit: Scalar | Largest, z: list[Row]) -> Iterator[tuple[Cell, Row]]:
    """One part per piece of the unit that the cell reaches, with the unit's output on it."""
    return scalar_parts(cell, unit, z) if isinstance(unit, Scalar) else largest_parts(cell, unit, z)


def scalar_parts(cell: Cell, unit: Scalar, z: list[Row]) -> Iterator[tuple[Cell, Row]]:
    """One part per piece of a scalar function that the cell reaches, with the unit's output on it."""
    row, ts = z[unit.row], unit.breakpoints
    for j, (slope, intercept) in enumerate(unit.pieces):
        part: Cell | None = cell
        if is_constant(row):
            # Piece j is the interval (t_j, t_{j+1}]: a breakpoint belongs to the piece on its left.
            if j != sum(1 for t in ts if row[-1] > t):
                continue
        else:
            if j > 0:
                part = part.cut(shifted(row, -ts[j - 1]))
            if part is not None and j < len(ts):
                part = part.cut(minus([fmpq(0)] * (len(row) - 1) + [ts[j]], row))
        if part is not None:
            output = combine([slope], [row], intercept, len(row))
            yield (part.chose(j) if len(unit.pieces) > 1 else part), output


def largest_parts(cell: Cell, unit: Largest, z: list[Row]) -> Iterator[tuple[Cell, Row]]:
    """One part per row that is the largest somewhere; rows that are the same function go by the lowest index."""
    for place, winner in enumerate(unit.rows):
        part: Cell | None = cell
        for other in unit.rows:
            if part is None or other == winner:
                continue
            gap = minus(z[winner], z[other])
            same = all(v == 0 for v in gap)
            part = (part if winner < other else None) if same else part.cut(gap)
        if part is not None:
            yield (part.chose(place) if len(unit.rows) > 1 else part), z[winner]


def patterns(net: Network, domain: Domain) -> set[tuple[int, ...]]:
    """The set of activation patterns that hold on a full-dimensional set."""
    return {r.pattern for r in regions(net, domain)}


def count(net: Network, domain: Domain) -> int:
    """The number of full-dimensional activation regions (R2)."""
    return len(regions(net, domain))
