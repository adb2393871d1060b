"""Long runs: saved as they go, resumed, read from disk, and merged."""

from __future__ import annotations

from .merging import merge
from .saving import open_run, resume, save

__all__ = ["merge", "open_run", "resume", "save"]
