"""The intermediate representation: a network is a sequence of stages, each an affine map followed by activations."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from .activations import BY_NAME, RELU, Activation, MaxGroups, PiecewiseLinear, UnitActivations
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
                raise InputError(f"{where}: divisor must be {rows} positive numbers, got shape {divisor.shape}")
            divisor.flags.writeable = False
            object.__setattr__(self, "divisor", divisor if np.any(divisor != 1.0) else None)
        self._check_activation(where, rows)

    def _check_activation(self, where: str, rows: int) -> None:
        act = self.activation
        if isinstance(act, MaxGroups):
            offsets = act.offsets
            if offsets[0] != 0 or offsets[-1] != rows or np.any(np.diff(offsets) < 1):
                raise InputError(f"{where}: max groups must split the {rows} rows into non-empty runs")
        elif len(act.index) != rows:
            raise InputError(f"{where}: {rows} rows need {rows} activations, got {len(act.index)}")

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


@dataclass(frozen=True, eq=False, repr=False)
class Network:
    """An immutable piecewise-linear network: a sequence of stages.

    The network is the real-valued function whose weights are exactly the given floating-point numbers.

    Example:
        >>> net = Network.from_arrays([([[1.0], [-1.0]], [0.0, 1.0]), ([[1.0, 1.0]], [0.0])])
        >>> net
        Network 1-2-1, 2 units with pieces (2 relu)
        >>> net(np.array([[3.0]])), net.pattern(np.array([0.5]))
        (array([[3.]]), array([1, 1], dtype=int32))
    """

    stages: tuple[Stage, ...]
    source: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", tuple(self.stages))
        if not self.stages:
            raise InputError("network: at least one layer is needed, got none")
        for k, (a, b) in enumerate(zip(self.stages, self.stages[1:], strict=False)):
            if a.units != b.inputs:
                raise InputError(
                    f"network: layer {k + 1} (shape {a.rows} x {a.inputs}) gives {a.units} values, but layer {k + 2} "
                    f"(shape {b.rows} x {b.inputs}) takes {b.inputs}; make the shapes chain"
                )
        if self.input_dim == 0:
            raise InputError("network: the first layer takes no inputs; a network needs at least one")

    @classmethod
    def from_arrays(
        cls,
        layers: Sequence[tuple[Any, Any]],
        *,
        activation: str | PiecewiseLinear | Sequence[str | PiecewiseLinear] = RELU,
        output: str | PiecewiseLinear = "identity",
        source: str = "arrays",
    ) -> Network:
        """Build a fully connected network from `[(W, b), ...]`, each W (out, in); the last pair is the linear output.

        Args:
            layers: weight and bias of every layer, input side first.
            activation: one activation for all hidden layers, or one for each.
            output: the activation after the last layer.
            source: a word on where the arrays come from, shown in messages.

        Raises:
            InputError: a shape does not chain, a number is not finite or not exactly a float64.
        """
        layers = list(layers)
        hidden = len(layers) - 1
        if isinstance(activation, str | PiecewiseLinear):
            functions = [activation] * hidden
        else:
            functions = list(activation)
            if len(functions) != hidden:
                raise InputError(f"activation: {hidden} hidden layers need {hidden} activations, got {len(functions)}")
        stages = []
        for k, ((w, b), f) in enumerate(zip(layers, [*functions, output], strict=True)):
            weight = exact_float64(w, f"layer {k + 1}: weight")
            if weight.ndim != 2:
                raise InputError(f"layer {k + 1}: weight must have two axes (out, in), got shape {weight.shape}")
            function = UnitActivations.uniform(_function(f), weight.shape[0])
            stages.append(Stage(weight, b, function, name=str(k + 1)))
        return cls(tuple(stages), source)

    @property
    def input_dim(self) -> int:
        """Number of inputs."""
        return self.stages[0].inputs

    @property
    def output_dim(self) -> int:
        """Number of outputs."""
        return self.stages[-1].units

    @cached_property
    def pieces(self) -> np.ndarray:
        """Number of pieces of every unit that has more than one, in the order of `pattern`."""
        counts = [s.activation.pieces for s in self.stages]
        every = np.concatenate(counts)
        return every[every > 1]

    @property
    def unit_count(self) -> int:
        """Number of units that have more than one piece."""
        return len(self.pieces)

    def __call__(self, x: Any) -> np.ndarray:
        """Evaluate in float64: `x` is (..., inputs), the result (..., outputs)."""
        x = self._points(x)
        for stage in self.stages:
            x = stage(x)
        return x

    def pattern(self, x: Any) -> np.ndarray:
        """Activation pattern: the piece index of every unit that has more than one piece, (..., units).

        A ReLU counts as active (piece 1) where its pre-activation is > 0.  Decided exactly: a point at which float64
        with its rigorous error bound cannot tell is evaluated in rationals.
        """
        x = self._points(x)
        flat = x.reshape(-1, self.input_dim)
        patterns, doubtful = self._float_patterns(flat)
        for i in np.flatnonzero(doubtful):
            patterns[i] = self.exact_pattern([Fraction(float(v)) for v in flat[i]])
        return patterns.reshape(*x.shape[:-1], self.unit_count)

    def exact_pattern(self, point: Sequence[Fraction]) -> np.ndarray:
        """Activation pattern at a rational point, in rational arithmetic."""
        state, out = list(point), []
        for stage in self.stages:
            pieces, state = stage.exact_step(state)
            keep = stage.activation.pieces > 1
            out.extend(p for p, k in zip(pieces, keep, strict=True) if k)
        return np.array(out, dtype=np.int32)

    def exact_values(self, point: Sequence[Fraction]) -> list[Fraction]:
        """Outputs at a rational point, in rational arithmetic."""
        state = list(point)
        for stage in self.stages:
            _, state = stage.exact_step(state)
        return state

    def affine_map(self, pattern: Any) -> tuple[np.ndarray, np.ndarray]:
        """Slope (outputs, inputs) and offset (outputs,) of the affine map that the network is where it has `pattern`.

        In float64; `exact_affine_map` gives rationals.
        """
        chosen = self._split(pattern)
        slope, offset = np.eye(self.input_dim), np.zeros(self.input_dim)
        for stage, pieces in zip(self.stages, chosen, strict=True):
            slope, offset = stage.weight @ slope, stage.weight @ offset + stage.bias
            if stage.divisor is not None:
                slope, offset = slope / stage.divisor[:, None], offset / stage.divisor
            act = stage.activation
            if isinstance(act, MaxGroups):
                rows = act.offsets[:-1] + pieces
                slope, offset = slope[rows], offset[rows]
            elif not act.is_identity:
                gains = np.array([act.functions[k].slopes[p] for k, p in zip(act.index, pieces, strict=True)])
                shifts = [float(act.functions[k].intercepts[p]) for k, p in zip(act.index, pieces, strict=True)]
                slope, offset = slope * gains[:, None], offset * gains + np.array(shifts)
        return np.asarray(slope), np.asarray(offset)

    def exact_affine_map(self, pattern: Any) -> tuple[list[list[Fraction]], list[Fraction]]:
        """Slope and offset in rationals."""
        chosen = self._split(pattern)
        n = self.input_dim
        # A row is [slope..., offset].
        rows = [[Fraction(int(i == j)) for j in range(n + 1)] for i in range(n)]
        for stage, pieces in zip(self.stages, chosen, strict=True):
            rows = _exact_stage(stage, pieces, rows, n)
        return [r[:n] for r in rows], [r[n] for r in rows]

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the content: equal networks have equal hashes on every machine."""
        digest = hashlib.sha256(b"linregions network 1\n")
        for stage in self.stages:
            digest.update(f"{stage.rows} {stage.inputs}\n".encode())
            for i in range(stage.rows):
                columns, values = stage.row(i)
                digest.update(np.asarray(columns, dtype="<i8").tobytes() + np.asarray(values, dtype="<f8").tobytes())
            # Adding 0.0 makes -0.0 and 0.0 one number, as they are.
            digest.update((stage.bias + 0.0).astype("<f8").tobytes())
            if stage.divisor is not None:
                digest.update(b"/" + stage.divisor.astype("<f8").tobytes())
            act = stage.activation
            if isinstance(act, MaxGroups):
                digest.update(b"max" + act.offsets.astype("<i8").tobytes())
            else:
                for k in act.index:
                    f = act.functions[k]
                    digest.update(repr((f.breakpoints, f.slopes, f.value + 0.0)).encode())
        return digest.hexdigest()

    def __repr__(self) -> str:
        widths = "-".join(str(w) for w in [self.input_dim, *(s.units for s in self.stages)])
        tally: dict[str, int] = {}
        for stage in self.stages:
            act = stage.activation
            if isinstance(act, MaxGroups):
                tally["max"] = tally.get("max", 0) + int(np.sum(act.pieces > 1))
                continue
            for k, count in zip(*np.unique(act.index, return_counts=True), strict=True):
                f = act.functions[k]
                if f.pieces > 1:
                    name = f.name or f"{f.pieces}-piece"
                    tally[name] = tally.get(name, 0) + int(count)
        kinds = ", ".join(f"{v} {k}" for k, v in tally.items() if v)
        return f"Network {widths}, {self.unit_count} units with pieces" + (f" ({kinds})" if kinds else "")

    def _points(self, x: Any) -> np.ndarray:
        x = np.asarray(x, dtype=np.float64)
        if x.ndim == 0 or x.shape[-1] != self.input_dim:
            raise InputError(f"x: the last axis must have the network's {self.input_dim} inputs, got shape {x.shape}")
        return x

    def _split(self, pattern: Any) -> list[np.ndarray]:
        """A pattern as one piece index per unit and stage, units of one piece included."""
        pattern = np.asarray(pattern)
        if pattern.shape != (self.unit_count,):
            raise InputError(f"pattern: expected {self.unit_count} piece indices, got shape {pattern.shape}")
        if np.any(pattern < 0) or np.any(pattern >= self.pieces):
            raise InputError("pattern: a piece index is outside its unit's pieces; take patterns from net.pattern(x)")
        out, at = [], 0
        for stage in self.stages:
            keep = stage.activation.pieces > 1
            pieces = np.zeros(stage.units, dtype=np.int64)
            count = int(keep.sum())
            pieces[keep] = pattern[at : at + count]
            at += count
            out.append(pieces)
        return out

    def _float_patterns(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Patterns (points, units) in float64 and, per point, whether some sign was within its error bound."""
        error = np.zeros_like(x)
        doubtful = np.zeros(len(x), dtype=bool)
        out = []
        with np.errstate(all="ignore"):
            for stage in self.stages:
                z, error = _bounded_preactivation(stage, x, error)
                doubtful |= _doubtful(stage, z, error)
                pieces = stage.piece(z)
                out.append(pieces[:, stage.activation.pieces > 1])
                x, error = _bounded_activation(stage, z, error)
        doubtful |= ~np.isfinite(x).all(axis=1)
        return np.concatenate(out, axis=1), doubtful


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


def _function(f: str | PiecewiseLinear) -> PiecewiseLinear:
    if isinstance(f, PiecewiseLinear):
        return f
    if f not in BY_NAME:
        raise InputError(f"activation: unknown name {f!r}; use one of {', '.join(BY_NAME)} or a PiecewiseLinear")
    return BY_NAME[f]


def _exact_stage(stage: Stage, pieces: np.ndarray, rows: list[list[Fraction]], n: int) -> list[list[Fraction]]:
    out = []
    for i in range(stage.rows):
        columns, weights = stage.row(i)
        new = [Fraction(0)] * n + [Fraction(float(stage.bias[i]))]
        for j, w in zip(columns, weights, strict=True):
            w = Fraction(float(w))
            new = [a + w * b for a, b in zip(new, rows[j], strict=True)]
        if stage.divisor is not None:
            new = [a / Fraction(float(stage.divisor[i])) for a in new]
        out.append(new)
    act = stage.activation
    if isinstance(act, MaxGroups):
        return [out[a + p] for a, p in zip(act.offsets[:-1], pieces, strict=True)]
    for i, (k, p) in enumerate(zip(act.index, pieces, strict=True)):
        f = act.functions[k]
        if not f.is_identity:
            out[i] = [Fraction(f.slopes[p]) * a for a in out[i]]
            out[i][n] += f.intercepts[p]
    return out


# Running error bounds: `error` bounds |computed - exact| entry by entry.  u = 2^-53; the factor 1.01 covers the
# rounding of the bound itself, 1e-300 covers underflow.
_U = 2.0**-53
_TINY = 1e-300


def _bounded_preactivation(stage: Stage, x: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    z = stage.preactivation(x)
    gamma = (stage.inputs + 6) * _U
    magnitude = abs(stage.weight) @ (error + gamma * np.abs(x)).T
    bound = 1.01 * (magnitude.T + gamma * np.abs(stage.bias))
    if stage.divisor is not None:
        bound = bound / stage.divisor
    return z, bound + 4 * _U * np.abs(z) + _TINY


def _doubtful(stage: Stage, z: np.ndarray, error: np.ndarray) -> np.ndarray:
    act = stage.activation
    bad = ~np.all(np.isfinite(error) & np.isfinite(z), axis=1)
    if isinstance(act, MaxGroups):
        for g in np.flatnonzero(act.pieces > 1):
            part = slice(act.offsets[g], act.offsets[g + 1])
            top = np.argmax(z[:, part], axis=1)[:, None]
            gap = np.take_along_axis(z[:, part], top, 1) - z[:, part]
            room = np.take_along_axis(error[:, part], top, 1) + error[:, part]
            close = gap <= 1.01 * room
            np.put_along_axis(close, top, False, 1)
            bad |= np.any(close, axis=1)
        return bad
    for k, f in enumerate(act.functions):
        mask = act.index == k
        for t in f.breakpoints:
            bad |= np.any(np.abs(z[:, mask] - t) <= 1.01 * error[:, mask] + 4 * _U * abs(t), axis=1)
    return bad


def _bounded_activation(stage: Stage, z: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    act = stage.activation
    y = stage.activate(z)
    if isinstance(act, MaxGroups):
        return y, np.maximum.reduceat(error, act.offsets[:-1], axis=-1)
    gain = np.array([max(abs(s) for s in f.slopes) for f in act.functions])[act.index]
    shift = np.array([max(abs(float(c)) for c in f.intercepts) for f in act.functions])[act.index]
    plain = np.array([f.is_identity or f == RELU for f in act.functions])[act.index]
    rounding = np.where(plain, 0.0, 4 * _U * (gain * np.abs(z) + shift))
    return y, 1.01 * gain * error + rounding
