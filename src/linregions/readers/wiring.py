"""From the operators of a model to blocks of units: every scalar that a model computes is a numbered wire."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..activations import IDENTITY, Activation, MaxGroups, PiecewiseLinear, UnitActivations
from ..network import Network
from .exactness import exact_product, exact_sum
from .matrix import check_nonzeros, compact, place_columns
from .rows import Rows, added, scale_columns, selection, side_by_side, stacked, without_repetitions

# Constants are moved into the bias only while the table of products stays small.
_CONSTANT_ENTRIES = 1 << 20


@dataclass(frozen=True, eq=False)
class Block:
    """Units that are computed together; their outputs are the wires `base`, `base + 1`, ..."""

    base: int
    rows: Rows
    activation: Activation
    level: int
    name: str = ""

    @property
    def is_affine(self) -> bool:
        """Whether the units do nothing after the affine map, so that a later operator may take its rows over."""
        return isinstance(self.activation, UnitActivations) and self.activation.is_identity


class Wiring:
    """Collects the blocks of a network while a reader walks through a model.

    A tensor is an int64 array of wires in the tensor's shape; -1 stands for the constant zero.  So reshapes, slices,
    transpositions, concatenations and zero padding are numpy operations on that array and cost no unit.  An affine
    block that is followed by an activation is absorbed into it.  Two affine maps become one only where every sum
    and product is exact in float64; otherwise they stay two blocks.
    """

    def __init__(self, inputs: int):
        self.inputs = inputs
        self.blocks: list[Block] = []
        self._bases = np.zeros(0, dtype=np.int64)
        self._affine = np.zeros(1, dtype=bool)  # one flag per block, and a last one for what no block makes
        self._next = inputs
        self._nonzeros = 0

    def make_room(self, nonzeros: int, where: str) -> None:
        """Called before a matrix with so many weights is made: refuses what would not fit beside those made before."""
        self._nonzeros += nonzeros
        check_nonzeros(self._nonzeros, where)

    def constant(self, values: Any) -> np.ndarray:
        """Wires of constants."""
        values = np.asarray(values, dtype=np.float64)
        distinct, at = np.unique(values.ravel(), return_inverse=True)
        some = distinct != 0
        wires = np.full(len(distinct), -1, dtype=np.int64)
        if some.any():
            count = int(some.sum())
            nothing = np.zeros(0, dtype=np.int64)
            wires[some] = self._add(Rows(nothing, np.zeros((count, 0)), distinct[some]), None, "constant")
        return wires[at.ravel()].reshape(values.shape)

    def affine(self, inputs: np.ndarray, weight: Any, bias: np.ndarray, *, divisor: Any = None, name: str = ""):
        """Wires of `(weight @ inputs + bias) / divisor`; inputs may repeat and may be constants."""
        inputs, weight = self._without(inputs, weight, inputs < 0)
        inputs, weight = self._through_multiples(inputs, weight)
        inputs, weight, bias = self._without_constants(inputs, weight, np.asarray(bias, dtype=np.float64))
        merged = without_repetitions(inputs, weight)
        if merged is None:
            # The sum of two weights of one input is no float64, so the second weight gets its own copy of the input.
            merged = self._copies(inputs), weight
        rows = Rows(merged[0], compact(merged[1]), bias, divisor)
        return self._add(rows.plain(), None, name)

    def scale(self, wires: np.ndarray, factor: Any = 1.0, shift: Any = 0.0, *, divisor: Any = 1.0, name: str = ""):
        """Wires of `(factor * wires + shift) / divisor`, elementwise; `divisor` is positive."""
        shape = wires.shape
        f, s, d = (np.broadcast_to(np.asarray(v, dtype=np.float64), shape).ravel() for v in (factor, shift, divisor))
        if np.all(f == 1) and np.all(s == 0) and np.all(d == 1):
            return wires
        flat = wires.ravel()
        rows = self.rows_of(flat).scaled(f, s, d) or selection(flat).scaled(f, s, d)
        assert rows is not None  # scaling a row that copies a wire is exact
        return self._add(rows.plain(), None, name).reshape(shape)

    def add(self, terms: Sequence[tuple[float, np.ndarray]], *, name: str = "") -> np.ndarray:
        """Wires of the sum of `factor * wires` over the terms, elementwise; factors are +1 or -1."""
        shape = terms[0][1].shape
        count = terms[0][1].size
        one, zero = np.ones(count), np.zeros(count)
        flat = [(sign, wires.ravel()) for sign, wires in terms]
        levels = [self._level(wires) for _, wires in flat]
        # Only the latest term is opened up: the others have to be carried anyway.
        parts = [
            (self.rows_of(wires) if level == max(levels) else selection(wires)).scaled(sign * one, zero, one)
            for (sign, wires), level in zip(flat, levels, strict=True)
        ]
        rows = added([p for p in parts if p is not None])
        if rows is not None and len(rows.inputs) and self._level(rows.inputs) < max(levels):
            return self._add(rows, None, name).reshape(shape)
        leaves = [selection(wires).scaled(sign * one, zero, one) for sign, wires in flat]
        inputs, weight = side_by_side([p for p in leaves if p is not None])
        return self.affine(inputs, weight, zero, name=name).reshape(shape)

    def apply(self, wires: np.ndarray, functions: Sequence[PiecewiseLinear], which: Any = 0, *, name: str = ""):
        """Wires of `functions[which](wires)`, elementwise; `which` broadcasts to the wires' shape."""
        if all(f.is_identity for f in functions):
            return wires
        index = np.broadcast_to(np.asarray(which, dtype=np.int32), wires.shape).ravel()
        activation = UnitActivations(tuple(functions), np.ascontiguousarray(index))
        return self._add(self.rows_of(wires.ravel()), activation, name).reshape(wires.shape)

    def maximum(self, wires: np.ndarray, offsets: np.ndarray, *, name: str = "") -> np.ndarray:
        """Wires of the maxima over the runs `wires[offsets[g]:offsets[g + 1]]`."""
        if np.all(np.diff(offsets) == 1):
            return wires
        return self._add(self.rows_of(wires), MaxGroups(np.asarray(offsets, dtype=np.int64)), name)

    def finish(self, outputs: np.ndarray, *, kept: Iterable[int], source: str = "") -> Network:
        """The network whose outputs are these wires; `kept` are the blocks of the nodes that lead to an output.

        Every unit with pieces of a kept block is a unit of the network, whether or not its value is used.
        """
        from .schedule import schedule

        return schedule(self.blocks, self.inputs, outputs.ravel(), kept=frozenset(kept), source=source)

    def rows_of(self, wires: np.ndarray) -> Rows:
        """Rows whose values are the wires: of the affine blocks that make them, else plain copies."""
        owner = self._owner(wires)
        parts, places = [], []
        for k in np.unique(owner):
            at = np.flatnonzero(owner == k)
            part = selection(wires[at]) if k < 0 else self.blocks[k].rows.take(wires[at] - self.blocks[k].base)
            parts.append(part)
            places.append(at)
        return stacked(parts, np.concatenate(places)) if parts else selection(wires)

    def _owner(self, wires: np.ndarray) -> np.ndarray:
        """Index of the affine block that makes each wire; -1 for inputs, zeros and other blocks."""
        owner = np.searchsorted(self._bases, wires, side="right") - 1
        return np.where((owner >= 0) & self._affine[owner], owner, -1)

    def _level(self, wires: np.ndarray) -> int:
        """Number of blocks on the longest way from the network's inputs to the wires."""
        if not len(wires) or not self.blocks:
            return 0
        owner = np.unique(np.searchsorted(self._bases, wires, side="right") - 1)
        return max((self.blocks[k].level for k in owner if k >= 0), default=0)

    def _add(self, rows: Rows, activation: Activation | None, name: str) -> np.ndarray:
        activation = activation or UnitActivations.uniform(IDENTITY, rows.count)
        block = Block(self._next, rows, activation, 1 + self._level(rows.inputs), name)
        self.blocks.append(block)
        self._bases = np.append(self._bases, block.base)
        self._affine = np.append(self._affine[:-1], [block.is_affine, False])
        self._next += activation.units
        return np.arange(block.base, self._next, dtype=np.int64)

    def _without(self, inputs: np.ndarray, weight: Any, drop: np.ndarray) -> tuple[np.ndarray, Any]:
        if not drop.any():
            return inputs, weight
        positions = np.where(drop, -1, np.cumsum(~drop) - 1)
        return inputs[~drop], place_columns(weight, positions, int((~drop).sum()))

    def _through_multiples(self, inputs: np.ndarray, weight: Any) -> tuple[np.ndarray, Any]:
        """Replace inputs that are multiples of one wire by that wire, where the scaled weights are exact."""
        owner = self._owner(inputs)
        wires, factors = inputs.copy(), np.ones(len(inputs))
        for k in np.unique(owner[owner >= 0]):
            multiples = self.blocks[k].rows.multiples
            if multiples is not None:
                at = owner == k
                local = inputs[at] - self.blocks[k].base
                wires[at], factors[at] = multiples[0][local], multiples[1][local]
        scaled = scale_columns(weight, factors)
        if scaled is None:
            return inputs, weight
        return self._without(wires, scaled, wires < 0)

    def _without_constants(self, inputs: np.ndarray, weight: Any, bias: np.ndarray):
        """Move constant inputs into the bias, where that is exact."""
        owner = self._owner(inputs)
        fixed = np.zeros(len(inputs), dtype=bool)
        values = np.zeros(len(inputs))
        for k in np.unique(owner[owner >= 0]):
            rows = self.blocks[k].rows
            if not len(rows.inputs) and rows.divisor is None:
                at = owner == k
                fixed |= at
                values[at] = rows.bias[inputs[at] - self.blocks[k].base]
        if not fixed.any() or int(fixed.sum()) * len(bias) > _CONSTANT_ENTRIES:
            return inputs, weight, bias
        part = weight[:, np.flatnonzero(fixed)]
        products = exact_product(part.toarray() if hasattr(part, "tocsr") else part, values[fixed])
        total: Any = bias
        for column in [] if products is None else products.T:
            total = None if total is None else exact_sum(total, column)
        if products is None or total is None:
            return inputs, weight, bias
        return *self._without(inputs, weight, fixed), total

    def _copies(self, inputs: np.ndarray) -> np.ndarray:
        """The inputs, with every repetition replaced by a fresh wire that copies it."""
        _, first = np.unique(inputs, return_index=True)
        again = np.ones(len(inputs), dtype=bool)
        again[first] = False
        out = inputs.copy()
        out[again] = self._add(selection(inputs[again]), None, "copy")
        return out
