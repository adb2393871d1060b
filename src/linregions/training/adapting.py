"""What the callbacks of all frameworks share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..checks import shown
from ..errors import InputError

WHEN = ("steps", "epochs", "validation")
ARRAY = "__array__"


def checked_tracker(tracker: Any) -> Any:
    """`tracker`, if it can be called as a `RegionTracker` is."""
    for name in ("step", "measure", "state_dict", "load_state_dict", "history"):
        if not hasattr(tracker, name):
            raise InputError(f"tracker: expected a RegionTracker, got {shown(tracker)}")
    return tracker


def checked_when(when: str) -> str:
    """`when`, if it is known."""
    if when not in WHEN:
        raise InputError(f"when: expected 'steps', 'epochs' or 'validation', got {shown(when)}")
    return when


def measured_part(tracker: Any, model: Any) -> Any:
    """What to hand to the tracker: the model if the tracker chooses a part, else its `backbone`, else the model."""
    if getattr(tracker, "part", None) is not None:
        return model
    backbone = getattr(model, "backbone", None)
    return model if backbone is None else backbone


def packed(state: Any) -> Any:
    """A state as JSON has it: arrays become lists with their type and shape."""
    if isinstance(state, Mapping):
        return {str(k): packed(v) for k, v in state.items()}
    if isinstance(state, list | tuple):
        return [packed(v) for v in state]
    if isinstance(state, np.ndarray):
        return {ARRAY: state.ravel().tolist(), "dtype": state.dtype.str, "shape": list(state.shape)}
    if isinstance(state, np.generic):
        return state.item()
    if hasattr(state, "detach"):  # a tensor
        return packed(state.detach().cpu().numpy())
    return state


def unpacked(state: Any) -> Any:
    """The state that `packed` was given; tuples come back as lists."""
    if isinstance(state, Mapping):
        if ARRAY in state:
            return np.array(state[ARRAY], dtype=np.dtype(state["dtype"])).reshape(state["shape"])
        return {k: unpacked(v) for k, v in state.items()}
    if isinstance(state, list):
        return [unpacked(v) for v in state]
    return state


def last_step(tracker: Any) -> int | None:
    """The step of the last row, None before there is one."""
    rows = tracker.history.rows
    return int(rows[-1]["step"]) if rows else None
