"""How the slope of the network changes over the regions of a slice: jumps across edges, and what adds up from them.

`maps` are those of `slice_maps`, (regions, outputs, 3); J is its first two columns, the Jacobian restricted to the
slice, and norms are Frobenius norms, which orthonormal coordinates leave as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import real_number, shown
from ..errors import InputError
from .regions import inner_edges
from .rings import rings

if TYPE_CHECKING:
    from ..partition.polygons import Polygons

CHUNK = 2**21  # numbers in one array of differences


@dataclass(frozen=True, eq=False)
class Jumps:
    """The jump of the Jacobian across every edge between two listed regions, each edge once.

    Attributes:
        corners: (edges,) the corner of the polygons that stands for the edge.
        regions: (edges, 2) the regions on both sides.
        lengths: (edges,) length of the edge.
        sizes: (edges,) |J_i - J_j|.
        relative: (edges,) |J_i - J_j| / (|J_i| + |J_j|), in [0, 1]; 0 where both are 0.
        similarity: (edges,) <J_i, J_j> / (|J_i| |J_j|), in [-1, 1]; NaN where one of them is 0.
    """

    corners: np.ndarray
    regions: np.ndarray
    lengths: np.ndarray
    sizes: np.ndarray
    relative: np.ndarray
    similarity: np.ndarray

    def __len__(self) -> int:
        return len(self.corners)

    def __repr__(self) -> str:
        return f"Jumps: {len(self):,} edges, total variation {float(self.lengths @ self.sizes):.6g}"


def jumps(p: Polygons, maps: np.ndarray) -> Jumps:
    """Jump of the Jacobian across every edge inside the slice.

    Across the boundary of one unit k of a ReLU network it has rank one, J+ - J- = g_k (grad z_k)^T with g_k the
    gradient of the outputs with respect to the unit, so |J+ - J-| = |g_k| |grad z_k|.

    Args:
        p: polygons of a slice.
        maps: (regions, outputs, 3).

    Raises:
        InputError: `maps` has another shape.

    Example:
        >>> from linregions import Box, Network, enumerate_regions
        >>> net = Network.from_arrays([([[3.0, 4.0]], [0.0]), ([[2.0]], [0.0])])
        >>> from linregions.metrics import slice_maps
        >>> partition = enumerate_regions(net, Box.cube(-1, 1, 2))
        >>> jumps(partition.polygons, slice_maps(partition)).sizes.tolist()
        [10.0]
    """
    slopes = _slopes(p, maps)
    at = inner_edges(p)
    at = at[np.asarray(p.neighbours)[at] >= 0]
    r = rings(p)
    i, j = r.owner[at], np.asarray(p.neighbours)[at]
    squares = np.einsum("ij,ij->i", slopes, slopes)
    sizes, products = np.empty(len(at)), np.empty(len(at))
    step = max(1, CHUNK // max(1, slopes.shape[1]))
    for a in range(0, len(at), step):
        left, right = slopes[i[a : a + step]], slopes[j[a : a + step]]
        products[a : a + step] = np.einsum("ij,ij->i", left, right)
        left -= right
        sizes[a : a + step] = np.sqrt(np.einsum("ij,ij->i", left, left))
    norms = np.sqrt(squares)
    total = norms[i] + norms[j]
    with np.errstate(all="ignore"):
        relative = np.where(total > 0, sizes / total, 0.0)
        similarity = np.clip(products / (norms[i] * norms[j]), -1.0, 1.0)
    return Jumps(at, np.stack([i, j], axis=1), r.lengths[at], sizes, relative, similarity)


def gradient_variation(p: Polygons, maps: np.ndarray) -> float:
    """Total variation of the Jacobian over the slice: sum over inner edges of length times |J_i - J_j|.

    The Jacobian is constant on every region, so this is its total variation as a function of the slice.

    Example:
        >>> from linregions import Box, Network, enumerate_regions
        >>> net = Network.from_arrays([([[3.0, 0.0]], [0.0]), ([[2.0]], [0.0])])
        >>> from linregions.metrics import slice_maps
        >>> partition = enumerate_regions(net, Box.cube(-1, 1, 2))
        >>> gradient_variation(partition.polygons, slice_maps(partition))
        12.0
    """
    found = jumps(p, maps)
    return float(found.lengths @ found.sizes)


def merged_regions(p: Polygons, maps: np.ndarray, *, eps: float = 1e-9) -> np.ndarray:
    """Number the regions anew, (regions,), neighbours with one number where their relative jump is below `eps`.

    Numbers are joined along chains of neighbours.  This is an estimate in float64;
    `Partition.merged("linear")` decides equality of maps exactly.

    Raises:
        InputError: `eps` is no number of [0, 1], or `maps` has another shape.

    Example:
        >>> from linregions import Box, Network, enumerate_regions
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 0.0]], [0.0])])
        >>> from linregions.metrics import slice_maps
        >>> partition = enumerate_regions(net, Box.cube(-1, 1, 2))
        >>> len(set(merged_regions(partition.polygons, slice_maps(partition)).tolist()))
        2
    """
    return _components(len(rings(p)), jumps(p, maps), _eps(eps))[1]


def n_regions_merged(p: Polygons, maps: np.ndarray, *, eps: float = 1e-9) -> int:
    """Number of regions that remain when neighbours with a relative jump below `eps` are one.

    Activation regions can stay numerous while the network is constant: log this one beside them, with its `eps`.

    Example:
        >>> from linregions import Box, Network, enumerate_regions
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 0.0]], [0.0])])
        >>> from linregions.metrics import slice_maps
        >>> partition = enumerate_regions(net, Box.cube(-1, 1, 2))
        >>> n_regions_merged(partition.polygons, slice_maps(partition))
        2
    """
    return _components(len(rings(p)), jumps(p, maps), _eps(eps))[0]


def neighbour_similarity(p: Polygons, maps: np.ndarray) -> np.ndarray:
    """Cosine of the Jacobians on both sides of every inner edge, <J_i, J_j> / (|J_i| |J_j|), (edges,).

    NaN where one of them is 0.  The edges are those of `jumps`.

    Example:
        >>> from linregions import Box, Network, enumerate_regions
        >>> net = Network.from_arrays([([[1.0, 0.0], [-1.0, 0.0]], [0.0, 0.0]), ([[1.0, 2.0]], [0.0])])
        >>> from linregions.metrics import slice_maps
        >>> partition = enumerate_regions(net, Box.cube(-1, 1, 2))
        >>> neighbour_similarity(partition.polygons, slice_maps(partition)).tolist()
        [-1.0]
    """
    return jumps(p, maps).similarity


def gradient_norms(maps: np.ndarray) -> np.ndarray:
    """Frobenius norm |J| of the Jacobian on every region, restricted to the slice, (regions,).

    Example:
        >>> gradient_norms(np.array([[[3.0, 0.0, 7.0], [0.0, 4.0, 7.0]]])).tolist()
        [5.0]
    """
    slopes = np.asarray(maps)[:, :, :2]
    return np.sqrt(np.einsum("ijk,ijk->i", slopes, slopes))


def singular_values(maps: np.ndarray) -> np.ndarray:
    """Both singular values of the Jacobian on every region, restricted to the slice, largest first, (regions, 2).

    Example:
        >>> singular_values(np.array([[[3.0, 0.0, 7.0], [0.0, 4.0, 7.0]]])).tolist()
        [[4.0, 3.0]]
    """
    slopes = np.asarray(maps)[:, :, :2]
    if slopes.shape[1] > 2:
        slopes = np.linalg.qr(slopes, mode="r")  # not the Gram matrix: that squares the condition
    found = np.linalg.svd(slopes, compute_uv=False)
    return found if found.shape[1] == 2 else np.pad(found, ((0, 0), (0, 1)))


def jacobian_summary(p: Polygons, maps: np.ndarray, eps: float = 1e-9) -> dict[str, float]:
    """The part of `summary` that needs maps: variation, merged count, similarity, relative jumps, norms.

    `jump` and `jump_relative` are means over the inner edges by length, `neighbour_similarity` the median over them,
    `jac_norm` the mean of |J| over the slice by area, NaN where there is nothing to take it over.
    """
    found, norms = jumps(p, maps), gradient_norms(maps)
    areas, similar = np.asarray(p.areas), found.similarity[np.isfinite(found.similarity)]
    length, area = float(found.lengths.sum()), float(areas.sum())
    variation = float(found.lengths @ found.sizes)
    nan = float("nan")
    return {
        "gradient_variation": variation,
        "n_regions_merged": float(_components(len(rings(p)), found, _eps(eps))[0]),
        "merged_eps": float(eps),
        "neighbour_similarity": float(np.median(similar)) if len(similar) else nan,
        "jump": variation / length if length > 0 else nan,
        "jump_relative": float(found.lengths @ found.relative) / length if length > 0 else nan,
        "jac_norm": float(areas @ norms) / area if area > 0 else nan,
        "jac_norm_median": float(np.median(norms)) if len(norms) else nan,
    }


def _components(count: int, found: Jumps, eps: float) -> tuple[int, np.ndarray]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    i, j = found.regions[found.relative < eps].T
    graph = coo_array((np.ones(len(i), dtype=np.int8), (i, j)), shape=(count, count))
    number, labels = connected_components(graph, directed=False)
    return int(number), labels.astype(np.int64)


def _slopes(p: Any, maps: np.ndarray) -> np.ndarray:
    """The Jacobians as rows (regions, 2 outputs)."""
    maps, count = np.asarray(maps), len(rings(p))
    if maps.ndim != 3 or maps.shape[0] != count or maps.shape[2] != 3:
        raise InputError(f"maps: expected ({count}, outputs, 3) as slice_maps gives them, got shape {maps.shape}")
    # By column, as slice_maps lays them out: their order does not matter to norms and products.
    return np.ascontiguousarray(maps[:, :, :2].transpose(0, 2, 1)).reshape(count, -1)


def _eps(eps: Any) -> float:
    number = real_number(eps, "eps")
    if not 0.0 <= number <= 1.0:
        raise InputError(f"eps must be a number from 0 to 1, got {shown(eps)}")
    return number
