"""One layer of units on many cells: which units are settled on a cell, which cut it, and the values behind them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .cells import Cells
from .cutting import Cutters
from .operators import UP, State, Units, length, stacked

_U = 2.0**-53


@dataclass(frozen=True, eq=False)
class Layer:
    """What the search knows of the units of one step once it has met them.

    `first` is the number of its first unit in a pattern, `columns` the flat entries that are units (more than one
    piece), `number` the unit of each entry (-1 where it has one piece), `order` the place of the layer among all.
    """

    units: Units
    order: int
    first: int

    @cached_property
    def columns(self) -> np.ndarray:
        """Entries with more than one piece."""
        return np.flatnonzero(self.units.pieces > 1)

    @cached_property
    def counts(self) -> np.ndarray:
        """Number of pieces of every unit."""
        return self.units.pieces[self.columns]

    @cached_property
    def number(self) -> np.ndarray:
        """Number of the unit of every entry."""
        out = np.full(len(self.units.pieces), -1, dtype=np.int64)
        out[self.columns] = self.first + np.arange(len(self.columns))
        return out

    @cached_property
    def thresholds(self) -> np.ndarray:
        """Breakpoints of every entry, (breakpoints, entries); infinite where there are fewer."""
        functions = self.units.functions
        most = max(len(f.breakpoints) for f in functions)
        table = np.full((len(functions), most), np.inf)
        for row, f in zip(table, functions, strict=True):
            row[: len(f.breakpoints)] = f.breakpoints
        return np.ascontiguousarray(table[self.units.index].T)

    @cached_property
    def table(self) -> tuple[np.ndarray, np.ndarray]:
        """Slopes and intercepts by function and piece."""
        functions = self.units.functions
        most = max(f.pieces for f in functions)
        slopes, shifts = np.zeros((len(functions), most)), np.zeros((len(functions), most))
        for k, f in enumerate(functions):
            slopes[k, : f.pieces] = f.slopes
            shifts[k, : f.pieces] = [float(v) for v in f.intercepts]
        return slopes, shifts

    @cached_property
    def plain(self) -> bool:
        """Whether all functions are ReLUs."""
        return all(f.slopes == (0.0, 1.0) and f.breakpoints == (0.0,) and f.value == 0 for f in self.units.functions)


def classify(layer: Layer, state: State, cells: Cells) -> tuple[np.ndarray, Cutters, int]:
    """The pieces (cells, entries) of the units, those cut by a line left out; the lines that cut; doubtful units.

    A unit is settled on a cell where its value at all corners is on one side of a breakpoint by more than the error
    bound.  Where the bound cannot tell, floating point does, and that is counted.
    """
    torch: Any = sys.modules["torch"]
    z = state.rows.flatten(2)
    slope = z[:, 1].abs() + z[:, 2].abs()
    basis = torch.from_numpy(cells.basis()).to(z)
    low, high = torch.aminmax(basis @ z[:, :3], dim=1)
    radius = np.where(cells.inside, cells.radius, 0.0).max(axis=1)
    radius = torch.from_numpy(radius).to(z)[:, None] + 2 * state.unit
    noise = 8 * state.unit * (z[:, 0].abs() + slope)
    error = UP * (z[:, 3] + noise + radius * slope)
    pieces = torch.zeros(low.shape, dtype=torch.uint8, device=z.device)
    found, doubtful = [], 0
    uniform = len(layer.units.functions) == 1
    for j, row in enumerate(layer.thresholds):
        at = float(row[0]) if uniform else torch.from_numpy(row).to(z)
        room = error + 4 * state.unit * abs(at)
        below, above = low - at, high - at
        # An infinite bound leaves the sign open, a bound of 0 never does: then the value is exact.
        sure = (below > room) | (above < -room) | ((room == 0) & (above <= 0))
        cuts = (above > 4 * noise) & (below < -4 * noise)
        if not uniform:
            sure, cuts = sure | torch.isinf(at), cuts & ~torch.isinf(at)
        pieces += (~cuts & (below + above > 0)).to(torch.uint8)
        doubtful += int((~sure & ~cuts).sum())
        which = cuts.nonzero()
        found.append((which, z[which[:, 0], :, which[:, 1]], j))
    return pieces.cpu().numpy(), _cutters(layer, found), doubtful


def _cutters(layer: Layer, found: list[Any]) -> Cutters:
    root = np.concatenate([w[:, 0].cpu().numpy() for w, _, _ in found])
    entry = np.concatenate([w[:, 1].cpu().numpy() for w, _, _ in found])
    rows = np.concatenate([r.cpu().numpy().astype(np.float64) for _, r, _ in found])
    at = np.concatenate([np.full(len(w), j) for w, _, j in found])
    value = layer.thresholds[at, entry]
    rows[:, 0] -= value
    rows[:, 3] += 4 * _U * (np.abs(value) + np.abs(rows[:, 0]))
    order = np.lexsort((at, entry, root))
    root = root[order]
    column = np.arange(len(root)) - np.searchsorted(root, root)
    return Cutters(root, layer.number[entry[order]], at[order], rows[order], column, layer.order)


def pieces_of(
    layer: Layer, settled: np.ndarray, cutters: Cutters, root: np.ndarray, positive: np.ndarray
) -> np.ndarray:
    """Pieces (polygons, entries) of what polygons were cut into: the settled ones, and the sides of the lines."""
    out = settled[root]
    if not positive.any():
        return out
    start = np.searchsorted(cutters.root, root)
    piece, column = np.nonzero(positive)
    entry = layer.columns[cutters.unit[start[piece] + column] - layer.first]
    np.add.at(out, (piece, entry), 1)
    return out


def settle(layer: Layer, state: State, pieces: np.ndarray) -> State:
    """The values after the activations, on cells with these pieces."""
    torch: Any = sys.modules["torch"]
    rows = state.rows
    index = torch.from_numpy(pieces).to(rows.device).reshape(len(pieces), *rows.shape[2:])
    if layer.plain:
        return State(torch.where(index.bool()[:, None], rows, rows.new_zeros(())), state.norm)
    slopes, shifts = (torch.from_numpy(t).to(rows) for t in layer.table)
    which = torch.from_numpy(np.array(layer.units.index)).to(rows.device).reshape(rows.shape[2:])
    slope, shift = slopes[which, index.long()], shifts[which, index.long()]
    affine = rows[:, :3] * slope[:, None]
    affine[:, 0] += shift
    error = torch.where(slope == 0, slope.new_zeros(()), rows[:, 3] * slope.abs())
    exact = (slope.abs() == 1) | (slope == 0)
    rounding = 4 * state.unit * (affine.abs().sum(1) + shift.abs())
    rounding = torch.where(exact & (shift == 0), slope.new_zeros(()), rounding + state.tiny * (rounding > 0))
    return stacked(affine, UP * (error + rounding), UP * (slopes.abs().max() * state.norm + length(rounding)))
