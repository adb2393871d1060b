"""From a partition to its decision boundary."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import InputError
from ..count import Status
from ..lattice import exact_row
from .build import ZeroFaces, assemble, check_complete, difference
from .cells import Lists
from .record import Boundary
from .triangulation import FarPoint

if TYPE_CHECKING:
    from ..complex import Complex
    from ..partition import Partition


def decision_boundary(partition: Partition, i: Any = 0, j: Any = None) -> Boundary:
    """The set where outputs i and j agree, or output i is zero; `Partition.decision_boundary` documents it."""
    check_complete(partition)
    network, name = difference(partition.network, i, j)
    if partition._relist is None:
        raise InputError(
            "partition: is read from a saved run, and a boundary needs all regions in memory; "
            "call enumerate_regions without save"
        )
    refined = partition._relist(network)
    if refined.count.status is Status.INTERRUPTED:
        raise KeyboardInterrupt
    check_complete(refined)
    return assemble(zero_faces(refined), refined, partition, name)


def zero_faces(refined: Partition) -> ZeroFaces:
    """The faces of a complex on which the input of the network's last unit vanishes."""
    whole = refined.complex
    signs = _column(whole, _last_unit(whole, refined.network.unit_count - 1))
    zero = signs == 0
    faces = []
    for k in range(whole.dim + 1):
        of_dim = whole.faces(k)
        lists = Lists(of_dim.indptr, of_dim.vertices)
        faces.append(lists.take(np.flatnonzero(lists.all_of(zero))))
    facets = Lists(whole.facet_indptr, whole.facet_vertices)
    sides = whole.facet_regions[_matching(faces[-2], facets, zero)]
    if whole.far.any():
        infinite = [c for c, column in enumerate(whole.columns) if column.kind == "infinity"]
        faces = close_at_infinity(faces, np.stack([_column(whole, c) == 0 for c in infinite], axis=1))
        missing = len(faces[-2]) - len(sides)
        sides = np.concatenate([sides, np.full((missing, 2), -1, dtype=sides.dtype)])
    return ZeroFaces(
        faces=faces,
        sides=sides,
        regions=Lists(whole.region_indptr, whole.region_vertices),
        signs=signs,
        walls=facets.take(np.flatnonzero(whole.facet_regions[:, 1] < 0)),
        points=whole.points,
        radii=whole.radii,
        directions=whole.directions,
        exact=lambda v: exact_vertex(whole, v),
    )


def exact_vertex(whole: Complex, v: int) -> FarPoint:
    """A vertex in rationals, at infinity or not."""
    row = [int(text, 16) for text in exact_row(whole, v)]
    dim, scale = whole.dim, row[whole.dim]
    growth = row[dim + 1 :] or [0] * dim
    return [Fraction(a, scale) for a in row[:dim]], [Fraction(a, scale) for a in growth]


def _column(whole: Complex, c: int) -> np.ndarray:
    """One column of the signs, without unpacking all of them."""
    word, bit = int(whole.bits[c]) // 64, np.uint64(whole.bits[c] % 64)
    positive, negative = ((plane[:, word] >> bit & np.uint64(1)).astype(np.int8) for plane in whole.planes)
    return positive - negative


def _last_unit(whole: Complex, pattern: int) -> int:
    (column,) = (c for c, column in enumerate(whole.columns) if column.kind == "unit" and column.pattern == pattern)
    return column


def _matching(faces: Lists, facets: Lists, zero: np.ndarray) -> np.ndarray:
    """For faces of dimension dim - 1, their numbers among the facets."""
    which = np.flatnonzero(facets.all_of(zero))
    number = {facets[f].tobytes(): f for f in which.tolist()}
    return np.array([number[faces[f].tobytes()] for f in range(len(faces))], dtype=np.int64)


def close_at_infinity(faces: Sequence[Lists], infinite: np.ndarray) -> list[Lists]:
    """The faces, and after those of each dimension the ones that they have at infinity.

    `infinite` (vertices, sides) says which vertices lie on which side of the infinite box.
    """
    members = [frozenset(np.flatnonzero(side).tolist()) for side in infinite.T]
    known = {frozenset(lists[f].tolist()): k for k, lists in enumerate(faces) for f in range(len(lists))}
    ends: set[frozenset[int]] = set()
    queue = list(known)
    while queue:
        face = queue.pop()
        for end in {face & side for side in members} - ends - {frozenset()}:
            if end not in known:
                ends.add(end)
                queue.append(end)
    having: dict[int, list[frozenset[int]]] = {}
    new: list[list[frozenset[int]]] = [[] for _ in faces]
    # A face is one dimension higher than the highest of its own faces, all of which are among these.
    for end in sorted(ends, key=lambda s: (len(s), sorted(s))):
        below = [known[other] for v in end for other in having.get(v, []) if other < end]
        known[end] = 1 + max(below, default=-1)
        new[known[end]].append(end)
        for v in end:
            having.setdefault(v, []).append(end)
    every = (
        [*(lists[f] for f in range(len(lists))), *map(sorted, more)] for lists, more in zip(faces, new, strict=True)
    )
    return [Lists.of(lists) for lists in every]
