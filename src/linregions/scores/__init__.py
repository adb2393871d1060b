"""Scores of untrained networks from their activation patterns.  Needs torch: pip install 'linregions[torch]'.

scoring      swap_score and its record
capturing    every activation of a forward pass, shown once
patterns     counting patterns exactly while the layers go by
measures     sizes, scores by gradients, the calls that suites of zero-cost proxies expect
correlation  how well a score ranks, with intervals
spaces       architectures to draw, build and look up
searching    evolution by a score, and what it is compared with
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .capturing.forward import Captured, Ignored, Layer, Observation, capture
    from .correlation import Correlation, TopK, difference_of, kendall, partial_spearman, spearman, top_k_regret
    from .init import redraw
    from .measures.flow import synflow
    from .measures.gradients import grad_norm, jacobian_covariance, snip
    from .measures.measure import Measure, UndefinedMeasureError
    from .measures.sizes import Sizes, depth, flops, network_sizes, parameters, units
    from .measures.suite import MEASURES, find_measures, swap
    from .patterns import HammingKernel, PatternCounter, RowCounter
    from .probes import Probe
    from .restore import set_mode, unchanged
    from .scoring.record import LayerScore, Score
    from .scoring.score import swap_score
    from .searching import SearchResult, random_search, search
    from .spaces import Table, find_space, read_table

__all__ = [
    "MEASURES",
    "Captured",
    "Correlation",
    "HammingKernel",
    "Ignored",
    "Layer",
    "LayerScore",
    "Measure",
    "Observation",
    "PatternCounter",
    "Probe",
    "RowCounter",
    "Score",
    "SearchResult",
    "Sizes",
    "Table",
    "TopK",
    "UndefinedMeasureError",
    "capture",
    "depth",
    "difference_of",
    "find_measures",
    "find_space",
    "flops",
    "grad_norm",
    "jacobian_covariance",
    "kendall",
    "network_sizes",
    "parameters",
    "partial_spearman",
    "random_search",
    "read_table",
    "redraw",
    "search",
    "set_mode",
    "snip",
    "spearman",
    "swap",
    "swap_score",
    "synflow",
    "top_k_regret",
    "unchanged",
    "units",
]

# Imported when first used: `import linregions.scores` loads no torch.
_HOME = {
    "capturing.forward": ("Captured", "Ignored", "Layer", "Observation", "capture"),
    "correlation": ("Correlation", "TopK", "difference_of", "kendall", "partial_spearman", "spearman", "top_k_regret"),
    "measures.flow": ("synflow",),
    "measures.gradients": ("grad_norm", "jacobian_covariance", "snip"),
    "init": ("redraw",),
    "measures.measure": ("Measure", "UndefinedMeasureError"),
    "patterns": ("HammingKernel", "PatternCounter", "RowCounter"),
    "probes": ("Probe",),
    "scoring.record": ("LayerScore", "Score"),
    "restore": ("set_mode", "unchanged"),
    "searching": ("SearchResult", "random_search", "search"),
    "measures.sizes": ("Sizes", "depth", "flops", "network_sizes", "parameters", "units"),
    "spaces": ("Table", "find_space", "read_table"),
    "measures.suite": ("MEASURES", "find_measures", "swap"),
    "scoring.score": ("swap_score",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
