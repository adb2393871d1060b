"""`linregions estimate`: bracket a number of regions that is too large to count, and print the bracket."""

from __future__ import annotations

import json
import sys
from argparse import Namespace

import linregions

from ..estimation import Bracket
from ..partition import Status
from . import status
from .domains import chosen_domain, samples_of
from .progress import Progress

EXIT = {Status.COMPLETE: status.DONE, Status.BUDGET: status.BUDGET, Status.INTERRUPTED: status.INTERRUPTED}


def estimate(options: Namespace) -> tuple[str, int]:
    """Run the command; what to print, and the exit status."""
    network = linregions.read(options.model)
    domain = chosen_domain(options, input_dim=network.input_dim)
    data = None if options.data is None else samples_of(options.data)
    with Progress() as progress:
        found = linregions.estimate(
            network,
            domain,
            samples=options.samples,
            data=data,
            spread=options.spread,
            lines=options.lines,
            pieces=options.pieces,
            level=options.level,
            seed=options.seed,
            threads=options.threads,
            time_limit=options.time_limit,
            progress=progress.callback,
        )
    # Counts are integers of any size, and Python refuses to print more than 4300 digits otherwise.
    sys.set_int_max_str_digits(0)
    return json.dumps(found.as_dict()) if options.json else readable(found), EXIT[found.status]


def readable(found: Bracket) -> str:
    """The bracket in three lines, and one on the samples where they tell how much of the volume was met."""
    coverage = found.sampling.coverage if found.sampling else None
    lines = [str(found), f"sampling  {coverage}" if coverage else "", f"{found.seconds:.1f} s on {found.lower.domain}"]
    return "\n".join(line for line in lines if line)
