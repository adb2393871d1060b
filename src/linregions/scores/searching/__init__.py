"""Search for architectures by a score of untrained networks: evolution, random search, and what they found in a table.

The package is not called `search`, so that `linregions.scores.search` can be the verb.
"""

from .compare import Comparison, Summary, Unfinished, compare_searches
from .evolution import random_search, search
from .objective import ParameterObjective, SizeTarget, SwapObjective, network_parameters
from .record import SearchResult, Step
from .report import SearchReport, report

__all__ = [
    "Comparison",
    "ParameterObjective",
    "SearchReport",
    "SearchResult",
    "SizeTarget",
    "Step",
    "Summary",
    "SwapObjective",
    "Unfinished",
    "compare_searches",
    "network_parameters",
    "random_search",
    "report",
    "search",
]
