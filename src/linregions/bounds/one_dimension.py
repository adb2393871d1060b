"""Exact maxima for one input."""

from __future__ import annotations

from ..combinatorics import product
from .architecture import Architecture
from .bound import DERIVED, UPPER, bound, require
from .grid import require_plain


@bound(
    direction=UPPER,
    definition="patterns",
    status=DERIVED,
    formula="prod (n_l + 1) if n_l >= 3 for all l < L; n + 2 for (1; 1, n); 2n + 3 for (1; 2, n)",
    reference="Serra, Tjandraatmadja, Ramalingam 2018, Theorem 5; last layers of 1 and 2 units and (1; 1, n), "
    "(1; 2, n): derived",
    conditions=("one input", "n_l >= 3 for every layer but the last, or two layers"),
    attained=lambda a: a.network is None,
)
def one_dimension(a: Architecture) -> int:
    """Maximum for one input, where it is known.

    Each region of the layers before is an interval with an affine image, which a layer cuts at most n_l times; zig-zags
    attain the product, and the last layer needs none (derived: any n_L points in the common image of all pieces do).
    Derived for two layers: on the image of the line under one unit (a point and a ray) the boundary of a second-layer
    unit is met at most once; under two units the image is a path of at most three pieces that no straight line crosses
    more than twice.  With relu(x - 1), relu(-x) and the second-layer boundaries h_1 + h_2 = 1, ..., n it is attained:
    breakpoints 0 and 1, and two for each unit.

    Args:
        a: whatever `architecture_of` reads.

    Returns:
        A `Bound` on patterns, so on every definition; attained by activation regions.

    Raises:
        ConditionError: there is more than one input; a layer before the last has fewer than three units and the network
            is not of two layers.

    Example:
        >>> from linregions import bounds
        >>> [bounds.one_dimension(s).value for s in ("1;3,3", "1;3,2", "1;2,3", "1;1,4")]
        [16, 12, 9, 6]
    """
    name = "one_dimension"
    require_plain(a, name)
    require(a.inputs == 1, f"{name}: is about 1 input, got {a.inputs} in {a}; serra_2018 takes every number of inputs")
    *before, last = a.widths
    if len(before) == 1 and before[0] < 3:
        return last + 2 if before[0] == 1 else 2 * last + 3
    for number, n in enumerate(before, start=1):
        require(
            n >= 3,
            f"{name}: with {len(a.widths)} layers hidden layer {number} needs at least 3 units, got {n}; "
            "serra_2018 takes every width",
        )
    return product([n + 1 for n in a.widths])
