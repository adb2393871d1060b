"""Pictures of partitions, of folds, of training and of how bounds grow (extra `plot`, which brings matplotlib).

Every function returns a `matplotlib.figure.Figure`, drawn on the axes it was given or on its own; none touches pyplot.
"""

from .animation import animation
from .boundary import boundary
from .curves import growth
from .depths import comparison
from .folds import folding
from .history import history
from .lyapunov import lyapunov
from .regions import partition
from .scatter import scatter
from .slices import slice_regions
from .strip import strip

__all__ = [
    "animation",
    "boundary",
    "comparison",
    "folding",
    "growth",
    "history",
    "lyapunov",
    "partition",
    "scatter",
    "slice_regions",
    "strip",
]
