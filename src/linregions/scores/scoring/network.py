"""The score of a `Network`: its stages are evaluated one by one in float64, its units are those that have pieces."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ...activations import MaxGroups, PiecewiseLinear
from ...checks import shown
from ...errors import InputError
from ...network import Network
from ...stage import Stage, exact_float64, is_sparse
from ..capturing.forward import Layer, Observation
from ..needs import torch
from .collector import Collector
from .record import Score, summarise


def score_network(
    model: Network | str | Path,
    inputs: Any,
    counting: dict[str, Any],
    facts: dict[str, Any],
    *,
    max_pool: bool,
    repeats: int,
    init: Any,
    device: Any,
) -> Score:
    """The part of `swap_score` for networks and their files; the arguments are checked there.

    Theta counts the stored entries of weights and biases, as `linregions info` does: a convolution's once for every
    place that it is applied at.

    Raises:
        InputError: the file or the inputs cannot be used, or there is nothing that a network has no way to do: draw
            weights, repeat, run on a device.
    """
    start = time.perf_counter()
    _refuse(init, repeats, device)
    net = model if isinstance(model, Network) else _read(model)
    x = _samples(net, inputs)
    width = _width(net, max_pool, counting["indicator"])
    collector = Collector(len(x), **counting)
    with np.errstate(all="ignore"):  # an overflow ends in the error below
        for number, stage in enumerate(net.stages, start=1):
            z = stage.preactivation(x)
            x = stage.activate(z)
            name = stage.name or str(number)
            if np.isnan(x).any():
                raise InputError(f"model: layer {name} gives NaN; its numbers overflow, so scale the inputs")
            for observation, symbols in _observations(stage, name, z, x, counting["indicator"], width, max_pool):
                collector.visit(observation, symbols=symbols)
    if not collector.layers:
        maxima = any(isinstance(s.activation, MaxGroups) and not s.activation.is_identity for s in net.stages)
        hint = "; it has maxima, which max_pool=True takes" if maxima and not max_pool else ""
        raise InputError(f"model: {net!r} has no unit with pieces, so there are no patterns{hint}")
    doubts = []
    if facts["size"] is not None and any(_has_zeros(stage) for stage in net.stages):
        # A matrix that was a convolution has zeros; what was shared in it is not known any more.
        doubts.append(
            "the size term counts stored weights, those of a convolution once for every place; score the torch module "
            "for its own size"
        )
    return summarise(
        [collector.result()],
        samples=len(x),
        symbols=collector.symbols,
        parameters=stored_parameters(net),
        indicator=counting["indicator"],
        mode="eval",
        init="keep",
        seconds=time.perf_counter() - start,
        warnings=doubts,
        **facts,
    )


def stored_parameters(net: Network) -> int:
    """The stored entries of weights and biases."""
    return sum(int((s.weight.nnz if is_sparse(s.weight) else s.weight.size) + s.bias.size) for s in net.stages)


def _has_zeros(stage: Stage) -> bool:
    return is_sparse(stage.weight) or not bool(np.all(stage.weight))


def _refuse(init: Any, repeats: int, device: Any) -> None:
    if init != "keep":
        raise InputError(
            f"init: a Network has the weights that it has, so init must be 'keep', got {shown(init)}; "
            "give the torch module to draw weights"
        )
    if repeats > 1:
        raise InputError(f"repeats: {repeats} passes of a Network would all be the same; leave repeats out")
    if device is not None and str(device) != "cpu":
        raise InputError(f"device: a Network is evaluated on the CPU, got {shown(device)}; give the torch module")


def _read(path: str | Path) -> Network:
    from ...readers import read

    return read(path)


def _samples(net: Network, inputs: Any) -> np.ndarray:
    """The inputs (S, input_dim) in float64; images are flattened."""
    if isinstance(inputs, tuple | dict):
        raise InputError("inputs: a Network takes one array (samples, ...), not a tuple or a dict")
    if isinstance(inputs, torch.Tensor):
        inputs = inputs.detach().to("cpu", torch.float64 if inputs.is_floating_point() else None).numpy()
    x = exact_float64(inputs, "inputs")
    if x.ndim < 2 or len(x) == 0 or math.prod(x.shape[1:]) != net.input_dim:
        raise InputError(f"inputs must have shape (samples, {net.input_dim}) for {net!r}, got {x.shape}")
    if len(x) < 2:
        raise InputError("inputs hold one sample, on which a unit has one of two patterns; give 2 samples or more")
    return x.reshape(len(x), -1)


def _width(net: Network, max_pool: bool, indicator: str) -> int:
    """How many bits say what a unit shows for one sample."""
    if indicator != "piece":
        return 1 if indicator == "positive" else 2
    counted = [s.activation.pieces for s in net.stages if max_pool or not isinstance(s.activation, MaxGroups)]
    most = max((int(p.max(initial=1)) for p in counted), default=1)
    return max(1, (most - 1).bit_length())


def _observations(
    stage: Stage, name: str, z: np.ndarray, x: np.ndarray, indicator: str, width: int, max_pool: bool
) -> Iterator[tuple[Observation, int]]:
    """One observation for every function of the stage that has pieces, and how many symbols its units show."""
    act = stage.activation
    if isinstance(act, MaxGroups):
        many = act.pieces > 1
        if max_pool and many.any():
            values = stage.piece(z) if indicator == "piece" else x
            most = int(act.pieces.max()) if indicator == "piece" else 2 if indicator == "positive" else 3
            yield (
                _observation(name, "max_pool", values[:, many], _digits if indicator == "piece" else None, width),
                most,
            )
        return
    for k, function in enumerate(act.functions):
        mask = act.index == k
        if function.pieces > 1 and mask.any():
            values, piece, most = (z, function.piece, function.pieces) if indicator == "piece" else (x, None, None)
            kept = values if mask.all() else values[:, mask]
            kind = function.name or f"{function.pieces} pieces"
            yield _observation(name, kind, kept, piece, width), most or _signs(function, indicator)


def _signs(function: PiecewiseLinear, indicator: str) -> int:
    """How many signs the outputs of the function may have, for the indicator."""
    ends = [*function.breakpoints]
    low = min(float(function(np.array([t]))[0]) for t in ends)
    # Where neither end falls below the smallest value at a breakpoint, that value is the minimum.
    bounded = function.slopes[0] <= 0.0 and function.slopes[-1] >= 0.0
    return 2 if indicator == "positive" or (bounded and low >= 0.0) else 3


def _digits(indices: np.ndarray) -> np.ndarray:
    return indices


def _observation(
    name: str, kind: str, values: np.ndarray, piece: Callable[[np.ndarray], np.ndarray] | None, width: int
) -> Observation:
    """Units (S, units); `piece` gives the index to encode, None stands for the sign."""
    tensor = torch.from_numpy(np.ascontiguousarray(values))
    return Observation(Layer(name, kind), tensor, _signed(width) if piece is None else _binary(piece, width), width)


def _signed(width: int) -> Callable[[torch.Tensor], tuple[torch.Tensor, ...]]:
    return lambda v: (v > 0,) if width == 1 else (v > 0, v < 0)


def _binary(
    piece: Callable[[np.ndarray], np.ndarray], width: int
) -> Callable[[torch.Tensor], tuple[torch.Tensor, ...]]:
    def planes(values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        index = torch.from_numpy(np.asarray(piece(values.numpy())))
        return tuple((index >> bit) & 1 != 0 for bit in range(width))

    return planes
