"""Modes of x' = f_j(x) that meet: solutions may slide along a common face, with a velocity of the hull of the f_j."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from .arithmetic import dot, fractions, need, table, value_of, whole
from .kernel import Mesh

Vectors = dict[int, list[tuple[frozenset[int], list[Fraction]]]]  # by vertex: faces and vectors of V on them


def check_seams(case: Any, mesh: Mesh, given: Any) -> None:
    """On every face where modes with different fields meet, V falls along each tangent velocity of their hull.

    A vector m with V(x) - V(y) = m.(x - y) on the face and m.f_j < 0 at its corners, for every mode j that holds on
    all of it, proves that: a tangent velocity v = sum a_j f_j has V' = m.v < 0.  The slopes of the simplices around
    the face are tried, and the vectors of the certificate.
    """
    vectors, fields, done = vectors_of(case, mesh, given), {}, set()
    for s, corners in enumerate(mesh.simplices):
        held = []
        for j, found in case.steps(mesh, s).items():
            at = {v for v in corners if any(row == mesh.points[v] for row, _, _ in found)}
            held.append(at)
            for v in at:
                if (j, v) not in fields:
                    y, forms = fractions(mesh.points[v]), case.fields[j].polynomials
                    fields[j, v] = [value_of(form, y) for form in forms]
        for bits in range(1, 1 << len(corners)):
            face = frozenset(v for i, v in enumerate(corners) if bits >> i & 1)
            here = [j for j, at in enumerate(held) if face <= at]
            if face in done or len(face) > case.n or face == {mesh.origin} or len(here) < 2:
                continue
            done.add(face)
            if all(fields[j, v] == fields[here[0], v] for j in here for v in face):
                continue
            moving = [fields[j, v] for j in here for v in face if v != mesh.origin]
            good = any(
                face <= larger and all(dot(m, f) < 0 for f in moving) for larger, m in vectors[min(face)]
            ) or all(case.exclude(mesh.points[v]) for v in face)
            need(good, f"solutions may slide on the face {sorted(face)} and V is not proved to fall")


def vectors_of(case: Any, mesh: Mesh, given: Any) -> Vectors:
    """The slopes of the simplices at each vertex, and the vectors that the certificate names."""
    known = [(frozenset(corners), case.slope(mesh, s)[: case.n]) for s, corners in enumerate(mesh.simplices)]
    need(isinstance(given, list), "the seams are no list")
    for entry in given:
        need(isinstance(entry, list) and len(entry) == 2, "a seam needs a face and a vector")
        face = frozenset(whole(v, len(mesh.points), "a corner") for v in entry[0])
        (m,) = table([entry[1]], case.n, "a vector")
        rest = {case.value(mesh.points[v])[0] - dot(m, fractions(mesh.points[v])) for v in face}
        need(len(rest) == 1, "the vector of a seam does not agree with V on its face")
        known.append((face, m))
    out: Vectors = {}
    for face, m in known:
        for v in face:
            out.setdefault(v, []).append((face, m))
    return out
