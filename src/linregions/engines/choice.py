"""Which engine takes a network and a domain."""

from __future__ import annotations

from typing import Any

from ..domain import Domain
from ..errors import InputError
from ..network import Network
from . import arrangement, cells, lp

# From this dimension on, counting by linear programs was faster than by vertices: 1.2 times for 7-12-12-1, 9 times for
# 8-10-10-1 (on [-1, 1]^d, seed 0, one thread); 6-16-16-1 took twice as long.  Lists stay with the vertices, which
# shapes and volumes need.
LP_FROM = 7


def open_engine(net: Network, domain: Domain, engine: str, *, listing: bool) -> tuple[str, Any]:
    """The engine of that name, or the fastest one that applies for "auto": its name, and the engine itself.

    Raises:
        InputError: there is no engine of that name, or it does not take the network on the domain.
    """
    names = ("auto", cells.NAME, lp.NAME) if listing else ("auto", cells.NAME, lp.NAME, arrangement.NAME)
    if engine not in names:
        raise InputError(f"engine: {engine!r} is not known; use one of {', '.join(map(repr, names))}")
    if engine in ("auto", arrangement.NAME) and not listing:
        largest = arrangement.LARGEST if engine == arrangement.NAME else arrangement.SMALL
        opened = arrangement.open_engine(net, domain, largest=largest)
        if opened is not None:
            return arrangement.NAME, opened
        if engine == arrangement.NAME:
            raise InputError(
                "engine: 'arrangement' counts one hidden layer with integer rows (up to a factor) on a Space; "
                f"use 'auto' for {net!r} on {domain!r}"
            )
    most = cells.MAX_DIM if listing else LP_FROM - 1
    if engine == lp.NAME or (engine == "auto" and domain.dim > most):
        return lp.NAME, lp.open_engine(net, domain)
    return cells.NAME, cells.open_engine(net, domain)


def only_cells(engine: str, what: str, domain: Domain) -> None:
    """Refuse an engine that does not divide its search into pieces, and a domain that needs one.

    Raises:
        InputError: it is neither "auto" nor "cells", or the dimension is above 8.
    """
    if domain.dim > cells.MAX_DIM:
        raise InputError(
            f"{what}: only searches in dimension 1 to {cells.MAX_DIM} divide into pieces, and {domain!r} has dimension "
            f"{domain.dim}; leave {what} out, or use a Plane slice"
        )
    if engine not in ("auto", cells.NAME):
        raise InputError(f"{what}: engine {engine!r} has no pieces; use engine='{cells.NAME}' or 'auto'")
