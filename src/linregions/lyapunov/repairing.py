"""Repair of a candidate: other output weights by linear programming, then a proof or a counterexample by `verify`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, Literal, cast

import numpy as np

from ..checks import plural, shown, whole_number
from ..errors import InputError
from ..network import Network
from .problem import Problem, problem_of
from .training.flow import Flow
from .training.programme import Proposal, propose
from .training.readout import Points, Readout, lattice, outside, readout
from .verdict import Verdict
from .verifying import verify

OBJECTIVES = ("change", "margin")
MOST_WITNESSES = 300


@dataclass(frozen=True, eq=False, repr=False)
class Repair:
    """What `repair` found.

    Attributes:
        network: the network with the last output weights that were proposed; the given one where none were.
        verdict: what `verify` says about it; None where no weights were proposed.
        margin: the least of `V / |x|_1` and `-Vdot / |x|_1` over all points that were looked at, in float64: a hint,
            not a proof.  At most 0: the conditions at `conflict` contradict each other, as far as float64 can say.
        change: sum of the absolute changes of the output weights.
        rounds: proposals that went to `verify`.
        programmes: linear programmes that were solved.
        conflict: points (k, n) whose conditions no output weights satisfy together; empty where there are none.
        seconds: wall time.
    """

    network: Network
    verdict: Verdict | None
    margin: float
    change: float
    rounds: int
    programmes: int
    conflict: np.ndarray
    seconds: float

    @property
    def proved(self) -> bool:
        """Whether the repaired network is proved."""
        return self.verdict is not None and self.verdict.proved

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        return {
            "verdict": None if self.verdict is None else self.verdict.as_dict(),
            "network": self.network.hash,
            "margin": self.margin,
            "change": self.change,
            "rounds": self.rounds,
            "programmes": self.programmes,
            "conflict": self.conflict.tolist(),
            "seconds": self.seconds,
        }

    def __str__(self) -> str:
        work = f"{plural(self.programmes, 'linear programme')}, {self.seconds:.2f} s"
        if self.verdict is None:
            if len(self.conflict):
                why = f"no output weights satisfy the conditions at {plural(len(self.conflict), 'point')} (by float64)"
            else:
                why = "no output weights were found in the time"
            return f"not repaired: {why}; {work}"
        done = "repaired" if self.proved else "not repaired"
        return f"{done}, output weights changed by {self.change:.4g}: {self.verdict.status.value}; {work}"

    def __repr__(self) -> str:
        return f"Repair: {self}"


def repair(
    V: Any,
    dynamics: Any,
    domain: Any,
    *,
    time: Literal["continuous", "discrete"] = "continuous",
    exclude: Any = None,
    controller: Any = None,
    shift: bool = False,
    verdict: Verdict | None = None,
    objective: Literal["change", "margin"] = "change",
    levels: bool = False,
    bits: int = 24,
    rounds: int = 8,
    time_limit: float | None = None,
    threads: int = 1,
    on_programme: Callable[[int, float], None] | None = None,
) -> Repair:
    """Change the output weights of a candidate so that `verify` proves it.

    With the hidden layers fixed, `V = sum_j a_j phi_j + c`, and on a cell with slopes s_j of phi_j both V(x) and
    `Vdot(x) = sum_j a_j s_j.f(x)` are linear in a.  The linear programme

        max t   with   V(x) >= t |x|_1,   -Vdot(x) >= t |x|_1   at the points found so far

    among the weights whose V is as large as the given one near 0 says how good the best weights are; a second one takes
    those nearest to the given ones that keep a quarter of that margin.  Points come from the cells (cutting planes:
    only conditions that a proposal violates are added) and from counterexamples of `verify`, which judges every
    proposal exactly.

    Args:
        V: a network with hidden layers and one linear output.
        dynamics: what `verify` takes.
        domain: a `Box` or a bounded `Polytope` with 0 strictly inside.
        time: "continuous" or "discrete".
        exclude: a set around 0 in which nothing is claimed, as for `verify`.
        controller: a network that closes the loop, as for `verify`.
        shift: verify V - V(0), where V(0) is not 0.
        verdict: a verdict on V; its counterexamples are conditions from the beginning.
        objective: "change" for weights near the given ones, "margin" for those of the largest margin.
        levels: whether the verdict on a repaired network has the largest certified sub-level set, too.
        bits: the weights are rounded to this many binary digits of the largest one; short numbers make short proofs.
        rounds: most proposals that go to `verify`.
        time_limit: seconds.
        threads: worker threads for the list of cells.
        on_programme: called with (linear programmes solved, margin of the last one).

    Returns:
        A `Repair`.

    Raises:
        InputError: an argument does not fit, or V has no free output weights.

    Source:
        Linearity in the output weights: derived.  The programmes are floating point and prove nothing.

    Example:
        >>> from linregions import Box, Network
        >>> tilted = Network.from_arrays([([[1, 0], [-1, 0], [0, 1], [0, -1]], [0] * 4), ([[1, 1, 4, 4]], [0])])
        >>> fixed = repair(tilted, ["-2*x + y", "-x - 2*y"], Box.cube(-1, 1, 2))
        >>> fixed.proved, bool((fixed.network.stages[-1].weight > 0).all())
        (True, True)
    """
    begun = monotonic()
    problem = problem_of(V, dynamics, domain, time=time, exclude=exclude, controller=controller, shift=shift)
    _check(objective, verdict)
    bits = whole_number(bits, "bits", least=4, most=50)
    rounds = whole_number(rounds, "rounds")
    if not isinstance(problem.candidate, Network):
        raise InputError("V: a polynomial has no output weights; repair takes a network")
    flow = Flow(problem.dynamics, problem.controller)
    free = readout(problem.candidate, flow, problem.domain, time=time, threads=threads)
    done = improved(
        problem,
        free,
        near=free.weights if objective == "change" else None,
        held=None if verdict is None else witnesses(free, verdict),
        limits=Limits(rounds, None if time_limit is None else begun + time_limit, bits),
        threads=threads,
        shift=shift,
        on_programme=on_programme,
    )
    network, verdict = problem.candidate if done.network is None else done.network, done.verdict
    if levels and verdict is not None and verdict.proved:
        verdict = judged(problem, network, levels=True, shift=shift, threads=threads)
    conflict = done.proposal.conflict
    return Repair(
        network,
        verdict,
        done.proposal.margin,
        done.change,
        done.rounds,
        done.programmes,
        np.zeros((0, problem.dim)) if conflict is None else conflict.x,
        monotonic() - begun,
    )


def _check(objective: Any, verdict: Any) -> None:
    if objective not in OBJECTIVES:
        raise InputError(f"objective must be 'change' or 'margin', got {shown(objective)}")
    if verdict is not None and not isinstance(verdict, Verdict):
        raise InputError(f"verdict must be a Verdict that verify gave, got {shown(verdict)}")


@dataclass(frozen=True)
class Limits:
    """How far `improved` goes: proposals that go to `verify`, the clock at which it ends, digits of the weights."""

    rounds: int
    end: float | None
    bits: int

    @property
    def left(self) -> float | None:
        """Seconds that are left, at least a little, None for no limit."""
        return None if self.end is None else max(0.01, self.end - monotonic())

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return self.end is not None and monotonic() >= self.end


@dataclass(frozen=True, eq=False)
class Improved:
    """The last proposal, what became of it, and the work."""

    network: Network | None
    verdict: Verdict | None
    proposal: Proposal
    failed: Points | None
    change: float
    rounds: int
    programmes: int


def improved(
    problem: Problem,
    free: Readout,
    *,
    near: np.ndarray | None,
    held: Points | None,
    limits: Limits,
    threads: int = 1,
    shift: bool = False,
    patience: int = 0,
    on_programme: Callable[[int, float], None] | None = None,
) -> Improved:
    """Propose output weights, verify, add the counterexamples to the conditions, until it is proved."""
    points = lattice(free.cells, keep=outside(problem.exclude))
    network = verdict = failed = None
    change, rounds, programmes = 0.0, 0, 0
    while True:
        how = {"patience": patience, "time_limit": limits.left, "on_round": on_programme}
        proposal = propose(free, points, near=near, start=held, **how)
        programmes += proposal.rounds
        if proposal.margin <= 0:
            break
        weights = rounded(proposal.weights, limits.bits)
        network = free.with_weights(weights)
        verdict = judged(problem, network, time_limit=limits.left, shift=shift, threads=threads)
        change, rounds = float(np.abs(weights - free.weights).sum()), rounds + 1
        failed = witnesses(free, verdict)
        if failed is None or rounds >= limits.rounds or limits.late:
            break
        held = Points.join([proposal.points, failed])
    return Improved(network, verdict, proposal, failed, change, rounds, programmes)


def judged(problem: Problem, network: Network, *, levels: bool = False, **how: Any) -> Verdict:
    """What `verify` says about another network in the place of the candidate; a loop needs no levels."""
    return verify(
        network,
        problem.dynamics,
        problem.domain,
        time=cast(Literal["continuous", "discrete"], problem.time),
        exclude=problem.exclude,
        controller=problem.controller,
        levels=levels,
        **how,
    )


def rounded(weights: np.ndarray, bits: int) -> np.ndarray:
    """Weights as multiples of one power of two, `bits` binary digits for the largest."""
    largest = float(np.abs(weights).max()) if weights.size else 0.0
    if largest == 0.0:
        return weights
    exponent = int(np.frexp(largest)[1]) - bits
    return np.ldexp(np.rint(np.ldexp(weights, -exponent)), exponent) + 0.0


def witnesses(free: Readout, verdict: Verdict) -> Points | None:
    """The counterexamples of a verdict as points, each in every cell that it may lie in.

    A witness on a hinge belongs to several cells, and the one that it is about may be any of them; the numbers of cells
    differ from mesh to mesh, so they are found again.
    """
    found = [c for c in verdict.counterexamples if any(c.witness)][:MOST_WITNESSES]
    if not found:
        return None
    cells = free.cells
    corners = cells.points[cells.simplices]
    slack = 1e-9 * (1.0 + float(np.abs(corners).max()))
    low, high = corners.min(axis=1) - slack, corners.max(axis=1) + slack
    parts = []
    for c in found:
        point = np.array([float(v) for v in c.witness])
        near = np.flatnonzero(((low <= point) & (point <= high)).all(axis=1))
        inside = [s for s in near if _contains(corners[s], point)]
        owners = np.unique(cells.owner[inside if inside else near])
        parts.append(Points(np.tile(point, (len(owners), 1)), owners, np.full(len(owners), c.condition == "decrease")))
    return Points.join(parts)


def _contains(corners: np.ndarray, point: np.ndarray) -> bool:
    """Whether a point lies in a simplex, or near enough to it."""
    table = np.concatenate([corners.T, np.ones((1, len(corners)))])
    weights = np.linalg.lstsq(table, np.append(point, 1.0))[0]
    return bool(weights.min() >= -1e-6)
