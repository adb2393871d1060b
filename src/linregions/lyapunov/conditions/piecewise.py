"""Continuous time, piecewise affine dynamics that may jump: every mode on its own closed region.

The mesh splits the domain along the bounds of the regions, so a simplex lies in a region or meets it in a face.  On
each simplex in the region of mode j the condition is `g . (A_j x + b_j) < 0`, its boundary included; what happens on
faces where modes disagree is in `sliding`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from ...errors import InputError
from ...exact import dot
from ...network import Network
from ..dynamics.dynamics import Mode, Piecewise
from ..dynamics.polynomial import Polynomial
from ..verdict import point_text
from .mesh_of import mesh_of
from .positive import positive
from .sliding import coordinates, sliding
from .tasks import PolynomialForms, Run, Task, constant_weights, slope_weights, taken


def piecewise(run: Run) -> None:
    """Both conditions for piecewise affine dynamics in continuous time."""
    problem = run.problem
    assert isinstance(problem.dynamics, Piecewise)
    modes = problem.dynamics.modes
    V = problem.candidate
    network = isinstance(V, Network)
    cells = mesh_of(run, [V] if isinstance(V, Network) else [], rows=mode_rows(modes))
    run.prove(positive(run, cells, output=0 if network else None))
    holds = held(cells, modes)
    for j, mode in enumerate(modes):
        for task in _on_mode(run, cells, holds[j], j, mode):
            run.prove(task)
    if network:
        sliding(run, cells, modes, holds)


def mode_rows(modes: Sequence[Mode]) -> np.ndarray:
    """The hyperplanes that bound the modes' regions, float64 rows `(a_1, ..., a_n, c)`, each hyperplane once."""
    seen: dict[tuple[Fraction, ...], list[float]] = {}
    for row in (row for mode in modes for row in mode.rows):
        lead = next((v for v in row[:-1] if v), None)
        if lead is not None:
            seen.setdefault(tuple(v / lead for v in row), [float(v) for v in row])
    return np.array(list(seen.values())).reshape(len(seen), -1)


def held(cells: Any, modes: Sequence[Mode]) -> np.ndarray:
    """Which vertices of the mesh lie in the closed region of each mode, (modes, vertices) bool, exactly.

    Raises:
        InputError: a simplex lies in no mode; the message has a point of it.
    """
    corners = [coordinates(cells, v) for v in range(len(cells.points))]
    out = np.array([[mode.holds(x) for x in corners] for mode in modes])
    missing = np.flatnonzero(~out[:, cells.simplices].all(axis=2).any(axis=0))
    if len(missing):
        simplex = [corners[int(v)] for v in cells.simplices[missing[0]]]
        centre = tuple(sum(c, Fraction(0)) / len(simplex) for c in zip(*simplex, strict=True))
        raise InputError(
            f"dynamics: no mode holds at {point_text(centre)}, which is in the domain; add a mode or shrink the domain"
        )
    return out


def _on_mode(run: Run, cells: Any, held_here: np.ndarray, j: int, mode: Mode) -> Iterator[Task]:
    """Condition 1 for one mode."""
    dim = run.problem.dim
    which = np.flatnonzero(held_here[cells.simplices].all(axis=1))
    if not len(which):
        return
    field = mode.polynomials
    V, owners = run.problem.candidate, cells.owner[which]
    if isinstance(V, Polynomial):
        parts = [V.derivative(k) * field[k] for k in range(dim)]
        weights, field = constant_weights([1.0], len(which)), (sum(parts, Polynomial.constant(0, dim)),)

        def value(i: int, point: Sequence[Fraction]) -> Fraction:
            gradient = [V.derivative(k).evaluate(point) for k in range(dim)]
            return dot(gradient, mode.value(point))
    else:
        weights = slope_weights(cells, 0, owners)

        def value(i: int, point: Sequence[Fraction]) -> Fraction:
            return dot(cells.exact_slope(int(owners[i]), 0), mode.value(point))

    yield Task(
        condition="decrease",
        simplices=taken(cells.lifted([]), which),
        weights=weights,
        forms=PolynomialForms(field),
        cells=owners,
        numbers=which,
        value=value,
        note=f"mode {j + 1}",
    )
