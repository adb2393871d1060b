"""The named arrangements that the tests count, and a slow counter for any arrangement in plain Python."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

from linregions.constructions.arrangements import Arrangement, Hyperplane, arrangement

SIZES = {
    "braid": range(2, 9),
    "type_b": range(1, 7),
    "type_d": range(2, 7),
    "boolean": range(1, 9),
    "path": range(2, 9),
    "cycle": range(3, 9),
    "shi": range(2, 8),
    "catalan": range(2, 7),
    "semiorder": range(2, 8),
    "linial": range(2, 9),
    "resonance": range(1, 7),
    "threshold": range(0, 6),
}


def all_arrangements() -> list[Arrangement]:
    """Every arrangement of dimension at most 8 and about a million chambers at most."""
    out = [arrangement(name, n) for name, sizes in SIZES.items() for n in sizes]
    sizes = [(4, 2), (20, 2), (10, 3), (9, 4), (9, 5), (9, 8)]
    generic = [arrangement(name, m, dim=d) for name in ("generic", "generic_central") for m, d in sizes]
    bowtie = [(0, 1), (1, 2), (0, 2), (2, 3), (3, 4), (2, 4)]
    graphs = [arrangement("graphical", 5, edges=bowtie), arrangement("graphical", 6, edges=_prism())]
    return [*out, *generic, *graphs, arrangement("four_lines")]


def _prism() -> list[tuple[int, int]]:
    return [(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5), (0, 3), (1, 4), (2, 5)]


def chambers(hyperplanes: Sequence[Hyperplane]) -> int:
    """The number of chambers; see `whitney_numbers`."""
    return sum(whitney_numbers(hyperplanes))


def whitney_numbers(hyperplanes: Sequence[Hyperplane]) -> tuple[int, ...]:
    """The unsigned Whitney numbers by deletion and restriction, on primitive integer rows with memory.

    Adding a hyperplane H to an arrangement adds as many flats of every codimension as the arrangement cuts into H,
    one codimension further.
    """
    dim = len(hyperplanes[0]) - 1
    return _whitney(frozenset(h for h in map(_primitive, hyperplanes) if h is not None), dim)


@cache
def _whitney(rows: frozenset[Hyperplane], dim: int) -> tuple[int, ...]:
    ordered, out = sorted(rows), [1] + [0] * dim
    for i in range(len(ordered)):
        for k, b in enumerate(_whitney(_restricted(ordered[:i], ordered[i]), dim - 1)):
            out[k + 1] += b
    return tuple(out)


def _restricted(rows: Sequence[Hyperplane], onto: Hyperplane) -> frozenset[Hyperplane]:
    """The traces of `rows` on the hyperplane `onto`, in coordinates that leave out one that it determines."""
    p = next(k for k, v in enumerate(onto) if v != 0)
    traces = ([onto[p] * a - row[p] * b for a, b in zip(row, onto, strict=True)] for row in rows)
    kept = (_primitive([*t[:p], *t[p + 1 :]]) for t in traces)
    return frozenset(h for h in kept if h is not None)


def _primitive(row: Sequence[int]) -> Hyperplane | None:
    """Coprime integers with a positive first entry; None where the normal is zero, which is no hyperplane."""
    if not any(row[:-1]):
        return None
    divisor = math.gcd(*row) * (1 if next(v for v in row if v != 0) > 0 else -1)
    return tuple(v // divisor for v in row)
