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


class Numbering:
    """The tracker's number of a trainer's step.

    A trainer counts from 0 again in its next training; a tracker, whose steps never fall, numbers on from the last one
    that it knows.  A training that is resumed from a checkpoint keeps the offset that it had.

    Example:
        >>> from types import SimpleNamespace
        >>> numbering = Numbering(SimpleNamespace(last_step=20, history=SimpleNamespace(rows=[])))
        >>> numbering.begin(0)
        >>> numbering(5)
        25
    """

    def __init__(self, tracker: Any):
        self.tracker = tracker
        self.offset = 0
        self._restored = 0

    def __call__(self, step: int) -> int:
        """The tracker's number."""
        return self.offset + step

    def begin(self, step: int) -> None:
        """A training starts, or goes on, at this step of its trainer."""
        known = getattr(self.tracker, "last_step", None)
        seen = last_step(self.tracker) if known is None else known
        self.offset, self._restored = max(self._restored, (seen or 0) - step), 0

    def restore(self, offset: Any) -> None:
        """The training that begins next is resumed, with this offset."""
        self._restored = max(0, int(offset))
