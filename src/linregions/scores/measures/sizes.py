"""The sizes that a score must be compared with: parameters, FLOPs, depth, units.

Sizes rank networks nearly as well as most scores of untrained networks do, so a score is worth what it adds to them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ...checks import shown
from ...errors import InputError
from ...readers.torch_plain import refuse_lazy
from ..needs import nn
from ..walk import Named, named_modules
from .measure import Inputs, leaves, prepared
from .products import trace


@dataclass(frozen=True)
class Sizes:
    """The sizes of a network on a batch of inputs; see the functions of the same names.

    Attributes:
        parameters: numbers that training could change.
        flops: per sample, two for every multiply-add.
        depth: products on the longest path.
        units: activations recorded per sample.
    """

    parameters: int
    flops: float
    depth: int
    units: int

    def __str__(self) -> str:
        size = f"{self.parameters:,} parameters, {self.flops:,.0f} FLOPs a sample"
        return f"{size}, depth {self.depth}, {self.units:,} units"

    def as_dict(self) -> dict[str, Any]:
        """The attributes as plain Python values."""
        return asdict(self)


def parameters(model: Any, *, trainable_only: bool = False, skip_auxiliary: bool = False) -> int:
    """How many parameters a model has; a parameter that several modules share counts once.

    Args:
        model: a torch.nn.Module.
        trainable_only: leave out frozen parameters (`requires_grad` false).
        skip_auxiliary: leave out parameters whose name contains "auxiliary", as the published regularisation of
            SWAP does for the extra classifier of DARTS networks (Peng et al., ICLR 2024).

    Returns:
        The number of entries of the parameters. Buffers, such as running statistics, are none.

    Raises:
        InputError: `model` is no module, or a lazy parameter has no shape yet.

    Example:
        >>> from torch import nn
        >>> parameters(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)))
        23
    """
    if not isinstance(model, nn.Module):
        raise InputError(f"model must be a torch.nn.Module, got {shown(model)}")
    named = named_modules(model)
    refuse_lazy(model, named=named)
    return count_parameters(named, trainable_only=trainable_only, skip_auxiliary=skip_auxiliary)


def count_parameters(named: Named, *, trainable_only: bool = False, skip_auxiliary: bool = False) -> int:
    """`parameters` of a model whose modules are known."""
    counted: dict[int, int] = {}
    for path, module in named:
        for name, p in module._parameters.items():
            if p is None or id(p) in counted:
                continue
            left_out = (trainable_only and not p.requires_grad) or (skip_auxiliary and "auxiliary" in f"{path}.{name}")
            counted[id(p)] = 0 if left_out else p.numel()
    return sum(counted.values())


def flops(model: Any, inputs: Inputs, *, device: Any = None) -> float:
    """Floating-point operations of one forward pass, per sample: two for every multiply-add.

    FLOPs = (2 / S) x the multiply-adds of all convolutions and matrix products over a batch of S samples.

    Counted are convolutions (transposed and grouped ones too), linear and bilinear layers, matrix and matrix-vector
    products, the two products of attention (as if no mask were there), and recurrent layers step by step.
    Not counted are biases, activations, normalisations, poolings, Fourier transforms and other elementwise work, nor
    what happens inside an operation of your own that torch knows nothing about.
    A product of weights alone, which no sample takes part in, is done once a pass and shared by the S samples.

    Args:
        model: a torch.nn.Module; it is run once in eval mode and comes back as it was.
        inputs: a tensor or array (S, ...), a tuple of them (positional) or a dict of them (by keyword).
        device: where to run; None for where the model is.

    Raises:
        InputError: the inputs hold no samples, or an operation's multiplications are not known.

    Example:
        >>> import torch
        >>> flops(torch.nn.Linear(4, 3), torch.zeros(8, 4))
        24.0
    """
    done = trace(model, inputs, device=device)
    return done.flops / done.samples


def depth(model: Any, inputs: Inputs, *, device: Any = None) -> int:
    """The number of convolutions and matrix products on the longest path through a model.

    The path runs from an input or a parameter to an output, along the graph of derivatives that torch records in one
    forward pass; a module that is called twice in a row adds two. Self-attention adds four to the path: the
    projection of queries and keys, their product, its product with the values, and the projection of the result.
    Recurrent layers add one per time step. Nothing is added by embeddings, Fourier transforms, elementwise work,
    and products inside an `autograd.Function` of your own; paths through `detach` or `no_grad` are not seen.

    Args:
        model: a torch.nn.Module; it is run once in eval mode and comes back as it was.
        inputs: a tensor or array (S, ...), a tuple of them (positional) or a dict of them (by keyword).
        device: where to run; None for where the model is.

    Raises:
        InputError: the inputs hold no samples, or no output has a derivative.

    Example:
        >>> import torch
        >>> depth(torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2)), torch.zeros(8, 4))
        2
    """
    return trace(model, inputs, device=device).depth


def units(model: Any, inputs: Inputs, *, max_pool: bool = False, device: Any = None) -> int:
    """The number V of activations per sample: every channel at every position of every activation call.

    Args:
        model: a torch.nn.Module; it is run once in eval mode and comes back as it was.
        inputs: a tensor or array (S, ...), a tuple of them (positional) or a dict of them (by keyword).
        max_pool: count the outputs of max-pooling as units too.
        device: where to run; None for where the model is.

    Raises:
        InputError: the inputs hold no samples, or the model calls no activation.

    Example:
        >>> import torch
        >>> units(torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU()), torch.zeros(8, 4))
        3
    """
    from ..capturing.forward import capture

    total = 0

    def add(observation: Any) -> None:
        nonlocal total
        total += observation.values.shape[1]

    with prepared(model, mode="eval", device=device):
        capture(model, leaves(inputs, model)[1], add, max_pool=max_pool)
    return total


def network_sizes(model: Any, inputs: Inputs, *, device: Any = None) -> Sizes:
    """All sizes of a model: `parameters`, `flops`, `depth` and `units`, in two forward passes.

    Args:
        model: a torch.nn.Module; it comes back as it was.
        inputs: a tensor or array (S, ...), a tuple of them (positional) or a dict of them (by keyword).
        device: where to run; None for where the model is.

    Raises:
        InputError: as the four functions do.

    Example:
        >>> import torch
        >>> print(network_sizes(torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU()), torch.zeros(8, 4)))
        15 parameters, 24 FLOPs a sample, depth 1, 3 units
    """
    done = trace(model, inputs, device=device)
    return Sizes(parameters(model), done.flops / done.samples, done.depth, units(model, inputs, device=device))
