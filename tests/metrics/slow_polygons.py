"""The polygons of a partition by a slow second route: its polyhedral complex."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from linregions.domain import Domain
from linregions.partition import Count, Partition


@dataclass(frozen=True, eq=False)
class SlowPolygons:
    domain: Domain
    count: Count
    indptr: np.ndarray
    points: np.ndarray
    radii: np.ndarray
    neighbours: np.ndarray
    units: np.ndarray
    layers: np.ndarray
    vertices: np.ndarray
    xy: np.ndarray

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def polygon(self, i: int) -> np.ndarray:
        return self.xy[self.indptr[i] : self.indptr[i + 1]]

    @cached_property
    def areas(self) -> np.ndarray:
        return np.array([shoelace(self.polygon(i)) for i in range(len(self))])

    @cached_property
    def area_domain(self) -> float:
        return float(self.areas.sum())


def shoelace(corners: np.ndarray) -> float:
    x, y = (corners - corners[0]).T
    return float(x @ np.roll(y, -1) - np.roll(x, -1) @ y) / 2


def polygons_of(partition: Partition) -> SlowPolygons:
    """Corners in order by angle; the edge between two of them is the facet of the complex that has both."""
    c = partition.complex
    facets = {}
    for f in range(len(c.facet_indptr) - 1):
        ends = c.facet_vertices[c.facet_indptr[f] : c.facet_indptr[f + 1]]
        facets[frozenset(ends.tolist())] = f
    rows: dict[str, list[Any]] = {name: [] for name in ("vertices", "neighbours", "units", "layers")}
    sizes = []
    for i in range(len(partition)):
        members = c.region_vertices[c.region_indptr[i] : c.region_indptr[i + 1]]
        local = c.points[members] - c.points[members].mean(axis=0)
        ring = members[np.argsort(np.arctan2(local[:, 1], local[:, 0]))].tolist()
        sizes.append(len(ring))
        for v, w in zip(ring, ring[1:] + ring[:1], strict=True):
            f = facets[frozenset((v, w))]
            pair = c.facet_regions[f].tolist()
            columns = [c.columns[k] for k in c.facet_columns[c.facet_columns_indptr[f] : c.facet_columns_indptr[f + 1]]]
            across = pair[1] if pair[0] == i else pair[0]
            split = min(((k.stage, k.pattern) for k in columns if k.kind == "unit"), default=(-1, -1))
            stage, unit = split if across >= 0 else (-1, -1)
            for name, value in zip(rows, (v, across, unit, stage), strict=True):
                rows[name].append(value)
    arrays = {name: np.array(values, dtype=np.int64) for name, values in rows.items()}
    points = c.points[arrays["vertices"]]
    return SlowPolygons(
        domain=partition.domain,
        count=partition.count,
        indptr=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        points=points,
        radii=c.radii[arrays["vertices"]],
        xy=in_plane(partition.domain, points),
        **arrays,
    )


def in_plane(domain: Domain, points: np.ndarray) -> np.ndarray:
    """Orthonormal coordinates, by the QR decomposition; the library orthogonalises."""
    if domain.embedding is None:
        return points
    matrix = np.array([[float(v) for v in row] for row in domain.embedding])[:, :2]
    turn = np.linalg.qr(matrix, mode="r")
    return points @ (turn * np.sign(np.diag(turn))[:, None]).T
