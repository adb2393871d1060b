"""Serra, Tjandraatmadja, Ramalingam 2018: zig-zags, which are sharp in one dimension, and their products."""

from __future__ import annotations

from collections.abc import Sequence

from .construction import Construction
from .folds import checked_widths, label, stacked, zigzag

PAPER = "Serra, Tjandraatmadja, Ramalingam 2018, Bounding and Counting Linear Regions of Deep Neural Networks"


def serra_2018(inputs: int, widths: Sequence[int]) -> Construction:
    """A zig-zag of p = floor(n_l / n0) units, so p + 1 pieces, on every axis, then a layer in general position.

    Every cell of a layer's grid contains one that is mapped onto the same cube, so the numbers multiply, on the whole
    space too; units that are left over do nothing.

    Args:
        inputs: number of inputs n0.
        widths: hidden widths, each at least 3 n0, the last at least n0.

    Returns:
        A `Construction` exact on the whole space.

    Raises:
        InputError: a width is no whole number or too small; the weights would not be float64.

    Example:
        >>> from linregions import constructions
        >>> c = constructions.serra_2018(2, [6, 6])
        >>> c.regions, c.confirmed()
        (352, True)
    """
    inputs, widths = checked_widths(inputs, widths, "serra_2018", least=3)
    return stacked(
        label("serra_2018", inputs, widths),
        inputs,
        [[zigzag(n // inputs)] * inputs for n in widths[:-1]],
        (widths[-1], inputs),
        formula="prod_{l<L} (floor(n_l / n0) + 1)^n0 * sum_{j<=n0} C(n_L, j)",
        reference=f"{PAPER}, Theorem 6",
        spare=[n % inputs for n in widths[:-1]],
    )


def serra_2018_line(widths: Sequence[int]) -> Construction:
    """One input, `prod_l (n_l + 1)` regions: as many as there can be.

    Args:
        widths: hidden widths, each at least 3 but the last, which may be 1 or 2 as well.

    Returns:
        A `Construction` exact on the whole line.

    Raises:
        InputError: a width is no whole number or too small; the weights would not be float64.

    Example:
        >>> from linregions import constructions
        >>> c = constructions.serra_2018_line([3, 3, 2])
        >>> c.regions, c.confirmed()
        (48, True)
    """
    _, widths = checked_widths(1, widths, "serra_2018_line", least=3)
    return stacked(
        label("serra_2018_line", 1, widths),
        1,
        [[zigzag(n)] for n in widths[:-1]],
        (widths[-1], 1),
        formula="prod_l (n_l + 1)",
        reference=f"{PAPER}, Theorem 5",
    )
