"""Whether a map that jumps stays in the domain: what a level set needs in discrete time besides the decrease."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...exact import dot
from ..conditions.discrete import in_region
from ..conditions.piecewise import held
from ..conditions.tasks import PolynomialForms, affine, constant_weights, taken
from ..dynamics.dynamics import Mode
from ..proving.prove import prove
from ..proving.simplices import Simplices, Weights


@dataclass(frozen=True, eq=False)
class Stay:
    """A side a.x + d >= 0 of the domain and one mode: -(a.f(x) + d) <= 0 on the mode's part of the mesh."""

    simplices: Simplices
    weights: Weights
    forms: PolynomialForms
    numbers: np.ndarray
    mask: np.ndarray | None
    proof: Any
    condition: str = "stay"
    strict: bool = False


def stays(cells: Any, modes: Sequence[Mode]) -> list[Stay]:
    """For every mode and every side of the domain, where x+ = Ax + b stays on the right side of it.

    Args:
        cells: the mesh; no simplex is crossed by the boundary of a mode.
        modes: the modes of x+ = f(x); on a common boundary each of them counts.

    Returns:
        Tasks as `levels` takes them.
    """
    holds, out = held(cells, modes), []
    n, lifted = cells.dim, cells.lifted([])
    for mode, where in zip(modes, holds, strict=True):
        which, mask = in_region(cells, where)
        if not len(which):
            continue
        simplices, weights = taken(lifted, which), constant_weights([1.0], len(which))
        for *a, d in cells.domain.halfspaces:
            slope = [-dot(a, [row[k] for row in mode.A]) for k in range(n)]
            form = PolynomialForms((affine(slope, -d - dot(a, mode.b), n),))
            proof = prove(simplices, weights, form, mask=mask, strict=False, stop_at_violation=False)
            out.append(Stay(simplices, weights, form, which, mask, proof))
    return out
