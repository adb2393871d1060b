"""Numbers of regions that are too large to count: lower bounds by sampling, estimates with intervals, upper bounds."""

from .bracket import estimate, upper_bound
from .record import Bracket, Coverage, Estimate, Sampling
from .sampling import sample_regions

__all__ = ["Bracket", "Coverage", "Estimate", "Sampling", "estimate", "sample_regions", "upper_bound"]
