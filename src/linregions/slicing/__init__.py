"""Two-dimensional slices of a network's input space: planes through data, and their regions.

`slices` lays planes through data points, and `linregions.enumerate_regions(network, slice.plane)` lists the regions
exactly; `enumerate_slice` does it for torch modules that are too large for matrices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .anchors import Slice as Slice
    from .anchors import slices as slices
    from .batched import SliceRegions as SliceRegions
    from .batched import enumerate_slice as enumerate_slice

_HOME = {
    "Slice": "anchors",
    "slices": "anchors",
    "SliceRegions": "batched",
    "enumerate_slice": "batched",
}

__all__ = ["Slice", "SliceRegions", "enumerate_slice", "slices"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
