"""Telgarsky 2016: how often functions of one variable oscillate, as a function of layers and nodes."""

from __future__ import annotations

from fractions import Fraction

from ..checks import whole_number
from .architecture import MOST_LAYERS, MOST_UNITS

# 2^(10^7) takes a megabyte; larger powers are a mistake.
MOST_POWER = 10**4


def composed_teeth(outer: int, inner: int) -> int:
    """`2 s t`: an s-triangle after a t-triangle is a (2 s t)-triangle.

    A t-triangle on [a, b] has 2t alternating monotone pieces, from 0 to its peak and back t times.

    Args:
        outer: s.
        inner: t.

    Raises:
        InputError: a number is no positive whole number.

    Reference:
        Telgarsky 2016, Benefits of depth in neural networks, Lemma 3.8.

    Example:
        >>> composed_teeth(2, 3)
        12
    """
    return 2 * whole_number(outer, "outer") * whole_number(inner, "inner")


def repeated_teeth(teeth: int, times: int) -> int:
    """`2^(k-1) t^k`: the k-fold composition of a t-triangle is a triangle with so many teeth.

    Args:
        teeth: t.
        times: k.

    Raises:
        InputError: a number is no positive whole number.

    Reference:
        Telgarsky 2016, Benefits of depth in neural networks, Corollary 3.9.

    Example:
        >>> repeated_teeth(1, 3), repeated_teeth(2, 3)
        (4, 32)
    """
    teeth, times = whole_number(teeth, "teeth"), whole_number(times, "times", most=MOST_POWER)
    return 2 ** (times - 1) * teeth**times


def crossings(teeth: int, times: int) -> int:
    """`(2 t)^k + 1`: the crossing number of the k-fold composition of a t-triangle.

    The crossing number of f is the number of intervals on which `f >= 1/2` keeps its truth value.

    Args:
        teeth: t.
        times: k.

    Raises:
        InputError: a number is no positive whole number.

    Reference:
        Telgarsky 2016, Benefits of depth in neural networks, Corollary 3.9.

    Example:
        >>> crossings(1, 3)
        9
    """
    return 2 * repeated_teeth(teeth, times) + 1


def most_crossings(nodes: int, layers: int, *, t: int = 1, alpha: int = 1, beta: int = 1) -> Fraction:
    """`2 (2 t m alpha / l)^l beta^(l^2)`: no network of l layers and m nodes in total crosses 1/2 more often.

    Args:
        nodes: m.
        layers: l.
        t: polynomials that a gate is described with.
        alpha: degree of these polynomials.
        beta: degree of the polynomials that a gate takes as values.  The gates are (t, alpha, beta)-semialgebraic; the
            ReLU is (1, 1, 1).

    Returns:
        The exact rational number.

    Raises:
        InputError: a number is no positive whole number, or there are more layers than nodes.

    Reference:
        Telgarsky 2016, Benefits of depth in neural networks, Lemma 3.2.

    Example:
        >>> most_crossings(6, 3), most_crossings(7, 3)
        (Fraction(128, 1), Fraction(5488, 27))
    """
    nodes = whole_number(nodes, "nodes", most=MOST_UNITS * MOST_LAYERS)
    layers = whole_number(layers, "layers", most=min(nodes, MOST_POWER))
    t, alpha, beta = whole_number(t, "t"), whole_number(alpha, "alpha"), whole_number(beta, "beta")
    return 2 * Fraction(2 * t * nodes * alpha, layers) ** layers * beta ** (layers**2)
