"""Pictures of partitions, of how layers fold the plane, and of how bounds grow (extra `plot`, which brings matplotlib).

Every function returns a `matplotlib.figure.Figure`, drawn on the axes it was given or on its own; none touches pyplot.
"""

from .boundary import boundary
from .curves import growth
from .depths import comparison
from .folds import folding
from .lyapunov import lyapunov
from .regions import partition
from .scatter import scatter

__all__ = ["boundary", "comparison", "folding", "growth", "lyapunov", "partition", "scatter"]
