"""Bounds on the number of linear regions of an architecture or a network.

Every bound is a function of an architecture that returns a `Bound`: an exact integer with its formula, reference,
direction, definition, conditions and status.  `all` asks every one of them, `best` gives the tightest proven pair.
"""

from .architecture import Architecture, architecture_of
from .arora_2018 import arora_2018, depth_enough, sawtooth_pieces, serra_2018_zonotope, units_needed
from .arrangements import bounded_faces, bounded_regions, central_regions, faces, parallel_families, regions
from .bound import Bound, ConditionError
from .catalogue import all, best
from .convolution import Convolution, convolution_layer, convolution_lower, convolution_upper
from .expected import (
    Expected,
    gaussian_density,
    hanin_rolnick,
    hanin_rolnick_density,
    heuristic_density,
    one_layer,
    one_layer_line,
    one_layer_vertices,
)
from .general import general
from .hinz import gamma_2021, hinz_2021, histogram_bound
from .maxout import (
    maxout_layer_lower,
    maxout_layer_upper,
    maxout_without_biases,
    montufar_2014_maxout,
    serra_2018_maxout,
    tseran_montufar_2021,
    tseran_montufar_2021_boundary,
)
from .montufar_2014 import montufar_2014
from .montufar_2017 import montufar_2017, trivial
from .one_dimension import one_dimension
from .pascanu_2014 import pascanu_2014, pascanu_2014_special, shallow
from .raghu_2017 import Growth, raghu_2017
from .serra_2018 import serra_2018, serra_2018_lower
from .stable import on_domain
from .table import Pair, Table
from .telgarsky_2016 import composed_teeth, crossings, most_crossings, repeated_teeth
from .zigzag import zigzag_product

__all__ = [
    "Architecture",
    "Bound",
    "ConditionError",
    "Convolution",
    "Expected",
    "Growth",
    "Pair",
    "Table",
    "all",
    "architecture_of",
    "arora_2018",
    "best",
    "bounded_faces",
    "bounded_regions",
    "central_regions",
    "composed_teeth",
    "convolution_layer",
    "convolution_lower",
    "convolution_upper",
    "crossings",
    "depth_enough",
    "faces",
    "gamma_2021",
    "gaussian_density",
    "general",
    "hanin_rolnick",
    "hanin_rolnick_density",
    "heuristic_density",
    "hinz_2021",
    "histogram_bound",
    "maxout_layer_lower",
    "maxout_layer_upper",
    "maxout_without_biases",
    "montufar_2014",
    "montufar_2014_maxout",
    "montufar_2017",
    "most_crossings",
    "on_domain",
    "one_dimension",
    "one_layer",
    "one_layer_line",
    "one_layer_vertices",
    "parallel_families",
    "pascanu_2014",
    "pascanu_2014_special",
    "raghu_2017",
    "regions",
    "repeated_teeth",
    "sawtooth_pieces",
    "serra_2018",
    "serra_2018_lower",
    "serra_2018_maxout",
    "serra_2018_zonotope",
    "shallow",
    "trivial",
    "tseran_montufar_2021",
    "tseran_montufar_2021_boundary",
    "units_needed",
    "zigzag_product",
]
