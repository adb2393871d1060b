"""Modules of torch whose content is known: they run without the watch, which costs more than most of them.

A convolution or a batch normalisation holds no activation, and `nn.ReLU` is exactly one. Where such a module is called
with what depends on the inputs, so does what it gives, and nothing in it has to be seen. The two interception points
are then taken off until it ends. Everything else is watched: a module with a hook or a `forward` of its own, of a
derived class (as a parametrisation makes one), on tensors of another class, or under another mode or transform.
"""

from __future__ import annotations

from typing import Any

from ..needs import nn, torch
from .watch import Watch


def _parts_of_torch() -> Any:
    try:
        from . import modes
    except ImportError:  # another version of torch: no module is known then
        return None
    return modes


modes: Any = _parts_of_torch()

_POOLS = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
_WITHOUT = (
    *(nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.Linear),
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm, nn.GroupNorm),
    *(nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d),
)


class Shortcuts:
    """Takes the watch off while a known module runs."""

    def __init__(self, watch: Watch):
        self._watch = watch
        classes = (*_WITHOUT, nn.ReLU, *(() if watch.max_pool else _POOLS)) if modes is not None else ()
        # A `forward` that somebody has put in its place is not known.
        known = (c for c in classes if c.forward.__module__.startswith("torch.nn.modules."))
        self._known = frozenset(known).difference(watch.running.classes)
        self._alone = modes is not None and not modes.global_forward_hooks and not modes.global_forward_pre_hooks
        self._depth = (0, 0)
        self._modes: tuple[Any, Any] | None = None
        self._inside: nn.Module | None = None

    def begin(self) -> None:
        """The interception points are on now."""
        self._depth = (0, 0) if modes is None else modes.length()

    def enter(self, module: nn.Module, args: tuple[Any, ...]) -> bool:
        """Take the watch off if the module, which starts now, is a known one; whether it is off."""
        self._refuse_open(None)
        if type(module) in self._known and len(args) == 1 and self._ordinary(module, args[0]):
            self._modes, self._inside = modes.pop(), module
            # Asked without the watch, which would look at the question.
            if not self._watch.inputs.depends(args):
                self.end()
        return self._inside is module

    def leave(self, module: nn.Module) -> bool:
        """Whether the module, which ends now, ran without the watch: then `end` must follow."""
        self._refuse_open(module)
        return self._inside is module

    def _refuse_open(self, module: nn.Module | None) -> None:
        """Only an interrupt leaves a known module without telling; a model that goes on after one was not seen."""
        if self._inside is not None and self._inside is not module:
            self.end()
            raise self._watch.refused("model: it goes on after an interrupt in forward; let the interrupt pass")

    def end(self) -> None:
        """Put the watch back if it is off."""
        if self._modes is not None:
            modes.push(*self._modes)
        self._modes = self._inside = None

    def _ordinary(self, module: nn.Module, argument: Any) -> bool:
        return (
            type(argument) is torch.Tensor
            and self._alone
            and not self._watch.running.covered
            and not module._forward_pre_hooks
            and "forward" not in vars(module)
            and len(modes.global_forward_hooks) == len(modes.global_forward_pre_hooks) == 1
            and modes.length() == self._depth
            and modes.current_transform() is None
        )
