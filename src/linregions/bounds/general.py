"""Upper bound for every kind of unit at once: scalar piecewise-linear functions and maxout, in any mixture."""

from __future__ import annotations

from ..combinatorics import elementary_symmetric, product, zaslavsky
from .architecture import Architecture
from .bound import DERIVED, UPPER, bound


@bound(
    direction=UPPER,
    definition="patterns",
    status=DERIVED,
    formula="prod_l sum_{j=0}^{d_l} e_j(k_1 - 1, ..., k_{n_l} - 1), d_l = min(n_0, ..., n_{l-1})",
    reference="one layer: Montúfar, Ren, Zhang 2022; deep: derived here; ReLU: Montúfar 2017",
    covers=("relu", "scalar", "maxout"),
    attained=lambda a: len(a.layers) == 1 and a.network is None,
)
def general(a: Architecture) -> int:
    """Upper bound for units with k_1, k_2, ... pieces: breakpoints of a scalar function, or the maps of a maxout unit.

    A scalar unit with k pieces is k - 1 parallel hyperplanes, and a max of k affine maps cuts no more than those do; a
    layer on an image of dimension d then has at most `sum_{j<=d} e_j(k_i - 1)` regions (e_j: the elementary symmetric
    polynomial).  Derived: apply this inside each region of the earlier layers, whose image has dimension at most d_l.

    Args:
        a: whatever `architecture_of` reads; with a network, ranks replace widths.

    Returns:
        A `Bound` on patterns, so on every definition; attained with one layer, by parallel families.

    Example:
        >>> from linregions import bounds
        >>> bounds.general("2;3,3", activation="maxout", rank=3).value
        361
        >>> bounds.general("1;5,5", activation="hardtanh").value
        121
    """
    factors, d = [], a.inputs
    for layer in a.layers:
        # On a space of dimension d, at most rank-many hyperplanes have independent normals.
        most = min(d, layer.split_rank, layer.units)
        if layer.kind == "relu":
            factors.append(zaslavsky(layer.units, most))
        else:
            factors.append(sum(elementary_symmetric([(k - 1, n) for k, n in layer.pieces], most)))
        d = min(d, layer.width, layer.rank)
    return product(factors)
