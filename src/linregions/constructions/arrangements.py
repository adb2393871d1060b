"""Hyperplane arrangements by name, with integer coefficients and their known number of chambers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from operator import index
from typing import Any

from ..checks import shown, whole_number
from ..combinatorics import central, zaslavsky
from ..domain import Space
from ..engines.arrangement import betti_numbers
from ..errors import InputError
from ..network import Network
from .construction import Construction
from .general_position import exact_array

# A hyperplane is (a_1, ..., a_d, c): the points with a.x + c = 0.
Hyperplane = tuple[int, ...]
Edge = tuple[int, int]


@dataclass(frozen=True)
class Arrangement:
    """Distinct hyperplanes `a.x + c = 0` as integer rows `(a_1, ..., a_d, c)`, and their known number of chambers.

    `formula` gives the number of chambers, `reference` its source (that of a table where no formula is known).

    Example:
        >>> shi = arrangement("shi", 3)
        >>> shi.chambers, shi.betti(), shi.bounded()
        (16, (1, 6, 9, 0), 4)
        >>> shi.construction().confirmed()
        True
    """

    name: str
    size: int
    hyperplanes: tuple[Hyperplane, ...]
    chambers: int
    formula: str
    reference: str

    @property
    def dim(self) -> int:
        """Dimension of the space."""
        return len(self.hyperplanes[0]) - 1

    def betti(self, *, threads: int | None = None) -> tuple[int, ...]:
        """The unsigned Whitney numbers b_0, ..., b_dim, whose sum is `chambers`; see `betti_numbers`."""
        return betti_numbers([h[:-1] for h in self.hyperplanes], [h[-1] for h in self.hyperplanes], threads=threads)

    def bounded(self, *, threads: int | None = None) -> int:
        """How many chambers are relatively bounded (bounded up to the lineality space): `|sum_k (-1)^k b_k|`."""
        return abs(sum((-1) ** k * b for k, b in enumerate(self.betti(threads=threads))))

    def network(self) -> Network:
        """One hidden ReLU layer whose rows are the hyperplanes, and a linear output with the weights 1, 2, ...

        The hyperplanes are distinct and no output weight is zero, so the slope changes across each of them: the linear
        regions are the activation regions.
        """
        what = f"arrangement {self}"
        weight = exact_array([[Fraction(v) for v in h[:-1]] for h in self.hyperplanes], what)
        bias = exact_array([Fraction(h[-1]) for h in self.hyperplanes], what)
        output = [[float(k) for k in range(1, len(self.hyperplanes) + 1)]]
        return Network.from_arrays([(weight, bias), (output, [0.0])], source=what)

    def construction(self) -> Construction:
        """The network with its number of activation regions on the whole space."""
        return Construction(
            f"arrangement {self}", self.network(), Space(self.dim), self.chambers, self.formula, self.reference
        )

    def __str__(self) -> str:
        return f"{self.name}-{self.size}"


def arrangement(
    name: str, size: int | None = None, *, dim: int | None = None, edges: Iterable[Sequence[int]] | None = None
) -> Arrangement:
    """A hyperplane arrangement by name.

    Args:
        name: one of `ARRANGEMENTS`.
        size: the n of the family: the number of coordinates; for "threshold" of the function's inputs, for
            "generic" and "generic_central" of hyperplanes, for "graphical" of vertices.  "four_lines" takes none.
        dim: for "generic" and "generic_central" alone, the dimension.
        edges: for "graphical" alone, pairs of vertices 0, ..., size - 1.

    Raises:
        InputError: the name is not known, the size is outside the family, or an argument does not belong to it.

    Example:
        >>> arrangement("catalan", 4).chambers, arrangement("generic", 10, dim=3).chambers
        (336, 176)
        >>> arrangement("graphical", 4, edges=[(0, 1), (1, 2), (2, 3), (3, 0), (0, 2)]).chambers
        18
    """
    if not isinstance(name, str) or name not in ARRANGEMENTS:
        raise InputError(f"arrangement: {shown(name)} is not known; use one of {', '.join(ARRANGEMENTS)}")
    options = {"dim": dim, "edges": edges}
    wanted = {"generic": "dim", "generic_central": "dim", "graphical": "edges"}.get(name)
    for option, value in options.items():
        if value is not None and option != wanted:
            raise InputError(f"arrangement: {name!r} takes no {option}, got {option}={shown(value)}; leave it out")
        if value is None and option == wanted:
            raise InputError(f"arrangement: {name!r} needs {option}, got none; give {option}=...")
    if name == "four_lines":
        if size is not None:
            raise InputError(f"arrangement: 'four_lines' takes no size, got {shown(size)}; leave it out")
        return four_lines()
    if size is None:
        raise InputError(f"arrangement: {name!r} needs a size, got none; give a whole number")
    family: Any = ARRANGEMENTS[name]
    return family(size) if wanted is None else family(size, options[wanted])


def braid(n: int) -> Arrangement:
    """x_i = x_j, i < j, n >= 2: n! chambers, one per order of the coordinates."""
    n = _size(n, "braid", 2)
    return Arrangement("braid", n, _differences(n, [0]), math.factorial(n), "n!", "OEIS A000142")


def type_b(n: int) -> Arrangement:
    """x_i = x_j, x_i = -x_j and x_i = 0: 2^n n! chambers."""
    n = _size(n, "type_b", 1)
    rows = _differences(n, [0]) + _sums(n) + _axes(n)
    return Arrangement("type_b", n, rows, 2**n * math.factorial(n), "2^n n!", "OEIS A000165")


def type_d(n: int) -> Arrangement:
    """x_i = x_j and x_i = -x_j, n >= 2: 2^(n-1) n! chambers."""
    n = _size(n, "type_d", 2)
    rows = _differences(n, [0]) + _sums(n)
    return Arrangement("type_d", n, rows, 2 ** (n - 1) * math.factorial(n), "2^(n-1) n!", "OEIS A002866")


def boolean(n: int) -> Arrangement:
    """The coordinate hyperplanes x_i = 0: 2^n orthants."""
    n = _size(n, "boolean", 1)
    return Arrangement("boolean", n, _axes(n), 2**n, "2^n", "OEIS A000079")


def path(n: int) -> Arrangement:
    """The graphical arrangement of a path on n >= 2 vertices: 2^(n-1) chambers, as for every tree."""
    n = _size(n, "path", 2)
    return _graph("path", n, [(i, i + 1) for i in range(n - 1)], 2 ** (n - 1), "2^(n-1)")


def cycle(n: int) -> Arrangement:
    """The graphical arrangement of a cycle on n >= 3 vertices: 2^n - 2 chambers."""
    n = _size(n, "cycle", 3)
    return _graph("cycle", n, [(i, (i + 1) % n) for i in range(n)], 2**n - 2, "2^n - 2")


def complete(n: int) -> Arrangement:
    """The graphical arrangement of the complete graph on n >= 2 vertices, which is the braid arrangement."""
    n = _size(n, "complete", 2)
    return _graph("complete", n, list(itertools.combinations(range(n), 2)), math.factorial(n), "n!")


def graphical(n: int, edges: Iterable[Sequence[int]]) -> Arrangement:
    """x_i = x_j for the edges {i, j} of a graph on the vertices 0, ..., n - 1: one chamber per acyclic orientation.

    The number is |chi(-1)| of the chromatic polynomial chi, found by deletion and contraction on the graph.
    """
    n = _size(n, "graphical", 2)
    try:
        pairs = {(min(i, j), max(i, j)) for i, j in ((index(v) for v in edge) for edge in edges)}
    except (TypeError, ValueError) as error:
        raise InputError(f"edges must be pairs of whole numbers, got {shown(edges)}") from error
    for i, j in sorted(pairs):
        if not 0 <= i < j < n:
            raise InputError(f"edges: ({i}, {j}) is no pair of two different vertices from 0 to {n - 1}")
    if not pairs:
        raise InputError("edges: a graph without edges gives no hyperplane; give at least one pair")
    return _graph("graphical", n, sorted(pairs), acyclic_orientations(pairs), "|chromatic polynomial(-1)|")


def shi(n: int) -> Arrangement:
    """x_i - x_j in {0, 1}, i < j, n >= 2: (n+1)^(n-1) chambers, (n-1)^(n-1) of them relatively bounded."""
    n = _size(n, "shi", 2)
    return Arrangement("shi", n, _differences(n, [0, 1]), (n + 1) ** (n - 1), "(n+1)^(n-1)", "Shi 1986; OEIS A000272")


def catalan(n: int) -> Arrangement:
    """x_i - x_j in {-1, 0, 1}, n >= 2: (2n)! / (n+1)! chambers, n! C_(n-1) of them relatively bounded (C: Catalan)."""
    n = _size(n, "catalan", 2)
    chambers = math.factorial(2 * n) // math.factorial(n + 1)
    return Arrangement("catalan", n, _differences(n, [-1, 0, 1]), chambers, "(2n)! / (n+1)!", "OEIS A001761")


def semiorder(n: int) -> Arrangement:
    """x_i - x_j in {-1, 1}, n >= 2: one chamber per semiorder on n labelled points.

    `sum_k (-1)^(n-k) S(n, k) k! C_k` with Stirling numbers of the second kind and Catalan numbers: their exponential
    generating function is `C(1 - e^-x)` (Chandon, Lemaire, Pouget 1978).
    """
    n = _size(n, "semiorder", 2)
    terms = ((-1) ** (n - k) * _surjections(n, k) * math.comb(2 * k, k) // (k + 1) for k in range(1, n + 1))
    formula = "sum_k (-1)^(n-k) S(n,k) k! C_k"
    return Arrangement("semiorder", n, _differences(n, [-1, 1]), sum(terms), formula, "OEIS A006531")


def linial(n: int) -> Arrangement:
    """x_i - x_j = 1, i < j, n >= 2: 2^-n sum_k C(n, k) (k+1)^(n-1) chambers."""
    n = _size(n, "linial", 2)
    total = sum(math.comb(n, k) * (k + 1) ** (n - 1) for k in range(n + 1))
    formula = "2^-n sum_k C(n,k) (k+1)^(n-1)"
    return Arrangement("linial", n, _differences(n, [1]), total // 2**n, formula, "Postnikov, Stanley; OEIS A007889")


def resonance(n: int) -> Arrangement:
    """All non-zero 0/1 normals in R^n, n <= 9: no formula is known."""
    n = _size(n, "resonance", 1, len(_RESONANCE))
    rows = tuple((*c, 0) for c in itertools.product((0, 1), repeat=n) if any(c))
    return Arrangement("resonance", n, rows, _RESONANCE[n - 1], "no formula known", "table of OEIS A034997")


def threshold(n: int) -> Arrangement:
    """Normals (1, c), c in {0, 1}^n, in R^(n+1), n <= 9: one chamber per threshold function of n inputs."""
    n = _size(n, "threshold", 0, len(_THRESHOLD) - 1)
    rows = tuple((1, *c, 0) for c in itertools.product((0, 1), repeat=n))
    return Arrangement("threshold", n, rows, _THRESHOLD[n], "no formula known", "table of OEIS A000609")


def four_lines() -> Arrangement:
    """-x + y = 1, x = 0, x + y = 1, y = 0: three of the lines meet in (0, 1); 10 chambers."""
    rows = ((-1, 1, -1), (1, 0, 0), (1, 1, -1), (0, 1, 0))
    return Arrangement("four_lines", 4, rows, 10, "1 + 4 + 5", "example of CountingChambers.jl")


def generic(hyperplanes: int, dim: int) -> Arrangement:
    """Hyperplanes in general position, t^0 x_1 + ... + t^(d-1) x_d + t^d = 0 for integers t: sum_j C(m, j) chambers."""
    m, dim = _size(hyperplanes, "generic", 1), whole_number(dim, "arrangement: dim")
    rows = tuple(tuple(t**k for k in range(dim + 1)) for t in _parameters(m))
    reference = "Zaslavsky 1975; in dimension 2 to 5 OEIS A000124, A000125, A000127, A006261"
    return Arrangement("generic", m, rows, zaslavsky(m, dim), "sum_{j<=d} C(m, j)", reference)


def generic_central(hyperplanes: int, dim: int) -> Arrangement:
    """The same normals through the origin: 2 sum_{s<d} C(m-1, s) chambers."""
    m, dim = _size(hyperplanes, "generic_central", 1), whole_number(dim, "arrangement: dim")
    rows = tuple((*(t**k for k in range(dim)), 0) for t in _parameters(m)) if dim > 1 else ((1, 0),)
    return Arrangement("generic_central", m, rows, central(m, dim), "2 sum_{s<d} C(m-1, s)", "Zaslavsky 1975")


ARRANGEMENTS: dict[str, Callable[..., Arrangement]] = {
    f.__name__: f
    for f in (
        *(braid, type_b, type_d, boolean, path, cycle, complete, graphical),
        *(shi, catalan, semiorder, linial, resonance, threshold, four_lines, generic, generic_central),
    )
}

# OEIS A034997 from n = 1 and A000609 from n = 0; the entries up to n = 6 are recomputed in the tests.
_RESONANCE = (2, 6, 32, 370, 11292, 1066044, 347326352, 419172756930, 1955230985997140)
_THRESHOLD = (
    *(2, 4, 14, 104, 1882, 94572, 15028134),
    *(8378070864, 17561539552946, 144130531453121108),
)


def acyclic_orientations(edges: Iterable[Edge]) -> int:
    """The acyclic orientations of a graph: |chi(-1)| of its chromatic polynomial (Stanley 1973).

    A vertex whose k neighbours are joined to each other gives a factor k + 1; where there is none, an edge is deleted
    and contracted.  Exponential in general, at once for trees, cycles and chordal graphs.

    Example:
        >>> acyclic_orientations([(0, 1), (1, 2), (2, 3), (0, 3)])
        14
    """
    return _orientations(frozenset(frozenset(edge) for edge in edges))


@cache
def _orientations(edges: frozenset[frozenset[int]]) -> int:
    factor = 1
    while edges:
        near = _neighbours(edges)
        simplicial = [v for v, others in near.items() if _all_joined(others, edges)]
        if not simplicial:
            first = min(edges, key=sorted)
            keep, gone = sorted(first)
            fewer = edges - {first}
            merged = frozenset(frozenset(keep if v == gone else v for v in edge) for edge in fewer)
            return factor * (_orientations(fewer) + _orientations(merged))
        factor *= len(near[simplicial[0]]) + 1
        edges = frozenset(edge for edge in edges if simplicial[0] not in edge)
    return factor


def _neighbours(edges: frozenset[frozenset[int]]) -> dict[int, set[int]]:
    near: dict[int, set[int]] = {}
    for i, j in map(sorted, edges):
        near.setdefault(i, set()).add(j)
        near.setdefault(j, set()).add(i)
    return near


def _all_joined(vertices: set[int], edges: frozenset[frozenset[int]]) -> bool:
    return all(frozenset(pair) in edges for pair in itertools.combinations(vertices, 2))


def _graph(name: str, n: int, edges: Sequence[Edge], chambers: int, formula: str) -> Arrangement:
    rows = tuple(_difference(n, min(edge), max(edge)) for edge in edges)
    return Arrangement(name, n, rows, chambers, formula, "acyclic orientations: Stanley 1973")


def _difference(n: int, i: int, j: int, shift: int = 0) -> Hyperplane:
    """x_i - x_j = shift."""
    return (*(int(k == i) - int(k == j) for k in range(n)), -shift)


def _differences(n: int, shifts: Sequence[int]) -> tuple[Hyperplane, ...]:
    return tuple(_difference(n, i, j, s) for i, j in itertools.combinations(range(n), 2) for s in shifts)


def _sums(n: int) -> tuple[Hyperplane, ...]:
    """x_i + x_j = 0."""
    return tuple((*(int(k in pair) for k in range(n)), 0) for pair in itertools.combinations(range(n), 2))


def _axes(n: int) -> tuple[Hyperplane, ...]:
    return tuple((*(int(k == i) for k in range(n)), 0) for i in range(n))


def _surjections(n: int, k: int) -> int:
    """K! S(n, k): the maps of n labelled points onto k."""
    return sum((-1) ** (k - j) * math.comb(k, j) * j**n for j in range(k + 1))


def _parameters(number: int) -> list[int]:
    """0, 1, -1, 2, -2, ...: small powers."""
    return [(k + 1) // 2 * (1 if k % 2 else -1) for k in range(number)]


def _size(value: Any, name: str, least: int, most: int | None = None) -> int:
    try:
        size = -1 if isinstance(value, bool) else index(value)
    except TypeError:
        size = -1
    if size < least or (most is not None and size > most):
        upper = " on" if most is None else f" to {most}, the last known number"
        raise InputError(
            f"arrangement: the size of {name!r} must be a whole number from {least}{upper}, got {shown(value)}"
        )
    return size
