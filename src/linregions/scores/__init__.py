"""Scores of untrained networks from their activation patterns. Needs torch: pip install 'linregions[torch]'."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .capture import Captured, Ignored, Layer, Observation, capture
    from .correlation import Correlation, TopK, difference_of, kendall, partial_spearman, spearman, top_k_regret
    from .flow import synflow
    from .gradients import grad_norm, jacobian_covariance, snip
    from .init import redraw
    from .measure import Measure, UndefinedMeasureError
    from .patterns import HammingKernel, PatternCounter, RowCounter
    from .probes import Probe
    from .record import LayerScore, Score
    from .restore import set_mode, unchanged
    from .searching import SearchResult, random_search, search
    from .sizes import Sizes, depth, flops, network_sizes, parameters, units
    from .spaces import Table, find_space, read_table
    from .suite import MEASURES, find_measures, swap
    from .swap import swap_score

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
    "capture": ("Captured", "Ignored", "Layer", "Observation", "capture"),
    "correlation": ("Correlation", "TopK", "difference_of", "kendall", "partial_spearman", "spearman", "top_k_regret"),
    "flow": ("synflow",),
    "gradients": ("grad_norm", "jacobian_covariance", "snip"),
    "init": ("redraw",),
    "measure": ("Measure", "UndefinedMeasureError"),
    "patterns": ("HammingKernel", "PatternCounter", "RowCounter"),
    "probes": ("Probe",),
    "record": ("LayerScore", "Score"),
    "restore": ("set_mode", "unchanged"),
    "searching": ("SearchResult", "random_search", "search"),
    "sizes": ("Sizes", "depth", "flops", "network_sizes", "parameters", "units"),
    "spaces": ("Table", "find_space", "read_table"),
    "suite": ("MEASURES", "find_measures", "swap"),
    "swap": ("swap_score",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}


class _Package(ModuleType):
    """Keeps a public name from being hidden by the module of the same name, which an import would put in its place."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _MODULE_OF and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
