"""Montúfar, Pascanu, Cho, Bengio 2014: every axis folded by its own units."""

from __future__ import annotations

from collections.abc import Sequence

from .construction import Construction
from .folds import checked_widths, interleaved, label, stacked

FORMULA = "prod_{l<L} floor(n_l / n0)^n0 * sum_{j<=n0} C(n_L, j)"
PAPER = "Montúfar, Pascanu, Cho, Bengio 2014, On the Number of Linear Regions of Deep Neural Networks"


def montufar_2014(inputs: int, widths: Sequence[int]) -> Construction:
    """The folding network: p = floor(n_l / n0) units fold each axis p times, the last layer is in general position.

        fold(x) = relu(x) - 2 relu(x - 1) + 2 relu(x - 2) - ...   maps (0, p) onto (0, 1), p times

    Each of the p^n0 cells of a layer's grid is mapped onto the same cube, so the numbers multiply; units that are left
    over do nothing.

    Args:
        inputs: number of inputs n0.
        widths: hidden widths, each at least n0.

    Returns:
        A `Construction` exact on the box (0, p)^n0 with the p of the first layer (with one layer: on the whole space);
        on the whole space the number may be larger and depends on the last layer.

    Raises:
        InputError: a width is no whole number or smaller than n0; the weights would not be float64.

    Example:
        >>> from linregions import constructions
        >>> c = constructions.montufar_2014(2, [6, 6])
        >>> c.regions, c.domain, c.confirmed()
        (198, box [0, 3]^2, True)
    """
    inputs, widths = checked_widths(inputs, widths, "montufar_2014", least=1)
    return stacked(
        label("montufar_2014", inputs, widths),
        inputs,
        [[interleaved(n // inputs)] * inputs for n in widths[:-1]],
        (widths[-1], inputs),
        formula=FORMULA,
        reference=PAPER,
        spare=[n % inputs for n in widths[:-1]],
    )
