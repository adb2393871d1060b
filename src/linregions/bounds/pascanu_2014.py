"""Pascanu, Montúfar, Bengio 2014: the first lower bounds that grow with depth, and the shallow maximum."""

from __future__ import annotations

from ..combinatorics import zaslavsky
from .architecture import Architecture
from .bound import LOWER, PUBLISHED, UPPER, bound, require
from .grid import folds_times_last, require_plain

PAPER = (
    "Pascanu, Montúfar, Bengio 2014, On the number of response regions of deep feed forward networks with "
    "piece-wise linear activations"
)


@bound(
    direction=UPPER,
    definition="patterns",
    status=PUBLISHED,
    formula="sum_{j=0}^{n0} C(n_1, j)",
    reference=f"{PAPER}, Proposition 2; Zaslavsky 1975",
    conditions=("one hidden layer", "ReLU units"),
    attained=lambda a: a.network is None,
)
def shallow(a: Architecture) -> int:
    """Maximum of one hidden layer: the regions of n_1 hyperplanes in general position in R^n0.

    Args:
        a: whatever `architecture_of` reads.

    Returns:
        A `Bound` on patterns, attained by every arrangement in general position.

    Raises:
        ConditionError: there is more than one hidden layer; a unit is no ReLU.

    Example:
        >>> from linregions import bounds
        >>> [bounds.shallow(s).value for s in ("2;4", "3;10", "10;100")]
        [11, 176, 19415908147836]
    """
    require_plain(a, "shallow")
    layers = len(a.layers)
    require(layers == 1, f"shallow: is about one hidden layer, got {layers} in {a}; serra_2018 takes every depth")
    return zaslavsky(a.widths[0], a.inputs)


@bound(
    direction=LOWER,
    definition="activation",
    status=PUBLISHED,
    formula="prod_{l<L} floor(n_l / n0) * sum_{j<=n0} C(n_L, j)",
    reference=f"{PAPER}, Theorem 1",
    conditions=("n_l >= n0 for every layer",),
)
def pascanu_2014(a: Architecture) -> int:
    """Lower bound: floor(n_l / n0) regions of layer l are mapped onto one common target, which the rest cuts.

    Args:
        a: whatever `architecture_of` reads.

    Returns:
        A `Bound` on activation regions of some network with these widths.

    Raises:
        ConditionError: a layer has fewer units than there are inputs.

    Example:
        >>> from linregions import bounds
        >>> [bounds.pascanu_2014(s).value for s in ("2;4,4", "2;4,4,4", "3;9,9")]
        [22, 44, 390]
    """
    return folds_times_last(a, 1, lambda p: p, "pascanu_2014", power=False)


@bound(
    direction=LOWER,
    definition="activation",
    status=PUBLISHED,
    formula="2^((L-1) n0) * sum_{j<=n0} C(2 n0, j)",
    reference=f"{PAPER}, the special class n_l = 2 n0",
    conditions=("n_l = 2 n0 for every layer",),
)
def pascanu_2014_special(a: Architecture) -> int:
    """Lower bound where every layer has two units per input: pairs compute absolute values and fold every axis once.

    Args:
        a: whatever `architecture_of` reads.

    Returns:
        A `Bound` on activation regions of some network with these widths.

    Raises:
        ConditionError: a layer has not exactly 2 n0 units.

    Example:
        >>> from linregions import bounds
        >>> [bounds.pascanu_2014_special(s).value for s in ("2;4,4", "3;6,6,6")]
        [44, 2688]
    """
    name = "pascanu_2014_special"
    require_plain(a, name)
    wanted = 2 * a.inputs
    for number, n in enumerate(a.widths, start=1):
        require(
            n == wanted,
            f"{name}: hidden layer {number} needs exactly {wanted} units, two per input, got {n}; "
            "montufar_2014 takes every width of at least n0",
        )
    return folds_times_last(a, 1, lambda p: p, name)
