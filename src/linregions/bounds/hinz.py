"""Hinz and van de Geer 2019: histograms of regions over the dimension of their image; Hinz 2021: a sharper one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..combinatorics import binomials, zaslavsky
from ..errors import InputError
from .architecture import Architecture, Layer, architecture_of
from .bound import CONJECTURED, UPPER, bound, require
from .grid import require_plain
from .serra_2018 import largest_dimensions

# gamma(n, m): how many regions with i active units (i = 0, ..., m) m units have at most on an image of dimension n.
Gamma = Callable[[int, int], Sequence[int]]

SECONDS = 0.05
# Measured: one entry of the histograms, and one product of an entry with a number of the layers after, to which every
# bit of that number adds.
SECONDS_PER_ENTRY = 1e-7
SECONDS_PER_PRODUCT = 2e-7
SECONDS_PER_BIT = 2e-11


def histogram_bound(architecture: Any, gamma: Gamma) -> int:
    """The bound that a family of histograms gives: `|| B_{n_L} M_{n_{L-1}, n_L} ... B_{n_1} M_{n_0, n_1} e_{n_0} ||_1`.

    A histogram v counts regions by a bound i on the dimension of their image.  `M_{n, n'}` moves the entries above n'
    to n'; column j of `B_{n'}` is `gamma(j, n')` with all entries from j on added up at j.

    Args:
        architecture: fully connected ReLU layers, as `architecture_of` reads them; their widths alone are used.
        gamma: `gamma(n, m)` gives m + 1 numbers: a histogram over the number of active units whose tail sums are no
            smaller than those of any layer of m units on n inputs, and grow with n.

    Returns:
        An upper bound on activation patterns if `gamma` is such a family.

    Raises:
        InputError: no architecture can be read; `gamma` gives another number of entries.
        ConditionError: the layers are not fully connected ReLU layers.

    Reference:
        Hinz, van de Geer 2019, A Framework for the Construction of Upper Bounds on the Number of Affine Linear Regions
        of ReLU Feed-Forward Neural Networks.

    Example:
        >>> histogram_bound("2;4,4", lambda n, m: [0] * m + [zaslavsky(m, n)])  # Montúfar 2017
        121
    """
    a = architecture_of(architecture)
    require_plain(a, "histogram_bound")
    histogram = [0] * a.inputs + [1]
    for m in a.widths:
        moved = _summed_from(histogram, m)
        histogram = [0] * (m + 1)
        for j, regions in enumerate(moved):
            if not regions:
                continue
            column = list(gamma(j, m))
            if len(column) != m + 1:
                raise InputError(f"gamma: gamma({j}, {m}) must have {m + 1} entries, one for 0 to {m} active units")
            for i, share in enumerate(_summed_from(column, j)):
                histogram[i] += regions * share
    return sum(histogram)


def _summed_from(histogram: Sequence[int], place: int) -> list[int]:
    """The entries below `place`, then the sum of all others."""
    return [*histogram[:place], sum(histogram[place:])] if place < len(histogram) else list(histogram)


def gamma_2021(n: int, m: int) -> list[int]:
    """Histogram over 0, ..., m active units of m units on n inputs that Hinz 2021 uses (conjectured to be one).

    `gamma(n, m) = shift(gamma(n, m - 1)) + gamma(n - 1, m - 1)` for 3 <= n < m, the binomial row for n >= m, and closed
    forms for n = 1, 2.

    Args:
        n: dimension of the image that the layer works on.
        m: units of the layer, at least 1.

    Example:
        >>> gamma_2021(2, 4), gamma_2021(3, 6)
        ([0, 2, 4, 4, 1], [0, 0, 7, 13, 15, 6, 1])
    """
    n = min(n, m)
    rows: list[list[int]] = []
    for k in range(1, m + 1):
        rows = _next_rows(rows, k, n, m + 1)
    row = rows[n] if m else [1]
    return row + [0] * (m + 1 - len(row))


def _next_rows(rows: list[list[int]], m: int, dims: int, entries: int) -> list[list[int]]:
    """gamma(0..dims, m), each cut to its first `entries` numbers, from gamma(0..dims, m - 1)."""
    out = []
    for n in range(min(dims, m) + 1):
        if n == m:
            row = list(binomials(m))
        elif n <= 2:
            row = _closed_form(n, m, entries)
        else:
            # gamma(n - 1, m - 1) has m entries, and gamma(n, m - 1) as many, shifted by one.
            shifted, lower = [0, *rows[n]], [*rows[n - 1], 0]
            row = [x + y for x, y in zip(shifted, lower, strict=True)]
        out.append(row[:entries])
    return out


def _closed_form(n: int, m: int, entries: int) -> list[int]:
    """gamma(n, m) for n = 0, 1, 2 and m > n."""
    if n == 0:
        value = {m: 1}
    elif n == 1:
        value = dict.fromkeys(range(m - m // 2, m), 2) | {m: 1}
        if m % 2:
            value[m // 2] = 1
    elif m % 2:
        value = dict.fromkeys(range(m - (m + 1) // 2, m), m) | {m: 1}
    else:
        value = dict.fromkeys(range(m // 2, m), m) | {m // 2 - 1: m // 2, m: 1}
    return [value.get(i, 0) for i in range(min(m + 1, entries))]


@bound(
    direction=UPPER,
    definition="patterns",
    status=CONJECTURED,
    formula="|| B_{n_L} M_{n_{L-1}, n_L} ... B_{n_1} M_{n_0, n_1} e_{n_0} ||_1 with gamma of Hinz 2021",
    reference="Hinz 2021, Using Activation Histograms to Bound the Number of Affine Regions in ReLU Feed-Forward "
    "Neural Networks; framework: Hinz, van de Geer 2019",
    conditions=("ReLU units",),
    attained=lambda a: len(a.layers) == 1 and a.network is None,
)
def hinz_2021(a: Architecture, *, anyway: bool = False) -> int:
    """Upper bound that counts, for every layer, how few units can be active in how many regions.

    `histogram_bound` with `gamma_2021`, never above `serra_2018`.  That gamma dominates every layer was checked on
    random arrangements only, so the status is "conjectured".  With a network, ranks replace widths as in `serra_2018`.

    Args:
        a: whatever `architecture_of` reads.
        anyway: compute it even where that takes long; the work grows with the cube of the smallest width before.

    Returns:
        A `Bound` with status "conjectured".

    Raises:
        ConditionError: a unit is no ReLU; it would take longer than 0.05 s and `anyway` is not given.

    Example:
        >>> from linregions import bounds
        >>> [bounds.hinz_2021(s).value for s in ("2;4,4", "2;4,4,4", "4;8,8,8")]
        [109, 1031, 3596223]
    """
    taken = hinz_seconds(a)
    require(
        anyway or taken <= SECONDS,
        f"hinz_2021: would take about {taken:.2g} s for {a}; bounds.hinz_2021(..., anyway=True) computes it",
    )
    if not a.layers:
        return 1
    low = _low_entries(a)
    # From the last layer on, but only for the dimensions that can be reached from the input's.
    reached = [{a.inputs}]
    for layer in a.layers[:-1]:
        reached.append({e for d in reached[-1] for e in _onward(layer, d, low)})
    after: dict[int, int] = {}
    for number, (layer, dims) in enumerate(zip(reversed(a.layers), reversed(reached), strict=True)):
        after = {d: _before(layer, d, low, after if number else None) for d in dims}
    return after[a.inputs]


# Histogram entries gamma(n, m)[i] by m and n, without those that are known to be zero.
Low = dict[int, list[list[int]]]


def _below(layer: Layer, d: int, low: Low) -> list[int]:
    """The histogram of this layer on dimension d, up to where more active units give no larger image.

    `i` active and p linear units leave an image of dimension at most `min(i + p, d, rank)`, so only entries below
    `min(d, rank) - p` are told apart.
    """
    rows = low.get(layer.units)
    if rows is None:
        return []
    n = min(d, layer.split_rank, layer.units)
    return rows[n][: max(0, min(d, layer.rank) - layer.linear)]


def _onward(layer: Layer, d: int, low: Low) -> set[int]:
    """The dimensions that images of dimension d can have after this layer."""
    return {i + layer.linear for i, regions in enumerate(_below(layer, d, low)) if regions} | {min(d, layer.rank)}


def _before(layer: Layer, d: int, low: Low, after: dict[int, int] | None) -> int:
    """Regions of this layer and the ones after (None: there are none) on an image of dimension d."""
    every = zaslavsky(layer.units, min(d, layer.split_rank))
    if after is None:
        return every
    below = _below(layer, d, low)
    value = (every - sum(below)) * after[min(d, layer.rank)]
    return value + sum(regions * after[i + layer.linear] for i, regions in enumerate(below) if regions)


def _narrow(a: Architecture) -> tuple[set[int], int]:
    """Widths whose histograms matter, and the largest dimension at which they do.

    The first entry of gamma(n, m) that is not zero is at (m - n) / 2 or later, and entries below d >= n count: there
    are some only if m <= 3 d.
    """
    pairs = [
        (layer.units, min(d, layer.width)) for layer, d in zip(a.layers[:-1], largest_dimensions(a)[:-1], strict=True)
    ]
    matter = [(m, d) for m, d in pairs if 0 < m <= 3 * d]
    return {m for m, _ in matter}, max((d for _, d in matter), default=0)


def _low_entries(a: Architecture) -> Low:
    units, dims = _narrow(a)
    out, rows = {}, []
    for m in range(1, max(units, default=0) + 1):
        rows = _next_rows(rows, m, dims, dims)
        if m in units:
            out[m] = rows
    return out


def hinz_seconds(a: Architecture) -> float:
    """About how long `hinz_2021` takes."""
    units, dims = _narrow(a)
    taken = SECONDS_PER_ENTRY * sum(min(m, dims) ** 2 for m in range(1, max(units, default=0) + 1))
    bits = a.units
    for layer, d in zip(a.layers, largest_dimensions(a), strict=True):
        bits -= layer.units
        if layer.units in units:
            taken += min(d, layer.width) ** 2 / 2 * (SECONDS_PER_PRODUCT + SECONDS_PER_BIT * bits)
    return taken
