"""The regions of a slice as numbers: how many, how large, of what shape, behind how much boundary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import whole_number
from ..errors import InputError
from . import shapes
from .rings import rings

if TYPE_CHECKING:
    from ..partition.polygons import Polygons

SLIVER = 1e-12  # of the slice's area: below it a ratio of lengths is a ratio of rounding errors
BORDER, UNLISTED = -1, -2
RATIOS = ("ecc_moment", "ecc_splinecam", "aspect", "roundness", "isoperimetric")


@dataclass(frozen=True)
class Inequality:
    """How unequal the areas are, with p_i = A_i / sum A.

    Attributes:
        mean, median: areas.
        weighted: sum A_i^2 / sum A_i, the expected area of the region that holds a random point of the slice.
        cv: standard deviation over mean.
        gini: 0 for equal areas, towards 1 where one region has all.
        entropy: -sum p_i log p_i, in nats.
        effective_number: exp(entropy): as many equal regions would have this entropy.
        inverse_simpson: 1 / sum p_i^2.
    """

    mean: float
    median: float
    weighted: float
    cv: float
    gini: float
    entropy: float
    effective_number: float
    inverse_simpson: float

    def as_dict(self) -> dict[str, float]:
        """The fields by name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def area_statistics(areas: Any) -> Inequality:
    """Statistics of areas (regions,); NaN where there are none.

    Example:
        >>> found = area_statistics([1.0, 1.0, 2.0])
        >>> round(found.weighted, 6), round(found.gini, 6), round(found.inverse_simpson, 6)
        (1.5, 0.166667, 2.666667)
    """
    a = np.sort(np.asarray(areas, dtype=np.float64).ravel())
    n, total = len(a), float(a.sum())
    if not n or not total > 0.0:
        return Inequality(*[float("nan")] * 8)
    share = a / total
    squares = float(share @ share)
    # Ranks centred at their middle: equal areas then give 0 without cancellation.
    ranks = np.arange(1 - n, n, 2, dtype=np.float64)
    logs = np.log(share, out=np.zeros(n), where=share > 0)
    entropy = -float(share @ logs)
    return Inequality(
        mean=total / n,
        median=float(a[n // 2] if n % 2 else (a[n // 2 - 1] + a[n // 2]) / 2),
        weighted=total * squares,
        cv=float(a.std()) * n / total,
        gini=float(ranks @ share) / n,
        entropy=entropy,
        effective_number=float(np.exp(entropy)),
        inverse_simpson=1.0 / squares,
    )


def inner_edges(p: Polygons) -> np.ndarray:
    """The corners whose edge lies inside the slice, each edge once: from the region of the lower number, (edges,).

    An edge to a region that is not listed counts, from the one side that is.
    """
    r, across = rings(p), np.asarray(p.neighbours)
    return np.flatnonzero((across > r.owner) | (across == UNLISTED))


def boundary_length(p: Polygons) -> float:
    """Length of the boundaries between regions inside the slice, every piece once; the slice's own border is none.

    In a complete list every piece has an edge on both sides, so it is half the sum over the inner edges of all regions,
    whatever is known of their neighbours.

    Example:
        >>> from linregions import Box, Network, enumerate_regions
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> boundary_length(enumerate_regions(net, Box.cube(-1, 1, 2)).polygons)
        4.0
    """
    return float(_by_layer(p).sum())


def edge_lengths(p: Any, at: np.ndarray) -> np.ndarray:
    """Lengths of the edges from the corners `at` to the next ones of their regions."""
    r = rings(p)
    x, y = (np.asarray(r.xy)[r.following[at]] - np.asarray(r.xy)[at]).T
    return np.sqrt(x * x + y * y)


def _by_layer(p: Any) -> np.ndarray:
    across = np.asarray(p.neighbours)
    at = np.flatnonzero(across != BORDER)
    # What is not listed behind an edge is in the list nevertheless where the list is complete, unjoined.
    sides = np.where((across[at] == UNLISTED) & (p.count.status.value != "complete"), 1.0, 0.5)
    layers = np.asarray(p.layers)[at]
    return np.bincount(layers, weights=sides * edge_lengths(p, at), minlength=1 + int(layers.max(initial=-1)))


def boundary_length_by_layer(p: Polygons) -> np.ndarray:
    """The same, split by the stage of the network whose unit makes the boundary, (deepest stage that does + 1,).

    Where several units' boundaries coincide, the shallowest has it.

    Example:
        >>> from linregions import Box, Network, enumerate_regions
        >>> net = Network.from_arrays([([[1.0, 0.0]], [0.0]), ([[1.0]], [-0.5]), ([[1.0]], [0.0])])
        >>> boundary_length_by_layer(enumerate_regions(net, Box.cube(-1, 1, 2)).polygons).tolist()
        [2.0, 2.0]
    """
    return _by_layer(p)


def neighbours(p: Polygons) -> np.ndarray:
    """Number of regions across the edges of every region, inside the slice, (regions,).

    Example:
        >>> from linregions import Box, Network, enumerate_regions
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> neighbours(enumerate_regions(net, Box.cube(-1, 1, 2)).polygons).tolist()
        [2, 2, 2, 2]
    """
    return rings(p).sums((np.asarray(p.neighbours) != BORDER).astype(np.int64))


def touches_border(p: Polygons) -> np.ndarray:
    """Whether an edge of a region lies on the slice's border: such a region is cut off, its size a lower bound.

    Example:
        >>> from linregions import Box, Network, enumerate_regions
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> touches_border(enumerate_regions(net, Box.cube(-1, 1, 2)).polygons).tolist()
        [True, True, True, True]
    """
    return rings(p).sums((np.asarray(p.neighbours) == BORDER).astype(np.int64)) > 0


def slivers(p: Polygons) -> np.ndarray:
    """Which regions have less than 1e-12 of the slice's area, (regions,) bool.

    They count as regions; ratios of lengths leave them out, as float64 corners say little about their shape.
    """
    return ~(np.asarray(p.areas) >= SLIVER * p.area_domain)


def edges_hist(p: Any) -> np.ndarray:
    """Number of regions with 0, 1, 2, ... edges.

    Example:
        >>> from linregions.metrics import Rings
        >>> edges_hist(Rings.of([[(0, 0), (1, 0), (0, 1)], [(0, 0), (1, 0), (1, 1), (0, 1)]])).tolist()
        [0, 0, 0, 1, 1]
    """
    return np.bincount(rings(p).sizes)


def log_area_hist(p: Polygons, bins: int = 48, *, decades: float = 12.0) -> tuple[np.ndarray, np.ndarray]:
    """Histogram of log10(area / area of the slice): counts (bins + 1,) and the bins' edges (bins + 2,).

    Bins are the same for every partition: from 10^-decades to 1 in equal steps, and before them one from -inf for the
    rest.

    Raises:
        InputError: `bins` is no positive whole number, or `decades` is not positive.

    Example:
        >>> from linregions import Box, Network, enumerate_regions
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> counts, edges = log_area_hist(enumerate_regions(net, Box.cube(-1, 1, 2)).polygons, 2, decades=2)
        >>> counts.tolist(), edges.tolist()
        ([0, 0, 4], [-inf, -2.0, -1.0, 0.0])
    """
    bins = whole_number(bins, "bins")
    if not 0 < decades < np.inf:
        raise InputError(f"decades must be a positive number, got {decades}")
    with np.errstate(all="ignore"):
        logs = np.log10(np.asarray(p.areas) / p.area_domain)
    cuts = np.linspace(-float(decades), 0.0, bins + 1)
    # Rounding may put the share of a lone region above 1, and the log of a sliver's area may be NaN.
    at = np.clip(np.searchsorted(cuts, logs, side="right"), 0, bins)
    at[~(logs >= cuts[0])] = 0
    return np.bincount(at, minlength=bins + 1), np.concatenate([[-np.inf], cuts])


def distributions(p: Polygons) -> dict[str, np.ndarray]:
    """The histograms beside `summary`: `edges_hist`, `log_area_hist`, `log_area_edges`, `boundary_length_by_layer`."""
    counts, cuts = log_area_hist(p)
    return {
        "edges_hist": edges_hist(p),
        "log_area_hist": counts,
        "log_area_edges": cuts,
        "boundary_length_by_layer": boundary_length_by_layer(p),
    }


def summary(p: Polygons, maps: np.ndarray | None = None, *, eps: float = 1e-9) -> dict[str, float]:
    """The metrics of one slice as a flat dict of numbers; `catalogue()` says what each of them is.

    Ratios (`ecc_moment`, `ecc_splinecam`, `aspect`, `roundness`, `isoperimetric`) are medians over the regions that
    are no slivers; `n_slivers` says how many were left out.  Names that end in `_inner` leave out the regions that
    touch the slice's border as well, NaN where none is left.  With incomplete polygons all of it is about the regions
    that are listed.

    Args:
        p: polygons of a slice.
        maps: `slice_maps` of the same regions (regions, outputs, 3), or None.
        eps: two neighbours whose maps differ by less, relatively, count as one region of `n_regions_merged`.

    Example:
        >>> from linregions import Box, Network, enumerate_regions
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> found = summary(enumerate_regions(net, Box.cube(-1, 1, 2)).polygons)
        >>> found["n_regions"], found["area_mean"], found["edges_mean"], found["boundary_length"]
        (4.0, 1.0, 4.0, 4.0)
    """
    r, areas = rings(p), np.asarray(p.areas)
    border, thin = touches_border(p), slivers(p)
    out = {"n_regions": float(len(r)), "density": len(r) / p.area_domain}
    out |= {f"area_{name}": value for name, value in area_statistics(areas).as_dict().items()}
    out |= {"n_slivers": float(thin.sum()), "touches_border": _mean(border)}
    ratios = dict(zip(RATIOS, r.each(shapes.ratios, results=len(RATIOS)), strict=True))
    for name, values in ratios.items():
        out[name] = _median(values[~thin])
    out |= {"log_aspect_mean": _mean(np.log(ratios["aspect"][~thin]))}
    inner = ~border
    found = area_statistics(areas[inner])
    out |= {"area_mean_inner": found.mean, "area_median_inner": found.median, "area_cv_inner": found.cv}
    for name in ("ecc_moment", "aspect", "roundness"):
        out[f"{name}_inner"] = _median(ratios[name][inner & ~thin])
    out |= {"edges_mean": _mean(r.sizes), "edges_max": float(r.sizes.max(initial=0))}
    out |= {"neighbours_mean": _mean(neighbours(p))}
    by_layer = boundary_length_by_layer(p)
    out["boundary_length"] = float(by_layer.sum())
    out |= {f"boundary_length_layer_{k}": float(length) for k, length in enumerate(by_layer)}
    if maps is not None:
        from .jacobian import jacobian_summary

        out |= jacobian_summary(p, maps, eps)
    return out


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _median(values: np.ndarray) -> float:
    """The median of what is a number: rounding leaves some ratios of the thinnest regions undefined."""
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else float("nan")
