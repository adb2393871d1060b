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
    "enclosing": ("Ellipse", "Rectangle", "bounding_ellipse", "bounding_rectangle"),
    "frame": ("orthonormal",),
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
    "maps": ("slice_maps",),
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
    "theory": ("degree_bound", "hanin_rolnick_bound", "maxout_bound"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = sorted(_MODULE_OF)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        value = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


# A module that is imported hides a function of its name; these are looked up before anybody can import the module.
for _name in sorted(_HOME.keys() & _MODULE_OF.keys()):
    __getattr__(_name)
