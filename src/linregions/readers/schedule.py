"""From blocks of units to the sequence of stages of a network.

Activation regions belong to the network, not to its function.  So a unit with pieces stays also where no weight
takes its value; only affine rows that reach no output, and blocks of nodes that lead to none, are dropped.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..activations import IDENTITY, Activation, MaxGroups, UnitActivations
from ..network import Network
from ..stage import Stage
from .matrix import compact, place_columns, stack
from .rows import Rows, selection
from .wiring import Block


@dataclass(frozen=True, eq=False)
class _Item:
    """The part of a block that goes into the network, and the wires that it makes."""

    block: Block
    made: np.ndarray
    # What the block takes before zero weights are left out: a layer of zeros stays behind the layer before it.
    after: np.ndarray


def schedule(blocks: list[Block], inputs: int, outputs: np.ndarray, *, kept: Collection[int], source: str) -> Network:
    """Place blocks in stages as early as possible; what is needed later is carried along by identity units.

    All units with pieces of the blocks with an index in `kept` are placed, each once and in the order of the blocks.
    """
    wires = max([inputs, *(b.base + b.activation.units for b in blocks)])
    waiting = _needed(blocks, wires, outputs, kept)
    state = np.arange(inputs)
    stages: list[Stage] = []
    while waiting:
        pending = np.zeros(wires, dtype=bool)
        for item in waiting:
            pending[item.made] = True
        ready = [item for item in waiting if not pending[item.after].any()]
        # One stage has either scalar activations or maxima; the former go first.
        scalar = [item for item in ready if isinstance(item.block.activation, UnitActivations)]
        placed = scalar or ready
        chosen = {item.block.base for item in placed}
        waiting = [item for item in waiting if item.block.base not in chosen]
        carried = _carried(state, waiting, outputs, wires)
        stages.append(_stage(placed, state, carried))
        state = np.concatenate([*(item.made for item in placed), carried])
    if not stages or not np.array_equal(state, outputs):
        stages.append(_copy_stage(state, outputs))
    return Network(tuple(stages), source)


def _needed(blocks: list[Block], wires: int, outputs: np.ndarray, kept: Collection[int]) -> list[_Item]:
    """The blocks, and of them the units, that reach an output or have pieces and belong to a kept block."""
    needed = np.zeros(wires, dtype=bool)
    needed[outputs[outputs >= 0]] = True
    items: list[_Item] = []
    for k, block in reversed(list(enumerate(blocks))):
        wanted = needed[block.base : block.base + block.activation.units]
        units = np.flatnonzero(wanted | (block.activation.pieces > 1) if k in kept else wanted)
        if len(units):
            trimmed = _trim(block, units)
            needed[trimmed.rows.inputs] = True
            items.append(_Item(trimmed, block.base + units, block.rows.inputs))
    return items[::-1]


def _trim(block: Block, units: np.ndarray) -> Block:
    act: Activation = block.activation
    if len(units) < act.units:
        if isinstance(act, MaxGroups):
            runs = [np.arange(int(act.offsets[g]), int(act.offsets[g + 1])) for g in units]
            rows, sizes = np.concatenate(runs), [len(run) for run in runs]
            act = MaxGroups(np.concatenate([[0], np.cumsum(sizes)]))
        else:
            rows, act = units, UnitActivations(act.functions, act.index[units])
        block = replace(block, rows=block.rows.take(rows), activation=act)
    return replace(block, rows=block.rows.trimmed())


def _carried(state: np.ndarray, waiting: list[_Item], outputs: np.ndarray, wires: int) -> np.ndarray:
    later = np.zeros(wires, dtype=bool)
    later[outputs[outputs >= 0]] = True
    for item in waiting:
        later[item.block.rows.inputs] = True
    return state[later[state]]


def _stage(placed: list[_Item], state: np.ndarray, carried: np.ndarray) -> Stage:
    parts = [item.block.rows for item in placed]
    activations = [item.block.activation for item in placed]
    if len(carried):
        parts.append(selection(carried))
        activations.append(UnitActivations.uniform(IDENTITY, len(carried)))
        # `selection` sorts its inputs, not its rows, so the rows keep the order of `carried`.
    name = "+".join(block.name for block in (item.block for item in placed) if block.name)
    weight, bias, divisor = _joined(parts, state)
    return Stage(weight, bias, _merged(activations), divisor, name=name if len(name) <= 80 else name[:77] + "...")


def _joined(parts: list[Rows], state: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray | None]:
    order = np.argsort(state)
    weights = []
    for part in parts:
        at = order[np.searchsorted(state, part.inputs, sorter=order)] if len(part.inputs) else part.inputs
        weights.append(place_columns(part.weight, at, len(state)))
    divisor = None
    if any(p.divisor is not None for p in parts):
        divisor = np.concatenate([np.ones(p.count) if p.divisor is None else p.divisor for p in parts])
    return compact(stack(weights)), np.concatenate([p.bias for p in parts]), divisor


def _merged(activations: list[Activation]) -> Activation:
    if any(isinstance(a, MaxGroups) for a in activations):
        sizes = [np.diff(a.offsets) if isinstance(a, MaxGroups) else np.ones(a.units, int) for a in activations]
        return MaxGroups(np.concatenate([[0], np.cumsum(np.concatenate(sizes))]))
    table: dict[Any, int] = {}
    index = []
    for act in activations:
        assert isinstance(act, UnitActivations)
        used, at = np.unique(act.index, return_inverse=True)
        local = np.array([table.setdefault(act.functions[k], len(table)) for k in used], dtype=np.int32)
        index.append(local[at.ravel()])
    return UnitActivations(tuple(table), np.concatenate(index))


def _copy_stage(state: np.ndarray, outputs: np.ndarray) -> Stage:
    weight, bias, _ = _joined([selection(outputs)], state)
    return Stage(weight, bias, UnitActivations.uniform(IDENTITY, len(outputs)), name="output")
