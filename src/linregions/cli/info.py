"""`linregions info`: what a network is made of."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

import numpy as np

import linregions

from ..activations import MaxGroups
from ..network import Network
from ..stage import Stage, is_sparse
from . import status


def info(options: Namespace) -> tuple[str, int]:
    """Run the command; what to print, and the exit status."""
    network = linregions.read(options.model)
    facts = described(network)
    return json.dumps(facts) if options.json else readable(facts), status.DONE


def described(network: Network) -> dict[str, Any]:
    """The facts about a network, as plain JSON types.

    `parameters` counts the stored entries of the affine maps: a convolution counts once for every place it is applied
    at.  `constant_units` counts units that have pieces but whose input does not depend on the stage's input.
    """
    stages = [_stage(stage) for stage in network.stages]
    return {
        "network": repr(network),
        "source": network.source,
        "inputs": network.input_dim,
        "outputs": network.output_dim,
        "units": network.unit_count,
        "parameters": sum(s["parameters"] for s in stages),
        "constant_units": sum(s["constant_units"] for s in stages),
        "hash": network.hash,
        "stages": stages,
    }


def _stage(stage: Stage) -> dict[str, Any]:
    sparse = is_sparse(stage.weight)
    entries = stage.weight.nnz if sparse else stage.weight.size
    return {
        "name": stage.name,
        "inputs": stage.inputs,
        "rows": stage.rows,
        "units": stage.units,
        "storage": "sparse" if sparse else "dense",
        "parameters": int(entries + stage.bias.size),
        "activations": _activations(stage),
        "constant_units": _constant_units(stage),
    }


def _activations(stage: Stage) -> dict[str, int]:
    act = stage.activation
    if isinstance(act, MaxGroups):
        sizes, counts = np.unique(act.pieces, return_counts=True)
        return {f"max of {n}" if n > 1 else "identity": int(c) for n, c in zip(sizes, counts, strict=True)}
    tally: dict[str, int] = {}
    for k, count in zip(*np.unique(act.index, return_counts=True), strict=True):
        f = act.functions[k]
        name = f.name or ("identity" if f.is_identity else f"{f.pieces} pieces")
        tally[name] = tally.get(name, 0) + int(count)
    return tally


def _constant_units(stage: Stage) -> int:
    entries = np.diff(stage.weight.indptr) if is_sparse(stage.weight) else np.count_nonzero(stage.weight, axis=1)
    flat = entries == 0
    act = stage.activation
    if isinstance(act, MaxGroups):
        flat = np.logical_and.reduceat(flat, act.offsets[:-1])
    return int(np.sum(flat & (act.pieces > 1)))


def readable(facts: dict[str, Any]) -> str:
    """The same facts for a person, one stage a line."""
    lines = [
        facts["network"],
        f"inputs {facts['inputs']}, outputs {facts['outputs']}, parameters {facts['parameters']:,}",
        f"hash {facts['hash']}",
    ]
    if facts["constant_units"]:
        verb = "has" if facts["constant_units"] == 1 else "have"
        lines.append(f"{facts['constant_units']:,} of the {facts['units']:,} units {verb} a constant input")
    for number, stage in enumerate(facts["stages"], start=1):
        kinds = ", ".join(f"{count:,} {name}" for name, count in stage["activations"].items())
        lines.append(f"  {number:>3}  {stage['rows']} x {stage['inputs']} {stage['storage']}, {kinds}")
    return "\n".join(lines)
