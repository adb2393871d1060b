"""From blocks of units to the sequence of stages of a network; whatever does not reach an output is dropped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..activations import IDENTITY, Activation, MaxGroups, UnitActivations
from ..network import Network
from ..stage import Stage
from .matrix import compact, place_columns, stack
from .rows import Rows, selection
from .wiring import Block

# A block that is still to be placed, with the wires that it makes.
_Placed = tuple[Block, np.ndarray]


def schedule(blocks: list[Block], inputs: int, outputs: np.ndarray, *, source: str) -> Network:
    """Place blocks in stages as early as possible; what is needed later is carried along by identity units."""
    wires = max([inputs, *(b.base + b.activation.units for b in blocks)])
    waiting = _needed(blocks, wires, outputs)
    state = np.arange(inputs)
    stages: list[Stage] = []
    while waiting:
        here = np.zeros(wires, dtype=bool)
        here[state] = True
        ready = [item for item in waiting if here[item[0].rows.inputs].all()]
        # One stage has either scalar activations or maxima; the former go first.
        scalar = [item for item in ready if isinstance(item[0].activation, UnitActivations)]
        placed = scalar or ready
        chosen = {item[0].base for item in placed}
        waiting = [item for item in waiting if item[0].base not in chosen]
        carried = _carried(state, waiting, outputs, wires)
        stages.append(_stage(placed, state, carried))
        state = np.concatenate([*(made for _, made in placed), carried])
    if not stages or not np.array_equal(state, outputs):
        stages.append(_copy_stage(state, outputs))
    return Network(tuple(stages), source)


def _needed(blocks: list[Block], wires: int, outputs: np.ndarray) -> list[_Placed]:
    """The blocks, and of them the units, that reach an output."""
    needed = np.zeros(wires, dtype=bool)
    needed[outputs[outputs >= 0]] = True
    kept: list[_Placed] = []
    for block in reversed(blocks):
        used = np.flatnonzero(needed[block.base : block.base + block.activation.units])
        if len(used):
            trimmed = _trim(block, used)
            needed[trimmed.rows.inputs] = True
            kept.append((trimmed, block.base + used))
    return kept[::-1]


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


def _carried(state: np.ndarray, waiting: list[_Placed], outputs: np.ndarray, wires: int) -> np.ndarray:
    later = np.zeros(wires, dtype=bool)
    later[outputs[outputs >= 0]] = True
    for block, _ in waiting:
        later[block.rows.inputs] = True
    return state[later[state]]


def _stage(placed: list[_Placed], state: np.ndarray, carried: np.ndarray) -> Stage:
    parts = [block.rows for block, _ in placed]
    activations = [block.activation for block, _ in placed]
    if len(carried):
        parts.append(selection(carried))
        activations.append(UnitActivations.uniform(IDENTITY, len(carried)))
        # `selection` sorts its inputs, not its rows, so the rows keep the order of `carried`.
    name = "+".join(block.name for block, _ in placed if block.name)
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
