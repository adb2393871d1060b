"""What a bound needs to know of a network: input dimension and, layer by layer, units, pieces and ranks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby
from typing import Any

import numpy as np

from ..activations import BY_NAME, MaxGroups, PiecewiseLinear, UnitActivations
from ..checks import plural, shown, whole_number
from ..domain import Domain
from ..errors import InputError
from ..exact import rank as exact_rank
from ..network import Network
from ..stage import Stage, is_sparse

# Beyond these a number of layers or units is a mistake, and the integers would only take memory.
MOST_UNITS = 10**6
MOST_LAYERS = 10**5


@dataclass(frozen=True)
class Layer:
    """One layer as a bound sees it.

    `units` split the input space, each into the number of pieces that `pieces` gives as (pieces, how many units);
    `linear` units have one piece and carry dimensions on; units that are constant are not counted.  `kind` is "relu",
    "scalar" or "maxout".  `split_rank` bounds the rank of the rows of the splitting units, `rank` that of all rows:
    their numbers where only widths are known.
    """

    units: int
    linear: int = 0
    kind: str = "relu"
    pieces: tuple[tuple[int, int], ...] = ()
    rank: int = 0
    split_rank: int = 0

    @classmethod
    def of_width(cls, units: int, *, kind: str = "relu", pieces: int = 2) -> Layer:
        """A layer of which only the width and the kind of unit are known."""
        rows = units * pieces if kind == "maxout" else units
        return cls(units, 0, kind, ((pieces, units),), rows, rows)

    @property
    def width(self) -> int:
        """Number of units that are not constant."""
        return self.units + self.linear

    def describe(self) -> str:
        """The splitting units in words."""
        if self.kind == "relu":
            return plural(self.units, "ReLU unit")
        what = "max of" if self.kind == "maxout" else "pieces:"
        return f"{plural(self.units, 'unit')} ({what} {', '.join(str(k) for k, _ in self.pieces)})"


@dataclass(frozen=True)
class Architecture:
    """Input dimension and hidden layers; `network` is the network they were read from, if any.

    Example:
        >>> architecture_of("2-16-16-1")
        Architecture(inputs=2, widths=(16, 16))
    """

    inputs: int
    layers: tuple[Layer, ...]
    network: Network | None = None
    domain: Domain | None = None

    @property
    def widths(self) -> tuple[int, ...]:
        """Number of units of every layer."""
        return tuple(layer.width for layer in self.layers)

    @property
    def units(self) -> int:
        """Number of units that split, over all layers."""
        return sum(layer.units for layer in self.layers)

    @property
    def plain(self) -> bool:
        """Whether it is fully connected ReLU layers and nothing else: what the existence theorems are about."""
        layers = self.layers
        return bool(layers) and all(v.kind == "relu" and not v.linear and v.units for v in layers)

    def __str__(self) -> str:
        where = f" on {self.domain!r}" if self.domain is not None else ""
        runs = [(width, len(list(run))) for width, run in groupby(self.widths)]
        # Only long runs are worth shortening: (2; 4, 4, 4), but (2; 1000 x 100).
        words = [f"{w} x {n}" if n > 4 else ", ".join([str(w)] * n) for w, n in runs]
        return f"({self.inputs}; {', '.join(words) or 'nothing splits'}){where}"

    def __repr__(self) -> str:
        return f"Architecture(inputs={self.inputs}, widths={self.widths})"


def architecture_of(
    source: Any, *, activation: Any = "relu", rank: int | None = None, domain: Domain | None = None
) -> Architecture:
    """The architecture that `source` names.

    Args:
        source: "2-16-16-1" or [2, 16, 16, 1], inputs first and outputs last; "2;16,16" or (2, [16, 16]), inputs and
            hidden widths alone; an `Architecture`; or a `Network`, whose ranks and dead units are then seen.
        activation: of the hidden units of a list of widths: a name or a `PiecewiseLinear`, or "maxout" with `rank`.
        rank: for maxout, of how many affine maps a unit is the maximum.
        domain: with a network, a domain on which units that stay in one piece are told apart (`stable`).

    Raises:
        InputError: no architecture can be read from `source`; a width is no positive whole number.
    """
    if isinstance(source, Network):
        if domain is None:
            return of_network(source)
        from .stable import on_domain

        return on_domain(source, domain)
    if domain is not None:
        raise InputError(f"domain: stable units need a Network, got {shown(source)}; leave the domain out or give one")
    if isinstance(source, Architecture):
        return source
    inputs, hidden = _parsed(source)
    kind, pieces = _kind(activation, rank)
    return Architecture(inputs, tuple(Layer.of_width(n, kind=kind, pieces=pieces) for n in hidden))


def of_network(network: Network) -> Architecture:
    """Layers of a network with exact ranks; affine stages before the last layer that splits count as layers."""
    layers, live = [], np.ones(network.input_dim, dtype=bool)
    for stage in network.stages:
        layer, live = layer_of(stage, Reach.everything(stage), live)
        layers.append(layer)
    return Architecture(network.input_dim, up_to_the_last_split(layers), network)


def up_to_the_last_split(layers: list[Layer]) -> tuple[Layer, ...]:
    """The layers without the affine ones at the end, which split nothing."""
    kept = max((k + 1 for k, layer in enumerate(layers) if layer.units), default=0)
    return tuple(layers[:kept])


@dataclass(frozen=True, eq=False)
class Reach:
    """What the units of one stage can do: scalar units are in pieces `first` to `last`, and `rows` may win in a max."""

    first: np.ndarray
    last: np.ndarray
    rows: np.ndarray

    @classmethod
    def everything(cls, stage: Stage) -> Reach:
        """No piece and no row is ruled out."""
        pieces = stage.activation.pieces
        return cls(np.zeros_like(pieces), pieces - 1, np.ones(stage.rows, dtype=bool))


def layer_of(stage: Stage, reach: Reach, live: np.ndarray) -> tuple[Layer, np.ndarray]:
    """A stage as a layer, and which of its units are not constant, given which of its inputs (`live`) are not."""
    still = ~_reads(stage, live)
    act = stage.activation
    if isinstance(act, MaxGroups):
        starts = act.offsets[:-1]
        sizes = np.add.reduceat(reach.rows.astype(np.int64), starts)
        constant = np.logical_and.reduceat(still | ~reach.rows, starts)
        relu, unit_of = np.zeros(act.units, dtype=bool), np.repeat(np.arange(act.units), act.pieces)
    else:
        sizes = reach.last - reach.first + 1
        flat, two = _flat_pieces(act, reach)
        constant = still | ((sizes == 1) & flat)
        relu, unit_of = (sizes == 2) & two, np.arange(act.units)
    splits = (sizes > 1) & ~constant
    kind = "maxout" if isinstance(act, MaxGroups) else "relu" if np.all(relu[splits]) else "scalar"
    counts = zip(*np.unique(sizes[splits], return_counts=True), strict=True)
    return Layer(
        units=int(splits.sum()),
        linear=int(np.sum(~splits & ~constant)),
        kind=kind,
        pieces=tuple((int(k), int(n)) for k, n in counts),
        rank=row_rank(stage, np.flatnonzero(reach.rows & ~still & ~constant[unit_of]), live),
        split_rank=row_rank(stage, np.flatnonzero(reach.rows & ~still & splits[unit_of]), live),
    ), ~constant


def _flat_pieces(act: UnitActivations, reach: Reach) -> tuple[np.ndarray, np.ndarray]:
    """Per unit: whether its first piece is flat, and whether exactly one of its first two is.

    A unit with two pieces of which one is flat is a ReLU up to affine maps before and after it, which neither its
    hyperplane nor the dimensions that it carries on depend on.
    """
    longest = max((f.pieces for f in act.functions), default=0) + 1
    table = np.zeros((len(act.functions), longest), dtype=bool)
    for k, f in enumerate(act.functions):
        table[k, : f.pieces] = np.array(f.slopes) == 0.0
    first, second = table[act.index, reach.first], table[act.index, reach.first + 1]
    return first, first != second


def _is_relu(f: PiecewiseLinear) -> bool:
    return f == BY_NAME["relu"]


def _reads(stage: Stage, live: np.ndarray) -> np.ndarray:
    """Which rows have an entry at an input that is not constant."""
    if is_sparse(stage.weight):
        entries = live[stage.weight.indices].astype(np.int64)
        total = np.concatenate([[0], np.cumsum(entries)])
        return np.diff(total[stage.weight.indptr]) > 0
    return np.any(stage.weight[:, live] != 0.0, axis=1)


def row_rank(stage: Stage, rows: np.ndarray, live: np.ndarray) -> int:
    """Exact rank of some rows of a stage's weight at some columns, or a proven upper bound on it where it is large."""
    columns = np.flatnonzero(live)
    if min(len(rows), len(columns)) == 0:
        return 0
    part = stage.weight[rows][:, columns]
    used = np.unique(part.nonzero()[1])
    most = min(len(rows), len(used))
    if len(rows) * len(used) > 256 * 256:
        return most
    dense = part.toarray() if is_sparse(part) else part
    return exact_rank([[Fraction(float(v)) for v in row] for row in dense[:, used]])


