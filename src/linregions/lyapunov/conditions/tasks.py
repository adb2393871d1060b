"""Conditions on the simplices of a mesh, and what a run has to keep until its verdict is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from ...domain import Box, Polytope
from ..dynamics.expression import Expression
from ..dynamics.polynomial import Polynomial, polynomial_of
from ..dynamics.taylor import Taylor
from ..problem import Problem
from ..proving.prove import Ball, Proof, Rows, Simplices, Weights, prove
from ..verdict import Counterexample, Face, Left, Stop, Value


@dataclass(eq=False)
class Task:
    """One condition on many simplices: `sum_k w_k F_k < 0` on each, except at the origin.

    Attributes:
        condition: "positive" or "decrease".
        simplices, weights, forms, mask: the arguments of `prove`.
        cells: (count,) the cell of V that each simplex belongs to.
        numbers: (count,) the simplex of the mesh that each one is.
        value: what is negative there, at an exact point of simplex `i`; found again from the model, not from the mesh.
        note: which mode, "" where there is one.
        proof: what `prove` found, None as long as it was not asked.
    """

    condition: str
    simplices: Simplices
    weights: Weights
    forms: Any
    cells: np.ndarray
    numbers: np.ndarray
    value: Callable[[int, Sequence[Fraction]], Value]
    mask: np.ndarray | None = None
    note: str = ""
    proof: Proof | None = None


@dataclass(frozen=True, eq=False)
class PolynomialForms:
    """Polynomials in the coordinates of a mesh, as `prove` takes them."""

    polynomials: tuple[Polynomial, ...]


@dataclass(frozen=True, eq=False)
class ExpressionForms:
    """Expressions in the coordinates (x, u) of a mesh, as `prove` takes them."""

    expressions: tuple[Expression, ...]
    dim: int
    inputs: int = 0

    @cached_property
    def polynomials(self) -> tuple[Polynomial, ...] | None:
        """The expressions as polynomials, None where one of them is not."""
        q = self.dim + self.inputs
        found = [polynomial_of(e, q, dim=self.dim) for e in self.expressions]
        return None if any(p is None for p in found) else tuple(p for p in found if p is not None)

    @cached_property
    def _taylor(self) -> Taylor:
        return Taylor(self.expressions, self.dim, self.inputs)

    def enclosure(self, box: Any, centre: Any, degree: int) -> Any:
        """Taylor polynomials with the range of the remainder's coefficients."""
        return self._taylor.enclosure(box, centre, degree)


@dataclass(eq=False)
class Run:
    """What one call of `verify` has found so far.

    Attributes:
        problem: what is asked.
        deadline: `time.perf_counter()` at which to stop, infinite where there is no limit.
        tasks: every condition, with its proof once there is one.
        counterexamples, faces, left: what methods found that do not ask `prove`.
        stopped: why it ended early, "" where it did not; `how` is that in one word.
        crowded: whether a simplex was given up because too many parts of it waited at a time.
    """

    problem: Problem
    max_depth: int = 40
    deadline: float = float("inf")
    threads: int | None = 1
    progress: Callable[[float, int], None] | None = None
    begun: float = field(default_factory=time.perf_counter)
    mesh: Any = None
    tasks: list[Task] = field(default_factory=list)
    counterexamples: list[Counterexample] = field(default_factory=list)
    faces: list[Face] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    reason: str = ""
    stopped: str = ""
    how: Stop = ""
    crowded: bool = False
    leaves: int = 0
    exact_decisions: int = 0

    @property
    def remaining(self) -> float | None:
        """Seconds left, None where there is no limit."""
        return None if self.deadline == float("inf") else max(self.deadline - time.perf_counter(), 1e-3)

    @property
    def late(self) -> bool:
        """Whether the time is used up."""
        return time.perf_counter() >= self.deadline

    def prove(self, task: Task) -> None:
        """Ask for the proof of a condition; it stays with the run whatever happens later."""
        self.tasks.append(task)
        if self.stopped:
            return
        task.proof = prove(
            task.simplices,
            task.weights,
            task.forms,
            inside=excluded(self.problem),
            mask=task.mask,
            max_depth=self.max_depth,
            time_limit=self.remaining,
            stop_at_violation=True,
            strict=True,
        )
        if task.proof.interrupted:
            self.stop("interrupted", "interrupted")
        elif not task.proof.complete and self.late:
            self.stop("time", "the time ran out")
        elif not task.proof.complete:
            self.crowded = True

    def stop(self, how: Stop, why: str) -> None:
        """Note why the run ends early; the first reason counts."""
        if not self.stopped:
            self.how, self.stopped = how, why


def excluded(problem: Problem) -> Ball | Rows | None:
    """The excluded set as `prove` takes it."""
    if isinstance(problem.exclude, Box | Polytope):
        return Rows([[*(-a for a in row[:-1]), row[-1]] for row in problem.exclude.halfspaces])
    return None if problem.exclude is None else Ball(problem.exclude)


def constant_weights(values: Sequence[Any], count: int) -> Weights:
    """The same float64 numbers, which are exact, for every simplex."""
    table = np.tile(np.asarray(values, dtype=np.float64), (count, 1))
    exact = [Fraction(float(v)) for v in values]
    return Weights(table, np.zeros_like(table), lambda i: exact)


def slope_weights(cells: Any, output: int, owners: np.ndarray) -> Weights:
    """The slope of one output of the joint network on the cell of each simplex."""
    values, errors = cells.slopes[owners, output], cells.slope_errors[owners, output]
    return Weights(values, errors, lambda i: cells.exact_slope(int(owners[i]), output))


def taken(simplices: Simplices, which: np.ndarray) -> Simplices:
    """Some of the simplices."""
    exact, origin = simplices.exact, simplices.origin[which]
    return Simplices(simplices.points[which], simplices.errors[which], lambda i: exact(int(which[i])), origin)


def affine(coefficients: Sequence[Any], constant: Any, variables: int) -> Polynomial:
    """The polynomial `sum_k a_k y_k + c`."""
    terms = {(0,) * variables: Fraction(constant)}
    for k, a in enumerate(coefficients):
        terms[tuple(int(i == k) for i in range(variables))] = Fraction(a)
    return Polynomial(terms, variables)


def times(weights: Sequence[Fraction], values: Sequence[tuple[Fraction, Fraction]]) -> Value:
    """`sum_k w_k [a_k, b_k]`: one number where every interval is one, else the interval."""
    low = high = Fraction(0)
    for w, (a, b) in zip(weights, values, strict=True):
        low += min(w * a, w * b)
        high += max(w * a, w * b)
    return low if low == high else (low, high)
