"""What an engine returns: counts with their kind and status, and partitions into regions."""

from __future__ import annotations

from .count import Count, Kind, Status
from .packing import pack
from .partition import Partition, Region

__all__ = ["Count", "Kind", "Partition", "Region", "Status", "pack"]
