"""Arora, Basu, Mianjy, Mukherjee 2018: the cones of a zonotope, each cut by a deep net; functions R -> R."""

from __future__ import annotations

from ..checks import whole_number
from ..combinatorics import central
from ..errors import InputError
from .architecture import MOST_LAYERS, MOST_UNITS, Architecture
from .bound import CONJECTURED, DERIVED, LOWER, bound, require
from .grid import require_plain
from .serra_2018 import PAPER as SERRA

PAPER = "Arora, Basu, Mianjy, Mukherjee 2018, Understanding Deep Neural Networks with Rectified Linear Units"


@bound(
    direction=LOWER,
    definition="activation",
    status=CONJECTURED,
    formula="2 sum_{j<n0} C(m-1, j) * w^(L-1), widths 2m, w, ..., w",
    reference=f"{PAPER}, Theorem 2.11, in the form that Serra et al. 2018 quote",
    conditions=("first width even", "all other widths equal"),
)
def arora_2018(a: Architecture) -> int:
    """Lower bound from a zonotope of m generators, cut w^(L-1) times in every cone.

    It is also quoted without the factor 2, so it stands as conjectured; `serra_2018_zonotope` says more and is proven.

    Args:
        a: whatever `architecture_of` reads.

    Returns:
        A `Bound` with status "conjectured".

    Raises:
        ConditionError: the widths are not 2m, w, ..., w.

    Example:
        >>> from linregions import bounds
        >>> [bounds.arora_2018(s).value for s in ("2;8,3,3", "3;10,4,4")]
        [72, 352]
    """
    m, w = _generators(a, "arora_2018")
    return central(m, a.inputs) * w ** (len(a.layers) - 1)


@bound(
    direction=LOWER,
    definition="activation",
    status=DERIVED,
    formula="2 sum_{j<n0} C(m-1, j) * (w + 1)^(L-1), widths 2m, w, ..., w",
    reference=f"{SERRA}, Theorem 7",
    conditions=("first width even", "all other widths equal", "w >= 3 with three layers or more"),
)
def serra_2018_zonotope(a: Architecture) -> int:
    """Lower bound from a zonotope of m generators, cut (w + 1)^(L-1) times in every cone.

    Derived, too: relu(g_i . x) and relu(-g_i . x) for m vectors in general position cut R^n0 into the
    2 sum_{j<n0} C(m-1, j) cones of a central arrangement, and on each the sum of all of them is linear and takes every
    positive value.  The other layers see that number alone; zig-zags fold (0, 1) w + 1 times in each layer, and the
    last layer has w points.  A zig-zag needs three units: the theorem is stated for w >= 2, but for w = 2 this argument
    holds with up to two layers only.

    Args:
        a: whatever `architecture_of` reads.

    Returns:
        A `Bound` on activation regions of some network with these widths.

    Raises:
        ConditionError: the widths are not 2m, w, ..., w, or w < 3 with three layers or more.

    Example:
        >>> from linregions import bounds
        >>> [bounds.serra_2018_zonotope(s).value for s in ("2;8,3,3", "3;10,4,4")]
        [128, 550]
    """
    name = "serra_2018_zonotope"
    m, w = _generators(a, name)
    layers = len(a.layers)
    require(
        layers < 3 or w >= 3,
        f"{name}: with {layers} hidden layers those after the first need at least 3 units, got {w}; "
        "zigzag_product takes every width",
    )
    return central(m, a.inputs) * (w + 1) ** (layers - 1)


def _generators(a: Architecture, name: str) -> tuple[int, int]:
    """M and w of the widths 2m, w, ..., w; w is 1 with one layer."""
    require_plain(a, name)
    first, *others = a.widths
    fits = first % 2 == 0 and len(set(others)) <= 1
    require(fits, f"{name}: needs widths 2m, w, ..., w, got {a}; zigzag_product takes every width")
    return first // 2, others[0] if others else 1


def sawtooth_pieces(width: int, layers: int) -> int:
    """`w^k`: the pieces of a family of functions R -> R that k hidden layers of w units represent.

    Args:
        width: w, at least 2.
        layers: k, the number of hidden layers.

    Returns:
        The number of pieces.  More are possible: `one_dimension` gives the maximum, (w + 1)^k from w = 3 on.

    Raises:
        InputError: a number is no whole number or too small.

    Reference:
        Arora, Basu, Mianjy, Mukherjee 2018, Understanding Deep Neural Networks with Rectified Linear Units.

    Example:
        >>> sawtooth_pieces(4, 3)
        64
    """
    width, layers = _width(width), whole_number(layers, "layers", most=MOST_LAYERS)
    return width**layers


def units_needed(width: int, layers: int, *, shallower: int) -> int:
    """`ceil(k' w^(k/k') / 2)`: units that k' <= k hidden layers need for the w^k pieces of `sawtooth_pieces(w, k)`.

    Derived, too: k' layers have at most prod (n_l + 1) pieces, so by the means of the factors
    N >= k' (w^(k/k') - 1), which is no less because w^(k/k') >= 2.

    Args:
        width: w, at least 2.
        layers: k.
        shallower: k', the number of hidden layers of the other network, at most k.

    Returns:
        A number of units that no such network can have less of; computed in integers.

    Raises:
        InputError: a number is no whole number or out of range.

    Reference:
        Arora, Basu, Mianjy, Mukherjee 2018, Understanding Deep Neural Networks with Rectified Linear Units.

    Example:
        >>> units_needed(4, 3, shallower=1), units_needed(4, 3, shallower=2)
        (32, 8)
    """
    width, layers = _width(width), whole_number(layers, "layers", most=MOST_LAYERS)
    shallower = whole_number(shallower, "shallower", most=layers)
    # The least x with x >= k' w^(k/k') is the least with x^k' >= k'^k' w^k; then 2 N >= x.
    twice = _root_up(shallower**shallower * width**layers, shallower)
    return -(-twice // 2)


def depth_enough(inputs: int) -> int:
    """`ceil(log2(n + 1))`: hidden layers with which ReLU networks represent every piecewise-linear R^n -> R.

    Args:
        inputs: n.

    Raises:
        InputError: `inputs` is no positive whole number.

    Reference:
        Arora, Basu, Mianjy, Mukherjee 2018, Understanding Deep Neural Networks with Rectified Linear Units: depth
        ceil(log2(n + 1)) + 1 with the output layer.

    Example:
        >>> [depth_enough(n) for n in (1, 2, 3, 4, 784)]
        [1, 2, 2, 3, 10]
    """
    return whole_number(inputs, "inputs").bit_length()


def _width(width: int) -> int:
    width = whole_number(width, "width", most=MOST_UNITS)
    if width < 2:
        raise InputError(f"width must be a whole number of 2 or more, got {width}; one unit a layer makes no sawtooth")
    return width


def _root_up(value: int, degree: int) -> int:
    """The least x with x^degree >= value."""
    low, high = 0, 1 << -(-value.bit_length() // degree)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if middle**degree >= value else (middle, high)
    return high
