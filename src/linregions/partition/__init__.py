"""What an engine returns: counts with their kind and status, and partitions into regions."""

from __future__ import annotations

from .adjacency import Adjacency
from .complex import Column, Complex, Faces
from .count import Count, Kind, Status
from .counts import Counts, Interval
from .packing import pack
from .partition import Partition
from .polygons import Polygons
from .region import Facet, Region

__all__ = [
    "Adjacency",
    "Column",
    "Complex",
    "Count",
    "Counts",
    "Faces",
    "Facet",
    "Interval",
    "Kind",
    "Partition",
    "Polygons",
    "Region",
    "Status",
    "pack",
]
