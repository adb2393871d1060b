"""The one place where scores import torch, so that a missing torch is one sentence with the remedy in it."""

from __future__ import annotations

from ..errors import MissingExtraError

try:
    import torch
    from torch import nn
except ImportError as error:
    raise MissingExtraError(
        "scores: torch is not installed; install it with: pip install 'linregions[torch]'"
    ) from error

__all__ = ["nn", "torch"]
