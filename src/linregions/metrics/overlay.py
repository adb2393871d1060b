"""The common refinement of two partitions of one domain, and how much was split and merged between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..activations import UnitActivations
from ..checks import plural
from ..combining import joint
from ..counting import enumerate_regions
from ..domain import Domain
from ..errors import InputError
from ..network import Network
from ..partition import Count, Partition
from ..partition.packing import field_widths
from .tracing import as_network

BLOCK = 2**14  # regions whose patterns are unpacked at once


@dataclass(frozen=True, eq=False, repr=False)
class Overlay:
    """The pieces that the regions of two networks cut each other into, on one domain.

    Attributes:
        domain: where.
        a: (pieces,) number of the first network's region that holds each piece, from 0.
        b: (pieces,) the same of the second network.
        areas: (pieces,) volumes in the domain's coordinates, float64, as exact as `Partition.volumes`.
        patterns_a: (regions of a, units of a) what the numbers stand for.
        patterns_b: (regions of b, units of b).
        count: of the pieces; where its status is not complete, only a part of the domain was seen.
    """

    domain: Domain
    a: np.ndarray
    b: np.ndarray
    areas: np.ndarray
    patterns_a: np.ndarray
    patterns_b: np.ndarray
    count: Count

    def __len__(self) -> int:
        return len(self.a)

    def __repr__(self) -> str:
        return f"Overlay: {len(self.patterns_a)} and {len(self.patterns_b)} regions in {plural(len(self), 'piece')}"

    @property
    def areas_a(self) -> np.ndarray:
        """(regions of a,) the area of each region that was seen."""
        return np.bincount(self.a, self.areas, len(self.patterns_a))

    @property
    def areas_b(self) -> np.ndarray:
        """(regions of b,)."""
        return np.bincount(self.b, self.areas, len(self.patterns_b))

    @property
    def unchanged(self) -> np.ndarray:
        """(pieces,) whether the piece is a whole region of both networks; combinatorial, for a complete overlay."""
        alone_a = np.bincount(self.a, minlength=len(self.patterns_a)) == 1
        alone_b = np.bincount(self.b, minlength=len(self.patterns_b)) == 1
        return alone_a[self.a] & alone_b[self.b]


@dataclass(frozen=True)
class SplitMerge:
    """Information between two partitions of one domain, in nats.

    Attributes:
        split: H(after | before), what splitting the regions of `before` adds.
        merge: H(before | after), what merging them loses.
        h_before: entropy of the areas before.
        h_after: entropy of the areas after; `merge - split = h_before - h_after`.
        unchanged: share of the area in regions that are the same set before and after.
    """

    split: float
    merge: float
    h_before: float
    h_after: float
    unchanged: float

    @property
    def vi(self) -> float:
        """Variation of information, split + merge: a distance between partitions."""
        return self.split + self.merge

    def as_dict(self) -> dict[str, float]:
        """The numbers by the names that trackers use."""
        return {
            "split_info": self.split,
            "merge_info": self.merge,
            "variation_of_information": self.vi,
            "entropy_before": self.h_before,
            "entropy_after": self.h_after,
            "unchanged_share": self.unchanged,
        }

    def __str__(self) -> str:
        return f"split {self.split:.4g}, merge {self.merge:.4g} nats, {100 * self.unchanged:.3g} % unchanged"


def overlay(
    net_a: Any,
    net_b: Any,
    domain: Domain,
    *,
    threads: int | None = 1,
    time_limit: float | None = None,
    max_regions: int | None = None,
) -> Overlay:
    """The regions of two networks laid over each other: the exact partition of the network that is both.

    Args:
        net_a: the network before; a Network or what a reader takes.
        net_b: the network after, of the same inputs; its widths may differ.
        domain: where, bounded, in dimension 1 to 8.
        threads: of the engine; None takes all cores.
        time_limit: seconds; what was found by then is returned, and `count` says that it is not all.
        max_regions: stop at this many pieces, in the same way.

    Returns:
        An `Overlay`; which pieces there are is exact.

    Raises:
        InputError: the networks take different inputs, or do not fit the domain.

    Source: spec of test T3; information between partitions as in Meila 2007 (variation of information).

    Example:
        >>> from linregions import Box
        >>> half = Network.from_arrays([([[1.0, 0.0]], [0.0]), ([[1.0]], [0.0])])
        >>> quarters = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> both = overlay(half, quarters, Box.cube(-1, 1, 2))
        >>> both, float(split_merge(both).split / np.log(2))
        (Overlay: 2 and 4 regions in 4 pieces, 1.0)
    """
    a, b = as_network(net_a), as_network(net_b)
    if a.input_dim != b.input_dim:
        raise InputError(
            f"net_b: takes {plural(b.input_dim, 'input')} and net_a {a.input_dim}, so it is a checkpoint of another "
            "architecture; give two networks of the same inputs"
        )
    partition = enumerate_regions(
        joint([a, b]), domain, threads=threads, time_limit=time_limit, max_regions=max_regions
    )
    return overlay_of(partition, [a, b])


def overlay_of(partition: Partition, networks: Sequence[Network]) -> Overlay:
    """The overlay that a partition of `joint(networks)`, two networks, is."""
    owner = owners(networks)
    numbers, tables = [], []
    for k, net in enumerate(networks):
        table, number = _regions(partition, owner == k, net.pieces)
        numbers.append(number)
        tables.append(table)
    areas = np.maximum(partition.volumes, 0.0)
    return Overlay(partition.domain, numbers[0], numbers[1], areas, tables[0], tables[1], partition.count)


def _regions(partition: Partition, mine: np.ndarray, pieces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different patterns (regions, units) of some columns, and which one each region of the partition has.

    On packed bits: rows of a thousand numbers would take seconds to sort.
    """
    widths = field_widths(partition.network.pieces)
    total, columns = int(widths.sum()), np.repeat(mine, widths)
    keys = np.zeros((len(partition), max(1, (int(columns.sum()) + 7) // 8)), dtype=np.uint8)
    for a in range(0, len(partition), BLOCK):
        bits = np.unpackbits(partition.packed[a : a + BLOCK], axis=1, bitorder="little", count=total)
        packed = np.packbits(_columns(bits, columns), axis=1, bitorder="little")
        keys[a : a + BLOCK, : packed.shape[1]] = packed
    _, first, number = np.unique(
        keys.view(np.dtype((np.void, keys.shape[1]))).ravel(), return_index=True, return_inverse=True
    )
    bits = _columns(np.unpackbits(partition.packed[first], axis=1, bitorder="little", count=total), columns)
    table = np.zeros((len(first), len(pieces)), dtype=np.uint8 if not len(pieces) or pieces.max() <= 256 else np.int32)
    at, own = np.concatenate([[0], np.cumsum(widths[mine])]).astype(np.int64), widths[mine]
    for bit in range(int(own.max(initial=0))):
        has = own > bit
        table[:, has] |= bits[:, at[:-1][has] + bit].astype(table.dtype) << bit
    return table, number.reshape(-1).astype(np.int64)


def _columns(bits: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The chosen columns, copied run by run: they are the blocks of a few stages."""
    ends = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]]).astype(np.int8)))
    runs = [bits[:, a:b] for a, b in zip(ends[::2], ends[1::2], strict=True)]
    return np.concatenate(runs, axis=1) if runs else bits[:, :0]


def owners(networks: Sequence[Network]) -> np.ndarray:
    """Which network each column of the joint network's patterns belongs to.

    In each of its stages those networks take theirs whose next one is scalar, or else a max; the others are carried.
    """
    waiting = [list(net.stages) for net in networks]
    out: list[np.ndarray] = []
    while any(waiting):
        plain = [k for k, w in enumerate(waiting) if w and isinstance(w[0].activation, UnitActivations)]
        for k in plain or [k for k, w in enumerate(waiting) if w]:
            stage = waiting[k].pop(0)
            out.append(np.full(int((stage.activation.pieces > 1).sum()), k))
    return np.concatenate(out) if out else np.zeros(0, dtype=np.int64)


def split_merge(overlay: Overlay) -> SplitMerge:
    """How much of a partition was split and how much merged on the way to another, in nats.

    With `p_ij` the share of the area in region i before and j after: split `= -sum p_ij log(p_ij / p_i)`, merge
    `= -sum p_ij log(p_ij / p_j)`.  Of an overlay that is not complete, shares are of what was seen.

    Returns:
        A `SplitMerge`.

    Raises:
        InputError: the domain is unbounded, or nothing was listed.

    Example:
        >>> from linregions import Box
        >>> half = Network.from_arrays([([[1.0]], [0.0]), ([[1.0]], [0.0])])
        >>> print(split_merge(overlay(half, half, Box([-1], [1]))))
        split 0, merge 0 nats, 100 % unchanged
    """
    total = float(overlay.areas.sum())
    if not 0.0 < total < np.inf:
        raise InputError(f"overlay: its pieces have the total area {total:g}; use a bounded domain and a larger budget")
    p, a, b = overlay.areas / total, overlay.areas_a / total, overlay.areas_b / total
    return SplitMerge(
        split=_conditional(p, a[overlay.a]),
        merge=_conditional(p, b[overlay.b]),
        h_before=_conditional(a, np.ones(len(a))),
        h_after=_conditional(b, np.ones(len(b))),
        unchanged=float(p[overlay.unchanged].sum()),
    )


def _conditional(part: np.ndarray, whole: np.ndarray) -> float:
    """`sum part log(whole / part)`, with 0 log 0 = 0."""
    seen = part > 0
    return float(max(0.0, np.sum(part[seen] * np.log(whole[seen] / part[seen]))))