def _kind(activation: Any, rank: int | None) -> tuple[str, int]:
    if activation == "maxout":
        if rank is None:
            raise InputError("rank: a maxout unit needs the number of its affine maps, got None; give rank=3, say")
        return "maxout", _at_least_two(rank)
    if rank is not None:
        raise InputError(f"rank: only maxout units have one, got {shown(rank)} with activation {activation!r}")
    if isinstance(activation, str) and activation in BY_NAME:
        activation = BY_NAME[activation]
    if not isinstance(activation, PiecewiseLinear) or activation.pieces < 2:
        known = ", ".join(name for name, f in BY_NAME.items() if f.pieces > 1)
        raise InputError(f"activation: expected {known}, maxout or a PiecewiseLinear, got {shown(activation)}")
    return ("relu", 2) if _is_relu(activation) else ("scalar", activation.pieces)


def _at_least_two(rank: Any) -> int:
    if whole_number(rank, "rank") < 2:
        raise InputError(f"rank: a maxout unit of rank {rank} is affine; give 2 or more")
    return int(rank)


def _parsed(source: Any) -> tuple[int, list[int]]:
    if isinstance(source, str):
        return _parsed_text(source)
    if isinstance(source, Iterable):
        entries = list(source)
        if len(entries) == 2 and isinstance(entries[1], Iterable) and not isinstance(entries[1], str):
            return _checked(entries[0], list(entries[1]), repr(source))
        if len(entries) < 3:
            raise InputError(
                f"architecture: {shown(source)} names no hidden layer; write inputs, hidden widths and outputs as "
                "[2, 16, 16, 1], or (2, [16, 16]) without the outputs"
            )
        for k, width in enumerate(entries):
            whole_number(width, f"architecture: width {k + 1}")
        return _checked(entries[0], entries[1:-1], repr(source))
    raise InputError(f"architecture: expected widths, an Architecture or a Network, got {shown(source)}")


