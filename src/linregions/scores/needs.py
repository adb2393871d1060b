"""The one place where scores import torch, so that a missing torch is one sentence with the remedy in it."""

from __future__ import annotations

from ..errors import MissingExtraError

try:
    import torch
    from torch import nn
    from torch._ops import OpOverload
    from torch.multiprocessing.reductions import StorageWeakRef
    from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
    from torch.overrides import TorchFunctionMode
    from torch.utils._python_dispatch import TorchDispatchMode
except ImportError as error:
    raise MissingExtraError(
        "scores: torch is not installed; install it with: pip install 'linregions[torch]'"
    ) from error

__all__ = [
    "OpOverload",
    "StorageWeakRef",
    "TorchDispatchMode",
    "TorchFunctionMode",
    "nn",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "torch",
]
