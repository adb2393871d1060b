"""From a system to a proved Lyapunov function: propose, verify, and learn from what failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, Literal

import numpy as np

from ..checks import plural, real_number, seed_number, shown, whole_number
from ..errors import InputError
from ..network import Network
from .geometry.cells import cells_of
from .problem import Problem, problem_of
from .repairing import Improved, Limits, improved, judged
from .training.exchange import exchanged
from .training.flow import Flow
from .training.programme import Proposal
from .training.readout import Readout, lattice, outside, readout
from .training.start import Shape, coordinates, jacobian, modal, scattered
from .verdict import Verdict

STARTS = ("modal", "random")
LEARN = ("exchange", "descent", "both")
MOST_KEPT = 1_000
MOST_NEW = 200
TRIES = 4
PATIENCE = 6
EXCHANGED = 0.3
WEIGHT_BITS = 24


@dataclass(frozen=True)
class Round:
    """One round of `train`.

    Attributes:
        number: from 0; round 0 has no training, only the start and its output weights.
        loss: of the training before it, in float64; 0 in round 0.
        margin: the least of `V / |x|_1` and `-Vdot / |x|_1` over the points that the linear programmes looked at.
        status: what `verify` said, "" where the margin was not positive and so nothing was verified.
        counterexamples: how many it gave.
        seconds: since the beginning.
    """

    number: int
    loss: float
    margin: float
    status: str
    counterexamples: int
    seconds: float

    def __str__(self) -> str:
        said = self.status or "not verified"
        return f"round {self.number}: loss {self.loss:.3g}, margin {self.margin:.3g}, {said}, {self.seconds:.1f} s"


@dataclass(frozen=True, eq=False, repr=False)
class Trained:
    """What `train` found.

    Attributes:
        network: the best candidate, with exactly the weights that were verified.
        verdict: what `verify` says about it.
        history: one `Round` each.
        seed: it repeats the run.
        stopped: why it ended: "proved", "rounds", "time limit" or "interrupted".
        seconds: wall time.
    """

    network: Network
    verdict: Verdict
    history: tuple[Round, ...]
    seed: int
    stopped: str
    seconds: float

    @property
    def proved(self) -> bool:
        """Whether the network is proved."""
        return self.verdict.proved

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        return {
            "network": self.network.hash,
            "units": self.network.unit_count,
            "verdict": self.verdict.as_dict(),
            "history": [vars(r) for r in self.history],
            "seed": self.seed,
            "stopped": self.stopped,
            "seconds": self.seconds,
        }

    def __str__(self) -> str:
        rounds = plural(len(self.history), "round")
        return (
            f"{self.verdict.status.value} with {plural(self.network.unit_count, 'unit')} after {rounds} "
            f"({self.stopped}), seed {self.seed}, {self.seconds:.1f} s; {self.verdict.reason}"
        )

    def __repr__(self) -> str:
        return f"Trained: {self}"


def train(
    dynamics: Any,
    domain: Any,
    *,
    time: Literal["continuous", "discrete"] = "continuous",
    exclude: Any = None,
    controller: Any = None,
    units: int = 48,
    lines: int | None = None,
    start: Literal["modal", "random"] = "modal",
    learn: Literal["exchange", "descent", "both"] = "exchange",
    levels: bool = False,
    seed: int = 0,
    rounds: int = 30,
    steps: int = 300,
    samples: int = 2_000,
    rate: float = 0.02,
    time_limit: float | None = None,
    threads: int = 1,
    progress: Callable[[float, int], None] | None = None,
    on_round: Callable[[Round], None] | None = None,
) -> Trained:
    """Find a piecewise-linear Lyapunov function of a system on a domain, and prove it.

    The candidate is `V(x) = sum_k (l_k relu(w_k.x) + r_k relu(-w_k.x)) + sum_j c_j relu(u_j.x - h_j)` with h_j > 0, so
    that V(0) = 0 and 0 is a vertex of its cells, without which no candidate is positive definite (Theorem A).  Every
    round changes the hyperplanes (round 0 takes the start as it is), solves the linear programme for the best output
    weights with the hyperplanes fixed, and asks `verify` where its margin is positive.  Where it is not, the
    multipliers of the programme say which points contradict each other: they price new hinges, and they are samples for
    the descent, together with counterexamples.

    Args:
        dynamics: what `verify` takes.
        domain: a `Box` or a bounded `Polytope` with 0 strictly inside.
        time: "continuous" or "discrete".
        exclude: a set around 0 in which nothing is claimed, as for `verify`.
        controller: a network that closes the loop, as for `verify`.
        units: hidden ReLUs: two for each line through 0, one for each hinge away from it.
        lines: K, the lines through 0; by default a third of the units, and at least n.
        start: "modal", lines spread in the modal coordinates of the linear part at 0; "random", without a look at it.
        learn: how the hyperplanes change: "exchange" replaces the hinges that matter least by those of the best price;
            "descent" moves all parameters by gradient descent, which needs torch and takes longer; "both" does both.
        levels: whether the verdict on a proved network has the largest certified sub-level set, too.
        seed: of the start, the hinges and the samples.
        rounds: most rounds after round 0.
        steps: of the descent in a round.
        samples: points of the descent in a round, beside those that failed before.
        rate: step size of the descent, relative to the parameters.
        time_limit: seconds; the best so far is returned.
        threads: worker threads for the lists of cells.
        progress: called with (part of the rounds or of the time that is over, rounds so far).
        on_round: called with the `Round` when one is done.

    Returns:
        A `Trained`.  Ctrl-C ends it with the best so far.

    Raises:
        InputError: an argument does not fit.
        MissingExtraError: descent is asked for and torch is not installed.

    Source:
        Rounds of training and counterexamples are standard, and so is pricing in the simplex method; the architecture
        and the programmes are derived.  All of this is floating point and proves nothing; `verify` proves.

    Example:
        >>> from linregions import Box
        >>> found = train(["x2", "-x1 - x2 - x1^3"], Box.cube(-1, 1, 2), units=24, seed=1)
        >>> found.proved, found.stopped
        (True, 'proved')
    """
    begun = monotonic()
    K, M = _sizes(units, lines, domain)
    problem = problem_of(_zero(_dim(domain)), dynamics, domain, time=time, exclude=exclude, controller=controller)
    if start not in STARTS:
        raise InputError(f"start must be 'modal' or 'random', got {shown(start)}")
    if learn not in LEARN:
        raise InputError(f"learn must be 'exchange', 'descent' or 'both', got {shown(learn)}")
    if learn != "exchange":
        from .training import needs  # noqa: F401  a missing torch is said before any work
    options = {
        "rounds": whole_number(rounds, "rounds", least=0),
        "steps": whole_number(steps, "steps"),
        "samples": whole_number(samples, "samples"),
        "rate": _positive(rate, "rate"),
        "end": None if time_limit is None else begun + _positive(time_limit, "time_limit"),
        "threads": threads,
        "learn": learn,
        "progress": progress,
        "on_round": on_round,
    }
    trainer = _Trainer(problem, seed_number(seed), options, begun)
    network, verdict, stopped = trainer.run(K, M, start)
    if levels and verdict.proved:
        verdict = judged(problem, network, levels=True, threads=threads)
    return Trained(network, verdict, tuple(trainer.history), trainer.seed, stopped, monotonic() - begun)


def _zero(dim: int) -> Network:
    """The network that is 0: it has one cell, and stands where there is no candidate yet."""
    return Network.from_arrays([(np.zeros((1, dim)), np.zeros(1))])


def _dim(domain: Any) -> int:
    return domain.dim if isinstance(getattr(domain, "dim", None), int) else 1


def _sizes(units: Any, lines: Any, domain: Any) -> tuple[int, int]:
    """Lines and hinges."""
    dim = _dim(domain)
    units = whole_number(units, "units", least=2 * dim)
    count = max(dim, units // 3) if lines is None else whole_number(lines, "lines", least=dim)
    if 2 * count > units:
        raise InputError(f"lines: {count} take {2 * count} units, two each, but units is {units}; raise it")
    return count, units - 2 * count


def _positive(value: Any, what: str) -> float:
    number = real_number(value, what)
    if not number > 0:
        raise InputError(f"{what} must be a positive number, got {shown(value)}")
    return number


class _Trainer:
    """The state of a run: the parameters, the points that failed, the best candidate."""

    def __init__(
        self,
        problem: Problem,
        seed: int,
        options: dict[str, Any],
        begun: float,
    ):
        self.problem, self.seed, self.options, self.begun = problem, seed, options, begun
        self.rng = np.random.default_rng(seed)
        self.flow = Flow(problem.dynamics, problem.controller)
        self.keep = outside(problem.exclude)
        self.failed = np.zeros((0, problem.dim))
        self.history: list[Round] = []
        self.network: Network | None = None
        self.verdict: Verdict | None = None
        self.proposal: Proposal | None = None
        self.best = -np.inf

    def run(self, lines: int, hinges: int, start: str) -> tuple[Network, Verdict, str]:
        """Rounds until it is proved: the best candidate, the verdict on it, and why it ended."""
        corners, self.simplices = self._corners()
        self.corners = corners
        R = coordinates(jacobian(self.flow, self.problem.dim), time=self.problem.time)
        shape = modal(R, corners, lines, hinges, self.rng) if start == "modal" else None
        shape = scattered(corners, lines, hinges, self.rng) if shape is None else shape
        stopped, loss = "rounds", 0.0
        try:
            for number in range(self.options["rounds"] + 1):
                if number:
                    shape, loss = self._changed(shape)
                shape = self._judged(shape, number, loss)
                if self.verdict is not None and self.verdict.proved:
                    stopped = "proved"
                    break
                if self._late():
                    stopped = "time limit"
                    break
        except KeyboardInterrupt:
            stopped = "interrupted"
        network = shape.network() if self.network is None else self.network
        verdict = self.verdict
        if verdict is None:
            verdict = judged(self.problem, network, time_limit=self._left(least=1.0))
        return network, verdict, stopped

    def _corners(self) -> tuple[np.ndarray, np.ndarray]:
        """The vertices of the domain, and simplices that cover it."""
        cells = cells_of(_zero(self.problem.dim), self.problem.domain)
        return cells.points, cells.points[cells.simplices]

    def _changed(self, shape: Shape) -> tuple[Shape, float]:
        """Other hyperplanes: hinges exchanged by their price, and all parameters by descent, as was asked."""
        loss, learn = 0.0, self.options["learn"]
        last = self.proposal
        if learn != "descent" and last is not None and last.conflict is not None and last.pressure is not None:
            where = {"corners": self.corners, "time": self.problem.time, "part": EXCHANGED, "rng": self.rng}
            shape = exchanged(shape, last.conflict, last.pressure, self.flow, **where)
        if learn != "exchange":
            shape, loss = self._fitted(shape)
        return shape, loss

    def _fitted(self, shape: Shape) -> tuple[Shape, float]:
        """All parameters trained on fresh samples and on what failed."""
        from .training.fit import Samples, fit

        x = np.concatenate([self._sampled(self.options["samples"]), self._around(self.failed)])
        if self.keep is not None:
            x = x[self.keep(x)]
        index, values = self.flow(x)
        x = x[index]
        return fit(
            shape,
            Samples(x, values),
            time=self.problem.time,
            margin=self._asked(x, values, shape),
            steps=self.options["steps"],
            rate=self.options["rate"],
            on_step=lambda *_: self._late(),
        )

    def _asked(self, x: np.ndarray, f: np.ndarray, shape: Shape) -> float:
        """A tenth of the usual decrease: little enough to be reached, in the scale that the weights have now."""
        net = shape.network()
        if self.problem.time == "discrete":
            fall = net(x)[:, 0] - net(f)[:, 0]
        else:
            step = 1e-6
            fall = (net(x)[:, 0] - net(x + step * f)[:, 0]) / step
        usual = float(np.median(np.abs(fall) / np.abs(x).sum(axis=1)))
        return 0.1 * usual

    def _sampled(self, count: int) -> np.ndarray:
        """Points of the domain, half of them drawn towards 0 by up to 2^-6."""
        volumes = np.abs(np.linalg.det(self.simplices[:, 1:] - self.simplices[:, :1]))
        chosen = self.rng.choice(len(volumes), size=count, p=volumes / volumes.sum())
        weights = self.rng.dirichlet(np.ones(self.problem.dim + 1), size=count)
        x = np.einsum("mv,mvn->mn", weights, self.simplices[chosen])
        x[: count // 2] *= 2.0 ** -self.rng.uniform(0, 6, (count // 2, 1))
        return x[np.abs(x).sum(axis=1) > 0]

    def _around(self, failed: np.ndarray) -> np.ndarray:
        """Points that failed, and others near them: on both sides of the hinges that meet there."""
        length = np.abs(failed).sum(axis=1, keepdims=True)
        near = [failed + s * length * self.rng.standard_normal(failed.shape) for s in (0.001, 0.01, 0.03)]
        return np.concatenate([failed, *near])

    def _judged(self, shape: Shape, number: int, loss: float) -> Shape:
        """The best output weights, and what `verify` says about them; what failed is kept for the next round."""
        network = shape.network()
        free = readout(network, self.flow, self.problem.domain, time=self.problem.time, threads=self.options["threads"])
        limits = Limits(TRIES, self.options["end"], WEIGHT_BITS)
        threads = self.options["threads"]
        done = improved(self.problem, free, near=None, held=None, limits=limits, threads=threads, patience=PATIENCE)
        better = done.verdict is not None and (self.verdict is None or done.verdict.proved)
        if done.proposal.margin > self.best or better:
            self.best = done.proposal.margin
            self.network, self.verdict = (done.network, done.verdict) if done.network is not None else (network, None)
        self.proposal = done.proposal
        self._learn(done, free)
        status = "" if done.verdict is None else done.verdict.status.value
        count = 0 if done.verdict is None else len(done.verdict.counterexamples)
        self.history.append(Round(number, loss, done.proposal.margin, status, count, monotonic() - self.begun))
        self._tell()
        if done.verdict is not None and done.verdict.stopped == "interrupted":
            raise KeyboardInterrupt  # verify takes Ctrl-C for a short time limit
        return shape.with_output(done.proposal.weights)

    def _tell(self) -> None:
        if self.options["on_round"] is not None:
            self.options["on_round"](self.history[-1])
        if self.options["progress"] is not None:
            part = len(self.history) / (self.options["rounds"] + 1)
            if self.options["end"] is not None:
                part = max(part, (monotonic() - self.begun) / (self.options["end"] - self.begun))
            self.options["progress"](min(part, 1.0), len(self.history))

    def _learn(self, done: Improved, free: Readout) -> None:
        """Keep the points whose conditions contradict each other, and counterexamples; the oldest are forgotten."""
        parts = [done.proposal.conflict, done.failed]
        if done.proposal.margin <= 0 and done.proposal.conflict is None:
            points = lattice(free.cells, keep=self.keep)
            parts.append(points.take(np.argsort(free.margins(points, done.proposal.weights))[:MOST_NEW]))
        new = [part.x for part in parts if part is not None]
        self.failed = np.concatenate([*new, self.failed])[:MOST_KEPT]

    def _late(self) -> bool:
        return self.options["end"] is not None and monotonic() >= self.options["end"]

    def _left(self, *, least: float) -> float | None:
        end = self.options["end"]
        return None if end is None else max(least, end - monotonic())
