"""How a forward pass is watched: two interception points of torch, and hooks for the names.

The *dispatch* mode sees each tensor operation once, below autograd and whichever form called it: module, functional,
method, in-place, TorchScript, the cells of `nn.RNN`. The *function* mode sees the Python call around it: it tells a
clamp that the model asked for from one inside a library function, and its presence makes torch take the ordinary path
through `nn.TransformerEncoderLayer` instead of the fused kernel that hides the activations. The hooks only keep the
names of the modules that are running.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import get_ident
from typing import Any

from ..interrupts import obey
from ..needs import (
    OpOverload,
    TorchDispatchMode,
    TorchFunctionMode,
    nn,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    torch,
)
from .kinds import hides
from .shortcuts import Shortcuts
from .watch import Watch


class _Operations(TorchDispatchMode):
    supports_higher_order_operators = True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else torch loads its compiler, for two seconds, only to keep it away from this class

    def __init__(self, watch: Watch):
        super().__init__()
        self.watch = watch
        self.traits: dict[int, tuple[str, bool, bool]] = {}  # by operation: name, fused, recurrent

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        watch, kwargs = self.watch, kwargs or {}
        if watch.paused:
            return func(*args, **kwargs)
        if not isinstance(func, OpOverload):  # an operation on functions, as flex_attention
            result = func(*args, **kwargs)
            watch.inputs.pass_on((*args, *kwargs.values()), result)
            return result
        if not args and "self" in kwargs:
            args = (kwargs["self"],)
            kwargs = {key: value for key, value in kwargs.items() if key != "self"}
        traits = self.traits.get(id(func))
        if traits is None:
            name = func._schema.name.removeprefix("aten::").rstrip("_")
            traits = self.traits[id(func)] = name, hides(name), "_rnn" in name
        name, fused, recurrent = traits
        if (fused or (recurrent and _in_relu_mode(func, args, kwargs))) and not watch.running.covered:
            return self.opened(name, func, args, kwargs)
        kind = watch.kind(name, args, kwargs)
        result = func(*args, **kwargs) if kind is None else watch.run(kind, func, args, kwargs)
        watch.inputs.follow(func, args, kwargs, result)
        return result

    def opened(self, name: str, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a fused operation as the operations that it is made of, if torch knows them."""
        with self:
            result = func.decompose(*args, **kwargs)
        if result is NotImplemented:
            layer = self.watch.running.layer(name)
            raise self.watch.refused(
                f"model: the operation {name} in layer {layer.name} has activations inside that cannot be seen; "
                "name the class of the module that calls it in also="
            )
        return result


class _OperationsBesideCompiler(_Operations):
    """The same, kept away from torch's compiler, for models that use it in `forward`."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return True

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        return super().__torch_dispatch__(func, types, args, kwargs)


class _Functions(TorchFunctionMode):
    def __init__(self, watch: Watch):
        super().__init__()
        self.watch = watch

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        watch = self.watch
        outer, watch.calling = watch.calling, getattr(func, "__name__", "").partition(".")[0].rstrip("_")
        try:
            return func(*args, **(kwargs or {}))
        finally:
            watch.calling = outer


def _in_relu_mode(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether the fused recurrent kernel of an accelerator is called with ReLU cells, its mode 0."""
    names = [a.name for a in func._schema.arguments]
    return dict(zip(names, args, strict=False), **kwargs).get("mode", 1) == 0


@contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """Watch the `with` block; afterwards no hook and no mode is left, whatever happened."""
    compiler = "torch._dynamo" in sys.modules or "torch.nn.attention.flex_attention" in sys.modules
    with ExitStack() as stack:
        shortcuts = Shortcuts(watch)
        stack.enter_context(_names(watch, shortcuts))
        if compiler and hasattr(torch.compiler, "set_stance"):
            stack.enter_context(torch.compiler.set_stance("force_eager"))  # compiled code fuses activations away
        if watch.running.scripted:
            # So does an optimised script.
            stack.enter_context(torch.jit.optimized_execution(False))  # pyright: ignore[reportPrivateImportUsage]
        stack.enter_context(torch.no_grad())
        stack.enter_context(_Functions(watch))
        stack.enter_context(_OperationsBesideCompiler(watch) if compiler else _Operations(watch))
        stack.callback(shortcuts.end)
        shortcuts.begin()
        yield


@contextmanager
def _names(watch: Watch, shortcuts: Shortcuts) -> Iterator[None]:
    """Tell the watch of every module that starts and ends in this thread.

    The hooks are torch's hooks for all modules: they run before any module's own, also for modules that the model does
    not list as its parts, and two of them are set up faster than two for each module.
    """
    running, thread = watch.running, get_ident()

    def before(module: nn.Module, args: Any) -> None:
        obey()
        if get_ident() == thread and not watch.paused and not shortcuts.enter(module, args):
            running.enter(module)

    def after(module: nn.Module, args: Any, output: Any) -> None:
        if get_ident() != thread or watch.paused:
            return
        if shortcuts.leave(module):
            try:
                watch.skipped(module, output)
            finally:
                shortcuts.end()
        elif running.leave(module):
            watch.module(module, output)

    with ExitStack() as stack:
        stack.callback(register_module_forward_pre_hook(before).remove)
        stack.callback(register_module_forward_hook(after, always_call=True).remove)
        yield
