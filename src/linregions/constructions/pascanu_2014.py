"""Pascanu, Montúfar, Bengio 2014: many regions of a layer mapped onto one cube, built for all widths of Theorem 1."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from ..combinatorics import product, zaslavsky
from ..domain import Domain, Polytope, Space
from ..errors import InputError
from ..network import Network
from ..partition import Kind
from .construction import Construction
from .folds import ABS, Layer, Rationals, checked_widths, different_outputs, interleaved, label, stacked
from .general_position import exact_array, in_cube

FORMULA = "prod_{l<L} floor(n_l / n0) * sum_{j<=n0} C(n_L, j)"
PAPER = (
    "Pascanu, Montúfar, Bengio 2014, On the Number of Response Regions of Deep Feed Forward Networks with Piece-Wise "
    "Linear Activations"
)
# More pieces would only fill memory.
MOST_PIECES = 4096


def pascanu_2014(inputs: int, widths: Sequence[int]) -> Construction:
    """Theorem 1: p_l = floor(n_l / n0) cells of each layer are mapped onto one cube, which the next layer cuts again.

    Unit t = 1, 2, ... of a layer sees `sum_{k<n0} x_k t^k - t^2`, a polynomial at t.  For every block of n0 consecutive
    units, x can be chosen so that the polynomial is `-(t - a)(t - b)`, positive on the block alone and the same on
    every block.  Around that point the block's units are free coordinates, and the units of all other blocks are 0; so
    one linear map, with the same offset for all blocks, takes a small parallelepiped around each of the p_l points onto
    the cube [-1, 1]^n0.  The last layer is in general position with all its cells in the cube.

    With one input, where units that face one way have no such blocks, `montufar_2014` gives the same number.

    Args:
        inputs: number of inputs n0.
        widths: hidden widths, each at least n0.

    Returns:
        A `Construction` with at least `prod_{l<L} p_l * Z(n_L, n0)` regions on the whole space.  Its pieces are the
        parallelepipeds, each with exactly `Z(n_L, n0)` regions (none are listed when there are more than 4096 of them,
        or one is not described by float64).  With one input it is exact on a box.

    Raises:
        InputError: a width is no whole number or smaller than n0; the weights would not be float64.

    Example:
        >>> from linregions import constructions
        >>> c = constructions.pascanu_2014(2, [4, 4])
        >>> c.regions, len(c.pieces), c.confirmed()
        (22, 2, True)
    """
    inputs, widths = checked_widths(inputs, widths, "pascanu_2014", least=1)
    name = label("pascanu_2014", inputs, widths)
    reference = f"{PAPER}, Theorem 1"
    if inputs == 1:
        folds = [[interleaved(n)] for n in widths[:-1]]
        return stacked(name, 1, folds, (widths[-1], 1), formula=FORMULA, reference=reference)
    blocks = [_Blocks(inputs, n) for n in widths[:-1]]
    last = zaslavsky(widths[-1], inputs)
    return Construction(
        name,
        Network.from_arrays(_layers(inputs, blocks, widths[-1], name), source=name),
        Space(inputs),
        product([b.count for b in blocks]) * last,
        FORMULA,
        reference,
        kind=Kind.LOWER if blocks else Kind.EXACT,
        pieces=tuple((domain, last) for domain in _parallelepipeds(blocks, name)),
    )


def pascanu_2014_special(inputs: int, widths: Sequence[int]) -> Construction:
    """The special class n_l = 2 n0: pairs of units compute absolute values, `2^((L-1) n0) * Z(2 n0, n0)` regions.

    Each layer but the last folds every axis once, so that 2^n0 orthants are mapped onto one cube.

    Args:
        inputs: number of inputs n0.
        widths: hidden widths, each 2 n0.

    Returns:
        A `Construction` exact on the whole space.

    Raises:
        InputError: a width is not 2 n0; the weights would not be float64.

    Example:
        >>> from linregions import constructions
        >>> c = constructions.pascanu_2014_special(2, [4, 4, 4])
        >>> c.regions, c.confirmed()
        (176, True)
    """
    inputs, widths = checked_widths(inputs, widths, "pascanu_2014_special")
    for k, n in enumerate(widths, start=1):
        if n != 2 * inputs:
            raise InputError(
                f"pascanu_2014_special: hidden layer {k} must have twice as many units as inputs ({2 * inputs}), "
                f"got {n}; zigzag_product takes any widths"
            )
    return stacked(
        label("pascanu_2014_special", inputs, widths),
        inputs,
        [[ABS] * inputs for _ in widths[:-1]],
        (widths[-1], inputs),
        formula="2^((L-1) n0) * sum_{j<=n0} C(2 n0, j)",
        reference=f"{PAPER}, the class n_l = 2 n0",
    )


@dataclass(frozen=True)
class _Blocks:
    """One layer but the last: `units` units in blocks of `dim`, with a parallelepiped around each block's centre."""

    dim: int
    units: int

    @property
    def count(self) -> int:
        """Number of blocks, p."""
        return self.units // self.dim

    @cached_property
    def centre(self) -> list[Fraction]:
        """Pre-activations of a block at its centre: (j - 1/2)(d + 1/2 - j), j = 1..d, whichever the block."""
        return [_parabola(j, self.dim) for j in range(1, self.dim + 1)]

    @cached_property
    def radius(self) -> Fraction:
        """A power of two by which a block's pre-activations may change while no unit of the layer changes its sign.

        The change is a polynomial of degree < d, so at s outside the block it is at most `sum_j |L_j(s)|` times the
        largest one on the block (Lagrange).
        """
        nodes = range(1, self.dim + 1)
        least = min(self.centre)
        for s in range(1 - (self.count - 1) * self.dim, self.units + 1):  # places relative to every block there is
            if s not in nodes:
                growth = sum(
                    abs(math.prod((Fraction(s - k, j - k) for k in nodes if k != j), start=Fraction(1))) for j in nodes
                )
                least = min(least, -_parabola(s, self.dim) / growth)
        return _power_of_two(least / 2)

    def places(self, block: int) -> range:
        """The t of a block's units."""
        return range(block * self.dim + 1, (block + 1) * self.dim + 1)

    @cached_property
    def reach(self) -> Fraction:
        """A power of two K such that all parallelepipeds lie in the cube [-K, K]^d."""
        most = Fraction(1)
        for block in range(self.count):
            t = self.places(block)
            a, b = t[0] - Fraction(1, 2), t[-1] + Fraction(1, 2)
            middle = [-a * b, a + b, *[Fraction(0)] * self.dim]
            change = [_lagrange(t, j) for j in t]
            for k in range(self.dim):
                most = max(most, abs(middle[k]) + self.radius * sum(abs(row[k]) for row in change))
        return _power_of_two(2 * most)

    def rows(self, places: Sequence[int]) -> Rationals:
        """Pre-activations (normal, offset) of the units at these t."""
        return [[*(Fraction(t**k) for k in range(self.dim)), Fraction(-t * t)] for t in places]

    def cube(self, rows: Rationals) -> Rationals:
        """The block's coordinates in [-1, 1]^d: (row - centre) / radius."""
        out = []
        for (*normal, offset), middle in zip(rows, self.centre, strict=True):
            out.append([*(a / self.radius for a in normal), (offset - middle) / self.radius])
        return out

    @property
    def read(self) -> Rationals:
        """The same for all blocks at once, from the units: [I I ... I 0] / radius and the offset -centre / radius."""
        rows = [[Fraction(0)] * self.units + [Fraction(0)] for _ in range(self.dim)]
        for block, j in itertools.product(range(self.count), range(self.dim)):
            rows[j][block * self.dim + j] = Fraction(1)
        return self.cube(rows)


