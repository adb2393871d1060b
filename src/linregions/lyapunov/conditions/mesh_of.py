"""The mesh of a problem: the cells of its networks side by side, with 0 as a vertex."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...combining import joint
from ...errors import InputError
from ...machine import memory
from ...network import Network
from ..geometry.cells import MAX_DIM, cells_of
from ..geometry.fan import check_homogeneous, fan_of
from ..problem import Problem, is_linear
from .tasks import Run

FAN_DIM = 5  # from here on a fan is tried before the mesh: a cube of n dimensions takes n! simplices, its fan 2^n cones
MANY = 20_000  # simplices beyond which it is tried in lower dimensions as well
MOST_BYTES = 2**34  # what the simplices of a mesh may take, however large the memory: more of them would take hours


def mesh_of(run: Run, networks: Sequence[Network], *, rows: Any = ()) -> Any:
    """The cells of the joint network, triangulated.

    Where nothing is excluded and 0 is no vertex, the coordinate hyperplanes split the cells too: a proof and a
    counterexample near 0 then both start from the vertex 0.  A polynomial V always takes them.  A network V without
    biases under linear dynamics is decided on its fan where the mesh would be large, and above dimension 8 anyhow.

    Args:
        run: the run; its mesh is set.
        networks: the networks whose outputs are lifted coordinates.
        rows: further splitting hyperplanes `(a_1, ..., a_n, c)`, float64.
    """
    dim = run.problem.dim
    if dim > MAX_DIM:
        _check_fan(run)
    fan = _fan(run) if dim >= FAN_DIM else None
    if fan is not None:
        run.mesh = fan
        return fan
    given = np.asarray(rows, dtype=np.float64).reshape(-1, dim + 1)
    coordinates = np.eye(dim, dim + 1)
    cells = _cells(run, networks, given if len(networks) else np.concatenate([coordinates, given]))
    if cells.origin < 0 and run.problem.exclude is None:
        cells = _cells(run, networks, np.concatenate([coordinates, given]))
    if FAN_DIM > dim > 1 and len(cells) * dim > MANY and cells.simplex_count > MANY:
        cells = _fan(run) or cells
    run.mesh = cells
    _check_size(run)
    return cells


def _cells(run: Run, networks: Sequence[Network], rows: np.ndarray) -> Any:
    threads: Any = run.threads
    return cells_of(
        joint(list(networks), rows=rows),
        run.problem.domain,
        threads=threads,
        time_limit=run.remaining,
        progress=run.progress,
    )


def _fan(run: Run) -> Any:
    """The fan of V, where that decides the problem; None where it does not, or V has none."""
    if run.problem.dim <= MAX_DIM and not has_fan(run.problem):
        return None
    candidate: Any = run.problem.candidate
    limits: Any = {"threads": run.threads, "time_limit": run.remaining, "progress": run.progress}
    try:
        return fan_of(candidate, run.problem.dim, **limits)
    except InputError:  # cones that are not simplicial: the mesh does not mind
        if run.problem.dim > MAX_DIM:
            raise
        return None


def has_fan(problem: Problem) -> bool:
    """Whether the conditions are decided on the rays of the cones of V: what is linear on a cone is so on its rays."""
    if problem.time != "continuous" or not is_linear(problem.dynamics) or problem.controller is not None:
        return False
    if problem.exclude is not None or problem.shift:
        return False
    try:
        check_homogeneous(problem.candidate, problem.dim)
    except InputError:
        return False
    return True


def _check_fan(run: Run) -> None:
    """Say what is missing for a fan, where there is no other way."""
    problem = run.problem
    how = f"dimension {problem.dim} is above {MAX_DIM}, where the claim is decided on the rays of a fan"
    if problem.time != "continuous" or not is_linear(problem.dynamics) or problem.controller is not None:
        raise InputError(f"dynamics: {how}, so they must be linear and in continuous time, got {problem.dynamics!r}")
    if not isinstance(problem.candidate, Network) or problem.exclude is not None:
        raise InputError(f"V: {how}, so it must be a network without biases, and nothing can be excluded")


def _check_size(run: Run) -> None:
    """Refuse a mesh whose simplices do not fit into memory, before they are made.

    Each condition takes the lifted coordinates of all simplices with their error bounds, two float64 numbers each.
    """
    cells, dim = run.mesh, run.problem.dim
    if dim <= 2 or not hasattr(cells, "simplex_count"):
        return
    count = cells.simplex_count
    size = count * (dim + 1) * (40 + 16 * (2 * dim + cells.network.output_dim))
    most = min(memory(), MOST_BYTES)
    if size > most:
        raise InputError(
            f"domain: the cells of V in dimension {dim} make {count:,} simplices, about {size / 2**30:,.0f} GiB where "
            f"{most / 2**30:,.0f} GiB may be taken; use fewer units or dimensions, or a V without biases under linear "
            "dynamics"
        )
