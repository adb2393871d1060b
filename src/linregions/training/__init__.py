"""Watching regions while a network trains: a tracker for any loop, its history, sinks, and callbacks for frameworks.

Every name is imported when it is first used, so that importing this package loads neither torch nor a framework.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Which module holds which public names.
_HOME = {
    "collapse": ("Collapse", "CollapseRule"),
    "history": ("History",),
    "huggingface": ("HuggingFaceCallback", "HuggingFaceCollapseStop"),
    "lightning": ("LightningCallback", "LightningCollapseStop"),
    "schedule": ("Schedule",),
    "sinks": ("CSVSink", "FunctionSink", "JSONLinesSink", "Sink", "TensorBoardSink", "WandbSink"),
    "tracker": ("RegionTracker",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = sorted(_MODULE_OF)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
