"""Whether a row of a study contradicts itself, by the kind of the study: for lines that carry no checksum."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any


def swap(row: Mapping[str, Any]) -> str:
    """Why the row of a network contradicts itself; empty where nothing speaks against it."""
    if "swap" not in row or "per_repeat" not in row:
        return ""
    value, counts = float(row["swap"]), [float(count) for count in row["per_repeat"]]
    mean = sum(counts) / len(counts) if counts else math.nan
    if not math.isclose(value, mean, rel_tol=1e-9):
        return f"swap is {value:g}, the mean of per_repeat {mean:g}"
    if value > float(row.get("limit", math.inf)):
        return f"swap is {value:g}, more than its limit {float(row['limit']):g}"
    return ""


CHECKS: dict[str, Callable[[Mapping[str, Any]], str]] = {"swap": swap}
