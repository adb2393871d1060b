"""`linregions bounds`: the table of bounds, the best proven pair, and why the other bounds do not apply."""

from __future__ import annotations

import json
import re
import sys
from argparse import Namespace
from typing import Any

import linregions

from ..bounds import Table
from ..bounds.bound import short
from ..domain import Domain
from ..errors import InputError
from . import status
from .domains import chosen_domain
from .render import shown


def bounds(options: Namespace) -> tuple[str, int]:
    """Run the command; what to print, and the exit status."""
    source, domain = _source(options)
    activation = {} if options.activation is None else {"activation": options.activation}
    table = linregions.bounds.all(source, rank=options.rank, domain=domain, **activation)
    # Bounds are integers of any size, and Python refuses to print more than 4300 digits otherwise.
    sys.set_int_max_str_digits(0)
    return json.dumps(table.as_dict()) if options.json else readable(table), status.DONE


def _source(options: Namespace) -> tuple[Any, Domain | None]:
    if not re.search(r"\.[A-Za-z]\w*$", options.architecture):
        if options.box is not None:
            raise InputError("--box: only a network's file has units that never change on a box; leave --box out")
        return options.architecture, None
    for name in ("activation", "rank"):
        if getattr(options, name) is not None:
            raise InputError(f"--{name}: {options.architecture} says itself what its units are; leave --{name} out")
    network = linregions.read(options.architecture)
    if options.box is None:
        return network, None
    chosen = Namespace(box=options.box, segment=None, plane=None, domain=None, space=False)
    return network, chosen_domain(chosen, input_dim=network.input_dim)


def readable(table: Table) -> str:
    """The table for a person.

    Example:
        >>> from linregions import bounds
        >>> print(readable(bounds.all("1-3-1")).splitlines()[0])
        architecture (1; 3)
    """
    pair = table.best
    if pair.exact:
        best = f"best proven: the maximum is exactly {short(pair.upper.value)} ({pair.upper.name})"
    elif pair.lower is None:
        best = f"best proven: at most {short(pair.upper.value)} regions ({pair.upper.name})"
    else:
        best = f"best proven: {pair}"
    lines = [shown(table), "", best]
    if table.skipped:
        lines += ["", "not applicable:", *(f"  {_reason(name, why)}" for name, why in table.skipped)]
    return "\n".join(lines)


def _reason(name: str, why: str) -> str:
    return why if why.startswith(f"{name}:") else f"{name}: {why}"
