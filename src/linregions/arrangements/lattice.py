"""The intersection lattice of an arrangement: its flats by codimension with their Moebius function, in integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..checks import whole_number
from ..domain import Domain
from ..errors import InputError
from ..exact import scaled_integers
from .interior import open_polyhedron_is_empty
from .polynomial import CharacteristicPolynomial
from .rows import Row, describe, hyperplanes, pivot_of, primitive, restricted, shortened


@dataclass(frozen=True)
class Flat:
    """A nonempty intersection of hyperplanes: the indices of all that contain it, and its Moebius function `mobius`."""

    hyperplanes: tuple[int, ...]
    codimension: int
    mobius: int


@dataclass(frozen=True)
class IntersectionLattice:
    """The flats of an arrangement that meet an open convex domain, by codimension, from the space itself on.

    `hyperplanes` holds the integer rows that `Flat.hyperplanes` counts, `dim` the dimension, `domain` what the flats
    have to meet (empty for the whole space).

    Example:
        >>> lattice = intersection_lattice([[1, 0, 0], [0, 1, 0], [1, 1, 0]])  # three lines through a point
        >>> lattice.whitney_second, lattice.flats[2]
        ((1, 3, 1), (Flat(hyperplanes=(0, 1, 2), codimension=2, mobius=2),))
    """

    hyperplanes: tuple[Row, ...]
    dim: int
    flats: tuple[tuple[Flat, ...], ...]
    domain: str = ""

    @property
    def whitney_first(self) -> tuple[int, ...]:
        """Unsigned Whitney numbers of the first kind: sums of |mu| by codimension."""
        return tuple(sum(abs(f.mobius) for f in level) for level in self.flats)

    @property
    def whitney_second(self) -> tuple[int, ...]:
        """Whitney numbers of the second kind: flats by codimension."""
        return tuple(len(level) for level in self.flats)

    @property
    def regions(self) -> int:
        """Number of regions that meet the domain: the sum of |mu| over all flats."""
        return sum(self.whitney_first)

    @property
    def characteristic_polynomial(self) -> CharacteristicPolynomial:
        """`sum of mu(F) t^dim(F)`; inside a domain it counts the regions at -1, and its value at 1 means nothing."""
        return CharacteristicPolynomial.of_whitney(self.whitney_first)

    def __len__(self) -> int:
        return sum(len(level) for level in self.flats)

    def __str__(self) -> str:
        where = f" that meet the interior of {self.domain}" if self.domain else ""
        return f"{len(self):,} flats{where} of {describe(self.hyperplanes, self.dim)}"


@dataclass
class _Open:
    """A flat under construction: |mu| so far, what cuts it (trace -> hyperplanes, as bits), the domain on it."""

    mobius: int
    traces: dict[Row, int]
    halfspaces: list[list[int]]


def intersection_lattice(source: Any, domain: Domain | None = None, *, max_flats: int = 10**6) -> IntersectionLattice:
    """The flats of an arrangement, or those that meet the interior of a convex domain.

    The flats one codimension below F are the different traces of the other hyperplanes on F.  With a the first of the
    hyperplanes that contain F, Weisner's theorem gives

        |mu(F)| = sum of |mu(G)| over the flats G one codimension above F that a does not contain.

    A flat that meets the domain lies in flats that do, so those that do not are dropped as soon as they are seen.

    Args:
        source: a `Network` with one hidden layer, or rows `[a_1, ..., a_n, c]`; see `hyperplanes`.
        domain: a convex domain, of which the interior counts; None is the whole space.
        max_flats: refuse arrangements with more flats, which would take long and much memory.

    Returns:
        An `IntersectionLattice`; everything in it is exact.

    Raises:
        InputError: an argument does not fit, the domain has no interior, or there are more than `max_flats` flats.

    Reference:
        Zaslavsky 1975 and 1977; Weisner's theorem: Stanley, Enumerative Combinatorics 1, Corollary 3.9.3.

    Example:
        >>> from linregions import Box
        >>> lattice = intersection_lattice([[1, 0, 0], [0, 1, 0], [1, 1, -3]], Box.cube(-1, 1, 2))
        >>> print(lattice, lattice.regions)
        4 flats that meet the interior of box [-1, 1]^2 of 3 hyperplanes in dimension 2 4
    """
    most = whole_number(max_flats, "max_flats")
    rows, dim = hyperplanes(source, domain)
    halfspaces = [] if domain is None else _open_halfspaces(domain)
    if open_polyhedron_is_empty(halfspaces):
        raise InputError(f"domain: {domain!r} has no interior, so no region has full dimension; give a larger one")
    level = {0: _Open(1, {row: 1 << i for i, row in enumerate(rows)}, halfspaces)}
    flats: list[tuple[Flat, ...]] = [(Flat((), 0, 1),)]
    total = 1
    for codimension in range(1, dim + 1):
        level = _next_level(level, dim - codimension, most - total)
        if level is None:
            raise InputError(
                f"max_flats: {describe(rows, dim)} have more than {most:,} flats; raise it or count regions"
            )
        total += len(level)
        sign = (-1) ** codimension
        done = sorted((_indices(bits), flat.mobius) for bits, flat in level.items())
        flats.append(tuple(Flat(contained, codimension, sign * mu) for contained, mu in done))
    return IntersectionLattice(rows, dim, tuple(flats), "" if domain is None else repr(domain))


def _open_halfspaces(domain: Domain) -> list[list[int]]:
    """The half-spaces of the domain's interior; rows 0 >= -c, which hold everywhere, are none."""
    return [scaled_integers([row])[0][0] for row in domain.halfspaces if any(row[:-1]) or row[-1] < 0]


def _next_level(level: dict[int, _Open], dim: int, most: int) -> dict[int, _Open] | None:
    """The flats of dimension `dim` from those of one more, by the bits of the hyperplanes; None beyond `most`."""
    below: dict[int, _Open] = {}
    outside: set[int] = set()
    for bits, flat in level.items():
        for trace, cutting in flat.traces.items():
            child = bits | cutting
            if child in outside:
                continue
            if child not in below:
                made = _cut(flat, trace, dim)
                if made is None:
                    outside.add(child)
                    continue
                below[child] = made
                if len(below) > most:
                    return None
            first = child & -child
            if not bits & first:
                below[child].mobius += flat.mobius
    return below


def _cut(flat: _Open, trace: Row, dim: int) -> _Open | None:
    """The part of a flat on one of its traces; None where it misses the domain's interior."""
    pivot = pivot_of(trace)
    halfspaces = [shortened(restricted(row, trace, pivot)) for row in flat.halfspaces]
    if open_polyhedron_is_empty(halfspaces):
        return None
    traces: dict[Row, int] = {}
    if dim:
        for row, bits in flat.traces.items():
            cut = restricted(row, trace, pivot)
            if any(cut[:-1]):
                key = primitive(cut)
                traces[key] = traces.get(key, 0) | bits
    return _Open(0, traces, halfspaces)


def _indices(bits: int) -> tuple[int, ...]:
    return tuple(i for i in range(bits.bit_length()) if bits >> i & 1)
