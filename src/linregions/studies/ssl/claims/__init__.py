"""The tests T1 to T5 of the study of self-supervised learning, and what they say of the claims they were made for.

    fewer       T1: fewer regions than supervised encoders of the same quality?
    expansion   T2: do regions expand over time?
    merging     T3: are neighbouring regions merged?
    quality     T4: do numbers of the partition go with the quality of the representation?
    collapse    T5: is collapse seen early?
    claims      all of them on the rows of a study

Numbers are means over seeds, methods and slices, with intervals that are unions of a crossed bootstrap and Student's;
each verdict is holds, does not hold or undecided, by a rule that its function states.
"""

from .answers import Answer, Claims, claims
from .collapse import collapse, detectors
from .expansion import expansion
from .fewer import fewer
from .finding import Finding
from .intervals import Estimate, crossed, decide
from .merging import merging
from .quality import quality
from .series import Run, Runs

__all__ = [
    "Answer",
    "Claims",
    "Estimate",
    "Finding",
    "Run",
    "Runs",
    "claims",
    "collapse",
    "crossed",
    "decide",
    "detectors",
    "expansion",
    "fewer",
    "merging",
    "quality",
]