def _parabola(s: int, dim: int) -> Fraction:
    """-(s - 1/2)(s - d - 1/2): positive at s = 1..d alone."""
    return (s - Fraction(1, 2)) * (dim + Fraction(1, 2) - s)


def _lagrange(nodes: Sequence[int], at: int) -> list[Fraction]:
    """Coefficients, constant first, of the polynomial that is 1 at `at` and 0 at the other nodes."""
    out = [Fraction(1)]
    for t in nodes:
        if t != at:
            shifted, scaled = [Fraction(0), *out], [*(-t * c for c in out), Fraction(0)]
            out = [(p + q) / (at - t) for p, q in zip(shifted, scaled, strict=True)]
    return out


def _power_of_two(most: Fraction) -> Fraction:
    """The largest power of two that is at most `most`."""
    e = most.numerator.bit_length() - most.denominator.bit_length()
    power = Fraction(2) ** e
    return power if power <= most else power / 2


def _composed(outer: Rationals, inner: Rationals) -> Rationals:
    """Rows (normal, offset) after a map whose rows are (normal, offset)."""
    out = []
    for *normal, offset in outer:
        row = [sum((a * r[k] for a, r in zip(normal, inner, strict=True)), Fraction(0)) for k in range(len(inner[0]))]
        row[-1] += offset
        out.append(row)
    return out


