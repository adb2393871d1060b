"""What an engine returns: counts with their kind and status, and partitions into regions."""

from __future__ import annotations

from .complex import Column, Complex, Faces
from .count import Count, Kind, Status
from .packing import pack
from .partition import Partition, Region

__all__ = ["Column", "Complex", "Count", "Faces", "Kind", "Partition", "Region", "Status", "pack"]
