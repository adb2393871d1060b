"""Arora, Basu, Mianjy, Mukherjee 2018: a zonotope's cones, each cut again and again by a deep net of one variable."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ..checks import whole_number
from ..combinatorics import central
from ..domain import Space
from ..errors import InputError
from ..network import Network
from .construction import Construction
from .folds import MOST_UNITS, Layer, State, crossed, folded, rising, zigzag
from .general_position import exact_array, modular_hyperplanes

MOST_LAYERS = 10_000
CONES = "2 sum_{j<n0} C(m-1, j)"


def arora_2018(inputs: int, m: int, *, w: int, layers: int) -> Construction:
    """`2 sum_{j<n0} C(m-1, j) * w^(L-1)` regions from L layers of widths 2m, w, ..., w.

    The first layer makes `f(x) = sum_i |a_i . x|`, a_1, ..., a_m in general position: linear on each cone of a central
    arrangement, from 0 to infinity.  Every other layer folds that half-line w times, each piece onto [0, 1] and the
    last one onto the half-line again, so a cone has w^(L-1) regions.

    Args:
        inputs: number of inputs n0.
        m: number of directions a_i; the first layer has 2m units.
        w: width of the other layers, at least 2.
        layers: number of hidden layers L, at least 1.

    Returns:
        A `Construction` exact on the whole space.

    Raises:
        InputError: a number is no whole number or too small; the weights would not be float64.

    Example:
        >>> from linregions import constructions
        >>> c = constructions.arora_2018(2, 4, w=3, layers=3)
        >>> c.regions, c.confirmed()
        (72, True)
    """
    inputs, m, w, layers = _checked("arora_2018", inputs, m, w, layers)
    name = f"arora_2018 ({inputs}; {', '.join(map(str, [2 * m] + [w] * (layers - 1)))})"
    first, state = _zonotope(inputs, m, name)
    rest, state = folded(state, [[rising(w)]] * (layers - 1), name)
    output = exact_array(state.read, name), exact_array(state.shift, name)
    return Construction(
        name,
        Network.from_arrays([first, *rest, output], source=name),
        Space(inputs),
        central(m, inputs) * w ** (layers - 1),
        f"{CONES} * w^(L-1)",
        "Arora, Basu, Mianjy, Mukherjee 2018, Understanding Deep Neural Networks with Rectified Linear Units, "
        "Theorem 2.11",
    )


def serra_2018_zonotope(inputs: int, m: int, *, w: int, layers: int) -> Construction:
    """`2 sum_{j<n0} C(m-1, j) * (w+1)^(L-1)` regions from L layers of widths 2m, w, ..., w.

    As `arora_2018`, with zig-zags of w + 1 pieces on the half-line and w different points in the last layer.  A zig-zag
    needs three units: the theorem is stated for w >= 2, and w = 2 is built with two layers only.

    Args:
        inputs: number of inputs n0.
        m: number of directions a_i; the first layer has 2m units.
        w: width of the other layers: at least 3, or 2 with up to two layers.
        layers: number of hidden layers L, at least 1.

    Returns:
        A `Construction` exact on the whole space.

    Raises:
        InputError: a number is no whole number or too small; the weights would not be float64.

    Example:
        >>> from linregions import constructions
        >>> c = constructions.serra_2018_zonotope(2, 4, w=3, layers=3)
        >>> c.regions, c.confirmed()
        (128, True)
    """
    inputs, m, w, layers = _checked("serra_2018_zonotope", inputs, m, w, layers)
    if w < 3 and layers > 2:
        raise InputError(f"serra_2018_zonotope: w must be 3 or more with {layers} layers, got {w}; try arora_2018")
    name = f"serra_2018_zonotope ({inputs}; {', '.join(map(str, [2 * m] + [w] * (layers - 1)))})"
    first, state = _zonotope(inputs, m, name)
    rest: list[Layer] = []
    if layers > 1:
        rest, state = folded(state, [[zigzag(w)]] * (layers - 2), name)
        rest += crossed(state, (w, 1), name)
    else:
        rest = [(exact_array(state.read, name), np.zeros(1))]
    return Construction(
        name,
        Network.from_arrays([first, *rest], source=name),
        Space(inputs),
        central(m, inputs) * (w + 1) ** (layers - 1),
        f"{CONES} * (w + 1)^(L-1)",
        "Serra, Tjandraatmadja, Ramalingam 2018, Bounding and Counting Linear Regions of Deep Neural Networks, "
        "Theorem 7",
    )


def _checked(name: str, inputs: int, m: int, w: int, layers: int) -> tuple[int, int, int, int]:
    inputs = whole_number(inputs, f"{name}: inputs", most=MOST_UNITS)
    m = whole_number(m, f"{name}: m", most=MOST_UNITS)
    w = whole_number(w, f"{name}: w", most=MOST_UNITS)
    layers = whole_number(layers, f"{name}: layers", most=MOST_LAYERS)
    if w < 2:
        raise InputError(f"{name}: w must be 2 or more, got {w}; one unit per layer folds nothing")
    return inputs, m, w, layers


def _zonotope(inputs: int, m: int, name: str) -> tuple[Layer, State]:
    """Units relu(a_i . x), relu(-a_i . x) and the state sum_i |a_i . x|.

    The a_i are `(1, t, ..., t^(n0-1))` modulo a prime, for different t: any n0 of them are independent.
    """
    rows = [[sign * a for a in row[:-1]] for row in modular_hyperplanes(m, inputs) for sign in (1, -1)]
    read = [[Fraction(1)] * len(rows)]
    return (exact_array(rows, name), np.zeros(len(rows))), State(read, [Fraction(0)])
