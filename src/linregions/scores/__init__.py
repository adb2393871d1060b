"""Scores of untrained networks from their activation patterns. Needs torch: pip install 'linregions[torch]'."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .capture import Captured, Ignored, Layer, Observation, capture
    from .init import redraw
    from .restore import set_mode, unchanged

__all__ = ["Captured", "Ignored", "Layer", "Observation", "capture", "redraw", "set_mode", "unchanged"]

# Imported when first used: `import linregions.scores` loads no torch.
_HOME = {
    "capture": ("Captured", "Ignored", "Layer", "Observation", "capture"),
    "init": ("redraw",),
    "restore": ("set_mode", "unchanged"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}


class _Package(ModuleType):
    """Keeps a public name from being hidden by the module of the same name, which an import would put in its place."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _MODULE_OF and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
