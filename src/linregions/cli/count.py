"""`linregions count`: read the network, choose the domain, count, print; or go on with a saved run."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from typing import Any

import linregions

from ..errors import InputError
from ..partition import Count, Counts, Interval, Status
from . import status
from .damage import reported_damage
from .domains import chosen_domain
from .progress import Progress
from .workers import chosen_workers

EXIT = {Status.COMPLETE: status.DONE, Status.BUDGET: status.BUDGET, Status.INTERRUPTED: status.INTERRUPTED}


def count(options: Namespace) -> tuple[str, int]:
    """Run the command; what to print, and the exit status."""
    work = _resumed if options.resume is not None else _fresh
    with chosen_workers(options.parallel) as parallel, Progress() as progress:
        result = work(options, parallel, progress)
    # Counts are integers of any size, and Python refuses to print more than 4300 digits otherwise.
    sys.set_int_max_str_digits(0)
    return json.dumps(result.as_dict()) if options.json else readable(result), EXIT[result.status]


def _fresh(options: Namespace, parallel: Any, progress: Progress) -> Count | Interval | Counts:
    if options.model is None:
        raise InputError("MODEL is needed: give the network's file, or --resume RUN to go on with a saved run")
    if options.save is None and (options.list or options.part):
        raise InputError(f"--{'list' if options.list else 'part'} goes with --save RUN; give the folder to write to")
    network = linregions.read(options.model)
    arguments = {
        "definition": options.definition,
        "exact": options.exact,
        "threads": options.threads,
        "parallel": parallel,
        "time_limit": options.time_limit,
        "max_regions": options.max_regions,
        "progress": progress.callback,
        "save": options.save,
        "part": options.part,
    }
    domain = chosen_domain(options, input_dim=network.input_dim)
    if not options.list:
        return linregions.count(network, domain, engine=options.engine, **arguments)
    return linregions.enumerate_regions(network, domain, **arguments).count


def _resumed(options: Namespace, parallel: Any, progress: Progress) -> Count:
    given = ("box", "segment", "plane", "domain", "space", "list", "part")
    extra = "MODEL" if options.model is not None else next((f"--{n}" for n in given if getattr(options, n)), None)
    if extra is not None or not options.exact:
        raise InputError(f"{extra or '--no-exact'} cannot go with --resume: the run holds all that; leave it out")
    with reported_damage():
        result = linregions.resume(
            options.resume,
            threads=options.threads,
            parallel=parallel,
            time_limit=options.time_limit,
            max_regions=options.max_regions,
            progress=progress.callback,
        )
    return result if isinstance(result, Count) else result.count


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
