"""Continuous time: the derivative of V along the dynamics, `grad V . f`, is negative."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from ...network import Network
from ..dynamics.dynamics import Networked, Piecewise, Smooth
from ..dynamics.expression import Expression
from ..dynamics.polynomial import Polynomial
from ..verdict import Value
from .defined import check_defined
from .mesh_of import mesh_of
from .positive import positive
from .tasks import ExpressionForms, PolynomialForms, Run, Task, constant_weights, slope_weights, times


def continuous(run: Run) -> None:
    """Both conditions for a system that is one vector field.

    With V = g.x + k on a cell the condition there is `sum_k g_k f_k(x, u) < 0`.  What is affine on every simplex, the
    controller's outputs u and the field itself where it is a network, is a coordinate of the simplex.
    """
    problem = run.problem
    assert not isinstance(problem.dynamics, Piecewise)
    if isinstance(problem.candidate, Network):
        cells = mesh_of(run, [problem.candidate, *_beside(run)])
        check_defined(run, cells)
        run.prove(positive(run, cells, output=0))
        run.prove(_by_slopes(run, cells))
    else:
        cells = mesh_of(run, _beside(run))
        check_defined(run, cells)
        run.prove(positive(run, cells, output=None))
        run.prove(_by_gradient(run, cells))


def _beside(run: Run) -> list[Network]:
    """The networks whose outputs the dynamics use."""
    dynamics, controller = run.problem.dynamics, run.problem.controller
    if isinstance(dynamics, Networked):
        return [dynamics.network]
    return [] if controller is None else [controller]


def field_forms(run: Run) -> Any:
    """The components of f as functions of the lifted coordinates (x, u), or (x, f) for a network."""
    dynamics, dim = run.problem.dynamics, run.problem.dim
    if isinstance(dynamics, Networked):
        return PolynomialForms(tuple(_field(k, dim) for k in range(dim)))
    assert isinstance(dynamics, Smooth)
    return dynamics


def _field(k: int, dim: int) -> Polynomial:
    """Component k of a field that is a network: a lifted coordinate."""
    return Polynomial.variable(dim + k, 2 * dim)


def _by_slopes(run: Run, cells: Any) -> Task:
    problem = run.problem
    extra = range(1, cells.network.output_dim)
    owners = cells.owner

    def value(i: int, point: Sequence[Fraction]) -> Value:
        return times(cells.exact_slope(int(owners[i]), 0), problem.field_at(point))

    return Task(
        condition="decrease",
        simplices=cells.lifted(list(extra)),
        weights=slope_weights(cells, 0, owners),
        forms=field_forms(run),
        cells=owners,
        numbers=np.arange(len(owners)),
        value=value,
    )


def _by_gradient(run: Run, cells: Any) -> Task:
    problem, dim = run.problem, run.problem.dim
    V = problem.candidate
    assert isinstance(V, Polynomial)
    gradient = [V.derivative(k) for k in range(dim)]
    # Without a network beside it, the joint network only splits, and its one output means nothing.
    extra = list(range(cells.network.output_dim)) if _beside(run) else []

    def value(i: int, point: Sequence[Fraction]) -> Value:
        return times([g.evaluate(point) for g in gradient], problem.field_at(point))

    return Task(
        condition="decrease",
        simplices=cells.lifted(extra),
        weights=constant_weights([1.0], len(cells.owner)),
        forms=lie_derivative(run, V),
        cells=cells.owner,
        numbers=np.arange(len(cells.owner)),
        value=value,
    )


def lie_derivative(run: Run, V: Polynomial) -> Any:
    """`grad V . f` as one form."""
    dynamics, dim = run.problem.dynamics, run.problem.dim
    if isinstance(dynamics, Networked):
        parts = [V.derivative(k).lifted(range(dim), 2 * dim) * _field(k, dim) for k in range(dim)]
        return PolynomialForms((sum(parts, Polynomial.constant(0, 2 * dim)),))
    assert isinstance(dynamics, Smooth)
    states = [Expression.x(k) for k in range(dim)]
    parts = [substituted(V.derivative(k), states) * dynamics.expressions[k] for k in range(dim)]
    return ExpressionForms((sum(parts, Expression.number(0)),), dim, dynamics.inputs)


def substituted(p: Polynomial, values: Sequence[Expression]) -> Expression:
    """`p(e_1, ..., e_n)` as an expression."""
    out = Expression.number(0)
    for exponents, c in p.terms.items():
        term = Expression.number(c)
        for v, e in zip(values, exponents, strict=True):
            term = term * v**e if e else term
        out = out + term
    return out
