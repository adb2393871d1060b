"""Every bound on an architecture, in one list, and the two questions asked of all of them."""

from __future__ import annotations

from typing import Any

from ..domain import Domain
from .architecture import Architecture, architecture_of
from .arora_2018 import arora_2018, serra_2018_zonotope
from .bound import BoundFunction, ConditionError, require
from .general import general
from .hinz import hinz_2021
from .maxout import maxout_layer_lower, maxout_layer_upper, montufar_2014_maxout, serra_2018_maxout
from .montufar_2014 import montufar_2014
from .montufar_2017 import montufar_2017, trivial
from .one_dimension import one_dimension
from .pascanu_2014 import pascanu_2014, pascanu_2014_special, shallow
from .serra_2018 import serra_2018, serra_2018_lower, serra_seconds
from .table import Pair, Table
from .zigzag import zigzag_product

# Upper bounds from the loosest to the tightest, then lower bounds likewise: of equal ones the later is shown as best.
# Not here: maxout_without_biases, since widths do not say whether there are biases, and it is no bound where there are.
CATALOGUE: tuple[BoundFunction, ...] = (
    trivial,
    serra_2018_maxout,
    maxout_layer_upper,
    general,
    montufar_2017,
    serra_2018,
    hinz_2021,
    shallow,
    one_dimension,
    maxout_layer_lower,
    montufar_2014_maxout,
    pascanu_2014,
    pascanu_2014_special,
    arora_2018,
    montufar_2014,
    serra_2018_zonotope,
    serra_2018_lower,
    zigzag_product,
)

# A table of all bounds leaves out what would take longer than this; hinz_2021 does so itself.
MOST_SECONDS = 0.1
SECONDS = {"serra_2018": serra_seconds}


def all(architecture: Any, *, activation: Any = "relu", rank: int | None = None, domain: Domain | None = None) -> Table:
    """Every bound of the catalogue for one architecture or network.

    Args:
        architecture: whatever `architecture_of` reads: "2-16-16-1", [2, 16, 16, 1], "2;16,16", a Network.
        activation: of the hidden units, where only widths are given; "maxout" needs `rank`.
        rank: for maxout, of how many affine maps a unit is the maximum.
        domain: with a network, a domain on which stable units are told apart.

    Returns:
        A `Table`; bounds whose conditions fail, or that would take long, stand in its `skipped` with the reason.

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
            _check_time(function.__name__, a)
            found.append(function(a))
        except ConditionError as error:
            skipped.append((function.__name__, str(error)))
    return Table(str(a), tuple(found), tuple(skipped), a.network is not None)


def _check_time(name: str, a: Architecture) -> None:
    taken = SECONDS[name](a) if name in SECONDS else 0.0
    require(
        taken <= MOST_SECONDS,
        f"{name}: would take about {taken:.2g} s for {a}; call bounds.{name} itself to compute it",
    )


def best(architecture: Any, *, activation: Any = "relu", rank: int | None = None, domain: Domain | None = None) -> Pair:
    """The tightest proven pair of bounds on the maximum number of regions; arguments as for `all`.

    Example:
        >>> from linregions import bounds
        >>> print(bounds.best("2;4,4"))
        44 (zigzag_product) <= maximum <= 121 (serra_2018)
    """
    return all(architecture, activation=activation, rank=rank, domain=domain).best
