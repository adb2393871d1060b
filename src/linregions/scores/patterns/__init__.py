"""Counting activation patterns while the layers go by: no activation is kept.

`PatternCounter` counts the patterns of units over the samples (the SWAP-Score); `RowCounter` and `HammingKernel`
compare the samples with each other (the standard pattern count, and NWOT).
"""

from .batches import BatchCounter
from .between import Between
from .compare import above, below
from .counter import METHODS, LayerPatterns, PatternCounter
from .kernel import HammingKernel
from .reading import Reader, read
from .rows import RowCounter

__all__ = [
    "METHODS",
    "BatchCounter",
    "Between",
    "HammingKernel",
    "LayerPatterns",
    "PatternCounter",
    "Reader",
    "RowCounter",
    "above",
    "below",
    "read",
]
