"""One hidden layer with as many regions as there can be (Zaslavsky 1975)."""

from __future__ import annotations

from ..checks import whole_number
from ..combinatorics import zaslavsky
from ..domain import Space
from ..network import Network
from .construction import Construction
from .folds import MOST_UNITS, different_outputs
from .general_position import exact_array, modular_hyperplanes


def shallow(inputs: int, units: int) -> Construction:
    """One hidden layer of hyperplanes in general position: `sum_{j<=n0} C(n, j)` regions, and no layer has more.

    The hyperplanes are `x_0 + t x_1 + ... + t^(n0-1) x_(n0-1) + t^n0 = 0` for t = 0, 1, ..., n - 1, with coefficients
    modulo a prime p >= n: in general position, because a polynomial of degree n0 has at most n0 zeros modulo p.  So the
    weights are small integers.

    Args:
        inputs: number of inputs n0.
        units: number of hidden units n.

    Returns:
        A `Construction` exact on the whole space.

    Raises:
        InputError: a number is no positive whole number.

    Example:
        >>> from linregions import constructions
        >>> c = constructions.shallow(2, 4)
        >>> c.regions, c.confirmed()
        (11, True)
    """
    inputs = whole_number(inputs, "shallow: inputs", most=MOST_UNITS)
    units = whole_number(units, "shallow: units", most=MOST_UNITS)
    name = f"shallow ({inputs}; {units})"
    rows = modular_hyperplanes(units, inputs)
    layer = exact_array([row[:-1] for row in rows], name), exact_array([row[-1] for row in rows], name)
    return Construction(
        name,
        Network.from_arrays([layer, different_outputs(units)], source=name),
        Space(inputs),
        zaslavsky(units, inputs),
        "sum_{j<=n0} C(n, j)",
        "Zaslavsky 1975, Facing up to Arrangements",
    )
