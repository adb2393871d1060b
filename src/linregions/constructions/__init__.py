"""Networks with exact weights whose number of regions is known, and random ones."""

from .arora_2018 import arora_2018, serra_2018_zonotope
from .arrangements import ARRANGEMENTS, Arrangement, arrangement
from .construction import Construction
from .folds import zigzag_product
from .maxout import maxout_parallel
from .montufar_2014 import montufar_2014
from .pascanu_2014 import pascanu_2014, pascanu_2014_special
from .random import random, trained
from .serra_2018 import serra_2018, serra_2018_line
from .shallow import shallow
from .telgarsky_2016 import telgarsky_2016

__all__ = [
    "ARRANGEMENTS",
    "Arrangement",
    "Construction",
    "arora_2018",
    "arrangement",
    "maxout_parallel",
    "montufar_2014",
    "pascanu_2014",
    "pascanu_2014_special",
    "random",
    "serra_2018",
    "serra_2018_line",
    "serra_2018_zonotope",
    "shallow",
    "telgarsky_2016",
    "trained",
    "zigzag_product",
]
