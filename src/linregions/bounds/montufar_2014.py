"""Montúfar, Pascanu, Cho, Bengio 2014: lower bound by folding every axis."""

from __future__ import annotations

from .architecture import Architecture
from .bound import LOWER, PUBLISHED, bound
from .grid import folds_times_last


@bound(
    direction=LOWER,
    definition="activation",
    status=PUBLISHED,
    formula="prod_{l<L} floor(n_l / n0)^n0 * sum_{j<=n0} C(n_L, j)",
    reference="Montúfar, Pascanu, Cho, Bengio 2014, On the Number of Linear Regions of Deep Neural Networks",
    conditions=("n_l >= n0 for every layer",),
)
def montufar_2014(a: Architecture) -> int:
    """Lower bound: p = floor(n_l / n0) units fold an axis p times, so layer l folds space p^n0 times.

    Args:
        a: whatever `architecture_of` reads.

    Returns:
        A `Bound` on activation regions of some network with these widths.

    Raises:
        ConditionError: a layer has fewer units than there are inputs.

    Example:
        >>> from linregions import bounds
        >>> [bounds.montufar_2014(s).value for s in ("2;4,4", "2;6,6", "4;8,8,8")]
        [44, 198, 41728]
    """
    return folds_times_last(a, 1, lambda p: p, "montufar_2014")
