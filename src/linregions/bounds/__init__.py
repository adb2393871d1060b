"""Bounds on the number of linear regions of an architecture or a network.

Every bound is a function of an architecture that returns a `Bound`: an exact integer with its formula, reference,
direction, definition, conditions and status.  `all` asks every one of them, `best` gives the tightest proven pair.
"""

from .architecture import Architecture, architecture_of
from .bound import Bound, ConditionError
from .catalogue import all, best
from .general import general
from .montufar_2017 import montufar_2017, trivial
from .serra_2018 import serra_2018, serra_2018_lower
from .table import Pair, Table
from .zigzag import zigzag_product

__all__ = [
    "Architecture",
    "Bound",
    "ConditionError",
    "Pair",
    "Table",
    "all",
    "architecture_of",
    "best",
    "general",
    "montufar_2017",
    "serra_2018",
    "serra_2018_lower",
    "trivial",
    "zigzag_product",
]
