"""Run folders: what a long count or listing has done so far, on disk, and partitions read from there piece by piece."""

from __future__ import annotations

from .files import DamageWarning
from .folder import Manifest, RunFolder
from .lazy import SavedPartition
from .shards import Batch

__all__ = ["Batch", "DamageWarning", "Manifest", "RunFolder", "SavedPartition"]
