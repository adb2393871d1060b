"""Random networks on planes, boxes and polytopes of dimension 2, with their regions and slow polygons."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import strategies as st
from slow_polygons import polygons_of

from linregions import Box, Network, Partition, Plane, Polytope, enumerate_regions
from linregions.domain import Domain


def net(rng: np.random.Generator, *widths: int, **keywords: Any) -> Network:
    """He-normal weights, biases of 0.3."""
    layers = [(rng.normal(size=(b, a)) * np.sqrt(2 / a), rng.normal(size=b) * 0.3) for a, b in pairwise(widths)]
    return Network.from_arrays(layers, **keywords)


def domain(rng: np.random.Generator, inputs: int, corners: int) -> Domain:
    """A plane whose region is a random convex polygon with `corners` corners; 0 takes a box or a polytope of R^2."""
    if corners:
        angle = 2 * np.pi * (np.arange(corners) + rng.uniform(-0.3, 0.3, corners)) / corners
        return Plane(*rng.normal(size=(3, inputs)), np.stack([np.cos(angle), np.sin(angle)], axis=1))
    if rng.random() < 0.5:
        return Box(-rng.random(2) - 0.1, rng.random(2) + 0.1)
    return Polytope([[1, 1], [-1, 0], [0, -1], [1, 0]], [1.0, 0.5, 0.25, 9.0])


@dataclass
class SliceCase:
    network: Network
    domain: Domain

    @cached_property
    def partition(self) -> Partition:
        return enumerate_regions(self.network, self.domain, threads=1)

    @cached_property
    def polygons(self) -> Any:
        return polygons_of(self.partition)


@st.composite
def slices(draw: st.DrawFn, outputs: int = 3) -> SliceCase:
    """Generic: the weights are normal."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    corners = draw(st.sampled_from([0, 3, 4, 4, 5, 7]))
    inputs = draw(st.integers(2, 5)) if corners else 2
    hidden = draw(st.lists(st.integers(1, 8), min_size=1, max_size=3))
    network = net(rng, inputs, *hidden, outputs, output=draw(st.sampled_from(["identity", "relu"])))
    return SliceCase(network, domain(rng, inputs, corners))
