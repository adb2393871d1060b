"""Binomial sums and symmetric polynomials, in integers: what bounds and constructions are counted with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate


def zaslavsky(hyperplanes: int, dim: int) -> int:
    """`Z(m, n) = sum_{j=0}^{n} C(m, j)`: the regions of m hyperplanes in general position in R^n.

    Example:
        >>> zaslavsky(4, 2), zaslavsky(10, 3)
        (11, 176)
    """
    return partial_sums(hyperplanes, min(hyperplanes, dim))[-1]


def central(hyperplanes: int, dim: int) -> int:
    """`2 sum_{s<n} C(m-1, s)`: the regions of m >= 1 hyperplanes in general position through the origin of R^n.

    Example:
        >>> central(4, 2), central(10, 3)
        (8, 92)
    """
    return 2 * zaslavsky(hyperplanes - 1, dim - 1)


@lru_cache(maxsize=256)
def binomials(n: int, most: int | None = None) -> tuple[int, ...]:
    """`C(n, 0), ..., C(n, most)` of Pascal's triangle; up to n if `most` is None."""
    most = n if most is None else most
    # A whole row of a very wide layer would not fit into memory; its first numbers do.
    row = [1]
    for k in range(min(most, n // 2)):
        row.append(row[-1] * (n - k) // (k + 1))
    mirrored = row[(n - 1) // 2 :: -1] if most > n // 2 and n else []
    return tuple((row + mirrored)[: most + 1])


@lru_cache(maxsize=256)
def partial_sums(n: int, most: int | None = None) -> tuple[int, ...]:
    """`Z(n, 0), ..., Z(n, most)`; up to n if `most` is None."""
    return tuple(accumulate(binomials(n, most)))


def elementary_symmetric(groups: Iterable[tuple[int, int]], most: int) -> list[int]:
    """`e_0, ..., e_most` of the numbers given as (value, how many of it).

    Example:
        >>> elementary_symmetric([(1, 4)], 2)  # C(4, j)
        [1, 4, 6]
    """
    out = [1]
    for value, times in groups:
        # The generating polynomial of `times` equal values is (1 + value x)^times.
        factor = [c * value**j for j, c in enumerate(binomials(times)[: most + 1])]
        longest = min(len(out) + len(factor) - 2, most)
        out = [
            sum(out[i - j] * factor[j] for j in range(max(0, i - len(out) + 1), min(i, len(factor) - 1) + 1))
            for i in range(longest + 1)
        ]
    return out + [0] * (most + 1 - len(out))


def product(values: Sequence[int]) -> int:
    """The product, large factors last, so that long integers meet short ones only once."""
    return math.prod(sorted(values))