def _stretched(rows: Rationals, by: Fraction) -> Rationals:
    """Rows of x as rows of x / by."""
    return [[*(a * by for a in row[:-1]), row[-1]] for row in rows]


def _layers(inputs: int, blocks: list[_Blocks], last: int, name: str) -> list[Layer]:
    layers, read = [], None
    for b in blocks:
        rows = b.rows(range(1, b.units + 1))
        layers.append(_layer(rows if read is None else _composed(_stretched(rows, b.reach), read), name))
        read = b.read
    # The cube (0, 2)^d moved by 1; without earlier layers the place does not matter.
    rows = [[*normal, offset + sum(normal)] for *normal, offset in in_cube(last, inputs, 2)]
    layers.append(_layer(rows if read is None else _composed(rows, read), name))
    return [*layers, different_outputs(last)]


def _layer(rows: Rationals, name: str) -> Layer:
    return exact_array([row[:-1] for row in rows], name), exact_array([row[-1] for row in rows], name)


def _parallelepipeds(blocks: list[_Blocks], name: str) -> list[Domain]:
    """For every choice of one block per layer, the inputs that the layers map onto the cube through these blocks.

    Each lies inside the one of the layer before, so the last layer's 2d half-spaces describe it.
    """
    if not blocks or math.prod(b.count for b in blocks) > MOST_PIECES:
        return []
    try:
        return [_polytope(rows, name) for rows in _cubes(blocks)]
    except InputError:  # a facet has too many digits; the engine's count on the whole space still certifies
        return []


def _cubes(blocks: list[_Blocks]) -> Iterator[Rationals]:
    """Cube coordinates as functions of the inputs, for every choice of blocks."""
    *before, b = blocks
    own = [b.cube(b.rows(b.places(block))) for block in range(b.count)]
    if not before:
        yield from own
        return
    for inner in _cubes(before):
        for rows in own:
            yield _composed(_stretched(rows, b.reach), inner)


def _polytope(rows: Rationals, name: str) -> Polytope:
    """-1 <= rows <= 1, each facet times the factor that makes its entries coprime integers."""
    facets = []
    for *normal, offset in rows:
        for sign in (1, -1):
            facet = [*(sign * a for a in normal), 1 - sign * offset]
            scale = Fraction(math.lcm(*(v.denominator for v in facet)), math.gcd(*(v.numerator for v in facet)))
            facets.append([v * scale for v in facet])
    return Polytope(exact_array([f[:-1] for f in facets], name), exact_array([f[-1] for f in facets], name))
