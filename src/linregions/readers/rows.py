"""Affine rows over wires, and the algebra on them that is exact in float64 or does not happen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..stage import is_sparse
from .exactness import exact_product, exact_sum
from .matrix import beside, from_entries, place_columns, row_lengths, stack, take_rows, used_columns


@dataclass(frozen=True, eq=False)
class Rows:
    """The values `(weight @ wires[inputs] + bias) / divisor`; `inputs` are distinct, `divisor` None means 1."""

    inputs: np.ndarray
    weight: Any
    bias: np.ndarray
    divisor: np.ndarray | None = None

    @property
    def count(self) -> int:
        """Number of rows."""
        return int(self.weight.shape[0])

    def take(self, rows: np.ndarray) -> Rows:
        """Some of the rows, in the given order."""
        divisor = None if self.divisor is None else self.divisor[rows]
        return Rows(self.inputs, take_rows(self.weight, rows), self.bias[rows], divisor)

    def trimmed(self) -> Rows:
        """The same rows without the inputs that no row uses."""
        used = used_columns(self.weight)
        if used.all():
            return self
        positions = np.where(used, np.cumsum(used) - 1, -1)
        return replace(self, inputs=self.inputs[used], weight=place_columns(self.weight, positions, int(used.sum())))

    @cached_property
    def multiples(self) -> tuple[np.ndarray, np.ndarray] | None:
        """(wire, factor) of every row when each row is a plain multiple of one wire; the wire of a zero row is -1."""
        if self.divisor is not None or np.any(self.bias != 0):
            return None
        count = row_lengths(self.weight) if is_sparse(self.weight) else np.count_nonzero(self.weight, axis=1)
        if np.any(count > 1) or not len(self.inputs):
            return None
        wires, factors = np.full(self.count, -1, dtype=np.int64), np.zeros(self.count)
        if is_sparse(self.weight):
            some = count == 1
            wires[some], factors[some] = self.inputs[self.weight.indices], self.weight.data
        else:
            at = np.argmax(self.weight != 0, axis=1)
            factors = self.weight[np.arange(self.count), at]
            wires = np.where(count == 1, self.inputs[at], -1)
        return wires, factors

    def scaled(self, factor: np.ndarray, shift: np.ndarray, divisor: np.ndarray) -> Rows | None:
        """`(factor * self + shift) / divisor` row by row, or None when that is not exact in float64."""
        own = np.ones(self.count) if self.divisor is None else self.divisor
        weight = scale_rows(self.weight, factor)
        bias, moved = exact_product(self.bias, factor), exact_product(shift, own)
        both = None if bias is None or moved is None else exact_sum(bias, moved)
        total = exact_product(own, divisor)
        if weight is None or both is None or total is None:
            return None
        return Rows(self.inputs, weight, both, None if np.all(total == 1) else total)

    def plain(self) -> Rows:
        """The same rows without divisors, when those are powers of two (then 1 / divisor is exact)."""
        if self.divisor is None or np.any(np.frexp(self.divisor)[0] != 0.5):
            return self
        inverse = 1.0 / self.divisor
        weight, bias = scale_rows(self.weight, inverse), exact_product(self.bias, inverse)
        return self if weight is None or bias is None else Rows(self.inputs, weight, bias)


def selection(wires: np.ndarray) -> Rows:
    """Rows that copy wires; -1 is the constant zero."""
    inputs, columns = np.unique(wires, return_inverse=True)
    zeros = int(len(inputs) > 0 and inputs[0] < 0)
    inputs, columns = inputs[zeros:], columns.ravel() - zeros
    at = np.flatnonzero(columns >= 0)
    weight = from_entries(at, columns[at], np.ones(len(at)), (len(wires), len(inputs)))
    return Rows(inputs, weight, np.zeros(len(wires)))


def scale_rows(weight: Any, factor: np.ndarray) -> Any | None:
    """Row `i` times `factor[i]`, or None when that is not exact."""
    if np.all(factor == 1):
        return weight
    if not is_sparse(weight):
        return exact_product(weight, factor[:, None])
    data = exact_product(weight.data, np.repeat(factor, row_lengths(weight)))
    return None if data is None else _with_data(weight, data)


def scale_columns(weight: Any, factor: np.ndarray) -> Any | None:
    """Column `j` times `factor[j]`, or None when that is not exact."""
    if np.all(factor == 1):
        return weight
    if not is_sparse(weight):
        return exact_product(weight, factor)
    data = exact_product(weight.data, factor[weight.indices])
    return None if data is None else _with_data(weight, data)


def stacked(parts: Sequence[Rows], order: np.ndarray) -> Rows:
    """All rows of the parts, one part after the other, then row `i` moved to place `order[i]`."""
    if len(parts) == 1 and np.array_equal(order, np.arange(len(order))):
        return parts[0]
    inputs = np.unique(np.concatenate([p.inputs for p in parts]))
    weights = [place_columns(p.weight, np.searchsorted(inputs, p.inputs), len(inputs)) for p in parts]
    back = np.argsort(order)
    divisor = None
    if any(p.divisor is not None for p in parts):
        divisor = np.concatenate([np.ones(p.count) if p.divisor is None else p.divisor for p in parts])[back]
    bias = np.concatenate([p.bias for p in parts])[back]
    return Rows(inputs, take_rows(stack(weights), back), bias, divisor)


def added(parts: Sequence[Rows]) -> Rows | None:
    """The sum of the parts, row by row, or None when that is not exact in float64."""
    divisors = [np.ones(p.count) if p.divisor is None else p.divisor for p in parts]
    if any(not np.array_equal(d, divisors[0]) for d in divisors):
        return None
    inputs = np.unique(np.concatenate([p.inputs for p in parts]))
    weight, bias = None, np.zeros(parts[0].count)
    mixed = any(is_sparse(p.weight) for p in parts)
    for part in parts:
        placed = place_columns(part.weight, np.searchsorted(inputs, part.inputs), len(inputs))
        if mixed and not is_sparse(placed):
            from scipy.sparse import csr_array

            placed = csr_array(placed)
        weight = placed if weight is None else exact_sum(weight, placed)
        bias = exact_sum(bias, part.bias)
        if weight is None or bias is None:
            return None
    return Rows(inputs, weight, bias, parts[0].divisor)


def side_by_side(parts: Sequence[Rows]) -> tuple[np.ndarray, Any]:
    """Inputs (repetitions possible) and weight of the sum of parts that have neither bias nor divisor."""
    return np.concatenate([p.inputs for p in parts]), beside([p.weight for p in parts])


def without_repetitions(inputs: np.ndarray, weight: Any) -> tuple[np.ndarray, Any] | None:
    """Add up the columns of inputs that occur more than once, or None when that is not exact."""
    unique, column = np.unique(inputs, return_inverse=True)
    column = column.ravel()
    if len(unique) == len(inputs):
        return inputs, weight
    order = np.argsort(column, kind="stable")
    starts = np.searchsorted(column[order], np.arange(len(unique)))
    rank = np.empty(len(inputs), dtype=np.int64)
    rank[order] = np.arange(len(inputs)) - starts[column[order]]
    total = None
    for r in range(int(rank.max()) + 1):
        part = place_columns(weight, np.where(rank == r, column, -1), len(unique))
        total = part if total is None else exact_sum(total, part)
        if total is None:
            return None
    return unique, total


def _with_data(weight: Any, data: np.ndarray) -> Any:
    from scipy.sparse import csr_array

    return csr_array((data, weight.indices, weight.indptr), shape=weight.shape)
