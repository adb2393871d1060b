"""The cells engine: depth first over cells in vertex representation, exact, for domains of dimension 1 to 8."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..activations import MaxGroups
from ..domain import Box, Domain
from ..errors import InputError
from ..exact import scaled_integers
from ..machine import cores, memory
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
        InputError: the dimensions do not match or exceed the engine's, or the network is too large for it.
    """
    from .._core import Engine

    check_inputs(net, domain)
    if domain.dim > MAX_DIM:
        raise InputError(
            f"domain: dimension {domain.dim} is above the {MAX_DIM} that the cells engine takes; "
            "use engine='lp', a Segment or a Plane slice"
        )
    try:
        engine = Engine([stage_input(s) for s in net.stages], _domain(domain))
    except RuntimeError as error:
        raise InputError(f"network: {net!r} is too large for this engine: {error}") from error
    return engine


def check_inputs(net: Network, domain: Domain) -> None:
    """Refuse a domain of another number of inputs than the network's."""
    if domain.input_dim != net.input_dim:
        raise InputError(
            f"domain: the network takes {net.input_dim} inputs, and {domain!r} gives {domain.input_dim}; "
            "give the domain one coordinate per network input"
        )


def run(
    engine: Any,
    *,
    domain: Domain,
    listing: bool,
    exact: bool = True,
    threads: int | None = None,
    time_limit: float | None = None,
    max_regions: int | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Run the engine to its end, to a budget or to Ctrl-C; what was done by then is never lost.

    Raises:
        InputError: the domain is empty, flat or too complex.
    """
    started = time.perf_counter()
    deadline = None if time_limit is None else started + time_limit
    status = prepare(engine, domain, deadline=deadline)
    reason = "interrupted" if status is Status.INTERRUPTED else ""
    if engine.prepared() == "ready" and status is Status.COMPLETE:
        _start(engine, listing, exact, threads or cores(), max_regions or 0, domain)
        reason, status = watch(engine, deadline, progress)
    state = engine.state()
    if state["error"]:
        raise InputError(f"engine: {state['error']}; use a smaller domain or fewer half-spaces")
    if status is Status.COMPLETE and state["stop"] == 2:
        reason, status = f"limit of {max_regions:,} regions reached", Status.BUDGET
    elif status is Status.BUDGET:
        reason = f"time limit of {time_limit:g} s reached"
    if progress is not None and status is Status.COMPLETE:
        progress(1.0, state["regions"])
    complete = Kind.EXACT if status is Status.COMPLETE else Kind.LOWER
    kind = complete if state["doubtful"] == 0 else Kind.ESTIMATE
    seconds = time.perf_counter() - started
    return Outcome(state["regions"], kind, status, reason, state["exact_decisions"], state["doubtful"], seconds)


def _start(engine: Any, listing: bool, exact: bool, threads: int, max_regions: int, domain: Domain) -> None:
    """A listing of a plane domain notes the polygons on the way, while they fit into an eighth of the memory."""
    if listing and domain.dim == 2 and hasattr(engine, "polygons"):
        engine.start(listing, exact, threads, max_regions, polygons=memory() // 8)
    else:
        engine.start(listing, exact, threads, max_regions)


def prepare(engine: Any, domain: Domain, *, deadline: float | None = None) -> Status:
    """Find the domain's vertices; how that ended.

    Raises:
        InputError: the domain is empty, flat or too complex.
    """
    engine.prepare()
    _, status = watch(engine, deadline, None)
    check_domain(engine, domain)
    return status


def watch(
    engine: Any, deadline: float | None, progress: Progress | None, each: Callable[[], None] | None = None
) -> tuple[str, Status]:
    """Wait for the engine's threads; stop them at the deadline or at Ctrl-C, unless they end before.

    `each` is called at every look, some fifty times a second.
    """
    reason, status = "", Status.COMPLETE
    shown = time.perf_counter()
    while True:
        try:
            now = time.perf_counter()
            if engine.wait(0.02 if deadline is None else min(0.02, max(0.0, deadline - now))):
                break
            now = time.perf_counter()
            if status is Status.COMPLETE and deadline is not None and now >= deadline:
                status = Status.BUDGET
                engine.stop()
            if progress is not None and now - shown > 0.1:
                shown = now
                state = engine.state()
                progress(min(0.999, state["progress"]), state["regions"])
            if each is not None:
                each()
        except KeyboardInterrupt:
            reason, status = "interrupted", Status.INTERRUPTED
            engine.stop()
    ended_before = engine.state()["stop"] == 0
    return ("", Status.COMPLETE) if ended_before else (reason, status)


def check_domain(engine: Any, domain: Domain) -> None:
    """Raise where the prepared domain is empty, flat or too complex."""
    state, error = engine.prepared(), engine.state()["error"]
    if error:
        raise InputError(f"domain: {domain!r} cannot be used: {error}; use fewer half-spaces")
    if state == "empty":
        raise InputError(f"domain: {domain!r} is empty, so there is nothing to count; check the signs of A x <= b")
    if state == "flat":
        raise InputError(
            f"domain: {domain!r} is flat (it has no interior), so no region has full dimension; "
            "describe it in fewer coordinates with a Segment or a Plane"
        )


def stage_input(stage: Stage) -> dict[str, Any]:
    """A stage as the compiled engines take it."""
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


def hex_rows(rows: list[list[int]]) -> list[list[str]]:
    """Integers of any size as the compiled engines take them."""
    return [[format(v, "x") for v in row] for row in rows]


def _domain(domain: Domain) -> dict[str, Any]:
    # A half-space may be scaled by any positive number, so every row is made integral on its own.
    rows = [scaled_integers([row])[0][0] for row in domain.halfspaces]
    out: dict[str, Any] = {"dim": domain.dim, "rows": hex_rows(rows), "embedding": None, "scale": "1"}
    if domain.embedding is not None:
        integers, scale = scaled_integers(domain.embedding)
        out["embedding"], out["scale"] = hex_rows(integers), format(scale, "x")
    box = isinstance(domain, Box)
    out["lower"] = np.ascontiguousarray(domain.lower) if box else None
    out["upper"] = np.ascontiguousarray(domain.upper) if box else None
    return out
