"""Faces where several modes hold and disagree: solutions may slide along them.

Filippov's solutions move with a velocity in the hull of the fields of all modes that hold at a point.  A solution is
absolutely continuous, and so is V along it.  Of the times that it spends in the relative interior of one simplicial
face T of the mesh, almost all see a velocity tangent to T, and V is affine on T.  So V decreases along every solution
if

1. g_i.f_j < 0 on every simplex (slope g_i of V) in the region of mode j, and
2. on every face T in the regions of several modes j, each *tangent* v in the hull of the f_j(x) has g_i.v < 0, where i
   is any simplex that has T, since they agree along T.

By Farkas' lemma (2) holds at x if and only if some normal t of T has (g_i - t).f_j(x) < 0 for all of them.  The fields
are affine, so one t that serves all corners proves the whole face; where none serves all, the face is bisected; where
none serves a single corner, that corner is a counterexample, and the multipliers give the velocity.  To ask for
g_i.f_j < 0 for all pairs would refuse systems whose solutions only cross the seam.  Derived; this is the argument.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np

from ...exact import dot, null_space
from ..dynamics.dynamics import Mode
from ..proving.simplices import homogeneous
from ..verdict import Counterexample, Face, Left
from .farkas import Separation, separation
from .tasks import Run, excluded

Point = tuple[Fraction, ...]
DEEPEST = 16  # bisections of a face on which solutions may slide


@dataclass(frozen=True)
class Seam:
    """A face of the mesh in several modes' regions; `simplex` is one that has it."""

    vertices: tuple[int, ...]
    modes: tuple[int, ...]
    simplex: int

    @property
    def note(self) -> str:
        """What a message says of it."""
        return "sliding between modes " + " and ".join(str(j + 1) for j in self.modes)


def coordinates(cells: Any, v: int) -> Point:
    """A vertex of the mesh as rational coordinates."""
    *top, w = cells.exact_vertex(v)
    return tuple(Fraction(int(x), int(w)) for x in top)


def sliding(run: Run, cells: Any, modes: Sequence[Mode], holds: np.ndarray) -> None:
    """Condition 2 on every face where the modes disagree; counterexamples and what is open go to the run.

    Args:
        run: the run.
        cells: the mesh, split along the regions of the modes.
        modes: the modes.
        holds: (modes, vertices) bool, which vertices lie in which closed region.
    """
    settled: list[Seam] = []
    for seam in _seams(cells, modes, holds):
        # What is normal to a face is normal to its faces, so where no mode joins, they are settled with it.
        if any(set(seam.vertices) <= set(s.vertices) and set(seam.modes) <= set(s.modes) for s in settled):
            continue
        if run.late:
            run.stop("time", "the time ran out")
            run.left.append(Left(int(cells.owner[seam.simplex]), "decrease", seam.note))
        elif _decided(run, cells, modes, seam):
            settled.append(seam)


def _seams(cells: Any, modes: Sequence[Mode], holds: np.ndarray) -> Iterator[Seam]:
    """Faces in two or more regions on which the fields differ, facets first, without the vertex 0."""
    dim = cells.simplices.shape[1] - 1
    fields: dict[tuple[int, int], list[Fraction]] = {}

    def at(j: int, v: int) -> list[Fraction]:
        if (j, v) not in fields:
            fields[j, v] = modes[j].value(coordinates(cells, v))
        return fields[j, v]

    seen: set[tuple[int, ...]] = {(cells.origin,)}
    several = np.flatnonzero((holds.sum(axis=0) > 1)[cells.simplices].any(axis=1))
    for size in range(dim, 0, -1):
        for s in several:
            for vertices in combinations(sorted(int(v) for v in cells.simplices[s]), size):
                if vertices in seen:
                    continue
                seen.add(vertices)
                here = tuple(int(j) for j in np.flatnonzero(holds[:, list(vertices)].all(axis=1)))
                if any(at(j, v) != at(here[0], v) for j in here[1:] for v in vertices):
                    yield Seam(vertices, here, int(s))


def _decided(run: Run, cells: Any, modes: Sequence[Mode], seam: Seam) -> bool:
    """Whether condition 2 holds on a face; if not, its counterexample or the face itself goes to the run."""
    cell = int(cells.owner[seam.simplex])
    corners = [coordinates(cells, v) for v in seam.vertices]
    slope, normals = cells.exact_slope(cell, 0), normals_of(corners)

    def ask(points: Sequence[Point]) -> Separation:
        """A normal that serves all of these points but 0, where every field is 0; or a velocity that slides."""
        fields = [modes[j].value(x) for j in seam.modes for x in points if any(x)]
        return separation([[dot(n, f) for n in normals] for f in fields], [dot(slope, f) for f in fields])

    pieces, proved = [(corners, 0)], True
    while pieces:
        piece, depth = pieces.pop()
        if _outside_claim(run, piece) or ask(piece).found:
            continue
        for x in piece:
            if any(x) and not _outside_claim(run, [x]) and (alone := ask([x])).multipliers:
                if alone.value > 0:
                    run.counterexamples.append(Counterexample(cell, "decrease", x, alone.value, note=seam.note))
                else:
                    run.faces.append(Face(cell, "decrease", (x,), seam.note))
                return False
        if depth >= DEEPEST:
            proved = False
            continue
        pieces += [(half, depth + 1) for half in halves(piece, len(slope))]
    if not proved:
        run.left.append(Left(cell, "decrease", seam.note))
    return proved


def _outside_claim(run: Run, points: Sequence[Point]) -> bool:
    """Whether all points lie in the excluded set, which is convex."""
    region = excluded(run.problem)
    return region is not None and all(region.holds(homogeneous(x), len(x)) for x in points)


def halves(piece: Sequence[Point], dim: int) -> Iterator[list[Point]]:
    """Both halves of a simplex, cut at the middle of the edge that is longest in the first `dim` coordinates."""
    places = np.array([[float(v) for v in x[:dim]] for x in piece])
    i, j = max(combinations(range(len(piece)), 2), key=lambda e: float(np.sum((places[e[0]] - places[e[1]]) ** 2)))
    middle = tuple((a + b) / 2 for a, b in zip(piece[i], piece[j], strict=True))
    for k in (i, j):
        yield [*piece[:k], middle, *piece[k + 1 :]]


def normals_of(corners: Sequence[Point]) -> list[list[Fraction]]:
    """A basis of the vectors that are normal to a simplex.

    Example:
        >>> normals_of([(Fraction(0), Fraction(0)), (Fraction(2), Fraction(2))])
        [[Fraction(-1, 1), Fraction(1, 1)]]
    """
    dim = len(corners[0])
    edges = [[a - b for a, b in zip(x, corners[0], strict=True)] for x in corners[1:]]
    return null_space(edges, dim)
