"""Theorems beside the measurements: what is expected of random networks, and what no network exceeds."""

from __future__ import annotations

from ..bounds import hanin_rolnick, tseran_montufar_2021
from ..checks import whole_number

hanin_rolnick_bound = hanin_rolnick
maxout_bound = tseran_montufar_2021


def degree_bound(dim: int) -> int:
    """Upper bound 2 d on the mean number of neighbours of a region of a fully connected ReLU network on d inputs.

    A slice of dimension d is such a network of d inputs, so on a 2-D slice it is 4; there the mean is
    4 - (4 + V_b) / F in general position (`identities`), which says more.

    Raises:
        InputError: `dim` is no positive whole number.

    Source: Gaines, Bi 2026 (arXiv:2606.07728); the 2-D value follows from Euler's formula.

    Example:
        >>> degree_bound(2)
        4
    """
    return 2 * whole_number(dim, "dim")
