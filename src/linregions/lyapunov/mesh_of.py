"""The mesh of a problem: the cells of its networks side by side, with 0 as a vertex."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from ..network import Network
from .cells import MAX_DIM, cells_of
from .fan import fan_of
from .joint import joint
from .problem import is_linear
from .tasks import Run


def mesh_of(run: Run, networks: Sequence[Network], *, rows: Any = ()) -> Any:
    """The cells of the joint network, triangulated.

    Where nothing is excluded and 0 is no vertex, the coordinate hyperplanes split the cells too: a proof and a
    counterexample near 0 then both start from the vertex 0.  A polynomial V always takes them.  Above dimension 8 the
    mesh is the fan of V.

    Args:
        run: the run; its mesh is set.
        networks: the networks whose outputs are lifted coordinates.
        rows: further splitting hyperplanes `(a_1, ..., a_n, c)`, float64.
    """
    dim = run.problem.dim
    if dim > MAX_DIM:
        run.mesh = _fan(run)
        return run.mesh
    given = np.asarray(rows, dtype=np.float64).reshape(-1, dim + 1)
    coordinates = np.eye(dim, dim + 1)
    cells = _cells(run, networks, given if len(networks) else np.concatenate([coordinates, given]))
    if cells.origin < 0 and run.problem.exclude is None:
        cells = _cells(run, networks, np.concatenate([coordinates, given]))
    run.mesh = cells
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
    """The fan of a network V without biases: what is linear on its cones and negative on its rays is so everywhere."""
    problem, threads = run.problem, run.threads
    how = f"dimension {problem.dim} is above {MAX_DIM}, where the claim is decided on the rays of a fan"
    if problem.time != "continuous" or not is_linear(problem.dynamics) or problem.controller is not None:
        raise InputError(f"dynamics: {how}, so they must be linear and in continuous time, got {problem.dynamics!r}")
    if not isinstance(problem.candidate, Network) or problem.exclude is not None:
        raise InputError(f"V: {how}, so it must be a network without biases, and nothing can be excluded")
    limits: Any = {"threads": threads, "time_limit": run.remaining, "progress": run.progress}
    return fan_of(problem.candidate, problem.dim, **limits)
