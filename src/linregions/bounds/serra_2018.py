"""Serra, Tjandraatmadja, Ramalingam 2018: bounds on ReLU networks that count how dimensions are lost."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import Any

from ..combinatorics import binomials, partial_sums
from .architecture import Architecture, Layer
from .bound import LOWER, PUBLISHED, UPPER, bound
from .grid import folds_times_last

PAPER = "Serra, Tjandraatmadja, Ramalingam 2018, Bounding and Counting Linear Regions of Deep Neural Networks"


@bound(
    direction=UPPER,
    definition="patterns",
    status=PUBLISHED,
    formula="sum over J of prod_l C(n_l, j_l), 0 <= j_l <= min(n0, n_1 - j_1, ..., n_{l-1} - j_{l-1}, n_l)",
    reference=f"{PAPER}, Theorem 1; rank-aware form: Lemma 2",
    conditions=("ReLU units",),
    attained=lambda a: len(a.layers) == 1 and a.network is None,
)
def serra_2018(a: Architecture) -> int:
    """Upper bound that follows the dimension of a region's image from layer to layer.

    A layer of n units sees at most `sum_{j<=d} C(n, j)` regions with j inactive units on an image of dimension d, and
    j inactive units leave an image of dimension at most n - j.  With a network, ranks replace widths, units that are
    linear carry dimensions without splitting, and with a domain stable units do too (derived: such a unit contributes
    no hyperplane):

        R(L+1, d) = 1,   R(l, d) = sum_{j=0}^{min(d, r_l)} C(u_l, j) R(l+1, min(d, p_l + u_l - j, rank_l))

    where u_l units split, p_l are linear, and r_l, rank_l are the ranks of the splitting and of all rows.

    Args:
        a: whatever `architecture_of` reads.

    Returns:
        A `Bound` on patterns, so on every definition; attained with one layer.

    Raises:
        ConditionError: a unit is no ReLU.

    Example:
        >>> from linregions import bounds
        >>> [bounds.serra_2018(s).value for s in ("2;3,3", "2;4,4", "784;10,10,10,10")]
        [40, 121, 216643797580]
    """
    # Only dimensions up to the input's can arise; the table is filled from the last layer.
    most = largest_dimensions(a)
    integer = _integer(sum(most))
    widest = {layer.units: 0 for layer in a.layers}
    for layer, top in zip(a.layers, most, strict=True):
        widest[layer.units] = max(widest[layer.units], min(top, layer.units))
    rows = {u: _rows(u, top, integer) for u, top in widest.items()}
    table = [integer(1)] * (a.inputs + 1)
    for layer, top in zip(reversed(a.layers), reversed(most), strict=True):
        table = _before(layer, table, top, rows[layer.units])
    return int(table[min(a.inputs, len(table) - 1)])


def largest_dimensions(a: Architecture) -> list[int]:
    """The largest dimension that an image can have on entering each layer."""
    out, d = [], a.inputs
    for layer in a.layers:
        out.append(d)
        d = min(d, layer.width, layer.rank)
    return out


def _integer(states: int) -> Any:
    """The type to count with: FLINT's integers multiply long numbers faster, but their import takes 0.1 s."""
    if states < 5000:
        return int
    from flint import fmpz

    return fmpz


def serra_seconds(a: Architecture) -> float:
    """About how long `serra_2018` takes: measured per dimension, and per bit of a product's two factors."""
    taken, after = 0.0, 0.0
    for layer, top in zip(reversed(a.layers), reversed(largest_dimensions(a)), strict=True):
        d = max(1, min(top, layer.units))
        bits = layer.units if 2 * d >= layer.units else d * math.log2(math.e * layer.units / d)
        taken += top * 4e-6 + d * bits * after * 6e-13
        after += bits
    return taken


def _rows(u: int, most: int, integer: Any) -> tuple[list[Any], list[Any]]:
    """C(u, 0..most) and its partial sums."""
    row, sums = binomials(u, most), partial_sums(u, most)
    if integer is int:
        return list(row), list(sums)
    return [integer(v) for v in row], [integer(v) for v in sums]


def _before(layer: Layer, after: list[Any], top: int, rows: tuple[list[Any], list[Any]]) -> list[Any]:
    """R(l, 0..top) from R(l+1, .), in O(top) long products.

    In the sum for d, the terms with p + u - j >= d share the factor R(l+1, min(d, rank)); the others are free of d.
    """
    u, p = layer.units, layer.linear
    row, sums = rows
    highest = len(after) - 1

    def onward(d: int) -> Any:
        return after[min(d, layer.rank, highest)]

    # tail[j]: sum over j' < j of C(u, j') R(l+1, p + u - j'), needed from j = p + u - top on.
    first = max(0, p + u - top + 1)
    last = min(top, layer.split_rank, u)
    terms = [row[j] * onward(p + u - j) for j in range(first, last + 1)]
    tail = list(accumulate(terms, initial=0))
    out = []
    for d in range(top + 1):
        j_most = min(d, layer.split_rank, u)
        shared = min(j_most, p + u - d)  # up to here p + u - j >= d
        value = sums[shared] * onward(d) if shared >= 0 else 0
        start = max(shared + 1, 0)
        if start <= j_most:
            value += tail[j_most + 1 - first] - tail[start - first]
        out.append(value)
    return out


@bound(
    direction=LOWER,
    definition="activation",
    status=PUBLISHED,
    formula="prod_{l<L} (floor(n_l / n0) + 1)^n0 * sum_{j<=n0} C(n_L, j)",
    reference=f"{PAPER}, Theorem 6",
    conditions=("n_l >= 3 n0 for every layer but the last", "n_L >= n0"),
)
def serra_2018_lower(a: Architecture) -> int:
    """Lower bound by zig-zags on every axis (`constructions.zigzag_product` builds the network).

    Args:
        a: whatever `architecture_of` reads.

    Returns:
        A `Bound` on activation regions of some network with these widths.

    Raises:
        ConditionError: a layer before the last has fewer than 3 n0 units, or the last fewer than n0.

    Example:
        >>> from linregions import bounds
        >>> [bounds.serra_2018_lower(s).value for s in ("2;6,6", "3;9,9", "2;8,8")]
        [352, 8320, 925]
    """
    return folds_times_last(a, 3, lambda p: p + 1, "serra_2018_lower")
