"""Networks with exact weights whose number of regions is known, and random ones."""

from .construction import Construction
from .folds import zigzag_product

__all__ = ["Construction", "zigzag_product"]
