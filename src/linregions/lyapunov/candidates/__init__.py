"""Candidates for Lyapunov functions: networks with one output and exact float64 weights, and wrong ones for control."""

from .controls import perturbed, raised, sliver
from .norms import chain_norm, linear_norm, max_norm, one_norm
from .polygons import interpolation, polygon_gauge, rays
from .zonotopes import directions, modal_zonotope, regular_polygon, zonotope

__all__ = [
    "chain_norm",
    "directions",
    "interpolation",
    "linear_norm",
    "max_norm",
    "modal_zonotope",
    "one_norm",
    "perturbed",
    "polygon_gauge",
    "raised",
    "rays",
    "regular_polygon",
    "sliver",
    "zonotope",
]
