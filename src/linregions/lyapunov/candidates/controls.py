"""Negative controls: candidates that are wrong in one place, so that a verifier can be seen to find it."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from ...activations import RELU, UnitActivations
from ...checks import plural, real_number, shown, whole_number
from ...errors import InputError
from ...network import Network
from ...stage import Stage, is_sparse
from .forms import total


def sliver(dim: int, *, at: float = 1.0, width: float = 2.0**-30, slope: float = 1.0) -> Network:
    """The 1-norm with a thin layer `at < x1 < at + width` in which it falls: everything that is wrong is in there.

    `V(x) = |x|_1 + (1 + slope) (relu(x1 - at - width) - relu(x1 - at))`, so the slope in x1 is 1, then -slope, then 1
    again.  For `x' = -x`, `Vdot = slope x1 - sum_(i>1) |x_i|` in the layer, which is positive on its part of the first
    axis, and `Vdot < 0` everywhere else.  V is positive definite.

    Args:
        dim: number of states.
        at: where the layer begins, positive.
        width: how thick it is; `at + width` must be a float64.
        slope: how steeply V falls in it, positive.

    Returns:
        A network with 2n + 2 ReLUs.

    Raises:
        InputError: a number is not positive, `at + width` is no float64, or V would not be positive.

    Example:
        >>> V = sliver(2, width=2.0**-40)
        >>> [float(v) for v in V([[1.0, 0.0], [1.0 + 2.0**-40, 0.0]])[:, 0] - 1.0]  # V falls by 2^-40
        [0.0, -9.094947017729282e-13]
    """
    dim = whole_number(dim, "dim")
    numbers = {"at": at, "width": width, "slope": slope}
    for name, value in numbers.items():
        number = real_number(value, name)
        if not (math.isfinite(number) and number > 0):
            raise InputError(f"{name} must be a positive number, got {shown(value)}")
    end, gain = at + width, 1.0 + slope
    if Fraction(end) != Fraction(at) + Fraction(width) or Fraction(gain) != 1 + Fraction(slope):
        raise InputError("width and slope: at + width and 1 + slope must be float64 numbers; use powers of two")
    if Fraction(at) <= Fraction(slope) * Fraction(width):
        raise InputError(f"slope: V must stay positive, so slope * width must be below at, got {slope} * {width}")
    eye, first = np.eye(dim), np.eye(dim)[:1]
    weight = np.concatenate([eye, -eye, first, first])
    bias = np.concatenate([np.zeros(2 * dim), [-at, -end]])
    hidden = Stage(weight, bias, UnitActivations.uniform(RELU, len(weight)), name="1")
    out = np.concatenate([np.ones(2 * dim), [-gain, gain]])
    return Network((hidden, total(out)), source=f"1-norm with a sliver of width {width:g}")


def perturbed(network: Network, by: float, *, unit: int = 0) -> Network:
    """A copy of a network in which one weight of the output layer is moved.

    The new weight is the float64 nearest to the sum.

    Args:
        network: with one output and a last layer that is an affine map.
        by: what is added.
        unit: which weight of the last layer.

    Returns:
        A network of the same shape.

    Raises:
        InputError: the network has more outputs, or no such unit.

    Example:
        >>> from linregions.lyapunov.candidates import one_norm
        >>> float(perturbed(one_norm(2), -0.25)([2.0, 1.0])[0])
        2.5
    """
    stage = _last(network)
    unit = whole_number(unit, "unit", least=0)
    if unit >= stage.inputs:
        raise InputError(f"unit must be below {stage.inputs}, the width of the last hidden layer, got {unit}")
    weight = np.array(stage.weight.toarray() if is_sparse(stage.weight) else stage.weight)
    weight[0, unit] += real_number(by, "by")
    return _with_last(network, replace(stage, weight=weight), f"output weight {unit} moved by {by:g}")


def raised(network: Network, by: float) -> Network:
    """A copy of a network with a constant added to its output (to the nearest float64), so that V(0) is not 0.

    Args:
        network: with one output and a last layer that is an affine map.
        by: what is added.

    Returns:
        A network of the same shape.

    Raises:
        InputError: the network has more outputs.

    Example:
        >>> from linregions.lyapunov.candidates import one_norm
        >>> float(raised(one_norm(2), 0.5)([0.0, 0.0])[0])
        0.5
    """
    stage = _last(network)
    return _with_last(network, replace(stage, bias=stage.bias + real_number(by, "by")), f"raised by {by:g}")


def _last(network: Any) -> Stage:
    if not isinstance(network, Network):
        raise InputError(f"network must be a Network, got {shown(network)}")
    stage = network.stages[-1]
    if network.output_dim != 1 or stage.rows != 1:
        raise InputError(f"network must have one output, got {plural(network.output_dim, 'output')}")
    return stage


def _with_last(network: Network, stage: Stage, what: str) -> Network:
    return Network((*network.stages[:-1], stage), source=f"{network.source}, {what}")
