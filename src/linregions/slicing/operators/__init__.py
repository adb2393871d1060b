"""ATen operators on the affine maps of many cells at once, by theme; `HANDLERS` finds them by name."""

from __future__ import annotations

from . import elementwise, linear, moves, units  # noqa: F401 - each enters its operators into the table
from .call import HANDLERS, Call, Units
from .state import UP, State, length, stacked

__all__ = ["HANDLERS", "UP", "Call", "State", "Units", "length", "stacked"]
