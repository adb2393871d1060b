"""Drawing a network's initial weights again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..checks import shown
from ..errors import InputError
from .needs import nn, torch

Tensor = torch.Tensor

INITS = ("keep", "gaussian", "default")

_NORMS = (
    nn.modules.batchnorm._NormBase,
    nn.LayerNorm,
    nn.GroupNorm,
    *((nn.RMSNorm,) if hasattr(nn, "RMSNorm") else ()),
)
_LINEAR = (nn.Linear, nn.Bilinear, nn.modules.conv._ConvNd, nn.MultiheadAttention)
# The projections of attention have names of their own.
_WEIGHTS = ("weight", "in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")
_BIASES = ("bias", "in_proj_bias", "bias_k", "bias_v")


def redraw(
    model: nn.Module,
    init: str | Callable[[nn.Module, torch.Generator], Any] = "gaussian",
    generator: torch.Generator | None = None,
) -> None:
    """Draw the weights of a network again, in place.

    Args:
        model: the module; `unchanged` gives it its weights back.
        init: "keep" changes nothing. "gaussian": every weight of a convolution, linear layer or attention
            projection from N(0, 1) without scaling, their biases 0, normalisation layers 1 and 0, all else as it is
            (the protocol of SWAP). "default": every module's own `reset_parameters`, children first, as when it was
            built. A function `init(model, generator)` does what it likes; what it takes from torch's global generator
            is seeded from `generator` too.
        generator: where the numbers come from. They are drawn on the generator's device in float32, so that a
            model in float64 or on another device gets the same weights from the same seed ("default" draws on the
            device of the weights).

    The global random state is left alone.

    Raises:
        InputError: `init` is none of these; the model has no layer that it concerns.

    Example:
        >>> import torch
        >>> net = torch.nn.Linear(2, 1)
        >>> redraw(net, "gaussian", torch.Generator().manual_seed(0))
        >>> net.weight, net.bias
        (Parameter containing:
        tensor([[ 1.5410, -0.2934]], requires_grad=True), Parameter containing:
        tensor([0.], requires_grad=True))
    """
    if init not in INITS and not callable(init):
        raise InputError(f"init: {shown(init)} is not one of {', '.join(INITS)} and no function of (model, generator)")
    if init == "keep":
        return
    if generator is None:
        generator = torch.Generator()
        generator.seed()
    with torch.no_grad():
        if init == "gaussian":
            _gaussian(model, generator)
        else:
            with _seeded(model, generator):
                _default(model) if init == "default" else init(model, generator)  # type: ignore[operator]


def _gaussian(model: nn.Module, generator: torch.Generator) -> None:
    drawn: set[int] = set()  # tied weights are drawn once
    layers = [m for m in model.modules() if isinstance(m, (*_LINEAR, *_NORMS))]
    if not layers:
        raise InputError(
            f"init: {type(model).__name__} has no convolution, linear or normalisation layer to draw again; "
            "pass a function init(model, generator)"
        )
    for layer in layers:
        linear = isinstance(layer, _LINEAR)
        for name in _WEIGHTS:
            old = getattr(layer, name, None)
            if isinstance(old, Tensor) and id(_parameter(layer, name)) not in drawn:
                drawn.add(id(_parameter(layer, name)))
                _assign(layer, name, _normal(old, generator) if linear else torch.ones_like(old))
        for name in _BIASES:
            if isinstance(old := getattr(layer, name, None), Tensor):
                _assign(layer, name, torch.zeros_like(old))


def _normal(like: Tensor, generator: torch.Generator) -> Tensor:
    drawn = torch.randn(like.shape, generator=generator, device=generator.device, dtype=torch.float32)
    return drawn.to(device=like.device, dtype=like.dtype)


def _parameter(layer: nn.Module, name: str) -> Any:
    """The parameter behind a weight, which a parametrisation may compute from others."""
    own = layer._parameters
    return own.get(name, own.get(f"{name}_orig", own.get(f"{name}_v", getattr(layer, name))))


def _assign(layer: nn.Module, name: str, value: Tensor) -> None:
    """Give a weight its value, through weight normalisation, spectral normalisation, pruning or a parametrisation."""
    own: dict[str, Any] = layer._parameters
    if own.get(name) is not None:
        own[name].copy_(value)
    elif own.get(f"{name}_orig") is not None:
        own[f"{name}_orig"].copy_(value)
    elif own.get(f"{name}_v") is not None:
        direction, length = own[f"{name}_v"], own[f"{name}_g"]
        direction.copy_(value)
        axes = [axis for axis in range(value.dim()) if length.shape[axis : axis + 1] != value.shape[axis : axis + 1]]
        length.copy_(torch.linalg.vector_norm(value, dim=axes or None, keepdim=True).view_as(length))
    elif nn.utils.parametrize.is_parametrized(layer, name):
        try:
            setattr(layer, name, value)
        except (NotImplementedError, RuntimeError, ValueError) as error:
            raise InputError(
                f"init: the parametrisation of {name} in a {type(layer).__name__} takes no new value; "
                "pass a function init(model, generator)"
            ) from error


def _default(model: nn.Module) -> None:
    found = False
    for module in _children_first(model, set()):
        reset = getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None)
        if callable(reset):
            found = True
            reset()
    if not found:
        raise InputError(
            f"init: no module of {type(model).__name__} has a method reset_parameters; "
            "pass a function init(model, generator)"
        )


def _children_first(module: nn.Module, seen: set[int]) -> Iterator[nn.Module]:
    if id(module) not in seen:
        seen.add(id(module))
        for child in module.children():
            yield from _children_first(child, seen)
        yield module


@contextmanager
def _seeded(model: nn.Module, generator: torch.Generator) -> Iterator[None]:
    """Seed the global generators of torch from `generator`; afterwards they have their states back."""
    device = generator.device
    seed = int(torch.randint(2**62, (), generator=generator, device=device))
    used = sorted({p.device.index or 0 for p in model.parameters() if p.device.type == "cuda"})
    with torch.random.fork_rng(devices=used):
        # Not torch.manual_seed: it would seed the accelerators that are not in use as well.
        torch.default_generator.manual_seed(seed)
        for index in used:
            torch.cuda.default_generators[index].manual_seed(seed)
        yield
