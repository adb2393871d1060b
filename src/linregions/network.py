"""The intermediate representation: a network is a sequence of stages, each an affine map followed by activations."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from .activations import BY_NAME, RELU, MaxGroups, PiecewiseLinear, UnitActivations
from .checks import plural, shown
from .enclosure import bounded_activation, bounded_preactivation, doubtful
from .errors import InputError
from .exact import scaled_integers
from .integers import IntegerStage
from .stage import Stage, exact_float64

# Weights of more than this are not kept as integers beside the floats.
MOST_INTEGERS = 200_000


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
        if not isinstance(self.stages, Iterable):
            raise InputError(f"network: stages must be a sequence of Stage, got {shown(self.stages)}")
        object.__setattr__(self, "stages", tuple(self.stages))
        for k, stage in enumerate(self.stages):
            if not isinstance(stage, Stage):
                raise InputError(
                    f"network: stage {k + 1} must be a Stage, got {shown(stage)}; Network.from_arrays takes arrays"
                )
        if not self.stages:
            raise InputError("network: at least one layer is needed, got none")
        for k, (a, b) in enumerate(zip(self.stages, self.stages[1:], strict=False)):
            if a.units != b.inputs:
                raise InputError(
                    f"network: layer {k + 1} (shape {a.rows} x {a.inputs}) gives {plural(a.units, 'value')}, but "
                    f"layer {k + 2} (shape {b.rows} x {b.inputs}) takes {b.inputs}; make the shapes chain"
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
        pairs = _pairs(layers)
        functions = [*_functions(activation, len(pairs) - 1), _function(output, "output")]
        stages = []
        for k, ((w, b), f) in enumerate(zip(pairs, functions, strict=True)):
            weight = exact_float64(w, f"layer {k + 1}: weight")
            if weight.ndim != 2:
                raise InputError(f"layer {k + 1}: weight must have two axes (out, in), got shape {weight.shape}")
            function = UnitActivations.uniform(f, weight.shape[0])
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
        patterns, unsure = self._float_patterns(flat)
        for i in np.flatnonzero(unsure):
            patterns[i] = self.exact_pattern([Fraction(float(v)) for v in flat[i]])
        return patterns.reshape(*x.shape[:-1], self.unit_count)

    def exact_pattern(self, point: Sequence[Fraction]) -> np.ndarray:
        """Activation pattern at a rational point, in rational arithmetic."""
        state, out = _rationals(point, self.input_dim), []
        for stage in self.stages:
            pieces, state = stage.exact_step(state)
            keep = stage.activation.pieces > 1
            out.extend(p for p, k in zip(pieces, keep, strict=True) if k)
        return np.array(out, dtype=np.int32)

    def exact_values(self, point: Sequence[Fraction]) -> list[Fraction]:
        """Outputs at a rational point, in rational arithmetic."""
        state = _rationals(point, self.input_dim)
        if self.integer_stages is None:
            for stage in self.stages:
                _, state = stage.exact_step(state)
            return state
        ((numbers,), bottom), shift = scaled_integers([state]), 0
        for stage in self.integer_stages:
            numbers, shift = stage.values(numbers, bottom, shift)
        return [Fraction(v, bottom << shift) for v in numbers]

    @cached_property
    def integer_stages(self) -> tuple[IntegerStage, ...] | None:
        """The stages in integers; None where a divisor does not allow it, or where there are too many weights."""
        weights = sum(stage.weight.size for stage in self.stages)
        if weights > MOST_INTEGERS or any(stage.divisor is not None for stage in self.stages):
            return None
        return tuple(IntegerStage.of(stage) for stage in self.stages)

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
        return f"Network {widths}, {plural(self.unit_count, 'unit')} with pieces" + (f" ({kinds})" if kinds else "")

    def _points(self, x: Any) -> np.ndarray:
        x = exact_float64(x, "x")
        if x.ndim == 0 or x.shape[-1] != self.input_dim:
            inputs = plural(self.input_dim, "input")
            raise InputError(f"x: the last axis must have the network's {inputs}, got shape {x.shape}")
        return x

    def _split(self, pattern: Any) -> list[np.ndarray]:
        """A pattern as one piece index per unit and stage, units of one piece included."""
        try:
            pattern = np.asarray(pattern)
        except ValueError as error:
            raise InputError(f"pattern: expected a vector of piece indices, got {shown(pattern)}") from error
        if pattern.shape != (self.unit_count,):
            wanted = plural(self.unit_count, "piece index", "piece indices")
            raise InputError(f"pattern: expected {wanted}, got shape {pattern.shape}")
        if pattern.dtype.kind not in "iub" and pattern.size:
            raise InputError(f"pattern: piece indices must be integers, got dtype {pattern.dtype}")
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
        unsure = np.zeros(len(x), dtype=bool)
        out = []
        with np.errstate(all="ignore"):
            for stage in self.stages:
                z, error = bounded_preactivation(stage, x, error)
                unsure |= doubtful(stage, z, error)
                pieces = stage.piece(z)
                out.append(pieces[:, stage.activation.pieces > 1])
                x, error = bounded_activation(stage, z, error)
        unsure |= ~np.isfinite(x).all(axis=1)
        return np.concatenate(out, axis=1), unsure


def _pairs(layers: Any) -> list[tuple[Any, Any]]:
    if isinstance(layers, str | bytes) or not isinstance(layers, Iterable):
        raise InputError(f"layers: expected pairs [(W, b), ...], got {shown(layers)}")
    pairs = list(layers)
    for k, pair in enumerate(pairs):
        if not isinstance(pair, Sequence | np.ndarray) or isinstance(pair, str | bytes) or len(pair) != 2:
            raise InputError(f"layer {k + 1}: expected a pair (W, b), got {shown(pair)}")
    if not pairs:
        raise InputError("network: at least one layer is needed, got none")
    return pairs


def _functions(activation: Any, hidden: int) -> list[PiecewiseLinear]:
    if isinstance(activation, str | PiecewiseLinear) or not isinstance(activation, Iterable):
        return [_function(activation, "activation")] * hidden
    functions = [_function(f, "activation") for f in activation]
    if len(functions) != hidden:
        wanted = plural(hidden, "hidden layer")
        raise InputError(f"activation: give one for each of {wanted}, got {len(functions)}")
    return functions


def _function(f: Any, what: str) -> PiecewiseLinear:
    if isinstance(f, PiecewiseLinear):
        return f
    known = f"use one of {', '.join(BY_NAME)} or a PiecewiseLinear"
    if not isinstance(f, str):
        raise InputError(f"{what}: expected a name or a PiecewiseLinear, got {shown(f)}; {known}")
    if f not in BY_NAME:
        raise InputError(f"{what}: unknown name {f!r}; {known}")
    return BY_NAME[f]


def _rationals(point: Any, inputs: int) -> list[Fraction]:
    if isinstance(point, str | bytes) or not isinstance(point, Iterable):
        raise InputError(f"point: expected {plural(inputs, 'number')}, got {shown(point)}")
    # numpy's scalars are unwrapped: the integers among them would stay in 64 bits within a Fraction.
    entries = [v.item() if isinstance(v, np.generic) else v for v in point]
    if len(entries) != inputs:
        raise InputError(f"point: expected one number for each of the network's inputs ({inputs}), got {len(entries)}")
    try:
        return [Fraction(v) for v in entries]
    except (TypeError, ValueError, ArithmeticError) as error:
        raise InputError(f"point: every entry must be a finite rational number, got {shown(entries)}") from error


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
