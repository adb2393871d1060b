"""Whether f is defined on the whole domain, as far as the divisors' values at the vertices of the mesh tell.

A pole would keep the simplices around it open for as long as they are bisected, so it is looked for first.  Floats only
choose where to look; what is said is found exactly.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ...errors import InputError
from ..dynamics.dynamics import Smooth
from ..dynamics.expression import Expression
from ..dynamics.taylor import Taylor
from ..verdict import number_text
from .tasks import Run, excluded

MOST = 256  # vertices at which f is evaluated exactly
SMALL = 1e-9  # a divisor this far below its largest value may be 0


def check_defined(run: Run, cells: Any) -> None:
    """Refuse dynamics with a divisor that is 0 at a vertex of the mesh, or has both signs on the domain.

    Raises:
        InputError: there is one; the message says where.
    """
    dynamics = run.problem.dynamics
    divisors = _divisors(dynamics) if isinstance(dynamics, Smooth) else []
    if not divisors:
        return
    values = Taylor(divisors, run.problem.dim).sampled(np.asarray(cells.points))
    for divisor, column in zip(divisors, values.T, strict=True):
        _check_vertices(run, cells, np.abs(column))
        if run.problem.exclude is None and np.isfinite(column).all():
            _check_signs(run, cells, divisor, column)


def _divisors(dynamics: Smooth) -> list[Expression]:
    """The divisors that are functions of x alone and have no divisors themselves."""
    found: dict[Expression, None] = {}
    for expression in dynamics.expressions:
        found |= {e.args[1]: None for e in expression.walk() if e.op == "/"}
    return [d for d in found if not any(e.op in ("u", "/") for e in d.walk())]


def _point(cells: Any, v: int) -> list[Fraction]:
    *top, w = cells.exact_vertex(v)
    return [Fraction(int(x), int(w)) for x in top]


def _check_vertices(run: Run, cells: Any, sizes: np.ndarray) -> None:
    """Evaluate f at the vertices where the divisor is smallest: it says itself where it is not defined."""
    region = excluded(run.problem)
    order = np.argsort(sizes)[:MOST]
    known = sizes[np.isfinite(sizes)]
    limit = SMALL * known.max() if len(known) else np.inf
    for v in order[~(sizes[order] > limit)].tolist():
        if region is None or not region.holds([int(c) for c in cells.exact_vertex(v)], run.problem.dim):
            run.problem.field_at(_point(cells, v))


def _check_signs(run: Run, cells: Any, divisor: Expression, values: np.ndarray) -> None:
    """A divisor with both signs is 0 on the way from one vertex to the other, and the domain is convex."""
    below, above = (_point(cells, int(v)) for v in (values.argmin(), values.argmax()))
    at = Taylor((divisor,), run.problem.dim).at
    if values.min() < 0 < values.max() and at(below)[0][1] < 0 < at(above)[0][0]:
        ways = " and ".join("(" + ", ".join(map(number_text, p)) + ")" for p in (below, above))
        raise InputError(f"dynamics: the divisor {divisor} is 0 between {ways}; f must be defined on the whole domain")
