"""How well a score ranks: rank correlations, partial correlations and top-k regret, each with a bootstrap interval.

    spearman, kendall     agreement of two rankings
    partial_spearman      what a score knows beyond its controls
    difference_of         whether one score ranks better than another, on the same objects
    top_k_regret          what choosing by a score costs

The interval of every number is a percentile interval: the objects (architectures) are drawn again with replacement,
all scores of an object together.  Fewer than ten objects, or than 5 (controls + 1), get no interval: theirs would look
certain and mean nothing.  Ties share their middle rank; minus infinity is a rank like any other; NaN is
refused.
"""

from .kendall import kendall
from .partial import partial_spearman
from .record import Correlation, TopK
from .spearman import difference_of, spearman
from .topk import top_k_regret

__all__ = ["Correlation", "TopK", "difference_of", "kendall", "partial_spearman", "spearman", "top_k_regret"]
