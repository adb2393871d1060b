"""Metrics of the linear regions: pure functions of the polygons of a 2-D slice, of points, of paths, of features.

`summary` gives the metrics of a slice as one flat dict, `identities` tests the list they are taken from, `catalogue`
says what each metric is.  Every name is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Which module holds which public names.
_HOME = {
    "catalogue": ("Catalogue", "Metric", "catalogue"),
    "circles": ("circumradius", "inradius", "roundness"),
    "decision": ("decision_boundary_length",),
    "distances": ("Distances", "boundary_distance", "boundary_distances", "exact_boundary_distance"),
    "enclosing": ("Ellipse", "Rectangle", "bounding_ellipse", "bounding_rectangle"),
    "identities": ("Identities", "identities"),
    "jacobian": (
        "Jumps",
        "gradient_norms",
        "gradient_variation",
        "jumps",
        "merged_regions",
        "n_regions_merged",
        "neighbour_similarity",
        "singular_values",
    ),
    "local_complexity": (
        "ExactCounts",
        "LocalCounts",
        "local_complexity",
        "local_complexity_exact",
        "local_complexity_layer1",
    ),
    "maps": ("slice_maps",),
    "normals": ("Across", "NormalAngles", "across_nearest", "normal_angles"),
    "overlay": ("Overlay", "SplitMerge", "overlay", "overlay_of", "split_merge"),
    "paths": ("Path", "absolute_deviation", "crossings", "loop"),
    "points": ("Ranks", "jac_norm", "jacobians", "local_rank"),
    "polytopes": ("chebyshev_radius", "halfspaces_at", "n_facets", "n_facets_lp", "region_at"),
    "regions": (
        "Inequality",
        "area_statistics",
        "boundary_length",
        "boundary_length_by_layer",
        "distributions",
        "edges_hist",
        "inner_edges",
        "log_area_hist",
        "neighbours",
        "slivers",
        "summary",
        "touches_border",
    ),
    "representation": (
        "alignment",
        "dead_units",
        "effective_rank",
        "knn_accuracy",
        "linear_probe",
        "mean_cosine",
        "ncm_accuracy",
        "std_normalised",
        "uniformity",
    ),
    "rings": ("Rings",),
    "shapes": (
        "Moments",
        "angles",
        "areas",
        "aspect",
        "centroids",
        "diameter",
        "ecc_moment",
        "ecc_splinecam",
        "edges",
        "isoperimetric",
        "moments",
        "perimeters",
        "triangles",
        "width",
    ),
    "smooth": ("local_complexity_smooth",),
    "theory": ("degree_bound", "hanin_rolnick_bound", "maxout_bound"),
}
# These need torchmetrics, so `from linregions.metrics import *` leaves them out.
_EXTRA = {"streaming": ("BoundaryDistance", "JacobianNorm", "LocalComplexity", "LocalRank")}
_MODULE_OF = {name: module for module, names in {**_HOME, **_EXTRA}.items() for name in names}

__all__ = sorted(name for names in _HOME.values() for name in names)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        value = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF})


# A module that is imported hides a function of its name; these are looked up before anybody can import the module.
for _name in sorted(_HOME.keys() & _MODULE_OF.keys()):
    __getattr__(_name)
