"""Faces of a polyhedral complex from its facets: every dimension, incidence, Euler's relation."""

from __future__ import annotations

from fractions import Fraction
from operator import index
from typing import TYPE_CHECKING

import numpy as np

from ..checks import plural, shown
from ..errors import InputError
from ..machine import memory
from .geometry import homogeneous

if TYPE_CHECKING:
    from .complex import Complex, Faces

Csr = tuple[np.ndarray, np.ndarray]
# The engine names a facet by one number, level and index.
INDEX_BITS, INFINITY_LEVEL = 22, 1023


def faces(complex: Complex, k: int) -> Faces:
    """The faces of dimension `k`, made once from those of dimension `k + 1`."""
    k = _dimension(complex, k, 0)
    return _level(complex, k)[0]


def boundary(complex: Complex, k: int) -> Csr:
    """Which faces of dimension `k - 1` lie on each face of dimension `k`."""
    k = _dimension(complex, k, 1)
    return complex.region_facets if k == complex.dim else _level(complex, k - 1)[1]


def face_regions(complex: Complex, k: int) -> Csr:
    """Which regions contain each face of dimension `k`: those of the faces one dimension up that it lies on."""
    k = _dimension(complex, k, 0)
    regions = np.arange(len(complex.region_indptr) - 1)
    found: Csr = (np.arange(len(regions) + 1), regions)
    for upper in range(complex.dim, k, -1):
        found = _pull_down(boundary(complex, upper), found, len(_level(complex, upper - 1)[0]))
    return found


