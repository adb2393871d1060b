"""Upper bounds that need the widths alone: every pattern (2^N), and Montúfar 2017."""

from __future__ import annotations

from ..combinatorics import product, zaslavsky
from .architecture import Architecture
from .bound import DERIVED, PUBLISHED, UPPER, bound


@bound(
    direction=UPPER,
    definition="patterns",
    status=DERIVED,
    formula="prod over units of their number of pieces; 2^N for N ReLU units",
    reference="Montúfar, Pascanu, Cho, Bengio 2014, On the Number of Linear Regions of Deep Neural Networks",
    covers=("relu", "scalar", "maxout"),
    attained=lambda a: a.inputs >= a.units and len(a.layers) == 1 and a.network is None,
)
def trivial(a: Architecture) -> int:
    """Number of activation patterns that can be written down at all (derived: there are no others).

    Args:
        a: whatever `architecture_of` reads.

    Example:
        >>> from linregions import bounds
        >>> bounds.trivial("2;4,4").value
        256
    """
    return product([k**n for layer in a.layers for k, n in layer.pieces])


@bound(
    direction=UPPER,
    definition="patterns",
    status=PUBLISHED,
    formula="prod_l sum_{j=0}^{d_l} C(n_l, j), d_l = min(n_0, ..., n_{l-1})",
    reference="Montúfar 2017, Notes on the Number of Linear Regions of Deep Neural Networks",
    conditions=("ReLU units",),
    attained=lambda a: len(a.layers) == 1 and a.network is None,
)
def montufar_2017(a: Architecture) -> int:
    """Upper bound: every region of the earlier layers is cut like a space of the least dimension so far.

    With a network, ranks replace widths and linear units do not split.

    Args:
        a: whatever `architecture_of` reads.

    Raises:
        ConditionError: a unit is no ReLU.

    Example:
        >>> from linregions import bounds
        >>> [bounds.montufar_2017(s).value for s in ("2;3,3", "3;9,9", "784;11,11")]
        [49, 16900, 4194304]
    """
    factors, d = [], a.inputs
    for layer in a.layers:
        factors.append(zaslavsky(layer.units, min(d, layer.split_rank)))
        d = min(d, layer.width, layer.rank)
    return product(factors)
