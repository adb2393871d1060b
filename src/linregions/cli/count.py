"""`linregions count`: read the network, choose the domain, count, print."""

from __future__ import annotations

import json
import sys
from argparse import Namespace

import linregions

from ..partition import Count, Counts, Interval, Status
from . import status
from .domains import chosen_domain
from .progress import Progress

EXIT = {Status.COMPLETE: status.DONE, Status.BUDGET: status.BUDGET, Status.INTERRUPTED: status.INTERRUPTED}


def count(options: Namespace) -> tuple[str, int]:
    """Run the command; what to print, and the exit status."""
    network = linregions.read(options.model)
    domain = chosen_domain(options, input_dim=network.input_dim)
    with Progress() as progress:
        result = linregions.count(
            network,
            domain,
            definition=options.definition,
            exact=options.exact,
            threads=options.threads,
            time_limit=options.time_limit,
            max_regions=options.max_regions,
            progress=progress.callback,
            engine=options.engine,
        )
    # Counts are integers of any size, and Python refuses to print more than 4300 digits otherwise.
    sys.set_int_max_str_digits(0)
    return json.dumps(result.as_dict()) if options.json else readable(result), EXIT[result.status]


def readable(result: Count | Interval | Counts) -> str:
    """The result, and in one more line what it took.

    Example:
        >>> from linregions import Kind, Status
        >>> done = Kind.EXACT, Status.COMPLETE, "activation", "cells"
        >>> print(readable(Count(412, *done, 3, 0, 0.125, "2-16-16-1", "box [-1, 1]^2")))
        412 activation regions on box [-1, 1]^2
        0.125 s, 3,296 regions/s, 3 decisions settled in rational arithmetic
    """
    took = [_seconds(result.seconds)]
    if isinstance(result, Count) and result.definition == "activation" and result.seconds > 0:
        took.append(f"{_rate(result.value / result.seconds)} regions/s")
    took.append(f"{_decisions(result.exact_decisions)} settled in rational arithmetic")
    if isinstance(result, Count) and result.doubtful:
        took.append(f"{_decisions(result.doubtful)} left to floating point")
    return f"{result}\n{', '.join(took)}"


def _seconds(value: float) -> str:
    return f"{value:.3f} s" if value < 10 else f"{value:,.1f} s"


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _decisions(count: int) -> str:
    return f"{count:,} decision" + ("" if count == 1 else "s")
