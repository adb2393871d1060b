"""The innermost interception points taken off and put back, by parts of torch that it does not promise to keep.

Importing this fails where they are missing; then no module runs without the watch, which is slower and not wrong.
"""

from __future__ import annotations

from typing import Any

from torch._C import (
    _len_torch_dispatch_stack,
    _len_torch_function_stack,
    _pop_torch_dispatch_stack,
    _pop_torch_function_stack,
    _push_on_torch_dispatch_stack,
    _push_on_torch_function_stack,
)
from torch._C._functorch import maybe_current_level as current_transform
from torch.nn.modules.module import _global_forward_hooks as global_forward_hooks
from torch.nn.modules.module import _global_forward_pre_hooks as global_forward_pre_hooks

__all__ = ["current_transform", "global_forward_hooks", "global_forward_pre_hooks", "length", "pop", "push"]


def length() -> tuple[int, int]:
    """How many dispatch modes and function modes of this thread are on."""
    return _len_torch_dispatch_stack(), _len_torch_function_stack()


def pop() -> tuple[Any, Any]:
    """Take the innermost dispatch mode and the innermost function mode off; for `push`."""
    return _pop_torch_dispatch_stack(None), _pop_torch_function_stack()


def push(dispatch: Any, function: Any) -> None:
    """Put both back."""
    _push_on_torch_function_stack(function)
    _push_on_torch_dispatch_stack(dispatch)
