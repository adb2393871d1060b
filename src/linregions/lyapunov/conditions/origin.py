"""Theorem A: where 0 is no vertex of the cells of V, V is not positive definite, and a ray from 0 shows it."""

from __future__ import annotations

from fractions import Fraction

from ...network import Network
from ..geometry.tangent import origin_face
from ..verdict import Counterexample, Face, number_text
from .tasks import Run


def at_origin(run: Run) -> None:
    """Look at the face of V's own cells around 0 and note what it refutes; only where nothing is excluded.

    Let F be the face with 0 in its relative interior.  If dim F >= 1, V is linear on F near 0, so it takes a value
    <= 0 in one of any two opposite directions (Theorem A, derived).
    """
    V = run.problem.candidate
    if run.problem.exclude is not None or not isinstance(V, Network):
        return
    face = origin_face(V, run.problem.domain)
    if face.dim == 0 or face.witness is None or face.direction is None:
        return
    run.reason = (
        f"0 is no vertex of the cells of V but inside a face of dimension {face.dim}, on which V is linear: "
        f"V(t r) = {number_text(face.rate)} t for r = {face.direction}, 0 <= t <= {number_text(face.reach)} (Theorem A)"
    )
    if face.rate < 0:
        run.counterexamples.append(Counterexample(-1, "positive", face.witness, face.value - run.problem.shift))
    else:
        origin = (Fraction(0),) * run.problem.dim
        run.faces.append(Face(-1, "positive", (origin, face.witness)))
