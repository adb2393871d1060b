"""Telgarsky 2016: the tent map iterated, 2^k pieces from a constant number of units per layer."""

from __future__ import annotations

import numpy as np

from ..checks import shown, whole_number
from ..domain import Box, Space
from ..errors import InputError
from ..network import Network
from .construction import Construction

# Regions in the unit interval are as narrow as 2^-depth, and counts beyond this help nobody.
MOST_DEPTH = 1000


def telgarsky_2016(depth: int, *, on: str = "interval", compact: bool = False) -> Construction:
    """The tent `f(z) = relu(2 relu(z) - 4 relu(z - 1/2))`, iterated: `2^k` regions on [0, 1], `2^k + 2` on the line.

    f maps [0, 1/2] and [1/2, 1] onto [0, 1] and is 0 outside [0, 1], so that two constant pieces join on the line.
    They are one affine function: there are `2^k + 1` affine regions.

    Args:
        depth: how often the tent is applied, k.
        on: "interval" counts on [0, 1], "line" on the whole line.
        compact: leave out the outer relu: hidden widths 2, 2, ..., 2 in place of 2, 1, 2, 1, ..., 2, 1.  The tent is
            then negative outside [0, 1] until the next one sets it to 0, and k = 1 has 3 regions on the line.

    Returns:
        A `Construction` exact on its domain.

    Raises:
        InputError: `depth` is no positive whole number; `on` is neither domain.

    Example:
        >>> from linregions import constructions
        >>> constructions.telgarsky_2016(5).regions, constructions.telgarsky_2016(5, on="line").count().value
        (32, 34)
    """
    depth = whole_number(depth, "telgarsky_2016: depth", most=MOST_DEPTH)
    if on not in ("interval", "line"):
        raise InputError(f"telgarsky_2016: on must be 'interval' or 'line', got {shown(on)}")
    name = f"telgarsky_2016 (depth {depth}{', compact' if compact else ''})"
    network = Network.from_arrays(_compact(depth) if compact else _with_outer_relu(depth), source=name)
    reference = "Telgarsky 2016, Benefits of Depth in Neural Networks, Lemma 3.8 and Corollary 3.9"
    if on == "interval":
        return Construction(name, network, Box([0.0], [1.0]), 2**depth, "2^k", reference)
    if compact and depth == 1:
        return Construction(name, network, Space(1), 3, "3", reference)
    return Construction(name, network, Space(1), 2**depth + 2, "2^k + 2", reference)


_SPLIT = np.array([[1.0], [1.0]]), np.array([0.0, -0.5])
_READ = np.array([[2.0, -4.0]]), np.array([0.0])


def _with_outer_relu(depth: int) -> list[tuple[np.ndarray, np.ndarray]]:
    return [*[_SPLIT, _READ] * depth, (np.ones((1, 1)), np.zeros(1))]


def _compact(depth: int) -> list[tuple[np.ndarray, np.ndarray]]:
    return [_SPLIT, *[(_SPLIT[0] @ _READ[0], _SPLIT[1])] * (depth - 1), _READ]
