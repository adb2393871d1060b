"""Sub-level sets for a verdict: where trajectories stay and what they tend to."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from ...errors import InputError
from ...exact import dot
from ...network import Network
from ..conditions.tasks import Run
from ..dynamics.dynamics import Piecewise
from ..geometry.fan import Fan
from ..verdict import Outcome, Verdict
from .composite import composite
from .levels import SubLevel, levels
from .quadratic import quadratic_certificate
from .stay import stays


def with_levels(run: Run, verdict: Verdict) -> Verdict:
    """The verdict with the largest certified sub-level set, or the ultimate bound, of a network V.

    Every condition must have been asked about on the whole mesh; what failed on some simplices only lowers the level.
    What was found along seams between modes is not tied to simplices, so such a verdict has no levels.
    """
    aside = [*run.counterexamples, *run.left, *run.faces]
    asked = {task.condition for task in run.tasks if task.proof is not None}
    off_mesh = any(found.cell >= 0 or found.condition != "positive" for found in aside)
    pulled_back = verdict.status is Outcome.PROVED_STRICT  # then nothing is left that a task could tell
    if not isinstance(run.problem.candidate, Network) or off_mesh or run.late or run.stopped:
        return verdict
    if not (asked >= {"positive", "decrease"} or pulled_back):
        return verdict
    if isinstance(run.mesh, Fan):
        return replace(verdict, sublevel=_on_fan(run.mesh, run.problem.domain)) if verdict.proved else verdict
    dynamics = run.problem.dynamics
    modes = dynamics.modes if run.problem.time == "discrete" and isinstance(dynamics, Piecewise) else ()
    tasks: list[Any] = [task for task in run.tasks if task.condition != "positive" and task.proof is not None]
    if modes:
        tasks += stays(run.mesh, modes)
    found = levels(
        run.mesh,
        tasks,
        time=run.problem.time,
        output=0,
        shift=run.problem.shift,
        everywhere=bool(modes),
        time_limit=run.remaining,
    )
    verdict = replace(verdict, sublevel=found.sublevel, ultimate=found.ultimate)
    if run.problem.claim == "composite" and not verdict.proved:
        verdict = _composite(run, verdict)
    return verdict


def _composite(run: Run, verdict: Verdict) -> Verdict:
    """A quadratic function inside, V outside, where they reach each other."""
    problem = run.problem
    if problem.controller is not None:
        return replace(verdict, reason=f"{verdict.reason}; no composite: it needs the closed loop as expressions in x")
    if verdict.ultimate is None:
        return replace(verdict, reason=f"{verdict.reason}; no composite: V decreases between no two levels")
    try:
        inner = quadratic_certificate(problem.dynamics, problem.domain, time=problem.time, time_limit=run.remaining)
    except InputError as error:
        return replace(verdict, reason=f"{verdict.reason}; no composite: {error}")
    joined = composite(verdict.ultimate, inner)
    if joined is None:
        return replace(verdict, reason=f"{verdict.reason}; no composite: x'Px does not reach out to the levels of V")
    return replace(
        verdict,
        status=Outcome.PROVED_COMPOSITE,
        condition="",
        witness=None,
        value=None,
        face=None,
        composite=joined,
        reason=str(joined),
    )


@dataclass(frozen=True, eq=False)
class FanBasin:
    """Sub-level sets of a function that is linear on the cones of a fan."""

    fan: Fan

    def volume(self, level: Fraction, *, within: Fraction | None = None) -> Fraction:
        """Exact volume of {V <= level}: on each cone a simplex with its corners where the rays meet the level."""
        from flint import fmpz_mat

        fan, total = self.fan, Fraction(0)
        values = [self.fan.exact_values(v)[0] for v in range(len(fan.points))]
        for cone in fan.cones.tolist():
            size = abs(int(fmpz_mat([list(fan.rays[r]) for r in cone]).det()))
            total += Fraction(size) / math.prod((values[r + 1] for r in cone), start=Fraction(1))
        return total * level**fan.dim / math.factorial(fan.dim)


def _on_fan(fan: Fan, domain: Any) -> SubLevel:
    """The largest sub-level set in the domain of a function that is positive on every ray.

    With r' the point at which a ray leaves the domain, x = sum_j l_j r'_j in a cone has V(x) = sum_j l_j V(r'_j) and
    gauge(x) <= sum_j l_j, the gauge of the convex domain being sublinear.  On the boundary the gauge is 1, so V is at
    least the least V(r'), which is attained.  Derived.
    """
    rows = domain.halfspaces
    least = None
    for number, ray in enumerate(fan.rays):
        gauge = max(-dot(row[:-1], [Fraction(v) for v in ray]) / row[-1] for row in rows)
        value = fan.exact_values(number + 1)[0] / gauge
        least = value if least is None else min(least, value)
    assert least is not None
    basin: Any = FanBasin(fan)
    return SubLevel(least, least, least, None, True, int(np.size(fan.cones, 0)), basin)
