"""Bounds for maxout networks: a unit of rank k is the maximum of k affine maps."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from ..checks import real_number
from ..combinatorics import elementary_symmetric, product, zaslavsky
from ..errors import InputError
from .architecture import Architecture, Layer, architecture_of
from .bound import CONJECTURED, LOWER, PUBLISHED, UPPER, bound, require
from .expected import Expected

MONTUFAR_2014 = "Montúfar, Pascanu, Cho, Bengio 2014, On the Number of Linear Regions of Deep Neural Networks"
MONTUFAR_2022 = "Montúfar, Ren, Zhang 2022, Sharp Bounds for the Number of Regions of Maxout Networks"
SERRA_2018 = "Serra, Tjandraatmadja, Ramalingam 2018, Bounding and Counting Linear Regions of Deep Neural Networks"
TSERAN_2021 = "Tseran, Montúfar 2021, On the Expected Complexity of Maxout Networks"


@bound(
    direction=LOWER,
    definition="activation",
    status=PUBLISHED,
    formula="k^(L-1) k^n0",
    reference=MONTUFAR_2014,
    conditions=("maxout units of one rank k", "n_l = n0 for every layer"),
    covers=("maxout",),
)
def montufar_2014_maxout(a: Architecture) -> int:
    """Lower bound for L layers of n0 maxout units of rank k: some network has so many regions.

    Args:
        a: whatever `architecture_of` reads, with activation="maxout" and a rank.

    Returns:
        A `Bound` on activation regions of some network with these widths.

    Raises:
        ConditionError: a width is not the number of inputs, or units have different ranks.

    Example:
        >>> montufar_2014_maxout("2;2,2,2", activation="maxout", rank=3).value
        81
    """
    k = _one_rank(a, "montufar_2014_maxout")
    for number, width in enumerate(a.widths, start=1):
        require(
            width == a.inputs,
            f"montufar_2014_maxout: needs as many units in hidden layer {number} as inputs ({a.inputs}), got {width}; "
            "give layers of that width",
        )
    return k ** (len(a.layers) - 1 + a.inputs)


@bound(
    direction=UPPER,
    definition="patterns",
    status=PUBLISHED,
    formula="prod_l sum_{j=0}^{d_l} C(k (k - 1) / 2 n_l, j), d_l = min(n_0, ..., n_l)",
    reference=f"{SERRA_2018}, Theorem 8",
    conditions=("maxout units",),
    covers=("maxout",),
)
def serra_2018_maxout(a: Architecture) -> int:
    """Upper bound by the hyperplanes on which two maps of a unit agree; `general` is never larger.

    With units of different ranks, a unit of rank k has k (k - 1) / 2 of them.

    Args:
        a: whatever `architecture_of` reads, with activation="maxout" and a rank.

    Returns:
        A `Bound` on patterns, so on every definition.

    Raises:
        ConditionError: a unit is no maxout.

    Example:
        >>> [serra_2018_maxout(s, activation="maxout", rank=3).value for s in ("2;3", "2;3,3")]
        [46, 2116]
    """
    factors, d = [], a.inputs
    for layer in a.layers:
        pairs = sum(n * k * (k - 1) // 2 for k, n in layer.pieces)
        factors.append(zaslavsky(pairs, min(d, layer.units)))
        d = min(d, layer.width, layer.rank)
    return product(factors)


@bound(
    direction=UPPER,
    definition="patterns",
    status=PUBLISHED,
    formula="m < n0: prod k_i; m >= n0: a + sum_{j=1}^{n0-1} (-1)^(n0-1-j) C(m-1-j, n0-1-j) (e_j(k) - a C(m, j)), "
    "a = 2 if n0 is odd, else 0",
    reference=f"{MONTUFAR_2022}; by Weibel's formula for the vertices of Minkowski sums",
    conditions=("one hidden layer", "maxout units", "no biases"),
    covers=("maxout",),
    attained=lambda a: a.network is None,
)
def maxout_without_biases(a: Architecture) -> int:
    """The largest number of regions of one layer of maxout units without biases.

    It is no bound for units with biases: `general` is that.  The regions are the vertices of the Minkowski sum of the
    polytopes that the weights of the units span; k = 2 gives a central arrangement.

    Args:
        a: whatever `architecture_of` reads, with activation="maxout" and a rank; or a network without biases.

    Returns:
        A `Bound` on patterns, so on every definition.

    Raises:
        ConditionError: there is more than one layer, or a network has biases.

    Example:
        >>> [maxout_without_biases(s, activation="maxout", rank=3).value for s in ("2;3", "3;3", "3;4")]
        [9, 20, 36]
    """
    layer = _one_layer(a, "maxout_without_biases")
    if a.network is not None:
        biased = any(np.any(stage.bias) for stage in a.network.stages[:1])
        require(not biased, "maxout_without_biases: the network has biases; ask bounds.general instead")
    n, m = a.inputs, layer.units
    if m < n:
        return product([k**count for k, count in layer.pieces])
    alpha = 2 if n % 2 else 0
    e = elementary_symmetric(layer.pieces, n - 1)
    terms = [
        (-1) ** (n - 1 - j) * math.comb(m - 1 - j, n - 1 - j) * (e[j] - alpha * math.comb(m, j)) for j in range(1, n)
    ]
    return alpha + sum(terms)


@bound(
    direction=LOWER,
    definition="activation",
    status=CONJECTURED,
    formula="k^min(n, n0)",
    reference=MONTUFAR_2014,
    conditions=("one hidden layer", "maxout units of one rank k"),
    covers=("maxout",),
)
def maxout_layer_lower(a: Architecture) -> int:
    """Lower end of the one-layer range of Montúfar et al. 2014; its statement was not verified.

    Args:
        a: whatever `architecture_of` reads, with activation="maxout" and a rank.

    Raises:
        ConditionError: there is more than one layer, or units have different ranks.

    Example:
        >>> maxout_layer_lower("2;3", activation="maxout", rank=3).value
        9
    """
    layer = _one_layer(a, "maxout_layer_lower")
    return _one_rank(a, "maxout_layer_lower") ** min(layer.units, a.inputs)


@bound(
    direction=UPPER,
    definition="patterns",
    status=CONJECTURED,
    formula="min(sum_{j<=n0} C(k^2 n, j), k^n)",
    reference=MONTUFAR_2014,
    conditions=("one hidden layer", "maxout units of one rank k"),
    covers=("maxout",),
)
def maxout_layer_upper(a: Architecture) -> int:
    """Upper end of the one-layer range of Montúfar et al. 2014; its statement was not verified.

    Args:
        a: whatever `architecture_of` reads, with activation="maxout" and a rank.

    Raises:
        ConditionError: there is more than one layer, or units have different ranks.

    Example:
        >>> maxout_layer_upper("2;3", activation="maxout", rank=3).value
        27
    """
    layer, k = _one_layer(a, "maxout_layer_upper"), _one_rank(a, "maxout_layer_upper")
    return min(zaslavsky(k * k * layer.units, a.inputs), k**layer.units)


def tseran_montufar_2021(architecture: Any, *, rank: int, volume: float, c_bias: float, c_grad: float) -> Expected:
    """Expected number of regions of a random maxout network in a set of a given volume; conjectured.

        (2^5 c_b c_g k N)^n0 C(k n0, 2 n0) vol / n0!

    The form is that of the authors' code; its conditions were not verified.

    Args:
        architecture: widths, as `architecture_of` reads them.
        rank: k, of how many affine maps a unit is the maximum.
        volume: of the set, in the units of the inputs to the power n0.
        c_bias: bound on the density of the biases.
        c_grad: bound on the gradients of the units.

    Returns:
        An `Expected` with status "conjectured".

    Raises:
        InputError: a number is not positive; the architecture cannot be read.

    Example:
        >>> print(tseran_montufar_2021("2;8,8,4", rank=2, volume=36, c_bias=1.9095, c_grad=1))
        tseran_montufar_2021: E[activation regions] <= 1.075e+08 (conjectured, proves nothing)
    """
    a = architecture_of(architecture, activation="maxout", rank=rank)
    c, vol = _constants(volume, c_bias, c_grad)
    n0 = a.inputs
    value = (32 * c * rank * a.units) ** n0 * math.comb(rank * n0, 2 * n0) * vol / math.factorial(n0)
    return _expected(
        "tseran_montufar_2021", value, "activation regions", "(2^5 c_b c_g k N)^n0 C(k n0, 2 n0) vol / n0!"
    )


def tseran_montufar_2021_boundary(
    architecture: Any, *, rank: int, volume: float, c_bias: float, c_grad: float
) -> Expected:
    """Expected number of pieces of the decision boundary of a random maxout network; conjectured.

        (2^4 c_b c_g)^n0 (2 k N)^(n0-1) C(k (n0-1), 2 (n0-1)) vol / (n0-1)!

    The form is that of the authors' code; its conditions were not verified.  Arguments as `tseran_montufar_2021`.

    Example:
        >>> boundary = tseran_montufar_2021_boundary("2;20", rank=2, volume=36, c_bias=1.9095, c_grad=1)
        >>> round(tseran_montufar_2021("2;20", rank=2, volume=36, c_bias=1.9095, c_grad=1).value / boundary.value, 6)
        40.0
    """
    a = architecture_of(architecture, activation="maxout", rank=rank)
    c, vol = _constants(volume, c_bias, c_grad)
    n = a.inputs - 1
    value = (16 * c) ** (n + 1) * (2 * rank * a.units) ** n * math.comb(rank * n, 2 * n) * vol / math.factorial(n)
    return _expected(
        "tseran_montufar_2021_boundary",
        value,
        "pieces of the decision boundary",
        "(2^4 c_b c_g)^n0 (2 k N)^(n0-1) C(k (n0-1), 2 (n0-1)) vol / (n0-1)!",
    )


def _constants(volume: Any, c_bias: Any, c_grad: Any) -> tuple[Fraction, Fraction]:
    """The product of the constants, and the volume."""
    named = {"volume": volume, "c_bias": c_bias, "c_grad": c_grad}
    numbers = {name: real_number(value, name) for name, value in named.items()}
    for name, number in numbers.items():
        if not 0 < number < math.inf:
            raise InputError(f"{name} must be a positive number, got {number}")
    return Fraction(numbers["c_bias"]) * Fraction(numbers["c_grad"]), Fraction(numbers["volume"])


def _expected(name: str, value: Fraction, quantity: str, formula: str) -> Expected:
    try:
        number: float | int = float(value)
    except OverflowError:
        number = math.ceil(value)
    return Expected(
        name=name,
        value=number,
        quantity=quantity,
        relation="<=",
        definition="activation",
        status=CONJECTURED,
        formula=formula,
        reference=TSERAN_2021,
        assumptions=(
            "weights and biases random and independent, the biases with a density",
            "c_bias bounds the density of the biases",
            "c_grad bounds the gradients of the units",
        ),
        conditions=("maxout units of one rank k",),
    )


def _one_layer(a: Architecture, name: str) -> Layer:
    require(
        len(a.layers) == 1 and a.layers[0].kind == "maxout" and not a.layers[0].linear,
        f"{name}: is about one hidden layer of maxout units, got {a}; ask bounds.general for others",
    )
    return a.layers[0]


def _one_rank(a: Architecture, name: str) -> int:
    ranks = {k for layer in a.layers for k, _ in layer.pieces}
    plain = all(layer.units and layer.kind == "maxout" and not layer.linear for layer in a.layers)
    require(
        plain and len(ranks) == 1,
        f"{name}: is about maxout units that all have one rank, got {a} with ranks {sorted(ranks)}; "
        "give widths with activation='maxout' and a rank",
    )
    return ranks.pop()
