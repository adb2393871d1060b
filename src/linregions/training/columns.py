"""The columns that the caller adds to a row: one number or word each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..checks import shown
from ..errors import InputError

OWN = ("step", "elapsed", "seconds", "share", "status", "route", "skipped", "units", "identities", "error")


def check_columns(extra: Mapping[str, Any]) -> None:
    """Refuse names of the tracker's own, and values that no column holds, without fetching them from their device."""
    for name, value in extra.items():
        if name in OWN or "/" in name:
            raise InputError(f"{name}: the tracker has this column itself; choose another name")
        if not _is_plain(value) and not _is_one_number(value):
            raise _refused(name, value)


def column_value(name: str, value: Any) -> Any:
    """The Python number, word, bool or None that `value` is or holds; NaN and infinities stay what they are.

    Raises:
        InputError: it is something else, such as an array of several numbers, or the name is the tracker's own.

    Example:
        >>> import numpy as np
        >>> column_value("loss", np.array([0.5], dtype=np.float32)), column_value("loss", float("nan"))
        (0.5, nan)
    """
    check_columns({name: value})
    found = value
    if not _is_plain(value):
        try:
            found = value.item()
        except (TypeError, ValueError, RuntimeError) as error:  # a tensor without contents
            raise _refused(name, value) from error
    for kind in (bool, int, float, str):
        if isinstance(found, kind):
            return kind(found)  # of a subclass only the value
    if found is not None:
        raise _refused(name, value)
    return None


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


def _is_one_number(value: Any) -> bool:
    """Whether this is a scalar, array or tensor of one element that is no complex number."""
    if not (hasattr(value, "item") and hasattr(value, "dtype")) or "complex" in str(value.dtype):
        return False
    count = getattr(value, "numel", None)
    return (count() if callable(count) else getattr(value, "size", None)) == 1


def _refused(name: str, value: Any) -> InputError:
    kind = f" of shape {tuple(value.shape)}" if isinstance(value, np.ndarray) or hasattr(value, "numel") else ""
    return InputError(
        f"{name}: expected one number, a word, True, False or None, got {shown(value)}{kind}; "
        "give its mean or one column for each"
    )
