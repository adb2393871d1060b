"""The other five definitions of a region, counted from the activation regions of a complete partition.

| name | a region is |
|---|---|
| `patterns` (R1) | a set of inputs with one activation pattern, lower-dimensional ones included |
| `activation` (R2) | such a set of full dimension |
| `convex` (R3) | a piece of a least division into convex pieces: between R4 and R2 |
| `linear` (R4) | a maximal open connected set on which the function is affine |
| `closed` (R5) | a maximal closed connected set with interior on which the function is affine |
| `affine` (R6) | all inputs at which the function has one affine map around it |

R6 <= R5 <= R4 <= R3 <= R2 <= R1.  The domain is taken as a closed set, and R3 to R6 are about the function on the
domain: on a slice, two maps that agree on the slice are one.

Source: Stargalla, Hertrich, Reichman 2025 (arXiv:2505.16716), Definitions 1 to 6.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from ..activations import MaxGroups
from ..errors import InputError
from ..network import Network
from .affine import affine_classes
from .closed import closed_classes, components
from .count import Count, Kind, Status
from .counts import Counts, Interval
from .packing import pack

NAMES = ("patterns", "activation", "convex", "linear", "closed", "affine")
MERGED = ("linear", "closed", "affine")
SAMPLE = 4096  # regions of an incomplete list whose affine maps are compared whatever the time


def merged(partition: Any, definition: str) -> np.ndarray:
    """Number the regions of `linear`, `closed` or `affine` that the activation regions make up.

    `linear` (R4): an open connected set passes from one activation region to another through facets, so regions with
    equal maps that share a facet are one.

    `closed` (R5): for every affine map g, the connected components of the closed set {f = g} that have interior.
    Regions with equal maps that touch, be it in a point, are one; and two that do not touch are one as well where
    {f = g} leads from one to the other through a slice of a third region.  So reads the definition, "maximal closed
    connected set on which f is affine", when taken at its word.  Sets without interior are left out: |x| is affine on
    every curve y = |x| + c, which no region contains, and a count of such sets would be infinite.

    `affine` (R6): regions with equal maps are one, connected or not.

    Returns:
        One number per activation region, from 0 in the order of first appearance.
    """
    labels = partition._map_classes
    if definition == "closed" and len(labels):
        labels = closed_classes(partition, labels)
    elif definition == "linear" and len(labels):
        pairs = partition.complex.facet_regions
        pairs = pairs[(pairs >= 0).all(axis=1)]
        pairs = pairs[labels[pairs[:, 0]] == labels[pairs[:, 1]]]
        labels = components(len(labels), pairs.ravel(), np.repeat(np.arange(len(pairs)), 2))
    return first_appearance(labels)


def first_appearance(labels: np.ndarray) -> np.ndarray:
    """The same classes, numbered from 0 in the order in which they appear."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def patterns_attained(partition: Any) -> np.ndarray:
    """Every activation pattern attained anywhere in the closed domain (R1), (patterns, units), sorted.

    In the relative interior of a face all signs are constant, so there is one pattern per face; a sign 0 counts as
    `Network.pattern` counts it: a breakpoint belongs to the piece on its left, a tie to the lowest row.
    """
    cells, network = partition.complex, partition.network
    found = np.zeros((0, network.unit_count), dtype=np.int32)
    for k in range(partition.domain.dim + 1):
        new = face_patterns(network, cells.columns, cells.faces(k).signs)
        found = _distinct(np.concatenate([found, new]), network)
    return found


def face_patterns(network: Network, columns: Any, signs: np.ndarray) -> np.ndarray:
    """Activation patterns (faces, units) from the signs of the columns (faces, columns)."""
    out = np.zeros((len(signs), network.unit_count), dtype=np.int32)
    groups: dict[tuple[int, int, int], list[int]] = {}
    for c, column in enumerate(columns):
        if column.kind != "unit" or column.pattern < 0:
            continue
        if isinstance(network.stages[column.stage].activation, MaxGroups):
            groups.setdefault((column.pattern, column.stage, column.unit), []).append(c)
        else:
            out[:, column.pattern] += signs[:, c] > 0
    for (at, stage, unit), own in groups.items():
        rows = int(network.stages[stage].activation.pieces[unit])
        loses = np.zeros((len(signs), rows), dtype=bool)
        for c in own:
            a, b = columns[c].rows
            loses[:, a] |= signs[:, c] < 0
            loses[:, b] |= signs[:, c] > 0
        out[:, at] = np.argmin(loses, axis=1)  # the lowest row that loses to none
    return out


