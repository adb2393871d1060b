"""Hyperplane arrangements with known chamber counts, as integer normals and offsets, and as one-layer networks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from linregions.network import Network

# A hyperplane is (a_1, ..., a_d, c): the points with a.x + c = 0.
Hyperplane = tuple[int, ...]


def as_network(normals: Sequence[Sequence[int]], offsets: Sequence[int]) -> Network:
    """One hidden ReLU layer whose rows are the hyperplanes, and a linear output with different weights."""
    w, b = np.array(normals, dtype=float), np.array(offsets, dtype=float)
    return Network.from_arrays([(w, b), (np.arange(1.0, len(w) + 1)[None, :], [0.0])], source="arrangement")


@dataclass(frozen=True)
class Arrangement:
    """Hyperplanes in dimension `dim` and the number of chambers that the literature gives."""

    name: str
    n: int
    hyperplanes: tuple[Hyperplane, ...]
    chambers: int

    @property
    def dim(self) -> int:
        """Dimension of the space."""
        return len(self.hyperplanes[0]) - 1

    def network(self) -> Network:
        """The arrangement as a network."""
        return as_network([h[:-1] for h in self.hyperplanes], [h[-1] for h in self.hyperplanes])

    def __str__(self) -> str:
        return f"{self.name}-{self.n}"


def _difference(n: int, i: int, j: int, shift: int = 0) -> Hyperplane:
    """x_i - x_j = shift."""
    return (*(int(k == i) - int(k == j) for k in range(n)), -shift)


def _sum(n: int, i: int, j: int) -> Hyperplane:
    return (*(int(k == i) + int(k == j) for k in range(n)), 0)


def _axis(n: int, i: int) -> Hyperplane:
    return (*(int(k == i) for k in range(n)), 0)


def _differences(n: int, shifts: Sequence[int]) -> tuple[Hyperplane, ...]:
    return tuple(_difference(n, i, j, s) for i, j in itertools.combinations(range(n), 2) for s in shifts)


def braid(n: int) -> Arrangement:
    """x_i = x_j: n! chambers, one per order of the coordinates."""
    return Arrangement("braid", n, _differences(n, [0]), math.factorial(n))


def type_d(n: int) -> Arrangement:
    """x_i = x_j and x_i = -x_j: 2^(n-1) n! chambers."""
    sums = tuple(_sum(n, i, j) for i, j in itertools.combinations(range(n), 2))
    return Arrangement("type_d", n, _differences(n, [0]) + sums, 2 ** (n - 1) * math.factorial(n))


def type_b(n: int) -> Arrangement:
    """Type D and the coordinate hyperplanes: 2^n n! chambers."""
    axes = tuple(_axis(n, i) for i in range(n))
    return Arrangement("type_b", n, type_d(n).hyperplanes + axes if n > 1 else axes, 2**n * math.factorial(n))


def boolean(n: int) -> Arrangement:
    """The coordinate hyperplanes: 2^n orthants."""
    return Arrangement("boolean", n, tuple(_axis(n, i) for i in range(n)), 2**n)


def path_graph(n: int) -> Arrangement:
    """x_i = x_{i+1}: 2^(n-1) chambers, as for every tree."""
    return Arrangement("path", n, tuple(_difference(n, i, i + 1) for i in range(n - 1)), 2 ** (n - 1))


def cycle_graph(n: int) -> Arrangement:
    """x_i = x_{i+1} around a cycle: 2^n - 2 acyclic orientations."""
    return Arrangement("cycle", n, tuple(_difference(n, i, (i + 1) % n) for i in range(n)), 2**n - 2)


def shi(n: int) -> Arrangement:
    """x_i - x_j in {0, 1}, i < j: (n+1)^(n-1) chambers."""
    return Arrangement("shi", n, _differences(n, [0, 1]), (n + 1) ** (n - 1))


def catalan(n: int) -> Arrangement:
    """x_i - x_j in {-1, 0, 1}: (2n)! / (n+1)! chambers."""
    return Arrangement("catalan", n, _differences(n, [-1, 0, 1]), math.factorial(2 * n) // math.factorial(n + 1))


def semiorder(n: int) -> Arrangement:
    """x_i - x_j in {-1, 1}: the semiorders on n labelled points (OEIS A006531)."""
    table = {2: 3, 3: 19, 4: 183, 5: 2371, 6: 38703, 7: 763099, 8: 17648823}
    return Arrangement("semiorder", n, _differences(n, [-1, 1]), table[n])


def linial(n: int) -> Arrangement:
    """x_i - x_j = 1, i < j: 2^-n sum_k C(n,k) (k+1)^(n-1) chambers (OEIS A007889)."""
    total = sum(math.comb(n, k) * (k + 1) ** (n - 1) for k in range(n + 1))
    return Arrangement("linial", n, _differences(n, [1]), total // 2**n)


def resonance(n: int) -> Arrangement:
    """All non-zero 0/1 normals in R^n (OEIS A034997)."""
    table = {1: 2, 2: 6, 3: 32, 4: 370, 5: 11292, 6: 1066044, 7: 347326352}
    normals = itertools.product((0, 1), repeat=n)
    return Arrangement("resonance", n, tuple((*c, 0) for c in normals if any(c)), table[n])


def threshold(n: int) -> Arrangement:
    """Normals (1, c) with c in {0,1}^n, in R^(n+1): the threshold functions of n inputs (OEIS A000609)."""
    table = {0: 2, 1: 4, 2: 14, 3: 104, 4: 1882, 5: 94572, 6: 15028134}
    return Arrangement("threshold", n, tuple((1, *c, 0) for c in itertools.product((0, 1), repeat=n)), table[n])


def four_lines() -> Arrangement:
    """Four lines in the plane with a parallel-free but not simple position: 10 chambers, Betti numbers (1, 4, 5)."""
    return Arrangement("four_lines", 2, ((-1, 1, -1), (1, 0, 0), (1, 1, -1), (0, 1, 0)), 10)


def generic(hyperplanes: int, dim: int) -> Arrangement:
    """Points of a moment curve as normals, which is in general position: sum_j C(m, j) chambers."""
    rows = tuple((*(t**k for k in range(dim)), t**dim) for t in range(1, hyperplanes + 1))
    chambers = sum(math.comb(hyperplanes, j) for j in range(dim + 1))
    return Arrangement(f"generic{hyperplanes}", dim, rows, chambers)


def generic_central(hyperplanes: int, dim: int) -> Arrangement:
    """The same normals through the origin: 2 sum_{s<d} C(m-1, s) chambers."""
    rows = tuple((*(t**k for k in range(dim)), 0) for t in range(1, hyperplanes + 1))
    chambers = 2 * sum(math.comb(hyperplanes - 1, s) for s in range(dim))
    return Arrangement(f"central{hyperplanes}", dim, rows, chambers)


FAMILIES: dict[Callable[[int], Arrangement], range] = {
    braid: range(2, 9),
    type_b: range(1, 7),
    type_d: range(2, 7),
    boolean: range(1, 9),
    path_graph: range(2, 9),
    cycle_graph: range(3, 9),
    shi: range(2, 8),
    catalan: range(2, 7),
    semiorder: range(2, 8),
    linial: range(2, 9),
    resonance: range(1, 7),
    threshold: range(0, 6),
}


def all_arrangements() -> list[Arrangement]:
    """Every arrangement of dimension at most 8 and about a million chambers at most."""
    out = [family(n) for family, sizes in FAMILIES.items() for n in sizes]
    sizes = [(4, 2), (20, 2), (10, 3), (9, 4), (9, 5), (9, 8)]
    return [*out, four_lines(), *(generic(*s) for s in sizes), *(generic_central(*s) for s in sizes)]


def chambers(hyperplanes: Sequence[Hyperplane]) -> int:
    """The number of chambers by deletion and restriction, on primitive integer rows with memory.

    Adding a hyperplane H to an arrangement adds as many chambers as the arrangement cuts H into.
    """
    return _chambers(frozenset(h for h in map(_primitive, hyperplanes) if h is not None))


@cache
def _chambers(rows: frozenset[Hyperplane]) -> int:
    ordered = sorted(rows)
    return 1 + sum(_chambers(_restricted(ordered[:i], ordered[i])) for i in range(len(ordered)))


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
