"""Positivity: V > 0 at every point of the domain but 0."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ..dynamics.polynomial import Polynomial
from .tasks import PolynomialForms, Run, Task, affine, constant_weights


def positive(run: Run, cells: Any, *, output: int | None) -> Task:
    """The task `-V < 0` on every simplex of a mesh.

    A network is affine on a simplex, so its signs at the vertices decide: a point is a convex combination of vertices,
    and value 0 takes weight 1 on vertices of value 0.  A polynomial is decided by its Bernstein form.

    Args:
        run: the run that the task belongs to.
        cells: the mesh.
        output: which output of the joint network V is; None for a polynomial V.
    """
    problem, dim = run.problem, run.problem.dim
    if output is None:
        assert isinstance(problem.candidate, Polynomial)
        simplices, forms = cells.lifted([]), problem.candidate
    else:
        simplices, forms = cells.lifted([output]), affine([0] * dim + [1], 0, dim + 1)
    if problem.shift:
        forms = forms - problem.shift
    return Task(
        condition="positive",
        simplices=simplices,
        weights=constant_weights([-1.0], len(cells.simplices)),
        forms=PolynomialForms((forms,)),
        cells=cells.owner,
        numbers=np.arange(len(cells.simplices)),
        value=lambda i, point: problem.candidate_at([Fraction(v) for v in point]),
    )
