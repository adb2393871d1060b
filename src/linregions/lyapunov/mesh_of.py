"""The mesh of a problem: the cells of its networks side by side, with 0 as a vertex."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..network import Network
from .cells import cells_of
from .joint import joint
from .tasks import Run


def mesh_of(run: Run, networks: Sequence[Network], *, rows: Any = ()) -> Any:
    """The cells of the joint network, triangulated.

    Where nothing is excluded and 0 is no vertex, the coordinate hyperplanes split the cells too: a proof and a
    counterexample near 0 then both start from the vertex 0.  A polynomial V always takes them.

    Args:
        run: the run; its mesh is set.
        networks: the networks whose outputs are lifted coordinates.
        rows: further splitting hyperplanes `(a_1, ..., a_n, c)`, float64.
    """
    dim = run.problem.dim
    given = np.asarray(rows, dtype=np.float64).reshape(-1, dim + 1)
    coordinates = np.eye(dim, dim + 1)
    cells = _cells(run, networks, given if len(networks) else np.concatenate([coordinates, given]))
    if cells.origin < 0 and run.problem.exclude is None:
        cells = _cells(run, networks, np.concatenate([coordinates, given]))
        run.reason = "0 is no vertex of the cells of V, so V takes both signs or vanishes near 0 (Theorem A)"
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