def _distinct(patterns: np.ndarray, network: Network) -> np.ndarray:
    if not patterns.shape[1]:
        return patterns[:1]
    return patterns[np.unique(pack(patterns, network.pieces), axis=0, return_index=True)[1]]


def counted(partition: Any, definition: str) -> Count | Interval | Counts:
    """The number of regions of a partition under a definition, or under all of them.

    Of an incomplete partition the numbers are lower bounds: for `patterns` the regions found; for `linear`, `closed`
    and `affine` the distinct affine maps found, since pieces that are apart in a part of the domain may be one in the
    whole.
    """
    tally = _Tally(partition)
    if definition != "all":
        return tally.of(definition)
    # From the cheapest to the dearest, so that an interruption loses least.
    found = {name: tally.of(name) for name in ("activation", "affine", "linear", "closed", "patterns", "convex")}
    return Counts({name: found[name] for name in NAMES})


class _Tally:
    """Counts one definition after the other, each at most once."""

    def __init__(self, partition: Any):
        self.partition, self.started = partition, time.perf_counter()
        self.status, self.reason = partition.count.status, partition.count.reason
        self.done: dict[str, Count] = {"activation": partition.count}
        self.maps, self.stopped = 0, False

    def of(self, name: str) -> Count | Interval:
        if name == "convex":
            lower = replace(self._once("linear"), definition=name, kind=Kind.LOWER)
            # On a line, connected open sets are convex, so R3 = R4.
            above = "linear" if self.partition.domain.dim == 1 else "activation"
            upper = self._once(above)
            exact = upper.kind is Kind.EXACT
            return Interval(lower, replace(upper, definition=name, kind=Kind.UPPER) if exact else None)
        return self._once(name)

    def _once(self, name: str) -> Count:
        if name not in self.done:
            self.done[name] = self._count(name)
        return self.done[name]

    def _count(self, name: str) -> Count:
        value = self._tried(name) if self.status is Status.COMPLETE else None
        exact = value is not None
        if value is None:
            value = len(self.partition) if name == "patterns" else self._maps()
        return replace(
            self.partition.count,
            value=value,
            kind=Kind.EXACT if exact else Kind.LOWER,
            definition=name,
            seconds=self.partition.count.seconds + time.perf_counter() - self.started,
            status=Status.COMPLETE if exact else self.status,
            reason="" if exact else self.reason,
        )

    def _maps(self) -> int:
        """The distinct affine maps known of: those of as many regions as take no longer than the listing did."""
        if not self.stopped and self.maps == 0:
            try:
                self.maps = self._maps_in_time()
            except KeyboardInterrupt:
                self.stopped, self.status, self.reason = True, Status.INTERRUPTED, "interrupted"
        return max(self.maps, min(1, len(self.partition)))

    def _maps_in_time(self) -> int:
        n, started = len(self.partition), time.perf_counter()
        few = self._distinct(min(n, SAMPLE))
        rate = SAMPLE / (time.perf_counter() - started)
        fits = min(n, int(rate * max(1.0, self.partition.count.seconds)))
        return self._distinct(fits) if fits > SAMPLE else few

    def _distinct(self, regions: int) -> int:
        partition = self.partition
        return (
            int(affine_classes(partition.network, partition.domain, partition.patterns[:regions]).max(initial=-1)) + 1
        )

    def _tried(self, name: str) -> int | None:
        try:
            return self._value(name)
        except KeyboardInterrupt:
            self.stopped, self.status, self.reason = True, Status.INTERRUPTED, "interrupted"
        except InputError as error:  # the arguments were checked before: the complex is too large for memory
            self.status, self.reason = Status.BUDGET, str(error)
        return None

    def _value(self, name: str) -> int:
        if name == "patterns":
            return len(patterns_attained(self.partition))
        return int(merged(self.partition, name).max(initial=-1)) + 1