def _pull_down(lower: Csr, held: Csr, count: int) -> Csr:
    """From the lower faces of each upper one and what each upper one is held by, what each lower one is held by."""
    (lower_indptr, lower_faces), (held_indptr, holders) = lower, held
    upper = np.repeat(np.arange(len(lower_indptr) - 1), np.diff(lower_indptr))
    sizes = np.diff(held_indptr)[upper]
    starts = np.repeat(held_indptr[upper] - np.concatenate([[0], np.cumsum(sizes)[:-1]]), sizes)
    pairs = np.stack([np.repeat(lower_faces, sizes), holders[starts + np.arange(len(starts))]])
    span = int(holders.max(initial=0)) + 1
    keys = np.unique(pairs[0] * span + pairs[1])
    return _indptr(keys // span, count), keys % span


def facets_of_regions(facet_regions: np.ndarray, regions: int) -> Csr:
    """The facets of every region, ascending."""
    facet, side = np.nonzero(facet_regions >= 0)
    owner = facet_regions[facet, side]
    order = np.argsort(owner, kind="stable")
    return _indptr(owner, regions), facet[order]


def join_planes(planes: np.ndarray, indptr: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """Signs of faces as bit planes: the union over their vertices."""
    if len(indptr) == 1:
        return np.zeros((2, 0, planes.shape[2]), dtype=planes.dtype)
    return np.stack([np.bitwise_or.reduceat(plane[vertices], indptr[:-1], axis=0) for plane in planes])


def face_numbers(complex: Complex) -> tuple[int, ...]:
    """Number of faces of dimension 0, 1, ..., dim."""
    return tuple(len(_level(complex, k)[0]) for k in range(complex.dim + 1))


def alternating(numbers: tuple[int, ...]) -> int:
    """`f_0 - f_1 + f_2 - ...`."""
    return sum((-1) ** k * f for k, f in enumerate(numbers))


def f_vector(complex: Complex) -> tuple[int, ...]:
    """The numbers of faces, held against what must be true of them.

    Subdividing a domain does not change its alternating sum of faces; the bounded faces of a complex whose faces
    contain no line are contractible, so theirs is 1.
    """
    numbers, bounded = face_numbers(complex), complex.bounded_f_vector
    _demand(numbers[0] == int((~complex.far).sum()), "a vertex is no face")
    _demand(numbers[-1] == len(complex.region_indptr) - 1, "a region is no face")
    expected = alternating(complex.domain_f_vector)
    _demand(alternating(numbers) == expected, f"Euler's relation: {numbers} does not alternate to {expected}")
    pointed = alternating(bounded) == 1 if numbers[0] else not any(bounded)
    _demand(pointed, f"Euler's relation: the bounded faces {bounded} do not alternate to 1")
    return numbers


def check_facets(complex: Complex) -> None:
    """A facet of one region lies on a half-space of the domain; one of two does not."""
    kinds = np.array([c.kind == "domain" for c in complex.columns], dtype=bool)
    of = np.repeat(np.arange(len(complex.facet_indptr) - 1), np.diff(complex.facet_columns_indptr))
    on_domain = np.zeros(len(complex.facet_indptr) - 1, dtype=bool)
    on_domain[of[kinds[complex.facet_columns]]] = True
    outer = complex.facet_regions[:, 1] < 0
    _demand(
        bool(np.array_equal(on_domain, outer)), "a facet inside the domain has one region, or one on its boundary two"
    )


def exact_point(complex: Complex, v: int) -> list[Fraction]:
    """A finite vertex in rationals."""
    count = len(complex.points)
    try:
        v = index(v)
    except TypeError:
        raise InputError(f"vertex: index must be an integer, got {shown(v)}") from None
    if not 0 <= v < count:
        raise InputError(f"vertex: index {v} is outside the complex, which has {plural(count, 'vertex', 'vertices')}")
    if complex.far[v]:
        raise InputError(f"vertex: {v} lies at infinity; finite vertices are those where `far` is False")
    return homogeneous([exact_row(complex, v)], complex.dim)[0]


def exact_row(complex: Complex, v: int) -> list[str]:
    """Homogeneous coordinates of a vertex, made from one region that has it.

    Integers `X..., w` in hexadecimal, and for a vertex at infinity what grows with M: `(X + Y M) / w`.
    """
    at = int(np.flatnonzero(complex.region_vertices == v)[0])
    return exact_corners(complex, int(np.searchsorted(complex.region_indptr, at, side="right")) - 1)[v]


def exact_corners(complex: Complex, region: int) -> dict[int, list[str]]:
    """All vertices of a region so: each is a corner of its exact shape, on no facet that the vertex does not lie on."""
    shape = complex.partition._shape(region, exact=True)
    members = complex.region_vertices[complex.region_indptr[region] : complex.region_indptr[region + 1]]
    vanishing, first = complex._vanishing(members), complex._first_columns
    found = {}
    for row, facets in zip(shape["exact"], shape["facets"], strict=True):
        columns = [first[f >> INDEX_BITS] + (f & (1 << INDEX_BITS) - 1) for f in facets]
        for v in members[vanishing[:, columns].all(axis=1)].tolist():
            found[v] = row
    if len(found) != len(members):
        raise AssertionError("internal error in the polyhedral complex: a vertex was not found again")
    return found


def first_columns(complex: Complex) -> dict[int, int]:
    """Where the engine's levels begin among the columns: 0 the domain, s + 1 stage s, 1023 the infinite box."""
    first: dict[int, int] = {}
    for k, column in enumerate(complex.columns):
        level = {"unit": column.stage + 1, "domain": 0, "infinity": INFINITY_LEVEL}[column.kind]
        first.setdefault(level, k)
    return first


def _level(complex: Complex, k: int) -> tuple[Faces, Csr]:
    """Faces of dimension `k`, and which of them lie on each face of dimension `k + 1`; kept with the complex."""
    if k not in complex._levels:
        complex._levels[k] = _make_level(complex, k)
    return complex._levels[k]


def _make_level(complex: Complex, k: int) -> tuple[Faces, Csr]:
    regions = len(complex.region_indptr) - 1
    if k == complex.dim:
        own = np.arange(regions)
        return _faces(complex, k, complex.region_indptr, complex.region_vertices, own), (own, own[:0])
    if k == complex.dim - 1:
        found = _faces(complex, k, complex.facet_indptr, complex.facet_vertices, complex.facet_regions[:, 0])
        return found, complex.region_facets
    from .._core import faces_below

    upper = _level(complex, k + 1)[0]
    try:
        (indptr, vertices), (up_indptr, up_faces), region = faces_below(
            complex.region_indptr,
            complex.region_vertices,
            *complex.region_facets,
            complex.facet_indptr,
            complex.facet_vertices,
            upper.indptr,
            upper.vertices,
            np.ascontiguousarray(upper.region),
            memory(),
        )
    except ValueError as error:
        raise InputError(f"faces: dimension {k}: {error}; use a smaller domain or a smaller network") from error
    return _faces(complex, k, indptr, vertices, region), (up_indptr, up_faces)


def _faces(complex: Complex, k: int, indptr: np.ndarray, vertices: np.ndarray, region: np.ndarray) -> Faces:
    from .complex import Faces

    if len(indptr) > 1:
        bounded = ~np.logical_or.reduceat(complex.far[vertices], indptr[:-1])
    else:
        bounded = np.zeros(0, dtype=bool)
    return Faces(k, indptr, vertices, bounded, region, complex)


def _indptr(rows: np.ndarray, count: int) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=count))]).astype(np.int64)


def _dimension(complex: Complex, k: int, least: int) -> int:
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not least <= k <= complex.dim:
        raise InputError(f"k must be a dimension from {least} to {complex.dim}, got {shown(k)}")
    return int(k)


def _demand(holds: bool, what: str) -> None:
    if not holds:
        raise AssertionError(f"internal error in the polyhedral complex: {what}; please report it with the network")
