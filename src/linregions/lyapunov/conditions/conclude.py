"""From what a run found to its verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from ...checks import plural
from ...exact import dot
from ..geometry.fan import Fan
from ..proving.classify import Leaf
from ..verdict import (
    Counterexample,
    Counterexamples,
    Face,
    Left,
    Outcome,
    Point,
    Value,
    Verdict,
    equation_text,
    number_text,
    point_text,
)
from .tasks import Run, Task

WORDS = {"positive": "V > 0", "decrease": "the decrease of V"}


def conclude(run: Run) -> Verdict:
    """The verdict on everything that a run has found; refuted comes before marginal, that before unknown."""
    bad = [
        _Entry(c.condition, c.cell, partial(_same, replace(c, quantity=_quantity(run, c.condition))))
        for c in run.counterexamples
    ]
    faces, left = [*run.faces], [*run.left]
    for task in run.tasks:
        if task.condition not in WORDS:
            continue
        scale = cone_scale(run)
        bad += _violations(task, scale, _quantity(run, task.condition))
        faces += _faces(task, scale)
        left += _open(task)
    order = {condition: k for k, condition in enumerate(WORDS)}
    bad.sort(key=lambda c: order[c.condition])
    found = _ranked(run, bad, faces, left)
    return Verdict(
        **found,
        counterexamples=Counterexamples([entry.found for entry in bad]),
        faces=tuple(faces),
        left=tuple(left),
        stopped=run.how,
        cells=0 if run.mesh is None else len(run.mesh),
        simplices=0 if run.mesh is None else len(run.mesh.simplices),
        leaves=run.leaves + sum(task.proof.leaf_count for task in run.tasks if task.proof is not None),
        exact_decisions=run.exact_decisions + sum(t.proof.exact_decisions for t in run.tasks if t.proof is not None),
        seconds=time.perf_counter() - run.begun,
        problem=run.problem,
        mesh=run.mesh,
        tasks=tuple(run.tasks),
    )


def _ranked(run: Run, bad: list[_Entry], faces: list[Face], left: list[Left]) -> dict[str, Any]:
    """The status with what stands beside it."""
    if bad:
        first = bad[0].found()
        return {
            "status": Outcome.REFUTED,
            "condition": first.condition,
            "witness": first.witness,
            "value": first.value,
            "reason": _refuted(run, first, bad),
        }
    open_conditions = {part.condition for part in left}
    tight = [face for face in faces if face.condition not in open_conditions]
    if tight and not run.stopped:
        face = tight[0]
        return {
            "status": Outcome.MARGINAL,
            "condition": face.condition,
            "witness": next(v for v in face.vertices if any(v)),
            "value": Fraction(0),
            "face": face,
            "reason": _marginal(face, len(tight)),
        }
    if left or run.stopped:
        first = next((condition for condition in WORDS if condition in open_conditions), "")
        reason = _open_text(run, left) + (f"; there is {faces[0]}" if faces else "")
        return {"status": Outcome.UNKNOWN, "condition": first, "reason": reason}
    proved = Outcome.PROVED_STRICT if run.problem.exclude is None else Outcome.PROVED_OUTSIDE
    return {"status": proved, "reason": _proved(run)}


def _proved(run: Run) -> str:
    falls = "falls at every step" if run.problem.time == "discrete" else "decreases along the dynamics"
    if run.problem.exclude is None:
        return f"V > 0 and V {falls} at every point of {run.problem.domain!r} but 0"
    return f"V > 0 and V {falls} at every point of {run.problem.domain!r} outside {_exclusion(run)}"


def _exclusion(run: Run) -> str:
    exclude = run.problem.exclude
    return f"the ball of radius {number_text(exclude)}" if isinstance(exclude, Fraction) else repr(exclude)


def _quantity(run: Run, condition: str) -> str:
    """What a condition is about."""
    return "V" if condition == "positive" else ("V(f(x)) - V(x)" if run.problem.time == "discrete" else "V'")


def _refuted(run: Run, first: Counterexample, bad: list[_Entry]) -> str:
    text = f"{equation_text(first.quantity, first.value)} at x = {point_text(first.witness)}"
    text += f" in cell {first.cell}" if first.cell >= 0 else ""
    cells = len({(c.condition, c.cell) for c in bad})
    text += f", {first.note}" if first.note else ""
    if cells > 1:
        text += f"; {cells:,} cells have a counterexample"
    return f"{text}; {run.reason}" if run.reason else text


def _marginal(face: Face, count: int) -> str:
    hull = ", ".join(point_text(v) for v in face.vertices)
    more = f" and on {plural(count - 1, 'further face')}" if count > 1 else ""
    return f"{WORDS[face.condition]} holds with equality on the hull of {hull} in cell {face.cell}{more}"


def _touching(left: list[Left]) -> str:
    return "V" if {part.condition for part in left} == {"positive"} else "the change of V"


def _open_text(run: Run, left: list[Left]) -> str:
    touching = f"where {_touching(left)} only touches 0, no depth will do"
    why = run.stopped or f"{run.max_depth} bisections did not decide it (raise max_depth; {touching})"
    if run.crowded and not run.stopped:
        why = "more parts of a simplex than are kept at a time waited for a decision (take a smaller domain)"
    if not left:
        return f"{why}, before the conditions were looked at"
    parts = []
    for condition, words in WORDS.items():
        cells = {part.cell for part in left if part.condition == condition}
        if cells:
            parts.append(f"{words} is open in {'all cells' if cells == {-1} else plural(len(cells), 'cell')}")
    return f"{why}; {' and '.join(parts)}"


@dataclass(frozen=True)
class _Entry:
    """A counterexample that is made when it is looked at: thousands of cells may have one."""

    condition: str
    cell: int
    found: Callable[[], Counterexample]


Scale = Callable[[Point], Point]


def cone_scale(run: Run) -> Scale:
    """Points of a fan stand for all their positive multiples: take one in the domain; those of a mesh are in it."""
    if not isinstance(run.mesh, Fan):
        return lambda point: point
    rows = run.problem.domain.halfspaces

    def inside(point: Point) -> Point:
        while any(dot(row[:-1], point) + row[-1] < 0 for row in rows):
            point = tuple(v / 2 for v in point)
        return point

    return inside


def _same(found: Counterexample) -> Counterexample:
    return found


def _violations(task: Task, scale: Scale, quantity: str) -> Iterable[_Entry]:
    """One exact counterexample for each violating cell."""
    if task.proof is None:
        return
    seen: set[int] = set()
    for i in np.flatnonzero(task.proof.status == Leaf.VIOLATED):
        cell = int(task.cells[i])
        if cell not in seen:
            seen.add(cell)
            yield _Entry(task.condition, cell, partial(_counterexample, task, int(i), scale, quantity))


def _counterexample(task: Task, i: int, scale: Scale, quantity: str) -> Counterexample:
    """The counterexample of a simplex, its value found again from the model."""
    assert task.proof is not None
    witness = task.proof.witness(i)
    assert witness is not None
    point = scale(witness.coordinates[: task.simplices.points.shape[1] - 1])
    value = task.value(i, point)
    if not _wrong(task, value):
        raise AssertionError(f"{task.condition} at {point_text(point)} is {value}, which refutes nothing")
    return Counterexample(int(task.cells[i]), task.condition, point, value, note=task.note, quantity=quantity)


def _wrong(task: Task, value: Value) -> bool:
    """Whether the quantity has the wrong sign, as the model says."""
    low, high = value if isinstance(value, tuple) else (value, value)
    return high < 0 if task.condition == "positive" else low > 0


def _faces(task: Task, scale: Scale) -> Iterable[Face]:
    if task.proof is None:
        return
    dim, seen, met = task.simplices.points.shape[1] - 1, set(), set()
    for i in np.flatnonzero(task.proof.status == Leaf.ZERO):
        for face in task.proof.zero_faces(int(i)):
            rough = frozenset(face)
            if rough in met:  # the same integers, seen from another simplex: no need to make rationals of them
                continue
            met.add(rough)
            points = tuple(scale(tuple(Fraction(int(x), int(v[-1])) for x in v[:dim])) for v in face)
            key = frozenset(points)
            if key not in seen:
                seen.add(key)
                yield Face(int(task.cells[i]), task.condition, points, task.note)


def _open(task: Task) -> Iterable[Left]:
    if task.proof is None:
        yield Left(-1, task.condition, task.note)
        return
    for cell in np.unique(task.cells[task.proof.status == Leaf.UNKNOWN]):
        yield Left(int(cell), task.condition, task.note)
