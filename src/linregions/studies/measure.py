"""One architecture measured: its score and what goes along with it, its sizes, and what they cost."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .. import scores
from ..errors import InputError

Row = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """What a worker needs to measure one architecture.

    Attributes:
        space: the search space.
        key: the row's name in the study.
        text: the architecture.
        inputs: the probe's tensor.
        noise: inputs of the ablation, or None.
        settings: `samples`, `repeats`, `seed`, `init`, `mode`, `baselines` of the study.
        known: what the row holds already: the table's numbers.
        train: gives the accuracies of an architecture that no table has, or None.
    """

    space: Any
    key: str
    text: str
    inputs: Any
    settings: Row
    noise: Any = None
    known: Row = field(default_factory=dict)
    train: Callable[[Any], Row] | None = None


def measure(task: Task) -> tuple[str, Row]:
    """The row of one architecture.

    A network that cannot be scored gets a row with the sentence that says why (`error`); the report counts these.
    Errors that linregions does not raise on purpose are passed on.
    """
    row: Row = {"architecture": task.text, **task.known}
    try:
        architecture = task.space.parse(task.text)
        row |= _scores(task, architecture)
        row |= _sizes(task, architecture)
        if task.settings["baselines"]:
            row |= _baselines(task, architecture)
        if task.train is not None:
            row |= task.train(architecture)
    except InputError as error:
        row["error"] = str(error)
    except Exception as error:
        error.add_note(f"while measuring {task.text}")
        raise
    return task.key, row


SIZES = ("units", "parameters", "flops", "depth")


def seed_of(seed: int, text: str) -> int:
    """A seed of one architecture's own: the same on every machine and in every order, and different for all."""
    return int.from_bytes(hashlib.sha256(f"{seed} {text}".encode()).digest()[:7], "big")


def _scores(task: Task, architecture: Any) -> Row:
    start = time.perf_counter()
    model = task.space.build(architecture, seed=seed_of(task.settings["seed"], task.text))
    built = time.perf_counter() - start
    passes = _passes(task, architecture, task.inputs, repeats=task.settings["repeats"], companions=True)
    # Once more without its companions, so that the cost of a pass is the score's own.
    alone = _passes(task, architecture, task.inputs, repeats=1, companions=False, model=model)
    counts = [count for score in passes for count in score.per_repeat]
    first = passes[0]
    row = {
        "swap": sum(counts) / len(counts),
        "swap_1": counts[0],
        "per_repeat": counts,
        "units": max(score.units for score in passes),
        "limit": max(score.limit for score in passes),
        "kind": str(getattr(first.kind, "value", first.kind)),
        "standard": _mean([score.standard for score in passes]),
        "nwot": _mean([score.nwot for score in passes]),
        "seconds_build": built,
        "seconds_pass": alone[0].seconds,
    }
    if task.noise is not None:
        noisy = _passes(task, architecture, task.noise, repeats=task.settings["repeats"], companions=False)
        counts = [count for score in noisy for count in score.per_repeat]
        row["swap_noise"] = sum(counts) / len(counts)
    return row


def _passes(
    task: Task, architecture: Any, inputs: Any, *, repeats: int, companions: bool, model: Any = None
) -> list[Any]:
    """Scores whose repeats together are `repeats` draws of weights."""
    from ..scores.scoring.score import swap_score

    s = task.settings
    seed = seed_of(s["seed"], task.text)
    options = {"mode": s["mode"], "seed": seed, "companions": companions}
    if s["init"] != "own":
        model = task.space.build(architecture, seed=seed) if model is None else model
        return [swap_score(model, inputs, repeats=repeats, init=s["init"], **options)]
    models = (task.space.build(architecture, seed=seed + k) for k in range(repeats))
    return [swap_score(model, inputs, repeats=1, init="keep", **options) for model in models]


def _sizes(task: Task, architecture: Any) -> Row:
    from ..scores.measures.sizes import network_sizes

    start = time.perf_counter()
    model = task.space.build(architecture, seed=0)
    found = network_sizes(model, task.inputs)
    row = {"parameters": found.parameters, "flops": found.flops, "depth": found.depth}
    row["seconds_sizes"] = time.perf_counter() - start
    own = task.space.controls(architecture)
    return row | dict(zip(control_names(own), own.values(), strict=True))


def control_names(own: Row) -> list[str]:
    """How the numbers that an architecture says of itself are called in a row: apart from sizes of the same name."""
    return [f"{name}_of_architecture" if name in SIZES else name for name in own]


# As functions of (model, inputs); synflow by its logarithm, because the flow itself grows exponentially with depth.
BASELINES: dict[str, Row] = {"synflow": {"log": True}, "jacobian_covariance": {}, "grad_norm": {}, "snip": {}}


def _baselines(task: Task, architecture: Any) -> Row:
    """Baselines by their own modules; one that is not defined for a network says so beside its empty place."""
    row: Row = {}
    model = task.space.build(architecture, seed=seed_of(task.settings["seed"], task.text))
    for name, options in BASELINES.items():
        function = getattr(scores, name)
        start = time.perf_counter()
        try:
            row[name] = float(function(model, task.inputs, **options))
            row[f"seconds_{name}"] = time.perf_counter() - start
        except InputError as error:
            row[name], row[f"why_{name}"] = None, str(error)
    return row


def _mean(values: list[float | None]) -> float | None:
    known = [float(v) for v in values if v is not None]
    return sum(known) / len(known) if known else None
