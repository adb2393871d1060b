"""The one place where training imports torch, so that a missing torch is one sentence with the remedy in it."""

from __future__ import annotations

from ...errors import MissingExtraError

try:
    import torch
except ImportError as error:
    raise MissingExtraError(
        "train: torch is not installed; install it with: pip install 'linregions[torch]'"
    ) from error

__all__ = ["torch"]
