"""A slow counter of full-dimensional activation regions in rational arithmetic, written to be believed by reading.

It shares nothing with the library but the plain numbers of a `Network` and a `Domain`: no geometry, no floating point.
Every region comes with a rational witness and every refused region with a linear combination that refutes it, both
checked where they arise.
"""

from .line import line_patterns
from .regions import Region, count, patterns, regions

__all__ = ["Region", "count", "line_patterns", "patterns", "regions"]
