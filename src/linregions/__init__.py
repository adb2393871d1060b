"""linregions: the linear regions of piecewise-linear networks, exactly.

Every public name is imported when it is first used, so `import linregions` itself costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import arrangements as arrangements
    from . import bounds as bounds
    from . import constructions as constructions
    from . import estimation as estimation
    from . import expectation as expectation
    from . import lyapunov as lyapunov
    from . import metrics as metrics
    from . import plot as plot
    from . import scores as scores
    from . import slicing as slicing
    from . import studies as studies
    from . import training as training
    from .activations import PiecewiseLinear
    from .comparison import Comparison, compare
    from .counting import count, enumerate_regions
    from .domain import Box, Domain, Plane, Polytope, Segment, Space
    from .errors import InputError, LinregionsError, MissingExtraError, OutputError, UnsupportedModelError
    from .estimation import Bracket, Sampling, estimate, sample_regions
    from .network import Network
    from .partition import Count, Counts, Interval, Kind, Partition, Polygons, Region, Status
    from .readers import read
    from .runs import merge, open_run, resume
    from .stage import Stage
    from .store import DamageWarning, SavedPartition

    __version__: str

__all__ = [
    "Box",
    "Bracket",
    "Comparison",
    "Count",
    "Counts",
    "DamageWarning",
    "Domain",
    "InputError",
    "Interval",
    "Kind",
    "LinregionsError",
    "MissingExtraError",
    "Network",
    "OutputError",
    "Partition",
    "PiecewiseLinear",
    "Plane",
    "Polygons",
    "Polytope",
    "Region",
    "Sampling",
    "SavedPartition",
    "Segment",
    "Space",
    "Stage",
    "Status",
    "UnsupportedModelError",
    "__version__",
    "compare",
    "count",
    "enumerate_regions",
    "estimate",
    "merge",
    "open_run",
    "read",
    "resume",
    "sample_regions",
]

_HOME = {
    "activations": ("PiecewiseLinear",),
    "comparison": ("Comparison", "compare"),
    "counting": ("count", "enumerate_regions"),
    "domain": ("Box", "Domain", "Plane", "Polytope", "Segment", "Space"),
    "errors": ("InputError", "LinregionsError", "MissingExtraError", "OutputError", "UnsupportedModelError"),
    "estimation": ("Bracket", "Sampling", "estimate", "sample_regions"),
    "network": ("Network",),
    "partition": ("Count", "Counts", "Interval", "Kind", "Partition", "Polygons", "Region", "Status"),
    "readers": ("read",),
    "runs": ("merge", "open_run", "resume"),
    "stage": ("Stage",),
    "store": ("DamageWarning", "SavedPartition"),
}
# Not in __all__: `from linregions import *` would load them all.
_PARTS = (
    "arrangements",
    "bounds",
    "constructions",
    "estimation",
    "expectation",
    "lyapunov",
    "metrics",
    "plot",
    "scores",
    "slicing",
    "studies",
    "training",
)
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("linregions")
    elif name in _PARTS or name in _MODULE_OF:
        from importlib import import_module

        value = import_module(f".{_MODULE_OF.get(name, name)}", __name__)
        value = getattr(value, name) if name in _MODULE_OF else value
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_PARTS})
