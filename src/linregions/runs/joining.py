"""Whether parts of a domain fit together: no overlap, no gap, and a convex whole; decided exactly.

The union of full-dimensional polyhedra is convex if and only if it is their envelope, the intersection of all their
half-spaces that hold on every one of them (Bemporad, Fukuda and Torrisi, Convexity recognition of the union of
polyhedra, Computational Geometry 18, 2001): where the union is convex, each of its facets lies on a facet of some
part, and that part's half-space holds on all; the envelope always contains the union.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..domain import Box, Domain, Polytope, Space
from ..engines import cells
from ..errors import InputError
from ..network import Network

# A half-space (a..., b) stands for a.x <= b; its floats are those of the domain it comes from.
Row = tuple[float, ...]


def joined_domain(domains: list[Domain], names: list[str]) -> Domain:
    """The convex domain that the parts fill.

    Raises:
        InputError: two parts overlap, or they do not fill a convex domain, or one is a slice.
    """
    for domain, name in zip(domains, names, strict=True):
        if not isinstance(domain, Box | Polytope | Space):
            raise InputError(f"merge: {name} is on a {domain!r}; parts of a domain must be boxes or polytopes")
    dim = domains[0].dim
    parts = [_rows(d) for d in domains]
    for i in range(len(parts)):
        for j in range(i):
            if _has_interior([*parts[i], *parts[j]], dim):
                raise InputError(
                    f"merge: the domains of {names[j]} and {names[i]} overlap; merge runs on parts that do not"
                )
    whole = _envelope(domains, parts)
    if _has_gap(_rows(whole), parts, dim):
        raise InputError(
            f"merge: the domains of the {len(parts)} runs do not fill a convex domain; add the missing parts"
        )
    return whole


def _rows(domain: Domain) -> list[Row]:
    return [tuple(float(v) for v in (*(-a for a in row[:-1]), row[-1])) for row in domain.halfspaces]


def _opposite(row: Row) -> Row:
    return tuple(-v for v in row)


def _envelope(domains: list[Domain], parts: list[list[Row]]) -> Domain:
    if all(isinstance(d, Box) for d in domains):
        boxes: list[Any] = domains
        return Box(np.min([b.lower for b in boxes], axis=0), np.max([b.upper for b in boxes], axis=0))
    dim = domains[0].dim
    rows: dict[Row, None] = {}
    for i, part in enumerate(parts):
        for row in part:
            others = (other for j, other in enumerate(parts) if j != i)
            if not any(_has_interior([*other, _opposite(row)], dim) for other in others):
                rows[row] = None
    if not rows:
        return Space(dim)
    table = np.array(list(rows))
    return Polytope(table[:, :-1], table[:, -1])


def _has_gap(inside: list[Row], parts: list[list[Row]], dim: int) -> bool:
    """Whether the polyhedron is more than the parts: what is beyond the first one's half-spaces, one after another."""
    if not _has_interior(inside, dim):
        return False
    if not parts:
        return True
    inside = list(inside)
    for row in parts[0]:
        if _has_gap([*inside, _opposite(row)], parts[1:], dim):
            return True
        inside.append(row)
    return False


def _has_interior(rows: list[Row], dim: int) -> bool:
    """Whether the polyhedron has an interior point, exactly: its vertices are found by the engine."""
    table = np.array(list(dict.fromkeys(rows))).reshape(-1, dim + 1)
    net = Network.from_arrays([(np.zeros((1, dim)), np.zeros(1))])
    domain = Polytope(table[:, :-1], table[:, -1])
    engine = cells.open_engine(net, domain)
    engine.prepare()
    while not engine.wait(0.1):
        pass
    if error := engine.state()["error"]:
        raise InputError(f"merge: the parts cannot be compared: {error}; merge parts with fewer half-spaces")
    return engine.prepared() == "ready"
