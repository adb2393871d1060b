"""Hold the library's count and enumeration against the oracle's."""

from __future__ import annotations

from collections import Counter

import numpy as np

from linregions.domain import Domain
from linregions.network import Network

from .regions import patterns


def exact_count(net: Network, domain: Domain, *, engine: str = "auto") -> int:
    """The library's number, which must call itself exact; where two engines apply, they must agree."""
    import linregions

    found = linregions.count(net, domain, engine=engine)
    assert found.kind.value == "exact", found
    assert found.status.value == "complete", found
    if engine == "auto" and found.engine != "cells":
        assert exact_count(net, domain, engine="cells") == found.value
    return found.value


def enumerated(net: Network, domain: Domain) -> set[tuple[int, ...]]:
    """The library's set of patterns, which must not repeat itself."""
    import linregions

    rows = np.asarray(linregions.enumerate_regions(net, domain).patterns)
    assert rows.shape == (len(rows), net.unit_count)
    tally = Counter(tuple(int(v) for v in row) for row in rows)
    assert max(tally.values(), default=1) == 1, "a pattern is listed twice"
    return set(tally)


def assert_same(net: Network, domain: Domain) -> int:
    """Count and patterns agree with the oracle; returns the number of regions."""
    expected = patterns(net, domain)
    assert exact_count(net, domain) == len(expected)
    found = enumerated(net, domain)
    assert found == expected, f"missing {sorted(expected - found)[:3]}, invented {sorted(found - expected)[:3]}"
    return len(expected)
