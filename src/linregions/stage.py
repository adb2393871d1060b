"""One step of a network: an affine map followed by activations, in float64 and in rationals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from .activations import Activation, MaxGroups, UnitActivations
from .checks import plural, shown
from .errors import InputError

# A field whose constructor takes any array-like and which then holds the float64 array made of it.
Array = np.ndarray | Any


@dataclass(frozen=True, eq=False)
class Stage:
    """One step `x -> activation((W x + b) / divisor)`.

    `weight` (rows, inputs) is a dense float64 array or a `scipy.sparse.csr_array`; `bias` (rows,) and the optional
    positive `divisor` (rows,) are float64.  All of them are taken as the exact rational numbers that they are; the
    divisor exists because 1/9 is no float.  With `UnitActivations`, rows are units; with `MaxGroups`, a unit is the
    maximum over its group of rows.
    """

    weight: Any
    bias: Array
    activation: Activation
    divisor: Array | None = None
    name: str = ""

    def __post_init__(self) -> None:
        where = f"layer {self.name}" if self.name else "layer"
        weight = _exact_weight(self.weight, where)
        rows = weight.shape[0]
        bias = exact_float64(self.bias, f"{where}: bias")
        if bias.shape != (rows,):
            raise InputError(f"{where}: bias must have shape ({rows},) to match the weight's rows, got {bias.shape}")
        bias.flags.writeable = False
        object.__setattr__(self, "weight", weight)
        object.__setattr__(self, "bias", bias)
        if self.divisor is not None:
            divisor = exact_float64(self.divisor, f"{where}: divisor")
            if divisor.shape != (rows,) or not np.all(divisor > 0):
                raise InputError(
                    f"{where}: divisor must be {plural(rows, 'positive number')}, got shape {divisor.shape}"
                )
            divisor.flags.writeable = False
            object.__setattr__(self, "divisor", divisor if np.any(divisor != 1.0) else None)
        self._check_activation(where, rows)

    def _check_activation(self, where: str, rows: int) -> None:
        act = self.activation
        if not isinstance(act, UnitActivations | MaxGroups):
            raise InputError(
                f"{where}: activation must be UnitActivations or MaxGroups, got {shown(act)}; "
                "UnitActivations.uniform(function, rows) gives every row the same function"
            )
        if isinstance(act, MaxGroups):
            offsets = act.offsets
            if not len(offsets) or offsets[0] != 0 or offsets[-1] != rows or np.any(np.diff(offsets) < 1):
                raise InputError(f"{where}: max groups must split the {plural(rows, 'row')} into non-empty runs")
        elif len(act.index) != rows:
            raise InputError(
                f"{where}: activation must give one function for each of {plural(rows, 'row')}, got {len(act.index)}"
            )

    @property
    def inputs(self) -> int:
        """Width of the stage's input."""
        return int(self.weight.shape[1])

    @property
    def rows(self) -> int:
        """Number of rows of the affine map."""
        return int(self.weight.shape[0])

    @property
    def units(self) -> int:
        """Width of the stage's output."""
        return self.activation.units

    def preactivation(self, x: np.ndarray) -> np.ndarray:
        """The affine part in float64; `x` is (..., inputs)."""
        z = (self.weight @ x.reshape(-1, self.inputs).T).T if is_sparse(self.weight) else x @ self.weight.T
        z = z.reshape(*x.shape[:-1], self.rows) + self.bias
        return z if self.divisor is None else z / self.divisor

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The whole stage in float64."""
        return self.activate(self.preactivation(x))

    def activate(self, z: np.ndarray) -> np.ndarray:
        """Apply the activations to `z` (..., rows)."""
        act = self.activation
        if isinstance(act, MaxGroups):
            if act.is_identity:
                return z
            return np.maximum.reduceat(z, act.offsets[:-1], axis=-1)
        if len(act.functions) == 1:
            return z if act.functions[0].is_identity else act.functions[0](z)
        out = np.empty_like(z)
        for k, function in enumerate(act.functions):
            mask = act.index == k
            out[..., mask] = function(z[..., mask])
        return out

    def piece(self, z: np.ndarray) -> np.ndarray:
        """Piece (or winning row within the group) of every unit, from `z` (..., rows)."""
        act = self.activation
        out = np.zeros((*z.shape[:-1], self.units), dtype=np.int32)
        if isinstance(act, MaxGroups):
            for g in np.flatnonzero(act.pieces > 1):
                out[..., g] = np.argmax(z[..., act.offsets[g] : act.offsets[g + 1]], axis=-1)
            return out
        for k, function in enumerate(act.functions):
            if function.pieces > 1:
                mask = act.index == k
                out[..., mask] = function.piece(z[..., mask])
        return out

    def exact_preactivation(self, x: Sequence[Fraction]) -> list[Fraction]:
        """The affine part in rationals, at one point."""
        out = []
        for i in range(self.rows):
            columns, weights = self.row(i)
            z = Fraction(float(self.bias[i]))
            for j, w in zip(columns, weights, strict=True):
                z += Fraction(float(w)) * x[j]
            out.append(z if self.divisor is None else z / Fraction(float(self.divisor[i])))
        return out

    def exact_step(self, x: Sequence[Fraction]) -> tuple[list[int], list[Fraction]]:
        """Pieces and outputs in rationals, at one point."""
        z, act = self.exact_preactivation(x), self.activation
        if isinstance(act, MaxGroups):
            groups = [z[a:b] for a, b in zip(act.offsets[:-1], act.offsets[1:], strict=True)]
            winners = [g.index(max(g)) for g in groups]
            return winners, [g[w] for g, w in zip(groups, winners, strict=True)]
        steps = [act.functions[k].exact(v) for k, v in zip(act.index, z, strict=True)]
        return [s[0] for s in steps], [s[1] for s in steps]

    def row(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Column indices and values of the non-zero entries of row `i`."""
        if is_sparse(self.weight):
            a, b = self.weight.indptr[i], self.weight.indptr[i + 1]
            return self.weight.indices[a:b], self.weight.data[a:b]
        columns = np.flatnonzero(self.weight[i])
        return columns, self.weight[i, columns]


