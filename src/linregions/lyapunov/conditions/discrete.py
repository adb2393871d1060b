"""Discrete time: V falls at every step, `V(f(x)) - V(x) < 0`.

Where f is piecewise affine (an affine map, modes, a network, or an affine map of the state and a controller's outputs),
V(x) and V(f(x)) are two outputs of one network, affine on every cell of it: vertices decide.  Where V is a polynomial,
the condition is one polynomial.  What is left, a network V and a nonlinear f, is in `pullback`.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from ...activations import IDENTITY, UnitActivations
from ...combining import compose, joint
from ...exact import scaled_integers
from ...network import Network
from ...stage import Stage
from ..dynamics.dynamics import Mode, Networked, Piecewise, Smooth
from ..dynamics.expression import Expression
from ..dynamics.polynomial import Polynomial
from ..verdict import Value
from .continuous import substituted
from .defined import check_defined
from .mesh_of import mesh_of
from .piecewise import held, mode_rows
from .positive import positive
from .tasks import ExpressionForms, PolynomialForms, Run, Task, affine, constant_weights, taken


def discrete(run: Run) -> None:
    """Both conditions in discrete time."""
    problem = run.problem
    steps = step_networks(run)
    if isinstance(problem.candidate, Network):
        if steps is None:
            from .pullback import pullback

            pullback(run)
        else:
            _by_composition(run, problem.candidate, steps)
    else:
        _by_substitution(run, problem.candidate)


def step_networks(run: Run) -> list[Network] | None:
    """The map f as networks from x to x+, one for each mode; None where it is not piecewise affine."""
    dynamics, controller, dim = run.problem.dynamics, run.problem.controller, run.problem.dim
    if isinstance(dynamics, Networked):
        return [dynamics.network]
    if isinstance(dynamics, Piecewise):
        nets = [affine_network(mode.A, mode.b) for mode in dynamics.modes]
        return None if any(net is None for net in nets) else [net for net in nets if net is not None]
    assert isinstance(dynamics, Smooth)
    maps = affine_parts(dynamics)
    last = None if maps is None else affine_network(*maps)
    if last is None or controller is None:
        return None if last is None else [last]
    same = affine_network(np.eye(dim).tolist(), [0] * dim)
    assert same is not None
    return [compose(last, joint([same, controller]))]


def affine_parts(dynamics: Smooth) -> tuple[list[list[Fraction]], list[Fraction]] | None:
    """The matrix and the constant of a system that is affine in (x, u)."""
    if dynamics.polynomials is None or any(p.degree > 1 for p in dynamics.polynomials):
        return None
    q = dynamics.dim + dynamics.inputs
    units = [tuple(int(i == k) for i in range(q)) for k in range(q)]
    A = [[p.terms.get(unit, Fraction(0)) for unit in units] for p in dynamics.polynomials]
    return A, [p.terms.get((0,) * q, Fraction(0)) for p in dynamics.polynomials]


def affine_network(A: Sequence[Sequence[Any]], b: Sequence[Any]) -> Network | None:
    """`x -> A x + b` as a network of one stage with exactly these numbers; None where float64 cannot hold them.

    A row of rationals is a row of integers over one divisor, and a stage has divisors.

    Example:
        >>> affine_network([[Fraction(1, 3)]], [1]).exact_values([Fraction(2)])
        [Fraction(5, 3)]
    """
    rows, divisors = [], []
    for row, constant in zip(A, b, strict=True):
        exact = [Fraction(v) for v in (*row, constant)]
        (whole,), scale = scaled_integers([exact])
        numbers, divisor = (exact, 1) if all(_is_float(v) for v in exact) else (whole, scale)
        if not all(_is_float(v) for v in (*numbers, divisor)):
            return None
        rows.append([float(v) for v in numbers])
        divisors.append(float(divisor))
    table = np.array(rows)
    identity = UnitActivations.uniform(IDENTITY, len(rows))
    return Network((Stage(table[:, :-1], table[:, -1], identity, np.array(divisors)),), source="affine map")


def _is_float(value: Any) -> bool:
    try:
        return Fraction(float(value)) == value
    except OverflowError:
        return False


# A network V -------------------------------------------------------------------------------------------------------


def _by_composition(run: Run, V: Network, steps: Sequence[Network]) -> None:
    dynamics, dim = run.problem.dynamics, run.problem.dim
    modes = dynamics.modes if isinstance(dynamics, Piecewise) else ()
    cells = mesh_of(run, [V, *(compose(V, step) for step in steps)], rows=mode_rows(modes) if modes else ())
    run.prove(positive(run, cells, output=0))
    holds = held(cells, modes) if modes else None
    form = PolynomialForms((affine([0] * dim + [-1, 1], 0, dim + 2),))
    for j, step in enumerate(steps):
        which, mask = in_region(cells, None if holds is None else holds[j])
        if not len(which):
            continue

        def value(i: int, point: Sequence[Fraction], step: Network = step) -> Value:
            return V.exact_values(step.exact_values(point))[0] - V.exact_values(point)[0]

        task = Task(
            condition="decrease",
            simplices=taken(cells.lifted([0, 1 + j]), which),
            weights=constant_weights([1.0], len(which)),
            forms=form,
            cells=cells.owner[which],
            numbers=which,
            value=value,
            mask=mask,
            note=f"mode {j + 1}" if modes else "",
        )
        run.prove(task)
        if modes:
            _staying(run, cells, which, mask, j, modes[j])


def _staying(run: Run, cells: Any, which: np.ndarray, mask: np.ndarray | None, j: int, mode: Mode) -> None:
    """The image of a mode lies strictly inside the domain: no part of the verdict, but of a sub-level set.

    A continuous map keeps the component of {V < c} around 0 within itself, since its image is connected; modes may
    jump.
    """
    dim = run.problem.dim
    rows = run.problem.domain.halfspaces
    for row in rows:
        image = sum((p * -a for p, a in zip(mode.polynomials, row, strict=False)), Polynomial.constant(-row[-1], dim))

        def value(i: int, point: Sequence[Fraction], row: Sequence[Fraction] = row) -> Value:
            return -row[-1] - sum((a * v for a, v in zip(row, mode.value(point), strict=False)), Fraction(0))

        run.prove(
            Task(
                condition="stay",
                simplices=taken(cells.lifted([]), which),
                weights=constant_weights([1.0], len(which)),
                forms=PolynomialForms((image,)),
                cells=cells.owner[which],
                numbers=which,
                value=value,
                mask=mask,
                note=f"mode {j + 1}",
            )
        )


def in_region(cells: Any, holds: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """The simplices that meet a closed region, and the corners of each that span the common face.

    A simplex of which only a face lies in the region is left out where that face is one of a simplex that lies in it:
    V and its image are continuous.  The faces that stay belong to flat regions, or touch the domain's boundary.
    """
    if holds is None:
        return np.arange(len(cells.simplices)), None
    mask = holds[cells.simplices]
    whole = mask.all(axis=1)
    some = np.flatnonzero(mask.any(axis=1) & ~whole)
    known = [frozenset(map(int, s)) for s in cells.simplices[whole]]
    around: dict[int, list[frozenset[int]]] = {}
    for simplex in known:
        for v in simplex:
            around.setdefault(v, []).append(simplex)
    extra = []
    for s in some:
        face = frozenset(int(v) for v in cells.simplices[s][mask[s]])
        if face == {cells.origin}:
            continue
        if not any(face <= simplex for simplex in around.get(next(iter(face)), [])):
            extra.append(int(s))
    which = np.concatenate([np.flatnonzero(whole), np.array(extra, dtype=np.int64)])
    return which, mask[which]


# A polynomial V ----------------------------------------------------------------------------------------------------


def _by_substitution(run: Run, V: Polynomial) -> None:
    dynamics = run.problem.dynamics
    if isinstance(dynamics, Piecewise):
        _modes_by_substitution(run, V, dynamics.modes)
        return
    beside = _networks_beside(run)
    cells = mesh_of(run, beside)
    check_defined(run, cells)
    run.prove(positive(run, cells, output=None))
    extra = list(range(cells.network.output_dim)) if beside else []

    def value(i: int, point: Sequence[Fraction]) -> Value:
        image = run.problem.field_at(point)
        if all(low == high for low, high in image):
            return V.evaluate([low for low, _ in image]) - V.evaluate(point)
        low, high = range_of(V, image)
        here = V.evaluate(point)
        return low - here, high - here

    run.prove(
        Task(
            condition="decrease",
            simplices=cells.lifted(extra),
            weights=constant_weights([1.0], len(cells.owner)),
            forms=step_form(run, V),
            cells=cells.owner,
            numbers=np.arange(len(cells.owner)),
            value=value,
        )
    )


def _networks_beside(run: Run) -> list[Network]:
    dynamics, controller = run.problem.dynamics, run.problem.controller
    if isinstance(dynamics, Networked):
        return [dynamics.network]
    return [] if controller is None else [controller]


def step_form(run: Run, V: Polynomial) -> Any:
    """`V(f(x, u)) - V(x)` as one form in (x, u), or in (x, f) where f is a network."""
    dynamics, dim = run.problem.dynamics, run.problem.dim
    if isinstance(dynamics, Networked):
        images = [Polynomial.variable(dim + k, 2 * dim) for k in range(dim)]
        return PolynomialForms((V.substitute(images) - V.lifted(range(dim), 2 * dim),))
    assert isinstance(dynamics, Smooth)
    if dynamics.polynomials is not None:
        after = V.substitute(dynamics.polynomials)
        return PolynomialForms((after - V.lifted(range(dim), dim + dynamics.inputs),))
    states = [Expression.x(k) for k in range(dim)]
    change = substituted(V, dynamics.expressions) - substituted(V, states)
    return ExpressionForms((change,), dim, dynamics.inputs)


def range_of(V: Polynomial, box: Sequence[tuple[Fraction, Fraction]]) -> tuple[Fraction, Fraction]:
    """Bounds of a polynomial over a small box, by interval arithmetic."""
    low = high = Fraction(0)
    for exponents, c in V.terms.items():
        a = b = c
        for (p, q), e in zip(box, exponents, strict=True):
            for _ in range(e):
                ends = (a * p, a * q, b * p, b * q)
                a, b = min(ends), max(ends)
        low, high = low + a, high + b
    return low, high


def _modes_by_substitution(run: Run, V: Polynomial, modes: Sequence[Mode]) -> None:
    cells = mesh_of(run, [], rows=mode_rows(modes))
    run.prove(positive(run, cells, output=None))
    holds = held(cells, modes)
    for j, mode in enumerate(modes):
        which, mask = in_region(cells, holds[j])
        if not len(which):
            continue

        def value(i: int, point: Sequence[Fraction], mode: Mode = mode) -> Value:
            return V.evaluate(mode.value(point)) - V.evaluate(point)

        task = Task(
            condition="decrease",
            simplices=taken(cells.lifted([]), which),
            weights=constant_weights([1.0], len(which)),
            forms=PolynomialForms((V.substitute(mode.polynomials) - V,)),
            cells=cells.owner[which],
            numbers=which,
            value=value,
            mask=mask,
            note=f"mode {j + 1}",
        )
        run.prove(task)
