"""Deep against shallow: all depths of one budget side by side, with bounds, constructions and counts."""

from .measure import compare
from .record import Built, Comparison, Row, Sample

__all__ = ["Built", "Comparison", "Row", "Sample", "compare"]