def _parsed_text(text: str) -> tuple[int, list[int]]:
    words = text.strip().strip("()")
    form = "2-16-16-1 (inputs, hidden widths, outputs) or '2;16,16' (inputs; hidden widths)"
    if re.fullmatch(r"\s*\d+\s*;\s*\d+(\s*[, ]\s*\d+)*\s*", words):
        inputs, hidden = words.split(";")
        return _checked(int(inputs), [int(w) for w in re.split(r"[\s,]+", hidden.strip())], text)
    if not re.fullmatch(r"\s*\d+(\s*-\s*\d+)*\s*", words):
        raise InputError(f"architecture: cannot read {shown(text)}; write {form}")
    widths = [int(w) for w in words.split("-")]
    if len(widths) < 3:
        raise InputError(f"architecture: {shown(text)} names no hidden layer; write {form}")
    if widths[-1] < 1:
        raise InputError(f"architecture: the number of outputs must be positive, got {widths[-1]} in {shown(text)}")
    return _checked(widths[0], widths[1:-1], text)


def _checked(inputs: Any, hidden: list[Any], source: str) -> tuple[int, list[int]]:
    if not hidden:
        raise InputError(f"architecture: no hidden layer in {source}; give at least one width")
    if len(hidden) > MOST_LAYERS:
        raise InputError(f"architecture: {len(hidden)} layers are more than the {MOST_LAYERS} that are supported")
    inputs = whole_number(inputs, "architecture: number of inputs", most=MOST_UNITS)
    return inputs, [
        whole_number(n, f"architecture: width of hidden layer {k}", most=MOST_UNITS)
        for k, n in enumerate(hidden, start=1)
    ]


def without_network(a: Architecture) -> Architecture:
    """The same widths as a plain architecture: what an existence theorem may speak of."""
    return replace(a, network=None, domain=None)
