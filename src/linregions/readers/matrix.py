"""Matrices that are dense while small and `scipy.sparse.csr_array` when large; scipy is loaded only for the latter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from ..machine import memory
from ..stage import is_sparse

DENSE_ENTRIES = 1 << 18
DENSE_SHARE = 0.25
# Bytes of one weight in a sparse matrix: itself and its place, and the copies that reading and the engine make.
WEIGHT_BYTES = 96


def prefers_dense(rows: int, columns: int, nonzeros: int) -> bool:
    """Whether a matrix of this shape is better kept dense."""
    size = rows * columns
    return size <= DENSE_ENTRIES or nonzeros > DENSE_SHARE * size


def check_nonzeros(nonzeros: int, where: str) -> None:
    """Refuse matrices that would not fit, before anything is allocated."""
    if WEIGHT_BYTES * nonzeros > (most := memory()):
        raise InputError(
            f"{where}: up to here the matrices of the network have {nonzeros:.2g} non-zero weights and take about "
            f"{WEIGHT_BYTES * nonzeros / 2**30:.0f} GiB, more than half of this machine's memory ({most / 2**30:.0f} "
            "GiB); read a smaller model or one with a smaller input, or take slices of a torch module by "
            "linregions.slicing.enumerate_slice, which needs no matrices"
        )


def from_entries(rows: np.ndarray, columns: np.ndarray, values: np.ndarray, shape: tuple[int, int]) -> Any:
    """The matrix with these entries, no position twice."""
    if prefers_dense(*shape, len(values)):
        dense = np.zeros(shape)
        dense[rows, columns] = values
        return dense
    from scipy.sparse import csr_array

    return csr_array((values.astype(np.float64), (rows, columns)), shape=shape)


def compact(weight: Any) -> Any:
    """The same matrix in the form that suits its size."""
    rows, columns = weight.shape
    nonzeros = weight.nnz if is_sparse(weight) else int(np.count_nonzero(weight))
    dense = prefers_dense(rows, columns, nonzeros)
    if dense == (not is_sparse(weight)):
        return weight
    return weight.toarray() if dense else to_sparse(weight)


def to_sparse(weight: Any) -> Any:
    """As `csr_array`."""
    from scipy.sparse import csr_array

    return weight if is_sparse(weight) else csr_array(weight)


def take_rows(weight: Any, rows: np.ndarray) -> Any:
    """Some rows, in the given order; the matrix itself when that is all of them in order."""
    if len(rows) == weight.shape[0] and np.array_equal(rows, np.arange(len(rows))):
        return weight
    return weight[rows]


def place_columns(weight: Any, positions: np.ndarray, width: int) -> Any:
    """Column `j` goes to column `positions[j]` of a matrix of `width` columns; -1 drops it."""
    if width == weight.shape[1] and np.array_equal(positions, np.arange(width)):
        return weight
    keep = positions >= 0
    if not is_sparse(weight):
        out = np.zeros((weight.shape[0], width))
        out[:, positions[keep]] = weight[:, keep]
        return out
    from scipy.sparse import csr_array

    if not keep.all():
        weight = csr_array(weight[:, np.flatnonzero(keep)])
        positions = positions[keep]
    indices = positions[weight.indices]
    return csr_array((weight.data, indices, weight.indptr), shape=(weight.shape[0], width))


def row_lengths(weight: Any) -> np.ndarray:
    """Number of stored entries of every row of a sparse matrix."""
    return np.diff(weight.indptr)


def used_columns(weight: Any) -> np.ndarray:
    """Which columns have a non-zero entry."""
    if not is_sparse(weight):
        return np.any(weight != 0, axis=0)
    used = np.zeros(weight.shape[1], dtype=bool)
    used[weight.indices[weight.data != 0]] = True
    return used


def stack(weights: Sequence[Any]) -> Any:
    """One matrix above the other."""
    if len(weights) == 1:
        return weights[0]
    rows, columns = sum(w.shape[0] for w in weights), weights[0].shape[1]
    if any(is_sparse(w) for w in weights) or rows * columns > DENSE_ENTRIES:
        from scipy.sparse import csr_array, vstack

        return csr_array(vstack([to_sparse(w) for w in weights]))
    return np.concatenate(weights, axis=0)


def beside(weights: Sequence[Any]) -> Any:
    """One matrix to the right of the other."""
    if any(is_sparse(w) for w in weights):
        from scipy.sparse import csr_array, hstack

        return csr_array(hstack([to_sparse(w) for w in weights]))
    return np.concatenate(weights, axis=1)
