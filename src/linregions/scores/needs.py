"""The one place where scores import torch, so that a missing torch is one sentence with the remedy in it."""

from __future__ import annotations

from typing import Any

from ..errors import MissingExtraError

try:
    import torch
    from torch import _C, nn
    from torch._C._functorch import maybe_current_level as current_transform
    from torch._ops import OpOverload
    from torch.multiprocessing.reductions import StorageWeakRef
    from torch.nn.modules.module import _global_forward_hooks as global_forward_hooks
    from torch.nn.modules.module import _global_forward_pre_hooks as global_forward_pre_hooks
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
    "current_transform",
    "global_forward_hooks",
    "global_forward_pre_hooks",
    "length_of_modes",
    "nn",
    "pop_modes",
    "push_modes",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "torch",
]


def length_of_modes() -> tuple[int, int]:
    """How many dispatch modes and function modes of this thread are on."""
    return _C._len_torch_dispatch_stack(), _C._len_torch_function_stack()


def pop_modes() -> tuple[Any, Any]:
    """Take the innermost dispatch mode and the innermost function mode off; for `push_modes`."""
    return _C._pop_torch_dispatch_stack(None), _C._pop_torch_function_stack()


def push_modes(dispatch: Any, function: Any) -> None:
    """Put both back."""
    _C._push_on_torch_function_stack(function)
    _C._push_on_torch_dispatch_stack(dispatch)
