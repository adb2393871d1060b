"""Lower bound by zig-zags on as many axes as pay, for all widths: what `constructions.zigzag_product` builds."""

from __future__ import annotations

import math

from ..combinatorics import product, zaslavsky
from ..folding import best_axes, pieces_of
from .architecture import Architecture
from .bound import DERIVED, LOWER, bound, require


@bound(
    direction=LOWER,
    definition="activation",
    status=DERIVED,
    formula="max over n0 >= d_1 >= ... >= d_L of prod_{l<L} prod_a g(p_la) * sum_{j<=d_L} C(n_L, j), sum_a p_la = n_l",
    reference="Montúfar et al. 2014 and Serra et al. 2018, Theorems 5 and 6, with uneven units per axis",
    conditions=("ReLU units",),
)
def zigzag_product(a: Architecture) -> int:
    """Lower bound for all widths: layer l folds d_l axes, the last layer is in general position on those that are left.

    p units fold an axis g(p) times onto a common interval: g(1) = 1, g(2) = 2 (an absolute value), g(p) = p + 1 from
    p = 3 on (the zig-zag of Serra et al.).  Derived: every cell of a layer's grid is mapped onto the same cube, which
    all cells of the next layer's grid, and at the end of the last arrangement, meet; so the numbers multiply.  An axis
    may be dropped after it was folded, and the units are dealt to the axes as evenly as they go, which is best because
    log g is concave.  It is never below the bounds of Montúfar et al. 2014 and Serra et al. 2018.

    Args:
        a: whatever `architecture_of` reads.

    Returns:
        A `Bound` on activation regions of some network with these widths.

    Raises:
        ConditionError: the layers are not fully connected ReLU layers.

    Example:
        >>> from linregions import bounds
        >>> [bounds.zigzag_product(s).value for s in ("2;6,6", "2;5,4", "3;2,4")]
        [352, 88, 11]
    """
    require(a.plain, f"zigzag_product: is about fully connected ReLU layers, got {a}; give the widths alone")
    axes = best_axes(a.inputs, a.widths)
    folds = [math.prod(pieces_of(n, d)) for n, d in zip(a.widths[:-1], axes[:-1], strict=True)]
    return product(folds) * zaslavsky(a.widths[-1], axes[-1])
