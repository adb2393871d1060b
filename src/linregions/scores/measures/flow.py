"""Synaptic flow: how much of a unit flow through the absolute weights every weight carries, added up."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...checks import shown
from ...errors import InputError
from ..needs import torch
from .measure import (
    HIGHER,
    NORMALISATIONS,
    Inputs,
    Measure,
    UndefinedMeasureError,
    as_call,
    derivable,
    leaves,
    map_inputs,
    one_tensor,
    prepared,
    weights,
)

NORMS = ("skip", "keep")
PRECISIONS = ("float64", "model")


def synflow(
    model: Any,
    inputs: Inputs,
    *,
    norm: str = "skip",
    log: bool = False,
    precision: str = "float64",
    output: Callable[[Any], Any] | None = None,
    seed: int = 0,
    device: Any = None,
) -> Measure:
    """Synaptic flow: the sum over all weights of |w dR/dw|, where R is the output's sum with all weights made positive.

    R = sum of f(1; |theta|): the network in eval mode, every floating-point tensor of its state (weights, biases,
    statistics) replaced by its absolute value, on *one* sample of ones; synflow = sum over weights w of |w dR/dw|;
    higher is better. Weights are the entries of matrices and kernels, without biases, normalisations and embeddings.
    Of the inputs only the shapes matter. In a chain of convolutions and linear layers with ReLU and without biases, R
    is a sum over paths of products of absolute weights, and every layer carries all of it: synflow is R times the
    number of layers.

    Networks with GELU, softmax or normalisation by functional calls have the number too, but it is not this sum of
    paths.

    Args:
        model: a torch.nn.Module; it comes back as it was, bit for bit.
        inputs: a tensor or array (S, ...), a tuple of them (positional) or a dict of them (by keyword), floating point.
        norm: "skip": normalisation layers hand on what they get, as in the zero-cost proxies and because a normalised
            flow cannot grow; "keep": they work in eval mode with absolute statistics, as in the pruning method.
        log: give the natural logarithm: the same ranking, in numbers that stay small. The flow itself grows
            exponentially with depth and leaves float64 beyond 1e308, which is an error.
        precision: "float64": parameters and inputs are converted for the pass; "model": they stay what they are, which
            is needed where the model's code names a type.
        output: picks the tensor to sum, where the model returns several.
        seed: of what the model draws in its forward.
        device: where to run; None for where the model is.

    Raises:
        UndefinedMeasureError: the flow overflows, or is 0 with `log`.
        InputError: inputs are whole numbers, or the output has no derivative by the weights.

    Source: Tanaka, Kunin, Yamins, Ganguli, "Pruning neural networks without any data" (NeurIPS 2020), section 5; as a
    score of networks Abdelfattah et al. (ICLR 2021).

    Example:
        >>> import torch
        >>> net = torch.nn.Sequential(torch.nn.Linear(2, 2, bias=False), torch.nn.Linear(2, 1, bias=False))
        >>> _ = torch.nn.init.constant_(net[0].weight, -1.0), torch.nn.init.constant_(net[1].weight, 3.0)
        >>> float(synflow(net, torch.zeros(5, 2)))   # two layers, and R = [3 3] [[1 1] [1 1]] [1 1] = 12
        24.0
    """
    for value, name, allowed in ((norm, "norm", NORMS), (precision, "precision", PRECISIONS)):
        if value not in allowed:
            raise InputError(f"{name} must be {' or '.join(allowed)}, got {shown(value)}")
    with prepared(model, mode="eval", device=device, seed=seed):
        _linearise(model, precision)
        if norm == "skip":
            _pass_through(model)
        named = weights(model)
        found, called, _ = leaves(inputs, model)
        if len(found) < len(as_call(inputs)[0]) + len(as_call(inputs)[1]):
            raise InputError(
                "synflow: inputs are whole numbers, which cannot be replaced by ones; pass a model that takes "
                "floating-point inputs, such as embeddings"
            )
        args, kwargs = as_call(map_inputs(called, lambda x: torch.ones_like(x[:1] if x.ndim else x)))
        y = derivable(one_tensor(model(*args, **kwargs), output), "its weights")
        gradients = torch.autograd.grad(y.sum(), [w for _, w in named], allow_unused=True, materialize_grads=True)
        flow = math.fsum(
            float((w.detach().double() * g.double()).abs().sum()) for (_, w), g in zip(named, gradients, strict=True)
        )
    if not math.isfinite(flow):
        raise UndefinedMeasureError(
            "synflow: the flow is beyond the largest number of its type or not a number; draw smaller weights, such as "
            'init="default", or use precision="float64"'
        )
    if log and flow == 0:
        raise UndefinedMeasureError(
            "synflow: no path joins the input to the output, so the logarithm of the flow is -inf"
        )
    return Measure("synflow", math.log(flow) if log else flow, HIGHER, 1)


# `prepared` gives back what these two change: types, values, and attributes of modules.


def _linearise(model: Any, precision: str) -> None:
    """Put absolute values in place of parameters and persistent buffers."""
    positive = {id(t) for t in model.state_dict(keep_vars=True).values() if isinstance(t, torch.Tensor)}
    # Buffers outside the state, such as fixed masks, keep their sign and change only their type.
    for t in {id(t): t for t in (*model.parameters(), *model.buffers())}.values():
        if t.is_floating_point():
            new = t.data.abs() if id(t) in positive else t.data
            t.data = new.double() if precision == "float64" else new


def _pass_through(model: Any) -> None:
    """Make normalisation layers hand on what they get, without running their own forward."""
    for m in model.modules():
        if isinstance(m, NORMALISATIONS):
            m.__dict__["forward"] = _hand_on


def _hand_on(*args: Any, **kwargs: Any) -> Any:
    return next(iter((*args, *kwargs.values())))