def _exact_weight(weight: Any, where: str) -> Any:
    """A read-only float64 matrix, dense or CSR in canonical form."""
    if is_sparse(weight):
        from scipy.sparse import csr_array

        weight = csr_array(weight)
        weight.sum_duplicates()
        weight.eliminate_zeros()
        weight.sort_indices()
        weight.data = exact_float64(weight.data, f"{where}: weight")
        weight.data.flags.writeable = False
        return weight
    weight = exact_float64(weight, f"{where}: weight")
    if weight.ndim != 2:
        raise InputError(f"{where}: weight must have two axes (rows, inputs), got shape {weight.shape}")
    weight.flags.writeable = False
    return weight


def exact_float64(values: Any, what: str) -> np.ndarray:
    """A float64 copy of `values`; refuses what is not numeric, not finite, or not exactly a float64."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise InputError(f"{what}: the rows have unequal lengths; give a rectangular array") from error
    except (TypeError, RuntimeError) as error:  # a tensor on a device, or one that requires a gradient
        raise InputError(f"{what}: cannot be made an array ({' '.join(str(error).split())})") from error
    if array.dtype.kind not in "fiub":
        raise InputError(f"{what}: expected real numbers, got dtype {array.dtype}")
    out = array.astype(np.float64)
    if not np.all(np.isfinite(out)):
        raise InputError(f"{what}: contains NaN or infinity; every number must be finite")
    wide = array.dtype.itemsize > 8 or (array.dtype.kind in "iu" and array.dtype.itemsize == 8)
    if wide and not np.array_equal(out.astype(array.dtype), array):
        raise InputError(f"{what}: dtype {array.dtype} holds numbers that no float64 is; round them first")
    return out


def is_sparse(weight: Any) -> bool:
    """Whether `weight` is a scipy sparse array (looked up without importing scipy)."""
    return hasattr(weight, "tocsr")
