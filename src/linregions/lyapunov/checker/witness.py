"""Claims of a point: a refutation, and the face where a marginal V has equality."""

from __future__ import annotations

from fractions import Fraction

from .arithmetic import Row, dot, fractions, integers, need, table, whole
from .kernel import Case, Mesh
from .wording import spoken


def inner(mesh: Mesh, s: int, rows: list[Row], point: Row) -> Row:
    """A point of simplex s with the further coordinates that the rows of its corners have."""
    need(Mesh.holds(mesh, s, point), "the simplex does not hold the point")
    parts = [a * r[-1] / point[-1] for a, r in zip(mesh.shares(s, point), mesh.corners(s), strict=True)]
    return integers(dot(parts, column) for column in zip(*map(fractions, rows), strict=True))


def check_point(case: Case, mesh: Mesh) -> str:
    """A refutation: a point with V <= 0, or without decrease for the slope and the mode of the simplex that holds it.

    A marginal claim: a face that is not only 0, in one simplex, on the whole of which equality holds.
    """
    given, refuted = case.data["witness"], case.claim == "refuted"
    named = isinstance(given, dict) and set(given) == {"points", "condition", "mode", "simplex"}
    need(named, "the witness is incomplete")
    points = [integers(p) for p in table(given["points"], case.n, "the witness")]
    need(any(any(p[:-1]) for p in points), "the witness is the origin")
    need(all(dot(row, p) >= 0 for row in case.domain for p in points), "the witness lies outside the domain")
    need(not all(map(case.exclude, points)), "the witness lies in the excluded set")
    need(len(points) == 1 or not refuted, "a refutation is one point")
    s = whole(given["simplex"], len(mesh.simplices), "the witness's simplex")
    what = {"positive": "V", "decrease": "the change of V"}.get(given["condition"])
    need(what, "the witness names no condition")
    if what == "V" and refuted:
        need(case.value(points[0])[0] <= 0, "V > 0 at the witness")
    elif what == "V":
        need(case.V and not any(case.value(p)[0] for p in points), "V is not 0 on the face")
        case.raised(mesh, s)
        need(all(Mesh.holds(mesh, s, p) for p in points), "the face leaves its simplex")
    else:
        check_change(case, mesh, s, points, given["mode"])
    hull = ", ".join(f"({', '.join(map(spoken, fractions(p)))})" for p in points)
    if refuted:
        return f"{what} is not {'positive' if what == 'V' else 'negative'} at {hull}"
    return f"{what} is 0 on the hull of {hull}, which lies in simplex {s}"


def check_change(case: Case, mesh: Mesh, s: int, points: list[Row], mode: int) -> None:
    """No decrease at one point, or equality on a face, with V and f as they are on simplex s.

    V has kinks and modes have borders: in continuous time f may point out of the simplex, so V must really grow there.
    Then it does so nearby inside the simplex and the domain: it lies in the domain, or has the inner point 0 as corner.
    """
    jobs = case.decrease(mesh, s)
    need(mode in jobs, "the mode of the witness does not hold there")
    rows, weights, functions = jobs[mode]
    need(len(rows) > case.n, "the mode of the witness holds on a face only")
    part = [inner(mesh, s, rows, p) for p in points]
    if case.claim == "refuted":
        against = functions.zeros(part, [Fraction(-w) for w in weights])
        need(against is not None, "V decreases at the witness")
        if not case.discrete:
            need(not against, "V does not grow at the witness")
            inside = all(dot(row, p) >= 0 for p in mesh.corners(s) for row in case.domain)
            need(inside or mesh.origin in mesh.simplices[s], "the simplex of the witness leaves the domain")
        return
    need(functions.polynomials, "equality cannot be checked for functions that are no polynomials")
    need(not any(functions.form(part, weights)[0].values()), "equality does not hold on the face")
