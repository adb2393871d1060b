"""`linregions merge`: join saved runs."""

from __future__ import annotations

import json
from argparse import Namespace

import linregions

from ..partition import Count, Status
from . import status
from .count import readable
from .damage import reported_damage


def merge(options: Namespace) -> tuple[str, int]:
    """Run the command; what to print, and the exit status."""
    with reported_damage():
        result = linregions.merge(*options.runs, out=options.out)
    count = result if isinstance(result, Count) else result.count
    code = status.DONE if count.status is Status.COMPLETE else status.BUDGET
    return json.dumps(count.as_dict()) if options.json else readable(count), code
