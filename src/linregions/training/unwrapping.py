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


def architecture(module: Any) -> dict[str, Any]:
    """What modules of one architecture have in common.

    `key` is equal for them, `parts` are the names of submodules and tensors with their types and shapes, and `text` is
    what messages call it.  Types of numbers, devices and wrappers of `torch.compile` do not matter.
    """
    parts: list[list[str]] = []
    for name, part in module.named_modules():
        if "_orig_mod" in part._modules:
            continue  # the module inside has its name
        name = name.replace("._orig_mod", "")
        if name:
            parts.append([name, type(part).__name__])
        passing = part._non_persistent_buffers_set
        tensors = [*part._parameters.items(), *((k, t) for k, t in part._buffers.items() if k not in passing)]
        dot = f"{name}." if name else ""
        parts += [[dot + key, _shape(tensor)] for key, tensor in tensors if tensor is not None]
    shapes = ["x".join(map(str, p.shape)) for p in module.parameters() if p.dim() > 1]
    words = ", ".join(shapes[:4]) + (", ..." if len(shapes) > 4 else "")
    numbers = sum(t.numel() for t in module.parameters())
    text = f"{type(module).__name__} of {plural(numbers, 'parameter')} ({words or 'no matrix'})"
    return {"key": hashlib.sha256(repr(parts).encode()).hexdigest(), "text": text, "parts": parts}


def _shape(tensor: Any) -> str:
    return "x".join(map(str, tensor.shape)) or "one number"


def difference(one: Any, other: Any) -> str:
    """The first part in which two descriptions of `architecture` differ, in words."""
    before, now = dict(one["parts"]), dict(other["parts"])
    for name in dict.fromkeys([*before, *now]):
        if before.get(name) != now.get(name):
            return f"{name} was {before.get(name, 'not there')} and is {now.get(name, 'not there')}"
    return "the same parts come in another order"
