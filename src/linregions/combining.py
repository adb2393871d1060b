"""Several networks as one: side by side, one after the other, and with hyperplanes that only split.

No weight is multiplied by another, so the numbers of the joint network are those of the given ones, and what is exact
about it is exact about them.  A network that is done, or has to wait, is carried by units that are the identity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .activations import IDENTITY, RELU, Activation, MaxGroups, UnitActivations
from .checks import plural, shown
from .errors import InputError
from .network import Network
from .stage import Stage, exact_float64, is_sparse


def joint(networks: Sequence[Network], *, rows: Any = ()) -> Network:
    """The networks side by side on the same input, `x -> (f_1(x), f_2(x), ...)`, with hyperplanes that split cells.

    A row `(a_1, ..., a_n, c)` becomes one more ReLU of `a.x + c` that no output depends on: a cell of the joint network
    lies on one side of it.

    Args:
        networks: at least one, or none where `rows` are given; then the one output is constantly 0.
        rows: (rows, n + 1) float64, each taken as the exact numbers that they are.

    Returns:
        A network whose outputs are those of the given ones, in their order.

    Raises:
        InputError: the networks take inputs of different dimensions, or a row does not fit.

    Example:
        >>> from linregions import Box, Network, count
        >>> left = Network.from_arrays([([[1.0, 0.0]], [0.0]), ([[1.0]], [0.0])])
        >>> right = Network.from_arrays([([[0.0, 1.0]], [0.0]), ([[2.0]], [1.0])])
        >>> both = joint([left, right], rows=[[1.0, 1.0, 0.0]])
        >>> both(np.array([3.0, -4.0])), count(both, Box.cube(-1, 1, 2)).value
        (array([3., 1.]), 6)
    """
    nets = _checked(networks)
    table = _rows(rows, nets)
    inputs = nets[0].input_dim if nets else table.shape[1] - 1
    parts = [_Part(net.stages, inputs) for net in nets]
    if len(table):
        splitting = Stage(table[:, :-1], table[:, -1], UnitActivations.uniform(RELU, len(table)), name="splitting")
        parts.append(_Part((splitting,), inputs, forgotten=True))
    elif len(parts) == 1:
        return nets[0]
    stages = []
    while any(part.waiting for part in parts):
        stages.append(_step(parts, inputs, first=not stages))
    if parts[-1].forgotten and parts[-1].width:
        stages.append(_last(parts[:-1], parts[-1]))
    return Network(tuple(stages), source="joint")


def compose(outer: Network, inner: Network) -> Network:
    """The network `x -> outer(inner(x))`.

    Raises:
        InputError: the outputs of `inner` are not as many as the inputs of `outer`.

    Example:
        >>> from linregions import Network
        >>> size = Network.from_arrays([([[1.0], [-1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> step = Network.from_arrays([([[0.5]], [-1.0])])
        >>> compose(size, step)(np.array([0.0]))
        array([1.])
    """
    outer, inner = _network(outer, "outer"), _network(inner, "inner")
    if inner.output_dim != outer.input_dim:
        raise InputError(
            f"inner: gives {plural(inner.output_dim, 'output')}, but outer takes {outer.input_dim}; make them agree"
        )
    return Network((*inner.stages, *outer.stages), source="composed")


def difference(first: Network, second: Network) -> Network:
    """The network `x -> first(x) - second(x)`.

    Raises:
        InputError: they have different numbers of inputs or outputs.

    Example:
        >>> from linregions import Network
        >>> size = Network.from_arrays([([[1.0], [-1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> step = Network.from_arrays([([[0.5]], [0.0])])
        >>> difference(compose(size, step), size)(np.array([-3.0]))
        array([-1.5])
    """
    first, second = _network(first, "first"), _network(second, "second")
    outputs = first.output_dim
    if second.output_dim != outputs:
        raise InputError(
            f"second: gives {plural(second.output_dim, 'output')}, but first {outputs}; a difference needs as many"
        )
    weight = np.concatenate([np.eye(outputs), -np.eye(outputs)], axis=1)
    last = Stage(weight, np.zeros(outputs), UnitActivations.uniform(IDENTITY, outputs), name="difference")
    return Network((*joint([first, second]).stages, last), source="difference")


@dataclass(eq=False)
class _Part:
    """One network on its way into the joint one: what it has still to do, and the width of its state.

    One that is `forgotten` only splits: when it is done, nothing of it is carried on.
    """

    waiting: tuple[Stage, ...]
    width: int
    forgotten: bool = False


def _checked(networks: Any) -> list[Network]:
    if isinstance(networks, Network) or not isinstance(networks, Sequence):
        raise InputError(f"networks: expected a sequence of Network, got {shown(networks)}")
    nets = [_network(net, f"networks: entry {k}") for k, net in enumerate(networks)]
    for k, net in enumerate(nets):
        if net.input_dim != nets[0].input_dim:
            raise InputError(
                f"networks: entry {k} takes {plural(net.input_dim, 'input')} and entry 0 {nets[0].input_dim}; "
                "give networks of the same input"
            )
    return nets


def _network(net: Any, what: str) -> Network:
    if not isinstance(net, Network):
        raise InputError(f"{what} must be a Network, got {shown(net)}; linregions.readers.read makes one of a model")
    return net


def _rows(rows: Any, nets: list[Network]) -> np.ndarray:
    table = exact_float64(rows, "rows")
    if not table.size:
        if not nets:
            raise InputError("networks: at least one network or one splitting row is needed, got none")
        return np.zeros((0, nets[0].input_dim + 1))
    if table.ndim != 2 or table.shape[1] < 2 or (nets and table.shape[1] != nets[0].input_dim + 1):
        wanted = f"(rows, {nets[0].input_dim + 1})" if nets else "(rows, n + 1)"
        raise InputError(f"rows: expected {wanted}, a normal and a constant in each, got shape {table.shape}")
    return table


def _step(parts: list[_Part], inputs: int, *, first: bool) -> Stage:
    """One stage in which as many parts as possible take theirs; a max and a scalar function do not share a stage."""
    plain = [part for part in parts if part.waiting and isinstance(part.waiting[0].activation, UnitActivations)]
    go = plain or [part for part in parts if part.waiting]
    blocks, activations = [], []
    for part in parts:
        if part in go:
            stage, part.waiting = part.waiting[0], part.waiting[1:]
        else:
            stage = _carried(part)
        part.width = stage.units
        blocks.append(stage)
        activations.append(stage.activation)
    return Stage(
        _stacked([b.weight for b in blocks]) if first else _diagonal([b.weight for b in blocks]),
        np.concatenate([b.bias for b in blocks]),
        _beside(activations),
        _divisors(blocks),
        name="joint",
    )


def _last(parts: list[_Part], dropped: _Part) -> Stage:
    """A stage that forgets the splitting units."""
    width = sum(part.width for part in parts)
    weight = np.eye(max(width, 1), width + dropped.width)
    if not width:
        weight[:] = 0.0
    return Stage(weight, np.zeros(len(weight)), UnitActivations.uniform(IDENTITY, len(weight)), name="outputs")


def _carried(part: _Part) -> Stage:
    width = 0 if part.forgotten and not part.waiting else part.width
    return Stage(np.eye(width, part.width), np.zeros(width), UnitActivations.uniform(IDENTITY, width))


def _beside(activations: list[Activation]) -> Activation:
    if any(isinstance(act, MaxGroups) for act in activations):
        sizes = [
            act.pieces if isinstance(act, MaxGroups) else np.ones(act.units, dtype=np.int64) for act in activations
        ]
        return MaxGroups(np.concatenate([[0], np.cumsum(np.concatenate(sizes))]).astype(np.int64))
    functions = [act.functions[k] for act in activations if isinstance(act, UnitActivations) for k in act.index]
    return UnitActivations.of(functions)


def _divisors(blocks: list[Stage]) -> np.ndarray | None:
    if all(b.divisor is None for b in blocks):
        return None
    return np.concatenate([np.ones(b.rows) if b.divisor is None else np.asarray(b.divisor) for b in blocks])


def _stacked(weights: list[Any]) -> Any:
    if any(map(is_sparse, weights)):
        from scipy.sparse import csr_array, vstack

        return vstack([csr_array(w) for w in weights], format="csr")
    return np.concatenate(weights)


def _diagonal(weights: list[Any]) -> Any:
    if any(map(is_sparse, weights)):
        from scipy.sparse import block_diag, csr_array

        return block_diag([csr_array(w) for w in weights], format="csr")
    out = np.zeros((sum(w.shape[0] for w in weights), sum(w.shape[1] for w in weights)))
    row = column = 0
    for w in weights:
        out[row : row + w.shape[0], column : column + w.shape[1]] = w
        row, column = row + w.shape[0], column + w.shape[1]
    return out
