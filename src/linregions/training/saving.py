"""The state of a tracker as plain JSON types, and what is read back of it."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..checks import shown
from ..errors import InputError
from ..slicing import Slice
from .arguments import checked_paths
from .history import History
from .schedule import Schedule

FORMAT = "linregions tracker 1"


def packed_network(network: Any) -> dict[str, Any] | None:
    """A network as plain JSON types."""
    if network is None:
        return None
    from ..store.describe import describe_network

    record, content = describe_network(network)
    return {"record": record, "weights": base64.b64encode(content).decode("ascii")}


def read_state(state: Any) -> dict[str, Any]:
    """The parts of a state by name, each as what it describes.

    Raises:
        InputError: it is no state of a tracker, or a part is missing or damaged.
    """
    if not isinstance(state, Mapping) or state.get("format") != FORMAT:
        raise InputError(f"state: expected what RegionTracker.state_dict gives ({FORMAT!r}), got {shown(state)}")
    found = {}
    for name, read in _READ.items():
        if name not in state:
            raise InputError(
                f"state: its part {name!r} is missing; load another checkpoint, or start a new RegionTracker"
            )
        try:
            found[name] = read(state[name])
        except Exception as error:  # whatever a wrong type leads to
            text = " ".join(str(error).split()) or type(error).__name__
            raise InputError(
                f"state: its part {name!r} is damaged ({text}); load another checkpoint, or start a new RegionTracker"
            ) from error
    return found


def _slices(records: Any) -> tuple[Slice, ...]:
    return tuple(Slice.from_dict(record) for record in _a(list, records))


def _points(points: Any) -> np.ndarray | None:
    if points is None:
        return None
    found = np.array(_a(list, points), dtype=np.float64)
    if found.ndim != 2 or not np.isfinite(found).all():
        raise ValueError(f"expected points (n, inputs), got shape {found.shape}")
    return found


def _paths(paths: Any) -> tuple[np.ndarray, ...]:
    return checked_paths([np.array(path, dtype=np.float64) for path in _a(list, paths)])


def _history(record: Any) -> History:
    made = History.from_dict(record)
    for row in made.rows:
        _a(int, row["step"])
    return made


def _seen(value: Any) -> int:
    if _a(int, value) < -1:
        raise ValueError(f"expected a step, got {value}")
    return value


def _seconds(value: Any) -> float:
    number = float(_a(float | int, value))
    if not 0 <= number < math.inf:
        raise ValueError(f"expected seconds, got {number}")
    return number


def _allowance(record: Any) -> dict[str, float]:
    return {name: _seconds(_a(Mapping, record)[name]) for name in ("spent", "elapsed")}


def _architecture(record: Any) -> dict[str, Any] | None:
    if record is None:
        return None
    parts = [[_a(str, text) for text in part] for part in _a(list, record["parts"])]
    dict(parts)
    return {"key": _a(str, record["key"]), "text": _a(str, record["text"]), "parts": parts}


def _network(packed: Any) -> Any:
    if packed is None:
        return None
    from ..store.describe import restore_network

    return restore_network(packed["record"], io.BytesIO(base64.b64decode(packed["weights"])))


def _a(kind: Any, value: Any) -> Any:
    """`value`, if it is of this kind; a truth value is no number."""
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"got {shown(value)}")
    return value


_READ: dict[str, Callable[[Any], Any]] = {
    "schedule": Schedule.from_dict,
    "slices": _slices,
    "points": _points,
    "paths": _paths,
    "history": _history,
    "seen": _seen,
    "due": lambda value: _a(bool, value),
    "cost": _seconds,
    "allowance": _allowance,
    "architecture": _architecture,
    "previous": _network,
}
