"""The cells engine: depth first over cells in vertex representation, exact, for domains of dimension 1 to 8."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..activations import MaxGroups
from ..domain import Box, Domain
from ..errors import InputError
from ..exact import scaled_integers
from ..network import Network
from ..partition import Kind, Status
from ..stage import Stage, is_sparse

NAME = "cells"
MAX_DIM = 8
Progress = Callable[[float, int], None]


@dataclass(frozen=True)
class Outcome:
    """What a run of the engine ended with, before it is made a Count or a Partition."""

    regions: int
    kind: Kind
    status: Status
    reason: str
    exact_decisions: int
    doubtful: int
    seconds: float


def open_engine(net: Network, domain: Domain) -> Any:
    """A compiled engine for the network on the domain.

    Raises:
        InputError: the dimensions do not match or exceed the engine's, or the domain is empty or flat.
    """
    from .._core import Engine

    if domain.input_dim != net.input_dim:
        raise InputError(
            f"domain: {domain!r} has {domain.input_dim} inputs but the network takes {net.input_dim}; "
            "give the domain one coordinate per network input"
        )
    if domain.dim > MAX_DIM:
        raise InputError(
            f"domain: dimension {domain.dim} is above the {MAX_DIM} that exact enumeration takes; "
            "use a Segment, a Plane slice, or a network with fewer inputs"
        )
    try:
        engine = Engine([_stage(s) for s in net.stages], _domain(domain))
    except RuntimeError as error:
        raise InputError(f"network: {net!r} is too large for this engine: {error}") from error
    try:
        state = engine.prepare()
    except RuntimeError as error:
        raise InputError(f"domain: {domain!r} cannot be used: {error}; use fewer half-spaces") from error
    if state == "empty":
        raise InputError(f"domain: {domain!r} is empty, so there is nothing to count; check the signs of A x <= b")
    if state == "flat":
        raise InputError(
            f"domain: {domain!r} is flat (it has no interior), so no region has full dimension; "
            "describe it in fewer coordinates with a Segment or a Plane"
        )
    return engine


def run(
    engine: Any,
    *,
    listing: bool,
    exact: bool = True,
    threads: int | None = None,
    time_limit: float | None = None,
    max_regions: int | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Run the engine to its end, to a budget or to Ctrl-C; what was done by then is never lost."""
    _check_budget(threads, time_limit, max_regions)
    threads = threads or _cores()
    started = time.perf_counter()
    engine.start(listing, exact, threads, max_regions or 0)
    reason, status = "", Status.COMPLETE
    last_shown = started
    step = 0.02
    while True:
        try:
            left = step if time_limit is None else min(step, max(0.0, started + time_limit - time.perf_counter()))
            if engine.wait(left):
                break
            now = time.perf_counter()
            if not reason and time_limit is not None and now - started >= time_limit:
                reason, status = f"time limit of {time_limit:g} s reached", Status.BUDGET
                engine.stop()
            if progress is not None and now - last_shown > 0.1:
                last_shown = now
                state = engine.state()
                progress(min(0.999, state["progress"]), state["regions"])
        except KeyboardInterrupt:
            reason, status = "interrupted", Status.INTERRUPTED
            engine.stop()
    state = engine.state()
    if state["error"]:
        raise InputError(f"engine: {state['error']}; use a smaller domain or fewer half-spaces")
    if not reason and state["stop"] == 2:
        reason, status = f"limit of {max_regions:,} regions reached", Status.BUDGET
    elif state["stop"] == 0:
        reason, status = "", Status.COMPLETE  # it ended before the stop arrived
    if progress is not None and status is Status.COMPLETE:
        progress(1.0, state["regions"])
    if status is not Status.COMPLETE:
        kind = Kind.LOWER if state["doubtful"] == 0 else Kind.ESTIMATE
    else:
        kind = Kind.EXACT if state["doubtful"] == 0 else Kind.ESTIMATE
    seconds = time.perf_counter() - started
    return Outcome(state["regions"], kind, status, reason, state["exact_decisions"], state["doubtful"], seconds)


def _check_budget(threads: int | None, time_limit: float | None, max_regions: int | None) -> None:
    if threads is not None and (int(threads) != threads or not 1 <= threads <= 1024):
        raise InputError(f"threads: must be a whole number from 1 to 1024, got {threads}")
    if time_limit is not None and not time_limit > 0:
        raise InputError(f"time_limit: must be a positive number of seconds, got {time_limit}")
    if max_regions is not None and (int(max_regions) != max_regions or max_regions < 1):
        raise InputError(f"max_regions: must be a positive whole number, got {max_regions}")


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def _stage(stage: Stage) -> dict[str, Any]:
    out: dict[str, Any] = {
        "rows": stage.rows,
        "inputs": stage.inputs,
        "bias": stage.bias,
        "divisor": stage.divisor,
        "max": isinstance(stage.activation, MaxGroups),
    }
    if is_sparse(stage.weight):
        out["indptr"] = stage.weight.indptr.astype(np.int64)
        out["indices"] = stage.weight.indices.astype(np.int64)
        out["data"] = np.ascontiguousarray(stage.weight.data)
    else:
        out["weight"] = np.ascontiguousarray(stage.weight)
    act = stage.activation
    if isinstance(act, MaxGroups):
        out["offsets"] = np.asarray(act.offsets, dtype=np.int64)
    else:
        out["index"] = np.asarray(act.index, dtype=np.int64)
        out["functions"] = [(list(f.breakpoints), list(f.slopes), f.value) for f in act.functions]
    return out


def _hex_rows(rows: list[list[int]]) -> list[list[str]]:
    return [[format(v, "x") for v in row] for row in rows]


def _domain(domain: Domain) -> dict[str, Any]:
    # A half-space may be scaled by any positive number, so every row is made integral on its own.
    rows = [scaled_integers([row])[0][0] for row in domain.halfspaces]
    out: dict[str, Any] = {"dim": domain.dim, "rows": _hex_rows(rows), "embedding": None, "scale": "1"}
    if domain.embedding is not None:
        integers, scale = scaled_integers(domain.embedding)
        out["embedding"], out["scale"] = _hex_rows(integers), format(scale, "x")
    box = isinstance(domain, Box)
    out["lower"] = np.ascontiguousarray(domain.lower) if box else None
    out["upper"] = np.ascontiguousarray(domain.upper) if box else None
    return out
