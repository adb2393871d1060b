"""The verb: is V a Lyapunov function of this system on this domain?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter as time_now
from typing import Any, Literal

from ..checks import whole_number
from ..engines.budget import checked_budget
from .conditions.conclude import conclude
from .conditions.origin import at_origin
from .conditions.tasks import Run
from .dynamics.dynamics import Piecewise
from .geometry.cells import UnfinishedError
from .problem import Problem, problem_of
from .verdict import Left, Verdict


def verify(
    V: Any,
    dynamics: Any,
    domain: Any,
    *,
    time: Literal["continuous", "discrete"] | None = None,
    exclude: Any = None,
    controller: Any = None,
    shift: bool = False,
    claim: Literal["strict", "composite"] = "strict",
    levels: bool = True,
    max_depth: int = 40,
    time_limit: float | None = None,
    threads: int | None = 1,
    progress: Callable[[float, int], None] | None = None,
) -> Verdict:
    """Prove or refute that V is a Lyapunov function of a system on a domain, exactly.

    The conditions are `V(0) = 0`, `V(x) > 0` and

        grad V(x) . f(x) < 0        in continuous time, with the slope of every cell of V that x lies in,
        V(f(x)) - V(x) < 0          in discrete time,

    at every x != 0 of the domain.  On every simplex of a mesh of the cells of V they say that a polynomial is
    negative, decided by Bernstein forms and bisection; 0 is a vertex of the mesh, so that no ball around it is
    left out.

    Args:
        V: a network with one output (a path, an ONNX model, a torch module or a `Network`), a polynomial in x1..xn (a
            string, a sympy expression or an `Expression`), or a matrix P for x'Px.
        dynamics: what `dynamics_of` takes: strings or sympy expressions, a matrix, (A, b), modes, a `Network`; or a
            `System`, or its name ("duffing").
        domain: a `Box` or a bounded `Polytope` with 0 strictly inside.
        time: "continuous" (x' = f) or "discrete" (x+ = f); by default that of the `System`, else continuous.
        exclude: a radius, a `Box` or a `Polytope` around 0 in which nothing is claimed.
        controller: a network from x to the inputs u of the dynamics.
        shift: verify V - V(0), where V(0) is not 0.
        claim: "strict", or "composite": a quadratic function inside, V outside.
        levels: whether to look for the largest certified sub-level set and the ultimate bound as well.
        max_depth: most bisections of a simplex.
        time_limit: seconds; when they run out the verdict is UNKNOWN with what is left, unless it is refuted already.
        threads: worker threads for the list of cells; None takes the cores of this process.
        progress: called now and then with (fraction done, cells so far) while cells are listed.

    Returns:
        A `Verdict`.

    Raises:
        InputError: an argument does not fit; the message says which and what to give instead.

    Source:
        Convex-hull property of the Bernstein form (standard); Theorems A and B, and 0 as a vertex of the mesh: derived.

    Example:
        >>> from linregions import Box, Network
        >>> from linregions.lyapunov import verify
        >>> size = Network.from_arrays([([[1, 0], [-1, 0], [0, 1], [0, -1]], [0, 0, 0, 0]), ([[1, 1, 1, 1]], [0])])
        >>> verify(size, ["-x + x^3", "-y + y^3"], Box.cube(-0.5, 0.5, 2)).status.value
        'PROVED_STRICT'
        >>> refuted = verify(size, ["-x + x^3", "-y + y^3"], Box.cube(-2, 2, 2))
        >>> refuted.status.value, refuted.condition
        ('REFUTED', 'decrease')
    """
    budget = checked_budget(threads=threads, time_limit=time_limit, progress=progress)
    whole_number(max_depth, "max_depth", least=0, most=60)
    problem = problem_of(
        V, dynamics, domain, time=time, exclude=exclude, controller=controller, shift=shift, claim=claim
    )
    run = Run(problem, max_depth=max_depth, threads=threads, progress=progress)
    if budget["time_limit"] is not None:
        run.deadline = run.begun + budget["time_limit"]
    try:
        at_origin(run)
        _method(problem)(run)
    except KeyboardInterrupt:
        run.stop("interrupted", "interrupted")
    except UnfinishedError as error:
        out_of_time = run.late or error.count.reason.startswith("time limit")
        reason = f"time limit of {budget['time_limit']:g} s reached" if out_of_time else error.count.reason or "stopped"
        run.stop("time" if out_of_time else "cells", f"the list of cells is not complete ({reason})")
    _note_what_is_open(run)
    verdict = conclude(run)
    if levels:
        verdict = _with_levels(run, verdict)
    return replace(verdict, seconds=time_now() - run.begun)


def _with_levels(run: Run, verdict: Verdict) -> Verdict:
    """The verdict with levels; Ctrl-C leaves it without them."""
    from .levels.regions import with_levels

    try:
        return with_levels(run, verdict)
    except KeyboardInterrupt:
        return replace(verdict, stopped="interrupted")


def _method(problem: Problem) -> Callable[[Run], None]:
    """How a problem is decided."""
    if problem.time == "discrete":
        from .conditions.discrete import discrete

        return discrete
    if isinstance(problem.dynamics, Piecewise):
        from .conditions.piecewise import piecewise

        return piecewise
    from .conditions.continuous import continuous

    return continuous


def _note_what_is_open(run: Run) -> None:
    """A run that was stopped has looked at some conditions only."""
    if run.stopped or run.late:
        run.stop("time", "the time ran out")
        asked = {task.condition for task in run.tasks}
        run.left += [Left(-1, condition) for condition in ("positive", "decrease") if condition not in asked]
