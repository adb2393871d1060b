"""The modules of a model in one loop: torch's own walk is a generator within a generator for every level."""

from __future__ import annotations

from collections.abc import Sequence

from .needs import nn

Named = Sequence[tuple[str, nn.Module]]
"""What `named_modules` gives; functions that take it as `named` save walking again."""


def named_modules(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """What `model.named_modules()` gives: every module once, with its dotted path, parents before their parts.

    Example:
        >>> [name for name, _ in named_modules(nn.Sequential(nn.Sequential(nn.ReLU()), nn.ReLU()))]
        ['', '0', '0.0', '1']
    """
    if type(model).named_modules is not nn.Module.named_modules:
        return list(model.named_modules())
    found: list[tuple[str, nn.Module]] = []
    seen: set[int] = set()
    waiting: list[tuple[str, nn.Module]] = [("", model)]
    while waiting:
        path, module = waiting.pop()
        if id(module) in seen:
            continue
        seen.add(id(module))
        found.append((path, module))
        prefix = f"{path}." if path else ""
        parts = [(prefix + name, part) for name, part in module._modules.items() if part is not None]
        parts.reverse()
        waiting += parts
    return found
