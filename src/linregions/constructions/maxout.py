"""One layer of maxout units whose breaks are parallel families in general position: as many regions as there can be."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np

from ..activations import IDENTITY, MaxGroups, UnitActivations
from ..checks import shown, whole_number
from ..combinatorics import elementary_symmetric
from ..domain import Space
from ..errors import InputError
from ..network import Network
from ..stage import Stage
from .construction import Construction
from .general_position import exact_array


def maxout_parallel(inputs: int, ranks: Iterable[int]) -> Construction:
    """Maxout units of the given ranks that attain the maximum of one layer: `sum_{j<=n} e_j(k_1 - 1, ..., k_m - 1)`.

    Unit i is `max_j (j a_i.x - c_ij)`, j = 0, ..., k_i - 1, which breaks on the k_i - 1 parallel hyperplanes
    `a_i.x = t_ij = c_i,j+1 - c_ij`.  With `a_i = (1, s_i, ..., s_i^(n-1))` and `t_ij = M s_i^n + j` for different
    integers s_i they are in general position.  Proof: n normals are independent by Vandermonde, and n + 1 hyperplanes
    of different families share a point only if a polynomial of degree n - 1 takes the values t at the s, so if the
    divided difference `M + sum_i j_i / prod_{l != i} (s_i - s_l)` is zero; but the sum is at most
    `max j * 2^n / n! <= 2 max j < M`.

    Args:
        inputs: number of inputs n.
        ranks: for each unit, of how many affine maps it is the maximum.

    Returns:
        A `Construction`, exact on the whole space; the linear regions are the activation regions.

    Raises:
        InputError: a number is not a positive whole one, or the weights would not be float64.

    Reference:
        Montúfar, Ren, Zhang 2022, Sharp bounds for the number of regions of maxout networks.

    Example:
        >>> c = maxout_parallel(2, [3, 3, 3])
        >>> c.regions, c.confirmed()
        (19, True)
    """
    inputs, sizes = whole_number(inputs, "inputs"), _ranks(ranks)
    name = f"maxout_parallel ({inputs}; ranks {', '.join(map(str, sizes))})"
    spread = 2 * max(sizes) + 1
    weight, bias = [], []
    for k, rank in enumerate(sizes):
        s = (k + 1) // 2 * (1 if k % 2 else -1)  # 0, 1, -1, 2, -2, ...
        normal = [s**power for power in range(inputs)]
        breaks = [spread * s**inputs + j for j in range(rank - 1)]
        for j, c in enumerate(itertools.accumulate(breaks, initial=0)):
            weight.append([Fraction(j * a) for a in normal])
            bias.append(Fraction(-c))
    groups = MaxGroups(np.cumsum([0, *sizes]))
    output = UnitActivations.uniform(IDENTITY, 1)
    network = Network(
        (
            Stage(exact_array(weight, name), exact_array(bias, name), groups, name="1"),
            Stage([[float(k) for k in range(1, len(sizes) + 1)]], [0.0], output, name="2"),
        ),
        source=name,
    )
    families = Counter(rank - 1 for rank in sizes)
    return Construction(
        name,
        network,
        Space(inputs),
        sum(elementary_symmetric(sorted(families.items()), inputs)),
        "sum_{j<=n} e_j(k_1 - 1, ..., k_m - 1)",
        "Montúfar, Ren, Zhang 2022; attained by parallel families",
    )


def _ranks(ranks: Any) -> list[int]:
    if isinstance(ranks, str | bytes) or not isinstance(ranks, Iterable):
        raise InputError(f"ranks must be a sequence of whole numbers, one for each unit, got {shown(ranks)}")
    sizes = [whole_number(rank, f"ranks: unit {k}") for k, rank in enumerate(ranks, start=1)]
    if not sizes:
        raise InputError("ranks: at least one unit is needed, got none")
    return sizes
