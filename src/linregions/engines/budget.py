"""What a run may take, checked once at the public door."""

from __future__ import annotations

import math
from typing import Any

from ..checks import real_number, shown, whole_number
from ..errors import InputError

MOST_THREADS = 1024
# The engines count up to this in 64 bits and never get near it, so a larger limit is none.
MOST_REGIONS = 2**62


def checked_budget(
    *, exact: Any = True, threads: Any = None, time_limit: Any = None, max_regions: Any = None, progress: Any = None
) -> dict[str, Any]:
    """How to run: the same arguments as plain values, None where there is no limit.

    Raises:
        InputError: an argument does not fit; the message says which.
    """
    if not isinstance(exact, bool):
        raise InputError(f"exact must be True or False, got {shown(exact)}")
    if progress is not None and not callable(progress):
        raise InputError(f"progress must be a function of (fraction, regions) or None, got {shown(progress)}")
    if threads is not None:
        threads = whole_number(threads, "threads", most=MOST_THREADS)
    if max_regions is not None:
        max_regions = min(whole_number(max_regions, "max_regions"), MOST_REGIONS)
    if time_limit is not None:
        time_limit = real_number(time_limit, "time_limit")
        if not time_limit > 0:
            raise InputError(f"time_limit must be a positive number of seconds, got {time_limit}")
        time_limit = None if time_limit == math.inf else time_limit
    return {
        "exact": exact,
        "threads": threads,
        "time_limit": time_limit,
        "max_regions": max_regions,
        "progress": progress,
    }
