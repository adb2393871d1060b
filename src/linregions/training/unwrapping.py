"""The module that is measured: without its wrappers, a part of it where one is asked for."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from typing import Any

from ..checks import plural, shown
from ..errors import InputError

# Wrappers of torch that hold the module they wrap as `module`.
_PARALLEL = ("DistributedDataParallel", "DataParallel", "FullyShardedDataParallel")


def unwrapped(model: Any) -> Any:
    """The module inside DistributedDataParallel, DataParallel, and what `torch.compile` gives."""
    while True:
        if "_orig_mod" in getattr(model, "_modules", {}):
            model = model._orig_mod
        elif any(base.__name__ in _PARALLEL for base in type(model).__mro__):
            model = model.module
        else:
            return model


def part_of(model: Any, part: str | Callable[[Any], Any] | None) -> Any:
    """The module to measure: `model` without wrappers, its submodule of a dotted name, or what a function makes of it.

    Raises:
        InputError: there is no such part, or it is no module.

    Example:
        >>> import torch
        >>> model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU())
        >>> part_of(model, "0"), part_of(model, lambda m: m[:1])
        (Linear(in_features=2, out_features=3, bias=True), Sequential(
          (0): Linear(in_features=2, out_features=3, bias=True)
        ))
    """
    model = unwrapped(model)
    if not hasattr(model, "named_modules"):
        raise InputError(f"model: expected a torch nn.Module, got {shown(model)}")
    if part is None:
        return model
    if not isinstance(part, str):
        found = part(model)
        if not hasattr(found, "named_modules"):
            raise InputError(f"part: the function must give a torch nn.Module, got {shown(found)}")
        return found
    found = model
    for name in part.split("."):
        inner = unwrapped(found)._modules.get(name)
        if inner is None:
            known = ", ".join(unwrapped(found)._modules) or "none"
            raise InputError(f"part: {shown(part)} is no submodule of {type(model).__name__}; there are {known}")
        found = inner
    return unwrapped(found)


def is_first_process() -> bool:
    """Whether this is the process of rank 0, or the only one."""
    torch: Any = sys.modules.get("torch")
    distributed = getattr(torch, "distributed", None)
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return True
    return distributed.get_rank() == 0


def architecture(module: Any) -> dict[str, str]:
    """What modules of one architecture have in common, `key`, and the words that messages use, `text`."""
    shapes = [(name, tuple(t.shape)) for name, t in module.state_dict(keep_vars=True).items() if hasattr(t, "shape")]
    layers = [(name, type(part).__name__) for name, part in module.named_modules()]
    widths = [shape for _, shape in shapes if len(shape) > 1]
    numbers = sum(t.numel() for t in module.parameters())
    words = ", ".join("x".join(map(str, shape)) for shape in widths[:4]) + (", ..." if len(widths) > 4 else "")
    text = f"{type(module).__name__} of {plural(numbers, 'parameter')} ({words or 'no matrix'})"
    return {"key": hashlib.sha256(repr((layers[1:], shapes)).encode()).hexdigest(), "text": text}
