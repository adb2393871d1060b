"""Chains of linear layers and ReLUs, read without exporting a graph: a first export costs seconds of imports."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..activations import IDENTITY, RELU, UnitActivations
from ..errors import InputError
from ..network import Network
from ..stage import Stage

_HOOKS = ("_forward_hooks", "_forward_pre_hooks")


def refuse_lazy(module: Any, source: str = "model", *, named: Iterable[tuple[str, Any]] | None = None) -> None:
    """Refuse a module that has parameters or buffers without a shape, as those of `nn.LazyLinear` before its first use.

    Args:
        module: a torch module.
        source: what a message calls it.
        named: its parts with their paths, where they are known already.

    Raises:
        InputError: a layer has no weights yet; it is named.
    """
    for path, part in module.named_modules() if named is None else named:
        for name, tensor in [*part._parameters.items(), *part._buffers.items()]:
            # By name: torch need not be imported to ask.
            if any(kind.__name__ == "UninitializedTensorMixin" for kind in type(tensor).__mro__):
                raise InputError(
                    f"{source}: {name} of layer {path or '(model)'} ({type(part).__name__}) has no shape yet; run the "
                    "model once on the inputs first"
                )


def plain_layers(module: Any, shape: tuple[int, ...]) -> list[tuple[Any, bool]] | None:
    """The linear layers of a chain and whether a ReLU follows each; None where the module is anything else.

    A chain is an `nn.Sequential`, maybe of such, of `nn.Linear`, `nn.ReLU`, `nn.Flatten`, `nn.Identity` and
    `nn.Dropout`, these very classes, without hooks and with nothing of their own: what a subclass, a parametrisation
    or a replaced `forward` does only a graph can tell.

    Example:
        >>> from torch import nn
        >>> [follows for _, follows in plain_layers(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)), (2,))]
        [True, False]
        >>> plain_layers(nn.Sequential(nn.Linear(2, 3), nn.Tanh()), (2,)) is None
        True
    """
    nn: Any = sys.modules["torch"].nn
    layers = _flat(module, nn)
    if layers is None:
        return None
    width, flat = math.prod(shape), len(shape) == 1
    found: list[tuple[Any, bool]] = []
    for layer in layers:
        kind = type(layer)
        if kind is nn.Flatten and layer.start_dim == 1 and layer.end_dim == -1:
            flat = True
        elif kind is nn.Linear and flat and layer.in_features == width:
            found.append((layer, False))
            width = layer.out_features
        elif kind is nn.ReLU and found and not found[-1][1]:
            found[-1] = found[-1][0], True
        elif kind not in (nn.Identity, nn.Dropout):
            return None
    return found or None


def plain_network(layers: list[tuple[Any, bool]], source: str) -> Network | None:
    """The network of a chain with the weights of now; None where a weight is not finite or of no real float type."""
    stages = []
    for layer, follows in layers:
        tensors = [layer.weight, *([] if layer.bias is None else [layer.bias])]
        if not all(t.is_floating_point() and t.is_cpu for t in tensors):
            return None
        arrays = [t.detach().double().numpy() for t in tensors]
        if not all(np.isfinite(a).all() for a in arrays):
            return None  # the reader of graphs says which
        bias = arrays[1] if len(arrays) > 1 else np.zeros(len(arrays[0]))
        activation = UnitActivations.uniform(RELU if follows else IDENTITY, len(bias))
        stages.append(Stage(arrays[0].copy(), bias.copy(), activation, name=f"{len(stages)}"))
    return Network(tuple(stages), source)


def _flat(module: Any, nn: Any) -> list[Any] | None:
    """The layers of nested sequences in their order; None where something is no plain layer."""
    if any(getattr(module, name, None) for name in _HOOKS) or "forward" in vars(module):
        return None
    if type(module) is not nn.Sequential:
        return [module] if not module._modules else None
    out: list[Any] = []
    for child in module._modules.values():
        inner = _flat(child, nn)
        if inner is None:
            return None
        out += inner
    return out
