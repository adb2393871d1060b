"""Every bound on an architecture, in one list, and the two questions asked of all of them."""

from __future__ import annotations

from typing import Any

from ..domain import Domain
from .architecture import architecture_of
from .bound import BoundFunction, ConditionError
from .general import general
from .montufar_2017 import montufar_2017, trivial
from .serra_2018 import serra_2018, serra_2018_lower
from .table import Pair, Table
from .zigzag import zigzag_product

# Upper bounds from the loosest to the tightest, then lower bounds likewise.
CATALOGUE: tuple[BoundFunction, ...] = (
    trivial,
    general,
    montufar_2017,
    serra_2018,
    serra_2018_lower,
    zigzag_product,
)


def all(architecture: Any, *, activation: Any = "relu", rank: int | None = None, domain: Domain | None = None) -> Table:
    """Every bound of the catalogue for one architecture or network.

    Args:
        architecture: whatever `architecture_of` reads: "2-16-16-1", [2, 16, 16, 1], "2;16,16", a Network.
        activation: of the hidden units, where only widths are given; "maxout" needs `rank`.
        rank: for maxout, of how many affine maps a unit is the maximum.
        domain: with a network, a domain on which stable units are told apart.

    Returns:
        A `Table`; bounds whose conditions fail stand in its `skipped` with the reason.

    Example:
        >>> from linregions import bounds
        >>> table = bounds.all("2;4,4")
        >>> table["serra_2018"].value, table["zigzag_product"].value
        (121, 44)
    """
    a = architecture_of(architecture, activation=activation, rank=rank, domain=domain)
    found, skipped = [], []
    for function in CATALOGUE:
        try:
            found.append(function(a))
        except ConditionError as error:
            skipped.append((function.__name__, str(error)))
    return Table(str(a), tuple(found), tuple(skipped))


def best(architecture: Any, *, activation: Any = "relu", rank: int | None = None, domain: Domain | None = None) -> Pair:
    """The tightest proven pair of bounds on the maximum number of regions; arguments as for `all`.

    Example:
        >>> from linregions import bounds
        >>> print(bounds.best("2;4,4"))
        44 (zigzag_product) <= maximum <= 121 (serra_2018)
    """
    return all(architecture, activation=activation, rank=rank, domain=domain).best
